/* test_server.c: connections of the HTTP server: one request after the other, how they end, and servers as such. */
#include "server_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(length, body) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n" body

SERVER_TEST(a_request_is_answered_and_the_next_one_too, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("200 GET /a", GET("/a"));
    CHECK_SAYS("200 GET /b?c", GET("/b?c"));
    client_ends();
    settle();
    CHECK_ANSWERS(".");
    co_await(self->server);
    server_ends(self);
    co_end;
}

static size_t memory_used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(awl_running_loop(), &stats);
    return stats.memory_used;
}

/* An idle connection holds what it held before its first request, whatever that was. */
SERVER_TEST(nothing_is_left_of_a_request, { size_t before; int i; })
{
    static const char *const requests[] = {
        GET("/a?b=c"),
        POST("5", "hello"),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "GET http://b/../.. HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n", /* which is not whole */
    };

    co_begin;
    for (self->i = 0; self->i < 5; self->i++) {
        server_begins(self);
        settle();
        self->before = memory_used();
        client_sends(requests[self->i]);
        settle();
        if (self->i < 3)
            CHECK_INT(memory_used(), self->before);
        client_ends();
        co_await(self->server);
        CHECK(memory_used() <= self->before);
        server_ends(self);
    }
    co_end;
}

SERVER_TEST(requests_in_one_piece_are_answered_in_order, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("200 GET /0; 200 POST / hi; 200 GET /2; 200 POST / ho", GET("/0") POST("2", "hi") GET("/2") POST("2", "ho"));
    server_ends(self);
    co_end;
}

SERVER_TEST(a_client_that_goes_within_a_head_gets_nothing, {})
{
    co_begin;
    server_begins(self);
    client_sends("GET / HTTP/1.1\r\nHo");
    settle();
    client_ends();
    settle();
    CHECK_ANSWERS(".");
    co_await(self->server);
    server_ends(self);
    co_end;
}

SERVER_TEST(who_is_refused_is_not_listened_to_but_not_cut_off_either, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("400 .", "nonsense\r\n\r\n");
    CHECK(the_wire.out_ended && !the_wire.closed);
    CHECK_SAYS(".", GET("/a"));
    CHECK_INT(the_wire.at, the_wire.in_len); /* read, and dropped */
    co_await(awl_sleep(3 * AWL_SECOND));
    CHECK(the_wire.closed);
    co_await(self->server);
    server_ends(self);
    co_end;
}

SERVER_TEST(who_sends_on_after_a_refusal_has_more_time_but_not_for_ever, { int i; })
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("400 .", "nonsense\r\n\r\n");
    for (; self->i < 9; self->i++) {
        client_sends("more");
        settle();
        CHECK(!the_wire.closed);
        co_await(awl_sleep(AWL_SECOND));
    }
    CHECK_INT(the_wire.at, the_wire.in_len);
    for (self->i = 0; self->i < 2; self->i++) {
        client_sends("more");
        co_await(awl_sleep(AWL_SECOND));
    }
    CHECK(the_wire.closed);
    co_await(self->server);
    server_ends(self);
    co_end;
}

SERVER_TEST(lingering_ends_with_the_client, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("400 .", "nonsense\r\n\r\n");
    client_ends();
    settle();
    CHECK(the_wire.closed);
    server_ends(self);
    co_end;
}

/* ---- Bodies that are not read ------------------------------------------------------------------------------------ */

HANDLER(reads_half, { char half[2]; int64_t n; })
{
    co_begin;
    if (strcmp(awl_request_method(self->request), "POST") == 0)
        co_let(self->n, awl_request_read(self->request, self->half, 2));
    awl_respond_print(self->request, 200, NULL, "%.*s", (int)self->n, self->half);
    co_end;
}

SERVER_TEST(a_short_rest_of_a_body_is_dropped, {})
{
    co_begin;
    self->app = app_of(on_reads_half, NULL);
    server_begins(self);
    CHECK_SAYS("200 he; 200", POST("5", "hello") GET("/"));
    client_sends(POST("5", "he"));
    settle();
    CHECK_ANSWERS("200 he"); /* before the rest has come */
    CHECK_SAYS("200", "llo" GET("/"));
    CHECK_SAYS("200 he; 200", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n2\r\n!!\r\n0\r\n\r\n" GET("/"));
    server_ends(self);
    co_end;
}

SERVER_TEST(a_long_rest_of_a_body_ends_the_connection, {})
{
    co_begin;
    self->app = app_of(on_reads_half, NULL);
    server_begins(self);
    CHECK_SAYS("200 he .", POST("70000", "hello"));
    CHECK(!the_wire.closed); /* the client can read that */
    server_ends(self);
    co_end;
}

SERVER_TEST(a_rest_of_a_body_that_is_malformed_ends_the_connection, {})
{
    co_begin;
    self->app = app_of(on_reads_half, NULL);
    server_begins(self);
    CHECK_SAYS("200 he .", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n" GET("/"));
    server_ends(self);
    co_end;
}

/* ---- Handlers that do not do their duty -------------------------------------------------------------------------- */

HANDLER(forgets, {})
{
    co_begin;
    co_await(awl_sleep(0));
    co_end;
}

SERVER_TEST(a_handler_without_a_response_means_500, {})
{
    co_begin;
    self->app = app_of(on_forgets, NULL);
    server_begins(self);
    CHECK_SAYS("500; 500", GET("/") GET("/"));
    CHECK_REPORTS("/:0; /:0");
    server_ends(self);
    co_end;
}

static int failing_with;

HANDLER(fails, {})
{
    co_begin;
    co_raise(failing_with);
    co_end;
}

SERVER_TEST(a_handler_that_fails_means_500_and_a_report, {})
{
    co_begin;
    failing_with = EDOM;
    self->app = app_of(on_fails, NULL);
    server_begins(self);
    CHECK_SAYS("500; 500", GET("/a") GET("/b"));
    CHECK_STR(reports, "/a:33; /b:33");
    reports[0] = '\0';
    server_ends(self);
    co_end;
}

/* A report is one line, whatever a client asked for. */
SERVER_TEST(what_a_report_says_of_a_request_has_no_control_characters, {})
{
    co_begin;
    failing_with = EDOM;
    self->app = app_of(on_fails, NULL);
    server_begins(self);
    CHECK_SAYS("500", GET("/%0aawl:%1b%5b2J%c2%9b"));
    CHECK_STR(reports, "/%0aawl:%1b%5b2J%c2%9b:33");
    reports[0] = '\0';
    server_ends(self);
    co_end;
}

HANDLER(fails_late, {})
{
    co_begin;
    CHECK_INT(awl_respond_field(self->request, "Content-Encoding", "gzip"), 0);
    CHECK_INT(awl_respond_field(self->request, "Cache-Control", "max-age=3600"), 0);
    co_raise(failing_with);
    co_end;
}

/* The page of an error is no gzip, and not to be kept for an hour. */
SERVER_TEST(the_fields_of_a_response_that_failed_are_not_those_of_the_error, {})
{
    co_begin;
    failing_with = EDOM;
    self->app = app_of(on_fails_late, NULL);
    server_begins(self);
    CHECK_SAYS("500", GET("/"));
    CHECK(!strstr(the_wire.out, "gzip") && !strstr(the_wire.out, "max-age"));
    CHECK_STR(reports, "/:33");
    reports[0] = '\0';
    server_ends(self);
    co_end;
}

/* A cancellation that nobody asked this task for is a failure like others. */
SERVER_TEST(a_handler_that_ends_cancelled_does_not_take_the_connection_with_it, {})
{
    co_begin;
    failing_with = ECANCELED;
    self->app = app_of(on_fails, NULL);
    server_begins(self);
    CHECK_SAYS("500; 500", GET("/a") GET("/b"));
    CHECK(reports[0]);
    reports[0] = '\0';
    server_ends(self);
    co_end;
}

static bool was_cancelled;

HANDLER(sleeps_long, {})
{
    co_begin;
    co_await(awl_sleep(AWL_FOREVER));
    co_finally;
    was_cancelled = co_failing == ECANCELED;
    co_end;
}

SERVER_TEST(a_cancelled_connection_cancels_its_handler, {})
{
    co_begin;
    self->app = app_of(on_sleeps_long, NULL);
    server_begins(self);
    client_sends(GET("/"));
    settle();
    awl_task_cancel(self->server);
    CHECK_FAILS(ECANCELED, self->server);
    CHECK(was_cancelled);
    CHECK_ANSWERS("");
    server_ends(self);
    co_end;
}

/* ---- Who pipelines for ever -------------------------------------------------------------------------------------- */

static int handled;

HANDLER(answers_much, {})
{
    co_begin;
    handled++;
    awl_respond_print(self->request, 200, NULL, "%01000d", 1);
    co_end;
}

/* A client that asks and asks and reads no answer is let wait when 64 KiB are unsent. */
SERVER_TEST(who_asks_and_does_not_read_is_not_answered_for_ever, {})
{
    static char all[10000 * sizeof GET("/")];

    co_begin;
    for (int i = 0; i < 10000; i++)
        memcpy(all + (size_t)i * strlen(GET("/")), GET("/"), strlen(GET("/")) + 1);
    self->app = app_of(on_answers_much, NULL);
    server_begins(self);
    client_takes(0);
    client_sends(all);
    co_await(awl_sleep(1 * AWL_SECOND));
    CHECK(handled > 30 && handled < 100);
    CHECK(the_wire.at < 20000); /* the rest waits in the kernel, and in the client */
    client_takes(100000);
    co_await(awl_sleep(1 * AWL_SECOND));
    CHECK(handled > 100 && handled < 250);
    server_ends(self);
    co_end;
}

/* ---- Any stream -------------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(an_application_and_a_stream_are_needed, { awl_http_app *app; int rc; })
{
    co_begin;
    self->app = echo_app(NULL);
    CHECK_FAILS(EINVAL, awl_http_serve_stream(self->app, NULL));
    CHECK_FAILS(EINVAL, awl_http_serve_stream(NULL, wire_open(&the_wire, NULL)));
    CHECK_FAILS(EINVAL, awl_http_serve(NULL, "127.0.0.1", 0, NULL));
    CHECK_FAILS(EINVAL, awl_http_serve(self->app, "127.0.0.1", 70000, NULL));
    awl_stream_close(the_wire.s);
    awl_http_app_release(self->app);
    co_end;
}

VIRTUAL_TEST(a_pair_of_sockets_does, { awl_http_app *app; awl_stream *s; int peer; })
{
    co_begin;
    self->app = echo_app(NULL);
    self->s = open_pair(&self->peer, NULL);
    put(self->peer, GET("/x"));
    shutdown(self->peer, SHUT_WR);
    co_await(awl_http_serve_stream(self->app, self->s));
    CHECK(strstr(got(self->peer), "\r\n\r\nGET /x") != NULL);
    CHECK_STR(got(self->peer), "END");
    close(self->peer);
    awl_stream_close(self->s);
    awl_http_app_release(self->app);
    co_end;
}

/* ---- Servers ----------------------------------------------------------------------------------------------------- */

co_def(asks, { int port; const char *text, *wanted; awl_stream *s; char *line; })
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    CHECK_INT(awl_stream_write(self->s, self->text, strlen(self->text)), 0);
    do {
        co_let(self->line, awl_stream_readline(self->s, NULL));
    } while (self->line && strcmp(self->line, self->wanted) != 0);
    CHECK_STR(self->line, self->wanted);
    co_return(self->s);
    co_finally;
    if (co_failing)
        awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(a_server_serves_and_ends_idle_connections, { awl_http_app *app; awl_server *server; awl_stream *s; char *line; })
{
    co_begin;
    self->app = echo_app(NULL);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    awl_http_app_release(self->app); /* the server has it */
    co_let(self->s, co_call(asks, .port = awl_server_port(self->server), .text = GET("/a"), .wanted = "\r\n"));
    co_await(awl_sleep(0));
    co_await(awl_server_wait_closed(self->server));
    do /* what is left of the answer, and the end */
        co_let(self->line, awl_stream_readline(self->s, NULL));
    while (self->line);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

HANDLER(takes_its_time, {})
{
    co_begin;
    co_await(awl_sleep(20 * AWL_MS));
    awl_respond_text(self->request, 200, NULL, "done\n");
    co_end;
}

STREAM_TEST(a_server_that_is_closed_lets_requests_come_to_their_end, {
    awl_http_app *app;
    awl_server *server;
    awl_stream *s;
    awl_task *client;
})
{
    co_begin;
    self->app = app_of(on_takes_its_time, NULL);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    awl_http_app_release(self->app);
    self->client = awl_create_task(co_call(asks, .port = awl_server_port(self->server), .text = GET("/"), .wanted = "done\n"));
    CHECK(self->client != NULL);
    while (!awl_server_clients(self->server) && !awl_task_done(self->client))
        co_await(awl_sleep(1 * AWL_MS));
    co_await(awl_sleep(2 * AWL_MS));
    co_await(awl_server_wait_closed(self->server));
    co_let(self->s, self->client);
    awl_task_release(self->client);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

/* ---- Ends that clients can tell apart ---------------------------------------------------------------------------- */

static bool asked, may_answer;

HANDLER(waits_for_leave, {})
{
    co_begin;
    asked = true;
    while (!may_answer)
        co_await(awl_sleep(AWL_MS));
    awl_respond_text(self->request, 200, NULL, "done\n");
    co_end;
}

HANDLER(fails_within_its_body, {})
{
    co_begin;
    asked = true;
    awl_respond_begin(self->request, 200, NULL, -1);
    co_await(awl_respond_write(self->request, "half", 4));
    while (!may_answer)
        co_await(awl_sleep(AWL_MS));
    co_raise(EIO);
    co_end;
}

HANDLER(never_ends_its_body, {})
{
    co_begin;
    asked = true;
    awl_respond_begin(self->request, 200, NULL, -1);
    co_await(awl_respond_write(self->request, "half", 4));
    co_await(awl_sleep(AWL_FOREVER));
    co_end;
}

/* Serves by a handler, asks it as HTTP/1.0 has it, and returns when it has been called. */
co_def(asked_as_1_0, { awl_http_handler *handler; awl_server **server; awl_http_app *app; awl_stream *s; int turns; })
{
    co_begin;
    asked = may_answer = false;
    self->app = app_of(self->handler, NULL);
    co_let(*self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(*self->server), NULL));
    CHECK_INT(awl_stream_print(self->s, "GET / HTTP/1.0\r\n\r\n"), 0);
    while (!asked) {
        if (self->turns++ == 500) /* there was no memory to accept it, or to serve */
            co_raise(ENOMEM);
        co_await(awl_sleep(AWL_MS));
    }
    co_return(self->s);
    co_finally;
    awl_http_app_release(self->app);
    if (co_failing)
        awl_stream_close(self->s);
    co_end;
}

/* Reads to the end. Result: the last line. */
co_def(last_line, { awl_stream *s; char *line; char last[64]; })
{
    co_begin;
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        snprintf(self->last, sizeof self->last, "%s", self->line);
    }
    CHECK_STR(self->last, "done\n");
    co_end;
}

STREAM_TEST(what_comes_behind_the_last_request_does_not_destroy_its_response, { awl_server *server; awl_stream *s; })
{
    co_begin;
    co_let(self->s, co_call(asked_as_1_0, .handler = on_waits_for_leave, .server = &self->server));
    CHECK_INT(awl_stream_print(self->s, "\r\n"), 0); /* RFC 9112, 2.2: some send that behind a request */
    may_answer = true;
    co_await(co_call(last_line, .s = self->s));
    co_finally;
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

/* RFC 9112, 8: to HTTP/1.0 an end says that the body is whole; a reset does not. */
STREAM_TEST(a_body_up_to_the_end_that_breaks_off_ends_in_a_reset, { awl_server *server; awl_stream *s; int rc; })
{
    co_begin;
    co_let(self->s, co_call(asked_as_1_0, .handler = on_fails_within_its_body, .server = &self->server));
    may_answer = true;
    CHECK_FAILS(ECONNRESET, co_call(last_line, .s = self->s));
    CHECK_REPORTS("/:5");
    co_finally;
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(so_does_one_whose_server_has_no_more_time, { awl_server *server; awl_stream *s; int rc; })
{
    co_begin;
    co_let(self->s, co_call(asked_as_1_0, .handler = on_never_ends_its_body, .server = &self->server));
    co_await(awl_server_shutdown(self->server, -1));
    CHECK_FAILS(ECONNRESET, co_call(last_line, .s = self->s));
    co_finally;
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

/* The tasks of connections are the library's: a program that ends before they have been released is right. */
co_def(leaves_connections_open, { awl_http_app *app; awl_server *server; awl_stream *s; int turns; })
{
    co_begin;
    self->app = awl_http_app_new(NULL);
    if (!self->app || awl_http_middleware(self->app, on_takes_its_time, NULL))
        co_raise(ENOMEM);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    if (awl_stream_print(self->s, GET("/")))
        co_raise(ENOMEM);
    while (!awl_server_clients(self->server)) {
        if (self->turns++ == 2000) /* who cannot be accepted for want of memory is not */
            co_raise(ENOMEM);
        co_await(awl_sleep(AWL_MS));
    }
    co_finally;
    awl_stream_close(self->s);
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    co_end;
}

TEST(a_program_that_ends_with_open_connections_is_not_blamed)
{
    const awl_loop_options options = { .debug = true, .report = note_report };

    CHECK_INT(awl_run_with(co_call(leaves_connections_open), &options, NULL), 0);
    CHECK_REPORTS("");
}
