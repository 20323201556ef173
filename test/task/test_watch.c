/* test_watch.c: steps and callbacks that hold the loop too long, and SIGUSR1, for which it is dumped. */
#define _GNU_SOURCE
#include "rig.h"

#include <signal.h>
#include <unistd.h>

RIG_COROUTINES;

/* ---- A clock that stands still until somebody takes time ----------------------------------------------------------- */

static awl_time clock_now;
static char said[512];

static awl_time read_clock(void *arg)
{
    (void)arg;
    return clock_now;
}

static int wait_clock(void *arg, awl_time timeout)
{
    (void)arg;
    if (timeout == AWL_FOREVER)
        return EDEADLK;
    clock_now += timeout;
    return 0;
}

static void note(void *arg, const awl_report *report)
{
    note_report(arg, report);
    snprintf(said, sizeof said, "%s:%d: %s", report->file ? report->file : "-", report->line, report->what);
}

static awl_loop *open_watched(awl_time slow, bool debug)
{
    awl_loop *loop = awl_loop_open(&(awl_loop_options){
        .now = read_clock, .wait = wait_clock, .slow_step = slow, .debug = debug, .report = note });

    CHECK(loop != NULL);
    return loop;
}

static void take_time(void *arg) { clock_now += *(awl_time *)arg; }

/* ---- Steps --------------------------------------------------------------------------------------------------------- */

#line 100 "slow.c"
co_def(inner, { awl_time t; })
{
    co_begin;
    take_time(&self->t);
    co_await(awl_sleep(AWL_MS));
    co_end;
}
#line 200 "slow.c"
co_def(outer, { awl_time first, inner, last; })
{
    co_begin;
    take_time(&self->first);
    co_await(awl_sleep(AWL_MS));
    co_await(co_call(inner, .t = self->inner));
    take_time(&self->last);
    co_end;
}
#line 65 "test_watch.c"

/* Runs that with steps of those lengths; what is reported must be `what`. */
static void steps(awl_loop *loop, awl_time first, awl_time in, awl_time last, const char *what)
{
    said[0] = reports[0] = '\0';
    CHECK_INT(awl_run_until_complete(loop, co_call(outer, .first = first, .inner = in, .last = last), NULL), 0);
    awl_loop_close(loop);
    CHECK_STR(said, what);
    CHECK_STR(reports, *what ? "outer:0" : "");
}

TEST(the_first_step)
{
    steps(open_watched(20 * AWL_MS, false), 21 * AWL_MS, 0, 0,
          "slow.c:200: a step that went on here, in outer, held the loop for 21 ms, up to slow.c:204");
}
TEST(a_step_in_the_middle)
{
    steps(open_watched(20 * AWL_MS, false), 0, 300 * AWL_MS, 0,
          "slow.c:204: a step that went on here, in outer, held the loop for 300 ms, up to slow.c:104");
}
TEST(the_last_step)
{
    steps(open_watched(20 * AWL_MS, false), 0, 0, AWL_SECOND,
          "slow.c:104: a step that went on here, in inner, held the loop for 1000 ms, up to the task's end");
}
TEST(what_is_fast_enough_is_not_reported)
{
    steps(open_watched(20 * AWL_MS, false), 20 * AWL_MS, 20 * AWL_MS, 20 * AWL_MS, "");
}
TEST(nor_is_anything_unasked) { steps(open_watched(0, false), AWL_SECOND, AWL_SECOND, AWL_SECOND, ""); }
TEST(nor_where_it_is_switched_off) { steps(open_watched(AWL_FOREVER, true), AWL_SECOND, 0, 0, ""); }
TEST(with_debug_a_tenth_of_a_second_is_too_long)
{
    steps(open_watched(0, true), 100 * AWL_MS, 101 * AWL_MS, 100 * AWL_MS,
          "slow.c:204: a step that went on here, in outer, held the loop for 101 ms, up to slow.c:104");
}
TEST(so_the_environment_says)
{
    setenv("AWL_DEBUG", "1", 1);
    steps(open_watched(0, false), 0, 101 * AWL_MS, 0,
          "slow.c:204: a step that went on here, in outer, held the loop for 101 ms, up to slow.c:104");
}
TEST(in_virtual_time_a_step_takes_none)
{
    steps(awl_loop_open(&(awl_loop_options){ .virtual_time = true, .slow_step = 1, .report = note }), AWL_SECOND, 0, 0, "");
}

/* By the real clock: it spins for as long as that says. */
co_def(spins, { awl_time until; })
{
    co_begin;
    co_await(awl_sleep(0));
    self->until = awl_loop_time(NULL) + 2 * AWL_MS;
    while (awl_loop_time(NULL) < self->until)
        ;
    co_end;
}

TEST(by_the_real_clock)
{
    const awl_loop_options options = { .slow_step = AWL_MS, .report = note };

    CHECK_INT(awl_run_with(co_call(spins), &options, NULL), 0);
    CHECK(strstr(reports, "spins:0") != NULL);
}

/* ---- Callbacks ----------------------------------------------------------------------------------------------------- */

static void take_time_when_done(awl_future *future, void *arg)
{
    (void)future;
    take_time(arg);
}

/* What is scheduled takes time, and must be reported as such. */
static void callback(awl_loop *loop, const char *name)
{
    said[0] = '\0';
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    awl_loop_close(loop);
    CHECK(strncmp(said, "-:0: ", 5) == 0 && strncmp(said + 5, name, strlen(name)) == 0);
    CHECK(strstr(said, " held the loop for 30 ms") != NULL);
}

static awl_time thirty = 30 * AWL_MS;

TEST(a_callback_is_reported)
{
    awl_loop *loop = open_watched(20 * AWL_MS, false);

    CHECK_INT(awl_call_later(loop, NULL, AWL_MS, take_time, &thirty), 0);
    callback(loop, "a callback (the function at 0x");
}
static void spin_and_stop(void *loop)
{
    const awl_time until = awl_loop_time(loop) + 2 * AWL_MS;

    while (awl_loop_time(loop) < until)
        ;
    awl_loop_stop(loop);
}

TEST(a_call_of_another_thread_is_reported)
{
    awl_loop *loop = awl_loop_open(&(awl_loop_options){ .slow_step = AWL_MS, .report = note });

    CHECK(loop != NULL);
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, spin_and_stop, loop), 0);
    said[0] = '\0';
    CHECK_INT(awl_loop_run_forever(loop), 0);
    awl_loop_close(loop);
    CHECK(strncmp(said, "-:0: a call of another thread (the function at 0x", 48) == 0);
}
TEST(a_done_callback_is_reported)
{
    awl_loop *loop = open_watched(20 * AWL_MS, false);
    awl_future future;

    awl_future_init(&future, loop);
    CHECK_INT(awl_future_add_done_callback(&future, take_time_when_done, &thirty), 0);
    awl_future_set_result(&future, 1);
    callback(loop, "a done-callback held");
}

/* ---- SIGUSR1 ------------------------------------------------------------------------------------------------------- */

static int stderr_before, from_stderr;

static void catch_stderr(void)
{
    int fds[2];

    stderr_before = dup(2);
    CHECK_INT(pipe(fds), 0);
    CHECK_INT(dup2(fds[1], 2), 2);
    close(fds[1]);
    from_stderr = fds[0];
}

static const char *caught_stderr(void)
{
    static char text[8192];
    ssize_t n;

    CHECK_INT(dup2(stderr_before, 2), 2); /* the last writer of the pipe */
    close(stderr_before);
    n = read(from_stderr, text, sizeof text - 1);
    close(from_stderr);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

#line 300 "slow.c"
co_def(is_dumped, { int n; })
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    for (int i = 0; i < self->n; i++)
        CHECK_INT(raise(SIGUSR1), 0);
    co_await(awl_sleep(AWL_MS));
    co_end;
}
#line 240 "test_watch.c"

static void dumped(const awl_loop_options *options, int n)
{
    catch_stderr();
    CHECK_INT(awl_run_with(co_call(is_dumped, .n = n), options, NULL), 0);
}

TEST(a_signal_dumps_the_loop)
{
    const awl_loop_options options = { .dump_on_signal = true };
    const char *text;

    dumped(&options, 1);
    text = caught_stderr();
    CHECK(strstr(text, "tasks: 0 running, 0 ready, 1 waiting, ") == text);
    CHECK(strstr(text, "\n'is_dumped': waiting for a timer, 0.00"));
    CHECK(strstr(text, "\n    in is_dumped (slow.c:306)\n"));
}

TEST(so_the_environment_says_it)
{
    setenv("AWL_DUMP", "1", 1);
    dumped(NULL, 1);
    CHECK(strstr(caught_stderr(), "tasks: 0 running, 0 ready, 1 waiting, "));
}

TEST(a_step_that_holds_the_loop_is_named_the_second_time)
{
    const awl_loop_options options = { .dump_on_signal = true };
    const char *text, *named;

    dumped(&options, 2);
    text = caught_stderr();
    named = "awl: the loop has not come back since the last SIGUSR1: a step holds it that went on in 'is_dumped' at slow.c:303\n";
    CHECK(strncmp(text, named, strlen(named)) == 0);
    CHECK(strstr(text, "tasks: 0 running, "));
}

static void came(int number) { (void)number; }

TEST(a_handler_of_the_programs_stays)
{
    struct sigaction action = { .sa_handler = came }, now;
    awl_loop *loop;

    CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
    loop = awl_loop_open(&(awl_loop_options){ .dump_on_signal = true });
    CHECK(loop != NULL);
    CHECK_INT(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_handler == came);
    awl_loop_close(loop);
}

TEST(afterwards_the_signal_does_what_it_did)
{
    struct sigaction now;
    awl_loop *loop = awl_loop_open(&(awl_loop_options){ .dump_on_signal = true });

    CHECK(loop != NULL);
    CHECK_INT(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_handler != SIG_DFL);
    awl_loop_close(loop);
    CHECK_INT(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_handler == SIG_DFL);
}
