/* The result of one await, used after the next. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int x, y; /* lint */
    co_let(x, co_call(leaf));
    co_let(y, co_call(leaf));
    show(x + y);
    co_end;
}
