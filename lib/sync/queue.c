/* Queues: who waits to put and to get. Where the items are is in items.c. */
#include "sync_priv.h"

#include "queue_priv.h"

size_t awl_queue_size(const awl_queue *queue) { return queue ? queue->count_ : 0; }
bool awl_queue_empty(const awl_queue *queue) { return !queue || queue->count_ == 0; }
static inline bool is_full(const awl_queue *queue) { return queue->max_ && queue->count_ >= queue->max_; }
bool awl_queue_full(const awl_queue *queue) { return queue && is_full(queue); }
size_t awl_queue_maxsize(const awl_queue *queue) { return queue ? queue->max_ : 0; }

/* ---- Putting ----------------------------------------------------------------------------------------------------- */

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
 * Waiting for room takes more than the frame of awl_queue_put has, which is so small for the sake of those that need
 * not wait. Mostly that frame grows where it is; if it cannot, another one is put on top of it, and it awaits that.
 * While it waits the kind of the value is in the upper bits of its state.
 */
typedef struct room_frame {
    awl__waiting w;
    awl_value value;
} room_frame;

enum { KIND_SHIFT = 2, KIND_MASK = 3 };
_Static_assert(_Alignof(awl_queue) > KIND_MASK && (unsigned)CO_POINTER <= KIND_MASK, "a kind fits into an address");

static inline awl_queue *queue_of(const struct awl_queue_put_ *put)
{
    return (awl_queue *)(put->of_ & ~(uintptr_t)KIND_MASK);
}
static inline uint8_t kind_of(const struct awl_queue_put_ *put) { return put->of_ & KIND_MASK; }

static inline awl_queue *queue_of_putters(awl_waiters_ *putters)
{
    return (awl_queue *)(void *)((char *)putters - offsetof(awl_queue, putters_));
}

/* The last that a step does: stores the item, and ends. */
CO_INLINE_ co_step store_and_wake(co_stack *stack, awl_queue *queue, awl_value value, unsigned kind)
{
    awl__queue_store(queue, value, (uint8_t)kind);
    queue->unfinished_++;
    return awl__done_waking(stack, &queue->getters_);
}

static __attribute__((noinline, cold)) co_step room_slowly(co_frame *frame, co_stack *stack)
{
    room_frame *self = (room_frame *)(void *)frame;
    awl_queue *queue = queue_of_putters(self->w.of);
    const int error = awl__waited(&self->w, stack);

    if (error) {
        if (awl__wait_state(&self->w) == AWL__WOKEN && !is_full(queue))
            awl__wake(&queue->putters_);
        return awl__left(frame, stack, error);
    }
    if (is_full(queue) && !queue->shut_)
        return awl__wait(&self->w, stack); /* somebody was faster: now behind all others */
    return awl__left(frame, stack, add(queue, (co_typed_){ self->value, (uint8_t)(frame->state_ >> KIND_SHIFT) }));
}

/* There is room, perhaps. The promise is empty, or has an error. */
static co_step room_step(co_frame *frame, co_stack *stack)
{
    room_frame *self = (room_frame *)(void *)frame;
    const unsigned kind = frame->state_ >> KIND_SHIFT;
    awl_queue *queue = queue_of_putters(self->w.of);

    if (CO_UNLIKELY_(awl__wait_state(&self->w) != AWL__WOKEN || frame->link_ || stack->promise_.error_ ||
                     queue->count_ >= queue->open_))
        return room_slowly(frame, stack);
    self->w.of->n_--;
    stack->top_ = (char *)frame;
    return store_and_wake(stack, queue, self->value, kind);
}

static void room_inspect(awl__dump *dump, const co_frame *frame)
{
    const awl_queue *queue = queue_of_putters(((const awl__waiting *)(const void *)frame)->of);

    awl__dump_say(dump, "room in a queue, which has %zu of %zu items, %u waiting", queue->count_, queue->max_,
                  (unsigned)queue->putters_.n_);
}

/* It is not awaited as such, so it does not begin. */
static const awl_instant_ room_type = AWL__INSTANT(room_step, NULL, room_inspect, "awl_queue_put", room_frame);

static __attribute__((noinline, cold)) co_step put_slowly(struct awl_queue_put_ *self, co_stack *stack)
{
    awl_queue *queue = queue_of(self);
    room_frame *room;
    co_step step;

    if (self->co_.state_)
        return awl__left(&self->co_, stack, stack->promise_.error_);
    if (!queue)
        return awl__left(&self->co_, stack, EINVAL);
    if (!is_full(queue) || queue->shut_)
        return awl__left(&self->co_, stack, add(queue, (co_typed_){ self->value_, kind_of(self) }));
    room = awl__op_here(stack, &self->co_, &room_type.type, sizeof *room);
    if (!room)
        return awl__left(&self->co_, stack, ENOMEM);
    room->value = self->value_;
    room->w.of = &queue->putters_;
    room->w.co.state_ = (uint32_t)kind_of(self) << KIND_SHIFT;
    self->co_.state_ = 1;
    step = awl__wait(&room->w, stack);
    return step.code_ == CO_DONE_ ? awl__left(&self->co_, stack, stack->promise_.error_) : step;
}

static co_step put_step(co_frame *frame, co_stack *stack)
{
    struct awl_queue_put_ *self = (struct awl_queue_put_ *)(void *)frame;
    room_frame *room = (room_frame *)(void *)frame;
    awl_queue *queue = queue_of(self);
    const unsigned kind = kind_of(self);
    awl_value value;
    co_step step;

    if (CO_UNLIKELY_(frame->state_ || frame->link_ || !queue))
        return put_slowly(self, stack);
    if (queue->count_ < queue->open_) {
        stack->top_ = (char *)frame;
        awl__ended(stack);
        return store_and_wake(stack, queue, self->value_, kind);
    }
    if (CO_UNLIKELY_(!is_full(queue) || queue->shut_ || stack->top_ != (char *)(self + 1) ||
                     stack->end_ - (char *)frame < (ptrdiff_t)sizeof *room ||
                     awl__of_other_loop(&queue->putters_, stack)))
        return put_slowly(self, stack);
    stack->top_ = (char *)(room + 1);
    memcpy(&value, &self->value_, sizeof value); /* before something else is written there */
    frame->type_ = &room_type.type;
    step = awl__wait_in(&room->w, stack, &queue->putters_, AWL__WAITS | kind << KIND_SHIFT);
    room->value = value;
    return step;
}

const co_type awl_queue_put__type_ = { put_step, NULL, "awl_queue_put", __FILE__, sizeof(struct awl_queue_put_),
                                       __LINE__ };

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

static __attribute__((noinline, cold)) co_step begin_slowly(co_stack *stack, awl_queue *queue)
{
    if (!queue->count_)
        return awl__failed(stack, AWL_EQUEUESHUTDOWN);
    take_into(stack, queue);
    return (co_step){ CO_DONE_ };
}

/* The last that a step does: takes the first item of a queue that is first in, first out, and ends. */
CO_INLINE_ co_step take_and_wake(co_stack *stack, awl_queue *queue)
{
    stack->promise_.value_ = awl__queue_take_first(queue);
    stack->promise_.kind_ = queue->kind_;
    return awl__done_waking(stack, &queue->putters_);
}

static co_step get_begin(co_stack *stack, co_frame *caller, void *of)
{
    awl_queue *queue = of;

    if (CO_LIKELY_(queue->count_ && queue->order_ == AWL_FIFO_))
        return take_and_wake(stack, queue);
    if (CO_LIKELY_(!queue->count_ && !queue->shut_))
        return awl__wait_here(stack, caller, &queue->getters_);
    return begin_slowly(stack, queue);
}

static __attribute__((noinline, cold)) co_step get_slowly(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;
    awl_queue *queue = (awl_queue *)(void *)self->of;
    const int error = awl__wait_state(self) == AWL__STARTS ? 0 : awl__waited(self, stack);

    if (error) {
        if (awl__wait_state(self) == AWL__WOKEN && queue->count_)
            awl__wake(&queue->getters_);
        return awl__left(frame, stack, error);
    }
    if (queue->count_) {
        take_into(stack, queue);
        return co_leave_(frame, stack);
    }
    return queue->shut_ ? awl__left(frame, stack, AWL_EQUEUESHUTDOWN) : awl__wait(self, stack);
}

static co_step get_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;
    awl_queue *queue = (awl_queue *)(void *)self->of;

    if (CO_UNLIKELY_(frame->state_ != AWL__WOKEN || frame->link_ || stack->promise_.error_ || !queue->count_ ||
                     queue->order_ != AWL_FIFO_))
        return get_slowly(frame, stack);
    queue->getters_.n_--;
    stack->top_ = (char *)frame;
    return take_and_wake(stack, queue);
}

static void get_inspect(awl__dump *dump, const co_frame *frame)
{
    const awl_queue *queue = (const void *)((const awl__waiting *)(const void *)frame)->of;

    awl__dump_say(dump, "an item of a queue, which has none, %u waiting", (unsigned)queue->getters_.n_);
}

const awl_instant_ awl_queue_get_ = AWL__INSTANT(get_step, get_begin, get_inspect, "awl_queue_get", awl__waiting);

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

static void join_inspect(awl__dump *dump, const co_frame *frame)
{
    const awl_queue *queue = awl__queue_of_joiners(((const awl__waiting *)(const void *)frame)->of);

    awl__dump_say(dump, "a queue, %zu items of which are not done", queue->unfinished_);
}

const awl_instant_ awl_queue_join_ = AWL__INSTANT(join_step, join_begin, join_inspect, "awl_queue_join", awl__waiting);

/* ---- The end ----------------------------------------------------------------------------------------------------- */

void awl_queue_shutdown(awl_queue *queue, bool immediate)
{
    if (!queue)
        return;
    queue->shut_ = true;
    queue->open_ = 0;
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
