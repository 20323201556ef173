/* test_gather.c: awl_gather and its kin. */
#include "rig.h"

RIG_COROUTINES;

/* ---- Results ---------------------------------------------------------------------------------------------------------------- */

TASK_TEST(outcomes_are_in_the_order_of_the_arguments, { awl_outcome out[3]; })
{
    co_begin;
    co_await(awl_gather_into(self->out, co_call(sleeps, .t = 3 * AWL_MS, .value = 1),
                             co_call(sleeps, .t = 1 * AWL_MS, .value = 2), co_call(sleeps, .t = 2 * AWL_MS, .value = 3)));
    for (int i = 0; i < 3; i++)
        CHECK(self->out[i].value.i == i + 1 && self->out[i].error == 0);
    CHECK_INT(now_ms(), 3);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(coroutines_tasks_and_futures_can_be_mixed, { awl_task *t; awl_future f; awl_outcome out[3]; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 0.5);
    self->t = awl_create_task(co_call(sleeps, .value = 7));
    co_await(awl_gather_into(self->out, self->t, &self->f, awl_sleep(AWL_MS)));
    CHECK_INT(self->out[0].value.i, 7);
    CHECK(self->out[1].value.d == 0.5);
    CHECK_INT(self->out[2].value.i, 0);
    CHECK(awl_task_done(self->t)); /* it is still ours */
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(the_awaiter_goes_on_two_iterations_after_the_last_child, { int n; })
{
    co_begin;
    co_await(awl_gather(co_call(tells, .name = "a", .t = 0)));
    CHECK_TRACE("a:starts@2 a:slept@3 a:ends@3");
    CHECK_INT(iteration(), 5);
    co_end;
}

TASK_TEST(children_start_in_the_order_of_the_arguments, {})
{
    co_begin;
    co_await(awl_gather(co_call(tells, .name = "a"), co_call(tells, .name = "b"), co_call(tells, .name = "c")));
    CHECK_TRACE("a:starts@2 b:starts@2 c:starts@2 a:slept@3 a:ends@3 b:slept@3 b:ends@3 c:slept@3 c:ends@3");
    co_end;
}

TASK_TEST(all_children_done_already_take_no_iteration, { awl_task *t; awl_outcome out[1]; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .value = 1));
    co_await(self->t);
    CHECK_INT(iteration(), 4);
    co_await(awl_gather_into(self->out, self->t));
    CHECK_INT(iteration(), 4);
    CHECK_INT(self->out[0].value.i, 1);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(no_children_take_no_iteration, {})
{
    co_begin;
    co_await(awl_gather_n(NULL, 0, NULL, 0));
    CHECK_INT(iteration(), 1);
    co_end;
}

TASK_TEST(the_same_task_twice_is_two_outcomes, { awl_task *t; awl_outcome out[2]; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 5));
    co_await(awl_gather_into(self->out, self->t, self->t));
    CHECK(self->out[0].value.i == 5 && self->out[1].value.i == 5);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(gather_takes_sixteen_by_name, { awl_outcome out[16]; })
{
    co_begin;
    co_await(awl_gather_into(self->out, co_call(sleeps, .value = 0), co_call(sleeps, .value = 1),
                             co_call(sleeps, .value = 2), co_call(sleeps, .value = 3), co_call(sleeps, .value = 4),
                             co_call(sleeps, .value = 5), co_call(sleeps, .value = 6), co_call(sleeps, .value = 7),
                             co_call(sleeps, .value = 8), co_call(sleeps, .value = 9), co_call(sleeps, .value = 10),
                             co_call(sleeps, .value = 11), co_call(sleeps, .value = 12), co_call(sleeps, .value = 13),
                             co_call(sleeps, .value = 14), co_call(sleeps, .value = 15)));
    for (int i = 0; i < 16; i++)
        CHECK_INT(self->out[i].value.i, i);
    co_end;
}

enum { MANY = 500 };

TASK_TEST(gather_n_takes_any_number, { awl_task *t[MANY]; awl_outcome out[MANY]; int i; })
{
    co_begin;
    for (self->i = 0; self->i < MANY; self->i++)
        self->t[self->i] = awl_create_task(co_call(sleeps, .t = (self->i * 37 % MANY) * AWL_US, .value = self->i));
    co_await(awl_gather_n(self->t, MANY, self->out, 0));
    for (self->i = 0; self->i < MANY; self->i++) {
        CHECK_INT(self->out[self->i].value.i, self->i);
        awl_task_release(self->t[self->i]);
    }
    co_end;
}

TEST(a_gather_may_be_the_main_coroutine)
{
    awl_outcome out[2];

    CHECK_INT(awl_run_with(awl_gather_into(out, co_call(sleeps, .value = 1), co_call(sleeps, .t = AWL_MS, .value = 2)),
                           &virtual_options, NULL),
              0);
    CHECK(out[0].value.i == 1 && out[1].value.i == 2);
}

/* ---- Errors --------------------------------------------------------------------------------------------------------------------- */

TASK_TEST(the_first_error_in_time_ends_it_while_the_others_run_on, { awl_task *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(sleeps, .t = 5 * AWL_MS, .value = 1));
    self->b = awl_create_task(co_call(sleeps, .t = 2 * AWL_MS, .error = EIO));
    co_try(self->rc, awl_gather(self->a, self->b, co_call(sleeps, .t = 3 * AWL_MS, .error = EPROTO)));
    CHECK_INT(self->rc, EIO);
    CHECK_INT(now_ms(), 2);
    CHECK(!awl_task_done(self->a));
    co_await(self->a);
    CHECK_INT(now_ms(), 5); /* the other error was dropped: run_main sees that nothing is reported */
    awl_task_release(self->a);
    awl_task_release(self->b);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(errors_can_be_outcomes, { awl_outcome out[3]; awl_task *cancelled; })
{
    co_begin;
    self->cancelled = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    awl_task_cancel(self->cancelled);
    co_await(awl_gather_return_exceptions(self->out, co_call(sleeps, .error = EIO), self->cancelled,
                                          co_call(sleeps, .t = AWL_MS, .value = 3)));
    CHECK_INT(self->out[0].error, EIO);
    CHECK_INT(self->out[1].error, ECANCELED);
    CHECK(self->out[2].error == 0 && self->out[2].value.i == 3);
    CHECK_INT(now_ms(), 1);
    awl_task_release(self->cancelled);
    co_end;
}

TASK_TEST(a_cancelled_child_is_the_error_ECANCELED, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, awl_gather(self->t, co_call(sleeps, .t = AWL_MS)));
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(one_that_is_null_is_EINVAL, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_gather((awl_task *)NULL, co_call(tells, .name = "a")));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_gather(co_call(sleeps), (awl_future *)NULL));
    CHECK_INT(self->rc, EINVAL);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

/* ---- Cancellation ---------------------------------------------------------------------------------------------------------------- */

co_def(swallows, { awl_time then; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_await(awl_sleep(self->then));
    say("swallowed@%d", now_ms());
    co_end;
}

co_def(gathers, { int rc; awl_outcome out[2]; bool keep; awl_task *a, *b; })
{
    co_begin;
    if (self->keep)
        co_try_cancel(self->rc, awl_gather_return_exceptions(self->out, self->a, self->b));
    else
        co_try_cancel(self->rc, awl_gather_into(self->out, self->a, self->b));
    say("gather:%d@%d", usual(self->rc), iteration());
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

TASK_TEST(cancelling_the_waiter_cancels_all_children, { awl_task *t, *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(tells, .name = "a", .t = AWL_SECOND));
    self->b = awl_create_task(co_call(tells, .name = "b", .t = AWL_SECOND));
    self->t = awl_create_task(co_call(gathers, .a = self->a, .b = self->b));
    co_await(awl_sleep(AWL_MS));
    trace[0] = '\0';
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(strstr(trace, "a:cancelled") && strstr(trace, "b:cancelled") && strstr(trace, "gather:125"));
    CHECK_INT(now_ms(), 1);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(plain_it_ends_with_the_first_child_that_ends_of_it, { awl_task *t, *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(swallows, .then = 5 * AWL_MS));
    self->b = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    self->t = awl_create_task(co_call(gathers, .a = self->a, .b = self->b));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(now_ms(), 1);
    co_await(awl_sleep(AWL_SECOND));
    CHECK(strstr(trace, "swallowed@6") != NULL);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(with_errors_as_outcomes_it_waits_for_all, { awl_task *t, *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(swallows, .then = 5 * AWL_MS));
    self->b = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    self->t = awl_create_task(co_call(gathers, .keep = true, .a = self->a, .b = self->b));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(now_ms(), 6);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(ECANCELED_even_if_every_child_swallows_it, { awl_task *t, *a, *b; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(swallows));
    self->b = awl_create_task(co_call(swallows));
    self->t = awl_create_task(co_call(gathers, .a = self->a, .b = self->b));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_task_cancelled(self->t));
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(cancelled_before_it_starts_no_child_runs, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_gather(co_call(tells, .name = "a"), co_call(tells, .name = "b")));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    awl_task_release(self->t);
    co_end;
}

co_def(adds_one, { int x; int64_t y; awl_coro of; })
{
    co_begin;
    co_await(awl_sleep(self->x));
    if (self->of.frame_)
        co_let(self->y, self->of);
    co_return(self->x + self->y + 1);
    co_end;
}

co_def(gathers_objects, { awl_coro a, b; awl_outcome out[2]; })
{
    co_begin;
    co_await(awl_gather_into(self->out, self->a, self->b));
    co_return(self->out[0].value.i * 100 + self->out[1].value.i);
    co_end;
}

/* They lie on the stack of the task that awaits, and hold others that do; their tasks take them along. */
TASK_TEST(objects_made_in_an_awaits_argument_may_become_tasks, { int64_t x; })
{
    co_begin;
    co_let(self->x, co_call(gathers_objects, .a = co_call(adds_one, .x = 1),
                            .b = awl_wait_for(co_call(adds_one, .x = 2, .of = co_call(adds_one, .x = 3)), AWL_MINUTE)));
    CHECK_INT(self->x, 207);
    co_let(self->x, awl_wait_for(co_call(gathers_objects, .a = awl_wait_for(awl_wait_for(co_call(adds_one, .x = 4), 9 * AWL_US), 9 * AWL_US),
                                         .b = co_call(adds_one)),
                                 AWL_MINUTE));
    CHECK_INT(self->x, 501);
    co_end;
}

/* Made when no loop runs, its children's objects are nobody's but its own. */
TEST(a_gather_of_no_loop_that_is_not_awaited_closes_its_objects)
{
    awl_coro_close(awl_gather(co_call(sleeps), co_call(sleeps)));
}

TASK_TEST(a_gather_of_futures_and_tasks_leaves_no_memory_behind, { awl_future f; awl_task *t; size_t used; int i; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 1);
    self->t = awl_create_task(co_call(sleeps, .value = 2));
    if (!self->t)
        co_raise(ENOMEM);
    co_await(self->t);
    for (self->i = 0; self->i < 3; self->i++) {
        co_await(awl_gather(&self->f, self->t, &self->f));
        if (self->i == 0)
            self->used = stats_of(NULL).memory_used;
        CHECK_INT(stats_of(NULL).memory_used, self->used);
    }
    co_finally;
    awl_task_release(self->t);
    co_end;
}
