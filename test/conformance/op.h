/* What the tables of operations are made of. Each file has its own, which ends with a row without a name. */
#ifndef OP_H
#define OP_H

#include "scenario.h"

extern const operation basic_operations[], future_operations[], sync_operations[], wait_operations[],
    scope_operations[], stream_operations[];

#define CONTROL(name, least, most, sync, control) { name, least, most, 0, sync, control, -1, -1, NULL, NULL, NULL }

/* Carried out at once; with the operand that names a coroutine or a fn. */
#define NOW_OF(name, least, most, outs, coro, fn, run) \
    { name, least, most, outs, true, CONTROL_PLAIN, coro, fn, run, NULL, NULL }
#define NOW(name, least, most, outs, run) NOW_OF(name, least, most, outs, -1, -1, run)

/* Awaited. */
#define WAIT_OF(name, least, most, outs, coro, start, finish) \
    { name, least, most, outs, false, CONTROL_PLAIN, coro, -1, NULL, start, finish }
#define WAIT(name, least, most, outs, start, finish) WAIT_OF(name, least, most, outs, -1, start, finish)

#endif
