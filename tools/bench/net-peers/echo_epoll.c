/*
 * An echo server on epoll and nothing else: as few system calls as an echo can have.
 *
 * Edge-triggered, each descriptor registered once. A read that got less than it asked for has emptied the socket, so it
 * is not tried again before the next edge (see epoll(7)), unless the other side has ended: two calls a message, and a
 * share of epoll_wait. What the kernel does not take at once is kept, and reading stops until it has been sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum { BATCH = 512 };

typedef struct conn {
    int fd;
    char *kept; /* NULL: all is sent */
    size_t at, len;
} conn;

static char buf[PEER_BUFFER];

static void end(conn *c)
{
    close(c->fd);
    free(c->kept);
    free(c);
}

/* Bytes that the kernel took; -1: the connection is lost. */
static ssize_t send_some(const conn *c, const char *data, size_t len)
{
    const ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

    return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* Sends what is kept. 1: all is sent; 0: not yet; -1: lost. */
static int flush(conn *c)
{
    while (c->kept) {
        const ssize_t n = send_some(c, c->kept + c->at, c->len - c->at);

        if (n <= 0)
            return (int)n;
        c->at += (size_t)n;
        if (c->at == c->len) {
            free(c->kept);
            c->kept = NULL;
        }
    }
    return 1;
}

/* Echoes what there is. false: the connection is over. */
static bool echo(conn *c, bool ended)
{
    for (;;) {
        const ssize_t n = recv(c->fd, buf, sizeof buf, 0);
        ssize_t sent;

        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        sent = send_some(c, buf, (size_t)n);
        if (sent < 0)
            return false;
        if (sent < n) {
            c->at = 0;
            c->len = (size_t)(n - sent);
            c->kept = malloc(c->len);
            if (!c->kept)
                return false;
            memcpy(c->kept, buf + sent, c->len);
            return true;
        }
        if ((size_t)n < sizeof buf && !ended)
            return true;
    }
}

static void accept_all(int epoll, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        conn *c = calloc(1, sizeof *c);
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = c } };

        if (!c)
            peer_fail("calloc");
        c->fd = fd;
        peer_nodelay(fd);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            peer_fail("epoll_ctl");
    }
}

int main(void)
{
    const int listener = peer_listen(), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[BATCH], event = { .events = EPOLLIN, .data = { .ptr = NULL } };

    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        peer_fail("epoll");
    for (;;) {
        const int n = epoll_wait(epoll, events, BATCH, -1);

        if (n < 0 && errno != EINTR)
            peer_fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            conn *c = events[i].data.ptr;
            const bool ended = events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
            int sent;

            if (!c) {
                accept_all(epoll, listener);
                continue;
            }
            sent = flush(c);
            if (sent < 0 || (sent > 0 && !echo(c, ended)))
                end(c);
        }
    }
}
