/* test_wait_for.c: awl_wait_for. */
#include "rig.h"

RIG_COROUTINES;

/* ---- In time ----------------------------------------------------------------------------------------------------------------- */

TASK_TEST(in_time_the_result_is_the_awaitables, { int value; awl_task *t; awl_future f; })
{
    co_begin;
    co_let(self->value, awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 1), AWL_SECOND));
    CHECK_INT(self->value, 1);
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 2));
    co_let(self->value, awl_wait_for(self->t, AWL_SECOND));
    CHECK_INT(self->value, 2);
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 3);
    co_let(self->value, awl_wait_for(&self->f, AWL_SECOND));
    CHECK_INT(self->value, 3);
    CHECK_INT(now_ms(), 2);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(in_time_its_error_is_passed_on, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(sleeps, .t = AWL_MS, .error = EIO), AWL_SECOND));
    CHECK_INT(self->rc, EIO);
    co_end;
}

TASK_TEST(no_timeout_waits_for_ever, { int value; })
{
    co_begin;
    co_let(self->value, awl_wait_for(co_call(sleeps, .t = 1000 * AWL_MINUTE, .value = 1), AWL_FOREVER));
    CHECK_INT(self->value, 1);
    co_end;
}

co_def(is_in_task, { awl_task *t; })
{
    co_begin;
    CHECK_PTR(awl_current_task(), self->t);
    co_await(awl_sleep(0));
    CHECK_PTR(awl_current_task(), self->t);
    co_end;
}

TASK_TEST(a_coroutine_runs_in_the_task_that_waits, {})
{
    co_begin;
    co_await(awl_wait_for(co_call(is_in_task, .t = awl_current_task()), AWL_SECOND));
    CHECK_INT(iteration(), 2);
    co_end;
}

TASK_TEST(what_does_not_suspend_takes_no_iteration, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 3);
    co_await(awl_wait_for(&self->f, AWL_SECOND));
    CHECK_INT(iteration(), 1);
    co_end;
}

TASK_TEST(a_pause_can_be_waited_for, { int rc; })
{
    co_begin;
    co_await(awl_wait_for(awl_sleep(0), AWL_SECOND));
    CHECK_INT(iteration(), 2);
    co_end;
}

/* ---- Too late ------------------------------------------------------------------------------------------------------------------ */

TASK_TEST(too_late_is_ETIMEDOUT_at_the_deadline, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(tells, .name = "t", .t = AWL_SECOND), 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 5);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    CHECK(strstr(trace, "t:cancelled") != NULL);
    co_end;
}

TASK_TEST(too_late_the_task_is_cancelled, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    co_try(self->rc, awl_wait_for(self->t, 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK(awl_task_cancelled(self->t));
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(too_late_the_future_is_cancelled, { awl_future f; int rc; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    co_try(self->rc, awl_wait_for(&self->f, 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK(awl_future_cancelled(&self->f));
    co_end;
}

co_def(cleans_up, { awl_time t; int error; })
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    co_await(awl_sleep(self->t));
    if (self->error)
        co_raise(self->error);
    co_end;
}

TASK_TEST(it_ends_when_the_cleanup_has_ended, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cleans_up, .t = 7 * AWL_MS));
    co_try(self->rc, awl_wait_for(self->t, 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 12);
    awl_task_release(self->t);
    co_try(self->rc, awl_wait_for(co_call(cleans_up, .t = 7 * AWL_MS), 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 24);
    co_end;
}

TASK_TEST(an_error_of_the_cleanup_is_passed_on, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cleans_up, .error = EIO));
    co_try(self->rc, awl_wait_for(self->t, 5 * AWL_MS));
    CHECK_INT(self->rc, EIO);
    awl_task_release(self->t);
    co_try(self->rc, awl_wait_for(co_call(cleans_up, .error = EPROTO), 5 * AWL_MS));
    CHECK_INT(self->rc, EPROTO);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

co_def(swallows, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_return(99);
    co_end;
}

TASK_TEST(who_swallows_the_cancellation_gives_its_value, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(co_call(swallows));
    co_let(self->value, awl_wait_for(self->t, 5 * AWL_MS));
    CHECK_INT(self->value, 99);
    awl_task_release(self->t);
    self->value = 0;
    co_let(self->value, awl_wait_for(co_call(swallows), 5 * AWL_MS));
    CHECK_INT(self->value, 99);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

static void set(void *future) { awl_future_set_result((awl_future *)future, 1); }

TASK_TEST(a_value_in_the_iteration_of_the_expiry_is_too_late, { awl_future f; int rc; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_call_at(NULL, NULL, AWL_MS, set, &self->f); /* before the timer of the timeout */
    co_try(self->rc, awl_wait_for(&self->f, AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(awl_future_value(&self->f).i, 1);
    co_end;
}

TASK_TEST(a_deadline_that_was_met_leaves_no_timer, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 100; self->i++)
        co_await(awl_wait_for(co_call(sleeps, .t = AWL_MS), AWL_MS * 2));
    CHECK_INT(now_ms(), 100);
    co_end;
}

/* ---- No time ------------------------------------------------------------------------------------------------------------------ */

TASK_TEST(without_time_a_coroutine_is_not_started, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(tells, .name = "no"), 0));
    CHECK_INT(self->rc, ETIMEDOUT);
    co_try(self->rc, awl_wait_for(co_call(tells, .name = "no"), -AWL_SECOND));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_TRACE("");
    CHECK_INT(now_ms(), 0);
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

TASK_TEST(without_time_what_is_done_is_the_result, { awl_future f; int value, rc; awl_task *t; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 8);
    co_let(self->value, awl_wait_for(&self->f, 0));
    CHECK_INT(self->value, 8);
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    co_try(self->rc, awl_wait_for(self->t, -1));
    CHECK_INT(self->rc, EIO);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(without_time_a_future_is_cancelled, { awl_future f; int rc; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    co_try(self->rc, awl_wait_for(&self->f, 0));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK(awl_future_cancelled(&self->f));
    co_end;
}

TASK_TEST(without_time_a_running_task_is_cancelled_and_waited_for, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cleans_up, .t = 7 * AWL_MS));
    co_await(awl_sleep(0));
    co_try(self->rc, awl_wait_for(self->t, 0));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 7);
    CHECK(awl_task_cancelled(self->t));
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(without_time_one_that_swallows_gives_its_value, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(co_call(swallows));
    co_await(awl_sleep(0));
    co_let(self->value, awl_wait_for(self->t, 0));
    CHECK_INT(self->value, 99);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(null_or_nothing_is_EINVAL, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for((awl_task *)NULL, AWL_SECOND));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_wait_for((awl_future *)NULL, 0));
    CHECK_INT(self->rc, EINVAL);
    co_end;
}
