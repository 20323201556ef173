/*
 * gevent's way: spawn, join, and joinall.
 *
 * Shows    awl_spawn, a task that nobody holds; co_await of a task, which is join; awl_gather_n of an array, which is
 *          joinall; tasks that end in the order of their sleeps.
 * Build    cc 08_spawn_join.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/08_spawn_join
 * Prints   what is in expected/08_spawn_join.txt: 0 to 4 in their order, then 5 to 9 in the order of their sleeps
 *
 *     def task(pid, tenths):
 *         gevent.sleep(tenths / 10)
 *         print(f"Task {pid} done after {tenths / 10:.1f} s")
 *
 *     gevent.spawn(task, 100, 1)                                         # nobody waits for it
 *     for i in range(5):
 *         gevent.spawn(task, i, random()).join()
 *     gevent.joinall([gevent.spawn(task, i, random()) for i in range(5, 10)])
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>

enum { TASKS = 5 };

/* Pseudo-random tenths of a second from 0 to 4, the same in every run. */
static int draw(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return (int)(*seed >> 16) % 5;
}

co_def(sleeper, { int pid, tenths; })
{
    co_begin;
    co_await(awl_sleep(self->tenths * 100 * AWL_MS));
    printf("Task %d done after 0.%d s\n", self->pid, self->tenths);
    co_end;
}

co_def(spawning, { awl_task *tasks[TASKS]; int i; unsigned seed; })
{
    co_begin;
    self->seed = 1;
    if (awl_spawn(co_call(sleeper, .pid = 100, .tenths = 1))) /* an error of it would be reported on stderr */
        co_raise(ENOMEM);

    puts("one after the other:");
    for (self->i = 0; self->i < TASKS; self->i++) { /* i outlives an await, so it is in the frame */
        self->tasks[0] = awl_create_task(co_call(sleeper, .pid = self->i, .tenths = draw(&self->seed)));
        co_await(self->tasks[0]);
        awl_task_release(self->tasks[0]);
        self->tasks[0] = NULL; /* or co_finally would release it again */
    }

    puts("all at once:");
    for (int i = 0; i < TASKS; i++)
        self->tasks[i] = awl_create_task(co_call(sleeper, .pid = TASKS + i, .tenths = draw(&self->seed)));
    co_await(awl_gather_n(self->tasks, TASKS, NULL, 0));
    co_finally;
    for (int i = 0; i < TASKS; i++)
        awl_task_release(self->tasks[i]);
    co_end;
}

int main(void) { return awl_run(co_call(spawning)) ? 1 : 0; }
