/* expect: error gcc: expected expression before 'do' */
/* expect: error clang: expected expression */
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
    self->n = co_await(co_call(leaf));
    co_end;
}
