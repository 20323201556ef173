/* test_sizes.c: how large things are: growth is a decision. Run it with -v to see the table. */
#include "rig.h"

#include "task/task_priv.h"

RIG_COROUTINES;

#if UINTPTR_MAX > 0xffffffff
_Static_assert(sizeof(awl_task) == 104, "a task");
_Static_assert(sizeof(awl_future) == 32, "a future");
_Static_assert(sizeof(co_frame) == 24, "the head of a frame");
_Static_assert(sizeof(awl_coro) == 16, "a coroutine object");
_Static_assert(sizeof(awl_outcome) == 16, "an outcome");
_Static_assert(sizeof(awl_handle) == 56, "a callback that can be cancelled");
_Static_assert(sizeof(awl__waiter) == 40, "a waiter of a future");
#endif

co_def(measures, { size_t before, with; awl_coro object; awl_task *t; awl_future *f; })
{
    co_begin;
    self->object = awl_sleep(AWL_MS);
    if (!self->object.frame_)
        co_raise(ENOMEM);
    printf("frame of awl_sleep      %3u\n", (unsigned)self->object.frame_->type_->size);
    if (sizeof(void *) == 8)
        CHECK_INT(self->object.frame_->type_->size, 56);
    awl_coro_close(self->object);
    self->before = stats_of(NULL).memory_used;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS));
    self->with = stats_of(NULL).memory_used - self->before;
    printf("task of a small frame   %3zu (frame %zu)\n", self->with, sizeof(struct sleeps));
    CHECK(self->with <= sizeof(awl_task) + sizeof(struct sleeps) + AWL__SLACK);
    co_await(awl_sleep(0));
    CHECK_INT(stats_of(NULL).memory_used, self->before + self->with); /* its sleep fits into its own block */
    co_await(self->t);
    awl_task_release(self->t);
    self->f = awl_future_new(NULL);
    CHECK_INT(stats_of(NULL).memory_used, self->before + sizeof(awl_future));
    awl_future_release(self->f);
    co_end;
}

TEST(sizes)
{
    printf("awl_task                %3zu\nawl_future              %3zu\nco_frame                %3zu\n", sizeof(awl_task),
           sizeof(awl_future), sizeof(co_frame));
    printf("awl_handle              %3zu\nawl_loop                %3zu\n", sizeof(awl_handle), sizeof(awl_loop));
    run_main(co_call(measures));
}

static void set(void *future) { awl_future_set_result((awl_future *)future, 1); }

TASK_TEST(a_pause_and_an_awaited_future_allocate_nothing, { size_t used; awl_future f; awl_handle handle; })
{
    co_begin;
    self->used = stats_of(NULL).memory_high;
    co_await(awl_sleep(0));
    awl_future_init(&self->f, NULL);
    awl_call_soon(NULL, &self->handle, set, &self->f);
    co_await(&self->f);
    CHECK_INT(stats_of(NULL).memory_high, self->used);
    co_end;
}
