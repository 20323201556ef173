/* test_gather_future.c: awl_gather_future, and errors that nobody has looked at. */
#include "rig.h"

RIG_COROUTINES;

/* Two tasks, for the tests to gather; they are released by `drop`. */
static void make_two(awl_task **two, awl_coro a, awl_coro b)
{
    two[0] = awl_create_task(a);
    two[1] = awl_create_task(b);
}

static void drop(awl_future *gather, awl_task **two)
{
    awl_future_release(gather);
    awl_task_release(two[0]);
    awl_task_release(two[1]);
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */

TASK_TEST(its_result_is_the_outcomes_in_order, { awl_task *two[2]; awl_future *g; const awl_outcome *out; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .t = 2 * AWL_MS, .value = 1), co_call(sleeps, .t = AWL_MS, .value = 2));
    self->g = awl_gather_future(self->two, 2, 0);
    CHECK(self->g && !awl_future_done(self->g));
    co_let(self->out, self->g);
    CHECK(self->out == awl_future_value(self->g).p);
    CHECK_INT(self->out[0].value.i, 1);
    CHECK_INT(self->out[1].value.i, 2);
    CHECK_INT(now_ms(), 2);
    drop(self->g, self->two);
    co_end;
}

TASK_TEST(it_takes_the_iterations_of_awl_gather, { awl_future *f, *g; int at; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    self->g = awl_gather_future(&self->f, 1, 0);
    self->at = iteration();
    awl_future_set_result(self->f, 1);
    co_await(self->g);
    CHECK_INT(iteration() - self->at, 2);
    awl_future_release(self->g);
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(with_all_done_it_is_done_at_once, { awl_future f, *fs[2], *g; })
{
    const awl_outcome *out;

    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 7);
    self->fs[0] = self->fs[1] = &self->f; /* one may be there twice */
    self->g = awl_gather_future(self->fs, 2, 0);
    CHECK(awl_future_done(self->g));
    out = awl_future_value(self->g).p;
    CHECK(out[0].value.i == 7 && out[1].value.i == 7);
    awl_future_release(self->g);
    self->g = awl_gather_future((awl_future **)NULL, 0, 0);
    CHECK(awl_future_done(self->g) && awl_future_error(self->g) == 0);
    awl_future_release(self->g);
    co_end;
}

TASK_TEST(return_exceptions_makes_errors_outcomes, { awl_task *two[2]; awl_future *g; const awl_outcome *out; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .error = EIO), co_call(sleeps, .t = AWL_SECOND));
    self->g = awl_gather_future(self->two, 2, AWL_RETURN_EXCEPTIONS);
    awl_task_cancel(self->two[1]);
    co_let(self->out, self->g);
    CHECK_INT(self->out[0].error, EIO);
    CHECK_INT(self->out[1].error, ECANCELED);
    drop(self->g, self->two);
    co_end;
}

static void note_done(awl_future *future, void *word) { say("%s:%d", (const char *)word, usual(awl_future_error(future))); }

TASK_TEST(it_is_a_future_like_others, { awl_task *two[2]; awl_future *g, *outer; const awl_outcome *out; int value; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .value = 1), co_call(sleeps, .value = 2));
    self->g = awl_gather_future(self->two, 2, 0);
    CHECK_INT(awl_future_set_result(self->g, 1), AWL_EINVALIDSTATE);
    CHECK_INT(awl_future_add_done_callback(self->g, note_done, "done"), 0);
    self->outer = awl_gather_future(&self->g, 1, 0);
    co_let(self->out, awl_wait_for(self->outer, AWL_SECOND));
    self->out = self->out[0].value.p;
    CHECK_INT(self->out[1].value.i, 2);
    CHECK_TRACE("done:0");
    awl_future_release(self->outer);
    drop(self->g, self->two);
    co_end;
}

TEST(it_can_be_run_until_complete)
{
    awl_loop *loop = open_virtual();
    awl_future *f = awl_future_new(loop), *g = awl_gather_future(&f, 1, 0);
    awl_value value;

    awl_future_set_result(f, 3);
    CHECK_INT(awl_run_until_complete(loop, g, &value), 0);
    CHECK_INT(((const awl_outcome *)value.p)->value.i, 3);
    awl_future_release(g);
    awl_future_release(f);
    awl_loop_close(loop);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

TASK_TEST(the_first_error_is_its_own_and_the_others_run_on, { awl_task *two[2]; awl_future *g; int rc; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .t = 2 * AWL_MS), co_call(sleeps, .t = AWL_MS, .error = EIO));
    self->g = awl_gather_future(self->two, 2, 0);
    co_try(self->rc, self->g);
    CHECK_INT(self->rc, EIO);
    CHECK_INT(now_ms(), 1);
    co_await(self->two[0]);
    CHECK_INT(now_ms(), 2);
    drop(self->g, self->two);
    co_end;
}

TASK_TEST(a_child_that_is_cancelled_fails_it_with_ECANCELED, { awl_task *two[2]; awl_future *g; int rc; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .t = AWL_MS), co_call(sleeps, .t = AWL_SECOND));
    self->g = awl_gather_future(self->two, 2, 0);
    awl_task_cancel(self->two[1]);
    co_try_cancel(self->rc, self->g);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_future_done(self->g) && !awl_future_cancelled(self->g));
    co_await(self->two[0]);
    drop(self->g, self->two);
    co_end;
}

TASK_TEST(cancelling_it_cancels_the_children, { awl_task *two[2]; awl_future *g; int rc; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .t = AWL_SECOND), co_call(sleeps, .t = AWL_SECOND));
    self->g = awl_gather_future(self->two, 2, AWL_RETURN_EXCEPTIONS);
    co_await(awl_sleep(0));
    CHECK(awl_future_cancel(self->g));
    CHECK(!awl_future_done(self->g));
    co_try_cancel(self->rc, self->g);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_task_cancelled(self->two[0]) && awl_task_cancelled(self->two[1]));
    CHECK(!awl_future_cancel(self->g));
    drop(self->g, self->two);
    co_end;
}

TASK_TEST(it_cannot_be_of_NULL_or_of_another_loops, { awl_future *fs[2], *none; })
{
    awl_loop *other;

    co_begin;
    self->fs[0] = awl_future_new(NULL);
    self->fs[1] = NULL;
    CHECK(!awl_gather_future(self->fs, 2, 0));
    CHECK_INT(errno, EINVAL);
    CHECK(!awl_gather_future(&self->none, 1, 0));
    CHECK_INT(errno, EINVAL);
    other = open_virtual();
    self->fs[1] = awl_future_new(other);
    CHECK(!awl_gather_future(self->fs, 2, 0));
    CHECK_INT(errno, AWL_EOTHERLOOP);
    awl_future_release(self->fs[1]);
    awl_loop_close(other);
    awl_future_release(self->fs[0]);
    co_end;
}

/* ---- Ownership --------------------------------------------------------------------------------------------------- */

TASK_TEST(it_holds_its_children, { awl_task *two[2]; awl_future *g; const awl_outcome *out; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .value = 1), co_call(sleeps, .t = AWL_MS, .value = 2));
    self->g = awl_gather_future(self->two, 2, 0);
    drop(NULL, self->two);
    co_let(self->out, self->g);
    CHECK(self->out[0].value.i == 1 && self->out[1].value.i == 2);
    awl_future_release(self->g);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(released_before_the_end_it_lets_the_children_run_on, { awl_task *two[2]; })
{
    co_begin;
    make_two(self->two, co_call(sleeps, .value = 1), co_call(sleeps, .t = AWL_MS, .error = EIO));
    awl_future_release(awl_gather_future(self->two, 2, 0));
    co_await(self->two[0]);
    co_await(awl_sleep(2 * AWL_MS));
    CHECK(awl_future_unretrieved(awl_task_future(self->two[1]))); /* it is the task's own again */
    CHECK_INT(awl_task_error(self->two[1]), EIO);
    drop(NULL, self->two);
    co_end;
}

/* ---- Errors that nobody has looked at ---------------------------------------------------------------------------- */

TASK_TEST(to_ask_whether_an_error_was_retrieved_does_not_retrieve_it, { awl_future *f; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    CHECK(!awl_future_unretrieved(self->f) && !awl_future_unretrieved(NULL));
    awl_future_set_error(self->f, EIO);
    CHECK(awl_future_unretrieved(self->f) && awl_future_unretrieved(self->f));
    CHECK_INT(awl_future_error(self->f), EIO);
    CHECK(!awl_future_unretrieved(self->f));
    awl_future_release(self->f);
    co_end;
}

/* Two errors: the second comes when the gather, or the wait, has ended, and its task has yet to go on. */
static void fail_it(awl_future *future, void *other)
{
    (void)future;
    awl_future_set_error(other, EPIPE);
}

co_def(gathers, { awl_future **futures; size_t n; })
{
    co_begin;
    co_await(awl_gather_n(self->futures, self->n, NULL, 0));
    co_end;
}

co_def(waits, { awl_future **futures; size_t n; })
{
    co_begin;
    co_await(awl_wait(self->futures, self->n, AWL_FIRST_EXCEPTION, AWL_FOREVER));
    co_end;
}

co_def(two_errors, { awl_coro waiting; awl_future **futures; awl_task *task; int rc; })
{
    co_begin;
    self->task = awl_create_task(self->waiting);
    co_await(awl_sleep(0));
    awl_future_add_done_callback(self->futures[0], fail_it, self->futures[1]);
    awl_future_set_error(self->futures[0], EIO);
    co_try(self->rc, self->task);
    CHECK(!awl_future_unretrieved(self->futures[0]) && !awl_future_unretrieved(self->futures[1]));
    CHECK_INT(awl_future_error(self->futures[1]), EPIPE);
    for (int i = 0; i < 3; i++)
        awl_future_release(self->futures[i]);
    awl_task_release(self->task);
    co_return(self->rc);
    co_end;
}

TASK_TEST(an_error_behind_the_one_that_ended_a_gather_is_dropped, { awl_future *fs[3]; int rc; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->fs[i] = awl_future_new(NULL);
    co_let(self->rc, co_call(two_errors, .waiting = co_call(gathers, .futures = self->fs, .n = 3), .futures = self->fs));
    CHECK_INT(self->rc, EIO);
    co_end;
}

TASK_TEST(an_error_behind_the_one_that_ended_a_wait_is_looked_at, { awl_future *fs[3]; int rc; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->fs[i] = awl_future_new(NULL);
    co_let(self->rc, co_call(two_errors, .waiting = co_call(waits, .futures = self->fs, .n = 3), .futures = self->fs));
    CHECK_INT(self->rc, 0);
    co_end;
}

static void cancel_it(awl_future *future, void *other)
{
    (void)future;
    awl_future_cancel(other);
}

/* The first fails; the second is cancelled when the gather has ended, and its task has yet to go on; the third fails later. */
TASK_TEST(what_comes_behind_the_end_of_a_gather_is_dropped, { awl_future *fs[3]; awl_task *task; int rc; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->fs[i] = awl_future_new(NULL);
    self->task = awl_create_task(co_call(gathers, .futures = self->fs, .n = 3));
    co_await(awl_sleep(0));
    CHECK(self->fs[0] && self->fs[1] && self->fs[2]);
    CHECK_INT(awl_future_add_done_callback(self->fs[0], cancel_it, self->fs[1]), 0);
    awl_future_set_error(self->fs[0], EIO);
    co_try(self->rc, self->task);
    CHECK_INT(self->rc, EIO); /* before what is released here can be called for */
    CHECK(awl_future_cancelled(self->fs[1]));
    awl_future_set_error(self->fs[2], EPIPE);
    CHECK(!awl_future_unretrieved(self->fs[2]));
    CHECK_INT(awl_future_error(self->fs[2]), EPIPE);
    co_finally;
    awl_task_error(self->task);
    awl_task_release(self->task);
    for (int i = 0; i < 3; i++)
        awl_future_release(self->fs[i]);
    co_end;
}

co_def(resists_once, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TASK_TEST(a_gather_can_be_cancelled_again, { awl_task *two[2]; awl_future *g; int rc; })
{
    co_begin;
    make_two(self->two, co_call(resists_once), co_call(resists_once));
    self->g = awl_gather_future(self->two, 2, 0);
    if (!self->g)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    CHECK(awl_future_cancel(self->g));
    co_await(awl_sleep(AWL_MS));
    CHECK(!awl_future_done(self->g));
    CHECK(awl_future_cancel(self->g));
    co_try_cancel(self->rc, self->g);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(now_ms(), 1);
    co_finally;
    drop(self->g, self->two);
    co_end;
}

/* ---- A stop of the loop in the last iteration of a run ------------------------------------------------------------- */

co_def(stops, {})
{
    co_begin;
    awl_loop_stop(NULL);
    co_end;
}

TEST(a_stop_in_the_last_step_of_a_run_leaves_the_runs_own_to_the_next)
{
    awl_loop *loop = open_virtual();

    CHECK_INT(awl_run_until_complete(loop, co_call(stops), NULL), 0);
    CHECK_INT(awl_run_until_complete(loop, co_call(sleeps, .t = AWL_MS), NULL), AWL_ESTOPPED);
    awl_loop_close(loop);
}
