/*
 * awl/task.h: futures, tasks, and what one can do with several of them. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(hello, { const char *name; })
 *     {
 *         co_begin;
 *         printf("Hello %s\n", self->name);
 *         co_await(awl_sleep(1 * AWL_SECOND));
 *         printf("Hello again %s\n", self->name);
 *         co_end;
 *     }
 *
 *     co_def(both, {})
 *     {
 *         co_begin;
 *         co_await(awl_gather(co_call(hello, .name = "a"), co_call(hello, .name = "b")));
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(both)); }
 *
 * AWAITABLE is a coroutine object (co_call, or what a library function returns), a task, or a future. All can be
 * awaited, and given to whatever takes one. A coroutine object is used up by that.
 *
 * CANCELLATION is asyncio's: it arrives as the error ECANCELED at the await where the task is suspended, once for each
 * call; a task that catches it (co_try_cancel) goes on. co_await and co_try pass it on.
 *
 * OWNERSHIP. The loop keeps a task alive until it is done, whoever forgets it. Who creates a task also holds a reference,
 * for its result, and gives it back by awl_task_release; what is not given back is freed when the loop is closed.
 * awl_gather and awl_spawn release what they create.
 */
#ifndef AWL_TASK_H
#define AWL_TASK_H

#include "awl/coro.h"
#include "awl/loop.h"

typedef co_object awl_coro; /* a coroutine object: what awl's own operations return */
typedef co_value awl_value; /* the 8 bytes of a result */
typedef co_promise awl_future;
typedef struct awl_task awl_task;

/* An operation whose object is ignored does nothing: hence the warning. */
#define AWL_CORO __attribute__((warn_unused_result)) awl_coro

/* ---- Running --------------------------------------------------------------------------------------------------- */

/*
 * Runs a coroutine as the main task of a new loop, to its end; cancels all tasks that are left and waits for them;
 * closes the loop.
 *
 *   main      a coroutine object
 *   options   of the loop; may be NULL
 *   result    takes what the coroutine returned; may be NULL; untouched on error
 * Result   0, or the error that the coroutine ended with, which is reported too; ENOMEM, EMFILE; EBUSY
 *          within a running loop; AWL_ESTOPPED if the loop was stopped before; EDEADLK (virtual time) if it waits for
 *          what can never happen.
 * Source   asyncio.run; test/task/test_run.c
 */
int awl_run_with(awl_coro main, const awl_loop_options *options, awl_value *result);
int awl_run(awl_coro main);

/*
 * Runs `loop` until an awaitable is done.
 *
 *   awaitable   a coroutine object (a task is made of it, and released), a task or a future
 *   result      as above
 * Result   0 or its error; EBUSY; AWL_ESTOPPED if awl_loop_stop came first; ENOMEM.
 * Source   asyncio.loop.run_until_complete; test/task/test_run.c
 */
#define awl_run_until_complete(loop, awaitable, result)                                                                \
    AWL_BY_AWAITABLE_(awaitable, awl_run_coro_, awl_run_task_, awl_run_future_)((loop), (awaitable), (result))

/* ---- Tasks ------------------------------------------------------------------------------------------------------- */

/* Where in the source a task was created. */
typedef struct awl_site {
    const char *file;
    int line;
} awl_site;

/*
 * awl_task *awl_create_task(awl_coro coroutine): schedules a coroutine as a task of the running loop. It takes its first
 * step in the next iteration. Written with co_call in the argument, frame and task are one allocation.
 *
 * Result   the task; NULL when there is no memory (the coroutine is released; awaiting NULL is EINVAL).
 * Owns     the caller holds a reference: awl_task_release.
 * Context  a running loop, else a trap.
 * Source   asyncio.create_task; test/task/test_task.c
 */
#define awl_create_task(...)                                                                                           \
    awl_task_made_(__extension__({                                                                                     \
        AWL_NOT_HERE_                                                                                                  \
        CO_HIDDEN_(static const awl_site awl_site_ = { __FILE__, __LINE__ })                                           \
        CO_HIDDEN_(awl_nursery_ awl_nursery_before_ = awl_nursery_open_(awl_site_.file, awl_site_.line))               \
        awl_nursery_close_(awl_nursery_before_, (__VA_ARGS__), &awl_site_);                                            \
    }))

/* awl_task *awl_loop_create_task(awl_loop *loop, awl_coro coroutine): the same for a loop that does not run yet. */
#define awl_loop_create_task(loop, ...)                                                                                \
    awl_task_made_(__extension__({                                                                                     \
        CO_HIDDEN_(static const awl_site awl_site_ = { __FILE__, __LINE__ })                                           \
        awl_loop_create_task_((loop), (__VA_ARGS__), &awl_site_);                                                      \
    }))

/* int awl_spawn(awl_coro coroutine): a task that nobody holds; its error is reported when it ends. 0 or ENOMEM. */
#define awl_spawn(...)                                                                                                 \
    awl_spawned_(__extension__({                                                                                       \
        AWL_NOT_HERE_                                                                                                  \
        CO_HIDDEN_(static const awl_site awl_site_ = { __FILE__, __LINE__ })                                           \
        CO_HIDDEN_(awl_nursery_ awl_nursery_before_ = awl_nursery_open_(awl_site_.file, awl_site_.line))               \
        awl_nursery_close_(awl_nursery_before_, (__VA_ARGS__), &awl_site_);                                            \
    }))

/* Gives a reference back; takes one more. A task that still runs goes on. NULL is let be. An error that nobody has looked
 * at is reported when the last reference goes. */
void awl_task_release(awl_task *task);
awl_task *awl_task_retain(awl_task *task);

/*
 * Asks a task to end: ECANCELED is raised where it is suspended, or, if it waits for another task, in that one first.
 *
 * Result   false if it is done already (or NULL), else true.
 * Source   asyncio.Task.cancel; test/task/test_cancel.c
 */
bool awl_task_cancel(awl_task *task);

/* How many cancellations were asked for and not withdrawn; withdraws one and returns what is left. At zero, one that has
 * not been delivered yet never is. As asyncio.Task.cancelling and uncancel of 3.13. */
unsigned awl_task_cancelling(const awl_task *task);
unsigned awl_task_uncancel(awl_task *task);

/* A task is a future too: as one, and back (NULL if it is not one). */
static inline awl_future *awl_task_future(awl_task *task) { return (awl_future *)(void *)task; }
awl_task *awl_future_task(awl_future *future);

/* Short for the future's: see there. */
bool awl_task_done(const awl_task *task);
bool awl_task_cancelled(const awl_task *task);
int awl_task_error(awl_task *task);
awl_value awl_task_value(awl_task *task);

/* The name: the coroutine's, unless another one was set. `name` is copied. 0 or ENOMEM. */
const char *awl_task_name(const awl_task *task);
int awl_task_set_name(awl_task *task, const char *name);

/* The task that is running now; NULL in a callback or without a loop. */
awl_task *awl_current_task(void);

/* Writes the tasks of a loop (NULL: the running one) that are not done, oldest first, to `tasks`, at most `cap`.
 * Result: how many there are. The pointers are borrowed. */
size_t awl_all_tasks(awl_loop *loop, awl_task **tasks, size_t cap);

/* ---- Futures ------------------------------------------------------------------------------------------------------- */

/*
 * A future is a place for a result that somebody will supply. init makes one in caller's memory, for the running loop or
 * the one given; there is nothing to undo, but it must outlive the callbacks that it scheduled. new makes one on the
 * loop's heap, with one reference; NULL when there is no memory or no loop.
 */
void awl_future_init(awl_future *future, awl_loop *loop);
awl_future *awl_future_new(awl_loop *loop) __attribute__((warn_unused_result));
void awl_future_release(awl_future *future);
awl_future *awl_future_retain(awl_future *future);

/*
 * Supplies the result (an integer, floating or pointer expression), or an error from 1 to 32767. Callbacks and waiting
 * tasks become ready in the order in which they came.
 *
 * Result   0; AWL_EINVALIDSTATE if it is done already; EINVAL for error 0.
 * Source   asyncio.Future.set_result; test/task/test_future.c
 */
#define awl_future_set_result(future, value) awl_future_set_typed_((future), CO_TYPED_(value))
int awl_future_set_error(awl_future *future, int error);

/* Cancels a future, and the task that it is one of. false if it was done. */
bool awl_future_cancel(awl_future *future);

/* Whether it has a result or an error, or was cancelled; whether it was cancelled. false for NULL. */
bool awl_future_done(const awl_future *future);
bool awl_future_cancelled(const awl_future *future);

/* The error: 0 if it has a result, ECANCELED, AWL_EINVALIDSTATE while it is not done, EINVAL for NULL. An error that was
 * asked for counts as retrieved. The value: zero unless it is done with a result. */
int awl_future_error(awl_future *future);
awl_value awl_future_value(awl_future *future);

/* Whether it has an error that nobody has looked at, which would be reported when its last reference goes. To ask this is
 * not to look. Source: test/task/test_gather_future.c */
bool awl_future_unretrieved(const awl_future *future);

/*
 * Calls fn(future, arg) in an iteration of its own when the future is done, in order of registration; in the next one
 * if it is done already. For a task: awl_task_future(task), or awl_task_add_done_callback.
 *
 * Result   0 or ENOMEM.
 * Source   asyncio.Future.add_done_callback; test/task/test_future.c
 */
typedef void awl_done_fn(awl_future *future, void *arg);
int awl_future_add_done_callback(awl_future *future, awl_done_fn *fn, void *arg);
int awl_task_add_done_callback(awl_task *task, awl_done_fn *fn, void *arg);

/* Takes back every call of fn that is not scheduled yet. Result: how many there were. */
size_t awl_future_remove_done_callback(awl_future *future, awl_done_fn *fn);
size_t awl_task_remove_done_callback(awl_task *task, awl_done_fn *fn);

/* ---- Waiting --------------------------------------------------------------------------------------------------------- */

/* Suspends the task for a duration; zero or less lets all others that are ready go first. Errors: ECANCELED.
 * Source: asyncio.sleep; test/task/test_sleep.c */
static inline AWL_CORO awl_sleep(awl_time duration);

/* What became of one of several. */
typedef struct awl_outcome {
    awl_value value;
    int error;
} awl_outcome;

enum awl_gather_flag {
    AWL_RETURN_EXCEPTIONS = 1, /* errors and cancellations of children are outcomes like others */
};

/*
 * Waits for several awaitables at once, up to 16 by name, any number from an array of awl_task * or awl_future *. Those
 * that are coroutine objects become tasks at once, and are released at the end.
 *
 *   outcomes   NULL, or takes one outcome each, in the order of the arguments; must live until the end
 *   flags      0 or AWL_RETURN_EXCEPTIONS
 * Result   none; see `outcomes`, or the tasks.
 * Errors   without AWL_RETURN_EXCEPTIONS the first error of a child, at once, while the others run on; ECANCELED after the
 *          children were cancelled too; EINVAL if one is NULL; ENOMEM.
 * Source   asyncio.gather; test/task/test_gather.c
 */
#define awl_gather(...) awl_gather_into(NULL, __VA_ARGS__)
#define awl_gather_into(outcomes, ...)                                                                                 \
    awl_gather_children_((awl_child_[]){ AWL_EACH_(AWL_CHILD_, __VA_ARGS__) }, AWL_COUNT_(__VA_ARGS__), (outcomes), 0)
#define awl_gather_return_exceptions(outcomes, ...)                                                                    \
    awl_gather_children_((awl_child_[]){ AWL_EACH_(AWL_CHILD_, __VA_ARGS__) }, AWL_COUNT_(__VA_ARGS__), (outcomes),    \
                         AWL_RETURN_EXCEPTIONS)
#define awl_gather_n(awaitables, n, outcomes, flags) awl_gather_n_(AWL_ARRAY_(awaitables), (n), (outcomes), (flags))

/*
 * The same as a future, for who does not await it at once, or hands it to others: the gather begins now.
 *
 *   awaitables   an array of awl_task * or awl_future *, read at the call; none only where a loop runs
 * Result   the future; NULL with errno EINVAL if one is NULL, AWL_EOTHERLOOP or ENOMEM. Its own result, when it is done,
 *          is a const awl_outcome *: one outcome each, in their order, which lasts as long as the future.
 * Errors   those of awl_gather, as the future's error; so it is not cancelled when its children were, but failed with
 *          ECANCELED. awl_future_cancel cancels the children, and is true if one of them took that.
 * Owns     the caller holds a reference: awl_future_release. The gather holds one to each child. Released before it is
 *          done, it lets go of them, and they run on.
 * Context  the loop's thread, or any while the loop does not run.
 * Source   asyncio.gather; test/task/test_gather_future.c
 */
#define awl_gather_future(awaitables, n, flags) awl_gather_future_(AWL_ARRAY_(awaitables), (n), (flags))

/* When awl_wait ends. */
enum awl_wait_mode { AWL_ALL_COMPLETED, AWL_FIRST_COMPLETED, AWL_FIRST_EXCEPTION };

/*
 * Waits until all, or the first, of several tasks or futures are done, or the time is over. It neither raises their errors
 * nor cancels them; ask each.
 *
 *   awaitables   an array of awl_task * or awl_future *, read at the call
 *   timeout      AWL_FOREVER: none
 * Result   int: how many are done.
 * Errors   EINVAL for none, or if one is NULL; ECANCELED (they go on).
 * Source   asyncio.wait; test/task/test_wait.c
 */
#define awl_wait(awaitables, n, mode, timeout) awl_wait_(AWL_ARRAY_(awaitables), (n), (mode), (timeout))

/*
 * awl_coro awl_wait_for(awaitable, awl_time timeout): awaits it, and cancels it when the time is over; ends when it has
 * ended. A coroutine runs in the task that waits.
 *
 *   timeout   AWL_FOREVER: none; zero or less: only what is done already counts
 * Result   that of the awaitable.
 * Errors   ETIMEDOUT; those of the awaitable; ECANCELED.
 * Source   asyncio.wait_for of 3.12 and later; test/task/test_wait_for.c
 */
#define awl_wait_for(awaitable, timeout)                                                                               \
    AWL_BY_AWAITABLE_(awaitable, awl_wait_for_coro_, awl_wait_for_task_, awl_wait_for_future_)((awaitable), (timeout))

/* A coroutine that awaits a future or task and has its result: for whatever takes coroutines only. */
AWL_CORO awl_await_future(awl_future *future);
AWL_CORO awl_await_task(awl_task *task);

/* Releases an object that shall not be awaited after all. */
void awl_coro_close(awl_coro coroutine);

/* ---- How the language finds its way here -------------------------------------------------------------------------------- */

#define AWL_BY_AWAITABLE_(x, coro, task, future)                                                                       \
    _Generic((x), co_object: coro, awl_task *: task, awl_future *: future)

static inline __attribute__((always_inline)) awl_coro awl_await_coro_(awl_coro coroutine) { return coroutine; }

/* A future that is awaited needs no frame of its own; 4 stands for NULL. */
static inline __attribute__((always_inline)) awl_coro awl_await_future_(awl_future *future)
{
    return (awl_coro){ NULL, future ? (uintptr_t)future : 4 };
}
static inline __attribute__((always_inline)) awl_coro awl_await_task_(awl_task *task)
{
    return (awl_coro){ NULL, task ? (uintptr_t)task : 4 };
}

/*
 * An operation that mostly ends at once, and then needs no frame: its object is the address of something that begins with
 * the address of one of these, and 2. Only if it has to wait is there a frame: its head, then that address.
 */
typedef struct awl_instant_ {
    co_type type; /* of the frame; its step begins with what `begin` does */
    co_step (*begin)(co_stack *stack, co_frame *caller, void *of); /* as if a child of `caller` did */
} awl_instant_;

/* The object of operation `op` on what lies at `of`; NULL: one that ends in EINVAL. */
static inline __attribute__((always_inline)) awl_coro awl_instant_at_(const awl_instant_ **of, const awl_instant_ *op)
{
    if (CO_UNLIKELY_(!of))
        return (awl_coro){ NULL, 4 };
    *of = op;
    return (awl_coro){ NULL, (uintptr_t)of + 2 };
}

/* co_await takes tasks and futures too; objects made in its argument go on the stack of the task that awaits, and
 * those made elsewhere on the heap of the loop. */
#undef CO_AWAITABLE_
#undef CO_ENTER_
#undef CO_EXIT_
#undef CO_INTO_
#define CO_AWAITABLE_(x) AWL_BY_AWAITABLE_(x, awl_await_coro_, awl_await_task_, awl_await_future_)(x)
#define CO_ENTER_(stack) ((stack)->promise_.host_->into_ = (stack))
#define CO_EXIT_(stack) ((stack)->promise_.host_->into_ = NULL)
#undef CO_IS_HERE_
#define CO_IS_HERE_ _Generic(co_here_, co_stack *: 1, default: 0)
#define CO_INTO_ awl_into_(_Generic(co_here_, co_stack *: co_here_, default: NULL))

extern co_stack awl_unhosted_; /* makes objects with malloc, for threads without a loop */
static inline __attribute__((always_inline)) co_stack *awl_into_(const void *here)
{
    co_host *host;
    co_stack *into;

    if (here)
        return (co_stack *)(uintptr_t)here;
    host = (co_host *)(void *)awl_running_;
    if (CO_UNLIKELY_(!host))
        return &awl_unhosted_;
    into = host->into_;
    return CO_LIKELY_(into != NULL) ? into : host->heap_;
}

/* A pause needs no frame: the one that awaits it is suspended itself. */
AWL_CORO awl_sleep_(awl_time duration);
static inline awl_coro awl_sleep(awl_time duration)
{
    return duration <= 0 ? (awl_coro){ NULL, CO_PAUSE_TOKEN_ } : awl_sleep_(duration);
}

typedef struct awl_nursery_ {
    co_stack *into;
    awl_task *task;
} awl_nursery_;

typedef struct awl_child_ {
    awl_future *future;
    awl_coro coroutine; /* where there is no loop to make a task in yet */
    bool owned;
} awl_child_;

awl_nursery_ awl_nursery_open_(const char *file, int line);
awl_task *awl_nursery_close_(awl_nursery_ nursery, awl_coro coroutine, const awl_site *site);
awl_nursery_ awl_child_open_(void);
awl_child_ awl_child_coro_(awl_nursery_ nursery, awl_coro coroutine, const awl_site *site);
awl_child_ awl_child_task_(awl_nursery_ nursery, awl_task *task, const awl_site *site);
awl_child_ awl_child_future_(awl_nursery_ nursery, awl_future *future, const awl_site *site);
static inline __attribute__((warn_unused_result)) awl_task *awl_task_made_(awl_task *task) { return task; }
awl_task *awl_loop_create_task_(awl_loop *loop, awl_coro coroutine, const awl_site *site);
int awl_spawned_(awl_task *task);
int awl_run_coro_(awl_loop *loop, awl_coro coroutine, awl_value *result);
int awl_run_task_(awl_loop *loop, awl_task *task, awl_value *result);
int awl_run_future_(awl_loop *loop, awl_future *future, awl_value *result);
int awl_future_set_typed_(awl_future *future, co_typed_ value);
AWL_CORO awl_gather_n_(const void *awaitables, size_t n, awl_outcome *outcomes, unsigned flags);
awl_future *awl_gather_future_(const void *awaitables, size_t n, unsigned flags) __attribute__((warn_unused_result));
AWL_CORO awl_wait_(const void *awaitables, size_t n, enum awl_wait_mode mode, awl_time timeout);
AWL_CORO awl_gather_children_(const awl_child_ *children, size_t n, awl_outcome *outcomes, unsigned flags);
AWL_CORO awl_wait_for_coro_(awl_coro coroutine, awl_time timeout);
AWL_CORO awl_wait_for_task_(awl_task *task, awl_time timeout);
AWL_CORO awl_wait_for_future_(awl_future *future, awl_time timeout);

/* Objects made in such an argument go to the new task, not to the stack of the one that awaits. */
#define AWL_NOT_HERE_                                                                                                  \
    CO_HIDDEN_(void *const co_here_ = NULL)                                                                            \
    (void)co_here_;

#define AWL_CHILD_(x)                                                                                                  \
    __extension__({                                                                                                    \
        AWL_NOT_HERE_                                                                                                  \
        CO_HIDDEN_(static const awl_site awl_site_ = { __FILE__, __LINE__ })                                           \
        CO_HIDDEN_(awl_nursery_ awl_nursery_before_ = awl_child_open_())                                               \
        AWL_BY_AWAITABLE_(x, awl_child_coro_, awl_child_task_, awl_child_future_)(awl_nursery_before_, (x), &awl_site_); \
    })

/* An array of awl_task * or awl_future *, or NULL, and nothing else. */
#define AWL_ARRAY_(awaitables)                                                                                         \
    ((const void *)_Generic((awaitables), awl_task **: (awaitables), awl_task *const *: (awaitables),                  \
                            awl_future **: (awaitables), awl_future *const *: (awaitables), void *: (awaitables)))

#define AWL_COUNT_(...) AWL_17TH_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define AWL_17TH_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count
#define AWL_EACH_(f, ...) AWL_EACH_N_(AWL_COUNT_(__VA_ARGS__), f, __VA_ARGS__)
#define AWL_EACH_N_(n, f, ...) AWL_EACH_PASTE_(n, f, __VA_ARGS__)
#define AWL_EACH_PASTE_(n, f, ...) AWL_EACH_##n##_(f, __VA_ARGS__)
#define AWL_EACH_1_(f, x) f(x)
#define AWL_EACH_2_(f, x, ...) f(x), AWL_EACH_1_(f, __VA_ARGS__)
#define AWL_EACH_3_(f, x, ...) f(x), AWL_EACH_2_(f, __VA_ARGS__)
#define AWL_EACH_4_(f, x, ...) f(x), AWL_EACH_3_(f, __VA_ARGS__)
#define AWL_EACH_5_(f, x, ...) f(x), AWL_EACH_4_(f, __VA_ARGS__)
#define AWL_EACH_6_(f, x, ...) f(x), AWL_EACH_5_(f, __VA_ARGS__)
#define AWL_EACH_7_(f, x, ...) f(x), AWL_EACH_6_(f, __VA_ARGS__)
#define AWL_EACH_8_(f, x, ...) f(x), AWL_EACH_7_(f, __VA_ARGS__)
#define AWL_EACH_9_(f, x, ...) f(x), AWL_EACH_8_(f, __VA_ARGS__)
#define AWL_EACH_10_(f, x, ...) f(x), AWL_EACH_9_(f, __VA_ARGS__)
#define AWL_EACH_11_(f, x, ...) f(x), AWL_EACH_10_(f, __VA_ARGS__)
#define AWL_EACH_12_(f, x, ...) f(x), AWL_EACH_11_(f, __VA_ARGS__)
#define AWL_EACH_13_(f, x, ...) f(x), AWL_EACH_12_(f, __VA_ARGS__)
#define AWL_EACH_14_(f, x, ...) f(x), AWL_EACH_13_(f, __VA_ARGS__)
#define AWL_EACH_15_(f, x, ...) f(x), AWL_EACH_14_(f, __VA_ARGS__)
#define AWL_EACH_16_(f, x, ...) f(x), AWL_EACH_15_(f, __VA_ARGS__)

#endif
