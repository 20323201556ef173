/* The list of those that wait: what is done to it rarely. */
#include "sync_priv.h"

static __attribute__((noinline, cold)) co_step wait_here_slowly(co_stack *stack, co_frame *caller,
                                                                awl_waiters_ *waiters)
{
    awl__waiting *self = awl__op_here(stack, caller, &waiters->op_->type, sizeof *self);

    if (CO_UNLIKELY_(!self))
        return awl__failed(stack, ENOMEM);
    self->of = waiters;
    return awl__wait(self, stack);
}

co_step awl__wait_here(co_stack *stack, co_frame *caller, awl_waiters_ *waiters)
{
    awl__waiting *self = (awl__waiting *)(void *)stack->top_;

    if (CO_UNLIKELY_(!awl__op_fits(stack, sizeof *self) || awl__of_other_loop(waiters, stack)))
        return wait_here_slowly(stack, caller, waiters);
    stack->top_ += sizeof *self;
    self->co = (co_frame){ &waiters->op_->type, caller, AWL__WAITS, 0, 0 };
    return awl__wait_in(self, stack, waiters, AWL__WAITS);
}

int awl__wake_slowly(awl_waiters_ *waiters)
{
    awl__wake(waiters);
    return CO_DONE_;
}

bool awl__call_off(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;

    self->of->n_--;
    if (!self->of->stays_)
        awl__unlink(self);
    awl__set_wait_state(self, AWL__CALLED_OFF);
    awl__task_wake(awl__task_of(stack));
    return true;
}

bool awl__sync_inspect(awl__dump *dump, const co_frame *leaf)
{
    if (leaf->type_->cancel != awl__call_off)
        return false;
    ((const awl_instant_ *)(const void *)leaf->type_)->inspect(dump, leaf);
    return true;
}

/* What it was given is lost with it. */
void awl__abandon(co_frame *leaf)
{
    awl__waiting *self = (awl__waiting *)(void *)leaf;

    if (leaf->type_->cancel != awl__call_off || awl__wait_state(self) == AWL__STARTS)
        return;
    if (awl__wait_state(self) == AWL__WAITS || self->of->stays_)
        awl__unlink(self);
    if (awl__wait_state(self) != AWL__CALLED_OFF)
        self->of->n_--;
}

void awl__check_idle(const awl_waiters_ *waiters, const char *what)
{
    if (waiters->first_ || waiters->n_) /* the latter: was woken, and has yet to run */
        awl__trap(what, NULL, 0);
}
