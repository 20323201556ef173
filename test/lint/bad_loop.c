/* A loop counter. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    for (int i = 0; i < 3; i++) /* lint */
        co_await(co_call(leaf, .n = i));
    co_end;
}
