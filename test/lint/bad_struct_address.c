/* A struct that is used by its address after an await. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    struct point at = { look(), look() }; /* lint */
    co_await(co_call(leaf));
    show_point(&at);
    co_end;
}
