/* expect: error gcc: switch jumps into statement expression */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_return(1);
    co_end;
}

co_def(awaits, { int n; })
{
    co_begin;
    self->n = __extension__({ co_await(co_call(leaf)); 1; });
    co_end;
}
