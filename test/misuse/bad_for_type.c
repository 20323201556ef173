/* expect: warning gcc: incompatible pointer type */
/* expect: warning clang: incompatible pointer types passing 'long *' to parameter of type */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

long sum(void);
long sum(void)
{
    long sum = 0;

    co_for (long, x, count, .n = 3)
        sum += x;
    return sum;
}
