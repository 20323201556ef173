/* test_event.c: events. */
#include "rig.h"

#include <event2/event.h>

SAYING(waits, awl_event, awl_event_wait);

static awl_event event;
static awl_event made = AWL_EVENT_INIT;

TASK_TEST(an_event_that_is_set_does_not_suspend, { int before; })
{
    co_begin;
    awl_event_set(&event);
    CHECK(awl_event_is_set(&event));
    self->before = iteration();
    co_await(awl_event_wait(&event));
    CHECK_INT(iteration(), self->before);
    CHECK_INT(stats_of(NULL).stack_high, 0);
    awl_event_fini(&event);
    co_end;
}

TASK_TEST(set_wakes_all_in_their_order_also_if_it_is_cleared_before_they_run, { awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .of = &event, .name = "a"));
    self->b = awl_create_task(co_call(waits, .of = &event, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_event_set(&event);
    awl_event_clear(&event);
    CHECK(!awl_event_is_set(&event));
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:0/0@1 b:0/0@1");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_cancelled_waiter_leaves_and_the_others_stay, { awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .of = &event, .name = "a"));
    self->b = awl_create_task(co_call(waits, .of = &event, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_task_cancel(self->a);
    awl_event_set(&event);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:125/0@1 b:0/0@1");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(the_operation_is_inert_until_it_is_awaited_and_may_be_a_task, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_event_wait(&event));
    if (!self->t)
        co_raise(ENOMEM);
    CHECK_STR(awl_task_name(self->t), "awl_event_wait");
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t));
    awl_event_set(&event);
    co_await(awl_gather(self->t, awl_event_wait(&event)));
    co_try(self->rc, awl_wait_for(awl_event_wait(&event), AWL_SECOND));
    CHECK_INT(self->rc, 0);
    awl_event_clear(&event);
    co_try(self->rc, awl_wait_for(awl_event_wait(&event), AWL_SECOND));
    CHECK_INT(self->rc, ETIMEDOUT);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(an_event_stays_usable_after_a_static_start, { int before; })
{
    co_begin;
    CHECK(!awl_event_is_set(&made));
    awl_event_init(&made);
    awl_event_set(&made);
    self->before = iteration();
    co_await(awl_event_wait(&made));
    CHECK_INT(iteration(), self->before);
    co_end;
}

TASK_TEST(null_is_EINVAL_or_false, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_event_wait(NULL));
    CHECK_INT(self->rc, EINVAL);
    awl_event_set(NULL);
    awl_event_clear(NULL);
    awl_event_fini(NULL);
    CHECK(!awl_event_is_set(NULL));
    co_end;
}

co_def(gives_seven, {})
{
    co_begin;
    co_return(7);
    co_end;
}

TASK_TEST(it_has_no_result_whatever_was_awaited_before, { int x, rc; })
{
    co_begin;
    awl_event_set(&event);
    co_let(self->x, co_call(gives_seven));
    CHECK_INT(self->x, 7);
    co_try(self->rc, awl_event_wait(&event));
    co_result(self->x);
    CHECK_INT(self->x, 0);
    CHECK_INT(self->rc, 0);
    co_finally;
    awl_event_clear(&event);
    co_end;
}

/* ---- A loop that somebody else dispatches ------------------------------------------------------------------------ */

static awl_event awaited;

static void set_from_elsewhere(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    awl_event_set(&awaited);
}

co_def(waits_and_ends, { struct event_base *of; })
{
    co_begin;
    co_await(awl_event_wait(&awaited));
    say("set");
    event_base_loopbreak(self->of);
    co_end;
}

TEST(set_by_a_callback_of_the_base_it_wakes_the_loop_too)
{
    struct event_base *below = event_base_new();
    awl_loop *loop = below ? awl_loop_attach(below, NULL) : NULL;
    awl_task *task;

    CHECK(loop != NULL);
    task = awl_create_task(co_call(waits_and_ends, .of = below));
    CHECK(task != NULL);
    CHECK_INT(event_base_once(below, -1, EV_TIMEOUT, set_from_elsewhere, NULL, &(struct timeval){ 0, 2000 }), 0);
    CHECK(event_base_dispatch(below) >= 0);
    CHECK_TRACE("set");
    awl_task_release(task);
    awl_loop_close(loop);
    event_base_free(below);
}
