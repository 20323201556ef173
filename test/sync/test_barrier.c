/* test_barrier.c: barriers. */
#include "rig.h"

SAYING(waits, awl_barrier, awl_barrier_wait);

static awl_barrier barrier = AWL_BARRIER_INIT(2);

TASK_TEST(the_last_one_opens_it_for_all_and_it_closes_again, { awl_task *a; int index, round; })
{
    co_begin;
    CHECK_INT(awl_barrier_parties(&barrier), 2);
    for (self->round = 0; self->round < 2; self->round++) {
        self->a = awl_create_task(co_call(waits, .of = &barrier, .name = "a"));
        co_await(awl_sleep(0));
        CHECK_INT(awl_barrier_n_waiting(&barrier), 1);
        begin_count();
        co_let(self->index, awl_barrier_wait(&barrier));
        CHECK_INT(self->index, 1);
        co_await(self->a);
        CHECK_TRACE("a:0/0@1");
        CHECK_INT(awl_barrier_n_waiting(&barrier), 0);
        awl_task_release(self->a);
    }
    awl_barrier_fini(&barrier);
    co_end;
}

TASK_TEST(reset_breaks_those_that_wait_and_leaves_it_new, { awl_task *a; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .of = &barrier, .name = "a"));
    co_await(awl_sleep(0));
    begin_count();
    co_await(awl_barrier_reset(&barrier));
    co_await(self->a);
    CHECK_TRACE("a:1303/0@1");
    CHECK(!awl_barrier_broken(&barrier));
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(abort_breaks_it_for_all_until_a_reset, { awl_task *a; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .of = &barrier, .name = "a"));
    co_await(awl_sleep(0));
    begin_count();
    co_await(awl_barrier_abort(&barrier));
    CHECK(awl_barrier_broken(&barrier));
    co_await(self->a);
    CHECK_TRACE("a:1303/0@1");
    co_try(self->rc, awl_barrier_wait(&barrier));
    CHECK_INT(self->rc, AWL_EBROKENBARRIER);
    co_await(awl_barrier_reset(&barrier));
    CHECK(!awl_barrier_broken(&barrier));
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(who_is_cancelled_does_not_count, { awl_task *a; int rc; })
{
    co_begin;
    self->a = awl_create_task(co_call(waits, .of = &barrier, .name = "a"));
    co_await(awl_sleep(0));
    begin_count();
    awl_task_cancel(self->a);
    co_await(self->a);
    CHECK_TRACE("a:125/0@1");
    CHECK_INT(awl_barrier_n_waiting(&barrier), 0);
    co_try(self->rc, awl_wait_for(awl_barrier_wait(&barrier), AWL_SECOND));
    CHECK_INT(self->rc, ETIMEDOUT);
    awl_task_release(self->a);
    co_end;
}

TASK_TEST(bad_barriers_are_EINVAL, { awl_barrier none; int rc; })
{
    co_begin;
    CHECK_INT(awl_barrier_init(&self->none, 0), EINVAL);
    CHECK_INT(awl_barrier_init(NULL, 1), EINVAL);
    co_try(self->rc, awl_barrier_wait(&self->none));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_barrier_wait(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_barrier_reset(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_barrier_abort(NULL));
    CHECK_INT(self->rc, EINVAL);
    CHECK(!awl_barrier_broken(NULL) && !awl_barrier_n_waiting(NULL) && !awl_barrier_parties(NULL));
    awl_barrier_fini(NULL);
    CHECK_INT(awl_barrier_init(&self->none, 1), 0);
    co_await(awl_barrier_wait(&self->none));
    co_end;
}
