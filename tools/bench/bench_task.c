/* Tasks: calls, yields, creation, and sleeping. */
#include <awl.h>
#include <errno.h>
#include <stdlib.h>

#include "bench.h"

/* ---- call: awaits that never suspend ------------------------------------------------------------------------------ */

co_def(chain, { int64_t depth, x, y; })
{
    co_begin;
    if (self->depth <= 1)
        co_return(self->x + 1);
    co_let(self->y, co_call(chain, .depth = self->depth - 1, .x = self->x + 1));
    co_return(self->y);
    co_end;
}

co_def(call, { bench *b; int64_t i, x; double start; })
{
    co_begin;
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++)
        co_let(self->x, co_call(chain, .depth = self->b->depth, .x = self->x));
    self->b->seconds = bench_now() - self->start;
    if (self->x != self->b->n * self->b->depth)
        co_raise(ERANGE);
    co_end;
}

static int bench_call(bench *b) { return awl_run(co_call(call, .b = b)); }

/* ---- yield: tasks that go to the back of the queue, under `depth` frames -------------------------------------------- */

co_def(yielder, { int64_t n, depth; })
{
    co_begin;
    if (self->depth > 1)
        co_await(co_call(yielder, .n = self->n, .depth = self->depth - 1));
    else
        while (self->n-- > 0)
            co_await(awl_sleep(0));
    co_end;
}

co_def(blocked, { awl_future *never; })
{
    co_begin;
    co_await(self->never);
    co_end;
}

/* `active` tasks yield, `idle` ones wait for a future that comes at the end. */
co_def(yields, { bench *b; int64_t active, idle, i; awl_task **tasks; awl_future end; double start; })
{
    co_begin;
    awl_future_init(&self->end, NULL);
    self->tasks = malloc((size_t)self->active * sizeof *self->tasks);
    if (!self->tasks)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < self->idle; self->i++)
        awl_spawn(co_call(blocked, .never = &self->end));
    co_await(awl_sleep(0));
    for (self->i = 0; self->i < self->active; self->i++)
        self->tasks[self->i] =
            awl_create_task(co_call(yielder, .n = self->b->n / self->active, .depth = self->b->depth));
    self->start = bench_now();
    co_await(awl_gather_n(self->tasks, (size_t)self->active, NULL, 0));
    self->b->seconds = bench_now() - self->start;
    awl_future_set_result(&self->end, 0);
    for (self->i = 0; self->i < self->active; self->i++)
        awl_task_release(self->tasks[self->i]);
    co_await(awl_sleep(0));
    co_finally;
    free(self->tasks);
    self->tasks = NULL;
    co_end;
}

static int bench_yield(bench *b) { return awl_run(co_call(yields, .b = b, .active = 1000)); }
static int bench_yield2(bench *b) { return awl_run(co_call(yields, .b = b, .active = 2)); }
static int bench_blocked(bench *b) { return awl_run(co_call(yields, .b = b, .active = 1, .idle = 999)); }

/* ---- spawn: tasks that return at once -------------------------------------------------------------------------------- */

co_def(nothing, {})
{
    co_begin;
    co_end;
}

co_def(spawn, { bench *b; awl_task **tasks; int64_t i; double start; })
{
    co_begin;
    self->tasks = malloc((size_t)self->b->n * sizeof *self->tasks);
    if (!self->tasks)
        co_raise(ENOMEM);
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++)
        self->tasks[self->i] = awl_create_task(co_call(nothing));
    co_await(awl_gather_n(self->tasks, (size_t)self->b->n, NULL, 0));
    for (self->i = 0; self->i < self->b->n; self->i++)
        awl_task_release(self->tasks[self->i]);
    self->b->seconds = bench_now() - self->start;
    co_finally;
    free(self->tasks);
    self->tasks = NULL;
    co_end;
}

static int bench_spawn(bench *b) { return awl_run(co_call(spawn, .b = b)); }

/* ---- sleepers: what a sleeping task weighs ----------------------------------------------------------------------------- */

co_def(sleeper, {})
{
    co_begin;
    co_await(awl_sleep(3 * AWL_SECOND));
    co_end;
}

co_def(sleepers, { bench *b; int64_t i; long before; double start; })
{
    co_begin;
    self->before = bench_rss_kb();
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++)
        if (awl_spawn(co_call(sleeper)))
            co_raise(ENOMEM);
    co_await(awl_sleep(0)); /* now all of them sleep */
    self->b->seconds = bench_now() - self->start;
    bench_add(self->b, ", \"bytes_per_task\": %.1f",
              (double)(bench_rss_kb() - self->before) * 1024 / (double)self->b->n);
    co_end;
}

static int bench_sleepers(bench *b) { return awl_run(co_call(sleepers, .b = b)); }

/* ---- timers: how late pseudo-random sleeps end ------------------------------------------------------------------------- */

typedef struct lateness {
    int64_t *of;
    int64_t n;
} lateness;

co_def(timed, { lateness *all; awl_time delay, due; })
{
    co_begin;
    self->due = awl_loop_time(NULL) + self->delay;
    co_await(awl_sleep(self->delay));
    self->all->of[self->all->n++] = awl_loop_time(NULL) - self->due;
    co_end;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

co_def(timers, { bench *b; lateness all; int64_t i; uint64_t random; })
{
    co_begin;
    self->all.of = calloc((size_t)self->b->n, sizeof *self->all.of);
    if (!self->all.of)
        co_raise(ENOMEM);
    self->random = 1;
    for (self->i = 0; self->i < self->b->n; self->i++) {
        self->random = self->random * 6364136223846793005u + 1442695040888963407u;
        if (awl_spawn(co_call(timed, .all = &self->all, .delay = (awl_time)(self->random >> 33) % AWL_SECOND)))
            co_raise(ENOMEM);
    }
    self->b->seconds = bench_now();
    while (self->all.n < self->b->n)
        co_await(awl_sleep(50 * AWL_MS));
    self->b->seconds = bench_now() - self->b->seconds;
    qsort(self->all.of, (size_t)self->all.n, sizeof *self->all.of, compare);
    bench_add(self->b, ", \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"earliest_us\": %.1f",
              (double)self->all.of[self->all.n / 2] / 1e3, (double)self->all.of[self->all.n * 99 / 100] / 1e3,
              (double)self->all.of[self->all.n - 1] / 1e3, (double)self->all.of[0] / 1e3);
    co_finally;
    free(self->all.of);
    self->all.of = NULL;
    co_end;
}

static int bench_timers(bench *b) { return awl_run(co_call(timers, .b = b)); }

/* ---- startup: a loop, one task, and all taken down again -------------------------------------------------------------------- */

static int bench_startup(bench *b)
{
    const double start = bench_now();

    for (int64_t i = 0; i < b->n; i++) {
        const int error = awl_run(co_call(nothing));
        if (error)
            return error;
    }
    b->seconds = bench_now() - start;
    return 0;
}

const bench_entry task_benches[] = {
    { "call", bench_call, 50000000, 4, "a chain of --depth awaits that never suspends" },
    { "yield", bench_yield, 100000000, 1, "1,000 tasks that each sleep(0): a switch; under --depth frames" },
    { "yield2", bench_yield2, 100000000, 1, "the same with two tasks" },
    { "blocked", bench_blocked, 50000000, 1, "one task that yields among 999 that wait" },
    { "spawn", bench_spawn, 1000000, 0, "create and gather --n tasks that return at once" },
    { "sleepers", bench_sleepers, 1000000, 0, "--n sleeping tasks: bytes of each" },
    { "timers", bench_timers, 100000, 0, "--n tasks with random sleeps up to 1 s: how late they wake" },
    { "startup", bench_startup, 1000, 0, "awl_run of a task that returns at once" },
    { NULL, NULL, 0, 0, NULL },
};
