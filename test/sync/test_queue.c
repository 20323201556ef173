/* test_queue.c: putting and getting, and what a cancellation leaves behind. */
#include "rig.h"

SAYING(gets, awl_queue, awl_queue_get);

co_def(puts_one, { awl_queue *of; const char *name; int x, rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_queue_put(self->of, self->x));
    if (self->rc == ENOMEM)
        co_raise(ENOMEM);
    say("%s:%d@%d", self->name, usual(self->rc), iteration() - base);
    co_end;
}

/* A queue in static memory: what fails early leaves tasks that refer to it. */
static awl_queue queue;
static awl_value buffer[2];

static void fresh(size_t maxsize)
{
    awl_queue_init(&queue, maxsize);
    awl_queue_set_buffer(&queue, buffer, 2);
}

TASK_TEST(what_has_room_or_items_does_not_suspend, { int x, before; double d; const char *p; })
{
    co_begin;
    fresh(0);
    self->before = iteration();
    co_await(awl_queue_put(&queue, 1));
    co_await(awl_queue_put(&queue, 2));
    CHECK(awl_queue_full(&queue) && !awl_queue_empty(&queue));
    CHECK_INT(awl_queue_size(&queue), 2);
    co_let(self->x, awl_queue_get(&queue));
    CHECK_INT(self->x, 1);
    co_let(self->x, awl_queue_get(&queue));
    CHECK_INT(self->x, 2);
    co_await(awl_queue_put(&queue, 2.5));
    co_let(self->d, awl_queue_get(&queue));
    CHECK(self->d == 2.5);
    co_await(awl_queue_put(&queue, "text"));
    co_let(self->p, awl_queue_get(&queue));
    CHECK_STR(self->p, "text");
    CHECK_INT(iteration(), self->before);
    CHECK_INT(stats_of(NULL).stack_high, 0);
    awl_queue_fini(&queue);
    co_end;
}

TASK_TEST(nowait_says_full_and_empty, { awl_value item; })
{
    co_begin;
    fresh(1);
    CHECK_INT(awl_queue_maxsize(&queue), 1);
    CHECK_INT(awl_queue_get_nowait(&queue, &self->item), AWL_EQUEUEEMPTY);
    CHECK_INT(awl_queue_put_nowait(&queue, 7), 0);
    CHECK_INT(awl_queue_put_nowait(&queue, 8), AWL_EQUEUEFULL);
    CHECK_INT(awl_queue_get_nowait(&queue, &self->item), 0);
    CHECK_INT(self->item.i, 7);
    CHECK_INT(awl_queue_put_nowait(&queue, 9), 0);
    CHECK_INT(awl_queue_get_nowait(&queue, NULL), 0);
    co_end;
}

TASK_TEST(getters_are_served_in_their_order, { awl_task *a, *b; })
{
    co_begin;
    fresh(0);
    self->a = awl_create_task(co_call(gets, .of = &queue, .name = "a"));
    self->b = awl_create_task(co_call(gets, .of = &queue, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_queue_put_nowait(&queue, 1);
    awl_queue_put_nowait(&queue, 2);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:0/1@1 b:0/2@1");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_getter_that_is_overtaken_waits_behind_the_others, { awl_task *a, *b; awl_value item; })
{
    co_begin;
    fresh(0);
    self->a = awl_create_task(co_call(gets, .of = &queue, .name = "a"));
    self->b = awl_create_task(co_call(gets, .of = &queue, .name = "b"));
    co_await(awl_sleep(0));
    awl_queue_put_nowait(&queue, 1);
    CHECK_INT(awl_queue_get_nowait(&queue, &self->item), 0);
    co_await(awl_sleep(0));
    begin_count();
    awl_queue_put_nowait(&queue, 2);
    awl_queue_put_nowait(&queue, 3);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("b:0/2@1 a:0/3@1");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_getter_woken_and_then_cancelled_loses_no_item, { awl_task *a, *b; })
{
    co_begin;
    fresh(0);
    self->a = awl_create_task(co_call(gets, .of = &queue, .name = "a"));
    self->b = awl_create_task(co_call(gets, .of = &queue, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_queue_put_nowait(&queue, 1);
    awl_task_cancel(self->a);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:125/0@1 b:0/1@2");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_putter_waits_for_room_and_cancelled_puts_nothing, { awl_task *a, *b, *c; int x; })
{
    co_begin;
    fresh(1);
    awl_queue_put_nowait(&queue, 0);
    self->a = awl_create_task(co_call(puts_one, .of = &queue, .name = "a", .x = 1));
    self->b = awl_create_task(co_call(puts_one, .of = &queue, .name = "b", .x = 2));
    self->c = awl_create_task(co_call(puts_one, .of = &queue, .name = "c", .x = 3));
    co_await(awl_sleep(0));
    begin_count();
    awl_task_cancel(self->b);
    co_let(self->x, awl_queue_get(&queue));
    CHECK_INT(self->x, 0);
    awl_task_cancel(self->a); /* it was woken */
    co_await(awl_gather(self->a, self->b, self->c));
    CHECK_TRACE("b:125@1 a:125@1 c:0@2");
    co_let(self->x, awl_queue_get(&queue));
    CHECK_INT(self->x, 3);
    CHECK(awl_queue_empty(&queue));
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->c);
    co_end;
}

TASK_TEST(put_and_get_may_be_tasks_of_their_own, { awl_task *p, *g; })
{
    co_begin;
    fresh(1);
    awl_queue_put_nowait(&queue, 1);
    self->p = awl_create_task(awl_queue_put(&queue, 2));
    self->g = awl_create_task(awl_queue_get(&queue));
    if (!self->p || !self->g)
        co_raise(ENOMEM);
    CHECK_STR(awl_task_name(self->p), "awl_queue_put");
    CHECK_STR(awl_task_name(self->g), "awl_queue_get");
    co_await(awl_gather(self->p, self->g, awl_queue_get(&queue)));
    CHECK_INT(awl_task_value(self->g).i, 1);
    CHECK(awl_queue_empty(&queue));
    awl_task_release(self->p);
    awl_task_release(self->g);
    co_end;
}

TASK_TEST(time_limits_take_and_put_nothing, { int rc; awl_coro object; })
{
    co_begin;
    fresh(1);
    co_try(self->rc, awl_wait_for(awl_queue_get(&queue), AWL_SECOND));
    CHECK(self->rc == ETIMEDOUT || self->rc == ENOMEM);
    co_try(self->rc, awl_wait_for(awl_queue_put(&queue, 1), 0));
    CHECK(self->rc == ETIMEDOUT || self->rc == ENOMEM);
    CHECK(awl_queue_empty(&queue));
    awl_queue_put_nowait(&queue, 1);
    co_try(self->rc, awl_wait_for(awl_queue_put(&queue, 2), AWL_SECOND));
    CHECK(self->rc == ETIMEDOUT || self->rc == ENOMEM);
    CHECK_INT(awl_queue_size(&queue), 1);
    self->object = awl_queue_put(&queue, 3); /* inert, and let go */
    awl_coro_close(self->object);
    co_end;
}

co_def(sends, { int n, i; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++)
        co_await(awl_queue_put(&queue, self->i));
    co_end;
}

TASK_TEST(many_items_go_through_a_small_queue_in_their_order, { awl_task *t; int i, x; size_t used; })
{
    co_begin;
    fresh(1);
    self->t = awl_create_task(co_call(sends, .n = 1000));
    for (self->i = 0; self->i < 1000; self->i++) {
        co_let(self->x, awl_queue_get(&queue));
        CHECK_INT(self->x, self->i);
        if (self->i == 10)
            self->used = stats_of(NULL).memory_high;
    }
    CHECK_INT(stats_of(NULL).memory_high, self->used);
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}

co_def(sends_from_a_child, {})
{
    co_begin;
    co_await(co_call(sends, .n = 1000));
    co_end;
}

/* There the waiting takes the place of its put. */
TASK_TEST(a_put_that_waits_leaves_nothing_on_the_stack, { awl_task *t; int i, x; size_t used; })
{
    co_begin;
    fresh(1);
    self->t = awl_create_task(co_call(sends_from_a_child));
    for (self->i = 0; self->i < 1000; self->i++) {
        co_let(self->x, awl_queue_get(&queue));
        CHECK_INT(self->x, self->i);
        if (self->i == 10)
            self->used = stats_of(NULL).memory_high;
    }
    CHECK_INT(stats_of(NULL).memory_high, self->used);
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}

static char text[400];

/* An object made before, one in a task of its own, one made in the await. */
co_def(sends_in_all_ways, { int n, i; awl_coro object; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        switch (self->i % 4) {
        default:
            self->object = awl_queue_put(&queue, self->i);
            break;
        case 1:
            self->object = awl_queue_put(&queue, self->i + 0.5);
            break;
        case 2:
            self->object = awl_wait_for(awl_queue_put(&queue, text + self->i), AWL_FOREVER);
            break;
        }
        if (self->i % 4 == 3)
            co_await((awl_coro_close(self->object), awl_queue_put(&queue, self->i)));
        else
            co_await(self->object);
    }
    co_end;
}

TASK_TEST(a_put_that_waits_is_the_same_wherever_its_frame_is, { awl_task *t; int i, x; double d; char *p; size_t used; })
{
    co_begin;
    fresh(1);
    self->t = awl_create_task(co_call(sends_in_all_ways, .n = 400));
    if (!self->t)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < 400; self->i++) {
        if (awl_task_done(self->t))
            co_raise(awl_task_error(self->t)); /* ENOMEM */
        if (self->i % 4 == 1) {
            co_let(self->d, awl_queue_get(&queue));
            CHECK(self->d == self->i + 0.5);
        } else if (self->i % 4 == 2) {
            co_let(self->p, awl_queue_get(&queue));
            CHECK(self->p - self->i == text);
        } else {
            co_let(self->x, awl_queue_get(&queue));
            CHECK_INT(self->x, self->i);
        }
        if (self->i == 10)
            self->used = stats_of(NULL).memory_high;
    }
    CHECK_INT(stats_of(NULL).memory_high, self->used);
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}
