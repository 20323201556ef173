/* test_deadlock.c: a run ends when nothing can happen any more, and only then. */
#define _GNU_SOURCE
#include "rig.h"

#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/loop_priv.h"

/* A sanitizer or an emulator may have a thread of its own, and then nothing can be proven. */
static bool is_alone(void)
{
    struct stat status;

    return stat("/proc/self/task", &status) == 0 && status.st_nlink == 3;
}

#define ALONE                                                                                                            \
    do {                                                                                                                 \
        if (!is_alone())                                                                                                 \
            SKIP("there is another thread");                                                                             \
    } while (0)

static const awl_loop_options real_options = { .report = note_report };

static awl_loop *open_real(void)
{
    awl_loop *loop = awl_loop_open(&real_options);

    CHECK(loop != NULL);
    return loop;
}

co_def(waits_for_nothing, { awl_future never; })
{
    co_begin;
    awl_future_init(&self->never, NULL);
    co_await(&self->never);
    co_end;
}

co_def(waits_for_each_other, { awl_lock a, b; awl_task *t[2]; })
{
    co_begin;
    co_await(awl_lock_acquire(&self->a));
    co_await(awl_lock_acquire(&self->a));
    co_end;
}

/* ---- It is one ------------------------------------------------------------------------------------------------------- */

TEST(what_nobody_will_end_ends_the_run)
{
    ALONE;
    CHECK_INT(awl_run_with(co_call(waits_for_nothing), &real_options, NULL), EDEADLK);
    CHECK_REPORTS("-:35; waits_for_nothing:35");
}

TEST(a_lock_taken_twice)
{
    ALONE;
    CHECK_INT(awl_run_with(co_call(waits_for_each_other), &real_options, NULL), EDEADLK);
    CHECK(strstr(last_report.what, "main task") != NULL);
    CHECK(strstr(awl_strerror(EDEADLK), "awl_dump") != NULL);
    reports[0] = '\0';
}

TEST(a_loop_without_tasks_ends_silently)
{
    awl_loop *loop = open_real();

    ALONE;
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    CHECK_REPORTS("");
    awl_loop_close(loop);
}

co_def(cleans_up, { awl_future never; bool *cleaned; })
{
    co_begin;
    awl_future_init(&self->never, NULL);
    co_await(&self->never);
    co_finally;
    co_await(awl_sleep(AWL_MS));
    *self->cleaned = true;
    co_end;
}

TEST(every_co_finally_runs)
{
    bool cleaned = false;

    ALONE;
    CHECK_INT(awl_run_with(co_call(cleans_up, .cleaned = &cleaned), &real_options, NULL), EDEADLK);
    CHECK(cleaned);
    reports[0] = '\0';
}

/* What a run writes to stderr, into `text`. */
static void written(awl_coro coroutine, char *text, size_t cap)
{
    int fds[2], before = dup(2);
    ssize_t n;

    CHECK_INT(pipe(fds), 0);
    CHECK_INT(dup2(fds[1], 2), 2);
    close(fds[1]);
    CHECK_INT(awl_run(coroutine), EDEADLK);
    CHECK_INT(dup2(before, 2), 2);
    close(before);
    n = read(fds[0], text, cap - 1);
    close(fds[0]);
    text[n > 0 ? n : 0] = '\0';
}

TEST(the_tree_is_on_stderr)
{
    char text[4096];

    ALONE;
    unsetenv("AWL_DEBUG");
    written(co_call(waits_for_nothing), text, sizeof text);
    CHECK(strncmp(text, "awl: nothing is left that could happen", 38) == 0);
    CHECK(strstr(text, "\n'waits_for_nothing': waiting for a future\n    in waits_for_nothing (" __FILE__ ":"));
    CHECK(strstr(text, "\nawl: " __FILE__));
}

/* Threads of the loop's own that have nothing to do wake nobody. */
static int no_job(void *arg, awl_result *result)
{
    (void)arg, (void)result;
    return 0;
}

co_def(after_a_job, {})
{
    co_begin;
    co_await(awl_run_in_executor(NULL, no_job, NULL));
    co_await(awl_gather(co_call(waits_for_nothing)));
    co_end;
}

TEST(after_a_job_of_the_executor)
{
    ALONE;
    CHECK_INT(awl_run_with(co_call(after_a_job), &real_options, NULL), EDEADLK);
    reports[0] = '\0';
}

/* ---- It is none ------------------------------------------------------------------------------------------------------ */

/* Asks in a callback, when nothing is ready, whether the loop would wait. */
static bool would_wait(awl_loop *loop) { return awl__loop_has_hope(loop); }

TEST(a_loop_by_itself_has_no_hope)
{
    awl_loop *loop = open_real();

    ALONE;
    CHECK(!would_wait(loop));
    awl_loop_close(loop);
}

static void nothing(void *arg) { (void)arg; }
static void nothing_of(int number) { (void)number; }
static void nothing_came(evutil_socket_t fd, short what, void *arg) { (void)fd, (void)what, (void)arg; }

TEST(a_descriptor_may_become_ready)
{
    awl_loop *loop = open_real();
    int fds[2];

    CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
    CHECK_INT(awl_add_reader(loop, fds[0], nothing, NULL), 0);
    CHECK(would_wait(loop));
    awl_remove_reader(loop, fds[0]);
    ALONE;
    CHECK(!would_wait(loop));
    close(fds[0]);
    close(fds[1]);
    awl_loop_close(loop);
}

TEST(an_event_of_the_base_may_come)
{
    awl_loop *loop = open_real();
    struct event *event = event_new(awl_loop_base(loop), -1, 0, nothing_came, NULL);

    CHECK(event != NULL);
    CHECK_INT(event_add(event, &(struct timeval){ 3600, 0 }), 0);
    CHECK(would_wait(loop));
    event_free(event);
    ALONE;
    CHECK(!would_wait(loop));
    awl_loop_close(loop);
}

static void give_up(evutil_socket_t fd, short what, void *future)
{
    (void)fd, (void)what;
    awl_future_set_error(future, EIO);
}

/* Made active, it is not among those that wait; nor is one that comes once and at once. */
co_def(waits_for_active, { awl_future future; struct event *event; bool once; int rc; })
{
    co_begin;
    awl_future_init(&self->future, NULL);
    if (self->once) {
        CHECK_INT(event_base_once(awl_loop_base(NULL), -1, EV_TIMEOUT, give_up, &self->future, NULL), 0);
    } else {
        self->event = event_new(awl_loop_base(NULL), -1, 0, give_up, &self->future);
        CHECK(self->event != NULL);
        event_active(self->event, EV_TIMEOUT, 1);
    }
    co_try(self->rc, &self->future);
    CHECK_INT(self->rc, EIO);
    co_finally;
    if (self->event)
        event_free(self->event);
    co_end;
}

TEST(an_event_that_was_made_active_comes)
{
    CHECK_INT(awl_run_with(co_call(waits_for_active), &real_options, NULL), 0);
    CHECK_INT(awl_run_with(co_call(waits_for_active, .once = true), &real_options, NULL), 0);
    CHECK_REPORTS("");
}

TEST(a_handler_of_a_signal_may_run)
{
    struct sigaction action = { .sa_handler = nothing_of }, before;
    awl_loop *loop = open_real();

    CHECK_INT(sigaction(SIGUSR2, &action, &before), 0);
    CHECK(would_wait(loop));
    CHECK_INT(sigaction(SIGUSR2, &before, NULL), 0);
    ALONE;
    CHECK(!would_wait(loop));
    awl_loop_close(loop);
}

TEST(so_may_one_of_awls)
{
    awl_loop *loop = open_real();

    CHECK_INT(awl_add_signal_handler(loop, SIGUSR2, nothing, NULL), 0);
    CHECK(would_wait(loop));
    CHECK(awl_remove_signal_handler(loop, SIGUSR2));
    ALONE;
    CHECK(!would_wait(loop));
    awl_loop_close(loop);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_mutex(void *arg)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return arg;
}

TEST(another_thread_may_call)
{
    awl_loop *loop = open_real();
    pthread_t thread;

    pthread_mutex_lock(&held);
    CHECK_INT(pthread_create(&thread, NULL, wait_for_mutex, NULL), 0);
    CHECK(would_wait(loop));
    pthread_mutex_unlock(&held);
    CHECK_INT(pthread_join(thread, NULL), 0);
    awl_loop_close(loop);
}

static void stop(void *loop) { awl_loop_stop(loop); }

static void *call_late(void *loop)
{
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, stop, loop), 0);
    return NULL;
}

TEST(and_is_waited_for)
{
    awl_loop *loop = open_real();
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, call_late, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(would_wait(loop)); /* who has called once may do so again */
    awl_loop_close(loop);
}

static int wait_for_mutex_as_job(void *arg, awl_result *result)
{
    (void)result;
    wait_for_mutex(arg);
    return 0;
}

static void look(void *arg)
{
    CHECK(would_wait(awl_running_loop()));
    pthread_mutex_unlock(arg);
}

co_def(has_a_job, {})
{
    co_begin;
    pthread_mutex_lock(&held);
    CHECK_INT(awl_call_later(NULL, NULL, AWL_MS, look, &held), 0);
    co_await(awl_run_in_executor(NULL, wait_for_mutex_as_job, NULL));
    co_end;
}

TEST(a_job_will_end)
{
    CHECK_INT(awl_run_with(co_call(has_a_job), &real_options, NULL), 0);
    CHECK_REPORTS("");
}

co_def(asks_for_a_name, { awl_task *t; awl_address found[4]; int rc; })
{
    co_begin;
    self->t = awl_create_task(awl_getaddrinfo("localhost", 80, AF_UNSPEC, self->found, 4));
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    CHECK(would_wait(awl_running_loop()) || awl_task_done(self->t));
    co_try(self->rc, self->t);
    awl_task_release(self->t);
    co_end;
}

TEST(a_name_will_be_found)
{
    CHECK_INT(awl_run_with(co_call(asks_for_a_name), &real_options, NULL), 0);
    CHECK_REPORTS("");
}

TEST(who_sleeps_for_ever_wants_that)
{
    awl_loop *loop = open_real();
    awl_handle handle = { 0 };

    CHECK_INT(awl_call_later(loop, &handle, AWL_FOREVER, nothing, NULL), 0);
    CHECK(would_wait(loop));
    awl_handle_cancel(&handle);
    ALONE;
    CHECK(!would_wait(loop));
    awl_loop_close(loop);
}

TEST(the_option_switches_it_off)
{
    awl_loop *loop = awl_loop_open(&(awl_loop_options){ .allow_deadlock = true });

    CHECK(loop != NULL);
    CHECK(would_wait(loop));
    awl_loop_close(loop);
}

TEST(a_base_of_somebody_elses_has_its_own_events)
{
    struct event_base *base = event_base_new();
    awl_loop *loop = base ? awl_loop_attach(base, NULL) : NULL;

    CHECK(loop != NULL);
    CHECK(would_wait(loop));
    awl_loop_close(loop);
    event_base_free(base);
}
