/* expect: error clang: cannot jump from switch statement to this case label */
/* expect: warning gcc-O2+AWL_LINT: may be used uninitialized */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_suspend;
    co_return(self->n);
    co_end;
}

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

co_def(loses, { int n; })
{
    co_begin;
    co_for (int, x, count, .n = 3)
        co_await(co_call(leaf, .n = x));
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, loses); }
