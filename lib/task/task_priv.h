/* The inside of futures and tasks. */
#ifndef AWL_TASK_PRIV_H
#define AWL_TASK_PRIV_H

#include <errno.h>
#include <string.h>

#include "../loop/loop_priv.h"
#include "awl/task.h"

/* ---- Futures ---------------------------------------------------------------------------------------------------- */

/* co_promise.state_ */
enum awl__state {
    AWL__PENDING = 0,
    AWL__FINISHED = 1,
    AWL__CANCELLED = 2,
    AWL__STATE = 3,
    AWL__UNSEEN = 4,   /* it has an error that nobody has looked at */
    AWL__SILENT = 8,   /* an error that it may get is to be dropped: a gather has ended before it */
    AWL__COUNTED = 16, /* the upper bits are its references */
    AWL__A_TASK = 32,
    AWL__A_GATHER = 64,
    AWL__A_SHIELD = 128,
    AWL__REFERENCE = 256,
};

static inline bool awl__is_done(const awl_future *future) { return future->state_ & AWL__STATE; }
static inline bool awl__is_cancelled(const awl_future *future)
{
    return (future->state_ & AWL__STATE) == AWL__CANCELLED;
}
static inline awl_loop *awl__future_loop(const awl_future *future) { return (awl_loop *)(void *)future->host_; }

/* Ends a pending future and makes its waiters ready. */
void awl__future_finish(awl_future *future, awl_value value, uint16_t kind);
void awl__future_fail(awl_future *future, int error);
void awl__future_become_cancelled(awl_future *future);
void awl__future_become(awl_future *future, uint32_t state); /* with what is in it */

/* The outcome of a future that is done, into `promise`; its error counts as seen. */
static inline void awl__future_take(awl_future *future, co_promise *promise)
{
    future->state_ &= ~(uint32_t)AWL__UNSEEN;
    memcpy(&promise->value_, &future->value_, offsetof(co_promise, state_) - offsetof(co_promise, value_));
}

/* Ends a future that is nothing but a wake-up, unless it has ended. */
static inline void awl__future_wake(awl_future *future)
{
    if (!awl__is_done(future))
        awl__future_finish(future, (awl_value){ .i = 0 }, CO_NONE);
}

/* One reference more, or less, where they are counted. */
void awl__future_free(awl_future *future);
static inline void awl__future_keep(awl_future *future)
{
    if (future->state_ & AWL__COUNTED)
        future->state_ += AWL__REFERENCE;
}
static inline void awl__future_drop(awl_future *future)
{
    if (future->state_ & AWL__COUNTED && (future->state_ -= AWL__REFERENCE) < AWL__REFERENCE)
        awl__future_free(future);
}

/* Element i of an array of awl_task * or awl_future *, read by memcpy because it may be either; NULL for no array. */
static inline awl_future *awl__awaitable_at(const void *awaitables, size_t i)
{
    awl_future *future = NULL;

    if (awaitables)
        memcpy(&future, (const char *)awaitables + i * sizeof future, sizeof future);
    return future;
}

/* Something that is called when a future is done, in memory of its owner's. */
typedef struct awl__waiter awl__waiter;
struct awl__waiter {
    awl__link link;
    void (*fn)(awl_loop *loop, awl__waiter *waiter);
    awl_future *future;
};

void awl__watch(awl_future *future, awl__waiter *waiter, void (*fn)(awl_loop *loop, awl__waiter *waiter));
bool awl__unwatch(awl__waiter *waiter); /* true if the call was still to come */

/* ---- Tasks ---------------------------------------------------------------------------------------------------------- */

/* What few tasks have. */
typedef struct awl__context awl__context;
typedef struct awl__extra {
    const awl_site *site;
    awl__context *context; /* NULL: no context variable is set */
    const co_type *type;   /* of a root that lies too far off to be found; NULL: it does not */
    bool named;
    char name[];
} awl__extra;

struct awl_task {
    _Alignas(8) co_stack stack; /* first; and its promise, the task's future, first in that. user_: see below */
    /* Its place on the ready queue, or among the waiters of what it awaits. slot_: bytes / 8 of the whole block. extra_:
     * how far off the root frame lies (0: too far to be said). */
    awl__entry entry;
    awl__block all;   /* in loop->tasks, until it is released */
    union {
        const awl_site *site;
        awl__extra *extra;
    } info;
};

/* co_stack.user_: flags, and above them the number of cancellations asked for. */
enum {
    AWL__MUST_CANCEL = 1, /* ECANCELED is to be delivered at the next step */
    AWL__BLOCKED = 2, /* its leaf waits for something that can be cancelled */
    AWL__ON_FUTURE = 4, /* namely for the future in value_ */
    AWL__CYCLE = 32,    /* its leaf awaits, perhaps through others, itself: EDEADLK at the next step */
    AWL__EXTRA = 8,   /* info.extra, not info.site */
    AWL__SHUTDOWN = 16, /* awl__cancel_all waits for it */
    AWL__TOLD = 64,     /* it was reported that a cancellation of it got lost */
    AWL__COUNT_SHIFT = 8,
};

/* Room for frames in the task's own block, beyond the root: a sleep, an awaited future. */
enum { AWL__SLACK = sizeof(void *) == 8 ? 56 : 40 };

/* How far a frame lies from its task, in 8 bytes; false if that does not fit, in a heap that spans over 16 GiB. */
static inline bool awl__distance(const co_stack *stack, const co_frame *frame, uint32_t *distance)
{
    const intptr_t far = ((intptr_t)frame - (intptr_t)stack) / 8;

    *distance = (uint32_t)far;
    return far == (int32_t)far;
}

static inline size_t awl__task_size(const awl_task *task) { return (size_t)task->entry.slot_ * 8; }

static inline awl_task *awl__task_of(co_stack *stack) { return (awl_task *)(void *)stack; }
static inline awl_loop *awl__loop_of(co_stack *stack) { return (awl_loop *)(void *)stack->promise_.host_; }
/* The task that runs next, if it is one that does; else NULL. */
static inline const awl_task *awl__task_next(const awl_loop *loop)
{
    const awl__entry *next = loop->batch;

    return next && next->kind_ == AWL__TASK
               ? (const awl_task *)(const void *)((const char *)next - offsetof(awl_task, entry))
               : NULL;
}
static inline awl_task *awl__task_at(awl__block *all)
{
    return (awl_task *)(void *)((char *)all - offsetof(awl_task, all));
}

/* Suspends the running task at `leaf`, an operation that has arranged to be woken. */
static inline co_step awl__block_at(co_frame *leaf, co_stack *stack, uint32_t state)
{
    leaf->state_ = state;
    stack->leaf_ = leaf;
    stack->user_ |= AWL__BLOCKED;
    return (co_step){ CO_PENDING_ };
}

/* Makes a task ready for its next step. */
static inline void awl__task_wake(awl_task *task)
{
    task->stack.user_ &= ~(uint32_t)AWL__BLOCKED;
    awl__ready(awl__loop_of(&task->stack), &task->entry);
}

/* A task for `coroutine`; NULL: no memory. */
awl_task *awl__task_new(awl_loop *loop, awl_coro coroutine, const awl_site *site);
extern const awl_site awl__no_site; /* of a task that no line of the user's creates: reports name its coroutine's line */
co_slot_ awl__nursery_frame(awl_loop *loop, size_t size);
void awl__nursery_discard(awl_nursery_ before, awl_coro coroutine); /* no task is to be made after all */
void awl__task_free(awl_task *task);
bool awl__stack_holds(const co_stack *stack, const char *at, size_t size); /* whether that lies in its memory */
co_slot_ awl__detach(awl_loop *loop, size_t size); /* a frame on the heap */
static inline bool awl__stack_has_segments(const awl_task *task)
{
    return task->stack.end_ + CO_RESERVE_ != (const char *)task + awl__task_size(task);
}
void awl__stack_adopt(awl_task *task); /* what there is of segments lasts as long as the task */
void awl__stack_release(awl_task *task); /* frees the segments of a stack without frames */
void awl__stack_abandon(awl_task *task); /* frees those frames of a task that the loop's end would not */

/* Takes a frame that will not be resumed, as its loop is closed, out of the list it waits in. Weak: the layer that
 * has such lists need not be linked. */
void awl__abandon(co_frame *leaf) __attribute__((weak));
/* Parts of awl__op_close, for operations of layers above. */
void awl__job_close(co_frame *frame) __attribute__((weak));
void awl__process_op_close(co_frame *frame) __attribute__((weak));
void awl__signals_op_close(co_frame *frame) __attribute__((weak));

void awl__task_step(awl_loop *loop, awl__entry *entry); /* one step of a task that is on no queue */
void awl__debug_step(awl_loop *loop, awl__entry *entry); /* the same, and looks for lost cancellations after it */
const awl_site *awl__task_site(const awl_task *task); /* where it was created; no file: by no line of the user's */
void awl__task_report(awl_loop *loop, const awl_task *task, const char *what, int error);
awl__extra *awl__task_extra(awl_task *task); /* made if it has none; NULL: no memory */

/* Teaches a loop about tasks. awl_loop_open does it where this layer is linked. */
void awl__tasks_open(awl_loop *loop);
void awl__stacks_open(awl_loop *loop);
void awl__stacks_close(awl_loop *loop);
void awl__futures_open(awl_loop *loop);
void awl__sleeps_open(awl_loop *loop);

/* ---- Operations: coroutines written by hand ------------------------------------------------------------------------- */

/* A frame for an operation, where co_call would put it; the head is filled in, the rest is zero. NULL: no memory. */
void awl__free_detached(co_frame *frame);
void awl__op_close(co_frame *frame); /* an object that never starts: gives back what it holds, if it is such an operation */
awl_coro awl__sleep_detached(awl_loop *loop); /* a sleep(0) with a frame, on the heap */
void *awl__op_new(const co_type *type, size_t size);
static inline awl_coro awl__op(void *frame)
{
    co_frame *head = frame;
    return head ? (awl_coro){ head, (uintptr_t)head->caller_ } : (awl_coro){ NULL, 0 };
}

/* The same inline, for operations that messages pass through; `size` is that of the type. */
static inline void *awl__op_new_here(const co_type *type, size_t size)
{
    co_stack *stack = awl_into_(NULL);
    co_frame *frame = (co_frame *)(void *)stack->top_;

    if (CO_UNLIKELY_(size % 8 || stack->end_ - stack->top_ < (ptrdiff_t)size))
        return awl__op_new(type, size);
    stack->top_ += size;
    *frame = (co_frame){ type, (co_frame *)CO_TOKEN_, 0, 0, 0 };
    memset(frame + 1, 0, size - sizeof *frame);
    return frame;
}

/* The size of an unstarted frame. That of an operation that is larger than its type says is noted in error_, in 8 bytes,
 * which only co_finally uses; 0: too large for that. */
static inline int16_t awl__op_note_size(const co_type *type, size_t size)
{
    return size == type->size ? 0 : size / 8 < INT16_MAX ? (int16_t)((size + 7) / 8) : -1;
}
static inline size_t awl__op_size(const co_frame *frame)
{
    return frame->error_ < 0 ? 0 : frame->error_ ? (size_t)frame->error_ * 8 : frame->type_->size;
}

/* A copy on the heap of an unstarted object, and of all that it holds; no frame: no memory. */
awl_coro awl__move_off(co_stack *stack, co_frame *frame);

/* The same for all that `frame`, unstarted on the stack `own`, holds of `stack`: the task of `own` may outlive it. */
void awl__move_in(co_stack *stack, const co_stack *own, co_frame *frame);

/* An operation's end: with what is in the promise or an error; with an integer; without a result, or with an error. In its
 * first step the promise has what the caller's await before brought. */
co_step awl__op_end(co_frame *frame, co_stack *stack, int error);
co_step awl__op_end_int(co_frame *frame, co_stack *stack, int64_t value);
static inline co_step awl__op_end_plain(co_frame *frame, co_stack *stack, int error)
{
    stack->promise_.value_.i = 0;
    stack->promise_.kind_ = CO_NONE;
    return awl__op_end(frame, stack, error);
}

/* Awaits a future: suspends `leaf`, an operation in `state`, unless the future is done. The outcome is in the promise when
 * the code is CO_DONE_, or when the leaf is resumed: as if a child had ended. */
co_step awl__await(co_stack *stack, co_frame *leaf, awl_future *future);
static inline co_step awl__await_in(co_stack *stack, co_frame *leaf, awl_future *future, uint32_t state)
{
    leaf->state_ = state;
    return awl__await(stack, leaf, future);
}
/*
 * A frame for an operation that `caller` awaits without one, where the caller's next frame would be. NULL: no memory. It
 * awaits nothing itself; so the first that the root awaits may use the reserve: nothing else will, as long as it is there.
 */
void *awl__op_here_slowly(co_stack *stack, co_frame *caller, const co_type *type, size_t size);
static inline bool awl__op_fits(const co_stack *stack, size_t size)
{
    const ptrdiff_t room = stack->end_ - stack->top_;

    return room >= (ptrdiff_t)size ||
           (room == AWL__SLACK - CO_RESERVE_ && size <= AWL__SLACK &&
            stack->end_ + CO_RESERVE_ == (const char *)stack + awl__task_size((const awl_task *)(const void *)stack));
}
static inline void *awl__op_here(co_stack *stack, co_frame *caller, const co_type *type, size_t size)
{
    co_frame *frame = (co_frame *)(void *)stack->top_;

    if (CO_UNLIKELY_(!awl__op_fits(stack, size)))
        return awl__op_here_slowly(stack, caller, type, size);
    stack->top_ += size;
    *frame = (co_frame){ type, caller, 0, 0, 0 };
    return frame;
}

/* The same operation as an object with a frame on the heap; one without any: no memory. */
awl_coro awl__instant_detached(awl_loop *loop, uintptr_t token);
co_step awl__await_token(co_stack *stack, co_frame *self, uintptr_t token, char *mark);

/* ---- Gather ------------------------------------------------------------------------------------------------------------ */

/* A child's place in its gather is in its extra_, and whether the gather has a reference to it in its slot_. */
typedef struct awl__gather {
    awl_future future;
    size_t n, left;
    awl_outcome *outcomes;
    awl_coro *coroutines; /* of the children that are not tasks yet; NULL: there are none */
    bool return_exceptions, cancel_on_error, race, requested, cancelling;
    uint8_t dumped; /* what a dump last did with it; see awl__gather_dump */
    int16_t failed; /* why not all children are there: those that are have been cancelled, and are waited for */
    awl_future *decisive; /* the first that failed, or of a race that was done: the others are cancelled and waited for */
    awl__waiter children[];
} awl__gather;

bool awl__gather_cancel(awl_future *future);
extern const co_type awl__gather_type;
void awl__gather_close(co_frame *frame); /* see awl__op_close */
void awl__child_release(const awl_child_ *child); /* gives back what was made for an argument */
void awl__gather_free(awl_future *future); /* of awl_gather_future */

/* Waits for all tasks that are not done after cancelling them, as awl_run does at its end. */
int awl__cancel_all(awl_loop *loop);
void awl__shutdown_seen(void *loop);

/* ---- Other combinators ----------------------------------------------------------------------------------------------- */

void awl__shield_free(awl_future *future); /* of awl_shield_future */
extern const co_type awl__shield_type, awl__wait_for_type;
void awl__shield_close(co_frame *frame);
void awl__wait_for_close(co_frame *frame);
extern const co_type awl__group_exit_type;

/* ---- Contexts ---------------------------------------------------------------------------------------------------------- */

awl__context *awl__context_capture(awl_loop *loop); /* the present one and a reference to it; NULL: none is set */
void awl__context_drop(awl_loop *loop, awl__context *context);
void awl__context_enter(awl_loop *loop, awl__context *context); /* for the callback that runs; takes the reference */
bool awl__context_inherit(awl_loop *loop, awl_task *task);

#endif
