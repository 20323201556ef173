/* How operations say what they wait for, when a loop is dumped. */
#ifndef AWL_DUMP_PRIV_H
#define AWL_DUMP_PRIV_H

#include "task_priv.h"

/*
 * A dump on its way. What an operation waits for is asked three times: for words, which the first two functions below
 * put into the line; to mark the tasks that it waits for; and to show them, below it. So an operation calls whatever
 * fits, in one function, and what is not wanted does nothing. Nothing is allocated.
 */
typedef struct awl__dump awl__dump;
struct awl__dump {
    awl_loop *loop;
    awl_line_fn *fn;
    void *arg;
    awl_time now;
    enum { AWL__SAYS, AWL__MARKS, AWL__SHOWS } mode;
    unsigned depth;
    const awl_task *known; /* the last one that awl__dump_holder has found; NULL: none */
    size_t len;
    char line[512];
};

typedef void awl__inspect_fn(awl__dump *dump, const co_frame *leaf);

/* Words: "a lock, held by"; a duration, "0.250 s"; the name of a task that may be gone, "'main'". */
void awl__dump_say(awl__dump *dump, const char *format, ...) __attribute__((format(printf, 2, 3)));
void awl__dump_span(awl__dump *dump, awl_time span);
void awl__dump_holder(awl__dump *dump, const void *task);

/* Tasks: one that is waited for, or a future; NULL is let be. Whatever a future is: in words, and what is below it. */
void awl__dump_child(awl__dump *dump, awl_future *child);
void awl__dump_future(awl__dump *dump, awl_future *future);

/* Those of this layer. */
awl__inspect_fn awl__sleep_inspect, awl__gather_inspect, awl__wait_inspect, awl__wait_for_inspect, awl__shield_inspect,
    awl__next_inspect;
extern const co_type awl__sleep_type, awl__wait_type, awl__next_type;
void awl__wait_for_dump(awl__dump *dump, const co_frame *frame); /* its deadline, behind its name */
void awl__gather_dump(awl__dump *dump, awl__gather *gather);
awl_future *awl__shield_inner(awl_future *shield);   /* of awl_shield_future */
awl_task *awl__group_owner(const awl_future *child); /* of the group that a task is of; NULL: of none */

/* Those of the layers above, which need not be linked: true if the operation is one of theirs. */
bool awl__sync_inspect(awl__dump *dump, const co_frame *leaf) __attribute__((weak));
bool awl__job_inspect(awl__dump *dump, const co_frame *leaf) __attribute__((weak));
bool awl__look_up_inspect(awl__dump *dump, const co_frame *leaf) __attribute__((weak));
bool awl__datagram_inspect(awl__dump *dump, const co_frame *leaf) __attribute__((weak));
bool awl__stream_inspect(awl__dump *dump, const co_frame *leaf) __attribute__((weak));

#endif
