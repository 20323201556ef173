/* An array of variable length that is alive at an await. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    char buf[self->n]; /* lint */
    fill(buf, sizeof buf);
    co_await(co_call(leaf));
    print(buf);
    co_end;
}
