/* test_start.c: what a program gets when it is started, and why one is not. */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "rig.h"
#include "standard.h"

/* PRINTS(expected, script, options…) runs a script and compares what it prints. */
#define PRINTS(expected, ...)                                                                                          \
    do {                                                                                                               \
        SH(self->p, __VA_ARGS__, .out = AWL_PIPE);                                                                     \
        co_await(awl_process_communicate(self->p, NULL, 0, 0));                                                        \
        CHECK_STR(awl_process_output(self->p, NULL), (expected));                                                      \
        awl_process_close(self->p);                                                                                    \
        self->p = NULL;                                                                                                \
    } while (0)

#define START_TEST(name, ...)                                                                                          \
    co_declare(name, { awl_process *p; int rc; __VA_ARGS__ });                                                     \
    TEST(name) { run_main(co_call(name)); }                                                                            \
    co_define(name)

START_TEST(a_name_is_looked_for_in_path, const char *env[3];)
{
    co_begin;
    co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("true"), NULL));
    co_let(self->rc, awl_process_wait(self->p));
    CHECK_INT(self->rc, 0);
    awl_process_close(self->p);
    self->p = NULL;
    self->env[0] = "PATH=/nowhere::/no/where/either";
    CHECK_FAILS(ENOENT, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .env = self->env }));
    CHECK_STR(awl_error_message(ENOENT), "true: No such file or directory");
    self->env[0] = "PATH=/nowhere:/bin:/no/where/either";
    co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .env = self->env }));
    awl_process_close(self->p);
    self->p = NULL;
    self->env[0] = "NOPATH=";
    co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .env = self->env }));
    co_finally;
    awl_process_close(self->p);
    co_end;
}

START_TEST(what_cannot_be_executed_is_an_error_of_the_child, char file[32]; int fd; const char *env[2]; char path[64];)
{
    co_begin;
    CHECK_FAILS(ENOENT, awl_create_subprocess_exec(AWL_ARGV("/no/such/program"), NULL));
    CHECK_STR(awl_error_message(ENOENT), "/no/such/program: No such file or directory");
    CHECK_FAILS(ENOENT, awl_create_subprocess_exec(AWL_ARGV(""), NULL));
    CHECK_FAILS(EACCES, awl_create_subprocess_exec(AWL_ARGV("/etc"), NULL));
    CHECK_STR(awl_error_message(EACCES), "/etc: Permission denied");
    CHECK_FAILS(ENOTDIR, awl_create_subprocess_exec(AWL_ARGV("/etc/passwd/x"), NULL));
    strcpy(self->file, "/tmp/awl-XXXXXX");
    self->fd = mkostemp(self->file, O_CLOEXEC);
    CHECK(self->fd >= 0);
    CHECK_FAILS(EACCES, awl_create_subprocess_exec(AWL_ARGV(self->file), NULL)); /* without the right to */
    snprintf(self->path, sizeof self->path, "PATH=/tmp:/no/where");
    self->env[0] = self->path;
    CHECK_FAILS(EACCES,
                awl_create_subprocess_exec(AWL_ARGV(self->file + 5), &(awl_process_options){ .env = self->env }));
    CHECK_INT(fchmod(self->fd, 0700), 0);
    CHECK_FAILS(ETXTBSY, awl_create_subprocess_exec(AWL_ARGV(self->file), NULL));
    close(self->fd);
    CHECK_FAILS(ENOEXEC, awl_create_subprocess_exec(AWL_ARGV(self->file), NULL));
    co_finally;
    unlink(self->file);
    if (fcntl(self->fd, F_GETFD) >= 0 && self->fd)
        close(self->fd);
    co_end;
}

START_TEST(a_directory_that_cannot_be_entered_is_named, )
{
    co_begin;
    CHECK_FAILS(ENOENT, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .cwd = "/no/such" }));
    CHECK_STR(awl_error_message(ENOENT), "/no/such, the directory to start true in: No such file or directory");
    CHECK_FAILS(ENOTDIR, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .cwd = "/etc/passwd" }));
    co_end;
}

START_TEST(what_makes_no_sense_is_EINVAL, int fd;)
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(&(const char *){ NULL }, NULL));
    CHECK_FAILS(EINVAL, awl_create_subprocess_shell(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .in = AWL_STDOUT }));
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .out = AWL_STDOUT }));
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .err = -4 }));
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .group = -2 }));
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .n_pass_fds = 1 }));
    self->fd = 1;
    CHECK_FAILS(EINVAL, awl_create_subprocess_exec(
                            AWL_ARGV("true"), &(awl_process_options){ .pass_fds = &self->fd, .n_pass_fds = 1 }));
    self->fd = 900;
    CHECK_FAILS(EBADF, awl_create_subprocess_exec(
                           AWL_ARGV("true"), &(awl_process_options){ .pass_fds = &self->fd, .n_pass_fds = 1 }));
    CHECK_FAILS(EBADF, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .out = 900 }));
    CHECK_FAILS(EPERM, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .group = 1 }));
    CHECK_STR(awl_error_message(EPERM), "true: no process group 1 for it: Operation not permitted");
    co_end;
}

START_TEST(arguments_too_long_are_E2BIG, char *long_one;)
{
    co_begin;
    self->long_one = malloc(1 << 20);
    CHECK(self->long_one != NULL);
    memset(self->long_one, 'x', (1 << 20) - 1);
    self->long_one[(1 << 20) - 1] = '\0';
    co_try(self->rc, awl_create_subprocess_exec(AWL_ARGV("true", self->long_one), NULL));
    free(self->long_one);
    CHECK_INT(self->rc, E2BIG);
    co_end;
}

START_TEST(without_descriptors_there_is_no_process, int fds[100]; int n, i;)
{
    static const int wanted[] = { AWL_PIPE, AWL_DEVNULL, 0 };

    co_begin;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 100, 20000 }), 0);
    while (self->n < 100 && (self->fds[self->n] = dup(0)) >= 0)
        self->n++;
    self->rc = EMFILE;
    for (self->i = 0; self->i < 3 && self->rc == EMFILE; self->i++)
        co_try(self->rc, awl_create_subprocess_exec(AWL_ARGV("true"), &(awl_process_options){ .in = wanted[self->i] }));
    while (self->n > 0)
        close(self->fds[--self->n]);
    CHECK_INT(self->rc, EMFILE);
    co_end;
}

/* ---- What it gets ------------------------------------------------------------------------------------------------ */

START_TEST(environment_and_directory_are_as_asked_for, const char *env[3];)
{
    co_begin;
    self->env[0] = "A=1";
    self->env[1] = "PATH=/bin:/usr/bin";
    PRINTS("1 / unset\n", "echo $A $PWD ${HOME-unset}", .env = self->env, .cwd = "/");
    CHECK_INT(setenv("AWL_TEST", "inherited", 1), 0);
    PRINTS("inherited\n", "echo $AWL_TEST");
    unsetenv("AWL_TEST");
    co_let(self->p,
           awl_create_subprocess_exec(AWL_ARGV("./sh", "-c", "exit 4"), &(awl_process_options){ .cwd = "/bin" }));
    co_let(self->rc, awl_process_wait(self->p));
    CHECK_INT(self->rc, 4);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

START_TEST(the_umask_is_as_asked_for, mode_t before;)
{
    co_begin;
    self->before = umask(027);
    PRINTS("0027\n", "umask");
    PRINTS("0000\n", "umask", .set_umask = true);
    co_let(self->p, awl_create_subprocess_shell("umask >&2", &(awl_process_options){ .err = AWL_PIPE, .set_umask = true,
                                                                                     .umask = 077 }));
    co_await(awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_STR(awl_process_errors(self->p, NULL), "0077\n");
    CHECK_INT(umask(self->before), 027);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* ps shows pid, group and session of the shell itself. */
#define IDS                                                                                                            \
    "set -- $(cat /proc/$$/stat); [ $5 = $$ ] && echo leads a group; [ $6 = $$ ] && echo leads a session; echo $5"

START_TEST(group_and_session_are_as_asked_for, char text[64];)
{
    co_begin;
    snprintf(self->text, sizeof self->text, "%d\n", (int)getpgrp());
    PRINTS(self->text, IDS);
    SH(self->p, IDS, .out = AWL_PIPE, .group = AWL_NEW_GROUP);
    co_await(awl_process_communicate(self->p, NULL, 0, 0));
    snprintf(self->text, sizeof self->text, "leads a group\n%d\n", (int)awl_process_pid(self->p));
    CHECK_STR(awl_process_output(self->p, NULL), self->text);
    awl_process_close(self->p);
    self->p = NULL;
    SH(self->p, IDS, .out = AWL_PIPE, .new_session = true);
    co_await(awl_process_communicate(self->p, NULL, 0, 0));
    snprintf(self->text, sizeof self->text, "leads a group\nleads a session\n%d\n", (int)awl_process_pid(self->p));
    CHECK_STR(awl_process_output(self->p, NULL), self->text);
    awl_process_close(self->p);
    self->p = NULL;
    snprintf(self->text, sizeof self->text, "%d\n", (int)getpgrp());
    PRINTS(self->text, IDS, .group = getpgrp());
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* Nothing is open but what was passed, though much here is not marked close-on-exec. */
START_TEST(descriptors_are_passed_on_purpose_only, int pass[3]; int i; char text[64];)
{
    co_begin;
    for (self->i = 50; self->i < 60; self->i++)
        CHECK_INT(dup2(0, self->i), self->i);
    PRINTS("0 1 2 ", LIST_FDS);
    self->pass[0] = 57;
    self->pass[1] = 51;
    self->pass[2] = 57;
    CHECK_INT(fcntl(57, F_SETFD, FD_CLOEXEC), 0);
    PRINTS("0 1 2 51 57 ", LIST_FDS, .pass_fds = self->pass,
           .n_pass_fds = 3);
    CHECK_INT(fcntl(57, F_GETFD), FD_CLOEXEC);
    co_finally;
    for (self->i = 50; self->i < 60; self->i++)
        close(self->i);
    awl_process_close(self->p);
    co_end;
}

START_TEST(outputs_go_where_they_are_sent, FILE *file; char text[64]; size_t n;)
{
    co_begin;
    self->file = tmpfile();
    CHECK(self->file != NULL);
    SH(self->p, "echo out; echo err >&2", .out = fileno(self->file), .err = AWL_STDOUT);
    co_let(self->rc, awl_process_wait(self->p));
    rewind(self->file);
    self->n = fread(self->text, 1, sizeof self->text - 1, self->file);
    CHECK_STR(self->text, "out\nerr\n");
    awl_process_close(self->p);
    self->p = NULL;
    PRINTS("out\nerr\n", "echo out; echo err >&2", .err = AWL_STDOUT);
    PRINTS("out\n", "echo out; echo err >&2", .err = AWL_DEVNULL);
    PRINTS("", "cat", .in = AWL_DEVNULL);
    rewind(self->file);
    SH(self->p, "cat", .in = fileno(self->file), .out = AWL_PIPE);
    co_await(awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_STR(awl_process_output(self->p, NULL), "out\nerr\n");
    co_finally;
    if (self->file)
        fclose(self->file);
    awl_process_close(self->p);
    co_end;
}

/* Standard descriptors of ours change places, and may be closed. */
START_TEST(standard_descriptors_change_places, standard all; int fds[2]; char text[64]; ssize_t n;)
{
    co_begin;
    CHECK_INT(pipe2(self->fds, O_CLOEXEC), 0);
    standard_save(&self->all);
    CHECK_INT(dup2(self->fds[1], 1), 1);
    co_try(self->rc, awl_create_subprocess_shell("echo to err >&2; echo to out",
                                                 &(awl_process_options){ .out = 2, .err = 1 }));
    if (!self->rc) {
        co_result(self->p);
        co_try(self->rc, awl_process_wait(self->p));
    }
    awl_process_close(self->p);
    self->p = NULL;
    standard_close(1 | 2 | 4);
    if (!self->rc)
        co_try(self->rc, awl_create_subprocess_shell(
                             "echo hello",
                             &(awl_process_options){ .in = AWL_PIPE, .out = self->fds[1], .err = AWL_DEVNULL }));
    if (!self->rc) {
        co_result(self->p);
        co_try(self->rc, awl_process_wait(self->p));
    }
    awl_process_close(self->p);
    self->p = NULL;
    standard_put_back(&self->all);
    standard_forget(&self->all);
    close(self->fds[1]);
    self->n = read(self->fds[0], self->text, sizeof self->text - 1);
    close(self->fds[0]);
    CHECK_INT(self->rc, 0);
    CHECK_STR(self->text, "to err\nhello\n");
    co_end;
}

/* Descriptors of ours that have the place of one that this program has not are not the child's for that. */
START_TEST(what_is_closed_here_is_closed_there, standard all; int i, closed; char bad[9];)
{
    co_begin;
    standard_save(&self->all);
    for (self->closed = 1; self->closed < 8 && !self->rc; self->closed++) {
        standard_close((unsigned)self->closed);
        co_try(self->rc, awl_create_subprocess_shell("[ ! -e /proc/$$/fd/0 ] && echo x",
                                                     &(awl_process_options){ .out = AWL_PIPE, .err = AWL_PIPE }));
        if (!self->rc) {
            co_result(self->p);
            co_try(self->rc, awl_process_communicate(self->p, NULL, 0, 0));
        }
        self->bad[self->closed] = (awl_process_output(self->p, NULL)[0] == 'x') != (self->closed & 1);
        awl_process_close(self->p);
        self->p = NULL;
        standard_put_back(&self->all);
    }
    standard_forget(&self->all);
    if (self->rc)
        co_raise(self->rc);
    for (self->i = 1; self->i < 8; self->i++)
        CHECK_INT(self->bad[self->i], 0);
    co_end;
}

/* Nor are they where its errors go, with an output that is not there. */
START_TEST(errors_go_nowhere_where_output_does, standard all; int code;)
{
    co_begin;
    standard_save(&self->all);
    standard_close(2);
    co_try(self->rc, awl_create_subprocess_shell("[ \"$(readlink /proc/$$/fd/2)\" = /dev/null ]",
                                                 &(awl_process_options){ .in = AWL_PIPE, .err = AWL_STDOUT }));
    if (!self->rc) {
        co_result(self->p);
        co_try(self->rc, awl_process_wait(self->p));
    }
    if (!self->rc)
        co_result(self->code);
    awl_process_close(self->p);
    self->p = NULL;
    standard_put_back(&self->all);
    standard_forget(&self->all);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(self->code, 0);
    co_end;
}

START_TEST(without_an_environment_there_is_a_path, char **saved;)
{
    co_begin;
    self->saved = environ;
    environ = NULL; /* as clearenv() leaves it */
    co_try(self->rc, awl_create_subprocess_exec(AWL_ARGV("true"), NULL));
    environ = self->saved;
    if (self->rc)
        co_raise(self->rc);
    co_result(self->p);
    co_let(self->rc, awl_process_wait(self->p));
    CHECK_INT(self->rc, 0);
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* The masks of signals that are blocked and ignored, as the kernel shows them. */
START_TEST(signals_are_as_in_a_new_program, sigset_t set;)
{
    co_begin;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, count_foreign);
    sigfillset(&self->set);
    pthread_sigmask(SIG_SETMASK, &self->set, NULL);
    co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"),
                                               &(awl_process_options){ .out = AWL_PIPE }));
    sigemptyset(&self->set);
    pthread_sigmask(SIG_SETMASK, &self->set, NULL);
    co_await(awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_STR(awl_process_output(self->p, NULL), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\n");
    CHECK_STR(action_of(SIGUSR1), "handled");
    CHECK_STR(action_of(SIGPIPE), "ignored");
    co_finally;
    awl_process_close(self->p);
    co_end;
}

/* The same as a task, and from an array of the caller's that may go. */
START_TEST(it_may_be_a_task, awl_task *t; const char *argv[4]; int code;)
{
    co_begin;
    self->argv[0] = "sh";
    self->argv[1] = "-c";
    self->argv[2] = "exit 6";
    self->t = awl_create_task(awl_create_subprocess_exec(self->argv, NULL));
    co_let(self->p, self->t);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 6);
    co_finally;
    awl_process_close(self->p);
    awl_task_release(self->t);
    co_end;
}
