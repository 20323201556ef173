/*
 * Task groups. The group lies in the frame of who owns it, and is itself the frame of the operation that leaves it: to
 * leave a group takes no memory, so that it cannot fail.
 */
#include "dump_priv.h"

/* One task of a group: in the list of the group while it runs, or until the group is left; after that in no list, or in
 * that of the errors. */
struct awl_group_child_ {
    awl__waiter waiter; /* its future is the task */
    awl_task_group *group;
    struct awl_group_child_ *next, *prev;
    awl_group_error error;
    bool borrowed; /* somebody may use the task until the group is left */
};
typedef struct awl_group_child_ group_child;

enum { ENTERED = 1, EXITING = 2, ABORTING = 4, REQUESTED = 8 };
enum { EXIT_START, EXIT_WAIT };

static awl_task *task_of(const group_child *child) { return (awl_task *)(void *)child->waiter.future; }

static void unlink_child(group_child *child)
{
    awl_task_group *group = child->group;

    *(child->prev ? &child->prev->next : &group->first_) = child->next;
    *(child->next ? &child->next->prev : &group->last_) = child->prev;
}

/* Gives a child back that is in no list any more. */
static void free_child(awl_loop *loop, group_child *child)
{
    awl__future_drop(child->waiter.future);
    awl__free(loop, child, sizeof *child);
}

/* ---- What happens to the children -------------------------------------------------------------------------------- */

static void add_error(awl_task_group *group, awl_group_error *error)
{
    if (group->last_error_)
        group->last_error_->next = error;
    else
        group->errors_ = error;
    group->last_error_ = error;
    group->n_errors_++;
}

/* Cancels the children that are left, in the order in which they were created. */
static void cancel_children(awl_task_group *group)
{
    group->flags_ |= ABORTING;
    for (group_child *child = group->first_; child; child = child->next)
        awl_task_cancel(task_of(child));
}

static void request(awl_task_group *group)
{
    group->flags_ |= REQUESTED;
    awl_task_cancel(group->owner_);
}

static void child_done(awl_loop *loop, awl__waiter *waiter)
{
    group_child *child = (group_child *)(void *)waiter;
    awl_task_group *group = child->group;
    awl_future *future = waiter->future;

    group->live_--;
    if (group->live_ == 0 && group->waiting_)
        awl__future_wake(&group->completed_);
    if (awl__is_cancelled(future) || !future->error_) {
        if (!child->borrowed) {
            unlink_child(child);
            free_child(loop, child);
        }
        return;
    }
    future->state_ &= ~(uint32_t)AWL__UNSEEN;
    unlink_child(child);
    child->error =
        (awl_group_error){ .task = task_of(child), .name = awl_task_name(task_of(child)), .error = future->error_ };
    add_error(group, &child->error);
    if (!(group->flags_ & (ABORTING | REQUESTED))) {
        cancel_children(group);
        request(group);
    }
}

awl_task *awl__group_owner(const awl_future *child)
{
    awl__entry *first = child->waiters_, *entry = first;

    do {
        awl__waiter *waiter = (awl__waiter *)(void *)entry;

        if (entry && entry->kind_ == AWL__WAITER && waiter->fn == child_done)
            return ((group_child *)(void *)waiter)->group->owner_;
        entry = entry ? entry->next_ : NULL;
    } while (entry != first);
    return NULL;
}

/* ---- Entering, and creating tasks -------------------------------------------------------------------------------- */

void awl_task_group_fini(awl_task_group *group)
{
    awl_group_error *next;

    if (!group)
        return;
    if (group->flags_ & ENTERED)
        awl__trap("awl_task_group_fini: this group was entered, but not left (awl_task_group_exit)", NULL, 0);
    for (awl_group_error *error = group->errors_; error; error = next) {
        next = (awl_group_error *)(uintptr_t)error->next;
        if (error->task) /* the body's lies in the group */
            free_child(awl__loop_of(&error->task->stack),
                       (group_child *)(void *)((char *)error - offsetof(group_child, error)));
    }
    memset(group, 0, sizeof *group);
}

int awl_task_group_enter(awl_task_group *group)
{
    awl_task *task = awl_current_task();

    if (!group || !task)
        return EINVAL;
    if (group->flags_ & ENTERED)
        return EBUSY;
    awl_task_group_fini(group);
    group->flags_ = ENTERED;
    group->owner_ = task;
    group->cancels_ = (uint16_t)awl_task_cancelling(task);
    return 0;
}

/* 0, or why no task can be created. */
static int check(const awl_task_group *group)
{
    if (!group)
        return EINVAL;
    if (!(group->flags_ & ENTERED) || group->flags_ & ABORTING || (group->flags_ & EXITING && group->live_ == 0))
        return AWL_ECLOSED;
    return awl__loop_of(&group->owner_->stack) == awl_running_ ? 0 : AWL_EOTHERLOOP;
}

awl_task *awl_group_add_(awl_task_group *group, awl_nursery_ before, awl_coro coroutine, const awl_site *site,
                         bool borrowed)
{
    const int error = check(group);
    group_child *child = error ? NULL : awl__alloc(awl_running_, sizeof *child);
    awl_task *task;

    if (!child) {
        awl__nursery_discard(before, coroutine);
        errno = error ? error : ENOMEM;
        return NULL;
    }
    task = awl_nursery_close_(before, coroutine, site);
    if (!task) {
        awl__free(awl_running_, child, sizeof *child);
        errno = ENOMEM;
        return NULL;
    }
    child->group = group;
    child->borrowed = borrowed;
    child->next = NULL;
    child->prev = group->last_;
    *(group->last_ ? &group->last_->next : &group->first_) = child;
    group->last_ = child;
    group->live_++;
    awl__watch(awl_task_future(task), &child->waiter, child_done);
    return task;
}

int awl_group_spawned_(awl_task *task) { return task ? 0 : errno; }

bool awl_task_group_cancel(awl_task_group *group)
{
    if (!group || !(group->flags_ & ENTERED) || (group->flags_ & EXITING && group->live_ == 0))
        return false;
    awl__loop_check(awl__loop_of(&group->owner_->stack));
    if (!(group->flags_ & ABORTING))
        cancel_children(group);
    if (!(group->flags_ & REQUESTED))
        request(group);
    return true;
}

const awl_group_error *awl_task_group_errors(const awl_task_group *group, size_t *n)
{
    if (n)
        *n = group ? group->n_errors_ : 0;
    return group ? group->errors_ : NULL;
}

/* ---- Leaving ----------------------------------------------------------------------------------------------------- */

/* All children have ended: the error with which the group is left. */
static int leave(awl_task_group *group)
{
    awl_loop *loop = awl__loop_of(&group->owner_->stack);
    const bool body_failed = group->error_ && group->error_ != ECANCELED;
    int pass_on = group->pass_on_;

    for (group_child *child = group->first_, *next; child; child = next) {
        next = child->next;
        free_child(loop, child);
    }
    group->first_ = group->last_ = NULL;
    if (group->flags_ & REQUESTED && awl_task_uncancel(group->owner_) == 0)
        pass_on = 0;
    if (group->told_ && !body_failed && (uint16_t)awl_task_cancelling(group->owner_) > group->cancels_)
        pass_on = ECANCELED; /* not by the group alone */
    group->flags_ = 0;
    if (pass_on && !group->errors_)
        return pass_on;
    if (body_failed) {
        group->body_ = (awl_group_error){ .error = group->error_ };
        add_error(group, &group->body_);
    }
    if (!group->errors_)
        return 0;
    if (awl_task_cancelling(group->owner_)) { /* a cancellation from outside is to arrive at the next await */
        awl_task_uncancel(group->owner_);
        awl_task_cancel(group->owner_);
    }
    return AWL_EGROUP;
}

/* The cancellation that the coroutine's co_finally was on its way with is one of the group's own: it ends here. */
static void swallow(co_frame *caller)
{
    if (caller && caller->link_ & CO_FINALLY_ && caller->error_ == ECANCELED)
        caller->error_ = 0;
}

static co_step exit_step(co_frame *frame, co_stack *stack)
{
    awl_task_group *group = (awl_task_group *)(void *)frame;
    int error = stack->promise_.error_;

    if (frame->state_ == EXIT_START) {
        if (!(group->flags_ & ENTERED))
            return awl__op_end_plain(frame, stack, group->error_);
        if (group->owner_ != awl__task_of(stack))
            awl__trap("awl_task_group_exit: another task entered this group, and alone can leave it", NULL, 0);
        group->flags_ |= EXITING;
        error = group->error_;
        group->pass_on_ = error == ECANCELED ? error : 0;
        group->told_ = false;
    }
    group->waiting_ = false;
    group->told_ |= frame->state_ != EXIT_START && error == ECANCELED;
    if (error && !(group->flags_ & ABORTING)) {
        if (frame->state_ != EXIT_START)
            group->pass_on_ = error;
        cancel_children(group);
    }
    if (group->live_) {
        awl_future_init(&group->completed_, NULL);
        group->waiting_ = true;
        return awl__await_in(stack, frame, &group->completed_, EXIT_WAIT);
    }
    error = leave(group);
    if (!error && group->error_)
        swallow(frame->caller_);
    group->owner_ = NULL;
    return awl__op_end_plain(frame, stack, error);
}

const co_type awl__group_exit_type = { exit_step, NULL, "awl_task_group_exit", __FILE__, sizeof(awl_task_group),
                                       __LINE__ };

awl_coro awl_task_group_exit(awl_task_group *group, int error)
{
    if (!group)
        return awl_await_future_(NULL);
    if (group->flags_ & EXITING)
        awl__trap("awl_task_group_exit: this group is being left already", NULL, 0);
    group->exit_ = (co_frame){ &awl__group_exit_type, (co_frame *)CO_TOKEN_, EXIT_START, 0, 0 };
    group->error_ = error;
    return awl__op(&group->exit_);
}
