/*
 * wire.h: two streams that are joined in memory, and a plan of what goes wrong between them. With virtual time a whole
 * dialogue takes microseconds, so that every offset can be tried.
 *
 * A wire behaves as a connection by TCP on Linux does:
 *   - it holds `room` bytes that were written and not read, then writes have to wait;
 *   - after a reset, what had arrived is read first, then comes ECONNRESET, to the read or write that asks first; later
 *     writes are EPIPE, later reads the end;
 *   - to a party that has closed, one write is still taken, and lost; the next is EPIPE;
 *   - a party that closes without having read everything resets the connection.
 * It tells a stream of a change only where that was told "not now" before, as the contract of awl_transport has it.
 */
#ifndef FAULTS_WIRE_H
#define FAULTS_WIRE_H

#include "awl.h"
#include "plan.h"

enum { WIRE_MOST = 32768 }; /* bytes that pass in one direction */

/* What the transport of an end does beyond what the plan says. */
typedef struct wire_habits {
    size_t room;       /* bytes; 0: 700 */
    size_t most;       /* bytes that a read gives and a write takes at once, though there are more; 0: no limit */
    unsigned again;    /* every so many calls, a read and a write is "not now" for no reason; 0: never */
    bool late_eof;     /* the first write_eof is "not now" */
} wire_habits;

typedef struct wire_end {
    struct wire *wire;
    awl_stream *s;
    awl_handle nudge;    /* says that what was "not now" may be tried again */
    int error;           /* to be told once */
    int told;            /* the first error that was; 0: none */
    bool told_end;       /* before any error, a read was told the end */
    bool down;           /* it has no connection any more */
    bool gone;           /* who was at the other end has closed */
    bool refuses;        /* its next write is EPIPE */
    bool nudges_read, nudges_write; /* what the nudge is for */
    bool wants_read, wants_write; /* it was told "not now", and nothing since */
    bool closed;
    unsigned reads, writes, ends; /* calls */
} wire_end;

typedef struct wire_pipe {
    fault_way way;
    awl_handle mover;
    size_t arrived, taken; /* of `log`: what can be read, and what has been */
    size_t held;           /* written, and not arrived yet: in `store` */
    bool ending, ended;    /* its end was written; has arrived */
    bool swallows;
    char store[4096];
    char log[WIRE_MOST]; /* all that has ever arrived */
} wire_pipe;

/* ends[0] is the party that connects; pipes[FAULT_FORTH] leads from it to ends[1]. */
typedef struct wire {
    wire_habits habits;
    wire_end ends[2];
    wire_pipe pipes[2];
} wire;

/*
 * Joins two new streams of the running loop.
 *
 *   w         caller's memory, until both are closed
 *   plan      may be NULL: nothing goes wrong
 *   habits    may be NULL
 *   options   of both streams, may be NULL
 * Result   0 or ENOMEM. The streams are w->ends[0].s and w->ends[1].s.
 * Owns     the caller closes both streams.
 */
int wire_open(wire *w, const fault_plan *plan, const wire_habits *habits, const awl_stream_options *options);

/* Whether both streams have let go of it, so that nothing more will happen. */
bool wire_is_over(const wire *w);

#endif
