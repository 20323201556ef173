/* Jobs in threads: what it costs to send one there and have its result back. */
#include <awl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench.h"

/* Processor time of all threads: user and system, seconds. */
static double cpu_now(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

/* ---- executor: trivial jobs through 4 threads, D tasks that each await one after the other ---------------------- */

enum { THREADS = 4 };

static int twice(void *arg, awl_result *result)
{
    awl_result_set(result, *(const int64_t *)arg * 2);
    return 0;
}

co_def(client, { awl_executor *executor; int64_t n, i, x; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_let(self->x, awl_run_in_executor(self->executor, twice, &self->i));
        if (self->x != self->i * 2)
            co_raise(ERANGE);
    }
    co_end;
}

co_def(executor, { bench *b; awl_executor *executor; awl_task **clients; int64_t i; double start, cpu; })
{
    co_begin;
    self->clients = calloc((size_t)self->b->depth, sizeof *self->clients);
    self->executor = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = THREADS });
    if (!self->clients || !self->executor)
        co_raise(ENOMEM);
    co_await(awl_run_in_executor(self->executor, twice, &self->i));
    self->start = bench_now();
    self->cpu = cpu_now();
    for (self->i = 0; self->i < self->b->depth; self->i++)
        self->clients[self->i] =
            awl_create_task(co_call(client, .executor = self->executor, .n = self->b->n / self->b->depth));
    co_await(awl_gather_n(self->clients, (size_t)self->b->depth, NULL, 0));
    self->b->seconds = bench_now() - self->start;
    self->cpu = cpu_now() - self->cpu;
    self->b->ops = self->b->n / self->b->depth * self->b->depth;
    bench_add(self->b, ", \"threads\": %d, \"cpu_ns_per_op\": %.3f", THREADS, self->cpu * 1e9 / (double)self->b->ops);
    co_finally;
    for (self->i = 0; self->clients && self->i < self->b->depth; self->i++)
        awl_task_release(self->clients[self->i]);
    free(self->clients);
    awl_executor_free(self->executor);
    co_end;
}

static int bench_executor(bench *b)
{
    if (b->depth > b->n)
        b->depth = b->n;
    return awl_run(co_call(executor, .b = b));
}

const bench_entry exec_benches[] = {
    { "executor", bench_executor, 1000000, 1000, "trivial jobs through 4 threads, for D tasks at once" },
    { NULL, NULL, 0, 0, NULL },
};
