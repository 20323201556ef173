/* expect: error gcc: is negative */
/* expect: error clang: array size is negative */
#include "awl/coro.h"

co_def(over_aligned, { _Alignas(16) char bytes[16]; })
{
    co_begin;
    co_end;
}
