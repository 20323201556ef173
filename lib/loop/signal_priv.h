/* What the layers above may know of signals: something that watches for one, on behalf of a loop. */
#ifndef AWL_SIGNAL_PRIV_H
#define AWL_SIGNAL_PRIV_H

#include <signal.h>
#include <stdatomic.h>

#include "loop_priv.h"

/* In its owner's memory, from add to remove. */
typedef struct awl__signal awl__signal;
struct awl__signal {
    awl__link link; /* kind AWL__SIGNAL */
    awl__block all; /* in loop->signals; zeroed: it does not watch */
    awl_loop *loop;
    void (*fn)(awl__signal *s);
    int number;
    atomic_uint seen; /* of those that came, how many `fn` was called for */
    bool stands_in, aside;
    void (*again)(awl__signal *s); /* in the handler: it has come, and the last time was not seen yet; NULL: nothing */
    atomic_uint came;              /* the handler's, as is this: */
    _Atomic(awl__signal *) next;   /* who else watches for it */
};

enum {
    /*
     * What a program without a handler of its own would wish for: it is added only where the signal has its default
     * action, rests while anybody watches without this flag, and acts once: the second time that the signal comes, that
     * is the end of the process, though the loop be stuck. A loop does not go on for its sake.
     */
    AWL__STANDS_IN = 1,

    /* What is of no account to the program: it is added only where the signal has its default action or is watched for
     * already, and a loop does not go on for its sake. */
    AWL__ASIDE = 2,
};

/* Calls `fn` in the loop's thread, in an iteration of its own each time that the signal has come. 0; EINVAL: no such
 * signal, or one that cannot be caught; EEXIST: there is somebody to stand in for. */
int awl__signal_add(awl_loop *loop, awl__signal *s, int number, void (*fn)(awl__signal *s), unsigned flags);

static inline awl__signal *awl__signal_at(awl__block *all)
{
    return (awl__signal *)(void *)((char *)all - offsetof(awl__signal, all));
}

/* Whether it has come, and its loop has not made the call for that yet. */
static inline bool awl__signal_is_due(awl__signal *s)
{
    return atomic_load(&s->came) != atomic_load_explicit(&s->seen, memory_order_relaxed);
}

/* No call is made any more. One that does not watch is let be. */
void awl__signal_remove(awl__signal *s);

/* Whether an action is the handler that all these share. */
struct sigaction; /* strict C has none in signal.h */
bool awl__signal_is_ours(const struct sigaction *action);

#endif
