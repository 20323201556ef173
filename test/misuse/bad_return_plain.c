/* expect: warning gcc: 'return' with no value, in function returning non-void */
/* expect: error clang: should return a value */
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
