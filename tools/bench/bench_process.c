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

/* ---- pool: the sum of squares below 10,000,000 + x, for N numbers, three ways ------------------------------------ */

enum { BELOW = 10000000 };

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

typedef struct three_ways {
    awl_executor *executor; /* NULL: no other thread or process */
    int64_t *numbers;
    awl_outcome *out;
    double seconds;
    uint64_t answer; /* of all */
} three_ways;

co_def(one_way, { three_ways *w; size_t n, i; double start; })
{
    co_begin;
    self->start = bench_now();
    if (self->w->executor) {
        co_await(awl_map(self->w->executor, sum_squares, self->w->numbers, self->n, self->w->out, 0, 0));
    } else {
        for (self->i = 0; self->i < self->n; self->i++) {
            awl_reply reply = { .bytes_ = NULL };

            sum_squares(&self->w->numbers[self->i], sizeof *self->w->numbers, &reply);
            self->w->out[self->i].value = reply.result_.value_;
        }
    }
    self->w->seconds = bench_now() - self->start;
    self->w->answer = 0;
    for (self->i = 0; self->i < self->n; self->i++)
        self->w->answer += (uint64_t)self->w->out[self->i].value.i;
    co_end;
}

co_def(pool, { bench *b; three_ways w; size_t n, i; awl_executor *threads, *processes; double sequential; uint64_t answer; })
{
    co_begin;
    self->n = (size_t)self->b->n;
    self->w.numbers = calloc(self->n, sizeof *self->w.numbers);
    self->w.out = calloc(self->n, sizeof *self->w.out);
    self->threads =
        awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) });
    self->processes = awl_process_pool_new(NULL);
    if (!self->w.numbers || !self->w.out || !self->threads || !self->processes)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < self->n; self->i++)
        self->w.numbers[self->i] = BELOW + (int64_t)self->i;

    co_await(co_call(one_way, .w = &self->w, .n = self->n));
    self->sequential = self->w.seconds;
    self->answer = self->w.answer;
    self->w.executor = self->threads;
    co_await(co_call(one_way, .w = &self->w, .n = self->n));
    bench_add(self->b, ", \"sequential_s\": %.3f, \"threads_s\": %.3f, \"threads_speed_up\": %.2f", self->sequential,
              self->w.seconds, self->sequential / self->w.seconds);
    if (self->w.answer != self->answer)
        co_raise(ERANGE);
    self->w.executor = self->processes;
    co_await(co_call(one_way, .w = &self->w, .n = self->n));
    bench_add(self->b, ", \"processes_s\": %.3f, \"processes_speed_up\": %.2f", self->w.seconds,
              self->sequential / self->w.seconds);
    if (self->w.answer != self->answer)
        co_raise(ERANGE);
    self->b->seconds = self->w.seconds;
    co_finally;
    awl_executor_free(self->threads);
    awl_executor_free(self->processes);
    free(self->w.numbers);
    free(self->w.out);
    co_end;
}

static int bench_pool(bench *b) { return awl_run(co_call(pool, .b = b)); }

const bench_entry process_benches[] = {
    { "process_pool", bench_process_pool, 100000, 1, "trivial calls through a pool of processes, of D tasks at once" },
    { "pool", bench_pool, 20, 1, "sum of squares below 10,000,000 + x for N numbers: alone, in threads, in processes" },
    { NULL, NULL, 0, 0, NULL },
};
