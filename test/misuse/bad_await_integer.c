/* expect: error gcc: invalid initializer */
/* expect: error clang: initializing 'co_object' (aka 'struct co_object') with an expression of incompatible type 'int' */
#include "awl/coro.h"

co_def(awaits, { int n; })
{
    co_begin;
    co_await(self->n);
    co_end;
}
