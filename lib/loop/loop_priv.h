/* What the layers above may know of the loop's inside: its queue, its memory, its descriptors. */
#ifndef AWL_LOOP_PRIV_H
#define AWL_LOOP_PRIV_H

#include "awl/coro.h"
#include "awl/loop.h"

/* ---- Lists of entries: circular, singly linked, known by their tail ---------------------------------------------- */

typedef awl_entry_ awl__entry;
typedef awl_link_ awl__link; /* an entry that may leave a list before its turn: it also knows the one before it */
typedef awl_timer_ awl__timer;

enum awl__flag {
    AWL__HAS_PREV = 1, /* the entry is the head of an awl__link */
    AWL__READY = 2,    /* it is on the ready queue */
    AWL__TIMED = 4,    /* it is in the timer wheel */
    AWL__WAITING = 8,  /* it is among the waiters of a promise */
    AWL__HEAP = 16,    /* the loop frees it when it has run */
};

/* Who runs an entry when its turn comes. Each kind is entered in loop->run by the layer that owns it. */
enum awl__kind {
    AWL__HANDLE, AWL__POSTED, AWL__TASK, AWL__SLEEP, AWL__WAITER, AWL__IO, AWL__FLUSH, AWL__GONE, AWL__SIGNAL,
    AWL__KINDS
};

static inline void awl__list_push(awl__entry **tail, awl__entry *entry)
{
    if (entry->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)entry)->prev_ = *tail;
    if (*tail) {
        entry->next_ = (*tail)->next_;
        (*tail)->next_ = entry;
    } else {
        entry->next_ = entry;
    }
    *tail = entry;
}

static inline awl__entry *awl__list_pop(awl__entry **tail)
{
    awl__entry *head = (*tail)->next_;

    if (head == *tail)
        *tail = NULL;
    else
        (*tail)->next_ = head->next_;
    return head;
}

/* Takes an entry with AWL__HAS_PREV out of the list it is in. */
void awl__list_remove(awl__entry **tail, awl__entry *entry);

/* Moves all of `from` behind the entries of `to`. */
static inline void awl__list_splice(awl__entry **to, awl__entry **from)
{
    awl__entry *head;

    if (!*from)
        return;
    head = (*from)->next_;
    if (head->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)head)->prev_ = *to;
    if (*to) {
        (*from)->next_ = (*to)->next_;
        (*to)->next_ = head;
    }
    *to = *from;
    *from = NULL;
}

/* ---- The timer wheel (timer.c) --------------------------------------------------------------------------------- */

enum { AWL__TICK_BITS = 17, AWL__SLOT_BITS = 5, AWL__LEVELS = 6, AWL__SLOTS = 1 << AWL__SLOT_BITS };

typedef struct awl__wheel {
    uint64_t tick; /* timers of this tick and before have left the wheel */
    uint32_t used[AWL__LEVELS];
    awl__entry *slots[AWL__LEVELS][AWL__SLOTS]; /* tails */
    awl__entry *due;                            /* timers of the present tick, sorted by deadline */
    awl__entry *late;                           /* timers beyond the reach of the wheel */
    awl__entry *never;                          /* timers of AWL_FOREVER */
} awl__wheel;

/* ---- Memory (memory.c) -------------------------------------------------------------------------------------------- */

enum { AWL__SMALL = 256, AWL__SMALL_CLASSES = AWL__SMALL / 8 + 1, AWL__LARGE_CLASSES = 9 };

typedef struct awl__block {
    struct awl__block *next, *prev;
} awl__block;

typedef struct awl__pool {
    void *small[AWL__SMALL_CLASSES];
    void *large[AWL__LARGE_CLASSES];
    char *top, *end;
    size_t next_chunk;
    awl__block chunks; /* what came from malloc; a ring */
    size_t used, held;
    size_t high; /* as of the last time that memory came back: see awl__pool_high */
    bool fixed;
} awl__pool;

static inline size_t awl__pool_high(const awl__pool *pool) { return pool->used > pool->high ? pool->used : pool->high; }

/* ---- The loop ------------------------------------------------------------------------------------------------------- */

struct awl_loop {
    co_host host; /* first: a stack's host is its loop */
    /* What each step touches is near the beginning: instructions are shorter so. */
    awl__entry *ready, **ready_end; /* the ready queue, and where the next entry goes */
    awl__entry *batch; /* what was on it when the iteration began, and has not run yet */
    struct awl_task *current;
    uint32_t c_limit; /* as in co_stack, of the task that runs */
    unsigned window, window_size; /* iterations left, and in all, before the clock and the kernel are asked */
    bool running, stopping, attached, pump_asleep, in_wait, fixed_clock;
    bool in_child;  /* this is a child that was forked in a step of it, and that step has not ended */
    bool abandoned; /* its base cannot be had without the parent's */
    unsigned forks; /* awl__forks when it was opened */
    struct awl_task *nursery_task; /* the task whose coroutine is being made */
    void (*run_window)(awl_loop *loop); /* see awl__run_window */
    void (*run[AWL__KINDS])(awl_loop *loop, awl__entry *entry);
    awl_time now, window_start;
    uint64_t iterations; /* those of the present window that are still to come included */
    uint32_t shuffle; /* the state of what draws the order; 0: nobody does */
    co_stack heap;
    awl__pool pool;
    awl_loop_options options;
    struct awl__backend *backend;

    /* the task layer's, with current, c_limit and nursery_task */
    awl__block tasks; /* those that are not released; a ring, oldest first */
    size_t tasks_alive, tasks_held, stack_high;
    awl__block detached; /* coroutine objects on the heap that have not ended; a ring */
    uintptr_t token;
    size_t shutdown_left; /* tasks that awl__cancel_all waits for */
    awl_handle shutdown;
    co_stack nursery;
    awl_loop *outer; /* what awl_running_ was before this loop ran */
    void (*close_tasks)(awl_loop *loop);
    void (*dump)(awl_loop *loop, int fd); /* awl_dump */
    void (*refuse)(awl_loop *loop); /* in the child of a fork: the task that runs is to await nothing more */
    struct awl__guard *guard; /* NULL: it is not watched; see guard_priv.h */
    struct awl__contexts *contexts; /* NULL until a context variable is set */
    void (*capture)(awl_loop *loop, awl_handle *handle); /* notes in a new handle in which context its call is made */
    void (*forget)(awl_loop *loop, awl_handle *handle);  /* the call will not be made */

    awl__block closers; /* a ring */
    awl__block signals; /* what it watches for; a ring */
    bool no_pidfd;      /* children are watched as where the kernel has no pidfds; for tests */
    unsigned threads;   /* of the library's own, that serve this loop */
    bool called_by_threads; /* awl_call_soon_threadsafe was called: who did it once may do it again */
    size_t outside;     /* calls that threads of the library's own are going to post, and signals that may come */
    struct awl__dns *dns; /* that layer's; NULL until a name is looked up */
    struct awl_executor *executor; /* the exec layer's default; NULL until it is used */
    void *trust; /* the tls layer's: the system's anchors; NULL until they are used */
    struct awl__messages *messages;
    awl__wheel wheel;   /* last, as it is large */
};

/* Puts an entry at the end of the ready queue. Tasks do not leave it before their turn, so they need no mark. */
void awl__wake_pump(awl_loop *loop);
static inline void awl__ready_unmarked(awl_loop *loop, awl__entry *entry)
{
    entry->next_ = NULL;
    *loop->ready_end = entry;
    loop->ready_end = &entry->next_;
}
void awl__ready(awl_loop *loop, awl__entry *entry);
static inline void awl__ready_here(awl_loop *loop, awl__entry *entry) /* the same inline, where messages pass */
{
    entry->flags_ |= AWL__READY;
    if (entry->flags_ & AWL__HAS_PREV)
        ((awl__link *)(void *)entry)->prev_ = (awl__entry *)(void *)loop->ready_end; /* next_ is the first member */
    awl__ready_unmarked(loop, entry);
    if (CO_UNLIKELY_(loop->pump_asleep))
        awl__wake_pump(loop);
}

typedef void awl__run_fn(awl_loop *loop, awl__entry *entry);

/*
 * Runs iterations until the window is over, nothing is ready, or the loop is stopped: each runs the entries that are
 * there when it begins. `step` runs those of kind AWL__TASK, the table all others: a copy of this in the layer above,
 * with its own function named, spares each step of a task a call.
 */
CO_INLINE_ void awl__run_window(awl_loop *loop, awl__run_fn *step)
{
    awl__entry *entry;
    unsigned left;

    for (;;) {
        loop->batch = loop->ready;
        loop->ready = NULL;
        loop->ready_end = &loop->ready;
        while ((entry = loop->batch) != NULL) {
            loop->batch = entry->next_;
            if (CO_LIKELY_(step && entry->kind_ == AWL__TASK)) {
                step(loop, entry);
            } else {
                loop->current = NULL;
                loop->run[entry->kind_](loop, entry);
            }
        }
        left = loop->window;
        if (!loop->ready || !left || loop->stopping)
            break;
        loop->window = left - 1;
    }
    loop->current = NULL;
}

/* Takes an entry with AWL__HAS_PREV off the ready queue. */
void awl__unready(awl_loop *loop, awl__entry *entry);

/* Moves the waiters of a promise to the ready queue. */
void awl__ready_all(awl_loop *loop, awl__entry **waiters);

/* Timers: `timer` is caller's memory with kind_ and AWL__HAS_PREV set. Stopping one that is not started is allowed. */
void awl__timer_start(awl_loop *loop, awl__timer *timer, awl_time when);
void awl__timer_stop(awl_loop *loop, awl__timer *timer);
awl_time awl__timer_next(awl_loop *loop); /* when the loop should look again: never late, sometimes early */
void awl__timer_expire(awl_loop *loop);   /* moves what is due at loop->now to the ready queue */
void awl__timers_close(awl_loop *loop);   /* empties the wheel */
awl_time awl__later(awl_loop *loop, awl_time delay); /* now + delay, saturated */

/* Memory of the loop. Free needs the size that was asked for; NULL is allowed. */
void *awl__alloc(awl_loop *loop, size_t size) __attribute__((malloc));

/* The first `zeroed` bytes of it are zero. (Where gcc knows the number, it clears hundreds of bytes by one instruction,
 * which takes longer than this call.) */
void *awl__alloc_zeroed(awl_loop *loop, size_t size, size_t zeroed) __attribute__((warn_unused_result));
void awl__free(awl_loop *loop, void *memory, size_t size);

/* The same for sizes up to AWL__SMALL that are multiples of 8, inline where there is memory already. */
CO_INLINE_ void *awl__alloc_small(awl_loop *loop, size_t size)
{
    awl__pool *pool = &loop->pool;
    void *memory = pool->small[size / 8];

    if (memory)
        pool->small[size / 8] = *(void **)memory;
    else if (CO_UNLIKELY_((size_t)(pool->end - pool->top) < size))
        return awl__alloc(loop, size);
    else
        memory = pool->top, pool->top += size;
    pool->used += size;
    return memory;
}
void awl__pool_open(awl__pool *pool, void *memory, size_t size);
void awl__pool_close(awl__pool *pool);

/* The kinds of handle.c. */
void awl__handles_open(awl_loop *loop);
void awl__handles_close(awl_loop *loop);

/* Something that has to be undone when the loop is closed: a descriptor, a thread. In memory of its owner's; `close` is
 * called when no callback will run any more, unless the closer has been removed before. */
typedef struct awl__closer awl__closer;
struct awl__closer {
    awl__block all; /* in loop->closers; zeroed: in none */
    void (*close)(awl_loop *loop, awl__closer *closer);
};
void awl__closer_add(awl_loop *loop, awl__closer *closer, void (*close)(awl_loop *loop, awl__closer *closer));
void awl__closer_remove(awl__closer *closer);

/* What the layers above add to a new loop, where they are linked. */
void awl__loop_extend(awl_loop *loop) __attribute__((weak));

/* Runs iterations until the loop is stopped. */
int awl__loop_run(awl_loop *loop);
int awl__loop_enter(awl_loop *loop);
void awl__loop_pump(awl_loop *loop); /* attached: one turn */
void awl__loop_leave(awl_loop *loop);

/* deadlock.c: asked before a wait without an end; and what follows when there is none: reports it. Result: EDEADLK. */
bool awl__loop_has_hope(const awl_loop *loop);
int awl__loop_deadlock(awl_loop *loop);

/* awl_call_soon_threadsafe for threads of the library's own, which `outside` tells of. */
int awl__post(awl_loop *loop, awl_handle *handle, awl_fn *fn, void *arg);

/* What is known of an error (message.c): written where it comes up, before it is raised; one line, without the name of
 * the error. find: NULL if there is nothing. */
void awl__error_detail(awl_loop *loop, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
void awl__error_plain(awl_loop *loop, int error); /* there is no more to say of it: what was said of others is hidden */
const char *awl__error_find(const awl_loop *loop, int error);
unsigned awl__error_mark(const awl_loop *loop); /* for since: what this task has said of the error after the mark */
const char *awl__error_since(const awl_loop *loop, int error, unsigned mark);
void awl__error_status(awl_loop *loop, int error, int status); /* the number with what was just said of it: from 0 on */
void awl__messages_close(awl_loop *loop);

/* Errors that have nobody to go to, and the end of the program. */
void awl__report(awl_loop *loop, const awl_report *report);
void awl__trap(const char *what, const char *file, int line) __attribute__((noreturn, cold));

/* The loop argument of a public call: NULL is the running one; another thread's is a trap. The second is the same
 * inline, for what is called with each message. */
void awl__not_here(const awl_loop *loop) __attribute__((noreturn, cold));

/* Whether a fork has made this the process of a child since a loop was opened (fork.c); a child may close such a loop. */
extern unsigned awl__forks; /* how often */
void awl__fork_open(awl_loop *loop);
static inline bool awl__loop_forked(const awl_loop *loop) { return loop->forks != awl__forks; }

awl_loop *awl__loop_check(awl_loop *loop);
static inline awl_loop *awl__loop_check_here(awl_loop *loop)
{
    if (CO_UNLIKELY_(loop != awl_running_)) {
        if (!loop)
            return awl_running_;
        if (loop->running || loop->attached || awl__loop_forked(loop)) /* attached: its thread's running loop all the time */
            awl__not_here(loop);
    }
    return loop;
}

/* Signals (signal.c). look: those that have come are made ready. */
void awl__signals_open(awl_loop *loop);
void awl__signals_close(awl_loop *loop);
void awl__signals_look(awl_loop *loop);

/* ---- The kernel's side (backend.c, the only file that knows libevent) ------------------------------------------- */

typedef struct awl__backend awl__backend;

int awl__backend_open(awl_loop *loop, struct event_base *base);
bool awl__backend_can_ride(struct event_base *base); /* its descriptors are edge-triggered, as ours must be */
void awl__backend_close(awl_loop *loop);
void awl__backend_detach(awl_loop *loop); /* in the child of a fork: from here on nothing is shared with the parent */
struct event_base *awl__backend_base(awl_loop *loop);
void awl__backend_poll(awl_loop *loop, awl_time timeout); /* 0: do not wait */
bool awl__backend_idle(const awl_loop *loop); /* nothing but what the loop itself has there could come up in the base */
void awl__backend_post(awl_loop *loop, awl__entry *call);  /* from any thread: to the ready queue, soon */
void awl__backend_ring(const awl_loop *loop); /* from any thread and any signal's handler: awl__signals_look, soon */
void awl__backend_soon(awl_loop *loop);                   /* attached: have the base call awl__loop_pump soon */
void awl__backend_arm(awl_loop *loop, awl_time when);     /* attached: the same at `when` */

/* A descriptor that is registered once, edge-triggered, for as long as it is open. */
typedef struct awl__io awl__io;
struct awl__io {
    awl_loop *loop;
    void *event; /* struct event */
    int fd;
    bool ended; /* the other side has ended, or may have unnoticed: a short read does not mean that nothing is left */
    bool only_reads; /* set before it is opened: whether there is room to write is not looked for, see awl__io_writes */
    bool quiet; /* set before it is opened: that it is open is no reason to wait for ever */
    void (*changed)(awl__io *io, bool readable, bool writable); /* called in the poll: may only make entries ready */
};

int awl__io_open(awl_loop *loop, awl__io *io, int fd);
void awl__io_close(awl__io *io);

/* From now on room to write is looked for, or not: told at once if there is some. 0, or ENOMEM and others: as before. */
int awl__io_writes(awl__io *io, bool wanted);

#endif
