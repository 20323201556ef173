/* test_wait_for_cancel.c: timeouts within timeouts, and cancellation from outside, also in the same instant. */
#include "rig.h"

RIG_COROUTINES;

co_def(waits, { awl_time t, timeout; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_wait_for(co_call(sleeps, .t = self->t), self->timeout));
    say("waits:%d@%d", usual(self->rc), now_ms());
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

static void cancel_task(void *task) { awl_task_cancel((awl_task *)task); }

/* ---- Cancelled from outside ------------------------------------------------------------------------------------------------ */

TASK_TEST(cancelled_before_its_time_it_is_ECANCELED, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(waits, .t = AWL_SECOND, .timeout = 10 * AWL_MS));
    co_await(awl_sleep(5 * AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("waits:125@5");
    CHECK_INT(awl_task_cancelling(self->t), 1);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_in_the_instant_of_its_time_before_it_is_ECANCELED, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(waits, .t = AWL_SECOND, .timeout = 10 * AWL_MS));
    awl_call_at(NULL, NULL, 10 * AWL_MS, cancel_task, self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("waits:125@10");
    CHECK_INT(awl_task_cancelling(self->t), 1);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_in_the_instant_of_its_time_behind_it_is_ECANCELED, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(waits, .t = AWL_SECOND, .timeout = 10 * AWL_MS));
    co_await(awl_sleep(0));
    awl_call_at(NULL, NULL, 10 * AWL_MS, cancel_task, self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("waits:125@10");
    CHECK_INT(awl_task_cancelling(self->t), 1);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_before_it_starts_the_inner_object_is_let_go, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_wait_for(co_call(tells, .name = "no"), AWL_SECOND));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("");
    awl_task_release(self->t);
    co_end;
}

co_def(waits_for_future, { awl_future *f; awl_time timeout; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_wait_for(self->f, self->timeout));
    say("waits:%d@%d", usual(self->rc), now_ms());
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

TASK_TEST(cancelled_with_a_result_on_its_way_it_is_ECANCELED, { awl_future f; awl_task *t; int rc; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    self->t = awl_create_task(co_call(waits_for_future, .f = &self->f, .timeout = AWL_SECOND));
    co_await(awl_sleep(0));
    awl_future_set_result(&self->f, 1);
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("waits:125@0");
    awl_task_release(self->t);
    co_end;
}

co_def(slow, {})
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    co_await(awl_sleep(10 * AWL_MS));
    co_end;
}

co_def(waits_for_task, { awl_task *t; awl_time timeout; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_wait_for(self->t, self->timeout));
    say("waits:%d@%d", usual(self->rc), now_ms());
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

TASK_TEST(cancelled_while_it_waits_for_the_cleanup_without_time, { awl_task *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(slow));
    co_await(awl_sleep(0));
    self->b = awl_create_task(co_call(waits_for_task, .t = self->a, .timeout = 0));
    co_await(awl_sleep(2 * AWL_MS));
    awl_task_cancel(self->b);
    co_try_cancel(self->rc, self->b);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("waits:125@2");
    co_try_cancel(self->rc, self->a);
    CHECK_INT(now_ms(), 10);
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

/* ---- Timeouts within timeouts -------------------------------------------------------------------------------------------------- */

TASK_TEST(the_inner_one_fires_first, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(waits, .t = AWL_SECOND, .timeout = 5 * AWL_MS), 10 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_TRACE("waits:110@5");
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

TASK_TEST(the_outer_one_fires_first, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(waits, .t = AWL_SECOND, .timeout = 10 * AWL_MS), 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_TRACE("waits:125@5");
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

TASK_TEST(both_at_once_the_outer_one_converts, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(waits, .t = AWL_SECOND, .timeout = 5 * AWL_MS), 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_TRACE("waits:125@5");
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

TASK_TEST(three_directly_in_each_other, { int rc, value; })
{
    co_begin;
    co_let(self->value, awl_wait_for(awl_wait_for(awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 4), 10 * AWL_MS),
                                                  20 * AWL_MS), 30 * AWL_MS));
    CHECK_INT(self->value, 4);
    co_try(self->rc, awl_wait_for(awl_wait_for(awl_wait_for(co_call(sleeps, .t = AWL_SECOND), 10 * AWL_MS),
                                               20 * AWL_MS), 30 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 11);
    co_end;
}

TASK_TEST(a_cancelled_task_that_goes_on_can_time_out, { int rc; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(self->rc, ECANCELED);
    co_try(self->rc, awl_wait_for(awl_sleep(AWL_SECOND), AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT); /* the count before it was 1, and is 1 again */
    CHECK_INT(awl_task_cancelling(awl_current_task()), 1);
    co_end;
}

co_def(cancels_me, { awl_task *t; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TASK_TEST(a_cancellation_within_is_no_timeout, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_wait_for(co_call(cancels_me), AWL_MS));
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(now_ms(), 0);
    co_end;
}
