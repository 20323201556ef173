/* test_cancel.c: jobs that are cancelled while they wait for room, wait for a thread, run, or have just ended. */
#include "rig.h"

/* One thread, whose gate is closed; `t` are jobs of it, or wait for room. */
typedef struct jam {
    awl_executor *pool;
    awl_task *t[4];
} jam;

/* Opens the gate, and gives everything back. */
static void clear_jam(jam *j)
{
    open_gate();
    for (size_t i = 0; i < sizeof j->t / sizeof *j->t; i++)
        awl_task_release(j->t[i]);
    awl_executor_free(j->pool);
}

/* n tasks with a job each: the first is at the gate, one waits for the thread, the others for room. */
co_def(make_jam, { jam *j; int n, i; })
{
    co_begin;
    OPEN_POOL(self->j->pool, 1, 1);
    for (self->i = 0; self->i < self->n; self->i++) {
        self->j->t[self->i] = awl_create_task(awl_run_job(self->j->pool, AT_GATE));
        if (!self->j->t[self->i])
            co_raise(ENOMEM);
    }
    co_await(awl_sleep(0));
    for (self->i = 0; self->i < self->n; self->i++) {
        if (awl_task_done(self->j->t[self->i])) /* ENOMEM */
            co_await(self->j->t[self->i]);
    }
    AWAIT_COUNT(begun, 1);
    co_end;
}

/* Lets the loop run until so many arguments have been dropped: that comes from the thread, so no number of turns is
 * given. */
co_def(await_drops, { int n; })
{
    co_begin;
    while (COUNT(dropped) < self->n)
        co_await(awl_sleep(0));
    co_end;
}

TASK_TEST(what_has_not_begun_never_runs, { jam j; int rc; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j, .n = 2));
    awl_task_cancel(self->j.t[1]);
    CHECK_FAILS(ECANCELED, self->j.t[1]);
    co_await(co_call(await_drops, .n = 1));
    CHECK_INT(stats_of_executor(self->j.pool).jobs, 1);
    CHECK_INT(stats_of_executor(self->j.pool).room, 1);
    open_gate();
    co_await(self->j.t[0]);
    co_await(awl_executor_shutdown(self->j.pool, 0));
    CHECK_INT(COUNT(begun), 1);
    CHECK_INT(COUNT(dropped), 1);
    co_finally;
    clear_jam(&self->j);
    co_end;
}

TASK_TEST(who_waits_for_what_runs_ends_at_once_and_it_goes_on, { jam j; int rc; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j, .n = 1));
    awl_task_cancel(self->j.t[0]);
    CHECK_FAILS(ECANCELED, self->j.t[0]);
    CHECK_INT(COUNT(ended), 0);
    CHECK_INT(COUNT(dropped), 0); /* the thread still has it */
    CHECK_INT(stats_of_executor(self->j.pool).jobs, 1);
    open_gate();
    co_await(awl_executor_shutdown(self->j.pool, 0));
    CHECK_INT(COUNT(ended), 1);
    CHECK_INT(COUNT(dropped), 1);
    co_finally;
    clear_jam(&self->j);
    co_end;
}

TASK_TEST(who_waits_for_room_can_be_cancelled_and_the_next_gets_it, { jam j; int rc; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j, .n = 4));
    CHECK_INT(stats_of_executor(self->j.pool).waiting, 2);
    awl_task_cancel(self->j.t[2]);
    CHECK_FAILS(ECANCELED, self->j.t[2]);
    CHECK_INT(COUNT(dropped), 1);
    CHECK_INT(stats_of_executor(self->j.pool).waiting, 1);
    open_gate();
    co_await(self->j.t[3]);
    CHECK_INT(awl_task_value(self->j.t[3]).i, 2); /* the third that came to the gate */
    co_finally;
    clear_jam(&self->j);
    co_end;
}

TASK_TEST(room_that_a_cancelled_one_was_given_goes_to_the_next, { jam j; int rc; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j, .n = 4));
    open_gate();
    while (stats_of_executor(self->j.pool).waiting == 2 && !awl_task_done(self->j.t[0]))
        co_await(awl_sleep(0));
    awl_task_cancel(self->j.t[2]); /* woken, and has not run; or waits for room, or its job is on its way */
    co_try_cancel(self->rc, self->j.t[2]);
    co_await(self->j.t[3]);
    CHECK_INT(COUNT(dropped), self->rc ? 1 : 0);
    CHECK_INT(stats_of_executor(self->j.pool).room, 2);
    co_finally;
    clear_jam(&self->j);
    co_end;
}

/* ---- At the same moment ----------------------------------------------------------------------------------------- */

static int has_result(void *arg, awl_result *result)
{
    (void)arg;
    awl_result_set(result, 1);
    return 0;
}

/* The bell is heard behind this task, and wakes the other one behind it: so here it runs first. */
TASK_TEST(a_cancellation_takes_the_place_of_an_outcome_that_is_there, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_run_job(NULL, (awl_job){ .fn = has_result, .drop = count_drop }));
    if (!self->t)
        co_raise(ENOMEM);
    do
        co_await(awl_sleep(0));
    while (stats_of_executor(NULL).jobs);
    if (awl_task_done(self->t))
        co_await(self->t); /* ENOMEM */
    CHECK_INT(COUNT(dropped), 0);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    CHECK_INT(COUNT(dropped), 1);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* ---- Timeouts --------------------------------------------------------------------------------------------------- */

TASK_TEST(a_timeout_over_a_job_that_runs, { int rc; })
{
    co_begin;
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_run_job(NULL, AT_GATE), 1 * AWL_SECOND));
    CHECK_INT(now_ms(), 1000);
    open_gate();
    co_await(awl_executor_shutdown(NULL, 0));
    CHECK_INT(COUNT(dropped), 1);
    co_finally;
    open_gate();
    co_end;
}

TASK_TEST(a_timeout_over_a_job_that_waits, { jam j; int rc; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j, .n = 1));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_run_job(self->j.pool, AT_GATE), 1 * AWL_SECOND));
    co_await(co_call(await_drops, .n = 1));
    CHECK_INT(COUNT(begun), 1);
    co_finally;
    clear_jam(&self->j);
    co_end;
}

/* ---- What never begins ------------------------------------------------------------------------------------------ */

TASK_TEST(the_argument_of_an_object_that_never_begins_is_dropped, { awl_task *t; int rc; })
{
    co_begin;
    awl_coro_close(awl_run_job(NULL, AT_GATE));
    CHECK_INT(COUNT(dropped), 1);
    self->t = awl_create_task(awl_run_job(NULL, AT_GATE));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(COUNT(dropped), 2);
    awl_coro_close(awl_wait_for(awl_run_job(NULL, AT_GATE), 1 * AWL_SECOND));
    CHECK_INT(COUNT(dropped), 3);
    CHECK_INT(COUNT(begun), 0);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(the_argument_is_dropped_when_there_is_no_memory, { int rc; })
{
    co_begin;
    harness_fail_alloc_from(1);
    CHECK_FAILS(ENOMEM, awl_run_job(NULL, AT_GATE));
    CHECK_INT(COUNT(dropped), 1);
    CHECK_PTR(awl_executor_submit_job(NULL, AT_GATE), NULL);
    CHECK_INT(errno, ENOMEM);
    CHECK_INT(COUNT(dropped), 2);
    CHECK_FAILS(ENOMEM, awl_executor_shutdown(NULL, 0));
    harness_fail_alloc(0);
    open_gate();
    co_await(awl_run_job(NULL, AT_GATE));
    CHECK_INT(COUNT(dropped), 2);
    co_end;
}

TASK_TEST(drop_is_called_after_an_error_and_not_after_success, { int rc; })
{
    co_begin;
    open_gate();
    co_await(awl_run_job(NULL, AT_GATE));
    CHECK_INT(COUNT(dropped), 0);
    CHECK_FAILS(EINVAL, awl_run_job(NULL, (awl_job){ .fn = NULL, .drop = count_drop }));
    CHECK_INT(COUNT(dropped), 1);
    co_end;
}
