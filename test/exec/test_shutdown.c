/* test_shutdown.c: awl_executor_shutdown and awl_executor_free. */
#include "rig.h"

/* A pool of one thread with room for 2: a job at the gate, one that waits for the thread, one that waits for room. */
typedef struct full {
    awl_executor *pool;
    awl_task *t[3], *shutdown;
} full;

co_def(fill, { full *f; int i; })
{
    co_begin;
    OPEN_POOL(self->f->pool, 1, 1);
    for (self->i = 0; self->i < 3; self->i++) {
        self->f->t[self->i] = awl_create_task(awl_run_job(self->f->pool, AT_GATE));
        if (!self->f->t[self->i])
            co_raise(ENOMEM);
    }
    while (stats_of_executor(self->f->pool).jobs < 2 || stats_of_executor(self->f->pool).waiting < 1) {
        co_await(awl_sleep(0));
        for (self->i = 0; self->i < 3; self->i++) {
            if (awl_task_done(self->f->t[self->i])) /* ENOMEM */
                co_await(self->f->t[self->i]);
        }
    }
    AWAIT_COUNT(begun, 1);
    co_end;
}

static void drain(full *f)
{
    open_gate();
    awl_task_release(f->shutdown);
    for (size_t i = 0; i < sizeof f->t / sizeof *f->t; i++)
        awl_task_release(f->t[i]);
}

/* Begins a shutdown, which waits as the gate is closed. */
#define BEGIN_SHUTDOWN(f, flags)                                                                                       \
    do {                                                                                                               \
        (f)->shutdown = awl_create_task(awl_executor_shutdown((f)->pool, (flags)));                                    \
        if (!(f)->shutdown)                                                                                            \
            co_raise(ENOMEM);                                                                                          \
        co_await(awl_sleep(0));                                                                                        \
        if (awl_task_done((f)->shutdown))                                                                              \
            co_await((f)->shutdown);                                                                                   \
    } while (0)

TASK_TEST(a_shutdown_finishes_what_there_is, { full f; int rc; })
{
    co_begin;
    co_await(co_call(fill, .f = &self->f));
    BEGIN_SHUTDOWN(&self->f, 0);
    CHECK_FAILS(AWL_ESHUTDOWN, self->f.t[2]); /* it waited for room */
    CHECK_INT(COUNT(dropped), 1);
    CHECK_FAILS(AWL_ESHUTDOWN, awl_run_in_executor(self->f.pool, twice, NUMBER(1)));
    CHECK_PTR(awl_executor_submit(self->f.pool, twice, NUMBER(1)), NULL);
    CHECK_INT(errno, AWL_ESHUTDOWN);
    CHECK_INT(stats_of_executor(self->f.pool).jobs, 2);
    open_gate();
    co_await(self->f.shutdown);
    CHECK_INT(COUNT(ended), 2);
    CHECK_INT(COUNT(dropped), 1);
    CHECK_INT(stats_of_executor(self->f.pool).threads, 0);
    co_await(self->f.t[0]);
    co_await(self->f.t[1]);
    co_finally;
    drain(&self->f);
    co_end;
}

TASK_TEST(a_shutdown_may_cancel_what_has_not_begun, { full f; int rc; })
{
    co_begin;
    co_await(co_call(fill, .f = &self->f));
    BEGIN_SHUTDOWN(&self->f, AWL_CANCEL_QUEUED);
    CHECK_FAILS(ECANCELED, self->f.t[1]);
    CHECK_FAILS(AWL_ESHUTDOWN, self->f.t[2]);
    open_gate();
    co_await(self->f.shutdown);
    co_await(self->f.t[0]);
    CHECK_INT(COUNT(ended), 1);
    CHECK_INT(COUNT(dropped), 2);
    co_finally;
    drain(&self->f);
    co_end;
}

TASK_TEST(a_shutdown_can_be_cancelled_and_waited_for_again, { full f; int rc; })
{
    co_begin;
    co_await(co_call(fill, .f = &self->f));
    BEGIN_SHUTDOWN(&self->f, 0);
    awl_task_cancel(self->f.shutdown);
    CHECK_FAILS(ECANCELED, self->f.shutdown);
    CHECK_FAILS(AWL_ESHUTDOWN, awl_run_job(self->f.pool, AT_GATE));
    open_gate();
    co_await(awl_executor_shutdown(self->f.pool, 0));
    co_await(awl_executor_shutdown(self->f.pool, AWL_CANCEL_QUEUED));
    co_await(self->f.t[0]);
    CHECK_FAILS(AWL_ESHUTDOWN, self->f.t[2]);
    co_finally;
    drain(&self->f);
    co_end;
}

TASK_TEST(the_default_can_be_shut_down_before_it_is_used, { int rc; })
{
    co_begin;
    co_await(awl_executor_shutdown(NULL, 0));
    CHECK_FAILS(AWL_ESHUTDOWN, awl_run_in_executor(NULL, twice, NUMBER(1)));
    CHECK_INT(stats_of_executor(NULL).threads, 0);
    co_end;
}

/* ---- Freeing ---------------------------------------------------------------------------------------------------- */

TASK_TEST(freeing_cancels_what_has_not_begun_and_lets_the_rest_end, { full f; int rc; })
{
    co_begin;
    co_await(co_call(fill, .f = &self->f));
    awl_executor_free(self->f.pool);
    CHECK_FAILS(ECANCELED, self->f.t[1]);
    CHECK_FAILS(AWL_ESHUTDOWN, self->f.t[2]);
    open_gate();
    co_await(self->f.t[0]);
    CHECK_INT(COUNT(ended), 1);
    CHECK_INT(COUNT(dropped), 2);
    co_finally;
    drain(&self->f);
    co_end;
}

co_def(frees_at_once, { full f; int i, rc; })
{
    co_begin;
    co_await(co_call(fill, .f = &self->f));
    awl_executor_free(self->f.pool);
    open_gate();
    for (self->i = 0; self->i < 3; self->i++)
        co_try_cancel(self->rc, self->f.t[self->i]);
    co_finally;
    drain(&self->f);
    co_end;
}

/* Whatever comes first, the executor is there for all who still have it in hand. */
TEST(freeing_in_every_order)
{
    awl_loop_options options = virtual_options;

    for (options.shuffle_seed = 1; options.shuffle_seed <= 20; options.shuffle_seed++) {
        const int error = awl_run_with(co_call(frees_at_once), &options, NULL);

        CHECK_INT(error, 0);
        set_gate(false);
        g.begun = 0;
    }
    CHECK_INT(g.ended, 20);
    CHECK_INT(g.dropped, 40);
}

TASK_TEST(freeing_while_a_shutdown_is_waited_for, { full f; int rc; })
{
    co_begin;
    co_await(co_call(fill, .f = &self->f));
    BEGIN_SHUTDOWN(&self->f, 0);
    awl_executor_free(self->f.pool);
    open_gate();
    co_await(self->f.shutdown);
    CHECK_FAILS(ECANCELED, self->f.t[1]);
    CHECK_FAILS(AWL_ESHUTDOWN, self->f.t[2]);
    co_finally;
    drain(&self->f);
    co_end;
}

TASK_TEST(memory_comes_back_when_an_executor_is_freed, { awl_executor *pool; size_t before; int i, n; })
{
    co_begin;
    awl_executor_free(NULL);
    for (self->i = 0; self->i < 3; self->i++) {
        if (self->i == 1) /* this task has what its stack takes */
            self->before = stats_of(NULL).memory_used;
        OPEN_POOL(self->pool, 2, 2);
        co_let(self->n, awl_run_in_executor(self->pool, twice, NUMBER(1)));
        awl_executor_free(self->pool);
        co_await(awl_sleep(0));
    }
    CHECK_INT(stats_of(NULL).memory_used, self->before);
    co_end;
}

co_def(frees_twice, { awl_executor *pool; })
{
    co_begin;
    OPEN_POOL(self->pool, 1, 1);
    awl_executor_free(self->pool);
    awl_executor_free(self->pool);
    co_end;
}

TEST(freeing_twice_is_a_trap)
{
    EXPECT_TRAP(awl_run(co_call(frees_twice)), "has been freed already");
}
