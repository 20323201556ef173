/*
 * awl/exec.h: calls that block, and long computations, in threads or processes beside the loop.
 * SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *     #include <unistd.h>
 *
 *     static int a1(void *arg, awl_result *result)            // in a thread of a pool: it may block
 *     {
 *         sleep(1);
 *         awl_result_set(result, *(const int *)arg * 2);
 *         return 0;
 *     }
 *
 *     co_def(b1, { int x, twice; })
 *     {
 *         co_begin;
 *         self->x = 21;
 *         co_let(self->twice, awl_run_in_executor(NULL, a1, &self->x));
 *         printf("%d\n", self->twice);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(b1)); }
 *
 * A JOB is a function with an argument that an executor calls elsewhere. What it returns comes back as any operation's
 * outcome does: a result with its kind, which co_let converts by type, or an error. An executor belongs to one loop
 * and is for the thread of that loop; NULL is the loop's default executor, a thread pool that is there from its first
 * use on.
 *
 * WHICH EXECUTOR. A pool of threads is for calls that block, and for computations that other threads do not disturb. A
 * pool of processes is for what may crash, leak or has to be ended in its middle: a job there is a CALL, a function
 * with bytes for its argument and bytes for its result. Every executor takes calls; jobs with a pointer are for
 * threads only.
 *
 * IN A THREAD of a pool fn may block, and may do whatever is safe beside other threads. Of the loop it may use
 * awl_call_soon_threadsafe and nothing else; it may run a loop of its own. All signals are blocked there.
 *
 * CANCELLATION. A job that has not begun never will; what waits for it ends at once. One that runs cannot be stopped:
 * who waits ends at once with ECANCELED, the function goes on to its end, and what it returns is dropped. So:
 *
 *   THE LAW OF arg: until fn has returned, *arg must live, also when who waited for it was cancelled. What lies in the
 *   frame of the coroutine that waits does not, if that can be cancelled. Allocate it then, and name in awl_job.drop
 *   what frees it: after success *arg is yours; after any error drop(arg) has been called, or will be when fn returns.
 *
 * THE LOOP'S END. awl_loop_close waits for the jobs that run (awl_thread_pool_options.linger says how long), and drops
 * those that have not begun. A job that is not over then is reported; its thread is left to itself, touches nothing of
 * the loop any more, and ends when fn returns. A process is told SIGTERM, and SIGKILL, instead.
 *
 * VIRTUAL TIME does not pass for jobs: while one runs the clock jumps to the next deadline, if there is one.
 */
#ifndef AWL_EXEC_H
#define AWL_EXEC_H

#include "awl/task.h"

typedef struct awl_executor awl_executor;

/* ---- Jobs ------------------------------------------------------------------------------------------------------- */

/* Where a job puts its result. */
typedef struct awl_result {
    awl_value value_;
    uint8_t kind_;
} awl_result;

/* awl_result_set(result, value): an integer, floating or pointer value; a job that sets none has the result 0, or
 * NULL. A pointer that is not taken, because who waited was cancelled, is lost: put what must be freed into *arg. */
#define awl_result_set(result, value) awl_result_set_typed_((result), CO_TYPED_(value))

/* A job: 0, or an error from 1 to 32767 (anything else becomes EINVAL). `result` is zeroed, and of use on success. */
typedef int awl_job_fn(void *arg, awl_result *result);

/* A job with all that can be said of it; fields that are not named are 0. */
typedef struct awl_job {
    awl_job_fn *fn;
    void *arg;
    /* Called once if the job does not succeed, or nobody is there to learn that it did: with its operation's error on
     * its way, whatever that error, when fn will not touch *arg any more. In the loop's thread; in the pool's, if the
     * loop was closed before fn returned. It must not call the loop. NULL: nothing is called. */
    void (*drop)(void *arg);
} awl_job;

/*
 * Calls fn(arg) in an executor and waits for its end. If the executor has as much to do as it takes, it waits for room
 * first, behind those that came before.
 *
 *   executor   NULL: the loop's default
 *   arg        see THE LAW OF arg
 * Result   what fn has set: integer, floating or pointer; none: 0.
 * Errors   what fn returned; ECANCELED; AWL_ESHUTDOWN if the executor was shut down before there was room;
 *          AWL_ENOTHREAD if no thread at all can be started; EINVAL without fn; AWL_EOTHERLOOP; ENOMEM; ENOTSUP if the
 *          executor takes calls only.
 * Owns     arg stays the caller's; of awl_run_job: if it ends with an error and there is a drop, drop has taken it. So
 *          it does if the object is closed, or its task cancelled, before it begins.
 * Context  allocates a job in the loop's memory. What a cancellation loses: see CANCELLATION.
 * Source   asyncio.loop.run_in_executor; test/exec/test_run.c
 */
AWL_CORO awl_run_in_executor(awl_executor *executor, awl_job_fn *fn, void *arg);
AWL_CORO awl_run_job(awl_executor *executor, awl_job job);

/*
 * The same without waiting, not even for room: the future of the job, for awl_wait, awl_gather and others.
 *
 *   executor   NULL: the running loop's default
 * Result   the future; NULL with errno EAGAIN if there is no room, AWL_ESHUTDOWN, AWL_ENOTHREAD, ENOTSUP, EINVAL (no
 *          fn, or no executor where no loop runs), or ENOMEM. Its errors are those of fn. awl_future_cancel of it, or
 *          any other end that does not come from the job, is a cancellation of the job.
 * Owns     the caller holds a reference: awl_future_release. Released before it is done, the job goes on all the same.
 *          `drop` is also called if there is no future, and after a success when nobody holds the future any more.
 * Context  the loop's thread, or any while the loop does not run.
 * Source   concurrent.futures.Executor.submit, asyncio.wrap_future; test/exec/test_submit.c
 */
awl_future *awl_executor_submit(awl_executor *executor, awl_job_fn *fn, void *arg) __attribute__((warn_unused_result));
awl_future *awl_executor_submit_job(awl_executor *executor, awl_job job) __attribute__((warn_unused_result));

/* ---- Calls: jobs of bytes --------------------------------------------------------------------------------------- */

/* Bytes that came back, aligned for every type: the caller's, until awl_bytes_free. */
typedef struct awl_bytes {
    size_t len;
    void *own_[3];
    unsigned char data[];
} awl_bytes;

/* NULL is let be. Not after the loop was closed, which frees those that are left. */
void awl_bytes_free(awl_bytes *bytes);

/* Where a call puts its result. */
typedef struct awl_reply {
    awl_result result_;
    awl_bytes *bytes_;
    size_t room_;
    bool text_;
} awl_reply;

/* A call: reads `len` bytes at `in`, aligned for every type, and returns 0 or an error from 1 to 32767 (anything else
 * becomes EINVAL). What it is given and what it replies may go through other memory: pointers mean nothing there. */
typedef int awl_call_fn(const void *in, size_t len, awl_reply *reply);

/* awl_reply_set(reply, value): an integer or floating value for the result. */
#define awl_reply_set(reply, value) awl_result_set_typed_(&(reply)->result_, CO_TYPED_(value))

/*
 * Adds bytes to a reply, which then are the result; `reserve` adds them to be filled in, until the next of these
 * calls.
 *
 * Result   0, or the address; ENOMEM, or NULL.
 * Source   test/exec/test_call.c
 */
int awl_reply_append(awl_reply *reply, const void *data, size_t len);
void *awl_reply_reserve(awl_reply *reply, size_t len) __attribute__((warn_unused_result));

/* For `return awl_reply_fail(reply, EDOM, "x is %d", x)`: the text, up to 500 bytes, is what awl_error_message says of
 * the error where the call is awaited. Result: `error`. Source: test/exec/test_call.c */
int awl_reply_fail(awl_reply *reply, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A call with its argument. */
typedef struct awl_call {
    const char *name; /* what messages, and executors elsewhere, know fn by; lives as long as the program */
    awl_call_fn *fn;
    const void *in; /* copied */
    size_t len;     /* bytes */
} awl_call;

/* AWL_CALL(fn, in, len): the awl_call of a function, under its own name. Each is evaluated once. */
#define AWL_CALL(fn, in, len) ((awl_call){ #fn, (fn), (in), (len) })

/*
 * Has an executor make a call, and waits for its end; for room first, as awl_run_job does. `submit` does not wait: see
 * awl_executor_submit.
 *
 *   executor   NULL: the loop's default
 *   call       AWL_CALL(fn, &x, sizeof x)
 * Result   an integer or floating number that the call has set; an awl_bytes * if it has put bytes into its reply;
 *          else 0.
 * Errors   what the call returned; EINVAL also if it sets a pointer; those of awl_run_job; of a process pool:
 *          AWL_EWORKEREXIT and AWL_EWORKERKILLED if its process ended in the middle, awl_error_status has how;
 *          ETIMEDOUT after awl_process_pool_options.deadline; AWL_ENOWORKER.
 * Owns     the argument is copied; bytes in the result are the caller's. Of a future's result the bytes are whose who
 *          takes them; nobody: the loop's, until it is closed.
 * Context  malloc for the argument and the reply. A call whose waiter was cancelled goes on, and what it replies is
 *          freed.
 * Source   concurrent.futures.Executor.submit; test/exec/test_call.c
 */
AWL_CORO awl_run_call(awl_executor *executor, awl_call call);
awl_future *awl_executor_submit_call(awl_executor *executor, awl_call call) __attribute__((warn_unused_result));

/*
 * awl_map(executor, fn, items, n, outcomes, limit, flags): calls fn with each of the n elements of an array.
 *
 *   executor   NULL: the loop's default
 *   fn         an awl_call_fn, called by its own name
 *   items      an array of anything without pointers: each call gets the bytes of one
 *   outcomes   an array of n awl_outcome: the result, or the error, of each in its place
 *   limit      calls that are on their way at once; 0: twice as many as the executor has threads or processes
 *   flags      0: the first error cancels the calls that have not begun, and waits for no others;
 *              AWL_RETURN_EXCEPTIONS: errors are outcomes like others, ECANCELED included
 * Result   none; see `outcomes`, which are of use on success only.
 * Errors   the first error of a call; ECANCELED; EINVAL without fn or outcomes; ENOMEM; AWL_ESHUTDOWN; AWL_EOTHERLOOP.
 * Owns     `items` and `outcomes` live until the operation has ended. On success results that are bytes are the
 *          caller's.
 * Context  loop thread; one task for each call under way.
 * Source   concurrent.futures.Executor.map; test/exec/test_map.c
 */
#define awl_map(executor, fn, items, n, outcomes, limit, flags)                                                        \
    awl_map_((executor), (awl_call){ #fn, (fn), (items), sizeof *(items) }, (n), (outcomes), (limit), (flags))

/* ---- Executors -------------------------------------------------------------------------------------------------- */

/* Zero is the default of every option. */
typedef struct awl_thread_pool_options {
    awl_loop *loop;       /* NULL: the running loop */
    unsigned max_threads; /* 1 to 4096; 0: as many as processors and 4 more, at most 32 */
    size_t queue;         /* jobs that may wait beyond those that run in max_threads; 0: 1024 */
    size_t stack_size;    /* bytes of each thread's stack; 0: the system's default, often 8 MB of address space */
    awl_time linger;      /* how long awl_loop_close waits for jobs that run; 0: 300 s, as asyncio.run; less: not at
                           * all; AWL_FOREVER: to their end */
} awl_thread_pool_options;

/*
 * Opens a pool of threads. None is started yet: each job that finds none idle starts one, up to max_threads, and they
 * stay until the pool is shut down. They are named awl-pool-1 and so on. A thread that cannot be started is no error
 * if there are others.
 *
 *   options   may be NULL; copied
 * Result   the executor; NULL with errno EINVAL (no loop; over 4096 threads; a stack that is smaller than the system's
 *          least) or ENOMEM.
 * Owns     awl_executor_free, or the loop when it is closed.
 * Context  the loop's thread, or any while the loop does not run. Takes about 50 bytes for each of max_threads by
 *          malloc; stacks are the system's.
 * Source   concurrent.futures.ThreadPoolExecutor; test/exec/test_pool.c
 */
awl_executor *awl_thread_pool_new(const awl_thread_pool_options *options) __attribute__((warn_unused_result));

/* Makes an executor the default of its loop; the one before stays open. 0; EINVAL for NULL; AWL_ESHUTDOWN.
 * Source: asyncio.loop.set_default_executor; test/exec/test_pool.c */
int awl_executor_set_default(awl_executor *executor);

/* What a worker is a copy of. */
enum awl_pool_start {
    AWL_START_EARLY = 0, /* the program as it is when the pool is opened; workers are started when jobs need them */
    AWL_START_WORKERS,   /* the same, and all workers are started at once */
    AWL_START_LATE,      /* the program as it is when the first job comes */
};

/* Zero is the default of every option. */
typedef struct awl_process_pool_options {
    awl_loop *loop;    /* NULL: the running loop */
    unsigned workers;  /* 1 to 256; 0: as many as processors that this process may use */
    size_t queue;      /* jobs that may wait beyond those that run; 0: 1024 */
    enum awl_pool_start start;
    unsigned max_jobs; /* after so many jobs a worker ends and another takes its place; 0: never */
    awl_time deadline; /* a job that takes longer has its worker killed, and ends with ETIMEDOUT; 0: none */
    bool kill_cancelled; /* a job that is cancelled while it runs has its worker killed */
    awl_time linger;   /* how long awl_loop_close waits for jobs that run; as in awl_thread_pool_options */
    awl_time grace;    /* who is to end is told SIGTERM, and SIGKILL so much later; 0: 5 s; less: SIGKILL at once */
    int (*init)(void *arg); /* called in each worker at its beginning; not 0: the worker exits with that status */
    void *init_arg;
    const int *keep; /* descriptors that jobs may use, as they are when `start` says; copied */
    size_t n_keep;   /* up to 16 */
} awl_process_pool_options;

/*
 * Opens a pool of processes, which take calls (awl_run_call, awl_map). A process that does nothing else is forked off
 * now, and forks the workers: they have no locks of other threads, if there are no other threads now, and none of the
 * loop's descriptors. They stay until the pool is shut down.
 *
 * IN A WORKER is a copy of the program, with the functions and variables that it had then (see `start`). It has
 * standard output and error, /dev/null as input, and of other descriptors those in `keep`; signals as at the program's
 * start, but for SIGINT, which is ignored: a terminal's is for this process. It may run a loop of its own. What it
 * printed is flushed after each job. It ends when this process does, however that ends.
 *
 * IF A WORKER ENDS in the middle of a job, that job ends with AWL_EWORKEREXIT or AWL_EWORKERKILLED, others do not
 * notice, and another worker takes its place. No job is run a second time. If three workers in a row end before they
 * can take a job, jobs that wait end with AWL_ENOWORKER. If the process that forks them is ended, another one is forked
 * off, of the program as it is then, with those of `keep` that are what they were.
 *
 *   options   may be NULL; copied
 * Result   the executor; NULL with errno EINVAL (no loop; over 256 workers; over 16 descriptors, or one below 0),
 *          ENOMEM, EAGAIN (no process can be started), EMFILE or ENFILE.
 * Owns     awl_executor_free, or the loop when it is closed.
 * Context  the loop's thread, or any while the loop does not run. One descriptor, and one for each worker.
 * Source   concurrent.futures.ProcessPoolExecutor; test/exec/test_process.c
 */
awl_executor *awl_process_pool_new(const awl_process_pool_options *options) __attribute__((warn_unused_result));

enum awl_shutdown_flag {
    AWL_CANCEL_QUEUED = 1, /* jobs that have not begun are cancelled */
};

/*
 * Ends an executor: it takes no more jobs, finishes those it has, and lets its threads go. Who waits for room in it
 * ends with AWL_ESHUTDOWN. Takes effect when it is awaited.
 *
 *   executor   NULL: the loop's default; it stays the default, as asyncio has it
 *   flags      0 or AWL_CANCEL_QUEUED
 * Result   none. It ends when the last job has ended, those that were cancelled while they ran included.
 * Errors   ECANCELED (the executor is shut down nevertheless, and can be waited for again); AWL_EOTHERLOOP; ENOMEM.
 * Owns     the executor stays the caller's, if it was: awl_executor_free.
 * Source   concurrent.futures.Executor.shutdown, asyncio.loop.shutdown_default_executor; test/exec/test_shutdown.c
 */
AWL_CORO awl_executor_shutdown(awl_executor *executor, unsigned flags);

/*
 * The same by a deadline: what has not ended then is cancelled if it has not begun, and its process ended if it has,
 * by SIGTERM and a grace later by SIGKILL.
 *
 *   patience   how long jobs may go on; 0: not at all
 * Errors   ETIMEDOUT if threads run on, which cannot be ended; those of awl_executor_shutdown.
 * Source   test/exec/test_process_end.c
 */
AWL_CORO awl_executor_stop(awl_executor *executor, awl_time patience);

/* Frees an executor: as a shutdown with AWL_CANCEL_QUEUED that nobody waits for; jobs that run come to their end. NULL
 * is let be. Not after the loop was closed. Source: test/exec/test_shutdown.c */
void awl_executor_free(awl_executor *executor);

/* What an executor has to do now. */
typedef struct awl_executor_stats {
    size_t threads; /* or processes, that it has started */
    size_t jobs;    /* that have not come back, those that run and whose waiters were cancelled included */
    size_t room;    /* how many more it takes */
    size_t waiting; /* operations that wait for room */
} awl_executor_stats;

/* Copies an executor's figures to *stats. NULL: the running loop's default; zeros without one. */
void awl_executor_get_stats(const awl_executor *executor, awl_executor_stats *stats);

static inline void awl_result_set_typed_(awl_result *result, co_typed_ typed)
{
    result->value_ = typed.value;
    result->kind_ = typed.kind;
}

AWL_CORO awl_map_(awl_executor *executor, awl_call call, size_t n, awl_outcome *outcomes, size_t limit, unsigned flags);

#endif
