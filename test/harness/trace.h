/* A trace of what happened in a test: words that are said, to be compared in one. */
#ifndef TRACE_H
#define TRACE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

static char trace[4096]; /* the words, with a blank between them */

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

/* A callback that says its argument. */
static inline void say_it(void *word) { say("%s", (const char *)word); }

#endif
