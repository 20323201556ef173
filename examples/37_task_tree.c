/*
 * What are all the tasks doing? The tree of tasks, of a program that runs and of one that is stuck.
 *
 * Shows    awl_dump_lines: who waits for whom, for what, how long, and at which line; the end of a deadlock.
 *          In any program of yours: AWL_DUMP=1 ./program & kill -USR1 $!
 * Build    cc 37_task_tree.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/37_task_tree
 * Prints   what is in expected/37_task_tree.txt
 *
 *     async def save(first, second):                   # of Python 3.14, whose asyncio does not notice the deadlock:
 *         async with first:                            # Ctrl-C, or `python -m asyncio pstree PID`
 *             await asyncio.sleep(1)
 *             async with second: pass
 *
 *     async def look():
 *         await asyncio.sleep(0.25)
 *         for task in asyncio.all_tasks(): asyncio.print_call_graph(task)
 *
 *     async def main():
 *         a, b = asyncio.Lock(), asyncio.Lock()
 *         async with asyncio.TaskGroup() as group:
 *             group.create_task(look())
 *             group.create_task(save(a, b), name="save 1")
 *             group.create_task(save(b, a), name="save 2")
 *
 *     asyncio.run(main())
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One line of the tree; without the folders of files, so that it is the same wherever this was compiled. */
static void print(void *arg, const char *line)
{
    const char *file = strrchr(line, '/'), *folder = file;

    (void)arg;
    while (folder && folder > line && !strchr(" (", folder[-1]))
        folder--;
    printf("%.*s%s\n", file ? (int)(folder - line) : 0, line, file ? file + 1 : line);
}

/* Takes two locks, one after the other: two that do so in different orders wait for each other. */
co_def(save, { const char *name; awl_lock *first, *second; })
{
    co_begin;
    awl_task_set_name(awl_current_task(), self->name);
    co_await(awl_lock_acquire(self->first));
    co_await(awl_sleep(1 * AWL_SECOND));
    co_await(awl_lock_acquire(self->second));
    awl_lock_release(self->second);
    co_finally;
    if (!co_failing)
        awl_lock_release(self->first);
    co_end;
}

co_def(look, {})
{
    co_begin;
    co_await(awl_sleep(250 * AWL_MS));
    puts("-- after a quarter of a second:");
    awl_dump_lines(NULL, print, NULL);
    co_end;
}

co_def(program, { awl_lock a, b; awl_task_group group; })
{
    co_begin;
    awl_task_group_enter(&self->group);
    awl_task_group_spawn(&self->group, co_call(look));
    awl_task_group_spawn(&self->group, co_call(save, .name = "save 1", .first = &self->a, .second = &self->b));
    awl_task_group_spawn(&self->group, co_call(save, .name = "save 2", .first = &self->b, .second = &self->a));
    co_finally;
    co_await(awl_task_group_exit(&self->group, co_failing));
    co_end;
}

/* Without this, awl itself writes reports and, of a deadlock, the tree to stderr. */
static void report(void *arg, const awl_report *report)
{
    if (report->error != EDEADLK || report->name)
        return;
    puts("-- and then:");
    awl_dump_lines(NULL, print, arg);
}

int main(void)
{
    const awl_loop_options options = { .virtual_time = true, .report = report };

    printf("-- %s\n", awl_run_with(co_call(program), &options, NULL) == EDEADLK ? "a deadlock" : "it went well");
    return 0;
}
