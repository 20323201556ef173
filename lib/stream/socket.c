/* Sockets: the wire that all other wires end in, and how they come to be. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "stream_priv.h"

/* ---- The wire ---------------------------------------------------------------------------------------------------- */

static ssize_t socket_read(awl_stream *s, void *buf, size_t cap)
{
    ssize_t n;

    do
        n = recv(s->io.fd, buf, cap, 0);
    while (n < 0 && errno == EINTR);
    s->short_read = n > 0 && (size_t)n < cap;
    return n < 0 ? errno == EWOULDBLOCK ? -EAGAIN : -errno : n;
}

/*
 * A write that succeeds after a short read proves that there was no error behind the bytes that were read; unless the
 * other side has ended, the next that happens is a change that the kernel tells of. So an echo need not try to read
 * again before it waits: two system calls a round trip.
 */
static ssize_t socket_write(awl_stream *s, const void *data, size_t len)
{
    ssize_t n;

    do
        n = send(s->io.fd, data, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && s->short_read && !s->io.ended)
        s->readable = false;
    return n < 0 ? errno == EWOULDBLOCK ? -EAGAIN : -errno : n;
}

static int socket_write_eof(awl_stream *s) { return shutdown(s->io.fd, SHUT_WR) < 0 ? errno : 0; }

static void socket_close(awl_stream *s)
{
    const int fd = s->io.fd;

    awl__io_close(&s->io);
    close(fd);
    s->io.fd = -1;
}

const awl__wire awl__socket_wire = { socket_read, socket_write, socket_write_eof, socket_close };

/* ---- Making sockets ---------------------------------------------------------------------------------------------- */

int awl__socket_connect(const awl_address *address, int *fd)
{
    const int s = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;

    if (s < 0)
        return errno;
    if (connect(s, &address->of.any, awl_address_size(address)) < 0)
        error = errno == EINTR ? EINPROGRESS : errno;
    if (error && error != EINPROGRESS) {
        close(s);
        return error;
    }
    *fd = s;
    return error;
}

int awl__socket_listen(const awl_address *address, int backlog, int *fd)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    const int s = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int one = 1;
    int error;

    if (s < 0)
        return errno;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->of.any.sa_family == AF_INET6) { /* everywhere means IPv4 too */
        const int only = memcmp(&address->of.v6.sin6_addr, &any, sizeof any) != 0;
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if (bind(s, &address->of.any, awl_address_size(address)) < 0 || listen(s, backlog) < 0) {
        error = errno;
        close(s);
        return error;
    }
    *fd = s;
    return 0;
}
