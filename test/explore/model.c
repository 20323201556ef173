/* What asyncio would do: tasks that await one future each, and what its locks.py and queues.py do with these. */
#include <string.h>

#include "explore.h"

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

static void append(list *l, unsigned task) { l->task[l->n++] = (uint8_t)task; }

static void drop(list *l, unsigned task)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (l->task[i] != task)
            continue;
        memmove(l->task + i, l->task + i + 1, --l->n - i);
        return;
    }
}

static unsigned pop(list *l)
{
    const unsigned first = l->task[0];

    drop(l, first);
    return first;
}

/* ---- Futures ----------------------------------------------------------------------------------------------------- */

static unsigned number(const model *m, const model_task *t) { return (unsigned)(t - m->tasks); }

/* Suspends a task, which goes on at `pc`. */
static int await_future(model_task *t, uint8_t *pc)
{
    t->future = PENDING;
    *pc = 1;
    return BLOCKED;
}

static void resolve(model *m, unsigned task, int state)
{
    m->tasks[task].future = state;
    append(&m->ready, task);
}

/* Resolves the first of a list that is pending. */
static bool wake_next(model *m, const list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (m->tasks[l->task[i]].future == PENDING) {
            resolve(m, l->task[i], FINISHED);
            return true;
        }
    }
    return false;
}

static void wake_all(model *m, const list *l)
{
    while (wake_next(m, l))
        ;
}

static bool all_cancelled(const model *m, const list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (m->tasks[l->task[i]].future != CANCELLED)
            return false;
    }
    return true;
}

/* ---- locks.py ---------------------------------------------------------------------------------------------------- */

static void lock_wake_first(model *m)
{
    if (m->lockers.n && m->tasks[m->lockers.task[0]].future == PENDING)
        resolve(m, m->lockers.task[0], FINISHED);
}

static int lock_acquire(model *m, model_task *t)
{
    if (!t->lock_pc) {
        if (!m->locked && all_cancelled(m, &m->lockers)) {
            m->locked = true;
            return 0;
        }
        append(&m->lockers, number(m, t));
        return await_future(t, &t->lock_pc);
    }
    t->lock_pc = 0;
    drop(&m->lockers, number(m, t));
    if (t->exc) {
        if (!m->locked)
            lock_wake_first(m);
        return t->exc;
    }
    m->locked = true;
    return 0;
}

static void lock_release(model *m)
{
    m->locked = false;
    lock_wake_first(m);
}

static bool semaphore_wake_next(model *m)
{
    if (!wake_next(m, &m->waiters))
        return false;
    m->value--;
    return true;
}

static int semaphore_acquire(model *m, model_task *t)
{
    if (!t->op_pc) {
        if (m->value > 0 && all_cancelled(m, &m->waiters)) {
            m->value--;
            return 0;
        }
        append(&m->waiters, number(m, t));
        return await_future(t, &t->op_pc);
    }
    drop(&m->waiters, number(m, t));
    if (t->exc && t->future == FINISHED)
        m->value++;
    while (m->value > 0 && semaphore_wake_next(m))
        ;
    return t->exc;
}

static int event_wait(model *m, model_task *t, bool set, list *waiters)
{
    if (!t->op_pc) {
        if (set)
            return 0;
        append(waiters, number(m, t));
        return await_future(t, &t->op_pc);
    }
    drop(waiters, number(m, t));
    return t->exc;
}

static int condition_wait(model *m, model_task *t)
{
    int rc;

    if (!t->wait_pc) {
        lock_release(m);
        append(&m->waiters, number(m, t));
        return await_future(t, &t->wait_pc);
    }
    if (t->wait_pc == 1) {
        drop(&m->waiters, number(m, t));
        t->kept = t->exc;
        t->wait_pc = 2;
    }
    while ((rc = lock_acquire(m, t)) != 0) {
        if (rc == BLOCKED)
            return BLOCKED;
        t->kept = rc;
    }
    t->wait_pc = 0;
    if (t->kept)
        wake_next(m, &m->waiters);
    return t->kept;
}

static bool may_enter(const model *m) { return m->barrier != DRAINING && m->barrier != RESETTING; }
static bool may_leave(const model *m) { return m->barrier != FILLING; }

static int condition_wait_for(model *m, model_task *t, bool (*predicate)(const model *m))
{
    while (t->wait_pc || !predicate(m)) {
        const int rc = condition_wait(m, t);
        if (rc)
            return rc;
    }
    return 0;
}

static int barrier_wait(model *m, model_task *t)
{
    int rc = 0;

    if (t->op_pc == 0) {
        rc = lock_acquire(m, t);
        if (rc)
            return rc;
        t->op_pc = 1;
    }
    if (t->op_pc == 1) {
        rc = condition_wait_for(m, t, may_enter);
        if (rc == BLOCKED)
            return rc;
        if (!rc && m->barrier == BROKEN)
            rc = AWL_EBROKENBARRIER;
        if (rc) {
            lock_release(m);
            return rc;
        }
        t->value = (int)m->barrier_count++;
        t->op_pc = 2;
        if (m->barrier_count == m->world->n) {
            m->barrier = DRAINING;
            wake_all(m, &m->waiters);
            t->op_pc = 3;
        }
    }
    if (t->op_pc == 2) {
        rc = condition_wait_for(m, t, may_leave);
        if (rc == BLOCKED)
            return rc;
        if (!rc && (m->barrier == BROKEN || m->barrier == RESETTING))
            rc = AWL_EBROKENBARRIER;
    }
    if (--m->barrier_count == 0) {
        if (m->barrier == RESETTING || m->barrier == DRAINING)
            m->barrier = FILLING;
        wake_all(m, &m->waiters);
    }
    lock_release(m);
    return rc;
}

static int barrier_break(model *m, model_task *t, bool aborts)
{
    const int rc = lock_acquire(m, t);

    if (rc)
        return rc;
    m->barrier = aborts ? BROKEN : m->barrier_count ? RESETTING : FILLING;
    wake_all(m, &m->waiters);
    lock_release(m);
    return 0;
}

/* ---- queues.py --------------------------------------------------------------------------------------------------- */

static bool is_full(const model *m) { return m->world->n && m->count >= m->world->n; }

/* Takes waiters off the list until one of them is woken. */
static void pop_and_wake(model *m, list *l)
{
    while (l->n) {
        const unsigned task = pop(l);
        if (m->tasks[task].future == PENDING) {
            resolve(m, task, FINISHED);
            return;
        }
    }
}

static int put_nowait(model *m, int item)
{
    if (m->shut)
        return AWL_EQUEUESHUTDOWN;
    m->items[m->count++] = item;
    m->unfinished++;
    pop_and_wake(m, &m->getters);
    return 0;
}

static int get_nowait(model *m)
{
    unsigned at = 0;
    int item;

    if (m->world->kind == LIFO)
        at = m->count - 1;
    for (unsigned i = 0; m->world->kind == PRIORITY && i < m->count; i++)
        at = m->items[i] < m->items[at] ? i : at;
    item = m->items[at];
    memmove(m->items + at, m->items + at + 1, (--m->count - at) * sizeof *m->items);
    pop_and_wake(m, &m->putters);
    return item;
}

static int put(model *m, model_task *t)
{
    if (!t->op_pc)
        t->value = nth_item(m->put++);
    else if (t->exc) {
        drop(&m->putters, number(m, t));
        if (!is_full(m) && t->future != CANCELLED)
            pop_and_wake(m, &m->putters);
        return t->exc;
    }
    if (!is_full(m))
        return put_nowait(m, t->value);
    if (m->shut)
        return AWL_EQUEUESHUTDOWN;
    append(&m->putters, number(m, t));
    return await_future(t, &t->op_pc);
}

static int get(model *m, model_task *t)
{
    if (t->op_pc && t->exc) {
        drop(&m->getters, number(m, t));
        if (m->count && t->future != CANCELLED)
            pop_and_wake(m, &m->getters);
        return t->exc;
    }
    if (m->count) {
        t->value = get_nowait(m);
        return 0;
    }
    if (m->shut)
        return AWL_EQUEUESHUTDOWN;
    append(&m->getters, number(m, t));
    return await_future(t, &t->op_pc);
}

static int task_done(model *m)
{
    if (m->unfinished == 0)
        return AWL_ETOOMANYDONE;
    if (--m->unfinished == 0)
        wake_all(m, &m->joiners);
    return 0;
}

static void shut_down(model *m, bool immediate)
{
    m->shut = true;
    if (immediate) {
        m->unfinished -= m->count < m->unfinished ? m->count : m->unfinished;
        m->count = 0;
        m->dropped = true;
        if (m->unfinished == 0)
            wake_all(m, &m->joiners);
    }
    while (m->getters.n)
        pop_and_wake(m, &m->getters);
    while (m->putters.n)
        pop_and_wake(m, &m->putters);
}

/* ---- Tasks ------------------------------------------------------------------------------------------------------- */

static void release(model *m)
{
    if (m->world->kind == LOCK || m->world->kind == CONDITION) {
        lock_release(m);
    } else {
        m->value++;
        semaphore_wake_next(m);
    }
}

static int operate(model *m, model_task *t)
{
    const enum kind kind = m->world->kind;

    switch (*t->script) {
    case 'a':
        return kind == LOCK || kind == CONDITION ? lock_acquire(m, t) : semaphore_acquire(m, t);
    case 'w':
        return kind == EVENT       ? event_wait(m, t, m->set, &m->waiters)
               : kind == CONDITION ? condition_wait(m, t)
                                   : barrier_wait(m, t);
    case 'x':
        return barrier_break(m, t, false);
    case 'X':
        return barrier_break(m, t, true);
    case 'p':
        return put(m, t);
    case 'g':
        return get(m, t);
    case 'd':
        return task_done(m);
    case 'j':
        return event_wait(m, t, m->unfinished == 0, &m->joiners);
    case 'n':
        wake_next(m, &m->waiters);
        return 0;
    case 'N':
        wake_all(m, &m->waiters);
        return 0;
    case 'y':
        if (t->op_pc)
            return t->exc;
        t->op_pc = 1;
        t->future = NOTHING;
        append(&m->ready, number(m, t));
        return BLOCKED;
    case 'r':
        release(m);
        return 0;
    case 'k':
        m->kept_units++;
        return 0;
    default:
        return 0;
    }
}

/* The task runs until it blocks, or has ended. */
static void run(model *m, model_task *t)
{
    int rc = 0;

    while (!rc && *t->script) {
        if (!t->op_pc)
            t->value = 0;
        rc = operate(m, t);
        if (rc == BLOCKED)
            return;
        t->op_pc = 0;
        t->exc = 0;
        if (*t->script == 'a')
            t->held = !rc;
        else if (*t->script == 'r' || *t->script == 'k')
            t->held = false;
        log_entry(&m->log, number(m, t), *t->script, rc, rc ? 0 : t->value, m->iteration);
        t->script++;
    }
    if (t->held)
        release(m);
    t->state = rc == ECANCELED ? CANCELLED_TASK : DONE;
}

static void step(model *m, model_task *t)
{
    t->exc = t->must_cancel || t->future == CANCELLED ? ECANCELED : 0;
    t->must_cancel = false;
    if (t->started || !t->exc) {
        t->started = true;
        run(m, t);
    } else {
        t->state = CANCELLED_TASK;
    }
}

static void cancel(model *m, model_task *t)
{
    if (t->future == PENDING)
        resolve(m, number(m, t), CANCELLED);
    else
        t->must_cancel = true;
}

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

void model_open(model *m, const world *w)
{
    memset(m, 0, sizeof *m);
    m->world = w;
    m->value = w->kind == SEMAPHORE || w->kind == BOUNDED ? w->n : 0;
}

bool model_may(const model *m, action a)
{
    const model_task *t = m->tasks + a.arg;

    switch (a.what) {
    case '.':
        return m->ready.n > 0;
    case '+':
        return m->n_tasks < m->world->tasks;
    case '-':
        return a.arg < m->n_tasks && t->state == ALIVE && !t->must_cancel;
    case 'r':
        return m->kept_units > 0 || (m->world->kind == SEMAPHORE && m->value < 3);
    case 's':
        return !m->set;
    case 'c':
        return m->set;
    case 'n':
        return m->locked && m->waiters.n > 0;
    case 'N':
        return m->locked && m->waiters.n > 1;
    case 'p':
        return m->put < ITEMS - 4 * TASKS && !is_full(m) && !m->shut;
    case 'g':
        return m->count > 0;
    case 'd':
        return m->unfinished > 0;
    case 'h':
        return !m->shut;
    case 'H':
        return !m->dropped;
    default:
        return false;
    }
}

void model_do(model *m, action a)
{
    switch (a.what) {
    case '+':
        m->tasks[m->n_tasks].script = m->world->scripts[a.arg];
        m->tasks[m->n_tasks].state = ALIVE;
        append(&m->ready, m->n_tasks++);
        break;
    case '-':
        cancel(m, m->tasks + a.arg);
        break;
    case '.':
        m->iteration++;
        for (unsigned n = m->ready.n; n > 0; n--)
            step(m, m->tasks + pop(&m->ready));
        break;
    case 'r':
        m->kept_units -= m->kept_units > 0;
        release(m);
        break;
    case 's':
        m->set = true;
        wake_all(m, &m->waiters);
        break;
    case 'c':
        m->set = false;
        break;
    case 'n':
        wake_next(m, &m->waiters);
        break;
    case 'N':
        wake_all(m, &m->waiters);
        break;
    case 'p':
        put_nowait(m, nth_item(m->put++));
        break;
    case 'g':
        get_nowait(m);
        break;
    case 'd':
        task_done(m);
        break;
    case 'h':
        shut_down(m, false);
        break;
    case 'H':
        shut_down(m, true);
        break;
    }
}
