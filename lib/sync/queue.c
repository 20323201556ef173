/* Queues: who waits to put and to get. Where the items are is in items.c. */
#include "sync_priv.h"

#include "queue_priv.h"

size_t awl_queue_size(const awl_queue *queue) { return queue ? queue->count_ : 0; }
bool awl_queue_empty(const awl_queue *queue) { return !queue || queue->count_ == 0; }
bool awl_queue_full(const awl_queue *queue) { return queue && queue->max_ && queue->count_ >= queue->max_; }
size_t awl_queue_maxsize(const awl_queue *queue) { return queue ? queue->max_ : 0; }

/* ---- Putting ----------------------------------------------------------------------------------------------------- */

static inline bool is_full(const awl_queue *queue) { return queue->max_ && queue->count_ >= queue->max_; }

/* Into a queue that is not full: 0 or the error. */
static inline int add(awl_queue *queue, co_typed_ typed)
{
    int error;

    if (CO_UNLIKELY_(queue->shut_))
        return AWL_EQUEUESHUTDOWN;
    error = awl__queue_add(queue, typed);
    if (CO_UNLIKELY_(error))
        return error;
    queue->unfinished_++;
    awl__wake(&queue->getters_);
    return 0;
}

int awl_queue_put_nowait_(awl_queue *queue, co_typed_ typed)
{
    if (!queue)
        return EINVAL;
    return is_full(queue) && !queue->shut_ ? AWL_EQUEUEFULL : add(queue, typed);
}

/*
 * Waiting for room: a frame on top of that of awl_queue_put, which is so small for the sake of those that need not wait.
 * Mostly it takes that one's place: it goes back to the caller of that, and frees both.
 */
enum { PUT_SIZE = (sizeof(struct awl_queue_put_) + 7) & ~7u, PUT_BELOW = PUT_SIZE / 8 << CO_BACK_SHIFT_ };

static struct awl_queue_put_ *put_of(awl__waiting *room)
{
    return (struct awl_queue_put_ *)(void *)(room->co.link_ & PUT_BELOW ? (char *)room - PUT_SIZE
                                                                        : (char *)room->co.caller_);
}

static inline co_step leave_room(awl__waiting *room, co_stack *stack, int error)
{
    if (CO_UNLIKELY_(room->co.link_ != PUT_BELOW))
        return awl__left(&room->co, stack, error);
    stack->promise_.error_ = (int16_t)error;
    stack->top_ = (char *)room - PUT_SIZE;
    return awl__ended(stack);
}

static co_step room_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;
    const struct awl_queue_put_ *put = put_of(self);
    awl_queue *queue = put->of_;
    const int error = awl__waited(self, stack);

    if (CO_UNLIKELY_(error)) {
        if (awl__wait_state(self) == AWL__WOKEN && !is_full(queue))
            awl__wake(&queue->putters_);
        return leave_room(self, stack, error);
    }
    if (is_full(queue) && !queue->shut_)
        return awl__wait(self, stack); /* somebody was faster: now behind all others */
    return leave_room(self, stack, add(queue, (co_typed_){ put->value_, put->kind_ }));
}

static const co_type room_type = {
    room_step, awl__call_off, "awl_queue_put", __FILE__, sizeof(awl__waiting), __LINE__
};

static co_step wait_for_room(struct awl_queue_put_ *self, co_stack *stack)
{
    awl__waiting *room = awl__op_here(stack, &self->co_, &room_type, sizeof *room);
    co_step step;

    if (!room)
        return awl__left(&self->co_, stack, ENOMEM);
    room->of = &self->of_->putters_;
    self->co_.state_ = 1;
    if (CO_LIKELY_(self->co_.link_ == 0 && (char *)room == (char *)self + PUT_SIZE)) {
        room->co.caller_ = self->co_.caller_;
        room->co.link_ = PUT_BELOW;
        return awl__wait(room, stack);
    }
    step = awl__wait(room, stack);
    return step.code_ == CO_DONE_ ? awl__left(&self->co_, stack, stack->promise_.error_) : step;
}

static co_step put_step(co_frame *frame, co_stack *stack)
{
    struct awl_queue_put_ *self = (struct awl_queue_put_ *)(void *)frame;
    awl_queue *queue = self->of_;

    if (CO_UNLIKELY_(frame->state_))
        return awl__left(frame, stack, stack->promise_.error_);
    if (CO_UNLIKELY_(!queue))
        return awl__left(frame, stack, EINVAL);
    if (is_full(queue) && !queue->shut_)
        return wait_for_room(self, stack);
    return awl__left(frame, stack, add(queue, (co_typed_){ self->value_, self->kind_ }));
}

const co_type awl_queue_put__type_ = {
    put_step, NULL, "awl_queue_put", __FILE__, sizeof(struct awl_queue_put_), __LINE__
};

/* ---- Getting ----------------------------------------------------------------------------------------------------- */

static inline awl_value take(awl_queue *queue)
{
    const awl_value item = awl__queue_take(queue);

    awl__wake(&queue->putters_);
    return item;
}

int awl_queue_get_nowait(awl_queue *queue, awl_value *item)
{
    awl_value taken;

    if (!queue)
        return EINVAL;
    if (queue->count_ == 0)
        return queue->shut_ ? AWL_EQUEUESHUTDOWN : AWL_EQUEUEEMPTY;
    taken = take(queue);
    if (item)
        *item = taken;
    return 0;
}

/* Takes what is there into the stack's promise. */
static inline void take_into(co_stack *stack, awl_queue *queue)
{
    stack->promise_.value_ = take(queue);
    stack->promise_.kind_ = queue->kind_;
    stack->promise_.error_ = 0;
}

static co_step get_begin(co_stack *stack, co_frame *caller, void *of)
{
    awl_queue *queue = of;

    if (CO_LIKELY_(queue->count_)) {
        take_into(stack, queue);
        return (co_step){ CO_DONE_ };
    }
    return queue->shut_ ? awl__failed(stack, AWL_EQUEUESHUTDOWN)
                        : awl__wait_here(stack, caller, &queue->getters_);
}

static co_step get_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;
    awl_queue *queue = (awl_queue *)(void *)self->of;
    const int error = awl__wait_state(self) == AWL__STARTS ? 0 : awl__waited(self, stack);

    if (CO_UNLIKELY_(error)) {
        if (awl__wait_state(self) == AWL__WOKEN && queue->count_)
            awl__wake(&queue->getters_);
        return awl__left(frame, stack, error);
    }
    if (CO_LIKELY_(queue->count_)) {
        take_into(stack, queue);
        return co_leave_(frame, stack);
    }
    return queue->shut_ ? awl__left(frame, stack, AWL_EQUEUESHUTDOWN) : awl__wait(self, stack);
}

const awl_instant_ awl_queue_get_ = AWL__INSTANT(get_step, get_begin, "awl_queue_get", awl__waiting);

/* ---- Done -------------------------------------------------------------------------------------------------------- */

static void wake_joiners(awl_queue *queue)
{
    while (queue->unfinished_ == 0 && awl__wake(&queue->joiners_))
        ;
}

int awl_queue_task_done(awl_queue *queue)
{
    if (!queue)
        return EINVAL;
    if (queue->unfinished_ == 0)
        return AWL_ETOOMANYDONE;
    queue->unfinished_--;
    wake_joiners(queue);
    return 0;
}

static co_step join_begin(co_stack *stack, co_frame *caller, void *of)
{
    awl_queue *queue = awl__queue_of_joiners(of);

    return queue->unfinished_ == 0 ? awl__ended(stack) : awl__wait_here(stack, caller, &queue->joiners_);
}

static co_step join_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;

    if (awl__wait_state(self) != AWL__STARTS)
        return awl__left(frame, stack, awl__waited(self, stack));
    return awl__queue_of_joiners(self->of)->unfinished_ == 0 ? awl__left(frame, stack, 0) : awl__wait(self, stack);
}

const awl_instant_ awl_queue_join_ = AWL__INSTANT(join_step, join_begin, "awl_queue_join", awl__waiting);

/* ---- The end ----------------------------------------------------------------------------------------------------- */

void awl_queue_shutdown(awl_queue *queue, bool immediate)
{
    if (!queue)
        return;
    queue->shut_ = true;
    if (immediate) {
        queue->unfinished_ -= queue->count_ < queue->unfinished_ ? queue->count_ : queue->unfinished_;
        queue->count_ = queue->head_ = 0;
        wake_joiners(queue);
    }
    while (awl__wake(&queue->getters_))
        ;
    while (awl__wake(&queue->putters_))
        ;
}

void awl_queue_fini(awl_queue *queue)
{
    if (!queue)
        return;
    awl__check_idle(&queue->getters_, "awl_queue_fini: a task waits to get from this queue");
    awl__check_idle(&queue->putters_, "awl_queue_fini: a task waits to put into this queue");
    awl__check_idle(&queue->joiners_, "awl_queue_fini: a task waits for the items of this queue to be done");
    awl__queue_free(queue);
}
