/* test_eager.c: awl_create_task_eager. */
#include "rig.h"

RIG_COROUTINES;

TASK_TEST(an_eager_task_runs_to_its_first_suspension, { awl_task *t, *other; })
{
    co_begin;
    self->other = awl_create_task(co_call(tells, .name = "other", .t = AWL_MS));
    self->t = awl_create_task_eager(co_call(tells, .name = "eager", .t = AWL_MS));
    CHECK_TRACE("eager:starts@1");
    co_await(awl_sleep(0));
    CHECK_TRACE("other:starts@2");
    co_await(self->t);
    co_await(self->other);
    awl_task_release(self->t);
    awl_task_release(self->other);
    co_end;
}

TASK_TEST(one_that_does_not_suspend_is_done_at_once, { awl_future f; awl_task *t; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 5);
    self->t = awl_create_task_eager(co_call(awaits, .name = "e", .future = &self->f));
    CHECK(awl_task_done(self->t) && awl_task_value(self->t).i == 5);
    CHECK_STR(awl_task_name(self->t), "awaits");
    CHECK_TRACE("e:0/5@1");
    awl_task_release(self->t);
    co_end;
}

co_def(asks, { awl_task *outer; })
{
    co_begin;
    CHECK(awl_current_task() != self->outer && awl_current_task());
    CHECK_INT(awl_all_tasks(NULL, NULL, 0), 2);
    co_end;
}

TASK_TEST(it_is_the_current_task_meanwhile, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task_eager(co_call(asks, .outer = awl_current_task()));
    CHECK(awl_current_task() && awl_current_task() != self->t);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(its_error_is_the_tasks, { awl_task *t; int rc; })
{
    co_begin;
    co_try(self->rc, self->t = awl_create_task_eager(awl_wait_for((awl_task *)NULL, AWL_SECOND)));
    CHECK_INT(self->rc, EINVAL);
    awl_task_release(self->t);
    co_end;
}

co_def(starts_one, { int value; awl_task *t; })
{
    co_begin;
    self->t = awl_create_task_eager(co_call(sleeps, .t = AWL_MS, .value = self->value));
    co_let(self->value, self->t);
    co_return(self->value + 1);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(eager_tasks_may_stand_in_the_arguments_of_others, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(co_call(awaits, .name = "a", .future = awl_task_future(self->t =
                                  awl_create_task_eager(co_call(starts_one, .value = 3)))));
    co_let(self->value, self->t);
    CHECK_INT(self->value, 4);
    awl_task_release(self->t);
    co_end;
}

static awl_task *made;
static void make(void *arg)
{
    (void)arg;
    made = awl_create_task_eager(co_call(tells, .name = "e", .t = AWL_MS));
    CHECK(!awl_current_task());
}

TASK_TEST(a_callback_may_start_one, {})
{
    co_begin;
    awl_call_soon(NULL, NULL, make, NULL);
    co_await(awl_sleep(0));
    if (!made)
        co_raise(ENOMEM);
    CHECK_TRACE("e:starts@2");
    co_await(made);
    awl_task_release(made);
    co_end;
}

co_def(nests, { int depth; awl_task *t; })
{
    co_begin;
    if (self->depth) {
        self->t = awl_create_task_eager(co_call(nests, .depth = self->depth - 1));
        if (!self->t)
            co_raise(ENOMEM);
        co_await(self->t);
    }
    co_finally;
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(eager_tasks_create_each_other_to_any_depth, {})
{
    co_begin;
    harness_fail_alloc(0);
    co_await(co_call(nests, .depth = 20000));
    co_end;
}

co_def(cancels_itself, {})
{
    co_begin;
    awl_task_cancel(awl_current_task());
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TASK_TEST(one_that_cancels_itself_is_cancelled_where_it_suspends, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task_eager(co_call(cancels_itself));
    CHECK(!awl_task_done(self->t));
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    awl_task_release(self->t);
    co_end;
}

co_def(awaits_both, { awl_coro held; awl_task *t; int x, y; })
{
    co_begin;
    co_let(self->x, self->held);
    co_let(self->y, self->t);
    co_return(self->x + self->y);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

static awl_coro with_an_eager_one(awl_coro held)
{
    awl_task *t = awl_create_task_eager(co_call(sleeps, .t = AWL_MS, .value = 3));

    return co_call(awaits_both, .held = held, .t = t);
}

/* What the argument makes before it and after it belongs to the same new task. */
TASK_TEST(an_eager_task_may_be_made_while_an_argument_is, { awl_task *t, *other; int value; })
{
    co_begin;
    self->t = awl_create_task(with_an_eager_one(co_call(sleeps, .t = AWL_MS, .value = 4)));
    if (!self->t)
        co_raise(ENOMEM);
    self->other = awl_create_task(co_call(sleeps, .t = AWL_US, .value = 9));
    if (!self->other)
        co_raise(ENOMEM);
    co_await(self->other);
    co_let(self->value, self->t);
    CHECK_INT(self->value, 7);
    co_finally;
    awl_task_release(self->other);
    awl_task_release(self->t);
    co_end;
}
