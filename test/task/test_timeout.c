/* test_timeout.c: awl_timeout_enter, awl_timeout_exit, awl_timeout_reschedule. */
#include "rig.h"

RIG_COROUTINES;

TASK_TEST(a_block_in_time_is_left_with_its_error, { awl_timeout t; int rc; })
{
    co_begin;
    CHECK_INT(awl_timeout_enter(&self->t, AWL_SECOND), 0);
    CHECK(awl_timeout_when(&self->t) == AWL_SECOND);
    co_try_cancel(self->rc, co_call(sleeps, .t = AWL_MS));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), 0);
    CHECK(!awl_timeout_expired(&self->t));
    CHECK_INT(awl_timeout_enter(&self->t, AWL_SECOND), 0);
    co_try_cancel(self->rc, co_call(sleeps, .t = AWL_MS, .error = EIO));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), EIO);
    CHECK_INT(now_ms(), 2);
    co_end;
}

TASK_TEST(a_block_that_takes_too_long_is_ETIMEDOUT, { awl_timeout t; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, 5 * AWL_MS);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 1);
    CHECK(awl_timeout_expired(&self->t));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), ETIMEDOUT);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    CHECK(awl_timeout_expired(&self->t));
    CHECK_INT(now_ms(), 5);
    co_end;
}

TASK_TEST(a_deadline_may_be_a_moment, { awl_timeout t; int rc; })
{
    co_begin;
    co_await(awl_sleep(3 * AWL_MS));
    awl_timeout_enter_at(&self->t, 7 * AWL_MS);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), ETIMEDOUT);
    CHECK_INT(now_ms(), 7);
    awl_timeout_enter_at(&self->t, 7 * AWL_MS); /* has passed */
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), ETIMEDOUT);
    CHECK_INT(now_ms(), 7);
    co_end;
}

co_def(in_block, { awl_timeout t; awl_time within, takes; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, self->within);
    co_await(awl_sleep(self->takes));
    co_await(awl_sleep(self->takes));
    co_finally;
    self->rc = awl_timeout_exit(&self->t, co_failing);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

TASK_TEST(a_block_can_be_left_in_co_finally, { awl_task *t; int rc; })
{
    co_begin;
    co_try(self->rc, co_call(in_block, .within = 5 * AWL_MS, .takes = 2 * AWL_MS));
    CHECK_INT(self->rc, 0);
    co_try(self->rc, co_call(in_block, .within = 5 * AWL_MS, .takes = 3 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 9);
    self->t = awl_create_task(co_call(in_block, .within = 5 * AWL_MS, .takes = 3 * AWL_MS));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    awl_task_release(self->t);
    co_await(awl_sleep(AWL_SECOND)); /* its timer has gone with it */
    co_end;
}

TASK_TEST(of_blocks_within_each_other_the_one_that_is_late_converts, { awl_timeout a, b; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->a, 5 * AWL_MS);
    awl_timeout_enter(&self->b, AWL_SECOND);
    co_try_cancel(self->rc, awl_sleep(AWL_MINUTE));
    self->rc = awl_timeout_exit(&self->b, self->rc);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(!awl_timeout_expired(&self->b));
    CHECK_INT(awl_timeout_exit(&self->a, self->rc), ETIMEDOUT);
    co_end;
}

co_def(blocked, { awl_timeout t; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, 5 * AWL_MS);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    self->rc = awl_timeout_exit(&self->t, self->rc);
    say("%s/%u", awl_strerror(self->rc), awl_task_cancelling(awl_current_task()));
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

static void cancel(void *task) { awl_task_cancel(task); }

TASK_TEST(a_cancellation_from_outside_at_the_deadline_wins, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(blocked));
    co_await(awl_sleep(0));
    awl_call_at(NULL, NULL, 5 * AWL_MS, cancel, self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("cancelled/1");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_body_that_swallows_it_is_in_time, { awl_timeout t; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, 5 * AWL_MS);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(awl_timeout_exit(&self->t, 0), 0);
    CHECK(awl_timeout_expired(&self->t));
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

TASK_TEST(a_deadline_can_be_moved, { awl_timeout t; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, 5 * AWL_MS);
    CHECK_INT(awl_timeout_reschedule(&self->t, 20 * AWL_MS), 0);
    co_await(awl_sleep(10 * AWL_MS));
    CHECK_INT(awl_timeout_reschedule(&self->t, AWL_FOREVER), 0);
    CHECK(awl_timeout_when(&self->t) == AWL_FOREVER);
    co_await(awl_sleep(20 * AWL_MS));
    CHECK_INT(awl_timeout_reschedule_at(&self->t, 40 * AWL_MS), 0);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(now_ms(), 40);
    CHECK_INT(awl_timeout_reschedule(&self->t, AWL_SECOND), AWL_ECLOSED); /* it is over */
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), ETIMEDOUT);
    co_end;
}

static void move_to_now(void *timeout) { awl_timeout_reschedule(timeout, 0); }

TASK_TEST(a_deadline_can_be_moved_to_now_by_a_callback, { awl_timeout t; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, AWL_FOREVER);
    awl_call_later(NULL, NULL, 3 * AWL_MS, move_to_now, &self->t);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), ETIMEDOUT);
    CHECK_INT(now_ms(), 3);
    co_end;
}

TASK_TEST(no_time_lets_a_body_be_that_does_not_suspend, { awl_timeout t; int rc; })
{
    co_begin;
    awl_timeout_enter(&self->t, 0);
    CHECK_INT(awl_timeout_exit(&self->t, 0), 0);
    awl_timeout_enter(&self->t, -AWL_SECOND);
    co_try_cancel(self->rc, awl_sleep(0));
    CHECK_INT(awl_timeout_exit(&self->t, self->rc), ETIMEDOUT); /* a pause is long enough */
    co_end;
}

TASK_TEST(what_is_not_entered_is_left_without_effect, { awl_timeout t; })
{
    co_begin;
    CHECK_INT(awl_timeout_exit(&self->t, EIO), EIO);
    CHECK_INT(awl_timeout_exit(NULL, ECANCELED), ECANCELED);
    awl_timeout_enter(&self->t, AWL_SECOND);
    CHECK_INT(awl_timeout_exit(&self->t, 0), 0);
    CHECK_INT(awl_timeout_exit(&self->t, ECANCELED), ECANCELED); /* twice */
    CHECK(!awl_timeout_expired(NULL) && awl_timeout_when(NULL) == AWL_FOREVER);
    co_end;
}

TASK_TEST(misuse_is_an_error, { awl_timeout t; })
{
    co_begin;
    CHECK_INT(awl_timeout_enter(NULL, 0), EINVAL);
    CHECK_INT(awl_timeout_reschedule(&self->t, 0), AWL_ECLOSED);
    CHECK_INT(awl_timeout_reschedule_at(NULL, 0), EINVAL);
    awl_timeout_enter(&self->t, AWL_SECOND);
    CHECK_INT(awl_timeout_enter(&self->t, AWL_SECOND), EBUSY);
    awl_timeout_exit(&self->t, 0);
    CHECK_INT(awl_timeout_reschedule(&self->t, 0), AWL_ECLOSED);
    co_end;
}

TEST(without_a_task_it_is_EINVAL)
{
    awl_timeout t = { .state_ = 0 };

    CHECK_INT(awl_timeout_enter(&t, AWL_SECOND), EINVAL);
}

co_def(leaves, { awl_timeout *t; })
{
    co_begin;
    awl_timeout_exit(self->t, 0);
    co_end;
}

co_def(has_it_left, { awl_timeout t; })
{
    co_begin;
    awl_timeout_enter(&self->t, AWL_SECOND);
    co_await(awl_gather(co_call(leaves, .t = &self->t)));
    co_end;
}

TEST(another_task_cannot_leave_it)
{
    EXPECT_TRAP(awl_run(co_call(has_it_left)), "another task entered this timeout");
}
