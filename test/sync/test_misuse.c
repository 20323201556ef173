/* test_misuse.c: other loops, other threads, objects that go while somebody waits, loops that are closed. */
#include "rig.h"

#include <pthread.h>

static awl_event event;
static awl_lock lock;
static awl_semaphore semaphore;
static awl_condition condition;
static awl_barrier barrier = AWL_BARRIER_INIT(2);
static awl_queue queue;

/* ---- fini of what a task waits for ---------------------------------------------------------------------------------- */

#define FINI_TRAPS(name, operation, before, fini, how)                                                                   \
    FINI_TRAPS_WITH(name, #name "_fini: a task waits", operation, before, fini, how)
#define FINI_TRAPS_WITH(name, text, operation, before, fini, how)                                                        \
    co_def(name##_##how##_waits, {})                                                                                     \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        before;                                                                                                          \
        co_await(operation);                                                                                             \
        co_end;                                                                                                          \
    }                                                                                                                    \
    co_def(name##_##how##_goes, {})                                                                                      \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        awl_spawn(co_call(name##_##how##_waits));                                                                        \
        co_await(awl_sleep(0));                                                                                          \
        fini;                                                                                                            \
        co_end;                                                                                                          \
    }                                                                                                                    \
    TEST(name##_with_##how##_must_not_go) { EXPECT_TRAP(run_unwatched(co_call(name##_##how##_goes)), text); }

static const int lock_held; /* stands for a task */

FINI_TRAPS(awl_event, awl_event_wait(&event), (void)0, awl_event_fini(&event), a_waiter)
FINI_TRAPS(awl_lock, awl_lock_acquire(&lock), lock.holder_ = &lock_held, awl_lock_fini(&lock), a_waiter)
FINI_TRAPS(awl_semaphore, awl_semaphore_acquire(&semaphore), (void)0, awl_semaphore_fini(&semaphore), a_waiter)
FINI_TRAPS(awl_condition, awl_condition_wait(&condition), condition.own_.holder_ = &lock_held, awl_condition_fini(&condition), a_waiter)
FINI_TRAPS(awl_barrier, awl_barrier_wait(&barrier), (void)0, awl_barrier_fini(&barrier), a_waiter)
FINI_TRAPS(awl_queue, awl_queue_get(&queue), (void)0, awl_queue_fini(&queue), a_waiter)

/* One that was woken looks at the object when it runs. */
FINI_TRAPS(awl_event, awl_event_wait(&event), (void)0, (awl_event_set(&event), awl_event_fini(&event)), one_that_it_has_woken)
FINI_TRAPS(awl_semaphore, awl_semaphore_acquire(&semaphore), (void)0,
           (awl_semaphore_release(&semaphore), awl_semaphore_fini(&semaphore)), one_that_it_has_woken)
FINI_TRAPS(awl_condition, awl_condition_wait(&condition), condition.own_.holder_ = &lock_held,
           (condition.own_.holder_ = &lock_held, awl_condition_notify_all(&condition), condition.own_.holder_ = NULL,
            awl_condition_fini(&condition)), one_that_it_has_woken)
FINI_TRAPS(awl_queue, awl_queue_get(&queue), (void)0, (awl_queue_shutdown(&queue, false), awl_queue_fini(&queue)),
           one_that_it_has_woken)

static void fill(void)
{
    awl_queue_init(&queue, 1);
    awl_queue_put_nowait(&queue, 1);
}

FINI_TRAPS_WITH(a_queue_to_put_into, "a task waits to put into this queue", awl_queue_put(&queue, 2), fill(),
                awl_queue_fini(&queue), a_waiter)
FINI_TRAPS_WITH(a_queue_to_join, "a task waits for the items of this queue to be done", awl_queue_join(&queue), fill(),
                awl_queue_fini(&queue), a_waiter)

/* ---- Two loops ------------------------------------------------------------------------------------------------------ */

co_def(waits, { int *rc; })
{
    co_begin;
    co_try(*self->rc, awl_event_wait(&event));
    co_end;
}

TEST(waiting_for_what_another_loop_waits_for_is_EOTHERLOOP)
{
    awl_loop *a = open_virtual(), *b = open_virtual();
    int of_a = -1, of_b = -1;
    awl_task *task = awl_loop_create_task(a, co_call(waits, .rc = &of_a));

    CHECK(task != NULL);
    CHECK_INT(awl_run_until_complete(a, awl_sleep(0), NULL), 0);
    CHECK_INT(awl_run_until_complete(b, co_call(waits, .rc = &of_b), NULL), 0);
    CHECK_INT(of_b, AWL_EOTHERLOOP);
    awl_event_set(&event); /* no loop runs: this may be done */
    CHECK_INT(awl_run_until_complete(a, task, NULL), 0);
    CHECK_INT(of_a, 0);
    awl_task_release(task);
    awl_loop_close(a);
    awl_loop_close(b);
}

co_def(holds_and_waits, { awl_condition *condition; awl_condition *before; int *rc; })
{
    co_begin;
    if (self->condition)
        co_await(awl_condition_acquire(self->condition));
    if (self->before)
        co_try_cancel(*self->rc, awl_condition_wait(self->before));
    co_end;
}

/* Runs it on a loop, for two iterations; it may still wait then. */
static awl_task *begin_on(awl_loop *loop, awl_condition *acquired, awl_condition *waited_for, int *rc)
{
    awl_task *task =
        awl_loop_create_task(loop, co_call(holds_and_waits, .condition = acquired, .before = waited_for, .rc = rc));

    CHECK(task != NULL);
    CHECK_INT(awl_run_until_complete(loop, awl_sleep(0), NULL), 0);
    CHECK_INT(awl_run_until_complete(loop, awl_sleep(0), NULL), 0);
    return task;
}

/* Others wait for the condition, or for its lock: each is enough. */
TEST(waiting_for_a_condition_of_another_loop_is_EOTHERLOOP)
{
    awl_loop *a = open_virtual(), *b = open_virtual();
    int of_a = -1, of_b = -1;
    awl_task *tasks[4];

    tasks[0] = begin_on(a, &condition, &condition, &of_a);
    tasks[1] = begin_on(b, &condition, &condition, &of_b); /* a has released it */
    CHECK_INT(of_b, AWL_EOTHERLOOP);
    CHECK_INT(awl_condition_notify(&condition, 1), 0);
    CHECK_INT(awl_condition_release(&condition), 0);
    CHECK_INT(awl_run_until_complete(a, tasks[0], NULL), 0);
    CHECK_INT(of_a, 0);
    tasks[2] = begin_on(a, &condition, NULL, NULL); /* waits for the lock, which the first one has kept */
    of_b = -1;
    tasks[3] = begin_on(b, NULL, &condition, &of_b);
    CHECK_INT(of_b, AWL_EOTHERLOOP);
    CHECK_INT(awl_condition_release(&condition), 0);
    CHECK_INT(awl_run_until_complete(a, tasks[2], NULL), 0);
    CHECK_INT(awl_condition_release(&condition), 0);
    for (int i = 0; i < 4; i++)
        awl_task_release(tasks[i]);
    awl_loop_close(a);
    awl_loop_close(b);
}

co_def(puts_nine, { int i, rc; int *rcs; })
{
    co_begin;
    for (self->i = 0; self->i < 9 && !self->rc; self->i++)
        self->rc = awl_queue_put_nowait(&queue, self->i);
    *self->rcs = self->rc;
    co_end;
}

TEST(items_are_in_the_memory_of_one_loop)
{
    awl_loop *a = open_virtual(), *b = open_virtual();
    int of_a = -1, of_b = -1;

    awl_queue_init(&queue, 0);
    CHECK_INT(awl_run_until_complete(a, co_call(puts_nine, .rcs = &of_a), NULL), 0);
    CHECK_INT(of_a, 0);
    CHECK_INT(awl_run_until_complete(b, co_call(puts_nine, .rcs = &of_b), NULL), 0);
    CHECK_INT(of_b, AWL_EOTHERLOOP);
    CHECK_INT(awl_queue_size(&queue), 16);
    awl_queue_fini(&queue); /* then another loop may use it */
    CHECK_INT(awl_run_until_complete(b, co_call(puts_nine, .rcs = &of_b), NULL), 0);
    CHECK_INT(of_b, 0);
    awl_queue_fini(&queue);
    awl_loop_close(a);
    awl_loop_close(b);
}

static void *set_it(void *arg)
{
    awl_event_set(&event);
    return arg;
}

static void set_in_a_thread(void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, set_it, arg) == 0)
        pthread_join(thread, NULL);
}

co_def(is_woken_elsewhere, { int rc; })
{
    co_begin;
    awl_call_soon(NULL, NULL, set_in_a_thread, NULL);
    co_await(awl_event_wait(&event));
    co_end;
}

TEST(waking_a_task_from_another_thread_traps)
{
    EXPECT_TRAP(run_unwatched(co_call(is_woken_elsewhere)), "runs in another thread");
}

/* ---- Loops that are closed ------------------------------------------------------------------------------------------ */

co_def(waits_for_all, { int i; })
{
    co_begin;
    awl_spawn(awl_event_wait(&event));
    awl_spawn(awl_lock_acquire(&lock));
    awl_spawn(awl_lock_acquire(&lock));
    awl_spawn(awl_semaphore_acquire(&semaphore));
    awl_spawn(awl_barrier_wait(&barrier));
    awl_spawn(awl_queue_get(&queue));
    awl_spawn(awl_queue_get(&queue));
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    awl_loop_stop(NULL);
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

TEST(a_loop_that_is_closed_leaves_no_waiters_behind)
{
    for (int i = 0; i < 2; i++) {
        awl_loop *loop = open_virtual();
        awl_task *task = awl_loop_create_task(loop, co_call(waits_for_all));

        CHECK(task != NULL);
        lock.holder_ = &lock_held;
        CHECK_INT(awl_run_until_complete(loop, task, NULL), AWL_ESTOPPED);
        awl_loop_close(loop);
        reports[0] = '\0';
        awl_event_set(&event);
        awl_event_clear(&event);
        CHECK_INT(awl_lock_release(&lock), 0);
        awl_semaphore_fini(&semaphore);
        awl_event_fini(&event);
        awl_lock_fini(&lock);
        awl_queue_fini(&queue);
        CHECK_INT(lock.waiters_.n_, 0);
        awl_barrier_init(&barrier, 2);
    }
}

/* ---- Sizes ---------------------------------------------------------------------------------------------------------- */

#if UINTPTR_MAX > 0xffffffff
_Static_assert(sizeof(awl_event) == 40, "an event");
_Static_assert(sizeof(awl_lock) == 40, "a lock");
_Static_assert(sizeof(awl_semaphore) == 56, "a semaphore");
_Static_assert(sizeof(awl_condition) == 80, "a condition");
_Static_assert(sizeof(awl_barrier) == 96, "a barrier");
_Static_assert(sizeof(awl_queue) == 168, "a queue");
_Static_assert(sizeof(struct awl_queue_put_) == 40, "the frame of a put");
#endif

TEST(sizes_of_frames)
{
    printf("frame of a wait %u, of awl_condition_wait %u\n", (unsigned)awl_event_wait_.type.size,
           (unsigned)awl_condition_wait_.type.size);
    if (sizeof(void *) == 8)
        CHECK_INT(awl_event_wait_.type.size, 56);
}

TASK_TEST(null_queues_are_EINVAL_or_nothing, { int rc; })
{
    co_begin;
    co_try(self->rc, awl_queue_get(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_queue_join(NULL));
    CHECK_INT(self->rc, EINVAL);
    co_try(self->rc, awl_queue_put(NULL, 1));
    CHECK(self->rc == EINVAL || self->rc == ENOMEM);
    CHECK_INT(awl_queue_put_nowait(NULL, 1), EINVAL);
    CHECK_INT(awl_queue_get_nowait(NULL, NULL), EINVAL);
    CHECK_INT(awl_queue_task_done(NULL), EINVAL);
    awl_queue_shutdown(NULL, true);
    awl_queue_fini(NULL);
    CHECK(awl_queue_empty(NULL) && !awl_queue_full(NULL) && !awl_queue_size(NULL) && !awl_queue_maxsize(NULL));
    co_end;
}

TEST(errors_have_texts)
{
    for (int error = AWL_ENOTLOCKED; error <= AWL_ETOOMANYDONE; error++)
        CHECK(strncmp(awl_strerror(error), "Unknown", 7) != 0);
}
