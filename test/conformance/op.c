/* The operations on values and about the loop, and where the tables of all of them are looked into. */
#include "op.h"

#include <string.h>

/* ---- Values, and what is about the loop -------------------------------------------------------------------------- */

static int run_log(interpret *self, const instruction *ins)
{
    text line = { NULL, 0, 0 };

    text_add(&line, "");
    for (size_t i = 0; i < ins->n_args; i++) {
        text_add(&line, i ? " " : "");
        text_add_value(&line, operand_value(self, ins, i));
    }
    emit_text(self->label, line.at);
    return 0;
}

static int run_set(interpret *self, const instruction *ins)
{
    assign(self, ins->args[0].token, operand_value(self, ins, 1));
    return 0;
}

static int run_add(interpret *self, const instruction *ins)
{
    const value *v = variable_value(self, ins->args[0].token, ins->line);

    if (!v || v->kind != VALUE_INT)
        scn_fail(ins->line, "%s is not a number", ins->args[0].token);
    assign(self, ins->args[0].token, value_int(v->number + operand_int(self, ins, 1)));
    return 0;
}

static int run_raise(interpret *self, const instruction *ins) { return operand_error(self, ins, 0); }

static int run_time(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_loop_time(NULL) / UNIT));
    return 0;
}

static int run_stop(interpret *self, const instruction *ins)
{
    (void)self, (void)ins;
    awl_loop_stop(NULL);
    return 0;
}

static int run_current(interpret *self, const instruction *ins)
{
    const char *name = name_of_task(awl_current_task());

    assign_out(self, ins, 0, name ? value_word(name) : NULL);
    return 0;
}

static int run_alltasks(interpret *self, const instruction *ins)
{
    const size_t n = awl_all_tasks(NULL, NULL, 0);
    awl_task **tasks = scn_alloc(n * sizeof *tasks);
    const value **names = scn_alloc(n * sizeof *names);
    size_t known = 0;

    awl_all_tasks(NULL, tasks, n);
    for (size_t i = 0; i < n; i++) {
        if (name_of_task(tasks[i]))
            names[known++] = value_word(name_of_task(tasks[i]));
    }
    assign_out(self, ins, 0, value_list(names, known));
    return 0;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const operation basic_operations[] = {
    CONTROL("if", 3, 3, true, CONTROL_IF),
    CONTROL("loop", 1, 1, false, CONTROL_LOOP),
    CONTROL("try", 0, 0, false, CONTROL_TRY),
    CONTROL("timeout", 1, 2, false, CONTROL_TIMEOUT),
    CONTROL("taskgroup", 1, 1, false, CONTROL_TASKGROUP),
    CONTROL("return", 0, 1, true, CONTROL_RETURN),
    CONTROL("break", 0, 0, false, CONTROL_BREAK),
    CONTROL("reraise", 0, 0, false, CONTROL_RERAISE),

    NOW("log", 0, -1, 0, run_log),
    NOW("set", 2, 2, 0, run_set),
    NOW("add", 2, 2, 0, run_add),
    NOW("raise", 1, 1, 0, run_raise),
    NOW("time", 0, 0, 1, run_time),
    NOW("stop", 0, 0, 0, run_stop),
    NOW("current", 0, 0, 1, run_current),
    NOW("alltasks", 0, 0, 1, run_alltasks),
    { .name = NULL },
};

const operation *operation_find(const char *name)
{
    static const operation *const tables[] = {
        basic_operations, future_operations, sync_operations, wait_operations, scope_operations, stream_operations,
    };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const operation *op = tables[i]; op->name; op++) {
            if (strcmp(op->name, name) == 0)
                return op;
        }
    }
    return NULL;
}
