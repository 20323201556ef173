/* test_shield.c: awl_shield, awl_shield_future. */
#include "rig.h"

RIG_COROUTINES;

TASK_TEST(a_shield_has_what_its_inner_one_gets, { awl_task *t; awl_future f; int value, rc; })
{
    co_begin;
    co_let(self->value, awl_shield(co_call(sleeps, .t = AWL_MS, .value = 1)));
    CHECK_INT(self->value, 1);
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .error = EIO));
    co_try(self->rc, awl_shield(self->t));
    CHECK_INT(self->rc, EIO);
    co_try(self->rc, awl_shield(self->t)); /* is done */
    CHECK_INT(self->rc, EIO);
    awl_task_release(self->t);
    awl_future_init(&self->f, NULL);
    awl_future_cancel(&self->f);
    co_try_cancel(self->rc, awl_shield(&self->f));
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    co_end;
}

co_def(shields, { awl_task *inner; })
{
    co_begin;
    co_await(awl_shield(self->inner));
    co_end;
}

TASK_TEST(a_cancellation_does_not_reach_the_inner_one, { awl_task *inner, *t; int rc, value; })
{
    co_begin;
    self->inner = awl_create_task(co_call(sleeps, .t = 5 * AWL_MS, .value = 3));
    self->t = awl_create_task(co_call(shields, .inner = self->inner));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(now_ms(), 1);
    co_let(self->value, self->inner);
    CHECK_INT(self->value, 3);
    awl_task_release(self->t);
    awl_task_release(self->inner);
    co_end;
}

TASK_TEST(a_coroutine_goes_on_behind_its_shield, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(awl_shield(co_call(tells, .name = "t", .t = 5 * AWL_MS)), AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(stats_of(NULL).tasks, 2);
    co_await(awl_sleep(AWL_SECOND));
    CHECK(strstr(trace, "t:slept") != NULL);
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

co_def(loses_an_error, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(awl_shield(co_call(sleeps, .t = 5 * AWL_MS, .error = EIO)), AWL_MS));
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TEST(an_error_behind_a_cancelled_shield_is_reported)
{
    CHECK_INT(awl_run_with(co_call(loses_an_error), &virtual_options, NULL), 0);
    CHECK_REPORTS("sleeps:5");
}

TASK_TEST(a_shield_can_be_handed_on, { awl_task *t; awl_future *s, *same; int rc, value; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = 2 * AWL_MS, .value = 3));
    self->s = awl_shield_future(self->t);
    co_await(awl_sleep(AWL_MS));
    CHECK(awl_future_cancel(self->s) && awl_future_cancelled(self->s));
    co_let(self->value, self->t);
    CHECK_INT(self->value, 3);
    awl_future_release(self->s);
    self->same = awl_shield_future(awl_task_future(self->t));
    CHECK(self->same == awl_task_future(self->t));
    awl_future_release(self->same);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_shield_takes_two_iterations, { awl_future *f, *s; int at; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    self->s = awl_shield_future(self->f);
    self->at = iteration();
    awl_future_set_result(self->f, 1);
    co_await(self->s);
    CHECK_INT(iteration() - self->at, 2);
    awl_future_release(self->s);
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(a_shield_may_be_released_at_any_time, { awl_future *f, *s; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    self->s = awl_shield_future(self->f);
    awl_future_release(self->s);
    self->s = awl_shield_future(self->f);
    awl_future_cancel(self->s);
    awl_future_release(self->s); /* its callback is still to come */
    self->s = awl_shield_future(self->f);
    awl_future_set_error(self->f, EIO);
    awl_future_release(self->s);
    self->s = NULL;
    co_await(awl_sleep(AWL_MS));
    CHECK(!self->f || awl_future_unretrieved(self->f));
    CHECK_INT(awl_future_error(self->f), EIO);
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(nothing_to_shield_is_EINVAL, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_shield((awl_task *)NULL));
    CHECK_INT(self->rc, EINVAL);
    CHECK(!awl_shield_future((awl_future *)NULL) && errno == EINVAL);
    co_end;
}

TEST(a_shield_may_be_made_before_the_loop_runs)
{
    awl_value result;

    CHECK_INT(awl_run_with(awl_shield(co_call(sleeps, .value = 4)), &virtual_options, &result), 0);
    CHECK_INT(result.i, 4);
}

TASK_TEST(a_shield_that_is_not_awaited_gives_its_task_back, { awl_task *t; })
{
    co_begin;
    awl_coro_close(awl_shield(co_call(sleeps)));
    self->t = awl_create_task(awl_shield(co_call(sleeps)));
    awl_task_cancel(self->t); /* before its first step */
    co_await(awl_sleep(AWL_MS));
    awl_task_release(self->t);
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

TASK_TEST(who_else_holds_the_inner_one_may_let_it_go, { awl_task *t, *outer; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS));
    self->outer = awl_create_task(awl_shield(self->t));
    co_await(awl_sleep(0));
    awl_task_release(self->t);
    co_await(self->outer);
    awl_task_release(self->outer);
    co_end;
}

TASK_TEST(a_released_shield_gives_its_memory_back, { awl_future *f, *s; size_t used; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    if (!self->f)
        co_raise(ENOMEM);
    self->used = stats_of(NULL).memory_used;
    self->s = awl_shield_future(self->f);
    if (!self->s)
        co_raise(ENOMEM);
    awl_future_release(self->s);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_finally;
    awl_future_release(self->f);
    co_end;
}

/* The inner one fails when the waiter was cancelled, and has yet to go on. */
TASK_TEST(an_error_behind_a_cancellation_of_the_waiter_is_looked_at, { awl_future *f; awl_task *t; int rc; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    self->t = awl_create_task(awl_shield(self->f));
    if (!self->f || !self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    awl_future_set_error(self->f, EIO);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(!awl_future_unretrieved(self->f));
    CHECK_INT(awl_future_error(self->f), EIO);
    co_finally;
    awl_task_error(self->t);
    awl_task_release(self->t);
    awl_future_release(self->f);
    co_end;
}

TEST(a_shield_without_memory_is_ENOMEM)
{
    static _Alignas(16) char memory[8192];
    awl_loop *loop = awl_loop_open(&(awl_loop_options){ .memory = memory, .memory_size = sizeof memory });
    awl_future *first, *last;

    if (!loop)
        SKIP("no memory for a loop");
    first = awl_future_new(loop);
    CHECK(first != NULL);
    do {
        last = awl_future_new(loop);
    } while (last);
    errno = 0;
    CHECK(!awl_shield_future(first));
    CHECK_INT(errno, ENOMEM);
    awl_loop_close(loop);
}
