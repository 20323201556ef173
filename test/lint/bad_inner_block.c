/* A local of an inner block. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    while (self->n--) {
        int square = self->n * self->n; /* lint */
        if (square > 10)
            co_await(co_call(leaf));
        show(square);
    }
    co_end;
}
