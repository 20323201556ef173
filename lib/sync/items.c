/* The items of a queue: a ring, a stack or a heap, in the loop's memory or the caller's. */
#include "sync_priv.h"

#include "queue_priv.h"

/* ---- Making ------------------------------------------------------------------------------------------------------ */

void awl_queue_init(awl_queue *queue, size_t maxsize) { *queue = (awl_queue)AWL_QUEUE_INIT(maxsize); }

void awl_lifo_queue_init(awl_queue *queue, size_t maxsize) { *queue = (awl_queue)AWL_LIFO_QUEUE_INIT(maxsize); }

void awl_priority_queue_init(awl_queue *queue, size_t maxsize, awl_less_fn *less)
{
    *queue = (awl_queue)AWL_PRIORITY_QUEUE_INIT(maxsize, less);
}

int awl_queue_set_buffer(awl_queue *queue, awl_value *buffer, size_t n)
{
    if (!queue || !buffer || n == 0)
        return EINVAL;
    if (queue->count_)
        return EBUSY;
    awl__queue_free(queue);
    queue->items_ = buffer;
    queue->cap_ = n;
    queue->fixed_ = true;
    if (!queue->max_ || queue->max_ > n)
        queue->max_ = n;
    awl__queue_open(queue);
    return 0;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

void awl__queue_free(awl_queue *queue)
{
    if (queue->items_ && !queue->fixed_)
        awl__free(awl__loop_check(queue->loop_), queue->items_, queue->cap_ * sizeof *queue->items_);
    queue->items_ = NULL;
    queue->loop_ = NULL;
    queue->cap_ = queue->count_ = queue->head_ = 0;
    queue->fixed_ = false; /* the buffer is the caller's again */
    queue->open_ = 0;
}

void awl__queue_open(awl_queue *queue)
{
    const size_t n = queue->max_ && queue->max_ < queue->cap_ ? queue->max_ : queue->cap_;

    queue->open_ = queue->shut_ || queue->order_ == AWL_PRIORITY_ ? 0 : n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* Twice the room, in which the items lie from the beginning on. */
int awl__queue_grow(awl_queue *queue)
{
    awl_loop *loop = awl_running_;
    size_t cap = queue->cap_ ? 2 * queue->cap_ : 8, first;
    awl_value *items;

    if (queue->max_ && cap > queue->max_)
        cap = queue->max_;
    if (!loop)
        return EINVAL;
    if (queue->loop_ && queue->loop_ != loop)
        return AWL_EOTHERLOOP;
    if (cap > SIZE_MAX / 4 / sizeof *items)
        return ENOMEM;
    items = awl__alloc(loop, cap * sizeof *items);
    if (!items)
        return ENOMEM;
    first = queue->cap_ - queue->head_; /* up to the end of the ring; it is full */
    if (queue->cap_) {
        memcpy(items, queue->items_ + queue->head_, first * sizeof *items);
        memcpy(items + first, queue->items_, queue->head_ * sizeof *items);
        awl__free(loop, queue->items_, queue->cap_ * sizeof *items);
    }
    queue->items_ = items;
    queue->cap_ = cap;
    queue->head_ = 0;
    queue->loop_ = loop;
    awl__queue_open(queue);
    return 0;
}

/* ---- A heap, in the steps of Python's heapq, so that items of which none is less come out in the same order ------ */

static bool is_less(const awl_queue *queue, awl_value a, awl_value b)
{
    if (queue->less_)
        return queue->less_(a, b);
    return queue->kind_ == CO_DOUBLE ? a.d < b.d : a.i < b.i;
}

/* The item at `at` goes up, not beyond `start`, to where what is above it is not greater. */
static void sift_up(awl_queue *queue, size_t start, size_t at)
{
    awl_value *items = queue->items_;
    const awl_value item = items[at];

    while (at > start && is_less(queue, item, items[(at - 1) / 2])) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = item;
}

int awl__queue_add_priority(awl_queue *queue, co_typed_ typed)
{
    if (!queue->less_ && typed.kind != CO_INT && typed.kind != CO_DOUBLE)
        return EINVAL;
    if (!queue->less_ && queue->count_ && queue->kind_ != typed.kind)
        return EINVAL; /* an integer and a double have no order here */
    awl__queue_note_kind(queue, typed.kind);
    queue->items_[queue->count_] = typed.value;
    sift_up(queue, 0, queue->count_++);
    return 0;
}

awl_value awl__queue_take_priority(awl_queue *queue)
{
    awl_value *items = queue->items_;
    const awl_value least = items[0], last = items[--queue->count_];
    const size_t n = queue->count_;
    size_t at = 0, child;

    if (n == 0)
        return least;
    for (child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && !is_less(queue, items[child], items[child + 1]))
            child++;
        items[at] = items[child];
        at = child;
    }
    items[at] = last;
    sift_up(queue, 0, at);
    return least;
}
