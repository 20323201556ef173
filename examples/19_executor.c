/*
 * A call that blocks, beside coroutines: it runs in a thread.
 *
 * Shows    awl_run_in_executor; a job's result and its error; awl_job.drop, for what must outlive who waits.
 * Build    cc 19_executor.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/19_executor
 * Prints   what is in expected/19_executor.txt: one second in all, not two
 *
 *     def a1(x):                                       async def b1():
 *         time.sleep(1)                                    await asyncio.sleep(1)
 *         return x * 2                                     return 7
 *
 *     async def main():
 *         loop = asyncio.get_running_loop()
 *         start = loop.time()
 *         a, b = await asyncio.gather(loop.run_in_executor(None, a1, 21), b1())
 *         print(f"a1: {a}, b1: {b}, after {loop.time() - start:.0f} s")
 *         try: await asyncio.wait_for(loop.run_in_executor(None, a1, 21), 0.1)
 *         except TimeoutError: print("timed out")
 *
 *     asyncio.run(main())                              # waits for a1 to end, in both languages
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In a thread of the loop's pool: it may block, and must not touch the loop. */
static int a1(void *arg, awl_result *result)
{
    const int *x = arg;

    sleep(1);
    if (*x < 0)
        return EDOM; /* raised where it is awaited */
    awl_result_set(result, *x * 2);
    return 0;
}

co_def(b1, {})
{
    co_begin;
    co_await(awl_sleep(1 * AWL_SECOND));
    co_return(7);
    co_end;
}

co_def(lesson, { int rc, *x; awl_time start; awl_outcome out[2]; })
{
    static int number = 21;

    co_begin;
    self->start = awl_loop_time(NULL);
    co_await(awl_gather_into(self->out, awl_run_in_executor(NULL, a1, &number), co_call(b1)));
    printf("a1: %d, b1: %d, after %.0f s\n", (int)self->out[0].value.i, (int)self->out[1].value.i,
           (double)(awl_loop_time(NULL) - self->start) / (double)AWL_SECOND);

    /* A thread cannot be stopped: a1 goes on when its time is over. *x must live so long, and free gets it then. */
    self->x = malloc(sizeof *self->x);
    if (!self->x)
        co_raise(ENOMEM);
    *self->x = 21;
    co_try(self->rc,
           awl_wait_for(awl_run_job(NULL, (awl_job){ .fn = a1, .arg = self->x, .drop = free }), 100 * AWL_MS));
    puts(self->rc ? awl_strerror(self->rc) : "in time");
    if (!self->rc)
        free(self->x); /* after success it is ours again */
    co_end;
}

int main(void) { return awl_run(co_call(lesson)) ? 1 : 0; }
