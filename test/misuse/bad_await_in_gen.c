/* expect: error gcc: request for member 'top_' in something not a structure or union */
/* expect: error clang: is not a structure or union */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_end;
}

co_gen(int, not_a_coroutine, { int n; })
{
    co_begin;
    co_await(co_call(leaf));
    co_end;
}
