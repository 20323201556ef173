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
 * call; a task that catches it (co_try_cancel) goes on. co_await and co_try pass it on. awl_task_cancelling tells that
 * one was asked for; who means to go on says so by awl_task_uncancel. With the loop's option `debug`, a task that was
 * cancelled but ends as if nothing had been, or suspends again outside of a co_finally, is reported, once.
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
 * Ctrl-C, that is SIGINT, cancels the main task, so that every co_finally runs; a second one ends the process at once, as
 * the first one would without awl. That is so in the process's first thread while the signal has its default action: a
 * handler of the program's, or one of awl/signals.h, takes precedence, and a signal that is ignored stays so.
 *
 *   main      a coroutine object
 *   options   of the loop; may be NULL
 *   result    takes what the coroutine returned; may be NULL; untouched on error
 * Result   0, or the error that the coroutine ended with, which is reported too; AWL_EINTERRUPTED, which is not, if it
 *          ended because of SIGINT; ENOMEM, EMFILE; EBUSY within a running loop; AWL_ESTOPPED if the loop was stopped
 *          before; EDEADLK if it waits for what can never happen (see awl_loop_run_forever).
 * Source   asyncio.run; test/task/test_run.c, test/signals/test_interrupt.c
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

/*
 * awl_task *awl_create_task_eager(awl_coro coroutine): the same, but the task takes its first step now, within this call:
 * up to where it suspends first, or to its end. It is the current task meanwhile, in a context of its own.
 *
 * Result   the task, which may be done already; NULL when there is no memory.
 * Owns     the caller holds a reference: awl_task_release.
 * Context  a running loop, else a trap. When eager tasks create each other so deeply that they have used 128 kB of the C
 *          stack, the next one starts in the next iteration instead.
 * Source   asyncio.eager_task_factory; test/task/test_eager.c
 */
#define awl_create_task_eager(...)                                                                                     \
    awl_task_made_(__extension__({                                                                                     \
        AWL_NOT_HERE_                                                                                                  \
        CO_HIDDEN_(static const awl_site awl_site_ = { __FILE__, __LINE__ })                                           \
        CO_HIDDEN_(awl_nursery_ awl_nursery_before_ = awl_nursery_open_(awl_site_.file, awl_site_.line))               \
        awl_eager_(awl_nursery_before_, (__VA_ARGS__), &awl_site_);                                                    \
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
    AWL_CANCEL_ON_ERROR = 2,   /* the first error cancels the other children, and all are waited for */
    AWL_RACE_ = 4,
};

/*
 * Waits for several awaitables at once, up to 16 by name, any number from an array of awl_task * or awl_future *. Those
 * that are coroutine objects become tasks at once, and are released at the end.
 *
 *   outcomes   NULL, or takes one outcome each, in the order of the arguments; must live until the end
 *   flags      0, AWL_RETURN_EXCEPTIONS or AWL_CANCEL_ON_ERROR
 * Result   none; see `outcomes`, or the tasks.
 * Errors   without AWL_RETURN_EXCEPTIONS the first error of a child: at once, while the others run on, or with
 *          AWL_CANCEL_ON_ERROR when the others have been cancelled and have ended, too (those that there are, if one is
 *          NULL or there is no memory for all); ECANCELED after the children were cancelled too; EINVAL if one is NULL;
 *          ENOMEM.
 * Source   asyncio.gather; test/task/test_gather.c
 */
#define awl_gather(...) awl_gather_into(NULL, __VA_ARGS__)
#define awl_gather_into(outcomes, ...)                                                                                 \
    awl_gather_children_((awl_child_[]){ AWL_EACH_(AWL_CHILD_, __VA_ARGS__) }, AWL_COUNT_(__VA_ARGS__), (outcomes), 0)
#define awl_gather_return_exceptions(outcomes, ...)                                                                    \
    awl_gather_children_((awl_child_[]){ AWL_EACH_(AWL_CHILD_, __VA_ARGS__) }, AWL_COUNT_(__VA_ARGS__), (outcomes),    \
                         AWL_RETURN_EXCEPTIONS)
#define awl_gather_or_cancel(outcomes, ...)                                                                            \
    awl_gather_children_((awl_child_[]){ AWL_EACH_(AWL_CHILD_, __VA_ARGS__) }, AWL_COUNT_(__VA_ARGS__), (outcomes),    \
                         AWL_CANCEL_ON_ERROR)
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

/*
 * awl_coro awl_race(awaitables, up to 16): waits for the first of them to end, with a result or an error; cancels the
 * others, and ends when they have ended. awl_race_n takes an array of awl_task * or awl_future *.
 *
 * Result   that of the first. (Which one it was, tasks of yours tell: the others are cancelled.)
 * Errors   that of the first; ECANCELED after the children were cancelled too; EINVAL for none, or if one is NULL; ENOMEM:
 *          these two also when those that there are have been cancelled and have ended.
 *          An error of another child is not looked at: of a task that the race made, and cancelled, it is reported.
 * Owns     as awl_gather.
 * Source   test/task/test_race.c
 */
#define awl_race(...)                                                                                                  \
    awl_gather_children_((awl_child_[]){ AWL_EACH_(AWL_CHILD_, __VA_ARGS__) }, AWL_COUNT_(__VA_ARGS__), NULL, AWL_RACE_)
#define awl_race_n(awaitables, n) awl_gather_n_(AWL_ARRAY_(awaitables), (n), NULL, AWL_RACE_)

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
    AWL_BY_AWAITABLE_(awaitable, awl_wait_for_coro_, awl_wait_for_task_, awl_wait_for_future_)((awaitable), awl_duration_(timeout))

/*
 * awl_coro awl_shield(awaitable): awaits it, but a cancellation of who waits does not reach it: it runs on, kept alive by
 * the loop. A coroutine object becomes a task at once.
 *
 * Result   that of the awaitable.
 * Errors   those of the awaitable, ECANCELED if it is cancelled; ECANCELED if who waits is; EINVAL for NULL; ENOMEM.
 * Context  a cancellation loses the result, not the work; an error that comes after it is reported.
 * Source   asyncio.shield; test/task/test_shield.c
 *
 * awl_future *awl_shield_future(future or task): the same as a future, for who hands it on: awl_future_cancel of that
 * leaves the inner one alone. What is done already is its own shield. NULL with errno EINVAL or ENOMEM.
 * The caller holds a reference: awl_future_release. Released before it is done, it lets go of the inner one.
 */
#define awl_shield(...) awl_shield_child_(AWL_CHILD_((__VA_ARGS__)))
#define awl_shield_future(inner)                                                                                       \
    awl_shield_future_(_Generic((inner), awl_task *: awl_task_as_future_, awl_future *: awl_future_as_future_)(inner))

/* A coroutine that awaits a future or task and has its result: for whatever takes coroutines only. */
AWL_CORO awl_await_future(awl_future *future);
AWL_CORO awl_await_task(awl_task *task);

/* Releases an object that shall not be awaited after all. */
void awl_coro_close(awl_coro coroutine);

/* ---- One after the other, as they end --------------------------------------------------------------------------------- */

/* Tasks or futures in the order in which they end. In a frame, zeroed; its fields are awl's. */
typedef struct awl_as_completed {
    awl_loop *loop_;
    struct awl_completed_ *nodes_, *first_, *last_;
    size_t n_, room_, todo_, left_, late_;
    void *getters_;
    awl_handle timer_;
} awl_as_completed;

/*
 * Begins to wait for several tasks or futures; each is handed out by awl_as_completed_next when it is done.
 *
 *     awl_as_completed_init(&self->it, self->tasks, 3, AWL_FOREVER);
 *     while (awl_as_completed_left(&self->it)) {
 *         co_let(self->task, awl_as_completed_next(&self->it));
 *         …
 *     }
 *     co_finally;
 *     awl_as_completed_close(&self->it);
 *
 *   iterator     caller's memory, zeroed, until it is closed
 *   awaitables   an array of awl_task * or awl_future *, read at the call; one that is there twice counts once
 *   timeout      AWL_FOREVER: none; from now
 * Result   0; EINVAL if one is NULL, or no loop runs; AWL_EOTHERLOOP; EBUSY if the iterator has not been closed; ENOMEM.
 * Owns     the iterator holds a reference to each of them; awl_as_completed_close, before the loop is closed, gives all
 *          back. A future in caller's memory must last until then.
 * Source   asyncio.as_completed of 3.13; test/task/test_as_completed.c
 */
#define awl_as_completed_init(iterator, awaitables, n, timeout)                                                        \
    awl_as_completed_init_((iterator), AWL_ARRAY_(awaitables), (n), (timeout))

/*
 * Waits for the next one that is done, with a result, an error or cancelled.
 *
 * Result   awl_task * or awl_future *, as it was given: the thing itself, borrowed until the iterator is closed.
 * Errors   AWL_EEND if all have been asked for; ETIMEDOUT for each one that was not done in time; ECANCELED (the others
 *          stay, that one is not handed out any more); AWL_EEND if the iterator was closed meanwhile; EINVAL for NULL.
 * Context  several tasks may wait at once: they are served in turn.
 * Source   test/task/test_as_completed.c
 */
AWL_CORO awl_as_completed_next(awl_as_completed *iterator);

/* How often awl_as_completed_next can still be asked. */
size_t awl_as_completed_left(const awl_as_completed *iterator);

/* Lets go of what is not done; it runs on. NULL and a zeroed iterator are let be. */
void awl_as_completed_close(awl_as_completed *iterator);

/* ---- Timeouts ---------------------------------------------------------------------------------------------------------- */

/* A block with a deadline. In a frame, zeroed; its fields are awl's. */
typedef struct awl_timeout {
    awl_handle handle_;
    awl_task *task_;
    awl_time when_;
    unsigned before_; /* cancellations of the task when it entered */
    uint32_t state_;
} awl_timeout;

/*
 * Begins a block that the running task must have left after `delay` (or at `when`): else the task is cancelled, and
 * awl_timeout_exit makes ETIMEDOUT of that ECANCELED.
 *
 *     awl_timeout_enter(&self->t, 2 * AWL_SECOND);              async with asyncio.timeout(2):
 *     co_try_cancel(self->rc, co_call(work));                       await work()
 *     self->rc = awl_timeout_exit(&self->t, self->rc);
 *     if (self->rc)                                             # and up goes the error
 *         co_raise(self->rc);
 *
 * A block of several awaits is a coroutine of its own (as `work` here), or is left in co_finally:
 *
 *     co_finally;
 *     self->rc = awl_timeout_exit(&self->t, co_failing);
 *     if (self->rc)
 *         co_raise(self->rc);
 *
 *   timeout   caller's memory until awl_timeout_exit, zeroed or left before
 *   delay     AWL_FOREVER: no deadline; zero or less: the next iteration
 * Result   0; EINVAL without a running task, or for NULL; EBUSY if it has been entered and not left.
 * Owns     a coroutine must not end, however it ends, without having left it: co_finally is the place that is never missed.
 * Context  the running task; allocates nothing. Blocks may lie within each other.
 * Source   asyncio.timeout, timeout_at; test/task/test_timeout.c
 */
int awl_timeout_enter(awl_timeout *timeout, awl_time delay);
int awl_timeout_enter_at(awl_timeout *timeout, awl_time when);

/*
 * Ends the block: takes the deadline back and, if it was over, the cancellation, too.
 *
 *   error   with which the block is left: what co_try_cancel has stored, or co_failing
 * Result   the error with which the coroutine should go on: ETIMEDOUT instead of ECANCELED if that came from this timeout
 *          and from nobody else; else `error`. Of a timeout that is not entered (zeroed, or left before) and of NULL, `error`.
 * Context  the task that entered it, else a trap.
 * Source   asyncio.Timeout; test/task/test_timeout.c
 */
int awl_timeout_exit(awl_timeout *timeout, int error);

/*
 * Sets the deadline anew.
 *
 *   delay   from now; AWL_FOREVER: none
 * Result   0; AWL_ECLOSED outside of the block, and when the deadline is over; EINVAL for NULL.
 * Source   asyncio.Timeout.reschedule; test/task/test_timeout.c
 */
int awl_timeout_reschedule(awl_timeout *timeout, awl_time delay);
int awl_timeout_reschedule_at(awl_timeout *timeout, awl_time when);

/* Whether the deadline came before the end of the block, also after it. The deadline; AWL_FOREVER: there is none. */
bool awl_timeout_expired(const awl_timeout *timeout);
awl_time awl_timeout_when(const awl_timeout *timeout);

/* ---- Task groups --------------------------------------------------------------------------------------------------------- */

/* What went wrong in a group. */
typedef struct awl_group_error {
    const struct awl_group_error *next; /* in the order in which they came; NULL: the last */
    awl_task *task;                     /* NULL: the body */
    const char *name;                   /* of the task */
    int error;
} awl_group_error;

/* Tasks that end together. In a frame, zeroed; its fields are awl's. */
typedef struct awl_task_group {
    co_frame exit_; /* of awl_task_group_exit */
    awl_task *owner_;
    struct awl_group_child_ *first_, *last_;
    size_t live_, n_errors_;
    awl_group_error *errors_, *last_error_, body_;
    awl_future completed_;
    int error_, pass_on_;
    uint32_t flags_;
    bool waiting_, told_;
    uint16_t cancels_;
} awl_task_group;

/*
 * Begins a block whose tasks have all ended when it is left, whatever happens.
 *
 *     awl_task_group_enter(&self->g);                                            async with asyncio.TaskGroup() as g:
 *     self->a = awl_task_group_create_task(&self->g, co_call(load, .n = 1));         a = g.create_task(load(1))
 *     awl_task_group_create_task(&self->g, co_call(load, .n = 2));                   g.create_task(load(2))
 *     co_finally;
 *     co_await(awl_task_group_exit(&self->g, co_failing));
 *
 * A task that fails cancels the body, so the exit must stand where an error of the body comes by: in co_finally. What is on its
 * way there (co_failing, ECANCELED then) goes on unless another error replaces it: the await above brings AWL_EGROUP; who looks
 * at the errors first takes the result by co_try_cancel and raises it. To go on after a group has failed, as after `except*`,
 * let the block be a coroutine of its own, and await that by co_try.
 *
 *   group   caller's memory until awl_task_group_exit has ended and, if its errors are wanted, until awl_task_group_fini;
 *           zeroed or left before (then the errors of before are released; of a loop that is closed, none may be left)
 * Result   0; EINVAL without a running task, or for NULL; EBUSY if it has been entered and not left.
 * Owns     a coroutine must not end, however it ends, without having awaited awl_task_group_exit.
 * Context  the running task owns the group; allocates nothing.
 * Source   asyncio.TaskGroup; test/task/test_group.c
 */
int awl_task_group_enter(awl_task_group *group);

/*
 * awl_task *awl_task_group_create_task(awl_task_group *group, awl_coro coroutine): a task of the group. The first that
 * fails has all others cancelled, and the owner.
 *
 * Result   the task; NULL with errno ENOMEM, AWL_EOTHERLOOP, EINVAL for NULL, or AWL_ECLOSED if the group has not been
 *          entered, is being cancelled, or has been left but for its last task. Then the coroutine is released.
 * Owns     the group owns the task: the pointer is borrowed until the group is left; awl_task_retain keeps it.
 * Context  any task or callback of the loop.
 * Source   asyncio.TaskGroup.create_task; test/task/test_group.c
 */
#define awl_task_group_create_task(group, ...) AWL_GROUP_ADD_((group), true, (__VA_ARGS__))

/* int awl_task_group_spawn(awl_task_group *group, awl_coro coroutine): the same for a task whose result nobody wants. It is
 * freed when it ends, so a group may have any number of them one after the other. 0, or the error. */
#define awl_task_group_spawn(group, ...) awl_group_spawned_(AWL_GROUP_ADD_((group), false, (__VA_ARGS__)))

/*
 * Waits until all tasks of the group have ended, those included that tasks of it create meanwhile. If the body failed, or the
 * owner is cancelled while it waits, it cancels them first.
 *
 *   error   with which the body is left: co_failing, or what co_try_cancel has stored
 * Result   none.
 * Errors   AWL_EGROUP if a task, or the body, failed: see awl_task_group_errors. (Cancelled ones have not failed.) If the
 *          owner was cancelled from outside as well, that arrives at its next await. ECANCELED if it was cancelled from
 *          outside and nothing failed. Of a group that has not been entered, `error`; EINVAL for NULL.
 *          After awl_task_group_cancel, ECANCELED of the body is no error: awaited in co_finally, it ends there.
 * Context  the owner, else a trap; allocates nothing, so that it cannot fail to wait.
 * Source   asyncio.TaskGroup.__aexit__; test/task/test_group.c
 */
AWL_CORO awl_task_group_exit(awl_task_group *group, int error);

/* Ends a group early, without an error: cancels its tasks, and the body at its next await. false if it is not entered, or
 * is over. Source: asyncio.TaskGroup.cancel of 3.15; test/task/test_group.c */
bool awl_task_group_cancel(awl_task_group *group);

/* The errors of a group that was left with AWL_EGROUP, in the order in which the tasks failed, the body's last; *n, if n is
 * not NULL, takes how many. They last until awl_task_group_fini, or until the group is entered again. */
const awl_group_error *awl_task_group_errors(const awl_task_group *group, size_t *n);

/* Releases the errors of a group, and the tasks in them; without it they go when the loop is closed: a program that goes on
 * after groups have failed calls it for each. Not after the loop was closed. NULL and a zeroed group are let be; one that
 * was entered and not left is a trap. */
void awl_task_group_fini(awl_task_group *group);

/* ---- Seeing inside ------------------------------------------------------------------------------------------------------ */

/*
 * Writes down what all tasks of a loop are doing: a tree in which a task stands below the one that waits for it, or that
 * owns its group, with what it waits for (and how long, or for whom), FILE:LINE of each coroutine in which it is suspended,
 * from the innermost on, and where it was created. Below that, what is ready, in its order, and who waits.
 *
 *     'main': waiting for a gather, 2 of 2 left
 *         in awl_gather
 *         in main (tree.c:31)
 *       'load': waiting for a lock, held by 'save'
 *           in awl_lock_acquire
 *           in load (tree.c:12)
 *           created at tree.c:31
 *       …
 *     ready: nothing
 *     waiting: 'main', 'load', 'save'
 *
 * awl_dump writes that to a descriptor, awl_dump_lines hands it to fn, line by line. The environment AWL_DUMP=1 (or the
 * loop's option `dump_on_signal`) has each SIGUSR1 that comes write it to stderr.
 *
 *   loop   NULL: the running one; without one nothing is written
 *   fn     takes a line without its end, valid during the call; must not use awl
 * Context  the loop's thread (from a debugger, too: `call awl_dump(0, 2)`), or any while the loop does not run; allocates
 *          nothing. A task that runs is shown as it was when its step began.
 * Source   asyncio.print_call_graph, all_tasks; test/task/test_dump.c
 */
typedef void awl_line_fn(void *arg, const char *line);
void awl_dump(awl_loop *loop, int fd);
void awl_dump_lines(awl_loop *loop, awl_line_fn *fn, void *arg);

/* ---- Context variables ---------------------------------------------------------------------------------------------------- */

/* A variable of which each task has its own value: a static object of yours, known by its address. */
typedef struct awl_context_var {
    const char *name;
    awl_value initial; /* what it is where it was never set */
} awl_context_var;

/* What a variable was before it was set. Zeroed, of nothing; its fields are awl's. */
typedef struct awl_context_token {
    const awl_context_var *var_;
    awl_task *task_;
    awl_value before_;
    bool was_set_;
} awl_context_token;

/*
 * The value in the running task. A task begins with the values of who created it, and so does a callback (awl_call_soon,
 * _later, _at, done-callbacks) with those of who registered it; what it sets is seen by nobody else. Other callbacks (of
 * descriptors, of other threads) begin with none.
 *
 * Result   the value; `var->initial` if it was never set, or where no loop runs.
 * Source   contextvars.ContextVar.get; test/task/test_context.c
 */
awl_value awl_context_get(const awl_context_var *var);

/*
 * int awl_context_set(var, value, token): sets it, to an integer, floating or pointer value.
 *
 *   token   takes what it was before, for awl_context_reset; may be NULL
 * Result   0; EINVAL for NULL, or where no loop runs; ENOMEM (nothing has changed).
 * Owns     a pointer stays the caller's, and must outlive the tasks and callbacks that were created since.
 * Context  allocates when the task has no context of its own yet; tasks that use none have none.
 * Source   contextvars.ContextVar.set; test/task/test_context.c
 */
#define awl_context_set(var, value, token) awl_context_set_typed_((var), CO_TYPED_(value), (token))

/* Sets a variable back to what it was before the token's set, once. 0; EINVAL in another task, or for NULL;
 * AWL_EINVALIDSTATE if that has been done; ENOMEM. Source: contextvars.ContextVar.reset; test/task/test_context.c */
int awl_context_reset(awl_context_token *token);

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
struct awl__dump;
typedef struct awl_instant_ {
    co_type type; /* of the frame; its step begins with what `begin` does */
    co_step (*begin)(co_stack *stack, co_frame *caller, void *of); /* as if a child of `caller` did */
    void (*inspect)(struct awl__dump *dump, const co_frame *frame); /* see awl_dump */
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
/* A constant of a few nanoseconds is a unit forgotten. */
static __attribute__((noinline, cold, unused, warning("times are nanoseconds: write 2 * AWL_SECOND or 250 * AWL_MS"))) void
awl_unit_(void)
{
    __asm__ volatile(""); /* so that the call stays, and is warned of */
}
static inline __attribute__((always_inline)) awl_time awl_duration_(awl_time duration)
{
    if (__builtin_constant_p(duration) && duration > 0 && duration < AWL_US)
        awl_unit_();
    return duration;
}

static inline __attribute__((always_inline)) awl_coro awl_sleep(awl_time duration)
{
    awl_duration_(duration);
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
awl_task *awl_eager_(awl_nursery_ nursery, awl_coro coroutine, const awl_site *site);
awl_task *awl_group_add_(awl_task_group *group, awl_nursery_ nursery, awl_coro coroutine, const awl_site *site,
                         bool borrowed);
int awl_group_spawned_(awl_task *task);
AWL_CORO awl_shield_child_(awl_child_ inner);
awl_future *awl_shield_future_(awl_future *inner) __attribute__((warn_unused_result));
static inline awl_future *awl_task_as_future_(awl_task *task) { return (awl_future *)(void *)task; }
static inline awl_future *awl_future_as_future_(awl_future *future) { return future; }
int awl_as_completed_init_(awl_as_completed *iterator, const void *awaitables, size_t n, awl_time timeout);
int awl_context_set_typed_(const awl_context_var *var, co_typed_ value, awl_context_token *token);
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

#define AWL_GROUP_ADD_(group, borrowed, coroutine)                                                                     \
    __extension__({                                                                                                    \
        AWL_NOT_HERE_                                                                                                  \
        CO_HIDDEN_(static const awl_site awl_site_ = { __FILE__, __LINE__ })                                           \
        CO_HIDDEN_(awl_task_group *const awl_group_ = (group))                                                         \
        CO_HIDDEN_(awl_nursery_ awl_nursery_before_ = awl_nursery_open_(awl_site_.file, awl_site_.line))               \
        awl_group_add_(awl_group_, awl_nursery_before_, coroutine, &awl_site_, (borrowed));                            \
    })

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

/* Up to 32 are counted, so that the compiler names the way out for those beyond 16. */
#define AWL_COUNT_(...)                                                                                                \
    AWL_33RD_(__VA_ARGS__, AWL_8_TOO_MANY_, AWL_8_TOO_MANY_, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define AWL_8_TOO_MANY_                                                                                                \
    USE_awl_gather_n_FOR_MORE_THAN_16, USE_awl_gather_n_FOR_MORE_THAN_16, USE_awl_gather_n_FOR_MORE_THAN_16,           \
        USE_awl_gather_n_FOR_MORE_THAN_16, USE_awl_gather_n_FOR_MORE_THAN_16, USE_awl_gather_n_FOR_MORE_THAN_16,       \
        USE_awl_gather_n_FOR_MORE_THAN_16, USE_awl_gather_n_FOR_MORE_THAN_16
#define AWL_33RD_(...) AWL_33RD_OF_(__VA_ARGS__)
#define AWL_33RD_OF_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc, dd, ee, \
                     ff, count, ...)                                                                                   \
    count
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
