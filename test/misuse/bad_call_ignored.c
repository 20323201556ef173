/* expect: warning gcc: ignoring return value of 'co_made_' */
/* expect: warning clang: ignoring return value of function declared with 'warn_unused_result' attribute */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_return(self->n);
    co_end;
}

co_def(forgets, { int n; })
{
    co_begin;
    co_call(leaf, .n = 1);
    co_await(co_call(leaf, .n = 2));
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, forgets); }
