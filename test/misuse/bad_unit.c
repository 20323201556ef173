/* expect: warning gcc-O2 clang-O2: times are nanoseconds */
#include <awl.h>

co_def(hurries, { int n; })
{
    co_begin;
    co_await(awl_sleep(2));
    co_end;
}

const co_type *const used = &hurries_type_;
