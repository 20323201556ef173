/* expect: silence gcc clang */
#include "awl/coro.h"

#include <errno.h>

co_def(leaf, { int n; })
{
    co_begin;
    co_suspend;
    if (self->n < 0)
        co_raise(EINVAL);
    else if (self->n > 0)
        co_return(self->n);
    else
        co_suspend;
    co_end;
}

/* Every statement macro as the only one of an if, else or loop; two on a line; a switch without an await; goto. */
co_def(flows, { int i, rc; co_stack *other; })
{
    co_begin;
    if (self->i)
        co_await(co_call(leaf));
    else
        co_let(self->i, co_call(leaf, .n = 1));
    while (self->i-- > 0)
        co_try(self->rc, co_call(leaf, .n = -1));
    do
        co_try_cancel(self->rc, co_call(leaf, .n = 1));
    while (self->rc);
    if (self->rc == 0)
        co_result(self->i);
    co_suspend; co_suspend; co_await(co_call(leaf)); co_await(co_call(leaf));
again:
    switch (self->i) {
    case 0:
        co_return(1.5);
    case 1:
        co_raise(EIO);
    case 2:
        self->i--;
        goto again;
    default:
        break;
    }
    if (self->other)
        co_switch(self->other);
    for (;;) {
        co_suspend;
        if (self->i++ == 3)
            break;
    }
    co_return("text");
    co_finally;
    if (self->i)
        co_return(0);
    co_raise(EIO);
    co_end;
}

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, flows); }
