/* test_clock.c: a clock and a wait of the user's. */
#include "rig.h"

/* A clock that stands still, but for what is waited. */
static struct {
    awl_time now, step;
    int waits, error;
    awl_time asked[16];
    awl_loop *loop;
} clock_;

static awl_time now(void *arg)
{
    CHECK_PTR(arg, &clock_);
    return clock_.now;
}

static int wait_(void *arg, awl_time timeout)
{
    CHECK_PTR(arg, &clock_);
    if (clock_.waits < 16)
        clock_.asked[clock_.waits] = timeout;
    clock_.waits++;
    if (clock_.error)
        return clock_.error;
    if (timeout == AWL_FOREVER)
        return EINTR;
    clock_.now += clock_.step && clock_.step < timeout ? clock_.step : timeout;
    return 0;
}

static awl_loop *open_with_clock(awl_time start)
{
    awl_loop *loop;

    memset(&clock_, 0, sizeof clock_);
    clock_.now = start;
    loop = awl_loop_open(&(awl_loop_options){ .now = now, .wait = wait_, .clock_arg = &clock_ });
    CHECK(loop != NULL);
    return loop;
}

TEST(time_is_what_the_clock_says)
{
    awl_loop *loop = open_with_clock(1234);

    CHECK_INT(awl_loop_time(loop), 1234);
    clock_.now = 9999;
    CHECK_INT(awl_loop_time(loop), 9999);
    awl_loop_close(loop);
}

TEST(timers_follow_the_users_clock)
{
    awl_loop *loop = open_with_clock(5 * AWL_SECOND);

    awl_call_later(loop, NULL, 20 * AWL_MS, say_when, "b");
    awl_call_at(loop, NULL, 5010 * AWL_MS, say_when, "a");
    CHECK_INT(awl_loop_run_forever(loop), EINTR);
    CHECK_TRACE("a@5010 b@5020");
    awl_loop_close(loop);
}

TEST(wait_is_asked_for_no_longer_than_the_next_deadline)
{
    awl_loop *loop = open_with_clock(0);

    awl_call_later(loop, NULL, 100 * AWL_US, say_it, "a");
    CHECK_INT(awl_loop_run_forever(loop), EINTR);
    CHECK_INT(clock_.asked[0], 100 * AWL_US);
    CHECK_INT(clock_.asked[clock_.waits - 1], AWL_FOREVER);
    awl_loop_close(loop);
}

TEST(a_far_deadline_is_not_missed_by_waits_in_parts)
{
    awl_loop *loop = open_with_clock(77);

    awl_call_later(loop, NULL, 3 * 60 * AWL_MINUTE, say_it, "a");
    awl_call_later(loop, NULL, 3 * 60 * AWL_MINUTE, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_TRACE("a");
    CHECK_INT(clock_.now, 77 + 3 * 60 * AWL_MINUTE);
    awl_loop_close(loop);
}

TEST(a_wait_that_ends_early_is_repeated)
{
    awl_loop *loop = open_with_clock(0);

    clock_.step = 30 * AWL_US;
    awl_call_later(loop, NULL, 100 * AWL_US, say_it, "a");
    awl_call_later(loop, NULL, 100 * AWL_US, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_TRACE("a");
    CHECK_INT(clock_.now, 100 * AWL_US);
    CHECK_INT(clock_.waits, 4);
    awl_loop_close(loop);
}

TEST(while_something_is_ready_the_wait_does_not_block)
{
    awl_loop *loop = open_with_clock(0);

    awl_call_soon(loop, NULL, say_it, "a");
    awl_call_later(loop, NULL, AWL_SECOND, say_it, "later");
    run_once(loop);
    CHECK_TRACE("a");
    CHECK_INT(clock_.waits, 1);
    CHECK_INT(clock_.asked[0], 0);
    awl_loop_close(loop);
}

TEST(an_error_of_the_wait_ends_the_run)
{
    awl_loop *loop = open_with_clock(0);

    awl_call_soon(loop, NULL, say_it, "a");
    clock_.error = EIO;
    CHECK_INT(awl_loop_run_forever(loop), EIO);
    CHECK_TRACE("a"); /* what was ready has run */
    CHECK(!awl_loop_is_running(loop));
    clock_.error = 0;
    awl_call_soon(loop, NULL, say_it, "b");
    run_once(loop);
    CHECK_TRACE("b");
    awl_loop_close(loop);
}

static awl_loop *polled;
static int poll_and_add(void *arg, awl_time timeout)
{
    if (clock_.waits < 3)
        awl_call_soon(polled, NULL, say_it, "polled");
    return wait_(arg, timeout);
}

TEST(the_wait_may_make_callbacks_ready)
{
    memset(&clock_, 0, sizeof clock_);
    polled = open_with((awl_loop_options){ .now = now, .wait = poll_and_add, .clock_arg = &clock_ });
    awl_call_later(polled, NULL, AWL_US, stop, polled);
    CHECK_INT(awl_loop_run_forever(polled), 0);
    CHECK_TRACE("polled");
    awl_loop_close(polled);
}

TEST(a_clock_that_goes_back_calls_nothing_early)
{
    awl_loop *loop = open_with_clock(AWL_SECOND);

    awl_call_at(loop, NULL, AWL_SECOND + 10, say_it, "a");
    clock_.now = AWL_SECOND / 2;
    run_once(loop);
    CHECK_TRACE("");
    CHECK_INT(awl_call_later(loop, NULL, 10, say_it, "b"), 0);
    CHECK_INT(awl_loop_run_forever(loop), EINTR);
    CHECK_TRACE("b a");
    awl_loop_close(loop);
}

TEST(a_clock_may_start_at_the_beginning_of_time)
{
    awl_loop *loop = open_with_clock(INT64_MIN + 10);

    CHECK_INT(awl_call_later(loop, NULL, 10, say_it, "a"), 0);
    CHECK_INT(awl_call_at(loop, NULL, -5, say_it, "b"), 0);
    CHECK_INT(awl_call_at(loop, NULL, 1000, say_it, "c"), 0);
    CHECK_INT(awl_loop_run_forever(loop), EINTR);
    CHECK_TRACE("a b c");
    CHECK_INT(clock_.now, 1000);
    awl_loop_close(loop);
}
