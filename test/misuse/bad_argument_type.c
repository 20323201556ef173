/* expect: error gcc: incompatible types when initializing type 'int' using type 'struct point' */
/* expect: error clang: initializing 'int' with an expression of incompatible type 'struct point' */
#include "awl/coro.h"

struct point {
    int x, y;
};

co_def(add, { int a, b; })
{
    co_begin;
    co_return(self->a + self->b);
    co_end;
}

int start(co_stack *stack, struct point at);
int start(co_stack *stack, struct point at) { return co_start(stack, add, .a = at); }
