/* Files that are sent by the kernel where it can, and read and written where not; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "hush.h"
#include "stream_priv.h"

enum {
    PIECE = 16384,   /* that is read at once */
    BURST = 1 << 20, /* without a turn for the other tasks */
};

typedef struct job {
    awl_stream *s; /* NULL: it has not begun */
    int fd;
    int64_t offset, count, sent;
    char *piece; /* NULL: not needed so far */
    bool seeks;  /* at the end */
} job;

/* How many bytes to ask for, at most `most`; and where in the file they are. false: no off_t can say that. */
static bool next_part(const job *j, size_t most, size_t *len, off_t *at)
{
    const int64_t left = j->count ? j->count - j->sent : INT64_MAX;
    const int64_t start = j->sent <= INT64_MAX - j->offset ? j->offset + j->sent : INT64_MAX;

    *len = left < (int64_t)most ? (size_t)left : most;
    *at = (off_t)start;
    return *at == start && start != INT64_MAX;
}

/* sendfile(2), which has no MSG_NOSIGNAL, and moves one piece after the other: it may have raised the signal for the
 * second and tell of the bytes of the first. Bytes, 0 at the end of the file, or -error. */
static ssize_t send_part(job *j)
{
    size_t len;
    ssize_t n;
    off_t at;
    awl__hush h;

    if (!next_part(j, BURST, &len, &at))
        return -EOVERFLOW;
    awl__hush_begin(&h);
    do
        n = sendfile(j->s->io.fd, j->fd, &at, len);
    while (n < 0 && errno == EINTR);
    awl__hush_end(&h, n < 0 ? errno == EPIPE : (size_t)n < len);
    if (n > 0)
        j->s->moved += (uint32_t)n;
    return awl__io_result(n, &j->s->writable);
}

/* Whether an error of sendfile(2) is the connection's, who says it but once; no file has these. Then the stream fails
 * with it, as by a write. */
static bool connection_failed(awl_stream *s, int error)
{
    static const int errors[] = { EPIPE,       ECONNRESET,  ECONNABORTED, ETIMEDOUT,
                                  EHOSTUNREACH, ENETUNREACH, ENETDOWN,     EHOSTDOWN };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (error != errors[i])
            continue;
        s->readable = true; /* what came before is there, also if no event has told of it yet */
        awl__stream_fail(s, error);
        return true;
    }
    return false;
}

/* The same by way of memory; the stream keeps what it cannot send at once. */
static ssize_t copy_part(job *j)
{
    awl_loop *loop = j->s->io.loop;
    size_t len;
    ssize_t n;
    off_t at;
    int error;

    if (!next_part(j, PIECE, &len, &at))
        return -EOVERFLOW;
    if (!j->piece)
        j->piece = awl__alloc(loop, PIECE);
    if (!j->piece)
        return -ENOMEM;
    do
        n = pread(j->fd, j->piece, len, at);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    error = awl__stream_write(j->s, j->piece, (size_t)n);
    return error ? -error : n;
}

/* 0 or the error: from now on nobody else writes. */
static int begin(job *j, awl_stream *s)
{
    const int error = awl__stream_may_write(s);

    if (error)
        return error;
    if (j->offset < 0 || j->count < 0)
        return EINVAL;
    if (s->eof_asked)
        return EPIPE;
    s->refs++;
    s->sending = true;
    j->s = s;
    return 0;
}

/* The position in the file tells how far it came. */
static void end(job *j)
{
    off_t at;
    size_t len;

    if (!j->s)
        return;
    if (j->seeks && next_part(j, 0, &len, &at))
        lseek(j->fd, at, SEEK_SET);
    awl__free(j->s->io.loop, j->piece, PIECE);
    j->s->sending = false;
    awl__stream_drop(j->s);
    j->s = NULL;
}

/* What sendfile(2) refuses is tried by way of memory, which tells whether it was the file's fault. */
co_def(send_file, {
    job j;
    awl_stream *s;
    int error;
    size_t burst;
    bool by_kernel;
})
{
    ssize_t n;

    co_begin;
    self->error = begin(&self->j, self->s);
    if (self->error)
        co_raise(self->error);
    self->by_kernel = self->s->transport == &awl__socket_transport;
    while (!self->j.count || self->j.sent < self->j.count) {
        while (self->by_kernel && self->s->gate.unsent_ && !self->s->closing) /* which goes first */
            co_await(awl__stream_change(self->s));
        if (self->s->error || self->s->closing)
            co_raise(self->s->error ? self->s->error : ECONNABORTED);
        n = self->by_kernel ? send_part(&self->j) : copy_part(&self->j);
        if (n == -EAGAIN && self->by_kernel) {
            co_await(awl__stream_change(self->s));
            continue;
        }
        if (n < 0 && (!self->by_kernel || connection_failed(self->s, (int)-n)))
            co_raise((int)-n);
        if (n < 0)
            self->by_kernel = false;
        else if (n == 0)
            break;
        else
            self->j.sent += n, self->burst += (size_t)n;
        if (!self->by_kernel)
            co_await(awl_stream_drain(self->s));
        if (self->burst >= BURST) {
            self->burst = 0;
            co_await(awl_sleep(0));
        }
    }
    co_return(self->j.sent);
    co_finally;
    end(&self->j);
    co_end;
}

awl_coro awl_stream_sendfile(awl_stream *s, int fd, int64_t offset, int64_t count)
{
    return co_call(send_file, .s = s, .j = { .fd = fd, .offset = offset, .count = count, .seeks = true });
}

awl_coro awl__stream_sendfile(awl_stream *s, int fd, int64_t offset, int64_t count)
{
    return co_call(send_file, .s = s, .j = { .fd = fd, .offset = offset, .count = count });
}
