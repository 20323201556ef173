/* Tasks: made, stepped, cancelled, released. */
#include <stdio.h>

#include "task_priv.h"

/* ---- Making -------------------------------------------------------------------------------------------------------- */

CO_INLINE_ awl_task *alloc_task(awl_loop *loop, size_t root)
{
    const size_t size = sizeof(awl_task) + root + AWL__SLACK;
    awl_task *task;

    if (size / 8 > UINT16_MAX)
        return NULL;
    task = CO_LIKELY_(size <= AWL__SMALL) ? awl__alloc_small(loop, size) : awl__alloc(loop, size);
    if (!task)
        return NULL;
    /* Field by field: gcc clears a struct of this size by an instruction that takes longer than all the rest. */
    task->stack.promise_.host_ = &loop->host;
    task->stack.promise_.waiters_ = NULL;
    task->stack.promise_.value_.i = 0;
    task->stack.promise_.error_ = 0;
    task->stack.promise_.kind_ = CO_NONE;
    task->stack.promise_.state_ = AWL__COUNTED | AWL__A_TASK | 2 * AWL__REFERENCE; /* who creates it, and the loop */
    task->stack.leaf_ = NULL;
    task->stack.top_ = (char *)(task + 1);
    task->stack.end_ = task->stack.top_ + root + AWL__SLACK - CO_RESERVE_;
    task->stack.c_limit_ = loop->c_limit;
    task->stack.user_ = 0;
    task->entry = (awl__entry){ .kind_ = AWL__TASK, .slot_ = (uint16_t)(size / 8) };
    task->all = (awl__block){ NULL, NULL };
    task->info.site = NULL;
    return task;
}

static void free_task(awl_task *task)
{
    awl__free(awl__loop_of(&task->stack), task, awl__task_size(task));
}

/* The first frame of a task that is being created: the task is made around it. */
co_slot_ awl__nursery_frame(awl_loop *loop, size_t size)
{
    awl_task *task = alloc_task(loop, size);

    if (!task) /* too large for a task's own block: by itself */
        return size > UINT16_MAX * 4 ? awl__detach(loop, size) : (co_slot_){ NULL, 0, 0 };
    loop->nursery_task = task;
    loop->host.into_ = &task->stack;
    task->stack.top_ += size;
    return (co_slot_){ task + 1, CO_TOKEN_, 0 };
}

awl_nursery_ awl_nursery_open_(const char *file, int line)
{
    awl_loop *loop = awl_running_;
    awl_nursery_ before;

    if (!loop)
        awl__trap("awl_create_task needs a running loop: start one with awl_run, or use awl_run_until_complete", file,
                  line);
    before = (awl_nursery_){ loop->host.into_, loop->nursery_task };
    loop->host.into_ = &loop->nursery;
    loop->nursery_task = NULL;
    return before;
}

/* Whether a frame may hold objects on a stack: their token is in it. */
static inline bool may_hold(const co_frame *frame)
{
    const char *end = (const char *)frame + awl__op_size(frame);
    uintptr_t token;

    for (const char *at = (const char *)(frame + 1) + sizeof(void *); at + sizeof token <= end; at += sizeof token) {
        memcpy(&token, at, sizeof token);
        if (CO_UNLIKELY_(token == CO_TOKEN_))
            return true;
    }
    return false;
}

static __attribute__((noinline, cold)) void discard(awl_task *task, awl_coro coroutine)
{
    awl_coro_close(coroutine);
    awl__stack_release(task);
    free_task(task);
}

/* Makes `coroutine` the root of `task` and schedules it; NULL: no memory, and both have gone. */
CO_INLINE_ awl_task *start(awl_loop *loop, awl_task *task, awl_coro coroutine, const awl_site *site)
{
    task->info.site = site;
    if (CO_UNLIKELY_(loop->contexts != NULL) && !awl__context_inherit(loop, task)) {
        discard(task, coroutine);
        return NULL;
    }
    if (loop->current && may_hold(coroutine.frame_))
        awl__move_in(&loop->current->stack, &task->stack, coroutine.frame_);
    co_stack_start_(&task->stack, coroutine);
    if (!awl__distance(&task->stack, coroutine.frame_, &task->entry.extra_)) {
        awl__extra *extra = awl__task_extra(task);

        task->entry.extra_ = 0;
        if (extra)
            extra->type = coroutine.frame_->type_; /* without memory it has neither name nor line */
    }
    task->all.next = &loop->tasks;
    task->all.prev = loop->tasks.prev;
    task->all.prev->next = loop->tasks.prev = &task->all;
    loop->tasks_alive++;
    awl__ready_here(loop, &task->entry);
    return task;
}

awl_task *awl__task_new(awl_loop *loop, awl_coro coroutine, const awl_site *site)
{
    awl_task *task;
    awl_coro moved;

    if (!coroutine.frame_) {
        if (coroutine.token_ == CO_PAUSE_TOKEN_)
            return awl__task_new(loop, awl__sleep_detached(loop), site);
        return coroutine.token_ % 4 == 2 ? awl__task_new(loop, awl__instant_detached(loop, coroutine.token_), site) : NULL;
    }
    if ((uintptr_t)coroutine.frame_->caller_ != coroutine.token_)
        awl__trap("this coroutine object has been awaited, or made a task, already", site->file, site->line);
    if (!(coroutine.frame_->link_ & CO_DETACHED_)) {
        co_stack *stack = loop->current ? &loop->current->stack : NULL;

        if (!stack || !awl__stack_holds(stack, (const char *)coroutine.frame_, sizeof(co_frame)))
            awl__trap("this coroutine object belongs to another task, which alone can await it", site->file, site->line);
        moved = awl__move_off(stack, coroutine.frame_);
        if (!moved.frame_) {
            awl_coro_close(coroutine);
            return NULL;
        }
        coroutine = moved;
    }
    task = alloc_task(loop, 0);
    if (!task) {
        awl_coro_close(coroutine);
        return NULL;
    }
    return start(loop, task, coroutine, site);
}

awl_task *awl_loop_create_task_(awl_loop *loop, awl_coro coroutine, const awl_site *site)
{
    if (!awl__loop_check(loop))
        awl__trap("awl_loop_create_task needs a loop", site->file, site->line);
    return awl__task_new(awl__loop_check(loop), coroutine, site);
}

awl_task *awl_nursery_close_(awl_nursery_ before, awl_coro coroutine, const awl_site *site)
{
    awl_loop *loop = awl_running_;
    awl_task *task = loop->nursery_task;

    loop->host.into_ = before.into;
    loop->nursery_task = before.task;
    if (!task)
        return awl__task_new(loop, coroutine, site);
    if (coroutine.frame_ == (co_frame *)(void *)(task + 1) ||
        (coroutine.frame_ && coroutine.token_ == CO_TOKEN_ &&
         awl__stack_holds(&task->stack, (const char *)coroutine.frame_, sizeof(co_frame)))) {
        if (CO_UNLIKELY_(awl__stack_has_segments(task)))
            awl__stack_adopt(task);
        return start(loop, task, coroutine, site);
    }
    /* What was made in the argument is not what it came to: an object from elsewhere, or none for want of memory. */
    awl__stack_release(task);
    free_task(task);
    return awl__task_new(loop, coroutine, site);
}

void awl__nursery_discard(awl_nursery_ before, awl_coro coroutine)
{
    awl_loop *loop = awl_running_;
    awl_task *task = loop->nursery_task;

    loop->host.into_ = before.into;
    loop->nursery_task = before.task;
    if (task)
        discard(task, coroutine);
    else
        awl_coro_close(coroutine);
}

int awl_spawned_(awl_task *task)
{
    awl_task_release(task);
    return task ? 0 : ENOMEM;
}

/* The root frame of a task that has not finished; NULL if it lies too far off. */
static co_frame *root_of(const awl_task *task)
{
    const int32_t distance = (int32_t)task->entry.extra_;

    return distance ? (co_frame *)(uintptr_t)((const char *)task + (intptr_t)distance * 8) : NULL;
}

/* ---- Stepping ------------------------------------------------------------------------------------------------------- */

/* The root has ended. Its stack is no longer needed: top_ keeps what it was a coroutine of, for its name. */
static void finish(awl_loop *loop, awl_task *task)
{
    awl_future *future = &task->stack.promise_;
    co_frame *root = root_of(task);
    const co_type *type = root ? root->type_ : NULL;
    const int error = future->error_;

    if (root && root->link_ & CO_DETACHED_)
        awl__free_detached(root);
    if (CO_UNLIKELY_(awl__stack_has_segments(task)))
        awl__stack_release(task);
    task->stack.top_ = (char *)(uintptr_t)type;
    if (CO_UNLIKELY_(task->stack.user_ & AWL__SHUTDOWN) && --loop->shutdown_left == 0)
        awl_call_soon(loop, &loop->shutdown, awl__shutdown_seen, loop);
    loop->tasks_alive--;
    loop->tasks_held++;
    if (CO_LIKELY_(!error && !(task->stack.user_ & AWL__MUST_CANCEL)))
        awl__future_become(future, AWL__FINISHED);
    else if (!error || error == ECANCELED)
        awl__future_become_cancelled(future);
    else
        awl__future_fail(future, error);
    task->stack.user_ &= ~(uint32_t)AWL__MUST_CANCEL;
    awl__future_drop(future);
}

/* No result and no error. */
static inline void reset(co_promise *promise)
{
    memset(&promise->value_, 0, offsetof(co_promise, state_) - offsetof(co_promise, value_));
}

/* What a task that waited, or that is to be cancelled, is resumed with. false: it is not, as it has not started yet. */
static __attribute__((noinline)) bool prepare_step(co_stack *stack, uint32_t user)
{
    stack->user_ = user & ~(uint32_t)(AWL__BLOCKED | AWL__ON_FUTURE | AWL__CYCLE | AWL__MUST_CANCEL);
    if (user & AWL__ON_FUTURE) {
        awl_future *future = stack->promise_.value_.p;
        future->state_ &= ~(uint32_t)AWL__UNSEEN;
        awl__future_drop(future);
    }
    reset(&stack->promise_);
    if (user & AWL__CYCLE)
        stack->promise_.error_ = EDEADLK;
    if (!(user & AWL__MUST_CANCEL))
        return true;
    stack->promise_.error_ = ECANCELED;
    if (stack->leaf_->state_)
        return true;
    awl__op_close(stack->leaf_);
    stack->leaf_ = NULL;
    return false;
}

/* Cancels what a task waits for: true if that took it. */
static bool cancel_awaited(co_stack *stack)
{
    if (stack->user_ & AWL__ON_FUTURE)
        return awl_future_cancel(stack->promise_.value_.p);
    return stack->user_ & AWL__BLOCKED && stack->leaf_->type_->cancel && stack->leaf_->type_->cancel(stack->leaf_, stack);
}

/* The rarer ends of a step. */
static __attribute__((noinline)) void end_step(awl_loop *loop, awl_task *task, int code)
{
    co_stack *stack = &task->stack;

    loop->current = NULL;
    if (code == CO_DONE_) {
        finish(loop, task);
        return;
    }
    if (code != CO_PENDING_)
        awl__trap("co_switch is for stacks that co_run drives, not for tasks", stack->leaf_->type_->file,
                  (int)CO_LINE_(stack->leaf_->state_));
    /* It cancelled itself before it suspended: what it waits for is cancelled at once. */
    if (stack->user_ & AWL__MUST_CANCEL && cancel_awaited(stack))
        stack->user_ &= ~(uint32_t)AWL__MUST_CANCEL;
}

CO_INLINE_ void run_task(awl_loop *loop, awl__entry *entry)
{
    awl_task *task = (awl_task *)(void *)((char *)entry - offsetof(awl_task, entry));
    co_stack *stack = &task->stack;
    const uint32_t user = stack->user_;
    int code = CO_DONE_;

    loop->current = task;
    stack->c_limit_ = loop->c_limit;
    if (CO_LIKELY_(!(user & (AWL__BLOCKED | AWL__MUST_CANCEL | AWL__CYCLE)))) {
        reset(&stack->promise_);
        code = co_resume_(stack).code_;
    } else if (CO_LIKELY_((user & (AWL__ON_FUTURE | AWL__MUST_CANCEL | AWL__CYCLE)) == AWL__ON_FUTURE)) {
        awl_future *future = stack->promise_.value_.p;

        stack->user_ = user & ~(uint32_t)(AWL__BLOCKED | AWL__ON_FUTURE);
        awl__future_take(future, &stack->promise_);
        awl__future_drop(future);
        code = co_resume_(stack).code_;
    } else if (prepare_step(stack, user)) {
        code = co_resume_(stack).code_;
    }
    if (CO_LIKELY_(code == CO_PAUSED_))
        awl__ready_unmarked(loop, entry);
    else if (code != CO_PENDING_ || stack->user_ & AWL__MUST_CANCEL)
        end_step(loop, task, code);
}

/* By itself: in what is called when this has returned no task runs, unless the caller says so again. */
void awl__task_step(awl_loop *loop, awl__entry *entry)
{
    run_task(loop, entry);
    loop->current = NULL;
}

static void run_tasks(awl_loop *loop) { awl__run_window(loop, run_task); }

/* ---- Cancelling --------------------------------------------------------------------------------------------------------- */

/* The task that this one waits for, if it is not done: it takes a cancellation in this one's place. */
static awl_task *awaited_task(const co_stack *stack)
{
    awl_future *future = stack->user_ & AWL__ON_FUTURE ? stack->promise_.value_.p : NULL;

    return future && !awl__is_done(future) ? awl_future_task(future) : NULL;
}

bool awl_task_cancel(awl_task *task)
{
    awl_task *next;
    co_stack *stack;

    if (!task)
        return false;
    stack = &task->stack;
    awl__loop_check(awl__loop_of(stack));
    stack->promise_.state_ &= ~(uint32_t)AWL__UNSEEN;
    if (awl__is_done(&stack->promise_))
        return false;
    stack->user_ += 1u << AWL__COUNT_SHIFT;
    while ((next = awaited_task(stack)) != NULL) { /* not by recursion: a chain of tasks may be long */
        stack = &next->stack;
        stack->user_ += 1u << AWL__COUNT_SHIFT;
    }
    if (!cancel_awaited(stack))
        stack->user_ |= AWL__MUST_CANCEL;
    return true;
}

unsigned awl_task_cancelling(const awl_task *task) { return task ? task->stack.user_ >> AWL__COUNT_SHIFT : 0; }

unsigned awl_task_uncancel(awl_task *task)
{
    if (!task || !awl_task_cancelling(task))
        return 0;
    task->stack.user_ -= 1u << AWL__COUNT_SHIFT;
    if (!awl_task_cancelling(task))
        task->stack.user_ &= ~(uint32_t)AWL__MUST_CANCEL;
    return awl_task_cancelling(task);
}

/* ---- References and names -------------------------------------------------------------------------------------------- */

const awl_site *awl__task_site(const awl_task *task)
{
    return task->stack.user_ & AWL__EXTRA ? task->info.extra->site : task->info.site;
}

const awl_site awl__no_site;

/* What a task is, or was, a coroutine of; NULL: that is not known any more. */
static const co_type *type_of(const awl_task *task)
{
    if (task->stack.user_ & AWL__EXTRA && task->info.extra->type)
        return task->info.extra->type;
    if (awl_task_done(task))
        return (const co_type *)(const void *)task->stack.top_;
    return root_of(task) ? root_of(task)->type_ : NULL;
}

void awl__task_report(awl_loop *loop, const awl_task *task, const char *what, int error)
{
    const awl_site *site = awl__task_site(task);
    const co_type *type = type_of(task);
    awl_report report = { .what = what, .name = awl_task_name(task), .error = error };

    if (site && site->file) {
        report.file = site->file;
        report.line = site->line;
    } else if (type) {
        report.file = type->file;
        report.line = (int)type->line;
    }
    awl__report(loop, &report);
}

static size_t extra_size(const awl__extra *extra) { return sizeof *extra + strlen(extra->name) + 1; }

/* The last reference has gone, so it is done. */
void awl__task_free(awl_task *task)
{
    awl_loop *loop = awl__loop_of(&task->stack);

    if (task->stack.promise_.state_ & AWL__UNSEEN)
        awl__task_report(loop, task, "this task ended with an error that nobody has looked at", task->stack.promise_.error_);
    task->all.prev->next = task->all.next;
    task->all.next->prev = task->all.prev;
    loop->tasks_held--;
    if (task->stack.user_ & AWL__EXTRA) {
        awl__context_drop(loop, task->info.extra->context);
        awl__free(loop, task->info.extra, extra_size(task->info.extra));
    }
    free_task(task);
}

void awl_task_release(awl_task *task) { awl_future_release(task ? awl_task_future(task) : NULL); }

awl_task *awl_task_retain(awl_task *task)
{
    if (task)
        awl_future_retain(awl_task_future(task));
    return task;
}

const char *awl_task_name(const awl_task *task)
{
    if (!task)
        return NULL;
    if (task->stack.user_ & AWL__EXTRA && task->info.extra->named)
        return task->info.extra->name;
    return type_of(task) ? type_of(task)->name : "";
}

/* Gives a task an extra with another name, and all else that it has. NULL: no memory. */
static awl__extra *replace_extra(awl_task *task, const char *name, bool named)
{
    awl_loop *loop = awl__loop_of(&task->stack);
    awl__extra *extra = awl__alloc(loop, sizeof *extra + strlen(name) + 1);

    if (!extra)
        return NULL;
    extra->site = awl__task_site(task);
    extra->context = NULL;
    extra->type = NULL;
    extra->named = named;
    strcpy(extra->name, name);
    if (task->stack.user_ & AWL__EXTRA) {
        extra->context = task->info.extra->context;
        extra->type = task->info.extra->type;
        awl__free(loop, task->info.extra, extra_size(task->info.extra));
    }
    task->info.extra = extra;
    task->stack.user_ |= AWL__EXTRA;
    return extra;
}

awl__extra *awl__task_extra(awl_task *task)
{
    return task->stack.user_ & AWL__EXTRA ? task->info.extra : replace_extra(task, "", false);
}

int awl_task_set_name(awl_task *task, const char *name)
{
    if (!task || !name)
        return EINVAL;
    return replace_extra(task, name, true) ? 0 : ENOMEM;
}

/* ---- The tasks of a loop ----------------------------------------------------------------------------------------------- */

awl_task *awl_current_task(void) { return awl_running_ ? awl_running_->current : NULL; }

size_t awl_all_tasks(awl_loop *loop, awl_task **tasks, size_t cap)
{
    size_t n = 0;

    loop = awl__loop_check(loop);
    if (!loop)
        return 0;
    for (awl__block *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        if (awl_task_done(awl__task_at(at)))
            continue;
        if (n < cap)
            tasks[n] = awl__task_at(at);
        n++;
    }
    return n;
}

/* What is lost is said. */
static void report_lost(awl_loop *loop)
{
    const awl_task *unreleased = NULL;

    for (awl__block *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        awl_task *task = awl__task_at(at);

        if (!awl_task_done(task)) {
            awl__task_report(loop, task, "this task had not ended when its loop was closed", 0);
        } else if (task->stack.promise_.state_ & AWL__UNSEEN) {
            awl__task_report(loop, task, "this task ended with an error that nobody has looked at",
                             task->stack.promise_.error_);
        } else if (loop->options.debug && !unreleased && awl__task_site(task) != &awl__no_site) {
            unreleased = task; /* the library's own would have been, had the loop gone on */
        }
    }
    if (unreleased)
        awl__task_report(loop, unreleased, "nobody released this task, the first of some that are done: awl_task_release", 0);
}

/* The loop is being closed. Nothing is dropped before all has been said: a report may dump what there is. Those of a
 * parent process go on there, and nothing is lost. */
static void close_tasks(awl_loop *loop)
{
    if (!awl__loop_forked(loop))
        report_lost(loop);
    loop->dump = NULL;
    for (awl__block *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        if (!awl_task_done(awl__task_at(at)))
            awl__stack_abandon(awl__task_at(at));
    }
    awl__stacks_close(loop);
}

/* So that each await of the task that runs asks the host: see fork.c. */
static void refuse(awl_loop *loop)
{
    if (loop->current)
        loop->current->stack.c_limit_ = CO_DEPTH_(&loop) + 0x40000000;
}

void awl__tasks_open(awl_loop *loop)
{
    if (loop->close_tasks)
        return;
    if (loop->guard || loop->options.debug) /* by the table: there the step is another one */
        loop->run[AWL__TASK] = awl__debug_step;
    else
        loop->run_window = run_tasks;
    loop->close_tasks = close_tasks;
    loop->dump = awl_dump;
    loop->refuse = refuse;
    awl__stacks_open(loop);
    awl__futures_open(loop);
    awl__sleeps_open(loop);
}

bool awl_task_done(const awl_task *task) { return task && awl__is_done(&task->stack.promise_); }

bool awl_task_cancelled(const awl_task *task) { return task && awl__is_cancelled(&task->stack.promise_); }

int awl_task_error(awl_task *task) { return task ? awl_future_error(awl_task_future(task)) : EINVAL; }

awl_value awl_task_value(awl_task *task) { return awl_future_value(task ? awl_task_future(task) : NULL); }

int awl_task_add_done_callback(awl_task *task, awl_done_fn *fn, void *arg)
{
    return task ? awl_future_add_done_callback(awl_task_future(task), fn, arg) : EINVAL;
}

size_t awl_task_remove_done_callback(awl_task *task, awl_done_fn *fn)
{
    return task ? awl_future_remove_done_callback(awl_task_future(task), fn) : 0;
}
