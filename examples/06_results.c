/*
 * What tasks return: three that take 1, 2 and 3 seconds take 3 together, and not 6.
 *
 * Shows    co_return; awl_task_error and awl_task_value of tasks that are done; co_let, the result of an await.
 * Build    cc 06_results.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/06_results
 * Prints   Waiting for 1 s                      three of these at once
 *          Task result: done after 1 s          three of these at the end
 *          awaited once more: 3                 a task that is done can be asked again
 *          total time: 3 s
 *
 *     async def work(x):
 *         print(f"Waiting for {x} s")
 *         await asyncio.sleep(x)
 *         return x
 *
 *     async def main():
 *         start = time.monotonic()
 *         tasks = [asyncio.create_task(work(x)) for x in (1, 2, 3)]
 *         await asyncio.wait(tasks)
 *         for task in tasks:
 *             print(f"Task result: done after {task.result()} s")
 *         print(f"awaited once more: {await tasks[2]}")
 *         print(f"total time: {time.monotonic() - start:.0f} s")
 *
 *     asyncio.run(main())
 */
#include <awl.h>
#include <stdio.h>

enum { TASKS = 3 };

co_def(work, { int x; })
{
    co_begin;
    printf("Waiting for %d s\n", self->x);
    co_await(awl_sleep(self->x * AWL_SECOND));
    co_return(self->x); /* an integer, a floating number or a pointer */
    co_end;
}

co_def(results, { awl_task *tasks[TASKS]; awl_time start; int x; })
{
    co_begin;
    self->start = awl_loop_time(NULL);
    for (int i = 0; i < TASKS; i++)
        self->tasks[i] = awl_create_task(co_call(work, .x = i + 1));
    co_await(awl_wait(self->tasks, TASKS, AWL_ALL_COMPLETED, AWL_FOREVER));

    for (int i = 0; i < TASKS; i++) { /* i is not in the frame: no await comes between */
        const int error = awl_task_error(self->tasks[i]);

        if (error)
            printf("Task error: %s\n", awl_strerror(error));
        else
            printf("Task result: done after %d s\n", (int)awl_task_value(self->tasks[i]).i);
    }
    co_let(self->x, self->tasks[TASKS - 1]);
    printf("awaited once more: %d\n", self->x);
    printf("total time: %.0f s\n", (double)(awl_loop_time(NULL) - self->start) / AWL_SECOND);
    co_finally;
    for (int i = 0; i < TASKS; i++)
        awl_task_release(self->tasks[i]);
    co_end;
}

int main(void) { return awl_run(co_call(results)) ? 1 : 0; }
