/* Conditions. Whoever waits has the lock again when the wait ends, however it ends. */
#include "sync_priv.h"

void awl_condition_init(awl_condition *condition, awl_lock *lock)
{
    *condition = (awl_condition)AWL_CONDITION_INIT(lock);
}

void awl_condition_fini(awl_condition *condition)
{
    if (!condition)
        return;
    awl__check_idle(&condition->waiters_, "awl_condition_fini: a task waits for this condition");
    awl_lock_fini(&condition->own_);
}

int awl_condition_release(awl_condition *condition) { return awl_lock_release(awl_condition_lock(condition)); }

bool awl_condition_locked(const awl_condition *condition)
{
    return condition && (condition->lock_ ? condition->lock_ : &condition->own_)->holder_;
}

int awl_condition_notify(awl_condition *condition, size_t n)
{
    if (!condition)
        return EINVAL;
    if (!awl_condition_locked(condition))
        return AWL_ENOTLOCKED;
    while (n-- > 0 && awl__wake(&condition->waiters_))
        ;
    return 0;
}

int awl_condition_notify_all(awl_condition *condition) { return awl_condition_notify(condition, SIZE_MAX); }

/* ---- awl_condition_wait ------------------------------------------------------------------------------------------ */

/* First in the list of the condition, then in that of the lock. The cancellation to end with is kept in co.error_. */
typedef struct condition_frame {
    awl__waiting w;
    awl_condition *condition;
} condition_frame;

/* What is wrong from the beginning: 0 or the error. */
static int misuse(awl_condition *condition, const co_stack *stack)
{
    if (!awl_condition_locked(condition))
        return AWL_ENOTLOCKED;
    if (awl__of_other_loop(&condition->waiters_, stack) ||
        awl__of_other_loop(&awl_condition_lock(condition)->waiters_, stack))
        return AWL_EOTHERLOOP;
    return 0;
}

static co_step start(condition_frame *self, co_stack *stack)
{
    self->condition = (awl_condition *)(void *)self->w.of;
    self->w.co.error_ = 0;
    awl_condition_release(self->condition);
    return awl__wait(&self->w, stack);
}

static co_step condition_begin(co_stack *stack, co_frame *caller, void *of)
{
    const int error = misuse(of, stack);
    condition_frame *self;

    if (error)
        return awl__failed(stack, error);
    self = awl__op_here(stack, caller, &awl_condition_wait_.type, sizeof *self);
    if (!self)
        return awl__failed(stack, ENOMEM);
    self->w.of = of;
    return start(self, stack);
}

static co_step condition_step(co_frame *frame, co_stack *stack)
{
    condition_frame *self = (condition_frame *)(void *)frame;
    awl_lock *lock;
    int error;

    if (awl__wait_state(&self->w) == AWL__STARTS) {
        error = misuse((awl_condition *)(void *)self->w.of, stack);
        return error ? awl__left(frame, stack, error) : start(self, stack);
    }
    lock = awl_condition_lock(self->condition);
    if (self->w.of == &self->condition->waiters_) {
        frame->error_ = (int16_t)awl__waited(&self->w, stack);
    } else {
        error = awl__lock_waited(&self->w, stack);
        if (!error)
            goto locked;
        frame->error_ = (int16_t)error;
    }
    if (!awl__lock_take(lock, stack)) {
        self->w.of = &lock->waiters_;
        return awl__wait(&self->w, stack);
    }
locked:
    if (frame->error_)
        awl__wake(&self->condition->waiters_); /* it may have been notified: another one is */
    return awl__left(frame, stack, frame->error_);
}

/* First it waits to be notified, then for the lock. */
static void condition_inspect(awl__dump *dump, const co_frame *frame)
{
    const condition_frame *self = (const condition_frame *)(const void *)frame;

    awl__dump_say(dump, "a condition, %s lock is ", self->w.of == &self->condition->waiters_ ? "whose" : "notified; its");
    awl__lock_dump(dump, awl_condition_lock(self->condition));
}

const awl_instant_ awl_condition_wait_ =
    AWL__INSTANT(condition_step, condition_begin, condition_inspect, "awl_condition_wait", condition_frame);

/* ---- awl_condition_wait_for -------------------------------------------------------------------------------------- */

co_def(awl_condition_wait_for, { awl_condition *condition; bool (*predicate)(void *arg); void *arg; })
{
    co_begin;
    if (!self->condition || !self->predicate)
        co_raise(EINVAL);
    while (!self->predicate(self->arg))
        co_await(awl_condition_wait(self->condition));
    co_end;
}

awl_coro awl_condition_wait_for(awl_condition *condition, bool (*predicate)(void *arg), void *arg)
{
    return co_call(awl_condition_wait_for, .condition = condition, .predicate = predicate, .arg = arg);
}
