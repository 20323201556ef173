/* test_cancel_again.c: cancelling twice, oneself, in finally, from callbacks; counting and uncancel. */
#include "rig.h"

RIG_COROUTINES;

/* ---- Twice ------------------------------------------------------------------------------------------------------------ */

TASK_TEST(twice_before_it_arrives_is_one_cancellation_counted_twice, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_SECOND));
    co_await(awl_sleep(0));
    CHECK(awl_task_cancel(self->t));
    CHECK(awl_task_cancel(self->t));
    CHECK_INT(awl_task_cancelling(self->t), 2);
    co_try_cancel(self->rc, self->t);
    CHECK_TRACE("t:starts@2 t:cancelled@3 t:ends@3");
    CHECK_INT(awl_task_cancelling(self->t), 2);
    awl_task_release(self->t);
    co_end;
}

co_def(stubborn, { int i, rc; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
        say("%d@%d", usual(self->rc), iteration());
    }
    co_end;
}

TASK_TEST(twice_in_different_iterations_is_two_cancellations, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(stubborn));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_await(awl_sleep(0));
    CHECK_TRACE("125@3 125@4");
    awl_task_cancel(self->t);
    co_await(self->t);
    CHECK_TRACE("125@5");
    awl_task_release(self->t);
    co_end;
}

co_def(cleans_up, { int rc; })
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    co_try_cancel(self->rc, awl_sleep(5 * AWL_MS));
    say("cleaned:%d@%d", usual(self->rc), now_ms());
    co_end;
}

TASK_TEST(cancelled_once_its_finally_awaits_undisturbed, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cleans_up));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("cleaned:0@5");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_second_cancellation_arrives_in_its_finally, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(cleans_up));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("cleaned:125@1");
    awl_task_release(self->t);
    co_end;
}

co_def(finally_raises, {})
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    co_raise(EIO);
    co_end;
}

TASK_TEST(an_error_of_finally_replaces_it, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(finally_raises));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, EIO);
    awl_task_release(self->t);
    co_end;
}

/* ---- Oneself ------------------------------------------------------------------------------------------------------------ */

TASK_TEST(oneself_it_arrives_at_the_next_suspension, { int rc; })
{
    co_begin;
    CHECK(awl_task_cancel(awl_current_task()));
    say("on@%d", iteration());
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    CHECK_INT(self->rc, ECANCELED);
    say("caught@%d", iteration());
    CHECK_TRACE("on@1 caught@2");
    CHECK_INT(now_ms(), 0);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 1);
    co_end;
}

TASK_TEST(oneself_it_arrives_at_a_bare_yield_too, { int rc; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    co_try_cancel(self->rc, awl_sleep(0));
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(iteration(), 2);
    co_end;
}

co_def(returns_at_once, { int value; })
{
    co_begin;
    co_return(self->value);
    co_end;
}

TASK_TEST(what_is_done_already_does_not_deliver_it, { awl_future future; int value, rc; })
{
    co_begin;
    awl_future_init(&self->future, NULL);
    awl_future_set_result(&self->future, 8);
    awl_task_cancel(awl_current_task());
    co_let(self->value, &self->future);
    CHECK_INT(self->value, 8);
    co_let(self->value, co_call(returns_at_once, .value = 9));
    CHECK_INT(self->value, 9);
    co_try_cancel(self->rc, awl_sleep(0));
    CHECK_INT(self->rc, ECANCELED);
    co_end;
}

TASK_TEST(oneself_the_child_one_awaits_is_cancelled_at_once, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_SECOND));
    co_await(awl_sleep(0));
    awl_task_cancel(awl_current_task());
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("t:starts@2 t:cancelled@3 t:ends@3");
    CHECK_INT(iteration(), 4);
    CHECK(awl_task_cancelled(self->t));
    awl_task_release(self->t);
    co_end;
}

co_def(cancels_itself_then_awaits, { awl_future *future; int rc; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    co_try_cancel(self->rc, self->future);
    say("%d@%d", usual(self->rc), iteration());
    co_end;
}

TASK_TEST(oneself_the_future_one_awaits_is_cancelled_at_once, { awl_task *t; awl_future *future; })
{
    co_begin;
    self->future = awl_future_new(NULL);
    self->t = awl_create_task(co_call(cancels_itself_then_awaits, .future = self->future));
    co_await(self->t);
    CHECK(awl_future_cancelled(self->future));
    CHECK_TRACE("125@3");
    awl_task_release(self->t);
    awl_future_release(self->future);
    co_end;
}

/* ---- Counting ------------------------------------------------------------------------------------------------------------ */

TASK_TEST(uncancel_counts_down_and_stops_at_zero, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(stubborn));
    CHECK_INT(awl_task_uncancel(self->t), 0);
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    awl_task_cancel(self->t);
    CHECK_INT(awl_task_uncancel(self->t), 1);
    CHECK_INT(awl_task_uncancel(self->t), 0);
    CHECK_INT(awl_task_uncancel(self->t), 0);
    CHECK_INT(awl_task_cancelling(self->t), 0);
    CHECK_INT(awl_task_uncancel(NULL), 0);
    CHECK_INT(awl_task_cancelling(NULL), 0);
    co_await(self->t);
    CHECK(strncmp(trace, "125@3 0@", 8) == 0);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(uncancel_to_zero_withdraws_what_has_not_arrived, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 4));
    awl_task_cancel(self->t);
    awl_task_cancel(self->t);
    awl_task_uncancel(self->t);
    awl_task_uncancel(self->t);
    co_await(self->t);
    CHECK_INT(awl_task_value(self->t).i, 4);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(uncancel_to_one_withdraws_nothing, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS));
    awl_task_cancel(self->t);
    awl_task_cancel(self->t);
    awl_task_uncancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(uncancel_of_oneself_before_suspending_goes_on, { int rc; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    awl_task_uncancel(awl_current_task());
    co_try_cancel(self->rc, awl_sleep(0));
    CHECK_INT(self->rc, 0);
    co_end;
}

/* ---- From callbacks --------------------------------------------------------------------------------------------------------- */

static void cancel_other(awl_future *future, void *task)
{
    (void)future;
    say("cancel:%d@%d", awl_task_cancel(task), iteration());
}

TASK_TEST(cancelled_from_a_done_callback, { awl_task *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(sleeps));
    self->b = awl_create_task(co_call(tells, .name = "b", .t = AWL_SECOND));
    CHECK_INT(awl_task_add_done_callback(self->a, cancel_other, self->b), 0);
    co_try_cancel(self->rc, self->b);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("b:starts@2 cancel:1@4 b:cancelled@5 b:ends@5");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_done_callback_cancelling_its_own_task_is_refused, { awl_task *a; })
{
    co_begin;
    self->a = awl_create_task(co_call(sleeps));
    awl_task_add_done_callback(self->a, cancel_other, self->a);
    co_await(self->a);
    CHECK_TRACE("cancel:0@4");
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(cancelled_through_its_future, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(tells, .name = "t", .t = AWL_SECOND));
    co_await(awl_sleep(0));
    CHECK(awl_future_cancel(awl_task_future(self->t)));
    CHECK(!awl_future_cancelled(awl_task_future(self->t))); /* it only asks */
    CHECK_INT(awl_task_cancelling(self->t), 1);
    co_try_cancel(self->rc, self->t);
    CHECK_TRACE("t:starts@2 t:cancelled@3 t:ends@3");
    awl_task_release(self->t);
    co_end;
}
