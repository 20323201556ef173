/* Writing: what the kernel does not take at once is kept; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "stream_priv.h"

enum { CHUNK = 2048 - sizeof(awl__chunk) };

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Copies to the end of what is unsent; all or nothing. false: no memory. */
static bool keep(awl_stream *s, const char *data, size_t len)
{
    awl__chunk *last = s->out_last, *chunk;
    size_t room = last ? last->cap - last->end : 0;

    if (room > len)
        room = len;
    if (len > room) {
        const size_t cap = len - room > CHUNK ? len - room : CHUNK;

        chunk = cap < SIZE_MAX / 2 ? awl__alloc(s->io.loop, sizeof *chunk + cap) : NULL;
        if (!chunk)
            return false;
        *chunk = (awl__chunk){ .end = len - room, .cap = cap };
        memcpy(chunk->data, data + room, len - room);
        if (last)
            last->next = chunk;
        else
            s->out = chunk;
        s->out_last = chunk;
    }
    if (room) {
        memcpy(last->data + last->end, data, room);
        last->end += room;
    }
    awl__gate_written(&s->gate, len);
    return true;
}

/* 0, or why nothing can be written. */
static int check(const awl_stream *s)
{
    if (!s)
        return EINVAL;
    awl__loop_check(s->io.loop);
    return s->error ? s->error : s->closing ? ECONNABORTED : 0;
}

int awl_stream_write(awl_stream *s, const void *data, size_t len)
{
    const int error = check(s);
    size_t sent = 0;

    if (error || !len)
        return error;
    if (s->eof_asked)
        return EPIPE;
    if (!s->gate.unsent_ && s->writable) {
        const ssize_t n = s->wire->write(s, data, len);

        if (n < 0 && n != -EAGAIN) {
            awl__stream_fail(s, (int)-n);
            return s->error;
        }
        sent = n < 0 ? 0 : (size_t)n;
        s->writable = sent == len;
    }
    if (sent == len || keep(s, (const char *)data + sent, len - sent))
        return 0;
    if (sent)
        awl__stream_fail(s, ENOMEM); /* with a hole in it, nothing that follows would be of use */
    return ENOMEM;
}

int awl_stream_print(awl_stream *s, const char *format, ...)
{
    char small[256], *text = small;
    va_list args;
    int len, error = check(s);

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
    const int error = check(s);

    if (error)
        return error;
    s->eof_asked = true;
    awl__stream_flush(s);
    return s->error;
}
