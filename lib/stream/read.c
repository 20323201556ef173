/* Reading bytes: what they wait in, and the operations that take some or exactly so many; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

enum { MOST_AT_ONCE = 32 }; /* reads of one stream without a turn for the other tasks */

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

void awl__stream_free_input(awl_stream *s)
{
    awl__free(s->io.loop, s->in, s->in_cap);
    s->in = NULL;
    s->in_start = s->in_end = s->in_cap = 0;
    s->hides = false;
}

/* Puts back what the zero byte behind the last line stood for; frees an empty buffer. */
void awl__stream_settle(awl_stream *s)
{
    if (s->hides)
        s->in[s->in_start] = s->hidden;
    s->hides = false;
    if (s->in && s->in_start == s->in_end)
        awl__stream_free_input(s);
}

ssize_t awl__stream_fetch(awl_stream *s, void *buf, size_t cap)
{
    ssize_t n;

    if (s->eof || !s->readable)
        return s->error ? -s->error : s->eof ? 0 : -EAGAIN;
    if (s->streak >= MOST_AT_ONCE)
        return -EAGAIN;
    s->streak++;
    n = s->wire->read(s, buf, cap);
    if (n == -EAGAIN)
        s->readable = false;
    else if (n <= 0)
        s->eof = true;
    if (n < 0 && n != -EAGAIN)
        awl__stream_fail(s, (int)-n);
    return n <= 0 && s->error ? -s->error : n;
}

/* Bytes for a reader, from the buffer or else the wire. */
static ssize_t pull(awl_stream *s, void *buf, size_t cap)
{
    size_t n;

    awl__stream_settle(s);
    if (!s->in)
        return awl__stream_fetch(s, buf, cap);
    n = s->in_end - s->in_start;
    if (n > cap)
        n = cap;
    memcpy(buf, s->in + s->in_start, n);
    s->in_start += n;
    awl__stream_settle(s);
    return (ssize_t)n;
}

/* Puts bytes back in front of what is buffered. false: no memory. */
static bool push_back(awl_stream *s, const void *data, size_t len)
{
    const size_t behind = s->in_end - s->in_start, cap = len + behind + 1;
    char *in;

    if (!len)
        return true;
    in = awl__alloc(s->io.loop, cap);
    if (!in)
        return false;
    memcpy(in, data, len);
    if (behind)
        memcpy(in + len, s->in + s->in_start, behind);
    awl__stream_free_input(s);
    s->in = in;
    s->in_end = len + behind;
    s->in_cap = cap;
    return true;
}

/* ---- What every operation that reads does ------------------------------------------------------------------------ */

int awl__stream_enter(awl__stream_op *op, co_stack *stack, bool *held)
{
    awl_stream *s = op->stream;

    *held = op->co.state_ != AWL__OP_START;
    if (!s)
        return EINVAL;
    if (*held && awl__stream_unpark(op, stack, &s->reader))
        return ECANCELED;
    if (s->reader)
        return EBUSY;
    return s->closing ? ECONNABORTED : 0;
}

/* Waits for a change; or, where bytes may be there already, only until the other tasks have had their turn. */
co_step awl__stream_wait(awl__stream_op *op, co_stack *stack, bool held)
{
    awl_stream *s = op->stream;
    const co_step step = awl__stream_park(op, stack, &s->reader);

    if (held)
        awl__stream_drop(s);
    if (s->readable)
        awl__stream_wake(s->reader);
    return step;
}

co_step awl__stream_leave(awl__stream_op *op, co_stack *stack, bool held, co_typed_ result)
{
    if (held)
        awl__stream_drop(op->stream);
    stack->promise_.value_ = result.value;
    stack->promise_.kind_ = result.kind;
    return awl__op_end(&op->co, stack, 0);
}

co_step awl__stream_leave_error(awl__stream_op *op, co_stack *stack, bool held, int error)
{
    if (held)
        awl__stream_drop(op->stream);
    return awl__op_end(&op->co, stack, error);
}

/* ---- The operations ---------------------------------------------------------------------------------------------- */

typedef struct read_frame {
    awl__stream_op op;
    char *buf;
    size_t cap, got;
} read_frame;

static co_step read_step(co_frame *frame, co_stack *stack)
{
    read_frame *self = (read_frame *)(void *)frame;
    bool held;
    const int error = awl__stream_enter(&self->op, stack, &held);
    ssize_t n = error ? -error : self->cap ? pull(self->op.stream, self->buf, self->cap) : -EINVAL;

    if (n == -EAGAIN)
        return awl__stream_wait(&self->op, stack, held);
    return n < 0 ? awl__stream_leave_error(&self->op, stack, held, (int)-n)
                 : awl__stream_leave(&self->op, stack, held, co_from_int_(n));
}

static co_step read_exactly_step(co_frame *frame, co_stack *stack)
{
    read_frame *self = (read_frame *)(void *)frame;
    awl_stream *s = self->op.stream;
    bool held;
    int error = awl__stream_enter(&self->op, stack, &held);

    while (!error && self->got < self->cap) {
        const ssize_t n = pull(s, self->buf + self->got, self->cap - self->got);

        if (n == -EAGAIN)
            return awl__stream_wait(&self->op, stack, held);
        if (n <= 0)
            error = n ? (int)-n : AWL_EINCOMPLETE;
        else
            self->got += (size_t)n;
    }
    if (!error)
        return awl__stream_leave(&self->op, stack, held, co_from_int_((int64_t)self->got));

    /* In vain: what came goes back to where it was. */
    if (s && !s->closed && !push_back(s, self->buf, self->got))
        awl__stream_fail(s, ENOMEM);
    return awl__stream_leave_error(&self->op, stack, held, error);
}

static const co_type read_type = { read_step, awl__stream_op_cancel, "awl_stream_read",
                                   __FILE__,  sizeof(read_frame),    __LINE__ };
static const co_type read_exactly_type = { read_exactly_step, awl__stream_op_cancel, "awl_stream_read_exactly",
                                           __FILE__,          sizeof(read_frame),    __LINE__ };

static awl_coro new_read(const co_type *type, awl_stream *s, void *buf, size_t cap)
{
    read_frame *self = awl__op_new(type, sizeof *self);

    if (self) {
        self->op.stream = s;
        self->buf = buf;
        self->cap = cap;
        self->got = 0;
    }
    return awl__op(self);
}

awl_coro awl_stream_read(awl_stream *s, void *buf, size_t cap) { return new_read(&read_type, s, buf, cap); }

awl_coro awl_stream_read_exactly(awl_stream *s, void *buf, size_t n) { return new_read(&read_exactly_type, s, buf, n); }
