/* test_condition.c: conditions. */
#include "rig.h"

static awl_condition condition;
static awl_lock shared;
static int round_;

co_def(waits, { const char *name; int rc; })
{
    co_begin;
    co_await(awl_condition_acquire(&condition));
    co_try_cancel(self->rc, awl_condition_wait(&condition));
    if (self->rc == ENOMEM)
        co_raise(ENOMEM);
    CHECK(awl_condition_locked(&condition));
    say("%s:%d@%d", self->name, usual(self->rc), iteration() - base);
    co_finally;
    awl_condition_release(&condition);
    co_end;
}

TASK_TEST(it_needs_the_lock, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_condition_wait(&condition));
    CHECK_INT(self->rc, AWL_ENOTLOCKED);
    CHECK_INT(awl_condition_notify(&condition, 1), AWL_ENOTLOCKED);
    CHECK_INT(awl_condition_notify_all(&condition), AWL_ENOTLOCKED);
    CHECK_INT(awl_condition_release(&condition), AWL_ENOTLOCKED);
    CHECK_INT(awl_condition_release(NULL), EINVAL);
    CHECK_INT(awl_condition_notify(NULL, 1), EINVAL);
    CHECK(!awl_condition_locked(NULL));
    co_try(self->rc, awl_condition_wait(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_condition_acquire(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_condition_wait_for(&condition, NULL, NULL));
    CHECK(self->rc == EINVAL || self->rc == ENOMEM);
    awl_condition_fini(NULL);
    co_end;
}

TASK_TEST(those_that_wait_longest_are_notified_and_go_on_with_the_lock, { awl_task *a, *b; })
{
    co_begin;
    awl_condition_init(&condition, &shared);
    self->a = awl_create_task(co_call(waits, .name = "a"));
    self->b = awl_create_task(co_call(waits, .name = "b"));
    co_await(awl_sleep(0));
    co_await(awl_condition_acquire(&condition));
    CHECK(awl_lock_locked(&shared));
    CHECK_PTR(awl_condition_lock(&condition), &shared);
    begin_count();
    CHECK_INT(awl_condition_notify(&condition, 1), 0);
    co_await(awl_sleep(0));
    awl_condition_release(&condition);
    co_await(self->a);
    CHECK_TRACE("a:0@2");
    co_await(awl_condition_acquire(&condition));
    awl_condition_notify_all(&condition);
    awl_condition_release(&condition);
    begin_count();
    co_await(self->b);
    CHECK_TRACE("b:0@1");
    awl_task_release(self->a);
    awl_task_release(self->b);
    awl_condition_init(&condition, NULL);
    co_end;
}

TASK_TEST(cancelled_it_ends_with_the_lock_however_often, { awl_task *a; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .name = "a"));
    co_await(awl_sleep(0));
    co_await(awl_condition_acquire(&condition));
    begin_count();
    awl_task_cancel(self->a);
    co_await(awl_sleep(0));
    awl_task_cancel(self->a);
    co_await(awl_sleep(0));
    awl_task_cancel(self->a);
    co_await(awl_sleep(0));
    CHECK_TRACE("");
    awl_condition_release(&condition);
    co_await(self->a);
    CHECK_TRACE("a:125@4");
    CHECK(!awl_condition_locked(&condition));
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(notified_and_then_cancelled_it_notifies_the_next, { awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .name = "a"));
    self->b = awl_create_task(co_call(waits, .name = "b"));
    co_await(awl_sleep(0));
    co_await(awl_condition_acquire(&condition));
    begin_count();
    awl_condition_notify(&condition, 1);
    awl_condition_release(&condition);
    awl_task_cancel(self->a);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:125@1 b:0@2");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

static bool round_is_2(void *arg) { return *(int *)arg == 2; }

co_def(waits_for_2, { int rc; })
{
    co_begin;
    co_await(awl_condition_acquire(&condition));
    co_await(awl_condition_wait_for(&condition, round_is_2, &round_));
    say("round %d", round_);
    co_finally;
    awl_condition_release(&condition);
    co_end;
}

TASK_TEST(wait_for_goes_on_until_its_predicate_holds, { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(waits_for_2));
    co_await(awl_sleep(0));
    while (round_ < 2) {
        co_await(awl_condition_acquire(&condition));
        round_++;
        awl_condition_notify_all(&condition);
        awl_condition_release(&condition);
        co_await(awl_sleep(0));
    }
    co_await(self->t);
    CHECK_TRACE("round 2");
    awl_task_release(self->t);
    awl_condition_fini(&condition);
    co_end;
}

co_def(waits_once, { bool locked; })
{
    co_begin;
    co_await(awl_condition_acquire(&condition));
    self->locked = true;
    co_await(awl_condition_wait(&condition));
    co_finally;
    if (self->locked)
        awl_condition_release(&condition);
    co_end;
}

co_def(cancelled_while_locked, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(waits_once));
    co_await(awl_sleep(AWL_MS));
    co_await(awl_condition_acquire(&condition));
    awl_task_cancel(self->t);
    co_await(awl_sleep(AWL_MS));
    awl_condition_release(&condition);
    co_try_cancel(self->rc, self->t);
    CHECK(self->rc == ECANCELED || self->rc == EINVAL);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* Who is cancelled waits for the lock before it ends: that is no cancellation that got lost. */
TEST(cancelled_it_takes_the_lock_again_and_debug_does_not_mind)
{
    const awl_loop_options options = { .virtual_time = true, .report = note_report, .debug = true };

    awl_run_with(co_call(cancelled_while_locked), &options, NULL);
    CHECK_REPORTS("");
}
