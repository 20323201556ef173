/* awl_wait_for: a timeout around one await. */
#include "dump_priv.h"

typedef struct wait_for_frame {
    co_frame co;
    awl_coro inner; /* what is awaited within the time */
    awl_time delay;
    bool of_coroutine;
    awl_timeout timeout;
    /* without any time: */
    awl_future *future, released;
    awl__waiter waiter;
} wait_for_frame;

enum { WAIT_FOR_START, WAIT_FOR_INNER, WAIT_FOR_CANCELLED };

static void inner_done(awl_loop *loop, awl__waiter *waiter)
{
    wait_for_frame *self = (wait_for_frame *)(void *)((char *)waiter - offsetof(wait_for_frame, waiter));

    (void)loop;
    awl__future_wake(&self->released);
}

/* Stands for a coroutine that is cancelled before it starts. */
static co_step never_step(co_frame *frame, co_stack *stack) { return awl__op_end(frame, stack, ECANCELED); }
static const co_type never_type = { never_step, NULL, "awl_wait_for", __FILE__, sizeof(co_frame), __LINE__ };

/* No time: what is done already is the result; all else is cancelled before it starts, and waited for. */
static co_step start_without_time(wait_for_frame *self, co_stack *stack)
{
    if (self->of_coroutine) {
        awl_task *task;

        awl_coro_close(self->inner);
        task = awl_create_task(awl__op(awl__op_new(&never_type, sizeof(co_frame))));
        self->future = task ? awl_task_future(task) : NULL;
        if (!task)
            return awl__op_end(&self->co, stack, ENOMEM);
    }
    if (!self->future || self->future->host_ != stack->promise_.host_)
        return awl__op_end(&self->co, stack, self->future ? AWL_EOTHERLOOP : EINVAL);
    if (awl__is_done(self->future)) {
        awl__future_take(self->future, &stack->promise_);
        return awl__op_end(&self->co, stack, stack->promise_.error_);
    }
    awl_future_init(&self->released, awl__loop_of(stack));
    awl__future_keep(self->future); /* it is asked at the end */
    awl__watch(self->future, &self->waiter, inner_done);
    awl_future_cancel(self->future);
    return awl__await_in(stack, &self->co, &self->released, WAIT_FOR_CANCELLED);
}

static co_step end_without_time(wait_for_frame *self, co_stack *stack)
{
    int error = stack->promise_.error_;

    awl__unwatch(&self->waiter);
    if (!error) {
        awl__future_take(self->future, &stack->promise_);
        error = stack->promise_.error_ == ECANCELED ? ETIMEDOUT : stack->promise_.error_;
    }
    awl__future_drop(self->future);
    if (self->of_coroutine)
        awl_future_release(self->future);
    return awl__op_end(&self->co, stack, error);
}

static co_step wait_for_step(co_frame *frame, co_stack *stack)
{
    wait_for_frame *self = (wait_for_frame *)(void *)frame;

    if (frame->state_ == WAIT_FOR_CANCELLED)
        return end_without_time(self, stack);
    if (frame->state_ == WAIT_FOR_START) {
        char *mark = stack->top_;
        co_step step;

        if (self->delay <= 0)
            return start_without_time(self, stack);
        if (!self->of_coroutine)
            self->inner = awl_await_future_(self->future);
        awl_timeout_enter(&self->timeout, self->delay);
        frame->state_ = WAIT_FOR_INNER;
        step = co_start_(stack, frame, self->inner, mark, __LINE__);
        if (step.code_ != CO_DONE_)
            return step;
    }
    return awl__op_end(frame, stack, awl_timeout_exit(&self->timeout, stack->promise_.error_));
}

const co_type awl__wait_for_type = {
    wait_for_step, NULL, "awl_wait_for", __FILE__, sizeof(wait_for_frame), __LINE__
};

/* A future needs no frame of its own, and a coroutine is another leaf. */
void awl__wait_for_inspect(awl__dump *dump, const co_frame *leaf)
{
    const wait_for_frame *self = (const wait_for_frame *)(const void *)leaf;

    if (leaf->state_ == WAIT_FOR_CANCELLED) {
        awl__dump_say(dump, "the end of what it has cancelled");
        awl__dump_child(dump, self->future);
    } else {
        awl__dump_future(dump, self->future);
    }
}

void awl__wait_for_dump(awl__dump *dump, const co_frame *frame)
{
    const awl_time when = awl_timeout_when(&((const wait_for_frame *)(const void *)frame)->timeout);

    if (when == AWL_FOREVER)
        return;
    awl__dump_say(dump, ", ");
    awl__dump_span(dump, when - dump->now);
    awl__dump_say(dump, " left");
}

void awl__wait_for_close(co_frame *frame)
{
    if (((wait_for_frame *)(void *)frame)->of_coroutine)
        awl_coro_close(((wait_for_frame *)(void *)frame)->inner);
}

awl_coro awl_wait_for_coro_(awl_coro coroutine, awl_time timeout)
{
    wait_for_frame *self = coroutine.frame_ || coroutine.token_ ? awl__op_new(&awl__wait_for_type, sizeof *self) : NULL;

    if (!self) {
        awl_coro_close(coroutine);
        return awl__op(NULL);
    }
    self->inner = coroutine;
    self->delay = timeout;
    self->of_coroutine = true;
    return awl__op(self);
}

awl_coro awl_wait_for_future_(awl_future *future, awl_time timeout)
{
    wait_for_frame *self = awl__op_new(&awl__wait_for_type, sizeof *self);

    if (!self)
        return awl__op(NULL);
    self->future = future;
    self->delay = timeout;
    return awl__op(self);
}

awl_coro awl_wait_for_task_(awl_task *task, awl_time timeout)
{
    return awl_wait_for_future_(task ? awl_task_future(task) : NULL, timeout);
}
