/* expect: error gcc: invalid use of undefined type 'struct nobody' */
/* expect: error clang: incomplete definition of type 'struct nobody' */
#include "awl/coro.h"

co_define(nobody)
{
    co_begin;
    co_end;
}
