/* expect: error gcc: incompatible type for argument 1 of 'co_from_pointer_' */
/* expect: error clang: to parameter of incompatible type 'const void *' */
#include "awl/coro.h"

struct point {
    int x, y;
};

co_def(gives, { struct point at; })
{
    co_begin;
    co_return(self->at);
    co_end;
}
