/* expect: error gcc: expected declaration or statement at end of input */
/* expect: error clang: expected '}' */
#include "awl/coro.h"

co_def(open, { int n; })
{
    co_begin;
    self->n = 1;
}
