/* A local array in what is awaited. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    char buf[32]; /* lint clang */
    co_await(co_call(leaf, .buf = buf));
    co_end;
}
