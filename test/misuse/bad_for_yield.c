/* expect: error clang: cannot jump from switch statement to this case label */
/* expect: warning gcc-O2: may be used uninitialized */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

co_gen_declare(int, doubles, { int n; });

co_gen_define(doubles)
{
    co_begin;
    co_for (int, x, count, .n = self->n)
        co_yield(2 * x);
    co_end;
}
