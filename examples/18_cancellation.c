/*
 * What a cancellation leaves behind: clean-ups, work that must not stop half-way, and a race with losers.
 *
 * Shows    co_finally on cancellation; awl_shield; awl_race, whose losers have ended when it ends; awl_task_uncancel.
 * Build    cc 18_cancellation.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/18_cancellation
 * Prints   what is in expected/18_cancellation.txt
 *
 *     async def ask(mirror, tenths):                   async def save():
 *         try:                                             print("saving")
 *             await asyncio.sleep(tenths / 10)             await asyncio.sleep(0.2)
 *             return tenths                                print("saved")
 *         finally:
 *             await asyncio.sleep(0.1)                 async def worker():
 *             print(f"{mirror}: connection closed")        await asyncio.shield(save())
 *
 *     async def main():
 *         tasks = [asyncio.create_task(ask("near", 1)), asyncio.create_task(ask("far", 5))]
 *         await asyncio.wait(tasks, return_when=FIRST_COMPLETED)         # and then cancel the others,
 *         ...                                                            # wait for them, find the first
 *         task = asyncio.create_task(worker())
 *         await asyncio.sleep(0.1); task.cancel()
 *         try: await task
 *         except asyncio.CancelledError: print("worker: cancelled")
 *         await asyncio.sleep(0.2)
 *         asyncio.current_task().cancel()
 *         try: await asyncio.sleep(1)
 *         except asyncio.CancelledError: asyncio.current_task().uncancel(); print("I stay")
 */
#include <awl.h>
#include <stdio.h>

co_def(ask, { const char *mirror; int tenths; })
{
    co_begin;
    co_await(awl_sleep(self->tenths * 100 * AWL_MS));
    co_return(self->tenths);
    co_finally; /* runs when it is cancelled, too, and may await: who cancelled it waits for that */
    co_await(awl_sleep(100 * AWL_MS));
    printf("%s: connection closed\n", self->mirror);
    co_end;
}

co_def(save, {})
{
    co_begin;
    puts("saving");
    co_await(awl_sleep(200 * AWL_MS));
    puts("saved");
    co_end;
}

co_def(worker, {})
{
    co_begin;
    co_await(awl_shield(co_call(save))); /* a task of its own, which no cancellation of ours reaches */
    co_end;
}

co_def(lesson, { awl_task *task; int rc, value; })
{
    co_begin;
    co_let(self->value, awl_race(co_call(ask, .mirror = "near", .tenths = 1), co_call(ask, .mirror = "far", .tenths = 5)));
    printf("the first took %d tenths\n", self->value);

    self->task = awl_create_task(co_call(worker));
    co_await(awl_sleep(100 * AWL_MS));
    awl_task_cancel(self->task);
    co_try_cancel(self->rc, self->task);
    printf("worker: %s\n", awl_strerror(self->rc));
    co_await(awl_sleep(200 * AWL_MS));

    awl_task_cancel(awl_current_task());
    co_try_cancel(self->rc, awl_sleep(1 * AWL_SECOND));
    awl_task_uncancel(awl_current_task()); /* without this a loop with the option `debug` reports a lost cancellation */
    printf("%s, but I stay\n", awl_strerror(self->rc));
    co_finally;
    awl_task_release(self->task);
    co_end;
}

int main(void) { return awl_run(co_call(lesson)) ? 1 : 0; }
