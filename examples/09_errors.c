/*
 * Errors travel up the awaits like exceptions.
 *
 * Shows    co_raise, co_try and co_result, co_finally; the error of a task at its await; awl_gather_return_exceptions.
 * Build    cc 09_errors.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/09_errors
 * Prints   what is in expected/09_errors.txt
 *
 *     async def divide(a, b):                          async def halve(a):
 *         try:                                             x = await divide(a, 2)
 *             await asyncio.sleep(0.1)                     print(f"half of {a} is {x}")
 *             if b == 0:                                   await divide(x, 0)      # and up goes the error
 *                 raise ValueError                         print("never printed")
 *             return a // b
 *         finally:
 *             print(f"over: {a} / {b}")
 *
 *     async def main():
 *         try: x = await divide(8, 4); print("8 / 4 =", x)
 *         except ValueError as e: print("8 / 4:", e)
 *         try: await halve(6)
 *         except ValueError as e: print("halve:", e)
 *         task = asyncio.create_task(divide(1, 0))
 *         try: await task
 *         except ValueError as e: print("task:", e)
 *         for x in await asyncio.gather(divide(9, 3), divide(9, 0), return_exceptions=True):
 *             print("gathered:", x)
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>

co_def(divide, { int a, b; })
{
    co_begin;
    co_await(awl_sleep(100 * AWL_MS));
    if (self->b == 0)
        co_raise(EINVAL);
    co_return(self->a / self->b);
    co_finally; /* however the lines above are left */
    printf("over: %d / %d\n", self->a, self->b);
    co_end;
}

co_def(halve, { int a, x; })
{
    co_begin;
    co_let(self->x, co_call(divide, .a = self->a, .b = 2));
    printf("half of %d is %d\n", self->a, self->x);
    co_await(co_call(divide, .a = self->x)); /* b is 0: what is not named is zero */
    puts("never printed");
    co_end;
}

co_def(catching, { int rc, x; awl_task *task; awl_outcome out[2]; })
{
    co_begin;
    co_try(self->rc, co_call(divide, .a = 8, .b = 4));
    if (self->rc == 0)
        co_result(self->x); /* of the co_try just above */
    printf("8 / 4 = %d (%s)\n", self->x, awl_strerror(self->rc));
    co_try(self->rc, co_call(halve, .a = 6));
    printf("halve: %s\n", awl_strerror(self->rc));
    self->task = awl_create_task(co_call(divide, .a = 1));
    co_try(self->rc, self->task);
    printf("task: %s\n", awl_strerror(self->rc));
    co_await(awl_gather_return_exceptions(self->out, co_call(divide, .a = 9, .b = 3), co_call(divide, .a = 9)));
    for (int i = 0; i < 2; i++)
        printf("gathered: %d (%s)\n", (int)self->out[i].value.i, awl_strerror(self->out[i].error));
    co_finally;
    awl_task_release(self->task);
    co_end;
}

int main(void) { return awl_run(co_call(catching)) ? 1 : 0; }
