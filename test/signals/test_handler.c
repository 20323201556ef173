/* test_handler.c: handlers on the loop, and what the process has of them. */
#define _GNU_SOURCE
#include <event2/event.h>
#include <fcntl.h>

#include "rig.h"

static void count(void *n) { ++*(int *)n; }

TASK_TEST(a_handler_is_called_in_the_loop, { int n; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    CHECK_STR(action_of(SIGUSR1), "handled");
    raise(SIGUSR1);
    CHECK_INT(self->n, 0); /* not yet */
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1);
    CHECK(awl_remove_signal_handler(NULL, SIGUSR1));
    CHECK_STR(action_of(SIGUSR1), "default");
    CHECK(!awl_remove_signal_handler(NULL, SIGUSR1));
    co_end;
}

TASK_TEST(it_is_called_once_for_each_time, { int n, i; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    for (self->i = 0; self->i < 1000; self->i++)
        raise(SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1000);
    co_end;
}

TASK_TEST(another_one_replaces_it, { int n, m; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->m), 0);
    raise(SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 0);
    CHECK_INT(self->m, 1);
    co_end;
}

static void remove_both(void *n)
{
    count(n);
    CHECK(awl_remove_signal_handler(NULL, SIGUSR1));
    CHECK(awl_remove_signal_handler(NULL, SIGUSR2));
}

TASK_TEST(one_that_is_removed_is_not_called, { int n; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, remove_both, &self->n), 0);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR2, remove_both, &self->n), 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR2);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1);
    co_end;
}

TASK_TEST(signals_that_cannot_be_asked_for_are_EINVAL, { int n; })
{
    static const int wrong[] = { 0, -1, NSIG, 1000, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

    co_begin;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int error = awl_add_signal_handler(NULL, wrong[i], count, &self->n);

        CHECK(error == EINVAL || error == ENOMEM);
        CHECK(!awl_remove_signal_handler(NULL, wrong[i]));
    }
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, NULL, &self->n), EINVAL);
    co_end;
}

TEST(without_a_loop_there_is_no_handler)
{
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, NULL), EINVAL);
    CHECK(!awl_remove_signal_handler(NULL, SIGUSR1));
}

/* Time is virtual: the loop waits in the kernel all the same, as a signal may come. */
static void *raise_later(void *thread)
{
    usleep(20000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void set_event(void *event) { awl_event_set(event); }

TASK_TEST(a_loop_with_a_handler_does_not_give_up, { awl_event event; pthread_t me, other; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, set_event, &self->event), 0);
    self->me = pthread_self();
    CHECK_INT(pthread_create(&self->other, NULL, raise_later, &self->me), 0);
    co_await(awl_event_wait(&self->event));
    pthread_join(self->other, NULL);
    co_end;
}

/* ---- What was there before --------------------------------------------------------------------------------------- */

static void leave_loop_with_handlers(int *n)
{
    awl_loop *loop = open_virtual();

    if (awl_add_signal_handler(loop, SIGUSR1, count, n) == 0 && awl_add_signal_handler(loop, SIGUSR2, count, n) == 0)
        CHECK_STR(action_of(SIGUSR1), "handled");
    awl_loop_close(loop);
}

TEST(what_was_there_before_comes_back)
{
    int n = 0;

    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, count_foreign);
    leave_loop_with_handlers(&n);
    CHECK_STR(action_of(SIGUSR1), "ignored");
    raise(SIGUSR2);
    CHECK_INT(foreign, 1);
    CHECK_INT(n, 0);
}

TASK_TEST(what_others_put_there_since_stays, { int n; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    signal(SIGUSR1, count_foreign);
    CHECK(awl_remove_signal_handler(NULL, SIGUSR1));
    raise(SIGUSR1);
    CHECK_INT(foreign, 1);
    co_end;
}

TASK_TEST(sigchld_also_reaches_who_was_there_before, { int n; })
{
    co_begin;
    signal(SIGCHLD, count_foreign);
    CHECK_INT(awl_add_signal_handler(NULL, SIGCHLD, count, &self->n), 0);
    raise(SIGCHLD);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1);
    CHECK_INT(foreign, 1);
    co_end;
}

/* A library that puts its handler over ours, and calls that. */
static struct sigaction below;

static void count_and_call(int number, siginfo_t *info, void *context)
{
    foreign++;
    if (below.sa_flags & SA_SIGINFO)
        below.sa_sigaction(number, info, context);
}

static void cover(int number)
{
    const struct sigaction over = { .sa_sigaction = count_and_call, .sa_flags = SA_SIGINFO };

    CHECK_INT(sigaction(number, &over, &below), 0);
}

static void count_hundred(int number)
{
    (void)number;
    foreign += 100;
}

TASK_TEST(a_handler_over_ours_may_call_it_for_ever, { int n; })
{
    co_begin;
    signal(SIGUSR1, count_hundred);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    cover(SIGUSR1);
    raise(SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1);
    CHECK_INT(foreign, 1);
    CHECK(awl_remove_signal_handler(NULL, SIGUSR1));
    raise(SIGUSR1); /* once, and what was there first is called as it would be without us */
    CHECK_INT(foreign, 102);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    raise(SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 2);
    CHECK_INT(foreign, 102);
    CHECK(awl_remove_signal_handler(NULL, SIGUSR1));
    raise(SIGUSR1);
    CHECK_INT(foreign, 203);
    co_end;
}

TASK_TEST(handlers_of_sigchld_do_not_call_in_circles, { int n; })
{
    co_begin;
    signal(SIGCHLD, count_hundred);
    CHECK_INT(awl_add_signal_handler(NULL, SIGCHLD, count, &self->n), 0);
    cover(SIGCHLD);
    CHECK(awl_remove_signal_handler(NULL, SIGCHLD));
    CHECK_INT(awl_add_signal_handler(NULL, SIGCHLD, count, &self->n), 0);
    raise(SIGCHLD);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(foreign, 101);
    CHECK_INT(self->n, 1);
    co_end;
}

/* SA_RESTART: a read that a signal interrupts goes on. */
static void *write_later(void *arg)
{
    int *fds = arg;

    usleep(10000);
    kill(getpid(), SIGUSR1);
    usleep(10000);
    return write(fds[1], "x", 1) == 1 ? arg : NULL;
}

TASK_TEST(system_calls_go_on, { int n, fds[2]; pthread_t other; sigset_t set; char c; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    CHECK_INT(pipe2(self->fds, O_CLOEXEC), 0);
    sigemptyset(&self->set);
    sigaddset(&self->set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &self->set, NULL); /* the other thread starts so */
    CHECK_INT(pthread_create(&self->other, NULL, write_later, self->fds), 0);
    pthread_sigmask(SIG_UNBLOCK, &self->set, NULL);
    CHECK_INT(read(self->fds[0], &self->c, 1), 1);
    pthread_join(self->other, NULL);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1);
    close(self->fds[0]);
    close(self->fds[1]);
    co_end;
}

TEST(a_loop_on_another_base_is_told)
{
    struct event_base *base = event_base_new();
    awl_loop *loop = base ? awl_loop_attach(base, NULL) : NULL;
    int n = 0, error = loop ? awl_add_signal_handler(loop, SIGUSR1, count, &n) : ENOMEM;

    raise(error ? SIGCHLD : SIGUSR1);
    for (int i = 0; i < 10 && !n && loop; i++)
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    awl_loop_close(loop);
    if (base)
        event_base_free(base);
    CHECK_INT(error, 0);
    CHECK_INT(n, 1);
}

/* ---- Several loops ----------------------------------------------------------------------------------------------- */

static void run_once(awl_loop *loop)
{
    awl_loop_stop(loop);
    CHECK_INT(awl_loop_run_forever(loop), 0);
}

TEST(each_loop_has_its_own)
{
    awl_loop *a = open_virtual(), *b = awl_loop_open(&virtual_options);
    int n = 0, m = 0;

    if (!b || awl_add_signal_handler(a, SIGUSR1, count, &n) || awl_add_signal_handler(b, SIGUSR1, count, &m)) {
        awl_loop_close(a);
        awl_loop_close(b);
        CHECK(!"memory");
    }
    raise(SIGUSR1);
    run_once(a);
    CHECK_INT(n, 1);
    CHECK_INT(m, 0);
    run_once(b);
    CHECK_INT(m, 1);
    awl_loop_close(b);
    CHECK_STR(action_of(SIGUSR1), "handled");
    raise(SIGUSR1);
    run_once(a);
    CHECK_INT(n, 2);
    awl_loop_close(a);
    CHECK_STR(action_of(SIGUSR1), "default");
}

/* Loops come and go in two threads while a third one sends signals to the process. */
static void *come_and_go(void *arg)
{
    const int rounds = *(int *)arg;

    for (int i = 0; i < rounds; i++) {
        awl_loop *loop = awl_loop_open(NULL);
        int n = 0;

        if (loop && awl_add_signal_handler(loop, SIGUSR1, count, &n) == 0) {
            for (int j = 0; j < 10 && !n; j++) {
                awl_loop_stop(loop);
                awl_loop_run_forever(loop);
            }
        }
        awl_loop_close(loop);
    }
    return NULL;
}

TEST(signals_of_other_threads_find_no_loop_that_is_gone)
{
    pthread_t threads[2];
    int rounds = 300, n_threads = 0;

    harness_fail_alloc(0);
    signal(SIGUSR1, count_foreign);
    while (n_threads < 2 && pthread_create(&threads[n_threads], NULL, come_and_go, &rounds) == 0)
        n_threads++;
    for (int i = 0; i < 2000; i++) {
        kill(getpid(), SIGUSR1);
        if (i % 50 == 0)
            usleep(100);
    }
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(n_threads, 2);
    raise(SIGUSR1);
    CHECK(foreign > 0);
}

/* ---- Forked children --------------------------------------------------------------------------------------------- */

TASK_TEST(a_forked_child_has_what_was_there_before, { int n; pid_t pid; })
{
    co_begin;
    signal(SIGUSR2, SIG_IGN);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR2, count, &self->n), 0);
    self->pid = fork();
    if (self->pid == 0) {
        raise(SIGUSR2);
        raise(SIGUSR1);
        _exit(1);
    }
    CHECK_INT(end_of(self->pid), -SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 0); /* what came to the child is not ours */
    raise(SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 1);
    co_end;
}

/* vfork runs no handlers of pthread_atfork, and the child has its parent's memory. */
TASK_TEST(so_has_a_vforked_one, { int n; pid_t pid; })
{
    co_begin;
    CHECK_INT(awl_add_signal_handler(NULL, SIGUSR1, count, &self->n), 0);
    self->pid = vfork();
    if (self->pid == 0) {
        kill(getpid(), SIGUSR1); /* not raise: musl has it that this is the parent's thread */
        _exit(1);
    }
    CHECK_INT(end_of(self->pid), -SIGUSR1);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(self->n, 0);
    co_end;
}

static int in_child(void)
{
    awl_loop *loop = awl_loop_open(&virtual_options);
    int n = 0, error = loop ? awl_add_signal_handler(loop, SIGUSR1, count, &n) : ENOMEM;

    if (error)
        _exit(3);
    raise(SIGUSR1);
    run_once(loop);
    awl_loop_close(loop);
    return n;
}

TEST(a_forked_child_has_loops_of_its_own)
{
    awl_loop *loop = open_virtual();
    int n = 0;
    pid_t pid;

    if (awl_add_signal_handler(loop, SIGUSR1, count, &n)) {
        awl_loop_close(loop);
        CHECK(!"memory");
    }
    pid = fork();
    if (pid == 0)
        _exit(in_child() == 1 && strcmp(action_of(SIGUSR1), "default") == 0 ? 7 : 1);
    CHECK(n == 0);
    n = end_of(pid);
    awl_loop_close(loop);
    CHECK_INT(n, 7);
}
