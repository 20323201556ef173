/* Timeouts: blocks in which a deadline cancels the task. awl_wait_for is such a block around one await. */
#include "task_priv.h"

enum { IDLE, ENTERED, EXPIRING, LEFT, EXPIRED };

static void expire(void *arg)
{
    awl_timeout *timeout = arg;

    awl_task_cancel(timeout->task_);
    timeout->state_ = EXPIRING;
}

/* Sets the timer anew: a moment that has passed means the next iteration, behind what is ready. */
static void arm(awl_timeout *timeout, awl_time when, bool passed)
{
    awl_loop *loop = awl__loop_of(&timeout->task_->stack);

    awl_handle_cancel(&timeout->handle_);
    timeout->when_ = when;
    if (passed)
        awl_call_soon(loop, &timeout->handle_, expire, timeout);
    else if (when != AWL_FOREVER)
        awl_call_at(loop, &timeout->handle_, when, expire, timeout);
}

static int enter(awl_timeout *timeout, awl_time at, bool relative)
{
    awl_task *task = awl_current_task();
    awl_loop *loop = awl_running_;

    if (!timeout || !task)
        return EINVAL;
    if (timeout->state_ == ENTERED || timeout->state_ == EXPIRING)
        return EBUSY;
    memset(timeout, 0, sizeof *timeout);
    timeout->task_ = task;
    timeout->before_ = awl_task_cancelling(task);
    timeout->state_ = ENTERED;
    if (relative)
        arm(timeout, awl__later(loop, at), at <= 0);
    else
        arm(timeout, at, at <= awl_loop_time(loop));
    return 0;
}

int awl_timeout_enter(awl_timeout *timeout, awl_time delay) { return enter(timeout, delay, true); }

int awl_timeout_enter_at(awl_timeout *timeout, awl_time when) { return enter(timeout, when, false); }

int awl_timeout_exit(awl_timeout *timeout, int error)
{
    if (!timeout || (timeout->state_ != ENTERED && timeout->state_ != EXPIRING))
        return error;
    if (timeout->task_ != awl_current_task())
        awl__trap("awl_timeout_exit: another task entered this timeout, and alone can leave it", NULL, 0);
    awl_handle_cancel(&timeout->handle_);
    if (timeout->state_ == ENTERED) {
        timeout->state_ = LEFT;
        return error;
    }
    timeout->state_ = EXPIRED;
    if (awl_task_uncancel(timeout->task_) <= timeout->before_ && error == ECANCELED)
        return ETIMEDOUT;
    return error;
}

static int check(const awl_timeout *timeout)
{
    if (!timeout)
        return EINVAL;
    if (timeout->state_ != ENTERED)
        return AWL_ECLOSED;
    awl__loop_check(awl__loop_of(&timeout->task_->stack));
    return 0;
}

int awl_timeout_reschedule(awl_timeout *timeout, awl_time delay)
{
    const int error = check(timeout);

    if (!error)
        arm(timeout, awl__later(awl__loop_of(&timeout->task_->stack), delay), delay <= 0);
    return error;
}

int awl_timeout_reschedule_at(awl_timeout *timeout, awl_time when)
{
    const int error = check(timeout);

    if (!error)
        arm(timeout, when, when <= awl_loop_time(awl__loop_of(&timeout->task_->stack)));
    return error;
}

bool awl_timeout_expired(const awl_timeout *timeout)
{
    return timeout && (timeout->state_ == EXPIRING || timeout->state_ == EXPIRED);
}

awl_time awl_timeout_when(const awl_timeout *timeout)
{
    return timeout && timeout->state_ != IDLE ? timeout->when_ : AWL_FOREVER;
}
