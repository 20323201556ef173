/* Barriers: a condition, and where in its round the barrier is. */
#include "sync_priv.h"

enum { FILLING, DRAINING, RESETTING, BROKEN };

int awl_barrier_init(awl_barrier *barrier, unsigned parties)
{
    if (!barrier || parties == 0)
        return EINVAL;
    *barrier = (awl_barrier)AWL_BARRIER_INIT(parties);
    return 0;
}

void awl_barrier_fini(awl_barrier *barrier)
{
    if (!barrier)
        return;
    if (barrier->count_)
        awl__trap("awl_barrier_fini: a task waits for this barrier", NULL, 0);
    awl_condition_fini(&barrier->condition_);
}

unsigned awl_barrier_parties(const awl_barrier *barrier) { return barrier ? barrier->parties_ : 0; }

unsigned awl_barrier_n_waiting(const awl_barrier *barrier)
{
    return barrier && barrier->state_ == FILLING ? barrier->count_ : 0;
}

bool awl_barrier_broken(const awl_barrier *barrier) { return barrier && barrier->state_ == BROKEN; }

/* ---- awl_barrier_wait -------------------------------------------------------------------------------------------- */

/* Those of the round before have left. */
static bool may_enter(void *arg)
{
    const awl_barrier *barrier = arg;
    return barrier->state_ != DRAINING && barrier->state_ != RESETTING;
}

/* The round is full, or will never be. */
static bool may_leave(void *arg) { return ((const awl_barrier *)arg)->state_ != FILLING; }

static void leave(awl_barrier *barrier)
{
    if (--barrier->count_)
        return;
    if (barrier->state_ == RESETTING || barrier->state_ == DRAINING)
        barrier->state_ = FILLING;
    awl_condition_notify_all(&barrier->condition_);
}

co_def(awl_barrier_wait, { awl_barrier *barrier; unsigned index; bool locked, entered; })
{
    co_begin;
    if (!self->barrier || !self->barrier->parties_)
        co_raise(EINVAL);
    co_await(awl_condition_acquire(&self->barrier->condition_));
    self->locked = true;
    co_await(awl_condition_wait_for(&self->barrier->condition_, may_enter, self->barrier));
    if (self->barrier->state_ == BROKEN)
        co_raise(AWL_EBROKENBARRIER);
    self->index = self->barrier->count_++;
    self->entered = true;
    if (self->barrier->count_ == self->barrier->parties_) {
        self->barrier->state_ = DRAINING;
        awl_condition_notify_all(&self->barrier->condition_);
    } else {
        co_await(awl_condition_wait_for(&self->barrier->condition_, may_leave, self->barrier));
        if (self->barrier->state_ == BROKEN || self->barrier->state_ == RESETTING)
            co_raise(AWL_EBROKENBARRIER);
    }
    co_return(self->index);
    co_finally;
    if (self->entered)
        leave(self->barrier);
    if (self->locked)
        awl_condition_release(&self->barrier->condition_);
    co_end;
}

awl_coro awl_barrier_wait(awl_barrier *barrier) { return co_call(awl_barrier_wait, .barrier = barrier); }

/* ---- awl_barrier_reset, awl_barrier_abort ------------------------------------------------------------------------ */

co_def(awl_barrier_break, { awl_barrier *barrier; bool aborts; })
{
    co_begin;
    if (!self->barrier)
        co_raise(EINVAL);
    co_await(awl_condition_acquire(&self->barrier->condition_));
    self->barrier->state_ = self->aborts ? BROKEN : self->barrier->count_ ? RESETTING : FILLING;
    awl_condition_notify_all(&self->barrier->condition_);
    awl_condition_release(&self->barrier->condition_);
    co_end;
}

awl_coro awl_barrier_reset(awl_barrier *barrier) { return co_call(awl_barrier_break, .barrier = barrier); }

awl_coro awl_barrier_abort(awl_barrier *barrier)
{
    return co_call(awl_barrier_break, .barrier = barrier, .aborts = true);
}
