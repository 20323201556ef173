/* expect: warning gcc-O2 gcc-O0+AWL_LINT gcc-O2+AWL_LINT: 'x' may be used uninitialized */
/* expect: warning clang+AWL_LINT: variable 'x' is uninitialized when used here */
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
    int x, y;
    co_let(x, co_call(leaf));
    co_let(y, co_call(leaf));
    show(x + y);
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, loses); }
