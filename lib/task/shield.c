/* awl_shield: a future that has what another one gets, and can be cancelled without it. */
#include "dump_priv.h"

/* ---- The operation ----------------------------------------------------------------------------------------------- */

typedef struct shield_frame {
    co_frame co;
    awl_child_ inner;
    awl__waiter waiter;
    awl_future outer; /* what the task waits for */
} shield_frame;

enum { SHIELD_START, SHIELD_WAIT, SHIELD_DONE };

/* The inner one is done: so is the outer one, in the same way. */
static void copy_outcome(awl_future *outer, awl_future *inner)
{
    if (awl__is_done(outer)) {
        if (awl__is_cancelled(outer))
            inner->state_ &= ~(uint32_t)AWL__UNSEEN;
        return;
    }
    inner->state_ &= ~(uint32_t)AWL__UNSEEN;
    if (awl__is_cancelled(inner))
        awl__future_become_cancelled(outer);
    else if (inner->error_)
        awl__future_fail(outer, inner->error_);
    else
        awl__future_finish(outer, inner->value_, inner->kind_);
}

static void operation_done(awl_loop *loop, awl__waiter *waiter)
{
    shield_frame *self = (shield_frame *)(void *)((char *)waiter - offsetof(shield_frame, waiter));

    (void)loop;
    copy_outcome(&self->outer, waiter->future);
}

/* Gives back what was made for the shield: the loop keeps it until it is done. */
static co_step end(shield_frame *self, co_stack *stack, int error)
{
    if (self->inner.owned && self->inner.future)
        awl_future_release(self->inner.future);
    return awl__op_end(&self->co, stack, error);
}

static co_step start(shield_frame *self, co_stack *stack)
{
    static const awl_site site = { __FILE__, __LINE__ };
    awl_loop *loop = awl__loop_of(stack);

    if (self->inner.owned && !self->inner.future) {
        awl_task *task = awl__task_new(loop, self->inner.coroutine, &site);
        self->inner.future = task ? awl_task_future(task) : NULL;
        if (!task)
            return awl__op_end(&self->co, stack, ENOMEM);
    }
    if (!self->inner.future)
        return awl__op_end(&self->co, stack, EINVAL);
    if (self->inner.future->host_ != &loop->host)
        return end(self, stack, AWL_EOTHERLOOP);
    if (awl__is_done(self->inner.future)) {
        awl__future_take(self->inner.future, &stack->promise_);
        return end(self, stack, stack->promise_.error_);
    }
    if (!self->inner.owned)
        awl__future_keep(self->inner.future); /* it is asked at the end */
    self->inner.owned = true;
    awl_future_init(&self->outer, loop);
    awl__watch(self->inner.future, &self->waiter, operation_done);
    return awl__await_in(stack, &self->co, &self->outer, SHIELD_WAIT);
}

static co_step shield_step(co_frame *frame, co_stack *stack)
{
    shield_frame *self = (shield_frame *)(void *)frame;

    if (frame->state_ == SHIELD_START)
        return start(self, stack);
    if (awl__unwatch(&self->waiter) && awl__is_done(self->inner.future) && !awl__is_cancelled(self->inner.future))
        self->inner.future->state_ &= ~(uint32_t)AWL__UNSEEN; /* its call would have said so */
    return end(self, stack, stack->promise_.error_);
}

const co_type awl__shield_type = { shield_step, NULL, "awl_shield", __FILE__, sizeof(shield_frame), __LINE__ };

void awl__shield_inspect(awl__dump *dump, const co_frame *leaf)
{
    awl__dump_say(dump, "a shield");
    awl__dump_child(dump, ((const shield_frame *)(const void *)leaf)->inner.future);
}

void awl__shield_close(co_frame *frame)
{
    awl__child_release(&((shield_frame *)(void *)frame)->inner);
}

awl_coro awl_shield_child_(awl_child_ inner)
{
    shield_frame *self = awl__op_new(&awl__shield_type, sizeof *self);

    if (self)
        self->inner = inner;
    else
        awl__child_release(&inner);
    return awl__op(self);
}

/* ---- The future -------------------------------------------------------------------------------------------------- */

typedef struct shield {
    awl_future outer;
    awl__waiter inner_done, outer_done;
    awl_future *inner;
} shield;

static void finish_outer(awl_loop *loop, awl__waiter *waiter)
{
    shield *self = (shield *)(void *)((char *)waiter - offsetof(shield, inner_done));

    (void)loop;
    copy_outcome(&self->outer, waiter->future);
}

/* It was cancelled, or is done: if the inner one still runs, what becomes of that is not asked any more. */
static void leave_inner(awl_loop *loop, awl__waiter *waiter)
{
    shield *self = (shield *)(void *)((char *)waiter - offsetof(shield, outer_done));

    (void)loop;
    self->outer.state_ += AWL__REFERENCE; /* which is given back when this call is over */
    if (!awl__is_done(self->inner))
        awl__unwatch(&self->inner_done);
}

awl_future *awl_shield_future_(awl_future *inner)
{
    shield *self;

    if (!inner || !inner->host_) {
        errno = EINVAL;
        return NULL;
    }
    awl__loop_check(awl__future_loop(inner));
    if (awl__is_done(inner))
        return awl_future_retain(inner);
    self = awl__alloc(awl__future_loop(inner), sizeof *self);
    if (!self) {
        errno = ENOMEM;
        return NULL;
    }
    awl_future_init(&self->outer, awl__future_loop(inner));
    self->outer.state_ = AWL__COUNTED | AWL__A_SHIELD | AWL__REFERENCE;
    self->inner = inner;
    awl__future_keep(inner);
    awl__watch(inner, &self->inner_done, finish_outer);
    awl__watch(&self->outer, &self->outer_done, leave_inner);
    self->outer.state_ -= AWL__REFERENCE; /* that of outer_done: a shield does not keep itself */
    return &self->outer;
}

awl_future *awl__shield_inner(awl_future *outer) { return ((shield *)(void *)outer)->inner; }

/* The last reference has gone, perhaps before anything came. */
void awl__shield_free(awl_future *future)
{
    shield *self = (shield *)(void *)future;
    awl_loop *loop = awl__future_loop(future);

    future->state_ &= ~(uint32_t)AWL__COUNTED;
    awl__unwatch(&self->inner_done);
    awl__unwatch(&self->outer_done);
    awl__future_drop(self->inner);
    awl__free(loop, self, sizeof *self);
}
