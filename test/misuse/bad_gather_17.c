/* expect: error: USE_awl_gather_n_FOR_MORE_THAN_16 */
#include <awl.h>

#define S awl_sleep(AWL_SECOND)

co_def(gathers, { int n; })
{
    co_begin;
    co_await(awl_gather(S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S));
    co_end;
}

const co_type *const used = &gathers_type_;
