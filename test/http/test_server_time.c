/* test_server_time.c: how long a client may take: for its head, its body, the next request, and to read the answer. */
#include "server_rig.h"
#include "../../lib/loop/loop_priv.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int seconds(void) { return (int)(awl_loop_time(NULL) / AWL_SECOND); }

/* Sends a byte of `text` at a time, with a pause before each, for as long as the server listens. */
co_def(dribbles, { const char *text; awl_time pause; })
{
    co_begin;
    for (; *self->text && !the_wire.closed && !the_wire.out_ended; self->text++) {
        co_await(awl_sleep(self->pause));
        if (!the_wire.closed)
            client_sends_n(self->text, 1);
    }
    co_end;
}

/* ---- Heads: 10 s ------------------------------------------------------------------------------------------------- */

SERVER_TEST(a_head_has_ten_seconds_from_its_first_byte, {})
{
    co_begin;
    server_begins(self);
    co_await(awl_sleep(70 * AWL_SECOND)); /* idle */
    client_sends("GET / HTTP/1.1\r\n");
    co_await(awl_sleep(9 * AWL_SECOND));
    CHECK_ANSWERS("");
    co_await(awl_sleep(2 * AWL_SECOND));
    CHECK_ANSWERS("408 .");
    CHECK(the_wire.closed);
    co_await(self->server);
    server_ends(self);
    co_end;
}

/* Slowloris: a byte now and then does not help. */
SERVER_TEST(a_head_that_dribbles_has_no_more, {})
{
    co_begin;
    server_begins(self);
    co_await(co_call(dribbles, .text = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\n\r\n", .pause = 1 * AWL_SECOND));
    CHECK_ANSWERS("408 .");
    CHECK_INT(seconds(), 11);
    server_ends(self);
    co_end;
}

/* A byte that comes when the time is up, but before anybody has looked at the clock, is late as well. */
SERVER_TEST(a_byte_in_the_last_moment_gives_no_more_time, {})
{
    co_begin;
    server_begins(self);
    client_sends("GET / HT");
    co_await(awl_sleep(9 * AWL_SECOND));
    awl_running_loop()->now += 2 * AWL_SECOND;
    client_sends("TP/1.1\r\n");
    settle();
    CHECK_ANSWERS("408 .");
    server_ends(self);
    co_end;
}

/* The same, of empty lines before the request. */
SERVER_TEST(empty_lines_are_part_of_the_head, {})
{
    co_begin;
    server_begins(self);
    client_sends("\r\n");
    co_await(awl_sleep(11 * AWL_SECOND));
    CHECK_ANSWERS("408 .");
    server_ends(self);
    co_end;
}

SERVER_TEST(each_head_has_its_own_time, { int i; })
{
    co_begin;
    server_begins(self);
    for (self->i = 0; self->i < 3; self->i++) {
        client_sends("GET / HTTP/1.1\r\n");
        co_await(awl_sleep(9 * AWL_SECOND));
        CHECK_SAYS("200 GET /", "Host: a\r\n\r\n");
        co_await(awl_sleep(9 * AWL_SECOND));
    }
    server_ends(self);
    co_end;
}

/* ---- Idle: 75 s -------------------------------------------------------------------------------------------------- */

SERVER_TEST(an_idle_connection_ends_after_a_while, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("200 GET /", GET("/"));
    co_await(awl_sleep(74 * AWL_SECOND));
    CHECK(!the_wire.closed);
    CHECK_SAYS("200 GET /", GET("/"));
    co_await(awl_sleep(74 * AWL_SECOND));
    CHECK(!the_wire.closed);
    co_await(awl_sleep(2 * AWL_SECOND));
    CHECK(the_wire.closed);
    CHECK_ANSWERS("."); /* without a word, as there was no request */
    server_ends(self);
    co_end;
}

SERVER_TEST(who_never_asks_is_idle, {})
{
    co_begin;
    server_begins(self);
    co_await(awl_sleep(76 * AWL_SECOND));
    CHECK_ANSWERS(".");
    co_await(self->server);
    server_ends(self);
    co_end;
}

/* ---- Bodies: 30 s for the next byte ------------------------------------------------------------------------------ */

#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"

SERVER_TEST(each_byte_of_a_body_has_thirty_seconds, {})
{
    co_begin;
    server_begins(self);
    client_sends(POST);
    co_await(co_call(dribbles, .text = "hello", .pause = 29 * AWL_SECOND));
    settle();
    CHECK_ANSWERS("200 POST / hello");
    server_ends(self);
    co_end;
}

SERVER_TEST(a_body_that_does_not_come_ends_the_connection, {})
{
    co_begin;
    server_begins(self);
    client_sends(POST "hell");
    co_await(awl_sleep(31 * AWL_SECOND));
    CHECK(the_wire.closed);
    CHECK_ANSWERS(".");
    server_ends(self);
    co_end;
}

/* A handler may take as long as it likes before and between its reads. */
HANDLER(reads_late, { char c; int64_t n; })
{
    co_begin;
    co_await(awl_sleep(60 * AWL_MINUTE));
    co_let(self->n, awl_request_read(self->request, &self->c, 1));
    co_await(awl_sleep(60 * AWL_MINUTE));
    awl_respond(self->request, 200, NULL, &self->c, 1);
    co_end;
}

SERVER_TEST(the_handlers_time_is_not_the_clients, {})
{
    co_begin;
    self->app = app_of(on_reads_late, NULL);
    server_begins(self);
    client_sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    co_await(awl_sleep(180 * AWL_MINUTE));
    CHECK_ANSWERS("200 x ."); /* and has been idle since */
    server_ends(self);
    co_end;
}

/* What nobody reads is not waited for longer. */
HANDLER(does_not_read, {})
{
    co_begin;
    awl_respond_text(self->request, 200, NULL, "fine");
    co_end;
}

SERVER_TEST(the_rest_of_a_body_has_thirty_seconds_in_all, {})
{
    co_begin;
    self->app = app_of(on_does_not_read, NULL);
    server_begins(self);
    client_sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    settle();
    CHECK_ANSWERS("200 fine");
    co_await(co_call(dribbles, .text = "0123456789012345678901234567890123456789", .pause = 1 * AWL_SECOND));
    CHECK(the_wire.closed);
    CHECK(seconds() >= 30 && seconds() <= 32);
    server_ends(self);
    co_end;
}

/* ---- Writing: 60 s for the next byte ----------------------------------------------------------------------------- */

HANDLER(writes_much, { char block[10000]; int i; })
{
    co_begin;
    awl_respond_begin(self->request, 200, NULL, -1);
    for (self->i = 0; self->i < 20; self->i++)
        co_await(awl_respond_write(self->request, self->block, sizeof self->block));
    co_end;
}

SERVER_TEST(who_takes_nothing_is_let_go, {})
{
    co_begin;
    self->app = app_of(on_writes_much, NULL);
    server_begins(self);
    client_takes(100);
    client_sends(GET("/"));
    co_await(awl_sleep(59 * AWL_SECOND));
    CHECK(!the_wire.closed);
    co_await(awl_sleep(2 * AWL_SECOND));
    CHECK(the_wire.closed);
    server_ends(self);
    co_end;
}

SERVER_TEST(who_takes_a_little_is_served_on, { int i; })
{
    co_begin;
    self->app = app_of(on_writes_much, NULL);
    server_begins(self);
    client_takes(100);
    client_sends(GET("/"));
    for (self->i = 0; self->i < 20; self->i++) {
        co_await(awl_sleep(50 * AWL_SECOND));
        CHECK(!the_wire.closed);
        client_takes(100);
    }
    client_takes(SIZE_MAX);
    settle();
    CHECK(the_wire.out_len > 200000);
    CHECK_STR(the_wire.out + the_wire.out_len - 7, "\r\n0\r\n\r\n");
    server_ends(self);
    co_end;
}

SERVER_TEST(an_answer_that_is_not_taken_does_not_hold_the_connection, {})
{
    co_begin;
    server_begins(self);
    client_takes(100);
    client_sends("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    co_await(awl_sleep(59 * AWL_SECOND));
    CHECK(!the_wire.closed);
    co_await(awl_sleep(2 * AWL_SECOND));
    CHECK(the_wire.closed);
    server_ends(self);
    co_end;
}

/* ---- Times of one's own ------------------------------------------------------------------------------------------ */

SERVER_TEST(all_times_can_be_set, { awl_http_app_options options; })
{
    co_begin;
    self->options = (awl_http_app_options){ .head_timeout = 1 * AWL_MS, .idle_timeout = AWL_FOREVER, .body_timeout = 5 * AWL_MS };
    self->app = echo_app(&self->options);
    server_begins(self);
    co_await(awl_sleep(60000 * AWL_MINUTE));
    CHECK_SAYS("200 GET /", GET("/"));
    client_sends(POST);
    co_await(awl_sleep(4 * AWL_MS));
    CHECK(!the_wire.closed);
    co_await(awl_sleep(2 * AWL_MS));
    CHECK(the_wire.closed);
    server_ends(self);

    self->app = echo_app(&self->options);
    server_begins(self);
    client_sends("GET");
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_ANSWERS("408 .");
    server_ends(self);
    co_end;
}
