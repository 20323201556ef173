/* Reading some bytes, or exactly so many, from a stream or from a reader; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

/* ---- What every operation that reads does ------------------------------------------------------------------------ */

/* Why an operation of a stream cannot begin, or go on: 0 or the error. */
static int check_stream(const awl_stream *s) { return s->in.ops_ ? EBUSY : s->closing ? ECONNABORTED : 0; }

/* The same at the start of one that reads what is fed. */
static int check_reader(awl_input_ *in, co_stack *stack)
{
    const awl_reader *r = in ? awl__reader_of(in) : NULL;

    if (!r || !r->loop_)
        return EINVAL;
    return r->loop_ != awl__loop_of(stack) ? AWL_EOTHERLOOP : r->error_;
}

int awl__read_enter(awl__read_op *op, co_stack *stack)
{
    awl_input_ *in = op->in;

    if (op->op.co.state_ == AWL__OP_START)
        return op->op.stream ? check_stream(op->op.stream) : check_reader(in, stack);
    if (!in)
        return awl__stream_cancelled(&op->op, stack) ? ECANCELED : ECONNABORTED;
    if (in->fed_)
        awl__reader_of(in)->waiter_ =
            NULL; /* whoever it is: asyncio forgets one, too, that came after this was woken */
    if (awl__stream_unpark(&op->op, stack, &in->ops_))
        return ECANCELED;
    return op->op.stream ? check_stream(op->op.stream) : op->op.error;
}

/* Waits for a change of the stream; or, where bytes may be there already, only until the other tasks have had their
 * turn. */
static co_step wait_for_stream(awl__read_op *op, co_stack *stack, awl_stream *s)
{
    const bool held = awl__stream_held(&op->op), tired = s->streak >= AWL__MOST_AT_ONCE;
    const co_step step = awl__stream_park(&op->op, stack, &op->in->ops_);

    if (held)
        awl__stream_drop(s);
    if (tired)
        awl__stream_wake(op->in->ops_, 0);
    return step;
}

co_step awl__read_wait(awl__read_op *op, co_stack *stack)
{
    awl_reader *r;
    co_step step;

    if (op->op.stream)
        return wait_for_stream(op, stack, op->op.stream);
    r = awl__reader_of(op->in);
    if (r->waiter_)
        return awl__stream_leave_error(&op->op, stack, EBUSY);
    step = awl__stream_park(&op->op, stack, &r->in_.ops_);
    r->waiter_ = &op->op;
    if (r->paused_)
        awl__reader_tell(r, false); /* or it would wait for ever for more than twice the limit */
    return step;
}

ssize_t awl__read_more(awl__read_op *op)
{
    awl_input_ *in = op->in;
    ssize_t n;

    if (!op->op.stream)
        return in->eof_ ? 0 : -EAGAIN;
    if (!in->at_ && awl__stream_is_dry(op->op.stream))
        return -EAGAIN; /* no room is needed for what is not there */
    if (!awl__input_room(in, 1))
        return -ENOMEM;
    n = awl__stream_fetch(op->op.stream, in->at_ + in->end_, in->cap_ - in->end_ - 1);
    if (n > 0)
        in->end_ += (size_t)n;
    else if (n == -EAGAIN)
        awl__input_settle(in);
    return n;
}

co_step awl__read_incomplete(awl__read_op *op, co_stack *stack)
{
    const size_t len = awl__input_len(op->in);

    if (op->in->fed_ && len) {
        awl__input_lend_last(op->in, len);
        awl__reader_of(op->in)->detail_ = len;
    }
    return awl__stream_leave_error(&op->op, stack, AWL_EINCOMPLETE);
}

/* Bytes from the buffer, or else the transport. Result: as awl__stream_fetch. */
static ssize_t pull(awl__read_op *op, void *buf, size_t cap)
{
    awl_input_ *in = op->in;
    size_t n;

    awl__input_settle(in);
    if (!in->at_)
        return op->op.stream ? awl__stream_fetch(op->op.stream, buf, cap) : in->eof_ ? 0 : -EAGAIN;
    n = awl__input_len(in);
    if (n > cap)
        n = cap;
    memcpy(buf, in->at_ + in->start_, n);
    awl__input_take(in, n);
    awl__input_settle(in);
    return (ssize_t)n;
}

/* ---- Some, and exactly so many ----------------------------------------------------------------------------------- */

typedef struct read_frame {
    awl__read_op read;
    char *buf;
    size_t cap, got;
} read_frame;

static co_step read_step(co_frame *frame, co_stack *stack)
{
    read_frame *self = (read_frame *)(void *)frame;
    awl__stream_op *op = &self->read.op;
    const bool resumed = frame->state_ != AWL__OP_START;
    const int error = awl__read_enter(&self->read, stack);
    ssize_t n;

    if (error)
        n = -error;
    else if (!self->cap)
        n = op->stream ? -EINVAL : 0;
    else
        n = pull(&self->read, self->buf, self->cap);
    if (n == -EAGAIN && !op->stream && resumed)
        n = 0; /* somebody else took what came */
    if (n == 0 && self->cap && self->read.in->fed_)
        awl__input_take(self->read.in, 0);
    if (n == -EAGAIN)
        return awl__read_wait(&self->read, stack);
    return n < 0 ? awl__stream_leave_error(op, stack, (int)-n) : awl__stream_leave(op, stack, co_from_int_(n));
}

static co_step read_exactly_step(co_frame *frame, co_stack *stack)
{
    read_frame *self = (read_frame *)(void *)frame;
    awl_input_ *in = self->read.in;
    awl__stream_op *op = &self->read.op;
    int error = awl__read_enter(&self->read, stack);

    if (!error)
        awl__input_settle(in);

    /* Fed, it waits until all is there; from a stream it takes what comes. */
    if (!error && !op->stream && awl__input_len(in) < self->cap)
        return in->eof_ ? awl__read_incomplete(&self->read, stack) : awl__read_wait(&self->read, stack);
    while (!error && self->got < self->cap) {
        const ssize_t n = pull(&self->read, self->buf + self->got, self->cap - self->got);

        if (n == -EAGAIN)
            return awl__read_wait(&self->read, stack);
        if (n <= 0)
            error = n ? (int)-n : AWL_EINCOMPLETE;
        else
            self->got += (size_t)n;
    }
    if (!error)
        return awl__stream_leave(op, stack, co_from_int_((int64_t)self->got));

    /* In vain: what came goes back to where it was. */
    if (op->stream && !op->stream->closed && !awl__input_push_back(in, self->buf, self->got))
        awl__stream_fail(op->stream, ENOMEM);
    return awl__stream_leave_error(op, stack, error);
}

static co_step fill_step(co_frame *frame, co_stack *stack)
{
    awl__read_op *self = (awl__read_op *)(void *)frame;
    const int error = awl__read_enter(self, stack);
    ssize_t n = -error;

    if (!error) {
        awl__input_settle(self->in);
        n = awl__read_more(self);
    }
    if (n == -EAGAIN)
        return awl__read_wait(self, stack);
    return n < 0 ? awl__stream_leave_error(&self->op, stack, (int)-n)
                 : awl__stream_leave(&self->op, stack, co_from_int_(n));
}

static const co_type stream_fill_type = { fill_step, awl__stream_op_cancel, "awl_stream_fill",
                                          __FILE__,  sizeof(awl__read_op),  __LINE__ };
static const co_type stream_read_type = { read_step, awl__stream_op_cancel, "awl_stream_read",
                                          __FILE__,  sizeof(read_frame),    __LINE__ };
static const co_type stream_exactly_type = { read_exactly_step, awl__stream_op_cancel, "awl_stream_read_exactly",
                                             __FILE__,          sizeof(read_frame),    __LINE__ };
static const co_type reader_read_type = { read_step, awl__stream_op_cancel, "awl_reader_read",
                                          __FILE__,  sizeof(read_frame),    __LINE__ };
static const co_type reader_exactly_type = { read_exactly_step, awl__stream_op_cancel, "awl_reader_read_exactly",
                                             __FILE__,          sizeof(read_frame),    __LINE__ };

static awl_coro new_read(const co_type *type, awl_stream *s, awl_input_ *in, void *buf, size_t cap)
{
    read_frame *self = awl__op_new_here(type, sizeof *self);

    if (self) {
        self->read.op.stream = s;
        self->read.in = in;
        self->buf = buf;
        self->cap = cap;
        self->got = 0;
    }
    return awl__op(self);
}

awl_coro awl__stream_fill(awl_stream *s)
{
    awl__read_op *self = awl__op_new(&stream_fill_type, sizeof *self);

    if (self) {
        self->op.stream = s;
        self->in = &s->in;
    }
    return awl__op(self);
}

awl_coro awl_stream_read(awl_stream *s, void *buf, size_t cap)
{
    return new_read(&stream_read_type, s, s ? &s->in : NULL, buf, cap);
}

awl_coro awl_stream_read_exactly(awl_stream *s, void *buf, size_t n)
{
    return new_read(&stream_exactly_type, s, s ? &s->in : NULL, buf, n);
}

awl_coro awl_reader_read(awl_reader *r, void *buf, size_t cap)
{
    return new_read(&reader_read_type, NULL, r ? &r->in_ : NULL, buf, cap);
}

awl_coro awl_reader_read_exactly(awl_reader *r, void *buf, size_t n)
{
    return new_read(&reader_exactly_type, NULL, r ? &r->in_ : NULL, buf, n);
}
