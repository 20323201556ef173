/* What the operands of an instruction stand for: variables, and futures by their names. */
#include "scenario.h"

#include <errno.h>
#include <string.h>

/* ---- Variables and operands -------------------------------------------------------------------------------------- */

static variable *globals;

static variable *find(variable *in, const char *name)
{
    while (in && strcmp(in->name, name) != 0)
        in = in->next;
    return in;
}

static void add(variable **to, const char *name, const value *v)
{
    variable *x = scn_alloc(sizeof *x);

    *x = (variable){ name, v, *to };
    *to = x;
}

void variable_declare(const char *name, const value *v) { add(&globals, name, v); }

void assign(interpret *self, const char *name, const value *v)
{
    variable *x = find(globals, name);

    if (!x)
        x = find(self->locals, name);
    if (x)
        x->value = v;
    else
        add(&self->locals, name, v);
}

void assign_out(interpret *self, const instruction *ins, size_t i, const value *v)
{
    if (i < ins->n_outs)
        assign(self, ins->outs[i], v);
}

const value *variable_value(const interpret *self, const char *name, int line)
{
    const variable *x = find(globals, name);

    if (!x)
        x = find(self->locals, name);
    if (!x)
        scn_fail(line, "variable %s has no value", name);
    return x->value;
}

const value *operand_value(const interpret *self, const instruction *ins, size_t i)
{
    const operand *o = &ins->args[i];

    switch (o->kind) {
    case OPERAND_LITERAL: return o->literal;
    case OPERAND_ME: return value_word(self->label);
    case OPERAND_VARIABLE: return variable_value(self, o->token, ins->line);
    case OPERAND_ARGUMENT: break;
    }
    if (o->index >= self->n_args)
        scn_fail(ins->line, "there is no argument %zu", o->index + 1);
    return self->args[o->index];
}

int64_t operand_int(const interpret *self, const instruction *ins, size_t i)
{
    const value *v = operand_value(self, ins, i);

    if (!v || v->kind != VALUE_INT)
        scn_fail(ins->line, "operand %zu is not a number", i + 1);
    return v->number;
}

awl_time operand_time(const interpret *self, const instruction *ins, size_t i)
{
    return operand_value(self, ins, i) ? operand_int(self, ins, i) * UNIT : AWL_FOREVER;
}

static const char *operand_word(const interpret *self, const instruction *ins, size_t i)
{
    const value *v = operand_value(self, ins, i);

    if (!v || v->kind != VALUE_WORD)
        scn_fail(ins->line, "operand %zu is not a word", i + 1);
    return v->word;
}

int operand_error(const interpret *self, const instruction *ins, size_t i)
{
    const int error = error_number(operand_word(self, ins, i));

    if (!error)
        scn_fail(ins->line, "%s cannot be raised", operand_word(self, ins, i));
    return error;
}

/* ---- Futures by name --------------------------------------------------------------------------------------------- */

static named *first_named, **last_named = &first_named;

named *named_first(void) { return first_named; }

static named *find_named(const char *name)
{
    named *f = first_named;

    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

named *name_future(const char *name, awl_future *future, awl_task *task, int line)
{
    named *f;

    if (find_named(name))
        scn_fail(line, "name %s is bound twice", name);
    if (!future)
        scn_fail(line, "no future for %s: %s", name, awl_strerror(errno));
    f = scn_alloc(sizeof *f);
    *f = (named){ .name = name, .future = future, .task = task };
    *last_named = f;
    last_named = &f->next;
    return f;
}

const char *name_of_task(const awl_task *task)
{
    for (const named *f = first_named; f; f = f->next) {
        if (task && f->task == task)
            return f->name;
    }
    return NULL;
}

named *named_of(const awl_future *future)
{
    named *f = first_named;

    while (f && f->future != future)
        f = f->next;
    return f;
}

named *operand_future(const interpret *self, const instruction *ins, size_t i)
{
    const value *v = operand_value(self, ins, i);
    named *f = v && v->kind == VALUE_WORD ? find_named(v->word) : NULL;

    if (!f)
        scn_fail(ins->line, "operand %zu names no future", i + 1);
    return f;
}

awl_task *operand_task(const interpret *self, const instruction *ins, size_t i)
{
    const named *f = operand_future(self, ins, i);

    if (!f->task)
        scn_fail(ins->line, "%s is no task", f->name);
    return f->task;
}

const value **values_from(const interpret *self, const instruction *ins, size_t from, size_t *n)
{
    const value **values;

    *n = ins->n_args - from;
    values = scn_alloc((*n + 1) * sizeof *values);
    for (size_t i = 0; i < *n; i++)
        values[i] = operand_value(self, ins, from + i);
    return values;
}

named **futures_from(const interpret *self, const instruction *ins, size_t from, size_t *n)
{
    named **futures;

    *n = ins->n_args - from;
    futures = scn_alloc((*n + 1) * sizeof *futures);
    for (size_t i = 0; i < *n; i++)
        futures[i] = operand_future(self, ins, from + i);
    return futures;
}
