/* The inside of what tasks wait for: one list of waiters for all of it. */
#ifndef AWL_SYNC_PRIV_H
#define AWL_SYNC_PRIV_H

#include "../task/dump_priv.h"
#include "awl/sync.h"

/*
 * A task that waits, as the frame of its operation. asyncio's waiter is a future in a list; here the state says what
 * became of that future, and two rules hold for all operations:
 *
 *   woken, and then cancelled before it runs: what it was given goes on to the next;
 *   cancelled while it waits: it is given nothing, and its entry leaves the list at once.
 *
 * A lock alone leaves entries in its list until their tasks run (stays_): a release that finds one that is cancelled in
 * front wakes nobody, as in asyncio, where the cancelled one does it when it runs.
 */
typedef struct awl__waiting {
    co_frame co;
    awl_waiters_ *of;                 /* right behind the head: see awl_instant_ */
    struct awl__waiting *next, *prev; /* the first one has no prev */
    awl_task *task;
} awl__waiting;

/* The lower bits of co.state_; those above are the operation's own. */
enum { AWL__STARTS, AWL__WAITS, AWL__WOKEN, AWL__CALLED_OFF, AWL__WAIT_MASK = 3 };

static inline unsigned awl__wait_state(const awl__waiting *self) { return self->co.state_ & AWL__WAIT_MASK; }
static inline void awl__set_wait_state(awl__waiting *self, unsigned state)
{
    self->co.state_ = (self->co.state_ & ~(uint32_t)AWL__WAIT_MASK) | state;
}

/* Whether tasks of another loop than that of `stack` wait here. */
static inline bool awl__of_other_loop(const awl_waiters_ *waiters, const co_stack *stack)
{
    return waiters->first_ && waiters->first_->task->stack.promise_.host_ != stack->promise_.host_;
}

/* Suspends the task, whose frame this is, in `state` behind those that wait already; none of them is of another loop.
 */
static inline co_step awl__wait_in(awl__waiting *self, co_stack *stack, awl_waiters_ *waiters, uint32_t state)
{
    if (waiters->first_) {
        self->prev = waiters->last_;
        self->prev->next = self;
    } else {
        waiters->first_ = self;
    }
    waiters->last_ = self;
    waiters->n_++;
    self->of = waiters;
    self->task = awl__task_of(stack);
    self->next = NULL;
    return awl__block_at(&self->co, stack, state);
}

/* The same after a look at those; `of` is set. */
static inline co_step awl__wait(awl__waiting *self, co_stack *stack)
{
    if (CO_UNLIKELY_(awl__of_other_loop(self->of, stack)))
        return awl__op_end(&self->co, stack, AWL_EOTHERLOOP);
    awl__set_wait_state(self, AWL__WAITS);
    return awl__wait_in(self, stack, self->of, self->co.state_);
}

/* The same for an operation without a frame, that `caller` awaits: it gets one. */
co_step awl__wait_here(co_stack *stack, co_frame *caller, awl_waiters_ *waiters);

/* Takes an entry out of its list. */
static inline void awl__unlink(awl__waiting *self)
{
    awl_waiters_ *waiters = self->of;

    if (self == waiters->first_) {
        waiters->first_ = self->next;
        return;
    }
    self->prev->next = self->next;
    if (self->next)
        self->next->prev = self->prev;
    else
        waiters->last_ = self->prev;
}

/* The task runs again: 0, or ECANCELED. */
static inline int awl__waited(awl__waiting *self, co_stack *stack)
{
    if (self->of->stays_)
        awl__unlink(self);
    if (CO_UNLIKELY_(awl__wait_state(self) == AWL__CALLED_OFF))
        return ECANCELED;
    self->of->n_--;
    return stack->promise_.error_;
}

/* Makes the task of an entry ready; whether the entry leaves its list is up to the caller. */
static inline void awl__wake_entry(awl__waiting *first)
{
    awl_task *task = first->task;
    awl_loop *loop = awl__loop_of(&task->stack);

    awl__loop_check(loop);
    awl__set_wait_state(first, AWL__WOKEN);
    task->stack.user_ &= ~(uint32_t)AWL__BLOCKED;
    awl__ready_unmarked(loop, &task->entry);
    if (CO_UNLIKELY_(loop->pump_asleep))
        awl__wake_pump(loop);
}

/* Wakes the first that waits; false if nobody does. For lists whose entries leave at once. */
static inline bool awl__wake(awl_waiters_ *waiters)
{
    awl__waiting *first = waiters->first_;

    if (!first)
        return false;
    waiters->first_ = first->next;
    awl__wake_entry(first);
    return true;
}

/* The same as the last that a step on `stack` does, and it ends: without a call where that is nothing but a list's. */
int awl__wake_slowly(awl_waiters_ *waiters);
CO_INLINE_ co_step awl__done_waking(co_stack *stack, awl_waiters_ *waiters)
{
    awl__waiting *first = waiters->first_;
    awl_loop *loop = awl__loop_of(stack);
    awl_task *task;

    if (!first)
        return (co_step){ CO_DONE_ };
    task = first->task;
    if (CO_UNLIKELY_(awl__loop_of(&task->stack) != loop || loop->pump_asleep))
        return (co_step){ awl__wake_slowly(waiters) };
    waiters->first_ = first->next;
    first->co.state_ += AWL__WOKEN - AWL__WAITS;
    task->stack.user_ &= ~(uint32_t)AWL__BLOCKED;
    awl__ready_unmarked(loop, &task->entry);
    return (co_step){ CO_DONE_ };
}

/* What a co_type of a frame that begins with an awl__waiting has as its cancel. */
bool awl__call_off(co_frame *frame, co_stack *stack);

/* fini: nobody may wait. */
void awl__check_idle(const awl_waiters_ *waiters, const char *what);

/* An operation without a frame has ended: without a result, or with an error. */
static inline co_step awl__ended(co_stack *stack)
{
    stack->promise_.value_.i = 0;
    stack->promise_.kind_ = CO_NONE;
    return (co_step){ CO_DONE_ };
}
static inline co_step awl__failed(co_stack *stack, int error)
{
    stack->promise_.error_ = (int16_t)error;
    return awl__ended(stack);
}
/* An operation with a frame has ended without a result: with an error, or 0. */
static inline co_step awl__left(co_frame *frame, co_stack *stack, int error)
{
    stack->promise_.error_ = (int16_t)error;
    awl__ended(stack);
    return co_leave_(frame, stack);
}

/* Takes a lock that is free and that nobody waits for; if it is not, who calls this will wait for it. */
static inline bool awl__lock_take(awl_lock *lock, const co_stack *stack)
{
    if (lock->holder_ || lock->waiters_.n_) {
        lock->waiters_.stays_ = true;
        return false;
    }
    lock->holder_ = stack;
    return true;
}

/* After awl__wait on its list: takes it or, cancelled, passes it on. */
int awl__lock_waited(awl__waiting *self, co_stack *stack);

/* In a dump: whether a lock is free, or who holds it. */
void awl__lock_dump(awl__dump *dump, const awl_lock *lock);

#define AWL__INSTANT(step, begin, inspect, name, frame)                                  \
    {                                                                                    \
        { step, awl__call_off, name, __FILE__, sizeof(frame), __LINE__ }, begin, inspect \
    }

#endif
