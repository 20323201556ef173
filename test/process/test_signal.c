/* test_signal.c: signals to a process and to its group. */
#define _GNU_SOURCE
#include "rig.h"

PROCESS_TEST(signals_reach_it, { awl_process *p; char *line; int code; })
{
    co_begin;
    SH(self->p, "trap 'echo caught' USR1; echo ready; while :; do read x || :; done", .out = AWL_PIPE, .in = AWL_PIPE);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_INT(awl_process_send_signal(self->p, SIGUSR1), 0);
    CHECK_INT(awl_stream_write(awl_process_stdin(self->p), "\n", 1), 0);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_STR(self->line, "caught\n");
    CHECK_INT(awl_process_send_signal(self->p, 1000), EINVAL);
    CHECK_INT(awl_process_send_signal(NULL, SIGTERM), EINVAL);
    CHECK_INT(awl_process_terminate(self->p), 0);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, -SIGTERM);
    CHECK_INT(awl_process_terminate(self->p), ESRCH);
    CHECK_INT(awl_process_kill(self->p), ESRCH);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(kill_cannot_be_refused, { awl_process *p; char *line; int code; })
{
    co_begin;
    SH(self->p, "trap '' TERM; echo ready; while :; do sleep 1000; done", .out = AWL_PIPE, .group = AWL_NEW_GROUP);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK_INT(awl_process_terminate(self->p), 0);
    CHECK_INT(awl_process_kill(self->p), 0);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, -SIGKILL);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* A shell, and two children of it. */
#define FAMILY "sleep 1000 & echo $!; sleep 1000 & echo $!; wait"

PROCESS_TEST(a_group_is_stopped_as_a_whole, { awl_process *p; char *line; int i, code; pid_t children[2]; })
{
    co_begin;
    SH(self->p, FAMILY, .out = AWL_PIPE, .group = AWL_NEW_GROUP);
    for (self->i = 0; self->i < 2; self->i++) {
        co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
        self->children[self->i] = atoi(self->line);
        CHECK(lives(self->children[self->i]));
    }
    CHECK_INT(awl_process_signal_group(self->p, SIGKILL), 0);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, -SIGKILL);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    CHECK(self->line == NULL); /* nobody has the pipe any more */
    CHECK(dies(self->children[0]) && dies(self->children[1]));
    CHECK(is_zombie(awl_process_pid(self->p))); /* so its number is nobody else's */
    CHECK_INT(awl_process_signal_group(self->p, SIGTERM), 0);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

PROCESS_TEST(only_a_group_of_its_own_can_be_signalled, { awl_process *p; int code; pid_t pid; })
{
    co_begin;
    SH(self->p, "exit 0");
    self->pid = awl_process_pid(self->p);
    CHECK_INT(awl_process_signal_group(self->p, SIGKILL), EINVAL);
    CHECK_INT(awl_process_signal_group(NULL, SIGKILL), EINVAL);
    co_let(self->code, awl_process_wait(self->p));
    CHECK(kill(self->pid, 0) < 0); /* no zombie */
    awl_process_close(self->p);
    self->p = NULL;
    SH(self->p, "exit 0", .new_session = true);
    self->pid = awl_process_pid(self->p);
    CHECK_INT(awl_process_signal_group(self->p, 1000), EINVAL);
    co_let(self->code, awl_process_wait(self->p));
    awl_process_close(self->p);
    self->p = NULL;
    CHECK(kill(self->pid, 0) < 0);
    co_finally;
    awl_process_close(self->p);
    co_end;
}
