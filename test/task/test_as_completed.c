/* test_as_completed.c: awl_as_completed. */
#include "rig.h"

RIG_COROUTINES;

typedef struct three {
    awl_task *t[3];
    awl_as_completed it;
} three;

static int start(three *all, awl_time a, awl_time b, awl_time c, awl_time timeout)
{
    const awl_time times[] = { a, b, c };

    for (int i = 0; i < 3; i++)
        all->t[i] = awl_create_task(co_call(sleeps, .t = times[i], .value = i, .error = times[i] == 2 * AWL_MS ? EIO : 0));
    return awl_as_completed_init(&all->it, all->t, 3, timeout);
}

static void stop(three *all)
{
    awl_as_completed_close(&all->it);
    for (int i = 0; i < 3; i++) {
        awl_task_error(all->t[i]);
        awl_task_release(all->t[i]);
    }
}

TASK_TEST(they_come_in_the_order_of_their_ends, { three a; awl_task *t; })
{
    co_begin;
    if (start(&self->a, 3 * AWL_MS, AWL_MS, 2 * AWL_MS, AWL_FOREVER))
        co_raise(ENOMEM);
    while (awl_as_completed_left(&self->a.it)) {
        co_let(self->t, awl_as_completed_next(&self->a.it));
        say("%d/%d@%d", (int)awl_task_value(self->t).i, awl_task_error(self->t), now_ms());
    }
    CHECK_TRACE("1/0@1 0/5@2 0/0@3");
    co_finally;
    stop(&self->a);
    co_end;
}

TASK_TEST(after_the_last_one_it_is_AWL_EEND, { three a; int rc; })
{
    co_begin;
    if (start(&self->a, 0, 0, 0, AWL_FOREVER))
        co_raise(ENOMEM);
    while (awl_as_completed_left(&self->a.it))
        co_await(awl_as_completed_next(&self->a.it));
    co_try(self->rc, awl_as_completed_next(&self->a.it));
    CHECK_INT(self->rc, AWL_EEND);
    co_finally;
    stop(&self->a);
    co_end;
}

TASK_TEST(what_is_late_is_ETIMEDOUT_each_time, { three a; int i, rc; })
{
    co_begin;
    if (start(&self->a, AWL_MS, AWL_SECOND, AWL_SECOND, 5 * AWL_MS))
        co_raise(ENOMEM);
    for (self->i = 0; self->i < 4; self->i++) {
        co_try(self->rc, awl_as_completed_next(&self->a.it));
        say("%s", self->rc == ETIMEDOUT ? "late" : self->rc == AWL_EEND ? "end" : "done");
    }
    CHECK_TRACE("done late late end");
    CHECK_INT(now_ms(), 5);
    CHECK(!awl_task_done(self->a.t[1]));
    co_finally;
    stop(&self->a);
    co_end;
}

co_def(takes_next, { awl_as_completed *it; const char *name; int rc; awl_task *t; })
{
    co_begin;
    co_try_cancel(self->rc, awl_as_completed_next(self->it));
    if (!self->rc)
        co_result(self->t);
    say("%s:%s", self->name, self->rc ? awl_strerror(self->rc) : "got");
    co_end;
}

TASK_TEST(several_can_wait_and_one_be_cancelled, { three a; awl_task *x, *y; })
{
    co_begin;
    if (start(&self->a, AWL_MS, 3 * AWL_MS, 5 * AWL_MS, AWL_FOREVER))
        co_raise(ENOMEM);
    self->x = awl_create_task(co_call(takes_next, .it = &self->a.it, .name = "x"));
    self->y = awl_create_task(co_call(takes_next, .it = &self->a.it, .name = "y"));
    co_await(awl_sleep(0));
    awl_task_cancel(self->x);
    co_await(self->y);
    CHECK_TRACE("x:cancelled y:got");
    CHECK_INT(now_ms(), 1);
    CHECK_INT(awl_as_completed_left(&self->a.it), 1);
    co_finally;
    awl_task_release(self->x);
    awl_task_release(self->y);
    stop(&self->a);
    co_end;
}

/* The first getter is cancelled, but has not run yet, when something comes: the second one has it. */
TASK_TEST(nothing_is_lost_to_a_getter_that_was_cancelled, { three a; awl_future *f[2]; awl_as_completed it; awl_task *x, *y; })
{
    co_begin;
    self->f[0] = awl_future_new(NULL);
    if (!self->f[0] || start(&self->a, AWL_SECOND, AWL_SECOND, AWL_SECOND, AWL_FOREVER))
        co_raise(ENOMEM);
    self->f[1] = awl_task_future(self->a.t[0]);
    if (awl_as_completed_init(&self->it, self->f, 2, AWL_FOREVER))
        co_raise(ENOMEM);
    self->x = awl_create_task(co_call(takes_next, .it = &self->it, .name = "x"));
    self->y = awl_create_task(co_call(takes_next, .it = &self->it, .name = "y"));
    CHECK(self->x && self->y); /* tasks refer to what is here */
    co_await(awl_sleep(0));
    awl_future_set_result(self->f[0], 1);
    awl_task_cancel(self->x);
    co_await(self->y);
    CHECK_TRACE("x:cancelled y:got");
    CHECK_INT(now_ms(), 0);
    co_finally;
    trace[0] = '\0';
    awl_as_completed_close(&self->it);
    awl_future_release(self->f[0]);
    awl_task_release(self->x);
    awl_task_release(self->y);
    stop(&self->a);
    co_end;
}

TASK_TEST(closing_gives_all_memory_back, { awl_future *f; awl_as_completed it; size_t used; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    if (!self->f)
        co_raise(ENOMEM);
    self->used = stats_of(NULL).memory_used;
    if (awl_as_completed_init(&self->it, &self->f, 1, AWL_SECOND))
        co_raise(ENOMEM);
    awl_as_completed_close(&self->it);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_finally;
    awl_future_release(self->f);
    co_end;
}

TASK_TEST(closing_ends_those_that_wait, { three a; awl_task *x; })
{
    co_begin;
    if (start(&self->a, AWL_SECOND, AWL_SECOND, AWL_SECOND, AWL_SECOND))
        co_raise(ENOMEM);
    self->x = awl_create_task(co_call(takes_next, .it = &self->a.it, .name = "x"));
    co_await(awl_sleep(0));
    awl_as_completed_close(&self->a.it);
    co_await(self->x);
    CHECK_TRACE("x:there is nothing more");
    co_finally;
    awl_task_release(self->x);
    stop(&self->a);
    co_end;
}

TASK_TEST(one_that_is_there_twice_counts_once, { awl_future *f[4], a, b; awl_as_completed it; awl_future *got; })
{
    co_begin;
    awl_future_init(&self->a, NULL);
    awl_future_init(&self->b, NULL);
    awl_future_set_result(&self->b, 1);
    self->f[0] = self->f[1] = &self->a;
    self->f[2] = self->f[3] = &self->b;
    if (awl_as_completed_init(&self->it, self->f, 4, AWL_FOREVER))
        co_raise(ENOMEM);
    CHECK_INT(awl_as_completed_left(&self->it), 2);
    co_let(self->got, awl_as_completed_next(&self->it));
    CHECK(self->got == &self->b);
    awl_future_cancel(&self->a);
    co_let(self->got, awl_as_completed_next(&self->it));
    CHECK(self->got == &self->a);
    co_finally;
    awl_as_completed_close(&self->it);
    co_end;
}

TASK_TEST(bad_arguments_are_errors, { awl_as_completed it; awl_future *none[1]; int rc; })
{
    co_begin;
    CHECK_INT(awl_as_completed_init(&self->it, self->none, 1, AWL_FOREVER), EINVAL);
    CHECK_INT(awl_as_completed_init((awl_as_completed *)NULL, self->none, 0, AWL_FOREVER), EINVAL);
    co_try(self->rc, awl_as_completed_next(&self->it));
    CHECK_INT(self->rc, AWL_EEND);
    co_try(self->rc, awl_as_completed_next(NULL));
    CHECK_INT(self->rc, EINVAL);
    self->rc = awl_as_completed_init(&self->it, self->none, 0, AWL_FOREVER);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(awl_as_completed_init(&self->it, self->none, 0, AWL_FOREVER), EBUSY);
    CHECK_INT(awl_as_completed_left(NULL), 0);
    co_finally;
    awl_as_completed_close(&self->it);
    awl_as_completed_close(NULL);
    co_end;
}

static awl_as_completed shared;

co_def(asks, { int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_as_completed_next(&shared));
    say("%d@%d", usual(self->rc), iteration());
    co_end;
}

static void close_shared(awl_future *future, void *arg)
{
    (void)future, (void)arg;
    awl_as_completed_close(&shared);
}

/* The one that was told that there is something has not run when it is closed; another one was cancelled. */
TASK_TEST(closed_before_those_run_that_were_told, { awl_future f; awl_task *a, *b, *c; awl_future *all[1]; })
{
    co_begin;
    awl_future_init(&self->f, NULL);
    self->all[0] = &self->f;
    if (awl_as_completed_init(&shared, self->all, 1, AWL_FOREVER))
        co_raise(ENOMEM);
    shared.left_ = 3; /* as if there were more to come */
    self->a = awl_create_task(co_call(asks));
    self->b = awl_create_task(co_call(asks));
    self->c = awl_create_task(co_call(asks));
    if (!self->a || !self->b || !self->c || awl_future_add_done_callback(&self->f, close_shared, NULL))
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    awl_future_set_result(&self->f, 1);
    awl_task_cancel(self->b);
    co_await(awl_sleep(0));
    memset(&shared, 0xa5, sizeof shared); /* nobody looks at it any more */
    co_await(awl_sleep(0));
    memset(&shared, 0, sizeof shared);
    CHECK(awl_task_done(self->a) && awl_task_done(self->b) && awl_task_done(self->c));
    CHECK_TRACE("125@3 1006@4 1006@4");
    co_finally;
    awl_as_completed_close(&shared);
    awl_task_cancel(self->a);
    awl_task_cancel(self->b);
    awl_task_cancel(self->c);
    co_await(awl_sleep(0));
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_task_release(self->c);
    co_end;
}

TASK_TEST(what_it_hands_out_is_a_pointer, { three a; awl_task *next; void *got; })
{
    co_begin;
    if (start(&self->a, 0, 0, 0, AWL_FOREVER))
        co_raise(ENOMEM);
    self->next = awl_create_task(awl_as_completed_next(&self->a.it));
    co_let(self->got, self->next);
    CHECK(self->got == self->a.t[0]);
    CHECK_INT(awl_task_future(self->next)->kind_, CO_POINTER);
    co_finally;
    awl_task_release(self->next);
    stop(&self->a);
    co_end;
}

TASK_TEST(the_second_one_that_waits_can_be_cancelled, { three a; awl_task *x, *y; int rc; })
{
    co_begin;
    if (start(&self->a, AWL_MS, AWL_SECOND, AWL_SECOND, AWL_FOREVER))
        co_raise(ENOMEM);
    self->x = awl_create_task(co_call(takes_next, .it = &self->a.it, .name = "x"));
    self->y = awl_create_task(co_call(takes_next, .it = &self->a.it, .name = "y"));
    CHECK(self->x && self->y); /* tasks refer to what is here */
    co_await(awl_sleep(0));
    awl_task_cancel(self->y);
    co_await(self->x);
    CHECK_TRACE("y:cancelled x:got");
    co_finally;
    trace[0] = '\0';
    awl_task_release(self->x);
    awl_task_release(self->y);
    stop(&self->a);
    co_end;
}

/* One is cancelled while something comes for the first: those behind it keep their places. */
TASK_TEST(those_that_wait_keep_their_order, { awl_future *f[4]; awl_as_completed it; awl_task *w[4]; int i; })
{
    static const char *const names[] = { "a", "b", "c", "d" };

    co_begin;
    for (int i = 0; i < 4; i++)
        self->f[i] = awl_future_new(NULL);
    if (!self->f[0] || !self->f[1] || !self->f[2] || !self->f[3] ||
        awl_as_completed_init(&self->it, self->f, 4, AWL_FOREVER))
        co_raise(ENOMEM);
    for (int i = 0; i < 4; i++)
        self->w[i] = awl_create_task(co_call(takes_next, .it = &self->it, .name = names[i]));
    if (!self->w[0] || !self->w[1] || !self->w[2] || !self->w[3])
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    awl_future_set_result(self->f[0], 1);
    awl_task_cancel(self->w[1]);
    co_await(awl_sleep(AWL_MS));
    awl_future_set_result(self->f[1], 1);
    co_await(awl_sleep(AWL_MS));
    awl_future_set_result(self->f[2], 1);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("b:cancelled a:got c:got d:got");
    co_finally;
    awl_as_completed_close(&self->it);
    for (int i = 0; i < 4; i++) {
        awl_future_release(self->f[i]);
        awl_task_release(self->w[i]);
    }
    co_await(awl_sleep(AWL_MS));
    trace[0] = '\0';
    co_end;
}
