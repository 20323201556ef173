/* test_lock.c: locks. */
#include "rig.h"

static awl_lock lock;

co_def(holds, { const char *name; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_lock_acquire(&lock));
    if (self->rc == ENOMEM)
        co_raise(ENOMEM);
    say("%s:%d@%d", self->name, usual(self->rc), iteration() - base);
    if (!self->rc)
        awl_lock_release(&lock);
    co_end;
}

TASK_TEST(a_free_lock_is_taken_without_a_suspension, { int before; })
{
    co_begin;
    self->before = iteration();
    co_await(awl_lock_acquire(&lock));
    CHECK(awl_lock_locked(&lock));
    CHECK_INT(iteration(), self->before);
    CHECK_INT(awl_lock_release(&lock), 0);
    CHECK(!awl_lock_locked(&lock));
    CHECK_INT(awl_lock_release(&lock), AWL_ENOTLOCKED);
    CHECK_INT(awl_lock_release(NULL), EINVAL);
    awl_lock_init(&lock);
    awl_lock_fini(&lock);
    awl_lock_fini(NULL);
    co_try(self->before, awl_lock_acquire(NULL));
    CHECK_INT(self->before, EINVAL);
    co_end;
}

TASK_TEST(waiters_take_it_in_their_order_and_nobody_overtakes_them, { awl_task *a, *b; })
{
    co_begin;
    co_await(awl_lock_acquire(&lock));
    self->a = awl_create_task(co_call(holds, .name = "a"));
    self->b = awl_create_task(co_call(holds, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_lock_release(&lock);
    co_await(co_call(holds, .name = "me"));
    CHECK_TRACE("a:0@1 b:0@2 me:0@3");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(woken_and_then_cancelled_it_hands_the_lock_on, { awl_task *a, *b; })
{
    co_begin;
    co_await(awl_lock_acquire(&lock));
    self->a = awl_create_task(co_call(holds, .name = "a"));
    self->b = awl_create_task(co_call(holds, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_lock_release(&lock);
    awl_task_cancel(self->a);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:125@1 b:0@2");
    CHECK(!awl_lock_locked(&lock));
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(cancelled_and_then_released_the_next_one_has_it, { awl_task *a, *b; })
{
    co_begin;
    co_await(awl_lock_acquire(&lock));
    self->a = awl_create_task(co_call(holds, .name = "a"));
    self->b = awl_create_task(co_call(holds, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_task_cancel(self->a);
    awl_lock_release(&lock);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:125@1 b:0@2");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(a_time_limit_of_zero_takes_nothing, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(awl_lock_acquire(&lock), 0));
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK(!awl_lock_locked(&lock));
    co_await(awl_lock_acquire(&lock));
    co_try(self->rc, awl_wait_for(awl_lock_acquire(&lock), AWL_SECOND));
    CHECK_INT(self->rc, ETIMEDOUT);
    awl_lock_release(&lock);
    co_await(awl_lock_acquire(&lock));
    awl_lock_release(&lock);
    co_end;
}

enum { MANY = 100 };

TASK_TEST(waiting_allocates_nothing, { awl_task *tasks[MANY]; size_t used; int i; })
{
    co_begin;
    co_await(awl_lock_acquire(&lock));
    for (int i = 0; i < MANY; i++)
        self->tasks[i] = awl_create_task(co_call(holds, .name = "x"));
    self->used = stats_of(NULL).memory_used;
    co_await(awl_sleep(0));
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    for (int i = 0; i < MANY; i += 2)
        awl_task_cancel(self->tasks[i]);
    awl_lock_release(&lock);
    for (self->i = 0; self->i < MANY; self->i++) {
        co_await(self->tasks[self->i]);
        awl_task_release(self->tasks[self->i]);
    }
    CHECK(!awl_lock_locked(&lock));
    co_end;
}

TASK_TEST(taking_it_may_be_a_task_of_its_own, { awl_lock of; awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(awl_lock_acquire(&self->of));
    self->b = awl_create_task(awl_lock_acquire(&self->of));
    CHECK(self->a && self->b && !awl_lock_locked(&self->of));
    co_await(awl_sleep(0));
    CHECK(awl_task_done(self->a) && !awl_task_done(self->b));
    co_await(self->a);
    CHECK_INT(awl_lock_release(&self->of), 0);
    co_await(self->b);
    CHECK(awl_lock_locked(&self->of));
    co_finally;
    awl_task_cancel(self->b);
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}
