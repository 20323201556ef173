/* Semaphores. A unit goes to a waiter when it is woken, so that nobody who comes later can take it. */
#include "sync_priv.h"

void awl_semaphore_init(awl_semaphore *semaphore, size_t value)
{
    *semaphore = (awl_semaphore)AWL_SEMAPHORE_INIT(value);
}

void awl_semaphore_init_bounded(awl_semaphore *semaphore, size_t value)
{
    *semaphore = (awl_semaphore)AWL_BOUNDED_SEMAPHORE_INIT(value);
}

void awl_semaphore_fini(awl_semaphore *semaphore)
{
    if (semaphore)
        awl__check_idle(&semaphore->waiters_, "awl_semaphore_fini: a task waits for this semaphore");
}

bool awl_semaphore_locked(const awl_semaphore *semaphore)
{
    return semaphore && (semaphore->value_ == 0 || semaphore->waiters_.n_ > 0);
}

static bool hand_out(awl_semaphore *semaphore)
{
    if (!awl__wake(&semaphore->waiters_))
        return false;
    semaphore->value_--;
    return true;
}

int awl_semaphore_release(awl_semaphore *semaphore)
{
    if (!semaphore)
        return EINVAL;
    if (semaphore->bounded_ && semaphore->value_ >= semaphore->bound_)
        return AWL_EOVERRELEASE;
    if (semaphore->value_ == SIZE_MAX)
        return EOVERFLOW;
    semaphore->value_++;
    hand_out(semaphore);
    return 0;
}

static inline bool semaphore_take(awl_semaphore *semaphore)
{
    if (semaphore->value_ == 0 || semaphore->waiters_.n_)
        return false;
    semaphore->value_--;
    return true;
}

static co_step semaphore_begin(co_stack *stack, co_frame *caller, void *of)
{
    awl_semaphore *semaphore = of;

    return semaphore_take(semaphore) ? awl__ended(stack) : awl__wait_here(stack, caller, &semaphore->waiters_);
}

static co_step semaphore_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;
    awl_semaphore *semaphore = (awl_semaphore *)(void *)self->of;
    int error;

    if (awl__wait_state(self) == AWL__STARTS)
        return semaphore_take(semaphore) ? awl__left(frame, stack, 0) : awl__wait(self, stack);
    error = awl__waited(self, stack);
    if (error && awl__wait_state(self) == AWL__WOKEN)
        semaphore->value_++;
    while (semaphore->value_ > 0 && hand_out(semaphore))
        ;
    return awl__left(frame, stack, error);
}

static void semaphore_inspect(awl__dump *dump, const co_frame *frame)
{
    const awl_semaphore *semaphore = (const void *)((const awl__waiting *)(const void *)frame)->of;

    awl__dump_say(dump, "a semaphore, %zu free", semaphore->value_);
    if (semaphore->bounded_)
        awl__dump_say(dump, " of %zu", semaphore->bound_);
    awl__dump_say(dump, ", %u waiting", (unsigned)semaphore->waiters_.n_);
}

const awl_instant_ awl_semaphore_acquire_ =
    AWL__INSTANT(semaphore_step, semaphore_begin, semaphore_inspect, "awl_semaphore_acquire", awl__waiting);
