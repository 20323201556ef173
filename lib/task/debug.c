/* What a loop that is watched looks for after each step of a task: whether it took too long; with the option `debug`, a
 * cancellation that got lost. */
#include <stdio.h>

#include "../loop/guard_priv.h"
#include "task_priv.h"

/* Whether a suspended task is cleaning up: in a co_finally, waiting for the children of a group to end, or in an
 * operation that has something to do before it ends with the ECANCELED that it keeps (awl_condition_wait takes its lock
 * again). */
static bool cleans_up(const co_stack *stack)
{
    if (stack->leaf_->type_->cancel && stack->leaf_->error_ == ECANCELED)
        return true;
    for (const co_frame *frame = stack->leaf_; frame; frame = frame->caller_) {
        if (frame->link_ & CO_FINALLY_ || frame->type_ == &awl__group_exit_type)
            return true;
    }
    return false;
}

/* Whether the cancellation that this step brought has neither ended the task nor been withdrawn. */
static bool lost_cancellation(const awl_task *task)
{
    const co_stack *stack = &task->stack;

    if (!awl_task_cancelling(task) || stack->user_ & (AWL__MUST_CANCEL | AWL__TOLD))
        return false;
    return awl__is_done(&stack->promise_) ? !stack->promise_.error_ : !cleans_up(stack);
}

/* Where a task goes on, or waits: the innermost frame of the user's, as operations of awl's own have no lines. */
typedef struct place {
    const co_type *type; /* NULL: nowhere */
    unsigned line;
} place;

static place place_of(const awl_task *task)
{
    const co_frame *frame = awl_task_done(task) ? NULL : task->stack.leaf_;

    while (frame && frame->state_ && !CO_LINE_(frame->state_) && frame->caller_)
        frame = frame->caller_;
    if (!frame)
        return (place){ NULL, 0 };
    return (place){ frame->type_, CO_LINE_(frame->state_) ? CO_LINE_(frame->state_) : frame->type_->line };
}

static void report_slow(awl_loop *loop, const awl_task *task, place began, awl_time took)
{
    const place ended = place_of(task);
    char what[512];

    if (ended.type)
        snprintf(what, sizeof what, "a step that went on here, in %s, held the loop for %lld ms, up to %s:%u",
                 began.type->name, (long long)(took / AWL_MS), ended.type->file, ended.line);
    else
        snprintf(what, sizeof what, "a step that went on here, in %s, held the loop for %lld ms, up to the task's end",
                 began.type->name, (long long)(took / AWL_MS));
    awl__report(
        loop,
        &(awl_report){ .what = what, .name = awl_task_name(task), .file = began.type->file, .line = (int)began.line });
}

/* The step itself. A clock that stands still while it runs takes no time. */
static void step(awl_loop *loop, awl_task *task)
{
    const place began = loop->guard ? place_of(task) : (place){ NULL, 0 };
    awl_time took;

    if (!began.type) {
        awl__task_step(loop, &task->entry);
        return;
    }
    took = awl__guard_begin(loop, began.type, began.line);
    awl__task_step(loop, &task->entry);
    took = awl__guard_end(loop, took);
    if (CO_UNLIKELY_(took))
        report_slow(loop, task, began, took);
}

void awl__debug_step(awl_loop *loop, awl__entry *entry)
{
    awl_task *task = (awl_task *)(void *)((char *)entry - offsetof(awl_task, entry));
    const bool asked = loop->options.debug && awl_task_cancelling(task) > 0;

    awl__future_keep(&task->stack.promise_);
    step(loop, task);
    if (asked && lost_cancellation(task)) {
        task->stack.user_ |= AWL__TOLD;
        awl__task_report(loop, task,
                         "this task was cancelled, but goes on: raise ECANCELED again, or say so by awl_task_uncancel",
                         0);
    }
    awl__future_drop(&task->stack.promise_);
}
