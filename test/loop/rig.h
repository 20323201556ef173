/* What the tests of this folder share: loops with virtual time, and a trace of what was called. */
#ifndef LOOP_RIG_H
#define LOOP_RIG_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "awl/loop.h"
#include "trace.h"

/* Callbacks that say their argument with the time, in milliseconds; that stop the running loop. */
static inline void say_when(void *word) { say("%s@%d", (const char *)word, (int)(awl_loop_time(NULL) / AWL_MS)); }
static inline void stop(void *loop) { awl_loop_stop(loop); }

/* Opens a loop, which must succeed; with virtual time; with the real one. */
static inline awl_loop *open_with(awl_loop_options options)
{
    awl_loop *loop = awl_loop_open(&options);

    CHECK(loop != NULL);
    return loop;
}
static inline awl_loop *open_virtual(void) { return open_with((awl_loop_options){ .virtual_time = true }); }
static inline awl_loop *open_real(void) { return open_with((awl_loop_options){ .virtual_time = false }); }

/* Runs a loop with virtual time until nothing is left that could happen. */
static inline void run_dry(awl_loop *loop) { CHECK_INT(awl_loop_run_forever(loop), EDEADLK); }

/* Runs exactly one iteration, which does not wait. */
static inline void run_once(awl_loop *loop)
{
    awl_loop_stop(loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
}

static inline size_t memory_used(const awl_loop *loop)
{
    awl_loop_stats stats;

    awl_loop_get_stats(loop, &stats);
    return stats.memory_used;
}

#endif
