/*
 * The inside of executors. An executor is a handle that knows who waits and how much room there is; what does the work
 * is behind a table of operations.
 */
#ifndef AWL_EXEC_PRIV_H
#define AWL_EXEC_PRIV_H

#include "../sync/sync_priv.h"
#include "awl/exec.h"

/*
 * A job on its way, in the loop's memory. All of it is the loop thread's, but for what stands under `backend`: that is
 * the backend's, from `start` until the job comes back by awl__job_ended.
 */
typedef struct awl__job awl__job;
struct awl__job {
    awl__block all; /* in executor->jobs, until its outcome has been taken */
    awl_executor *executor;
    awl_job what;
    awl_task *task;  /* that waits; NULL: none does, or it has gone */
    bool for_future; /* it is the head of a job of a future */

    /* backend */
    awl__job *next, *prev;
    uint8_t state;   /* 0 at `start` */
    bool stranded;   /* set by `close`: it runs on, and the backend will drop it */
    int16_t error;   /* with result, at its end */
    awl_result result;
};

typedef struct awl__executor_ops {
    /* Takes a job, which comes back by awl__job_ended, but never from within this call. 0; or an error: it has not
     * taken it. */
    int (*start)(awl_executor *executor, awl__job *job);
    /* A job that has not begun comes back with ECANCELED, soon; one that has begun, when it has ended. NULL: all of
     * them. */
    void (*withdraw)(awl_executor *executor, awl__job *job);
    /* There is no job, and none will come: gives back all but the handle. Called once, unless `close` is. */
    void (*rest)(awl_executor *executor);
    /* The loop is being closed: from the return on no job is touched. Those still running are marked stranded. */
    void (*close)(awl_executor *executor);
    size_t (*workers)(const awl_executor *executor);
    size_t size; /* of what begins with an awl_executor, bytes */
} awl__executor_ops;

struct awl_executor {
    const awl__executor_ops *ops;
    awl_loop *loop;
    awl__closer closer;
    awl__block jobs; /* a ring */
    size_t out;      /* jobs that have not come back */
    size_t free;     /* how many more may go */
    awl_waiters_ room; /* who waits for that to be more than none */
    awl_event over;    /* it is shut down, and no job is left */
    awl_handle last;   /* frees it */
    bool shut, freed;
};

/* Makes an executor of a backend, zeroed beyond its head; NULL: no memory. */
awl_executor *awl__executor_new(awl_loop *loop, const awl__executor_ops *ops, size_t room);

/* The one that `executor` stands for in `loop`: itself, or the default, made if need be. NULL, with *error. */
awl_executor *awl__executor_find(awl_loop *loop, awl_executor *executor, int *error);

/* Room for one job: taken if there is some and nobody waits for it; given to who waits longest. */
static inline bool awl__room_take(awl_executor *executor)
{
    if (executor->free == 0 || executor->room.n_)
        return false;
    executor->free--;
    return true;
}
static inline void awl__room_give(awl_executor *executor)
{
    if (!awl__wake(&executor->room))
        executor->free++;
}

/* In the loop's thread: a job has come back. */
void awl__job_ended(awl__job *job);

/* The end of a job whose outcome nobody takes, or has taken. */
void awl__job_free(awl__job *job);
static inline void awl__job_drop(const awl_job *what)
{
    if (what->drop)
        what->drop(what->arg);
}

/* No job is left of an executor that takes no more. */
void awl__executor_over(awl_executor *executor);

#endif
