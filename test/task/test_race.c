/* test_race.c: awl_race, and gathers of AWL_CANCEL_ON_ERROR: what is cancelled is waited for. */
#include "rig.h"

RIG_COROUTINES;

/* Cleans up for a while when it is cancelled. */
co_def(slow, { const char *name; awl_time t, cleanup; int value, error; })
{
    co_begin;
    co_await(awl_sleep(self->t));
    co_return(self->value);
    co_finally;
    if (co_failing)
        co_await(awl_sleep(self->cleanup));
    say("%s@%d", self->name, now_ms());
    if (co_failing && self->error)
        co_raise(self->error);
    co_end;
}

TASK_TEST(the_first_wins_and_the_others_have_ended, { int value; })
{
    co_begin;
    co_let(self->value, awl_race(co_call(slow, .name = "a", .t = AWL_SECOND, .cleanup = 5 * AWL_MS),
                                 co_call(slow, .name = "b", .t = 2 * AWL_MS, .value = 7), awl_sleep(AWL_MINUTE)));
    CHECK_INT(self->value, 7);
    CHECK_TRACE("b@2 a@7");
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

TASK_TEST(an_error_can_win, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_race(co_call(sleeps, .t = AWL_MS, .error = EIO), co_call(sleeps, .t = AWL_SECOND)));
    CHECK_INT(self->rc, EIO);
    CHECK_INT(now_ms(), 1);
    co_end;
}

TASK_TEST(a_race_that_is_cancelled_waits_for_all, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_race(co_call(slow, .name = "a", .t = AWL_SECOND, .cleanup = 5 * AWL_MS),
                                       co_call(slow, .name = "b", .t = AWL_SECOND, .cleanup = 3 * AWL_MS)));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("b@4 a@6");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(what_is_done_already_wins_at_once, { awl_future done, open, *both[2]; int value; })
{
    co_begin;
    awl_future_init(&self->done, NULL);
    awl_future_init(&self->open, NULL);
    awl_future_set_result(&self->done, 4);
    self->both[0] = &self->open;
    self->both[1] = &self->done;
    co_let(self->value, awl_race_n(self->both, 2));
    CHECK_INT(self->value, 4);
    CHECK(awl_future_cancelled(&self->open));
    co_end;
}

co_def(has_a_loser, {})
{
    co_begin;
    co_await(awl_race(co_call(slow, .name = "a", .t = AWL_SECOND, .error = EIO), co_call(sleeps, .t = AWL_MS)));
    co_end;
}

TEST(an_error_of_a_losers_cleanup_is_reported)
{
    CHECK_INT(awl_run_with(co_call(has_a_loser), &virtual_options, NULL), 0);
    CHECK_REPORTS("slow:5");
}

TASK_TEST(a_race_of_none_is_EINVAL, { int rc; awl_task *none[1]; })
{
    co_begin;
    co_try(self->rc, awl_race_n(self->none, 0));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_race_n(self->none, 1));
    CHECK_INT(self->rc, EINVAL);
    co_end;
}

TASK_TEST(a_gather_can_cancel_the_others_on_error, { int rc; awl_outcome out[3]; })
{
    co_begin;
    co_try(self->rc, awl_gather_or_cancel(self->out, co_call(slow, .name = "a", .t = AWL_SECOND, .cleanup = 5 * AWL_MS),
                                          co_call(sleeps, .t = 2 * AWL_MS, .error = EIO), co_call(sleeps, .value = 3)));
    CHECK_INT(self->rc, EIO);
    CHECK_TRACE("a@7");
    CHECK(self->out[0].error == ECANCELED && self->out[1].error == EIO && self->out[2].value.i == 3);
    co_end;
}

TASK_TEST(such_a_gather_without_error_is_like_others, { awl_task *t[2]; awl_outcome out[2]; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 1));
    self->t[1] = awl_create_task(co_call(sleeps, .t = 2 * AWL_MS, .value = 2));
    co_await(awl_gather_n(self->t, 2, self->out, AWL_CANCEL_ON_ERROR));
    CHECK(self->out[0].value.i == 1 && self->out[1].value.i == 2);
    co_finally;
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    co_end;
}

TASK_TEST(such_a_gather_can_be_a_future, { awl_task *t[2]; awl_future *g; int rc; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(sleeps, .t = AWL_MS, .error = EIO));
    self->t[1] = awl_create_task(co_call(slow, .name = "b", .t = AWL_SECOND, .cleanup = AWL_MS));
    self->g = awl_gather_future(self->t, 2, AWL_CANCEL_ON_ERROR);
    co_try(self->rc, self->g);
    CHECK_INT(self->rc, EIO);
    CHECK_INT(now_ms(), 2);
    co_finally;
    awl_future_release(self->g);
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    co_end;
}

/* ---- Not all of them can be made --------------------------------------------------------------------------------- */

co_def(large, { char bytes[100000]; }) /* such a task has a block of its own */
{
    co_begin;
    co_return(self->bytes[0]);
    co_end;
}

TASK_TEST(a_race_without_memory_for_all_ends_when_the_others_have, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(slow, .name = "a", .t = AWL_SECOND, .cleanup = 5 * AWL_MS));
    co_await(awl_sleep(AWL_MS));
    harness_fail_alloc(1);
    co_try(self->rc, awl_race(self->t, co_call(large)));
    CHECK_INT(self->rc, ENOMEM);
    CHECK_TRACE("a@6");
    CHECK(awl_task_cancelled(self->t));
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(or_cancel_without_memory_for_all_ends_when_the_others_have, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(slow, .name = "b", .t = AWL_SECOND, .cleanup = 5 * AWL_MS));
    co_await(awl_sleep(AWL_MS));
    harness_fail_alloc(1);
    co_try(self->rc, awl_gather_or_cancel(NULL, co_call(large), co_call(slow, .name = "a", .t = AWL_MS), self->t));
    CHECK_INT(self->rc, ENOMEM);
    CHECK_TRACE("b@6"); /* a never began */
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_race_with_nothing_ends_when_the_others_have, { awl_task *t[2]; int rc; })
{
    co_begin;
    self->t[1] = awl_create_task(co_call(slow, .name = "a", .t = AWL_SECOND, .cleanup = AWL_MS, .error = EIO));
    co_await(awl_sleep(AWL_MS));
    co_try(self->rc, awl_race_n(self->t, 2));
    CHECK_INT(self->rc, EINVAL);
    CHECK_TRACE("a@2");
    CHECK_INT(awl_task_error(self->t[1]), EIO);
    awl_task_release(self->t[1]);
    co_end;
}

co_def(races_with_nothing, { awl_task *t[2]; })
{
    co_begin;
    co_await(awl_race_n(self->t, 2));
    co_end;
}

TASK_TEST(a_race_that_cannot_begin_is_cancelled_as_others_are, { awl_task *t, *race; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(slow, .name = "a", .t = AWL_SECOND, .cleanup = 5 * AWL_MS));
    co_await(awl_sleep(AWL_MS));
    self->race = awl_create_task(co_call(races_with_nothing, .t = { self->t, NULL }));
    co_await(awl_sleep(AWL_MS));
    CHECK(awl_task_cancel(self->race));
    co_try_cancel(self->rc, self->race);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE(""); /* its cleaning up was cancelled */
    CHECK(awl_task_cancelled(self->t));
    awl_task_release(self->race);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_plain_gather_that_cannot_begin_lets_the_others_run_on, { awl_task *t[2]; int rc; })
{
    co_begin;
    self->t[1] = awl_create_task(co_call(slow, .name = "a", .t = AWL_MS));
    co_try(self->rc, awl_gather_n(self->t, 2, NULL, 0));
    CHECK_INT(self->rc, EINVAL);
    CHECK(!awl_task_done(self->t[1]));
    co_await(self->t[1]);
    CHECK_TRACE("a@1");
    awl_task_release(self->t[1]);
    co_end;
}
