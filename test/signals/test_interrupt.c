/* test_interrupt.c: SIGINT in awl_run. */
#define _GNU_SOURCE
#include <time.h>

#include "rig.h"

RIG_COROUTINES;

static int run(awl_coro coroutine) { return awl_run_with(coroutine, &virtual_options, NULL); }

/* Interrupts itself, and waits, or does what else is asked for. */
co_def(interrupted, { int times, then; int rc; })
{
    co_begin;
    CHECK_STR(action_of(SIGINT), "handled");
    while (self->times-- > 0)
        raise(SIGINT);
    if (self->then)
        co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    else
        co_await(awl_sleep(AWL_SECOND));
    if (self->then > 1)
        co_raise(self->then);
    co_return(5);
    co_finally;
    say("finally:%d@%d", usual(co_failing), now_ms());
    co_end;
}

TEST(sigint_cancels_the_main_task)
{
    CHECK_INT(run(co_call(interrupted, .times = 1)), AWL_EINTERRUPTED);
    CHECK_TRACE("finally:125@0");
    CHECK_REPORTS("");
    CHECK_STR(action_of(SIGINT), "default");
    CHECK_INT(AWL_EINTERRUPTED & 255, 128 + 2);
    CHECK_STR(awl_strerror(AWL_EINTERRUPTED), "interrupted");
}

TEST(a_main_task_that_goes_on_ends_as_it_likes)
{
    awl_value value;

    CHECK_INT(awl_run_with(co_call(interrupted, .times = 1, .then = 1), &virtual_options, &value), 0);
    CHECK_INT(value.i, 5);
    CHECK_TRACE("finally:0@0");
    CHECK_INT(run(co_call(interrupted, .times = 1, .then = EIO)), EIO);
    CHECK_REPORTS("interrupted:5");
    CHECK_INT(run(co_call(interrupted, .then = 1)), 0);
}

co_def(cancels_itself, { int sig; })
{
    co_begin;
    if (self->sig)
        raise(SIGINT);
    awl_task_cancel(awl_current_task());
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

/* asyncio: if the task was cancelled by others, too, that is what counts. */
TEST(a_cancellation_of_others_is_ECANCELED)
{
    CHECK_INT(run(co_call(cancels_itself)), ECANCELED);
    CHECK_INT(run(co_call(cancels_itself, .sig = 1)), ECANCELED);
}

TEST(the_other_tasks_are_cancelled_after_the_main_task)
{
    CHECK_INT(run(co_call(interrupted, .times = 1)), AWL_EINTERRUPTED);
    CHECK_TRACE("finally:125@0");
}

co_def(spawns, {})
{
    co_begin;
    awl_spawn(co_call(tells, .name = "child", .t = AWL_MINUTE));
    co_await(awl_sleep(AWL_MS));
    raise(SIGINT);
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    say("main");
    co_end;
}

TEST(all_tasks_clean_up)
{
    CHECK_INT(run(co_call(spawns)), AWL_EINTERRUPTED);
    CHECK(strstr(trace, "main child:cancelled") != NULL);
}

co_def(too_late, {})
{
    co_begin;
    raise(SIGINT);
    co_return(1);
    co_end;
}

TEST(one_that_comes_when_the_main_task_has_ended_is_told)
{
    awl_value value = { .i = -1 };

    CHECK_INT(awl_run_with(co_call(too_late), &virtual_options, &value), AWL_EINTERRUPTED);
    CHECK_INT(value.i, -1);
}

/* ---- The second one ---------------------------------------------------------------------------------------------- */

/* Forks, and interrupts the child's main task so many times. Result: its end. */
static int end_of_run(awl_coro (*make)(void))
{
    const pid_t pid = fork();

    if (pid == 0)
        _exit(run(make()) & 255);
    return end_of(pid);
}

static awl_coro twice(void) { return co_call(interrupted, .times = 2); }
static awl_coro once(void) { return co_call(interrupted, .times = 1); }

/* Takes no notice of the first, and then of nothing: the loop is stuck. */
co_def(stuck, { int rc; })
{
    co_begin;
    raise(SIGINT);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    raise(SIGINT);
    for (;;)
        pause();
    co_end;
}
static awl_coro make_stuck(void) { return co_call(stuck); }

TEST(a_second_one_ends_the_process)
{
    CHECK_INT(end_of_run(once), 130);
    CHECK_INT(end_of_run(twice), -SIGINT);
    CHECK_INT(end_of_run(make_stuck), -SIGINT);
}

/* ---- Where it is not ours ---------------------------------------------------------------------------------------- */

co_def(looks, { const char *expected; })
{
    co_begin;
    CHECK_STR(action_of(SIGINT), self->expected);
    co_end;
}

TEST(sigint_is_let_be_where_it_is_not_ours)
{
    const awl_loop_options leave = { .virtual_time = true, .leave_sigint = true };

    CHECK_INT(awl_run_with(co_call(looks, .expected = "default"), &leave, NULL), 0);
    signal(SIGINT, SIG_IGN);
    CHECK_INT(run(co_call(looks, .expected = "ignored")), 0);
    signal(SIGINT, count_foreign);
    CHECK_INT(run(co_call(too_late)), 0);
    CHECK_INT(foreign, 1);
}

static void *run_in_thread(void *arg)
{
    *(int *)arg = run(co_call(looks, .expected = "default"));
    return NULL;
}

TEST(threads_do_not_ask_for_it)
{
    pthread_t thread;
    int rc = -1;

    harness_fail_alloc(0);
    CHECK_INT(pthread_create(&thread, NULL, run_in_thread, &rc), 0);
    pthread_join(thread, NULL);
    CHECK_INT(rc, 0);
}

static void said(void *word) { say("%s", (const char *)word); }
static void *const word_handler = (void *)(uintptr_t) "handler";

co_def(has_handler, {})
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGINT, said, word_handler), 0);
    raise(SIGINT);
    raise(SIGINT);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("handler handler");
    CHECK(awl_remove_signal_handler(NULL, SIGINT));
    raise(SIGINT);
    co_await(awl_sleep(AWL_SECOND));
    co_finally;
    say("finally:%d", usual(co_failing));
    co_end;
}

/* While the program has a handler of its own, SIGINT is its; afterwards it is as before. */
TEST(a_handler_takes_precedence)
{
    CHECK_INT(run(co_call(has_handler)), AWL_EINTERRUPTED);
    CHECK_TRACE("finally:125");
}

/* The stand-in does not keep a loop waiting that has nothing else to wait for. */
co_def(waits_for_ever, { awl_future future; })
{
    co_begin;
    awl_future_init(&self->future, NULL);
    co_await(&self->future);
    co_end;
}

/* It came before there was nothing left, and the loop has not looked yet. */
co_def(interrupts_itself, { awl_future future; })
{
    co_begin;
    awl_future_init(&self->future, NULL);
    raise(SIGINT);
    co_await(&self->future);
    co_finally;
    say("finally:%d", usual(co_failing));
    co_end;
}

TEST(one_that_has_come_is_not_forgotten)
{
    const awl_loop_options real_options = { .report = note_report };

    CHECK_INT(awl_run_with(co_call(interrupts_itself), &real_options, NULL), AWL_EINTERRUPTED);
    CHECK_TRACE("finally:125");
    CHECK_REPORTS("");
}

TEST(sigint_alone_is_nothing_to_wait_for)
{
    CHECK_INT(run(co_call(waits_for_ever)), EDEADLK);
}
