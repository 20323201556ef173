/*
 * The inside of process pools. Three kinds of processes:
 *
 *   the loop's       has the queue, and a socket to each worker (process_pool.c, process_link.c)
 *   the fork server  forks workers, ends them when told to, and says how they ended (process_server.c). It runs no
 *                    job, no thread and no loop, so what it forks has no lock that somebody else held.
 *   workers          make calls, one after the other (process_worker.c)
 *
 * A worker's end is what the fork server says of it, which comes when all that it sent has been sent: so a result that
 * was complete counts, however the worker ended after it.
 */
#ifndef AWL_PROCESS_PRIV_H
#define AWL_PROCESS_PRIV_H

#include <sys/types.h>

#include "exec_priv.h"

enum { AWL__MOST_WORKERS = 256, AWL__MOST_KEPT = 16 };

/* ---- Between the loop's process and the fork server: whole messages --------------------------------------------- */

enum awl__order {
    AWL__FORK = 1, /* a worker in `slot`, whose socket comes with the message */
    AWL__KILL,     /* the worker in `slot` by signal `number`, if it still is the one of `id` */
    AWL__END,      /* all workers, when they have lingered so long; then the server ends. Without this the end of the
                    * socket means that the loop's process has ended: workers are killed. */
};
enum awl__notice {
    AWL__UNBORN = 1, /* no worker could be forked: errno is `number` */
    AWL__ENDED,      /* wait status: `number`; forced: after AWL__END it had to be told */
};
typedef struct awl__message {
    int32_t what, number;
    uint32_t slot, id, forced;
    int64_t linger, grace;
} awl__message;

/* ---- Between the loop's process and a worker: a stream of jobs, or of replies, one at a time -------------------- */

typedef struct awl__job_head {
    uint64_t len; /* of the argument, which follows */
    awl_call_fn *fn;
} awl__job_head;

enum { AWL__READY_REPLY = 0x61776c52, AWL__JOB_REPLY, AWL__TEXT_REPLY };
typedef struct awl__reply_head {
    uint32_t what;
    int16_t error;
    uint8_t kind;
    awl_value value; /* when ready: its process */
    uint64_t len;    /* of the result's bytes, or the error's text, which follow */
} awl__reply_head;

/* ---- The pool: in the loop's process, and the copies of it in the others ---------------------------------------- */

enum awl__worker_state {
    AWL__NO_WORKER,
    AWL__STARTING, /* it has not said that it is ready */
    AWL__IDLE,
    AWL__BUSY,
    AWL__LEAVING,  /* it gets no more jobs, and will end */
};

typedef struct awl__process_pool awl__process_pool;

typedef struct awl__worker {
    awl__io io; /* first */
    awl__process_pool *pool;
    awl_handle soon, late;
    int fd;
    uint32_t id;
    pid_t pid;
    uint8_t state; /* awl__worker_state */
    bool overdue;
    bool doomed; /* it is being killed, and gets no other job */
    bool broken; /* nothing that it sends is of use any more */
    unsigned jobs; /* that it has begun */
    struct awl__worker *next_idle;

    awl__job *job; /* AWL__BUSY; NULL: none */
    awl__job_head head;
    size_t sent; /* of head and argument */

    awl__reply_head reply;
    size_t got;       /* of head and bytes */
    awl_bytes *bytes; /* NULL: none come, or there is no memory */
    bool no_memory;
} awl__worker;

struct awl__process_pool {
    awl_executor executor; /* first */
    awl_process_pool_options options; /* with the defaults in */
    int keep[AWL__MOST_KEPT];
    struct {
        dev_t device;
        ino_t inode;
    } kept[AWL__MOST_KEPT]; /* what those were at the first fork */
    bool forked;

    awl__jobs waiting;
    awl__jobs back; /* those that were withdrawn */
    awl_handle going_back, again; /* again: to start workers, when some could not be forked */
    awl__worker *idle; /* the last that ran first */
    unsigned n, starting, stillborn; /* workers; those not ready yet; in a row that ended before they were */
    uint32_t next_id;

    awl__io control, life; /* of the fork server: its socket, and a pidfd */
    awl_handle heard;
    int control_fd, life_fd; /* life_fd: -1 where the kernel has none */
    pid_t server; /* 0: there is none */
    bool finishing; /* it is rested when the server has ended */
    awl__worker workers[];
};

static inline awl__process_pool *awl__process_pool_of(awl_executor *executor)
{
    return (awl__process_pool *)(void *)executor;
}

/* ---- process_server.c ------------------------------------------------------------------------------------------- */

/* A pair of sockets that are in the place of no standard descriptor, though the program has none. 0 or the error. */
int awl__sockets_open(int type, int fds[2]);

/* In the loop's process: forks the server. Result: 0 or the error. */
int awl__server_fork(awl__process_pool *pool);

/* Sends it an order, with a descriptor if fd is not -1. Result: 0 or the error; EAGAIN: not now. */
int awl__server_tell(const awl__process_pool *pool, const awl__message *order, int fd);

/* Takes a notice: 0; EAGAIN: there is none now; ESRCH: the server has ended, or will at once. */
int awl__server_hear(const awl__process_pool *pool, awl__message *notice);

/* ---- process_worker.c: in a worker ------------------------------------------------------------------------------ */

_Noreturn void awl__worker_main(const awl__process_pool *pool, int fd);

/* ---- process_link.c --------------------------------------------------------------------------------------------- */

/* Starts a worker, of those that there are not yet. Result: 0 or the error. */
int awl__worker_start(awl__process_pool *pool);

/* Gives an idle worker a job: 0; EPIPE: it has ended, and does not have it. */
int awl__worker_give(awl__worker *worker, awl__job *job);

/* Takes what it has sent: true if that is a whole reply, which then is in `reply` and `bytes`. */
bool awl__worker_take(awl__worker *worker);

/* The end of its socket, when it has nothing more to do. */
void awl__worker_leave(awl__worker *worker);
void awl__worker_kill(awl__worker *worker, int sig);

/* ---- process_pool.c: what came of it ---------------------------------------------------------------------------- */

void awl__worker_heard(void *arg); /* its socket has changed; arg: the worker */

#endif
