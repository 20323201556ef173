/* An array whose elements are set one by one. */
#include "lint_samples.h"

co_declare(loses, { int n; });

co_define(loses)
{
    co_begin;
    int list[4]; /* lint */
    for (int i = 0; i < 4; i++)
        list[i] = look();
    co_await(co_call(leaf));
    show(list[2]);
    co_end;
}
