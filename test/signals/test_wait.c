/* test_wait.c: coroutines that wait for signals. */
#define _GNU_SOURCE
#include "rig.h"

static void send_it(void *number) { raise((int)(intptr_t)number); }
#define SEND_LATER(t, number) CHECK_INT(awl_call_later(NULL, NULL, (t), send_it, (void *)(intptr_t)(number)), 0)

#define CHECK_FAILS(error, ...)                                                                                        \
    do {                                                                                                               \
        co_try_cancel(self->rc, __VA_ARGS__);                                                                          \
        CHECK_INT(self->rc, (error));                                                                                  \
    } while (0)

TASK_TEST(a_wait_ends_with_the_signal, { int number; })
{
    co_begin;
    SEND_LATER(AWL_SECOND, SIGUSR1);
    co_let(self->number, awl_signal_wait(SIGUSR1));
    CHECK_INT(self->number, SIGUSR1);
    CHECK_INT(now_ms(), 1000);
    CHECK_STR(action_of(SIGUSR1), "default");
    co_end;
}

TASK_TEST(a_wait_can_be_cancelled, { int rc; })
{
    co_begin;
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_signal_wait(SIGUSR1), AWL_SECOND));
    CHECK_STR(action_of(SIGUSR1), "default");
    co_end;
}

TASK_TEST(waits_for_what_cannot_be_asked_for_are_EINVAL, { int rc; awl_signals *signals; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_signal_wait(SIGKILL));
    CHECK_FAILS(EINVAL, awl_signal_wait(0));
    CHECK_FAILS(EINVAL, awl_signals_next(NULL));
    self->signals = awl_signals_open(SIGUSR1, SIGSEGV);
    CHECK(!self->signals && errno == EINVAL);
    CHECK_STR(action_of(SIGUSR1), "default");
    CHECK(!awl_signals_open_n(NULL, 1) && errno == EINVAL);
    CHECK(!awl_signals_open_n(&self->rc, 0) && errno == EINVAL);
    awl_signals_close(NULL);
    co_end;
}

TEST(nothing_is_opened_without_a_loop) { CHECK(!awl_signals_open(SIGUSR1) && errno == EINVAL); }

TASK_TEST(none_is_lost_between_two_waits, { awl_signals *signals; int i, number; })
{
    co_begin;
    self->signals = awl_signals_open(SIGUSR1, SIGUSR2);
    CHECK(self->signals != NULL);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR2);
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->number, awl_signals_next(self->signals));
        say("%s", self->number == SIGUSR1 ? "1" : self->number == SIGUSR2 ? "2" : "?");
        co_await(awl_sleep(AWL_SECOND)); /* so all have come */
    }
    CHECK(strcmp(trace, "1 2 2") == 0 || strcmp(trace, "2 1 2") == 0 || strcmp(trace, "2 2 1") == 0);
    awl_signals_close(self->signals);
    co_end;
}

TASK_TEST(a_cancelled_wait_loses_none, { awl_signals *signals; int rc, number; })
{
    co_begin;
    self->signals = awl_signals_open(SIGUSR1);
    CHECK(self->signals != NULL);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_signals_next(self->signals), AWL_SECOND));
    raise(SIGUSR1);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_signals_next(self->signals), 0));
    co_let(self->number, awl_signals_next(self->signals));
    CHECK_INT(self->number, SIGUSR1);
    awl_signals_close(self->signals);
    co_end;
}

co_def(gets_one, { awl_signals *signals; const char *name; int rc; })
{
    co_begin;
    co_try_cancel(self->rc, awl_signals_next(self->signals));
    say("%s:%d", self->name, self->rc == ECONNABORTED ? -1 : usual(self->rc));
    co_end;
}

TASK_TEST(each_is_for_one_of_those_that_wait, { awl_signals *signals; })
{
    co_begin;
    self->signals = awl_signals_open(SIGUSR1);
    CHECK(self->signals != NULL);
    CHECK_INT(awl_spawn(co_call(gets_one, .signals = self->signals, .name = "a")), 0);
    CHECK_INT(awl_spawn(co_call(gets_one, .signals = self->signals, .name = "b")), 0);
    CHECK_INT(awl_spawn(co_call(gets_one, .signals = self->signals, .name = "c")), 0);
    SEND_LATER(AWL_MS, SIGUSR1);
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_TRACE("a:0");
    SEND_LATER(AWL_MS, SIGUSR1);
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_TRACE("b:0");
    awl_signals_close(self->signals);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("c:-1");
    co_end;
}

TASK_TEST(two_that_ask_are_both_told, { awl_signals *a, *b; int number; })
{
    co_begin;
    self->a = awl_signals_open(SIGUSR1);
    self->b = awl_signals_open(SIGUSR1);
    CHECK(self->a && self->b);
    raise(SIGUSR1);
    co_let(self->number, awl_signals_next(self->a));
    co_let(self->number, awl_signals_next(self->b));
    awl_signals_close(self->a);
    CHECK_STR(action_of(SIGUSR1), "handled");
    awl_signals_close(self->b);
    CHECK_STR(action_of(SIGUSR1), "default");
    co_end;
}

/* ThreadSanitizer delivers signals itself, and makes one of several. */
void __tsan_init(void) __attribute__((weak));

/* Real-time signals are queued by the kernel: none is lost even while it is blocked. */
TASK_TEST(real_time_signals_are_counted, { awl_signals *signals; int i, number; sigset_t set; })
{
    co_begin;
    if (__tsan_init)
        SKIP("ThreadSanitizer makes one of several");
    self->signals = awl_signals_open(SIGRTMIN + 1);
    CHECK(self->signals != NULL);
    sigemptyset(&self->set);
    sigaddset(&self->set, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &self->set, NULL);
    for (self->i = 0; self->i < 5; self->i++)
        raise(SIGRTMIN + 1);
    pthread_sigmask(SIG_UNBLOCK, &self->set, NULL);
    for (self->i = 0; self->i < 5; self->i++)
        co_let(self->number, awl_signals_next(self->signals));
    awl_signals_close(self->signals);
    co_end;
}

co_def(leaves_open, { awl_signals *signals; })
{
    co_begin;
    self->signals = awl_signals_open(SIGUSR1);
    if (!self->signals)
        co_raise(errno);
    co_end;
}

/* A task that has not taken its first step when the collection is closed, or never takes it. */
TASK_TEST(who_has_not_begun_to_wait_is_told, { awl_signals *signals; awl_task *t[2]; int i, rc; })
{
    co_begin;
    self->signals = awl_signals_open(SIGUSR1);
    if (!self->signals)
        co_raise(errno);
    for (self->i = 0; self->i < 2; self->i++)
        self->t[self->i] = awl_create_task(awl_signals_next(self->signals));
    awl_task_cancel(self->t[1]);
    awl_coro_close(awl_signals_next(self->signals));
    awl_signals_close(self->signals);
    for (self->i = 0; self->i < 2; self->i++) {
        self->rc = ENOMEM;
        if (self->t[self->i])
            co_try_cancel(self->rc, self->t[self->i]);
        awl_task_release(self->t[self->i]);
        CHECK(self->rc == (self->i ? ECANCELED : ECONNABORTED) || self->rc == ENOMEM);
    }
    co_end;
}

TEST(the_end_of_the_loop_closes_what_is_open)
{
    CHECK_INT(awl_run_with(co_call(leaves_open), &virtual_options, NULL), 0);
    CHECK_STR(action_of(SIGUSR1), "default");
}
