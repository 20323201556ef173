/* A goto past the place where a local gets its value. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    if (self->n)
        goto later;
    int x; /* lint */
    x = look();
    show(x);
later:
    show(x);
    co_await(co_call(leaf));
    co_end;
}
