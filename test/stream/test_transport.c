/* test_transport.c: streams over transports of the user's, and layers that are put over a live one. */
#define _GNU_SOURCE
#include "../../lib/stream/stream_priv.h"
#include "rig.h"

/* ---- A transport in memory --------------------------------------------------------------------------------------- */

typedef struct fake {
    const char *input; /* what is left to read; NULL: nothing now, and with `ended` the end */
    char output[64];
    size_t len, room; /* bytes that it takes before it says "not now" */
    size_t most;      /* that it takes at once, if that is not 0 */
    int error;        /* of the next call; 0: none */
    int held;         /* calls of flush until all has gone */
    bool ended, eof, bye, closed, slow_bye, slow_eof;
} fake;

static int failing(fake *f)
{
    const int error = f->error;

    f->error = 0;
    return -error;
}

static ssize_t fake_read(void *self, void *buf, size_t cap)
{
    fake *f = self;
    size_t n;

    if (f->error)
        return failing(f);
    if (!f->input || !*f->input)
        return f->ended ? 0 : -EAGAIN;
    n = strlen(f->input) < cap ? strlen(f->input) : cap;
    memcpy(buf, f->input, n);
    f->input += n;
    return (ssize_t)n;
}

static ssize_t fake_write(void *self, const struct iovec *parts, int n)
{
    fake *f = self;
    size_t all = 0, most = f->most && f->most < f->room ? f->most : f->room;

    if (f->error)
        return failing(f);
    CHECK(parts->iov_len > 0);
    for (int i = 0; i < n; i++) {
        const size_t len = parts[i].iov_len < most - all ? parts[i].iov_len : most - all;

        memcpy(f->output + f->len, parts[i].iov_base, len);
        f->len += len;
        all += len;
    }
    f->room -= all;
    return all ? (ssize_t)all : -EAGAIN;
}

static int fake_flush(void *self)
{
    fake *f = self;

    return f->held && --f->held ? -EAGAIN : 0;
}

static int fake_eof(void *self)
{
    fake *f = self;

    f->eof = !f->slow_eof;
    return f->slow_eof ? -EAGAIN : 0;
}

static int fake_goodbye(void *self)
{
    fake *f = self;

    f->bye = !f->slow_bye;
    return f->slow_bye ? -EAGAIN : 0;
}

static void fake_close(void *self) { ((fake *)self)->closed = true; }

static const awl_transport full = { fake_read, fake_write, fake_flush, fake_eof, fake_goodbye, fake_close };
static const awl_transport unflushed = { fake_read, fake_write, NULL, fake_eof, NULL, fake_close };
static const awl_transport plain = { .read = fake_read, .write = fake_write, .close = fake_close };

static awl_stream *over(const awl_transport *transport, fake *f)
{
    awl_stream *s = awl_stream_new(transport, f, NULL);

    CHECK(s != NULL);
    return s;
}

static fake way; /* of the test: it outlives one that fails */

/* ---- Streams over it --------------------------------------------------------------------------------------------- */

TEST(new_needs_a_running_loop)
{
    CHECK(awl_stream_new(&full, NULL, NULL) == NULL);
    CHECK_INT(errno, EINVAL);
}

STREAM_TEST(new_needs_the_functions, { awl_transport less; })
{
    co_begin;
    CHECK(awl_stream_new(NULL, NULL, NULL) == NULL);
    CHECK_INT(errno, EINVAL);
    self->less = plain;
    self->less.read = NULL;
    CHECK(awl_stream_new(&self->less, NULL, NULL) == NULL);
    CHECK_INT(errno, EINVAL);
    co_end;
}

co_def(feed, { awl_stream *s; fake *f; })
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    self->f->input = "later\n";
    awl_stream_changed(self->s, true, false);
    co_end;
}

VIRTUAL_TEST(reads_wait_for_changed, { awl_stream *s; char *line; })
{
    co_begin;
    way.input = "now\n";
    self->s = over(&plain, &way);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "now\n");
    CHECK_INT(awl_spawn(co_call(feed, .s = self->s, .f = &way)), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "later\n");
    way.ended = true;
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(self->line == NULL);
    CHECK(awl_stream_at_eof(self->s));
    awl_stream_close(self->s);
    CHECK(way.closed);
    co_end;
}

VIRTUAL_TEST(writes_go_on_after_changed, { awl_stream *s; })
{
    co_begin;
    way.room = 3;
    self->s = over(&plain, &way);
    CHECK_INT(awl_stream_write(self->s, "abcdef", 6), 0);
    CHECK_INT(awl_stream_unsent(self->s), 3);
    way.room = 2;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK_INT(awl_stream_unsent(self->s), 1);
    way.room = 9;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK_STR(way.output, "abcdef");
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(a_flush_that_is_due_is_none_of_a_stream_that_was_aborted, { awl_stream *s; awl_loop_stats before, after; })
{
    co_begin;
    awl_loop_get_stats(NULL, &self->before);
    self->s = over(&plain, &way);
    CHECK_INT(awl_stream_write(self->s, "abc", 3), 0);
    awl_stream_changed(self->s, false, true);
    awl_stream_abort(self->s);
    awl_stream_close(self->s);
    awl_loop_get_stats(NULL, &self->after);
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    self->s = over(&full, &way); /* in the same memory, perhaps */
    co_await(awl_sleep(0));
    CHECK(!way.eof && !way.bye && way.len == 0);
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(pieces_are_kept_where_writing_stopped, { awl_stream *s; })
{
    const struct iovec parts[] = { { "ab", 2 }, { "", 0 }, { "cde", 3 }, { "fg", 2 } };

    co_begin;
    way.room = 3;
    self->s = over(&plain, &way);
    CHECK_INT(awl_stream_writev(self->s, parts, 4), 0);
    CHECK_INT(awl_stream_unsent(self->s), 4);
    CHECK_INT(awl_stream_writev(self->s, parts, -1), EINVAL);
    CHECK_INT(awl_stream_writev(self->s, NULL, 1), EINVAL);
    CHECK_INT(awl_stream_writev(self->s, parts, 0), 0);
    way.room = 9;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK_STR(way.output, "abcdefg");
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(what_takes_a_part_is_asked_until_it_takes_no_more, { awl_stream *s; })
{
    const struct iovec parts[] = { { "", 0 }, { "abcde", 5 }, { "fghi", 4 } };

    co_begin;
    way.room = 8;
    way.most = 3;
    self->s = over(&plain, &way);
    CHECK_INT(awl_stream_writev(self->s, parts, 3), 0);
    CHECK_STR(way.output, "abcdefgh");
    CHECK_INT(awl_stream_unsent(self->s), 1);
    way.room = 1;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK_STR(way.output, "abcdefghi");
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(an_end_that_is_not_now_is_tried_again, { awl_stream *s; })
{
    co_begin;
    way.slow_eof = true;
    self->s = over(&unflushed, &way);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    CHECK(!way.eof);
    way.slow_eof = false;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK(way.eof);
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(the_end_and_the_goodbye_come_after_the_rest, { awl_stream *s; })
{
    co_begin;
    way.held = 2;
    self->s = over(&full, &way);
    CHECK_INT(awl_stream_write(self->s, "x", 1), 0);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    awl_stream_close(self->s);
    CHECK(!way.eof && !way.closed);
    way.room = 1;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK_STR(way.output, "x");
    CHECK(!way.eof); /* it holds something back */
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK(way.eof && way.bye && way.closed);
    co_end;
}

VIRTUAL_TEST(a_goodbye_can_be_waited_for_and_cut_short, { awl_stream *s; int rc; })
{
    co_begin;
    way.slow_bye = true;
    self->s = over(&full, &way);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_wait_closed(self->s), AWL_SECOND));
    CHECK(!way.closed);
    awl_stream_abort(self->s);
    CHECK(way.closed && !way.bye);
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(errors_of_a_transport_are_the_streams, { awl_stream *s; int rc; char c; })
{
    co_begin;
    way.error = EIO;
    self->s = over(&plain, &way);
    CHECK_INT(awl_stream_write(self->s, "x", 1), EIO);
    CHECK_INT(awl_stream_error(self->s), EIO);
    CHECK_FAILS(EIO, awl_stream_read(self->s, &self->c, 1));
    CHECK_INT(awl_stream_write_eof(self->s), EIO);
    awl_stream_close(self->s);
    CHECK(way.closed);
    co_end;
}

co_def(close_it, { awl_stream *s; })
{
    co_begin;
    co_await(awl_sleep(AWL_SECOND));
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(closing_ends_a_read_of_it, { awl_stream *s; int rc; char c; })
{
    co_begin;
    self->s = over(&plain, &way);
    CHECK_INT(awl_spawn(co_call(close_it, .s = self->s)), 0);
    CHECK_FAILS(ECONNABORTED, awl_stream_read(self->s, &self->c, 1));
    CHECK(way.closed);
    co_end;
}

static fake kept;

co_def(leave_open, {})
{
    co_begin;
    (void)!over(&full, &kept);
    co_end;
}

TEST(the_loop_closes_what_is_open)
{
    run_main(co_call(leave_open), true);
    CHECK(kept.closed && !kept.bye);
}

/* ---- Layers ------------------------------------------------------------------------------------------------------ */

/* Turns small letters into capitals, both ways. */
typedef struct loud {
    awl__lower lower;
    awl_loop *loop;
} loud;

static void shout(char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = at[i] >= 'a' && at[i] <= 'z' ? (char)(at[i] - 32) : at[i];
}

static ssize_t loud_read(void *self, void *buf, size_t cap)
{
    loud *l = self;
    const ssize_t n = awl__lower_read(l->loop, &l->lower, buf, cap);

    if (n > 0)
        shout(buf, (size_t)n);
    return n;
}

static ssize_t loud_write(void *self, const struct iovec *parts, int n)
{
    loud *l = self;
    char copy[16];
    const size_t len = parts->iov_len < sizeof copy ? parts->iov_len : sizeof copy;

    (void)n;
    memcpy(copy, parts->iov_base, len);
    shout(copy, len);
    return l->lower.transport->write(l->lower.self, &(struct iovec){ copy, len }, 1);
}

static void loud_close(void *self)
{
    loud *l = self;

    awl__lower_close(l->loop, &l->lower);
}

static loud above;

static const awl_transport loud_transport = { .read = loud_read, .write = loud_write, .close = loud_close };

STREAM_TEST(a_layer_gets_what_was_read_ahead, { awl_stream *s; int peer; char *line; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "quiet\nahead\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "quiet\n");
    above.loop = awl_running_loop();
    CHECK_INT(awl__stream_push(self->s, &loud_transport, &above, &above.lower), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "AHEAD\n");
    put(self->peer, "after\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "AFTER\n");
    CHECK_INT(awl_stream_write(self->s, "answer that is longer", 21), 0);
    CHECK_STR(got(self->peer), "ANSWER THAT IS LONGER");
    awl_stream_close(self->s);
    CHECK_STR(got(self->peer), "END");
    close(self->peer);
    co_end;
}

STREAM_TEST(what_was_read_ahead_goes_with_the_layer, { awl_stream *s; int peer; char *line; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, "one\ntwo\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    above.loop = awl_running_loop();
    CHECK_INT(awl__stream_push(self->s, &loud_transport, &above, &above.lower), 0);
    awl_stream_close(self->s);
    CHECK_STR(got(self->peer), "END");
    close(self->peer);
    co_end;
}

static bool woken;

co_def(watch, { awl_stream *s; })
{
    co_begin;
    co_await(awl__stream_change(self->s));
    woken = true;
    co_end;
}

VIRTUAL_TEST(a_layer_needs_a_quiet_stream, { awl_stream *s; awl_task *t; char c; })
{
    co_begin;
    self->s = over(&plain, &way);
    CHECK_INT(awl_stream_write(self->s, "x", 1), 0);
    CHECK_INT(awl__stream_push(self->s, &loud_transport, &above, &above.lower), EBUSY);
    way.room = 1;
    awl_stream_changed(self->s, false, true);
    self->t = awl_create_task(awl_stream_read(self->s, &self->c, 1));
    co_await(awl_sleep(0));
    CHECK_INT(awl_stream_unsent(self->s), 0);
    CHECK_INT(awl__stream_push(self->s, &loud_transport, &above, &above.lower), EBUSY);
    awl_task_cancel(self->t);
    co_await(awl_sleep(0));
    awl_task_release(self->t);
    awl_stream_abort(self->s);
    CHECK_INT(awl__stream_push(self->s, &loud_transport, &above, &above.lower), ECONNABORTED);
    awl_stream_close(self->s);
    co_end;
}

/* Nothing could be written through it; and an end that has yet to be passed on would be the layer's to pass on. */
VIRTUAL_TEST(a_layer_does_not_come_behind_the_end, { awl_stream *s; })
{
    co_begin;
    way.slow_eof = true;
    self->s = over(&full, &way);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    CHECK_INT(awl__stream_push(self->s, &loud_transport, &above, &above.lower), EPIPE);
    awl_stream_changed(self->s, true, true);
    co_await(awl_sleep(0));
    awl_stream_abort(self->s);
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(a_change_is_waited_for, { awl_stream *s; awl_task *t; int rc; })
{
    co_begin;
    self->s = over(&plain, &way);
    self->t = awl_create_task(co_call(watch, .s = self->s));
    co_await(awl_sleep(0));
    CHECK(!woken);
    awl_stream_changed(self->s, false, false);
    co_await(awl_sleep(0));
    CHECK(woken);
    awl_task_release(self->t);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl__stream_change(self->s), AWL_SECOND));
    awl_stream_close(self->s);
    co_end;
}
