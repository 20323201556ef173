/* expect: warning gcc: value computed is not used */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

void forgets(void);
void forgets(void)
{
    struct count other = co_iter(count);

    co_iter(count, .n = 3);
    co_close(count, &other);
}
