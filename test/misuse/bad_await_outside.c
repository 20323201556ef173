/* expect: error gcc: 'self' undeclared (first use in this function) */
/* expect: error clang: use of undeclared identifier 'self' */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_end;
}

int plain(void);
int plain(void)
{
    co_await(co_call(leaf));
    return 0;
}
