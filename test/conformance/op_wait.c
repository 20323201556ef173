/* The operations that wait: for a time, a coroutine, a future, or several. */
#include "op.h"

#include <string.h>

const value *result_value(const named *of, const void *result)
{
    const awl_outcome *outcomes = result;
    const value **items;

    if (!of || !of->children)
        return result;
    items = scn_alloc(of->n_children * sizeof *items);
    for (size_t i = 0; i < of->n_children; i++)
        items[i] = outcomes[i].error ? value_error(outcomes[i].error)
                                     : result_value(of->children[i], outcomes[i].value.p);
    return value_list(items, of->n_children);
}

static awl_future **bare(named **futures, size_t n)
{
    awl_future **all = scn_alloc((n + 1) * sizeof *all);

    for (size_t i = 0; i < n; i++)
        all[i] = futures[i]->future;
    return all;
}

static awl_coro start_sleep(interpret *self, const instruction *ins)
{
    return awl_sleep(operand_int(self, ins, 0) * UNIT);
}

/* The coroutine of operand `coro`, with the operands behind it, in the same task. */
static awl_coro called(interpret *self, const instruction *ins, size_t coro)
{
    size_t n;
    const value **args = values_from(self, ins, coro + 1, &n);

    return co_call(interpret, .code = ins->code, .label = self->label, .args = args, .n_args = n);
}

static awl_coro start_call(interpret *self, const instruction *ins) { return called(self, ins, 0); }

static awl_coro start_await(interpret *self, const instruction *ins)
{
    self->awaited = operand_future(self, ins, 0);
    return awl_await_future(self->awaited->future);
}

static awl_coro start_waitfor(interpret *self, const instruction *ins)
{
    self->awaited = operand_future(self, ins, 1);
    return awl_wait_for(self->awaited->future, operand_time(self, ins, 0));
}

static awl_coro start_waitcall(interpret *self, const instruction *ins)
{
    return awl_wait_for(called(self, ins, 1), operand_time(self, ins, 0));
}

static void finish_result(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, result_value(self->awaited, self->result));
}

static int run_gather(interpret *self, const instruction *ins)
{
    const bool all = strcmp(ins->args[1].token, "re") == 0;
    size_t n;
    named **children = futures_from(self, ins, 2, &n), *gather;
    awl_future **futures = bare(children, n);

    if (n == 0)
        scn_fail(ins->line, "gather of nothing");
    gather = name_future(ins->args[0].token, awl_gather_future(futures, n, all ? AWL_RETURN_EXCEPTIONS : 0), NULL,
                         ins->line);
    gather->children = children;
    gather->n_children = n;
    return 0;
}

static awl_coro start_wait(interpret *self, const instruction *ins)
{
    const char *mode = ins->args[0].token;
    size_t n, unique = 0;
    named **all = futures_from(self, ins, 2, &n);

    for (size_t i = 0; i < n; i++) {
        size_t same = 0;

        while (same < unique && all[same] != all[i])
            same++;
        all[same] = all[i];
        unique += same == unique;
    }
    self->several = all;
    self->n_several = unique;
    return awl_wait(bare(all, unique), unique,
                    mode[0] == 'a'   ? AWL_ALL_COMPLETED
                    : mode[0] == 'f' ? AWL_FIRST_COMPLETED
                                     : AWL_FIRST_EXCEPTION,
                    operand_time(self, ins, 1));
}

static const value *names_of(const interpret *self, bool done)
{
    const value **names = scn_alloc((self->n_several + 1) * sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < self->n_several; i++) {
        if (awl_future_done(self->several[i]->future) == done)
            names[n++] = value_word(self->several[i]->name);
    }
    return value_list(names, n);
}

static void finish_wait(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, names_of(self, true));
    assign_out(self, ins, 1, names_of(self, false));
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const operation wait_operations[] = {
    WAIT("sleep", 1, 1, 0, start_sleep, NULL),
    WAIT_OF("call", 1, -1, 1, 0, start_call, finish_result),
    WAIT("await", 1, 1, 1, start_await, finish_result),
    NOW("gather", 2, -1, 0, run_gather),
    WAIT("wait", 3, -1, 2, start_wait, finish_wait),
    WAIT("waitfor", 2, 2, 1, start_waitfor, finish_result),
    WAIT_OF("waitcall", 2, -1, 1, 1, start_waitcall, finish_result),
    { .name = NULL },
};
