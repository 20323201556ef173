/* Writing to a pipe without SIGPIPE; for files that define _GNU_SOURCE, without which there is no sigset_t. */
#ifndef AWL_HUSH_H
#define AWL_HUSH_H

#include <signal.h>
#include <stdbool.h>

/* Between the two, SIGPIPE is held up in this thread; at the end it is taken back if it may have come from a write of
 * ours: `broken`, which had the error EPIPE, or ended early. */
typedef struct awl__hush {
    sigset_t pipe, before;
    bool pending;
} awl__hush;

void awl__hush_begin(awl__hush *h);
void awl__hush_end(const awl__hush *h, bool broken); /* errno stays */

#endif
