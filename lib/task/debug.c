/* What a loop with the option `debug` looks for after each step of a task: a cancellation that got lost. */
#include "task_priv.h"

/* Whether a suspended task is cleaning up: in a co_finally, waiting for the children of a group to end, or in an operation
 * that has something to do before it ends with the ECANCELED that it keeps (awl_condition_wait takes its lock again). */
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

void awl__debug_step(awl_loop *loop, awl__entry *entry)
{
    awl_task *task = (awl_task *)(void *)((char *)entry - offsetof(awl_task, entry));
    const bool asked = awl_task_cancelling(task) > 0;

    awl__future_keep(&task->stack.promise_);
    awl__task_step(loop, entry);
    if (asked && lost_cancellation(task)) {
        task->stack.user_ |= AWL__TOLD;
        awl__task_report(loop, task,
                         "this task was cancelled, but goes on: raise ECANCELED again, or say so by awl_task_uncancel",
                         0);
    }
    awl__future_drop(&task->stack.promise_);
}
