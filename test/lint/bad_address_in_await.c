/* The address of a local in what is awaited. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int x = 0; /* lint clang */
    co_await(co_call(leaf, .out = &x));
    co_end;
}
