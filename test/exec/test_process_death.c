/* test_process_death.c: workers that end in the middle of a job, or cannot begin; and their parents' end. */
#define _GNU_SOURCE
#include "exec/process_priv.h"
#include "process_rig.h"
#include "signals/syscalls.h"

#include <sys/resource.h>
#include <time.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd AWL__NEW_CALL(438)
#endif

/* ---- In the middle of a job ------------------------------------------------------------------------------------- */

static int exits(const void *in, size_t len, awl_reply *reply)
{
    (void)len, (void)reply;
    _exit(*(const int *)in);
}

static int raises(const void *in, size_t len, awl_reply *reply)
{
    (void)len, (void)reply;
    signal(SIGABRT, SIG_DFL);
    raise(*(const int *)in);
    return 0;
}

static int says_abort(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len, (void)reply;
    abort();
}

/* Ends after it has sent a part of what would be a reply. */
static int half_a_reply(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len, (void)reply;
    for (int fd = 3; fd < 64; fd++) {
        if (write(fd, "\x52", 1) == 1)
            _exit(3);
    }
    return 0;
}

/* Sends what is no reply at all. */
static int babbles(const void *in, size_t len, awl_reply *reply)
{
    static const char noise[100] = "noise";

    (void)in, (void)len, (void)reply;
    for (int fd = 3; fd < 64; fd++) {
        if (write(fd, noise, sizeof noise) == (ssize_t)sizeof noise)
            pause();
    }
    return 0;
}

/* Heads of replies that no worker sends. */
static const awl__reply_head lies[] = {
    { .what = AWL__JOB_REPLY, .error = -5 },
    { .what = AWL__JOB_REPLY, .kind = CO_POINTER + 1 },
    { .what = AWL__JOB_REPLY, .error = EDOM, .kind = CO_INT },
    { .what = AWL__JOB_REPLY, .len = UINT64_MAX },
    { .what = AWL__TEXT_REPLY, .kind = CO_POINTER },
    { .what = AWL__TEXT_REPLY, .error = EDOM, .len = UINT64_MAX - 50 },
    { .what = AWL__READY_REPLY, .value = { .i = 1 } },
};
enum { LIES = sizeof lies / sizeof *lies };

static void send_lie(const awl__reply_head *lie)
{
    for (int fd = 3; fd < 64; fd++) {
        if (write(fd, lie, sizeof *lie) == (ssize_t)sizeof *lie)
            pause();
    }
}

static int tells_a_lie(const void *in, size_t len, awl_reply *reply)
{
    (void)len, (void)reply;
    send_lie(&lies[*(const int *)in]);
    return 0;
}

/* An init that says that the worker is ready, and is another process. */
static int pretends(void *arg)
{
    const int64_t *pid = arg;

    send_lie(&(awl__reply_head){ .what = AWL__READY_REPLY, .value = { .i = *pid } });
    return 0;
}

/* Closes what it does not own. */
static int closes_all(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len, (void)reply;
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    pause();
    return 0;
}

TASK_TEST(a_worker_that_exits_gives_its_job_an_error_with_the_status, { awl_executor *pool; int rc, x, before, pid; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    co_let(self->before, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    self->x = 7;
    CHECK_FAILS(AWL_EWORKEREXIT, awl_run_call(self->pool, AWL_CALL(exits, &self->x, sizeof self->x)));
    CHECK(WIFEXITED(awl_error_status(AWL_EWORKEREXIT)));
    CHECK_INT(WEXITSTATUS(awl_error_status(AWL_EWORKEREXIT)), 7);
    CHECK(strstr(awl_error_message(AWL_EWORKEREXIT), "exits: worker ") == awl_error_message(AWL_EWORKEREXIT));
    CHECK(strstr(awl_error_message(AWL_EWORKEREXIT), " exited with status 7") != NULL);
    self->x = 0; /* is an error as well: there is no result */
    CHECK_FAILS(AWL_EWORKEREXIT, awl_run_call(self->pool, AWL_CALL(exits, &self->x, sizeof self->x)));
    CHECK_INT(awl_error_status(AWL_EWORKEREXIT), 0);
    co_let(self->pid, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK(self->pid != self->before);
    CHECK(!lives(self->before));
    CHECK_INT(awl_error_status(EDOM), -1);
    co_end;
}

TASK_TEST(a_worker_that_a_signal_ends_gives_its_job_an_error_with_the_signal, { awl_executor *pool; int rc, x; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    self->x = SIGSEGV;
    CHECK_FAILS(AWL_EWORKERKILLED, awl_run_call(self->pool, AWL_CALL(raises, &self->x, sizeof self->x)));
    CHECK(WIFSIGNALED(awl_error_status(AWL_EWORKERKILLED)));
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGSEGV);
    CHECK(strstr(awl_error_message(AWL_EWORKERKILLED), "by signal 11 (") != NULL);
    CHECK_FAILS(AWL_EWORKERKILLED, awl_run_call(self->pool, AWL_CALL(says_abort, NULL, 0)));
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGABRT);
    self->x = SIGTERM;
    CHECK_FAILS(AWL_EWORKERKILLED, awl_run_call(self->pool, AWL_CALL(raises, &self->x, sizeof self->x)));
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGTERM);
    self->x = SIGINT; /* does nothing */
    co_let(self->x, awl_run_call(self->pool, AWL_CALL(raises, &self->x, sizeof self->x)));
    co_end;
}

TASK_TEST(a_worker_that_breaks_off_or_does_not_speak_as_one_is_ended, { awl_executor *pool; int rc, n; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    CHECK_FAILS(AWL_EWORKEREXIT, awl_run_call(self->pool, AWL_CALL(half_a_reply, NULL, 0)));
    CHECK_FAILS(AWL_EWORKERKILLED, awl_run_call(self->pool, AWL_CALL(babbles, NULL, 0)));
    CHECK_FAILS(AWL_EWORKERKILLED, awl_run_call(self->pool, AWL_CALL(closes_all, NULL, 0)));
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    co_end;
}

TASK_TEST(a_worker_that_lies_is_ended, { awl_executor *pool; int rc, i; })
{
    static int64_t all = -1;

    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    for (self->i = 0; self->i < LIES; self->i++) {
        CHECK_FAILS(AWL_EWORKERKILLED, awl_run_call(self->pool, AWL_CALL(tells_a_lie, &self->i, sizeof self->i)));
        CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGKILL);
    }
    OPEN_PROCESSES(self->pool, .workers = 1, .init = pretends, .init_arg = &all);
    CHECK_FAILS(AWL_ENOWORKER, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    co_end;
}

/* The others do not notice, and no job runs twice. */
TASK_TEST(only_the_job_of_the_worker_that_ends_fails, { awl_executor *pool; awl_future *f[4]; int i, rc, x;
                                                        pid_t pids[2]; })
{
    co_begin;
    open_pipes();
    OPEN_PROCESSES(self->pool, .workers = 2);
    for (self->i = 0; self->i < 4; self->i++) {
        self->f[self->i] = awl_executor_submit_call(self->pool, AT_PIPE);
        if (!self->f[self->i])
            co_raise(ENOMEM);
    }
    CHECK_INT(stats_of_executor(self->pool).threads, 2);
    AWAIT_ONE(self->pids[0]);
    AWAIT_ONE(self->pids[1]);
    CHECK_INT(kill(self->pids[0], SIGKILL), 0);
    do {
        co_await(awl_sleep(0));
        CHECK_INT(stats_of_executor(self->pool).threads, 2); /* at once, if there is memory */
        self->x = who_came();
    } while (!self->x); /* another job begins in another worker */
    CHECK(self->x != self->pids[0] && self->x != self->pids[1]);
    let_through(3);
    for (self->i = self->x = 0; self->i < 4; self->i++) {
        co_try(self->rc, self->f[self->i]);
        CHECK(self->rc == 0 || self->rc == AWL_EWORKERKILLED);
        self->x += self->rc != 0;
    }
    CHECK_INT(self->x, 1);
    CHECK(who_came() != 0); /* the fourth, and nobody else */
    CHECK_INT(who_came(), 0);
    co_finally;
    for (self->i = 0; self->i < 4; self->i++)
        awl_future_release(self->f[self->i]);
    if (came[1])
        close_pipes();
    co_end;
}

/* ---- When nothing is to be done --------------------------------------------------------------------------------- */

TASK_TEST(an_idle_worker_that_is_killed_is_replaced, { awl_executor *pool; int i, n, rc; pid_t pid; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->pid, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
        CHECK_INT(kill(self->pid, SIGKILL), 0);
        while (lives(self->pid) || stats_of_executor(self->pool).threads)
            co_await(awl_sleep(0));
    }
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK(self->n != self->pid);
    co_end;
}

TASK_TEST(a_fork_server_that_is_killed_is_replaced, { awl_executor *pool; awl_future *f; int n, rc; pid_t server, at; })
{
    co_begin;
    open_pipes();
    OPEN_PROCESSES(self->pool, .workers = 2);
    co_let(self->server, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    self->f = awl_executor_submit_call(self->pool, AT_PIPE);
    if (!self->f)
        co_raise(ENOMEM);
    AWAIT_ONE(self->at);
    CHECK_INT(kill(self->server, SIGKILL), 0);
    CHECK_FAILS(AWL_EWORKERKILLED, self->f);
    CHECK_INT(WTERMSIG(awl_error_status(AWL_EWORKERKILLED)), SIGKILL);
    while (lives(self->at))
        co_await(awl_sleep(0));
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    CHECK(self->n != self->server);
    co_finally;
    awl_future_release(self->f);
    if (came[1])
        close_pipes();
    co_end;
}

static int is_open(const void *in, size_t len, awl_reply *reply)
{
    (void)len;
    awl_reply_set(reply, fcntl(*(const int *)in, F_GETFD) >= 0);
    return 0;
}

/* Its number may be that of something else by then, which is no worker's business. */
TASK_TEST(the_next_one_keeps_what_is_still_the_same, { awl_executor *pool; int fds[2], n; pid_t server; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    self->pool = awl_process_pool_new(&(awl_process_pool_options){ .workers = 1, .keep = self->fds, .n_keep = 2 });
    if (!self->pool)
        co_raise(errno);
    co_let(self->server, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    CHECK_INT(dup2(2, self->fds[0]), self->fds[0]);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(is_open, self->fds, sizeof(int))));
    CHECK_INT(self->n, 1); /* as it was */
    CHECK_INT(kill(self->server, SIGKILL), 0);
    while (lives(self->server) || stats_of_executor(self->pool).threads)
        co_await(awl_sleep(0));
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(is_open, self->fds, sizeof(int))));
    CHECK_INT(self->n, 0);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(is_open, self->fds + 1, sizeof(int))));
    CHECK_INT(self->n, 1);
    co_finally;
    close(self->fds[0]);
    close(self->fds[1]);
    co_end;
}

/* Also one that nobody has heard of: no worker is there, and the order for one goes nowhere. */
TASK_TEST(one_that_was_killed_unheard_is_replaced, { awl_executor *pool; int n; pid_t server; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .max_jobs = 1);
    co_let(self->server, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    while (stats_of_executor(self->pool).threads)
        co_await(awl_sleep(0));
    CHECK_INT(kill(self->server, SIGKILL), 0);
    while (lives(self->server))
        usleep(100);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    CHECK(self->n != self->server);
    co_end;
}

/* The server's end of the socket that it is told things by, as a worker has it that is stopped before its first step. -1:
 * it cannot be had here. */
static int other_end(pid_t server)
{
    const int life = awl__pidfd_open(server);
    int end = -1;

    for (int i = 3; life >= 0 && end < 0 && i < 64; i++) {
        int type = 0;

        end = (int)syscall(SYS_pidfd_getfd, life, i, 0);
        if (end >= 0 && (getsockopt(end, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof type }) < 0 ||
                         type != SOCK_SEQPACKET)) {
            close(end);
            end = -1;
        }
    }
    close(life);
    return end;
}

enum { SERVERS = 3 };

co_def(loses_servers, { int *ends; awl_executor *pool; int i, n; pid_t server; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    for (self->i = 0; self->i < SERVERS; self->i++) {
        co_let(self->n, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
        CHECK(self->n != self->server);
        self->server = self->n;
        self->ends[self->i] = other_end(self->server);
        if (self->ends[self->i] < 0)
            co_raise(ENOSYS);
        CHECK_INT(kill(self->server, SIGKILL), 0);
        while (self->i < SERVERS - 1 && (lives(self->server) || stats_of_executor(self->pool).threads))
            co_await(awl_sleep(0));
    }
    co_end;
}

/* While the loop runs, and when it is closed. */
TEST(the_end_of_one_is_noticed_though_its_socket_has_none)
{
    int ends[SERVERS] = { -1, -1, -1 }, rc = awl_run(co_call(loses_servers, .ends = ends));

    for (int i = 0; i < SERVERS; i++)
        close(ends[i]);
    if (rc == ENOSYS)
        SKIP("a descriptor of another process cannot be had here");
    CHECK_INT(rc, 0);
}

/* ---- Time is over ----------------------------------------------------------------------------------------------- */

static __attribute__((noreturn)) int never_ends(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len, (void)reply;
    for (;;)
        pause();
}

TASK_TEST(a_job_that_takes_longer_than_the_deadline_is_killed, { awl_executor *pool; int rc, n; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .deadline = 1 * AWL_SECOND);
    CHECK_FAILS(ETIMEDOUT, awl_run_call(self->pool, AWL_CALL(never_ends, NULL, 0)));
    CHECK(strstr(awl_error_message(ETIMEDOUT), "never_ends: it took longer than a job may") != NULL);
    co_end;
}

/* ---- Workers that cannot begin ---------------------------------------------------------------------------------- */

static int cannot(void *arg) { return *(int *)arg; }

TASK_TEST(workers_that_do_not_begin_end_what_waits, { awl_executor *pool; int rc; })
{
    static int status = 5;

    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 2, .init = cannot, .init_arg = &status);
    CHECK_FAILS(AWL_ENOWORKER, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK(strstr(awl_error_message(AWL_ENOWORKER), "exit status 5") != NULL);
    CHECK_INT(WEXITSTATUS(awl_error_status(AWL_ENOWORKER)), 5);
    CHECK_FAILS(AWL_ENOWORKER, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    co_end;
}

TASK_TEST(without_processes_there_is_no_worker, { awl_executor *pool, *late; int rc; })
{
    co_begin;
    only_forks(1);
    OPEN_PROCESSES(self->pool, .workers = 2);
    CHECK_FAILS(AWL_ENOWORKER, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK(strstr(awl_error_message(AWL_ENOWORKER), "no worker process could be started: ") != NULL);
    CHECK_INT(stats_of_executor(self->pool).threads, 0);
    CHECK_PTR(awl_process_pool_new(NULL), NULL);
    CHECK_INT(errno, EAGAIN);
    OPEN_PROCESSES(self->late, .workers = 2, .start = AWL_START_LATE);
    CHECK_FAILS(AWL_ENOWORKER, awl_run_call(self->late, AWL_CALL(own_pid, NULL, 0)));
    only_forks(-1);
    co_try(self->rc, awl_run_call(self->late, AWL_CALL(own_pid, NULL, 0)));
    CHECK_INT(self->rc, 0);
    co_end;
}

/* In real time, both: a second worker cannot be forked at once. */
co_def(has_two_workers, { awl_executor *pool; awl_future *f[2]; int i; pid_t at[2]; })
{
    co_begin;
    refuse_forks(2, 2); /* the server, and one worker */
    OPEN_PROCESSES(self->pool, .workers = 2);
    only_forks(-1);
    for (self->i = 0; self->i < 2; self->i++) {
        self->f[self->i] = awl_executor_submit_call(self->pool, AT_PIPE);
        if (!self->f[self->i])
            co_raise(errno);
        AWAIT_ONE(self->at[self->i]);
    }
    CHECK(self->at[0] != self->at[1]);
    let_through(2);
    co_await(awl_gather_n(self->f, 2, NULL, 0));
    co_finally;
    for (self->i = 0; self->i < 2; self->i++)
        awl_future_release(self->f[self->i]);
    co_end;
}

/* It never can, and is not asked for in each iteration. */
co_def(has_one_worker, { awl_executor *pool; awl_future *f[2]; awl_loop_stats before, after; int i, pids[2]; pid_t at; })
{
    co_begin;
    only_forks(2);
    OPEN_PROCESSES(self->pool, .workers = 2);
    only_forks(-1);
    for (self->i = 0; self->i < 2; self->i++) {
        self->f[self->i] = awl_executor_submit_call(self->pool, AT_PIPE);
        if (!self->f[self->i])
            co_raise(errno);
        if (self->i == 0)
            AWAIT_ONE(self->at);
    }
    awl_loop_get_stats(NULL, &self->before);
    co_await(awl_sleep(150 * AWL_MS));
    awl_loop_get_stats(NULL, &self->after);
    CHECK(self->after.iterations - self->before.iterations < 100);
    let_through(2);
    for (self->i = 0; self->i < 2; self->i++)
        co_let(self->pids[self->i], self->f[self->i]);
    CHECK_INT(self->pids[0], self->pids[1]);
    co_finally;
    for (self->i = 0; self->i < 2; self->i++)
        awl_future_release(self->f[self->i]);
    co_end;
}

static void run_at_gate(awl_coro main)
{
    CHECK_INT(awl_run(main), 0);
    close_pipes();
}

TEST(a_worker_that_cannot_be_forked_is_asked_for_again)
{
    harness_fail_alloc(0);
    open_pipes();
    run_at_gate(co_call(has_two_workers));
}

TEST(but_not_without_a_pause)
{
    harness_fail_alloc(0);
    open_pipes();
    run_at_gate(co_call(has_one_worker));
}

TASK_TEST(without_descriptors_there_is_no_worker, { awl_executor *pool; int rc, n; struct rlimit before, low; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 2);
    getrlimit(RLIMIT_NOFILE, &self->before);
    self->low = (struct rlimit){ 3, self->before.rlim_max };
    setrlimit(RLIMIT_NOFILE, &self->low);
    CHECK_FAILS(AWL_ENOWORKER, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK_PTR(awl_executor_submit_call(self->pool, AWL_CALL(own_pid, NULL, 0)), NULL);
    CHECK_INT(errno, AWL_ENOWORKER);
    CHECK_PTR(awl_process_pool_new(NULL), NULL);
    CHECK_INT(errno, EMFILE);
    setrlimit(RLIMIT_NOFILE, &self->before);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    co_end;
}

/* ---- The end of the loop's process ------------------------------------------------------------------------------ */

enum { OF_POOL = 3, MINE };

/* In a process of its own: says which processes there are, and does not end. A child of it has all its descriptors. */
co_def(has_workers, { int fd; bool has_child; awl_executor *pool; awl_task *t; int i; pid_t pids[MINE]; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 2);
    co_let(self->pids[0], awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    self->t = awl_create_task(awl_run_call(self->pool, AWL_CALL(stops, NULL, 0)));
    AWAIT_ONE(self->pids[1]); /* busy */
    co_let(self->pids[2], awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0))); /* idle */
    self->pids[OF_POOL] = self->has_child ? fork() : 0;
    if (self->has_child && self->pids[OF_POOL] == 0) {
        alarm(60);
        for (;;)
            pause();
    }
    CHECK_INT(write(self->fd, self->pids, sizeof self->pids), sizeof self->pids);
    co_await(awl_sleep(AWL_FOREVER));
    co_end;
}

static void kill_process_with_workers(bool has_child)
{
    pid_t parent, pids[MINE];
    int fds[2];

    harness_fail_alloc(0);
    open_pipes();
    CHECK_INT(pipe(fds), 0);
    parent = fork();
    if (parent == 0) {
        awl_run(co_call(has_workers, .fd = fds[1], .has_child = has_child));
        _exit(1);
    }
    close(fds[1]);
    CHECK_INT(read(fds[0], pids, sizeof pids), sizeof pids);
    for (int i = 0; i < OF_POOL; i++)
        CHECK(lives(pids[i]));
    CHECK_INT(kill(parent, SIGKILL), 0);
    CHECK_INT(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < OF_POOL; i++) {
        while (lives(pids[i]))
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    if (has_child)
        CHECK_INT(kill(pids[OF_POOL], SIGKILL), 0);
    close(fds[0]);
    close_pipes();
}

TEST(no_worker_is_left_when_the_process_is_killed) { kill_process_with_workers(false); }

TEST(also_where_a_child_of_it_lives_on)
{
    const int fd = awl__pidfd_open(getpid());

    if (fd < 0)
        return; /* this kernel cannot tell */
    close(fd);
    kill_process_with_workers(true);
}

/* ---- At random -------------------------------------------------------------------------------------------------- */

static uint32_t drawn = 1;
static uint32_t draw(uint32_t below)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 17;
    drawn ^= drawn << 5;
    return drawn % below;
}

/* One of a bundle: its number, after it has made some bytes. Argument: number and size. */
static int numbered(const void *in, size_t len, awl_reply *reply)
{
    const size_t *x = in;
    unsigned char *at = awl_reply_reserve(reply, sizeof *x + x[1]);

    (void)len;
    if (!at)
        return ENOMEM;
    memset(at, (int)x[0], sizeof *x + x[1]);
    memcpy(at, x, sizeof *x);
    return 0;
}

enum { STRESS = 400, ASKERS = 8 };
static int right, killed;

co_def(asks_much, { awl_executor *pool; int n, i, rc; size_t x[2]; awl_bytes *bytes; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        self->x[0] = (size_t)self->i;
        self->x[1] = draw(10) ? draw(100) : draw(500000);
        self->bytes = NULL;
        co_try(self->rc, awl_run_call(self->pool, AWL_CALL(numbered, self->x, sizeof self->x)));
        if (!self->rc)
            co_result(self->bytes);
        if (self->rc && self->rc != AWL_EWORKERKILLED && self->rc != AWL_ENOWORKER) /* 3 in a row, unborn */
            co_raise(self->rc);
        killed += self->rc != 0;
        right += self->rc == 0;
        if (self->bytes) {
            CHECK_INT(self->bytes->len, self->x[1] + sizeof *self->x);
            CHECK_MEM(self->bytes->data, self->x, sizeof *self->x);
        }
        awl_bytes_free(self->bytes);
    }
    co_end;
}

/* Kills a child of the fork server, now and then. */
co_def(kills, { awl_executor *pool; int *left; pid_t server, pid; char path[80]; FILE *file; int i, n; })
{
    co_begin;
    while (*self->left) {
        co_await(awl_sleep(200 * AWL_US + (awl_time)draw(4000) * AWL_US));
        snprintf(self->path, sizeof self->path, "/proc/%ld/task/%ld/children", (long)self->server, (long)self->server);
        self->file = fopen(self->path, "r");
        self->n = (int)draw(3);
        for (self->i = 0; self->file && self->i <= self->n; self->i++) {
            if (fscanf(self->file, "%d", &self->pid) == 1 && self->i == self->n)
                kill(self->pid, SIGKILL);
        }
        if (self->file)
            fclose(self->file);
    }
    co_end;
}

co_def(stress, { awl_executor *pool; awl_task *t[ASKERS], *killer; int i, left; pid_t server; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 3, .queue = 2);
    co_let(self->server, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    self->left = 1;
    self->killer = awl_create_task(co_call(kills, .pool = self->pool, .left = &self->left, .server = self->server));
    for (self->i = 0; self->i < ASKERS; self->i++)
        self->t[self->i] = awl_create_task(co_call(asks_much, .pool = self->pool, .n = STRESS));
    co_await(awl_gather_n(self->t, ASKERS, NULL, 0));
    self->left = 0;
    co_await(self->killer);
    CHECK_INT(right + killed, ASKERS * STRESS);
    CHECK_INT(stats_of_executor(self->pool).jobs, 0);
    CHECK_INT(stats_of_executor(self->pool).room, 5);
    co_await(awl_executor_shutdown(self->pool, 0));
    co_finally;
    for (self->i = 0; self->i < ASKERS; self->i++)
        awl_task_release(self->t[self->i]);
    awl_task_release(self->killer);
    co_end;
}

/* In real time: each job ends once, with its own result or the error. */
TEST(workers_killed_at_random)
{
    harness_fail_alloc(0);
    CHECK_INT(awl_run(co_call(stress)), 0);
    CHECK(right > 0);
}
