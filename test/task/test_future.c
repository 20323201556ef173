/* test_future.c: futures: results, errors, callbacks, references. */
#include "rig.h"

RIG_COROUTINES;

static void say_done(awl_future *future, void *word)
{
    say("%s:%d@%d", (const char *)word, usual(awl_future_error(future)), iteration());
}
static void say_also(awl_future *future, void *word) { say_done(future, word); }

/* ---- Results -------------------------------------------------------------------------------------------------------------------- */

TASK_TEST(a_result_is_set_once, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    CHECK(!awl_future_done(&self->f) && !awl_future_cancelled(&self->f));
    CHECK_INT(awl_future_error(&self->f), AWL_EINVALIDSTATE);
    CHECK_INT(awl_future_value(&self->f).i, 0);
    CHECK_INT(awl_future_set_result(&self->f, 5), 0);
    CHECK(awl_future_done(&self->f) && !awl_future_cancelled(&self->f));
    CHECK_INT(awl_future_value(&self->f).i, 5);
    CHECK_INT(awl_future_error(&self->f), 0);
    CHECK_INT(awl_future_set_result(&self->f, 6), AWL_EINVALIDSTATE);
    CHECK_INT(awl_future_set_error(&self->f, EIO), AWL_EINVALIDSTATE);
    CHECK(!awl_future_cancel(&self->f));
    CHECK_INT(awl_future_value(&self->f).i, 5);
    co_end;
}

TASK_TEST(an_error_is_from_1_to_32767, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    CHECK_INT(awl_future_set_error(&self->f, 0), EINVAL);
    CHECK_INT(awl_future_set_error(&self->f, -1), EINVAL);
    CHECK_INT(awl_future_set_error(&self->f, 32768), EINVAL);
    CHECK_INT(awl_future_set_error(NULL, EIO), EINVAL);
    CHECK(!awl_future_done(&self->f));
    CHECK_INT(awl_future_set_error(&self->f, 32767), 0);
    CHECK_INT(awl_future_error(&self->f), 32767);
    co_end;
}

TASK_TEST(a_cancelled_future_has_ECANCELED, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    CHECK(awl_future_cancel(&self->f));
    CHECK(awl_future_done(&self->f) && awl_future_cancelled(&self->f));
    CHECK_INT(awl_future_error(&self->f), ECANCELED);
    CHECK(!awl_future_cancel(&self->f));
    CHECK_INT(awl_future_set_result(&self->f, 1), AWL_EINVALIDSTATE);
    co_end;
}

TASK_TEST(results_of_each_kind, { awl_future f[3]; double d; const char *s; int64_t i; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        awl_future_init(&self->f[i], NULL);
    awl_future_set_result(&self->f[0], 2.5);
    awl_future_set_result(&self->f[1], "text");
    awl_future_set_result(&self->f[2], INT64_MAX);
    co_let(self->d, &self->f[0]);
    co_let(self->s, &self->f[1]);
    co_let(self->i, &self->f[2]);
    CHECK(self->d == 2.5 && self->i == INT64_MAX);
    CHECK_STR(self->s, "text");
    co_end;
}

TASK_TEST(awaiting_what_is_done_does_not_suspend, { awl_future f; int rc; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_result(&self->f, 1);
    co_await(&self->f);
    co_await(awl_await_future(&self->f));
    CHECK_INT(iteration(), 1);
    awl_future_init(&self->f, NULL);
    awl_future_cancel(&self->f);
    co_try_cancel(self->rc, &self->f);
    CHECK_INT(self->rc, ECANCELED);
    CHECK_INT(iteration(), 1);
    co_end;
}

static void set_seven(void *future) { awl_future_set_result((awl_future *)future, 7); }

TASK_TEST(the_waiting_task_goes_on_one_iteration_later, { awl_future f; int value; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_call_soon(NULL, NULL, set_seven, &self->f);
    co_let(self->value, &self->f);
    CHECK_INT(self->value, 7);
    CHECK_INT(iteration(), 3);
    co_end;
}

TEST(no_future_is_let_be)
{
    awl_future zeroed = { .host_ = NULL };

    CHECK(!awl_future_done(NULL) && !awl_future_cancelled(NULL) && !awl_future_cancel(NULL));
    CHECK_INT(awl_future_error(NULL), EINVAL);
    CHECK_INT(awl_future_value(NULL).i, 0);
    CHECK_INT(awl_future_set_result((awl_future *)NULL, 1), EINVAL);
    CHECK_INT(awl_future_add_done_callback(NULL, say_done, NULL), EINVAL);
    CHECK_INT(awl_future_remove_done_callback(NULL, say_done), 0);
    CHECK(awl_future_retain(NULL) == NULL);
    CHECK(awl_future_new(NULL) == NULL);
    awl_future_release(NULL);
    awl_future_release(&zeroed);
    CHECK(!awl_future_cancel(&zeroed));
    CHECK_INT(awl_future_set_result(&zeroed, 1), EINVAL);
    CHECK_INT(awl_future_set_error(&zeroed, 1), EINVAL);
    CHECK_INT(awl_future_remove_done_callback(&zeroed, say_done), 0);
}

/* ---- Callbacks -------------------------------------------------------------------------------------------------------------------- */

TASK_TEST(callbacks_and_tasks_become_ready_in_the_order_they_came, { awl_future *f; awl_task *a, *b; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    awl_future_add_done_callback(self->f, say_done, "x");
    self->a = awl_create_task(co_call(awaits, .name = "a", .future = self->f));
    self->b = awl_create_task(co_call(awaits, .name = "b", .future = self->f));
    co_await(awl_sleep(0));
    awl_future_add_done_callback(self->f, say_done, "y");
    awl_future_set_result(self->f, 4);
    CHECK_TRACE("");
    co_await(self->f);
    CHECK_TRACE("");
    co_await(awl_sleep(0));
    CHECK_TRACE("x:0@3 a:0/4@3 b:0/4@3 y:0@3");
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(a_callback_added_to_what_is_done_is_called_in_the_next_iteration, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_set_error(&self->f, EIO);
    CHECK_INT(awl_future_add_done_callback(&self->f, say_done, "x"), 0);
    CHECK_TRACE("");
    co_await(awl_sleep(0));
    CHECK_TRACE("x:5@2");
    co_end;
}

static void add_another(awl_future *future, void *word)
{
    say_done(future, word);
    awl_future_add_done_callback(future, say_done, "added");
}

TASK_TEST(a_callback_added_by_a_callback_is_called_an_iteration_later, { awl_future f; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    awl_future_add_done_callback(&self->f, add_another, "x");
    awl_future_add_done_callback(&self->f, say_done, "y");
    awl_future_set_result(&self->f, 1);
    co_await(awl_sleep(0));
    CHECK_TRACE("x:0@2 y:0@2");
    co_await(awl_sleep(0));
    CHECK_TRACE("added:0@3");
    co_end;
}

TASK_TEST(removing_a_callback_takes_back_all_of_it, { awl_future f; size_t used; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    self->used = stats_of(NULL).memory_used;
    awl_future_add_done_callback(&self->f, say_done, "no");
    awl_future_add_done_callback(&self->f, say_also, "a");
    awl_future_add_done_callback(&self->f, say_done, "no");
    awl_future_add_done_callback(&self->f, say_also, "b");
    awl_future_add_done_callback(&self->f, say_done, "no");
    CHECK_INT(awl_future_remove_done_callback(&self->f, say_done), 3);
    CHECK_INT(awl_future_remove_done_callback(&self->f, say_done), 0);
    awl_future_set_result(&self->f, 1);
    CHECK_INT(awl_future_remove_done_callback(&self->f, say_also), 0); /* scheduled already */
    co_await(awl_sleep(0));
    CHECK_TRACE("a:0@2 b:0@2");
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TASK_TEST(removing_the_only_callback_of_one_that_is_awaited, { awl_future f; awl_task *t; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    self->t = awl_create_task(co_call(awaits, .name = "t", .future = &self->f));
    co_await(awl_sleep(0));
    awl_future_add_done_callback(&self->f, say_done, "no");
    CHECK_INT(awl_future_remove_done_callback(&self->f, say_done), 1);
    awl_future_set_result(&self->f, 2);
    co_await(self->t);
    CHECK_TRACE("t:0/2@3");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_tasks_callbacks_come_with_its_end, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .error = EIO));
    awl_task_add_done_callback(self->t, say_done, "x");
    awl_task_add_done_callback(self->t, say_also, "no");
    CHECK_INT(awl_task_remove_done_callback(self->t, say_also), 1);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("x:5@4");
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(the_callback_gets_a_future_that_is_alive, { awl_future *f; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    awl_future_add_done_callback(self->f, say_done, "x");
    awl_future_set_result(self->f, 1);
    awl_future_release(self->f); /* the callback still has a reference */
    co_await(awl_sleep(0));
    CHECK_TRACE("x:0@2");
    co_end;
}

/* ---- References and refusals ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(references_are_counted_and_the_memory_given_back, { awl_future *f; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    self->f = awl_future_new(NULL);
    CHECK_PTR(awl_future_retain(self->f), self->f);
    awl_future_release(self->f);
    awl_future_set_result(self->f, 1);
    CHECK_INT(awl_future_value(self->f).i, 1);
    awl_future_release(self->f);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TASK_TEST(a_tasks_result_is_its_own, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps));
    CHECK_INT(awl_future_set_result(awl_task_future(self->t), 1), AWL_EINVALIDSTATE);
    CHECK_INT(awl_future_set_error(awl_task_future(self->t), 1), AWL_EINVALIDSTATE);
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}

TEST(a_future_of_a_loop_that_rests)
{
    awl_loop *loop = open_virtual();
    awl_future *future = awl_future_new(loop);

    CHECK(future != NULL);
    awl_future_add_done_callback(future, say_done, "x");
    awl_future_set_result(future, 1);
    CHECK_TRACE("");
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    CHECK_TRACE("x:0@1");
    awl_future_release(future);
    awl_loop_close(loop);
}

TEST(callbacks_that_were_not_called_are_dropped_with_the_loop)
{
    awl_loop *loop = open_virtual();
    awl_future *future = awl_future_new(loop), other;

    awl_future_init(&other, loop);
    awl_future_add_done_callback(future, say_done, "no");
    awl_future_add_done_callback(&other, say_done, "no");
    awl_future_set_result(&other, 1);
    awl_loop_close(loop);
    CHECK_TRACE("");
}
