/* test_submit.c: jobs as futures. */
#include "rig.h"

TASK_TEST(a_future_has_the_result, { awl_future *f; int n; })
{
    co_begin;
    self->f = awl_executor_submit(NULL, twice, NUMBER(21));
    if (!self->f)
        co_raise(errno);
    CHECK(!awl_future_done(self->f));
    co_let(self->n, self->f);
    CHECK_INT(self->n, 42);
    co_finally;
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(a_future_has_the_error, { awl_future *f; int rc; })
{
    co_begin;
    self->f = awl_executor_submit(NULL, fails, NUMBER(EIO));
    if (!self->f)
        co_raise(errno);
    CHECK_FAILS(EIO, self->f);
    CHECK(!awl_future_cancelled(self->f));
    co_finally;
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(a_job_that_ends_with_ECANCELED_is_a_cancelled_future, { awl_future *f; int rc; })
{
    co_begin;
    self->f = awl_executor_submit(NULL, fails, NUMBER(ECANCELED));
    if (!self->f)
        co_raise(errno);
    CHECK_FAILS(ECANCELED, self->f);
    CHECK(awl_future_cancelled(self->f));
    co_finally;
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(futures_of_jobs_can_be_waited_for_together, { awl_future *f[5]; int i, n; })
{
    co_begin;
    for (self->i = 0; self->i < 5; self->i++) {
        self->f[self->i] = awl_executor_submit(NULL, twice, NUMBER(self->i));
        if (!self->f[self->i])
            co_raise(errno);
    }
    co_let(self->n, awl_wait(self->f, 5, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->n, 5);
    co_await(awl_gather_n(self->f, 5, NULL, 0));
    for (self->i = 0; self->i < 5; self->i++)
        CHECK_INT(awl_future_value(self->f[self->i]).i, 2 * self->i);
    co_finally;
    for (self->i = 0; self->i < 5; self->i++)
        awl_future_release(self->f[self->i]);
    co_end;
}

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

TASK_TEST(without_room_it_is_EAGAIN, { awl_executor *pool; awl_future *f[3]; int i; })
{
    co_begin;
    OPEN_POOL(self->pool, 1, 2);
    for (self->i = 0; self->i < 3; self->i++) {
        self->f[self->i] = awl_executor_submit(self->pool, pass, NULL);
        if (!self->f[self->i])
            co_raise(errno);
    }
    CHECK_INT(stats_of_executor(self->pool).room, 0);
    CHECK_PTR(awl_executor_submit_job(self->pool, AT_GATE), NULL);
    CHECK_INT(errno, EAGAIN);
    CHECK_INT(COUNT(dropped), 1);
    open_gate();
    co_await(self->f[0]);
    self->i = stats_of_executor(self->pool).room > 0;
    CHECK_INT(self->i, 1);
    co_finally;
    open_gate();
    for (self->i = 0; self->i < 3; self->i++)
        awl_future_release(self->f[self->i]);
    co_end;
}

TEST(without_a_loop_it_is_EINVAL)
{

    CHECK_PTR(awl_executor_submit_job(NULL, AT_GATE), NULL);
    CHECK_INT(errno, EINVAL);
    CHECK_INT(g.dropped, 1);
}

TASK_TEST(without_a_function_it_is_EINVAL, { })
{
    co_begin;
    CHECK_PTR(awl_executor_submit_job(NULL, (awl_job){ .drop = count_drop }), NULL);
    CHECK_INT(errno, EINVAL);
    CHECK_INT(COUNT(dropped), 1);
    co_end;
}

TEST(jobs_can_be_submitted_before_the_loop_runs)
{
    awl_loop *loop = open_virtual();
    awl_executor *pool = awl_thread_pool_new(&(awl_thread_pool_options){ .loop = loop });
    awl_future *f = NULL;
    awl_value value = { .i = 0 };

    if (pool)
        f = awl_executor_submit(pool, twice, NUMBER(21));
    if (f) {
        CHECK_INT(awl_run_until_complete(loop, f, &value), 0);
        CHECK_INT(value.i, 42);
    }
    awl_future_release(f);
    awl_loop_close(loop);
    CHECK(f != NULL);
}

/* ---- Ends that do not come from the job ------------------------------------------------------------------------- */

/* A pool of one thread with a closed gate, and two jobs. */
typedef struct two {
    awl_executor *pool;
    awl_future *runs, *waits;
} two;

static int open_two(two *t)
{
    t->pool = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = 1 });
    if (t->pool)
        t->runs = awl_executor_submit_job(t->pool, AT_GATE);
    if (t->runs)
        t->waits = awl_executor_submit_job(t->pool, AT_GATE);
    if (t->waits)
        AWAIT_COUNT(begun, 1);
    return t->waits ? 0 : errno;
}

static void close_two(two *t)
{
    open_gate();
    awl_future_release(t->runs);
    awl_future_release(t->waits);
    awl_executor_free(t->pool);
}

TASK_TEST(cancelling_a_future_cancels_its_job, { two t; int rc; })
{
    co_begin;
    self->rc = open_two(&self->t);
    if (self->rc)
        co_raise(self->rc);
    CHECK(awl_future_cancel(self->t.waits));
    CHECK(awl_future_cancel(self->t.runs));
    CHECK_FAILS(ECANCELED, self->t.waits);
    CHECK_FAILS(ECANCELED, self->t.runs);
    CHECK_INT(COUNT(ended), 0);
    co_await(awl_sleep(0)); /* the job learns of it by a callback, in the next iteration */
    open_gate();
    co_await(awl_executor_shutdown(self->t.pool, 0));
    CHECK_INT(COUNT(begun), 1);
    CHECK_INT(COUNT(dropped), 2);
    co_finally;
    close_two(&self->t);
    co_end;
}

TASK_TEST(a_future_that_somebody_else_ends_loses_its_job, { two t; int rc, n; })
{
    co_begin;
    self->rc = open_two(&self->t);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(awl_future_set_result(self->t.waits, 5), 0);
    CHECK_INT(awl_future_set_result(self->t.runs, 6), 0);
    co_let(self->n, self->t.waits);
    CHECK_INT(self->n, 5);
    co_await(awl_sleep(0));
    open_gate();
    co_await(awl_executor_shutdown(self->t.pool, 0));
    CHECK_INT(awl_future_value(self->t.runs).i, 6);
    CHECK_INT(COUNT(begun), 1);
    CHECK_INT(COUNT(dropped), 2);
    co_finally;
    close_two(&self->t);
    co_end;
}

TASK_TEST(a_future_that_nobody_holds_drops_the_argument, { two t; int rc; })
{
    co_begin;
    self->rc = open_two(&self->t);
    if (self->rc)
        co_raise(self->rc);
    awl_future_release(self->t.waits);
    self->t.waits = NULL;
    open_gate();
    co_await(awl_executor_shutdown(self->t.pool, 0));
    CHECK_INT(COUNT(ended), 2); /* it ran all the same */
    CHECK_INT(COUNT(dropped), 1);
    CHECK_INT(awl_future_error(self->t.runs), 0);
    co_finally;
    close_two(&self->t);
    co_end;
}

co_def(ignores_error, { awl_future *f; })
{
    co_begin;
    self->f = awl_executor_submit(NULL, fails, NUMBER(EIO));
    if (!self->f)
        co_raise(errno);
    awl_future_release(self->f);
    co_await(awl_executor_shutdown(NULL, 0));
    co_end;
}

TEST(an_error_that_nobody_looks_at_is_reported)
{
    CHECK_INT(awl_run_with(co_call(ignores_error), &virtual_options, NULL), 0);
    CHECK_STR(reports, "-:5");
}
