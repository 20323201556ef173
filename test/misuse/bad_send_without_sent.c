/* expect: error gcc: 'struct count' has no member named 'sent' */
/* expect: error clang: no member named 'sent' in 'struct count' */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

int first(void);
int first(void)
{
    struct count it = co_iter(count, .n = 1);
    int x = 0;

    co_send(&it, 5, &x);
    return x;
}
