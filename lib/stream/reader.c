/* Readers, what streams do not have: how bytes are fed, and all of them read; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>

#include "stream_priv.h"

_Static_assert(sizeof(awl_reader) <= 128, "an idle reader is small");

/* ---- Making ------------------------------------------------------------------------------------------------------ */

void awl_reader_init(awl_reader *r, awl_loop *loop, size_t limit)
{
    *r = (awl_reader){ .loop_ = loop ? loop : awl_running_, .in_ = { .limit_ = limit ? limit : 65536, .fed_ = true } };
}

void awl_reader_fini(awl_reader *r)
{
    if (!r || !r->loop_)
        return;
    awl__loop_check(r->loop_);
    for (awl__stream_op *op = r->in_.ops_; op; op = op->next)
        ((awl__read_op *)(void *)op)->in = NULL;
    awl__stream_wake(r->in_.ops_, 0);
    awl__reader_settle(r);
    awl__input_free(&r->in_);
    *r = (awl_reader){ .loop_ = NULL };
}

void awl_reader_on_pause(awl_reader *r, void (*fn)(void *arg, bool pause), void *arg)
{
    if (!r)
        return;
    awl__loop_check(r->loop_);
    r->pause_ = fn;
    r->pause_arg_ = arg;
    r->paused_ = r->paused_ && fn;
}

/* ---- Feeding ----------------------------------------------------------------------------------------------------- */

static void wake(awl_reader *r, int error)
{
    awl__stream_op *op = r->waiter_;

    r->waiter_ = NULL;
    if (op && op->task) { /* one that was cancelled is left without a successor: it has yet to be told */
        op->error = error;
        awl__task_wake(op->task);
        op->task = NULL;
    }
}

int awl_reader_feed_data(awl_reader *r, const void *data, size_t len)
{
    if (!r || !r->loop_ || (!data && len))
        return EINVAL;
    awl__loop_check(r->loop_);
    if (r->in_.eof_)
        return EPIPE;
    if (!len)
        return 0;
    if (!awl__input_room(&r->in_, len))
        return ENOMEM;
    memcpy(r->in_.at_ + r->in_.end_, data, len);
    r->in_.end_ += len;
    wake(r, 0);
    len = awl__input_len(&r->in_);
    if (r->pause_ && !r->paused_ && len > r->in_.limit_ && len - r->in_.limit_ > r->in_.limit_)
        awl__reader_tell(r, true);
    return 0;
}

int awl_reader_feed_eof(awl_reader *r)
{
    if (!r || !r->loop_)
        return EINVAL;
    awl__loop_check(r->loop_);
    r->in_.eof_ = true;
    wake(r, 0);
    return 0;
}

int awl_reader_set_error(awl_reader *r, int error)
{
    if (!r || !r->loop_ || error <= 0 || error > INT16_MAX)
        return EINVAL;
    awl__loop_check(r->loop_);
    r->error_ = (int16_t)error;
    wake(r, error);
    return 0;
}

/* ---- All --------------------------------------------------------------------------------------------------------- */

typedef struct all_frame {
    awl__read_op read;
    awl_reader all; /* what has come: a buffer, no more */
    size_t *len;
} all_frame;

/* Takes over what is buffered. false: no memory. */
static bool collect(all_frame *self)
{
    awl_input_ *in = self->read.in, *all = &self->all.in_;
    const size_t n = awl__input_len(in);

    if (!awl__input_room(all, n))
        return false;
    memcpy(all->at_ + all->end_, in->at_ + in->start_, n);
    all->end_ += n;
    awl__input_take(in, n);
    return true;
}

/* The end: all that has come is the buffer now, and given as a line is. */
static co_step give_all(all_frame *self, co_stack *stack)
{
    awl_input_ *in = self->read.in, *all = &self->all.in_;
    const size_t len = awl__input_len(all);
    char *text = NULL;

    if (len) {
        in->at_ = all->at_;
        in->end_ = all->end_;
        in->cap_ = all->cap_;
        text = awl__input_lend_last(in, len);
    }
    awl__input_take(in, 0);
    if (self->len)
        *self->len = len;
    return awl__stream_leave(&self->read.op, stack, co_from_pointer_(text));
}

static co_step all_step(co_frame *frame, co_stack *stack)
{
    all_frame *self = (all_frame *)(void *)frame;
    awl_input_ *in = self->read.in;
    int error = awl__read_enter(&self->read, stack);

    if (frame->state_ == AWL__OP_START)
        awl_reader_init(&self->all, awl__loop_of(stack), 0);
    while (!error) {
        awl__input_settle(in);
        if (in->at_)
            error = collect(self) ? 0 : ENOMEM;
        else if (in->eof_)
            return give_all(self, stack);
        else if (awl__reader_of(in)->waiter_)
            error = EBUSY;
        else
            return awl__read_wait(&self->read, stack);
    }

    /* In vain: what came goes back to where it was. */
    if (in && !awl__input_push_back(in, self->all.in_.at_, awl__input_len(&self->all.in_)))
        awl__reader_of(in)->error_ = ENOMEM;
    awl__input_free(&self->all.in_);
    return awl__stream_leave_error(&self->read.op, stack, error);
}

static const co_type all_type = { all_step, awl__stream_op_cancel, "awl_reader_read_all",
                                  __FILE__, sizeof(all_frame),     __LINE__ };

awl_coro awl_reader_read_all(awl_reader *r, size_t *len)
{
    all_frame *self = awl__op_new(&all_type, sizeof *self);

    if (self) {
        self->read.op.stream = NULL;
        self->read.in = r ? &r->in_ : NULL;
        self->len = len;
    }
    return awl__op(self);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

char *awl_reader_partial(awl_reader *r, size_t *len)
{
    static char none[1];

    if (len)
        *len = r ? r->detail_ : 0;
    return r && r->detail_ ? r->in_.at_ + r->in_.start_ - r->detail_ : none;
}

size_t awl_reader_consumed(const awl_reader *r) { return r ? r->detail_ : 0; }

bool awl_reader_at_eof(const awl_reader *r) { return !r || (r->in_.eof_ && awl__input_len(&r->in_) == 0); }

size_t awl_reader_buffered(const awl_reader *r) { return r ? awl__input_len(&r->in_) : 0; }

bool awl_reader_paused(const awl_reader *r) { return r && r->paused_; }

int awl_reader_error(const awl_reader *r) { return r ? r->error_ : EINVAL; }
