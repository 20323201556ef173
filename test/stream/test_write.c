/* test_write.c: awl_stream_write, awl_stream_print, awl_stream_drain, awl_stream_write_eof, awl_stream_unsent. */
#include "rig.h"

enum { MUCH = 4 << 20 };
static char much[MUCH];

co_def(drains, { awl_stream *s; bool *done; })
{
    co_begin;
    co_await(awl_stream_drain(self->s));
    if (self->done)
        *self->done = true;
    co_end;
}

/* Reads and drops everything until the end. Result: how much. */
co_def(swallows, { int peer; size_t all, n; bool ended; })
{
    co_begin;
    for (;;) {
        char byte;

        self->all += self->n = swallow(self->peer);
        if (!self->n && recv(self->peer, &byte, 1, MSG_PEEK) == 0)
            break;
        co_await(awl_sleep(AWL_MS / 4));
    }
    co_return(self->all);
    co_end;
}

STREAM_TEST(write_arrives_at_once, { awl_stream *s; int peer; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, "hello", 5), 0);
    CHECK_STR(got(self->peer), "hello");
    CHECK_INT(awl_stream_write(self->s, "", 0), 0);
    CHECK_INT(awl_stream_print(self->s, "%d-%s", 42, "x"), 0);
    CHECK_STR(got(self->peer), "42-x");
    CHECK_INT(awl_stream_print(self->s, "%0500d", 1), 0);
    CHECK_INT(strlen(got(self->peer)), 500);
    CHECK_INT(awl_stream_unsent(self->s), 0);
    co_await(awl_stream_drain(self->s));
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(more_pieces_than_go_at_once_are_all_sent, { awl_stream *s; int peer; })
{
    struct iovec parts[40];

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    for (int i = 0; i < 40; i++)
        parts[i] = (struct iovec){ "ab", i < 17 ? 0 : 2 };
    CHECK_INT(awl_stream_writev(self->s, parts, 40), 0);
    CHECK_INT(awl_stream_unsent(self->s), 0);
    CHECK_STR(got(self->peer), "ababababababababababababababababababababababab");
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(what_the_kernel_does_not_take_is_kept, { awl_stream *s; int peer, i; size_t all; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    for (self->i = 0; self->i < 64; self->i++)
        CHECK_INT(awl_stream_write(self->s, much, MUCH / 64), 0);
    for (self->i = 0; self->i < 1000; self->i++)
        CHECK_INT(awl_stream_write(self->s, "x", 1), 0);
    CHECK(awl_stream_unsent(self->s) > MUCH / 2);
    self->t = awl_create_task(co_call(swallows, .peer = self->peer));
    CHECK(self->t != NULL);
    co_await(awl_stream_drain(self->s));
    CHECK(awl_stream_unsent(self->s) <= 16384);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    co_let(self->all, self->t);
    CHECK_INT(self->all, MUCH + 1000);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(drain_waits_from_high_to_low, { awl_stream *s; int peer; bool done; awl_task *t; size_t before; })
{
    const awl_stream_options options = { .high = 1000, .low = 100 };

    co_begin;
    self->s = open_pair(&self->peer, &options);
    while (!awl_stream_unsent(self->s))
        CHECK_INT(awl_stream_write(self->s, much, 4096), 0);
    while (awl_stream_unsent(self->s) <= 1000)
        CHECK_INT(awl_stream_write(self->s, much, 100), 0);
    self->t = awl_create_task(co_call(drains, .s = self->s, .done = &self->done));
    co_await(awl_sleep(1 * AWL_MS));
    CHECK(!self->done);
    swallow(self->peer);
    co_await(self->t);
    CHECK(awl_stream_unsent(self->s) <= 100);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(several_tasks_drain_and_one_is_cancelled, { awl_stream *s; int peer, rc; bool done[3]; awl_task *t[3]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    for (int i = 0; i < 3; i++) {
        self->t[i] = awl_create_task(co_call(drains, .s = self->s, .done = &self->done[i]));
        CHECK(self->t[i] != NULL);
    }
    co_await(awl_sleep(0));
    awl_task_cancel(self->t[1]);
    CHECK_FAILS(ECANCELED, self->t[1]);
    CHECK(!self->done[0]);
    while (!awl_task_done(self->t[0])) {
        swallow(self->peer);
        co_await(awl_sleep(AWL_MS / 4));
    }
    co_await(awl_gather(self->t[0], self->t[2]));
    CHECK(!self->done[1]);
    for (int i = 0; i < 3; i++)
        awl_task_release(self->t[i]);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(drain_ends_when_the_connection_is_lost, { awl_stream *s; int peer, rc; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    self->t = awl_create_task(co_call(drains, .s = self->s));
    co_await(awl_sleep(1 * AWL_MS));
    close(self->peer);
    co_try(self->rc, self->t);
    CHECK(self->rc == EPIPE || self->rc == ECONNRESET);
    CHECK_INT(awl_stream_error(self->s), self->rc);
    CHECK_INT(awl_stream_write(self->s, "x", 1), self->rc);
    CHECK_INT(awl_stream_write_eof(self->s), self->rc);
    CHECK_INT(awl_stream_unsent(self->s), 0);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(write_to_one_who_has_gone_is_epipe_and_no_signal, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    close(self->peer);
    CHECK_INT(awl_stream_write(self->s, "x", 1), EPIPE);
    CHECK_INT(awl_stream_write(self->s, "x", 1), EPIPE);
    CHECK_FAILS(EPIPE, awl_stream_drain(self->s));
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(half_closed_stream_still_reads, { awl_stream *s; int peer, n; char buf[8]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, "bye", 3), 0);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    CHECK_STR(got(self->peer), "bye");
    CHECK_STR(got(self->peer), "END");
    CHECK_INT(awl_stream_write(self->s, "x", 1), EPIPE);
    CHECK_INT(awl_stream_error(self->s), 0);
    put(self->peer, "answer");
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    CHECK_INT(self->n, 6);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(end_after_a_reset_says_that_it_was_one, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_tcp_pair(&self->peer);
    reset(self->peer);
    CHECK_INT(awl_stream_write_eof(self->s), ECONNRESET);
    CHECK_INT(awl_stream_error(self->s), ECONNRESET);
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(end_is_sent_behind_what_is_unsent, { awl_stream *s; int peer; size_t all; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    self->t = awl_create_task(co_call(swallows, .peer = self->peer));
    CHECK(self->t != NULL);
    co_let(self->all, self->t);
    CHECK_INT(self->all, MUCH);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(write_without_memory_takes_nothing, { awl_stream *s; int peer; size_t unsent; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), 0); /* so that the kernel is full */
    self->unsent = awl_stream_unsent(self->s);
    harness_fail_alloc_from(1);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), ENOMEM);
    harness_fail_alloc(0);
    CHECK_INT(awl_stream_unsent(self->s), self->unsent);
    CHECK_INT(awl_stream_error(self->s), 0);
    awl_stream_abort(self->s);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(write_sent_in_part_without_memory_breaks_the_stream, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    harness_fail_alloc_from(1);
    CHECK_INT(awl_stream_write(self->s, much, MUCH), ENOMEM);
    harness_fail_alloc(0);
    CHECK_INT(awl_stream_error(self->s), ENOMEM);
    CHECK_FAILS(ENOMEM, awl_stream_drain(self->s));
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(wrong_arguments_of_write, { int rc; })
{
    co_begin;
    CHECK_INT(awl_stream_write(NULL, "x", 1), EINVAL);
    CHECK_INT(awl_stream_print(NULL, "x"), EINVAL);
    CHECK_INT(awl_stream_write_eof(NULL), EINVAL);
    CHECK_INT(awl_stream_unsent(NULL), 0);
    CHECK_FAILS(EINVAL, awl_stream_drain(NULL));
    co_end;
}
