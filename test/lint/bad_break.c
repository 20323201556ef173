/* A break that stands in no loop. */
#include "lint_samples.h"

co_declare(leaves, { int n; });

co_define(leaves)
{
    co_begin;
    if (self->n > 1)
        break;
    co_await(co_call(leaf));
    co_end; /* lint */
}
