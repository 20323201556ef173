/* What awl does: the tasks, the object, and what is always so, whatever the model says. */
#include <string.h>

#include "explore.h"

real awl_now;

static union {
    awl_event event;
    awl_lock lock;
    awl_semaphore semaphore;
    awl_condition condition;
    awl_barrier barrier;
    awl_queue queue;
} of;

static void wrong(const char *what)
{
    if (!awl_now.wrong)
        awl_now.wrong = what;
}

/* ---- Units and items --------------------------------------------------------------------------------------------- */

static void take_unit(void)
{
    if (++awl_now.taken > awl_now.given)
        wrong("more units were taken than there are");
}

static int give_unit(void)
{
    int error;

    awl_now.given++;
    if (awl_now.world->kind == LOCK)
        error = awl_lock_release(&of.lock);
    else if (awl_now.world->kind == CONDITION)
        error = awl_condition_release(&of.condition);
    else
        error = awl_semaphore_release(&of.semaphore);
    if (error)
        wrong("a release failed");
    return error;
}

static void take_item(int item)
{
    awl_now.got++;
    if (item < 1 || item >= ITEMS + 2)
        wrong("an item came out that was never put");
    else if (awl_now.seen[item])
        wrong("an item came out twice");
    else
        awl_now.seen[item] = true;
}

static void note_put(int error) { awl_now.put_ok += !error; }

static int done_one(void)
{
    const int error = awl_queue_task_done(&of.queue);

    awl_now.done += !error;
    return error;
}

/* ---- Tasks ------------------------------------------------------------------------------------------------------- */

static awl_coro acquire(void)
{
    switch (awl_now.world->kind) {
    case LOCK:
        return awl_lock_acquire(&of.lock);
    case CONDITION:
        return awl_condition_acquire(&of.condition);
    default:
        return awl_semaphore_acquire(&of.semaphore);
    }
}

static awl_coro wait_for_it(void)
{
    switch (awl_now.world->kind) {
    case EVENT:
        return awl_event_wait(&of.event);
    case CONDITION:
        return awl_condition_wait(&of.condition);
    default:
        return awl_barrier_wait(&of.barrier);
    }
}

/* A task that waits for a condition gives its lock away for that time. */
static void before(int id, char what)
{
    awl_now.now[id] = what;
    if (what == 'w' && awl_now.world->kind == CONDITION)
        awl_now.given++;
}

static void after(int id, char what, int error, int value)
{
    awl_now.now[id] = '\0';
    if ((what == 'a' && !error) || (what == 'w' && awl_now.world->kind == CONDITION))
        take_unit();
    if (what == 'w' && awl_now.world->kind == CONDITION && !awl_condition_locked(&of.condition))
        wrong("a wait for a condition ended without the lock");
    if (what == 'g' && !error)
        take_item(value);
    if (what == 'p')
        note_put(error);
    log_entry(&awl_now.log, (unsigned)id, what, error, error ? 0 : value, awl_now.iteration);
}

/* The operations that are over at once. */
static int at_once(char what)
{
    switch (what) {
    case 'r':
        return give_unit();
    case 'k':
        awl_now.kept++;
        return 0;
    case 'n':
        return awl_condition_notify(&of.condition, 1);
    case 'N':
        return awl_condition_notify_all(&of.condition);
    case 'd':
        return done_one();
    default:
        return 0;
    }
}

co_def(body, { const char *script; int id, rc, value; bool held; })
{
    co_begin;
    for (; *self->script && !self->rc; self->script++) {
        self->value = 0;
        before(self->id, *self->script);
        if (*self->script == 'a') {
            co_try_cancel(self->rc, acquire());
            self->held = !self->rc;
        } else if (*self->script == 'w') {
            co_try_cancel(self->rc, wait_for_it());
            if (!self->rc && awl_now.world->kind == BARRIER)
                co_result(self->value);
        } else if (*self->script == 'x') {
            co_try_cancel(self->rc, awl_barrier_reset(&of.barrier));
        } else if (*self->script == 'X') {
            co_try_cancel(self->rc, awl_barrier_abort(&of.barrier));
        } else if (*self->script == 'p') {
            self->value = nth_item(awl_now.put++);
            co_try_cancel(self->rc, awl_queue_put(&of.queue, self->value));
        } else if (*self->script == 'g') {
            co_try_cancel(self->rc, awl_queue_get(&of.queue));
            if (!self->rc)
                co_result(self->value);
        } else if (*self->script == 'j') {
            co_try_cancel(self->rc, awl_queue_join(&of.queue));
        } else if (*self->script == 'y') {
            co_try_cancel(self->rc, awl_sleep(0));
        } else {
            self->rc = at_once(*self->script);
            if (*self->script == 'r' || *self->script == 'k')
                self->held = false;
        }
        after(self->id, *self->script, self->rc, self->value);
    }
    if (self->rc == ECANCELED)
        co_raise(ECANCELED);
    co_finally;
    if (self->held)
        give_unit();
    co_end;
}

/* ---- From outside ------------------------------------------------------------------------------------------------ */

void real_open(const world *w)
{
    memset(&awl_now, 0, sizeof awl_now);
    awl_now.world = w;
    awl_now.given = w->kind == LOCK || w->kind == CONDITION ? 1 : w->n;
    switch (w->kind) {
    case EVENT:
        awl_event_init(&of.event);
        break;
    case LOCK:
        awl_lock_init(&of.lock);
        break;
    case SEMAPHORE:
        awl_semaphore_init(&of.semaphore, w->n);
        break;
    case BOUNDED:
        awl_semaphore_init_bounded(&of.semaphore, w->n);
        break;
    case CONDITION:
        awl_condition_init(&of.condition, NULL);
        break;
    case BARRIER:
        awl_barrier_init(&of.barrier, w->n);
        break;
    case FIFO:
        awl_queue_init(&of.queue, w->n);
        break;
    case LIFO:
        awl_lifo_queue_init(&of.queue, w->n);
        break;
    case PRIORITY:
        awl_priority_queue_init(&of.queue, w->n, NULL);
        break;
    }
}

static void start(unsigned script)
{
    const unsigned id = awl_now.n_tasks;

    awl_now.tasks[id] = awl_create_task(co_call(body, .script = awl_now.world->scripts[script], .id = (int)id));
    if (awl_now.tasks[id])
        awl_now.n_tasks++;
    else
        wrong("a task could not be made");
}

static void get_at_once(void)
{
    awl_value item;

    if (awl_queue_get_nowait(&of.queue, &item))
        wrong("get_nowait failed");
    else
        take_item((int)item.i);
}

static void put_at_once(void)
{
    const int error = awl_queue_put_nowait(&of.queue, nth_item(awl_now.put++));

    note_put(error);
    if (error)
        wrong("put_nowait failed");
}

static void shut_down(bool immediate)
{
    if (immediate)
        awl_now.dropped += (unsigned)awl_queue_size(&of.queue);
    awl_queue_shutdown(&of.queue, immediate);
}

void real_do(action a)
{
    switch (a.what) {
    case '+':
        start(a.arg);
        break;
    case '-':
        awl_task_cancel(awl_now.tasks[a.arg]);
        break;
    case 'r':
        awl_now.kept -= awl_now.kept > 0;
        give_unit();
        break;
    case 's':
        awl_event_set(&of.event);
        break;
    case 'c':
        awl_event_clear(&of.event);
        break;
    case 'p':
        put_at_once();
        break;
    case 'g':
        get_at_once();
        break;
    case 'h':
        shut_down(false);
        break;
    case 'H':
        shut_down(true);
        break;
    default:
        if (at_once(a.what))
            wrong("a notify or task_done failed");
    }
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

/* Whether a semaphore of the model makes one wait. */
static bool semaphore_locked(const model *m)
{
    bool waits = m->value == 0;

    for (unsigned i = 0; i < m->waiters.n; i++)
        waits = waits || m->tasks[m->waiters.task[i]].future != CANCELLED;
    return waits;
}

static bool object_is_as(const model *m)
{
    switch (m->world->kind) {
    case EVENT:
        return awl_event_is_set(&of.event) == m->set;
    case LOCK:
        return awl_lock_locked(&of.lock) == m->locked;
    case SEMAPHORE:
    case BOUNDED:
        return awl_semaphore_locked(&of.semaphore) == semaphore_locked(m);
    case CONDITION:
        return awl_condition_locked(&of.condition) == m->locked;
    case BARRIER:
        return awl_barrier_n_waiting(&of.barrier) == (m->barrier == FILLING ? m->barrier_count : 0) &&
               awl_barrier_broken(&of.barrier) == (m->barrier == BROKEN);
    default:
        return awl_queue_size(&of.queue) == m->count;
    }
}

void real_judge(const model *m)
{
    if (m->log.n != awl_now.log.n ||
        memcmp(m->log.entries, awl_now.log.entries, m->log.n * sizeof *m->log.entries) != 0)
        wrong("operations end otherwise than in the model");
    for (unsigned i = 0; i < m->n_tasks && i < awl_now.n_tasks; i++) {
        if (awl_task_done(awl_now.tasks[i]) != (m->tasks[i].state != ALIVE) ||
            awl_task_cancelled(awl_now.tasks[i]) != (m->tasks[i].state == CANCELLED_TASK))
            wrong("a task ends otherwise than in the model");
    }
    if (!object_is_as(m))
        wrong("the object is in another state than in the model");
    if (is_queue(m->world) && awl_now.put_ok != awl_now.got + awl_now.dropped + (unsigned)awl_queue_size(&of.queue))
        wrong("an item was lost");
}

/* Whether a task is in such an operation. */
static bool somebody(char what)
{
    bool found = false;

    for (unsigned i = 0; i < awl_now.n_tasks; i++)
        found = found || awl_now.now[i] == what;
    return found;
}

void real_judge_quiet(void)
{
    const world *w = awl_now.world;

    if (w->kind == EVENT && somebody('w') && awl_event_is_set(&of.event))
        wrong("a task waits for an event that is set");
    if (has_units(w) && somebody('a') && awl_now.taken < awl_now.given)
        wrong("a task waits for a unit that is free");
    if (!is_queue(w))
        return;
    if (somebody('g') && (!awl_queue_empty(&of.queue) || awl_now.dropped))
        wrong("a task waits for an item of a queue that has one, or was shut down");
    if (somebody('p') && !awl_queue_full(&of.queue))
        wrong("a task waits for room in a queue that has some");
    if (somebody('j') && awl_now.put_ok == awl_now.done + awl_now.dropped)
        wrong("a task waits for items that are all done");
}

/* One more unit, item or notification than there may be is an error, and changes nothing. */
static void try_too_much(void)
{
    awl_value item;

    switch (awl_now.world->kind) {
    case LOCK:
        if (!awl_lock_locked(&of.lock) && awl_lock_release(&of.lock) != AWL_ENOTLOCKED)
            wrong("a lock that is free could be released");
        break;
    case BOUNDED:
        if (awl_now.given - awl_now.taken == awl_now.world->n &&
            awl_semaphore_release(&of.semaphore) != AWL_EOVERRELEASE)
            wrong("a bounded semaphore could be released once more");
        break;
    case CONDITION:
        if (!awl_condition_locked(&of.condition) && awl_condition_notify(&of.condition, 1) != AWL_ENOTLOCKED)
            wrong("a condition could be notified without its lock");
        break;
    case FIFO:
    case LIFO:
    case PRIORITY:
        if (awl_queue_full(&of.queue) && awl_queue_put_nowait(&of.queue, 1) == 0)
            wrong("there was room in a full queue");
        if (awl_queue_empty(&of.queue) && awl_queue_get_nowait(&of.queue, &item) == 0)
            wrong("there was an item in an empty queue");
        if (awl_now.put_ok == awl_now.done + awl_now.dropped && awl_queue_task_done(&of.queue) != AWL_ETOOMANYDONE)
            wrong("more items could be done than there were");
        break;
    default:
        break;
    }
}

void real_close(void)
{
    try_too_much();
    for (unsigned i = 0; i < awl_now.n_tasks; i++)
        awl_task_release(awl_now.tasks[i]);
    switch (awl_now.world->kind) {
    case EVENT:
        awl_event_fini(&of.event);
        break;
    case LOCK:
        awl_lock_fini(&of.lock);
        break;
    case SEMAPHORE:
    case BOUNDED:
        awl_semaphore_fini(&of.semaphore);
        break;
    case CONDITION:
        awl_condition_fini(&of.condition);
        break;
    case BARRIER:
        awl_barrier_fini(&of.barrier);
        break;
    default:
        awl_queue_fini(&of.queue);
    }
}
