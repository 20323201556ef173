/* expect: error gcc: 'nobody_type_' undeclared */
/* expect: error clang: use of undeclared identifier 'nobody_type_' */
#include "awl/coro.h"

co_def(calls, { int n; })
{
    co_begin;
    co_await(co_call(nobody, .n = 1));
    co_end;
}
