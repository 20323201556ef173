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
    awl__job *next, *prev; /* in awl__jobs */
    uint8_t state;         /* awl__job_state; 0 at `start` */
    bool stranded;   /* set by `close`: it runs on, and the backend will drop it */
    int16_t error;   /* with result, at its end */
    awl_result result;
};

enum awl__job_state { AWL__JOB_WAITS = 1, AWL__JOB_RUNS, AWL__JOB_ENDED };

/* Jobs in the order in which they came, for backends: those that wait, or those that are to come back. Zeroed, none. */
typedef struct awl__jobs {
    awl__job *first, *last;
    size_t n;
} awl__jobs;

static inline void awl__jobs_add(awl__jobs *jobs, awl__job *job)
{
    job->next = NULL;
    job->prev = jobs->last;
    if (jobs->first)
        jobs->last->next = job;
    else
        jobs->first = job;
    jobs->last = job;
    jobs->n++;
}

static inline void awl__jobs_remove(awl__jobs *jobs, awl__job *job)
{
    if (job->prev)
        job->prev->next = job->next;
    else
        jobs->first = job->next;
    if (job->next)
        job->next->prev = job->prev;
    else
        jobs->last = job->prev;
    jobs->n--;
}

typedef struct awl__executor_ops {
    /* Takes a job, which comes back by awl__job_ended, but never from within this call. 0; or an error: it has not
     * taken it. */
    int (*start)(awl_executor *executor, awl__job *job);
    /* A job that has not begun comes back with ECANCELED, soon; one that has begun, when it has ended. NULL: all of
     * them. */
    void (*withdraw)(awl_executor *executor, awl__job *job);
    /* There is no job, and none will come: gives back all but the handle, and calls awl__executor_rested, now or later.
     * Called once, unless `close` is, which may also come between. */
    void (*rest)(awl_executor *executor);
    /* The loop is being closed: from the return on no job is touched. Those still running are marked stranded. */
    void (*close)(awl_executor *executor);
    size_t (*workers)(const awl_executor *executor);
    /* Ends what runs, by a signal: the jobs come back with an error. NULL: it cannot be ended. */
    void (*kill)(awl_executor *executor, int sig);
    size_t size; /* of what begins with an awl_executor, bytes, without what awl__executor_new is told of */
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
    bool shut, resting, freed;
    size_t width;   /* jobs that may run at once */
    awl_time grace; /* between two signals of `kill` */
    size_t size;    /* bytes, of all of it */
};

/* Makes an executor of a backend, with `more` bytes behind it, zeroed beyond its head; NULL: no memory. */
awl_executor *awl__executor_new(awl_loop *loop, const awl__executor_ops *ops, size_t more, size_t width, size_t queue);

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

/* In the loop's thread: a job has come back; all of a list have, which is nobody else's. */
void awl__job_ended(awl__job *job);
static inline void awl__jobs_ended(const awl__jobs *jobs)
{
    for (awl__job *job = jobs->first, *next; job; job = next) {
        next = job->next;
        awl__job_ended(job);
    }
}

/* The end of a job whose outcome nobody takes, or has taken. */
void awl__job_free(awl__job *job);
static inline void awl__job_drop(const awl_job *what)
{
    if (what->drop)
        what->drop(what->arg);
}

/* No job is left of an executor that takes no more; its backend has nothing left. */
void awl__executor_over(awl_executor *executor);
void awl__executor_rested(awl_executor *executor);

/* ---- Calls (call.c) --------------------------------------------------------------------------------------------- */

/*
 * A job of bytes: what.fn is awl__call_run, and what.arg one of these, in malloc's memory. A backend with memory of its
 * own does not call that, but takes name or fn, and the argument, as they are; what comes back it puts into the job's
 * error and result, and here.
 */
typedef struct awl__call {
    const char *name;
    awl_call_fn *fn;
    awl_bytes *reply; /* also the text of an error */
    bool text;
    size_t len;
    _Alignas(max_align_t) unsigned char in[];
} awl__call;

awl_job_fn awl__call_run;
static inline awl__call *awl__call_of(const awl__job *job)
{
    return job->what.fn == awl__call_run ? job->what.arg : NULL;
}

/* Makes a call in this thread or process: 0 or its error, with the text of it perhaps in reply->bytes_. */
int awl__call_make(awl_call_fn *fn, const void *in, size_t len, awl_reply *reply);

/* Bytes that are not filled in, and belong to no loop yet; NULL: no memory. */
awl_bytes *awl__bytes_new(size_t len);

/* In the loop's thread: hands over the result of a call that has succeeded, and the call is no more; says what is known
 * of the error of one that has not. */
void awl__call_finish(awl__job *job);
void awl__call_explain(const awl__job *job);

#endif
