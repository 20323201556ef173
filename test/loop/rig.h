/* What the tests of this folder share: loops with virtual time, and a trace of what was called. */
#ifndef LOOP_RIG_H
#define LOOP_RIG_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "awl/loop.h"
#include "harness.h"

/* The words that were said, with a blank between them. */
static char trace[4096];

static inline __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
    const size_t used = strlen(trace);
    va_list arguments;

    if (used > sizeof trace - 64)
        return;
    va_start(arguments, format);
    if (used)
        strcat(trace, " ");
    vsnprintf(trace + strlen(trace), sizeof trace - used - 1, format, arguments);
    va_end(arguments);
}

/* Compares the trace with what is expected, and begins a new one. */
#define CHECK_TRACE(expected) (CHECK_STR(trace, (expected)), (void)(trace[0] = '\0'))

/* Callbacks that say their argument; with the time, in milliseconds; that stop the running loop. */
static inline void say_it(void *word) { say("%s", (const char *)word); }
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
