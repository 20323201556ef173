/* The loop itself: opening, iterating, stopping, closing. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guard_priv.h"

enum { MOST_ITERATIONS = 61 };               /* between two looks at the kernel, while entries are ready */
static const awl_time longest_window = 100 * AWL_US;

_Thread_local awl_loop *awl_running_;

/* ---- The ready queue ------------------------------------------------------------------------------------------ */

void awl__list_remove(awl__entry **tail, awl__entry *entry)
{
    awl__entry *prev = ((awl__link *)(void *)entry)->prev_, *next = entry->next_;

    if (entry == (*tail)->next_)
        prev = *tail; /* the head: what its prev_ says is of no account */
    if (prev == entry) {
        *tail = NULL;
        return;
    }
    prev->next_ = next;
    if (next->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)next)->prev_ = prev;
    if (*tail == entry)
        *tail = prev;
}

void awl__unready(awl_loop *loop, awl__entry *entry)
{
    awl__entry *prev = ((awl__link *)(void *)entry)->prev_, *next = entry->next_;

    if (loop->batch == entry)
        loop->batch = next; /* what its prev_ says is of no account */
    else
        prev->next_ = next;
    if (next) {
        if (next->flags_ & AWL__HAS_PREV)
            ((awl__link *)(void *)next)->prev_ = prev;
    } else if (loop->ready_end == &entry->next_) {
        loop->ready_end = &prev->next_;
    }
    entry->flags_ &= (uint8_t)~AWL__READY;
}

void awl__ready(awl_loop *loop, awl__entry *entry) { awl__ready_here(loop, entry); }

void awl__ready_all(awl_loop *loop, awl__entry **waiters)
{
    awl__entry *last = *waiters, *first, *entry;

    if (!last)
        return;
    *waiters = NULL;
    first = entry = last->next_;
    if (first->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)first)->prev_ = (awl__entry *)(void *)loop->ready_end;
    last->next_ = NULL;
    *loop->ready_end = first;
    loop->ready_end = &last->next_;
    do {
        entry->flags_ = (uint8_t)((entry->flags_ & ~AWL__WAITING) | AWL__READY);
        entry = entry->next_;
    } while (entry);
    if (CO_UNLIKELY_(loop->pump_asleep))
        awl__wake_pump(loop);
}

/* The next number that Marsaglia's xorshift draws: never 0. */
static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static awl__entry *pop_ready(awl_loop *loop)
{
    awl__entry *entry = loop->ready;

    loop->ready = entry->next_;
    if (!loop->ready)
        loop->ready_end = &loop->ready;
    return entry;
}

/* Reorders the ready queue at random: dealt by a coin into two heaps and put together again, often enough. */
static void shuffle(awl_loop *loop)
{
    for (int round = 0; round < 24; round++) {
        awl__entry *heaps[2] = { NULL, NULL };
        uint32_t coins = 0;

        for (unsigned n = 0; loop->ready; n++) {
            if (n % 32 == 0)
                coins = draw(&loop->shuffle);
            awl__list_push(&heaps[coins >> n % 32 & 1], pop_ready(loop));
        }
        awl__ready_all(loop, &heaps[0]);
        awl__ready_all(loop, &heaps[1]);
    }
}

/* ---- Time ------------------------------------------------------------------------------------------------------ */

static awl_time read_clock(awl_loop *loop)
{
    struct timespec now;

    if (loop->options.virtual_time)
        return loop->now;
    if (loop->options.now)
        return loop->options.now(loop->options.clock_arg);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (awl_time)now.tv_sec * AWL_SECOND + now.tv_nsec;
}

awl_time awl_loop_time(awl_loop *loop)
{
    loop = awl__loop_check(loop);
    if (!loop)
        return 0;
    return read_clock(loop);
}

/* Blocks until something may be ready, at most until the next deadline. */
static int wait_for_work(awl_loop *loop, bool block)
{
    const awl_time next = block ? awl__timer_next(loop) : 0;
    awl_time timeout = 0;

    if (block && next == AWL_FOREVER)
        timeout = AWL_FOREVER;
    else if (block && next > loop->now) /* a clock of the user's may start far below zero */
        timeout = loop->now < 0 && next >= AWL_FOREVER + loop->now ? AWL_FOREVER - 1 : next - loop->now;
    if (loop->options.wait)
        return loop->options.wait(loop->options.clock_arg, timeout);
    if (!loop->options.virtual_time) {
        if (CO_UNLIKELY_(timeout == AWL_FOREVER) && !awl__loop_has_hope(loop))
            return awl__loop_deadlock(loop);
        awl__backend_poll(loop, timeout);
        return 0;
    }
    awl__backend_poll(loop, 0);
    if (loop->ready || !block)
        return 0;
    if (next != AWL_FOREVER)
        loop->now = next > loop->now ? next : loop->now; /* a moment that has passed does not turn the clock back */
    else if (awl__loop_has_hope(loop))
        awl__backend_poll(loop, AWL_FOREVER);
    else
        return awl__loop_deadlock(loop);
    return 0;
}

/* No more iterations before kernel and clock are asked. */
static void close_window(awl_loop *loop)
{
    loop->iterations -= loop->window;
    loop->window = 0;
}

/*
 * Looks at kernel and clock, and opens a window of iterations in which that is not done again while entries are ready.
 * Its length comes from how long iterations took in the one before: about 100 microseconds' worth, at most 61 of them.
 */
static __attribute__((noinline)) int look_around(awl_loop *loop)
{
    int error;

    close_window(loop);
    error = wait_for_work(loop, !loop->ready && !loop->stopping);
    loop->now = read_clock(loop);
    awl__timer_expire(loop);
    if (loop->shuffle) {
        shuffle(loop);
    } else if (!loop->fixed_clock) {
        const awl_time passed = loop->now - loop->window_start;
        const uint32_t each = (uint32_t)(passed < AWL_SECOND ? passed : AWL_SECOND) / (loop->window_size + 1);
        const uint32_t most = each ? (uint32_t)longest_window / each : MOST_ITERATIONS;

        loop->window_size = most >= MOST_ITERATIONS ? MOST_ITERATIONS - 1 : most > 1 ? most - 1 : 0;
        loop->window = loop->window_size;
        loop->window_start = loop->now;
    }
    loop->iterations += 1 + loop->window;
    return error;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* Without tasks: the table says who runs what. */
static void run_window(awl_loop *loop) { awl__run_window(loop, NULL); }

/* Entries run at this depth of the C stack, and may descend from here. */
static void note_depth(awl_loop *loop, const void *here) { loop->c_limit = CO_DEPTH_(here) - CO_DESCENT; }

int awl__loop_enter(awl_loop *loop)
{
    if (awl__loop_forked(loop))
        return AWL_EFORKED;
    if (loop->running || awl_running_)
        return EBUSY;
    loop->outer = awl_running_;
    awl_running_ = loop;
    loop->running = true;
    close_window(loop);
    loop->window_size = 0;
    loop->now = loop->window_start = read_clock(loop);
    return 0;
}

void awl__loop_leave(awl_loop *loop)
{
    loop->running = loop->in_child = false;
    awl_running_ = loop->outer;
}

int awl__loop_run(awl_loop *loop)
{
    int error = 0;

    note_depth(loop, &error);
    do {
        error = look_around(loop);
        loop->run_window(loop);
    } while (!error && !loop->stopping);
    loop->stopping = false;
    return awl__loop_forked(loop) ? AWL_EFORKED : error;
}

int awl_loop_run_forever(awl_loop *loop)
{
    int error = loop->attached ? EBUSY : awl__loop_enter(loop);

    if (error)
        return error;
    error = awl__loop_run(loop);
    awl__loop_leave(loop);
    return error;
}

/* Attached: something is ready, and the base must give us a turn. Until it does, nobody needs to ask again. */
void awl__wake_pump(awl_loop *loop)
{
    loop->pump_asleep = false;
    awl__backend_soon(loop);
}

/* Attached: called by the base. Runs what there is for about a window, then lets the base have its turn. */
void awl__loop_pump(awl_loop *loop)
{
    awl_time next;

    if (awl__loop_forked(loop))
        return;
    loop->pump_asleep = false;
    note_depth(loop, &next);
    loop->running = true;
    for (unsigned n = 0; n == 0 || (loop->ready && n < MOST_ITERATIONS && !awl__loop_forked(loop)); n++) {
        loop->now = read_clock(loop);
        if (n && loop->now - loop->window_start > longest_window)
            break;
        if (n == 0)
            loop->window_start = loop->now;
        awl__timer_expire(loop);
        if (loop->shuffle)
            shuffle(loop);
        loop->iterations++;
        loop->run_window(loop);
    }
    loop->running = loop->in_child = false;
    if (awl__loop_forked(loop))
        return;
    loop->pump_asleep = true;
    next = awl__timer_next(loop);
    if (loop->ready)
        awl__wake_pump(loop);
    else if (next != AWL_FOREVER)
        awl__backend_arm(loop, next);
}

void awl_loop_stop(awl_loop *loop)
{
    loop = awl__loop_check(loop);
    if (loop)
        loop->stopping = true;
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------ */

static awl_loop *open_loop(const awl_loop_options *options, struct event_base *base)
{
    static const awl_loop_options none;
    const awl_loop_options *o = options ? options : &none;
    const size_t head = (sizeof(awl_loop) + 7) & ~(size_t)7;
    awl_loop *loop;
    int error;

    if (!o->now != !o->wait || (o->now && o->virtual_time) || (uintptr_t)o->memory % 8 ||
        (o->memory && o->memory_size < head)) {
        errno = EINVAL;
        return NULL;
    }
    loop = o->memory ? o->memory : malloc(sizeof *loop);
    if (!loop)
        return NULL;
    memset(loop, 0, sizeof *loop);
    loop->options = *o;
    awl__pool_open(&loop->pool, o->memory ? (char *)o->memory + head : NULL, o->memory ? o->memory_size - head : 0);
    loop->ready_end = &loop->ready;
    loop->run_window = run_window;
    loop->tasks.next = loop->tasks.prev = &loop->tasks;
    loop->detached.next = loop->detached.prev = &loop->detached;
    loop->closers.next = loop->closers.prev = &loop->closers;
    loop->heap.promise_.host_ = loop->nursery.promise_.host_ = &loop->host;
    loop->host.heap_ = &loop->heap;
    if (o->shuffle_seed) /* which the state must tell from others near it, without being 0 */
        loop->shuffle = (uint32_t)(((o->shuffle_seed ^ o->shuffle_seed >> 32) * 0x9e3779b9u & 0x7fffffff) + 1);
    loop->fixed_clock = o->virtual_time || o->now;
    awl__fork_open(loop);
    awl__handles_open(loop);
    awl__signals_open(loop);
    error = awl__guard_open(loop) ? awl__backend_open(loop, base) : loop->pool.fixed ? EINVAL : ENOMEM;
    if (error) {
        awl__pool_close(&loop->pool);
        if (!o->memory)
            free(loop);
        errno = error;
        return NULL;
    }
    loop->now = read_clock(loop);
    loop->wheel.tick = loop->now < 0 ? 0 : (uint64_t)loop->now >> AWL__TICK_BITS;
    if (awl__loop_extend)
        awl__loop_extend(loop);
    awl__guard_begin_all(loop);
    return loop;
}

awl_loop *awl_loop_open(const awl_loop_options *options) { return open_loop(options, NULL); }

awl_loop *awl_loop_attach(struct event_base *base, const awl_loop_options *options)
{
    awl_loop *loop;

    if (!base || (options && (options->virtual_time || options->now || options->wait))) {
        errno = EINVAL;
        return NULL;
    }
    if (awl_running_) {
        errno = EBUSY;
        return NULL;
    }
    if (!awl__backend_can_ride(base)) {
        errno = EINVAL;
        return NULL;
    }
    loop = open_loop(options, base);
    if (!loop)
        return NULL;
    loop->attached = loop->pump_asleep = true;
    awl_running_ = loop;
    return loop;
}

void awl__closer_add(awl_loop *loop, awl__closer *closer, void (*close)(awl_loop *loop, awl__closer *closer))
{
    closer->close = close;
    closer->all.next = &loop->closers;
    closer->all.prev = loop->closers.prev;
    closer->all.prev->next = loop->closers.prev = &closer->all;
}

void awl__closer_remove(awl__closer *closer)
{
    if (!closer->all.next)
        return;
    closer->all.prev->next = closer->all.next;
    closer->all.next->prev = closer->all.prev;
    closer->all.next = closer->all.prev = NULL;
}

void awl_loop_close(awl_loop *loop)
{
    if (!loop)
        return;
    if (loop->running && awl__loop_forked(loop) && !loop->in_child)
        return; /* another thread of the parent's runs it: what it has in memory may be halfway to something else */
    if (loop->running)
        awl__trap("a running loop cannot be closed: stop it first", NULL, 0);
    if (awl__loop_forked(loop))
        awl__backend_detach(loop);
    loop->pump_asleep = false;
    awl__handles_close(loop); /* first: entries lie in frames */
    if (loop->close_tasks)
        loop->close_tasks(loop);
    while (loop->closers.next != &loop->closers) {
        awl__closer *closer = (awl__closer *)(void *)loop->closers.next;

        awl__closer_remove(closer);
        closer->close(loop, closer);
    }
    awl__signals_close(loop);
    awl__messages_close(loop);
    awl__backend_close(loop);
    awl__pool_close(&loop->pool);
    if (awl_running_ == loop)
        awl_running_ = NULL;
    if (!loop->options.memory)
        free(loop);
}

awl_loop *awl_running_loop(void) { return awl_running_; }

bool awl_loop_is_running(const awl_loop *loop) { return loop && loop->running; }

struct event_base *awl_loop_base(awl_loop *loop)
{
    loop = awl__loop_check(loop);
    return loop ? awl__backend_base(loop) : NULL;
}

void awl_loop_get_stats(const awl_loop *loop, awl_loop_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    if (!loop)
        loop = awl_running_;
    if (!loop)
        return;
    stats->memory_used = loop->pool.used;
    stats->memory_high = awl__pool_high(&loop->pool);
    stats->memory_held = loop->pool.held;
    stats->stack_high = loop->stack_high;
    stats->tasks = loop->tasks_alive;
    stats->tasks_held = loop->tasks_held;
    stats->iterations = loop->iterations - loop->window;
}

awl_loop *awl__loop_check(awl_loop *loop) { return awl__loop_check_here(loop); }
