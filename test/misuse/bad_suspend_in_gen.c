/* expect: error gcc: request for member 'leaf_' in something not a structure or union */
/* expect: error clang: is not a structure or union */
#include "awl/coro.h"

co_gen(int, not_a_coroutine, { int n; })
{
    co_begin;
    co_suspend;
    co_end;
}
