/* A pointer that is a local itself. */
#include "lint_samples.h"

co_declare(loses, { const char *text; });

co_define(loses)
{
    co_begin;
    const char *at = self->text; /* lint */
    while (*at++)
        co_await(co_call(leaf));
    co_end;
}
