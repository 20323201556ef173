/* test_run.c: awl_run_in_executor, its results and errors, beside other operations. */
#define _GNU_SOURCE
#define AWL_DEBUG 1 /* results of another kind than their place are a trap */
#include "rig.h"

#include <signal.h>

RIG_COROUTINES;

/* ---- Results ---------------------------------------------------------------------------------------------------- */

static int half(void *arg, awl_result *result)
{
    awl_result_set(result, *(const int *)arg / 2.0);
    return 0;
}

static int same(void *arg, awl_result *result)
{
    awl_result_set(result, arg);
    return 0;
}

static int nothing(void *arg, awl_result *result)
{
    (void)arg, (void)result;
    return 0;
}

TASK_TEST(results_are_of_their_kind, { int x, n; double d; int *p; })
{
    co_begin;
    self->x = 7;
    co_let(self->n, awl_run_in_executor(NULL, twice, NUMBER(7)));
    CHECK_INT(self->n, 14);
    co_let(self->d, awl_run_in_executor(NULL, half, &self->x));
    CHECK(self->d > 3.4 && self->d < 3.6);
    co_let(self->p, awl_run_in_executor(NULL, same, &self->x));
    CHECK_PTR(self->p, &self->x);
    co_end;
}

TASK_TEST(a_job_without_a_result_has_zero_for_every_place, { int n; double d; int *p; })
{
    co_begin;
    self->n = 1;
    self->d = 1;
    self->p = &self->n;
    co_let(self->n, awl_run_in_executor(NULL, nothing, NULL));
    co_let(self->d, awl_run_in_executor(NULL, nothing, NULL));
    co_let(self->p, awl_run_in_executor(NULL, nothing, NULL));
    CHECK_INT(self->n, 0);
    CHECK(self->d > -0.1 && self->d < 0.1);
    CHECK_PTR(self->p, NULL);
    co_end;
}

co_def(takes_pointer, { int *p; })
{
    co_begin;
    co_let(self->p, awl_run_in_executor(NULL, twice, NUMBER(7)));
    co_end;
}

TEST(a_result_of_another_kind_is_a_trap_in_a_debug_build)
{
    EXPECT_TRAP(awl_run(co_call(takes_pointer)), "the result is of another type");
}

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

TASK_TEST(an_error_of_a_job_is_raised, { int rc, n; })
{
    co_begin;
    CHECK_FAILS(EIO, awl_run_in_executor(NULL, fails, NUMBER(EIO)));
    CHECK_FAILS(INT16_MAX, awl_run_in_executor(NULL, fails, NUMBER(INT16_MAX)));
    CHECK_FAILS(ECANCELED, awl_run_in_executor(NULL, fails, NUMBER(ECANCELED)));
    co_let(self->n, awl_run_in_executor(NULL, fails, NUMBER(0)));
    CHECK_INT(self->n, 1);
    co_end;
}

TASK_TEST(what_is_no_error_is_EINVAL, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_run_in_executor(NULL, fails, NUMBER(-1)));
    CHECK_FAILS(EINVAL, awl_run_in_executor(NULL, fails, NUMBER(INT16_MAX + 1)));
    CHECK_FAILS(EINVAL, awl_run_in_executor(NULL, fails, NUMBER(65536)));
    co_end;
}

TASK_TEST(a_job_without_a_function_is_EINVAL, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_run_in_executor(NULL, NULL, NULL));
    co_end;
}

TASK_TEST(an_executor_of_another_loop_is_refused, { awl_executor *other; awl_loop *loop; int rc; })
{
    co_begin;
    self->loop = awl_loop_open(NULL);
    if (!self->loop)
        co_raise(ENOMEM);
    self->other = awl_thread_pool_new(&(awl_thread_pool_options){ .loop = self->loop });
    if (!self->other)
        co_raise(ENOMEM);
    CHECK_FAILS(AWL_EOTHERLOOP, awl_run_job(self->other, AT_GATE));
    CHECK_INT(COUNT(dropped), 1);
    CHECK_FAILS(AWL_EOTHERLOOP, awl_executor_shutdown(self->other, 0));
    co_finally;
    awl_loop_close(self->loop);
    co_end;
}

/* ---- Where it runs ---------------------------------------------------------------------------------------------- */

typedef struct place {
    pthread_t thread;
    bool blocked[3], has_loop;
    char name[16];
} place;

static int look(void *arg, awl_result *result)
{
    place *p = arg;
    sigset_t set;

    (void)result;
    p->thread = pthread_self();
    p->has_loop = awl_running_loop() != NULL;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    p->blocked[0] = sigismember(&set, SIGINT);
    p->blocked[1] = sigismember(&set, SIGTERM);
    p->blocked[2] = sigismember(&set, SIGALRM);
    pthread_getname_np(p->thread, p->name, sizeof p->name);
    return 0;
}

TASK_TEST(jobs_run_in_named_threads_without_signals, { place p; sigset_t mine; })
{
    co_begin;
    co_await(awl_run_in_executor(NULL, look, &self->p));
    CHECK(!pthread_equal(self->p.thread, pthread_self()));
    CHECK(self->p.blocked[0] && self->p.blocked[1] && self->p.blocked[2]);
    CHECK(!self->p.has_loop);
    CHECK_STR(self->p.name, "awl-pool-1");
    pthread_sigmask(SIG_SETMASK, NULL, &self->mine);
    CHECK(!sigismember(&self->mine, SIGALRM));
    co_end;
}

co_def(seven, {})
{
    co_begin;
    co_await(awl_sleep(1 * AWL_SECOND));
    co_return(7);
    co_end;
}

static int runs_a_loop(void *arg, awl_result *result)
{
    awl_value value = { .i = 0 };
    const int error = awl_run_with(co_call(seven), arg, &value);

    awl_result_set(result, value.i);
    return error;
}

TASK_TEST(a_job_may_run_a_loop_of_its_own, { int n; })
{
    co_begin;
    co_let(self->n, awl_run_in_executor(NULL, runs_a_loop, (void *)(uintptr_t)&virtual_options));
    CHECK_INT(self->n, 7);
    co_end;
}

static void set_event(void *event) { awl_event_set(event); }

typedef struct caller {
    awl_loop *loop;
    awl_handle handle;
    awl_event event;
} caller;

static int calls(void *arg, awl_result *result)
{
    caller *c = arg;

    (void)result;
    return awl_call_soon_threadsafe(c->loop, &c->handle, set_event, &c->event);
}

TASK_TEST(a_job_may_call_the_loop, {})
{
    static caller c;

    co_begin;
    c.loop = awl_running_loop();
    co_await(awl_gather(awl_run_in_executor(NULL, calls, &c), awl_event_wait(&c.event)));
    co_end;
}

/* ---- Beside others ---------------------------------------------------------------------------------------------- */

TASK_TEST(jobs_run_at_the_same_time, { awl_task *t[3]; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        self->t[self->i] = awl_create_task(awl_run_in_executor(NULL, pass, NULL));
        if (!self->t[self->i])
            co_raise(ENOMEM);
    }
    co_await(awl_sleep(0));
    for (self->i = 0; self->i < 3; self->i++) {
        if (awl_task_done(self->t[self->i]))
            co_await(self->t[self->i]); /* ENOMEM */
    }
    AWAIT_COUNT(begun, 3);
    open_gate();
    co_await(awl_gather_n(self->t, 3, NULL, 0));
    co_finally;
    open_gate();
    for (self->i = 0; self->i < 3; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

/* Opens the gate, without which the job would not end: so the loop runs beside it. */
co_def(opens, { int value; })
{
    co_begin;
    open_gate();
    co_return(self->value);
    co_end;
}

TASK_TEST(gather_takes_jobs_and_coroutines, { awl_outcome out[2]; })
{
    co_begin;
    co_await(awl_gather_into(self->out, awl_run_in_executor(NULL, pass, NULL),
                             co_call(opens, .value = 5)));
    CHECK_INT(self->out[0].value.i, 0);
    CHECK_INT(self->out[1].value.i, 5);
    co_finally;
    open_gate();
    co_end;
}

TASK_TEST(gather_raises_the_error_of_a_job, { int rc; awl_outcome out[2]; })
{
    co_begin;
    co_try(self->rc, awl_gather(awl_run_in_executor(NULL, fails, NUMBER(EIO)),
                                awl_run_in_executor(NULL, twice, NUMBER(4))));
    CHECK_INT(self->rc, EIO);
    co_await(awl_gather_return_exceptions(self->out, awl_run_in_executor(NULL, fails, NUMBER(EIO)),
                                          awl_run_in_executor(NULL, twice, NUMBER(4))));
    CHECK_INT(self->out[0].error, EIO);
    CHECK_INT(self->out[1].error, 0);
    CHECK_INT(self->out[1].value.i, 8);
    co_end;
}

TASK_TEST(an_object_made_before_can_be_awaited_later, { int n; awl_coro job; })
{
    co_begin;
    self->job = awl_run_in_executor(NULL, twice, NUMBER(21));
    co_let(self->n, self->job);
    CHECK_INT(self->n, 42);
    co_end;
}

/* ---- Many ------------------------------------------------------------------------------------------------------- */

enum { CLIENTS = 100, EACH = 100 };

co_def(client, { awl_executor *pool; int i, n; int64_t sum; })
{
    co_begin;
    for (self->i = 0; self->i < EACH; self->i++) {
        co_let(self->n, awl_run_in_executor(self->pool, twice, NUMBER(self->i)));
        CHECK_INT(self->n, 2 * self->i);
        self->sum += self->n;
    }
    co_return(self->sum);
    co_end;
}

TASK_TEST(of_ten_thousand_jobs_none_is_lost, { awl_executor *pool; awl_task *t[CLIENTS]; int i; int64_t sum; })
{
    co_begin;
    OPEN_POOL(self->pool, 4, 16); /* most of the time there is no room */
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        self->t[self->i] = awl_create_task(co_call(client, .pool = self->pool));
        if (!self->t[self->i])
            co_raise(ENOMEM);
    }
    co_await(awl_gather_n(self->t, CLIENTS, NULL, 0));
    for (self->i = 0; self->i < CLIENTS; self->i++)
        self->sum += awl_task_value(self->t[self->i]).i;
    CHECK_INT(self->sum, (int64_t)CLIENTS * EACH * (EACH - 1));
    CHECK_INT(stats_of_executor(self->pool).jobs, 0);
    CHECK_INT(stats_of_executor(self->pool).room, 20);
    CHECK_INT(stats_of_executor(self->pool).threads, 4);
    co_finally;
    for (self->i = 0; self->i < CLIENTS; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}
