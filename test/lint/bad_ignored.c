/* An object that nobody awaits. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    co_call(leaf, .n = 1); /* lint */
    co_await(co_call(leaf));
    co_end;
}
