/* expect: warning gcc: incompatible pointer type */
/* expect: warning clang: incompatible pointer types passing 'struct letters *' to parameter of type 'struct count *' */
#include "awl/coro.h"

co_gen(int, count, { int n, i; })
{
    co_begin;
    for (; self->i < self->n; self->i++)
        co_yield(self->i);
    co_end;
}

co_gen(char, letters, { char c; })
{
    co_begin;
    co_yield(self->c);
    co_end;
}

void closes(void);
void closes(void)
{
    struct letters it = co_iter(letters);
    struct count other = co_iter(count);

    co_close(count, &other);
    co_close(count, &it);
}
