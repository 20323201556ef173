/* expect: error gcc: duplicate label 'co_unwind_' */
/* expect: error clang: redefinition of label 'co_unwind_' */
#include "awl/coro.h"

co_def(begins_again, { int n; })
{
    co_begin;
    self->n = 1;
    {
        co_begin;
        co_end;
    }
    co_end;
}
