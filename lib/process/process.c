/* Processes: what is known of them, their ends, signals to them. See awl/process.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "process_priv.h"

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void loop_closed(awl_loop *loop, awl__closer *closer);

awl_process *awl__process_new(awl_loop *loop)
{
    awl_process *p = awl__alloc(loop, sizeof *p);

    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->loop = loop;
    p->refs = 1;
    p->code = AWL_RUNNING;
    awl__closer_add(loop, &p->closer, loop_closed);
    return p;
}

void awl__process_drop(awl_process *p)
{
    if (--p->refs)
        return;
    awl__closer_remove(&p->closer);
    awl__free(p->loop, p->output.data, p->output.cap);
    awl__free(p->loop, p->errors.data, p->errors.cap);
    awl__free(p->loop, p, sizeof *p);
}

/* ---- Its end ----------------------------------------------------------------------------------------------------- */

static void child_ended(void *arg, int status)
{
    awl_process *p = arg;

    p->has_ended = true;
    if (status == AWL__STATUS_LOST)
        p->error = ECHILD;
    else
        p->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    awl_event_set(&p->ended);
    awl__process_drop(p);
}

/* Takes a process whose status is known out of the kernel's table, if it is kept there. */
static void reap(awl_process *p)
{
    if (p->own_group && p->has_ended && !p->error && p->pid)
        waitpid(p->pid, NULL, WNOHANG);
    p->pid = 0;
}

int awl__process_watch(awl_process *p, pid_t pid, bool own_group)
{
    const int error = awl__child_watch(&p->child, p->loop, pid, child_ended, p);

    if (error == ESRCH) { /* SIGCHLD is ignored, or somebody else has been quicker */
        p->has_ended = true;
        p->error = ECHILD;
        awl_event_set(&p->ended);
    } else if (error) {
        kill(own_group ? -pid : pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return error;
    } else {
        awl__process_keep(p);
        p->child.keep = own_group;
    }
    p->pid = pid;
    p->own_group = own_group;
    return 0;
}

int awl_process_returncode(const awl_process *p) { return p ? p->code : AWL_RUNNING; }

pid_t awl_process_pid(const awl_process *p) { return p ? p->pid : 0; }

co_def(wait_for_end, { awl_process *held; })
{
    co_begin;
    if (!self->held)
        co_raise(EINVAL);
    co_await(awl_event_wait(&self->held->ended));
    if (self->held->error)
        co_raise(self->held->error);
    co_return(self->held->code);
    co_finally;
    if (self->held)
        awl__process_drop(self->held);
    co_end;
}

/* Operations hold a reference from their making on: their first step may come after the close, or never. */
awl_coro awl__process_hold(awl_process *p, awl_coro coroutine)
{
    if (p && coroutine.frame_)
        p->refs++;
    return coroutine;
}

void awl__process_op_close(co_frame *frame)
{
    awl_process *held = NULL;

    if (frame->type_ == &wait_for_end_type_)
        held = ((struct wait_for_end *)(void *)frame)->held;
    else if (frame->type_ == &awl__communicate_type_)
        held = ((struct awl__communicate *)(void *)frame)->held;
    if (held)
        awl__process_drop(held);
}

awl_coro awl_process_wait(awl_process *p) { return awl__process_hold(p, co_call(wait_for_end, .held = p)); }

/* ---- Signals ----------------------------------------------------------------------------------------------------- */

int awl_process_send_signal(awl_process *p, int number)
{
    if (!p)
        return EINVAL;
    awl__loop_check(p->loop);
    return p->has_ended ? ESRCH : awl__child_kill(&p->child, number);
}

int awl_process_terminate(awl_process *p) { return awl_process_send_signal(p, SIGTERM); }

int awl_process_kill(awl_process *p) { return awl_process_send_signal(p, SIGKILL); }

int awl_process_signal_group(awl_process *p, int number)
{
    if (!p || !p->own_group)
        return EINVAL;
    awl__loop_check(p->loop);
    return p->error ? ESRCH : kill(-p->pid, number) < 0 ? errno : 0;
}

/* ---- Closing ----------------------------------------------------------------------------------------------------- */

static void kill_all(awl_process *p)
{
    if (p->own_group)
        awl_process_signal_group(p, SIGKILL);
    else
        awl_process_kill(p);
}

static void close_streams(awl_process *p, bool at_once)
{
    awl_stream *streams[] = { p->in, p->out, p->err };

    p->in = p->out = p->err = NULL;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        if (at_once)
            awl_stream_abort(streams[i]);
        awl_stream_close(streams[i]);
    }
}

void awl_process_close(awl_process *p)
{
    if (!p)
        return;
    awl__loop_check(p->loop);
    kill_all(p);
    close_streams(p, true);
    reap(p);
    p->closed = true;
    p->own_group = false;
    p->child.keep = false;
    awl__process_drop(p);
}

void awl_process_detach(awl_process *p)
{
    if (!p)
        return;
    awl__loop_check(p->loop);
    close_streams(p, false);
    reap(p);
    p->own_group = false;
    p->closed = p->detached = true;
    p->child.keep = false;
    awl__process_drop(p);
}

/* The loop is closed, and with it the watch: a child that was killed is waited for here, but not for ever. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    awl_process *p = (awl_process *)(void *)((char *)closer - offsetof(awl_process, closer));
    struct timespec pause = { .tv_nsec = 100000 };

    if (awl__loop_forked(loop)) { /* it is the parent's child */
        awl__child_forget(&p->child);
        return;
    }
    if (!p->detached)
        kill_all(p);
    for (int i = 0; i < 19 && !p->detached && !p->has_ended && waitpid(p->child.pid, NULL, WNOHANG) == 0; i++) {
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < 100000000 ? 2 * pause.tv_nsec : pause.tv_nsec;
    }
    reap(p);
    awl__child_forget(&p->child);
}
