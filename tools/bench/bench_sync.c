/* What tasks wait for: messages between two tasks, and operations that need not wait. */
#include <awl.h>
#include <errno.h>

#include "bench.h"

/* ---- pingpong: one task puts messages into a queue of 1, another gets them --------------------------------------- */

co_def(sender, { awl_queue *queue; int64_t n, i; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++)
        co_await(awl_queue_put(self->queue, self->i));
    co_end;
}

co_def(receiver, { awl_queue *queue; int64_t n, i, x; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_let(self->x, awl_queue_get(self->queue));
        if (self->x != self->i)
            co_raise(ERANGE);
    }
    co_end;
}

co_def(pingpong, { bench *b; awl_queue queue; awl_value buffer[1]; awl_task *from, *to; double start; })
{
    co_begin;
    awl_queue_init(&self->queue, 1);
    awl_queue_set_buffer(&self->queue, self->buffer, 1);
    self->from = awl_create_task(co_call(sender, .queue = &self->queue, .n = self->b->n));
    self->to = awl_create_task(co_call(receiver, .queue = &self->queue, .n = self->b->n));
    self->start = bench_now();
    co_await(awl_gather(self->from, self->to));
    self->b->seconds = bench_now() - self->start;
    co_finally;
    awl_task_release(self->from);
    awl_task_release(self->to);
    co_end;
}

static int bench_pingpong(bench *b) { return awl_run(co_call(pingpong, .b = b)); }

/* ---- futures: the same through a pair of futures, to and fro ----------------------------------------------------- */

typedef struct table {
    awl_future ball[2];
} table;

co_def(player, { table *t; int64_t n, x; int side; })
{
    co_begin;
    while (self->n-- > 0) {
        co_let(self->x, &self->t->ball[self->side]);
        awl_future_init(&self->t->ball[self->side], NULL);
        awl_future_set_result(&self->t->ball[!self->side], self->x + 1);
    }
    co_end;
}

co_def(futures, { bench *b; table t; awl_task *a, *c; double start; })
{
    co_begin;
    awl_future_init(&self->t.ball[0], NULL);
    awl_future_init(&self->t.ball[1], NULL);
    self->a = awl_create_task(co_call(player, .t = &self->t, .n = self->b->n / 2, .side = 0));
    self->c = awl_create_task(co_call(player, .t = &self->t, .n = self->b->n / 2, .side = 1));
    awl_future_set_result(&self->t.ball[0], 0);
    self->start = bench_now();
    co_await(awl_gather(self->a, self->c));
    self->b->seconds = bench_now() - self->start;
    co_finally;
    awl_task_release(self->a);
    awl_task_release(self->c);
    co_end;
}

static int bench_futures(bench *b) { return awl_run(co_call(futures, .b = b)); }

/* ---- Operations that need not wait ------------------------------------------------------------------------------- */

co_def(locks, { bench *b; awl_lock lock; int64_t i; double start; })
{
    co_begin;
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++) {
        co_await(awl_lock_acquire(&self->lock));
        awl_lock_release(&self->lock);
    }
    self->b->seconds = bench_now() - self->start;
    co_end;
}

co_def(semaphores, { bench *b; awl_semaphore semaphore; int64_t i; double start; })
{
    co_begin;
    awl_semaphore_init(&self->semaphore, 1);
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++) {
        co_await(awl_semaphore_acquire(&self->semaphore));
        awl_semaphore_release(&self->semaphore);
    }
    self->b->seconds = bench_now() - self->start;
    co_end;
}

co_def(events, { bench *b; awl_event event; int64_t i; double start; })
{
    co_begin;
    awl_event_set(&self->event);
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++)
        co_await(awl_event_wait(&self->event));
    self->b->seconds = bench_now() - self->start;
    co_end;
}

co_def(queues, { bench *b; awl_queue queue; int64_t i, x; double start; })
{
    co_begin;
    self->start = bench_now();
    for (self->i = 0; self->i < self->b->n; self->i++) {
        co_await(awl_queue_put(&self->queue, self->i));
        co_let(self->x, awl_queue_get(&self->queue));
    }
    self->b->seconds = bench_now() - self->start;
    co_finally;
    awl_queue_fini(&self->queue);
    co_end;
}

static int bench_lock(bench *b) { return awl_run(co_call(locks, .b = b)); }
static int bench_semaphore(bench *b) { return awl_run(co_call(semaphores, .b = b)); }
static int bench_event(bench *b) { return awl_run(co_call(events, .b = b)); }
static int bench_queue(bench *b) { return awl_run(co_call(queues, .b = b)); }

const bench_entry sync_benches[] = {
    { "pingpong", bench_pingpong, 20000000, 0, "a message between two tasks, through a queue of 1" },
    { "futures", bench_futures, 20000000, 0, "a message between two tasks, through a pair of futures" },
    { "lock", bench_lock, 50000000, 0, "acquire and release of a lock that is free" },
    { "semaphore", bench_semaphore, 50000000, 0, "the same of a semaphore" },
    { "event", bench_event, 100000000, 0, "a wait for an event that is set" },
    { "queue", bench_queue, 50000000, 0, "a put and a get of a queue that has room" },
    { NULL, NULL, 0, 0, NULL },
};
