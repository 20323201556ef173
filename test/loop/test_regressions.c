/* test_regressions.c: handles and clocks, in the cases that once went wrong. */
#include "rig.h"

#include <event2/event.h>

TEST(a_posted_handle_can_be_used_again)
{
    awl_loop *loop = open_real();
    awl_handle handle = { .fn_ = NULL };

    CHECK_INT(awl_call_soon_threadsafe(loop, &handle, stop, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    CHECK_INT(awl_call_soon(loop, &handle, stop, loop), 0);
    CHECK_INT(awl_loop_run_forever(loop), 0);
    awl_loop_close(loop);
}

TEST(handles_may_be_cancelled_after_their_loop)
{
    awl_loop *loop = open_virtual();
    awl_handle later = { .fn_ = NULL }, soon = later, ran = later, far = later;

    awl_call_soon(loop, &ran, say_it, "ran");
    run_once(loop);
    awl_call_later(loop, &later, AWL_SECOND, say_it, "later");
    awl_call_later(loop, &far, AWL_FOREVER, say_it, "far");
    awl_call_soon(loop, &soon, say_it, "soon");
    awl_loop_close(loop);
    awl_handle_cancel(&later);
    awl_handle_cancel(&far);
    awl_handle_cancel(&soon);
    awl_handle_cancel(&ran);
    CHECK_TRACE("ran");
}

static awl_time moment;
static awl_time now(void *arg) { return (void)arg, moment; }
static int wait_(void *arg, awl_time timeout)
{
    (void)arg;
    if (timeout == AWL_FOREVER)
        return EDEADLK;
    moment += timeout;
    return 0;
}

TEST(a_clock_may_start_before_zero)
{
    awl_loop *loop;

    moment = -5 * AWL_SECOND;
    loop = open_with((awl_loop_options){ .now = now, .wait = wait_ });
    awl_call_later(loop, NULL, 7 * AWL_SECOND, say_it, "b");
    awl_call_later(loop, NULL, 2 * AWL_SECOND, say_it, "a");
    awl_call_later(loop, NULL, AWL_FOREVER, say_it, "never");
    run_dry(loop);
    CHECK_TRACE("a b");
    CHECK_INT(moment, 2 * AWL_SECOND);
    awl_loop_close(loop);
}

static void break_base(void *base) { event_base_loopbreak(base); }

static void long_ago(void *base) { CHECK_INT(awl_call_at(NULL, NULL, -5 * AWL_SECOND, break_base, base), 0); }

TEST(an_attached_loop_calls_what_was_due_before_zero)
{
    struct event_base *base = event_base_new();
    awl_loop *loop = awl_loop_attach(base, NULL);

    CHECK(loop != NULL);
    CHECK_INT(awl_call_soon(loop, NULL, long_ago, base), 0);
    CHECK_INT(event_base_dispatch(base), 0);
    awl_loop_close(loop);
    event_base_free(base);
}

TEST(a_base_without_edges_cannot_be_ridden_on)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    CHECK(config != NULL);
    event_config_avoid_method(config, "epoll");
    base = event_base_new_with_config(config);
    event_config_free(config);
    CHECK(base != NULL);
    CHECK_PTR(awl_loop_attach(base, NULL), NULL);
    CHECK_INT(errno, EINVAL);
    event_base_free(base);
}
