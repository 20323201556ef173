/* test_fork.c: loops after a fork: the parent's go on, and the child is refused them. */
#define _GNU_SOURCE
#include "rig.h"

#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

RIG_COROUTINES;

static const awl_loop_options real_options = { .report = note_report };

static bool is_watched; /* steps are */

static awl_loop *open_real(void)
{
    awl_loop *loop = awl_loop_open(is_watched ? &(awl_loop_options){ .report = note_report, .slow_step = 1, .debug = true }
                                              : &real_options);

    CHECK(loop != NULL);
    return loop;
}

/* What a child has written to a pipe, up to its end. */
static char text[1024];
static void read_all(int fds[2])
{
    size_t len = 0;
    ssize_t n;

    close(fds[1]);
    do {
        n = read(fds[0], text + len, sizeof text - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    text[len] = '\0';
    close(fds[0]);
}

/* Has a child call fn(arg), with its stderr in `text`. Result: its status. */
static int in_child(void (*fn)(void *), void *arg)
{
    int fds[2], status = -1;
    pid_t pid;

    CHECK_INT(pipe(fds), 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], 2);
        fn(arg);
        _exit(0);
    }
    read_all(fds);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return status;
}

#define CHECK_CHILD(fn, arg) CHECK_INT(in_child((fn), (arg)), 0)
#define CHECK_CHILD_TRAPS(fn, arg)                                                                                       \
    do {                                                                                                                 \
        const int status_ = in_child((fn), (arg));                                                                       \
        CHECK(WIFSIGNALED(status_));                                                                                     \
        CHECK(strstr(text, "this loop was opened before a fork, and is the parent process's") != NULL);                  \
    } while (0)

/* ---- A loop that does not run ---------------------------------------------------------------------------------------- */

static void nothing(void *arg) { (void)arg; }

static void runs(void *loop)
{
    awl_future future;

    CHECK_INT(awl_loop_run_forever(loop), AWL_EFORKED);
    CHECK_INT(awl_run_until_complete((awl_loop *)loop, co_call(sleeps), NULL), AWL_EFORKED);
    memset(&future, 0, sizeof future);
    future.host_ = loop;
    CHECK_INT(awl_run_until_complete((awl_loop *)loop, &future, NULL), AWL_EFORKED);
    CHECK(strstr(awl_strerror(AWL_EFORKED), "before a fork") != NULL);
    awl_loop_close(loop);
}
static void posts(void *loop) { CHECK_INT(awl_call_soon_threadsafe(loop, NULL, nothing, NULL), AWL_EFORKED); }
static void calls(void *loop) { (void)awl_call_soon(loop, NULL, nothing, NULL); }
static void watches(void *loop) { (void)awl_add_reader(loop, 0, nothing, NULL); }
static void makes_task(void *loop) { (void)awl_task_cancel(awl_loop_create_task(loop, co_call(sleeps))); }

TEST(a_child_cannot_run_it)
{
    awl_loop *loop = open_real();

    CHECK_CHILD(runs, loop);
    awl_loop_close(loop);
}
TEST(nor_wake_the_parents)
{
    awl_loop *loop = open_real();

    CHECK_CHILD(posts, loop);
    awl_loop_close(loop);
}
TEST(nor_use_it)
{
    awl_loop *loop = open_real();

    CHECK_CHILD_TRAPS(calls, loop);
    CHECK_CHILD_TRAPS(watches, loop);
    CHECK_CHILD_TRAPS(makes_task, loop);
    awl_loop_close(loop);
}

co_def(is_new, { int *runs; })
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    ++*self->runs;
    co_end;
}

static void opens_another(void *arg)
{
    int n = 0;

    (void)arg;
    CHECK_INT(awl_run_with(co_call(is_new, .runs = &n), &real_options, NULL), 0);
    CHECK_INT(n, 1);
}
TEST(but_open_its_own)
{
    awl_loop *loop = open_real();

    CHECK_CHILD(opens_another, NULL);
    awl_loop_close(loop);
}

/* ---- The parent's goes on -------------------------------------------------------------------------------------------- */

static void closes(void *loop) { awl_loop_close(loop); }

static int reader;
static void read_one(void *loop)
{
    char byte;

    CHECK_INT(read(reader, &byte, 1), 1);
    awl_loop_stop(loop);
}

TEST(a_child_that_closes_it_leaves_the_parents_alone)
{
    awl_loop *loop = open_real();
    awl_task *task = awl_loop_create_task(loop, co_call(sleeps, .t = AWL_MS, .value = 3));
    awl_value value = { .i = 0 };
    int fds[2];

    CHECK(task != NULL);
    CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
    reader = fds[0];
    CHECK_INT(awl_add_reader(loop, fds[0], read_one, loop), 0);
    awl_loop_stop(loop);
    CHECK_INT(awl_loop_run_forever(loop), 0); /* the task sleeps now */
    CHECK_CHILD(closes, loop);
    CHECK_STR(text, "");
    CHECK_INT(awl_run_until_complete(loop, task, &value), 0);
    CHECK_INT(value.i, 3);
    CHECK_INT(write(fds[1], "x", 1), 1);
    CHECK_INT(awl_loop_run_forever(loop), 0); /* what the child has closed would not have told */
    awl_task_release(task);
    awl_loop_close(loop);
    close(fds[0]);
    close(fds[1]);
}

static void closes_without_descriptors(void *loop)
{
    int fd;

    while ((fd = dup(2)) >= 0)
        ;
    awl_loop_close(loop);
}
TEST(also_one_that_has_no_descriptors_left)
{
    awl_loop *loop = open_real();
    int fds[2];

    CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
    reader = fds[0];
    CHECK_INT(awl_add_reader(loop, fds[0], read_one, loop), 0);
    CHECK_CHILD(closes_without_descriptors, loop);
    CHECK_INT(write(fds[1], "x", 1), 1);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    awl_loop_close(loop);
    close(fds[0]);
    close(fds[1]);
}

static void *run_in_thread(void *loop)
{
    CHECK_INT(awl_loop_run_forever(loop), 0);
    return NULL;
}
static void stop(void *loop) { awl_loop_stop(loop); }
static void uses_one_of_a_thread(void *loop)
{
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, nothing, NULL), AWL_EFORKED);
    CHECK_INT(awl_loop_run_forever(loop), AWL_EFORKED);
    awl_loop_close(loop);
    opens_another(NULL);
}

static pthread_barrier_t both;
static void meet(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&both);
}

TEST(one_that_another_thread_runs)
{
    awl_loop *loop = open_real();
    pthread_t thread;

    pthread_barrier_init(&both, NULL, 2);
    CHECK_INT(awl_call_soon(loop, NULL, meet, NULL), 0);
    CHECK_INT(pthread_create(&thread, NULL, run_in_thread, loop), 0);
    pthread_barrier_wait(&both);
    CHECK_CHILD(uses_one_of_a_thread, loop);
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, stop, loop), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&both);
    awl_loop_close(loop);
}

/* ---- A fork in a step ------------------------------------------------------------------------------------------------ */

enum how { RETURNS, SLEEPS, PAUSES, RAISES, AWAITS_FUTURE, AWAITS_CHILD, LOCKS, RUNS, CREATES, GATHERS, CANCELS };

static int ran_in_child; /* steps of the other task in the child */

co_def(counts, { pid_t parent; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        ran_in_child += getpid() != self->parent;
        co_await(awl_sleep(0));
    }
    co_end;
}

co_def(forks, { enum how how; pid_t *pid; int *fds; awl_future never; awl_lock lock; awl_task *t; })
{
    co_begin;
    awl_future_init(&self->never, NULL);
    self->t = awl_create_task(co_call(counts, .parent = getpid()));
    co_await(awl_sleep(0));
    *self->pid = fork();
    if (*self->pid == 0) {
        dup2(self->fds[1], 2);
        if (self->how == SLEEPS)
            co_await(awl_sleep(AWL_MS));
        if (self->how == PAUSES)
            co_await(awl_sleep(0));
        if (self->how == RAISES)
            co_raise(EIO);
        if (self->how == AWAITS_FUTURE)
            co_await(&self->never);
        if (self->how == AWAITS_CHILD)
            co_await(co_call(sleeps));
        if (self->how == LOCKS)
            co_await(awl_lock_acquire(&self->lock));
        if (self->how == RUNS)
            opens_another(NULL);
        if (self->how == CREATES)
            (void)awl_spawn(co_call(sleeps));
        if (self->how == GATHERS)
            co_await(awl_gather(self->t));
        if (self->how == CANCELS)
            awl_task_cancel(self->t);
        co_return(0);
    }
    co_await(self->t);
    co_return(1);
    co_end;
}

/* Result: the status of the child, or -1 in a test whose allocations fail. */
static int forked(enum how how)
{
    int fds[2], status = -1, error;
    pid_t pid = -1, here = getpid();
    awl_value value = { .i = -1 };
    awl_loop *loop = open_real();
    awl_task *task;

    CHECK_INT(pipe(fds), 0);
    task = awl_loop_create_task(loop, co_call(forks, .how = how, .pid = &pid, .fds = fds));
    CHECK(task != NULL);
    error = awl_run_until_complete(loop, task, &value);
    if (getpid() != here) { /* the child, behind its run */
        CHECK_INT(error, AWL_EFORKED);
        CHECK_INT(value.i, -1);
        CHECK_INT(ran_in_child, 0);
        awl_task_release(task);
        awl_loop_close(loop);
        opens_another(NULL);
        _exit(0);
    }
    CHECK_INT(error, 0);
    CHECK_INT(value.i, 1);

    read_all(fds);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    awl_task_release(task);
    awl_loop_close(loop);
    return status;
}

TEST(the_step_may_end) { CHECK_INT(forked(RETURNS), 0); }
TEST(or_raise) { CHECK_INT(forked(RAISES), 0); }
TEST(or_pause_for_ever) { CHECK_INT(forked(PAUSES), 0); }
TEST(or_run_a_loop_of_its_own) { CHECK_INT(forked(RUNS), 0); }
TEST(also_where_steps_are_watched)
{
    static const enum how ends[] = { RETURNS, RAISES, PAUSES, RUNS };

    is_watched = true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        CHECK_INT(forked(ends[i]), 0);
}

static void fork_in_callback(void *loop)
{
    const pid_t pid = fork();
    int status;

    if (pid > 0)
        CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(pid > 0 ? status : 0, 0);
    if (pid)
        awl_loop_stop(loop);
}
TEST(nor_does_a_watched_callback_trap)
{
    const pid_t here = getpid();
    awl_loop *loop;

    is_watched = true;
    loop = open_real();
    CHECK_INT(awl_call_soon(loop, NULL, fork_in_callback, loop), 0);
    if (awl_loop_run_forever(loop) == AWL_EFORKED && getpid() != here)
        _exit(0);
    CHECK_INT(getpid(), here);
    awl_loop_close(loop);
}

#define STEP_TRAPS(name, how, what)                                                                                      \
    TEST(name)                                                                                                           \
    {                                                                                                                    \
        CHECK(WIFSIGNALED(forked(how)));                                                                                 \
        CHECK(strstr(text, what) != NULL);                                                                               \
    }
STEP_TRAPS(it_cannot_sleep, SLEEPS, "this loop was opened before a fork")
STEP_TRAPS(it_cannot_await_a_future, AWAITS_FUTURE, "this loop was opened before a fork")
STEP_TRAPS(it_cannot_await_a_coroutine, AWAITS_CHILD, "this loop was opened before a fork")
STEP_TRAPS(it_cannot_lock, LOCKS, "this loop was opened before a fork")
STEP_TRAPS(it_cannot_gather, GATHERS, "this loop was opened before a fork")
STEP_TRAPS(it_cannot_cancel, CANCELS, "this loop was opened before a fork")
STEP_TRAPS(it_cannot_create_a_task, CREATES, "needs a running loop")

/* ---- On a base of somebody else's ------------------------------------------------------------------------------------ */

static void break_base(awl_future *future, void *base)
{
    (void)future;
    event_base_loopbreak(base);
}

TEST(attached_to_a_base)
{
    struct event_base *base = event_base_new();
    awl_loop *loop = base ? awl_loop_attach(base, &real_options) : NULL;
    const pid_t here = getpid();
    int fds[2], status = -1;
    awl_task *task;
    pid_t pid = -1;

    CHECK(loop != NULL);
    CHECK_INT(pipe(fds), 0);
    task = awl_create_task(co_call(forks, .how = RETURNS, .pid = &pid, .fds = fds));
    CHECK(task != NULL);
    CHECK_INT(awl_task_add_done_callback(task, break_base, base), 0);
    while (!awl_task_done(task) && pid != 0)
        event_base_loop(base, EVLOOP_ONCE);
    if (getpid() != here) {
        CHECK_INT(ran_in_child, 0);
        CHECK_PTR(awl_running_loop(), NULL);
        awl_task_release(task);
        awl_loop_close(loop);
        event_base_free(base);
        opens_another(NULL);
        _exit(0);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(awl_task_value(task).i, 1);
    awl_task_release(task);
    awl_loop_close(loop);
    event_base_free(base);
    close(fds[0]);
    close(fds[1]);
}

/* ---- Threads of the loop's own --------------------------------------------------------------------------------------- */

static int no_job(void *arg, awl_result *result)
{
    (void)arg, (void)result;
    return 0;
}

co_def(uses_threads, {})
{
    co_begin;
    co_await(awl_run_in_executor(NULL, no_job, NULL));
    co_end;
}

TEST(a_child_that_closes_a_loop_with_threads_does_not_wait_for_them)
{
    awl_loop *loop = open_real();

    CHECK_INT(awl_run_until_complete(loop, co_call(uses_threads), NULL), 0);
    CHECK_CHILD(closes, loop);
    CHECK_INT(awl_run_until_complete(loop, co_call(uses_threads), NULL), 0);
    awl_loop_close(loop);
}
