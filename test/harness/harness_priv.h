/*
 * harness_priv.h: what the files of the harness know of each other.
 *
 * Two kinds of process run this code. The *runner* (harness.c, run.c, report.c) starts tests and judges them; it never runs
 * a line of a test. A *test's process* (child.c, check.c, alloc.c) is forked from it and answers through its struct verdict,
 * which lies in memory shared by both: that works from any thread and grandchild, and when every descriptor is closed.
 */
#ifndef HARNESS_PRIV_H
#define HARNESS_PRIV_H

#include "harness.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include <signal.h>
#include <sys/types.h>

/* A text that grows up to a limit; what does not fit is dropped. Zeroed, it is empty. */
struct text {
    size_t len;
    char at[4096];
};

enum verdict_kind {
    VERDICT_NONE,    /* the test runs, or went behind our back */
    VERDICT_WRITING, /* somebody is filling in the rest */
    VERDICT_PASSED,
    VERDICT_SKIPPED,
    VERDICT_CHECK,   /* a check failed: right, if the test was refused memory */
    VERDICT_BROKEN,  /* wrong in any case */
};

struct verdict {
    _Atomic int kind;       /* the first to leave VERDICT_NONE wins */
    _Atomic size_t refused; /* allocations failed on behalf of the command line */
    void *refused_to;       /* who asked for the first of these */
    int line;
    char file[160];
    struct text why; /* lines, each a reason */
};

/* The allocation that fails on behalf of the command line: the n-th (none if 0), and all later ones if `from`. */
struct refusal {
    size_t n;
    bool from;
};

/* What a run came to, as the runner sees it. */
enum outcome { OUTCOME_PASSED, OUTCOME_SKIPPED, OUTCOME_FAILED };

/* The last bytes that a test wrote. */
enum { TAIL_SIZE = 64 * 1024 };
struct tail {
    size_t total;
    char at[TAIL_SIZE];
};

/* A test in progress: one run of it after the other, each a process. */
struct slot {
    const struct harness_test_ *test; /* NULL: the slot is free */
    struct refusal refusal;
    bool failed; /* in one of its runs */
    pid_t pid;
    int output; /* -1 once it has ended */
    int64_t deadline; /* ms, on the monotonic clock */
    bool timed_out;
    struct verdict *verdict;
    struct tail tail;
};

/* run.c: the slots, and the run in a slot. harness__slots_wait returns when a run may have ended or wants to be read. */
struct slot *harness__slots_new(size_t len);
void harness__slots_wait(void);
void harness__slots_free(void);
void harness__run_start(struct slot *slot, size_t limit_seconds);
/* To be called now and then: reads output, kills a run past its time. True if it has ended; all of its group is gone then. */
bool harness__run_ended(struct slot *slot, siginfo_t *how);

/* alloc.c: from start to stop, allocations are counted and refused. After that, report names those alive, if any. */
void harness__heap_start(struct verdict *verdict, struct refusal refusal);
void harness__heap_refuse_no_more(void); /* on behalf of the command line */
void harness__heap_stop(void);
bool harness__heap_report(struct text *why);

/* check.c: ends the calling process, and with it the test. Without a verdict it only prints. */
extern struct verdict *harness__verdict;
__attribute__((noreturn)) void harness__end(enum verdict_kind kind, const char *file, int line, const char *why);
bool harness__in_trap(void);

/* child.c: a test's process, from the fork to its end. */
__attribute__((noreturn)) void harness__child_run(const struct harness_test_ *test, struct verdict *verdict,
                                                  struct refusal refusal);
bool harness__is_child(void);

/* report.c: texts of the runner and of the tests' processes. */
const char *harness__signal_name(int sig);
__attribute__((format(printf, 2, 3))) void harness__add(struct text *text, const char *format, ...);
void harness__add_caller(struct text *text, const void *return_address);
void harness__tail_put(struct tail *tail, const char *data, size_t len);
void harness__tail_print(const struct tail *tail, FILE *to);
void harness__explain_end(struct text *why, const struct tail *tail, const struct verdict *verdict, int code, int status);

#endif
