/* A struct of which one member is used after an await. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    struct point at; /* lint */
    at.x = look();
    at.y = look();
    co_await(co_call(leaf));
    show(at.y);
    co_end;
}
