/* expect: warning gcc-O2 gcc-O0+AWL_LINT: 'i' may be used uninitialized */
/* expect: warning clang+AWL_LINT: variable 'i' is uninitialized when used here */
#include "awl/coro.h"

int look(void);
void show(int x);

co_def(leaf, { int n; })
{
    co_begin;
    co_suspend;
    co_return(self->n);
    co_end;
}

co_def(loses, { int n; })
{
    co_begin;
    for (int i = 0; i < 3; i++)
        co_await(co_call(leaf, .n = i));
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, loses); }
