/* parts.c: see parts.h */
#include "parts.h"

co_define(parts_product)
{
    co_begin;
    co_suspend;
    co_return(self->a * self->b);
    co_end;
}

co_define(parts_even)
{
    int odd; /* lives between two suspensions only */

    co_begin;
    if (self->n == 0)
        co_return(1);
    co_let(odd, co_call(parts_odd, .n = self->n - 1));
    co_return(odd);
    co_end;
}

co_define(parts_odd)
{
    int even;

    co_begin;
    if (self->n == 0)
        co_return(0);
    co_let(even, co_call(parts_even, .n = self->n - 1));
    co_return(even);
    co_end;
}

co_gen_define(parts_count)
{
    co_begin;
    for (; self->from < self->to; self->from++)
        co_yield(self->from);
    co_end;
}

co_gen_define(parts_words)
{
    static const char *const words[] = { "one", "two", "three" };

    co_begin;
    for (; self->n < 3; self->n++)
        co_yield(words[self->n]);
    co_end;
}

int parts_sum(int from, int to)
{
    int sum = 0;

    co_for (int, x, parts_count, .from = from, .to = to)
        sum += x;
    return sum;
}
