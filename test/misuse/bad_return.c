/* expect: error gcc: incompatible types when returning type 'int' but 'co_step' was expected */
/* expect: error clang: returning 'int' from a function with incompatible result type 'co_step' */
#include "awl/coro.h"

co_def(stray, { int n; })
{
    co_begin;
    if (self->n == 0)
        return 0;
    co_end;
}
