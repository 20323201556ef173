/* expect: warning: a break outside of any loop leaves the coroutine */
#include "awl/coro.h"

co_def(leaves, { int n; })
{
    co_begin;
    if (self->n > 1)
        break;
    co_suspend;
    co_end;
}

const co_type *const used = &leaves_type_;
