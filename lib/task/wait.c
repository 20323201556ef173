/* awl_wait. */
#include "dump_priv.h"

typedef struct wait_child {
    awl__waiter waiter;
    struct wait_frame *frame;
} wait_child;

typedef struct wait_frame {
    co_frame co;
    awl_future released; /* what the task waits for */
    awl_handle timer;
    awl_time timeout;
    size_t n, left;
    enum awl_wait_mode mode;
    wait_child children[];
} wait_frame;

enum { WAIT_START, WAIT_WAIT };

static void time_over(void *arg) { awl__future_wake(&((wait_frame *)arg)->released); }

/* One more is done. Result: whether it has an error that ends the wait. */
static bool count_child(wait_frame *self, awl_future *future)
{
    self->left--;
    if (self->left == 0 || self->mode != AWL_FIRST_EXCEPTION || awl__is_cancelled(future))
        return false;
    future->state_ &= ~(uint32_t)AWL__UNSEEN; /* asking is looking */
    return future->error_;
}

/* Children that are done since the wait was, whose calls will not be made: all but the last of all are looked at, too. */
static void count_scheduled(awl_loop *loop, wait_frame *self)
{
    size_t scheduled = 0;

    for (size_t i = 0; i < self->n; i++)
        scheduled += (self->children[i].waiter.link.entry_.flags_ & AWL__READY) != 0;
    if (scheduled < self->left) {
        for (size_t i = 0; i < self->n; i++) {
            if (self->children[i].waiter.link.entry_.flags_ & AWL__READY)
                count_child(self, self->children[i].waiter.future);
        }
    } else if (scheduled > 1) { /* which is the last, the ready queue knows */
        const uintptr_t first = (uintptr_t)self->children, end = (uintptr_t)(self->children + self->n);

        for (int i = 0; i < 2; i++) {
            for (awl__entry *entry = i ? loop->ready : loop->batch; entry; entry = entry->next_) {
                if ((uintptr_t)entry >= first && (uintptr_t)entry < end)
                    count_child(self, ((awl__waiter *)(void *)entry)->future);
            }
        }
    }
}

static void child_done(awl_loop *loop, awl__waiter *waiter)
{
    wait_frame *self = ((wait_child *)(void *)waiter)->frame;
    const bool raised = count_child(self, waiter->future);

    (void)loop;
    if (self->left && self->mode != AWL_FIRST_COMPLETED && !raised)
        return;
    awl_handle_cancel(&self->timer);
    awl__future_wake(&self->released);
}

/* 0, or why these cannot be waited for. */
static int check(const wait_frame *self, const co_stack *stack)
{
    for (size_t i = 0; i < self->n; i++) {
        const awl_future *future = self->children[i].waiter.future;
        if (!future)
            return EINVAL;
        if (future->host_ != stack->promise_.host_)
            return AWL_EOTHERLOOP;
    }
    return self->n ? 0 : EINVAL;
}

static co_step wait_step(co_frame *frame, co_stack *stack)
{
    wait_frame *self = (wait_frame *)(void *)frame;
    awl_loop *loop = awl__loop_of(stack);
    int error = stack->promise_.error_, done = 0;

    if (frame->state_ == WAIT_START) {
        error = check(self, stack);
        if (error)
            return awl__op_end(frame, stack, error);
        awl_future_init(&self->released, loop);
        if (self->timeout != AWL_FOREVER)
            awl_call_later(loop, &self->timer, self->timeout, time_over, self);
        self->left = self->n;
        for (size_t i = 0; i < self->n; i++) {
            self->children[i].frame = self;
            awl__future_keep(self->children[i].waiter.future); /* it is asked at the end */
            awl__watch(self->children[i].waiter.future, &self->children[i].waiter, child_done);
        }
        return awl__await_in(stack, frame, &self->released, WAIT_WAIT);
    }
    awl_handle_cancel(&self->timer);
    if (self->mode == AWL_FIRST_EXCEPTION)
        count_scheduled(loop, self);
    for (size_t i = 0; i < self->n; i++) {
        done += awl__is_done(self->children[i].waiter.future);
        awl__unwatch(&self->children[i].waiter);
        awl__future_drop(self->children[i].waiter.future);
    }
    return error ? awl__op_end(frame, stack, error) : awl__op_end_int(frame, stack, done);
}

const co_type awl__wait_type = { wait_step, NULL, "awl_wait", __FILE__, sizeof(wait_frame), __LINE__ };

void awl__wait_inspect(awl__dump *dump, const co_frame *leaf)
{
    const wait_frame *self = (const wait_frame *)(const void *)leaf;

    awl__dump_say(dump, "%s of %zu, %zu left",
                  self->mode == AWL_ALL_COMPLETED     ? "all"
                  : self->mode == AWL_FIRST_COMPLETED ? "the first"
                                                      : "the first error",
                  self->n, self->left);
    if (self->timeout != AWL_FOREVER) {
        awl__dump_say(dump, ", at most ");
        awl__dump_span(dump, self->timer.timer_.when_ - dump->now);
    }
    for (size_t i = 0; i < self->n; i++)
        awl__dump_child(dump, self->children[i].waiter.future);
}

awl_coro awl_wait_(const void *awaitables, size_t n, enum awl_wait_mode mode, awl_time timeout)
{
    wait_frame *self = n > SIZE_MAX / 256 ? NULL : awl__op_new(&awl__wait_type, sizeof *self + n * sizeof *self->children);

    if (!self)
        return awl__op(NULL);
    self->n = n;
    self->mode = mode;
    self->timeout = timeout;
    for (size_t i = 0; i < n; i++)
        self->children[i] = (wait_child){ .waiter.future = awl__awaitable_at(awaitables, i) };
    return awl__op(self);
}
