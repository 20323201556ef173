/* expect: error gcc: 'co_return' undeclared */
/* expect: error clang: use of undeclared identifier 'co_return' */
#include "awl/coro.h"

co_def(plain, { int n; })
{
    co_begin;
    co_return;
    co_end;
}
