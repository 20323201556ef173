/* test_cancel.c: cancellation, rule by rule of asyncio's, with the iteration in which it happens. */
#include "rig.h"

RIG_COROUTINES;

/* The main task of each test takes its first step in iteration 1. */

/* ---- What the result is --------------------------------------------------------------------------------------------- */

TASK_TEST(cancelled_before_its_first_step_the_body_never_runs, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_MS));
    CHECK(awl_task_cancel(self->t));
    CHECK(!awl_task_done(self->t));
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_task_cancelled(self->t));
    CHECK_INT(iteration(), 3);
    CHECK_TRACE("");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_while_it_sleeps, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_SECOND));
    co_await(awl_sleep(0));
    CHECK(awl_task_cancel(self->t));
    co_try_cancel(self->rc, self->t);
    CHECK_TRACE("t:starts@2 t:cancelled@3 t:ends@3");
    CHECK_INT(iteration(), 4);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(awl_task_error(self->t), ECANCELED);
    CHECK_INT(now_ms(), 0);
    awl_task_release(self->t);
    co_end;
}

co_def(swallows, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_return(self->rc);
    co_end;
}

TASK_TEST(a_swallowed_cancellation_is_no_cancellation, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(co_call(swallows));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_let(self->value, self->t);
    CHECK_INT(self->value, ECANCELED);
    CHECK(!awl_task_cancelled(self->t));
    CHECK_INT(awl_task_cancelling(self->t), 1);
    awl_task_release(self->t);
    co_end;
}

co_def(fails_when_cancelled, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_raise(EIO);
    co_end;
}

TASK_TEST(an_error_may_replace_a_cancellation, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(fails_when_cancelled));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_try(self->rc, self->t);
    CHECK_INT(self->rc, EIO);
    CHECK(!awl_task_cancelled(self->t));
    awl_task_release(self->t);
    co_end;
}

co_def(cancels_itself_and, { int error, value; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    if (self->error)
        co_raise(self->error);
    co_return(self->value);
    co_end;
}

TASK_TEST(returning_with_an_undelivered_cancellation_is_cancelled, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cancels_itself_and, .value = 5));
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_task_cancelled(self->t));
    CHECK_INT(awl_task_value(self->t).i, 0);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(failing_with_an_undelivered_cancellation_is_failed, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cancels_itself_and, .error = EIO));
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, EIO);
    CHECK(!awl_task_cancelled(self->t));
    awl_task_release(self->t);
    co_end;
}

co_def(raises_cancelled, {})
{
    co_begin;
    co_raise(ECANCELED);
    co_end;
}

TASK_TEST(raising_ECANCELED_is_cancelled_without_any_cancel, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(raises_cancelled));
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_task_cancelled(self->t));
    CHECK_INT(awl_task_cancelling(self->t), 0);
    awl_task_release(self->t);
    co_end;
}

co_def(tries, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_sleep(AWL_SECOND));
    say("caught");
    co_end;
}

TASK_TEST(co_try_does_not_catch_it, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tries));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelling_what_is_done_is_false_and_counts_nothing, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .value = 3));
    co_await(self->t);
    CHECK(!awl_task_cancel(self->t));
    CHECK(!awl_task_cancel(NULL));
    CHECK_INT(awl_task_cancelling(self->t), 0);
    CHECK_INT(awl_task_value(self->t).i, 3);
    awl_task_release(self->t);
    co_end;
}

/* ---- What is waited for is cancelled ---------------------------------------------------------------------------------- */

TASK_TEST(a_future_waited_for_is_cancelled_for_all_who_wait, { awl_future *f; awl_task *a, *b; int rc; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    self->a = awl_create_task(co_call(awaits, .name = "a", .future = self->f));
    self->b = awl_create_task(co_call(awaits, .name = "b", .future = self->f));
    co_await(awl_sleep(0));
    awl_task_cancel(self->b);
    CHECK(awl_future_cancelled(self->f));
    co_try_cancel(self->rc, self->b);
    CHECK(awl_task_cancelled(self->a) && awl_task_cancelled(self->b));
    CHECK_INT(awl_task_cancelling(self->a), 0);
    CHECK_TRACE("a:125/0@3 b:125/0@3");
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_future_release(self->f);
    co_end;
}

co_def(awaits_task, { const char *name; awl_task *t; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, self->t);
    say("%s:%d@%d", self->name, usual(self->rc), iteration());
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

/* Cleans up for two more iterations when it is cancelled. */
co_def(slow_to_end, {})
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    say("clean@%d", iteration());
    co_end;
}

TASK_TEST(a_task_waited_for_is_cancelled_and_the_waiter_ends_after_it, { awl_task *a, *b, *c; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(slow_to_end));
    self->b = awl_create_task(co_call(awaits_task, .name = "b", .t = self->a));
    self->c = awl_create_task(co_call(awaits_task, .name = "c", .t = self->b));
    co_await(awl_sleep(0));
    CHECK(awl_task_cancel(self->c));
    CHECK_INT(awl_task_cancelling(self->a), 1);
    CHECK_INT(awl_task_cancelling(self->c), 1);
    co_try_cancel(self->rc, self->c);
    CHECK_TRACE("clean@5 b:125@6 c:125@7");
    CHECK_INT(iteration(), 8);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->c);
    co_end;
}

TASK_TEST(a_child_that_swallows_it_gives_its_value, { awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(co_call(swallows));
    self->b = awl_create_task(co_call(awaits_task, .name = "b", .t = self->a));
    co_await(awl_sleep(0));
    awl_task_cancel(self->b);
    co_await(self->b);
    CHECK(!awl_task_cancelled(self->b));
    CHECK_INT(awl_task_cancelling(self->b), 1);
    CHECK_TRACE("b:0@4");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_child_that_fails_of_it_gives_its_error, { awl_task *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(fails_when_cancelled));
    self->b = awl_create_task(co_call(awaits_task, .name = "b", .t = self->a));
    co_await(awl_sleep(0));
    awl_task_cancel(self->b);
    co_try(self->rc, self->b);
    CHECK_INT(self->rc, EIO);
    CHECK_TRACE("b:5@4");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

co_def(three_deep, { int depth; })
{
    co_begin;
    if (self->depth == 3)
        co_await(awl_sleep(AWL_SECOND));
    else
        co_await(co_call(three_deep, .depth = self->depth + 1));
    co_finally;
    say("%d@%d", self->depth, iteration());
    co_end;
}

TASK_TEST(it_unwinds_all_frames_in_one_step, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(three_deep));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_TRACE("3@3 2@3 1@3 0@3");
    awl_task_release(self->t);
    co_end;
}

/* ---- The same instant --------------------------------------------------------------------------------------------------- */

TASK_TEST(a_future_that_is_done_already_does_not_save_the_task, { awl_future *f; awl_task *t; int rc; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    self->t = awl_create_task(co_call(awaits, .name = "t", .future = self->f));
    co_await(awl_sleep(0));
    awl_future_set_result(self->f, 7);
    CHECK(awl_task_cancel(self->t));
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(!awl_future_cancelled(self->f));
    CHECK_TRACE("t:125/0@3");
    awl_task_release(self->t);
    awl_future_release(self->f);
    co_end;
}

static void cancel_task(void *task) { say("cancel:%d", awl_task_cancel(task)); }

TASK_TEST(cancelled_in_the_iteration_of_its_timer_before_it, { awl_task *t; int rc; })
{
    co_begin;
    awl_call_at(NULL, NULL, AWL_MS, say_it, "x");
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_MS));
    awl_call_at(NULL, NULL, AWL_MS, cancel_task, self->t); /* before: the sleep starts in the next iteration */
    co_try_cancel(self->rc, self->t);
    CHECK_TRACE("t:starts@2 x cancel:1 t:cancelled@4 t:ends@4");
    CHECK_INT(now_ms(), 1);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_in_the_iteration_of_its_timer_behind_it, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_MS));
    co_await(awl_sleep(0));
    awl_call_at(NULL, NULL, AWL_MS, cancel_task, self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED); /* the sleep was over, but the task had not gone on */
    CHECK_TRACE("t:starts@2 cancel:1 t:cancelled@4 t:ends@4");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_during_a_bare_yield, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = 0));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("t:starts@2 t:cancelled@3 t:ends@3");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(several_cancelled_in_one_step_unwind_in_that_order, { awl_task *t[3]; int rc; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->t[i] = awl_create_task(co_call(tells, .name = (const char *[]){ "a", "b", "c" }[i], .t = AWL_SECOND));
    co_await(awl_sleep(0));
    trace[0] = '\0';
    awl_task_cancel(self->t[2]);
    awl_task_cancel(self->t[0]);
    awl_task_cancel(self->t[1]);
    co_await(awl_sleep(0));
    CHECK_TRACE("c:cancelled@3 c:ends@3 a:cancelled@3 a:ends@3 b:cancelled@3 b:ends@3");
    for (int i = 0; i < 3; i++)
        awl_task_release(self->t[i]);
    co_end;
}
