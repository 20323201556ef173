/* test_process.c: pools of processes: options, room, sizes, and what a worker is. */
#define _GNU_SOURCE
#include "process_rig.h"
#include "standard.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

TEST(process_options_that_cannot_be_are_EINVAL)
{
    static const int below[] = { 3, -1 };
    const awl_process_pool_options bad[] = {
        { .workers = 257 }, { .queue = SIZE_MAX }, { .keep = below, .n_keep = 2 }, { .n_keep = 17 }
    };
    awl_loop *loop = open_virtual();

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        awl_process_pool_options options = bad[i];

        options.loop = loop;
        CHECK_PTR(awl_process_pool_new(&options), NULL);
        CHECK_INT(errno, EINVAL);
    }
    CHECK_PTR(awl_process_pool_new(NULL), NULL); /* no loop runs */
    CHECK_INT(errno, EINVAL);
    awl_loop_close(loop);
}

static int program_is = 1; /* a variable that workers have a copy of */

static int what_program_is(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len;
    awl_reply_set(reply, program_is);
    return 0;
}

TASK_TEST(workers_are_copies_of_the_program_as_it_is_when_said, { awl_executor *early, *late, *all; int n; })
{
    co_begin;
    OPEN_PROCESSES(self->early, .workers = 1);
    OPEN_PROCESSES(self->late, .workers = 1, .start = AWL_START_LATE);
    OPEN_PROCESSES(self->all, .workers = 3, .start = AWL_START_WORKERS);
    CHECK_INT(stats_of_executor(self->early).threads, 0);
    CHECK_INT(stats_of_executor(self->late).threads, 0);
    CHECK_INT(stats_of_executor(self->all).threads, 3);
    program_is = 2;
    co_let(self->n, awl_run_call(self->early, AWL_CALL(what_program_is, NULL, 0)));
    CHECK_INT(self->n, 1);
    co_let(self->n, awl_run_call(self->late, AWL_CALL(what_program_is, NULL, 0)));
    CHECK_INT(self->n, 2);
    co_let(self->n, awl_run_call(self->all, AWL_CALL(what_program_is, NULL, 0)));
    CHECK_INT(self->n, 1);
    CHECK_INT(stats_of_executor(self->all).threads, 3);
    co_end;
}

TASK_TEST(a_job_that_finds_no_worker_idle_starts_one_up_to_the_most, { awl_executor *pool; awl_future *f[5]; int i; })
{
    co_begin;
    open_pipes();
    OPEN_PROCESSES(self->pool, .workers = 3, .queue = 2);
    for (self->i = 0; self->i < 5; self->i++) {
        self->f[self->i] = awl_executor_submit_call(self->pool, AT_PIPE);
        if (!self->f[self->i])
            co_raise(ENOMEM);
        CHECK_INT(stats_of_executor(self->pool).threads, self->i < 3 ? self->i + 1 : 3);
    }
    CHECK_PTR(awl_executor_submit_call(self->pool, AT_PIPE), NULL);
    CHECK_INT(errno, EAGAIN);
    CHECK_INT(stats_of_executor(self->pool).room, 0);
    let_through(5);
    co_await(awl_gather_n(self->f, 5, NULL, 0));
    CHECK_INT(stats_of_executor(self->pool).threads, 3);
    CHECK_INT(stats_of_executor(self->pool).room, 5);
    co_finally;
    for (self->i = 0; self->i < 5; self->i++)
        awl_future_release(self->f[self->i]);
    close_pipes();
    co_end;
}

static int counts_itself(void *arg)
{
    program_is += *(int *)arg;
    return 0;
}

TASK_TEST(init_is_called_in_each_worker, { awl_executor *pool; int n; })
{
    static int more = 41;

    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .init = counts_itself, .init_arg = &more);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(what_program_is, NULL, 0)));
    CHECK_INT(self->n, 42);
    CHECK_INT(program_is, 1);
    co_end;
}

TASK_TEST(a_worker_ends_after_so_many_jobs, { awl_executor *pool; int i, pid, before, changes; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .max_jobs = 3);
    for (self->i = 0; self->i < 9; self->i++) {
        co_let(self->pid, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
        self->changes += self->pid != self->before;
        self->before = self->pid;
    }
    CHECK_INT(self->changes, 3);
    co_end;
}

/* ---- Room ------------------------------------------------------------------------------------------------------- */

co_def(asks, { awl_executor *pool; int n, i, x; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_let(self->x, awl_run_call(self->pool, AWL_CALL(same_number, &self->i, sizeof self->i)));
        CHECK_INT(self->x, self->i);
    }
    co_end;
}

TASK_TEST(ten_thousand_jobs_through_a_queue_of_two, { awl_executor *pool; awl_task *t[20]; int i; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 2, .queue = 2);
    for (self->i = 0; self->i < 20; self->i++) {
        self->t[self->i] = awl_create_task(co_call(asks, .pool = self->pool, .n = 500));
        if (!self->t[self->i])
            co_raise(ENOMEM);
    }
    co_await(awl_sleep(0));
    CHECK(stats_of_executor(self->pool).jobs <= 4);
    co_await(awl_gather_n(self->t, 20, NULL, 0));
    CHECK_INT(stats_of_executor(self->pool).room, 4);
    co_finally;
    for (self->i = 0; self->i < 20; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

/* ---- Cancellation ----------------------------------------------------------------------------------------------- */

typedef struct jam {
    awl_executor *pool;
    awl_task *t[3];
} jam;

/* A worker at the gate, a job that waits for it, and one that waits for room. */
co_def(make_jam, { jam *j; bool kill; int i; })
{
    co_begin;
    open_pipes();
    OPEN_PROCESSES(self->j->pool, .workers = 1, .queue = 1, .kill_cancelled = self->kill);
    for (self->i = 0; self->i < 3; self->i++) {
        self->j->t[self->i] = awl_create_task(awl_run_call(self->j->pool, AT_PIPE));
        if (!self->j->t[self->i])
            co_raise(ENOMEM);
    }
    do {
        co_await(awl_sleep(0));
        for (self->i = 0; self->i < 3; self->i++) {
            if (awl_task_done(self->j->t[self->i])) /* ENOMEM */
                co_await(self->j->t[self->i]);
        }
    } while (stats_of_executor(self->j->pool).waiting < 1);
    co_end;
}

static void clear_jam(jam *j)
{
    for (int i = 0; i < 3; i++)
        awl_task_release(j->t[i]);
    if (came[1]) {
        let_through(3);
        close_pipes();
    }
}

TASK_TEST(what_has_not_begun_never_will, { jam j; int i, rc, pid; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j));
    for (self->i = 1; self->i < 3; self->i++) {
        awl_task_cancel(self->j.t[self->i]);
        CHECK_FAILS(ECANCELED, self->j.t[self->i]);
    }
    let_through(1);
    co_let(self->pid, self->j.t[0]);
    CHECK_INT(who_came(), self->pid);
    CHECK_INT(who_came(), 0);
    CHECK_INT(stats_of_executor(self->j.pool).room, 2);
    co_finally;
    clear_jam(&self->j);
    co_end;
}

TASK_TEST(what_has_begun_goes_on_and_its_result_is_dropped, { jam j; int rc, pid; pid_t first; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j));
    AWAIT_ONE(self->first);
    awl_task_cancel(self->j.t[0]);
    CHECK_FAILS(ECANCELED, self->j.t[0]);
    let_through(2);
    co_let(self->pid, self->j.t[1]); /* by the same worker */
    CHECK_INT(self->first, self->pid);
    CHECK_INT(who_came(), self->pid);
    co_finally;
    clear_jam(&self->j);
    co_end;
}

TASK_TEST(what_has_begun_can_be_killed, { jam j; int rc, pid; pid_t first; })
{
    co_begin;
    co_await(co_call(make_jam, .j = &self->j, .kill = true));
    AWAIT_ONE(self->first);
    awl_task_cancel(self->j.t[0]);
    CHECK_FAILS(ECANCELED, self->j.t[0]);
    while (lives(self->first))
        co_await(awl_sleep(0));
    let_through(1);
    co_let(self->pid, self->j.t[1]); /* by another worker */
    CHECK(self->pid != self->first);
    CHECK(!lives(self->first));
    co_finally;
    clear_jam(&self->j);
    co_end;
}

/* ---- Sizes ------------------------------------------------------------------------------------------------------ */

/* More than a socket holds, both ways, and at the same time. */
TASK_TEST(arguments_and_results_of_any_size, { awl_executor *pool; awl_bytes *out; int64_t sum; size_t i, n; })
{
    static const size_t sizes[] = { 0, 1, 4063, 4064, 4065, 4096, 65503, 65504, 65505, 65536, 300000, 5000000 };
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    for (self->i = 0; self->i < sizeof sizes / sizeof *sizes; self->i++) {
        self->n = sizes[self->i];
        co_let(self->out, awl_run_call(self->pool, AWL_CALL(many_bytes, &self->n, sizeof self->n)));
        CHECK_INT(self->out->len, self->n);
        co_let(self->sum, awl_run_call(self->pool, AWL_CALL(sum_of_bytes, self->out->data, self->out->len)));
        for (self->n = 0; self->n < self->out->len; self->n++) {
            CHECK_INT(self->out->data[self->n], (unsigned char)(self->n * 7));
            self->sum -= self->out->data[self->n];
        }
        CHECK_INT(self->sum, 0);
        awl_bytes_free(self->out);
        self->out = NULL;
    }
    co_finally;
    awl_bytes_free(self->out);
    co_end;
}

TASK_TEST(a_hundred_megabytes, { awl_executor *pool; awl_bytes *out; int64_t sum; size_t n; })
{
    co_begin;
    self->n = 100 * 1000 * 1000;
    OPEN_PROCESSES(self->pool, .workers = 1);
    co_let(self->out, awl_run_call(self->pool, AWL_CALL(many_bytes, &self->n, sizeof self->n)));
    CHECK_INT(self->out->len, self->n);
    CHECK_INT(self->out->data[self->n - 1], (unsigned char)((self->n - 1) * 7));
    co_let(self->sum, awl_run_call(self->pool, AWL_CALL(sum_of_bytes, self->out->data, self->out->len)));
    CHECK_INT(self->sum, (int64_t)self->n / 256 * (255 * 128) + 0);
    co_finally;
    awl_bytes_free(self->out);
    co_end;
}

TASK_TEST(a_result_that_there_is_no_memory_for_is_ENOMEM, { awl_executor *pool; int rc, x; size_t n; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    co_let(self->x, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    self->n = SIZE_MAX / 2; /* malloc gives no more, and takes some of it for itself */
    CHECK_FAILS(ENOMEM, awl_run_call(self->pool, AWL_CALL(many_bytes, &self->n, sizeof self->n)));
    self->n = 3000000;
    harness_fail_alloc_from(3); /* the argument's, and libevent's or awl's own */
    co_try_cancel(self->rc, awl_run_call(self->pool, AWL_CALL(many_bytes, &self->n, sizeof self->n)));
    harness_fail_alloc(0);
    CHECK(self->rc == ENOMEM || self->rc == 0);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK_INT(self->n, self->x); /* the worker has not noticed */
    co_end;
}

/* ---- What a worker has ------------------------------------------------------------------------------------------ */

/* The descriptors that it has beyond 2, as text. */
static int descriptors(const void *in, size_t len, awl_reply *reply)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *e;
    int n = 0;

    (void)in, (void)len;
    while (folder && (e = readdir(folder)) != NULL)
        n += e->d_name[0] != '.' && atoi(e->d_name) > 2 && atoi(e->d_name) != dirfd(folder);
    closedir(folder);
    awl_reply_set(reply, n);
    return 0;
}

static int input(const void *in, size_t len, awl_reply *reply)
{
    char path[64];
    const ssize_t n = readlink("/proc/self/fd/0", path, sizeof path);

    (void)in, (void)len;
    return n < 0 ? errno : awl_reply_append(reply, path, (size_t)n);
}

TASK_TEST(a_worker_has_its_socket_and_what_it_is_to_keep, { awl_executor *pools[2], *pool; awl_bytes *path; int n, s; })
{
    co_begin;
    self->s = socket(AF_INET, SOCK_STREAM, 0); /* that an exec would keep */
    OPEN_PROCESSES(self->pools[0], .workers = 2, .start = AWL_START_WORKERS);
    OPEN_PROCESSES(self->pool, .workers = 3, .start = AWL_START_WORKERS);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(descriptors, NULL, 0)));
    CHECK_INT(self->n, 1);
    self->pools[1] =
        awl_process_pool_new(&(awl_process_pool_options){ .workers = 1, .keep = &self->s, .n_keep = 1 });
    if (!self->pools[1])
        co_raise(errno);
    co_let(self->n, awl_run_call(self->pools[1], AWL_CALL(descriptors, NULL, 0)));
    CHECK_INT(self->n, 2);
    co_let(self->path, awl_run_call(self->pool, AWL_CALL(input, NULL, 0)));
    CHECK_INT(self->path->len, 9);
    CHECK_MEM(self->path->data, "/dev/null", 9);
    co_finally;
    awl_bytes_free(self->path);
    close(self->s);
    co_end;
}

/* What its standard input is. */
TASK_TEST(standard_input_can_be_kept, { awl_executor *pool; awl_bytes *path; int fds[2], saved, kept, rc; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    self->saved = fcntl(0, F_DUPFD_CLOEXEC, 3);
    dup2(self->fds[0], 0);
    self->pool = awl_process_pool_new(
        &(awl_process_pool_options){ .workers = 1, .keep = &self->kept, .n_keep = 1, .start = AWL_START_WORKERS });
    dup2(self->saved, 0);
    close(self->saved);
    close(self->fds[0]);
    close(self->fds[1]);
    if (!self->pool)
        co_raise(errno);
    co_let(self->path, awl_run_call(self->pool, AWL_CALL(input, NULL, 0)));
    CHECK_MEM(self->path->data, "pipe:", 5);
    co_finally;
    awl_bytes_free(self->path);
    co_end;
}

static int prints_to_both(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len;
    awl_reply_set(reply, write(1, "", 1) + write(2, "", 1));
    return 0;
}

/* A program whose standard descriptors are closed: what a job prints goes nowhere, and not to a socket of the pool's. */
TASK_TEST(without_standard_descriptors_jobs_print_nowhere, { awl_executor *pool; standard all; int i, n, rc, closed; })
{
    co_begin;
    standard_save(&self->all);
    for (self->closed = 1; self->closed < 8 && !self->rc; self->closed++) {
        standard_close((unsigned)self->closed);
        self->pool = awl_process_pool_new(&(awl_process_pool_options){ .workers = 1, .start = AWL_START_WORKERS });
        self->rc = self->pool ? 0 : errno;
        for (self->i = 0; self->i < 3 && !self->rc; self->i++) {
            co_try(self->rc, awl_run_call(self->pool, AWL_CALL(prints_to_both, NULL, 0)));
            if (!self->rc)
                co_result(self->n);
        }
        if (self->pool)
            co_try(self->i, awl_executor_shutdown(self->pool, 0));
        standard_put_back(&self->all);
    }
    standard_forget(&self->all);
    if (self->rc)
        co_raise(self->rc);
    CHECK_INT(self->closed, 8);
    CHECK_INT(self->n, 2);
    co_end;
}

/* Leaves a descriptor open each time; how many there are. */
static int leaks(const void *in, size_t len, awl_reply *reply)
{
    for (int i = 0; i < 50; i++) {
        if (dup(STDERR_FILENO) < 0)
            return errno;
    }
    return descriptors(in, len, reply);
}

TASK_TEST(descriptors_that_a_job_leaks_are_its_workers, { awl_executor *pool; int n, i; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1, .max_jobs = 2);
    for (self->i = 0; self->i < 6; self->i++) {
        co_let(self->n, awl_run_call(self->pool, AWL_CALL(leaks, NULL, 0)));
        CHECK_INT(self->n, self->i % 2 ? 101 : 51);
    }
    co_end;
}

static void handler(int sig) { (void)sig; }

/* 0 if signals are as at the beginning of a program, and SIGINT ignored. */
static int signals(const void *in, size_t len, awl_reply *reply)
{
    sigset_t blocked;
    int wrong = 0;

    (void)in, (void)len;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int sig = 1; sig < 32; sig++) {
        struct sigaction action;

        if (sigaction(sig, NULL, &action) < 0)
            continue;
        wrong += sigismember(&blocked, sig);
        wrong += sig == SIGINT ? action.sa_handler != SIG_IGN : action.sa_handler != SIG_DFL;
    }
    awl_reply_set(reply, wrong);
    return 0;
}

TASK_TEST(signals_in_a_worker, { awl_executor *pool; int n; })
{
    co_begin;
    signal(SIGUSR1, handler);
    signal(SIGTERM, SIG_IGN);
    OPEN_PROCESSES(self->pool, .workers = 1);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(signals, NULL, 0)));
    CHECK_INT(self->n, 0);
    co_end;
}

/* As a terminal sends them to all that run in it, and a system that stops. */
TASK_TEST(signals_to_all_processes_are_for_this_one, { awl_executor *pool; int n; pid_t server, worker; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    co_let(self->server, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    co_let(self->worker, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK_INT(kill(self->server, SIGINT), 0);
    CHECK_INT(kill(self->server, SIGTERM), 0);
    CHECK_INT(kill(self->server, SIGHUP), 0);
    CHECK_INT(kill(self->worker, SIGINT), 0);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(own_pid, NULL, 0)));
    CHECK_INT(self->n, self->worker);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(server_pid, NULL, 0)));
    CHECK_INT(self->n, self->server);
    co_end;
}

co_def(inner, { int n; })
{
    co_begin;
    co_let(self->n, awl_run_in_executor(NULL, twice, NUMBER(21)));
    co_return(self->n);
    co_end;
}

static int runs_a_loop(const void *in, size_t len, awl_reply *reply)
{
    awl_value value = { .i = 0 };
    int error;

    (void)in, (void)len;
    if (awl_running_loop())
        return EBUSY;
    error = awl_run_with(co_call(inner), NULL, &value);
    awl_reply_set(reply, value.i);
    return error;
}

TASK_TEST(a_worker_may_run_a_loop_of_its_own, { awl_executor *pool; int n; })
{
    co_begin;
    OPEN_PROCESSES(self->pool, .workers = 1);
    co_let(self->n, awl_run_call(self->pool, AWL_CALL(runs_a_loop, NULL, 0)));
    CHECK_INT(self->n, 42);
    co_end;
}

static int prints(const void *in, size_t len, awl_reply *reply)
{
    (void)len, (void)reply;
    printf("%d.", *(const int *)in);
    return 0;
}

/* What a worker prints is there when its job has ended; what this process has not written yet is not written twice. */
TASK_TEST(what_is_printed_is_printed_once, { awl_executor *pool; int fds[2], saved, i, n; char text[64]; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    fflush(stdout);
    self->saved = dup(STDOUT_FILENO);
    dup2(self->fds[1], STDOUT_FILENO);
    printf("a.");
    OPEN_PROCESSES(self->pool, .workers = 1);
    printf("b.");
    for (self->i = 1; self->i < 3; self->i++)
        co_await(awl_run_call(self->pool, AWL_CALL(prints, &self->i, sizeof self->i)));
    co_await(awl_executor_shutdown(self->pool, 0));
    fflush(stdout);
    self->n = (int)read(self->fds[0], self->text, sizeof self->text - 1);
    CHECK_INT(self->n, 8);
    CHECK_MEM(self->text, "a.", 2); /* "b." when it is flushed */
    CHECK(strstr(self->text, "1.2.") != NULL);
    CHECK(strstr(self->text, "b.") != NULL);
    co_finally;
    fflush(stdout);
    dup2(self->saved, STDOUT_FILENO);
    close(self->saved);
    close(self->fds[0]);
    close(self->fds[1]);
    co_end;
}
