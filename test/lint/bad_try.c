/* The error of one await, used after the next. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int rc; /* lint */
    co_try(rc, co_call(leaf));
    co_await(co_call(leaf));
    if (rc)
        co_raise(rc);
    co_end;
}
