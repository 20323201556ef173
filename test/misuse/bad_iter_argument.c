/* expect: error gcc: 'struct count' has no member named 'up_to' */
/* expect: error clang: field designator 'up_to' does not refer to any field in type 'struct count' */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

int sum(void);
int sum(void)
{
    int sum = 0;

    co_for (int, x, count, .up_to = 3)
        sum += x;
    return sum;
}
