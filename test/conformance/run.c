/*
 * The interpreter: one frame steps through the flat instructions of a coroutine or fn, with a small stack of blocks and
 * one completion, which says how what came last has ended. SCENARIOS.md, section 10.
 */
#include "scenario.h"

#include <string.h>

static unsigned steps;

static void raise_error(interpret *self, int error)
{
    self->completion = (completion){ .kind = RAISE, .error = error };
}

static block *top(interpret *self) { return &self->blocks[self->n_blocks - 1]; }

static void push(interpret *self, const instruction *ins)
{
    block *b = &self->blocks[self->n_blocks++]; /* the parser has counted the depth */

    *b = (block){ .ins = ins, .pc = self->pc };
}

/* ---- Instructions that move the program counter ------------------------------------------------------------------ */

bool compare(const value *a, const char *how, const value *b, int line)
{
    if (strcmp(how, "==") == 0 || strcmp(how, "!=") == 0)
        return value_equal(a, b) == (how[0] == '=');
    if (!a || !b || a->kind != VALUE_INT || b->kind != VALUE_INT)
        scn_fail(line, "%s compares numbers only", how);
    if (how[0] == '<')
        return how[1] ? a->number <= b->number : a->number < b->number;
    return how[1] ? a->number >= b->number : a->number > b->number;
}

static bool holds(const interpret *self, const instruction *ins)
{
    return compare(operand_value(self, ins, 0), ins->args[1].token, operand_value(self, ins, 2), ins->line);
}

static void begin_loop(interpret *self, const instruction *ins)
{
    const int64_t rounds = operand_int(self, ins, 0);

    if (rounds <= 0) {
        self->pc = ins->end;
        return;
    }
    push(self, ins);
    top(self)->left = rounds;
}

static void end_block(interpret *self)
{
    block *b = top(self);

    if (--b->left > 0) {
        self->pc = b->pc;
        return;
    }
    self->pc = b->ins->end;
    self->n_blocks--;
}

/* Leaves a block that has an object, on foot or with an error; a group's end is awaited. */
static void leave_block(interpret *self)
{
    block *b = &self->blocks[--self->n_blocks];
    const int error = self->completion.kind == RAISE ? self->completion.error : 0;
    int left;

    if (self->completion.kind == NORMAL)
        self->pc = b->ins->end;
    if (b->ins->op->control == CONTROL_TASKGROUP) {
        b->saved = self->completion;
        self->leaving = b;
        return;
    }
    left = b->ins->op->control == CONTROL_WITH ? object_release(b->object) : leave_timeout(b, error);
    if (left && left != error)
        raise_error(self, left);
}

/* The end of a try's body, or of a clause. */
static void end_try(interpret *self)
{
    block *b = top(self);

    if (b->phase == HANDLER)
        self->handled = b->handled;
    if (b->ins->fin) {
        b->phase = FINALLY;
        b->saved = (completion){ .kind = NORMAL };
        self->pc = b->ins->fin;
    } else {
        self->pc = b->ins->end;
        self->n_blocks--;
    }
}

static void end_finally(interpret *self)
{
    block *b = top(self);

    self->pc = b->ins->end;
    self->completion = b->saved;
    self->n_blocks--;
}

static void execute(interpret *self, const instruction *ins)
{
    int error;

    switch (ins->op->control) {
    case CONTROL_IF:
        if (!holds(self, ins))
            self->pc = ins->alt;
        return;
    case CONTROL_JUMP: self->pc = ins->alt; return;
    case CONTROL_LOOP: begin_loop(self, ins); return;
    case CONTROL_TRY: push(self, ins); return;
    case CONTROL_TIMEOUT:
    case CONTROL_TASKGROUP:
        push(self, ins);
        error = ins->op->control == CONTROL_TIMEOUT ? enter_timeout(self, ins) : enter_group(self, ins);
        if (error)
            scn_fail(ins->line, "a block cannot be entered: %s", awl_strerror(error));
        return;
    case CONTROL_END_BLOCK:
        if (top(self)->ins->op->control == CONTROL_LOOP)
            end_block(self);
        else
            leave_block(self);
        return;
    case CONTROL_END_TRY: end_try(self); return;
    case CONTROL_END_FINALLY: end_finally(self); return;
    case CONTROL_RETURN:
        self->completion = (completion){ RETURN, 0, ins->n_args ? operand_value(self, ins, 0) : NULL };
        return;
    case CONTROL_BREAK: self->completion = (completion){ .kind = BREAK }; return;
    case CONTROL_RERAISE:
        if (!self->handled)
            scn_fail(ins->line, "reraise outside of except");
        raise_error(self, self->handled);
        return;
    default: break;
    }
    error = ins->op->run(self, ins);
    if (error)
        raise_error(self, error);
}

/* ---- Unwinding --------------------------------------------------------------------------------------------------- */

/* Whether a clause `KIND,KIND,…` takes an error. */
static bool takes(const char *kinds, int error)
{
    const char *kind = error_kind(error);
    const size_t len = strcspn(kind, "([");

    for (const char *k = kinds;; k++) {
        const size_t n = strcspn(k, ",");

        if (n == len && strncmp(k, kind, n) == 0)
            return true;
        if (n == 3 && (strncmp(k, "all", 3) == 0 || (strncmp(k, "any", 3) == 0 && strcmp(kind, "Cancelled") != 0)))
            return true;
        k += n;
        if (!*k)
            return false;
    }
}

/* Goes on in the first clause that takes the error; false if none does. */
static bool handle(interpret *self, block *b)
{
    const int error = self->completion.error;

    for (size_t i = 0; i < b->ins->n_clauses; i++) {
        const clause *c = &b->ins->clauses[i];

        if (!takes(c->kinds, error))
            continue;
        if (c->name)
            assign(self, c->name, value_word(error_kind(error)));
        b->phase = HANDLER;
        b->handled = self->handled;
        self->handled = error;
        self->pc = c->at;
        self->completion = (completion){ .kind = NORMAL };
        return true;
    }
    return false;
}

/* Takes a completion that is not normal one block outwards. */
static void unwind(interpret *self)
{
    block *b = top(self);

    if (b->ins->op->control == CONTROL_LOOP) {
        self->n_blocks--;
        if (self->completion.kind == BREAK) {
            self->completion = (completion){ .kind = NORMAL };
            self->pc = b->ins->end;
        }
        return;
    }
    if (b->ins->op->control != CONTROL_TRY) {
        leave_block(self);
        return;
    }
    if (b->phase == HANDLER)
        self->handled = b->handled;
    if (b->phase == BODY && self->completion.kind == RAISE && handle(self, b))
        return;
    if (b->phase == FINALLY || !b->ins->fin) {
        self->n_blocks--;
        return;
    }
    b->phase = FINALLY;
    b->saved = self->completion;
    self->completion = (completion){ .kind = NORMAL };
    self->pc = b->ins->fin;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* Goes on up to an operation that is to be awaited, then true; or to the end, then false. */
static bool advance(interpret *self)
{
    for (;;) {
        const instruction *ins;

        if (self->leaving)
            return true;
        if (self->completion.kind != NORMAL) {
            if (self->n_blocks == 0)
                return false;
            unwind(self);
            continue;
        }
        if (self->pc == self->code->n)
            return false;
        ins = &self->code->ins[self->pc++];
        if (++steps > 2 * MAX_STEPS) /* ends of blocks count here, too */
            scn_fail(ins->line, "runaway scenario");
        if (ins->op->start) {
            self->waiting = ins;
            return true;
        }
        execute(self, ins);
    }
}

/* What is to be awaited now. Called in the argument of the await, so that what it makes lies on the task's stack. */
static awl_coro start(interpret *self)
{
    self->awaited = NULL;
    self->result = NULL;
    if (self->leaving)
        return leave_group(self->leaving, self->leaving->saved.kind == RAISE ? self->leaving->saved.error : 0);
    return self->waiting->op->start(self, self->waiting);
}

static void finish(interpret *self)
{
    const instruction *ins = self->waiting;

    if (self->leaving) {
        self->completion = self->leaving->saved;
        if (self->error)
            raise_error(self, group_left(self->leaving, self->error));
        self->leaving = NULL;
    } else if (self->error) {
        raise_error(self, self->error);
    } else if (ins->op->control == CONTROL_WITH) {
        push(self, ins);
        top(self)->object = self->entering;
    } else if (ins->op->finish) {
        ins->op->finish(self, ins);
    }
}

co_define(interpret)
{
    co_begin;
    while (advance(self)) {
        co_try_cancel(self->error, start(self));
        if (!self->error && !self->leaving && self->waiting->op->outs == 1)
            co_result(self->result);
        finish(self);
    }
    if (self->completion.kind == RAISE)
        co_raise(self->completion.error);
    co_return(self->completion.kind == RETURN ? self->completion.value : NULL);
    co_end;
}

void run_fn(const code *fn, const value **args, size_t n_args)
{
    interpret activation = { .code = fn, .label = "-", .args = args, .n_args = n_args };

    advance(&activation);
    if (activation.completion.kind == RAISE)
        emit("*", "unhandled callback %s", error_kind(activation.completion.error));
}
