/* expect: warning gcc: makes integer from pointer without a cast */
/* expect: warning clang: incompatible pointer to integer conversion */
#include "awl/coro.h"

co_gen(int, gives, { const char *text; })
{
    co_begin;
    co_yield(self->text);
    co_end;
}

int first(void);
int first(void)
{
    struct gives it = co_iter(gives);
    int x = 0;

    co_next(&it, &x);
    return x;
}
