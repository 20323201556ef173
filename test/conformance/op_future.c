/* The operations on tasks and futures, done-callbacks, and calls of the loop. */
#include "op.h"

#include <errno.h>
#include <string.h>

/* ---- Futures ----------------------------------------------------------------------------------------------------- */

static int run_create(interpret *self, const instruction *ins)
{
    const char *name = ins->args[0].token;
    size_t n;
    const value **args = values_from(self, ins, 2, &n);
    awl_task *task = awl_create_task(co_call(interpret, .code = ins->code, .label = name, .args = args, .n_args = n));

    name_future(name, awl_task_future(task), task, ins->line);
    return 0;
}

static int run_cancel(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_future_cancel(operand_future(self, ins, 0)->future)));
    return 0;
}

static int run_uncancel(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_task_uncancel(operand_task(self, ins, 0))));
    return 0;
}

static int run_cancelling(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_task_cancelling(operand_task(self, ins, 0))));
    return 0;
}

static int run_done(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_future_done(operand_future(self, ins, 0)->future)));
    return 0;
}

static int run_cancelled(interpret *self, const instruction *ins)
{
    assign_out(self, ins, 0, value_int(awl_future_cancelled(operand_future(self, ins, 0)->future)));
    return 0;
}

static int run_result(interpret *self, const instruction *ins)
{
    const named *f = operand_future(self, ins, 0);
    const int error = awl_future_error(f->future);

    if (!error)
        assign_out(self, ins, 0, result_value(f, awl_future_value(f->future).p));
    return error;
}

static int run_exception(interpret *self, const instruction *ins)
{
    awl_future *future = operand_future(self, ins, 0)->future;
    int error;

    if (!awl_future_done(future))
        return AWL_EINVALIDSTATE;
    if (awl_future_cancelled(future))
        return ECANCELED;
    error = awl_future_error(future);
    assign_out(self, ins, 0, error ? value_error(error) : NULL);
    return 0;
}

static int run_resolve(interpret *self, const instruction *ins)
{
    return awl_future_set_result(operand_future(self, ins, 0)->future, operand_value(self, ins, 1));
}

static int run_fail(interpret *self, const instruction *ins)
{
    return awl_future_set_error(operand_future(self, ins, 0)->future, operand_error(self, ins, 1));
}

/* ---- Callbacks --------------------------------------------------------------------------------------------------- */

/* A fn that is to be called, with its arguments. */
typedef struct call {
    const code *fn;
    const value **args;
    size_t n;
    awl_handle handle;
    const char *name; /* of the handle; NULL: none */
    struct call *next;
} call;

static call *handles;

static call *call_new(const interpret *self, const instruction *ins, size_t fn)
{
    call *c = scn_alloc(sizeof *c);

    c->fn = ins->code;
    c->args = values_from(self, ins, fn + 1, &c->n);
    return c;
}

static void make_call(void *arg)
{
    const call *c = arg;

    run_fn(c->fn, c->args, c->n);
}

/* awl_future_remove_done_callback takes back by function: so each fn of a scenario has a function of its own. */
#define CALLBACK(n) static void callback_##n(awl_future *future, void *arg) { (void)future; make_call(arg); }
CALLBACK(0) CALLBACK(1) CALLBACK(2) CALLBACK(3) CALLBACK(4) CALLBACK(5) CALLBACK(6) CALLBACK(7)
CALLBACK(8) CALLBACK(9) CALLBACK(10) CALLBACK(11) CALLBACK(12) CALLBACK(13) CALLBACK(14) CALLBACK(15)

static awl_done_fn *callback_of(const instruction *ins)
{
    static awl_done_fn *const callbacks[] = {
        callback_0, callback_1, callback_2,  callback_3,  callback_4,  callback_5,  callback_6,  callback_7,
        callback_8, callback_9, callback_10, callback_11, callback_12, callback_13, callback_14, callback_15,
    };

    if (ins->code->index >= sizeof callbacks / sizeof *callbacks)
        scn_fail(ins->line, "more fns than op.c has callbacks");
    return callbacks[ins->code->index];
}

static int run_callback(interpret *self, const instruction *ins)
{
    awl_future *future = operand_future(self, ins, 0)->future;

    return awl_future_add_done_callback(future, callback_of(ins), call_new(self, ins, 1));
}

static int run_uncallback(interpret *self, const instruction *ins)
{
    awl_future *future = operand_future(self, ins, 0)->future;

    assign_out(self, ins, 0, value_int((int64_t)awl_future_remove_done_callback(future, callback_of(ins))));
    return 0;
}

/* The newest handle of a name is the one that is meant. */
static void name_handle(call *c, const instruction *ins)
{
    if (!ins->n_outs)
        return;
    c->name = ins->outs[0];
    c->next = handles;
    handles = c;
}

static int run_soon(interpret *self, const instruction *ins)
{
    call *c = call_new(self, ins, 0);

    name_handle(c, ins);
    return awl_call_soon(NULL, &c->handle, make_call, c);
}

static int run_later(interpret *self, const instruction *ins)
{
    call *c = call_new(self, ins, 1);

    name_handle(c, ins);
    return awl_call_later(NULL, &c->handle, operand_int(self, ins, 0) * UNIT, make_call, c);
}

static int run_hcancel(interpret *self, const instruction *ins)
{
    call *c = handles;

    (void)self;
    while (c && strcmp(c->name, ins->args[0].token) != 0)
        c = c->next;
    if (!c)
        scn_fail(ins->line, "there is no handle %s", ins->args[0].token);
    awl_handle_cancel(&c->handle);
    return 0;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const operation future_operations[] = {
    NOW_OF("create", 2, -1, 0, 1, -1, run_create),
    NOW("cancel", 1, 1, 1, run_cancel),
    NOW("uncancel", 1, 1, 1, run_uncancel),
    NOW("cancelling", 1, 1, 1, run_cancelling),
    NOW("done", 1, 1, 1, run_done),
    NOW("cancelled", 1, 1, 1, run_cancelled),
    NOW("result", 1, 1, 1, run_result),
    NOW("exception", 1, 1, 1, run_exception),
    NOW("resolve", 2, 2, 0, run_resolve),
    NOW("fail", 2, 2, 0, run_fail),
    NOW_OF("callback", 2, -1, 0, -1, 1, run_callback),
    NOW_OF("uncallback", 2, 2, 1, -1, 1, run_uncallback),
    NOW_OF("soon", 1, -1, 1, -1, 0, run_soon),
    NOW_OF("later", 2, -1, 1, -1, 1, run_later),
    NOW("hcancel", 1, 1, 0, run_hcancel),
    { .name = NULL },
};
