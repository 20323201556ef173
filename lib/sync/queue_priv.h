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

static inline void awl__queue_note_kind(awl_queue *queue, uint16_t kind)
{
    if (CO_UNLIKELY_(queue->kind_ != kind))
        queue->kind_ = queue->count_ ? CO_NONE : (uint8_t)kind; /* several at once: no check of what is got */
}

static inline int awl__queue_add(awl_queue *queue, co_typed_ typed)
{
    size_t at;

    if (CO_UNLIKELY_(queue->count_ == queue->cap_)) {
        const int error = awl__queue_grow(queue);
        if (error)
            return error;
    }
    if (queue->order_ == AWL_PRIORITY_)
        return awl__queue_add_priority(queue, typed);
    awl__queue_note_kind(queue, typed.kind);
    at = queue->head_ + queue->count_++;
    queue->items_[at < queue->cap_ ? at : at - queue->cap_] = typed.value;
    return 0;
}

static inline awl_value awl__queue_take(awl_queue *queue)
{
    size_t at = queue->head_;

    if (CO_UNLIKELY_(queue->order_ != AWL_FIFO_))
        return queue->order_ == AWL_LIFO_ ? queue->items_[--queue->count_] : awl__queue_take_priority(queue);
    queue->count_--;
    queue->head_ = at + 1 < queue->cap_ ? at + 1 : 0;
    return queue->items_[at];
}

#endif
