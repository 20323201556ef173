/* expect: error gcc: is negative */
/* expect: error clang: array size is negative */
#include "awl/coro.h"

/* What is given to a macro is numbered before what the macro begins with. */
#define BODY(...)                                                                                                        \
    co_begin;                                                                                                            \
    __VA_ARGS__;                                                                                                         \
    co_end

co_def(leaf, { int n; })
{
    BODY(co_return(1));
}

co_def(awaits, { int n; })
{
    BODY(co_await(co_call(leaf)));
}
