/* test_attach.c: a loop on an event base that somebody else dispatches. */
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <event2/event.h>

#include "awl.h"

static struct event_base *base;
static awl_loop *loop;

static void attach(void)
{
    base = event_base_new();
    CHECK(base != NULL);
    loop = awl_loop_attach(base, NULL);
    CHECK(loop != NULL);
}

static void end(void)
{
    awl_loop_close(loop);
    event_base_free(base);
}

static void break_base(void *arg)
{
    (void)arg;
    event_base_loopbreak(base);
}

/* How many more words are to be said before the dispatching ends; real time, so their order may be the system's. */
static int words_left;

static void say_and_end(void *word)
{
    say_it(word);
    if (--words_left == 0)
        event_base_loopbreak(base);
}

static void libevent_says(evutil_socket_t fd, short what, void *word)
{
    (void)fd, (void)what;
    say_and_end(word);
}

static void after(int us, event_callback_fn fn, void *arg)
{
    CHECK_INT(event_base_once(base, -1, EV_TIMEOUT, fn, arg, &(struct timeval){ 0, us }), 0);
}

static void dispatch(void) { CHECK(event_base_dispatch(base) >= 0); }

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

TEST(attached_it_is_the_running_loop_until_it_is_closed)
{
    attach();
    CHECK_PTR(awl_running_loop(), loop);
    CHECK_PTR(awl_loop_base(loop), base);
    CHECK(!awl_loop_is_running(loop));
    awl_loop_close(loop);
    CHECK(awl_running_loop() == NULL);
    event_base_free(base);
}

TEST(a_second_one_in_the_thread_is_EBUSY)
{
    attach();
    errno = 0;
    CHECK(awl_loop_attach(base, NULL) == NULL);
    CHECK_INT(errno, EBUSY);
    end();
}

static void check_refused(struct event_base *at, const awl_loop_options *options)
{
    errno = 0;
    CHECK(awl_loop_attach(at, options) == NULL);
    CHECK_INT(errno, EINVAL);
}

static awl_time now(void *arg) { return (void)arg, 0; }
static int wait_(void *arg, awl_time timeout) { return (void)arg, (void)timeout, 0; }

TEST(no_base_or_a_clock_of_ones_own_is_EINVAL)
{
    base = event_base_new();
    check_refused(NULL, NULL);
    check_refused(base, &(awl_loop_options){ .virtual_time = true });
    check_refused(base, &(awl_loop_options){ .now = now, .wait = wait_ });
    event_base_free(base);
}

TEST(an_attached_loop_is_not_run)
{
    attach();
    CHECK_INT(awl_loop_run_forever(loop), EBUSY);
    CHECK_INT(awl_run_until_complete(loop, awl_sleep(0), NULL), EBUSY);
    end();
}

/* ---- Callbacks and timers -------------------------------------------------------------------------------------------------- */

TEST(callbacks_run_when_the_base_is_dispatched)
{
    attach();
    awl_call_soon(NULL, NULL, say_it, "a");
    awl_call_soon(loop, NULL, say_it, "b");
    CHECK_INT(awl_call_soon(loop, NULL, break_base, NULL), 0);
    CHECK_TRACE("");
    dispatch();
    CHECK_TRACE("a b");
    end();
}

static void look(void *arg)
{
    (void)arg;
    CHECK(awl_loop_is_running(loop));
    CHECK_INT(awl_call_soon(NULL, NULL, break_base, NULL), 0);
}

TEST(it_is_running_while_its_callbacks_do)
{
    attach();
    CHECK_INT(awl_call_soon(NULL, NULL, look, NULL), 0);
    dispatch();
    CHECK(!awl_loop_is_running(loop));
    end();
}

TEST(timers_run_by_deadline_and_those_of_libevent_too)
{
    attach();
    words_left = 3;
    CHECK_INT(awl_call_later(NULL, NULL, 20 * AWL_MS, say_and_end, "c"), 0);
    CHECK_INT(awl_call_later(NULL, NULL, 1 * AWL_MS, say_and_end, "a"), 0);
    after(10000, libevent_says, "b");
    dispatch();
    CHECK(strstr(trace, "b") && strchr(trace, 'a') < strchr(trace, 'c'));
    end();
}

static void add_earlier(void *arg)
{
    (void)arg;
    awl_call_later(NULL, NULL, AWL_MS, say_it, "earlier");
}

TEST(an_earlier_timer_started_later_is_not_late)
{
    attach();
    awl_call_later(NULL, NULL, 30 * AWL_MS, say_it, "later");
    CHECK_INT(awl_call_later(NULL, NULL, 31 * AWL_MS, break_base, NULL), 0);
    awl_call_soon(NULL, NULL, add_earlier, NULL);
    dispatch();
    CHECK_TRACE("earlier later");
    end();
}

static void libevent_calls(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    awl_call_soon(loop, NULL, say_it, "from libevent");
    CHECK_INT(awl_call_later(loop, NULL, AWL_MS, break_base, NULL), 0);
}

TEST(an_event_of_the_base_may_wake_it)
{
    attach();
    after(1000, libevent_calls, NULL);
    dispatch();
    CHECK_TRACE("from libevent");
    end();
}

TEST(cancelled_callbacks_are_not_called)
{
    awl_handle soon = { 0 }, later = { 0 };

    attach();
    awl_call_soon(NULL, &soon, say_it, "no");
    awl_call_later(NULL, &later, AWL_MS, say_it, "no");
    awl_handle_cancel(&soon);
    awl_handle_cancel(&later);
    CHECK_INT(awl_call_later(NULL, NULL, 3 * AWL_MS, break_base, NULL), 0);
    dispatch();
    CHECK_TRACE("");
    end();
}

TEST(posted_calls_are_made)
{
    attach();
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, say_it, "posted"), 0);
    CHECK_INT(awl_call_soon_threadsafe(loop, NULL, break_base, NULL), 0);
    dispatch();
    CHECK_TRACE("posted");
    end();
}

static int fds[2];
static void take(void *arg)
{
    char byte;

    (void)arg;
    CHECK_INT(read(fds[0], &byte, 1), 1);
    say("%c", byte);
    CHECK(awl_remove_reader(NULL, fds[0]));
    event_base_loopbreak(base);
}

TEST(readers_are_called)
{
    attach();
    CHECK_INT(pipe(fds), 0);
    CHECK_INT(awl_add_reader(NULL, fds[0], take, NULL), 0);
    CHECK_INT(write(fds[1], "x", 1), 1);
    dispatch();
    CHECK_TRACE("x");
    close(fds[0]);
    close(fds[1]);
    end();
}

/* ---- Tasks ------------------------------------------------------------------------------------------------------------------- */

co_def(sleeps, { const char *word; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        say("%s%d", self->word, self->i);
        co_await(awl_sleep(10 * AWL_MS));
    }
    co_end;
}

co_def(main_task, { awl_task *a, *b; })
{
    co_begin;
    self->a = awl_create_task(co_call(sleeps, .word = "a"));
    self->b = awl_create_task(co_call(sleeps, .word = "b"));
    co_await(awl_gather(self->a, self->b));
    co_finally;
    awl_task_release(self->a);
    awl_task_release(self->b);
    say_and_end("end");
    co_end;
}

TEST(tasks_run_beside_events_of_the_base)
{
    static const char *const in_order[] = { "a0", "b0", "a1", "b1", "end" }; /* and the event, whenever it comes */
    const char *at = trace;

    attach();
    words_left = 2;
    CHECK_INT(awl_spawn(co_call(main_task)), 0);
    after(5000, libevent_says, "event");
    dispatch();
    CHECK(strstr(trace, "event") != NULL);
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++) {
        at = strstr(at, in_order[i]);
        CHECK(at != NULL);
    }
    end();
}

static bool enough;
static void set_enough(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    enough = true;
}

co_def(busy, { long n; })
{
    co_begin;
    while (!enough) {
        self->n++;
        co_await(awl_sleep(0));
    }
    event_base_loopbreak(base);
    co_end;
}

TEST(a_busy_task_does_not_starve_a_timer_of_the_base)
{
    attach();
    CHECK_INT(awl_spawn(co_call(busy)), 0);
    after(2000, set_enough, NULL);
    dispatch();
    end();
}

static void set_enough_too(void *arg) { (void)arg, enough = true; }

TEST(a_busy_task_does_not_starve_a_timer_of_the_loop)
{
    attach();
    CHECK_INT(awl_spawn(co_call(busy)), 0);
    CHECK_INT(awl_call_later(NULL, NULL, 2 * AWL_MS, set_enough_too, NULL), 0);
    dispatch();
    end();
}

static void wear(evutil_socket_t fd, short what, void *event)
{
    (void)fd, (void)what;
    if (!enough)
        event_add(*(struct event **)event, &(struct timeval){ 0, 0 });
}

TEST(a_busy_event_of_the_base_does_not_starve_tasks)
{
    struct event *event;

    attach();
    event = event_new(base, -1, 0, wear, &event);
    CHECK(event != NULL);
    CHECK_INT(event_add(event, &(struct timeval){ 0, 0 }), 0);
    CHECK_INT(awl_call_later(NULL, NULL, 2 * AWL_MS, set_enough_too, NULL), 0);
    CHECK_INT(awl_spawn(co_call(busy)), 0);
    dispatch();
    event_free(event);
    end();
}

static void *calls_soon(void *arg)
{
    awl_call_soon(arg, NULL, set_enough_too, NULL);
    return NULL;
}

static void call_from_another_thread(void)
{
    pthread_t thread;

    attach();
    pthread_create(&thread, NULL, calls_soon, awl_running_loop());
    pthread_join(thread, NULL);
}

/* Its thread is known even while the base waits. */
TEST(a_call_from_another_thread_traps) { EXPECT_TRAP(call_from_another_thread(), "this loop runs in another thread"); }
