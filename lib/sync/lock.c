/* Locks. */
#include "sync_priv.h"

void awl_lock_init(awl_lock *lock) { *lock = (awl_lock)AWL_LOCK_INIT; }

void awl_lock_fini(awl_lock *lock)
{
    if (lock)
        awl__check_idle(&lock->waiters_, "awl_lock_fini: a task waits for this lock");
}

bool awl_lock_locked(const awl_lock *lock) { return lock && lock->holder_; }

static void wake_first(awl_lock *lock)
{
    awl__waiting *first = lock->waiters_.first_;

    if (first && awl__wait_state(first) == AWL__WAITS)
        awl__wake_entry(first);
}

int awl_lock_release(awl_lock *lock)
{
    if (!lock)
        return EINVAL;
    if (!lock->holder_)
        return AWL_ENOTLOCKED;
    lock->holder_ = NULL;
    wake_first(lock);
    return 0;
}

int awl__lock_waited(awl__waiting *self, co_stack *stack)
{
    awl_lock *lock = (awl_lock *)(void *)self->of;
    const int error = awl__waited(self, stack);

    if (!error)
        lock->holder_ = stack;
    else if (!lock->holder_)
        wake_first(lock);
    return error;
}

static co_step lock_begin(co_stack *stack, co_frame *caller, void *of)
{
    awl_lock *lock = of;

    return awl__lock_take(lock, stack) ? awl__ended(stack) : awl__wait_here(stack, caller, &lock->waiters_);
}

static co_step lock_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;

    if (awl__wait_state(self) != AWL__STARTS)
        return awl__left(frame, stack, awl__lock_waited(self, stack));
    return awl__lock_take((awl_lock *)(void *)self->of, stack) ? awl__left(frame, stack, 0) : awl__wait(self, stack);
}

void awl__lock_dump(awl__dump *dump, const awl_lock *lock)
{
    if (lock->holder_) {
        awl__dump_say(dump, "held by ");
        awl__dump_holder(dump, lock->holder_);
    } else {
        awl__dump_say(dump, "free");
    }
}

static void lock_inspect(awl__dump *dump, const co_frame *frame)
{
    awl__dump_say(dump, "a lock, ");
    awl__lock_dump(dump, (const awl_lock *)(const void *)((const awl__waiting *)(const void *)frame)->of);
}

const awl_instant_ awl_lock_acquire_ =
    AWL__INSTANT(lock_step, lock_begin, lock_inspect, "awl_lock_acquire", awl__waiting);
