/*
 * A deadline for a whole block: whatever it awaits, it must be over in time.
 *
 * Shows    awl_timeout_enter and awl_timeout_exit, around one await and in co_finally; awl_timeout_reschedule.
 * Build    cc 16_timeouts.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/16_timeouts
 * Prints   what is in expected/16_timeouts.txt
 *
 *     async def steps(n):                              async def in_time(n):
 *         for i in range(n):                               async with asyncio.timeout(0.25) as t:
 *             await asyncio.sleep(0.1)                         for i in range(n):
 *             print("step", i + 1)                                 await asyncio.sleep(0.1)
 *                                                                  print("progress", i + 1)
 *                                                                  t.reschedule(loop.time() + 0.25)
 *     async def main():
 *         try:
 *             async with asyncio.timeout(0.25):
 *                 await steps(5)
 *         except TimeoutError: print("timed out")
 *         await in_time(4); print("in time")
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>

co_def(steps, { int n, i; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(awl_sleep(100 * AWL_MS));
        printf("step %d\n", self->i + 1);
    }
    co_end;
}

/* A block of several awaits is left in co_finally, which no error passes by. */
co_def(in_time, { int n, i, rc; awl_timeout t; })
{
    co_begin;
    awl_timeout_enter(&self->t, 250 * AWL_MS);
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(awl_sleep(100 * AWL_MS));
        printf("progress %d\n", self->i + 1);
        awl_timeout_reschedule(&self->t, 250 * AWL_MS); /* who makes progress gets more time */
    }
    co_finally;
    self->rc = awl_timeout_exit(&self->t, co_failing);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

co_def(lesson, { int rc; awl_timeout t; })
{
    co_begin;
    awl_timeout_enter(&self->t, 250 * AWL_MS);
    co_try_cancel(self->rc, co_call(steps, .n = 5)); /* the deadline is a cancellation: ECANCELED here … */
    self->rc = awl_timeout_exit(&self->t, self->rc); /* … and ETIMEDOUT here, if it came from nobody else */
    if (self->rc && self->rc != ETIMEDOUT)
        co_raise(self->rc);
    puts(awl_strerror(self->rc));
    co_await(co_call(in_time, .n = 4));
    puts("in time");
    co_end;
}

int main(void) { return awl_run(co_call(lesson)) ? 1 : 0; }
