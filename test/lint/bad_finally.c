/* A local that co_finally needs. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    const char *text = ""; /* lint */

    co_begin;
    text = look() ? "yes" : "no";
    co_await(co_call(leaf));
    co_finally;
    print(text);
    co_end;
}
