/* test_task.c: making tasks, their order, names, results and references. */
#include "rig.h"

RIG_COROUTINES;

co_def(says, { const char *word; })
{
    co_begin;
    say("%s@%d", self->word, iteration());
    co_return(self->word);
    co_end;
}

/* ---- Order --------------------------------------------------------------------------------------------------------------- */

TASK_TEST(tasks_take_their_first_step_in_the_next_iteration_in_order, { awl_task *a, *b, *c; })
{
    co_begin;
    self->a = awl_create_task(co_call(says, .word = "a"));
    awl_call_soon(NULL, NULL, say_it, "callback");
    self->b = awl_create_task(co_call(says, .word = "b"));
    self->c = awl_create_task(co_call(says, .word = "c"));
    CHECK_TRACE("");
    co_await(awl_sleep(0));
    CHECK_TRACE("a@2 callback b@2 c@2");
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->c);
    co_end;
}

TASK_TEST(the_awaiter_goes_on_one_iteration_after_the_end, { awl_task *t; const char *word; })
{
    co_begin;
    self->t = awl_create_task(co_call(says, .word = "t"));
    co_let(self->word, self->t);
    CHECK_STR(self->word, "t");
    CHECK_INT(iteration(), 3);
    co_let(self->word, self->t); /* done: again, and at once */
    CHECK_INT(iteration(), 3);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(awaiting_a_coroutine_object_is_a_plain_call, { const char *word; })
{
    co_begin;
    co_let(self->word, co_call(says, .word = "x"));
    CHECK_STR(self->word, "x");
    CHECK_TRACE("x@1");
    CHECK_INT(stats_of(NULL).tasks, 1);
    co_end;
}

/* ---- Values -------------------------------------------------------------------------------------------------------------- */

static int place;

co_def(gives, { int kind; })
{
    co_begin;
    co_await(awl_sleep(0));
    if (self->kind == 0)
        co_return(INT64_MIN);
    if (self->kind == 1)
        co_return(0.5);
    if (self->kind == 2)
        co_return(&place);
    co_end;
}

TASK_TEST(values_of_each_kind, { awl_task *t[4]; int64_t i; double d; int *p; })
{
    co_begin;
    for (int kind = 0; kind < 4; kind++)
        self->t[kind] = awl_create_task(co_call(gives, .kind = kind));
    co_let(self->i, self->t[0]);
    co_let(self->d, self->t[1]);
    co_let(self->p, self->t[2]);
    CHECK(self->i == INT64_MIN && self->d == 0.5);
    CHECK_PTR(self->p, &place);
    co_let(self->i, self->t[3]);
    CHECK_INT(self->i, 0);
    CHECK(awl_task_value(self->t[1]).d == 0.5);
    CHECK_PTR(awl_task_value(self->t[2]).p, &place);
    for (int kind = 0; kind < 4; kind++)
        awl_task_release(self->t[kind]);
    co_end;
}

TASK_TEST(a_task_that_is_not_done_has_neither_value_nor_error, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 3));
    CHECK(!awl_task_done(self->t) && !awl_task_cancelled(self->t));
    CHECK_INT(awl_task_error(self->t), AWL_EINVALIDSTATE);
    CHECK_INT(awl_task_value(self->t).i, 0);
    co_await(self->t);
    CHECK(awl_task_done(self->t) && !awl_task_cancelled(self->t));
    CHECK_INT(awl_task_error(self->t), 0);
    CHECK_INT(awl_task_value(self->t).i, 3);
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(the_error_is_kept_and_raised_in_each_awaiter, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    co_try(self->rc, self->t);
    CHECK_INT(self->rc, EIO);
    co_try(self->rc, self->t);
    CHECK_INT(self->rc, EIO);
    CHECK_INT(awl_task_error(self->t), EIO);
    CHECK_INT(awl_task_value(self->t).i, 0);
    awl_task_release(self->t);
    co_end;
}

TEST(no_task_is_let_be)
{
    CHECK(!awl_task_done(NULL) && !awl_task_cancelled(NULL));
    CHECK_INT(awl_task_error(NULL), EINVAL);
    CHECK_INT(awl_task_value(NULL).i, 0);
    CHECK(awl_task_name(NULL) == NULL);
    CHECK_INT(awl_task_set_name(NULL, "x"), EINVAL);
    CHECK_INT(awl_task_add_done_callback(NULL, NULL, NULL), EINVAL);
    CHECK_INT(awl_task_remove_done_callback(NULL, NULL), 0);
    CHECK(awl_task_retain(NULL) == NULL);
    awl_task_release(NULL);
    CHECK(awl_current_task() == NULL);
    CHECK_INT(awl_all_tasks(NULL, NULL, 0), 0);
}

/* ---- Names ----------------------------------------------------------------------------------------------------------------- */

TASK_TEST(the_name_is_the_coroutines_before_and_after_the_end, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps));
    CHECK_STR(awl_task_name(self->t), "sleeps");
    co_await(awl_sleep(0));
    CHECK_STR(awl_task_name(self->t), "sleeps");
    co_await(self->t);
    CHECK_STR(awl_task_name(self->t), "sleeps");
    CHECK_STR(awl_task_name(awl_current_task()), "the_name_is_the_coroutines_before_and_after_the_end");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(the_name_can_be_set_and_is_copied, { awl_task *t; size_t used; })
{
    char name[] = "one";

    co_begin;
    self->t = awl_create_task(co_call(sleeps));
    self->used = stats_of(NULL).memory_used;
    CHECK_INT(awl_task_set_name(self->t, strcpy(name, "one")), 0);
    name[0] = 'X';
    CHECK_STR(awl_task_name(self->t), "one");
    CHECK_INT(awl_task_set_name(self->t, "quite a long name, longer than the first"), 0);
    CHECK_STR(awl_task_name(self->t), "quite a long name, longer than the first");
    CHECK_INT(awl_task_set_name(self->t, awl_task_name(self->t)), 0);
    CHECK_INT(awl_task_set_name(self->t, NULL), EINVAL);
    co_await(self->t);
    CHECK_STR(awl_task_name(self->t), "quite a long name, longer than the first");
    awl_task_release(self->t);
    CHECK(stats_of(NULL).memory_used < self->used);
    co_end;
}

/* ---- The tasks of a loop ------------------------------------------------------------------------------------------------------ */

static void no_current(void *arg)
{
    (void)arg;
    CHECK(awl_current_task() == NULL);
    say("checked");
}

co_def(is_current, { awl_task **me; })
{
    co_begin;
    CHECK_PTR(awl_current_task(), *self->me);
    co_await(awl_sleep(0));
    CHECK_PTR(awl_current_task(), *self->me);
    co_end;
}

TASK_TEST(the_current_task_is_the_one_that_runs, { awl_task *me, *t; })
{
    co_begin;
    self->me = awl_current_task();
    CHECK(self->me != NULL);
    self->t = awl_create_task(co_call(is_current, .me = &self->t));
    awl_call_soon(NULL, NULL, no_current, NULL);
    co_await(self->t);
    CHECK_PTR(awl_current_task(), self->me);
    CHECK_TRACE("checked");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(all_tasks_are_those_not_done_oldest_first, { awl_task *t[3], *all[8]; })
{
    co_begin;
    self->t[0] = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    self->t[1] = awl_create_task(co_call(sleeps));
    self->t[2] = awl_create_task(co_call(sleeps, .t = AWL_SECOND));
    CHECK_INT(awl_all_tasks(NULL, self->all, 8), 4);
    co_await(self->t[1]);
    CHECK_INT(awl_all_tasks(NULL, self->all, 8), 3);
    CHECK_PTR(self->all[0], awl_current_task());
    CHECK_PTR(self->all[1], self->t[0]);
    CHECK_PTR(self->all[2], self->t[2]);
    self->all[1] = NULL;
    CHECK_INT(awl_all_tasks(awl_running_loop(), self->all, 1), 3);
    CHECK(self->all[1] == NULL);
    CHECK_INT(awl_all_tasks(NULL, NULL, 0), 3);
    for (int i = 0; i < 3; i++)
        awl_task_release(self->t[i]);
    co_end;
}

TASK_TEST(stats_count_tasks_alive_and_held, { awl_task *t; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    self->t = awl_create_task(co_call(sleeps));
    CHECK_INT(stats_of(NULL).tasks, 2);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_await(self->t);
    CHECK_INT(stats_of(NULL).tasks, 1);
    CHECK_INT(stats_of(NULL).tasks_held, 1);
    awl_task_release(self->t);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

/* ---- References ---------------------------------------------------------------------------------------------------------------- */

TASK_TEST(released_while_it_runs_it_goes_on_and_is_freed, { size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    awl_task_release(awl_create_task(co_call(tells, .name = "t", .t = AWL_MS)));
    co_await(awl_sleep(3 * AWL_MS));
    CHECK_TRACE("t:starts@2 t:slept@4 t:ends@4");
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(retained_it_outlives_one_release, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .value = 6));
    CHECK_PTR(awl_task_retain(self->t), self->t);
    awl_task_release(self->t);
    co_await(self->t);
    CHECK_INT(awl_task_value(self->t).i, 6);
    awl_task_release(self->t);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(released_while_awaited_it_lives_until_the_awaiter_has_its_value, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 6));
    awl_call_soon(NULL, NULL, (awl_fn *)awl_task_release, self->t);
    co_let(self->value, self->t);
    CHECK_INT(self->value, 6);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_end;
}

TASK_TEST(spawned_tasks_run_and_are_freed, { size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    CHECK_INT(awl_spawn(co_call(tells, .name = "t", .t = 0)), 0);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("t:starts@2 t:slept@3 t:ends@3");
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TASK_TEST(a_task_not_released_is_freed_with_its_loop, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 10; self->i++)
        CHECK(awl_create_task(co_call(sleeps)) != NULL);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(stats_of(NULL).tasks_held, 10);
    co_end;
}

TEST(create_task_without_a_running_loop_traps)
{
    EXPECT_TRAP(awl_task_release(awl_create_task(co_call(sleeps))), "test_task.c:");
    EXPECT_TRAP(awl_task_release(awl_create_task(co_call(sleeps))), "awl_create_task needs a running loop");
    EXPECT_TRAP((void)awl_spawn(co_call(sleeps)), "needs a running loop");
}
