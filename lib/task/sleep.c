/* The two operations that most tasks are suspended in: a sleep, and an awaited future. */
#include "dump_priv.h"

/* ---- awl_sleep -------------------------------------------------------------------------------------------------------- */

/* The timer's extra_ is how far from its task it lies: a pointer would make each sleep 8 bytes larger. */
typedef struct sleep_frame {
    co_frame co;
    awl__timer timer; /* when_ is the duration until it starts */
} sleep_frame;

enum { SLEEP_START, SLEEP_TIMER, SLEEP_YIELD, SLEEP_CANCELLED };

static awl_task *task_of_sleep(awl_loop *loop, sleep_frame *self)
{
    const int32_t distance = (int32_t)self->timer.link_.entry_.extra_;

    if (CO_LIKELY_(distance != 0))
        return (awl_task *)(void *)((char *)self - (intptr_t)distance * 8);
    for (awl__block *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        if (awl__task_at(at)->stack.leaf_ == &self->co)
            return awl__task_at(at);
    }
    return NULL;
}

static co_step sleep_step(co_frame *frame, co_stack *stack)
{
    sleep_frame *self = (sleep_frame *)(void *)frame;
    awl_loop *loop = awl__loop_of(stack);

    switch (frame->state_) {
    case SLEEP_START:
        if (self->timer.when_ <= 0) {
            awl__ready(loop, &awl__task_of(stack)->entry);
            frame->state_ = SLEEP_YIELD;
            stack->leaf_ = frame;
            return (co_step){ CO_PENDING_ };
        }
        self->timer.link_.entry_.kind_ = AWL__SLEEP;
        self->timer.link_.entry_.flags_ = AWL__HAS_PREV;
        if (!awl__distance(stack, frame, &self->timer.link_.entry_.extra_))
            self->timer.link_.entry_.extra_ = 0;
        awl__timer_start(loop, &self->timer, awl__later(loop, self->timer.when_));
        return awl__block_at(frame, stack, SLEEP_TIMER);
    case SLEEP_CANCELLED:
        return awl__op_end(frame, stack, ECANCELED);
    default:
        return awl__op_end(frame, stack, stack->promise_.error_);
    }
}

static bool sleep_cancel(co_frame *frame, co_stack *stack)
{
    sleep_frame *self = (sleep_frame *)(void *)frame;

    awl__timer_stop(awl__loop_of(stack), &self->timer);
    frame->state_ = SLEEP_CANCELLED;
    awl__task_wake(awl__task_of(stack));
    return true;
}

const co_type awl__sleep_type = { sleep_step, sleep_cancel, "awl_sleep", __FILE__, sizeof(sleep_frame), __LINE__ };
_Static_assert(sizeof(sleep_frame) <= AWL__SLACK || sizeof(void *) < 8, "a sleep fits into a task's own block");

void awl__sleep_inspect(awl__dump *dump, const co_frame *leaf)
{
    const awl_time when = ((const sleep_frame *)(const void *)leaf)->timer.when_;

    awl__dump_say(dump, "a timer, ");
    awl__dump_span(dump, when == AWL_FOREVER ? when : when - dump->now);
    awl__dump_say(dump, when == AWL_FOREVER ? "" : " left");
}

/* The timer is due: the task goes on in the next iteration. */
static void run_sleep(awl_loop *loop, awl__entry *entry)
{
    sleep_frame *self = (sleep_frame *)(void *)((char *)entry - offsetof(sleep_frame, timer));

    entry->flags_ &= (uint8_t)~AWL__READY;
    awl__task_wake(task_of_sleep(loop, self));
}

void awl__sleeps_open(awl_loop *loop) { loop->run[AWL__SLEEP] = run_sleep; }

awl_coro awl_sleep_(awl_time duration)
{
    sleep_frame *self = awl__op_new(&awl__sleep_type, sizeof *self);

    if (self)
        self->timer.when_ = duration;
    return awl__op(self);
}

awl_coro awl__sleep_detached(awl_loop *loop)
{
    co_stack *before = loop->host.into_;
    awl_coro coroutine;

    loop->host.into_ = NULL;
    coroutine = awl_sleep_(0);
    loop->host.into_ = before;
    return coroutine;
}

/* ---- Awaiting what mostly ends at once ------------------------------------------------------------------------------- */

typedef struct instant_frame {
    co_frame co;
    const awl_instant_ **of;
} instant_frame;

awl_coro awl__instant_detached(awl_loop *loop, uintptr_t token)
{
    const awl_instant_ **of = (const awl_instant_ **)(token - 2);
    const co_type *type = &(*of)->type;
    const co_slot_ slot = awl__detach(loop, (type->size + 7) & ~(size_t)7);
    instant_frame *self = slot.frame;

    if (!self)
        return (awl_coro){ NULL, 0 };
    memset(self, 0, type->size);
    self->co = (co_frame){ type, (co_frame *)slot.token, 0, slot.link, 0 };
    self->of = of;
    return (awl_coro){ &self->co, slot.token };
}

/* ---- Awaiting a future ---------------------------------------------------------------------------------------------- */

/* Whether `future` waits, through tasks that await each other, for `task`. */
static bool waits_for(const awl_future *future, const awl_task *task)
{
    while (future->state_ & AWL__A_TASK && !awl__is_done(future)) {
        const awl_task *next = (const awl_task *)(const void *)future;

        if (next == task)
            return true;
        if (!(next->stack.user_ & AWL__ON_FUTURE))
            return false;
        future = next->stack.promise_.value_.p;
    }
    return false;
}

co_step awl__await(co_stack *stack, co_frame *leaf, awl_future *future)
{
    awl_task *task = awl__task_of(stack);
    awl__entry *waiters;

    if (CO_UNLIKELY_(!future || future->host_ != stack->promise_.host_)) {
        stack->promise_.error_ = !future || !future->host_ ? EINVAL : AWL_EOTHERLOOP;
        return (co_step){ CO_DONE_ };
    }
    if (awl__is_done(future)) {
        awl__future_take(future, &stack->promise_);
        return (co_step){ CO_DONE_ };
    }
    stack->leaf_ = leaf;
    /* A task that nobody waits for closes no cycle but with itself: so a chain of tasks is not walked at each link. */
    if (CO_UNLIKELY_((task->stack.promise_.waiters_ || future == &task->stack.promise_) && waits_for(future, task))) { /* as asyncio has it: told in the next iteration */
        stack->user_ |= AWL__CYCLE;
        awl__ready_unmarked(awl__loop_of(stack), &task->entry);
        return (co_step){ CO_PENDING_ };
    }
    awl__future_keep(future);
    waiters = future->waiters_;
    awl__list_push(&waiters, &task->entry);
    future->waiters_ = waiters;
    stack->promise_.value_.p = future;
    stack->user_ |= AWL__BLOCKED | AWL__ON_FUTURE;
    return (co_step){ CO_PENDING_ };
}

/* Aside, so that the way without it saves no registers. */
static __attribute__((cold, noinline)) co_step forget_and_await(co_stack *stack, co_frame *self, uintptr_t token,
                                                                char *mark)
{
    co_forget_(stack, self, mark);
    return awl__await_token(stack, self, token, stack->top_);
}

co_step awl__await_token(co_stack *stack, co_frame *self, uintptr_t token, char *mark)
{
    if (CO_UNLIKELY_(stack->top_ != mark))
        return forget_and_await(stack, self, token, mark);
    if (token % 4)
        return (*(const awl_instant_ **)(token - 2))->begin(stack, self, (void *)(token - 2));
    return awl__await(stack, self, token == 4 ? NULL : (awl_future *)token);
}

/* The same with a frame: for whatever takes coroutine objects. */
typedef struct future_frame {
    co_frame co;
    awl_future *future;
} future_frame;

static co_step future_step(co_frame *frame, co_stack *stack)
{
    if (frame->state_ == 0) {
        const co_step step = awl__await_in(stack, frame, ((future_frame *)(void *)frame)->future, 1);
        if (step.code_ != CO_DONE_)
            return step;
    }
    return awl__op_end(frame, stack, stack->promise_.error_);
}

static const co_type future_type = { future_step, NULL, "awl_await_future", __FILE__, sizeof(future_frame), __LINE__ };

awl_coro awl_await_future(awl_future *future)
{
    future_frame *self = awl__op_new(&future_type, sizeof *self);

    if (self)
        self->future = future;
    return awl__op(self);
}

awl_coro awl_await_task(awl_task *task) { return awl_await_future(task ? awl_task_future(task) : NULL); }
