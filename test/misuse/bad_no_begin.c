/* expect: error gcc: 'co_begin_is_missing_or_no_coroutine_' undeclared */
/* expect: error clang: use of undeclared identifier 'co_begin_is_missing_or_no_coroutine_' */
#include "awl/coro.h"

co_def(headless, { int n; })
{
    co_suspend;
    co_end;
}
