/* expect: error gcc: incompatible types when assigning to type 'co_stack' */
/* expect: error clang: assigning to 'co_stack' (aka 'struct co_stack') from incompatible type 'int' */
#include "awl/coro.h"

co_def(not_a_generator, { int n; })
{
    co_begin;
    co_yield(self->n);
    co_end;
}
