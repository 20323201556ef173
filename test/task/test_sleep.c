/* test_sleep.c: awl_sleep. */
#include "rig.h"

RIG_COROUTINES;

static volatile awl_time shortest = 1; /* as a constant it would be taken for a unit forgotten */

TASK_TEST(sleep_takes_its_time, {})
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    CHECK_INT(awl_loop_time(NULL), AWL_SECOND);
    co_await(awl_sleep(shortest));
    CHECK_INT(awl_loop_time(NULL), AWL_SECOND + 1);
    co_end;
}

TASK_TEST(sleep_of_zero_or_less_is_one_iteration, {})
{
    co_begin;
    co_await(awl_sleep(0));
    CHECK_INT(iteration(), 2);
    co_await(awl_sleep(-AWL_SECOND));
    CHECK_INT(iteration(), 3);
    co_await(awl_sleep(INT64_MIN));
    CHECK_INT(iteration(), 4);
    CHECK_INT(awl_loop_time(NULL), 0);
    co_end;
}

TASK_TEST(sleep_ends_one_iteration_after_its_timer, {})
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(iteration(), 3);
    co_end;
}

TASK_TEST(sleep_of_zero_lets_all_others_go_first, { awl_task *a; })
{
    co_begin;
    self->a = awl_create_task(co_call(tells, .name = "a"));
    awl_call_soon(NULL, NULL, say_it, "callback");
    co_await(awl_sleep(0));
    CHECK_TRACE("a:starts@2 callback");
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(sleepers_of_one_deadline_go_on_in_their_order, { awl_task *t[3]; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->t[i] = awl_create_task(co_call(tells, .name = (const char *[]){ "a", "b", "c" }[i], .t = AWL_MS));
    co_await(awl_sleep(0));
    trace[0] = '\0';
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_TRACE("a:slept@4 a:ends@4 b:slept@4 b:ends@4 c:slept@4 c:ends@4");
    for (int i = 0; i < 3; i++)
        awl_task_release(self->t[i]);
    co_end;
}

TASK_TEST(a_sleep_object_may_be_held_and_made_a_task, { awl_coro object; awl_task *t; })
{
    co_begin;
    self->object = awl_sleep(5 * AWL_MS);
    self->t = awl_create_task(awl_sleep(3 * AWL_MS));
    CHECK_STR(awl_task_name(self->t), "awl_sleep");
    co_await(awl_sleep(AWL_MS));
    co_await(self->object); /* counts from here */
    CHECK_INT(now_ms(), 6);
    CHECK(awl_task_done(self->t));
    awl_task_release(self->t);
    co_end;
}

co_def(sleeps_for_ever, {})
{
    co_begin;
    co_await(awl_sleep(AWL_FOREVER));
    co_end;
}

TASK_TEST(a_sleep_for_ever_ends_by_cancellation_only, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps_for_ever));
    co_await(awl_sleep(1000 * 24 * 60 * AWL_MINUTE));
    CHECK(!awl_task_done(self->t));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    awl_task_release(self->t);
    co_end;
}

TEST(nothing_but_a_sleep_for_ever_is_EDEADLK)
{
    CHECK_INT(awl_run_with(co_call(sleeps_for_ever), &virtual_options, NULL), EDEADLK);
}

TASK_TEST(a_thousand_sleepers_wake_in_the_order_of_their_deadlines, { awl_task *t[1000]; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 1000; self->i++) {
        self->t[self->i] = awl_create_task(co_call(sleeps, .t = (self->i * 7919 % 1000 + 1) * AWL_MS, .value = self->i));
        CHECK(self->t[self->i] != NULL);
    }
    co_await(awl_sleep(500 * AWL_MS + 1));
    for (self->i = 0; self->i < 1000; self->i++)
        CHECK_INT(awl_task_done(self->t[self->i]), self->i * 7919 % 1000 + 1 <= 500);
    co_await(awl_sleep(500 * AWL_MS));
    for (self->i = 0; self->i < 1000; self->i++) {
        CHECK_INT(awl_task_value(self->t[self->i]).i, self->i);
        awl_task_release(self->t[self->i]);
    }
    co_end;
}
