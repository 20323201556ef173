/* test_callbacks.c: call_soon, call_later, call_at: order, handles, cancelling. */
#include "rig.h"

/* ---- Order ---------------------------------------------------------------------------------------------------------- */

TEST(callbacks_run_in_the_order_of_the_calls)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, say_it, "a");
    awl_call_soon(loop, NULL, say_it, "b");
    awl_call_soon(loop, NULL, say_it, "c");
    run_once(loop);
    CHECK_TRACE("a b c");
    awl_loop_close(loop);
}

static void say_and_add(void *word)
{
    say("%s", (const char *)word);
    awl_call_soon(NULL, NULL, say_it, "added");
}

TEST(what_a_callback_adds_runs_in_the_next_iteration)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, say_and_add, "a");
    awl_call_soon(loop, NULL, say_it, "b");
    run_once(loop);
    CHECK_TRACE("a b");
    run_once(loop);
    CHECK_TRACE("added");
    awl_loop_close(loop);
}

TEST(timers_run_by_deadline)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, 30 * AWL_MS, say_when, "c");
    awl_call_later(loop, NULL, 10 * AWL_MS, say_when, "a");
    awl_call_later(loop, NULL, 20 * AWL_MS, say_when, "b");
    run_dry(loop);
    CHECK_TRACE("a@10 b@20 c@30");
    awl_loop_close(loop);
}

TEST(equal_deadlines_run_in_the_order_of_the_calls)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, AWL_SECOND, say_it, "a");
    awl_call_at(loop, NULL, AWL_SECOND, say_it, "b");
    awl_call_later(loop, NULL, AWL_SECOND, say_it, "c");
    run_dry(loop);
    CHECK_TRACE("a b c");
    awl_loop_close(loop);
}

static void add_second(void *word) { awl_call_at(NULL, NULL, AWL_SECOND, say_it, word); }

TEST(equal_deadlines_set_at_different_times_keep_their_order)
{
    awl_loop *loop = open_virtual();

    awl_call_at(loop, NULL, AWL_SECOND, say_it, "a");
    awl_call_at(loop, NULL, AWL_SECOND / 2, add_second, "b");
    awl_call_at(loop, NULL, AWL_SECOND - 1, add_second, "c");
    awl_call_at(loop, NULL, AWL_SECOND - AWL_MS, add_second, "b2");
    run_dry(loop);
    CHECK_TRACE("a b b2 c");
    awl_loop_close(loop);
}

TEST(deadlines_are_kept_to_the_nanosecond)
{
    awl_loop *loop = open_virtual();

    awl_call_at(loop, NULL, 1003, say_it, "c");
    awl_call_at(loop, NULL, 1001, say_it, "a");
    awl_call_at(loop, NULL, 1002, say_it, "b");
    awl_call_at(loop, NULL, 1002, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_TRACE("a b");
    CHECK_INT(awl_loop_time(loop), 1002);
    awl_loop_close(loop);
}

TEST(what_is_ready_runs_before_timers_that_are_due)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, 0, say_it, "timer");
    awl_call_soon(loop, NULL, say_it, "soon");
    run_once(loop);
    CHECK_TRACE("soon timer");
    awl_loop_close(loop);
}

TEST(a_delay_that_has_passed_means_the_next_iteration)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, AWL_SECOND, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    awl_call_later(loop, NULL, 0, say_it, "zero");
    awl_call_at(loop, NULL, AWL_MS, say_it, "past");
    awl_call_later(loop, NULL, -AWL_SECOND, say_it, "negative");
    awl_call_at(loop, NULL, INT64_MIN, say_it, "ancient");
    awl_call_soon(loop, NULL, say_it, "soon");
    run_once(loop);
    CHECK_TRACE("soon ancient negative past zero"); /* by their moments */
    awl_loop_close(loop);
}

TEST(a_moment_that_has_passed_does_not_turn_the_virtual_clock_back)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, AWL_SECOND, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    awl_call_at(loop, NULL, AWL_MS, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_INT(awl_loop_time(loop), AWL_SECOND);
    awl_call_later(loop, NULL, -2 * AWL_SECOND, stop, loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_INT(awl_loop_time(loop), AWL_SECOND);
    awl_loop_close(loop);
}

static void add_due(void *word) { awl_call_later(NULL, NULL, 0, say_it, word); }

TEST(a_delay_of_zero_from_a_callback_runs_in_the_next_iteration)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, add_due, "due");
    run_once(loop);
    CHECK_TRACE("");
    run_once(loop);
    CHECK_TRACE("due");
    awl_loop_close(loop);
}

TEST(timers_of_one_moment_run_in_one_iteration)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, AWL_MS, say_and_add, "a");
    awl_call_later(loop, NULL, AWL_MS, say_it, "b");
    run_dry(loop);
    CHECK_TRACE("a b added");
    awl_loop_close(loop);
}

/* ---- Handles -------------------------------------------------------------------------------------------------------- */

TEST(handles_of_the_callers_take_no_memory)
{
    awl_loop *loop = open_virtual();
    awl_handle a = { 0 }, b = { 0 }, c = { 0 };
    const size_t before = memory_used(loop);

    CHECK_INT(awl_call_soon(loop, &a, say_it, "a"), 0);
    CHECK_INT(awl_call_later(loop, &b, AWL_MS, say_it, "b"), 0);
    CHECK_INT(awl_call_at(loop, &c, 2 * AWL_MS, say_it, "c"), 0);
    CHECK_INT(memory_used(loop), before);
    run_dry(loop);
    CHECK_TRACE("a b c");
    awl_loop_close(loop);
}

TEST(a_handle_can_be_used_again_after_its_call)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    CHECK_INT(awl_call_soon(loop, &handle, say_it, "a"), 0);
    run_dry(loop);
    CHECK_INT(awl_call_later(loop, &handle, AWL_MS, say_it, "b"), 0);
    run_dry(loop);
    CHECK_TRACE("a b");
    awl_loop_close(loop);
}

TEST(a_handle_that_is_scheduled_is_EBUSY)
{
    awl_loop *loop = open_virtual();
    awl_handle soon = { 0 }, later = { 0 };

    CHECK_INT(awl_call_soon(loop, &soon, say_it, "a"), 0);
    CHECK_INT(awl_call_soon(loop, &soon, say_it, "no"), EBUSY);
    CHECK_INT(awl_call_later(loop, &soon, AWL_MS, say_it, "no"), EBUSY);
    CHECK_INT(awl_call_later(loop, &later, AWL_MS, say_it, "b"), 0);
    CHECK_INT(awl_call_soon(loop, &later, say_it, "no"), EBUSY);
    CHECK_INT(awl_call_at(loop, &later, 0, say_it, "no"), EBUSY);
    run_dry(loop);
    CHECK_TRACE("a b");
    awl_loop_close(loop);
}

TEST(no_loop_is_EINVAL)
{
    awl_handle handle = { 0 };

    CHECK_INT(awl_call_soon(NULL, &handle, say_it, "x"), EINVAL);
    CHECK_INT(awl_call_later(NULL, NULL, 1, say_it, "x"), EINVAL);
    CHECK_INT(awl_call_at(NULL, NULL, 1, say_it, "x"), EINVAL);
}

TEST(no_function_is_EINVAL)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    CHECK_INT(awl_call_soon(loop, &handle, NULL, "x"), EINVAL);
    CHECK_INT(awl_call_later(loop, NULL, 1, NULL, "x"), EINVAL);
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, NULL, "x"), EINVAL);
    CHECK_INT(awl_add_reader(loop, 0, NULL, NULL), EINVAL);
    awl_loop_close(loop);
}

static struct {
    awl_handle handle;
    int left;
} again;

static void schedule_again(void *word)
{
    say("%s", (const char *)word);
    if (again.left-- > 0)
        CHECK_INT(awl_call_soon(NULL, &again.handle, schedule_again, word), 0);
}

TEST(a_callback_may_schedule_its_own_handle)
{
    awl_loop *loop = open_virtual();

    again.left = 2;
    awl_call_soon(loop, &again.handle, schedule_again, "x");
    run_dry(loop);
    CHECK_TRACE("x x x");
    awl_loop_close(loop);
}

static void tick_again(void *word)
{
    say_when(word);
    if (again.left-- > 0)
        CHECK_INT(awl_call_later(NULL, &again.handle, 10 * AWL_MS, tick_again, word), 0);
}

TEST(a_timer_may_start_itself_again)
{
    awl_loop *loop = open_virtual();

    again.left = 2;
    awl_call_later(loop, &again.handle, 10 * AWL_MS, tick_again, "t");
    run_dry(loop);
    CHECK_TRACE("t@10 t@20 t@30");
    awl_loop_close(loop);
}

static void end_of_frame(void *handle)
{
    memset(handle, 0xa5, sizeof(awl_handle)); /* its memory is the caller's again */
    say("called");
}

TEST(a_handle_is_the_callers_again_from_its_call_on)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    awl_call_soon(loop, &handle, end_of_frame, &handle);
    awl_call_soon(loop, NULL, say_it, "behind");
    run_dry(loop);
    CHECK_TRACE("called behind");
    awl_loop_close(loop);
}

/* ---- Cancelling ------------------------------------------------------------------------------------------------------- */

static void cancel(void *handle) { awl_handle_cancel(handle); }

TEST(cancelled_before_the_run)
{
    awl_loop *loop = open_virtual();
    awl_handle soon = { 0 }, later = { 0 };

    awl_call_soon(loop, NULL, say_it, "a");
    awl_call_soon(loop, &soon, say_it, "no");
    awl_call_soon(loop, NULL, say_it, "b");
    awl_call_later(loop, &later, AWL_MS, say_it, "no");
    awl_handle_cancel(&soon);
    awl_handle_cancel(&later);
    run_dry(loop);
    CHECK_TRACE("a b");
    CHECK_INT(awl_loop_time(loop), 0);
    awl_loop_close(loop);
}

TEST(cancelled_in_the_iteration_that_would_call_it)
{
    awl_loop *loop = open_virtual();
    awl_handle last = { 0 };

    awl_call_soon(loop, NULL, cancel, &last);
    awl_call_soon(loop, NULL, say_and_add, "a");
    awl_call_soon(loop, &last, say_it, "no"); /* the last of the iteration: its place must move */
    run_once(loop);
    CHECK_TRACE("a");
    run_once(loop);
    CHECK_TRACE("added");
    awl_loop_close(loop);
}

TEST(cancelled_as_the_only_one_that_is_left_of_the_iteration)
{
    awl_loop *loop = open_virtual();
    awl_handle last = { 0 };

    awl_call_soon(loop, NULL, say_and_add, "a");
    awl_call_soon(loop, NULL, cancel, &last);
    awl_call_soon(loop, &last, say_it, "no");
    run_once(loop);
    CHECK_TRACE("a");
    run_once(loop);
    CHECK_TRACE("added");
    awl_loop_close(loop);
}

static struct {
    awl_handle handle;
} next;

static void add_next(void *arg) { (void)arg, awl_call_soon(NULL, &next.handle, say_it, "no"); }

TEST(cancelled_when_queued_for_the_next_iteration)
{
    awl_loop *loop = open_virtual();

    awl_call_soon(loop, NULL, add_next, NULL);
    awl_call_soon(loop, NULL, cancel, &next.handle);
    awl_call_soon(loop, NULL, say_it, "a");
    run_dry(loop);
    CHECK_TRACE("a");
    awl_loop_close(loop);
}

TEST(cancelled_when_due_with_others)
{
    awl_loop *loop = open_virtual();
    awl_handle due = { 0 };

    awl_call_later(loop, NULL, AWL_MS, cancel, &due);
    awl_call_later(loop, &due, AWL_MS, say_it, "no");
    awl_call_later(loop, NULL, AWL_MS, say_it, "a");
    run_dry(loop);
    CHECK_TRACE("a");
    awl_loop_close(loop);
}

TEST(cancelled_among_timers_of_one_tick)
{
    awl_loop *loop = open_virtual();
    awl_handle handles[4] = { { .loop_ = NULL } };

    awl_call_at(loop, &handles[0], 10, say_it, "0");
    awl_call_at(loop, &handles[1], 30, say_it, "1");
    awl_call_at(loop, &handles[2], 20, say_it, "2");
    awl_call_at(loop, &handles[3], 30, say_it, "3");
    awl_handle_cancel(&handles[0]);
    awl_handle_cancel(&handles[2]);
    run_dry(loop);
    CHECK_TRACE("1 3");
    awl_loop_close(loop);
}

TEST(cancelled_timers_do_not_advance_the_clock)
{
    awl_loop *loop = open_virtual();
    awl_handle far = { 0 };

    awl_call_later(loop, NULL, AWL_MS, say_when, "a");
    awl_call_later(loop, &far, AWL_MINUTE, say_it, "no");
    awl_call_later(loop, NULL, 2 * AWL_MS, cancel, &far);
    run_dry(loop);
    CHECK_TRACE("a@1");
    CHECK_INT(awl_loop_time(loop), 2 * AWL_MS);
    awl_loop_close(loop);
}

TEST(cancelling_what_is_not_scheduled_is_let_be)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    awl_handle_cancel(NULL);
    awl_handle_cancel(&handle);
    awl_call_soon(loop, &handle, say_it, "a");
    run_dry(loop);
    awl_handle_cancel(&handle);
    awl_call_soon(loop, &handle, say_it, "no");
    awl_handle_cancel(&handle);
    awl_handle_cancel(&handle);
    awl_call_soon(loop, &handle, say_it, "b");
    run_dry(loop);
    CHECK_TRACE("a b");
    awl_loop_close(loop);
}

/* A callback that cancels its own, running handle. */
TEST(a_callback_may_cancel_itself)
{
    awl_loop *loop = open_virtual();
    awl_handle handle = { 0 };

    awl_call_soon(loop, &handle, cancel, &handle);
    awl_call_soon(loop, NULL, say_it, "a");
    run_dry(loop);
    CHECK_TRACE("a");
    awl_loop_close(loop);
}

TEST(no_memory_for_a_handle_is_ENOMEM)
{
    awl_loop *loop = open_virtual();
    const size_t before = memory_used(loop);
    size_t made = 0;

    harness_fail_alloc_from(1);
    while (awl_call_soon(loop, NULL, say_it, ".") == 0 && made < 1000)
        made++;
    CHECK(made < 1000);
    CHECK_INT(awl_call_later(loop, NULL, 1, say_it, "no"), ENOMEM);
    CHECK_INT(awl_call_at(loop, NULL, 1, say_it, "no"), ENOMEM);
    harness_fail_alloc(0);
    run_dry(loop);
    CHECK_INT(strlen(trace), made ? 2 * made - 1 : 0);
    CHECK_INT(memory_used(loop), before);
    awl_loop_close(loop);
}
