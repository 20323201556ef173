/* expect: warning gcc: initialized field overwritten */
/* expect: warning clang: initializer overrides prior initialization of this subobject */
#include "awl/coro.h"

co_def(add, { int a, b; })
{
    co_begin;
    co_return(self->a + self->b);
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, add, .a = 1, .a = 2); }
