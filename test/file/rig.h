/* What the tests of this folder share. */
#ifndef FILE_RIG_H
#define FILE_RIG_H

#include <fcntl.h>

#include "../task/rig.h"
#include "faults.h"
#include "folder.h"

/* ---- Tasks ------------------------------------------------------------------------------------------------------ */

/* Awaits x, which must fail with `error`, a cancellation included. Needs an int field `rc`. */
#define CHECK_FAILS(error, ...)               \
    do {                                      \
        co_try_cancel(self->rc, __VA_ARGS__); \
        CHECK_INT(self->rc, (error));         \
    } while (0)

/* Makes a task in self->t that stops in a thread at such a call. */
#define START_UP_TO(kind, ...)                             \
    do {                                                   \
        stop_at(kind);                                     \
        self->t = awl_create_task(__VA_ARGS__);            \
        CHECK(self->t != NULL);                            \
        do                                                 \
            co_await(awl_sleep(0));                       \
        while (!has_stopped() && !awl_task_done(self->t)); \
        CHECK(!awl_task_done(self->t)); /* ENOMEM */       \
    } while (0)

/* Cancels it where it has stopped, and lets the thread go on. */
#define CANCEL_IT                        \
    do {                                 \
        awl_task_cancel(self->t);        \
        CHECK_FAILS(ECANCELED, self->t); \
        awl_task_release(self->t);       \
        self->t = NULL;                  \
        go_on();                         \
    } while (0)

/* Until no thread has anything to do, and what came of the last job has been seen. */
co_def(quiet, {
    awl_executor_stats stats;
    int turns;
})
{
    co_begin;
    while (self->turns++ < 4) {
        co_await(awl_sleep(0));
        awl_executor_get_stats(NULL, &self->stats);
        if (self->stats.jobs)
            self->turns = 0;
    }
    co_end;
}

static inline __attribute__((unused)) void rig_may_be_unused_(void) { (void)&quiet_type_, (void)run_main; }

#endif
