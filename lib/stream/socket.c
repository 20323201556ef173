/* Sockets: the transport of most streams, and how they come to be. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "stream_priv.h"

/* ---- What comes next --------------------------------------------------------------------------------------------- */

/*
 * With a thousand connections nothing that a task touches is in the cache when its turn comes: the kernel's part of the
 * messages between has filled it, and each line takes as long to come as a hundred instructions. A system call takes
 * longer: so before it reads for one task, a stream asks for the next one's frame, and for the task after that; and
 * before it writes, for the stream that the frame is about. These are inlined by force, as gcc drops calls of functions
 * that do nothing but this.
 */
CO_INLINE_ void expect_frame(const awl_loop *loop)
{
    const awl_task *next = awl__task_next(loop);

    if (!next)
        return;
    __builtin_prefetch(next->stack.leaf_);
    if (next->entry.next_) { /* mostly a task, too: its head lies before its entry */
        __builtin_prefetch(next->entry.next_);
        __builtin_prefetch((const void *)((uintptr_t)next->entry.next_ - offsetof(awl_task, entry)));
    }
}

CO_INLINE_ void expect_stream(const awl_loop *loop)
{
    const awl_task *next = awl__task_next(loop);
    const awl__stream_op *op = next ? (const awl__stream_op *)(const void *)next->stack.leaf_ : NULL;

    if (!op || op->co.type_->cancel != awl__stream_op_cancel || !op->stream)
        return;
    __builtin_prefetch(&op->stream->in.at_);
    __builtin_prefetch(&op->stream->refs);
    __builtin_prefetch(&op->stream->gate);
}

/* ---- The transport ----------------------------------------------------------------------------------------------- */

static ssize_t socket_read(void *self, void *buf, size_t cap)
{
    awl_stream *s = self;
    ssize_t n;

    if (!s->readable)
        return -EAGAIN;
    expect_frame(s->io.loop);
    do
        n = recv(s->io.fd, buf, cap, 0);
    while (n < 0 && errno == EINTR);
    s->short_read = n > 0 && (size_t)n < cap;
    return awl__io_result(n, &s->readable);
}

static size_t length(const struct iovec *parts, int n)
{
    size_t all = 0;

    for (int i = 0; i < n; i++)
        all += parts[i].iov_len;
    return all;
}

static ssize_t send_parts(int fd, const struct iovec *parts, int n)
{
    const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)n };

    return n == 1 ? send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL) : sendmsg(fd, &message, MSG_NOSIGNAL);
}

/*
 * A write that succeeds after a short read proves that there was no error behind the bytes that were read; unless the
 * other side has ended, the next that happens is a change that the kernel tells of. So an echo need not try to read
 * again before it waits: two system calls a round trip. (Of TCP alone: a Unix socket's read also stops behind a message
 * that carries descriptors. Before urgent bytes TCP's does, too, which are of the past: what follows them is read when
 * more comes.)
 */
static ssize_t socket_write(void *self, const struct iovec *parts, int n)
{
    awl_stream *s = self;
    ssize_t sent;

    if (!s->writable)
        return -EAGAIN;
    expect_stream(s->io.loop);
    do
        sent = send_parts(s->io.fd, parts, n);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        if (s->short_read && s->tcp && !s->io.ended)
            s->readable = false;
        if ((size_t)sent < length(parts, n))
            s->writable = false; /* it is full */
        return sent;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        s->readable = true; /* what came before is there, also if no event has told of it yet */
        return -errno;
    }
    s->writable = false;
    return -EAGAIN;
}

/* Why a connection is none any more. */
static int lost(int fd)
{
    socklen_t size = sizeof(int);
    int error = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error ? error : EPIPE;
}

static int socket_write_eof(void *self)
{
    const int fd = ((awl_stream *)self)->io.fd;

    if (shutdown(fd, SHUT_WR) == 0)
        return 0;
    return errno == ENOTCONN ? -lost(fd) : -errno; /* after a reset that nobody has been told of */
}

static void socket_close(void *self)
{
    static const struct linger reset = { 1, 0 };
    awl_stream *s = self;
    const int fd = s->io.fd;

    awl__io_close(&s->io);
    if (s->end_tells && s->error)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    s->io.fd = -1;
}

const awl_transport awl__socket_transport = { .read = socket_read,
                                              .write = socket_write,
                                              .write_eof = socket_write_eof,
                                              .close = socket_close };

/* ---- Making sockets ---------------------------------------------------------------------------------------------- */

/* Binds to the first of the local addresses that can be, among those of the family. Result: 0 or the error. */
static int bind_local(int fd, int family, const awl_address *local, int n_local)
{
    const int one = 1;
    int error = n_local ? EADDRNOTAVAIL : 0;

    for (int i = 0; i < n_local; i++) {
        if (local[i].of.any.sa_family != family)
            continue;
        /* A port that is given may be that of connections which are ending, or to other addresses; one that is not need
         * not be unique but for each address that is connected to. */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(fd, &local[i].of.any, awl_address_size(&local[i])) == 0)
            return 0;
        error = errno;
    }
    return error;
}

int awl__socket_connect(const awl_address *address, const awl_address *local, int n_local, int *fd)
{
    const int s = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;

    if (s < 0)
        return errno;
    if (n_local)
        error = bind_local(s, address->of.any.sa_family, local, n_local);
    if (!error && connect(s, &address->of.any, awl_address_size(address)) < 0)
        error = errno == EINTR ? EINPROGRESS : errno;
    if (error && error != EINPROGRESS) {
        close(s);
        return error;
    }
    *fd = s;
    return error;
}

/* Whether it is of TCP. TCP_KEEPINTVL a third of the silence and three probes: as long again, and the peer is given up,
 * see tcp(7). On a socket that is not of TCP none of it does anything. */
bool awl__socket_tune(int fd, const awl_stream_options *options)
{
    const awl_time silence = options ? options->keep_alive : 0;
    const int one = 1, idle = silence < 32767 * AWL_SECOND ? (int)((silence + AWL_SECOND - 1) / AWL_SECOND) : 32767;
    const int interval = (idle + 2) / 3, probes = 3, at_once = !options || !options->nagle;
    const bool tcp = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) == 0;

    if (silence > 0) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    }
    return tcp;
}

int awl__socket_listen(const awl_address *address, const awl_stream_options *options, int *fd)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    const int s = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int one = 1;
    int error;

    if (s < 0)
        return errno;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->of.any.sa_family == AF_INET6) { /* everywhere means IPv4 too */
        const int only = options->ipv6_only || memcmp(&address->of.v6.sin6_addr, &any, sizeof any) != 0;
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if ((options->reuse_port && setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) ||
        bind(s, &address->of.any, awl_address_size(address)) < 0 || listen(s, options->backlog) < 0) {
        error = errno;
        close(s);
        return error;
    }
    *fd = s;
    return 0;
}
