/* test_run.c: awl_run, awl_run_with, awl_run_until_complete, and the end of a run. */
#include "rig.h"

RIG_COROUTINES;

/* ---- awl_run ---------------------------------------------------------------------------------------------------------------- */

co_def(at_once, { int value; })
{
    co_begin;
    co_return(self->value);
    co_end;
}

TEST(run_returns_zero_and_the_result)
{
    awl_value value = { .i = -1 };

    CHECK_INT(awl_run(co_call(at_once)), 0);
    CHECK_INT(awl_run_with(co_call(sleeps, .t = AWL_MS, .value = 42), &virtual_options, &value), 0);
    CHECK_INT(value.i, 42);
    CHECK_INT(awl_run_with(co_call(at_once, .value = 43), NULL, &value), 0);
    CHECK_INT(value.i, 43);
    CHECK(awl_running_loop() == NULL);
}

TEST(run_returns_the_error_and_leaves_the_result)
{
    awl_value value = { .i = -1 };

    CHECK_INT(awl_run_with(co_call(sleeps, .error = EIO), &virtual_options, &value), EIO);
    CHECK_INT(value.i, -1);
    CHECK_INT(awl_run_with(co_call(sleeps, .error = ECANCELED), &virtual_options, &value), ECANCELED);
    CHECK_INT(value.i, -1);
}

co_def(runs_nested, { int rc; })
{
    co_begin;
    CHECK_INT(awl_run(co_call(at_once)), EBUSY);
    CHECK_INT(awl_run_until_complete(awl_running_loop(), co_call(at_once), NULL), EBUSY);
    CHECK_INT(awl_run_until_complete(awl_running_loop(), awl_current_task(), NULL), EBUSY);
    CHECK_INT(awl_loop_run_forever(awl_running_loop()), EBUSY);
    co_end;
}

TEST(run_within_a_run_is_EBUSY) { run_main(co_call(runs_nested)); }

co_def(stops, { int rc; })
{
    co_begin;
    awl_loop_stop(NULL);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    say("%d", usual(self->rc));
    co_end;
}

TEST(run_of_a_loop_that_is_stopped_is_ESTOPPED)
{
    CHECK_INT(awl_run_with(co_call(stops), &virtual_options, NULL), AWL_ESTOPPED);
    CHECK_TRACE("125"); /* the shutdown has cancelled it */
}

co_def(waits_for_nothing, { awl_future future; })
{
    co_begin;
    awl_future_init(&self->future, NULL);
    co_await(&self->future);
    co_end;
}

TEST(run_of_what_can_never_end_is_EDEADLK_in_virtual_time)
{
    CHECK_INT(awl_run_with(co_call(waits_for_nothing), &virtual_options, NULL), EDEADLK);
}

TEST(run_without_memory_is_ENOMEM)
{
    awl_coro object;
    int error = ENOMEM;

    harness_fail_alloc(1);
    object = co_call(at_once);
    CHECK_INT(awl_run_with(object, &virtual_options, NULL), ENOMEM);
    for (size_t n = 1; error; n++) {
        harness_fail_alloc(0);
        object = co_call(at_once);
        harness_fail_alloc(n);
        error = awl_run_with(object, &virtual_options, NULL);
        CHECK(error == 0 || error == ENOMEM);
        CHECK(n < 100); /* how many a libevent makes is its own affair */
    }
}

/* ---- The end of a run ---------------------------------------------------------------------------------------------------------- */

co_def(waits_for_ever, { awl_future *f; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    co_await(self->f);
    co_finally;
    say("cleaned:%d", usual(co_failing));
    awl_future_release(self->f);
    co_end;
}

/* Nothing can happen any more; asyncio, which has no virtual time, would wait. */
TEST(a_main_task_that_waits_for_ever_still_cleans_up)
{
    CHECK_INT(awl_run_with(co_call(waits_for_ever), &virtual_options, NULL), EDEADLK);
    CHECK_TRACE("cleaned:125");
    CHECK_REPORTS("-:35; waits_for_ever:35");
}

co_def(leaves_tasks, {})
{
    co_begin;
    awl_spawn(co_call(tells, .name = "a", .t = AWL_SECOND));
    awl_spawn(co_call(tells, .name = "b", .t = 2 * AWL_SECOND));
    co_await(awl_sleep(0));
    awl_spawn(co_call(tells, .name = "unstarted", .t = 3 * AWL_SECOND));
    say("main ends");
    co_end;
}

TEST(tasks_that_are_left_are_cancelled_and_waited_for)
{
    CHECK_INT(awl_run_with(co_call(leaves_tasks), &virtual_options, NULL), 0);
    CHECK_TRACE("a:starts@2 b:starts@2 main ends unstarted:starts@3 a:cancelled@4 a:ends@4 b:cancelled@4 b:ends@4 "
                "unstarted:cancelled@4 unstarted:ends@4");
    CHECK_REPORTS("");
}

co_def(takes_its_time, {})
{
    co_begin;
    co_await(awl_sleep(AWL_MINUTE));
    co_finally;
    co_await(awl_sleep(7 * AWL_SECOND));
    say("clean@%d", now_ms());
    co_end;
}

co_def(leaves_one_that_takes_its_time, {})
{
    co_begin;
    awl_spawn(co_call(takes_its_time));
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TEST(their_finally_may_take_its_time)
{
    CHECK_INT(awl_run_with(co_call(leaves_one_that_takes_its_time), &virtual_options, NULL), 0);
    CHECK_TRACE("clean@8000");
}

co_def(makes_another_at_its_end, {})
{
    co_begin;
    co_await(awl_sleep(AWL_MINUTE));
    co_finally;
    awl_spawn(co_call(sleeps, .t = AWL_MINUTE));
    co_end;
}

co_def(leaves_one_that_makes_another, {})
{
    co_begin;
    awl_spawn(co_call(makes_another_at_its_end));
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TEST(tasks_made_meanwhile_are_reported_and_dropped)
{
    CHECK_INT(awl_run_with(co_call(leaves_one_that_makes_another), &virtual_options, NULL), 0);
    CHECK_REPORTS("sleeps:0");
}

/* ---- awl_run_until_complete ------------------------------------------------------------------------------------------------------ */

TEST(until_complete_runs_a_coroutine)
{
    awl_loop *loop = open_virtual();
    const size_t before = stats_of(loop).memory_used;
    awl_value value = { .i = -1 };

    CHECK_INT(awl_run_until_complete(loop, co_call(sleeps, .t = AWL_MS, .value = 9), &value), 0);
    CHECK_INT(value.i, 9);
    CHECK_INT(awl_run_until_complete(loop, co_call(sleeps, .error = EIO), &value), EIO);
    CHECK_INT(value.i, 9);
    CHECK_INT(stats_of(loop).memory_used, before);
    awl_loop_close(loop);
    CHECK_REPORTS("");
}

static awl_task *made;
static void make_task(void *arg)
{
    (void)arg;
    made = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 5));
}

TEST(until_complete_runs_a_task)
{
    awl_loop *loop = open_virtual();
    awl_value value;

    awl_call_soon(loop, NULL, make_task, NULL);
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    CHECK_INT(awl_run_until_complete(loop, made, &value), 0); /* done already */
    CHECK_INT(value.i, 5);
    CHECK_INT(awl_run_until_complete(loop, made, NULL), 0);
    awl_task_release(made);
    awl_loop_close(loop);
}

static void set_future(void *future) { awl_future_set_result((awl_future *)future, 3); }
static void fail_future(void *future) { awl_future_set_error(future, EIO); }

TEST(until_complete_runs_a_future)
{
    awl_loop *loop = open_virtual();
    awl_future future;
    awl_value value;

    awl_future_init(&future, loop);
    awl_call_later(loop, NULL, AWL_MS, set_future, &future);
    CHECK_INT(awl_run_until_complete(loop, &future, &value), 0);
    CHECK_INT(value.i, 3);
    awl_future_init(&future, loop);
    awl_call_later(loop, NULL, AWL_MS, fail_future, &future);
    CHECK_INT(awl_run_until_complete(loop, &future, &value), EIO);
    awl_loop_close(loop);
}

static void set_and_add(void *future)
{
    awl_future_set_result((awl_future *)future, 1);
    awl_call_soon(NULL, NULL, say_it, "behind"); /* the iteration that stops the loop runs it too */
}

TEST(until_complete_ends_the_iteration_of_the_end)
{
    awl_loop *loop = open_virtual();
    awl_future future;

    awl_future_init(&future, loop);
    awl_call_soon(loop, NULL, set_and_add, &future);
    CHECK_INT(awl_run_until_complete(loop, &future, NULL), 0);
    CHECK_TRACE("behind");
    awl_loop_close(loop);
}

TEST(until_complete_of_a_loop_that_is_stopped_is_ESTOPPED_and_can_go_on)
{
    awl_loop *loop = open_virtual();
    awl_future future;
    awl_value value;

    awl_future_init(&future, loop);
    awl_call_soon(loop, NULL, (awl_fn *)awl_loop_stop, loop);
    awl_call_later(loop, NULL, AWL_MS, set_future, &future);
    CHECK_INT(awl_run_until_complete(loop, &future, &value), AWL_ESTOPPED);
    CHECK_INT(awl_run_until_complete(loop, &future, &value), 0);
    CHECK_INT(value.i, 3);
    awl_loop_close(loop);
}

TEST(until_complete_of_nothing_or_of_another_loops_is_an_error)
{
    awl_loop *loop = open_virtual(), *other = open_virtual();
    awl_future future, zeroed = { .host_ = NULL };

    awl_future_init(&future, other);
    CHECK_INT(awl_run_until_complete(loop, &future, NULL), AWL_EOTHERLOOP);
    CHECK_INT(awl_run_until_complete(loop, (awl_task *)NULL, NULL), EINVAL);
    CHECK_INT(awl_run_until_complete(loop, (awl_future *)NULL, NULL), EINVAL);
    CHECK_INT(awl_run_until_complete(loop, &zeroed, NULL), EINVAL);
    CHECK_INT(awl_run_until_complete((awl_loop *)NULL, &future, NULL), EINVAL);
    CHECK_INT(awl_run_until_complete((awl_loop *)NULL, co_call(at_once), NULL), EINVAL);
    awl_loop_close(loop);
    awl_loop_close(other);
}

co_def(runs_another_loop, { awl_loop *other; })
{
    co_begin;
    CHECK_INT(awl_run_until_complete(self->other, co_call(at_once), NULL), EBUSY);
    CHECK_INT(stats_of(self->other).tasks + stats_of(self->other).tasks_held, 0);
    co_end;
}

TEST(until_complete_of_another_loop_within_a_run_is_EBUSY_and_makes_no_task)
{
    awl_loop *other = open_virtual();

    run_main(co_call(runs_another_loop, .other = other));
    awl_loop_close(other);
}

TEST(until_complete_of_what_can_never_end_is_EDEADLK)
{
    awl_loop *loop = open_virtual();
    awl_future future;

    awl_future_init(&future, loop);
    CHECK_INT(awl_run_until_complete(loop, &future, NULL), EDEADLK);
    awl_loop_close(loop);
}
