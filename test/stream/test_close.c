/* test_close.c: awl_stream_close, awl_stream_wait_closed, awl_stream_abort, and loops that are closed before streams. */
#include "rig.h"

enum { MUCH = 4 << 20 };
static char much[MUCH];

STREAM_TEST(close_takes_null, { int rc; })
{
    co_begin;
    awl_stream_close(NULL);
    awl_stream_abort(NULL);
    CHECK_FAILS(EINVAL, awl_stream_wait_closed(NULL));
    CHECK_INT(awl_stream_fd(NULL), -1);
    CHECK_INT(awl_stream_error(NULL), EINVAL);
    co_end;
}

STREAM_TEST(close_ends_the_connection, { awl_stream *s; int peer; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK(awl_stream_fd(self->s) >= 0);
    CHECK_INT(awl_stream_write(self->s, "bye", 3), 0);
    awl_stream_close(self->s);
    CHECK_STR(got(self->peer), "bye");
    CHECK_STR(got(self->peer), "END");
    close(self->peer);
    co_end;
}

STREAM_TEST(close_sends_in_the_background, { awl_stream *s; int peer; size_t all; awl_loop_stats before, after; })
{
    co_begin;
    awl_loop_get_stats(awl_running_loop(), &self->before);
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    awl_stream_close(self->s);
    while (self->all < MUCH) {
        self->all += swallow(self->peer);
        co_await(awl_sleep(AWL_MS / 4));
    }
    CHECK_STR(got(self->peer), "END");
    CHECK_INT(self->all, MUCH);
    awl_loop_get_stats(awl_running_loop(), &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    close(self->peer);
    co_end;
}

STREAM_TEST(close_in_the_background_ends_when_the_peer_has_gone, { awl_stream *s; int peer; awl_loop_stats before, after; })
{
    co_begin;
    awl_loop_get_stats(awl_running_loop(), &self->before);
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    awl_stream_close(self->s);
    close(self->peer);
    co_await(awl_sleep(2 * AWL_MS));
    awl_loop_get_stats(awl_running_loop(), &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    co_end;
}

co_def(waits_closed, { awl_stream *s; })
{
    co_begin;
    co_await(awl_stream_wait_closed(self->s));
    co_end;
}

STREAM_TEST(wait_closed_waits_until_all_is_sent, { awl_stream *s; int peer, rc; char buf[1]; size_t all; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    self->t = awl_create_task(co_call(waits_closed, .s = self->s));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    CHECK(!awl_task_done(self->t));
    CHECK_INT(awl_stream_write(self->s, "x", 1), ECONNABORTED);
    CHECK_FAILS(ECONNABORTED, awl_stream_read(self->s, self->buf, 1));
    CHECK_FAILS(ECONNABORTED, awl_stream_drain(self->s));
    while (self->all < MUCH) {
        self->all += swallow(self->peer);
        co_await(awl_sleep(AWL_MS / 4));
    }
    co_await(self->t);
    co_await(awl_stream_wait_closed(self->s));
    CHECK_INT(awl_stream_fd(self->s), -1);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(wait_closed_tells_that_not_all_was_sent, { awl_stream *s; int peer, rc; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    self->t = awl_create_task(co_call(waits_closed, .s = self->s));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    close(self->peer);
    co_try(self->rc, self->t);
    CHECK(self->rc == EPIPE || self->rc == ECONNRESET);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    co_end;
}

/* As awl_stream_close says. */
STREAM_TEST(who_never_reads_is_given_up_by_abort, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, sizeof much), 0);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_wait_closed(self->s), 1 * AWL_MS));
    CHECK(awl_stream_fd(self->s) >= 0 && awl_stream_unsent(self->s) > 0);
    awl_stream_abort(self->s);
    CHECK_INT(awl_stream_fd(self->s), -1);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(cancelled_wait_closed_goes_on_closing, { awl_stream *s; int peer, rc; size_t all; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_wait_closed(self->s), 1 * AWL_MS));
    awl_stream_close(self->s);
    while (self->all < MUCH) {
        self->all += swallow(self->peer);
        co_await(awl_sleep(AWL_MS / 4));
    }
    CHECK_STR(got(self->peer), "END");
    close(self->peer);
    co_end;
}

STREAM_TEST(abort_drops_what_is_unsent, { awl_stream *s; int peer, rc; char buf[1]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    self->t = awl_create_task(awl_stream_drain(self->s));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    awl_stream_abort(self->s);
    awl_stream_abort(self->s);
    CHECK_FAILS(ECONNABORTED, self->t);
    CHECK(swallow(self->peer) < MUCH);
    CHECK_STR(got(self->peer), "END");
    CHECK_INT(awl_stream_write(self->s, "x", 1), ECONNABORTED);
    CHECK_FAILS(ECONNABORTED, awl_stream_read(self->s, self->buf, 1));
    CHECK_FAILS(ECONNABORTED, awl_stream_wait_closed(self->s));
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

co_def(closes_twice, { awl_stream *s; int peer; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    awl_stream_close(self->s);
    awl_stream_close(self->s);
    co_end;
}

TEST(closing_twice_is_a_trap) { EXPECT_TRAP(run_main(co_call(closes_twice), false), "a stream was closed twice"); }

/* Leaves streams behind: idle, with unsent bytes, closed with unsent bytes. */
co_def(leaves_streams, { int *peers; awl_stream *s; })
{
    co_begin;
    self->s = open_pair(&self->peers[0], NULL);
    self->s = open_pair(&self->peers[1], NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    self->s = open_pair(&self->peers[2], NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    awl_stream_close(self->s);
    co_await(awl_sleep(1 * AWL_MS));
    co_end;
}

TEST(loop_closes_the_descriptors_of_streams_that_are_left)
{
    int peers[3];

    run_main(co_call(leaves_streams, .peers = peers), false);
    for (int i = 0; i < 3; i++) {
        swallow(peers[i]);
        CHECK_STR(got(peers[i]), "END");
        close(peers[i]);
    }
}
