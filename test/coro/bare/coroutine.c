/* coroutine.c: coroutines on a stack in static memory, for check_bare.sh: they need no library either. */
#include "awl/coro.h"

/* Frames of several sizes, as the compiler clears and copies them in several ways. */
co_def(leaf, { int n; })
{
    co_begin;
    co_suspend;
    if (self->n < 0)
        co_raise(22);
    co_return(self->n);
    co_end;
}

co_def(middle, { int n, rc, result; double scale; const char *name; })
{
    co_begin;
    co_let(self->result, co_call(leaf, .n = self->n));
    co_try(self->rc, co_call(leaf, .n = -self->n));
    co_return(self->result + self->rc);
    co_finally;
    co_await(co_call(leaf));
    co_end;
}

co_def(wide, { int64_t values[12]; int result; })
{
    co_begin;
    self->values[11] = 1;
    co_let(self->result, co_call(middle, .n = 3, .name = "wide"));
    co_return(self->result + self->values[11]);
    co_end;
}

co_def(root, { int result; })
{
    co_begin;
    co_let(self->result, co_call(wide));
    co_return(self->result);
    co_end;
}

static uint64_t memory[128];

/* Runs all of it; 26, or 0 when the memory does not suffice. */
int run(void);

int run(void)
{
    co_stack stack;

    co_stack_init(&stack, memory, sizeof memory);
    if (!co_start(&stack, root))
        return 0;
    while (!co_ended(&stack))
        co_run(&stack);
    return co_ended_error(&stack) ? 0 : (int)co_ended_value(&stack).i;
}
