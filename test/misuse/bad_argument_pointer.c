/* expect: warning gcc: makes pointer from integer without a cast */
/* expect: warning clang: incompatible integer to pointer conversion */
#include "awl/coro.h"

co_def(greet, { const char *name; })
{
    co_begin;
    co_return(self->name);
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, greet, .name = 5); }
