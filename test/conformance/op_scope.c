/* Blocks and what has to do with them: timeouts, task groups; shields, as_completed, eager tasks, context variables. */
#include "op.h"

#include <errno.h>
#include <string.h>

/* Objects by their names, which may be used again: the newest is meant. */
typedef struct object {
    const char *name;
    struct object *next;
    union {
        awl_timeout timeout;
        awl_task_group group;
        awl_as_completed iterator;
        awl_context_var context;
    } of;
} object;

static object *timeouts, *groups, *iterators, *contexts;

static object *object_new(object **all, const char *name)
{
    object *o = scn_alloc(sizeof *o);

    o->name = name;
    o->next = *all;
    *all = o;
    return o;
}

static object *object_find(object *all, const instruction *ins)
{
    while (all && strcmp(all->name, ins->args[0].token) != 0)
        all = all->next;
    if (!all)
        scn_fail(ins->line, "there is no %s", ins->args[0].token);
    return all;
}

/* ---- Timeouts ---------------------------------------------------------------------------------------------------- */

int enter_timeout(interpret *self, const instruction *ins)
{
    object *o = object_new(&timeouts, ins->n_args > 1 ? ins->args[1].token : "");

    self->blocks[self->n_blocks - 1].object = &o->of.timeout;
    return awl_timeout_enter(&o->of.timeout, operand_time(self, ins, 0));
}

int leave_timeout(block *b, int error) { return awl_timeout_exit(b->object, error); }

static int run_reschedule(interpret *self, const instruction *ins)
{
    return awl_timeout_reschedule(&object_find(timeouts, ins)->of.timeout, operand_time(self, ins, 1));
}

static int run_expired(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_timeout_expired(&object_find(timeouts, ins)->of.timeout)));
    return 0;
}

/* ---- Task groups ------------------------------------------------------------------------------------------------- */

int enter_group(interpret *self, const instruction *ins)
{
    object *o = object_new(&groups, ins->args[0].token);

    self->blocks[self->n_blocks - 1].object = &o->of.group;
    return awl_task_group_enter(&o->of.group);
}

awl_coro leave_group(block *b, int error) { return awl_task_group_exit(b->object, error); }

int group_left(block *b, int error)
{
    const char *separator = "Group[";
    text kind = { NULL, 0, 0 };

    if (error != AWL_EGROUP)
        return error;
    for (const awl_group_error *e = awl_task_group_errors(b->object, NULL); e; e = e->next) {
        text_add(&kind, separator);
        text_add(&kind, error_kind(e->error));
        separator = ",";
    }
    text_add(&kind, "]");
    awl_task_group_fini(b->object);
    return error_new(kind.at);
}

static int run_spawn(interpret *self, const instruction *ins)
{
    const char *name = ins->args[1].token;
    size_t n;
    const value **args = values_from(self, ins, 3, &n);
    awl_task *task =
        awl_task_group_create_task(&object_find(groups, ins)->of.group,
                                   co_call(interpret, .code = ins->code, .label = name, .args = args, .n_args = n));

    if (!task)
        return errno;
    name_future(name, awl_task_future(awl_task_retain(task)), task, ins->line);
    return 0;
}

/* ---- Shields and as_completed ------------------------------------------------------------------------------------ */

static int run_shield(interpret *self, const instruction *ins)
{
    const named *inner = operand_future(self, ins, 1);
    named *shield = name_future(ins->args[0].token, awl_shield_future(inner->future), NULL, ins->line);

    if (shield->future == inner->future)
        shield->task = inner->task;
    shield->children = inner->children;
    shield->n_children = inner->n_children;
    return 0;
}

static int run_ascompleted(interpret *self, const instruction *ins)
{
    object *o = object_new(&iterators, ins->args[0].token);
    size_t n;
    named **all = futures_from(self, ins, 2, &n);
    awl_future **futures = scn_alloc((n + 1) * sizeof *futures);

    for (size_t i = 0; i < n; i++)
        futures[i] = all[i]->future;
    return awl_as_completed_init(&o->of.iterator, futures, n, operand_time(self, ins, 1));
}

static awl_coro start_next(interpret *self, const instruction *ins)
{
    (void)self;
    return awl_as_completed_next(&object_find(iterators, ins)->of.iterator);
}

/* In the language the next one's result is meant. */
static void finish_next(interpret *self, const instruction *ins)
{
    awl_future *future = self->result;
    const int error = awl_future_error(future);

    if (!error)
        assign_out(self, ins, 0, result_value(named_of(future), awl_future_value(future).p));
    else
        self->completion = (completion){ .kind = RAISE, .error = error };
}

/* ---- Eager tasks ------------------------------------------------------------------------------------------------- */

/* The name is bound before the coroutine takes its first step. */
co_def(eager, {
    const char *name;
    const instruction *ins;
    const value **args;
    size_t n_args;
    void *result;
})
{
    co_begin;
    name_future(self->name, awl_task_future(awl_task_retain(awl_current_task())), awl_current_task(), self->ins->line);
    co_let(self->result, co_call(interpret, .code = self->ins->code, .label = self->name, .args = self->args,
                                 .n_args = self->n_args));
    co_return (self->result);
    co_end;
}

static int run_ecreate(interpret *self, const instruction *ins)
{
    size_t n;
    const value **args = values_from(self, ins, 2, &n);

    awl_task_release(
        awl_create_task_eager(co_call(eager, .name = ins->args[0].token, .ins = ins, .args = args, .n_args = n)));
    return 0;
}

/* ---- Context variables ------------------------------------------------------------------------------------------- */

void context_declare(const char *name, const value *v)
{
    object_new(&contexts, name)->of.context =
        (awl_context_var){ .name = name, .initial = { .p = (void *)(uintptr_t)v } };
}

static int run_ctxset(interpret *self, const instruction *ins)
{
    return awl_context_set(&object_find(contexts, ins)->of.context, operand_value(self, ins, 1), NULL);
}

static int run_ctxget(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, awl_context_get(&object_find(contexts, ins)->of.context).p);
    return 0;
}

void scopes_close(void)
{
    for (object *o = iterators; o; o = o->next)
        awl_as_completed_close(&o->of.iterator);
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const operation scope_operations[] = {
    NOW("reschedule", 2, 2, 0, run_reschedule),
    NOW("expired", 1, 1, 1, run_expired),
    NOW_OF("spawn", 3, -1, 0, 2, -1, run_spawn),
    NOW("shield", 2, 2, 0, run_shield),
    { "ascompleted", 2, -1, 0, false, CONTROL_PLAIN, -1, -1, run_ascompleted, NULL, NULL },
    WAIT("next", 1, 1, 1, start_next, finish_next),
    NOW_OF("ecreate", 2, -1, 0, 1, -1, run_ecreate),
    NOW("ctxset", 2, 2, 0, run_ctxset),
    NOW("ctxget", 1, 1, 1, run_ctxget),
    { .name = NULL },
};
