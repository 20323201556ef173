/* What the tests of faults share: one dialogue over a wire, with a plan, and what must be so after each. */
#ifndef FAULTS_RIG_H
#define FAULTS_RIG_H

#include <stdio.h>

#include "../stream/rig.h"
#include "dialogue.h"
#include "slow.h"
#include "wire.h"

/* Everything about one dialogue. */
typedef struct affair {
    fault_plan plan;
    wire_habits habits;
    awl_time patience;   /* of both */
    int cancels;         /* the party that is cancelled, after so many iterations, 1 at least; -1: none */
    unsigned iterations;

    bool was_over;       /* by then it was done anyway */
    wire w;
    party parties[2];
} affair;

static affair the_affair; /* not in a frame: when a test fails, tasks of its own still run */

/* Ends the test, and says for which plan. */
static inline void check_affair(const affair *x, bool cond, const char *what, int line)
{
    static char text[320];
    const fault_way *f = &x->plan.way[FAULT_FORTH], *b = &x->plan.way[FAULT_BACK];

    if (cond)
        return;
    snprintf(text, sizeof text, "%s: forth %s@%zu, back %s@%zu; cancels %d after %u: errors %d %d, told %d %d, read %zu %zu",
             what, fault_name(f->kind), f->at, fault_name(b->kind), b->at, x->cancels, x->iterations, x->parties[0].error,
             x->parties[1].error, x->w.ends[0].told, x->w.ends[1].told, x->parties[0].len, x->parties[1].len);
    harness_fail_(__FILE__, line, "%s", text);
}
#define MUST(cond) check_affair(x, (cond), #cond, __LINE__)

/* ---- Running one ------------------------------------------------------------------------------------------------- */

co_def(have, { affair *x; awl_task *tasks[2]; unsigned i; int rc; })
{
    co_begin;
    if (wire_open(&self->x->w, &self->x->plan, &self->x->habits, &dialogue_options))
        co_raise(ENOMEM);
    for (int i = 0; i < 2; i++) {
        party *const p = &self->x->parties[i];

        *p = (party){ .s = self->x->w.ends[i].s, .answers = i, .limit = AWL_MINUTE, .patience = self->x->patience };
        self->tasks[i] = awl_create_task(dialogue_play(p));
    }
    if (!self->tasks[0] || !self->tasks[1])
        co_raise(ENOMEM);
    if (self->x->cancels >= 0) {
        for (self->i = 0; self->i < self->x->iterations; self->i++)
            co_await(awl_sleep(0));
        self->x->was_over = !awl_task_cancel(self->tasks[self->x->cancels]);
    }
    co_try_cancel(self->rc, self->tasks[0]);
    co_try_cancel(self->rc, self->tasks[1]);

    /* What they have written may still be on its way; who does not read it any more ends that. */
    for (self->i = 0; self->i < 100 && !wire_is_over(&self->x->w); self->i++)
        co_await(awl_sleep(AWL_SECOND));
    co_finally;
    for (int i = 0; i < 2; i++) {
        if (self->tasks[i])
            awl_task_release(self->tasks[i]);
        else
            awl_stream_close(self->x->w.ends[i].s);
        self->tasks[i] = NULL;
    }
    co_end;
}

/* ---- What must be so --------------------------------------------------------------------------------------------- */

/* The pipe that a party reads from. */
static inline const wire_pipe *pipe_to(const affair *x, int side) { return &x->w.pipes[1 - side]; }

/* Whether a party got all there was to be got, and the end. */
static inline bool is_complete(const affair *x, int side)
{
    return pipe_to(x, side)->taken == dialogue_total[1 - side] && x->w.ends[side].told_end;
}

/* What a party ends with: what its stream was told; and if that was the end, whether it came too early. */
static inline int due_error(const affair *x, int side)
{
    const wire_end *end = &x->w.ends[side];

    if (end->told_end)
        return is_complete(x, side) ? end->told : AWL_EINCOMPLETE;
    return end->told ? end->told : ETIMEDOUT;
}

/* It has read what arrived, byte for byte, and all of it if it had the chance to. */
static inline void check_bytes(const affair *x, int side)
{
    const wire_pipe *in = pipe_to(x, side);
    const party *p = &x->parties[side];

    MUST(p->len <= in->arrived);
    MUST(memcmp(p->got, in->log, p->len) == 0);
    if (p->error != EBADMSG && p->error != ECANCELED && p->error != ETIMEDOUT)
        MUST(p->len == in->arrived);
}

/* After a fault that stops: reset, cut, end or silence. */
static inline void check_stop(const affair *x)
{
    MUST(wire_is_over(&x->w));
    for (int side = 0; side < 2; side++) {
        const wire_pipe *in = pipe_to(x, side);

        check_bytes(x, side);
        MUST(x->parties[side].error == due_error(x, side));
        MUST(x->w.ends[side].told == 0 || x->w.ends[side].told == ECONNRESET || x->w.ends[side].told == EPIPE);
        if (in->way.kind != FAULT_NONE)
            MUST(in->way.done && in->arrived == in->way.at);
    }
}

/* After a fault that changes what is sent: somebody has noticed, unless it came after everything. What was changed may
 * be the end of a line, and so the end of all. */
static inline void check_change(const affair *x)
{
    bool noticed = false, changed = false;

    MUST(wire_is_over(&x->w));
    for (int side = 0; side < 2; side++) {
        const int error = x->parties[side].error;

        check_bytes(x, side);
        changed |= pipe_to(x, side)->way.done;
        noticed |= error == EBADMSG || error == ETIMEDOUT || error == AWL_EINCOMPLETE;
        MUST(error == 0 || error == EBADMSG || error == AWL_EINCOMPLETE || error == due_error(x, side) ||
             error == x->w.ends[side].told);
    }
    MUST(noticed == changed);
}

/* After a cancellation: that party ends with it, and the other one is told by what it has left behind. */
static inline void check_cancelled(const affair *x)
{
    MUST(wire_is_over(&x->w));
    for (int side = 0; side < 2; side++) {
        const int error = x->parties[side].error;

        check_bytes(x, side);
        if (side != x->cancels)
            MUST(error == due_error(x, side));
        else if (!x->was_over)
            MUST(error == ECANCELED);
    }
}

/* Nothing went wrong, and nobody noticed anything. */
static inline void check_peace(const affair *x)
{
    MUST(wire_is_over(&x->w));
    for (int side = 0; side < 2; side++) {
        check_bytes(x, side);
        MUST(x->parties[side].error == 0 && is_complete(x, side));
    }
}

/* One dialogue, after which the loop has no more memory in use than after the one before. Result: none. */
co_def(have_and_forget, { affair *x; })
{
    static size_t used; /* with the stack of the main task as large as it gets */
    awl_loop_stats stats;

    co_begin;
    co_await(co_call(have, .x = self->x));
    awl_loop_get_stats(NULL, &stats);
    CHECK_INT(stats.memory_used, used ? used : stats.memory_used);
    used = stats.memory_used;
    CHECK_INT(stats.tasks, 1);
    CHECK_INT(stats.tasks_held, 0);
    co_end;
}

#endif
