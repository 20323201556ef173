/* expect: error gcc: from type 'struct point' */
/* expect: error clang: from incompatible type 'struct point' */
#include "awl/coro.h"

struct point {
    int x, y;
};

co_gen(int, gives, { struct point at; })
{
    co_begin;
    co_yield(self->at);
    co_end;
}
