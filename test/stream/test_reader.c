/* test_reader.c: readers, and what reads from them get and wait for. */
#include "reader_rig.h"

/* ---- What is there ----------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(read_takes_what_is_there_up_to_so_much, { int rc; })
{
    co_begin;
    set_up(0);
    CHECK(!awl_reader_at_eof(&r));
    feed("abcdef");
    CHECK_INT(awl_reader_buffered(&r), 6);
    NOW(READ, 4);
    NOW(READ, 0);
    NOW(READ, 4);
    CHECK_TRACE("abcd  ef");
    CHECK_INT(awl_reader_feed_data(&r, NULL, 0), 0);
    feed("x");
    CHECK_INT(awl_reader_feed_eof(&r), 0);
    CHECK_INT(awl_reader_feed_eof(&r), 0);
    CHECK(!awl_reader_at_eof(&r));
    NOW(READ, 4);
    CHECK(awl_reader_at_eof(&r));
    NOW(READ, 4);
    CHECK_TRACE("x ");
    CHECK_INT(awl_reader_feed_data(&r, "x", 1), EPIPE);
    CHECK_INT(awl_reader_error(&r), 0);
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(exactly_waits_for_all_whatever_the_limit, { awl_task *t; })
{
    co_begin;
    set_up(2);
    NOW(EXACTLY, 0);
    self->t = begin(EXACTLY, 8);
    feed("abcde");
    CHECK_TOLD("-");
    co_await(awl_sleep(0));
    CHECK_TOLD("+"); /* or it would wait for ever */
    CHECK_INT(awl_reader_buffered(&r), 5);
    feed("fghij");
    co_await(awl_sleep(0));
    CHECK_TRACE("abcdefgh");
    CHECK_TOLD("-+");
    END(self->t);
    NOW(EXACTLY, 2);
    CHECK_TRACE("ij");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(exactly_at_the_end_leaves_a_partial, { size_t len; })
{
    co_begin;
    set_up(0);
    CHECK_STR(awl_reader_partial(&r, &self->len), "");
    feed("x\nabc");
    awl_reader_feed_eof(&r);
    NOW(LINE, 0);
    NOW(EXACTLY, 5);
    CHECK_STR(awl_reader_partial(&r, &self->len), "abc");
    CHECK_INT(self->len, 3);
    CHECK(awl_reader_at_eof(&r));
    NOW(EXACTLY, 1);
    CHECK_STR(awl_reader_partial(&r, &self->len), "");
    CHECK_INT(self->len, 0);
    CHECK_TRACE("x\n !1103 !1103");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(until_finds_separators_in_pieces, { awl_task *t; char *text; size_t len; })
{
    co_begin;
    set_up(0);
    feed("aa;b");
    NOW(UNTIL, 0);
    self->t = begin(UNTIL, 0);
    co_await(awl_sleep(0));
    feed(";rest");
    END(self->t);
    CHECK_TRACE("aa; b;");
    feed("\r");
    awl_call_later(NULL, NULL, AWL_SECOND, feed_it, "\nx");
    co_let(self->text, awl_reader_read_until(&r, "\r\n", 2, &self->len));
    CHECK_STR(self->text, "rest\r\n");
    CHECK_INT(self->len, 6);
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(until_over_the_limit_keeps_all, { int rc; char *text; })
{
    co_begin;
    set_up(4);
    feed("abcdefgh");
    NOW(UNTIL, 0);
    CHECK_INT(awl_reader_consumed(&r), 8); /* no separator yet */
    feed(";x");
    NOW(UNTIL, 0);
    CHECK_INT(awl_reader_consumed(&r), 8); /* it is there, too far */
    CHECK_FAILS(AWL_ELIMIT, awl_reader_read_until(&r, "xyz", 3, NULL));
    CHECK_INT(awl_reader_consumed(&r), 8);
    NOW(EXACTLY, 10);
    CHECK_TRACE("!1102 !1102 abcdefgh;x");
    feed("abcd;");
    NOW(UNTIL, 0);
    CHECK_TRACE("abcd;"); /* just allowed */
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(until_at_the_end_leaves_a_partial, { size_t len; })
{
    co_begin;
    set_up(0);
    feed("half");
    awl_reader_feed_eof(&r);
    NOW(UNTIL, 0);
    CHECK_TRACE("!1103");
    CHECK_STR(awl_reader_partial(&r, &self->len), "half");
    CHECK_INT(self->len, 4);
    NOW(LINE, 0);
    CHECK_TRACE("(null)");
    CHECK_INT(length, 0);
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(lines_and_the_last_one_without_its_end, {})
{
    co_begin;
    set_up(0);
    feed("one\n\ntwo\r\nlast");
    awl_reader_feed_eof(&r);
    NOW(LINE, 0);
    CHECK_INT(length, 4);
    NOW(LINE, 0);
    NOW(LINE, 0);
    NOW(LINE, 0);
    NOW(LINE, 0);
    CHECK_TRACE("one\n \n two\r\n last (null)");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(line_over_the_limit_is_dropped_up_to_its_end, {})
{
    co_begin;
    set_up(4);
    feed("toolong\nabcd\nrest of it");
    CHECK_TOLD("-");
    NOW(LINE, 0);
    NOW(LINE, 0);
    CHECK_TOLD("");
    NOW(LINE, 0); /* no end in sight: all goes */
    CHECK_TOLD("+");
    CHECK_INT(awl_reader_buffered(&r), 0);
    feed("ok\n");
    NOW(LINE, 0);
    CHECK_TRACE("!1102 abcd\n !1102 ok\n");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(all_is_collected_piece_by_piece, { awl_task *t; int i; })
{
    co_begin;
    set_up(2);
    feed("abcdef");
    self->t = begin(ALL, 0);
    co_await(awl_sleep(0));
    CHECK_INT(awl_reader_buffered(&r), 0);
    CHECK_TOLD("-+");
    feed("gh");
    co_await(awl_sleep(0));
    feed("ij");
    awl_reader_feed_eof(&r);
    END(self->t);
    CHECK_INT(length, 10);
    NOW(ALL, 0);
    CHECK_INT(length, 0);
    CHECK_TRACE("abcdefghij (null)");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(much_is_read_as_it_was_fed, { awl_task *t; int i; size_t sum; char *text; })
{
    co_begin;
    set_up(0);
    for (self->i = 0; self->i < 5000; self->i++) {
        char line[32];

        snprintf(line, sizeof line, "%d\n", self->i);
        feed(line);
        feed(line);
        co_let(self->text, awl_reader_readline(&r, NULL));
        CHECK_INT(atoi(self->text), self->i / 2);
    }
    awl_reader_feed_eof(&r);
    co_let(self->text, awl_reader_read_all(&r, &self->sum));
    CHECK_INT(strlen(self->text), self->sum);
    CHECK_INT(self->sum, 25000);
    awl_reader_fini(&r);
    co_end;
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

/* Each needs more than is there, and goes on one iteration after it has come. */
VIRTUAL_TEST(every_read_waits_and_is_woken_in_the_next_iteration, {
    awl_task *t;
    int way;
    awl_loop_stats before, after;
})
{
    static const char *const more[WAYS] = { "a", "abc", "a\n", "a;", "abcd" };
    static const char *const expected[WAYS] = { "a", "abc", "a\n", "a;", "abcd" };

    co_begin;
    set_up(0);
    for (self->way = READ; self->way < WAYS; self->way++) {
        self->t = begin(self->way, 3);
        co_await(awl_sleep(AWL_SECOND));
        CHECK_TRACE("");
        if (self->way == ALL)
            awl_reader_feed_eof(&r);
        else
            feed(more[self->way]);
        awl_loop_get_stats(awl_running_loop(), &self->before);
        co_await(self->t);
        awl_loop_get_stats(awl_running_loop(), &self->after);
        CHECK_INT(self->after.iterations - self->before.iterations, 2);
        awl_task_release(self->t);
        CHECK_TRACE(self->way == ALL ? "(null)" : expected[self->way]);
    }
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(waiting_allocates_nothing, { awl_task *t; int way; size_t before; awl_loop_stats stats; })
{
    co_begin;
    set_up(0);
    for (self->way = READ; self->way < ALL; self->way++) {
        self->t = begin(self->way, 3);
        awl_loop_get_stats(awl_running_loop(), &self->stats);
        self->before = self->stats.memory_used;
        co_await(awl_sleep(0));
        awl_loop_get_stats(awl_running_loop(), &self->stats);
        CHECK(self->stats.memory_used <= self->before + 256); /* perhaps a segment of the task's stack */
        awl_task_cancel(self->t);
        END(self->t);
    }
    CHECK_INT(atoi(trace + 1), ECANCELED);
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(second_read_that_would_wait_is_busy, { awl_task *t; int way; })
{
    co_begin;
    set_up(0);
    self->t = begin(LINE, 0);
    co_await(awl_sleep(0));
    for (self->way = READ; self->way < WAYS; self->way++) {
        NOW(self->way, 3);
        CHECK_INT(atoi(trace + 1), EBUSY);
        trace[0] = '\0';
    }
    feed("x\n");
    END(self->t);
    CHECK_TRACE("x\n");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(bytes_for_a_woken_read_may_be_taken_by_another, { awl_task *t; })
{
    co_begin;
    set_up(0);
    self->t = begin(READ, 5);
    co_await(awl_sleep(0));
    feed("xy");
    NOW(READ, 5);
    END(self->t); /* nothing, though the stream has not ended */
    CHECK_TRACE("xy ");
    CHECK(!awl_reader_at_eof(&r));
    self->t = begin(LINE, 0);
    co_await(awl_sleep(0));
    feed("ab");
    NOW(READ, 2);
    co_await(awl_sleep(0));
    feed("c\n");
    END(self->t);
    CHECK_TRACE("ab c\n");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(end_wakes_every_kind_of_read, { awl_task *t; int way; })
{
    static const char *const expected[WAYS] = { "", "!1103", "(null)", "!1103", "(null)" };

    co_begin;
    for (self->way = READ; self->way < WAYS; self->way++) {
        set_up(0);
        self->t = begin(self->way, 3);
        co_await(awl_sleep(0));
        awl_reader_feed_eof(&r);
        END(self->t);
        CHECK_TRACE(expected[self->way]);
        awl_reader_fini(&r);
    }
    co_end;
}
