/*
 * A function that is called when a task is done.
 *
 * Shows    awl_task_add_done_callback, and an argument that is bound to it; awl_future_error and awl_future_value.
 * Build    cc 07_done_callback.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/07_done_callback
 * Prints   Waiting for 1 s
 *          Callback: done after 1 s             callbacks are called in the order in which they were added
 *          Callback 2: done after 1 s
 *          main: done after 1 s
 *
 *     async def work(x):
 *         print(f"Waiting for {x} s")
 *         await asyncio.sleep(x)
 *         return x
 *
 *     def callback(future):
 *         print(f"Callback: done after {future.result()} s")
 *
 *     def bound(n, future):
 *         print(f"Callback {n}: done after {future.result()} s")
 *
 *     async def main():
 *         task = asyncio.create_task(work(1))
 *         task.add_done_callback(callback)
 *         task.add_done_callback(functools.partial(bound, 2))
 *         print(f"main: done after {await task} s")
 *
 *     asyncio.run(main())
 */
#include <awl.h>
#include <stdio.h>

co_def(work, { int x; })
{
    co_begin;
    printf("Waiting for %d s\n", self->x);
    co_await(awl_sleep(self->x * AWL_SECOND));
    co_return(self->x);
    co_end;
}

/* Callbacks are plain functions, called by the loop: they cannot await. */
static void callback(awl_future *future, void *arg)
{
    (void)arg;
    if (!awl_future_error(future)) /* ECANCELED, if it was cancelled */
        printf("Callback: done after %d s\n", (int)awl_future_value(future).i);
}

static void bound(awl_future *future, void *arg)
{
    const int *n = arg;

    if (!awl_future_error(future))
        printf("Callback %d: done after %d s\n", *n, (int)awl_future_value(future).i);
}

co_def(watch, { awl_task *task; int n, error, x; })
{
    co_begin;
    self->n = 2;
    self->task = awl_create_task(co_call(work, .x = 1));
    self->error = awl_task_add_done_callback(self->task, callback, NULL);
    if (!self->error) /* in the frame, n lives until the callback has been called */
        self->error = awl_task_add_done_callback(self->task, bound, &self->n);
    if (self->error)
        co_raise(self->error);
    co_let(self->x, self->task);
    printf("main: done after %d s\n", self->x);
    co_finally;
    awl_task_release(self->task);
    co_end;
}

int main(void) { return awl_run(co_call(watch)) ? 1 : 0; }
