/* expect: error gcc: is negative */
/* expect: error clang: array size is negative */
#include "awl/coro.h"

co_def(enormous, { char bytes[500000]; })
{
    co_begin;
    co_end;
}
