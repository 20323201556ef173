/* SIGINT and the main task of awl_run. */
#ifndef AWL_INTERRUPT_H
#define AWL_INTERRUPT_H

#include "../loop/signal_priv.h"
#include "task_priv.h"

typedef struct awl__interrupt {
    awl__signal signal; /* first; it does not watch where SIGINT is not ours to take */
    awl_task *main;
    bool told; /* the main task was cancelled on its behalf */
} awl__interrupt;

void awl__interrupt_begin(awl__interrupt *interrupt, awl_loop *loop, awl_task *main);

/* From here on the signal does what it did before. Result: `error`, with which the main task has ended, or
 * AWL_EINTERRUPTED. */
int awl__interrupt_end(awl__interrupt *interrupt, int error);

#endif
