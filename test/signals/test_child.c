/* test_child.c: the ends of child processes, by pidfds and by SIGCHLD. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>

#include "rig.h"
#include "signals/signals_priv.h"

/* Each test runs both ways. */
static bool no_pidfd;

#define CHILD_TEST(name, ...)                                                                                          \
    co_declare(name, __VA_ARGS__);                                                                                     \
    TEST(name##_by_pidfd) { run_main(co_call(name)); }                                                                 \
    TEST(name##_by_sigchld)                                                                                            \
    {                                                                                                                  \
        no_pidfd = true;                                                                                               \
        run_main(co_call(name));                                                                                       \
    }                                                                                                                  \
    co_define(name)

/* A child that waits for a byte from its parent, or for its end, and then exits with `status` or dies of -status. */
static pid_t start(int status, int *fd)
{
    int fds[2];
    char c;
    pid_t pid;

    awl_running_loop()->no_pidfd = no_pidfd;
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        close(fds[1]);
        if (read(fds[0], &c, 1) < 0)
            _exit(99);
        if (status < 0)
            raise(-status);
        _exit(status);
    }
    close(fds[0]);
    if (fd)
        *fd = fds[1];
    else
        close(fds[1]);
    CHECK(pid > 0);
    return pid;
}

/* A child that is watched, and how it ended. */
typedef struct watched {
    awl__child child;
    awl_event ended;
    int status, fd;
    pid_t pid;
} watched;

static void child_ended(void *arg, int status)
{
    watched *w = arg;

    w->status = status;
    CHECK(w->child.loop == NULL);
    awl_event_set(&w->ended);
}

/* Starts a child and watches it; without memory it is ended here. */
static int watch(watched *w, int status)
{
    int error;

    memset(w, 0, sizeof *w);
    w->pid = start(status, &w->fd);
    error = awl__child_watch(&w->child, awl_running_loop(), w->pid, child_ended, w);
    if (error) {
        close(w->fd);
        end_of(w->pid);
    }
    return error;
}

CHILD_TEST(the_status_of_a_child_is_told, { watched w; })
{
    co_begin;
    CHECK_INT(watch(&self->w, 42), 0);
    CHECK_INT(self->w.child.fd >= 0, !no_pidfd);
    co_await(awl_sleep(AWL_MS));
    CHECK(!awl_event_is_set(&self->w.ended));
    close(self->w.fd);
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, 42 << 8);
    CHECK_INT(waitpid(self->w.pid, NULL, 0), -1);
    CHECK_INT(errno, ECHILD);
    CHECK_STR(action_of(SIGCHLD), "default");
    co_end;
}

CHILD_TEST(so_is_the_signal_that_ended_it, { watched w; })
{
    co_begin;
    CHECK_INT(watch(&self->w, -SIGTERM), 0);
    close(self->w.fd);
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, SIGTERM);
    co_end;
}

CHILD_TEST(one_that_has_ended_before_is_told, { watched w; siginfo_t info; })
{
    co_begin;
    self->w.pid = start(3, NULL);
    CHECK_INT(waitid(P_PID, (id_t)self->w.pid, &self->info, WEXITED | WNOWAIT), 0);
    if (awl__child_watch(&self->w.child, awl_running_loop(), self->w.pid, child_ended, &self->w)) {
        end_of(self->w.pid);
        CHECK(!"memory");
    }
    CHECK(!awl_event_is_set(&self->w.ended)); /* not within the call */
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, 3 << 8);
    co_end;
}

CHILD_TEST(several_are_told_apart, { watched w[8]; int i, n; })
{
    co_begin;
    while (self->n < 8 && watch(&self->w[self->n], self->n) == 0)
        self->n++;
    for (self->i = self->n - 1; self->i >= 0; self->i -= 2)
        close(self->w[self->i].fd);
    for (self->i = self->n - 2; self->i >= 0; self->i -= 2)
        close(self->w[self->i].fd);
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(awl_event_wait(&self->w[self->i].ended));
        CHECK_INT(self->w[self->i].status, self->i << 8);
    }
    CHECK_INT(self->n, 8);
    co_end;
}

/* ---- Children of others ------------------------------------------------------------------------------------------ */

/* A library that forks, and has a handler of SIGCHLD of its own. */
CHILD_TEST(children_of_others_are_theirs, { watched w; pid_t other; siginfo_t info; })
{
    co_begin;
    signal(SIGCHLD, count_foreign);
    self->other = start(7, NULL);
    if (watch(&self->w, 1)) {
        end_of(self->other);
        CHECK(!"memory");
    }
    CHECK_INT(waitid(P_PID, (id_t)self->other, &self->info, WEXITED | WNOWAIT), 0);
    co_await(awl_sleep(AWL_MS));
    close(self->w.fd);
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, 1 << 8);
    CHECK_INT(end_of(self->other), 7);
    CHECK(foreign >= 1);
    raise(SIGCHLD);
    CHECK(foreign >= 2);
    co_end;
}

/* Somebody who waits for all: what it got is lost for us, and nothing waits for ever. */
CHILD_TEST(one_that_others_waited_for_is_lost, { watched w; })
{
    co_begin;
    CHECK_INT(watch(&self->w, 1), 0);
    close(self->w.fd);
    CHECK_INT(waitpid(-1, NULL, 0), self->w.pid);
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, AWL__STATUS_LOST);
    co_end;
}

/* ---- Forgetting -------------------------------------------------------------------------------------------------- */

CHILD_TEST(one_that_is_forgotten_is_its_owners, { watched w; })
{
    co_begin;
    CHECK_INT(watch(&self->w, 9), 0);
    awl__child_forget(&self->w.child);
    awl__child_forget(&self->w.child);
    awl__child_forget(NULL);
    CHECK_STR(action_of(SIGCHLD), "default");
    close(self->w.fd);
    CHECK_INT(end_of(self->w.pid), 9);
    co_await(awl_sleep(AWL_MS));
    CHECK(!awl_event_is_set(&self->w.ended));
    co_end;
}

CHILD_TEST(one_whose_end_was_seen_can_be_forgotten, { watched w; siginfo_t info; })
{
    co_begin;
    CHECK_INT(watch(&self->w, 9), 0);
    close(self->w.fd);
    CHECK_INT(waitid(P_PID, (id_t)self->w.pid, &self->info, WEXITED | WNOWAIT), 0);
    awl__child_forget(&self->w.child);
    CHECK_INT(end_of(self->w.pid), 9);
    co_end;
}

static watched left;

co_def(leaves, { bool pidfd; })
{
    co_begin;
    if (watch(&left, 5))
        co_raise(ENOMEM);
    co_end;
}

static void leave_one(void)
{
    CHECK_INT(awl_run_with(co_call(leaves), &virtual_options, NULL), 0);
    CHECK(left.child.loop == NULL);
    CHECK_STR(action_of(SIGCHLD), "default");
    close(left.fd);
    CHECK_INT(end_of(left.pid), 5);
}

TEST(the_end_of_the_loop_forgets_all)
{
    leave_one();
    no_pidfd = true;
    leave_one();
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

CHILD_TEST(what_is_no_child_is_refused, { awl__child child; pid_t pid; })
{
    co_begin;
    CHECK_INT(awl__child_watch(&self->child, awl_running_loop(), 0, child_ended, NULL), EINVAL);
    CHECK_INT(awl__child_watch(&self->child, awl_running_loop(), -1, child_ended, NULL), EINVAL);
    CHECK_INT(awl__child_watch(&self->child, awl_running_loop(), 1, NULL, NULL), EINVAL);
    self->pid = start(0, NULL);
    CHECK_INT(end_of(self->pid), 0);
    if (!no_pidfd)
        CHECK_INT(awl__child_watch(&self->child, awl_running_loop(), self->pid, child_ended, NULL), ESRCH);
    co_end;
}

/* Without a descriptor for a pidfd SIGCHLD has to do. */
TASK_TEST(without_descriptors_it_is_watched_all_the_same, { watched w; int fds[100], n; pid_t pid; int pipe; })
{
    co_begin;
    self->pid = start(4, &self->pipe);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 100, 20000 }), 0);
    while (self->n < 100 && (self->fds[self->n] = dup(0)) >= 0)
        self->n++;
    if (awl__child_watch(&self->w.child, awl_running_loop(), self->pid, child_ended, &self->w))
        self->w.status = -2;
    else
        CHECK_INT(self->w.child.fd, -1);
    while (self->n > 0)
        close(self->fds[--self->n]);
    close(self->pipe);
    if (self->w.status == -2) {
        end_of(self->pid);
        CHECK(!"memory");
    }
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, 4 << 8);
    co_end;
}

CHILD_TEST(a_child_is_signalled, { watched w; })
{
    co_begin;
    CHECK_INT(watch(&self->w, 0), 0);
    CHECK_INT(awl__child_kill(&self->w.child, 0), 0);
    CHECK_INT(awl__child_kill(&self->w.child, SIGKILL), 0);
    co_await(awl_event_wait(&self->w.ended));
    CHECK_INT(self->w.status, SIGKILL);
    CHECK_INT(awl__child_kill(&self->w.child, SIGKILL), ESRCH);
    close(self->w.fd);
    co_end;
}
