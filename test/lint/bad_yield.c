/* A local across a yield. */
#include "lint_samples.h"

co_gen_declare(int, loses, { int n; });

co_gen_define(loses)
{
    int a = 0, b = 1; /* lint */

    co_begin;
    while (b < self->n) {
        int next = a + b;
        a = b;
        b = next;
        co_yield(b);
    }
    co_end;
}
