/* What the layers above may know of how a loop is watched. */
#ifndef AWL_GUARD_PRIV_H
#define AWL_GUARD_PRIV_H

#include "loop_priv.h"

/* loop->guard: not NULL where steps are watched. */

/* Around whatever runs: where it goes on (of a task), and a line that is not 0. Result of begin: for end; of end: how
 * long it took, if that was too long, else 0. */
awl_time awl__guard_begin(awl_loop *loop, const co_type *type, unsigned line);
awl_time awl__guard_end(awl_loop *loop, awl_time begin);

/* The loop's. open: as its options and the environment say; false: no memory. */
bool awl__guard_open(awl_loop *loop);
void awl__guard_begin_all(awl_loop *loop);

#endif
