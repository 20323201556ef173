/* expect: error: Wreturn-type */

#include "awl/coro.h"

co_def(plain, { int n; })
{
    co_begin;
    if (self->n)
        return;
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, plain); }
