/* An await in a switch. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    switch (self->n) {
    case 1:
        co_await(co_call(leaf)); /* lint */
        break;
    default:
        break;
    }
    co_end;
}
