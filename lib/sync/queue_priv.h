/* What the files of the queue share. */
#ifndef AWL_QUEUE_PRIV_H
#define AWL_QUEUE_PRIV_H

#include "sync_priv.h"

static inline awl_queue *awl__queue_of_joiners(void *joiners)
{
    return (awl_queue *)(void *)((char *)joiners - offsetof(awl_queue, joiners_));
}

/* Adds an item: 0, ENOMEM, EINVAL or AWL_EOTHERLOOP. Takes the next one; there must be one. Frees the memory of all. */
int awl__queue_grow(awl_queue *queue);
int awl__queue_add_priority(awl_queue *queue, co_typed_ typed);
awl_value awl__queue_take_priority(awl_queue *queue);
void awl__queue_free(awl_queue *queue);
void awl__queue_open(awl_queue *queue); /* notes how many items it takes now without a question */

static inline void awl__queue_note_kind(awl_queue *queue, uint8_t kind)
{
    if (CO_UNLIKELY_(queue->kind_ != kind))
        queue->kind_ = queue->count_ ? CO_NONE : kind; /* several at once: no check of what is got */
}

/* Into a queue of fewer items than open_. */
static inline void awl__queue_store(awl_queue *queue, awl_value value, uint8_t kind)
{
    size_t at = queue->head_ + queue->count_, cap = queue->cap_;

    awl__queue_note_kind(queue, kind);
    queue->count_++;
    if (CO_UNLIKELY_(at >= cap))
        at -= cap;
    queue->items_[at] = value;
}

static inline int awl__queue_add(awl_queue *queue, co_typed_ typed)
{
    if (CO_UNLIKELY_(queue->count_ == queue->cap_)) {
        const int error = awl__queue_grow(queue);
        if (error)
            return error;
    }
    if (queue->order_ == AWL_PRIORITY_)
        return awl__queue_add_priority(queue, typed);
    awl__queue_store(queue, typed.value, typed.kind);
    return 0;
}

static inline awl_value awl__queue_take_first(awl_queue *queue)
{
    const size_t at = queue->head_, next = at + 1;

    queue->count_--;
    queue->head_ = CO_UNLIKELY_(next == queue->cap_) ? 0 : next;
    return queue->items_[at];
}
static inline awl_value awl__queue_take(awl_queue *queue)
{
    if (CO_UNLIKELY_(queue->order_ != AWL_FIFO_))
        return queue->order_ == AWL_LIFO_ ? queue->items_[--queue->count_] : awl__queue_take_priority(queue);
    return awl__queue_take_first(queue);
}

#endif
