/*
 * To await a coroutine is to wait for it; to make a task of it is to let it run meanwhile.
 *
 * Shows    co_await of a coroutine and of a task; awl_wait; awl_run_until_complete, awl_loop_run_forever and _stop.
 * Build    cc 05_await_or_task.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/05_await_or_task
 * Prints   what is in expected/05_await_or_task.txt: 2 s, then 1 s, then 1 s; and it stops the loop
 *
 *     async def say(text):                             async def awaited():
 *         await asyncio.sleep(1)                           await say("one")
 *         print(text)                                      await say("two")
 *
 *     async def tasks():                               async def waited():
 *         a = asyncio.create_task(say("three"))            a = asyncio.create_task(say("five"))
 *         b = asyncio.create_task(say("four"))             b = asyncio.create_task(say("six"))
 *         await a; await b                                 done, pending = await asyncio.wait([a, b])
 *                                                          print(f"{len(done)} done")
 *     loop = asyncio.new_event_loop()
 *     for each in (awaited, tasks, waited): loop.run_until_complete(each())     # and the time it took
 *     loop.call_later(0.1, loop.stop)
 *     loop.run_forever()
 */
#include <awl.h>
#include <stdio.h>

co_def(say, { const char *text; })
{
    co_begin;
    co_await(awl_sleep(1 * AWL_SECOND));
    puts(self->text);
    co_end;
}

co_def(awaited, {})
{
    co_begin;
    co_await(co_call(say, .text = "one"));
    co_await(co_call(say, .text = "two"));
    co_end;
}

co_def(two_tasks, { const char *first, *second; bool wait; awl_task *t[2]; int done; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(say, .text = self->first));
    self->t[1] = awl_create_task(co_call(say, .text = self->second));
    if (self->wait) {
        co_let(self->done, awl_wait(self->t, 2, AWL_ALL_COMPLETED, AWL_FOREVER));
        printf("%d done\n", self->done);
    } else {
        co_await(self->t[0]);
        co_await(self->t[1]);
    }
    co_finally;
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    co_end;
}

static int timed(awl_loop *loop, const char *what, awl_coro coroutine)
{
    const awl_time start = awl_loop_time(loop);
    const int error = awl_run_until_complete(loop, coroutine, NULL);
    printf("%s: %s, %.0f s\n", what, awl_strerror(error), (double)(awl_loop_time(loop) - start) / AWL_SECOND);
    return error;
}

static void stop(void *loop) { awl_loop_stop(loop); }

int main(void)
{
    awl_loop *loop = awl_loop_open(NULL);
    int failed = !loop || timed(loop, "awaited", co_call(awaited)) ||
                 timed(loop, "tasks", co_call(two_tasks, .first = "three", .second = "four")) ||
                 timed(loop, "waited", co_call(two_tasks, .first = "five", .second = "six", .wait = true)) ||
                 awl_call_later(loop, NULL, 100 * AWL_MS, stop, loop) || awl_loop_run_forever(loop);
    puts(failed ? "failed" : "stopped");
    awl_loop_close(loop);
    return failed;
}
