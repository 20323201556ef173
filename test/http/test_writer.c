/* test_writer.c: heads that are checked as they are made, dates, and bodies that are counted. */
#include "server_rig.h"

#include <time.h>

#include "http/writer.h"

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

/* WRITER_TEST(name): a test with an empty head `out`. */
#define WRITER_TEST(name)                                                                                              \
    static void name##_on(awl__http_out *out);                                                                         \
    VIRTUAL_TEST(name, {})                                                                                             \
    {                                                                                                                  \
        awl__http_out out = { .loop = awl_running_loop() };                                                            \
                                                                                                                       \
        co_begin;                                                                                                      \
        name##_on(&out);                                                                                               \
        awl__http_out_free(&out);                                                                                      \
        CHECK_INT(out.len, 0);                                                                                         \
        co_end;                                                                                                        \
    }                                                                                                                  \
    static void name##_on(awl__http_out *out)

#define CHECK_OUT(out, expected)                                                                                       \
    (CHECK_INT((out)->error, 0), CHECK_INT((out)->len, strlen(expected)), CHECK_MEM((out)->at, (expected), (out)->len))

WRITER_TEST(fields_are_written)
{
    CHECK_INT(awl__http_out_field(out, "A", "b c"), 0);
    CHECK_INT(awl__http_out_field(out, "Empty", ""), 0);
    CHECK_INT(awl__http_out_field(out, "X", "\xe9\t\xff"), 0);
    CHECK_OUT(out, "A: b c\r\nEmpty: \r\nX: \xe9\t\xff\r\n");
}

WRITER_TEST(what_would_split_a_head_is_refused)
{
    static const char *const wrong[][2] = {
        { "A", "b\r\nC: d" }, { "A", "b\rc" }, { "A", "b\nc" }, { "A", "b\001" }, { "A", "b\x7f" }, { "A", "\x1b[m" },
        { "A", " b" },        { "A", "b\t" },  { "A\r\nB", "c" }, { "A:", "b" },  { "A ", "b" },    { "", "b" },
        { "\xe9", "b" },      { NULL, "b" },   { "A", NULL },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(awl__http_out_field(out, wrong[i][0], wrong[i][1]), EINVAL);
    CHECK_OUT(out, "");
}

WRITER_TEST(how_the_body_comes_is_not_the_callers_to_say)
{
    CHECK_INT(awl__http_out_field(out, "Content-Length", "5"), EINVAL);
    CHECK_INT(awl__http_out_field(out, "transfer-ENCODING", "chunked"), EINVAL);
    CHECK_INT(awl__http_out_field(out, "Connection", "close"), EINVAL);
    CHECK_INT(awl__http_out_field(out, "Content-Lengths", "5"), 0);
    CHECK_INT(awl__http_out_field(out, "Connections", "5"), 0);
    CHECK_OUT(out, "Content-Lengths: 5\r\nConnections: 5\r\n");
}

WRITER_TEST(a_head_grows_as_it_needs)
{
    char value[3000];

    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    awl__http_out_text(out, "x", 1);
    awl__http_out_print(out, "%d-%s", 7, value);
    CHECK_INT(awl__http_out_field(out, "A", value), 0);
    CHECK_INT(out->len, 1 + 2 + 2999 + 3 + 2999 + 2);
    CHECK_MEM(out->at + out->len - 4, "vv\r\n", 4);
}

/* Without memory all is in vain from there on; the same head goes on where the error is taken back. */
WRITER_TEST(without_memory_a_head_says_so)
{
    static char value[200000];

    memset(value, 'v', sizeof value - 1);
    harness_fail_alloc_from(1);
    CHECK_INT(awl__http_out_field(out, "A", value), ENOMEM);
    awl__http_out_print(out, "%d", 5);
    awl__http_out_text(out, "c", 1);
    CHECK_INT(out->error, ENOMEM);
    harness_fail_alloc(0);
    awl__http_out_text(out, "c", 1);
    CHECK_INT(out->len, 0);
    out->error = 0;
    awl__http_out_text(out, "c", 1);
    CHECK_OUT(out, "c");
}

WRITER_TEST(the_date_is_now)
{
    struct timespec now; /* time() may be a second behind it */
    int64_t then;
    char text[100];

    CHECK_INT(awl__http_out_date(out), 0);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK_INT(out->len, 6 + 29 + 2);
    memcpy(text, out->at + 6, 29);
    text[29] = '\0';
    then = awl__http_parse_date(text);
    CHECK(then <= now.tv_sec && then > now.tv_sec - 60);
}

/* ---- Dates: RFC 9110, 5.6.7 -------------------------------------------------------------------------------------- */

TEST(dates_are_read_in_three_forms)
{
    CHECK_INT(awl__http_parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    CHECK_INT(awl__http_parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    CHECK_INT(awl__http_parse_date("Sun Nov  6 08:49:37 1994"), 784111777);
    CHECK_INT(awl__http_parse_date("Thu, 29 Feb 2024 23:59:60 GMT"), 1709251200);
}

TEST(what_is_no_date_is_refused)
{
    static const char *const wrong[] = {
        "", "Sun", "0", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT", "Thu, 01 Jan 1969 00:00:00 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
        "Sun, 32 Dec 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(awl__http_parse_date(wrong[i]), -1);
}

TEST(dates_come_back_as_they_went)
{
    char text[AWL__HTTP_DATE];

    awl__http_date(784111777, text);
    CHECK_STR(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    for (int64_t t = 0; t < 253402300800; t += 86400 * 17 + 3661) {
        awl__http_date(t, text);
        CHECK_INT(strlen(text), 29);
        CHECK_INT(awl__http_parse_date(text), t);
    }
    awl__http_date(INT64_MAX, text);
    CHECK_STR(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

/* A year of two digits is not more than 50 years ahead. */
TEST(short_years_are_near)
{
    time_t now = time(NULL);
    const int year = gmtime(&now)->tm_year + 1900;
    char text[60];

    for (int ahead = -48; ahead <= 49; ahead++) {
        snprintf(text, sizeof text, "Sunday, 06-Nov-%02d 08:49:37 GMT", (year + ahead) % 100);
        if (year + ahead >= 1970) {
            char full[60];

            snprintf(full, sizeof full, "Sun, 06 Nov %d 08:49:37 GMT", year + ahead);
            CHECK_INT(awl__http_parse_date(text), awl__http_parse_date(full));
        }
    }
}

/* ---- Bodies ------------------------------------------------------------------------------------------------------ */

/* BODY_TEST(name, { how the body is framed }): a test with a body `b` that goes to a stream `s` on the_wire. */
#define BODY_TEST(name, ...)                                                                                           \
    static void name##_on(awl__body_out *b, awl_stream *s);                                                            \
    VIRTUAL_TEST(name, {})                                                                                             \
    {                                                                                                                  \
        awl__body_out body = __VA_ARGS__;                                                                              \
        awl_stream *s = wire_open(&the_wire, NULL);                                                                    \
                                                                                                                       \
        co_begin;                                                                                                      \
        name##_on(&body, s);                                                                                           \
        awl_stream_close(s);                                                                                           \
        co_end;                                                                                                        \
    }                                                                                                                  \
    static void name##_on(awl__body_out *b, awl_stream *s)

#define CHECK_SENT(text) CHECK_STR(the_wire.out, (text))

BODY_TEST(a_body_of_a_length_goes_as_it_is, { .framing = AWL__BODY_LENGTH, .left = 5 })
{
    CHECK_INT(awl__body_write(b, s, "hel", 3), 0);
    CHECK_INT(awl__body_write(b, s, NULL, 0), 0);
    CHECK_INT(awl__body_write(b, s, "lo", 2), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_SENT("hello");
}

BODY_TEST(more_than_was_promised_is_refused_and_stays_so, { .framing = AWL__BODY_LENGTH, .left = 5 })
{
    CHECK_INT(awl__body_write(b, s, "hello!", 6), EMSGSIZE);
    CHECK_INT(awl__body_write(b, s, "hello", 5), EMSGSIZE);
    CHECK_INT(awl__body_end(b, s), EMSGSIZE);
    CHECK_SENT("");
}

BODY_TEST(less_than_was_promised_is_said_at_the_end, { .framing = AWL__BODY_LENGTH, .left = 5 })
{
    CHECK_INT(awl__body_write(b, s, "hell", 4), 0);
    CHECK_INT(awl__body_end(b, s), EMSGSIZE);
    CHECK_INT(awl__body_end(b, s), EMSGSIZE);
}

BODY_TEST(chunks_have_their_sizes_around_them, { .framing = AWL__BODY_CHUNKED })
{
    CHECK_INT(awl__body_write(b, s, "0123456789abcdef0", 17), 0);
    CHECK_INT(awl__body_write(b, s, "", 0), 0); /* which would have been the end */
    CHECK_INT(awl__body_write(b, s, "x", 1), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_SENT("11\r\n0123456789abcdef0\r\n1\r\nx\r\n0\r\n\r\n");
    CHECK_INT(awl__body_write(b, s, "y", 1), EMSGSIZE);
}

BODY_TEST(a_body_to_the_end_is_what_it_is, { .framing = AWL__BODY_TO_END })
{
    CHECK_INT(awl__body_write(b, s, "ab", 2), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_SENT("ab");
}

BODY_TEST(where_none_may_be_there_is_none, { .framing = AWL__NO_BODY })
{
    CHECK_INT(awl__body_write(b, s, "", 0), 0);
    CHECK_INT(awl__body_write(b, s, "a", 1), EMSGSIZE);
    CHECK_SENT("");
}

BODY_TEST(of_a_body_for_head_nothing_goes_and_all_is_counted, { .framing = AWL__BODY_LENGTH, .left = 5, .discard = true })
{
    CHECK_INT(awl__body_write(b, s, "hell", 4), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_SENT("");
}

BODY_TEST(no_chunks_go_to_head, { .framing = AWL__BODY_CHUNKED, .discard = true })
{
    CHECK_INT(awl__body_write(b, s, "hell", 4), 0);
    CHECK_INT(awl__body_end(b, s), 0);
    CHECK_SENT("");
}

/* What could not be kept is missing, and so the end must be. */
BODY_TEST(behind_a_chunk_that_was_lost_there_is_no_end, { .framing = AWL__BODY_CHUNKED })
{
    the_wire.room = 0;
    harness_fail_alloc_from(1);
    CHECK_INT(awl__body_write(b, s, "lost", 4), ENOMEM);
    harness_fail_alloc(0);
    the_wire.room = SIZE_MAX;
    CHECK_INT(awl__body_write(b, s, "more", 4), ENOMEM);
    CHECK_INT(awl__body_end(b, s), ENOMEM);
    CHECK_SENT("");
}
