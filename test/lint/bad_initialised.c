/* A local that is initialised, and used after an await. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int x = look(); /* lint */
    co_await(co_call(leaf));
    show(x);
    co_end;
}
