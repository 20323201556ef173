/* test_incoming.c: bodies that come in, by length, in chunks and to the end; in whichever pieces. */
#include "server_rig.h"

#include "http/incoming.h"

static awl__incoming the_body;

/* Reads all of the_body in pieces of up to `cap` bytes. Result: bytes. */
co_def(reads_all, { char *to; size_t cap, got; int64_t n; })
{
    co_begin;
    do {
        co_let(self->n, awl__incoming_read(&the_body, self->to + self->got, self->cap));
        CHECK(self->n >= 0 && (size_t)self->n <= self->cap);
        self->got += (size_t)self->n;
    } while (self->n);
    self->to[self->got] = '\0';
    co_return((int64_t)self->got);
    co_end;
}

static char data[20000], sink;

/* One body, that comes with a pause at `cut` and then after every `step`, is read in pieces of `cap`. */
co_def(comes, {
    const char *bytes, *expected;
    enum awl__framing framing;
    size_t cut, step, cap;
    int length, error, rc;
    awl_stream *s;
})
{
    co_begin;
    self->s = wire_open(&the_wire, NULL);
    the_wire.cut = self->cut;
    the_wire.step = self->step;
    the_wire.in_ends = true;
    client_sends(self->bytes);
    awl__incoming_begin(&the_body, self->s, self->framing, (uint64_t)self->length, 100);
    data[0] = '\0';
    co_try(self->rc, co_call(reads_all, .to = data, .cap = self->cap));
    CHECK_INT(self->rc, self->error);
    if (!self->error) {
        CHECK_STR(data, self->expected);
        CHECK(the_body.ended);
    } else {
        co_try(self->rc, awl__incoming_read(&the_body, data, 1)); /* for ever */
        CHECK_INT(self->rc, self->error);
    }
    awl_stream_close(self->s);
    co_end;
}

#define COMES(...)                                                                                                     \
    co_call(comes, .bytes = self->bytes, .expected = self->expected, .framing = self->framing, .cap = self->cap,       \
            .length = self->length, .error = self->error, __VA_ARGS__)

co_def(comes_in_all_ways, { const char *bytes, *expected; enum awl__framing framing; int length, error; size_t cap, cut; })
{
    co_begin;
    for (self->cap = 1; self->cap < 200; self->cap = self->cap * 3 + 1) {
        for (self->cut = 0; self->cut < strlen(self->bytes); self->cut++)
            co_await(COMES(.cut = self->cut));
        co_await(COMES(.cut = 1, .step = 1));
    }
    co_end;
}

#define BODY_TEST(name, ...)                                                                                           \
    TEST(name) { run_main(co_call(comes_in_all_ways, __VA_ARGS__), true); }

BODY_TEST(a_body_has_its_length, .bytes = "hellorest", .framing = AWL__BODY_LENGTH, .length = 5, .expected = "hello")
BODY_TEST(without_a_body_nothing_is_read, .bytes = "rest", .framing = AWL__NO_BODY, .expected = "")
BODY_TEST(to_the_end_is_all, .bytes = "hello\r\n", .framing = AWL__BODY_TO_END, .expected = "hello\r\n")
BODY_TEST(one_that_stops_short_is_incomplete, .bytes = "hell", .framing = AWL__BODY_LENGTH, .length = 5, .error = AWL_EINCOMPLETE)
BODY_TEST(one_that_is_too_long_is_not_read, .bytes = "hello", .framing = AWL__BODY_LENGTH, .length = 101, .error = AWL_ELIMIT)
BODY_TEST(chunks_are_put_together, .bytes = "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nT: v\r\n\r\nrest", .framing = AWL__BODY_CHUNKED,
          .expected = "hello!")
BODY_TEST(no_chunks_are_an_empty_body, .bytes = "0\r\n\r\n", .framing = AWL__BODY_CHUNKED, .expected = "")
BODY_TEST(chunks_without_the_last_are_incomplete, .bytes = "5\r\nhello\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_EINCOMPLETE)
BODY_TEST(half_a_size_is_incomplete, .bytes = "5\r\nhello\r\n1", .framing = AWL__BODY_CHUNKED, .error = AWL_EINCOMPLETE)
BODY_TEST(trailers_without_an_end_are_incomplete, .bytes = "0\r\nA: b\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_EINCOMPLETE)
BODY_TEST(a_chunk_that_is_too_long_is_malformed, .bytes = "5\r\nhelloo\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_EPROTOCOL)
BODY_TEST(a_line_without_a_cr_is_malformed, .bytes = "5\nhello\r\n0\r\n\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_EPROTOCOL)
BODY_TEST(an_empty_line_is_no_size, .bytes = "\r\n0\r\n\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_EPROTOCOL)
BODY_TEST(a_trailer_is_a_field, .bytes = "0\r\nnone\r\n\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_EPROTOCOL)
BODY_TEST(chunks_beyond_the_limit_are_refused, .bytes = "60\r\n" "012345678901234567890123456789012345678901234567890123456789"
          "012345678901234567890123456789012345" "\r\n5\r\nhello\r\n0\r\n\r\n", .framing = AWL__BODY_CHUNKED, .error = AWL_ELIMIT)

/* What is behind a body is not touched. */
VIRTUAL_TEST(what_is_behind_is_the_next_ones, { awl_stream *s; char *line; int64_t n; })
{
    co_begin;
    self->s = wire_open(&the_wire, NULL);
    client_sends("2\r\nhi\r\n0\r\n\r\nnext\n");
    awl__incoming_begin(&the_body, self->s, AWL__BODY_CHUNKED, 0, 100);
    co_let(self->n, co_call(reads_all, .to = data, .cap = 50));
    CHECK_INT(self->n, 2);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "next\n");
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(a_cancelled_read_goes_on_where_it_was, { awl_stream *s; int rc; int64_t n; const char *at; })
{
    static const char bytes[] = "3\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n";

    co_begin;
    self->s = wire_open(&the_wire, NULL);
    awl__incoming_begin(&the_body, self->s, AWL__BODY_CHUNKED, 0, 100);
    data[0] = '\0';
    for (self->at = bytes; !the_body.ended;) {
        co_try(self->rc, awl_wait_for(awl__incoming_read(&the_body, data + strlen(data), 1), 1 * AWL_MS));
        CHECK(self->rc == 0 || (self->rc == ETIMEDOUT && *self->at));
        if (self->rc)
            client_sends_n(self->at++, 1);
    }
    CHECK_STR(data, "abcde");
    awl_stream_close(self->s);
    co_end;
}

VIRTUAL_TEST(two_reads_at_once_are_too_many, { awl_stream *s; int rc; awl_task *first; })
{
    co_begin;
    self->s = wire_open(&the_wire, NULL);
    awl__incoming_begin(&the_body, self->s, AWL__BODY_LENGTH, 3, 100);
    self->first = awl_create_task(awl__incoming_read(&the_body, data, 10));
    CHECK(self->first != NULL);
    settle();
    CHECK_FAILS(EBUSY, awl__incoming_read(&the_body, data + 10, 10));
    CHECK_FAILS(EINVAL, awl__incoming_read(&the_body, data + 10, 0));
    client_sends("abc");
    co_await(self->first);
    CHECK_MEM(data, "abc", 3);
    awl_task_release(self->first);
    awl_stream_close(self->s);
    co_end;
}

/* Extensions that are much longer than the data are refused; the smallest chunks there can be are not. */
VIRTUAL_TEST(small_chunks_are_fine_and_long_extensions_are_not, { awl_stream *s; char *bytes; int rc; int64_t n; })
{
    co_begin;
    self->bytes = data;
    for (int i = 0; i < 3000; i++)
        memcpy(data + i * 6, "1\r\nx\r\n", 6);
    memcpy(data + 18000, "0\r\n\r\n", 6);
    self->s = wire_open(&the_wire, NULL);
    client_sends(data);
    awl__incoming_begin(&the_body, self->s, AWL__BODY_CHUNKED, 0, 5000);
    for (self->n = 1; self->n;)
        co_let(self->n, awl__incoming_read(&the_body, &sink, 1));
    CHECK_INT(the_body.total, 3000);
    awl_stream_close(self->s);

    for (int i = 0; i < 150; i++)
        snprintf(data + i * 127, 128, "1;%0120d\r\nx\r\n", i);
    self->s = wire_open(&the_wire, NULL);
    client_sends(data);
    awl__incoming_begin(&the_body, self->s, AWL__BODY_CHUNKED, 0, 5000);
    for (self->rc = 0; !self->rc;)
        co_try(self->rc, awl__incoming_read(&the_body, &sink, 1));
    CHECK_INT(self->rc, AWL_ELIMIT);
    CHECK(the_body.total > 140 && the_body.total < 150);
    awl_stream_close(self->s);
    co_end;
}
