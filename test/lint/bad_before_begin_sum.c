/* The same, where it grows in a loop. */
#include "lint_samples.h"

co_declare(loses, { int n, i; });

co_define(loses)
{
    int sum = 0; /* lint */

    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(co_call(leaf));
        sum += look();
    }
    co_return(sum);
    co_end;
}
