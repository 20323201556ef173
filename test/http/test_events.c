/* test_events.c: server-sent events. */
#include "site_rig.h"

/* What the first request of a test answers with. */
static awl_http_event the_event;
static awl_time keep_alive, pause_before_end;

HANDLER(events, {})
{
    co_begin;
    CHECK_INT(awl_respond_events(self->request, keep_alive), 0);
    co_await(awl_respond_event(self->request, &the_event));
    co_await(awl_sleep(pause_before_end));
    co_end;
}

/* The events that the response to one request has, until the handler has ended. */
#define CHECK_EVENTS(expected)                                                                                         \
    do {                                                                                                               \
        self->app = app_of(on_events, NULL);                                                                           \
        server_begins(self);                                                                                           \
        CHECK_GET("/", "", expected);                                                                                  \
        server_ends(self);                                                                                             \
    } while (0)

SERVER_TEST(an_event_has_the_lines_that_it_is_made_of, {})
{
    co_begin;
    the_event = (awl_http_event){ .data = "a", .event = "tick", .id = "7", .retry = 2500 * AWL_MS };
    CHECK_EVENTS("200 event: tick\nid: 7\nretry: 2500\ndata: a");
    the_event = (awl_http_event){ .data = "one\ntwo\r\nthree\rfour\n" };
    CHECK_EVENTS("200 data: one\ndata: two\ndata: three\ndata: four\ndata:");
    the_event = (awl_http_event){ .data = "" };
    CHECK_EVENTS("200 data:");
    the_event = (awl_http_event){ .id = "" };
    CHECK_EVENTS("200 id:");
    co_end;
}

SERVER_TEST(the_response_is_not_to_be_kept, {})
{
    co_begin;
    the_event = (awl_http_event){ .data = "a" };
    self->app = app_of(on_events, NULL);
    server_begins(self);
    get("/", "");
    settle();
    CHECK_FIELD("Content-Type: text/event-stream");
    CHECK_FIELD("Cache-Control: no-store");
    CHECK_FIELD("X-Accel-Buffering: no");
    CHECK_FIELD("Transfer-Encoding: chunked");
    CHECK_ANSWERS("200 data: a");
    server_ends(self);
    co_end;
}

/* Comments come after 15 s of silence, or as was asked for, and none after the end. */
SERVER_TEST(comments_keep_a_silent_stream_alive, {})
{
    co_begin;
    the_event = (awl_http_event){ .data = "a" };
    pause_before_end = 46 * AWL_SECOND;
    self->app = app_of(on_events, NULL);
    server_begins(self);
    get("/", "");
    co_await(awl_sleep(60 * AWL_SECOND));
    CHECK_ANSWERS("200 data: a\n\n:\n\n:\n\n:");
    keep_alive = 40 * AWL_SECOND;
    get("/", "");
    co_await(awl_sleep(60 * AWL_SECOND));
    CHECK_ANSWERS("200 data: a\n\n:");
    keep_alive = AWL_FOREVER;
    get("/", "");
    co_await(awl_sleep(60 * AWL_SECOND));
    CHECK_ANSWERS("200 data: a");
    server_ends(self);
    co_end;
}

/* Nobody takes the comments: the connection is given up, though the handler waits for something else. */
SERVER_TEST(a_client_that_takes_nothing_is_given_up, {})
{
    co_begin;
    the_event = (awl_http_event){ .data = "a" };
    pause_before_end = 10 * AWL_MINUTE;
    self->app = app_of(on_events, NULL);
    server_begins(self);
    client_takes(5);
    get("/", "");
    co_await(awl_sleep(60 * AWL_SECOND));
    CHECK_INT(awl_stream_error(self->s), 0);
    co_await(awl_sleep(40 * AWL_SECOND));
    CHECK_INT(awl_stream_error(self->s), ETIMEDOUT);
    server_ends(self);
    co_end;
}

/* HEAD gets its head, and the next request its turn: nobody goes on to make events for it. */
HANDLER(never_ends, {})
{
    co_begin;
    the_event = (awl_http_event){ .data = "a" };
    CHECK_INT(awl_respond_events(self->request, 0), 0);
    for (;;) {
        co_await(awl_respond_event(self->request, &the_event));
        co_await(awl_sleep(1 * AWL_MS));
    }
    co_end;
}

SERVER_TEST(head_of_a_stream_of_events_ends, {})
{
    co_begin;
    self->app = app_of(on_never_ends, NULL);
    server_begins(self);
    client_sends("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    settle();
    CHECK_FIELD("Content-Type: text/event-stream");
    CHECK_STR(answers_to(&the_wire, true), "200");
    CHECK_GET("/", "", "200 data: a!");
    server_ends(self);
    co_end;
}

HANDLER(misuse, {})
{
    co_begin;
    the_event = (awl_http_event){ .data = "a" };
    CHECK_FAILS(EINVAL, awl_respond_event(self->request, &the_event));
    CHECK_INT(awl_respond_events(NULL, 0), EINVAL);
    CHECK_INT(awl_respond_events(self->request, -1), EINVAL);
    CHECK_INT(awl_respond_events(self->request, 0), 0);
    CHECK_INT(awl_respond_events(self->request, 0), EALREADY);
    CHECK_FAILS(EINVAL, awl_respond_event(self->request, NULL));
    CHECK_FAILS(EINVAL, awl_respond_event(NULL, &the_event));
    the_event.event = "a\nb";
    CHECK_FAILS(EINVAL, awl_respond_event(self->request, &the_event));
    the_event = (awl_http_event){ .data = "a", .id = "\r" };
    CHECK_FAILS(EINVAL, awl_respond_event(self->request, &the_event));
    CHECK_STR(awl_request_last_event_id(self->request), "12");
    co_end;
}

SERVER_TEST(what_is_no_event_is_refused, {})
{
    co_begin;
    self->app = app_of(on_misuse, NULL);
    server_begins(self);
    CHECK_GET("/", "Last-Event-ID: 12\r\n", "200");
    server_ends(self);
    co_end;
}

/* ---- Servers that end -------------------------------------------------------------------------------------------- */

static int said_at_the_end;

/* An event each second, for ever. */
HANDLER(ticks, {})
{
    co_begin;
    CHECK_INT(awl_respond_events(self->request, 0), 0);
    for (;;) {
        co_await(awl_respond_event(self->request, &(awl_http_event){ .data = "tick" }));
        co_await(awl_sleep(AWL_MS));
    }
    co_finally;
    said_at_the_end = co_failing;
    co_end;
}

/* Waits for what never happens, or for the end. */
HANDLER(waits, {})
{
    co_begin;
    CHECK_INT(awl_respond_events(self->request, 0), 0);
    co_await(awl_respond_event(self->request, &(awl_http_event){ .data = "tick" }));
    co_await(awl_race(awl_sleep(AWL_SECOND), awl_request_disconnected(self->request)));
    co_finally;
    said_at_the_end = co_failing;
    co_end;
}

/* Does not look at all: it is cancelled, where the application wants that. */
HANDLER(sleeps, {})
{
    co_begin;
    CHECK_INT(awl_respond_events(self->request, 0), 0);
    co_await(awl_respond_event(self->request, &(awl_http_event){ .data = "tick" }));
    co_await(awl_sleep(AWL_SECOND)); /* so long where there is no memory to watch the client */
    co_finally;
    said_at_the_end = co_failing;
    co_end;
}

/* Reads the stream to its end, which is a proper one, while its server ends: that waits for ever otherwise. */
co_def(sees_the_end, { awl_http_app *app; awl_server *server; awl_stream *s; awl_task *end; char *line; bool last; })
{
    co_begin;
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    if (awl_stream_print(self->s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        co_raise(ENOMEM);
    do
        co_let(self->line, awl_wait_for(awl_stream_readline(self->s, NULL), 3 * AWL_SECOND));
    while (self->line && strcmp(self->line, "data: tick\n") != 0);
    CHECK(self->line != NULL);
    self->end = awl_create_task(awl_server_wait_closed(self->server));
    if (!self->end)
        co_raise(ENOMEM);
    for (;;) {
        co_let(self->line, awl_wait_for(awl_stream_readline(self->s, NULL), 3 * AWL_SECOND));
        if (!self->line)
            break;
        self->last = strcmp(self->line, "0\r\n") == 0 || (self->last && strcmp(self->line, "\r\n") == 0);
    }
    CHECK(self->last);
    co_await(awl_wait_for(self->end, 3 * AWL_SECOND));
    co_finally;
    awl_task_release(self->end);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

#define EVENTS_END_TEST(name, handler, cancels, error)                                                                 \
    STREAM_TEST(name, { awl_http_app *app; awl_http_app_options options; })                                            \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        self->options.cancel_on_disconnect = (cancels);                                                                \
        self->app = app_of(handler, &self->options);                                                                   \
        co_await(co_call(sees_the_end, .app = self->app));                                                             \
        CHECK_INT(said_at_the_end, (error));                                                                           \
        co_finally;                                                                                                    \
        awl_http_app_release(self->app);                                                                               \
        co_end;                                                                                                        \
    }

EVENTS_END_TEST(streams_end_with_their_server, on_ticks, false, EPIPE)
EVENTS_END_TEST(who_waits_for_the_client_sees_that_the_server_ends, on_waits, false, 0)
EVENTS_END_TEST(who_is_cancelled_when_the_client_goes_is_when_the_server_ends, on_sleeps, true, ECANCELED)
