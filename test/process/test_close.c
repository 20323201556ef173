/* test_close.c: processes that are given back before their end. */
#define _GNU_SOURCE
#include "rig.h"

static pid_t the_pid, the_child;

PROCESS_TEST(closing_kills, { awl_process *p; })
{
    co_begin;
    SH(self->p, "exec sleep 1000", .in = AWL_PIPE, .out = AWL_PIPE);
    the_pid = awl_process_pid(self->p);
    CHECK(lives(the_pid));
    awl_process_close(self->p);
    CHECK(dies(the_pid));
    while (kill(the_pid, 0) == 0) /* and is no zombie for long */
        co_await(awl_sleep(0));
    co_end;
}

co_def(waits, { awl_process *p; int code; })
{
    co_begin;
    co_let(self->code, awl_process_wait(self->p));
    co_return(self->code);
    co_end;
}

PROCESS_TEST(who_waits_meanwhile_is_told, { awl_process *p; awl_task *t; int code; })
{
    co_begin;
    SH(self->p, "exec sleep 1000");
    self->t = awl_create_task(co_call(waits, .p = self->p));
    co_await(awl_sleep(0));
    if (!self->t || awl_task_done(self->t)) {
        awl_process_close(self->p);
        co_raise(ENOMEM);
    }
    awl_process_close(self->p);
    co_let(self->code, self->t);
    CHECK_INT(self->code, -SIGKILL);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* A task that has not taken its first step when the process is closed, or never takes it. */
PROCESS_TEST(who_has_not_begun_to_wait_is_told, { awl_process *p; awl_task *t[4]; int i, rc; })
{
    static const int wanted[] = { -SIGKILL, ECONNABORTED, ECANCELED, ECANCELED };

    co_begin;
    SH(self->p, "exec sleep 1000", .in = AWL_PIPE, .out = AWL_PIPE);
    for (self->i = 0; self->i < 4; self->i++)
        self->t[self->i] = awl_create_task(self->i % 2 ? awl_process_communicate(self->p, "x", 1, 0)
                                                       : awl_process_wait(self->p));
    for (self->i = 2; self->i < 4; self->i++)
        awl_task_cancel(self->t[self->i]);
    awl_process_close(self->p);
    for (self->i = 0; self->i < 4; self->i++) {
        self->rc = ENOMEM;
        if (self->t[self->i])
            co_try_cancel(self->rc, self->t[self->i]);
        if (!self->rc)
            co_result(self->rc);
        awl_task_release(self->t[self->i]);
        CHECK(self->rc == wanted[self->i] || self->rc == ENOMEM);
    }
    co_end;
}

/* An object that is given back unused has nothing of the process. */
PROCESS_TEST(waits_that_never_begin_hold_nothing, { awl_process *p; size_t before; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        SH(self->p, "exec sleep 1000");
        the_pid = awl_process_pid(self->p);
        awl_coro_close(awl_process_wait(self->p));
        awl_coro_close(awl_process_communicate(self->p, NULL, 0, 0));
        awl_process_close(self->p);
        while (kill(the_pid, 0) == 0)
            co_await(awl_sleep(0));
        if (self->i == 0)
            self->before = stats_of(awl_running_loop()).memory_used;
    }
    CHECK(stats_of(awl_running_loop()).memory_used <= self->before);
    co_end;
}

co_def(talks, { awl_process *p; int rc; })
{
    co_begin;
    co_try(self->rc, awl_process_communicate(self->p, NULL, 0, 0));
    co_return(self->rc);
    co_end;
}

PROCESS_TEST(who_talks_to_it_is_told, { awl_process *p; awl_task *t; int rc; })
{
    co_begin;
    SH(self->p, "exec sleep 1000", .in = AWL_PIPE, .out = AWL_PIPE);
    self->t = awl_create_task(co_call(talks, .p = self->p));
    co_await(awl_sleep(AWL_MS));
    if (!self->t || awl_task_done(self->t)) {
        awl_process_close(self->p);
        co_raise(ENOMEM);
    }
    awl_process_close(self->p);
    co_let(self->rc, self->t);
    CHECK_INT(self->rc, ECONNABORTED);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* The task has read something, and has not run since. */
PROCESS_TEST(who_talks_to_it_need_not_be_waiting, { awl_process *p; awl_task *t; int rc; })
{
    co_begin;
    SH(self->p, "echo x; exec sleep 1000", .in = AWL_PIPE, .out = AWL_PIPE);
    self->t = awl_create_task(co_call(talks, .p = self->p));
    while (awl_process_output(self->p, NULL)[0] == '\0' && self->t && !awl_task_done(self->t))
        co_await(awl_sleep(0));
    if (!self->t || awl_task_done(self->t)) {
        awl_process_close(self->p);
        co_raise(ENOMEM);
    }
    awl_process_close(self->p);
    co_let(self->rc, self->t);
    CHECK_INT(self->rc, ECONNABORTED);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

PROCESS_TEST(a_group_goes_with_it, { awl_process *p; char *line; })
{
    co_begin;
    SH(self->p, "sleep 1000 & echo $!; wait", .out = AWL_PIPE, .new_session = true);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    the_child = atoi(self->line);
    CHECK(lives(the_child));
    the_pid = awl_process_pid(self->p);
    co_finally;
    awl_process_close(self->p);
    if (the_child) {
        CHECK(dies(the_child) && dies(the_pid));
        while (kill(the_pid, 0) == 0)
            co_await(awl_sleep(0));
    }
    co_end;
}

/* Also what the leader has left behind. */
PROCESS_TEST(the_rest_of_a_group_goes_with_it, { awl_process *p; char *line; int code; })
{
    co_begin;
    SH(self->p, "sleep 1000 & echo $!", .out = AWL_PIPE, .new_session = true);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    the_child = atoi(self->line);
    the_pid = awl_process_pid(self->p);
    co_let(self->code, awl_process_wait(self->p));
    CHECK(is_zombie(the_pid));
    CHECK(lives(the_child));
    co_finally;
    awl_process_close(self->p);
    if (the_child) {
        CHECK(kill(the_pid, 0) < 0);
        CHECK(dies(the_child));
    }
    co_end;
}

PROCESS_TEST(one_that_is_detached_runs_on, { awl_process *p; int fds[2]; char c; })
{
    co_begin;
    CHECK_INT(pipe2(self->fds, O_CLOEXEC), 0);
    SH(self->p, "read x; printf x", .in = AWL_PIPE, .out = self->fds[1]);
    CHECK_INT(awl_stream_write(awl_process_stdin(self->p), "\n", 1), 0);
    the_pid = awl_process_pid(self->p);
    awl_process_detach(self->p);
    CHECK_INT(read(self->fds[0], &self->c, 1), 1);
    CHECK(dies(the_pid));
    while (kill(the_pid, 0) == 0)
        co_await(awl_sleep(0));
    co_finally;
    close(self->fds[0]);
    close(self->fds[1]);
    co_end;
}

/* ---- The end of the loop ----------------------------------------------------------------------------------------- */

/* Leaves a process in one way or another. */
co_def(leaves, { int how; awl_process *p; char *line; })
{
    co_begin;
    SH(self->p, "sleep 1000 & echo $!; wait", .out = AWL_PIPE, .group = AWL_NEW_GROUP);
    the_pid = awl_process_pid(self->p);
    co_let(self->line, awl_stream_readline(awl_process_stdout(self->p), NULL));
    the_child = atoi(self->line);
    if (self->how == 'c')
        awl_process_close(self->p);
    else if (self->how == 'd')
        awl_process_detach(self->p);
    co_end;
}

static void leave(int how)
{
    CHECK_INT(awl_run_with(co_call(leaves, .how = how), &virtual_options, NULL), 0);
}

TEST(the_end_of_the_loop_kills_what_was_not_closed)
{
    for (int i = 0; i < 2; i++) {
        no_pidfd = i;
        leave(0);
        CHECK(kill(the_pid, 0) < 0 && dies(the_child));
        leave('c');
        CHECK(kill(the_pid, 0) < 0 && dies(the_child));
        CHECK_STR(action_of(SIGCHLD), "default");
    }
}

TEST(the_end_of_the_loop_lets_the_detached_be)
{
    leave('d');
    CHECK(lives(the_pid));
    CHECK_INT(kill(-the_pid, SIGKILL), 0);
    CHECK_INT(end_of(the_pid), -SIGKILL);
}

/* ---- Forked children --------------------------------------------------------------------------------------------- */

co_def(forks, { pid_t *forked; awl_process *p; })
{
    co_begin;
    SH(self->p, "exec sleep 1000");
    the_pid = awl_process_pid(self->p);
    *self->forked = fork();
    if (*self->forked == 0)
        co_return(0); /* its run ends, and closes the loop */
    CHECK_INT(end_of(*self->forked), 0);
    CHECK(lives(the_pid));
    CHECK_INT(awl_process_send_signal(self->p, 0), 0);
    co_end;
}

TEST(a_forked_child_that_closes_the_loop_kills_nothing)
{
    for (int i = 0; i < 2; i++) {
        pid_t forked = -1;
        int rc;

        no_pidfd = i;
        rc = awl_run_with(co_call(forks, .forked = &forked), &virtual_options, NULL);
        if (forked == 0)
            _exit(rc == AWL_EFORKED ? 0 : 1);
        CHECK_INT(rc, 0);
        CHECK(dies(the_pid));
    }
}
