/* expect: error gcc: is negative */
/* expect: error clang: array size is negative */
#include "awl/coro.h"

#define AWAIT co_suspend;
#define AWAIT_11 AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT

/* 254 of them. */
co_def(long_winded, { int n; })
{
    co_begin;
    AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11
    AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11 AWAIT_11
    AWAIT_11 AWAIT
    co_end;
}
