/*
 * awl/sync.h: events, locks, semaphores, conditions, barriers and queues, between the tasks of one loop.
 * SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(consumer, { awl_queue *queue; int x; })
 *     {
 *         co_begin;
 *         for (;;) {
 *             co_let(self->x, awl_queue_get(self->queue));
 *             printf("%d\n", self->x);
 *             awl_queue_task_done(self->queue);
 *         }
 *         co_end;
 *     }
 *
 *     co_def(producer, { awl_queue queue; awl_task *t; int i; })
 *     {
 *         co_begin;
 *         awl_queue_init(&self->queue, 2);
 *         self->t = awl_create_task(co_call(consumer, .queue = &self->queue));
 *         for (self->i = 0; self->i < 5; self->i++)
 *             co_await(awl_queue_put(&self->queue, self->i));
 *         co_await(awl_queue_join(&self->queue));
 *         co_finally;
 *         awl_task_cancel(self->t);
 *         co_try_cancel(self->i, self->t);
 *         awl_task_release(self->t);
 *         awl_queue_fini(&self->queue);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(producer)); }
 *
 * They are asyncio's, iteration for iteration: FIFO, who is woken first, and what a cancellation leaves behind. A wake-up,
 * a unit or an item is never lost to a task that is cancelled: it goes to the next one.
 *
 * OBJECTS are in memory of yours, at an address that does not change. Zeroed memory is a valid one: an event that is not
 * set, a lock that is free, a semaphore of 0, a condition with a lock of its own, a queue without a bound. init makes one
 * of memory that is not zeroed, and AWL_…_INIT a static one. fini is needed for queues only; each traps if a task waits
 * for the object, or was woken and has not run yet, and takes NULL. The object must outlive all that wait for it, until
 * they have run: also one that is cancelled. init is not for an object that a task waits for.
 *
 * WAITING allocates nothing: the entry of a waiter is in the frame of its operation, and an operation that need not wait
 * has no frame and does not suspend. It takes effect when it is awaited, not when its object is made.
 *
 * THREADS, LOOPS. An object is used by one loop at a time. Waiting for one that a task of another loop waits for is
 * AWL_EOTHERLOOP; waking a task whose loop runs in another thread is a trap.
 *
 * NULL for an object: EINVAL, or false.
 */
#ifndef AWL_SYNC_H
#define AWL_SYNC_H

#include "awl/task.h"

/* Who waits for an object. */
struct awl__waiting;
typedef struct awl_waiters_ {
    const awl_instant_ *op_; /* first: what it is to wait here */
    struct awl__waiting *first_, *last_; /* the second: where there is a first */
    uint32_t n_; /* those that are not cancelled, and have not run since they were woken */
    bool stays_; /* an entry stays in the list until its task runs, also when it is woken or cancelled */
} awl_waiters_;

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* A flag that tasks wait for. */
typedef struct awl_event {
    awl_waiters_ waiters_;
    bool set_;
} awl_event;

/* An event that is not set; the same for a static one; see OBJECTS. */
void awl_event_init(awl_event *event);
#define AWL_EVENT_INIT { .set_ = false }
void awl_event_fini(awl_event *event);

/* Sets the event: all that wait for it now go on, even if it is cleared before they do. Clears it; asks.
 * Source: asyncio.Event; test/sync/test_event.c */
void awl_event_set(awl_event *event);
void awl_event_clear(awl_event *event);
bool awl_event_is_set(const awl_event *event);

/*
 * Waits until the event is set; at once if it is.
 *
 * Result   none.
 * Errors   ECANCELED; EINVAL; AWL_EOTHERLOOP; ENOMEM.
 * Source   asyncio.Event.wait; test/sync/test_event.c
 */
static inline AWL_CORO awl_event_wait(awl_event *event);

/* ---- Locks ------------------------------------------------------------------------------------------------------- */

/* A lock that one task holds at a time. It has no owner: whoever calls release releases it. */
typedef struct awl_lock {
    awl_waiters_ waiters_;
    const void *holder_; /* the task that took it; NULL: it is free */
} awl_lock;

/* A lock that is free; the same for a static one; see OBJECTS. */
void awl_lock_init(awl_lock *lock);
#define AWL_LOCK_INIT { .holder_ = NULL }
void awl_lock_fini(awl_lock *lock);

/*
 * Takes the lock, after those that came before; at once if it is free and nobody waits.
 *
 * Result   none.
 * Errors   ECANCELED (the lock is not taken, and goes to the next); EINVAL; AWL_EOTHERLOOP; ENOMEM.
 * Source   asyncio.Lock.acquire; test/sync/test_lock.c
 */
static inline AWL_CORO awl_lock_acquire(awl_lock *lock);

/* Frees the lock and wakes who waits longest. Result: 0; AWL_ENOTLOCKED if it is free; EINVAL.
 * Source: asyncio.Lock.release; test/sync/test_lock.c */
int awl_lock_release(awl_lock *lock);

/* Whether somebody holds it. */
bool awl_lock_locked(const awl_lock *lock);

/* ---- Semaphores -------------------------------------------------------------------------------------------------- */

/* A number of units, which tasks take and give back. */
typedef struct awl_semaphore {
    awl_waiters_ waiters_;
    size_t value_, bound_;
    bool bounded_;
} awl_semaphore;

/* A semaphore of `value` units; init_bounded makes one that never has more than those. The same for static ones; see
 * OBJECTS. */
void awl_semaphore_init(awl_semaphore *semaphore, size_t value);
void awl_semaphore_init_bounded(awl_semaphore *semaphore, size_t value);
#define AWL_SEMAPHORE_INIT(value) { .value_ = (value) }
#define AWL_BOUNDED_SEMAPHORE_INIT(value) { .value_ = (value), .bound_ = (value), .bounded_ = true }
void awl_semaphore_fini(awl_semaphore *semaphore);

/*
 * Takes a unit, after those that came before; at once if there is one and nobody waits.
 *
 * Result   none.
 * Errors   ECANCELED (no unit is taken, or it goes to the next); EINVAL; AWL_EOTHERLOOP; ENOMEM.
 * Source   asyncio.Semaphore.acquire; test/sync/test_semaphore.c
 */
static inline AWL_CORO awl_semaphore_acquire(awl_semaphore *semaphore);

/* Gives a unit to who waits longest, or back. Result: 0; AWL_EOVERRELEASE if that is more than the bound; EOVERFLOW;
 * EINVAL. Source: asyncio.Semaphore.release, BoundedSemaphore.release; test/sync/test_semaphore.c */
int awl_semaphore_release(awl_semaphore *semaphore);

/* Whether acquire would wait. */
bool awl_semaphore_locked(const awl_semaphore *semaphore);

/* ---- Conditions -------------------------------------------------------------------------------------------------- */

/* A lock, and tasks that wait without it until somebody who holds it notifies them. */
typedef struct awl_condition {
    awl_waiters_ waiters_;
    awl_lock own_;
    awl_lock *lock_; /* NULL: own_ */
} awl_condition;

/* A condition with `lock`, or with a lock of its own if that is NULL; the same for a static one; see OBJECTS. */
void awl_condition_init(awl_condition *condition, awl_lock *lock);
#define AWL_CONDITION_INIT(lock) { .lock_ = (lock) }
void awl_condition_fini(awl_condition *condition);

/* Its lock; takes, frees, and asks about that, as awl_lock_acquire, awl_lock_release and awl_lock_locked do. */
static inline awl_lock *awl_condition_lock(awl_condition *condition);
static inline AWL_CORO awl_condition_acquire(awl_condition *condition);
int awl_condition_release(awl_condition *condition);
bool awl_condition_locked(const awl_condition *condition);

/*
 * Frees the lock, waits to be notified, and takes the lock again. It may end unasked: wait in a loop that tests what is
 * waited for, or use awl_condition_wait_for.
 *
 * Result   none.
 * Errors   AWL_ENOTLOCKED; ECANCELED (the lock is held all the same; a notification goes to another one); EINVAL;
 *          AWL_EOTHERLOOP; ENOMEM (the lock has not been freed).
 * Source   asyncio.Condition.wait; test/sync/test_condition.c
 */
static inline AWL_CORO awl_condition_wait(awl_condition *condition);

/*
 * Waits until predicate(arg) is true: asked at once, and after each notification, with the lock held.
 *
 * Result   none.
 * Errors   those of awl_condition_wait.
 * Source   asyncio.Condition.wait_for; test/sync/test_condition.c
 */
AWL_CORO awl_condition_wait_for(awl_condition *condition, bool (*predicate)(void *arg), void *arg);

/* Wakes the n tasks, or all, that wait longest: they go on when they have the lock. Result: 0; AWL_ENOTLOCKED; EINVAL.
 * Source: asyncio.Condition.notify, notify_all; test/sync/test_condition.c */
int awl_condition_notify(awl_condition *condition, size_t n);
int awl_condition_notify_all(awl_condition *condition);

/* ---- Barriers ---------------------------------------------------------------------------------------------------- */

/* Where a number of tasks wait for each other, as often as they like. */
typedef struct awl_barrier {
    awl_condition condition_;
    unsigned parties_, count_;
    uint8_t state_;
} awl_barrier;

/* A barrier for `parties` tasks, at least 1; the same for a static one; see OBJECTS. Result: 0 or EINVAL. */
int awl_barrier_init(awl_barrier *barrier, unsigned parties);
#define AWL_BARRIER_INIT(parties) { .parties_ = (parties) }
void awl_barrier_fini(awl_barrier *barrier);

/*
 * Waits until as many tasks as the barrier is for wait; then all of them go on. Who comes while they do waits for the next
 * round.
 *
 * Result   int: a number from 0 on, in the order in which they came.
 * Errors   AWL_EBROKENBARRIER if it is reset meanwhile, or aborted before or meanwhile; ECANCELED; EINVAL, also for a
 *          barrier for nobody; AWL_EOTHERLOOP; ENOMEM.
 * Source   asyncio.Barrier.wait; test/sync/test_barrier.c
 */
AWL_CORO awl_barrier_wait(awl_barrier *barrier);

/* Makes those that wait fail with AWL_EBROKENBARRIER: after reset the barrier is as new, after abort all others fail too,
 * until a reset. Result: none. Errors: ECANCELED, EINVAL, AWL_EOTHERLOOP, ENOMEM.
 * Source: asyncio.Barrier.reset, abort; test/sync/test_barrier.c */
AWL_CORO awl_barrier_reset(awl_barrier *barrier);
AWL_CORO awl_barrier_abort(awl_barrier *barrier);

/* How many it is for; how many wait for others to come; whether it was aborted. */
unsigned awl_barrier_parties(const awl_barrier *barrier);
unsigned awl_barrier_n_waiting(const awl_barrier *barrier);
bool awl_barrier_broken(const awl_barrier *barrier);

/* ---- Queues ------------------------------------------------------------------------------------------------------ */

/* Which of two items leaves a priority queue first: true if that must be a. */
typedef bool awl_less_fn(awl_value a, awl_value b);

/*
 * Items, each an integer, a double or a pointer, on their way between tasks. They are in memory of the running loop, which
 * grows as needed and is kept until awl_queue_fini; or in a buffer of yours. What pointers point to is yours.
 */
typedef struct awl_queue {
    awl_waiters_ getters_, putters_, joiners_;
    awl_value *items_;
    size_t cap_, head_, count_, max_, unfinished_;
    awl_less_fn *less_;
    awl_loop *loop_; /* whose memory items_ is; NULL: the caller's, or none yet */
    uint8_t order_, kind_;
    bool shut_, fixed_;
    uint32_t open_; /* with fewer items, one more is simply stored; 0 in a priority queue, and after shutdown */
} awl_queue;

enum { AWL_FIFO_, AWL_LIFO_, AWL_PRIORITY_ };

/*
 * A queue that takes at most `maxsize` items, or any number if that is 0: first in, first out; last in, first out; or the
 * least item first. The same for static ones; see OBJECTS.
 *
 *   less   NULL: integers or doubles by their value. It does not use the queue. As in Python's heapq, the order of
 *          items neither of which is less is not that in which they came, but always the same.
 * Owns     awl_queue_fini frees the memory of the items, before the loop is closed.
 * Source   asyncio.Queue, LifoQueue, PriorityQueue; test/sync/test_queue.c, test_queue_order.c
 */
void awl_queue_init(awl_queue *queue, size_t maxsize);
void awl_lifo_queue_init(awl_queue *queue, size_t maxsize);
void awl_priority_queue_init(awl_queue *queue, size_t maxsize, awl_less_fn *less);
#define AWL_QUEUE_INIT(maxsize) { .max_ = (maxsize) }
#define AWL_LIFO_QUEUE_INIT(maxsize) { .max_ = (maxsize), .order_ = AWL_LIFO_ }
#define AWL_PRIORITY_QUEUE_INIT(maxsize, less) { .max_ = (maxsize), .order_ = AWL_PRIORITY_, .less_ = (less) }
void awl_queue_fini(awl_queue *queue);

/*
 * Gives an empty queue the memory for its items: then it asks for none, and has no room for more than `n`.
 *
 *   buffer   n items, which must outlive the queue, or the next call of this
 * Result   0; EINVAL for NULL or no items; EBUSY if it is not empty.
 * Source   test/sync/test_queue_order.c
 */
int awl_queue_set_buffer(awl_queue *queue, awl_value *buffer, size_t n);

/*
 * awl_coro awl_queue_put(awl_queue *queue, item): puts an integer, floating or pointer value; waits while the queue is
 * full.
 *
 * Result   none.
 * Errors   AWL_EQUEUESHUTDOWN; ECANCELED (it is not put); ENOMEM; EINVAL, also for a pointer in a priority queue that
 *          has no `less`; AWL_EOTHERLOOP.
 * Source   asyncio.Queue.put; test/sync/test_queue.c
 */
#define awl_queue_put(queue, item)                                                                                     \
    co_call(awl_queue_put_, .of_ = awl_queue_of_((queue), CO_KIND_OF_(item)), .value_ = CO_TYPED_(item).value)

/* int awl_queue_put_nowait(awl_queue *queue, item): the same at once. 0, AWL_EQUEUEFULL or an error of awl_queue_put. */
#define awl_queue_put_nowait(queue, item) awl_queue_put_nowait_((queue), CO_TYPED_(item))

/*
 * Takes the next item; waits while there is none.
 *
 * Result   the item; co_let it to a place of its type.
 * Errors   AWL_EQUEUESHUTDOWN if there is none and none can come; ECANCELED (no item is lost); EINVAL; AWL_EOTHERLOOP;
 *          ENOMEM.
 * Source   asyncio.Queue.get; test/sync/test_queue.c
 */
static inline AWL_CORO awl_queue_get(awl_queue *queue);

/* The same at once, into *item, which may be NULL and is untouched on error. Result: 0; AWL_EQUEUEEMPTY;
 * AWL_EQUEUESHUTDOWN; EINVAL. */
int awl_queue_get_nowait(awl_queue *queue, awl_value *item);

/* Says that the work on an item that was taken is done. Result: 0; AWL_ETOOMANYDONE; EINVAL.
 * Source: asyncio.Queue.task_done; test/sync/test_queue_join.c */
int awl_queue_task_done(awl_queue *queue);

/* Waits until all items that were put are done. Result: none. Errors: ECANCELED, EINVAL, AWL_EOTHERLOOP, ENOMEM.
 * Source: asyncio.Queue.join; test/sync/test_queue_join.c */
static inline AWL_CORO awl_queue_join(awl_queue *queue);

/*
 * No item can be put from now on, and who waits to put one fails with AWL_EQUEUESHUTDOWN. What is there can be taken; then,
 * or at once if `immediate`, which drops the items and counts them as done, get fails so too.
 *
 * Source   asyncio.Queue.shutdown; test/sync/test_queue_join.c
 */
void awl_queue_shutdown(awl_queue *queue, bool immediate);

/* How many items are in it; whether it has none; whether it has as many as it takes; how many it takes, 0: any number. */
size_t awl_queue_size(const awl_queue *queue);
bool awl_queue_empty(const awl_queue *queue);
bool awl_queue_full(const awl_queue *queue);
size_t awl_queue_maxsize(const awl_queue *queue);

/* ---- Inside ------------------------------------------------------------------------------------------------------ */

extern const awl_instant_ awl_event_wait_, awl_lock_acquire_, awl_semaphore_acquire_, awl_condition_wait_, awl_queue_get_,
    awl_queue_join_;

/* The frame of awl_queue_put: the queue, whose address leaves two bits for the kind of the value, and that. */
co_declare(awl_queue_put_, { uintptr_t of_; awl_value value_; });
static inline __attribute__((always_inline)) uintptr_t awl_queue_of_(awl_queue *queue, unsigned kind)
{
    return (uintptr_t)queue + kind;
}
int awl_queue_put_nowait_(awl_queue *queue, co_typed_ typed);

static inline awl_coro awl_event_wait(awl_event *event)
{
    return awl_instant_at_(event ? &event->waiters_.op_ : NULL, &awl_event_wait_);
}
static inline awl_coro awl_lock_acquire(awl_lock *lock)
{
    return awl_instant_at_(lock ? &lock->waiters_.op_ : NULL, &awl_lock_acquire_);
}
static inline awl_coro awl_semaphore_acquire(awl_semaphore *semaphore)
{
    return awl_instant_at_(semaphore ? &semaphore->waiters_.op_ : NULL, &awl_semaphore_acquire_);
}
static inline awl_lock *awl_condition_lock(awl_condition *condition)
{
    return !condition ? NULL : condition->lock_ ? condition->lock_ : &condition->own_;
}
static inline awl_coro awl_condition_acquire(awl_condition *condition)
{
    return awl_lock_acquire(awl_condition_lock(condition));
}
static inline awl_coro awl_condition_wait(awl_condition *condition)
{
    return awl_instant_at_(condition ? &condition->waiters_.op_ : NULL, &awl_condition_wait_);
}
static inline awl_coro awl_queue_get(awl_queue *queue)
{
    return awl_instant_at_(queue ? &queue->getters_.op_ : NULL, &awl_queue_get_);
}
static inline awl_coro awl_queue_join(awl_queue *queue)
{
    return awl_instant_at_(queue ? &queue->joiners_.op_ : NULL, &awl_queue_join_);
}

#endif
