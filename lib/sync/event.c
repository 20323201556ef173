/* Events. */
#include "sync_priv.h"

void awl_event_init(awl_event *event) { *event = (awl_event)AWL_EVENT_INIT; }

void awl_event_fini(awl_event *event)
{
    if (event)
        awl__check_idle(&event->waiters_, "awl_event_fini: a task waits for this event");
}

void awl_event_set(awl_event *event)
{
    if (!event)
        return;
    event->set_ = true;
    while (awl__wake(&event->waiters_))
        ;
}

void awl_event_clear(awl_event *event)
{
    if (event)
        event->set_ = false;
}

bool awl_event_is_set(const awl_event *event) { return event && event->set_; }

static co_step event_begin(co_stack *stack, co_frame *caller, void *of)
{
    awl_event *event = of;

    return event->set_ ? awl__ended(stack) : awl__wait_here(stack, caller, &event->waiters_);
}

static co_step event_step(co_frame *frame, co_stack *stack)
{
    awl__waiting *self = (awl__waiting *)(void *)frame;

    if (awl__wait_state(self) != AWL__STARTS)
        return awl__left(frame, stack, awl__waited(self, stack));
    return ((awl_event *)(void *)self->of)->set_ ? awl__left(frame, stack, 0) : awl__wait(self, stack);
}

static void event_inspect(awl__dump *dump, const co_frame *frame)
{
    const awl_event *event = (const void *)((const awl__waiting *)(const void *)frame)->of;

    awl__dump_say(dump, "an event, which is %sset, %u waiting", event->set_ ? "" : "not ", (unsigned)event->waiters_.n_);
}

const awl_instant_ awl_event_wait_ =
    AWL__INSTANT(event_step, event_begin, event_inspect, "awl_event_wait", awl__waiting);
