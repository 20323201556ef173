/* What the tests of this folder share: coroutines that wait for one thing each, and say what came of it. */
#ifndef SYNC_RIG_H
#define SYNC_RIG_H

#include "../task/rig.h"

/* Defines a coroutine `name` that awaits an operation on an object of `type` and says NAME:ERROR/RESULT@ITERATION. */
#define SAYING(coro, type, operation)                                                                                    \
    co_def(coro, { type *of; const char *name; int rc, value; })                                                         \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        co_try_cancel(self->rc, operation(self->of));                                                                    \
        if (!self->rc)                                                                                                   \
            co_result(self->value);                                                                                      \
        if (self->rc == ENOMEM)                                                                                          \
            co_raise(ENOMEM);                                                                                            \
        say("%s:%d/%d@%d", self->name, usual(self->rc), self->value, iteration() - base);                                       \
        co_end;                                                                                                          \
    }                                                                                                                    \
    static inline __attribute__((unused)) void coro##_may_be_unused_(void) { (void)&coro##_type_; }                      \
    typedef int coro##_end_

static int base; /* the iteration that the trace counts from */
static inline __attribute__((unused)) void begin_count(void) { base = iteration(); }

/* Runs a coroutine in memory that no sanitizer watches, so that a trap is heard first. */
static inline __attribute__((unused)) void run_unwatched(awl_coro coroutine)
{
    static _Alignas(16) char memory[16384];

    awl_run_with(coroutine, &(awl_loop_options){ .memory = memory, .memory_size = sizeof memory }, NULL);
}

#endif
