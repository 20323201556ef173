/* expect: error gcc clang lp64: duplicate case value */
#include "awl/coro.h"

co_gen_declare(int, chooses, { unsigned char way; });

co_gen_define(chooses)
{
    co_begin;
    switch (self->way) {
    case 1:
        co_yield(1);
        break;
    default:
        break;
    }
    co_end;
}
