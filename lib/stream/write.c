/* Writing: what the kernel does not take at once is kept; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "stream_priv.h"

enum { CHUNK = 2048 - sizeof(awl__chunk) };

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Makes room behind what is unsent: what the last chunk has, and a new one. false: no memory, nothing has changed. */
static bool reserve(awl_stream *s, size_t len)
{
    awl__chunk *last = s->out_last, *chunk;
    const size_t room = last ? last->cap - last->end : 0;
    size_t cap = CHUNK;

    if (len <= room)
        return true;
    if (len - room > cap)
        cap = len - room;
    chunk = cap < SIZE_MAX / 2 ? awl__alloc(s->io.loop, sizeof *chunk + cap) : NULL;
    if (!chunk)
        return false;
    *chunk = (awl__chunk){ .cap = cap };
    if (last)
        last->next = chunk;
    else
        s->out = s->out_last = chunk;
    return true;
}

/* Copies to the end of what is unsent, where there is room. */
static void append(awl_stream *s, const char *data, size_t len)
{
    awl__gate_written(&s->gate, len);
    while (len) {
        awl__chunk *last = s->out_last;
        size_t n = last->cap - last->end;

        if (!n) {
            s->out_last = last->next;
            continue;
        }
        n = n < len ? n : len;
        memcpy(last->data + last->end, data, n);
        last->end += n;
        data += n;
        len -= n;
    }
}

/* Keeps all but the first `sent` of `len` bytes. 0 or the error. */
static int keep(awl_stream *s, const struct iovec *parts, size_t len, size_t sent)
{
    if (!reserve(s, len - sent)) {
        if (sent)
            awl__stream_fail(s, ENOMEM); /* with a hole in it, nothing that follows would be of use */
        return ENOMEM;
    }
    for (len -= sent; len; parts++) {
        const size_t skip = sent < parts->iov_len ? sent : parts->iov_len;

        append(s, (const char *)parts->iov_base + skip, parts->iov_len - skip);
        len -= parts->iov_len - skip;
        sent -= skip;
    }
    return 0;
}

int awl__stream_may_write(const awl_stream *s)
{
    if (!s)
        return EINVAL;
    awl__loop_check(s->io.loop);
    return s->error ? s->error : s->closing ? ECONNABORTED : s->sending ? EBUSY : 0;
}

/* Hands over as much as goes at once, of one byte at least. Result: as awl_transport's. */
static ssize_t write_now(awl_stream *s, const struct iovec *parts, int n)
{
    for (; !parts->iov_len; n--)
        parts++;
    return s->transport->write(s->self, parts, n < AWL__MOST_PARTS ? n : AWL__MOST_PARTS);
}

/* `len`: of all parts. */
static int write_parts(awl_stream *s, const struct iovec *parts, int n, size_t len)
{
    ssize_t sent = -EAGAIN;
    int error;

    if (s->eof_asked)
        return EPIPE;
    if (!s->gate.unsent_)
        sent = write_now(s, parts, n);
    if (sent < 0 && sent != -EAGAIN) {
        awl__stream_fail(s, (int)-sent);
        return s->error;
    }
    if (sent >= 0 && (size_t)sent == len)
        return 0;
    error = keep(s, parts, len, sent < 0 ? 0 : (size_t)sent);
    if (error || sent < 0)
        return error;
    awl__stream_flush(s); /* it has not said that it takes no more, so nobody would tell when it does */
    return s->error;
}

int awl__stream_write(awl_stream *s, const void *data, size_t len)
{
    return write_parts(s, &(struct iovec){ (void *)(uintptr_t)data, len }, 1, len);
}

int awl_stream_write(awl_stream *s, const void *data, size_t len)
{
    const struct iovec part = { (void *)(uintptr_t)data, len };
    const int error = awl__stream_may_write(s);

    if (error || !len)
        return error;
    return data ? write_parts(s, &part, 1, len) : EINVAL;
}

int awl_stream_writev(awl_stream *s, const struct iovec *parts, int n)
{
    const int error = awl__stream_may_write(s);
    size_t len = 0;

    if (error)
        return error;
    if (n < 0 || (n && !parts))
        return EINVAL;
    for (int i = 0; i < n; i++) {
        if (parts[i].iov_len > SIZE_MAX / 2 - len || (parts[i].iov_len && !parts[i].iov_base))
            return EINVAL;
        len += parts[i].iov_len;
    }
    return len ? write_parts(s, parts, n, len) : 0;
}

int awl_stream_print(awl_stream *s, const char *format, ...)
{
    char small[256], *text = small;
    va_list args;
    int len, error = awl__stream_may_write(s);

    if (error)
        return error;
    va_start(args, format);
    len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len < 0)
        return EINVAL;
    if ((size_t)len >= sizeof small) {
        text = awl__alloc(s->io.loop, (size_t)len + 1);
        if (!text)
            return ENOMEM;
        va_start(args, format);
        vsnprintf(text, (size_t)len + 1, format, args);
        va_end(args);
    }
    error = awl_stream_write(s, text, (size_t)len);
    if (text != small)
        awl__free(s->io.loop, text, (size_t)len + 1);
    return error;
}

int awl_stream_write_eof(awl_stream *s)
{
    const int error = awl__stream_may_write(s);

    if (error)
        return error;
    return s->transport->write_eof ? awl__stream_part(s) : EOPNOTSUPP;
}

int awl__stream_part(awl_stream *s)
{
    s->eof_asked = true;
    awl__stream_flush(s);
    return s->error;
}
