/* awl_as_completed: a queue that the callbacks of several futures fill, and its getters. */
#include "dump_priv.h"

/* One of those that are waited for. */
struct awl_completed_ {
    awl__waiter waiter; /* its extra_: 1 while it is not done */
    awl_as_completed *iterator;
    struct awl_completed_ *next; /* in the queue of those that are done and have not been handed out */
    awl_future *future;
};
typedef struct awl_completed_ node;

/* The operation that takes the next one. */
typedef struct next_frame {
    co_frame co;
    awl_as_completed *iterator; /* NULL: it has been closed meanwhile */
    struct next_frame *next;    /* that wait */
    awl_future woken;
} next_frame;

enum { NEXT_START, NEXT_WAIT };

/* ---- The queue --------------------------------------------------------------------------------------------------- */

static bool has_item(const awl_as_completed *iterator) { return iterator->first_ || iterator->late_; }

/* Tells the first getter that has not been told, nor cancelled, that there is something. It takes it when it runs,
 * unless another one was faster; until then it stays in the list, so that a close finds it. */
static void wake_first(awl_as_completed *iterator)
{
    next_frame *getter = iterator->getters_;

    while (getter && awl__is_done(&getter->woken))
        getter = getter->next;
    if (getter)
        awl__future_wake(&getter->woken);
}

static void one_done(awl_loop *loop, awl__waiter *waiter)
{
    node *done = (node *)(void *)waiter;
    awl_as_completed *iterator = done->iterator;

    (void)loop;
    waiter->link.entry_.extra_ = 0;
    iterator->todo_--;
    done->next = NULL;
    *(iterator->first_ ? &iterator->last_->next : &iterator->first_) = done;
    iterator->last_ = done;
    wake_first(iterator);
    if (iterator->todo_ == 0)
        awl_handle_cancel(&iterator->timer_);
}

static void time_over(void *arg)
{
    awl_as_completed *iterator = arg;

    for (size_t i = 0; i < iterator->n_; i++) {
        if (!iterator->nodes_[i].waiter.link.entry_.extra_)
            continue;
        awl__unwatch(&iterator->nodes_[i].waiter);
        iterator->nodes_[i].waiter.link.entry_.extra_ = 0;
        iterator->late_++;
        wake_first(iterator);
    }
    iterator->todo_ = 0;
}

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

/* Whether nodes has this future already: one that pends has its waiter last then. */
static bool is_among(const node *nodes, size_t n, const awl_future *future)
{
    const uintptr_t last = (uintptr_t)future->waiters_;

    if (!awl__is_done(future))
        return last >= (uintptr_t)nodes && last < (uintptr_t)(nodes + n);
    while (n > 0 && nodes[n - 1].future != future)
        n--;
    return n > 0;
}

static int check(const void *awaitables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const awl_future *future = awl__awaitable_at(awaitables, i);
        if (!future || !future->host_)
            return EINVAL;
        if (awl__future_loop(future) != awl_running_)
            return AWL_EOTHERLOOP;
    }
    return awl_running_ ? 0 : EINVAL;
}

int awl_as_completed_init_(awl_as_completed *iterator, const void *awaitables, size_t n, awl_time timeout)
{
    awl_loop *loop = awl_running_;
    const int error = check(awaitables, n);

    if (!iterator || error)
        return error ? error : EINVAL;
    if (iterator->loop_)
        return EBUSY;
    memset(iterator, 0, sizeof *iterator);
    iterator->nodes_ = n < SIZE_MAX / sizeof(node) ? awl__alloc(loop, n * sizeof(node)) : NULL;
    if (!iterator->nodes_)
        return ENOMEM;
    iterator->loop_ = loop;
    iterator->room_ = n;
    for (size_t i = 0; i < n; i++) {
        awl_future *future = awl__awaitable_at(awaitables, i);
        node *at = &iterator->nodes_[iterator->n_];

        if (is_among(iterator->nodes_, iterator->n_, future))
            continue;
        at->iterator = iterator;
        at->future = future;
        awl__future_keep(future);
        awl__watch(future, &at->waiter, one_done);
        at->waiter.link.entry_.extra_ = 1;
        iterator->n_++;
    }
    iterator->todo_ = iterator->left_ = iterator->n_;
    if (timeout != AWL_FOREVER)
        awl_call_later(loop, &iterator->timer_, timeout, time_over, iterator);
    return 0;
}

void awl_as_completed_close(awl_as_completed *iterator)
{
    if (!iterator || !iterator->loop_)
        return;
    awl__loop_check(iterator->loop_);
    awl_handle_cancel(&iterator->timer_);
    for (next_frame *getter = iterator->getters_, *next; getter; getter = next) {
        next = getter->next;
        getter->iterator = NULL;
        awl__future_wake(&getter->woken);
    }
    for (size_t i = 0; i < iterator->n_; i++) {
        awl__unwatch(&iterator->nodes_[i].waiter);
        awl__future_drop(iterator->nodes_[i].future);
    }
    awl__free(iterator->loop_, iterator->nodes_, iterator->room_ * sizeof(node));
    memset(iterator, 0, sizeof *iterator);
}

size_t awl_as_completed_left(const awl_as_completed *iterator) { return iterator ? iterator->left_ : 0; }

/* ---- The next one ------------------------------------------------------------------------------------------------ */

static co_step take(next_frame *self, co_stack *stack)
{
    awl_as_completed *iterator = self->iterator;
    node *first = iterator->first_;

    if (!first) {
        iterator->late_--;
        return awl__op_end(&self->co, stack, ETIMEDOUT);
    }
    iterator->first_ = first->next;
    stack->promise_.value_.p = first->future;
    stack->promise_.kind_ = CO_POINTER;
    return awl__op_end(&self->co, stack, 0);
}

/* Takes a getter that runs again out of the list. */
static void leave_queue(next_frame *self)
{
    next_frame **at = (next_frame **)&self->iterator->getters_;

    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
}

static co_step next_step(co_frame *frame, co_stack *stack)
{
    next_frame *self = (next_frame *)(void *)frame;
    const int error = stack->promise_.error_;
    next_frame **end;

    if (frame->state_ == NEXT_START) {
        if (!self->iterator)
            return awl__op_end(frame, stack, EINVAL);
        if (self->iterator->loop_ && self->iterator->loop_ != awl__loop_of(stack))
            return awl__op_end(frame, stack, AWL_EOTHERLOOP);
        if (!self->iterator->left_)
            return awl__op_end(frame, stack, AWL_EEND);
        self->iterator->left_--;
    } else if (!self->iterator) {
        return awl__op_end(frame, stack, error ? error : AWL_EEND);
    } else {
        leave_queue(self);
        if (error && has_item(self->iterator) && !awl__is_cancelled(&self->woken))
            wake_first(self->iterator); /* it had been told, and tells another one */
        if (error)
            return awl__op_end(frame, stack, error);
    }
    if (has_item(self->iterator))
        return take(self, stack);
    awl_future_init(&self->woken, NULL);
    self->next = NULL;
    for (end = (next_frame **)&self->iterator->getters_; *end; end = &(*end)->next)
        ;
    *end = self;
    return awl__await_in(stack, frame, &self->woken, NEXT_WAIT);
}

const co_type awl__next_type = { next_step, NULL, "awl_as_completed_next", __FILE__, sizeof(next_frame), __LINE__ };

void awl__next_inspect(awl__dump *dump, const co_frame *leaf)
{
    const awl_as_completed *iterator = ((const next_frame *)(const void *)leaf)->iterator;

    awl__dump_say(dump, "the next to be completed");
    if (!iterator)
        return;
    awl__dump_say(dump, ", %zu of %zu left", iterator->todo_, iterator->n_);
    for (size_t i = 0; i < iterator->n_; i++)
        awl__dump_child(dump, iterator->nodes_[i].future);
}

awl_coro awl_as_completed_next(awl_as_completed *iterator)
{
    next_frame *self = awl__op_new(&awl__next_type, sizeof *self);

    if (self)
        self->iterator = iterator;
    return awl__op(self);
}
