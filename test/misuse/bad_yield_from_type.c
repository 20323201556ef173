/* expect: warning gcc: incompatible pointer type */
/* expect: warning clang: incompatible pointer types passing */
#include "awl/coro.h"

co_gen(char, letters, { char c; })
{
    co_begin;
    co_yield(self->c);
    co_end;
}

co_gen(int, numbers, { struct letters part; })
{
    co_begin;
    self->part = co_iter(letters, .c = 'a');
    co_yield_from(self->part);
    co_end;
}

int first(void);
int first(void)
{
    struct numbers it = co_iter(numbers);
    int x = 0;

    co_next(&it, &x);
    return x;
}
