/* test_bad_input.c: what must be refused, or end the program with a word that helps. */
#include "rig.h"

#include <pthread.h>

RIG_COROUTINES;

/* Runs a coroutine in memory that no sanitizer watches: it would speak before the library does. */
static void run_unwatched(awl_coro coroutine)
{
    static _Alignas(16) char memory[16384];

    awl_run_with(coroutine, &(awl_loop_options){ .memory = memory, .memory_size = sizeof memory }, NULL);
}

/* ---- Objects ------------------------------------------------------------------------------------------------------------------ */

enum { SECOND_AWAIT = __LINE__ + 7 };

co_def(awaits_twice, { awl_coro object; })
{
    co_begin;
    self->object = co_call(sleeps);
    co_await(self->object);
    co_await(self->object);
    co_end;
}

TEST(awaiting_an_object_twice_traps_with_the_place)
{
    EXPECT_TRAP(run_unwatched(co_call(awaits_twice)), "has been awaited already");
    snprintf(trace, sizeof trace, "test_bad_input.c:%d", SECOND_AWAIT);
    EXPECT_TRAP(run_unwatched(co_call(awaits_twice)), trace);
}

co_def(makes_two_tasks_of_one, { awl_coro object; })
{
    co_begin;
    self->object = co_call(sleeps);
    awl_spawn(self->object);
    awl_spawn(self->object);
    co_end;
}

TEST(making_two_tasks_of_one_object_traps)
{
    EXPECT_TRAP(run_unwatched(co_call(makes_two_tasks_of_one)), "has been awaited, or made a task, already");
}

co_def(closes_twice, { awl_coro object; })
{
    co_begin;
    self->object = co_call(sleeps);
    awl_coro_close(self->object);
    awl_coro_close(self->object);
    co_end;
}

co_def(retains_too_often, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps));
    for (unsigned i = 0; i < 1u << 24; i++)
        awl_task_retain(self->t);
    co_end;
}

TEST(references_that_cannot_be_counted_trap)
{
    EXPECT_TRAP(run_unwatched(co_call(retains_too_often)), "retained more often than can be counted");
}

TEST(closing_an_object_twice_traps) { EXPECT_TRAP(run_unwatched(co_call(closes_twice)), "has been used already"); }

co_def(raises_zero, {})
{
    co_begin;
    co_raise(0);
    co_end;
}

co_def(raises_too_much, {})
{
    co_begin;
    co_raise(32768);
    co_end;
}

TEST(raising_no_error_traps)
{
    EXPECT_TRAP(awl_run(co_call(raises_zero)), "co_raise takes an error number from 1 to 32767");
    EXPECT_TRAP(awl_run(co_call(raises_too_much)), "test_bad_input.c:");
}

/* ---- Awaiting what cannot be awaited ---------------------------------------------------------------------------------------- */

TASK_TEST(awaiting_null_is_EINVAL, { int rc; awl_future zeroed; })
{
    co_begin;
    co_try(self->rc, (awl_task *)NULL);
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, (awl_future *)NULL);
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_await_task(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, &self->zeroed);
    CHECK_INT(self->rc, EINVAL);
    co_end;
}

static awl_future *others;

co_def(awaits_others, { int rc; awl_future *array[1]; })
{
    co_begin;
    co_try(self->rc, others);
    CHECK_INT(self->rc, AWL_EOTHERLOOP);
    co_try(self->rc, awl_await_future(others));
    CHECK_INT(self->rc, AWL_EOTHERLOOP);
    co_try(self->rc, awl_gather(others, awl_sleep(0)));
    CHECK_INT(self->rc, AWL_EOTHERLOOP);
    co_try(self->rc, awl_wait_for(others, AWL_SECOND));
    CHECK_INT(self->rc, AWL_EOTHERLOOP);
    co_try(self->rc, awl_wait_for(others, 0));
    CHECK_INT(self->rc, AWL_EOTHERLOOP);
    self->array[0] = others;
    co_try(self->rc, awl_wait(self->array, 1, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->rc, AWL_EOTHERLOOP);
    co_await(awl_sleep(AWL_MS));
    co_end;
}

TEST(awaiting_what_is_of_another_loop_is_EOTHERLOOP)
{
    awl_loop *loop = open_virtual();

    others = awl_future_new(loop);
    run_main(co_call(awaits_others));
    awl_future_set_result(others, 1);
    run_main(co_call(awaits_others));
    awl_future_release(others);
    awl_loop_close(loop);
}

co_def(awaits_itself, { awl_task **me; int rc; })
{
    co_begin;
    co_try(self->rc, *self->me);
    say("%d@%d", self->rc == EDEADLK, iteration());
    co_end;
}

TASK_TEST(a_task_that_awaits_itself_is_EDEADLK_in_the_next_iteration, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(awaits_itself, .me = &self->t));
    co_await(self->t);
    CHECK_TRACE("1@3");
    awl_task_release(self->t);
    co_end;
}

co_def(awaits_it, { awl_task **other; int rc; })
{
    co_begin;
    co_try(self->rc, *self->other);
    say("%d", usual(self->rc));
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

TASK_TEST(a_cycle_of_three_tasks_is_EDEADLK_in_all, { awl_task *t[3]; int rc; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        self->t[i] = awl_create_task(co_call(awaits_it, .other = &self->t[(i + 1) % 3]));
    co_try(self->rc, self->t[0]);
    CHECK_INT(self->rc, EDEADLK);
    CHECK_TRACE("35 35 35");
    for (int i = 0; i < 3; i++)
        awl_task_release(self->t[i]);
    co_end;
}

TASK_TEST(a_task_in_a_cycle_that_is_cancelled_is_told_that, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(awaits_itself, .me = &self->t));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_await(awl_sleep(AWL_MS));
    CHECK(awl_task_cancelled(self->t));
    CHECK_TRACE("");
    awl_task_release(self->t);
    co_end;
}

/* ---- References ---------------------------------------------------------------------------------------------------------------- */

co_def(releases_future_twice, { awl_future *f; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    awl_future_retain(self->f);
    awl_future_release(self->f);
    awl_future_release(self->f);
    awl_future_release(self->f);
    co_end;
}

co_def(releases_running_task_twice, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS));
    awl_task_release(self->t);
    awl_task_release(self->t);
    co_end;
}

co_def(releases_finished_task_twice, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps));
    co_await(self->t);
    awl_task_release(self->t);
    awl_task_release(self->t);
    co_end;
}

TEST(releasing_once_too_often_traps)
{
    EXPECT_TRAP(run_unwatched(co_call(releases_future_twice)), "released more often than it was retained");
    EXPECT_TRAP(run_unwatched(co_call(releases_running_task_twice)), "released more often than it was");
    EXPECT_TRAP(run_unwatched(co_call(releases_finished_task_twice)), "released more often than it was");
}

TASK_TEST(releasing_the_running_task_lets_it_run_on, { awl_task *t; })
{
    co_begin;
    awl_task_retain(awl_current_task());
    awl_task_release(awl_current_task());
    co_await(awl_sleep(AWL_MS));
    CHECK_STR(awl_task_name(awl_current_task()), "releasing_the_running_task_lets_it_run_on");
    co_end;
}

/* ---- Threads ------------------------------------------------------------------------------------------------------------------- */

static void (*do_it)(void *what);
static void *thread_body(void *what)
{
    do_it(what);
    return NULL;
}

static void in_thread(void (*fn)(void *what), void *what)
{
    pthread_t thread;

    do_it = fn;
    CHECK_INT(pthread_create(&thread, NULL, thread_body, what), 0);
    pthread_join(thread, NULL);
}

static void cancel_it(void *task) { awl_task_cancel((awl_task *)task); }
static void release_it(void *task) { awl_task_release((awl_task *)task); }
static void set_it(void *future) { awl_future_set_result((awl_future *)future, 1); }
static void fail_it(void *future) { awl_future_set_error((awl_future *)future, 1); }
static void cancel_future(void *future) { awl_future_cancel((awl_future *)future); }
static void call_it(void *loop) { awl_call_soon((awl_loop *)loop, NULL, say_it, "no"); }

co_def(uses_threads, { int what; awl_task *t; awl_future f; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    awl_future_init(&self->f, NULL);
    co_await(awl_sleep(0));
    switch (self->what) {
    case 0: in_thread(cancel_it, self->t); break;
    case 1: in_thread(release_it, self->t); break;
    case 2: in_thread(set_it, &self->f); break;
    case 3: in_thread(fail_it, &self->f); break;
    case 4: in_thread(cancel_future, &self->f); break;
    default: in_thread(call_it, awl_running_loop()); break;
    }
    co_end;
}

TEST(calls_from_another_thread_trap)
{
    for (int what = 0; what < 6; what++)
        EXPECT_TRAP(awl_run_with(co_call(uses_threads, .what = what), &virtual_options, NULL),
                    "this loop runs in another thread: use awl_call_soon_threadsafe");
}

/* ---- The rest ------------------------------------------------------------------------------------------------------------------- */

co_def(switches, {})
{
    co_begin;
    co_switch(NULL);
    co_end;
}

TEST(switching_stacks_in_a_task_traps)
{
    EXPECT_TRAP(awl_run(co_call(switches)), "co_switch is for stacks that co_run drives");
}

TASK_TEST(closing_the_loop_from_within_a_task_traps, {})
{
    co_begin;
    EXPECT_TRAP(awl_loop_close(awl_running_loop()), "a running loop cannot be closed");
    co_end;
}
