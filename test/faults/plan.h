/*
 * plan.h: what goes wrong between two parties. A plan is the same for the wire in memory (wire.h) and for the proxy on
 * real sockets (proxy.h).
 *
 * An offset counts the bytes of one direction that the sending party has written and that were let through; a fault at
 * offset n happens as soon as n bytes have passed, so 0 is before the first.
 */
#ifndef FAULTS_PLAN_H
#define FAULTS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_RESET,   /* both connections are reset */
    FAULT_CUT,     /* both connections are closed, orderly */
    FAULT_END,     /* this direction ends, the other one goes on; what is still sent this way is swallowed */
    FAULT_SILENCE, /* both directions swallow everything from here on, and nobody is told */
    FAULT_FLIP,    /* the lowest bit of the next byte is changed */
    FAULT_GARBAGE, /* a few bytes that nobody has sent come next */
    FAULT_KINDS
} fault_kind;

/* What GARBAGE adds. */
extern const char fault_garbage[];
enum { FAULT_GARBAGE_LEN = 5 };

/* One direction: set the first four fields, the rest zero. */
typedef struct fault_way {
    fault_kind kind;
    size_t at;     /* the offset of the fault */
    size_t chunk;  /* bytes that pass at once; 0: as many as there are */
    int64_t delay; /* nanoseconds between two chunks */

    size_t passed; /* bytes so far */
    bool done;     /* the fault has happened */
} fault_way;

/* Both of them: from the party that connected, and to it. */
enum { FAULT_FORTH, FAULT_BACK };
typedef struct fault_plan {
    fault_way way[2];
} fault_plan;

/* Whether the fault is to happen now. */
bool fault_is_due(const fault_way *way);

/* How many of `n` bytes pass next: no more than a chunk, and none behind the fault. */
size_t fault_may_pass(const fault_way *way, size_t n);

/* The name of a kind, as the proxy's command line has it; and the kind of a name, FAULT_KINDS if it is none. */
const char *fault_name(fault_kind kind);
fault_kind fault_named(const char *name);

#endif
