/* Bodies that come in; see incoming.h. */
#define _GNU_SOURCE
#include "incoming.h"

#include <errno.h>

#include "../stream/stream_priv.h"

/* Bytes of chunk lines and trailers that may come beyond what there is data for: else a body of small chunks with long
 * extensions would keep us busy with thousands of times its length. */
enum { MOST_OVERHEAD = 16384, OVERHEAD_PER_BYTE = 16 };

void awl__incoming_begin(awl__incoming *in, awl_stream *s, enum awl__framing framing, uint64_t length, uint64_t limit)
{
    *in = (awl__incoming){ .s = s, .framing = framing, .limit = limit };
    if (framing == AWL__BODY_LENGTH)
        in->left = length;
    in->ended = framing == AWL__NO_BODY || (framing == AWL__BODY_LENGTH && !length);
    if (framing == AWL__BODY_LENGTH && length > limit)
        in->error = AWL_ELIMIT;
}

/* A line between data, with its CR LF: takes the body to what comes next. 0 or the error. */
static int take_line(awl__incoming *in, const char *line, size_t len)
{
    if (!line || line[len - 1] != '\n')
        return AWL_EINCOMPLETE;
    in->overhead += (uint32_t)len;
    if (in->overhead > MOST_OVERHEAD)
        return AWL_ELIMIT;
    if (len < 2 || line[len - 2] != '\r')
        return AWL_EPROTOCOL;
    len -= 2;
    switch (in->next) {
    case AWL__CHUNK_CRLF:
        in->next = AWL__CHUNK_LINE;
        return len ? AWL_EPROTOCOL : 0;
    case AWL__CHUNK_LINE:
        if (!awl__http_chunk_line(line, len, &in->left))
            return AWL_EPROTOCOL;
        in->next = in->left ? AWL__CHUNK_BYTES : AWL__TRAILERS;
        return in->left > in->limit - in->total ? AWL_ELIMIT : 0;
    default: /* trailers are of no interest, but they have to be fields; then an empty line */
        in->ended = len == 0;
        return len && !awl__http_trailer_line(line, len) ? AWL_EPROTOCOL : 0;
    }
}

/* An error that leaves the body as it was, so that one can go on. */
static bool is_passing(int error) { return error == ECANCELED || error == EBUSY || error == EINVAL || error == ENOMEM; }

/* n bytes of data have come; none is the end of the stream. 0 or the error. */
static int take_data(awl__incoming *in, uint64_t n)
{
    if (!n && in->framing != AWL__BODY_TO_END)
        return AWL_EINCOMPLETE;
    in->total += n;
    in->overhead -= in->overhead / OVERHEAD_PER_BYTE < n ? in->overhead : (uint32_t)n * OVERHEAD_PER_BYTE;
    if (in->total > in->limit)
        return AWL_ELIMIT;
    if (in->framing == AWL__BODY_TO_END) {
        in->ended = n == 0;
        return 0;
    }
    in->left -= n;
    if (in->left)
        return 0;
    in->ended = in->framing == AWL__BODY_LENGTH;
    in->next = AWL__CHUNK_CRLF;
    return 0;
}

/* What has been done of a read that is cancelled stays done: the next one goes on from there. */
co_def(incoming_read, {
    awl__incoming *in;
    char *buf, *line;
    size_t cap, len;
    int64_t n;
    int rc;
})
{
    co_begin;
    if (!self->cap)
        co_raise(EINVAL);
    if (self->in->error)
        co_raise(self->in->error);
    while (self->in->framing == AWL__BODY_CHUNKED && self->in->next != AWL__CHUNK_BYTES && !self->in->ended) {
        co_try(self->rc, awl_stream_readline(self->in->s, &self->len));
        if (!self->rc) {
            co_result(self->line);
            self->rc = take_line(self->in, self->line, self->len);
            awl__input_settle(&self->in->s->in); /* whoever looks at what is behind finds it as it came */
        }
        if (self->rc)
            goto fail;
    }
    if (self->in->ended)
        co_return(0);
    if (self->in->framing != AWL__BODY_TO_END && self->in->left < self->cap)
        self->cap = (size_t)self->in->left;
    co_try(self->rc, awl_stream_read(self->in->s, self->buf, self->cap));
    if (!self->rc) {
        co_result(self->n);
        self->rc = take_data(self->in, (uint64_t)self->n);
    }
    if (self->rc)
        goto fail;
    co_return(self->n);
fail:
    self->in->error = is_passing(self->rc) ? 0 : self->rc;
    co_raise(self->rc);
    co_end;
}

awl_coro awl__incoming_read(awl__incoming *in, void *buf, size_t cap)
{
    return co_call(incoming_read, .in = in, .buf = buf, .cap = cap);
}
