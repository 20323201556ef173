/* test_reports.c: what nobody could return: errors nobody looked at, tasks and objects that were lost. */
#include "rig.h"

RIG_COROUTINES;

/* Runs a coroutine as main task; what it reports is left in `reports`. */
static int run(awl_coro coroutine) { return awl_run_with(coroutine, &virtual_options, NULL); }

#define REPORT_TEST(name, expected, ...)                                                                                 \
    co_declare(name, __VA_ARGS__);                                                                                       \
    TEST(name)                                                                                                           \
    {                                                                                                                    \
        CHECK_INT(run(co_call(name)), 0);                                                                                \
        CHECK_REPORTS(expected);                                                                                         \
    }                                                                                                                    \
    co_define(name)

/* ---- Errors ---------------------------------------------------------------------------------------------------------------- */

static int line_of_task;

co_def(makes_a_failing_task, { awl_task *t; })
{
    co_begin;
    line_of_task = __LINE__, self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    CHECK_REPORTS("");
    awl_task_release(self->t);
    CHECK_STR(reports, "sleeps:5");
    co_end;
}

TEST(an_error_nobody_looked_at_is_reported_at_the_release)
{
    CHECK_INT(run(co_call(makes_a_failing_task)), 0);
    CHECK_REPORTS("sleeps:5");
    CHECK(strstr(last_report.file, "test_reports.c") != NULL);
    CHECK_INT(last_report.line, line_of_task);
    CHECK_INT(last_report.error, EIO);
    CHECK(strstr(last_report.what, "nobody has looked at") != NULL);
}

REPORT_TEST(an_error_nobody_looked_at_is_reported_with_the_name_that_was_set, "mine:5", { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    awl_task_set_name(self->t, "mine");
    co_await(awl_sleep(AWL_MS));
    awl_task_release(self->t);
    co_end;
}

REPORT_TEST(an_error_nobody_looked_at_is_reported_when_the_loop_closes, "sleeps:5", { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    CHECK_REPORTS("");
    co_end;
}

REPORT_TEST(released_before_it_fails_it_is_reported_at_its_end, "sleeps:5", {})
{
    co_begin;
    awl_task_release(awl_create_task(co_call(sleeps, .error = EIO)));
    co_await(awl_sleep(AWL_MS));
    CHECK_STR(reports, "sleeps:5");
    co_end;
}

REPORT_TEST(a_spawned_tasks_error_is_reported_at_once, "sleeps:5", {})
{
    co_begin;
    awl_spawn(co_call(sleeps, .t = AWL_MS, .error = EIO));
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_STR(reports, "sleeps:5");
    CHECK_INT(last_report.line, __LINE__ - 3);
    co_end;
}

REPORT_TEST(an_error_that_was_awaited_is_not_reported, "", { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_try(self->rc, self->t);
    awl_task_release(self->t);
    co_end;
}

REPORT_TEST(an_error_that_was_asked_for_is_not_reported, "", { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(awl_task_error(self->t), EIO);
    awl_task_release(self->t);
    co_end;
}

REPORT_TEST(asking_for_the_value_is_not_looking_at_the_error, "sleeps:5", { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    CHECK(awl_task_done(self->t) && awl_task_value(self->t).i == 0);
    awl_task_release(self->t);
    co_end;
}

REPORT_TEST(cancelling_what_has_failed_counts_as_looking, "", { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    CHECK(!awl_task_cancel(self->t));
    awl_task_release(self->t);
    co_end;
}

REPORT_TEST(a_cancelled_task_is_not_reported, "", { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS));
    awl_task_cancel(self->t);
    co_await(awl_sleep(AWL_MS));
    awl_task_release(self->t);
    co_end;
}

REPORT_TEST(a_futures_error_nobody_looked_at_is_reported, "-:5", { awl_future *future; })
{
    co_begin;
    self->future = awl_future_new(NULL);
    awl_future_set_error(self->future, EIO);
    awl_future_release(self->future);
    CHECK_STR(reports, "-:5");
    self->future = awl_future_new(NULL);
    awl_future_set_error(self->future, EIO);
    CHECK_INT(awl_future_error(self->future), EIO);
    awl_future_release(self->future);
    co_end;
}

/* ---- The main task --------------------------------------------------------------------------------------------------------------- */

TEST(the_main_tasks_error_is_reported_and_returned)
{
    CHECK_INT(run(co_call(sleeps, .t = AWL_MS, .error = EIO)), EIO);
    CHECK_REPORTS("sleeps:5");
}

TEST(the_main_tasks_cancellation_is_reported_and_returned)
{
    CHECK_INT(run(co_call(sleeps, .t = AWL_MS, .error = ECANCELED)), ECANCELED);
    CHECK_REPORTS("sleeps:125");
}

co_def(fails_when_cancelled, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_raise(EPROTO);
    co_end;
}

REPORT_TEST(a_task_that_fails_of_the_shutdown_is_reported, "fails_when_cancelled:71", {})
{
    co_begin;
    awl_task_release(awl_create_task(co_call(fails_when_cancelled)));
    co_await(awl_sleep(AWL_MS));
    co_end;
}

/* ---- What was lost ------------------------------------------------------------------------------------------------------------------ */

REPORT_TEST(an_object_never_awaited_is_reported_by_name, "sleeps:0", { awl_coro object; })
{
    co_begin;
    self->object = co_call(sleeps, .t = AWL_MS);
    co_end;
}

REPORT_TEST(an_object_that_was_closed_is_not_reported, "", { awl_coro object; })
{
    co_begin;
    self->object = co_call(sleeps, .t = AWL_MS);
    awl_coro_close(self->object);
    awl_coro_close((awl_coro){ NULL, 0 });
    co_end;
}

TEST(tasks_alive_when_the_loop_closes_are_reported)
{
    awl_loop *loop = open_virtual();

    awl_call_later(loop, NULL, AWL_MS, (awl_fn *)awl_loop_stop, loop);
    CHECK_INT(awl_run_until_complete(loop, co_call(sleeps, .t = AWL_SECOND), NULL), AWL_ESTOPPED);
    awl_loop_close(loop);
    CHECK_REPORTS("sleeps:0");
    CHECK(strstr(last_report.what, "had not ended") != NULL);
}

TEST(a_task_that_never_began_is_reported_when_the_loop_closes)
{
    awl_loop *loop = open_virtual();

    awl_loop_stop(loop);
    CHECK_INT(awl_run_until_complete(loop, co_call(tells, .name = "t"), NULL), AWL_ESTOPPED);
    awl_loop_close(loop);
    CHECK_REPORTS("tells:0");
}

co_def(raises_deep, { int depth; })
{
    co_begin;
    if (self->depth == 0)
        co_raise(EIO);
    co_await(co_call(raises_deep, .depth = self->depth - 1));
    co_end;
}
enum { RAISED_AT = __LINE__ - 4 };

TEST(a_report_says_where_the_error_was_raised)
{
    CHECK_INT(run(co_call(raises_deep, .depth = 3)), EIO);
    CHECK_REPORTS("raises_deep:5");
    CHECK_STR(last_report.raiser, "raises_deep");
    CHECK(strstr(last_report.raised_file, "test_reports.c") != NULL);
    CHECK_INT(last_report.raised_line, RAISED_AT);
    CHECK_INT(last_report.line, RAISED_AT - 5 + 1); /* the main task has no line that created it: its coroutine's */
    CHECK(strstr(last_report.file, "test_reports.c") != NULL);
}

co_def(forgets, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++)
        co_await(awl_create_task(co_call(sleeps, .t = AWL_MS)));
    co_end;
}

TEST(tasks_that_nobody_released_are_told_in_debug)
{
    awl_loop_options options = virtual_options;

    CHECK_INT(awl_run_with(co_call(forgets), &options, NULL), 0);
    CHECK_REPORTS("");
    options.debug = true;
    CHECK_INT(awl_run_with(co_call(forgets), &options, NULL), 0);
    CHECK_REPORTS("sleeps:0");
    CHECK(strstr(last_report.what, "nobody released this task") != NULL);
}

TEST(without_a_hook_reports_are_a_line_on_stderr)
{
    EXPECT_TRAP((awl_run_with(co_call(sleeps, .error = EIO), &(awl_loop_options){ .virtual_time = true }, NULL), abort()),
                "'sleeps': the main task ended with an error (error 5: "); /* the rest is the libc's */
}
