/*
 * awl/loop.h: the event loop. SPDX-License-Identifier: MIT
 *
 *     #include <awl/loop.h>
 *     #include <stdio.h>
 *
 *     static void tick(void *arg) { puts(arg); }
 *     static void done(void *arg) { awl_loop_stop(arg); }
 *
 *     int main(void)
 *     {
 *         awl_loop *loop = awl_loop_open(NULL);
 *         awl_call_later(loop, NULL, 100 * AWL_MS, tick, "tenth of a second");
 *         awl_call_later(loop, NULL, 1 * AWL_SECOND, done, loop);
 *         awl_loop_run_forever(loop);
 *         awl_loop_close(loop);
 *     }
 *
 * A loop runs entries of a FIFO ready queue. One iteration looks for timers that are due and descriptors that are
 * ready, puts their entries behind what is there, and then runs exactly the entries that are there now; what they add
 * runs in the next one. That is asyncio's order, entry for entry. While entries are ready the loop asks the kernel for
 * descriptors and the clock only every 61 iterations or 100 microseconds, whichever it expects first; with a virtual
 * clock it asks in every iteration.
 *
 * THREADS. A loop belongs to the thread that runs it. awl_call_soon_threadsafe is the one call that other threads may
 * make; another is a trap that says so.
 *
 * FORK. A loop that was opened before a fork is the parent's alone. In the child running it is AWL_EFORKED, and so is a run
 * in which the fork was: it ends with the step that forked, which can await nothing any more. Every other use of the loop,
 * its tasks and streams is a trap that says so, but releasing and awl_loop_close: that gives back its memory and closes its
 * descriptors, and neither wakes nor sends, nor joins or removes anything. (A loop that another thread was running at that
 * moment is left as it is.) The child may open loops of its own, at once.
 *
 * MEMORY. A loop takes memory in growing chunks and keeps what is freed for the next use, until it is closed. Given
 * memory of yours (awl_loop_options.memory) it never asks for more: what does not fit fails with ENOMEM.
 */
#ifndef AWL_LOOP_H
#define AWL_LOOP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "awl is C: compile this file as C11"
#endif

/* ---- Time ------------------------------------------------------------------------------------------------------ */

/* Nanoseconds: a duration, or a moment on the loop's monotonic clock. */
typedef int64_t awl_time;

#define AWL_NS ((awl_time)1)
#define AWL_US ((awl_time)1000)
#define AWL_MS ((awl_time)1000000)
#define AWL_SECOND ((awl_time)1000000000)
#define AWL_MINUTE (60 * AWL_SECOND)

/* No deadline. A moment so late counts as never; sums of moments and durations stop here. */
#define AWL_FOREVER INT64_MAX

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* awl's own errors, above every errno number. Layers that come later have ranges of their own. None is a multiple of
 * 256, so a program may return one from main. */
enum awl_error {
    AWL_EINVALIDSTATE = 1001, /* the future is done already, or not done yet */
    AWL_ESTOPPED = 1002,      /* the loop was stopped before the task was done */
    AWL_EOTHERLOOP = 1003,    /* the task or future belongs to another loop */
    AWL_EGROUP = 1004,        /* tasks of a group failed: awl_task_group_errors tells which, and how */
    AWL_ECLOSED = 1005,       /* the timeout or group has not been entered, or is over */
    AWL_EEND = 1006,          /* the iterator has nothing more */
    AWL_EFORKED = 1007,       /* the loop was opened before a fork, and is the parent's: see FORK */
    AWL_EPROTOCOL = 1101,     /* the peer does not speak the protocol */
    AWL_ELIMIT = 1102,        /* a line or body is longer than the limit */
    AWL_EINCOMPLETE = 1103,   /* the stream ended before what was promised */
    AWL_ESTATUS = 1104,       /* the HTTP status says failure */
    AWL_EREDIRECT = 1105,     /* more HTTP redirects than the limit */
    AWL_ENOHOST = 1201,       /* there is no such host name */
    AWL_EDNS = 1202,          /* the name service has no answer now */
    AWL_ENOTLOCKED = 1301,     /* released, waited for or notified without being locked */
    AWL_EOVERRELEASE = 1302,   /* the bounded semaphore was released more often than it was acquired */
    AWL_EBROKENBARRIER = 1303, /* the barrier was reset or aborted */
    AWL_EQUEUEFULL = 1304,     /* there is no room in the queue */
    AWL_EQUEUEEMPTY = 1305,    /* there is nothing in the queue */
    AWL_EQUEUESHUTDOWN = 1306, /* the queue was shut down */
    AWL_ETOOMANYDONE = 1307,   /* more items were said to be done than were put */
    AWL_ETLS = 1401,         /* the TLS handshake or connection failed; awl_error_message says why */
    AWL_ECERTIFICATE = 1402, /* the other side's certificate is not accepted; awl_error_message says why */
    AWL_ETRUNCATED = 1403,   /* the TLS connection ended without a goodbye: what came may be only a part */
    AWL_ETRUST = 1404,       /* there are no certificates to trust */
    AWL_EKEY = 1405,         /* a key or a chain of ours cannot be used */
    AWL_ESHUTDOWN = 1501,    /* the executor was shut down */
    AWL_ENOTHREAD = 1502,    /* no thread could be started; awl_error_message says why */
    AWL_ENOWORKER = 1503,     /* no worker process could be started; awl_error_message says why */
    AWL_EWORKEREXIT = 1504,   /* the worker process exited in the middle of its job: see awl_error_status */
    AWL_EWORKERKILLED = 1505, /* a signal ended the worker process in the middle of its job: see awl_error_status */
    AWL_EINTERRUPTED = 1666, /* SIGINT came: Ctrl-C. As the status of a program 130, which is what shells make of that */
};

/*
 * Names an error: an errno number, or one of awl's.
 *
 * Result   a text that lives as long as the thread does not ask for another one; never NULL.
 */
const char *awl_strerror(int error);

/*
 * Says what is known of an error that has just come up: "example.org: the certificate has expired …". The loop keeps
 * the last eight such texts; the youngest one for this number counts, of the running task if there is one.
 *
 * Result   that text, one line, valid until an operation of this loop fails; where there is none, as awl_strerror. What
 *          is no UTF-8 in it, and control characters, stand there as \xHH: others may have sent them.
 * Source   test/task/test_message.c
 */
const char *awl_error_message(int error);

/*
 * The number that goes with such a text: of a process that ended, its status as waitpid has it.
 *
 * Result   the status; -1 where there is none.
 * Source   test/exec/test_process_death.c
 */
int awl_error_status(int error);

/* What awl has to say when there is nobody to return an error to. */
typedef struct awl_report {
    const char *what; /* one line: what happened and what to do */
    const char *name; /* of the task or coroutine it is about; NULL: none */
    const char *file; /* where that was created, with line; of a main task or a server's, where its coroutine is defined;
                       * NULL: not known */
    int line;
    int error; /* 0: none */
    const char *message; /* what awl_error_message says of it; NULL: no more than its number does */
    const char *raiser; /* the coroutine in which that error was raised last, and where; NULL: not by co_raise */
    const char *raised_file;
    int raised_line;
} awl_report;

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

typedef struct awl_loop awl_loop;

#ifdef AWL_DEBUG
extern const bool awl_debug_build_; /* the library looks whether there is one */
__attribute__((weak)) const bool awl_debug_build_ = true;
#endif
struct event_base;

/* A callback. `arg` is what was given with it. */
typedef void awl_fn(void *arg);

/* What a loop itself takes of the memory that it is given, at most: bytes. */
enum { AWL_LOOP_MEMORY = 3072 };

/* Zero is the default of every option. */
typedef struct awl_loop_options {
    void *memory; /* the loop and all it hands out live here, and nowhere else; aligned to 8 */
    size_t memory_size; /* bytes: AWL_LOOP_MEMORY, and somewhat more than awl_loop_stats.memory_high of a trial run */

    bool virtual_time; /* the clock starts at 0 and jumps to the next deadline when nothing is ready */

    /* A clock and a wait of yours: `wait` blocks until something is ready or `timeout` (AWL_FOREVER: none) has passed.
     * It returns 0, or an error that ends the run. Both or neither. */
    awl_time (*now)(void *arg);
    int (*wait)(void *arg, awl_time timeout);
    void *clock_arg;

    /* Looks for cancellations that get lost (see CANCELLATION in awl/task.h), and for tasks that nobody released when the
     * loop is closed; reports each client whose TLS handshake with a server of ours fails. So does AWL_DEBUG=1 in the
     * environment. */
    bool debug;

    /* A step of a task, or a callback, that takes longer is reported: with the task's name, and FILE:LINE where the step
     * began and ended. 0: with `debug`, and in a program compiled with -DAWL_DEBUG, 100 ms, else AWL_FOREVER: none is.
     * By the loop's clock: with virtual time a step takes none. */
    awl_time slow_step;

    /* SIGUSR1 writes to stderr what all tasks are doing (see awl_dump in awl/task.h), unless the program has a handler for
     * it. While a step holds the loop nothing can be written but, if the signal comes again, where that step began. So does
     * AWL_DUMP=1 in the environment. */
    bool dump_on_signal;

    bool leave_sigint; /* awl_run lets SIGINT do what it does */

    /* When nothing is left that could happen (see awl_loop_run_forever): waits on, for a signal that ends the program. */
    bool allow_deadlock;

    uint64_t shuffle_seed; /* not 0: each iteration runs its entries in an order drawn from this seed, to find bugs */

    void (*report)(void *arg, const awl_report *report); /* NULL: one line on stderr */
    void *report_arg;
} awl_loop_options;

/*
 * Opens a loop with an event base of its own.
 *
 *   options   may be NULL; copied
 * Result   the loop; NULL with errno ENOMEM, EMFILE, ENFILE or EINVAL (the memory is smaller than AWL_LOOP_MEMORY or not
 *          aligned, or only one of `now` and `wait` is set).
 * Owns     awl_loop_close frees it. `options->memory` stays the caller's and must outlive the loop.
 * Source   asyncio.new_event_loop; test/loop/test_loop.c
 */
awl_loop *awl_loop_open(const awl_loop_options *options) __attribute__((warn_unused_result));

/*
 * Opens a loop that rides on an event base which somebody else dispatches: its entries run from within
 * event_base_dispatch, and awl_loop_run_forever is not called. From here to awl_loop_close it is this thread's running
 * loop.
 *
 *   base      must outlive the loop; one of epoll or kqueue (EINVAL else: poll and select know no edges)
 *   options   as above; virtual_time, now and wait must be unset
 * Result   as awl_loop_open; also NULL with errno EBUSY when this thread has a running loop.
 * Source   test/loop/test_attach.c
 */
awl_loop *awl_loop_attach(struct event_base *base, const awl_loop_options *options)
    __attribute__((warn_unused_result));

/* The event base below, for evdns, evhttp, bufferevents and events of your own (link libevent_core then). It stays the
 * loop's. NULL: the running loop's; NULL without one. */
struct event_base *awl_loop_base(awl_loop *loop);

/*
 * Closes a loop. Callbacks that have not run are dropped; tasks that have not ended are reported and dropped.
 *
 *   loop     may be NULL; a loop that is running is a trap
 * Owns     frees everything that belongs to the loop.
 */
void awl_loop_close(awl_loop *loop);

/*
 * Runs the loop until awl_loop_stop.
 *
 * Result   0; EBUSY if this loop or another one of this thread is running; AWL_EFORKED; what `wait` returned; EDEADLK if nothing is
 *          left that could happen, also reported, with awl_dump on stderr, if tasks wait for it. That is so when nothing is
 *          ready, no timer runs (awl_sleep(AWL_FOREVER) is one), no descriptor or event of the base is watched, no job is in
 *          an executor, no name is looked up, the process has no other threads, awl_call_soon_threadsafe was never called,
 *          and no signal has a handler; or, if time is virtual, when nothing is ready, no timer will ever be due, and no
 *          descriptor, job or look-up is under way. With `wait`, or attached to a base, that is not asked.
 * Context  the thread becomes the loop's owner while this runs.
 * Source   asyncio.loop.run_forever; test/loop/test_loop.c
 */
int awl_loop_run_forever(awl_loop *loop);

/* Ends the run after the iteration that is running; before a run, that run has one iteration that does not wait. */
void awl_loop_stop(awl_loop *loop);

/* The loop that runs on this thread, or NULL. */
awl_loop *awl_running_loop(void);
extern _Thread_local awl_loop *awl_running_ __attribute__((tls_model("initial-exec")));

/* Whether the loop is being run now. */
bool awl_loop_is_running(const awl_loop *loop);

/* The loop's clock: monotonic, read anew. NULL: the running loop; 0 without one. */
awl_time awl_loop_time(awl_loop *loop);

/* What a loop has used. */
typedef struct awl_loop_stats {
    size_t memory_used;    /* bytes handed out and not given back */
    size_t memory_high;    /* the most that ever was */
    size_t memory_held;    /* bytes taken from the system or, with memory of yours, from it */
    size_t stack_high;     /* the largest stack of frames that a task ever had, bytes; 0: none outgrew its first */
    size_t tasks;          /* not done */
    size_t tasks_held;     /* done, and not released */
    uint64_t iterations;
} awl_loop_stats;

/* Copies the loop's figures to *stats. NULL: the running loop's; zeros without one. */
void awl_loop_get_stats(const awl_loop *loop, awl_loop_stats *stats);

/* ---- Callbacks --------------------------------------------------------------------------------------------------- */

/* A place on the ready queue or among the timers. */
typedef struct awl_entry_ {
    struct awl_entry_ *next_;
    uint8_t kind_, flags_;
    uint16_t slot_;
    uint32_t extra_;
} awl_entry_;

typedef struct awl_link_ {
    awl_entry_ entry_;
    awl_entry_ *prev_;
} awl_link_;

typedef struct awl_timer_ {
    awl_link_ link_;
    awl_time when_;
} awl_timer_;

/* A callback that can be cancelled. Zeroed, it is one that was never scheduled. */
typedef struct awl_handle {
    awl_timer_ timer_;
    awl_loop *loop_;
    awl_fn *fn_;
    void *arg_;
} awl_handle;

/*
 * Calls fn(arg) once: in the next iteration; after `delay`; at `when`. What is due at the same moment is called in the
 * order in which it was asked for. A delay or moment that has passed means the next iteration, behind what is ready.
 *
 *   loop     NULL: the running loop
 *   handle   caller's memory until the call or awl_handle_cancel, zeroed at first; may be NULL: the loop keeps track,
 *            and the call cannot be cancelled
 *   fn       may do anything, scheduling the same handle again included
 * Result   0; ENOMEM (only without a handle); EBUSY if the handle is scheduled already; EINVAL if there is no loop or fn.
 * Context  the loop's thread, or any while the loop does not run; allocates nothing if there is a handle.
 * Source   asyncio.loop.call_soon, call_later, call_at; test/loop/test_callbacks.c
 */
int awl_call_soon(awl_loop *loop, awl_handle *handle, awl_fn *fn, void *arg);
int awl_call_later(awl_loop *loop, awl_handle *handle, awl_time delay, awl_fn *fn, void *arg);
int awl_call_at(awl_loop *loop, awl_handle *handle, awl_time when, awl_fn *fn, void *arg);

/* Takes the call back: fn is not called, and the memory of the handle is free. NULL, a zeroed handle, and one whose
 * call has been made are let be. */
void awl_handle_cancel(awl_handle *handle);

/*
 * Calls fn(arg) in the loop's thread, in its next iteration: the one call that any thread may make. Calls of one thread
 * are made in their order.
 *
 *   loop     must stay open until the call is made
 *   handle   as above, but it cannot be cancelled; NULL: malloc is asked
 * Result   0, ENOMEM, EINVAL for no loop or fn, or AWL_EFORKED.
 * Source   asyncio.loop.call_soon_threadsafe; test/loop/test_threadsafe.c
 */
int awl_call_soon_threadsafe(awl_loop *loop, awl_handle *handle, awl_fn *fn, void *arg);

/* ---- Descriptors --------------------------------------------------------------------------------------------------- */

/*
 * Calls fn(arg) whenever descriptor fd can be read (written): once an iteration as long as it can. At most one reader and
 * one writer a descriptor; another call replaces the first. Remove them before closing the descriptor.
 *
 *   loop     NULL: the running loop
 *   fd       in non-blocking mode
 * Result   0; ENOMEM; EBADF or EPERM (a plain file cannot be waited for); EINVAL if there is no loop or fn.
 * Source   asyncio.loop.add_reader; test/loop/test_descriptors.c
 */
int awl_add_reader(awl_loop *loop, int fd, awl_fn *fn, void *arg);
int awl_add_writer(awl_loop *loop, int fd, awl_fn *fn, void *arg);

/* Takes it back; a call that is due already is not made. Result: whether there was one. */
bool awl_remove_reader(awl_loop *loop, int fd);
bool awl_remove_writer(awl_loop *loop, int fd);

#endif
