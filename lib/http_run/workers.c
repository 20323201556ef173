/* Programs that are HTTP servers: several processes, and one that watches over them. See awl/http_run.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http_run_priv.h"

enum {
    PAUSE = 1000,   /* ms between two beginnings of a worker */
    PATIENCE = 10,  /* seconds beyond `grace`, until a worker is killed */
    GRACE = 30,
};

typedef struct worker {
    pid_t pid; /* 0: it does not run */
    int64_t begun; /* ms */
} worker;

typedef struct crew {
    awl__run run; /* of each */
    worker *workers;
    int n, held; /* held: a socket that keeps the port; -1: none */
    sigset_t wanted, before;
    struct sigaction child_before; /* of SIGCHLD: where that is ignored, nobody could wait for a worker */
    int64_t kill_at; /* ms; 0: they are not being ended */
} crew;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- The port ---------------------------------------------------------------------------------------------------- */

/* Binds a second socket to the address of a server that is about to be closed. It does not listen, so it gets no
 * connection, but nobody else can be given the port. Result: the socket or -errno. */
static int hold_address(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    const int on = 1;
    int held;

    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    held = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (held < 0)
        return -errno;
    if (setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(held, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
        bind(held, (const struct sockaddr *)&address, size) < 0) {
        const int error = errno;

        close(held);
        return -error;
    }
    return held;
}

static awl_coro no_client(awl_stream *s, void *arg)
{
    (void)s, (void)arg;
    return awl_sleep(0);
}

/* Has the kernel pick a port, which all are to have. */
co_def(pick_port, { crew *c; awl_server *server; awl_stream_options options; })
{
    co_begin;
    self->options = self->c->run.options.stream;
    self->options.tls = NULL;
    self->options.reuse_port = true;
    co_let(self->server, awl_start_server(no_client, NULL, self->c->run.host, 0, &self->options));
    self->c->run.port = awl_server_port(self->server);
    self->c->held = hold_address(awl_server_fd(self->server, 0));
    if (self->c->held < 0)
        co_raise(-self->c->held);
    co_finally;
    awl_server_close(self->server);
    co_end;
}

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

/* In the worker: says that it accepts, or with which error it does not. */
static void say(const awl__run *run, int error)
{
    ssize_t n;

    do
        n = send(run->ready_fd, &error, sizeof error, MSG_NOSIGNAL); /* nobody may be listening */
    while (n < 0 && errno == EINTR);
}

static void say_ready(const awl__run *run, int port)
{
    (void)port;
    say(run, 0);
}

static _Noreturn void be_worker(crew *c, pid_t parent)
{
    int rc;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    if (c->held >= 0)
        close(c->held);
    sigaction(SIGCHLD, &c->child_before, NULL);
    pthread_sigmask(SIG_SETMASK, &c->before, NULL);
    signal(SIGINT, SIG_IGN); /* of a terminal: the other process passes on what it gets */
    rc = awl__run_here(&c->run);
    if (rc)
        say(&c->run, rc);
    fflush(NULL);
    _exit(rc != 0);
}

/* *ready: where the worker says that it accepts. 0 or the error. */
static int begin_worker(crew *c, worker *w, int *ready)
{
    const pid_t parent = getpid();
    int fds[2], error;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return errno;
    fflush(NULL); /* else what is not written yet is written twice */
    w->begun = now_ms();
    w->pid = fork();
    if (w->pid == 0) {
        close(fds[0]);
        c->run.ready_fd = fds[1];
        be_worker(c, parent);
    }
    error = errno;
    close(fds[1]);
    if (w->pid < 0) {
        close(fds[0]);
        w->pid = 0;
        return error;
    }
    *ready = fds[0];
    return 0;
}

static void signal_all(const crew *c, int sig)
{
    for (int i = 0; i < c->n; i++) {
        if (c->workers[i].pid)
            kill(c->workers[i].pid, sig);
    }
}

/* They are to end; asked a second time, at once. */
static void end_all(crew *c)
{
    const awl_time grace = c->run.options.grace ? c->run.options.grace : GRACE * AWL_SECOND;

    signal_all(c, SIGTERM);
    if (!c->kill_at)
        c->kill_at = now_ms() + PATIENCE * 1000 +
                     (grace < 0                      ? 0
                      : grace > AWL_SECOND * 1000000 ? 1000000000
                                                     : grace / AWL_MS);
}

/* Takes the signals that have come, waiting for one until then. */
static void take_signals(crew *c, int wait_ms)
{
    const struct timespec timeout = { wait_ms / 1000, wait_ms % 1000 * 1000000L };
    int sig = sigtimedwait(&c->wanted, NULL, &timeout);
    static const struct timespec none;

    for (; sig > 0; sig = sigtimedwait(&c->wanted, NULL, &none)) {
        if (sig == SIGINT || sig == SIGTERM)
            end_all(c);
    }
}

/* A worker has ended, and nobody had asked it to. */
static void report_end(const crew *c, int status)
{
    const awl_loop_options *o = c->run.options.loop;
    const char *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it exited";
    const awl_report report = { .what = "a worker ended, and is replaced", .name = how, .message = how };

    if (o && o->report)
        o->report(o->report_arg, &report);
    else
        awl__report(NULL, &report);
}

/* Result: how many workers run. */
static int reap(crew *c)
{
    int n = 0, status;

    for (int i = 0; i < c->n; i++) {
        worker *w = &c->workers[i];

        if (w->pid && waitpid(w->pid, &status, WNOHANG) == w->pid) {
            w->pid = 0;
            if (!c->kill_at)
                report_end(c, status);
        }
        n += w->pid != 0;
    }
    return n;
}

/* Waits until a worker accepts. 0 or its error; also 0 if they are to end. */
static int await_ready(crew *c, int ready)
{
    struct pollfd p = { .fd = ready, .events = POLLIN };
    int error = ECHILD; /* it ended without a word */
    ssize_t n = 0;

    while (!c->kill_at && poll(&p, 1, 100) == 0)
        take_signals(c, 0);
    if (c->kill_at)
        return 0;
    do
        n = recv(ready, &error, sizeof error, 0);
    while (n < 0 && errno == EINTR);
    return error;
}

/* Begins them all, each when the one before accepts, so that what is wrong with one is not wrong with all at once. */
static int begin_all(crew *c)
{
    int error = 0;

    for (int i = 0; i < c->n && !error && !c->kill_at; i++) {
        int ready = -1;

        error = begin_worker(c, &c->workers[i], &ready);
        if (!error) {
            error = await_ready(c, ready);
            close(ready);
        }
    }
    return error;
}

/* Begins those anew that have ended, each at most once a second. Result: ms until there is something to do. */
static int begin_again(crew *c)
{
    int64_t next = 1000, now = now_ms();

    for (int i = 0; i < c->n; i++) {
        worker *w = &c->workers[i];
        int ready;

        if (w->pid)
            continue;
        if (now - w->begun >= PAUSE && begin_worker(c, w, &ready) == 0)
            close(ready);
        else
            next = w->begun + PAUSE - now > 0 && w->begun + PAUSE - now < next ? w->begun + PAUSE - now : next;
    }
    return (int)next;
}

static void watch(crew *c)
{
    while (!c->kill_at) {
        reap(c);
        take_signals(c, begin_again(c));
    }
    while (reap(c)) {
        take_signals(c, 200);
        if (now_ms() >= c->kill_at)
            signal_all(c, SIGKILL);
    }
}

int awl__run_workers(const awl__run *run)
{
    const struct sigaction by_default = { .sa_handler = SIG_DFL };
    crew c = { .run = *run, .n = run->options.workers, .held = -1 };
    int error;

    c.run.is_worker = true;
    c.run.ready = say_ready;
    c.run.options.stream.reuse_port = true;
    c.workers = calloc((size_t)c.n, sizeof *c.workers);
    if (!c.workers)
        return ENOMEM;
    sigemptyset(&c.wanted);
    sigaddset(&c.wanted, SIGINT);
    sigaddset(&c.wanted, SIGTERM);
    sigaddset(&c.wanted, SIGCHLD);
    error = pthread_sigmask(SIG_BLOCK, &c.wanted, &c.before);
    if (error)
        goto free_workers;
    sigaction(SIGCHLD, &by_default, &c.child_before);
    if (!run->port)
        error = awl_run_with(co_call(pick_port, .c = &c), run->options.loop, NULL);
    if (!error)
        error = begin_all(&c);
    if (error)
        end_all(&c);
    else if (!c.kill_at)
        run->ready(run, c.run.port);
    watch(&c);
    if (c.held >= 0)
        close(c.held);
    sigaction(SIGCHLD, &c.child_before, NULL);
    pthread_sigmask(SIG_SETMASK, &c.before, NULL);
free_workers:
    free(c.workers);
    return error;
}
