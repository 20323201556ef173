/* Streams over a descriptor: sockets by socket.c; pipes, terminals and serial ports here; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hush.h"
#include "stream_priv.h"

/* ---- Writing to a pipe without SIGPIPE --------------------------------------------------------------------------- */

/* MSG_NOSIGNAL is for sockets alone: elsewhere the signal is held up, and taken back if it came from this write. */
void awl__hush_begin(awl__hush *h)
{
    sigset_t pending;

    sigemptyset(&h->pipe);
    sigaddset(&h->pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &h->pipe, &h->before);
    h->pending = false;
    if (sigismember(&h->before, SIGPIPE) == 1) { /* else none that is pending can be older */
        sigpending(&pending);
        h->pending = sigismember(&pending, SIGPIPE) == 1;
    }
}

void awl__hush_end(const awl__hush *h, bool broken)
{
    const int error = errno;

    if (broken && !h->pending) {
        while (sigtimedwait(&h->pipe, NULL, &(struct timespec){ 0, 0 }) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &h->before, NULL);
    errno = error;
}

/* ---- The transport ----------------------------------------------------------------------------------------------- */

static ssize_t descriptor_read(void *self, void *buf, size_t cap)
{
    awl_stream *s = self;
    ssize_t n;

    if (!s->readable)
        return -EAGAIN;
    do
        n = read(s->io.fd, buf, cap);
    while (n < 0 && errno == EINTR);
    return awl__io_result(n, &s->readable);
}

static ssize_t descriptor_write(void *self, const struct iovec *parts, int n)
{
    awl_stream *s = self;
    ssize_t sent;
    awl__hush h;

    if (!s->writable)
        return -EAGAIN;
    awl__hush_begin(&h);
    do
        sent = writev(s->io.fd, parts, n);
    while (sent < 0 && errno == EINTR);
    awl__hush_end(&h, sent < 0 && errno == EPIPE);
    return awl__io_result(sent, &s->writable);
}

static void descriptor_close(void *self)
{
    awl_stream *s = self;
    const int fd = s->io.fd;

    awl__io_close(&s->io);
    if (s->flags >= 0 && !awl__loop_forked(s->io.loop)) /* who shares it, like the shell its terminal, finds it as it was */
        fcntl(fd, F_SETFL, s->flags);
    close(fd);
    s->io.fd = -1;
}

static const awl_transport descriptor_transport = { .read = descriptor_read,
                                                    .write = descriptor_write,
                                                    .close = descriptor_close };

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void changed(awl__io *io, bool readable, bool writable)
{
    awl_stream *s = (awl_stream *)(void *)((char *)io - offsetof(awl_stream, io));

    __builtin_prefetch(&s->gate); /* see expect_frame in socket.c */
    if (readable) {
        s->readable = true;
        s->short_read = false;
    }
    if (writable)
        s->writable = true;
    awl_stream_changed(s, readable, writable);
}

/* Whether a descriptor can be waited for. A file or /dev/null cannot, and libevent would say so on stderr. */
static bool can_wait(int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    const int probe = epoll_create1(EPOLL_CLOEXEC);
    bool can;

    if (probe < 0)
        return true; /* then it has to say so */
    can = epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) == 0 || errno != EPERM;
    close(probe);
    return can;
}

awl_stream *awl__stream_new(awl_loop *loop, int fd, bool is_socket, const awl_stream_options *options, int *error)
{
    awl_stream *s = awl__stream_make(loop, is_socket ? &awl__socket_transport : &descriptor_transport, options);

    *error = ENOMEM;
    if (!s)
        return NULL;
    s->self = s;
    s->io.changed = changed;
    *error = is_socket || can_wait(fd) ? awl__io_open(loop, &s->io, fd) : EPERM;
    if (*error == EPERM && !is_socket) /* there is nothing to wait for */
        *error = 0;
    if (*error) {
        awl__closer_remove(&s->closer);
        awl__free(loop, s, sizeof *s);
        return NULL;
    }
    s->io.fd = fd;
    s->readable = s->writable = true;
    if (is_socket)
        s->tcp = awl__socket_tune(fd, options);
    return s;
}

awl_stream *awl_stream_open(int fd, const awl_stream_options *options)
{
    const int flags = fcntl(fd, F_GETFL);
    awl_stream *s = NULL;
    int error = EINVAL;
    struct stat status;

    if (flags < 0 || fstat(fd, &status) < 0) {
        error = errno;
    } else if (S_ISDIR(status.st_mode)) {
        error = EISDIR;
    } else if (awl_running_) {
        s = awl__stream_new(awl_running_, fd, S_ISSOCK(status.st_mode), options, &error);
        if (s && !(flags & O_NONBLOCK)) {
            fcntl(fd, F_SETFL, flags | O_NONBLOCK);
            s->flags = S_ISSOCK(status.st_mode) ? -1 : flags;
        }
    }
    if (!s)
        errno = error;
    return s;
}
