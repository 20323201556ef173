/*
 * Timers: a hierarchical wheel after G. Varghese and A. Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 7.
 *
 * A moment is cut into ticks of 2^17 ns. A timer lies on the level of the highest group of 5 bits in which its tick
 * differs from the wheel's, in the slot that this group names. When the wheel's tick enters a slot of a higher level,
 * the timers there move down, in order; a tick that is reached goes to the `due` list, sorted to the nanosecond. So a
 * timer of an equal deadline that was started later is always behind: it meets the other on the same level.
 */
#include <string.h>

#include "loop_priv.h"

enum { SLOT_DUE = 0xffff, SLOT_LATE = 0xfffe, SLOT_NEVER = 0xfffd };

static uint64_t tick_of(awl_time when) { return when < 0 ? 0 : (uint64_t)when >> AWL__TICK_BITS; }

static awl__timer *timer_of(awl__entry *entry) { return (awl__timer *)(void *)entry; }

/* Behind all that is due no later; usually at the end. */
static void push_due(awl__wheel *wheel, awl__timer *timer)
{
    awl__entry *entry = &timer->link_.entry_, *after = wheel->due;
    awl__timer *next;

    entry->slot_ = SLOT_DUE;
    while (after && timer_of(after)->when_ > timer->when_)
        after = after == wheel->due->next_ ? NULL : timer_of(after)->link_.prev_;
    if (after == wheel->due) {
        awl__list_push(&wheel->due, entry);
        return;
    }
    next = timer_of(after ? after->next_ : wheel->due->next_);
    entry->next_ = &next->link_.entry_;
    next->link_.prev_ = entry;
    timer->link_.prev_ = after;
    (after ? after : wheel->due)->next_ = entry;
}

static void place(awl__wheel *wheel, awl__timer *timer)
{
    const uint64_t tick = tick_of(timer->when_), differ = tick ^ wheel->tick;
    unsigned level, slot;

    if (tick <= wheel->tick) {
        push_due(wheel, timer);
        return;
    }
    level = (63 - (unsigned)__builtin_clzll(differ)) / AWL__SLOT_BITS;
    if (level >= AWL__LEVELS) {
        const bool never = timer->when_ == AWL_FOREVER;
        timer->link_.entry_.slot_ = never ? SLOT_NEVER : SLOT_LATE;
        awl__list_push(never ? &wheel->never : &wheel->late, &timer->link_.entry_);
        return;
    }
    slot = (unsigned)(tick >> level * AWL__SLOT_BITS) % AWL__SLOTS;
    timer->link_.entry_.slot_ = (uint16_t)(level * AWL__SLOTS + slot);
    awl__list_push(&wheel->slots[level][slot], &timer->link_.entry_);
    wheel->used[level] |= 1u << slot;
}

void awl__timer_start(awl_loop *loop, awl__timer *timer, awl_time when)
{
    timer->when_ = when;
    timer->link_.entry_.flags_ |= AWL__TIMED;
    place(&loop->wheel, timer);
    if (CO_UNLIKELY_(loop->pump_asleep))
        awl__wake_pump(loop);
}

void awl__timer_stop(awl_loop *loop, awl__timer *timer)
{
    awl__wheel *wheel = &loop->wheel;
    awl__entry *entry = &timer->link_.entry_;
    const unsigned level = entry->slot_ / AWL__SLOTS, slot = entry->slot_ % AWL__SLOTS;

    if (entry->flags_ & AWL__READY)
        awl__unready(loop, entry);
    if (!(entry->flags_ & AWL__TIMED))
        return;
    entry->flags_ &= (uint8_t)~AWL__TIMED;
    if (entry->slot_ == SLOT_DUE) {
        awl__list_remove(&wheel->due, entry);
    } else if (entry->slot_ == SLOT_LATE) {
        awl__list_remove(&wheel->late, entry);
    } else if (entry->slot_ == SLOT_NEVER) {
        awl__list_remove(&wheel->never, entry);
    } else {
        awl__list_remove(&wheel->slots[level][slot], entry);
        if (!wheel->slots[level][slot])
            wheel->used[level] &= ~(1u << slot);
    }
}

/* The first tick after the wheel's at which something must be done, and the level it is on; UINT64_MAX: none. */
static uint64_t next_tick(const awl__wheel *wheel, unsigned *level)
{
    for (*level = 0; *level < AWL__LEVELS; ++*level) {
        const unsigned shift = *level * AWL__SLOT_BITS, index = (unsigned)(wheel->tick >> shift) % AWL__SLOTS;
        const uint32_t ahead = wheel->used[*level] & ~((2u << index) - 1);

        if (ahead)
            return (wheel->tick >> shift >> AWL__SLOT_BITS << AWL__SLOT_BITS | (unsigned)__builtin_ctz(ahead)) << shift;
    }
    if (wheel->late)
        return ((wheel->tick >> AWL__LEVELS * AWL__SLOT_BITS) + 1) << AWL__LEVELS * AWL__SLOT_BITS;
    return UINT64_MAX;
}

/* Moves the timers of one list to where they belong now. */
static void cascade(awl__wheel *wheel, awl__entry **list)
{
    awl__entry *all = *list;

    *list = NULL;
    while (all)
        place(wheel, timer_of(awl__list_pop(&all)));
}

void awl__timer_expire(awl_loop *loop)
{
    awl__wheel *wheel = &loop->wheel;
    const uint64_t target = tick_of(loop->now);

    for (;;) {
        unsigned level;
        uint64_t tick;

        while (wheel->due && timer_of(wheel->due->next_)->when_ <= loop->now) {
            awl__entry *entry = awl__list_pop(&wheel->due);
            entry->flags_ &= (uint8_t)~AWL__TIMED;
            awl__ready(loop, entry);
        }
        if (wheel->tick >= target)
            return;
        tick = next_tick(wheel, &level);
        if (tick > target) {
            wheel->tick = target;
            return;
        }
        wheel->tick = tick;
        if (level == AWL__LEVELS) {
            cascade(wheel, &wheel->late);
        } else {
            const unsigned slot = (unsigned)(tick >> level * AWL__SLOT_BITS) % AWL__SLOTS;
            wheel->used[level] &= ~(1u << slot);
            cascade(wheel, &wheel->slots[level][slot]);
        }
    }
}

awl_time awl__timer_next(awl_loop *loop)
{
    const awl__wheel *wheel = &loop->wheel;
    awl_time first = AWL_FOREVER;
    unsigned level;
    uint64_t tick;

    if (wheel->due)
        return timer_of(wheel->due->next_)->when_;
    tick = next_tick(wheel, &level);
    if (tick > (uint64_t)AWL_FOREVER >> AWL__TICK_BITS)
        return AWL_FOREVER;
    if (level == 0) {
        awl__entry *tail = wheel->slots[0][tick % AWL__SLOTS], *entry = tail;
        do {
            entry = entry->next_;
            if (timer_of(entry)->when_ < first)
                first = timer_of(entry)->when_;
        } while (entry != tail);
        return first;
    }
    return (awl_time)(tick << AWL__TICK_BITS); /* where the timers of a higher level move down */
}

static void empty(awl__entry **list)
{
    while (*list)
        awl__list_pop(list)->flags_ &= (uint8_t)~AWL__TIMED;
}

void awl__timers_close(awl_loop *loop)
{
    awl__wheel *wheel = &loop->wheel;

    for (unsigned i = 0; i < AWL__LEVELS * AWL__SLOTS; i++)
        empty(&wheel->slots[i / AWL__SLOTS][i % AWL__SLOTS]);
    memset(wheel->used, 0, sizeof wheel->used);
    empty(&wheel->due);
    empty(&wheel->late);
    empty(&wheel->never);
}

awl_time awl__later(awl_loop *loop, awl_time delay)
{
    const awl_time now = awl_loop_time(loop);

    if (delay == AWL_FOREVER || (delay > 0 && now > AWL_FOREVER - delay))
        return AWL_FOREVER;
    return delay < 0 && now < INT64_MIN - delay ? INT64_MIN : now + delay;
}
