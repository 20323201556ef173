/* An array that is filled, and used after an await. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    char buf[32]; /* lint */
    fill(buf, sizeof buf);
    co_await(co_call(leaf));
    print(buf);
    co_end;
}
