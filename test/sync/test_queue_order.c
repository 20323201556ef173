/* test_queue_order.c: which item is next, and where the items are. */
#include "rig.h"

static int next(awl_queue *q)
{
    awl_value item = { .i = -1 };

    CHECK_INT(awl_queue_get_nowait(q, &item), 0);
    return (int)item.i;
}

static void put(awl_queue *q, int x) { CHECK_INT(awl_queue_put_nowait(q, x), 0); }

TASK_TEST(a_fifo_queue_grows_and_keeps_its_order, { awl_queue q; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    for (int i = 0; i < 6; i++)
        put(&self->q, i);
    for (int i = 0; i < 4; i++)
        CHECK_INT(next(&self->q), i);
    for (int i = 6; i < 100; i++)
        put(&self->q, i);
    for (int i = 4; i < 100; i++)
        CHECK_INT(next(&self->q), i);
    co_finally;
    awl_queue_fini(&self->q);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TASK_TEST(a_lifo_queue_gives_the_last_one, { awl_queue q; })
{
    co_begin;
    awl_lifo_queue_init(&self->q, 3);
    put(&self->q, 1);
    put(&self->q, 2);
    CHECK_INT(next(&self->q), 2);
    put(&self->q, 3);
    put(&self->q, 4);
    CHECK_INT(awl_queue_put_nowait(&self->q, 5), AWL_EQUEUEFULL);
    CHECK_INT(next(&self->q), 4);
    CHECK_INT(next(&self->q), 3);
    CHECK_INT(next(&self->q), 1);
    co_finally;
    awl_queue_fini(&self->q);
    co_end;
}

TASK_TEST(a_priority_queue_gives_the_least, { awl_queue q; unsigned random; int last; awl_value item; })
{
    co_begin;
    awl_priority_queue_init(&self->q, 0, NULL);
    self->random = 1;
    for (int i = 0; i < 200; i++) {
        self->random = self->random * 1103515245u + 12345u;
        put(&self->q, (int)(self->random >> 16) % 100 - 50);
    }
    self->last = -100;
    for (int i = 0; i < 200; i++) {
        const int x = next(&self->q);
        CHECK(x >= self->last);
        self->last = x;
    }
    CHECK_INT(awl_queue_put_nowait(&self->q, 2.5), 0);
    CHECK_INT(awl_queue_put_nowait(&self->q, -0.5), 0);
    CHECK_INT(awl_queue_put_nowait(&self->q, 1), EINVAL);
    CHECK_INT(awl_queue_put_nowait(&self->q, "x"), EINVAL);
    CHECK_INT(awl_queue_get_nowait(&self->q, &self->item), 0);
    CHECK(self->item.d == -0.5);
    co_finally;
    awl_queue_fini(&self->q);
    co_end;
}

typedef struct job {
    int priority;
    const char *name;
} job;

static bool sooner(awl_value a, awl_value b) { return ((const job *)a.p)->priority < ((const job *)b.p)->priority; }

/* As Python's heapq has them: [(1, a), (1, b), (1, c), (0, d), (1, e)], compared by the number alone. */
TASK_TEST(equals_come_in_the_order_of_heapq, { awl_queue q; awl_value item; })
{
    static const job jobs[] = { { 1, "a" }, { 1, "b" }, { 1, "c" }, { 0, "d" }, { 1, "e" } };

    co_begin;
    awl_priority_queue_init(&self->q, 0, sooner);
    for (int i = 0; i < 5; i++)
        CHECK_INT(awl_queue_put_nowait(&self->q, &jobs[i]), 0);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(awl_queue_get_nowait(&self->q, &self->item), 0);
        say("%s", ((const job *)self->item.p)->name);
    }
    CHECK_TRACE("d c e a b");
    co_finally;
    awl_queue_fini(&self->q);
    co_end;
}

static awl_queue given = AWL_QUEUE_INIT(0);
static awl_queue last_in = AWL_LIFO_QUEUE_INIT(2);
static awl_queue least = AWL_PRIORITY_QUEUE_INIT(2, NULL);

TASK_TEST(items_in_a_buffer_of_yours, { awl_value buffer[3]; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_high;
    CHECK_INT(awl_queue_set_buffer(&given, self->buffer, 3), 0);
    CHECK_INT(awl_queue_maxsize(&given), 3);
    for (int i = 0; i < 20; i++) {
        put(&given, i);
        put(&given, i + 100);
        CHECK_INT(next(&given), i);
        CHECK_INT(next(&given), i + 100);
    }
    put(&given, 1);
    CHECK_INT(awl_queue_set_buffer(&given, self->buffer, 3), EBUSY);
    CHECK_INT(next(&given), 1);
    CHECK_INT(awl_queue_set_buffer(&given, NULL, 3), EINVAL);
    CHECK_INT(awl_queue_set_buffer(&given, self->buffer, 0), EINVAL);
    CHECK_INT(awl_queue_set_buffer(NULL, self->buffer, 1), EINVAL);
    CHECK_INT(awl_queue_set_buffer(&last_in, self->buffer, 3), 0);
    CHECK_INT(awl_queue_maxsize(&last_in), 2);
    CHECK_INT(awl_queue_set_buffer(&least, self->buffer, 1), 0);
    CHECK_INT(awl_queue_maxsize(&least), 1);
    CHECK_INT(stats_of(NULL).memory_high, self->used);
    co_finally;
    awl_queue_fini(&given);
    co_end;
}

/* What was in the loop's memory is forgotten, and where in it the next item would have been. */
TASK_TEST(after_fini_or_with_a_buffer_a_queue_begins_anew, { awl_queue q; awl_value buffer[2]; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++)
            put(&self->q, i);
        for (int i = 0; i < 3; i++)
            CHECK_INT(next(&self->q), i);
        awl_queue_fini(&self->q);
        CHECK_INT(stats_of(NULL).memory_used, self->used);
        CHECK(awl_queue_empty(&self->q));
        awl_queue_fini(&self->q);
    }
    for (int i = 0; i < 5; i++)
        put(&self->q, i);
    for (int i = 0; i < 5; i++)
        CHECK_INT(next(&self->q), i);
    CHECK_INT(awl_queue_set_buffer(&self->q, self->buffer, 2), 0);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    put(&self->q, 7);
    put(&self->q, 8);
    CHECK_INT(self->buffer[0].i, 7);
    CHECK_INT(awl_queue_put_nowait(&self->q, 9), AWL_EQUEUEFULL);
    CHECK_INT(next(&self->q), 7);
    CHECK_INT(next(&self->q), 8);
    co_finally;
    awl_queue_fini(&self->q);
    co_end;
}

TEST(without_a_loop_there_is_no_memory_for_items)
{
    awl_queue q = AWL_QUEUE_INIT(0);
    awl_value buffer[1];

    CHECK_INT(awl_queue_put_nowait(&q, 1), EINVAL);
    CHECK_INT(awl_queue_set_buffer(&q, buffer, 1), 0);
    put(&q, 1);
    CHECK_INT(next(&q), 1);
    awl_queue_fini(&q);
}

TASK_TEST(without_its_buffer_a_queue_is_in_the_loops_memory, { size_t before; int rc; })
{
    static awl_queue once;
    static awl_value buffer[1];

    co_begin;
    awl_queue_init(&once, 0);
    CHECK_INT(awl_queue_set_buffer(&once, buffer, 1), 0);
    awl_queue_fini(&once);
    self->before = stats_of(NULL).memory_used;
    self->rc = awl_queue_put_nowait(&once, 1);
    awl_queue_fini(&once);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(stats_of(NULL).memory_used, self->before);
    co_end;
}
