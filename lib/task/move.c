/*
 * Taking an unstarted object off a stack, so that it can become a task: `co_await(co_call(race, .a = co_call(x)))` makes
 * x's object on the stack of the task that awaits, and race may want a task of it, which can outlive race.
 *
 * (Or a task that x is an argument of: awl__move_in.) The frame is copied to the heap, and so is every object that it holds, to any depth. Nobody says which those are; but
 * an object is the pair of a frame and a token, and that of an unstarted frame on a stack is CO_TOKEN_, so they can be told.
 */
#include "task_priv.h"

/* The unstarted frame on `stack` that the two words at `words` are an object of, or NULL. */
static co_frame *held_at(const co_stack *stack, const char *words)
{
    co_object object;
    char *at;

    memcpy(&object, words, sizeof object);
    at = (char *)object.frame_;
    if (object.token_ != CO_TOKEN_ || (uintptr_t)at % 8 || !awl__stack_holds(stack, at, sizeof(co_frame)))
        return NULL;
    return (uintptr_t)object.frame_->caller_ == CO_TOKEN_ && object.frame_->state_ == 0 ? object.frame_ : NULL;
}

void awl__move_in(co_stack *stack, const co_stack *own, co_frame *frame)
{
    const size_t size = awl__op_size(frame);

    for (size_t at = sizeof(co_frame); at + sizeof(awl_coro) <= size; at += sizeof(void *)) {
        char *words = (char *)frame + at;
        uintptr_t token;
        co_frame *inner;

        memcpy(&token, words + offsetof(awl_coro, token_), sizeof token);
        if (CO_LIKELY_(token != CO_TOKEN_))
            continue;
        inner = held_at(stack, words);
        if (inner) {
            const awl_coro held = awl__move_off(stack, inner);
            memcpy(words, &held, sizeof held);
        } else {
            inner = held_at(own, words);
            if (inner && inner != frame)
                awl__move_in(stack, own, inner);
        }
    }
}

awl_coro awl__move_off(co_stack *stack, co_frame *frame)
{
    const size_t size = awl__op_size(frame);
    co_slot_ slot = { NULL, 0, 0 };
    co_frame *moved;
    awl_coro object = { NULL, 0 };

    if (size)
        slot = awl__detach(awl__loop_of(stack), (size + 7) & ~(size_t)7);
    moved = slot.frame;
    if (!moved)
        return object;
    memcpy(moved, frame, size);
    moved->caller_ = (co_frame *)slot.token;
    moved->link_ = slot.link;
    object = (awl_coro){ moved, slot.token };
    for (size_t at = sizeof(co_frame); at + sizeof(awl_coro) <= size; at += sizeof(void *)) {
        char *words = (char *)moved + at;
        co_frame *inner = held_at(stack, words);

        if (inner) {
            const awl_coro held = awl__move_off(stack, inner);
            memcpy(words, &held, sizeof held); /* without memory: an object that says so */
        }
    }
    frame->caller_ = NULL; /* used up */
    return object;
}
