/*
 * Ending what is still under way: a cancellation is an error (ECANCELED) that arrives at an await.
 *
 * Shows    awl_task_cancel; co_finally, which cleans up and may await; co_try_cancel; awl_wait_for, a time limit.
 * Build    cc 10_cancel_timeout.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/10_cancel_timeout
 * Prints   what is in expected/10_cancel_timeout.txt
 *
 *     async def work(name, tenths):
 *         try:
 *             print(f"{name}: begins")
 *             await asyncio.sleep(tenths / 10)
 *             print(f"{name}: is done")
 *         finally:
 *             await asyncio.sleep(0.1)
 *             print(f"{name}: has tidied up")
 *
 *     async def main():
 *         task = asyncio.create_task(work("first", 100))
 *         await asyncio.sleep(0.1)
 *         task.cancel()
 *         try: await task
 *         except asyncio.CancelledError: print("first: cancelled")
 *         for name, tenths in ("second", 100), ("third", 1):
 *             try: await asyncio.wait_for(work(name, tenths), 0.5); print(f"{name}: no error")
 *             except TimeoutError: print(f"{name}: timed out")
 *
 *     asyncio.run(main())
 */
#include <awl.h>
#include <stdio.h>

co_def(work, { const char *name; int tenths; })
{
    co_begin;
    printf("%s: begins\n", self->name);
    co_await(awl_sleep(self->tenths * 100 * AWL_MS));
    printf("%s: is done\n", self->name);
    co_finally;
    co_await(awl_sleep(100 * AWL_MS));
    printf("%s: has tidied up\n", self->name);
    co_end;
}

co_def(impatient, { awl_task *task; int rc; })
{
    co_begin;
    self->task = awl_create_task(co_call(work, .name = "first", .tenths = 100));
    co_await(awl_sleep(100 * AWL_MS));
    awl_task_cancel(self->task); /* asks; it has ended when it is awaited */
    /* co_try would not catch ECANCELED: this coroutine itself might have been cancelled, and should end then. */
    co_try_cancel(self->rc, self->task);
    printf("first: %s\n", awl_strerror(self->rc));

    co_try(self->rc, awl_wait_for(co_call(work, .name = "second", .tenths = 100), 500 * AWL_MS));
    printf("second: %s\n", awl_strerror(self->rc));
    co_try(self->rc, awl_wait_for(co_call(work, .name = "third", .tenths = 1), 500 * AWL_MS));
    printf("third: %s\n", awl_strerror(self->rc));
    co_finally;
    awl_task_release(self->task);
    co_end;
}

int main(void) { return awl_run(co_call(impatient)) ? 1 : 0; }
