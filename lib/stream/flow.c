/* Flows: how much is unsent, and who waits until it is less; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

_Static_assert(sizeof(awl_flow) <= 48, "a flow is small");

/* ---- Making and counting ----------------------------------------------------------------------------------------- */

void awl__gate_written(awl_gate_ *gate, size_t n)
{
    gate->unsent_ += n;
    gate->paused_ |= gate->unsent_ > gate->high_;
}

void awl__gate_sent(awl_gate_ *gate, size_t n)
{
    gate->unsent_ -= n < gate->unsent_ ? n : gate->unsent_;
    if (gate->paused_ && gate->unsent_ <= gate->low_) {
        gate->paused_ = false;
        awl__stream_wake(gate->ops_, 0);
    }
}

void awl_flow_init(awl_flow *flow, awl_loop *loop, size_t high, size_t low)
{
    *flow = (awl_flow){ { .high_ = high, .low_ = low < high ? low : high }, loop ? loop : awl_running_ };
}

void awl_flow_fini(awl_flow *flow)
{
    if (!flow || !flow->loop_)
        return;
    awl__loop_check(flow->loop_);
    for (awl__stream_op *op = flow->gate_.ops_; op; op = op->next)
        ((awl__drain_op *)(void *)op)->gate = NULL;
    awl__stream_wake(flow->gate_.ops_, ECONNABORTED);
    *flow = (awl_flow){ .loop_ = NULL };
}

int awl_flow_written(awl_flow *flow, size_t n)
{
    if (!flow || !flow->loop_)
        return EINVAL;
    awl__loop_check(flow->loop_);
    if (n > SIZE_MAX - flow->gate_.unsent_)
        return EOVERFLOW;
    awl__gate_written(&flow->gate_, n);
    return 0;
}

int awl_flow_sent(awl_flow *flow, size_t n)
{
    if (!flow || !flow->loop_)
        return EINVAL;
    awl__loop_check(flow->loop_);
    awl__gate_sent(&flow->gate_, n);
    return 0;
}

/* ---- Ending ------------------------------------------------------------------------------------------------------ */

void awl_flow_close(awl_flow *flow)
{
    if (!flow)
        return;
    awl__loop_check(flow->loop_);
    flow->gate_.closing_ = true;
}

void awl__gate_lose(awl_gate_ *gate, int error, int later)
{
    gate->lost_ = (int16_t)later;
    awl__stream_wake(gate->ops_, error);
}

int awl_flow_lost(awl_flow *flow, int error)
{
    if (!flow || !flow->loop_ || error < 0 || error > INT16_MAX)
        return EINVAL;
    awl__loop_check(flow->loop_);
    awl__gate_lose(&flow->gate_, error, ECONNRESET);
    return 0;
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* Why a flow cannot be waited for here: 0 or the error. */
static int check(const awl_flow *flow, co_stack *stack)
{
    return !flow->loop_ ? EINVAL : flow->loop_ != awl__loop_of(stack) ? AWL_EOTHERLOOP : 0;
}

/* What a drain does at its start and when it is resumed: 0 or the error that it ends with; -EAGAIN: it has to wait. */
static int try_drain(awl__drain_op *self, co_stack *stack)
{
    awl__stream_op *op = &self->op;
    awl_gate_ *gate = self->gate;
    int error = 0;

    if (op->co.state_ == AWL__OP_START) {
        error = !gate ? EINVAL : op->stream ? 0 : check((const awl_flow *)(const void *)gate, stack);
        if (error || gate->closing_)
            return error ? error : -EAGAIN;
    } else {
        if (gate ? awl__stream_unpark(op, stack, &gate->ops_) : awl__stream_cancelled(op, stack))
            return ECANCELED;
        if (!gate || op->co.state_ == AWL__OP_WAIT)
            return gate ? op->error : ECONNABORTED;
    }
    return gate->lost_ ? gate->lost_ : gate->paused_ ? -EAGAIN : 0;
}

static co_step drain_step(co_frame *frame, co_stack *stack)
{
    awl__drain_op *self = (awl__drain_op *)(void *)frame;
    const bool starts = frame->state_ == AWL__OP_START;
    const int error = try_drain(self, stack);
    co_step step;

    if (error != -EAGAIN)
        return awl__stream_leave_error(&self->op, stack, error);
    step = awl__stream_park(&self->op, stack, &self->gate->ops_);
    if (starts && self->gate->closing_) { /* not to wait: for a turn of the others */
        frame->state_ = AWL__OP_YIELD;
        awl__task_wake(self->op.task);
        self->op.task = NULL;
    }
    return step;
}

static const co_type stream_drain_type = { drain_step, awl__stream_op_cancel, "awl_stream_drain",
                                           __FILE__,   sizeof(awl__drain_op), __LINE__ };
static const co_type flow_drain_type = { drain_step, awl__stream_op_cancel, "awl_flow_drain",
                                         __FILE__,   sizeof(awl__drain_op), __LINE__ };

static awl_coro new_drain(const co_type *type, awl_stream *s, awl_gate_ *gate)
{
    awl__drain_op *self = awl__op_new_here(type, sizeof *self);

    if (self) {
        self->op.stream = s;
        self->gate = gate;
    }
    return awl__op(self);
}

awl_coro awl_stream_drain(awl_stream *s) { return new_drain(&stream_drain_type, s, s ? &s->gate : NULL); }

awl_coro awl_flow_drain(awl_flow *flow) { return new_drain(&flow_drain_type, NULL, flow ? &flow->gate_ : NULL); }

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

bool awl_flow_paused(const awl_flow *flow) { return flow && flow->gate_.paused_; }

size_t awl_flow_unsent(const awl_flow *flow) { return flow ? flow->gate_.unsent_ : 0; }
