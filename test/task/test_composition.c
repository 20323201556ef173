/* test_composition.c: everything composes with everything. */
#include "rig.h"

RIG_COROUTINES;

/* ---- Operations within operations -------------------------------------------------------------------------------------- */

TASK_TEST(gather_of_wait_for_of_gather, { awl_outcome in[2], out[2]; })
{
    co_begin;
    co_await(awl_gather_into(self->out,
                             awl_wait_for(awl_gather_into(self->in, co_call(sleeps, .t = AWL_MS, .value = 1),
                                                          co_call(sleeps, .t = 2 * AWL_MS, .value = 2)),
                                          AWL_SECOND),
                             awl_wait_for(awl_wait_for(co_call(sleeps, .t = 3 * AWL_MS, .value = 3), AWL_SECOND), AWL_SECOND)));
    CHECK(self->in[0].value.i == 1 && self->in[1].value.i == 2 && self->out[1].value.i == 3);
    CHECK_INT(now_ms(), 3);
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

TASK_TEST(a_timeout_around_a_gather_cancels_its_children, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(awl_gather(co_call(tells, .name = "a", .t = AWL_SECOND),
                                             awl_gather(co_call(tells, .name = "b", .t = AWL_SECOND))), 5 * AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK(strstr(trace, "a:cancelled") && strstr(trace, "b:cancelled"));
    CHECK_INT(now_ms(), 5);
    co_await(awl_sleep(0));
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

TASK_TEST(a_timeout_within_a_gather_is_one_childs_error, { awl_outcome out[2]; })
{
    co_begin;
    co_await(awl_gather_return_exceptions(self->out, awl_wait_for(co_call(sleeps, .t = AWL_SECOND), AWL_MS),
                                          co_call(sleeps, .t = 2 * AWL_MS, .value = 2)));
    CHECK_INT(self->out[0].error, ETIMEDOUT);
    CHECK_INT(self->out[1].value.i, 2);
    co_end;
}

static awl_future settled; /* outlives the test's coroutine, which may fail before its tasks have ended */

TASK_TEST(tasks_of_operations, { awl_task *a, *b, *c, *d; int value; })
{
    co_begin;
    awl_future_init(&settled, NULL);
    self->a = awl_create_task(awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 5), AWL_SECOND));
    self->b = awl_create_task(awl_gather(self->a, awl_sleep(2 * AWL_MS)));
    self->c = awl_create_task(awl_sleep(0));
    self->d = awl_create_task(awl_await_future(&settled));
    CHECK_STR(awl_task_name(self->a), "awl_wait_for");
    CHECK_STR(awl_task_name(self->b), "awl_gather");
    co_await(self->b);
    CHECK_INT(now_ms(), 2);
    co_let(self->value, self->a);
    CHECK_INT(self->value, 5);
    awl_future_set_result(&settled, 6);
    co_let(self->value, self->d);
    CHECK_INT(self->value, 6);
    co_await(self->c);
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->c);
    awl_task_release(self->d);
    co_end;
}

TASK_TEST(a_wait_within_a_timeout, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_SECOND, .value = 1));
    co_try(self->rc, awl_wait_for(awl_wait(&self->t, 1, AWL_ALL_COMPLETED, AWL_FOREVER), AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK(!awl_task_done(self->t) && awl_task_cancelling(self->t) == 0);
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}

/* ---- Objects ----------------------------------------------------------------------------------------------------------------- */

TASK_TEST(objects_may_be_held_and_awaited_later_in_any_order, { awl_coro a, b, c; int64_t x, y; })
{
    co_begin;
    self->a = co_call(sleeps, .t = AWL_MS, .value = 1);
    self->b = awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 2), AWL_SECOND);
    self->c = awl_sleep(AWL_MS);
    co_await(awl_sleep(AWL_MS));
    co_let(self->y, self->b);
    co_await(self->c);
    co_let(self->x, self->a);
    CHECK(self->x == 1 && self->y == 2);
    CHECK_INT(now_ms(), 4);
    co_end;
}

TASK_TEST(a_held_object_may_become_a_task, { awl_coro object; awl_task *t; int value; })
{
    co_begin;
    self->object = awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 2), AWL_SECOND);
    self->t = awl_create_task(self->object);
    co_let(self->value, self->t);
    CHECK_INT(self->value, 2);
    awl_task_release(self->t);
    co_end;
}

co_def(retries, { awl_coro first, second; int rc, value; })
{
    co_begin;
    co_try(self->rc, self->first);
    if (self->rc == 0)
        co_result(self->value);
    else
        co_let(self->value, self->second);
    co_return(self->value);
    co_end;
}

TASK_TEST(objects_may_be_arguments, { int value; size_t used; awl_task *t; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    co_let(self->value, co_call(retries, .first = co_call(sleeps, .error = EIO),
                                .second = awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 2), AWL_SECOND)));
    CHECK_INT(self->value, 2);
    co_let(self->value, co_call(retries, .first = co_call(sleeps, .value = 3), .second = co_call(sleeps)));
    CHECK_INT(self->value, 3); /* the second was never awaited, and goes with its owner */
    self->t = awl_create_task(co_call(retries, .first = co_call(sleeps, .error = EIO),
                                      .second = awl_wait_for(co_call(sleeps, .value = 4), AWL_SECOND)));
    co_let(self->value, self->t);
    CHECK_INT(self->value, 4);
    awl_task_release(self->t);
    co_end;
}

static void make_a_task_with_arguments(void *place)
{
    *(awl_task **)place = awl_create_task(co_call(retries, .first = co_call(sleeps, .error = EIO),
                                                  .second = awl_wait_for(co_call(sleeps, .value = 4), AWL_SECOND)));
}

static awl_task *made;

TASK_TEST(objects_may_be_arguments_where_no_task_runs, { int value; })
{
    co_begin;
    made = NULL;
    if (awl_call_soon(NULL, NULL, make_a_task_with_arguments, &made))
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    if (!made)
        co_raise(ENOMEM);
    co_let(self->value, made);
    CHECK_INT(self->value, 4);
    co_finally;
    awl_task_release(made);
    co_end;
}

static awl_coro with_timeout(awl_coro object) { return awl_wait_for(object, AWL_SECOND); }
static awl_coro sometimes(awl_coro object, bool really)
{
    if (really)
        return object;
    awl_coro_close(object);
    return awl_sleep(0);
}

co_def(uses_functions, { int value; })
{
    co_begin;
    co_let(self->value, with_timeout(with_timeout(co_call(sleeps, .t = AWL_MS, .value = 6))));
    co_await(with_timeout(awl_sleep(AWL_MS)));
    co_await(sometimes(awl_sleep(AWL_SECOND), false));
    co_await(sometimes(co_call(sleeps, .t = AWL_SECOND), false));
    co_await(sometimes(awl_sleep(AWL_MS), true));
    co_finally;
    co_await(sometimes(awl_sleep(AWL_SECOND), false));
    CHECK_INT(self->value, 6);
    CHECK_INT(now_ms(), 3);
    co_end;
}

TASK_TEST(plain_functions_may_make_and_wrap_objects, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(uses_functions));
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}

co_def(finally_with_sleep_above, { awl_coro inner; })
{
    co_begin;
    co_finally; /* what is kept here must not fall upon the unstarted object */
    co_await(self->inner);
    co_end;
}

TASK_TEST(a_sleep_as_argument_survives_the_owners_finally, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(finally_with_sleep_above, .inner = awl_sleep(5 * AWL_MS)));
    co_await(self->t);
    CHECK_INT(now_ms(), 5);
    co_await(co_call(finally_with_sleep_above, .inner = awl_sleep(5 * AWL_MS)));
    CHECK_INT(now_ms(), 10);
    awl_task_release(self->t);
    co_end;
}

/* ---- Depth ------------------------------------------------------------------------------------------------------------------- */

co_def(counts_down, { int depth, below; bool sleep; })
{
    co_begin;
    if (self->depth)
        co_let(self->below, co_call(counts_down, .depth = self->depth - 1, .sleep = self->sleep));
    else if (self->sleep)
        co_await(awl_sleep(AWL_MS));
    co_return(self->below + 1);
    co_end;
}

TASK_TEST(ten_thousand_levels_deep, { int n, i; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->n, co_call(counts_down, .depth = 10000, .sleep = true));
        CHECK_INT(self->n, 10001);
        co_let(self->n, co_call(counts_down, .depth = 10000));
        CHECK_INT(self->n, 10001);
    }
    CHECK(stats_of(NULL).stack_high > 10000 * 5 * sizeof(void *));
    co_end;
}

co_def(falls, { int depth; })
{
    co_begin;
    if (self->depth)
        co_await(co_call(falls, .depth = self->depth - 1));
    else
        co_await(awl_sleep(AWL_MINUTE));
    co_finally;
    if (self->depth % 1000 == 0)
        co_await(awl_sleep(0));
    co_end;
}

TASK_TEST(a_cancellation_unwinds_ten_thousand_levels, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(co_call(falls, .depth = 10000), AWL_MS));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT(now_ms(), 1);
    co_end;
}

co_def(awaits_next, { awl_task **next; int value; })
{
    co_begin;
    if (self->next)
        co_let(self->value, *self->next);
    co_return(self->value + 1);
    co_end;
}

enum { CHAIN = 1000 };
static awl_task *chain[CHAIN]; /* outlives the test's coroutine, which may fail before these have ended */

TASK_TEST(a_chain_of_a_thousand_tasks_ends_one_iteration_each, { int i, value; })
{
    co_begin;
    for (self->i = 0; self->i < CHAIN; self->i++)
        chain[self->i] = awl_create_task(co_call(awaits_next, .next = self->i < CHAIN - 1 ? &chain[self->i + 1] : NULL));
    co_let(self->value, chain[0]);
    CHECK_INT(self->value, CHAIN);
    CHECK_INT(iteration(), CHAIN + 2);
    for (self->i = 0; self->i < CHAIN; self->i++)
        awl_task_release(chain[self->i]);
    co_end;
}

co_def(awaits_next_or_sleeps, { awl_task **next; })
{
    co_begin;
    if (self->next)
        co_await(*self->next);
    else
        co_await(awl_sleep(AWL_MINUTE));
    co_end;
}

TASK_TEST(a_cancellation_runs_down_a_chain_of_a_thousand_tasks, { awl_task *t[CHAIN]; int i, rc; })
{
    co_begin;
    for (self->i = 0; self->i < CHAIN; self->i++)
        self->t[self->i] =
            awl_create_task(co_call(awaits_next_or_sleeps, .next = self->i < CHAIN - 1 ? &self->t[self->i + 1] : NULL));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t[0]);
    CHECK_INT(awl_task_cancelling(self->t[CHAIN - 1]), 1);
    co_try_cancel(self->rc, self->t[0]);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(now_ms(), 1);
    for (self->i = 0; self->i < CHAIN; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

co_def(large, { char bytes[100000]; int value; })
{
    co_begin;
    memset(self->bytes, 0x11, sizeof self->bytes);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->bytes[99999], 0x11);
    co_return(7);
    co_end;
}

TASK_TEST(a_large_frame_awaited_and_as_a_task, { int value; awl_task *t; size_t used; })
{
    co_begin;
    co_let(self->value, co_call(large));
    CHECK_INT(self->value, 7);
    self->t = awl_create_task(co_call(large));
    CHECK(self->t != NULL);
    co_let(self->value, awl_wait_for(self->t, AWL_SECOND));
    CHECK_INT(self->value, 7);
    awl_task_release(self->t);
    co_end;
}
