/* expect: error gcc: switch jumps into scope of identifier with variably modified type */
/* expect: error clang: cannot jump from switch statement to this case label */
#include "awl/coro.h"

co_def(sized, { int n; })
{
    co_begin;
    char buf[self->n];
    buf[0] = 1;
    co_suspend;
    self->n = buf[0];
    co_end;
}
