/* expect: warning gcc: incompatible pointer type */
/* expect: warning clang: incompatible pointer types passing 'char *' to parameter of type 'int *' */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

char first(void);
char first(void)
{
    struct count it = co_iter(count, .n = 1);
    char x = 0;

    co_next(&it, &x);
    return x;
}
