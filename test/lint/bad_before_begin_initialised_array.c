/* An array before co_begin that is emptied again and again. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    char buf[32] = ""; /* lint clang */

    co_begin;
    fill(buf, sizeof buf);
    co_await(co_call(leaf));
    print(buf);
    co_end;
}
