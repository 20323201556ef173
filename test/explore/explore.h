/*
 * The explorer: tries all that can happen around one object of lib/sync, up to a number of actions.
 *
 *   worlds.c    what there is to be tried: an object, what tasks do with it, what is done from outside
 *   model.c     what asyncio would do: its locks.py and queues.py again, in the simplest way
 *   real.c      what awl does: tasks and an object
 *   explore.c   all sequences of actions, one after the other; what must hold after each
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "awl.h"

enum { TASKS = 4, ITEMS = 22, SCRIPTS = 4, LOG = 48, MAX_DEPTH = 24, BLOCKED = -1 };

/* ---- Worlds ------------------------------------------------------------------------------------------------------ */

enum kind { EVENT, LOCK, SEMAPHORE, BOUNDED, CONDITION, BARRIER, FIFO, LIFO, PRIORITY };

/*
 * A script is what a task does, a letter an operation; it ends at the first that fails, and what it holds then is
 * released:
 *
 *   a  acquire       r  release          k  keeps what it holds, for ever     y  sleeps 0
 *   w  waits for the event, the condition, the barrier     n, N  notifies one, all
 *   p  puts the next item     g  gets one     d  says that one is done     j  joins
 *   x  resets the barrier     X  aborts it
 *
 * From outside come: r (of what is kept, or one more unit), n, N, p, g, d as above but at once, and
 *
 *   s  sets the event     c  clears it     h  shuts the queue down     H  at once
 */
typedef struct world {
    const char *name;
    enum kind kind;
    unsigned n;                   /* units, parties, maxsize */
    unsigned tasks;               /* at most */
    const char *scripts[SCRIPTS]; /* one of which each task follows */
    const char *outside;
    unsigned depth; /* of a short run */
} world;

extern const world worlds[];
extern const unsigned n_worlds;

static inline bool is_queue(const world *w) { return w->kind >= FIFO; }
static inline bool has_units(const world *w) { return w->kind >= LOCK && w->kind <= CONDITION; }

/* What is done: '+' starts a task with script `arg`, '-' cancels task `arg`, '.' lets the loop run once, or see above.
 */
typedef struct action {
    char what;
    uint8_t arg;
} action;

/* An operation of a task has ended. */
typedef struct entry {
    uint8_t task;
    char operation;
    int16_t error;
    int16_t value;
    uint16_t iteration;
} entry;

typedef struct log_of {
    unsigned n;
    entry entries[LOG];
} log_of;

static inline void log_entry(log_of *log, unsigned task, char operation, int error, int value, unsigned iteration)
{
    if (log->n < LOG)
        log->entries[log->n++] =
            (entry){ (uint8_t)task, operation, (int16_t)error, (int16_t)value, (uint16_t)iteration };
}

/* The item that is put as the n-th, from 0: all are different, and not in their order. */
static inline int nth_item(unsigned n) { return (int)(n * 5 % 23) + 1; }

/* ---- The model --------------------------------------------------------------------------------------------------- */

/* Tasks in the order in which they came. */
typedef struct list {
    uint8_t n, task[TASKS];
} list;

typedef struct model_task {
    const char *script;
    enum { ABSENT, ALIVE, DONE, CANCELLED_TASK } state;
    enum { NOTHING, PENDING, FINISHED, CANCELLED } future; /* what it awaits, or awaited last */
    bool started, must_cancel, held;
    int exc;                         /* with what it is resumed */
    uint8_t op_pc, wait_pc, lock_pc; /* where it is in its operation, condition.wait and lock.acquire */
    int kept;                        /* the error with which condition.wait will end */
    int value;                       /* an operation's result */
} model_task;

typedef struct model {
    const world *world;
    model_task tasks[TASKS];
    unsigned n_tasks, iteration;
    list ready, waiters, lockers, getters, putters, joiners;
    bool locked, set, shut, dropped;
    unsigned value, kept_units; /* units free, and kept */
    unsigned count, unfinished, put, barrier_count;
    enum { FILLING, DRAINING, RESETTING, BROKEN } barrier;
    int items[ITEMS];
    log_of log;
} model;

void model_open(model *m, const world *w);
bool model_may(const model *m, action a); /* whether it makes sense: it is no error, and changes something */
void model_do(model *m, action a);

/* ---- awl --------------------------------------------------------------------------------------------------------- */

/* What awl has been seen to do. */
typedef struct real {
    const world *world;
    awl_task *tasks[TASKS];
    unsigned n_tasks, iteration;
    char now[TASKS];             /* the operation that each task is in; '\0': none */
    unsigned given, taken, kept; /* units */
    unsigned put, put_ok, got, done, dropped;
    bool seen[ITEMS + 2]; /* items that were got or dropped */
    const char *wrong;    /* what never may be, and was */
    log_of log;
} real;

extern real awl_now;

void real_open(const world *w);
void real_do(action a);          /* not '.' */
void real_judge(const model *m); /* compares; sets awl_now.wrong */
void real_judge_quiet(void);     /* after all has run: does somebody wait for what is there? */
void real_close(void);           /* all tasks have ended */

#endif
