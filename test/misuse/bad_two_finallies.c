/* expect: error gcc: duplicate case value */
/* expect: error clang: duplicate case value */
#include "awl/coro.h"

co_def(cleans_twice, { int n; })
{
    co_begin;
    self->n = 1;
    co_finally;
    self->n = 2;
    co_finally;
    self->n = 3;
    co_end;
}
