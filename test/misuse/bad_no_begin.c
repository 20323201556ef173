/* expect: error gcc: 'co_base_' undeclared */
/* expect: error clang: use of undeclared identifier 'co_base_' */
#include "awl/coro.h"

co_def(headless, { int n; })
{
    co_suspend;
    co_end;
}
