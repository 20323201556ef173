/* expect: error gcc: 'struct add' has no member named 'c' */
/* expect: error clang: field designator 'c' does not refer to any field in type 'struct add' */
#include "awl/coro.h"

co_def(add, { int a, b; })
{
    co_begin;
    co_return(self->a + self->b);
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, add, .a = 1, .c = 2); }
