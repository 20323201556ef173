/* An await in a switch over a type that has room for the numbers of awaits. */
#include "lint_samples.h"

co_declare(loses, { long n; });

co_define(loses)
{
    co_begin;
    switch (self->n) {
    case 1:
        co_await(co_call(leaf)); /* lint clang */
        break;
    default:
        break;
    }
    co_end;
}
