/*
 * test_threadsafe.c: awl_call_soon_threadsafe, the one call that other threads may make.
 *
 * AWL_CALLS in the environment is how many calls each of the 8 threads makes: 125000 for a million in all. AWL_DELAYS: see
 * test/exec/threads.c, which stops threads around the lock of the hand-over.
 */
#include "rig.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 8, DEFAULT_CALLS = 20000 };

typedef struct caller {
    awl_loop *loop;
    pthread_t thread;
    int number;
    struct call {
        awl_handle handle; /* of every other one; the others ask malloc */
        struct caller *caller;
        int n;
    } *calls;
    int next; /* the call that must come next */
} caller;

static caller callers[THREADS];
static int arrived, n_calls = DEFAULT_CALLS;

static void arrive(void *arg)
{
    struct call *call = arg;

    CHECK_INT(call->n, call->caller->next);
    call->caller->next++;
    if (++arrived == THREADS * n_calls)
        awl_loop_stop(call->caller->loop);
}

static void *call_many(void *arg)
{
    caller *self = arg;

    for (int n = 0; n < n_calls; n++) {
        self->calls[n].caller = self;
        self->calls[n].n = n;
        CHECK_INT(awl_call_soon_threadsafe(self->loop, n % 2 ? &self->calls[n].handle : NULL, arrive, &self->calls[n]), 0);
    }
    return NULL;
}

static void storm(awl_loop *loop)
{
    const char *calls = getenv("AWL_CALLS");

    n_calls = calls ? atoi(calls) : DEFAULT_CALLS;
    for (int i = 0; i < THREADS; i++) {
        callers[i].loop = loop;
        callers[i].calls = calloc((size_t)n_calls, sizeof *callers[i].calls);
        CHECK(callers[i].calls != NULL);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&callers[i].thread, NULL, call_many, &callers[i]), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        CHECK_INT(callers[i].next, n_calls);
        free(callers[i].calls);
    }
    awl_loop_close(loop);
}

TEST(calls_of_many_threads_are_all_made_in_each_ones_order)
{
    storm(open_real());
}

/* The loop has work all the time: posted calls must get in between. */
static void spin(void *loop)
{
    if (arrived < THREADS * n_calls)
        awl_call_soon(loop, NULL, spin, loop);
}

TEST(a_busy_loop_takes_them_as_well)
{
    awl_loop *loop = open_real();

    awl_call_soon(loop, NULL, spin, loop);
    storm(loop);
}

static void *stop_it(void *loop)
{
    static awl_handle handle;

    CHECK_INT(awl_call_soon_threadsafe(loop, &handle, stop, loop), 0);
    return NULL;
}

TEST(a_call_wakes_a_loop_that_waits_for_ever)
{
    awl_loop *loop = open_real();
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, stop_it, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    pthread_join(thread, NULL);
    awl_loop_close(loop);
}

TEST(a_call_wakes_a_loop_that_waits_for_a_timer)
{
    awl_loop *loop = open_real();
    pthread_t thread;

    awl_call_later(loop, NULL, 60 * AWL_MINUTE, say_it, "late");
    CHECK_INT(pthread_create(&thread, NULL, stop_it, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    pthread_join(thread, NULL);
    CHECK_TRACE("");
    awl_loop_close(loop);
}

/* ---- From the loop's own thread --------------------------------------------------------------------------------------- */

TEST(calls_before_the_run_are_made_in_it)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, say_it, "a"), 0);
    CHECK_INT(awl_call_soon_threadsafe(loop, &handle, say_it, "b"), 0);
    CHECK_INT(awl_call_soon(loop, NULL, say_it, "soon"), 0);
    run_dry(loop);
    CHECK_TRACE("soon a b");
    awl_loop_close(loop);
}

static void post(void *loop) { awl_call_soon_threadsafe(loop, NULL, say_it, "posted"); }

TEST(a_call_from_a_callback_is_made_in_the_next_iteration)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, post, loop);
    run_once(loop);
    CHECK_TRACE("");
    run_once(loop);
    CHECK_TRACE("posted");
    awl_loop_close(loop);
}

static awl_handle reused;
static int reuses;

static void post_again(void *loop)
{
    if (++reuses < 5)
        CHECK_INT(awl_call_soon_threadsafe(loop, &reused, post_again, loop), 0);
}

TEST(a_handle_may_be_posted_again_from_its_call)
{
    awl_loop *loop = open_virtual();

    awl_call_soon_threadsafe(loop, &reused, post_again, loop);
    run_dry(loop);
    CHECK_INT(reuses, 5);
    awl_loop_close(loop);
}

TEST(cancelling_a_posted_handle_is_let_be)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    awl_call_soon_threadsafe(loop, &handle, say_it, "a");
    awl_handle_cancel(&handle);
    run_dry(loop);
    CHECK_TRACE("a");
    awl_loop_close(loop);
}

TEST(no_memory_for_a_posted_call_is_ENOMEM)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    harness_fail_alloc_from(1);
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, say_it, "no"), ENOMEM);
    CHECK_INT(awl_call_soon_threadsafe(loop, &handle, say_it, "a"), 0);
    harness_fail_alloc(0);
    run_dry(loop);
    CHECK_TRACE("a");
    awl_loop_close(loop);
}
