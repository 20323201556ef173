/* test_semaphore.c: semaphores, with a bound and without. */
#include "rig.h"

static awl_semaphore semaphore = AWL_SEMAPHORE_INIT(1);

co_def(takes, { const char *name; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_semaphore_acquire(&semaphore));
    if (self->rc == ENOMEM)
        co_raise(ENOMEM);
    say("%s:%d@%d", self->name, usual(self->rc), iteration() - base);
    co_end;
}

TASK_TEST(units_are_taken_and_given_back, { int before; })
{
    co_begin;
    self->before = iteration();
    CHECK(!awl_semaphore_locked(&semaphore));
    co_await(awl_semaphore_acquire(&semaphore));
    CHECK(awl_semaphore_locked(&semaphore));
    CHECK_INT(awl_semaphore_release(&semaphore), 0);
    CHECK_INT(awl_semaphore_release(&semaphore), 0);
    co_await(awl_semaphore_acquire(&semaphore));
    co_await(awl_semaphore_acquire(&semaphore));
    CHECK_INT(iteration(), self->before);
    awl_semaphore_fini(&semaphore);
    co_end;
}

TASK_TEST(the_bound_is_kept, { int rc; })
{
    co_begin;
    awl_semaphore_init_bounded(&semaphore, 1);
    CHECK_INT(awl_semaphore_release(&semaphore), AWL_EOVERRELEASE);
    co_await(awl_semaphore_acquire(&semaphore));
    CHECK_INT(awl_semaphore_release(&semaphore), 0);
    CHECK_INT(awl_semaphore_release(NULL), EINVAL);
    CHECK(!awl_semaphore_locked(NULL));
    awl_semaphore_init(&semaphore, SIZE_MAX);
    CHECK_INT(awl_semaphore_release(&semaphore), EOVERFLOW);
    co_try(self->rc, awl_semaphore_acquire(NULL));
    CHECK_INT(self->rc, EINVAL);
    awl_semaphore_fini(NULL);
    co_end;
}

TASK_TEST(a_unit_is_the_first_waiters_at_once, { awl_task *a, *b; })
{
    co_begin;
    awl_semaphore_init(&semaphore, 0);
    self->a = awl_create_task(co_call(takes, .name = "a"));
    self->b = awl_create_task(co_call(takes, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_semaphore_release(&semaphore);
    CHECK(awl_semaphore_locked(&semaphore));
    awl_semaphore_release(&semaphore);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:0@1 b:0@1");
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(woken_and_then_cancelled_it_hands_the_unit_on, { awl_task *a, *b; })
{
    co_begin;
    awl_semaphore_init(&semaphore, 0);
    self->a = awl_create_task(co_call(takes, .name = "a"));
    self->b = awl_create_task(co_call(takes, .name = "b"));
    co_await(awl_sleep(0));
    begin_count();
    awl_semaphore_release(&semaphore);
    awl_task_cancel(self->a);
    co_await(awl_gather(self->a, self->b));
    CHECK_TRACE("a:125@1 b:0@2");
    CHECK(awl_semaphore_locked(&semaphore));
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}

TASK_TEST(cancelled_while_it_waits_it_gets_nothing, { awl_task *a; })
{
    co_begin;
    awl_semaphore_init(&semaphore, 0);
    self->a = awl_create_task(co_call(takes, .name = "a"));
    co_await(awl_sleep(0));
    begin_count();
    awl_task_cancel(self->a);
    awl_semaphore_release(&semaphore);
    CHECK(!awl_semaphore_locked(&semaphore));
    co_await(self->a);
    CHECK_TRACE("a:125@1");
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(taking_it_may_be_a_task_of_its_own, { awl_semaphore of; awl_task *a, *b; })
{
    co_begin;
    awl_semaphore_init(&self->of, 1);
    self->a = awl_create_task(awl_semaphore_acquire(&self->of));
    self->b = awl_create_task(awl_semaphore_acquire(&self->of));
    CHECK(self->a && self->b && !awl_semaphore_locked(&self->of));
    co_await(awl_sleep(0));
    CHECK(awl_task_done(self->a) && !awl_task_done(self->b));
    co_await(self->a);
    CHECK_INT(awl_semaphore_release(&self->of), 0);
    co_await(self->b);
    CHECK(awl_semaphore_locked(&self->of));
    co_finally;
    awl_task_cancel(self->b);
    awl_task_release(self->a);
    awl_task_release(self->b);
    co_end;
}
