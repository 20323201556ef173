/* Calls in processes: what one costs, and what processors give to work that needs them. */
#define _POSIX_C_SOURCE 200809L
#include <awl.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

/* ---- process_pool: trivial calls, of D tasks that each await one after the other -------------------------------- */

static int twice(const void *in, size_t len, awl_reply *reply)
{
    const int64_t *x = in;

    if (len != sizeof *x)
        return EINVAL;
    awl_reply_set(reply, *x * 2);
    return 0;
}

co_def(client, { awl_executor *executor; int64_t n, i, x; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_let(self->x, awl_run_call(self->executor, AWL_CALL(twice, &self->i, sizeof self->i)));
        if (self->x != self->i * 2)
            co_raise(ERANGE);
    }
    co_end;
}

co_def(process_pool, { bench *b; awl_executor *executor; awl_task **clients; int64_t i; double start; })
{
    co_begin;
    self->clients = calloc((size_t)self->b->depth, sizeof *self->clients);
    self->executor = awl_process_pool_new(&(awl_process_pool_options){ .start = AWL_START_WORKERS });
    if (!self->clients || !self->executor)
        co_raise(errno);
    co_await(awl_run_call(self->executor, AWL_CALL(twice, &self->i, sizeof self->i)));
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->depth; self->i++)
        self->clients[self->i] =
            awl_create_task(co_call(client, .executor = self->executor, .n = self->b->n / self->b->depth));
    co_await(awl_gather_n(self->clients, (size_t)self->b->depth, NULL, 0));
    self->b->seconds = bench_now() - self->start;
    self->b->ops = self->b->n / self->b->depth * self->b->depth;
    co_finally;
    for (self->i = 0; self->clients && self->i < self->b->depth; self->i++)
        awl_task_release(self->clients[self->i]);
    free(self->clients);
    awl_executor_free(self->executor);
    co_end;
}

static int bench_process_pool(bench *b)
{
    if (b->depth > b->n)
        b->depth = b->n;
    return awl_run(co_call(process_pool, .b = b));
}

/* ---- pool: the sum of squares below 10,000,000 + x, for N numbers, three ways; the best of D rounds ------------- */

enum { BELOW = 10000000, WAYS = 3 };

/* Modulo 2^64, as the sum itself does not fit. */
static int sum_squares(const void *in, size_t len, awl_reply *reply)
{
    const volatile int64_t *n = in; /* else the compiler may know a formula */
    uint64_t sum = 0;

    if (len != sizeof *n)
        return EINVAL;
    for (int64_t i = 0; i < *n; i++)
        sum += (uint64_t)i * (uint64_t)i;
    awl_reply_set(reply, (int64_t)sum);
    return 0;
}

/* Seconds that all take in one executor; the sum of the answers. */
co_def(one_way, { awl_executor *executor; const int64_t *numbers; awl_outcome *out; size_t n, i; double start, *best;
                  uint64_t answer; })
{
    co_begin;
    self->start = bench_now();
    co_await(awl_map(self->executor, sum_squares, self->numbers, self->n, self->out, 0, 0));
    self->start = bench_now() - self->start;
    if (*self->best <= 0 || self->start < *self->best)
        *self->best = self->start;
    for (self->i = 0; self->i < self->n; self->i++)
        self->answer += (uint64_t)self->out[self->i].value.i;
    co_return((int64_t)self->answer);
    co_end;
}

/* In turn is a pool of one thread. */
co_def(pool, { bench *b; int64_t *numbers, round, answer, first; awl_outcome *out; size_t n, i;
               awl_executor *ways[WAYS]; double best[WAYS]; })
{
    co_begin;
    self->n = (size_t)self->b->n;
    self->numbers = calloc(self->n, sizeof *self->numbers);
    self->out = calloc(self->n, sizeof *self->out);
    self->ways[2] = awl_process_pool_new(&(awl_process_pool_options){ .start = AWL_START_WORKERS });
    self->ways[0] = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = 1 });
    self->ways[1] =
        awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) });
    if (!self->numbers || !self->out || !self->ways[0] || !self->ways[1] || !self->ways[2])
        co_raise(ENOMEM);
    for (self->i = 0; self->i < self->n; self->i++)
        self->numbers[self->i] = BELOW + (int64_t)self->i;
    for (self->round = 0; self->round < self->b->depth; self->round++) {
        for (self->i = 0; self->i < WAYS; self->i++) {
            co_let(self->answer, co_call(one_way, .executor = self->ways[self->i], .numbers = self->numbers,
                                         .out = self->out, .n = self->n, .best = &self->best[self->i]));
            if (self->round == 0 && self->i == 0)
                self->first = self->answer;
            if (self->answer != self->first)
                co_raise(ERANGE);
        }
    }
    self->b->seconds = self->best[2];
    bench_add(self->b, ", \"in_turn_s\": %.3f, \"threads_s\": %.3f, \"processes_s\": %.3f", self->best[0],
              self->best[1], self->best[2]);
    bench_add(self->b, ", \"threads_speed_up\": %.2f, \"processes_speed_up\": %.2f", self->best[0] / self->best[1],
              self->best[0] / self->best[2]);
    bench_add(self->b, ", \"answer\": \"%llu\"", (unsigned long long)self->first);
    co_finally;
    for (self->i = 0; self->i < WAYS; self->i++)
        awl_executor_free(self->ways[self->i]);
    free(self->numbers);
    free(self->out);
    co_end;
}

static int bench_pool(bench *b) { return awl_run(co_call(pool, .b = b)); }

const bench_entry process_benches[] = {
    { "process_pool", bench_process_pool, 100000, 1, "trivial calls through a pool of processes, of D tasks at once" },
    { "pool", bench_pool, 20, 7, "sum of squares below 10,000,000 + x for N numbers, three ways, best of D" },
    { NULL, NULL, 0, 0, NULL },
};
