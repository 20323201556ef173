/* expect: error gcc: 'typeof' applied to a bit-field */
/* expect: error clang: invalid application of 'typeof' to bit-field */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_return(1);
    co_end;
}

co_def(takes, { bool on : 1; })
{
    co_begin;
    co_let(self->on, co_call(leaf));
    co_end;
}
