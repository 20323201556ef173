/* expect: warning gcc: 'x' may be used uninitialized */
/* expect: warning clang: variable 'x' is uninitialized when used here */
#include "awl/coro.h"

int look(void);

co_gen_declare(int, loses, { int n; });

co_gen_define(loses)
{
    co_begin;
    int x = look();
    co_yield(1);
    co_yield(x);
    co_end;
}
