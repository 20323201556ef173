/* test_run.c: programs that are servers: their hooks, their ends, and several processes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>

#include "awl/http_run.h"
#include "site_rig.h"

static char trace[512];

static void say(const char *what)
{
    if (trace[0])
        strcat(trace, " ");
    strcat(trace, what);
}

#define CHECK_SAID(expected) (CHECK_STR(trace, (expected)), (void)(trace[0] = '\0'))

/* ---- An application ---------------------------------------------------------------------------------------------- */

static awl_time handler_takes;

HANDLER(sleeps, {})
{
    co_begin;
    say("begun");
    co_await(awl_sleep(handler_takes));
    awl_respond_print(self->request, 200, NULL, "%d", (int)getpid());
    co_finally;
    say(co_failing == ECANCELED ? "cancelled" : "ended");
    co_end;
}

/* A hook says its name, and may fail. */
co_def(hook, { const char *name; int error; })
{
    co_begin;
    say(self->name);
    co_await(awl_sleep(AWL_MS));
    if (self->error)
        co_raise(self->error);
    co_end;
}

static int startup_error, cleanup_error, setup_error;

static awl_coro on_start(awl_http_app *app, void *arg)
{
    (void)app;
    return co_call(hook, .name = arg, .error = startup_error);
}

static awl_coro on_end(awl_http_app *app, void *arg)
{
    (void)app;
    return co_call(hook, .name = arg, .error = cleanup_error);
}

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    (void)options, (void)arg;
    CHECK_INT(awl_http_on_startup(app, on_start, (void *)(uintptr_t)"start1"), 0);
    CHECK_INT(awl_http_on_startup(app, on_start, (void *)(uintptr_t)"start2"), 0);
    CHECK_INT(awl_http_on_cleanup(app, on_end, (void *)(uintptr_t)"end1"), 0);
    CHECK_INT(awl_http_on_cleanup(app, on_end, (void *)(uintptr_t)"end2"), 0);
    CHECK_INT(awl_http_on_startup(NULL, on_start, NULL), EINVAL);
    CHECK_INT(awl_http_on_cleanup(app, NULL, NULL), EINVAL);
    CHECK_INT(awl_http_middleware(app, on_sleeps, NULL), 0);
    return setup_error;
}

/* ---- A client within --------------------------------------------------------------------------------------------- */

static int n_signals;
static const char *answer;

/* Sends a request; a second later signals come, one a second. What it got is `answer`. */
co_def(client, { int port, i, rc; awl_stream *s; char *line; })
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    awl_stream_print(self->s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (self->i = 0; self->i < n_signals; self->i++) {
        co_await(awl_sleep(AWL_SECOND));
        kill(getpid(), self->i % 2 ? SIGINT : SIGTERM);
    }
    co_try_cancel(self->rc, awl_stream_readline(self->s, NULL));
    self->line = NULL;
    if (!self->rc)
        co_result(self->line);
    answer = self->rc                                       ? "reset"
             : !self->line                                  ? "nothing"
             : strncmp(self->line, "HTTP/1.1 200", 12) == 0 ? "200"
                                                            : "other";
    co_finally;
    if (!self->i && n_signals) /* it failed before: the server ends nevertheless */
        kill(getpid(), SIGTERM);
    awl_stream_close(self->s);
    co_end;
}

static void listening(int port, void *arg)
{
    (void)arg;
    say("listening");
    if (awl_spawn(co_call(client, .port = port)))
        kill(getpid(), SIGTERM);
}

static const awl_loop_options virtual = { .virtual_time = true, .report = note_report };

static int run(awl_time takes, int signals, awl_time grace)
{
    const awl_http_run_options options = { .loop = &virtual, .grace = grace, .listening = listening };

    handler_takes = takes;
    n_signals = signals;
    return awl_http_run("127.0.0.1", 0, setup, NULL, &options);
}

TEST(a_server_runs_until_a_signal_and_lets_requests_end)
{
    sigset_t now;

    CHECK_INT(run(5 * AWL_SECOND, 1, 0), 0);
    CHECK_SAID("start1 start2 listening begun ended end2 end1");
    CHECK_STR(answer, "200");
    CHECK_REPORTS("");
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    CHECK(!sigismember(&now, SIGTERM) && !sigismember(&now, SIGINT));
}

TEST(requests_that_do_not_end_in_time_are_cancelled)
{
    CHECK_INT(run(AWL_MINUTE, 1, 10 * AWL_SECOND), 0);
    CHECK_SAID("start1 start2 listening begun cancelled end2 end1");
    CHECK_STR(answer, "nothing");
    CHECK_INT(run(AWL_MINUTE, 1, -1), 0);
    CHECK_SAID("start1 start2 listening begun cancelled end2 end1");
    CHECK_STR(answer, "nothing");
}

TEST(a_second_signal_cuts_all_connections)
{
    CHECK_INT(run(5 * AWL_SECOND, 2, 0), 0);
    CHECK_SAID("start1 start2 listening begun ended end2 end1");
    CHECK_STR(answer, "nothing");
}

/* What is needed to start may never be there: the program ends all the same. */
co_def(waits_for_ever, { int unused; })
{
    co_begin;
    say("waits");
    kill(getpid(), SIGTERM);
    co_await(awl_sleep(AWL_MINUTE));
    co_end;
}

static awl_coro on_waits(awl_http_app *app, void *arg) { return (void)app, (void)arg, co_call(waits_for_ever); }

static int setup_that_waits(awl_http_app *app, awl_stream_options *options, void *arg)
{
    const int rc = setup(app, options, arg);

    return rc ? rc : awl_http_on_startup(app, on_waits, NULL);
}

TEST(a_signal_ends_a_start_that_does_not_end)
{
    const awl_http_run_options options = { .listening = listening };

    CHECK_INT(awl_http_run("127.0.0.1", 0, setup_that_waits, NULL, &options), 0);
    CHECK_SAID("start1 start2 waits end2 end1");
}

/* The hooks that close what handlers use come after the last handler, however the run ends. */
static awl_task *main_task;

co_def(ends_the_run, { int unused; })
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    awl_task_cancel(main_task);
    co_end;
}

static void listening_and_cancelled(int port, void *arg)
{
    main_task = awl_current_task();
    n_signals = 0;
    listening(port, arg);
    CHECK_INT(awl_spawn(co_call(ends_the_run)), 0);
}

TEST(clean_up_comes_after_the_last_handler)
{
    handler_takes = AWL_MINUTE;
    CHECK_INT(awl_http_run("127.0.0.1", 0, setup, NULL,
                           &(awl_http_run_options){ .loop = &virtual, .listening = listening_and_cancelled }),
              ECANCELED);
    CHECK_SAID("start1 start2 listening begun cancelled end2 end1");
}

TEST(what_fails_at_the_start_ends_the_run)
{
    setup_error = EPERM;
    CHECK_INT(run(0, 1, 0), EPERM);
    CHECK_SAID("end2 end1");
    setup_error = 0;
    startup_error = EIO;
    CHECK_INT(run(0, 1, 0), EIO);
    CHECK_SAID("start1 end2 end1");
    startup_error = 0;
    cleanup_error = ENOSPC;
    CHECK_INT(run(0, 1, 0), ENOSPC);
    CHECK_SAID("start1 start2 listening begun ended end2 end1");
    CHECK_STR(answer, "200");
}

TEST(what_cannot_be_run_is_refused)
{
    CHECK_INT(awl_http_run("127.0.0.1", 0, NULL, NULL, NULL), EINVAL);
    CHECK_INT(awl_http_run("127.0.0.1", -1, setup, NULL, NULL), EINVAL);
    CHECK_INT(awl_http_run("127.0.0.1", 65536, setup, NULL, NULL), EINVAL);
    CHECK_INT(awl_http_run("127.0.0.1", 0, setup, NULL, &(awl_http_run_options){ .workers = -1 }), EINVAL);
    CHECK_INT(awl_http_run("192.0.2.1", 0, setup, NULL, &(awl_http_run_options){ .loop = &virtual }), EADDRNOTAVAIL);
    CHECK_INT(awl_http_run("192.0.2.1", 80, setup, NULL, &(awl_http_run_options){ .loop = &virtual, .workers = 2 }),
              EADDRNOTAVAIL);
    CHECK_INT(awl_http_run("192.0.2.1", 0, setup, NULL, &(awl_http_run_options){ .loop = &virtual, .workers = 2 }),
              EADDRNOTAVAIL);
}

VIRTUAL_TEST(a_running_loop_has_no_room_for_another, { int rc; })
{
    co_begin;
    CHECK_INT(awl_http_run("127.0.0.1", 0, setup, NULL, NULL), EBUSY);
    CHECK_FAILS(EINVAL, awl_http_startup(NULL));
    CHECK_FAILS(EINVAL, awl_http_cleanup(NULL));
    co_end;
}

/* ---- Several processes ------------------------------------------------------------------------------------------- */

static int port_pipe[2];

static void tell_port(int port, void *arg)
{
    (void)arg;
    if (write(port_pipe[1], &port, sizeof port) != (ssize_t)sizeof port)
        _exit(3);
}

static int report_pipe[2];

static void tell_report(void *arg, const awl_report *report)
{
    char text[64];

    (void)arg;
    snprintf(text, sizeof text, "%s: %s", report->name, report->what);
    if (write(report_pipe[1], text, sizeof text) != (ssize_t)sizeof text)
        _exit(4);
}

/* Runs a crew in a process of its own. Result: its id; *port. */
static pid_t begin_crew(int workers, int *port)
{
    const awl_loop_options loop = { .report = tell_report };
    const awl_http_run_options options = {
        .workers = workers, .listening = tell_port, .grace = AWL_SECOND, .loop = &loop
    };
    pid_t pid;

    CHECK_INT(pipe2(port_pipe, O_CLOEXEC), 0);
    CHECK_INT(pipe2(report_pipe, O_CLOEXEC | O_NONBLOCK), 0);
    pid = fork();
    if (pid == 0)
        _exit(awl_http_run("127.0.0.1", 0, setup, NULL, &options));
    close(port_pipe[1]);
    close(report_pipe[1]);
    CHECK(pid > 0);
    CHECK_INT(read(port_pipe[0], port, sizeof *port), sizeof *port);
    close(port_pipe[0]);
    return pid;
}

/* Asks the server which process answers; 0: none did. */
static pid_t who_answers(int port)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[1024];
    size_t len = 0;
    ssize_t n = 0;
    const char *body;

    CHECK(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
            len += (size_t)n;
    }
    close(fd);
    text[len] = '\0';
    body = strstr(text, "\r\n\r\n");
    return body ? (pid_t)atoi(body + 4) : 0;
}

/* What has been reported since, of one. "": nothing. */
static const char *reported(void)
{
    static char text[64];

    if (read(report_pipe[0], text, sizeof text) != (ssize_t)sizeof text)
        text[0] = '\0';
    return text;
}

static int end_crew(pid_t pid)
{
    int status;

    CHECK_INT(kill(pid, SIGTERM), 0);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_STR(reported(), "");
    close(report_pipe[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(workers_share_a_port_and_end_with_their_crew)
{
    pid_t seen[2] = { 0, 0 };
    int port;
    const pid_t crew = begin_crew(2, &port);

    for (int i = 0; i < 1000 && !seen[1]; i++) {
        const pid_t pid = who_answers(port);

        CHECK(pid > 0 && pid != crew);
        if (!seen[0])
            seen[0] = pid;
        else if (pid != seen[0])
            seen[1] = pid;
    }
    CHECK(seen[1] != 0);
    CHECK_INT(end_crew(crew), 0);
    CHECK(kill(seen[0], 0) < 0 && kill(seen[1], 0) < 0);
}

/* Who started the program may have had it ignore SIGCHLD, as some shells do: then nobody could wait for the workers. */
TEST(a_crew_ends_where_the_ends_of_children_are_ignored)
{
    pid_t crew;
    int port;

    signal(SIGCHLD, SIG_IGN);
    crew = begin_crew(2, &port);
    signal(SIGCHLD, SIG_DFL);
    CHECK(who_answers(port) > 0);
    CHECK_INT(end_crew(crew), 0);
}

/* The same, as soon as somebody other than `but` answers. */
static pid_t who_answers_but(pid_t but, int port)
{
    for (int i = 0; i < 500; i++) {
        const pid_t pid = who_answers(port);

        if (pid && pid != but)
            return pid;
        usleep(10000);
    }
    CHECK(!"anybody answers");
    return 0;
}

/* Both crash, one after the other. */
TEST(a_worker_that_crashes_is_replaced)
{
    int port;
    const pid_t crew = begin_crew(2, &port), first = who_answers_but(0, port);
    pid_t second;

    CHECK_INT(kill(first, SIGKILL), 0);
    second = who_answers_but(first, port);
    CHECK_INT(kill(second, SIGKILL), 0);
    (void)who_answers_but(second, port);
    for (int i = 0, n = 0; n < 2; i++) { /* the other one had the port meanwhile */
        const char *text = reported();

        CHECK(i < 1000);
        usleep(5000);
        if (!text[0])
            continue;
        CHECK_STR(text, "Killed: a worker ended, and is replaced");
        n++;
    }
    CHECK_INT(end_crew(crew), 0);
}
