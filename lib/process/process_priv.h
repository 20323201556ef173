/* The inside of processes. */
#ifndef AWL_PROCESS_PRIV_H
#define AWL_PROCESS_PRIV_H

#include "../signals/signals_priv.h"
#include "../stream/stream_priv.h"
#include "awl/process.h"

/* ---- Starting a program (spawn.c): no loop, no memory ------------------------------------------------------------ */

/* Instead of a descriptor: what this program has there goes to the child, unless exec closes it. A descriptor of ours
 * may have got the place of one that was closed. */
enum { AWL__AS_IT_IS = -1 };

typedef struct awl__spawn {
    const char *const *argv;
    const char *const *env;
    const char *cwd;   /* NULL: as it is */
    const char *paths; /* to try one after the other: each with its zero byte, and an empty one at the end */
    int fds[3];        /* what it has as 0, 1, 2; AWL__AS_IT_IS */
    int *keep;         /* what it has beside, ascending, above 2; there is room for one more behind them */
    size_t n_keep;
    pid_t group;
    bool new_session, set_umask;
    mode_t umask;
} awl__spawn;

/* What failed. */
typedef enum awl__spawn_stage { AWL__AT_EXEC, AWL__AT_CWD, AWL__AT_GROUP, AWL__AT_FDS, AWL__AT_FORK } awl__spawn_stage;

/* Result: 0, with the number of the child; or the error, with what failed: there is no child. */
int awl__spawn_child(const awl__spawn *plan, pid_t *pid, awl__spawn_stage *stage);

/* ---- Processes --------------------------------------------------------------------------------------------------- */

/* What has been read of an output. */
typedef struct awl__collected {
    char *data; /* NULL: nothing */
    size_t len, cap;
} awl__collected;

struct awl_process {
    awl_loop *loop;
    awl__child child; /* watched until it has ended */
    awl__closer closer;
    awl_event ended;
    awl_stream *in, *out, *err;
    awl__collected output, errors;
    size_t fed; /* of the input */
    pid_t pid;
    int code, error; /* at its end; error: ECHILD */
    unsigned refs;   /* its owner's, the watch's, and those of operations */
    bool has_ended, own_group, communicating, closed, detached;
    bool takes_input; /* there is, or was, a pipe to its standard input */
};

awl_process *awl__process_new(awl_loop *loop); /* with its owner's reference; NULL: no memory */
void awl__process_drop(awl_process *p);
static inline awl_process *awl__process_keep(awl_process *p)
{
    p->refs++;
    return p;
}

/* An operation of the process, which drops the reference that this gives it, when it ends or is closed. */
awl_coro awl__process_hold(awl_process *p, awl_coro coroutine);

enum { AWL__PARTS = 3 };
co_declare(awl__communicate, {
    awl_process *held;
    const void *input;
    size_t len, limit, n;
    awl_task *tasks[AWL__PARTS];
    int code, rc;
    bool begun;
});

/* From here on its end is told. 0 or the error: it has been killed. */
int awl__process_watch(awl_process *p, pid_t pid, bool own_group);

#endif
