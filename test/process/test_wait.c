/* test_wait.c: the ends of processes, and whose they are. */
#define _GNU_SOURCE
#include "rig.h"

PROCESS_TEST(return_codes_are_as_in_python, { awl_process *p; int code; })
{
    co_begin;
    SH(self->p, "exit 3");
    CHECK_INT(awl_process_returncode(self->p), AWL_RUNNING);
    CHECK(awl_process_pid(self->p) > 0);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 3);
    CHECK_INT(awl_process_returncode(self->p), 3);
    co_let(self->code, awl_process_wait(self->p)); /* again */
    CHECK_INT(self->code, 3);
    awl_process_close(self->p);
    self->p = NULL;
    SH(self->p, "kill -TERM $$");
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, -SIGTERM);
    CHECK_INT(awl_process_returncode(self->p), -SIGTERM);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(of_no_process_there_is_nothing_to_tell, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_process_wait(NULL));
    CHECK_INT(awl_process_returncode(NULL), AWL_RUNNING);
    CHECK_INT(awl_process_pid(NULL), 0);
    CHECK(!awl_process_stdin(NULL) && !awl_process_stdout(NULL) && !awl_process_stderr(NULL));
    awl_process_close_stdin(NULL);
    awl_process_close(NULL);
    awl_process_detach(NULL);
    co_end;
}

PROCESS_TEST(a_cancelled_wait_loses_nothing, { awl_process *p; int rc, code; })
{
    co_begin;
    SH(self->p, "read x; exit 5", .in = AWL_PIPE);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_process_wait(self->p), AWL_SECOND));
    awl_process_close_stdin(self->p);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 5);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(several_may_wait, { awl_process *p; awl_task *t[3]; int i, code; })
{
    co_begin;
    SH(self->p, "read x; exit 7", .in = AWL_PIPE);
    for (self->i = 0; self->i < 3; self->i++)
        self->t[self->i] = awl_create_task(awl_process_wait(self->p));
    co_await(awl_sleep(0));
    awl_process_close_stdin(self->p);
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->code, self->t[self->i]);
        CHECK_INT(self->code, 7);
    }
    co_finally;
    for (self->i = 0; self->i < 3; self->i++)
        awl_task_release(self->t[self->i]);
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(children_of_others_are_theirs, { awl_process *p; pid_t other; siginfo_t info; int code; })
{
    co_begin;
    self->other = fork();
    if (self->other == 0)
        _exit(9);
    waitid(P_PID, (id_t)self->other, &self->info, WEXITED | WNOWAIT);
    SH(self->p, "exit 1");
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 1);
    co_finally;
    awl_process_close(self->p);
    CHECK_INT(end_of(self->other), 9);
    co_end;
}

PROCESS_TEST(an_end_that_others_waited_for_is_ECHILD, { awl_process *p; int rc; })
{
    co_begin;
    SH(self->p, "exit 1");
    while (waitpid(-1, NULL, 0) < 0)
        ;
    CHECK_FAILS(ECHILD, awl_process_wait(self->p));
    CHECK_INT(awl_process_returncode(self->p), AWL_RUNNING);
    CHECK_INT(awl_process_kill(self->p), ESRCH);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* The kernel itself waits then; by SIGCHLD, whose handler is ours as long as we watch, it does not. */
TASK_TEST(where_sigchld_is_ignored_it_is_ECHILD, { awl_process *p; int rc; })
{
    co_begin;
    signal(SIGCHLD, SIG_IGN);
    SH(self->p, "exit 1");
    CHECK_FAILS(ECHILD, awl_process_wait(self->p));
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* ---- Many -------------------------------------------------------------------------------------------------------- */

/* AWL_MANY=10000 for the long form. */
static int how_many(void)
{
    const char *many = getenv("AWL_MANY");

    return many ? atoi(many) : 200;
}

static size_t descriptors(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

PROCESS_TEST(short_ones_leave_nothing, { awl_process *p; int i, code; size_t fds, memory; })
{
    co_begin;
    for (self->i = 0; self->i < how_many(); self->i++) {
        awl_running_loop()->no_pidfd = no_pidfd;
        co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .out = AWL_PIPE }));
        co_let(self->code, awl_process_communicate(self->p, NULL, 0, 0));
        CHECK_INT(self->code, 0);
        awl_process_close(self->p);
        self->p = NULL;
        co_await(awl_sleep(0));
        if (self->i == 10) {
            self->fds = descriptors();
            self->memory = stats_of(NULL).memory_used;
        }
    }
    CHECK_INT(descriptors(), self->fds);
    CHECK_INT(stats_of(NULL).memory_used, self->memory);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

co_def(runs_one, { int i; awl_process *p; int code; })
{
    co_begin;
    awl_running_loop()->no_pidfd = no_pidfd;
    co_let(self->p, awl_create_subprocess_shell("read x; exit $x", &(awl_process_options){ .in = AWL_PIPE }));
    awl_stream_print(awl_process_stdin(self->p), "%d\n", self->i);
    co_let(self->code, awl_process_wait(self->p));
    co_return(self->code);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

enum { AT_ONCE = 40 };

PROCESS_TEST(many_at_once_are_told_apart, { awl_task *tasks[AT_ONCE]; awl_outcome out[AT_ONCE]; int n; })
{
    co_begin;
    for (; self->n < AT_ONCE; self->n++) {
        self->tasks[self->n] = awl_create_task(co_call(runs_one, .i = self->n));
        if (!self->tasks[self->n])
            co_raise(ENOMEM);
    }
    co_await(awl_gather_n(self->tasks, AT_ONCE, self->out, 0));
    for (int i = 0; i < AT_ONCE; i++)
        CHECK_INT(self->out[i].value.i, i);
    co_finally;
    while (self->n > 0)
        awl_task_release(self->tasks[--self->n]);
    co_end;
}
