/* expect: error gcc: redefinition of 'struct twice' */
/* expect: error clang: redefinition of 'twice' */
#include "awl/coro.h"

co_declare(twice, { int n; });

co_def(twice, { int n, m; })
{
    co_begin;
    co_end;
}
