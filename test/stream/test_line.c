/* test_line.c: awl_stream_readline, awl_stream_read_until. */
#include "rig.h"

/* Reads a line and keeps it. */
co_def(reads_line, { awl_stream *s; char *line; size_t len; })
{
    co_begin;
    co_let(self->line, awl_stream_readline(self->s, &self->len));
    co_return(self->line);
    co_end;
}

STREAM_TEST(lines_come_one_by_one, { awl_stream *s; int peer; char *line; size_t len; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "one\n\ntwo\r\nthree");
    close(self->peer);
    co_let(self->line, awl_stream_readline(self->s, &self->len));
    CHECK_STR(self->line, "one\n");
    CHECK_INT(self->len, 4);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "two\r\n");
    CHECK(!awl_stream_at_eof(self->s));
    co_let(self->line, awl_stream_readline(self->s, &self->len));
    CHECK_STR(self->line, "three");
    CHECK_INT(self->len, 5);
    co_let(self->line, awl_stream_readline(self->s, &self->len));
    CHECK(self->line == NULL);
    CHECK_INT(self->len, 0);
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(line_in_single_bytes, { awl_stream *s; int peer, i; awl_task *t; })
{
    static const char text[] = "split\n";

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads_line, .s = self->s));
    CHECK(self->t != NULL);
    for (self->i = 0; text[self->i]; self->i++) {
        CHECK(!awl_task_done(self->t));
        CHECK_INT(write(self->peer, &text[self->i], 1), 1);
        co_await(awl_sleep(AWL_MS / 4));
    }
    co_await(self->t);
    CHECK_STR(awl_task_value(self->t).p, "split\n");
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(bytes_behind_a_line_are_read_unchanged, { awl_stream *s; int peer, n; char *line, buf[8]; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "line\nrest");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "line\n");
    memset(self->line, '!', 5);
    co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 4);
    CHECK_MEM(self->buf, "rest", 4);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(line_may_hold_zero_bytes, { awl_stream *s; int peer; char *line; size_t len; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_INT(write(self->peer, "a\0b\n", 4), 4);
    co_let(self->line, awl_stream_readline(self->s, &self->len));
    CHECK_INT(self->len, 4);
    CHECK_MEM(self->line, "a\0b\n", 5);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(line_over_the_limit_is_dropped, { awl_stream *s; int peer, rc; char *line; size_t len; })
{
    const awl_stream_options options = { .limit = 4 };

    co_begin;
    self->s = open_pair(&self->peer, &options);
    put(self->peer, "1234\n12345\nnext\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "1234\n");
    CHECK_FAILS(AWL_ELIMIT, awl_stream_readline(self->s, &self->len));
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "next\n");
    put(self->peer, "12345");
    CHECK_FAILS(AWL_ELIMIT, awl_stream_readline(self->s, NULL));
    put(self->peer, "abc\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "abc\n");
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(line_of_any_length_up_to_the_limit, { awl_stream *s; int peer, i; char *line; size_t len; awl_task *t; })
{
    static char big[8192];

    co_begin;
    memset(big, 'x', sizeof big);
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads_line, .s = self->s));
    CHECK(self->t != NULL);
    for (self->i = 0; self->i < 8; self->i++) { /* 65,536 bytes: just allowed */
        CHECK_INT(write(self->peer, big, sizeof big), (int)sizeof big);
        co_await(awl_sleep(AWL_MS / 4));
    }
    put(self->peer, "\n.\n");
    co_let(self->line, self->t);
    CHECK_INT(strlen(self->line), 65537);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, ".\n");
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(cancelled_readline_loses_nothing, { awl_stream *s; int peer, rc; char *line; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads_line, .s = self->s));
    CHECK(self->t != NULL);
    put(self->peer, "half");
    co_await(awl_sleep(1 * AWL_MS));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    put(self->peer, " line\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "half line\n");
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(readline_without_memory_loses_nothing, { awl_stream *s; int peer, rc; char *line; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "some line\n");
    harness_fail_alloc_from(1);
    co_try(self->rc, awl_stream_readline(self->s, NULL));
    harness_fail_alloc(0);
    CHECK(self->rc == 0 || self->rc == ENOMEM); /* the pool may have had room */
    if (self->rc) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        CHECK_STR(self->line, "some line\n");
    }
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(until_finds_separators_of_several_bytes, { awl_stream *s; int peer; char *text; size_t len; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "a--b-----c");
    co_let(self->text, awl_stream_read_until(self->s, "---", 3, &self->len));
    CHECK_STR(self->text, "a--b---");
    CHECK_INT(self->len, 7);
    put(self->peer, "-");
    co_let(self->text, awl_stream_read_until(self->s, "--", 2, &self->len));
    CHECK_STR(self->text, "--");
    put(self->peer, "-");
    co_let(self->text, awl_stream_read_until(self->s, "c--", 3, &self->len));
    CHECK_STR(self->text, "c--");
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(until_at_the_end_is_incomplete_and_keeps_what_came, { awl_stream *s; int peer, rc; char *text; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "half");
    close(self->peer);
    CHECK_FAILS(AWL_EINCOMPLETE, awl_stream_read_until(self->s, "\r\n", 2, NULL));
    co_let(self->text, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->text, "half");
    CHECK_FAILS(AWL_EINCOMPLETE, awl_stream_read_until(self->s, "\r\n", 2, NULL));
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(until_over_the_limit_keeps_what_came, { awl_stream *s; int peer, rc; char *text; })
{
    const awl_stream_options options = { .limit = 4 };

    co_begin;
    self->s = open_pair(&self->peer, &options);
    put(self->peer, "12345;6\n");
    CHECK_FAILS(AWL_ELIMIT, awl_stream_read_until(self->s, ";", 1, NULL));
    CHECK_FAILS(AWL_ELIMIT, awl_stream_read_until(self->s, "none", 4, NULL));
    co_let(self->text, awl_stream_read_until(self->s, "5", 1, NULL));
    CHECK_STR(self->text, "12345");
    co_let(self->text, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->text, ";6\n");
    CHECK_FAILS(EINVAL, awl_stream_read_until(self->s, "", 0, NULL));
    CHECK_FAILS(EINVAL, awl_stream_readline(NULL, NULL));
    awl_stream_close(self->s);
    CHECK_FAILS(EINVAL, awl_stream_read_until(NULL, "x", 1, NULL));
    close(self->peer);
    co_end;
}

STREAM_TEST(waiting_for_a_line_takes_no_buffer, { awl_stream *s; int peer, rc; size_t before; awl_loop_stats stats; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->t = awl_create_task(co_call(reads_line, .s = self->s));
    CHECK(self->t != NULL);
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    self->before = self->stats.memory_used;
    co_await(awl_sleep(1 * AWL_MS));
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    CHECK(self->stats.memory_used < self->before + 1024);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}
