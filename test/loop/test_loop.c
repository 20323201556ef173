/* test_loop.c: opening, running, stopping and closing a loop. */
#define _POSIX_C_SOURCE 200809L
#include "rig.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Opening and closing ------------------------------------------------------------------------------------------ */

TEST(open_and_close_leave_nothing)
{
    awl_loop *loop = awl_loop_open(NULL);

    CHECK(loop != NULL);
    CHECK(!awl_loop_is_running(loop));
    CHECK(awl_running_loop() == NULL);
    CHECK(awl_loop_base(loop) != NULL);
    awl_loop_close(loop);
    awl_loop_close(NULL);
}

TEST(two_loops_are_independent)
{
    awl_loop *a = open_virtual(), *b = open_virtual();

    awl_call_soon(a, NULL, say_it, "a");
    awl_call_soon(b, NULL, say_it, "b");
    run_dry(b);
    CHECK_TRACE("b");
    run_dry(a);
    CHECK_TRACE("a");
    awl_loop_close(a);
    awl_loop_close(b);
}

static awl_time zero_clock(void *arg) { return (void)arg, 0; }
static int zero_wait(void *arg, awl_time timeout) { return (void)arg, (void)timeout, 0; }

static void check_refused(const awl_loop_options *options)
{
    errno = 0;
    CHECK(awl_loop_open(options) == NULL);
    CHECK_INT(errno, EINVAL);
}

TEST(half_a_clock_is_refused)
{
    check_refused(&(awl_loop_options){ .now = zero_clock });
    check_refused(&(awl_loop_options){ .wait = zero_wait });
    check_refused(&(awl_loop_options){ .now = zero_clock, .wait = zero_wait, .virtual_time = true });
}

TEST(memory_that_is_not_aligned_is_refused)
{
    static _Alignas(8) char memory[65536];

    check_refused(&(awl_loop_options){ .memory = memory + 4, .memory_size = sizeof memory - 8 });
}

TEST(memory_that_is_too_small_is_refused)
{
    static _Alignas(8) char memory[65536];
    awl_loop *loop = NULL;
    size_t size = 0;

    for (; !loop && size < sizeof memory; size += 8) {
        errno = 0;
        loop = awl_loop_open(&(awl_loop_options){ .memory = memory, .memory_size = size });
        if (!loop)
            CHECK_INT(errno, EINVAL);
    }
    CHECK(loop != NULL);
    CHECK(size <= AWL_LOOP_MEMORY);
    awl_loop_close(loop);
}

TEST(no_memory_is_ENOMEM)
{
    awl_loop *loop = NULL;

    for (size_t n = 1; !loop; n++) {
        harness_fail_alloc(n);
        errno = 0;
        loop = awl_loop_open(NULL);
        if (!loop)
            CHECK_INT(errno, ENOMEM);
        CHECK(n < 100); /* how many a libevent makes is its own affair */
    }
    harness_fail_alloc(0);
    awl_loop_close(loop);
}

TEST(no_descriptors_is_EMFILE)
{
    struct rlimit limit, low;
    const int next = dup(0);

    close(next);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int spare = 0; spare < 3; spare++) {
        low = limit;
        low.rlim_cur = (rlim_t)(next + spare);
        CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
        errno = 0;
        CHECK(awl_loop_open(NULL) == NULL);
        CHECK_INT(errno, EMFILE);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

TEST(closing_drops_callbacks_that_have_not_run)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, say_it, "soon");
    awl_call_later(loop, NULL, AWL_SECOND, say_it, "later");
    awl_call_soon_threadsafe(loop, NULL, say_it, "posted");
    awl_loop_close(loop);
    CHECK_TRACE("");
}

static void close_it(void *loop) { awl_loop_close(loop); }

TEST(closing_a_running_loop_traps)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, close_it, loop);
    EXPECT_TRAP(awl_loop_run_forever(loop), "a running loop cannot be closed");
    awl_loop_close(loop);
}

/* ---- Running ------------------------------------------------------------------------------------------------------- */

TEST(runs_until_stop)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, say_it, "a");
    awl_call_later(loop, NULL, AWL_SECOND, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_TRACE("a");
    CHECK_INT(awl_loop_time(loop), AWL_SECOND);
    awl_loop_close(loop);
}

static void stop_and_add(void *loop)
{
    awl_loop_stop(loop);
    awl_call_soon(loop, NULL, say_it, "next");
}

TEST(stop_lets_the_iteration_end)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, stop_and_add, loop);
    awl_call_soon(loop, NULL, say_it, "same");
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_TRACE("same");
    run_once(loop);
    CHECK_TRACE("next");
    awl_loop_close(loop);
}

TEST(stopped_before_it_has_one_iteration_without_waiting)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, say_it, "soon");
    awl_call_later(loop, NULL, 0, say_it, "due");
    awl_call_later(loop, NULL, AWL_SECOND, say_it, "later");
    run_once(loop);
    CHECK_TRACE("soon due");
    CHECK_INT(awl_loop_time(loop), 0);
    run_once(loop);
    CHECK_TRACE("");
    awl_loop_close(loop);
}

TEST(stop_is_used_up_by_the_run_it_ends)
{
    awl_loop *loop = open_virtual();

    awl_loop_stop(loop);
    awl_loop_stop(loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    awl_call_later(loop, NULL, AWL_SECOND, say_it, "later");
    run_dry(loop);
    CHECK_TRACE("later");
    awl_loop_close(loop);
}

static void run_nested(void *loop) { say("%d", awl_loop_run_forever(loop) == EBUSY); }

TEST(a_run_within_a_run_is_EBUSY)
{
    awl_loop *loop = open_virtual(), *other = open_virtual();

    awl_call_soon(loop, NULL, run_nested, loop);
    awl_call_soon(loop, NULL, run_nested, other);
    run_dry(loop);
    CHECK_TRACE("1 1");
    awl_loop_close(other);
    awl_loop_close(loop);
}

TEST(virtual_time_with_nothing_left_is_EDEADLK)
{
    awl_loop *loop = open_virtual();

    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    awl_call_later(loop, NULL, 3 * AWL_SECOND, say_when, "x");
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    CHECK_TRACE("x@3000");
    awl_loop_close(loop);
}

TEST(a_timer_that_is_never_due_is_nothing_left)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, AWL_FOREVER, say_it, "never");
    awl_call_at(loop, NULL, AWL_FOREVER, say_it, "never");
    run_dry(loop);
    CHECK_TRACE("");
    CHECK_INT(awl_loop_time(loop), 0);
    awl_loop_close(loop);
}

static void look(void *loop)
{
    CHECK(awl_running_loop() == loop);
    CHECK(awl_loop_is_running(loop));
    say("looked");
}

TEST(the_running_loop_is_known_within_and_not_without)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, look, loop);
    run_dry(loop);
    CHECK_TRACE("looked");
    CHECK(awl_running_loop() == NULL);
    CHECK(!awl_loop_is_running(loop));
    CHECK(!awl_loop_is_running(NULL));
    awl_loop_close(loop);
}

/* ---- Time and figures ------------------------------------------------------------------------------------------------ */

TEST(time_of_no_loop_is_zero)
{
    CHECK_INT(awl_loop_time(NULL), 0);
}

TEST(real_time_is_the_monotonic_clock)
{
    awl_loop *loop = open_real();
    struct timespec before, after;
    awl_time between;

    clock_gettime(CLOCK_MONOTONIC, &before);
    between = awl_loop_time(loop);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(between >= before.tv_sec * AWL_SECOND + before.tv_nsec);
    CHECK(between <= after.tv_sec * AWL_SECOND + after.tv_nsec);
    awl_loop_close(loop);
}

static void note_end(void *at) { *(awl_time *)at = awl_loop_time(NULL); }

TEST(a_real_timer_is_not_early_and_hardly_late)
{
    awl_loop *loop = open_real();
    const awl_time start = awl_loop_time(loop);
    awl_time end = 0;

    CHECK_INT(awl_call_later(loop, NULL, 5 * AWL_MS, note_end, &end), 0);
    CHECK_INT(awl_call_later(loop, NULL, 5 * AWL_MS, stop, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK(end - start >= 5 * AWL_MS);
    CHECK(end - start < 2 * AWL_SECOND);
    awl_loop_close(loop);
}

TEST(stats_count_memory_and_iterations)
{
    awl_loop *loop = open_virtual();
    awl_loop_stats before, during, after;

    awl_loop_get_stats(loop, &before);
    awl_call_soon(loop, NULL, say_it, "x");
    awl_loop_get_stats(loop, &during);
    run_once(loop);
    awl_loop_get_stats(loop, &after);
    CHECK_INT(during.memory_used, before.memory_used + sizeof(awl_handle));
    CHECK_INT(after.memory_used, before.memory_used);
    CHECK_INT(after.memory_high, during.memory_used);
    CHECK(after.memory_held >= after.memory_used);
    CHECK_INT(after.iterations, before.iterations + 1);
    CHECK_INT(after.tasks + after.tasks_held + after.stack_high, 0);
    awl_loop_close(loop);
}

TEST(strerror_names_awls_errors_and_the_systems)
{
    CHECK_STR(awl_strerror(0), "no error");
    CHECK_STR(awl_strerror(ECANCELED), "cancelled");
    CHECK_STR(awl_strerror(ETIMEDOUT), "timed out");
    CHECK_STR(awl_strerror(ENOENT), strerror(ENOENT));
    for (int error = AWL_EINVALIDSTATE; error <= AWL_EOTHERLOOP; error++)
        CHECK(strncmp(awl_strerror(error), "Unknown", 7) != 0);
    for (int error = AWL_EPROTOCOL; error <= AWL_ESTATUS; error++)
        CHECK(strncmp(awl_strerror(error), "Unknown", 7) != 0);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------------- */

static void *stop_from_elsewhere(void *loop)
{
    awl_loop_stop(loop);
    return NULL;
}

static void start_thread(void *loop)
{
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, stop_from_elsewhere, loop), 0);
    pthread_join(thread, NULL);
}

TEST(another_thread_may_not_touch_a_running_loop)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, start_thread, loop);
    EXPECT_TRAP(awl_loop_run_forever(loop), "use awl_call_soon_threadsafe");
    awl_loop_close(loop);
}

static void *run_it_dry(void *loop)
{
    run_dry(loop);
    CHECK(awl_running_loop() == NULL);
    return NULL;
}

TEST(another_thread_may_run_a_loop_that_rests)
{
    awl_loop *loop = open_virtual();
    pthread_t thread;

    awl_call_soon(loop, NULL, look, loop);
    CHECK_INT(pthread_create(&thread, NULL, run_it_dry, loop), 0);
    pthread_join(thread, NULL);
    CHECK_TRACE("looked");
    awl_loop_close(loop);
}
