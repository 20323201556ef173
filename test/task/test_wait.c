/* test_wait.c: awl_wait. */
#include "rig.h"

RIG_COROUTINES;

/* Three tasks that take 1, 2 and 3 ms. */
static void three(awl_task **t, int error)
{
    t[0] = awl_create_task(co_call(sleeps, .t = 1 * AWL_MS, .value = 1));
    t[1] = awl_create_task(co_call(sleeps, .t = 2 * AWL_MS, .value = 2, .error = error));
    t[2] = awl_create_task(co_call(sleeps, .t = 3 * AWL_MS, .value = 3));
}

static void release_three(awl_task **t)
{
    for (int i = 0; i < 3; i++) {
        (void)awl_task_error(t[i]);
        awl_task_release(t[i]);
    }
}

TASK_TEST(all_completed, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    co_let(self->done, awl_wait(self->t, 3, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->done, 3);
    CHECK_INT(now_ms(), 3);
    release_three(self->t);
    co_end;
}

TASK_TEST(all_completed_does_not_raise_errors, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, EIO);
    co_let(self->done, awl_wait(self->t, 3, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->done, 3);
    CHECK_INT(awl_task_error(self->t[1]), EIO);
    release_three(self->t);
    co_end;
}

TASK_TEST(first_completed, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    co_let(self->done, awl_wait(self->t, 3, AWL_FIRST_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->done, 1);
    CHECK_INT(now_ms(), 1);
    CHECK(awl_task_done(self->t[0]) && !awl_task_done(self->t[1]));
    co_let(self->done, awl_wait(self->t + 1, 2, AWL_FIRST_COMPLETED, AWL_FOREVER));
    CHECK_INT(now_ms(), 2);
    release_three(self->t);
    co_end;
}

TASK_TEST(first_completed_counts_all_that_are_done_by_then, { awl_task *t[3]; int done; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->t[i] = awl_create_task(co_call(sleeps, .t = AWL_MS));
    co_let(self->done, awl_wait(self->t, 3, AWL_FIRST_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->done, 3);
    release_three(self->t);
    co_end;
}

TASK_TEST(first_exception, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, EIO);
    co_let(self->done, awl_wait(self->t, 3, AWL_FIRST_EXCEPTION, AWL_FOREVER));
    CHECK_INT(self->done, 2);
    CHECK_INT(now_ms(), 2);
    CHECK_INT(awl_task_error(self->t[1]), EIO);
    release_three(self->t);
    co_end;
}

TASK_TEST(first_exception_a_cancellation_is_none, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    awl_task_cancel(self->t[1]);
    co_let(self->done, awl_wait(self->t, 3, AWL_FIRST_EXCEPTION, AWL_FOREVER));
    CHECK_INT(self->done, 3);
    CHECK_INT(now_ms(), 3);
    release_three(self->t);
    co_end;
}

TASK_TEST(when_the_time_is_over_it_says_how_many, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    co_let(self->done, awl_wait(self->t, 3, AWL_ALL_COMPLETED, 2 * AWL_MS + 1));
    CHECK_INT(self->done, 2);
    CHECK_INT(awl_loop_time(NULL), 2 * AWL_MS + 1);
    CHECK(!awl_task_done(self->t[2]));
    co_await(self->t[2]); /* it went on */
    release_three(self->t);
    co_end;
}

TASK_TEST(without_time_it_takes_what_is_done, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    co_await(awl_sleep(2 * AWL_MS + 1));
    co_let(self->done, awl_wait(self->t, 3, AWL_ALL_COMPLETED, 0));
    CHECK_INT(self->done, 2);
    co_let(self->done, awl_wait(self->t, 3, AWL_ALL_COMPLETED, -1));
    CHECK_INT(self->done, 2);
    release_three(self->t);
    co_end;
}

TASK_TEST(all_done_already_still_takes_iterations, { awl_future f; awl_future *fs[1]; int done, before; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 1);
    self->fs[0] = &self->f;
    self->before = iteration();
    co_let(self->done, awl_wait(self->fs, 1, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->done, 1);
    CHECK(iteration() > self->before);
    co_end;
}

static void set(void *future) { awl_future_set_result((awl_future *)future, 1); }

static awl_future settled; /* outlives the test's coroutine, which may fail before the call */

TASK_TEST(the_waiter_goes_on_two_iterations_later, { awl_future *fs[1]; int done; })
{
    co_begin;
    awl_future_init(&settled, NULL);
    self->fs[0] = &settled;
    awl_call_soon(NULL, NULL, set, &settled); /* in iteration 2 */
    co_let(self->done, awl_wait(self->fs, 1, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(iteration(), 4);
    co_end;
}

static awl_task *lasting[3]; /* outlives the test's coroutine, which may fail before its tasks have ended */

co_def(waits, { awl_task **t; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_wait(self->t, 3, AWL_ALL_COMPLETED, AWL_SECOND));
    say("%d@%d", usual(self->rc), now_ms());
    co_end;
}

TASK_TEST(cancelled_it_leaves_the_tasks_running, { awl_task *w; })
{
    co_begin;
    three(lasting, 0);
    self->w = awl_create_task(co_call(waits, .t = lasting));
    co_await(awl_sleep(AWL_MS + 1));
    awl_task_cancel(self->w);
    co_await(self->w);
    CHECK_TRACE("125@1");
    CHECK(!awl_task_done(lasting[1]) && awl_task_cancelling(lasting[1]) == 0);
    co_await(awl_sleep(5 * AWL_MS));
    CHECK_INT(awl_task_value(lasting[2]).i, 3);
    awl_task_release(self->w);
    release_three(lasting);
    co_end;
}

TASK_TEST(cancelled_in_the_iteration_of_its_end_it_is_ECANCELED, { awl_task *w; })
{
    co_begin;
    three(lasting, 0);
    self->w = awl_create_task(co_call(waits, .t = lasting));
    co_await(lasting[2]);
    awl_task_cancel(self->w);
    co_await(self->w);
    CHECK_TRACE("125@3");
    awl_task_release(self->w);
    release_three(lasting);
    co_end;
}

TASK_TEST(the_timer_is_gone_when_it_ends_early, { awl_task *t[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    co_let(self->done, awl_wait(self->t, 3, AWL_ALL_COMPLETED, AWL_MINUTE));
    release_three(self->t);
    co_end; /* else the shutdown would have to wait a minute: see below */
}

TASK_TEST(none_or_a_null_is_EINVAL, { awl_task *t[2]; int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait(self->t, 0, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_wait(NULL, 0, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->rc, EINVAL);
    self->t[0] = awl_create_task(co_call(sleeps));
    co_try(self->rc, awl_wait(self->t, 2, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->rc, EINVAL);
    awl_task_release(self->t[0]);
    co_end;
}

TASK_TEST(the_array_is_read_at_the_call, { awl_task *t[3]; awl_coro wait; awl_task *kept[3]; int done; })
{
    co_begin;
    three(self->t, 0);
    memcpy(self->kept, self->t, sizeof self->t);
    self->wait = awl_wait(self->t, 3, AWL_ALL_COMPLETED, AWL_FOREVER);
    memset(self->t, 0, sizeof self->t);
    co_let(self->done, self->wait);
    CHECK_INT(self->done, 3);
    release_three(self->kept);
    co_end;
}

TASK_TEST(the_same_one_twice_counts_twice, { awl_task *t[2]; int done; })
{
    co_begin;
    self->t[0] = self->t[1] = awl_create_task(co_call(sleeps, .t = AWL_MS));
    co_let(self->done, awl_wait(self->t, 2, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->done, 2);
    awl_task_release(self->t[0]);
    co_end;
}

static void fail_one(void *future) { awl_future_set_error(future, EIO); }

co_def(waits_a_while, { awl_future **futures; size_t n; int done; })
{
    co_begin;
    co_let(self->done, awl_wait(self->futures, self->n, AWL_FIRST_EXCEPTION, AWL_MS));
    CHECK_INT(self->done, self->n);
    co_end;
}

/* The time is over, and before the waiter goes on all fail: that of the last to do so is news. */
TASK_TEST(all_errors_but_the_last_behind_the_time_are_looked_at, { awl_future *fs[3]; awl_task *t; awl_handle h[3]; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->fs[i] = awl_future_new(NULL);
    self->t = awl_create_task(co_call(waits_a_while, .futures = self->fs, .n = 3));
    co_await(awl_sleep(0));
    if (!self->fs[0] || !self->fs[1] || !self->fs[2] || !self->t)
        co_raise(ENOMEM);
    for (int i = 0; i < 3; i++)
        awl_call_later(NULL, &self->h[i], AWL_MS, fail_one, self->fs[i == 0 ? 1 : i == 1 ? 2 : 0]);
    co_await(self->t);
    CHECK(!awl_future_unretrieved(self->fs[1]) && !awl_future_unretrieved(self->fs[2]));
    CHECK(awl_future_unretrieved(self->fs[0]));
    CHECK_INT(awl_future_error(self->fs[0]), EIO);
    co_finally;
    for (int i = 0; i < 3; i++) {
        awl_handle_cancel(&self->h[i]);
        awl_future_release(self->fs[i]);
    }
    awl_task_release(self->t);
    co_end;
}

co_def(waits_for_one_of_two, { awl_future **futures; int done; })
{
    co_begin;
    co_let(self->done, awl_wait(self->futures, 2, AWL_FIRST_EXCEPTION, AWL_MS));
    CHECK_INT(self->done, 1);
    co_end;
}

TASK_TEST(an_error_behind_the_time_is_looked_at_if_others_pend, { awl_future *fs[2]; awl_task *t; awl_handle h; })
{
    co_begin;
    for (int i = 0; i < 2; i++)
        self->fs[i] = awl_future_new(NULL);
    self->t = awl_create_task(co_call(waits_for_one_of_two, .futures = self->fs));
    co_await(awl_sleep(0));
    if (!self->fs[0] || !self->fs[1] || !self->t)
        co_raise(ENOMEM);
    awl_call_later(NULL, &self->h, AWL_MS, fail_one, self->fs[0]);
    co_await(self->t);
    CHECK(!awl_future_unretrieved(self->fs[0]));
    CHECK_INT(awl_future_error(self->fs[0]), EIO);
    co_finally;
    awl_handle_cancel(&self->h);
    awl_future_release(self->fs[0]);
    awl_future_release(self->fs[1]);
    awl_task_release(self->t);
    co_end;
}
