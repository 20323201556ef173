/* test_pool.c: how many threads a pool has, and how much room. */
#include "rig.h"

#include <stdint.h>

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

TEST(options_that_cannot_be_are_EINVAL)
{
    static const struct {
        awl_thread_pool_options options;
    } bad[] = {
        { { .max_threads = 4097 } },
        { { .queue = SIZE_MAX } },
        { { .stack_size = 1 } },
    };
    awl_loop *loop = open_virtual();

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        awl_thread_pool_options options = bad[i].options;

        options.loop = loop;
        CHECK_PTR(awl_thread_pool_new(&options), NULL);
        CHECK_INT(errno, EINVAL);
    }
    CHECK_PTR(awl_thread_pool_new(NULL), NULL); /* no loop runs */
    CHECK_INT(errno, EINVAL);
    awl_loop_close(loop);
}

TASK_TEST(a_pool_has_no_thread_until_it_has_a_job, { awl_executor *pool; awl_executor_stats stats; })
{
    co_begin;
    self->pool = awl_thread_pool_new(NULL);
    if (!self->pool)
        co_raise(ENOMEM);
    self->stats = stats_of_executor(self->pool);
    CHECK_INT(self->stats.threads, 0);
    CHECK_INT(self->stats.jobs, 0);
    CHECK(self->stats.room > 1024 && self->stats.room <= 1024 + 32);
    self->stats = stats_of_executor(NULL);
    CHECK_INT(self->stats.room, 0); /* there is no default one yet */
    co_end;
}

TASK_TEST(the_default_is_made_once, { int n; awl_executor_stats stats; })
{
    co_begin;
    co_let(self->n, awl_run_in_executor(NULL, twice, NUMBER(1)));
    co_let(self->n, awl_run_in_executor(NULL, twice, NUMBER(1)));
    self->stats = stats_of_executor(NULL);
    CHECK(self->stats.threads == 1 || self->stats.threads == 2);
    co_end;
}

TASK_TEST(another_default_can_be_set, { awl_executor *pool; int n, rc; })
{
    co_begin;
    OPEN_POOL(self->pool, 3, 4);
    CHECK_INT(awl_executor_set_default(self->pool), 0);
    CHECK_INT(stats_of_executor(NULL).room, 7);
    co_let(self->n, awl_run_in_executor(NULL, twice, NUMBER(1)));
    CHECK_INT(stats_of_executor(self->pool).threads, 1);
    CHECK_INT(awl_executor_set_default(NULL), EINVAL);
    co_await(awl_executor_shutdown(self->pool, 0));
    CHECK_INT(awl_executor_set_default(self->pool), AWL_ESHUTDOWN);
    CHECK_FAILS(AWL_ESHUTDOWN, awl_run_in_executor(NULL, twice, NUMBER(1))); /* it still is the default */
    awl_executor_free(self->pool);
    CHECK_INT(stats_of_executor(NULL).room, 0);
    co_let(self->n, awl_run_in_executor(NULL, twice, NUMBER(1))); /* by a new one */
    co_end;
}

static int uses_stack(void *arg, awl_result *result)
{
    volatile char large[32768];

    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)i;
    awl_result_set(result, large[(intptr_t)arg]);
    return 0;
}

TASK_TEST(threads_have_the_stack_that_is_asked_for, { awl_executor *pool; int n; })
{
    co_begin;
    self->pool = awl_thread_pool_new(&(awl_thread_pool_options){ .stack_size = 256 * 1024 });
    if (!self->pool)
        co_raise(ENOMEM);
    co_let(self->n, awl_run_in_executor(self->pool, uses_stack, NUMBER(7)));
    CHECK_INT(self->n, 7);
    co_end;
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

/* n jobs at a gate, of a pool with 3 threads and much room. */
typedef struct crowd {
    awl_executor *pool;
    awl_future *f[6];
} crowd;

static int gather_crowd(crowd *c, int n)
{
    if (!c->pool)
        c->pool = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = 3 });
    if (!c->pool)
        return errno;
    for (int i = 0; i < n; i++) {
        c->f[i] = awl_executor_submit(c->pool, pass, NULL);
        if (!c->f[i])
            return errno;
    }
    return 0;
}

static void disperse_crowd(crowd *c)
{
    open_gate();
    for (int i = 0; i < 6; i++) {
        awl_future_release(c->f[i]);
        c->f[i] = NULL;
    }
}

TASK_TEST(each_job_that_finds_no_thread_idle_starts_one_up_to_the_most, { crowd c; int rc; })
{
    co_begin;
    self->rc = gather_crowd(&self->c, 1);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(stats_of_executor(self->c.pool).threads, 1);
    open_gate();
    co_await(self->c.f[0]);
    disperse_crowd(&self->c);
    set_gate(false);
    self->rc = gather_crowd(&self->c, 6);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(stats_of_executor(self->c.pool).threads, 3);
    AWAIT_COUNT(begun, 1 + 3);
    CHECK_INT(COUNT(begun), 1 + 3);
    open_gate();
    co_await(awl_gather_n(self->c.f, 6, NULL, 0));
    CHECK_INT(stats_of_executor(self->c.pool).threads, 3);
    CHECK_INT(COUNT(ended), 1 + 6);
    co_finally;
    disperse_crowd(&self->c);
    co_end;
}

TASK_TEST(one_after_the_other_needs_one_thread, { awl_executor *pool; int i, n; })
{
    co_begin;
    OPEN_POOL(self->pool, 4, 4);
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->n, awl_run_in_executor(self->pool, twice, NUMBER(self->i)));
        while (stats_of_executor(self->pool).jobs)
            co_await(awl_sleep(0));
    }
    CHECK(stats_of_executor(self->pool).threads <= 3); /* the one before may not be idle yet */
    co_end;
}

TASK_TEST(without_any_thread_a_job_ends_with_AWL_ENOTHREAD, { awl_executor *pool; int rc, n; })
{
    co_begin;
    OPEN_POOL(self->pool, 2, 2);
    only_threads(0);
    CHECK_FAILS(AWL_ENOTHREAD, awl_run_job(self->pool, AT_GATE));
    CHECK(strstr(awl_error_message(AWL_ENOTHREAD), "no thread could be started: ") != NULL);
    CHECK_INT(COUNT(dropped), 1);
    CHECK_PTR(awl_executor_submit_job(self->pool, AT_GATE), NULL);
    CHECK_INT(errno, AWL_ENOTHREAD);
    CHECK_INT(COUNT(dropped), 2);
    CHECK_INT(stats_of_executor(self->pool).room, 4);
    only_threads(-1); /* later there may be threads */
    co_let(self->n, awl_run_in_executor(self->pool, twice, NUMBER(1)));
    co_finally;
    only_threads(-1);
    co_end;
}

TASK_TEST(with_fewer_threads_than_wanted_it_goes_on, { crowd c; int rc; })
{
    co_begin;
    only_threads(1);
    self->rc = gather_crowd(&self->c, 6);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(stats_of_executor(self->c.pool).threads, 1);
    AWAIT_COUNT(begun, 1);
    open_gate();
    co_await(awl_gather_n(self->c.f, 6, NULL, 0));
    CHECK_INT(COUNT(ended), 6);
    co_finally;
    only_threads(-1);
    disperse_crowd(&self->c);
    co_end;
}

TEST(a_stack_that_there_is_no_memory_for_is_AWL_ENOTHREAD)
{
    awl_loop *loop = open_virtual();
    awl_thread_pool_options options = { .loop = loop, .stack_size = SIZE_MAX / 4 * 3 };
    awl_executor *pool = awl_thread_pool_new(&options);

    if (pool) {
        CHECK_PTR(awl_executor_submit(pool, twice, NUMBER(1)), NULL);
        CHECK(errno == AWL_ENOTHREAD || errno == ENOMEM);
    }
    awl_loop_close(loop);
}

/* ---- Room ------------------------------------------------------------------------------------------------------- */

co_def(goes, { awl_executor *pool; const char *name; int n; })
{
    co_begin;
    co_let(self->n, awl_run_in_executor(self->pool, pass, NULL));
    say("%s:%d", self->name, self->n);
    co_end;
}

TASK_TEST(who_finds_no_room_waits_in_turn, { awl_executor *pool; awl_task *t[5]; int i; })
{
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    co_begin;
    OPEN_POOL(self->pool, 1, 1);
    for (self->i = 0; self->i < 5; self->i++) {
        self->t[self->i] = awl_create_task(co_call(goes, .pool = self->pool, .name = names[self->i]));
        if (!self->t[self->i])
            co_raise(ENOMEM);
    }
    co_await(awl_sleep(0));
    for (self->i = 0; self->i < 5; self->i++) {
        if (awl_task_done(self->t[self->i])) /* ENOMEM */
            co_await(self->t[self->i]);
    }
    CHECK_INT(stats_of_executor(self->pool).jobs, 2);
    CHECK_INT(stats_of_executor(self->pool).waiting, 3);
    CHECK_PTR(awl_executor_submit(self->pool, pass, NULL), NULL);
    CHECK_INT(errno, EAGAIN);
    open_gate();
    co_await(awl_gather_n(self->t, 5, NULL, 0));
    CHECK_TRACE("a:0 b:1 c:2 d:3 e:4");
    CHECK_INT(stats_of_executor(self->pool).room, 2);
    co_finally;
    open_gate();
    for (self->i = 0; self->i < 5; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}
