/* test_exhausted.c: no memory for the frame of one who has to wait. */
#include "rig.h"

static awl_event event;
static awl_lock lock;
static awl_semaphore semaphore;
static awl_condition condition;
static awl_queue empty, full;
static int failed; /* operations that ended in ENOMEM */

/* Awaits itself until there is no room for its small frame, and so for none that waits; then says what comes of
 * waiting. */
co_def(goes_deep, { int rc; })
{
    co_begin;
    co_try(self->rc, co_call(goes_deep));
    if (self->rc != ENOMEM)
        co_return (0);
    co_try(self->rc, awl_event_wait(&event));
    failed += self->rc == ENOMEM;
    co_try(self->rc, awl_lock_acquire(&lock));
    failed += self->rc == ENOMEM;
    co_try(self->rc, awl_semaphore_acquire(&semaphore));
    failed += self->rc == ENOMEM;
    co_try(self->rc, awl_condition_wait(&condition));
    failed += self->rc == ENOMEM && awl_condition_locked(&condition);
    co_try(self->rc, awl_queue_get(&empty));
    failed += self->rc == ENOMEM;
    co_try(self->rc, awl_queue_join(&full));
    failed += self->rc == ENOMEM;
    co_end;
}

co_def(takes_all, {})
{
    co_begin;
    co_await(awl_lock_acquire(&lock));
    co_await(awl_condition_acquire(&condition));
    awl_queue_init(&full, 1);
    co_await(awl_queue_put(&full, 1));
    co_await(co_call(goes_deep));
    co_end;
}

TEST(without_memory_waiting_is_ENOMEM_and_changes_nothing)
{
    static _Alignas(16) char memory[32768];
    const awl_loop_options options = { .memory = memory, .memory_size = sizeof memory, .virtual_time = true };

    CHECK_INT(awl_run_with(co_call(takes_all), &options, NULL), 0);
    CHECK_INT(failed, 6);
    CHECK(awl_lock_locked(&lock) && awl_condition_locked(&condition));
    CHECK_INT(awl_queue_size(&full), 1);
}

/* A put has a frame of its own, on top of which is that of the waiting: there may be room for the first only. */
co_def(puts_deep, { int rc; })
{
    co_begin;
    co_try(self->rc, co_call(puts_deep));
    if (self->rc == ENOMEM || failed == 1) {
        co_try(self->rc, awl_queue_put(&full, 2));
        failed += self->rc == ENOMEM;
    }
    co_end;
}

co_def(fills_it, {})
{
    co_begin;
    awl_queue_init(&full, 1);
    co_await(awl_queue_put(&full, 1));
    co_await(co_call(puts_deep));
    co_finally;
    awl_queue_fini(&full);
    co_end;
}

TEST(without_memory_a_put_is_ENOMEM_at_each_depth)
{
    static _Alignas(16) char memory[32768];

    failed = 0;
    CHECK_INT(
        awl_run_with(co_call(fills_it), &(awl_loop_options){ .memory = memory, .memory_size = sizeof memory }, NULL),
        0);
    CHECK_INT(failed, 2);
}
