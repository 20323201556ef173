/* Two of them; each is named. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int x = look(); /* lint */
    show(x);
    int y = look(); /* lint */
    co_await(co_call(leaf, .n = x));
    show(x);
    co_suspend;
    show(y);
    co_end;
}
