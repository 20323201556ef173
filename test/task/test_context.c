/* test_context.c: context variables. */
#include "rig.h"

RIG_COROUTINES;

static const awl_context_var user = { .name = "user", .initial = { .i = 1 } };
static const awl_context_var words[6];

static int get(void) { return (int)awl_context_get(&user).i; }

co_def(sets, { const char *name; int value; })
{
    co_begin;
    say("%s:%d", self->name, get());
    if (self->value && awl_context_set(&user, self->value, NULL))
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    say("%s:%d", self->name, get());
    co_end;
}

TASK_TEST(a_task_has_the_values_of_its_creator_and_its_own, { awl_task *a, *b; })
{
    co_begin;
    CHECK_INT(get(), 1);
    if (awl_context_set(&user, 2, NULL))
        co_raise(ENOMEM);
    self->a = awl_create_task(co_call(sets, .name = "a", .value = 3));
    self->b = awl_create_task_eager(co_call(sets, .name = "b", .value = 4));
    if (!self->a || !self->b)
        co_raise(ENOMEM);
    if (awl_context_set(&user, 5, NULL))
        co_raise(ENOMEM);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("b:2 a:2 b:4 a:3");
    CHECK_INT(get(), 5);
    CHECK_STR(awl_task_name(self->a), "sets");
    co_finally;
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_coroutine_that_is_awaited_shares_them, {})
{
    co_begin;
    co_await(co_call(sets, .name = "a", .value = 3));
    CHECK_INT(get(), 3);
    co_await(awl_wait_for(co_call(sets, .name = "b", .value = 4), AWL_SECOND));
    CHECK_INT(get(), 4);
    co_end;
}

static void show(void *name)
{
    say("%s:%d", (const char *)name, get());
    awl_context_set(&user, 9, NULL);
}
static void show_done(awl_future *future, void *name)
{
    (void)future;
    show(name);
}

static awl_handle soon, later, never; /* they outlive a test that fails early */
static awl_future done;

TASK_TEST(callbacks_have_those_of_who_registered_them, { awl_future *f; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    awl_call_later(NULL, NULL, 3 * AWL_MS, show, "before");
    if (!self->f || awl_context_set(&user, 2, NULL))
        co_raise(ENOMEM);
    awl_call_soon(NULL, &soon, show, "soon");
    awl_call_later(NULL, &later, AWL_MS, show, "later");
    awl_call_later(NULL, &never, AWL_MS, show, "never");
    awl_future_add_done_callback(self->f, show_done, "done");
    awl_future_add_done_callback(self->f, show_done, "done");
    if (awl_context_set(&user, 3, NULL))
        co_raise(ENOMEM);
    awl_handle_cancel(&never);
    awl_future_set_result(self->f, 1);
    co_await(awl_sleep(5 * AWL_MS));
    CHECK_TRACE("soon:2 done:2 done:2 later:2 before:1");
    CHECK_INT(get(), 3);
    co_finally;
    awl_future_release(self->f);
    co_end;
}

static void first(void *arg)
{
    (void)arg;
    awl_context_set(&user, 7, NULL);
    say("first:%d", get());
}

TASK_TEST(the_first_variable_may_be_set_in_a_callback, {})
{
    co_begin;
    awl_future_init(&done, NULL);
    awl_future_add_done_callback(&done, show_done, "second");
    awl_call_soon(NULL, NULL, first, NULL);
    awl_future_set_result(&done, 1);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("first:7 second:1");
    CHECK_INT(get(), 1);
    co_end;
}

TASK_TEST(a_value_can_be_set_back, { awl_context_token a, b; })
{
    co_begin;
    if (awl_context_set(&user, 2, &self->a) || awl_context_set(&user, 3, &self->b))
        co_raise(ENOMEM);
    CHECK_INT(awl_context_reset(&self->b), 0);
    CHECK_INT(get(), 2);
    CHECK_INT(awl_context_reset(&self->a), 0);
    CHECK_INT(get(), 1);
    CHECK_INT(awl_context_reset(&self->a), AWL_EINVALIDSTATE);
    CHECK_INT(awl_context_reset(NULL), EINVAL);
    co_end;
}

co_def(resets, { awl_context_token *token; })
{
    co_begin;
    CHECK_INT(awl_context_reset(self->token), EINVAL);
    co_end;
}

static awl_context_token token;

TASK_TEST(another_task_cannot_set_it_back, {})
{
    co_begin;
    if (awl_context_set(&user, 2, &token))
        co_raise(ENOMEM);
    co_await(awl_gather(co_call(resets, .token = &token)));
    CHECK_INT(awl_context_reset(&token), 0);
    co_end;
}

TASK_TEST(any_number_of_variables_of_any_kind, { int i; awl_task *t; char *text; })
{
    co_begin;
    for (self->i = 0; self->i < 6; self->i++) {
        if (awl_context_set(&words[self->i], self->i * 1.5, NULL))
            co_raise(ENOMEM);
        self->t = awl_create_task(co_call(sleeps)); /* shares the context, which is copied at the next set */
        if (!self->t)
            co_raise(ENOMEM);
        awl_task_set_name(self->t, "named");
        co_await(self->t);
        awl_task_release(self->t);
        self->t = NULL;
    }
    for (int i = 0; i < 6; i++)
        CHECK(awl_context_get(&words[i]).d == i * 1.5);
    if (awl_context_set(&user, "text", NULL))
        co_raise(ENOMEM);
    CHECK_STR((char *)awl_context_get(&user).p, "text");
    co_finally;
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(who_uses_none_pays_nothing, { awl_task *t; size_t used; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    CHECK_INT(get(), 1);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TEST(without_a_loop_there_is_the_initial_value)
{
    CHECK_INT(get(), 1);
    CHECK_INT(awl_context_get(NULL).i, 0);
    CHECK_INT(awl_context_set(&user, 1, NULL), EINVAL);
}

static const awl_context_var number = { "number", { .i = -1 } };
static int called;

static void is_number(void *arg)
{
    CHECK_INT(awl_context_get(&number).i, (int)(intptr_t)arg);
    called++;
}

co_def(has_number, { int n; awl_handle handle; })
{
    co_begin;
    if (awl_context_set(&number, self->n, NULL))
        co_raise(ENOMEM);
    awl_call_later(NULL, &self->handle, self->n % 3 * AWL_MS, is_number, (void *)(intptr_t)self->n);
    co_await(awl_sleep(self->n % 5 * AWL_MS));
    co_finally;
    awl_handle_cancel(&self->handle);
    co_end;
}

/* The places that contexts leave are used again. */
TASK_TEST(any_number_of_contexts_come_and_go, { awl_task_group g; int i; })
{
    co_begin;
    awl_task_group_enter(&self->g);
    for (self->i = 0; self->i < 200; self->i++) {
        if (awl_task_group_spawn(&self->g, co_call(has_number, .n = self->i)))
            co_raise(ENOMEM);
        if (self->i % 7 == 0)
            co_await(awl_sleep(AWL_MS));
    }
    co_await(awl_task_group_exit(&self->g, 0));
    CHECK(called >= 80);
    co_finally;
    co_try_cancel(self->i, awl_task_group_exit(&self->g, co_failing));
    awl_task_group_fini(&self->g);
    if (self->i)
        co_raise(self->i == AWL_EGROUP ? ENOMEM : self->i);
    co_end;
}

co_def(sets_many, { awl_task *t; int i; })
{
    co_begin;
    for (self->i = 1; self->i < 6; self->i++) {
        if (awl_context_set(&user, self->i, NULL) || awl_context_set(&words[self->i], self->i, NULL))
            co_raise(ENOMEM);
        self->t = awl_create_task(co_call(sets, .name = "t", .value = self->i == 3 ? 7 : 0));
        if (!self->t)
            co_raise(ENOMEM);
        if (awl_context_set(&user, 9, NULL))
            co_raise(ENOMEM);
        co_await(self->t);
        awl_task_release(self->t);
        self->t = NULL;
    }
    co_finally;
    trace[0] = '\0';
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(contexts_go_with_the_tasks_that_have_them, { awl_task *t; int i; size_t used; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        self->t = awl_create_task(co_call(sets_many));
        co_await(self->t);
        awl_task_release(self->t);
        self->t = NULL;
        if (self->i == 0) /* the loop keeps what it holds them in */
            self->used = stats_of(NULL).memory_used;
        CHECK_INT(stats_of(NULL).memory_used, self->used);
    }
    co_finally;
    awl_task_release(self->t);
    co_end;
}

static awl_context_token foreign;

static void set_in_callback(void *arg)
{
    (void)arg;
    awl_context_set(&user, 4, &foreign);
}

static void reset_in_callback(void *rc)
{
    awl_context_set(&words[0], 1, NULL); /* so that it has a context */
    *(int *)rc = awl_context_reset(&foreign);
}

static int reset_rc;

TASK_TEST(a_callback_cannot_reset_what_another_one_set, {})
{
    co_begin;
    reset_rc = -1;
    foreign = (awl_context_token){ 0 };
    if (awl_call_soon(NULL, NULL, set_in_callback, NULL) || awl_call_soon(NULL, NULL, reset_in_callback, &reset_rc))
        co_raise(ENOMEM);
    co_await(awl_sleep(AWL_MS));
    if (!foreign.var_ || reset_rc == ENOMEM)
        co_raise(ENOMEM);
    CHECK_INT(reset_rc, EINVAL);
    co_end;
}

co_def(sets_and_waits, {})
{
    co_begin;
    if (awl_context_set(&user, 3, NULL))
        co_raise(ENOMEM);
    co_await(awl_sleep(AWL_MS));
    co_end;
}

TASK_TEST(each_context_takes_as_much_as_the_one_before, { awl_task *t[4]; size_t used[4]; })
{
    co_begin;
    for (int i = 0; i < 4; i++) {
        self->t[i] = awl_create_task_eager(co_call(sets_and_waits));
        self->used[i] = stats_of(NULL).memory_used;
    }
    for (int i = 0; i < 4; i++)
        if (!self->t[i] || awl_task_done(self->t[i]))
            co_raise(ENOMEM);
    CHECK_INT(self->used[2] - self->used[1], self->used[3] - self->used[2]);
    co_finally;
    for (int i = 0; i < 4; i++) {
        if (awl_task_done(self->t[i]))
            awl_task_error(self->t[i]);
        awl_task_release(self->t[i]);
    }
    co_end;
}
