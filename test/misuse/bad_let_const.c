/* expect: error gcc: assignment of read-only member 'n' */
/* expect: error clang: with const-qualified type 'const int' */
#include "awl/coro.h"

co_def(leaf, { int n; })
{
    co_begin;
    co_return(1);
    co_end;
}

co_def(takes, { const int n; })
{
    co_begin;
    co_let(self->n, co_call(leaf));
    co_end;
}
