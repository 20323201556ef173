/* An array before co_begin. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    char buf[32]; /* lint */

    co_begin;
    fill(buf, sizeof buf);
    co_await(co_call(leaf));
    print(buf);
    co_end;
}
