/* test_queue_join.c: what is done, and the end of a queue. */
#include "rig.h"

SAYING(gets, awl_queue, awl_queue_get);
SAYING(joins, awl_queue, awl_queue_join);

static awl_queue queue;
static awl_value buffer[4];

static void fresh(size_t maxsize)
{
    awl_queue_init(&queue, maxsize);
    awl_queue_set_buffer(&queue, buffer, 4);
}

co_def(puts_one, { int x, rc; })
{
    co_begin;
    co_try(self->rc, awl_queue_put(&queue, self->x));
    if (self->rc == ENOMEM)
        co_raise(ENOMEM);
    say("put:%d@%d", usual(self->rc), iteration() - base);
    co_end;
}

TASK_TEST(join_waits_until_all_is_done, { awl_task *a; })
{
    co_begin;
    fresh(0);
    co_await(awl_queue_join(&queue));
    awl_queue_put_nowait(&queue, 1);
    awl_queue_put_nowait(&queue, 2);
    self->a = awl_create_task(co_call(joins, .of = &queue, .name = "a"));
    co_await(awl_sleep(0));
    begin_count();
    CHECK_INT(awl_queue_task_done(&queue), 0);
    co_await(awl_sleep(0));
    CHECK_TRACE("");
    CHECK_INT(awl_queue_task_done(&queue), 0);
    CHECK_INT(awl_queue_task_done(&queue), AWL_ETOOMANYDONE);
    co_await(self->a);
    CHECK_TRACE("a:0/0@2");
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(a_join_that_is_cancelled_leaves, { awl_task *a; })
{
    co_begin;
    fresh(0);
    awl_queue_put_nowait(&queue, 1);
    self->a = awl_create_task(co_call(joins, .of = &queue, .name = "a"));
    co_await(awl_sleep(0));
    begin_count();
    awl_task_cancel(self->a);
    co_await(self->a);
    CHECK_TRACE("a:125/0@1");
    awl_task_release(self->a);
    awl_queue_fini(&queue);
    co_end;
}

TASK_TEST(shutdown_ends_puts_and_lets_what_is_there_be_taken, { awl_task *p; int x, rc; })
{
    co_begin;
    fresh(1);
    awl_queue_put_nowait(&queue, 1);
    self->p = awl_create_task(co_call(puts_one, .x = 2));
    co_await(awl_sleep(0));
    begin_count();
    awl_queue_shutdown(&queue, false);
    CHECK_INT(awl_queue_put_nowait(&queue, 3), AWL_EQUEUESHUTDOWN);
    co_await(self->p);
    CHECK_TRACE("put:1306@1");
    co_let(self->x, awl_queue_get(&queue));
    CHECK_INT(self->x, 1);
    co_try(self->rc, awl_queue_get(&queue));
    CHECK_INT(self->rc, AWL_EQUEUESHUTDOWN);
    CHECK_INT(awl_queue_get_nowait(&queue, NULL), AWL_EQUEUESHUTDOWN);
    co_try(self->rc, awl_queue_put(&queue, 4));
    CHECK(self->rc == AWL_EQUEUESHUTDOWN || self->rc == ENOMEM);
    awl_task_release(self->p);
    co_end;
}

TASK_TEST(shutdown_wakes_getters, { awl_task *g; })
{
    co_begin;
    fresh(0);
    self->g = awl_create_task(co_call(gets, .of = &queue, .name = "g"));
    co_await(awl_sleep(0));
    begin_count();
    awl_queue_shutdown(&queue, false);
    co_await(self->g);
    CHECK_TRACE("g:1306/0@1");
    awl_task_release(self->g);
    co_end;
}

TASK_TEST(immediate_shutdown_drops_the_items_and_counts_them_as_done, { awl_task *j; })
{
    co_begin;
    fresh(0);
    awl_queue_put_nowait(&queue, 1);
    awl_queue_put_nowait(&queue, 2);
    self->j = awl_create_task(co_call(joins, .of = &queue, .name = "j"));
    co_await(awl_sleep(0));
    begin_count();
    awl_queue_shutdown(&queue, true);
    CHECK(awl_queue_empty(&queue));
    CHECK_INT(awl_queue_get_nowait(&queue, NULL), AWL_EQUEUESHUTDOWN);
    co_await(self->j);
    CHECK_TRACE("j:0/0@1");
    awl_task_release(self->j);
    co_end;
}

TASK_TEST(a_join_may_be_a_task_also_if_there_is_nothing_to_wait_for, { awl_task *j; })
{
    co_begin;
    fresh(0);
    self->j = awl_create_task(awl_queue_join(&queue));
    co_await(awl_sleep(0));
    CHECK(!self->j || awl_task_done(self->j));
    co_await(self->j);
    awl_task_release(self->j);
    awl_queue_put_nowait(&queue, 1);
    self->j = awl_create_task(awl_queue_join(&queue));
    co_await(awl_sleep(0));
    CHECK(self->j && !awl_task_done(self->j));
    awl_queue_get_nowait(&queue, NULL);
    CHECK_INT(awl_queue_task_done(&queue), 0);
    co_await(self->j);
    CHECK_INT(awl_queue_task_done(&queue), AWL_ETOOMANYDONE);
    co_finally;
    awl_task_cancel(self->j);
    awl_task_release(self->j);
    awl_queue_fini(&queue);
    co_end;
}
