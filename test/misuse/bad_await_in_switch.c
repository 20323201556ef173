/* expect: error gcc clang lp64: duplicate case value */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_suspend;
    co_end;
}

co_def(chooses, { int way; })
{
    co_begin;
    switch (self->way) {
    case 1:
        co_await(co_call(leaf));
        break;
    default:
        break;
    }
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, chooses); }
