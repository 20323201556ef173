/*
 * Context variables. A context is a small array of variables and values that tasks and callbacks share until one of
 * them sets a variable: then it gets a copy of its own. A loop in which no variable was ever set knows nothing of all
 * this; the first set has every kind of entry but tasks run from here, where callbacks get the context they were
 * registered in.
 */
#include "task_priv.h"

struct awl__context {
    uint32_t references, id; /* id: its place in the table, from 1 */
    uint32_t n, room;
    struct {
        const awl_context_var *var;
        awl_value value;
    } set[];
};

typedef struct awl__contexts {
    awl__context *current; /* of the callback that runs; NULL: none is set */
    awl__context **table;  /* by id - 1, since a handle has 4 bytes for its context */
    uint32_t room, lowest; /* no place of the table before the latter is free */
    void (*run[AWL__KINDS])(awl_loop *loop, awl__entry *entry);
} awl__contexts;

static size_t context_size(uint32_t room) { return sizeof(awl__context) + room * sizeof((awl__context *)NULL)->set[0]; }

/* ---- References -------------------------------------------------------------------------------------------------- */

void awl__context_drop(awl_loop *loop, awl__context *context)
{
    if (!context || --context->references)
        return;
    loop->contexts->table[context->id - 1] = NULL;
    if (context->id - 1 < loop->contexts->lowest)
        loop->contexts->lowest = context->id - 1;
    awl__free(loop, context, context_size(context->room));
}

static awl__context *current(const awl_loop *loop)
{
    const awl_task *task = loop->current;

    if (!task)
        return loop->contexts->current;
    return task->stack.user_ & AWL__EXTRA ? task->info.extra->context : NULL;
}

awl__context *awl__context_capture(awl_loop *loop)
{
    awl__context *context = loop->contexts && loop == awl_running_ ? current(loop) : NULL;

    if (context)
        context->references++;
    return context;
}

void awl__context_enter(awl_loop *loop, awl__context *context)
{
    awl__context_drop(loop, loop->contexts->current);
    loop->contexts->current = context;
}

/* ---- What the loop is taught ------------------------------------------------------------------------------------- */

static void capture(awl_loop *loop, awl_handle *handle)
{
    const awl__context *context = awl__context_capture(loop);

    handle->timer_.link_.entry_.extra_ = context ? context->id : 0;
}

static void forget(awl_loop *loop, awl_handle *handle)
{
    const uint32_t id = handle->timer_.link_.entry_.extra_;

    handle->timer_.link_.entry_.extra_ = 0;
    if (id)
        awl__context_drop(loop, loop->contexts->table[id - 1]);
}

/* Runs any entry but a task: a handle in its own context, others in none. */
static void run_entry(awl_loop *loop, awl__entry *entry)
{
    awl__contexts *contexts = loop->contexts;
    const uint32_t id = entry->kind_ == AWL__HANDLE ? entry->extra_ : 0;

    if (id)
        entry->extra_ = 0;
    awl__context_enter(loop, id ? contexts->table[id - 1] : NULL);
    contexts->run[entry->kind_](loop, entry);
    awl__context_enter(loop, NULL);
}

static bool open_contexts(awl_loop *loop)
{
    awl__contexts *contexts = loop->contexts ? loop->contexts : awl__alloc(loop, sizeof *contexts);

    if (!contexts || loop->contexts)
        return contexts;
    memset(contexts, 0, sizeof *contexts);
    for (int kind = 0; kind < AWL__KINDS; kind++) {
        contexts->run[kind] = loop->run[kind];
        if (kind != AWL__TASK && kind != AWL__SLEEP)
            loop->run[kind] = run_entry;
    }
    loop->contexts = contexts;
    loop->capture = capture;
    loop->forget = forget;
    return true;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* Puts a context into the table; false: no memory. */
static bool enter_table(awl_loop *loop, awl__context *context)
{
    awl__contexts *contexts = loop->contexts;
    const uint32_t room = contexts->room ? 2 * contexts->room : 8;
    awl__context **table;

    while (contexts->lowest < contexts->room) {
        const uint32_t i = contexts->lowest++;

        if (contexts->table[i])
            continue;
        contexts->table[i] = context;
        context->id = i + 1;
        return true;
    }
    table = awl__alloc(loop, room * sizeof(void *));
    if (!table)
        return false;
    memset(table, 0, room * sizeof *table);
    if (contexts->room)
        memcpy(table, contexts->table, contexts->room * sizeof *table);
    awl__free(loop, contexts->table, contexts->room * sizeof *table);
    contexts->table = table;
    table[contexts->room] = context;
    context->id = contexts->lowest = contexts->room + 1;
    contexts->room = room;
    return true;
}

static awl__context *copy(awl_loop *loop, const awl__context *from, uint32_t room)
{
    awl__context *context = awl__alloc(loop, context_size(room));

    if (!context)
        return NULL;
    *context = (awl__context){ .references = 1, .n = from ? from->n : 0, .room = room };
    if (from)
        memcpy(context->set, from->set, from->n * sizeof *from->set);
    if (enter_table(loop, context))
        return context;
    awl__free(loop, context, context_size(room));
    return NULL;
}

/* The running task's or callback's own context, with room for one more variable; NULL: no memory. */
static awl__context *own(awl_loop *loop)
{
    awl_task *task = loop->current;
    awl__context **place, *context;

    if (task && !awl__task_extra(task))
        return NULL;
    place = task ? &task->info.extra->context : &loop->contexts->current;
    if (*place && (*place)->references == 1 && (*place)->n < (*place)->room)
        return *place;
    context = copy(loop, *place, *place ? (*place)->n + 2 : 2);
    if (!context)
        return NULL;
    awl__context_drop(loop, *place);
    return *place = context;
}

/* A new task has the context in which it is created; false: no memory. */
bool awl__context_inherit(awl_loop *loop, awl_task *task)
{
    awl__context *context = awl__context_capture(loop);

    if (!context)
        return true;
    if (!awl__task_extra(task)) {
        awl__context_drop(loop, context);
        return false;
    }
    task->info.extra->context = context;
    return true;
}

/* ---- Variables --------------------------------------------------------------------------------------------------- */

/* The place of a variable in a context; its n: it is not there. */
static uint32_t find(const awl__context *context, const awl_context_var *var)
{
    uint32_t i = 0;

    while (i < context->n && context->set[i].var != var)
        i++;
    return i;
}

awl_value awl_context_get(const awl_context_var *var)
{
    const awl_loop *loop = awl_running_;
    const awl__context *context = loop && loop->contexts ? current(loop) : NULL;
    const uint32_t i = context ? find(context, var) : 0;

    if (context && i < context->n)
        return context->set[i].value;
    return var ? var->initial : (awl_value){ .i = 0 };
}

int awl_context_set_typed_(const awl_context_var *var, co_typed_ typed, awl_context_token *token)
{
    awl_loop *loop = awl_running_;
    awl__context *context;
    bool was_set;
    uint32_t i;

    if (!loop || !var)
        return EINVAL;
    context = open_contexts(loop) ? own(loop) : NULL;
    if (!context)
        return ENOMEM;
    i = find(context, var);
    was_set = i < context->n;
    if (token)
        *token = (awl_context_token){ var, loop->current, { .i = 0 }, was_set };
    if (token && was_set)
        token->before_ = context->set[i].value;
    context->set[i].var = var;
    context->set[i].value = typed.value;
    context->n += !was_set;
    return 0;
}

int awl_context_reset(awl_context_token *token)
{
    awl_loop *loop = awl_running_;
    awl__context *context;
    uint32_t i;

    if (!loop || !token || (token->var_ && token->task_ != loop->current))
        return EINVAL;
    if (!token->var_)
        return AWL_EINVALIDSTATE;
    context = loop->contexts ? own(loop) : NULL;
    if (!context)
        return loop->contexts ? ENOMEM : EINVAL;
    i = find(context, token->var_);
    if (i == context->n)
        return EINVAL; /* another callback's */
    if (token->was_set_)
        context->set[i].value = token->before_;
    else
        context->set[i] = context->set[--context->n];
    token->var_ = NULL;
    return 0;
}
