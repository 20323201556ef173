/* What the tests of this folder share: tests that are the main task of a loop with virtual time, a trace, the reports. */
#ifndef TASK_RIG_H
#define TASK_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "awl.h"
#include "trace.h"

/* The number of an error as most machines with Linux have it, which is what traces show. */
static inline int usual(int error)
{
    return error == ECANCELED ? 125 : error == ETIMEDOUT ? 110 : error == EDEADLK ? 35 : error;
}

/* ---- What the loop reported ---------------------------------------------------------------------------------------- */

static char reports[4096]; /* NAME:ERROR, with `; ` between them */
static awl_report last_report;

static inline void note_report(void *arg, const awl_report *report)
{
    const size_t used = strlen(reports);

    (void)arg;
    last_report = *report;
    snprintf(reports + used, sizeof reports - used, "%s%s:%d", used ? "; " : "", report->name ? report->name : "-",
             usual(report->error));
}

#define CHECK_REPORTS(expected) (CHECK_STR(reports, (expected)), (void)(reports[0] = '\0'))

/* ---- Loops ---------------------------------------------------------------------------------------------------------- */

static const awl_loop_options virtual_options = { .virtual_time = true, .report = note_report };

static inline awl_loop *open_virtual(void)
{
    awl_loop *loop = awl_loop_open(&virtual_options);

    CHECK(loop != NULL);
    return loop;
}

static inline awl_loop_stats stats_of(awl_loop *loop)
{
    awl_loop_stats stats;

    awl_loop_get_stats(loop ? loop : awl_running_loop(), &stats);
    return stats;
}

static inline int now_ms(void) { return (int)(awl_loop_time(NULL) / AWL_MS); }

/* The number of the iteration that is running; the first one of a loop is 1. */
static inline int iteration(void) { return (int)stats_of(NULL).iterations; }

/* Runs a coroutine as the main task of a loop with virtual time. It must succeed, and nothing may be reported. */
static inline __attribute__((unused)) void run_main(awl_coro coroutine)
{
    CHECK_INT(awl_run_with(coroutine, &virtual_options, NULL), 0);
    CHECK_REPORTS("");
}

/* TASK_TEST(name, { fields }) { body }: a test whose body is that of the main task. */
#define TASK_TEST(name, ...)                                                                                             \
    co_declare(name, __VA_ARGS__);                                                                                       \
    TEST(name) { run_main(co_call(name)); }                                                                              \
    co_define(name)

/* Defines coroutines that many tests make tasks of. */
#define RIG_COROUTINES                                                                                                   \
    /* Sleeps, and returns a value or raises an error. */                                                                \
    co_def(sleeps, { awl_time t; int value, error; })                                                                    \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        co_await(awl_sleep(self->t));                                                                                    \
        if (self->error)                                                                                                 \
            co_raise(self->error);                                                                                       \
        co_return(self->value);                                                                                          \
        co_end;                                                                                                          \
    }                                                                                                                    \
    /* Says its name, the end of its sleep or its error, and whatever happens, its finally: each with the iteration. */  \
    co_def(tells, { const char *name; awl_time t; int rc; })                                                             \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        say("%s:starts@%d", self->name, iteration());                                                                    \
        co_try_cancel(self->rc, awl_sleep(self->t));                                                                     \
        say("%s:%s@%d", self->name, self->rc ? "cancelled" : "slept", iteration());                                      \
        if (self->rc)                                                                                                    \
            co_raise(self->rc);                                                                                          \
        co_finally;                                                                                                      \
        say("%s:ends@%d", self->name, iteration());                                                                      \
        co_end;                                                                                                          \
    }                                                                                                                    \
    /* Awaits a future and says what comes of it. */                                                                     \
    co_def(awaits, { const char *name; awl_future *future; int rc, value; })                                             \
    {                                                                                                                    \
        co_begin;                                                                                                        \
        co_try_cancel(self->rc, self->future);                                                                           \
        if (!self->rc)                                                                                                   \
            co_result(self->value);                                                                                      \
        say("%s:%d/%d@%d", self->name, usual(self->rc), self->value, iteration());                                              \
        if (self->rc)                                                                                                    \
            co_raise(self->rc);                                                                                          \
        co_return(self->value);                                                                                          \
        co_end;                                                                                                          \
    }                                                                                                                    \
    static inline __attribute__((unused)) void rig_coroutines_may_be_unused_(void)                                       \
    {                                                                                                                    \
        (void)&sleeps_type_, (void)&tells_type_, (void)&awaits_type_;                                                    \
    }                                                                                                                    \
    typedef int rig_coroutines_end_

#endif
