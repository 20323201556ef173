/* An await in co_for: the generator is a local. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    co_for (int, x, count, .n = 3) /* lint */
        co_await(co_call(leaf, .n = x));
    co_end;
}
