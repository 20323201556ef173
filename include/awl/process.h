/*
 * awl/process.h: other programs: started, talked to by streams, waited for, stopped. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(sorted, { awl_process *sort; int code; })
 *     {
 *         co_begin;
 *         co_let(self->sort, awl_create_subprocess_exec(AWL_ARGV("sort", "-n"),
 *                                &(awl_process_options){ .in = AWL_PIPE, .out = AWL_PIPE }));
 *         co_let(self->code, awl_process_communicate(self->sort, "10\n9\n", 5, 0));
 *         printf("%sstatus %d\n", awl_process_output(self->sort, NULL), self->code);
 *         co_finally;
 *         awl_process_close(self->sort);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(sorted)); }
 *
 * WHAT A PROGRAM GETS. Its three standard descriptors, and those of `pass_fds`; all others are closed, whether or not
 * whoever opened them thought of that. No signal is blocked, none has a handler, and SIGPIPE and SIGXFSZ have their
 * default action; other signals that are ignored stay so. The user and group, the limits, and, unless the options say
 * otherwise, the environment, the directory, the umask, the session and the process group are this program's.
 *
 * ITS END is told by a pidfd, or where the kernel has none by SIGCHLD. awl waits for the processes it has started and
 * for no others; a program's own children, and those of other libraries, are theirs. When somebody else waits for one
 * of ours (by wait(), or because SIGCHLD is ignored), how it ended is lost: ECHILD.
 *
 * STOPPING. awl_process_close kills what still runs, so a co_finally with it leaves nothing behind. What a child has
 * started itself runs on, unless the child has a process group of its own (`group`, `new_session`), which is killed as
 * a whole.
 *
 * TIME LIMITS are awl_wait_for's: around awl_process_wait, awl_process_communicate, a read. Nothing is lost by them.
 */
#ifndef AWL_PROCESS_H
#define AWL_PROCESS_H

#include <limits.h>
#include <sys/types.h>

#include "awl/stream.h"

typedef struct awl_process awl_process;

/* Instead of a descriptor. */
enum {
    AWL_PIPE = -1,    /* a pipe: awl_process_stdin, awl_process_stdout, awl_process_stderr are streams over it */
    AWL_STDOUT = -2,  /* of stderr: where stdout goes */
    AWL_DEVNULL = -3, /* /dev/null */
};

enum { AWL_NEW_GROUP = -1 };

/* Zero is the default of every option. */
typedef struct awl_process_options {
    int in, out, err;       /* its standard descriptors: AWL_PIPE, AWL_DEVNULL, AWL_STDOUT, or a descriptor of this
                             * program above 0, which stays open here; 0: this program's own */
    const char *const *env; /* its environment, "NAME=value", NULL at the end; NULL: this program's */
    const char *cwd;        /* its directory, from which a relative path of the program counts, too; NULL: this one's */
    const int *pass_fds;    /* descriptors above 2 that it has under the same numbers */
    size_t n_pass_fds;
    pid_t group;            /* its process group: AWL_NEW_GROUP, or the number of one; 0: this program's */
    bool new_session;       /* it leads a session and a group of its own, without a terminal */
    bool set_umask;         /* it has this one: */
    mode_t umask;
    size_t limit;           /* of a line that is read of it, bytes; 64 KiB */
} awl_process_options;

/* The words of a command, as awl_create_subprocess_exec takes them: AWL_ARGV("ls", "-l"). It lasts as long as the block
 * that it is written in. */
#define AWL_ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- Starting ---------------------------------------------------------------------------------------------------- */

/*
 * Starts a program.
 *
 *   argv      its name and arguments, NULL at the end; a name without '/' is looked for in the directories of PATH,
 *             that of `env` if there is one. Valid until the operation completes
 *   options   may be NULL; copied by this call. What they point to is valid until the operation completes
 * Result   awl_process *: the process, in which the program runs already.
 * Errors   ENOENT, EACCES, ENOEXEC, ENOTDIR, E2BIG, ELOOP, ETXTBSY …: from the child, it cannot be executed, or its
 *          directory cannot be entered (awl_error_message tells which); EPERM: its group or session cannot be; EAGAIN:
 *          too many processes; EMFILE, ENFILE; EBADF: no such descriptor; EINVAL; ENOMEM.
 * Owns     the caller closes the process. On error nothing is left of it.
 * Context  does not suspend, but holds the loop until the program has been loaded (vfork): about half a millisecond,
 *          whatever the size of this one. Other threads go on.
 * Source   asyncio.create_subprocess_exec; test/process/test_start.c
 */
AWL_CORO awl_create_subprocess_exec(const char *const *argv, const awl_process_options *options);

/* The same with a command for /bin/sh. What is part of it must be quoted for the shell: prefer the other one.
 * Source: asyncio.create_subprocess_shell; test/process/test_start.c */
AWL_CORO awl_create_subprocess_shell(const char *command, const awl_process_options *options);

/*
 * Gives a process back: kills it, unless it has ended, and what there is of its group, if that is its own; closes its
 * streams: what the pipe has not taken is dropped. It is a zombie for no longer than its end takes.
 *
 *   p   may be NULL; not to be used afterwards. Waits for it of other tasks end as they would
 * Context  the loop's thread; does not suspend. The loop's end does the same with what was not closed, and gives it a
 *          second to die.
 * Source   asyncio.SubprocessTransport.close; test/process/test_close.c
 */
void awl_process_close(awl_process *p);

/* Gives a process back and lets it run on; its streams are closed as by awl_stream_close. While the loop is there it
 * becomes no zombie. NULL is let be. Source: test/process/test_close.c */
void awl_process_detach(awl_process *p);

/* ---- Talking to it ----------------------------------------------------------------------------------------------- */

/* The stream to its standard input, and from its outputs; NULL where it has no pipe. They are the process's: not to be
 * closed. Source: test/process/test_pipes.c */
awl_stream *awl_process_stdin(awl_process *p);
awl_stream *awl_process_stdout(awl_process *p);
awl_stream *awl_process_stderr(awl_process *p);

/* Ends its standard input: it reads the end when it has read what was written. The stream is gone. As
 * asyncio's process.stdin.close; test/process/test_pipes.c */
void awl_process_close_stdin(awl_process *p);

/*
 * Writes `len` bytes to its standard input and ends that, reads all of its outputs, and waits for its end: what has a
 * pipe, all at once, so that output of any size finds its reader. That it does not read its input is no error.
 *
 *   input   valid until the operation completes; NULL, and `len` 0, where its standard input has no pipe
 *   limit   of each output, bytes; 0: as much as there is memory for
 * Result   int: its return code; awl_process_output and awl_process_errors have the rest.
 * Errors   AWL_ELIMIT: an output is longer; one byte beyond the limit has been read of it, and no more; ECHILD; EBUSY:
 *          another one is at work, or a task reads from it; ECONNABORTED: closed by another task meanwhile; EINVAL;
 *          ENOMEM; ECANCELED; the first error of a stream.
 * Context  suspends. After an error what came so far is there, and it may be called again with the same input: it goes
 *          on where it was. An output ends when all have closed it, also children of the child that run on.
 * Source   asyncio.subprocess.Process.communicate; test/process/test_communicate.c
 */
AWL_CORO awl_process_communicate(awl_process *p, const void *input, size_t len, size_t limit);

/* What awl_process_communicate has read, with a zero byte behind it; never NULL. It lies in memory of the process's,
 * and may move when more is read. `len` takes its length; may be NULL. Source: test/process/test_communicate.c */
const char *awl_process_output(const awl_process *p, size_t *len);
const char *awl_process_errors(const awl_process *p, size_t *len);

/* ---- Its end ----------------------------------------------------------------------------------------------------- */

/*
 * Waits for its end; any number of tasks may. Output that nobody reads can keep it from that: awl_process_communicate
 * cannot be held up so.
 *
 * Result   int: its return code: the status that it exits with, or the negative number of the signal that ended it.
 * Errors   ECHILD: how it ended is lost; ECANCELED, nothing is lost; EINVAL for NULL; ENOMEM.
 * Source   asyncio.subprocess.Process.wait; test/process/test_wait.c
 */
AWL_CORO awl_process_wait(awl_process *p);

/* Its return code; AWL_RUNNING while it has none: it runs, or how it ended is lost. */
enum { AWL_RUNNING = INT_MIN };
int awl_process_returncode(const awl_process *p);

/* Its number, which is that of its group if that is its own; after its end it may be another's. 0 for NULL. */
pid_t awl_process_pid(const awl_process *p);

/*
 * Sends it a signal; SIGTERM; SIGKILL.
 *
 * Result   0; ESRCH: it has ended; EPERM; EINVAL: no such signal, or NULL.
 * Context  never reaches another process that has got its number.
 * Source   asyncio.subprocess.Process.send_signal, terminate, kill; test/process/test_signal.c
 */
int awl_process_send_signal(awl_process *p, int signal);
int awl_process_terminate(awl_process *p);
int awl_process_kill(awl_process *p);

/*
 * The same to its whole group, also after its own end; the group must be its own (AWL_NEW_GROUP, `new_session`). Its
 * number is not given to others: the process stays in the kernel's table until it is closed.
 *
 * Result   0; ESRCH: nobody is left; EPERM; EINVAL: no such signal, no group of its own.
 * Source   os.killpg; test/process/test_signal.c
 */
int awl_process_signal_group(awl_process *p, int signal);

#endif
