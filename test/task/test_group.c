/* test_group.c: awl_task_group. */
#include "rig.h"

RIG_COROUTINES;

/* Runs two children of given lives in a group, and a body of one sleep; says how it ended. */
co_def(group_of_two, { awl_time a, b, body; int error_a, error_b, error; awl_task_group g; int rc; })
{
    const awl_group_error *e;
    co_begin;
    awl_task_group_enter(&self->g);
    if (!awl_task_group_create_task(&self->g, co_call(sleeps, .t = self->a, .error = self->error_a)) ||
        !awl_task_group_create_task(&self->g, co_call(tells, .name = "b", .t = self->b)))
        co_raise(ENOMEM);
    co_await(awl_sleep(self->body));
    if (self->error)
        co_raise(self->error);
    co_finally;
    co_try_cancel(self->rc, awl_task_group_exit(&self->g, co_failing));
    for (e = awl_task_group_errors(&self->g, NULL); e; e = e->next)
        say("%s=%d", e->task ? e->name : "body", e->error);
    awl_task_group_fini(&self->g);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

TASK_TEST(the_group_is_left_when_all_have_ended, {})
{
    co_begin;
    co_await(co_call(group_of_two, .a = AWL_MS, .b = 3 * AWL_MS));
    CHECK_INT(now_ms(), 3);
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

TASK_TEST(the_first_error_cancels_the_others_and_the_body, { int rc; })
{
    co_begin;
    co_try(self->rc, co_call(group_of_two, .a = AWL_MS, .error_a = EIO, .b = AWL_SECOND, .body = AWL_MINUTE));
    CHECK_INT(self->rc, AWL_EGROUP);
    CHECK_INT(now_ms(), 1);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    CHECK(strstr(trace, "b:cancelled") && strstr(trace, "sleeps=5") && !strstr(trace, "body"));
    co_end;
}

TASK_TEST(an_error_of_the_body_cancels_the_children, { int rc; })
{
    co_begin;
    co_try(self->rc, co_call(group_of_two, .a = AWL_SECOND, .b = AWL_SECOND, .body = AWL_MS, .error = EPROTO));
    CHECK_INT(self->rc, AWL_EGROUP);
    CHECK_INT(now_ms(), 1);
    CHECK(strstr(trace, "body=71") != NULL || EPROTO != 71);
    co_end;
}

TASK_TEST(a_cancellation_from_outside_cancels_the_children_and_comes_out, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(group_of_two, .a = AWL_SECOND, .b = AWL_SECOND));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t); /* while it waits for the children */
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(strstr(trace, "b:cancelled") != NULL);
    awl_task_release(self->t);
    co_end;
}

co_def(stubborn, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_await(awl_sleep(5 * AWL_MS));
    co_finally;
    say("stubborn@%d", now_ms());
    co_end;
}

co_def(waits_for_stubborn, { awl_task_group g; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(stubborn));
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}

TASK_TEST(further_cancellations_do_not_leave_it_early, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(waits_for_stubborn));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("stubborn@6");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_child_that_is_cancelled_is_no_error, { awl_task_group g; awl_task *t; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    self->t = awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_SECOND));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK(!awl_task_group_errors(&self->g, NULL));
    co_end;
}

TASK_TEST(children_live_until_the_group_is_left, { awl_task_group g; awl_task *t, *kept; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    self->t = awl_task_group_create_task(&self->g, co_call(sleeps, .value = 7));
    self->kept = awl_task_retain(awl_task_group_create_task(&self->g, co_call(sleeps, .value = 8)));
    co_await(awl_sleep(AWL_MS));
    CHECK(awl_task_done(self->t) && awl_task_value(self->t).i == 7);
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK_INT(awl_task_value(self->kept).i, 8);
    awl_task_release(self->kept);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(spawned_ones_are_freed_when_they_end, { awl_task_group g; int i, rc; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    for (self->i = 0; self->i < 5; self->i++) {
        self->rc = awl_task_group_spawn(&self->g, co_call(sleeps, .value = 7));
        if (self->rc)
            co_raise(self->rc);
        co_await(awl_sleep(AWL_MS));
        CHECK_INT(stats_of(NULL).tasks_held, 0);
    }
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}

co_def(spawns, { awl_task_group *g; int depth; })
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    if (self->depth && awl_task_group_spawn(self->g, co_call(spawns, .g = self->g, .depth = self->depth - 1)))
        co_raise(ENOMEM);
    co_end;
}

TASK_TEST(children_may_have_sisters_made, { awl_task_group g; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(spawns, .g = &self->g, .depth = 4));
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK_INT(now_ms(), 5);
    co_end;
}

TASK_TEST(errors_come_in_the_order_of_failing, { awl_task_group g; int rc; size_t n; })
{
    const awl_group_error *e;

    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(sleeps, .t = 2 * AWL_MS, .error = EIO));
    awl_task_set_name(awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_MS, .error = EPROTO)), "first");
    co_try(self->rc, awl_task_group_exit(&self->g, EPERM));
    CHECK_INT(self->rc, AWL_EGROUP);
    e = awl_task_group_errors(&self->g, &self->n);
    CHECK_INT(self->n, 1); /* EPERM came first and cancelled both */
    CHECK(!e->task && !e->name && e->error == EPERM && !e->next);
    awl_task_group_enter(&self->g);
    CHECK(!awl_task_group_errors(&self->g, &self->n) && self->n == 0);
    awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_MS, .error = EIO));
    awl_task_set_name(awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_MS, .error = EPROTO)), "second");
    co_try(self->rc, awl_task_group_exit(&self->g, 0));
    e = awl_task_group_errors(&self->g, &self->n);
    CHECK_INT(self->n, 2);
    CHECK(e->error == EIO && e->next->error == EPROTO);
    CHECK_STR(e->next->name, "second");
    awl_task_group_fini(&self->g);
    co_end;
}

TASK_TEST(a_group_that_is_over_takes_no_task, { awl_task_group g; int rc; })
{
    co_begin;
    errno = 0;
    CHECK(!awl_task_group_create_task(&self->g, co_call(sleeps)) && errno == AWL_ECLOSED);
    CHECK_INT(awl_task_group_spawn((awl_task_group *)NULL, co_call(sleeps)), EINVAL);
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_SECOND));
    CHECK(awl_task_group_cancel(&self->g));
    CHECK_INT(awl_task_group_spawn(&self->g, awl_wait_for(co_call(sleeps), AWL_MS)), AWL_ECLOSED);
    CHECK_INT(awl_task_group_spawn(&self->g, awl_sleep(0)), AWL_ECLOSED);
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK_INT(awl_task_group_spawn(&self->g, co_call(sleeps)), AWL_ECLOSED);
    CHECK(!awl_task_group_cancel(&self->g) && !awl_task_group_cancel(NULL));
    co_end;
}

co_def(ends_early, { awl_task_group g; bool by_child; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_SECOND));
    co_await(awl_sleep(AWL_MS));
    awl_task_group_cancel(&self->g);
    co_await(awl_sleep(AWL_SECOND));
    say("not reached");
    co_finally;
    CHECK_INT(co_failing, ECANCELED);
    co_await(awl_task_group_exit(&self->g, co_failing));
    CHECK_INT(co_failing, 0);
    co_end;
}

TASK_TEST(a_group_can_be_ended_early, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, co_call(ends_early));
    CHECK_INT(self->rc, 0);
    CHECK_INT(now_ms(), 1);
    CHECK_INT(awl_task_cancelling(awl_current_task()), 0);
    CHECK_TRACE("");
    co_end;
}

/* Ends a millisecond after it has been cancelled. */
co_def(lingers, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_sleep(AWL_FOREVER));
    co_await(awl_sleep(AWL_MS));
    co_end;
}

co_def(ends_early_and_waits, { awl_task_group g; awl_time body; int rc; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    CHECK(awl_task_group_create_task(&self->g, co_call(lingers)) != NULL);
    co_await(awl_sleep(AWL_MS));
    awl_task_group_cancel(&self->g);
    if (self->body)
        co_await(awl_sleep(self->body));
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}

/* A cancellation from outside is not lost beside the group's own, whenever it comes. */
TASK_TEST(a_group_that_ends_early_can_be_cancelled, { awl_task *t; int i, body, rc; })
{
    co_begin;
    for (self->body = 0; self->body < 2; self->body++) {
        for (self->i = 0; self->i < 8; self->i++) {
            self->t = awl_create_task(co_call(ends_early_and_waits, .body = self->body * AWL_SECOND));
            CHECK(self->t != NULL);
            co_await(awl_sleep(self->i * AWL_MS / 4));
            if (awl_task_cancel(self->t)) {
                co_try_cancel(self->rc, self->t);
                CHECK_INT(self->rc, ECANCELED);
            }
            awl_task_release(self->t);
        }
    }
    co_end;
}

co_def(fails_as_it_is_cancelled, { awl_task_group g; int rc; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_MS, .error = EIO));
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    co_try_cancel(self->rc, awl_task_group_exit(&self->g, self->rc));
    say("%d/%u", self->rc == AWL_EGROUP, awl_task_cancelling(awl_current_task()));
    awl_task_group_fini(&self->g);
    co_try_cancel(self->rc, awl_sleep(AWL_SECOND));
    say("%d@%d", self->rc == ECANCELED, now_ms());
    co_raise(self->rc ? self->rc : EIO);
    co_end;
}

static void cancel(void *task) { awl_task_cancel(task); }

TASK_TEST(a_cancellation_that_an_error_hides_comes_at_the_next_await, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(fails_as_it_is_cancelled));
    co_await(awl_sleep(AWL_US)); /* its child has begun to sleep */
    awl_call_at(NULL, NULL, AWL_MS, cancel, self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("1/1 1@1");
    awl_task_release(self->t);
    co_end;
}

co_def(fails_before_it_is_cancelled, { awl_task_group g; int rc; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(lingers));
    co_await(awl_sleep(AWL_MS));
    co_try_cancel(self->rc, awl_task_group_exit(&self->g, EIO));
    say("%d/%u", self->rc == AWL_EGROUP, awl_task_cancelling(awl_current_task()));
    awl_task_group_fini(&self->g);
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

/* As in asyncio: the error of the body hides a cancellation that comes while its children end, until the next await. */
TASK_TEST(a_cancellation_that_the_bodys_error_hides_comes_at_the_next_await, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(fails_before_it_is_cancelled));
    co_await(awl_sleep(AWL_MS + AWL_MS / 2));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_TRACE("1/1");
    CHECK_INT(now_ms(), 2);
    awl_task_release(self->t);
    co_end;
}

co_def(never, {})
{
    co_begin;
    say("never");
    co_end;
}

TASK_TEST(children_that_are_cancelled_before_their_first_step_never_run, { awl_task_group g; int rc; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    awl_task_group_create_task(&self->g, co_call(never));
    co_try(self->rc, awl_task_group_exit(&self->g, EIO));
    CHECK_TRACE("");
    awl_task_group_fini(&self->g);
    co_end;
}

TASK_TEST(an_empty_group_takes_no_iteration, { awl_task_group g; int rc; })
{
    co_begin;
    CHECK_INT(awl_task_group_enter(&self->g), 0);
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK_INT(iteration(), 1);
    co_try(self->rc, awl_task_group_exit(&self->g, EIO)); /* twice, or never entered: the error goes on */
    CHECK_INT(self->rc, EIO);
    co_try(self->rc, awl_task_group_exit(NULL, 0));
    CHECK_INT(self->rc, EINVAL);
    co_end;
}

TASK_TEST(leaving_takes_no_memory, { awl_task_group g; size_t used; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    if (!awl_task_group_create_task(&self->g, co_call(sleeps, .t = AWL_MS)))
        co_raise(ENOMEM);
    self->used = stats_of(NULL).memory_used;
    harness_fail_alloc_from(1);
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK(stats_of(NULL).memory_used < self->used);
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}

TASK_TEST(misuse_of_a_group_is_an_error, { awl_task_group g; })
{
    co_begin;
    CHECK_INT(awl_task_group_enter(NULL), EINVAL);
    CHECK_INT(awl_task_group_enter(&self->g), 0);
    CHECK_INT(awl_task_group_enter(&self->g), EBUSY);
    EXPECT_TRAP(awl_task_group_fini(&self->g), "was entered, but not left");
    co_await(awl_task_group_exit(&self->g, 0));
    awl_task_group_fini(&self->g);
    awl_task_group_fini(NULL);
    CHECK(!awl_task_group_errors(NULL, NULL));
    co_end;
}

co_def(leaves, { awl_task_group *g; })
{
    co_begin;
    co_await(awl_task_group_exit(self->g, 0));
    co_end;
}

co_def(has_it_left, { awl_task_group g; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    co_await(awl_gather(co_call(leaves, .g = &self->g)));
    co_end;
}

TEST(another_task_cannot_leave_a_group)
{
    EXPECT_TRAP(awl_run(co_call(has_it_left)), "another task entered this group");
}

/* Also where the memory of one that was created is used again. */
TASK_TEST(one_that_was_spawned_is_freed_when_it_ends_and_one_created_is_not, { awl_task_group g; int rc, round; size_t used; })
{
    co_begin;
    for (self->round = 0; self->round < 2; self->round++) {
        awl_task_group_enter(&self->g);
        if (!awl_task_group_create_task(&self->g, co_call(sleeps, .value = 7)))
            co_raise(ENOMEM);
        co_await(awl_sleep(AWL_MS));
        CHECK_INT(stats_of(NULL).tasks_held, 1);
        co_try(self->rc, awl_task_group_exit(&self->g, 0));
        CHECK_INT(self->rc, 0);
        self->used = stats_of(NULL).memory_used;
        awl_task_group_enter(&self->g);
        if (awl_task_group_spawn(&self->g, co_call(sleeps, .value = 7)))
            co_raise(ENOMEM);
        co_await(awl_sleep(AWL_MS));
        CHECK_INT(stats_of(NULL).tasks_held, 0);
        CHECK_INT(stats_of(NULL).memory_used, self->used);
        co_try(self->rc, awl_task_group_exit(&self->g, 0));
        CHECK_INT(self->rc, 0);
    }
    co_finally;
    co_try(self->rc, awl_task_group_exit(&self->g, co_failing));
    awl_task_group_fini(&self->g);
    co_end;
}

TASK_TEST(a_task_that_a_group_refuses_takes_no_memory, { awl_task_group g; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    CHECK(!awl_task_group_create_task(&self->g, co_call(sleeps)));
    CHECK(!awl_task_group_create_task(&self->g, co_call(leaves)));
    CHECK(!awl_task_group_create_task(&self->g, awl_wait_for(awl_wait_for(co_call(sleeps), AWL_SECOND), AWL_SECOND)));
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    CHECK(!awl_task_group_create_task(&self->g, awl_gather(co_call(sleeps), co_call(sleeps))));
    CHECK(!awl_task_group_create_task(&self->g, awl_shield(co_call(sleeps))));
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(stats_of(NULL).tasks + stats_of(NULL).tasks_held, 1);
    co_end;
}

static awl_task_group elsewhere;

co_def(makes_a_task_of_leaving, { awl_task_group g; bool on_stack; })
{
    co_begin;
    awl_task_group_enter(self->on_stack ? &self->g : &elsewhere);
    if (self->on_stack)
        co_await(awl_create_task(awl_task_group_exit(&self->g, 0)));
    else
        co_await(awl_create_task(awl_task_group_exit(&elsewhere, 0)));
    co_end;
}

co_def(awaits_one_that_does, {})
{
    co_begin;
    co_await(co_call(makes_a_task_of_leaving, .on_stack = true));
    co_end;
}

TEST(leaving_a_group_is_no_task)
{
    EXPECT_TRAP(awl_run(co_call(awaits_one_that_does)), "another task entered this group");
    EXPECT_TRAP(awl_run(co_call(makes_a_task_of_leaving)), "belongs to another task");
}
