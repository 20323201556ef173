/* test_close.c: a loop that is closed in the middle of everything, at any moment. */
#include "rig.h"

RIG_COROUTINES;

static void seen(awl_future *future, void *arg) { (void)future, (void)arg; }

co_def(holds, { awl_coro object; awl_future *f; })
{
    co_begin;
    self->object = awl_wait_for(co_call(sleeps), AWL_SECOND);
    self->f = awl_future_new(NULL);
    if (self->f)
        awl_future_add_done_callback(self->f, seen, NULL);
    co_await(awl_wait_for(self->f, AWL_MS));
    co_finally;
    awl_coro_close(self->object);
    awl_future_release(self->f);
    co_await(awl_sleep(0));
    co_end;
}

co_def(waits, { awl_task *t[2]; int done; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(sleeps, .t = AWL_US));
    self->t[1] = awl_create_task(co_call(sleeps, .t = AWL_MS, .error = EIO));
    co_let(self->done, awl_wait(self->t, 2, AWL_FIRST_EXCEPTION, AWL_SECOND));
    co_end;
}

co_def(deep, { int depth; char pad[100]; })
{
    co_begin;
    if (self->depth)
        co_await(awl_wait_for(co_call(deep, .depth = self->depth - 1), AWL_SECOND));
    co_await(awl_sleep(0));
    co_end;
}

/* A bit of everything, at once. */
static awl_coro everything(void)
{
    return awl_gather(awl_wait_for(awl_gather(co_call(sleeps, .t = AWL_US), co_call(sleeps)), AWL_SECOND),
                      co_call(holds), co_call(waits), co_call(deep, .depth = 8), awl_sleep(0), awl_sleep(AWL_US));
}

co_def(main_task, {})
{
    co_begin;
    co_await(everything());
    co_end;
}

static int iterations_left;
static void count_down(void *loop)
{
    if (iterations_left-- == 0)
        awl_loop_stop(loop);
    else if (iterations_left % 4)
        awl_call_soon(loop, NULL, count_down, loop);
    else
        awl_call_later(loop, NULL, AWL_US / 3, count_down, loop);
}

enum { MOMENTS = 60 };

/* Runs an object for some iterations and closes the loop. */
static void cut_after(int iterations, awl_coro object)
{
    awl_loop *loop = open_virtual();

    iterations_left = iterations;
    awl_call_soon(loop, NULL, count_down, loop);
    awl_run_until_complete(loop, object, NULL);
    awl_loop_close(loop);
    reports[0] = '\0';
}

TEST(closed_after_any_number_of_iterations_all_is_given_back)
{
    for (int n = 0; n < MOMENTS; n++)
        cut_after(n, co_call(main_task));
}

/*
 * Here the gather's own frame, in which its children's waiters lie, was made when no loop ran. Not from the first moment on:
 * objects within objects that were made when no loop ran, and have not begun, are known to nobody and lost.
 */
TEST(closed_at_any_moment_with_a_gather_as_main_coroutine)
{
    harness_fail_alloc(0); /* nor when memory ends while they are made */
    for (int n = 5; n < MOMENTS; n++)
        cut_after(n, everything());
}

co_def(awaits_object, { awl_coro object; })
{
    co_begin;
    self->object = everything();
    co_await(awl_sleep(0));
    co_await(self->object);
    co_end;
}

/* And here it is an object on the heap of the loop. */
TEST(closed_at_any_moment_with_objects_on_the_heap)
{
    for (int n = 0; n < MOMENTS; n++)
        cut_after(n, co_call(awaits_object));
}

TEST(awl_run_stopped_after_any_number_of_iterations)
{
    for (int n = 0; n < 12; n++) {
        awl_value value;
        int error = awl_run_with(awl_wait_for(co_call(main_task), n * AWL_US / 2), &virtual_options, &value);

        CHECK(error == ETIMEDOUT || error == EIO || error == 0);
        reports[0] = '\0';
    }
}
