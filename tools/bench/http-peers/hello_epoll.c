/*
 * What an HTTP server on epoll costs that does nothing for a request: it looks for the ends of heads, and sends the
 * same bytes for each. Heads that come in pieces, as a load on loopback does not send them, are not understood.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum { BATCH = 512 };

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                             "Server: raw\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 12\r\n"
                             "\r\n"
                             "Hello world\n";

static char buf[PEER_BUFFER];

/* Answers what there is. false: the connection is over. */
static bool answer_all(int fd, bool ended)
{
    const ssize_t n = recv(fd, buf, sizeof buf, 0);
    const char *at = buf, *head_end;

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    while ((head_end = memmem(at, (size_t)(buf + n - at), "\r\n\r\n", 4)) != NULL) {
        if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != (ssize_t)sizeof answer - 1)
            return false;
        at = head_end + 4;
    }
    return at == buf + n && !ended;
}

static void accept_all(int epoll, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = { .fd = fd } };

        peer_nodelay(fd);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            peer_fail("epoll_ctl");
    }
}

int main(void)
{
    const int listener = peer_listen(), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[BATCH], event = { .events = EPOLLIN, .data = { .fd = listener } };

    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        peer_fail("epoll");
    for (;;) {
        const int n = epoll_wait(epoll, events, BATCH, -1);

        if (n < 0 && errno != EINTR)
            peer_fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            const int fd = events[i].data.fd;

            if (fd == listener)
                accept_all(epoll, listener);
            else if (!answer_all(fd, events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
                close(fd);
        }
    }
}
