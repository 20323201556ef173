/* test_timers.c: the timer wheel against a sorted model: thousands of random timers, started and cancelled. */
#include "rig.h"

#include <stdlib.h>

enum { MOST = 4000 };

/* One timer of the test and of the model. */
static struct timer {
    awl_handle handle;
    awl_time when;
    size_t order; /* of registration */
    bool pending;
} timers[MOST];

static awl_loop *loop;
static size_t registered, called, live;
static awl_time latest;
static size_t latest_order;

static uint64_t random_state;
static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Each call must be at its deadline, or as soon as possible after a deadline in the past, and in order. */
static void fired(void *arg)
{
    struct timer *timer = arg;

    CHECK(timer->pending);
    CHECK(awl_loop_time(NULL) == timer->when);
    CHECK(timer->when > latest || (timer->when == latest && timer->order > latest_order));
    latest = timer->when;
    latest_order = timer->order;
    timer->pending = false;
    live--;
    called++;
}

static void start(struct timer *timer, awl_time when)
{
    timer->when = when;
    timer->order = registered++;
    timer->pending = true;
    live++;
    CHECK_INT(awl_call_at(loop, &timer->handle, when, fired, timer), 0);
}

static void cancel(struct timer *timer)
{
    awl_handle_cancel(&timer->handle);
    live -= timer->pending;
    timer->pending = false;
}

static void begin(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
    memset(timers, 0, sizeof timers);
    registered = called = live = latest_order = 0;
    latest = -1;
    loop = open_virtual();
}

static void end(void)
{
    run_dry(loop);
    CHECK_INT(live, 0);
    awl_loop_close(loop);
}

/* ---- Tests ----------------------------------------------------------------------------------------------------------- */

static void random_deadlines(uint64_t seed, unsigned bits)
{
    begin(seed);
    for (size_t i = 0; i < MOST; i++)
        start(&timers[i], (awl_time)(1 + draw() % ((uint64_t)1 << (1 + draw() % bits))));
    for (size_t i = 0; i < MOST / 3; i++)
        cancel(&timers[draw() % MOST]);
    end();
}

TEST(thousands_of_near_timers) { random_deadlines(1, 20); }
TEST(thousands_of_timers_within_seconds) { random_deadlines(2, 34); }
TEST(thousands_of_timers_on_all_levels) { random_deadlines(3, 47); }
TEST(thousands_of_timers_beyond_the_wheel) { random_deadlines(4, 56); }

/* Starts and cancels while the clock goes on. */
static void stir(void *arg)
{
    const awl_time now = awl_loop_time(NULL);

    (void)arg;
    for (int i = 0; i < 20; i++) {
        struct timer *timer = &timers[draw() % MOST];
        const awl_time when = now + 1 + (awl_time)(draw() % ((uint64_t)1 << (1 + draw() % 40)));

        cancel(timer);
        if (draw() % 4)
            start(timer, when);
    }
    if (registered < 20000)
        awl_call_later(NULL, NULL, (awl_time)(draw() % ((uint64_t)1 << (draw() % 36))), stir, NULL);
}

TEST(timers_started_and_cancelled_as_time_goes_on)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        begin(seed);
        awl_call_soon(loop, NULL, stir, NULL);
        end();
        CHECK(called > 5000);
    }
}

TEST(equal_deadlines_on_every_level)
{
    begin(5);
    for (size_t i = 0; i < MOST; i++)
        start(&timers[i], (awl_time)1 << (10 + i % 45));
    end();
    CHECK_INT(called, MOST);
}

TEST(deadlines_around_the_borders_of_ticks_and_levels)
{
    size_t n = 0;

    begin(6);
    for (int shift = 17; shift <= 57; shift += 5) {
        for (int near = -3; near <= 3; near++) {
            start(&timers[n++], ((awl_time)1 << shift) + near);
            start(&timers[n++], 31 * ((awl_time)1 << shift) + near);
        }
    }
    end();
    CHECK_INT(called, n);
}

TEST(cancelling_all_of_a_level_leaves_nothing_to_wait_for)
{
    begin(7);
    for (size_t i = 0; i < MOST; i++)
        start(&timers[i], (awl_time)(draw() >> 1 >> draw() % 50) + 1);
    for (size_t i = 0; i < MOST; i++)
        cancel(&timers[i]);
    end();
    CHECK_INT(called, 0);
    CHECK_INT(trace[0], 0);
}

static void count(void *n) { ++*(int *)n; }

TEST(the_end_of_time_is_never_and_the_moment_before_is_not)
{
    int n = 0;

    begin(8);
    awl_call_at(loop, NULL, AWL_FOREVER, count, &n);
    awl_call_later(loop, NULL, AWL_FOREVER - 1, count, &n);
    start(&timers[0], AWL_FOREVER / 2);
    end();
    CHECK_INT(n, 1);
}

TEST(sums_of_moments_and_durations_stop_at_forever)
{
    int n = 0;

    begin(9);
    awl_call_later(loop, NULL, AWL_SECOND, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_INT(awl_call_later(loop, NULL, AWL_FOREVER - 1, count, &n), 0);
    end();
    CHECK_INT(n, 0);
}
