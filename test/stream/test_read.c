/* test_read.c: awl_stream_open, awl_stream_read, awl_stream_read_exactly, awl_stream_at_eof. */
#include "rig.h"

/* Reads once into `buf`; `n` is what came. */
co_def(reads, { awl_stream *s; char *buf; size_t cap; int n; })
{
    co_begin;
    co_let(self->n, awl_stream_read(self->s, self->buf, self->cap));
    self->buf[self->n] = '\0';
    co_return(self->n);
    co_end;
}

co_def(reads_exactly, { awl_stream *s; char *buf; size_t n; })
{
    co_begin;
    co_await(awl_stream_read_exactly(self->s, self->buf, self->n));
    co_end;
}

STREAM_TEST(read_takes_what_is_there, { awl_stream *s; int peer, n; char buf[16]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "hello");
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 5);
    CHECK_MEM(self->buf, "hello", 5);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(read_takes_no_more_than_asked, { awl_stream *s; int peer, n; char buf[16]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "hello");
    co_let(self->n, awl_stream_read(self->s, self->buf, 2));
    CHECK_INT(self->n, 2);
    co_let(self->n, awl_stream_read(self->s, self->buf + 2, 16 - 2));
    CHECK_INT(self->n, 3);
    CHECK_MEM(self->buf, "hello", 5);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(pending_read_ends_when_bytes_come, { awl_stream *s; int peer; char buf[16]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads, .s = self->s, .buf = self->buf, .cap = 15));
    CHECK(self->t != NULL);
    co_await(awl_sleep(2 * AWL_MS));
    CHECK(!awl_task_done(self->t));
    put(self->peer, "a");
    co_await(self->t);
    CHECK_STR(self->buf, "a");
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(read_is_zero_at_the_end_again_and_again, { awl_stream *s; int peer, n; char buf[16]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "x");
    close(self->peer);
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 1);
    CHECK(!awl_stream_at_eof(self->s));
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 0);
    CHECK(awl_stream_at_eof(self->s));
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 0);
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(end_that_came_with_a_short_read_and_a_write_is_seen, { awl_stream *s; int peer, n; char buf[16]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    co_await(awl_sleep(0));
    put(self->peer, "x");
    shutdown(self->peer, SHUT_WR);
    co_await(awl_sleep(1 * AWL_MS)); /* both arrive as one change */
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(awl_stream_write(self->s, "y", 1), 0);
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 0);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(second_reader_is_busy, { awl_stream *s; int peer, rc; char buf[16]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads, .s = self->s, .buf = self->buf, .cap = 15));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t));
    CHECK_FAILS(EBUSY, awl_stream_read(self->s, self->buf, 1));
    CHECK_FAILS(EBUSY, awl_stream_read_exactly(self->s, self->buf, 1));
    CHECK_FAILS(EBUSY, awl_stream_readline(self->s, NULL));
    put(self->peer, "a");
    co_await(awl_sleep(0));
    CHECK_FAILS(EBUSY, awl_stream_read(self->s, self->buf, 1)); /* it is woken, but it was first */
    co_await(self->t);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(wrong_arguments_of_read, { awl_stream *s; int peer, rc; char buf[1]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_FAILS(EINVAL, awl_stream_read(self->s, self->buf, 0));
    CHECK_FAILS(EINVAL, awl_stream_read(NULL, self->buf, 1));
    CHECK_FAILS(EINVAL, awl_stream_read_exactly(NULL, self->buf, 1));
    CHECK(awl_stream_at_eof(NULL));
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(cancelled_read_loses_nothing, { awl_stream *s; int peer, n, rc; char buf[16]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads, .s = self->s, .buf = self->buf, .cap = 15));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    put(self->peer, "abc");
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 3);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

/* The bytes make the reader ready; the cancellation comes before its turn. */
co_def(cancels, { awl_task *t; })
{
    co_begin;
    awl_task_cancel(self->t);
    co_end;
}

STREAM_TEST(read_cancelled_after_it_was_woken_loses_nothing, { awl_stream *s; int peer, n, rc; char buf[16]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads, .s = self->s, .buf = self->buf, .cap = 15));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    put(self->peer, "abc");
    awl_spawn(co_call(cancels, .t = self->t));
    CHECK_FAILS(ECANCELED, self->t);
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 3);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(pending_read_ends_when_the_stream_is_closed, { awl_stream *s; int peer, rc; char buf[16]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads, .s = self->s, .buf = self->buf, .cap = 15));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    awl_stream_close(self->s);
    CHECK_FAILS(ECONNABORTED, self->t);
    awl_task_release(self->t);
    close(self->peer);
    co_end;
}

STREAM_TEST(exactly_collects_pieces, { awl_stream *s; int peer; char buf[16]; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads_exactly, .s = self->s, .buf = self->buf, .n = 4));
    CHECK(self->t != NULL);
    put(self->peer, "a");
    co_await(awl_sleep(1 * AWL_MS));
    put(self->peer, "bc");
    co_await(awl_sleep(1 * AWL_MS));
    CHECK(!awl_task_done(self->t));
    put(self->peer, "de");
    co_await(self->t);
    CHECK_MEM(self->buf, "abcd", 4);
    co_await(awl_stream_read_exactly(self->s, self->buf, 1));
    CHECK_MEM(self->buf, "e", 1);
    co_await(awl_stream_read_exactly(self->s, self->buf, 0));
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(exactly_gives_back_what_came_before_the_end, { awl_stream *s; int peer, rc, n; char buf[16]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "abc");
    close(self->peer);
    CHECK_FAILS(AWL_EINCOMPLETE, awl_stream_read_exactly(self->s, self->buf, 4));
    CHECK(!awl_stream_at_eof(self->s));
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(self->n, 3);
    CHECK_MEM(self->buf, "abc", 3);
    CHECK_FAILS(AWL_EINCOMPLETE, awl_stream_read_exactly(self->s, self->buf, 1));
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(cancelled_exactly_gives_back_what_came, { awl_stream *s; int peer, rc; char buf[16], again[16], *line; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "x\nab");
    co_let(self->line, awl_stream_readline(self->s, NULL)); /* leaves "ab" in the buffer */
    self->t = awl_create_task(co_call(reads_exactly, .s = self->s, .buf = self->buf, .n = 8));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    put(self->peer, "cd");
    co_await(awl_sleep(1 * AWL_MS));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    put(self->peer, "ef");
    co_await(awl_stream_read_exactly(self->s, self->again, 6));
    CHECK_MEM(self->again, "abcdef", 6);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(bytes_before_an_error_are_delivered_first, { awl_stream *s; int peer, n, rc; char buf[8]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(awl_stream_write(self->s, "unread", 6), 0);
    put(self->peer, "abc");
    close(self->peer); /* with something unread: a reset */
    co_let(self->n, awl_stream_read(self->s, self->buf, 2));
    CHECK_INT(self->n, 2);
    co_await(awl_sleep(1 * AWL_MS));
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    CHECK_INT(self->n, 1);
    CHECK_FAILS(ECONNRESET, awl_stream_read(self->s, self->buf, 8));
    CHECK_FAILS(ECONNRESET, awl_stream_read(self->s, self->buf, 8));
    CHECK_INT(awl_stream_write(self->s, "x", 1), ECONNRESET);
    CHECK_INT(awl_stream_error(self->s), ECONNRESET);
    awl_stream_close(self->s);
    co_end;
}

static int count, noted;

/* Notes how many reads the other task had made when this one had its first turn. */
co_def(notes, {})
{
    co_begin;
    noted = count;
    co_end;
}

STREAM_TEST(bytes_before_an_error_that_a_write_met_are_delivered_first, { awl_stream *s; int peer, n, rc; char buf[8]; })
{
    co_begin;
    self->s = open_tcp_pair(&self->peer);
    put(self->peer, "a");
    co_await(awl_sleep(1 * AWL_MS));
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    CHECK_INT(awl_stream_write(self->s, "x", 1), 0);
    put(self->peer, "why"); /* of which the loop has not heard yet */
    reset(self->peer);
    CHECK_INT(awl_stream_write(self->s, "x", 1), ECONNRESET);
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    CHECK_INT(self->n, 3);
    CHECK_FAILS(ECONNRESET, awl_stream_read(self->s, self->buf, 8));
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(reader_that_always_finds_bytes_lets_others_run, { awl_stream *s; int peer; char buf[1]; })
{
    static char many[1000];

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(write(self->peer, many, sizeof many), (int)sizeof many);
    CHECK_INT(awl_spawn(co_call(notes)), 0);
    for (count = 0; count < 1000; count++)
        co_await(awl_stream_read(self->s, self->buf, 1));
    CHECK(noted > 0 && noted < 100);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

TEST(open_needs_a_running_loop)
{
    CHECK(awl_stream_open(0, NULL) == NULL);
    CHECK_INT(errno, EINVAL);
}

STREAM_TEST(idle_stream_is_small, { awl_stream *s[50]; int peer[50], i; size_t before; awl_loop_stats stats; })
{
    co_begin;
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    self->before = self->stats.memory_used;
    for (self->i = 0; self->i < 50; self->i++)
        self->s[self->i] = open_pair(&self->peer[self->i], NULL);
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    CHECK((self->stats.memory_used - self->before) / 50 < 600);
    for (self->i = 0; self->i < 50; self->i++) {
        awl_stream_close(self->s[self->i]);
        close(self->peer[self->i]);
    }
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    CHECK_INT(self->stats.memory_used, self->before);
    co_end;
}

/* The kernel ends a read behind bytes that carry descriptors, though there is more. */
STREAM_TEST(a_read_that_stops_at_descriptors_is_not_the_last, { awl_stream *s; int peer, n; char buf[16]; })
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec part = { "ab", 2 };
    const struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                                    .msg_controllen = sizeof control.room };

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.head), &self->peer, sizeof self->peer);
    CHECK_INT(sendmsg(self->peer, &message, 0), 2);
    put(self->peer, "cd");
    co_let(self->n, awl_stream_read(self->s, self->buf, 16));
    CHECK_INT(awl_stream_write(self->s, "y", 1), 0);
    if (self->n == 2)
        co_let(self->n, awl_wait_for(awl_stream_read(self->s, self->buf, 16), AWL_SECOND));
    CHECK_MEM(self->buf + self->n - 2, "cd", 2);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}
