/* expect: warning gcc-O2+AWL_LINT: 'list' may be used uninitialized */
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
    int list[4];
    for (int i = 0; i < 4; i++)
        list[i] = look();
    co_await(co_call(leaf));
    show(list[2]);
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, loses); }
