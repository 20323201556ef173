/* test_memory.c: a loop that lives in memory of the user's: no malloc, ENOMEM when it is full, all given back. */
#include "rig.h"

#include <unistd.h>

#include <event2/event.h>

#include "awl.h"

static _Alignas(16) char memory[65536];

/* What libevent allocates is counted as well. */
static awl_loop *try_fixed(size_t size)
{
    event_set_mem_functions(harness_malloc, harness_realloc, harness_free);
    return awl_loop_open(&(awl_loop_options){ .memory = memory, .memory_size = size, .virtual_time = true });
}

static awl_loop *open_fixed(size_t size)
{
    awl_loop *loop = try_fixed(size);

    CHECK(loop != NULL);
    return loop;
}

static awl_loop_stats stats_of(awl_loop *loop)
{
    awl_loop_stats stats;

    awl_loop_get_stats(loop, &stats);
    return stats;
}

TEST(it_holds_what_it_was_given_and_no_more)
{
    awl_loop *loop = open_fixed(16384);
    const awl_loop_stats stats = stats_of(loop);

    CHECK(stats.memory_held <= 16384);
    CHECK(stats.memory_held > 8192);
    CHECK(stats.memory_used < 1024);
    awl_loop_close(loop);
}

TEST(memory_behind_its_end_is_not_touched)
{
    const size_t size = 8192;
    awl_loop *loop;

    memset(memory + size, 0x5a, 4096);
    loop = open_fixed(size);
    while (awl_call_soon(loop, NULL, say_it, "") == 0)
        ;
    run_dry(loop);
    awl_loop_close(loop);
    for (size_t i = 0; i < 4096; i++)
        CHECK_INT(memory[size + i], 0x5a);
}

TEST(callbacks_until_it_is_full_and_again)
{
    awl_loop *loop = open_fixed(16384);
    const size_t before = memory_used(loop);
    size_t made = 0, again = 0;

    while (awl_call_soon(loop, NULL, say_it, ".") == 0)
        made++;
    CHECK(made > 50);
    run_dry(loop);
    CHECK_INT(strlen(trace), 2 * made - 1);
    CHECK_INT(memory_used(loop), before);
    while (awl_call_later(loop, NULL, AWL_SECOND, say_it, "") == 0)
        again++;
    CHECK_INT(again, made);
    awl_loop_close(loop);
}

/* ---- Tasks: no allocation ---------------------------------------------------------------------------------------------- */

co_def(leaf, { int n; })
{
    co_begin;
    co_await(awl_sleep(self->n * AWL_MS));
    co_return(self->n);
    co_end;
}

co_def(deep, { int depth; int below; })
{
    co_begin;
    if (self->depth == 0)
        co_await(awl_sleep(AWL_MS));
    else
        co_let(self->below, co_call(deep, .depth = self->depth - 1));
    co_return(self->below + 1);
    co_end;
}

/* A bit of everything; ends with ENOMEM where memory is too small for it. */
co_def(work, { awl_task *task; awl_future *future; int rc; awl_outcome outcomes[3]; })
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    co_await(co_call(deep, .depth = 10));
    co_await(awl_gather_into(self->outcomes, co_call(leaf, .n = 1), co_call(leaf, .n = 2), co_call(leaf, .n = 3)));
    CHECK_INT(self->outcomes[2].value.i, 3);
    self->task = awl_create_task(co_call(leaf, .n = 5));
    if (!self->task || awl_task_set_name(self->task, "five"))
        co_raise(ENOMEM);
    co_let(self->rc, awl_wait(&self->task, 1, AWL_ALL_COMPLETED, AWL_MS));
    co_try(self->rc, awl_wait_for(self->task, AWL_MS));
    if (self->rc != ETIMEDOUT)
        co_raise(self->rc);
    if (awl_spawn(co_call(leaf, .n = 1)))
        co_raise(ENOMEM);
    self->future = awl_future_new(NULL);
    if (!self->future)
        co_raise(ENOMEM);
    awl_future_set_result(self->future, 1);
    co_await(self->future);
    co_finally;
    awl_task_release(self->task);
    awl_future_release(self->future);
    co_await(awl_sleep(10 * AWL_MS));
    co_end;
}

static size_t allocations[2];

co_def(cycles, { int i; size_t used; })
{
    co_begin;
    self->used = memory_used(awl_running_loop());
    allocations[0] = harness_alloc_count();
    for (self->i = 0; self->i < 100; self->i++) {
        co_await(co_call(work));
        if (self->i)
            CHECK_INT(memory_used(awl_running_loop()), self->used);
        self->used = memory_used(awl_running_loop());
    }
    allocations[1] = harness_alloc_count();
    co_end;
}

TEST(nothing_is_allocated_after_the_start)
{
    awl_loop *loop = open_fixed(32768);
    const size_t before = memory_used(loop);

    CHECK_INT(awl_run_until_complete(loop, co_call(cycles), NULL), 0);
    CHECK_INT(allocations[1], allocations[0]);
    CHECK_INT(memory_used(loop), before);
    CHECK_INT(stats_of(loop).tasks + stats_of(loop).tasks_held, 0);
    awl_loop_close(loop);
}

/* ---- Tasks: exhausted ----------------------------------------------------------------------------------------------------- */

co_def(exhaust, { awl_task *tasks[512]; int n, round, first; size_t used; })
{
    co_begin;
    self->used = memory_used(awl_running_loop());
    for (self->round = 0; self->round < 3; self->round++) {
        for (self->n = 0; self->n < 512; self->n++) {
            self->tasks[self->n] = awl_create_task(co_call(leaf, .n = self->n % 7));
            if (!self->tasks[self->n])
                break;
        }
        CHECK(self->n > 20 && self->n < 512);
        CHECK_INT(self->first ? self->n : 0, self->first);
        self->first = self->n;
        co_await(awl_sleep(10 * AWL_MS));
        while (self->n-- > 0) {
            CHECK_INT(awl_task_value(self->tasks[self->n]).i, self->n % 7);
            awl_task_release(self->tasks[self->n]);
        }
        CHECK_INT(memory_used(awl_running_loop()), self->used);
    }
    co_end;
}

TEST(tasks_until_it_is_full_and_again)
{
    awl_loop *loop = open_fixed(16384);

    CHECK_INT(awl_run_until_complete(loop, co_call(exhaust), NULL), 0);
    awl_loop_close(loop);
}

co_def(abyss, { int depth; })
{
    co_begin;
    co_await(co_call(abyss, .depth = self->depth + 1));
    co_end;
}

TEST(recursion_without_end_is_ENOMEM)
{
    awl_loop *loop = open_fixed(32768);
    const size_t before = memory_used(loop);

    CHECK_INT(awl_run_until_complete(loop, co_call(abyss), NULL), ENOMEM);
    CHECK_INT(memory_used(loop), before);
    CHECK_INT(awl_run_until_complete(loop, co_call(abyss), NULL), ENOMEM);
    CHECK_INT(awl_run_until_complete(loop, co_call(work), NULL), 0);
    awl_loop_close(loop);
}

co_def(everything_once, { int rc; })
{
    co_begin;
    co_try(self->rc, co_call(work));
    co_return(self->rc);
    co_end;
}

TEST(memory_of_any_size_is_enough_or_ENOMEM)
{
    for (size_t size = 3072; size < 20000; size += 104) {
        awl_loop *loop = try_fixed(size & ~(size_t)7);
        size_t before;
        awl_value rc = { .i = 0 };
        int error;

        if (!loop)
            continue;
        before = memory_used(loop);
        error = awl_run_until_complete(loop, co_call(everything_once), &rc);
        CHECK(error == 0 || error == ENOMEM);
        CHECK(rc.i == 0 || rc.i == ENOMEM);
        CHECK_INT(memory_used(loop), before);
        awl_loop_close(loop);
    }
}

co_def(says_what_is_used, { awl_loop *loop; })
{
    co_begin;
    co_return((int64_t)memory_used(self->loop));
    co_end;
}

TEST(the_most_that_was_used_counts_memory_used_again)
{
    awl_loop *loop = open_fixed(32768);
    awl_value used = { .i = 0 };
    awl_loop_stats stats;

    CHECK_INT(awl_run_until_complete(loop, co_call(says_what_is_used, .loop = loop), &used), 0);
    for (int i = 0; i < 20; i++)
        CHECK_INT(awl_call_later(loop, NULL, AWL_FOREVER, stop, loop), 0);
    CHECK_INT(awl_run_until_complete(loop, co_call(says_what_is_used, .loop = loop), &used), 0);
    awl_loop_get_stats(loop, &stats);
    CHECK(stats.memory_high >= (size_t)used.i);
    awl_loop_close(loop);
}

TEST(readers_are_in_the_memory_that_was_lent)
{
    awl_loop *loop = open_fixed(32768);
    const size_t before = memory_used(loop);
    int fds[2];

    CHECK_INT(pipe(fds), 0);
    CHECK_INT(awl_add_reader(loop, fds[0], stop, loop), 0);
    CHECK(memory_used(loop) - before > sizeof(awl_handle) + 64); /* with libevent's event */
    CHECK(awl_remove_reader(loop, fds[0]));
    CHECK_INT(memory_used(loop), before);
    close(fds[0]);
    close(fds[1]);
    awl_loop_close(loop);
}
