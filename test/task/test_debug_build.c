/* test_debug_build.c: a program that is compiled with -DAWL_DEBUG is told of steps that take too long, unasked. */
#define AWL_DEBUG 1
#include "rig.h"

RIG_COROUTINES;

static awl_time clock_now;

static awl_time read_clock(void *arg)
{
    (void)arg;
    return clock_now;
}

static int wait_clock(void *arg, awl_time timeout)
{
    (void)arg;
    clock_now += timeout;
    return 0;
}

co_def(takes, { awl_time t; })
{
    co_begin;
    clock_now += self->t;
    co_await(awl_sleep(AWL_MS));
    co_end;
}

static void run_taking(awl_time t, awl_time slow)
{
    const awl_loop_options options = {
        .now = read_clock, .wait = wait_clock, .slow_step = slow, .report = note_report
    };

    CHECK_INT(awl_run_with(co_call(takes, .t = t), &options, NULL), 0);
}

TEST(a_step_of_more_than_a_tenth_of_a_second_is_reported)
{
    run_taking(101 * AWL_MS, 0);
    CHECK_REPORTS("takes:0");
    run_taking(100 * AWL_MS, 0);
    CHECK_REPORTS("");
}

TEST(unless_that_is_not_wanted)
{
    run_taking(AWL_MINUTE, AWL_FOREVER);
    CHECK_REPORTS("");
}
