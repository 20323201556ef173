/* test_close.c: loops that are closed while there are jobs. */
#define _POSIX_C_SOURCE 200809L
#include "rig.h"

#include <time.h>

/* A loop that has never run its pool's jobs, to be closed with them. */
typedef struct world {
    awl_loop *loop;
    awl_executor *pool;
    awl_future *f[3];
} world;

/* A pool of one thread, and n jobs at a gate: the first is there. */
static bool open_world(world *w, int n, awl_time linger)
{
    awl_thread_pool_options options = { .max_threads = 1, .linger = linger };

    *w = (world){ .loop = open_virtual() };
    options.loop = w->loop;
    w->pool = awl_thread_pool_new(&options);
    for (int i = 0; i < n; i++) {
        w->f[i] = w->pool ? awl_executor_submit_job(w->pool, AT_GATE) : NULL;
        if (!w->f[i]) {
            open_gate();
            awl_loop_close(w->loop);
            return false;
        }
    }
    if (n)
        AWAIT_COUNT(begun, 1);
    return true;
}

/* How many there are: under a sanitizer perhaps one of its own, from the first that was started. */
static void *come_and_go(void *arg) { return arg; }
static int threads(void)
{
    pthread_t first;
    char line[128];
    int n = 0;
    FILE *status;

    CHECK_INT(pthread_create(&first, NULL, come_and_go, NULL), 0);
    pthread_join(first, NULL);
    status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "Threads: %d", &n);
    if (status)
        fclose(status);
    return n;
}

TEST(an_unused_pool_goes_with_its_loop)
{
    world w;

    CHECK(open_world(&w, 0, 0));
    awl_loop_close(w.loop);
}

/* Opens the gate when the loop waits for the job, or before: both must do. */
static void *open_later(void *arg)
{
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    open_gate();
    return arg;
}

TEST(closing_waits_for_what_runs_and_drops_what_does_not)
{
    pthread_t opener;
    world w;

    CHECK(open_world(&w, 3, 0));
    CHECK_INT(pthread_create(&opener, NULL, open_later, NULL), 0);
    awl_loop_close(w.loop);
    CHECK(g.begun >= 1);
    CHECK_INT(g.ended, g.begun);
    CHECK_INT(g.dropped, 3); /* nobody is there to learn of a success */
    pthread_join(opener, NULL);
}

TEST(closing_drops_what_has_ended_and_was_not_taken)
{
    world w;

    CHECK(open_world(&w, 2, AWL_FOREVER));
    open_gate();
    AWAIT_COUNT(ended, 2);
    awl_loop_close(w.loop);
    CHECK_INT(g.dropped, 2);
}

/* A thread that was left to itself lets go of what it has when its job ends. */
static void check_left_behind(awl_time linger)
{
    const int before = threads();
    world w;

    CHECK(open_world(&w, 2, linger));
    awl_loop_close(w.loop);
    CHECK_REPORTS("awl_run_in_executor:0");
    CHECK_INT(COUNT(ended), 0);
    CHECK_INT(COUNT(dropped), 1); /* that which waited */
    open_gate();
    AWAIT_COUNT(dropped, 2);
    CHECK_INT(g.ended, 1);
    while (before && threads() > before) /* 0: there was no memory to count them */
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

TEST(a_job_that_hangs_is_left_behind_at_once_if_so_wished) { check_left_behind(-1); }
TEST(a_job_that_hangs_is_left_behind_after_a_while) { check_left_behind(3 * AWL_MS); }

/* ---- By awl_run ------------------------------------------------------------------------------------------------- */

co_def(leaves_jobs, { awl_task *t; awl_future *f; })
{
    co_begin;
    self->t = awl_create_task(awl_run_job(NULL, AT_GATE));
    self->f = awl_executor_submit_job(NULL, AT_GATE);
    if (!self->t || !self->f) {
        open_gate();
        co_raise(ENOMEM);
    }
    co_await(awl_sleep(0));
    open_gate();
    co_finally;
    awl_task_release(self->t);
    awl_future_release(self->f);
    co_end;
}

TEST(a_run_ends_when_its_jobs_have)
{

    CHECK_INT(awl_run_with(co_call(leaves_jobs), &virtual_options, NULL), 0);
    CHECK_INT(g.begun, g.ended);
    CHECK(g.dropped >= 1 && g.dropped <= 2);
}

co_def(waits_for_room, { awl_executor *pool; })
{
    co_begin;
    co_await(awl_run_job(self->pool, AT_GATE));
    co_end;
}

/* Tasks that the loop has in hand when it is closed without a run to their end; its frames are malloc's. */
TEST(a_loop_can_be_closed_with_tasks_in_all_states)
{
    awl_loop *loop = open_virtual();
    awl_executor *pool = awl_thread_pool_new(&(awl_thread_pool_options){ .loop = loop, .max_threads = 1, .queue = 1 });
    awl_task *t[3];

    CHECK(pool != NULL);
    for (int i = 0; i < 3; i++) {
        t[i] = awl_loop_create_task(loop, co_call(waits_for_room, .pool = pool));
        CHECK(t[i] != NULL);
    }
    awl_loop_stop(loop);
    CHECK_INT(awl_loop_run_forever(loop), 0); /* one iteration: at the gate, in the queue, without room */
    AWAIT_COUNT(begun, 1);
    open_gate();
    for (int i = 0; i < 3; i++)
        awl_task_release(t[i]);
    awl_loop_close(loop);
    CHECK_INT(g.begun, g.ended);
    CHECK_INT(g.dropped, 2); /* not of the third: it never came to be a job */
    CHECK_REPORTS("waits_for_room:0; waits_for_room:0; waits_for_room:0");
}
