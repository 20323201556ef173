/* The ends of child processes; see signals_priv.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals_priv.h"
#include "syscalls.h"

enum { BY_PIDFD = 3 }; /* P_PIDFD, for waitid */

/* ---- How a child ended ------------------------------------------------------------------------------------------- */

/* What waitid says, as waitpid says it. */
static int status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? (info->si_status & 255) << 8
                                       : info->si_status | (info->si_code == CLD_DUMPED ? 128 : 0);
}

/* Takes the status of a child that has ended, and of no other: a pidfd cannot mean one that has the same number by now.
 * Linux 5.3 has pidfds, but cannot wait for one. Result: false if it runs. */
static bool take_status(const awl__child *child, int *status)
{
    const int options = WEXITED | WNOHANG | (child->keep ? WNOWAIT : 0);
    siginfo_t info = { .si_pid = 0 };
    int rc = -1;

    errno = EINVAL;
    if (child->fd >= 0)
        rc = waitid((idtype_t)BY_PIDFD, (id_t)child->fd, &info, options);
    if (rc < 0 && errno == EINVAL)
        rc = waitid(P_PID, (id_t)child->pid, &info, options);
    if (rc < 0 && errno == EINTR)
        return false; /* it is asked again */
    *status = rc < 0 ? AWL__STATUS_LOST : status_of(&info);
    return rc < 0 || info.si_pid != 0;
}

static void look(void *arg)
{
    awl__child *child = arg;
    awl__child_fn *fn = child->fn;
    int status;

    if (!take_status(child, &status))
        return;
    arg = child->arg;
    awl__child_forget(child);
    fn(arg, status);
}

/* ---- Watching ---------------------------------------------------------------------------------------------------- */

static void look_soon(awl__child *child) { awl_call_soon(child->loop, &child->soon, look, child); }

static void pidfd_changed(awl__io *io, bool readable, bool writable)
{
    (void)readable, (void)writable;
    look_soon((awl__child *)(void *)((char *)io - offsetof(awl__child, io)));
}

static void sigchld_came(awl__signal *signal) { look(signal); }

static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    (void)loop;
    awl__child_forget((awl__child *)(void *)((char *)closer - offsetof(awl__child, closer)));
}

/* By a pidfd. 0 or the error. */
static int watch_pidfd(awl__child *child)
{
    int error;

    child->fd = awl__pidfd_open(child->pid);
    if (child->fd < 0)
        return errno;
    child->io.changed = pidfd_changed;
    error = awl__io_open(child->loop, &child->io, child->fd);
    if (error) {
        close(child->fd);
        child->fd = -1;
    }
    return error;
}

int awl__child_watch(awl__child *child, awl_loop *loop, pid_t pid, awl__child_fn *fn, void *arg)
{
    int error = ENOSYS;

    if (pid <= 0 || !fn)
        return EINVAL;
    memset(child, 0, sizeof *child);
    child->loop = loop;
    child->pid = pid;
    child->fd = -1;
    child->fn = fn;
    child->arg = arg;
    if (!loop->no_pidfd)
        error = watch_pidfd(child);

    /* An old kernel, a sandbox, no descriptor left. */
    if (error && error != ESRCH && error != ENOMEM) {
        error = awl__signal_add(loop, &child->signal, SIGCHLD, sigchld_came, 0);
        if (!error)
            look_soon(child); /* it may have ended before */
    }
    if (error) {
        child->loop = NULL;
        return error;
    }
    awl__closer_add(loop, &child->closer, loop_closed);
    return 0;
}

void awl__child_forget(awl__child *child)
{
    if (!child || !child->loop)
        return;
    awl__closer_remove(&child->closer);
    awl__signal_remove(&child->signal);
    awl_handle_cancel(&child->soon);
    awl__io_close(&child->io);
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
    child->loop = NULL;
}

int awl__child_kill(const awl__child *child, int number)
{
    siginfo_t info;

    if (!child->loop)
        return ESRCH;
    if (child->fd >= 0) {
        if (syscall(SYS_pidfd_send_signal, child->fd, number, NULL, 0) == 0)
            return 0;
        if (errno != ENOSYS)
            return errno;
    }

    /* Unless somebody else has waited for it, the number is still its. */
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
        return ESRCH;
    return kill(child->pid, number) < 0 ? errno : 0;
}
