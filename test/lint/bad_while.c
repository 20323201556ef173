/* A counter around a loop. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int left = 3; /* lint */
    while (left--)
        co_await(co_call(leaf));
    co_end;
}
