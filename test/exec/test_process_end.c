/* test_process_end.c: how a pool of processes ends: shut down, stopped, freed, or with its loop. */
#define _GNU_SOURCE
#include "process_rig.h"

#include <time.h>

typedef struct world {
    awl_executor *pool;
    awl_future *f[3];
    pid_t server, at; /* a worker at the gate */
} world;

/* One at the gate, two that wait for its worker. */
co_def(fill, { world *w; awl_time grace; int i; })
{
    co_begin;
    open_pipes();
    OPEN_PROCESSES(self->w->pool, .workers = 1, .queue = 8, .grace = self->grace);
    co_let(self->w->server, awl_run_call(self->w->pool, AWL_CALL(server_pid, NULL, 0)));
    for (self->i = 0; self->i < 3; self->i++) {
        self->w->f[self->i] = awl_executor_submit_call(self->w->pool, AT_PIPE);
        if (!self->w->f[self->i])
            co_raise(ENOMEM);
    }
    AWAIT_ONE(self->w->at);
    co_end;
}

static void clear(world *w)
{
    for (int i = 0; i < 3; i++)
        awl_future_release(w->f[i]);
    if (came[1]) {
        let_through(3);
        close_pipes();
    }
}

TASK_TEST(a_shutdown_finishes_what_there_is_and_ends_all_processes, { world w; awl_task *t; int i, rc; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w));
    self->t = awl_create_task(awl_executor_shutdown(self->w.pool, 0));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    if (awl_task_done(self->t))
        co_await(self->t);
    CHECK_FAILS(AWL_ESHUTDOWN, awl_run_call(self->w.pool, AT_PIPE));
    let_through(3);
    co_await(self->t);
    for (self->i = 0; self->i < 3; self->i++)
        CHECK(awl_future_done(self->w.f[self->i]));
    co_await(awl_gather_n(self->w.f, 3, NULL, 0));
    CHECK(!lives(self->w.at));
    CHECK(!lives(self->w.server));
    CHECK_INT(stats_of_executor(self->w.pool).threads, 0);
    co_await(awl_executor_shutdown(self->w.pool, 0)); /* again */
    awl_executor_free(self->w.pool);
    co_finally;
    awl_task_release(self->t);
    clear(&self->w);
    co_end;
}

TASK_TEST(a_shutdown_can_cancel_what_has_not_begun, { world w; awl_task *t; int rc, pid; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w));
    self->t = awl_create_task(awl_executor_shutdown(self->w.pool, AWL_CANCEL_QUEUED));
    if (!self->t)
        co_raise(ENOMEM);
    CHECK_FAILS(ECANCELED, self->w.f[1]);
    CHECK_FAILS(ECANCELED, self->w.f[2]);
    let_through(1);
    co_let(self->pid, self->w.f[0]);
    CHECK_INT(self->pid, self->w.at);
    co_await(self->t);
    CHECK(!lives(self->w.server));
    co_finally;
    awl_task_release(self->t);
    clear(&self->w);
    co_end;
}

TASK_TEST(an_unused_pool_can_be_shut_down_and_freed, { awl_executor *a, *b, *c; })
{
    co_begin;
    OPEN_PROCESSES(self->a, .workers = 1);
    OPEN_PROCESSES(self->b, .workers = 1, .start = AWL_START_LATE);
    OPEN_PROCESSES(self->c, .workers = 3, .start = AWL_START_WORKERS);
    co_await(awl_executor_shutdown(self->a, 0));
    co_await(awl_executor_shutdown(self->b, 0));
    co_await(awl_executor_shutdown(self->c, 0));
    awl_executor_free(self->a);
    awl_executor_free(self->b);
    co_end;
}

TASK_TEST(a_pool_can_be_freed_with_jobs, { world w; int rc, pid; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w));
    awl_executor_free(self->w.pool);
    CHECK_FAILS(ECANCELED, self->w.f[1]);
    let_through(1);
    co_let(self->pid, self->w.f[0]);
    while (lives(self->w.server))
        co_await(awl_sleep(0));
    co_finally;
    clear(&self->w);
    co_end;
}

/* ---- By a deadline ---------------------------------------------------------------------------------------------- */

TASK_TEST(a_stop_in_time_is_a_shutdown, { world w; awl_task *t; int rc; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w));
    let_through(3);
    co_await(awl_gather_n(self->w.f, 3, NULL, 0));
    co_await(awl_executor_stop(self->w.pool, 5 * AWL_SECOND));
    CHECK(!lives(self->w.server));
    co_finally;
    awl_task_release(self->t);
    clear(&self->w);
    co_end;
}

TASK_TEST(a_stop_ends_what_runs_by_SIGTERM, { world w; int rc; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w, .grace = AWL_FOREVER));
    co_await(awl_executor_stop(self->w.pool, 1 * AWL_SECOND));
    CHECK_FAILS(AWL_EWORKERKILLED, self->w.f[0]);
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGTERM);
    CHECK_FAILS(ECANCELED, self->w.f[1]);
    CHECK_FAILS(ECANCELED, self->w.f[2]);
    CHECK(!lives(self->w.at));
    CHECK(!lives(self->w.server));
    co_finally;
    clear(&self->w);
    co_end;
}

/* At the gate, and deaf to SIGTERM. */
static int stays(const void *in, size_t len, awl_reply *reply)
{
    signal(SIGTERM, SIG_IGN);
    return stops(in, len, reply);
}

TASK_TEST(a_stop_ends_what_does_not_listen_by_SIGKILL, { world w; int rc; })
{
    co_begin;
    open_pipes();
    OPEN_PROCESSES(self->w.pool, .workers = 1, .grace = 3 * AWL_MS);
    self->w.f[0] = awl_executor_submit_call(self->w.pool, AWL_CALL(stays, NULL, 0));
    if (!self->w.f[0])
        co_raise(ENOMEM);
    AWAIT_ONE(self->w.at);
    co_await(awl_executor_stop(self->w.pool, 0));
    CHECK_FAILS(AWL_EWORKERKILLED, self->w.f[0]);
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGKILL);
    co_finally;
    clear(&self->w);
    co_end;
}

TASK_TEST(a_stop_can_be_by_SIGKILL_at_once, { world w; int rc; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w, .grace = -1));
    co_await(awl_executor_stop(self->w.pool, 0));
    CHECK_FAILS(AWL_EWORKERKILLED, self->w.f[0]);
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGKILL);
    co_finally;
    clear(&self->w);
    co_end;
}

TASK_TEST(a_stop_of_threads_that_run_is_ETIMEDOUT, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_run_job(NULL, AT_GATE));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    if (awl_task_done(self->t))
        co_await(self->t);
    AWAIT_COUNT(begun, 1);
    CHECK_FAILS(ETIMEDOUT, awl_executor_stop(NULL, 1 * AWL_SECOND));
    open_gate();
    co_await(awl_executor_stop(NULL, AWL_FOREVER));
    co_await(self->t);
    co_finally;
    open_gate();
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_stop_can_be_cancelled_and_asked_for_again, { world w; awl_task *t; int rc; })
{
    co_begin;
    co_await(co_call(fill, .w = &self->w, .grace = -1));
    self->t = awl_create_task(awl_executor_stop(self->w.pool, AWL_FOREVER));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    if (awl_task_done(self->t))
        co_await(self->t);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    CHECK_FAILS(AWL_ESHUTDOWN, awl_run_call(self->w.pool, AT_PIPE));
    co_await(awl_executor_stop(self->w.pool, 0));
    CHECK_FAILS(AWL_EWORKERKILLED, self->w.f[0]);
    CHECK(!lives(self->w.server));
    co_finally;
    awl_task_release(self->t);
    clear(&self->w);
    co_end;
}

/* ---- The loop's end --------------------------------------------------------------------------------------------- */

/* Runs a loop until a worker is at the gate, and closes it when that has been opened, or not. */
static pid_t close_with_a_job(awl_time linger, awl_time grace, awl_call_fn *fn, bool opened)
{
    awl_loop *loop = open_virtual();
    awl_process_pool_options options = { .loop = loop,     .workers = 2,       .keep = gate_ends, .n_keep = 2,
                                         .grace = grace, .linger = linger };
    awl_executor *pool;
    awl_future *f[2];
    pid_t at = 0;

    open_pipes();
    pool = awl_process_pool_new(&options);
    for (int i = 0; i < 2; i++) {
        f[i] = pool ? awl_executor_submit_call(pool, (awl_call){ "fn", fn, NULL, 0 }) : NULL;
        CHECK(f[i] != NULL);
    }
    while (!at) {
        awl_loop_stop(loop);
        awl_loop_run_forever(loop);
        at = who_came();
    }
    if (opened)
        let_through(2);
    for (int i = 0; i < 2; i++)
        awl_future_release(f[i]);
    awl_loop_close(loop);
    close_pipes();
    CHECK(!lives(at));
    return at;
}

TEST(closing_waits_for_what_runs)
{
    close_with_a_job(AWL_FOREVER, 0, stops, true);
    CHECK_REPORTS("");
}

TEST(closing_ends_what_does_not_end)
{
    close_with_a_job(3 * AWL_MS, 0, stops, false);
    CHECK_REPORTS("awl_run_call:0");
}

TEST(closing_kills_what_does_not_listen)
{
    close_with_a_job(-1, 3 * AWL_MS, stays, false);
    CHECK_REPORTS("awl_run_call:0");
}

/* Ends when it has asked for a job: before the worker is there, or just then. */
co_def(leaves_all, { awl_time linger, grace; int (*init)(void *arg); awl_executor *pool; awl_task *t; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .queue = 1, .linger = self->linger, .grace = self->grace,
                   .init = self->init);
    self->t = awl_create_task(awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    co_finally;
    awl_task_release(self->t);
    co_end;
}

TEST(a_run_can_end_before_its_job_has_begun)
{
    const int rc = awl_run_with(co_call(leaves_all, .linger = -1, .grace = -1), &virtual_options, NULL);

    CHECK_INT(rc, 0);
}

static __attribute__((noreturn)) int never_begins(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}

/* A worker that has no job is not waited for as those are that have one. */
TEST(a_run_can_end_though_a_worker_does_not_begin)
{
    CHECK_INT(awl_run_with(co_call(leaves_all, .init = never_begins), &virtual_options, NULL), 0);
}

static void never(int sig) { (void)sig; }

/* Others that wait for any child may have taken the status of ours. */
TEST(children_may_be_ignored_by_the_program)
{
    signal(SIGCHLD, SIG_IGN);
    CHECK_INT(awl_run_with(co_call(leaves_all, .linger = -1, .grace = -1), &virtual_options, NULL), 0);
    signal(SIGCHLD, never);
    CHECK_INT(awl_run_with(co_call(leaves_all, .linger = -1, .grace = -1), &virtual_options, NULL), 0);
}
