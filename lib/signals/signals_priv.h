/* The inside of signals, and of what comes by them: the ends of children. */
#ifndef AWL_SIGNALS_PRIV_H
#define AWL_SIGNALS_PRIV_H

#include <sys/types.h>

#include "../loop/signal_priv.h"
#include "../sync/sync_priv.h"
#include "awl/signals.h"

/* As awl__signal_add, for users: those of a program's own faults are EINVAL. */
int awl__signal_add_asked(awl_loop *loop, awl__signal *s, int number, void (*fn)(awl__signal *s));

/* ---- Children: the ends of processes that this one has forked (child.c) ------------------------------------------ */

enum { AWL__STATUS_LOST = -1 }; /* somebody else has waited for it, or SIGCHLD is ignored: how it ended is not known */

/* `status` is that of waitpid, or AWL__STATUS_LOST. The child is forgotten already, and its number free. */
typedef void awl__child_fn(void *arg, int status);

/* In its owner's memory, from watch to forget or the call; zeroed: it watches nothing. */
typedef struct awl__child {
    awl__signal signal; /* first; SIGCHLD's, where there is no pidfd */
    awl__closer closer;
    awl__io io; /* of `fd` */
    awl_handle soon;
    awl_loop *loop; /* NULL: it watches nothing */
    pid_t pid;
    int fd;    /* a pidfd; -1: none */
    bool keep; /* its owner waits for it when it has been told the status: until then its number is not another's */
    awl__child_fn *fn;
    void *arg;
} awl__child;

/*
 * Calls fn(arg, status) in an iteration of its own when the child has ended, and takes its status, so that it is no
 * zombie. Waits for that one process alone, never for any other. By a pidfd, or where that cannot be had by SIGCHLD,
 * which also reaches the handler that was there before.
 *
 *   pid   of a child of this process, for which nobody else waits; 0 < pid
 * Result   0; EINVAL; ESRCH: there is no such process; ENOMEM: nothing is watched.
 * Owns     nothing. The loop's end forgets it: the child runs on.
 */
int awl__child_watch(awl__child *child, awl_loop *loop, pid_t pid, awl__child_fn *fn, void *arg);

/* No call is made any more, and nobody waits for the child unless its owner does. NULL, and what watches nothing, are
 * let be. */
void awl__child_forget(awl__child *child);

/* Signals the child, and never another process that has got its number since. 0; ESRCH: it is not watched any more; an
 * errno. */
int awl__child_kill(const awl__child *child, int number);

#endif
