/* What the tests of datagrams share: endpoints on loopback, pairs with little room, and raw sockets as their peers. */
#ifndef STREAM_DATAGRAM_RIG_H
#define STREAM_DATAGRAM_RIG_H

#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define HERE "127.0.0.1"

/* Opens an endpoint within a test's coroutine. */
/* At the start of a test of groups. */
static inline void need_options_of_groups(void)
{
    if (getenv("MESON_EXE_WRAPPER"))
        SKIP("qemu-user does not pass on the options of groups");
}

#define OPEN(d, ...) co_let((d), awl_open_datagram(__VA_ARGS__))

static inline awl_address at(const char *host, int port)
{
    awl_address address;

    CHECK_INT(awl_address_parse(host, port, &address), 0);
    return address;
}

/* The address as text; in memory that the next call overwrites. */
static inline const char *text_of(const awl_address *address)
{
    static char text[AWL_ADDRESS_TEXT];

    return awl_address_text(address, text, sizeof text);
}

/* A raw socket, non-blocking, bound to a port of the kernel's choice on loopback. */
static inline int open_raw(int family, int *port)
{
    awl_address address = at(family == AF_INET ? HERE : "::1", 0);
    socklen_t size = sizeof address.of;
    const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, &address.of.any, awl_address_size(&address)) < 0)
        SKIP("this address cannot be bound here");
    CHECK_INT(getsockname(fd, &address.of.any, &size), 0);
    *port = awl_address_port(&address);
    return fd;
}

/* A port of loopback at which nobody is. */
static inline int free_port(void)
{
    int port;

    close(open_raw(AF_INET, &port));
    return port;
}

static inline void put_to(int fd, const char *text, int port)
{
    const awl_address to = at(HERE, port);

    CHECK_INT(sendto(fd, text, strlen(text), 0, &to.of.any, awl_address_size(&to)), strlen(text));
}

/* An endpoint over one end of a pair, into which few datagrams fit; *peer is the other end, raw and non-blocking. */
static inline awl_datagram *open_narrow(int *peer, const awl_datagram_options *options)
{
    static const int least = 1;
    int fds[2];
    awl_datagram *d;

    CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    CHECK_INT(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    d = awl_datagram_from_fd(fds[0], options);
    CHECK(d != NULL);
    *peer = fds[1];
    return d;
}

/* The text of the next datagram at a raw socket; "-" if there is none, "" if it is empty. */
static inline const char *next_of(int fd)
{
    static char text[4096];
    const ssize_t n = recv(fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return n < 0 ? "-" : text;
}

/* Sends numbers, from `*i` on, until some of them are unsent. */
static inline void fill(awl_datagram *d, int *i)
{
    char text[16];

    while (!awl_datagram_unsent(d)) {
        snprintf(text, sizeof text, "%d", (*i)++);
        CHECK_INT(awl_datagram_send(d, text, strlen(text), NULL), 0);
    }
}

/* ---- Operations as tasks ----------------------------------------------------------------------------------------- */

co_def(receives, { awl_datagram *d; char buf[16]; int n; })
{
    co_begin;
    co_let(self->n, awl_datagram_receive(self->d, self->buf, sizeof self->buf, NULL));
    co_return(self->n);
    co_end;
}

co_def(receives_many, { awl_datagram *d; awl_packet packets[2]; char buf[2][16]; int n; })
{
    co_begin;
    for (int i = 0; i < 2; i++)
        self->packets[i] = (awl_packet){ .data = self->buf[i], .cap = sizeof self->buf[i] };
    co_let(self->n, awl_datagram_receive_many(self->d, self->packets, 2));
    co_return(self->n);
    co_end;
}

co_def(drains, { awl_datagram *d; })
{
    co_begin;
    co_await(awl_datagram_drain(self->d));
    co_end;
}

static inline awl_task *start(awl_coro coroutine)
{
    awl_task *task = awl_create_task(coroutine);

    CHECK(task != NULL);
    return task;
}

static inline __attribute__((unused)) void datagram_rig_may_be_unused_(void)
{
    (void)open_raw, (void)free_port, (void)put_to, (void)open_narrow, (void)next_of, (void)fill, (void)start;
    (void)text_of;
}

#endif
