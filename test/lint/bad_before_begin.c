/* A local before co_begin: it has its first value again after each await. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    int x = 0; /* lint */

    co_begin;
    x = look();
    co_await(co_call(leaf));
    show(x);
    co_end;
}
