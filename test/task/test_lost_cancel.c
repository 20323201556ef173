/* test_lost_cancel.c: the loop's option `debug`: cancellations that get lost are reported. */
#define _POSIX_C_SOURCE 200809L
#include "rig.h"

RIG_COROUTINES;

static const awl_loop_options debugging = { .virtual_time = true, .report = note_report, .debug = true };

/* Cancels a coroutine after a millisecond, and waits for it. */
co_def(cancels, { awl_coro what; awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(self->what);
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

#define DEBUG_TEST(name, coroutine, expected)                                                                            \
    TEST(name)                                                                                                           \
    {                                                                                                                    \
        CHECK_INT(awl_run_with(co_call(cancels, .what = coroutine), &debugging, NULL), 0);                               \
        CHECK_REPORTS(expected);                                                                                         \
    }

co_def(swallows, { bool uncancels, goes_on; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    if (self->uncancels)
        awl_task_uncancel(awl_current_task());
    if (self->goes_on) {
        co_await(awl_sleep(AWL_MS));
        CHECK(self->uncancels || reports[0]); /* as soon as it suspends */
        co_await(awl_sleep(AWL_MS));
    }
    co_end;
}

DEBUG_TEST(one_that_ends_as_if_nothing_had_been_is_reported, co_call(swallows), "swallows:0")
DEBUG_TEST(one_that_goes_on_is_reported_once, co_call(swallows, .goes_on = true), "swallows:0")
DEBUG_TEST(who_says_so_may_go_on, co_call(swallows, .goes_on = true, .uncancels = true), "")
DEBUG_TEST(cancelled_is_no_fault, co_call(sleeps, .t = AWL_SECOND), "")

co_def(in_time, {})
{
    co_begin;
    co_await(awl_wait_for(co_call(swallows), AWL_US));
    co_end;
}

DEBUG_TEST(a_timeout_withdraws_its_own, co_call(in_time), "")

co_def(cleans_up, {})
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    co_await(awl_sleep(AWL_MS));
    co_await(co_call(sleeps, .t = AWL_MS));
    co_end;
}

DEBUG_TEST(a_clean_up_may_suspend, co_call(cleans_up), "")

co_def(has_group, { awl_task_group g; int rc; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    if (awl_task_group_spawn(&self->g, co_call(cleans_up)))
        co_raise(ENOMEM);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_await(awl_task_group_exit(&self->g, self->rc));
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}

DEBUG_TEST(a_group_may_wait_for_its_children, co_call(has_group), "")

co_def(cancels_itself, { int rc; })
{
    co_begin;
    awl_task_cancel(awl_current_task());
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

DEBUG_TEST(one_that_has_not_arrived_yet_is_not_lost, co_call(cancels_itself), "")

TEST(the_report_names_the_place_of_creation)
{
    CHECK_INT(awl_run_with(co_call(cancels, .what = co_call(swallows)), &debugging, NULL), 0);
    CHECK_REPORTS("swallows:0");
    CHECK(strstr(last_report.file, "test_lost_cancel.c") && last_report.line > 0);
    CHECK(strstr(last_report.what, "was cancelled, but goes on") != NULL);
}

TEST(without_the_option_nothing_is_said)
{
    unsetenv("AWL_DEBUG");
    CHECK_INT(awl_run_with(co_call(cancels, .what = co_call(swallows)), &virtual_options, NULL), 0);
    CHECK_REPORTS("");
}

TEST(the_environment_can_ask_for_it)
{
    setenv("AWL_DEBUG", "1", 1);
    CHECK_INT(awl_run_with(co_call(cancels, .what = co_call(swallows)), &virtual_options, NULL), 0);
    CHECK_REPORTS("swallows:0");
    setenv("AWL_DEBUG", "0", 1);
    CHECK_INT(awl_run_with(co_call(cancels, .what = co_call(swallows)), &virtual_options, NULL), 0);
    CHECK_REPORTS("");
}
