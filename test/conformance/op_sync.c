/* The operations on what tasks wait for: locks, semaphores, events, conditions, queues, barriers. */
#include "op.h"

#include <errno.h>
#include <string.h>

/* ---- Objects by name --------------------------------------------------------------------------------------------- */

struct object {
    const char *name;
    char kind; /* the first letter of its declaration, but p for any queue */
    struct object *next;
    union {
        awl_lock lock;
        awl_semaphore semaphore;
        awl_event event;
        awl_condition condition;
        awl_queue queue;
        awl_barrier barrier;
    } is;
};

static object *objects;

static object *find_object(const char *name)
{
    object *o = objects;

    while (o && strcmp(o->name, name) != 0)
        o = o->next;
    return o;
}

static bool less(awl_value a, awl_value b)
{
    return ((const value *)a.p)->number < ((const value *)b.p)->number;
}

bool object_declare(const declaration *d)
{
    const size_t number =
        d->first.literal && d->first.literal->kind == VALUE_INT ? (size_t)d->first.literal->number : 0;
    object *o = scn_alloc(sizeof *o);

    o->name = d->name;
    o->kind = d->kind[0];
    if (strcmp(d->kind, "lock") == 0) {
        awl_lock_init(&o->is.lock);
    } else if (strcmp(d->kind, "sem") == 0) {
        awl_semaphore_init(&o->is.semaphore, number);
    } else if (strcmp(d->kind, "bsem") == 0) {
        o->kind = 's';
        awl_semaphore_init_bounded(&o->is.semaphore, number);
    } else if (strcmp(d->kind, "event") == 0) {
        awl_event_init(&o->is.event);
    } else if (strcmp(d->kind, "cond") == 0) {
        object *lock = d->first.token ? find_object(d->first.token) : NULL;
        awl_condition_init(&o->is.condition, lock ? &lock->is.lock : NULL);
    } else if (strcmp(d->kind, "barrier") == 0) {
        awl_barrier_init(&o->is.barrier, (unsigned)number);
    } else {
        o->kind = 'q';
        if (strcmp(d->kind, "queue") == 0)
            awl_queue_init(&o->is.queue, number);
        else if (strcmp(d->kind, "lifo") == 0)
            awl_lifo_queue_init(&o->is.queue, number);
        else if (strcmp(d->kind, "prio") == 0)
            awl_priority_queue_init(&o->is.queue, number, less);
        else
            return false;
    }
    o->next = objects;
    objects = o;
    return true;
}

/* The object of operand 0, which must be of the kind. */
static object *operand_object(const interpret *self, const instruction *ins, char kind)
{
    const value *v = operand_value(self, ins, 0);
    object *o = v && v->kind == VALUE_WORD ? find_object(v->word) : NULL;

    if (!o || (kind && o->kind != kind))
        scn_fail(ins->line, "%s is not for that", ins->op->name);
    return o;
}

static awl_event *event_of(const interpret *self, const instruction *ins)
{
    return &operand_object(self, ins, 'e')->is.event;
}

static awl_condition *condition_of(const interpret *self, const instruction *ins)
{
    return &operand_object(self, ins, 'c')->is.condition;
}

static awl_queue *queue_of(const interpret *self, const instruction *ins)
{
    return &operand_object(self, ins, 'q')->is.queue;
}

static awl_barrier *barrier_of(const interpret *self, const instruction *ins)
{
    return &operand_object(self, ins, 'b')->is.barrier;
}

/* ---- What has acquire and release -------------------------------------------------------------------------------- */

static awl_coro acquire(interpret *self, const instruction *ins)
{
    object *o = operand_object(self, ins, '\0');

    self->entering = o;
    switch (o->kind) {
    case 'l': return awl_lock_acquire(&o->is.lock);
    case 's': return awl_semaphore_acquire(&o->is.semaphore);
    case 'c': return awl_condition_acquire(&o->is.condition);
    default: scn_fail(ins->line, "%s has no acquire", o->name);
    }
}

int object_release(object *o)
{
    switch (o->kind) {
    case 'l': return awl_lock_release(&o->is.lock);
    case 's': return awl_semaphore_release(&o->is.semaphore);
    case 'c': return awl_condition_release(&o->is.condition);
    default: scn_fail(0, "%s has no release", o->name);
    }
}

static int run_release(interpret *self, const instruction *ins)
{
    return object_release(operand_object(self, ins, '\0'));
}

static int run_locked(interpret *self, const instruction *ins)
{
    const object *o = operand_object(self, ins, '\0');

    assign_out(self, ins, 0,
               value_int(o->kind == 'l'   ? awl_lock_locked(&o->is.lock)
                         : o->kind == 's' ? awl_semaphore_locked(&o->is.semaphore)
                                          : awl_condition_locked(&o->is.condition)));
    return 0;
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static awl_coro start_ewait(interpret *self, const instruction *ins) { return awl_event_wait(event_of(self, ins)); }

static int run_eset(interpret *self, const instruction *ins)
{
    awl_event_set(event_of(self, ins));
    return 0;
}

static int run_eclear(interpret *self, const instruction *ins)
{
    awl_event_clear(event_of(self, ins));
    return 0;
}

static int run_eisset(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_event_is_set(event_of(self, ins))));
    return 0;
}

/* ---- Conditions -------------------------------------------------------------------------------------------------- */

static awl_coro start_cwait(interpret *self, const instruction *ins)
{
    return awl_condition_wait(condition_of(self, ins));
}

/* X CMP V, X being the name of a variable. */
static bool compare_now(void *arg)
{
    const interpret *self = arg;
    const instruction *ins = self->waiting;

    return compare(variable_value(self, ins->args[1].token, ins->line), ins->args[2].token,
                   operand_value(self, ins, 3), ins->line);
}

static awl_coro start_cwaitfor(interpret *self, const instruction *ins)
{
    return awl_condition_wait_for(condition_of(self, ins), compare_now, self);
}

static int run_notify(interpret *self, const instruction *ins)
{
    const int64_t n = operand_int(self, ins, 1);

    return awl_condition_notify(condition_of(self, ins), n < 0 ? 0 : (size_t)n);
}

static int run_notifyall(interpret *self, const instruction *ins)
{
    return awl_condition_notify_all(condition_of(self, ins));
}

/* ---- Queues ------------------------------------------------------------------------------------------------------ */

static awl_coro start_put(interpret *self, const instruction *ins)
{
    return awl_queue_put(queue_of(self, ins), operand_value(self, ins, 1));
}

static awl_coro start_get(interpret *self, const instruction *ins) { return awl_queue_get(queue_of(self, ins)); }

static void finish_get(interpret *self, const instruction *ins) { assign_out(self, ins, 0, self->result); }

static int run_putn(interpret *self, const instruction *ins)
{
    return awl_queue_put_nowait(queue_of(self, ins), operand_value(self, ins, 1));
}

static int run_getn(interpret *self, const instruction *ins)
{
    awl_value item;
    const int error = awl_queue_get_nowait(queue_of(self, ins), &item);

    if (!error)
        assign_out(self, ins, 0, item.p);
    return error;
}

static int run_taskdone(interpret *self, const instruction *ins) { return awl_queue_task_done(queue_of(self, ins)); }

static awl_coro start_join(interpret *self, const instruction *ins) { return awl_queue_join(queue_of(self, ins)); }

static int run_qsize(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int((int64_t)awl_queue_size(queue_of(self, ins))));
    return 0;
}

static int run_qshutdown(interpret *self, const instruction *ins)
{
    awl_queue_shutdown(queue_of(self, ins), ins->n_args > 1);
    return 0;
}

/* ---- Barriers ---------------------------------------------------------------------------------------------------- */

/* A result has to be a pointer. */
co_def(barrier_wait, { awl_barrier *barrier; unsigned index; })
{
    co_begin;
    co_let(self->index, awl_barrier_wait(self->barrier));
    co_return((void *)(uintptr_t)self->index);
    co_end;
}

static awl_coro start_bwait(interpret *self, const instruction *ins)
{
    return co_call(barrier_wait, .barrier = barrier_of(self, ins));
}

static void finish_bwait(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int((intptr_t)self->result));
}

static awl_coro start_breset(interpret *self, const instruction *ins)
{
    return awl_barrier_reset(barrier_of(self, ins));
}

static awl_coro start_babort(interpret *self, const instruction *ins)
{
    return awl_barrier_abort(barrier_of(self, ins));
}

static int run_bbroken(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_barrier_broken(barrier_of(self, ins))));
    return 0;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const operation sync_operations[] = {
    { "with", 1, 1, 0, false, CONTROL_WITH, -1, -1, NULL, acquire, NULL },
    WAIT("acquire", 1, 1, 0, acquire, NULL),
    NOW("release", 1, 1, 0, run_release),
    NOW("locked", 1, 1, 1, run_locked),
    WAIT("ewait", 1, 1, 0, start_ewait, NULL),
    NOW("eset", 1, 1, 0, run_eset),
    NOW("eclear", 1, 1, 0, run_eclear),
    NOW("eisset", 1, 1, 1, run_eisset),
    WAIT("cwait", 1, 1, 0, start_cwait, NULL),
    WAIT("cwaitfor", 4, 4, 0, start_cwaitfor, NULL),
    NOW("notify", 2, 2, 0, run_notify),
    NOW("notifyall", 1, 1, 0, run_notifyall),
    WAIT("put", 2, 2, 0, start_put, NULL),
    WAIT("get", 1, 1, 1, start_get, finish_get),
    NOW("putn", 2, 2, 0, run_putn),
    NOW("getn", 1, 1, 1, run_getn),
    NOW("taskdone", 1, 1, 0, run_taskdone),
    WAIT("join", 1, 1, 0, start_join, NULL),
    NOW("qsize", 1, 1, 1, run_qsize),
    NOW("qshutdown", 1, 2, 0, run_qshutdown),
    WAIT("bwait", 1, 1, 1, start_bwait, finish_bwait),
    WAIT("breset", 1, 1, 0, start_breset, NULL),
    WAIT("babort", 1, 1, 0, start_babort, NULL),
    NOW("bbroken", 1, 1, 1, run_bbroken),
    { .name = NULL },
};
