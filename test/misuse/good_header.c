/* expect: silence gcc clang */
#include "awl/coro.h"

/* As a header has it, with nothing of it used here but what is defined. */
co_declare(defined_elsewhere, { int n; });
co_declare(defined_here, { int n; });
co_declare(other_half, { int n; });
co_gen_declare(int, count_elsewhere, { int n; });
co_gen_declare(int, count_here, { int n, i; });

co_define(defined_here)
{
    co_begin;
    if (self->n)
        co_await(co_call(other_half, .n = self->n - 1));
    co_await(co_call(defined_elsewhere));
    co_end;
}

co_define(other_half)
{
    co_begin;
    if (self->n)
        co_await(co_call(defined_here, .n = self->n - 1));
    co_end;
}

co_gen_define(count_here)
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}
