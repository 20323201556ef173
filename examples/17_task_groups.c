/*
 * Tasks that end together: nothing that a block has started goes on behind it.
 *
 * Shows    awl_task_group_enter, _create_task, _exit and _errors: if one task fails, the others are cancelled.
 * Build    cc 17_task_groups.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/17_task_groups
 * Prints   what is in expected/17_task_groups.txt
 *
 *     async def load(name, tenths, fails=False):       async def all_three(broken):
 *         try:                                             async with asyncio.TaskGroup() as g:
 *             await asyncio.sleep(tenths / 10)                 a = g.create_task(load("a", 1))
 *             if fails: raise OSError                          g.create_task(load("b", 2, broken))
 *             print(f"{name}: loaded")                         g.create_task(load("c", 3))
 *             return tenths                                    await a
 *         except asyncio.CancelledError:                       print("a was worth", a.result())
 *             print(f"{name}: given up"); raise
 *
 *     async def main():
 *         await all_three(False); print("all there")
 *         try: await all_three(True)
 *         except* OSError as group: print("failed:", len(group.exceptions))
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>

co_def(load, { const char *name; int tenths; bool fails; })
{
    co_begin;
    co_await(awl_sleep(self->tenths * 100 * AWL_MS));
    if (self->fails)
        co_raise(ENOENT);
    printf("%s: loaded\n", self->name);
    co_return(self->tenths);
    co_finally;
    if (co_failing == ECANCELED)
        printf("%s: given up\n", self->name);
    co_end;
}

co_def(all_three, { bool broken; awl_task_group g; awl_task *a; int rc, value; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    self->a = awl_task_group_create_task(&self->g, co_call(load, .name = "a", .tenths = 1)); /* borrowed */
    if (!self->a || !awl_task_group_create_task(&self->g, co_call(load, .name = "b", .tenths = 2, .fails = self->broken)) ||
        !awl_task_group_create_task(&self->g, co_call(load, .name = "c", .tenths = 3)))
        co_raise(ENOMEM);
    co_let(self->value, self->a);
    printf("a was worth %d\n", self->value);
    co_finally;
    co_try_cancel(self->rc, awl_task_group_exit(&self->g, co_failing)); /* waits for all of them */
    for (const awl_group_error *e = awl_task_group_errors(&self->g, NULL); e; e = e->next)
        printf("%s failed: %s\n", e->name ? e->name : "the body", awl_strerror(e->error));
    awl_task_group_fini(&self->g);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

co_def(lesson, { int rc; })
{
    co_begin;
    co_await(co_call(all_three));
    puts("all there");
    co_try(self->rc, co_call(all_three, .broken = true));
    printf("the block: %s\n", awl_strerror(self->rc));
    co_end;
}

int main(void) { return awl_run(co_call(lesson)) ? 1 : 0; }
