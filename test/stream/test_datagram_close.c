/* test_datagram_close.c: awl_datagram_close, awl_datagram_abort, and loops that are closed before endpoints. */
#define _GNU_SOURCE
#include "datagram_rig.h"

STREAM_TEST(close_takes_null, { char text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    awl_datagram_close(NULL);
    awl_datagram_abort(NULL);
    CHECK_INT(awl_datagram_fd(NULL), -1);
    CHECK_INT(awl_datagram_port(NULL), 0);
    CHECK_STR(awl_datagram_local(NULL, self->text, sizeof self->text), "");
    CHECK_STR(awl_datagram_peer(NULL, self->text, sizeof self->text), "");
    co_end;
}

co_def(closes_while_others_wait, { bool abort; awl_datagram *d; int peer, sent, rc; awl_task *t[2]; })
{
    static const awl_datagram_options options = { .high = 1 };

    co_begin;
    self->d = open_narrow(&self->peer, &options);
    fill(self->d, &self->sent);
    self->t[0] = start(co_call(receives, .d = self->d));
    self->t[1] = start(co_call(drains, .d = self->d));
    co_await(awl_sleep(AWL_MS));
    if (self->abort)
        awl_datagram_abort(self->d);
    else
        awl_datagram_close(self->d);
    for (int i = 0; i < 2; i++)
        CHECK(!awl_task_done(self->t[i]));
    CHECK_FAILS(ECONNABORTED, self->t[0]);
    CHECK_FAILS(ECONNABORTED, self->t[1]);
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    if (self->abort)
        awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

TEST(close_ends_what_waits) { run_main(co_call(closes_while_others_wait), false); }
TEST(abort_ends_what_waits) { run_main(co_call(closes_while_others_wait, .abort = true), false); }

STREAM_TEST(close_right_after_abort_ends_what_waits, { awl_datagram *d; int peer, sent, rc; awl_task *t[3]; })
{
    static const awl_datagram_options options = { .high = 1 };

    co_begin;
    self->d = open_narrow(&self->peer, &options);
    fill(self->d, &self->sent);
    self->t[0] = start(co_call(receives_many, .d = self->d));
    self->t[1] = start(co_call(drains, .d = self->d));
    self->t[2] = start(co_call(drains, .d = self->d));
    co_await(awl_sleep(AWL_MS));
    awl_task_cancel(self->t[2]);
    awl_datagram_abort(self->d);
    awl_datagram_close(self->d);
    CHECK_FAILS(ECONNABORTED, self->t[0]);
    CHECK_FAILS(ECONNABORTED, self->t[1]);
    CHECK_FAILS(ECANCELED, self->t[2]);
    for (int i = 0; i < 3; i++)
        awl_task_release(self->t[i]);
    close(self->peer);
    co_end;
}

STREAM_TEST(cancelled_and_closed_is_cancelled, { awl_datagram *d; int peer, rc; awl_task *t; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    self->t = start(co_call(receives, .d = self->d));
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    awl_datagram_close(self->d);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);
    close(self->peer);
    co_end;
}

STREAM_TEST(after_abort_nothing_goes, { awl_datagram *d; int peer, rc; awl_packet p;
                                        char buf[4], text[AWL_ADDRESS_TEXT]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    awl_datagram_abort(self->d);
    awl_datagram_abort(self->d);
    self->p = (awl_packet){ .data = self->buf, .cap = 4 };
    CHECK_FAILS(ECONNABORTED, awl_datagram_receive(self->d, self->buf, 4, NULL));
    CHECK_FAILS(ECONNABORTED, awl_datagram_receive_many(self->d, &self->p, 1));
    CHECK_INT(awl_datagram_send(self->d, "x", 1, NULL), ECONNABORTED);
    CHECK_INT(awl_datagram_send_many(self->d, &self->p, 1), ECONNABORTED);
    CHECK_FAILS(ECONNABORTED, awl_datagram_drain(self->d));
    CHECK_INT(awl_datagram_join(self->d, "239.1.2.3", NULL), ECONNABORTED);
    CHECK_INT(awl_datagram_fd(self->d), -1);
    CHECK_INT(awl_datagram_unsent(self->d), 0);
    CHECK_STR(awl_datagram_local(self->d, self->text, sizeof self->text), "");
    awl_datagram_close(self->d);
    close(self->peer);
    co_end;
}

STREAM_TEST(close_sends_in_the_background, { awl_datagram *d; int peer, sent, seen; awl_loop_stats before, after; })
{
    const char *text;

    co_begin;
    awl_loop_get_stats(NULL, &self->before);
    self->d = open_narrow(&self->peer, NULL);
    fill(self->d, &self->sent);
    awl_datagram_close(self->d);
    while (self->seen < self->sent) {
        while (strcmp(text = next_of(self->peer), "-") != 0)
            CHECK_INT(atoi(text), self->seen++);
        co_await(awl_sleep(AWL_MS / 4));
    }
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    close(self->peer);
    co_end;
}

STREAM_TEST(close_in_the_background_ends_when_the_peer_has_gone, { awl_datagram *d; int peer, sent;
                                                                   awl_loop_stats before, now; })
{
    co_begin;
    awl_loop_get_stats(NULL, &self->before);
    self->d = open_narrow(&self->peer, NULL);
    fill(self->d, &self->sent);
    awl_datagram_close(self->d);
    close(self->peer);
    do {
        co_await(awl_sleep(AWL_MS / 4));
        awl_loop_get_stats(NULL, &self->now);
    } while (self->now.memory_used > self->before.memory_used);
    co_end;
}

STREAM_TEST(endpoints_give_all_memory_back, { awl_datagram *d; int peer, i, sent; awl_loop_stats before, after; })
{
    co_begin;
    awl_loop_get_stats(NULL, &self->before);
    for (self->i = 0; self->i < 3; self->i++) {
        self->d = open_narrow(&self->peer, NULL);
        fill(self->d, &self->sent);
        awl_datagram_abort(self->d);
        CHECK_STR(next_of(self->peer), self->i ? next_of(self->peer) : "0");
        awl_datagram_close(self->d);
        close(self->peer);
        self->sent = 0;
    }
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    co_end;
}

STREAM_TEST(closed_twice_is_a_trap, { awl_datagram *d; int peer, sent; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    fill(self->d, &self->sent); /* so that it is still there after the first close */
    awl_datagram_close(self->d);
    EXPECT_TRAP(awl_datagram_close(self->d), "a datagram endpoint was closed twice");
    close(self->peer);
    co_end;
}

/* ---- The loop's end ---------------------------------------------------------------------------------------------- */

/* Leaves an endpoint open, with unsent datagrams or with a receive that waits. */
co_def(leaves, { bool waits; awl_datagram *d; int peer, sent; awl_address from; char buf[4]; })
{
    co_begin;
    self->d = open_narrow(&self->peer, NULL);
    close(self->peer);
    if (self->waits)
        co_await(awl_datagram_receive(self->d, self->buf, 4, &self->from));
    co_end;
}

static void stop(void *loop) { awl_loop_stop(loop); }

TEST(the_loops_end_closes_endpoints)
{
    run_main(co_call(leaves), false);
}

TEST(the_loops_end_closes_endpoints_that_are_waited_for)
{
    const awl_loop_options options = { .report = note_report };
    awl_loop *loop = awl_loop_open(&options);

    CHECK(loop != NULL);
    CHECK_INT(awl_call_later(loop, NULL, AWL_MS, stop, loop), 0);
    CHECK_INT(awl_run_until_complete(loop, co_call(leaves, .waits = true), NULL), AWL_ESTOPPED);
    awl_loop_close(loop);
}

co_def(leaves_unsent, { awl_datagram *d; int *peer, sent; bool close; })
{
    co_begin;
    self->d = open_narrow(self->peer, NULL);
    fill(self->d, &self->sent);
    if (self->close)
        awl_datagram_close(self->d);
    co_end;
}

TEST(the_loops_end_drops_what_is_unsent)
{
    int peer = -1;

    run_main(co_call(leaves_unsent, .peer = &peer), false);
    close(peer);
    run_main(co_call(leaves_unsent, .peer = &peer, .close = true), false);
    close(peer);
}
