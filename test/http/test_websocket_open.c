/* test_websocket_open.c: how WebSockets begin, in both roles; and both roles with each other. */
#define _GNU_SOURCE
#include "../../lib/websocket/websocket_priv.h"
#include "site_rig.h"

/* ---- Accepting --------------------------------------------------------------------------------------------------- */

static awl_websocket_options accepting;

/* Says what it gets, to whoever says it, until that one closes. */
HANDLER(repeat, { awl_websocket *ws; awl_websocket_message m; int kind; })
{
    co_begin;
    CHECK_INT(awl_respond_field(self->request, "X-Own", "1"), 0);
    co_let(self->ws, awl_websocket_accept(self->request, &accepting));
    if (!self->ws)
        co_return(0);
    CHECK_FAILS(EALREADY, awl_websocket_accept(self->request, NULL));
    for (;;) {
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        if (self->kind == AWL_WEBSOCKET_CLOSED)
            break;
        co_await(awl_websocket_send(self->ws, (enum awl_websocket_kind)self->kind, self->m.data, self->m.len));
    }
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* The example of RFC 6455, 1.2 and 1.3. */
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

SERVER_TEST(a_websocket_is_accepted_and_served, {})
{
    static const char hello[] = "\x81\x85keyk" "\x03\x00\x15\x07\x04"; /* "hello", masked with "keyk" */

    co_begin;
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    get("/chat", UPGRADE KEY VERSION);
    settle();
    CHECK(strncmp(fresh(), "HTTP/1.1 101 Switching Protocols\r\n", 34) == 0);
    CHECK_FIELD("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK_FIELD("Upgrade: websocket");
    CHECK_FIELD("Connection: Upgrade");
    CHECK_FIELD("X-Own: 1");
    CHECK_NO_FIELD("Sec-WebSocket-Protocol");
    CHECK_NO_FIELD("Content-Length");
    the_wire.read_up_to = the_wire.out_len;
    client_sends_n(hello, sizeof hello - 1);
    settle();
    CHECK_MEM(fresh(), "\x81\x05hello", 7);
    the_wire.read_up_to = the_wire.out_len;
    client_sends_n("\x88\x80keyk", 6);
    settle();
    CHECK_MEM(fresh(), "\x88\x00", 2);
    CHECK(the_wire.closed);
    server_ends(self);
    co_end;
}

/* What a client did wrong is not reported, and it is given time to read why it was refused. */
SERVER_TEST(a_client_that_is_refused_can_read_why, {})
{
    co_begin;
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    get("/chat", UPGRADE KEY VERSION);
    settle();
    the_wire.read_up_to = the_wire.out_len;
    client_sends_n("\x83\x80keyk", 6);
    settle();
    CHECK_MEM(fresh(), "\x88\x02\x03\xea", 4);
    CHECK(the_wire.out_ended && !the_wire.closed);
    client_sends("more of the same");
    co_await(awl_sleep(AWL_SECOND));
    CHECK(!the_wire.closed);
    co_await(awl_sleep(2 * AWL_SECOND));
    CHECK(the_wire.closed);
    CHECK_REPORTS("");
    server_ends(self);
    co_end;
}

SERVER_TEST(what_asks_for_no_websocket_is_refused, {})
{
    co_begin;
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    get("/", KEY VERSION);
    settle();
    CHECK_FIELD("Upgrade: websocket");
    CHECK_FIELD("Sec-WebSocket-Version: 13");
    CHECK_ANSWERS("426");
    CHECK_GET("/", "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION, "426");
    CHECK_GET("/", "Upgrade: websocket\r\n" KEY VERSION, "426");
    CHECK_GET("/", UPGRADE KEY "Sec-WebSocket-Version: 8\r\n", "426");
    CHECK_GET("/", UPGRADE KEY, "426");
    CHECK_GET("/", UPGRADE VERSION, "400");
    CHECK_GET("/", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", "400");
    CHECK_GET("/", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ!=\r\n", "400");
    CHECK_SAYS("400", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" UPGRADE KEY VERSION "\r\n");
    CHECK_SAYS("400 .", "GET / HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n");
    server_ends(self);
    co_end;
}

SERVER_TEST(a_page_of_another_site_is_refused, {})
{
    co_begin;
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    CHECK_GET("/", UPGRADE KEY VERSION "Origin: http://b\r\n", "403");
    CHECK_GET("/", UPGRADE KEY VERSION "Origin: null\r\n", "403");
    CHECK_GET("/", UPGRADE KEY VERSION "Origin: http://a:81\r\n", "403");
    get("/", UPGRADE KEY VERSION "Origin: https://A\r\n");
    settle();
    CHECK(strncmp(fresh(), "HTTP/1.1 101 ", 13) == 0);
    server_ends(self);
    accepting.any_origin = true;
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    get("/", UPGRADE KEY VERSION "Origin: http://b\r\n");
    settle();
    CHECK(strncmp(fresh(), "HTTP/1.1 101 ", 13) == 0);
    server_ends(self);
    co_end;
}

SERVER_TEST(the_servers_first_choice_of_subprotocols_is_taken, {})
{
    co_begin;
    accepting.protocols = "one, two,three";
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    get("/", UPGRADE KEY VERSION "Sec-WebSocket-Protocol: three, Two\r\nsec-websocket-protocol: x,two\r\n");
    settle();
    CHECK_FIELD("Sec-WebSocket-Protocol: two");
    server_ends(self);
    self->app = app_of(on_repeat, NULL);
    server_begins(self);
    get("/", UPGRADE KEY VERSION "Sec-WebSocket-Protocol: four\r\n");
    settle();
    CHECK_NO_FIELD("Sec-WebSocket-Protocol");
    CHECK(strncmp(fresh(), "HTTP/1.1 101 ", 13) == 0);
    server_ends(self);
    co_end;
}

SERVER_TEST(a_list_is_taken_apart_by_commas, {})
{
    co_begin;
    CHECK(awl__list_has("keep-alive, Upgrade", "upgrade"));
    CHECK(awl__list_has(" ,\tUPGRADE\t,", "upgrade"));
    CHECK(!awl__list_has("upgrades", "upgrade"));
    CHECK(!awl__list_has("up", "upgrade"));
    CHECK(!awl__list_has("", "upgrade"));
    CHECK(!awl__list_has(NULL, "upgrade"));
    CHECK_FAILS(EINVAL, awl_websocket_accept(NULL, NULL));
    co_end;
}

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

/* Answers the request of the client at the other end of a pair, after having put the accepted key where %s is. */
static void answer(int peer, const char *response)
{
    static char request[2048], text[2048];
    const ssize_t n = read(peer, request, sizeof request - 1);
    char key[AWL__WS_ANSWER + 1] = "";
    const char *at;

    request[n > 0 ? n : 0] = '\0';
    at = strstr(request, "Sec-WebSocket-Key: ");
    CHECK(at != NULL);
    awl__websocket_answer(at + 19, key);
    snprintf(text, sizeof text, response, key);
    put(peer, text);
}

#define ACCEPTS \
    "HTTP/1.1 101 Yes\r\nupgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: %s\r\n"

#define INTERIM \
    "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 \r\n\r\n"

/* Options and headers that are gone when it runs: they are copied. */
static awl_coro asks(awl_stream *s)
{
    return awl_websocket_connect_stream(
        s, "ws://h:81?q=1",
        &(awl_websocket_options){ .protocols = "a, b",
                                  .headers = (awl_http_pair[]){ { "Origin", "http://x" }, { NULL, NULL } } });
}

VIRTUAL_TEST(a_client_asks_as_the_rfc_says, {
    awl_stream *s;
    awl_task *task;
    awl_websocket *ws;
    int peer, rc;
    char key[80];
})
{
    const char *request;

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->task = awl_create_task(asks(self->s));
    CHECK(self->task != NULL);
    co_await(awl_sleep(AWL_MS));
    request = got(self->peer);
    CHECK(strncmp(request, "GET /?q=1 HTTP/1.1\r\nHost: h:81\r\n", 32) == 0);
    CHECK(strstr(request, "\r\nUpgrade: websocket\r\n"));
    CHECK(strstr(request, "\r\nConnection: Upgrade\r\n"));
    CHECK(strstr(request, "\r\nSec-WebSocket-Version: 13\r\n"));
    CHECK(strstr(request, "\r\nSec-WebSocket-Protocol: a, b\r\n"));
    CHECK(strstr(request, "\r\nOrigin: http://x\r\n"));
    awl__websocket_answer(strstr(request, "Sec-WebSocket-Key: ") + 19, self->key);
    put(self->peer, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
    co_await(awl_sleep(AWL_MS));
    put(self->peer, "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: b\r\n");
    co_await(awl_sleep(AWL_MS));
    put(self->peer, "Sec-WebSocket-Accept: ");
    put(self->peer, self->key);
    put(self->peer, "\r\n\r\n\x81\x02hi"); /* the first message is here already */
    co_let(self->ws, self->task);
    awl_task_release(self->task);
    CHECK_STR(awl_websocket_protocol(self->ws), "b");
    {
        static awl_websocket_message m;

        co_await(awl_websocket_receive(self->ws, &m));
        CHECK_STR(m.data, "hi");
    }
    awl_websocket_close(self->ws);
    close(self->peer);
    co_end;
}

VIRTUAL_TEST(a_server_that_does_not_agree_is_an_error, { awl_stream *s; awl_task *task; int peer, rc; size_t i; })
{
    static const struct {
        const char *response;
        int error;
    } cases[] = {
        { "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", AWL_ESTATUS },
        { "HTTP/1.1 200 Yes\r\nContent-Length: 0\r\n\r\n", AWL_ESTATUS },
        { "HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", AWL_EPROTOCOL },
        { "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", AWL_EPROTOCOL },
        { "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", AWL_EPROTOCOL },
        { "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x%s\r\n\r\n",
          AWL_EPROTOCOL },
        { ACCEPTS "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", AWL_EPROTOCOL },
        { ACCEPTS "Sec-WebSocket-Protocol: A\r\n\r\n", AWL_EPROTOCOL },
        { ACCEPTS "Sec-WebSocket-Protocol: a, b\r\n\r\n", AWL_EPROTOCOL },
        { "HTTP/2 101\r\n\r\n", AWL_EPROTOCOL },
        { INTERIM "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", AWL_ESTATUS },
        { INTERIM INTERIM INTERIM INTERIM INTERIM, AWL_EPROTOCOL }, /* more than 16 */
        { INTERIM, AWL_EINCOMPLETE },
        { "HTTP/1.1 101 ", AWL_EINCOMPLETE },
        { "", AWL_EINCOMPLETE },
    };

    co_begin;
    for (self->i = 0; self->i < sizeof cases / sizeof *cases; self->i++) {
        self->s = open_pair(&self->peer, NULL);
        self->task = awl_create_task(
            awl_websocket_connect_stream(self->s, "ws://h/", &(awl_websocket_options){ .protocols = "a,b" }));
        CHECK(self->task != NULL);
        co_await(awl_sleep(AWL_MS));
        answer(self->peer, cases[self->i].response);
        shutdown(self->peer, SHUT_WR);
        CHECK_FAILS(cases[self->i].error, self->task);
        awl_task_release(self->task);
        awl_stream_close(self->s);
        close(self->peer);
    }
    co_end;
}

VIRTUAL_TEST(what_is_no_websocket_url_is_refused, { awl_stream *s; int peer, rc; })
{
    static const awl_http_pair headers[] = { { "X", "a\r\nb" }, { NULL, NULL } };

    co_begin;
    CHECK_FAILS(EINVAL, awl_websocket_connect(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_websocket_connect("ftp://h/", NULL));
    CHECK(strstr(awl_error_message(EINVAL), "ws:// or wss://") && strstr(awl_error_message(EINVAL), ": ftp://h/"));
    CHECK_FAILS(EINVAL, awl_websocket_connect("ws:///x", NULL));
    CHECK_FAILS(EINVAL, awl_websocket_connect("/x", NULL));
    CHECK_FAILS(EINVAL, awl_websocket_connect("", NULL));
    CHECK_FAILS(EINVAL, awl_websocket_connect("ws://me@127.0.0.1:1/", NULL));
    CHECK(!strstr(awl_error_message(EINVAL), "me@"));
    CHECK_FAILS(EINVAL, awl_websocket_connect("ws://127.0.0.1:1/#a", NULL));
    CHECK_FAILS(EINVAL, awl_websocket_connect("ws://127.0.0.%31:1/", NULL));
    CHECK_FAILS(EINVAL, awl_websocket_connect_stream(NULL, "ws://h/", NULL));
    self->s = open_pair(&self->peer, NULL);
    CHECK_FAILS(EINVAL, awl_websocket_connect_stream(self->s, "ws//", NULL));
    CHECK_FAILS(EINVAL,
                awl_websocket_connect_stream(self->s, "ws://h/", &(awl_websocket_options){ .headers = headers }));
    CHECK_FAILS(EINVAL,
                awl_websocket_connect_stream(self->s, "ws://h/", &(awl_websocket_options){ .protocols = "a\r\n" }));
    CHECK(strstr(awl_error_message(EINVAL), "Sec-WebSocket-Protocol"));
    CHECK_FAILS(EINVAL, awl_websocket_send_text(NULL, "x"));
    CHECK(strstr(awl_error_message(EINVAL), "NULL for a WebSocket"));
    CHECK_STR(got(self->peer), "");
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

/* RFC 6874: the zone is for this side alone. */
VIRTUAL_TEST(the_zone_of_an_address_is_not_sent, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_FAILS(ETIMEDOUT,
                awl_wait_for(awl_websocket_connect_stream(self->s, "ws://[FE80::1%25eth0]:81/", NULL), AWL_SECOND));
    CHECK(strncmp(got(self->peer), "GET / HTTP/1.1\r\nHost: [fe80::1]:81\r\n", 36) == 0);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

VIRTUAL_TEST(a_handshake_can_be_given_up, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_websocket_connect_stream(self->s, "ws://h/", NULL), AWL_SECOND));
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */

STREAM_TEST(both_roles_understand_each_other, {
    awl_http_app *app;
    awl_server *server;
    awl_websocket *ws;
    awl_websocket_message m;
    char url[64], *big;
    int kind, rc;
})
{
    co_begin;
    self->app = app_of(on_repeat, NULL);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    snprintf(self->url, sizeof self->url, "ws://127.0.0.1:%d/", awl_server_port(self->server));
    co_let(self->ws, awl_websocket_connect(self->url, NULL));
    co_await(awl_websocket_send_text(self->ws, "h\xc3\xa4llo"));
    co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(self->kind, AWL_WEBSOCKET_TEXT);
    CHECK_STR(self->m.data, "h\xc3\xa4llo");

    self->big = malloc(1 << 20);
    CHECK(self->big != NULL);
    for (int i = 0; i < 1 << 20; i++)
        self->big[i] = (char)(i * 7 >> 3);
    co_try(self->rc, awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, self->big, 1 << 20));
    CHECK_INT(self->rc, 0);
    co_try(self->rc, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(self->rc, 0);
    CHECK_INT(self->m.len, 1 << 20);
    CHECK_MEM(self->m.data, self->big, 1 << 20);
    free(self->big);
    co_await(awl_websocket_end(self->ws, 1000, NULL));
    co_await(awl_server_wait_closed(self->server));
    co_finally;
    awl_websocket_close(self->ws);
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    co_end;
}

/* ---- Servers that end -------------------------------------------------------------------------------------------- */

/* A server, and a WebSocket to it by which one message has gone there and back. */
co_def(connects, { awl_server *server; awl_websocket *ws; awl_websocket_message m; char url[64]; })
{
    co_begin;
    snprintf(self->url, sizeof self->url, "ws://127.0.0.1:%d/", awl_server_port(self->server));
    co_let(self->ws, awl_websocket_connect(self->url, NULL));
    co_await(awl_websocket_send_text(self->ws, "a"));
    co_await(awl_websocket_receive(self->ws, &self->m));
    co_return(self->ws);
    co_finally;
    if (co_failing)
        awl_websocket_close(self->ws);
    co_end;
}

/* Keeps on sending, and receives nothing. */
HANDLER(sends_on, { awl_websocket *ws; })
{
    co_begin;
    co_let(self->ws, awl_websocket_accept(self->request, NULL));
    for (;;) {
        co_await(awl_websocket_send_text(self->ws, "b"));
        co_await(awl_sleep(AWL_MS));
    }
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* Accepts when the server is ending already. */
static awl_server *the_server;

HANDLER(accepts_late, { awl_websocket *ws; awl_websocket_message m; })
{
    co_begin;
    awl_server_close(the_server);
    the_server = NULL;
    co_let(self->ws, awl_websocket_accept(self->request, NULL));
    CHECK_FAILS(EPIPE, awl_websocket_send_text(self->ws, "x"));
    co_await(awl_websocket_receive(self->ws, &self->m));
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

#define END_TEST(name)                                                                                                 \
    STREAM_TEST(name, {                                                                                                \
        awl_http_app *app;                                                                                             \
        awl_server *server;                                                                                            \
        awl_websocket *ws;                                                                                             \
        awl_websocket_message m;                                                                                       \
        char url[64];                                                                                                  \
        int kind, rc;                                                                                                  \
    })

/* Nothing but the end of the server ends them: its grace is for ever. */
co_def(ends_with_websocket, {
    awl_server *server;
    awl_websocket *ws;
    awl_websocket_message m;
    awl_task *end;
    int kind;
})
{
    co_begin;
    self->end = awl_create_task(awl_server_wait_closed(self->server));
    if (!self->end)
        co_raise(ENOMEM);
    do
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
    while (self->kind != AWL_WEBSOCKET_CLOSED);
    CHECK_INT(awl_websocket_close_code(self->ws), 1001);
    co_await(self->end);
    co_finally;
    awl_task_release(self->end);
    co_end;
}

#define WEBSOCKET_END_TEST(name, handler)                                                                              \
    END_TEST(name)                                                                                                     \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        self->app = app_of(handler, NULL);                                                                             \
        co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));                                         \
        co_let(self->ws, co_call(connects, .server = self->server));                                                   \
        co_await(co_call(ends_with_websocket, .server = self->server, .ws = self->ws));                                \
        co_finally;                                                                                                    \
        awl_websocket_close(self->ws);                                                                                 \
        awl_server_close(self->server);                                                                                \
        awl_http_app_release(self->app);                                                                               \
        co_end;                                                                                                        \
    }

WEBSOCKET_END_TEST(a_server_that_ends_closes_its_websockets, on_repeat)
WEBSOCKET_END_TEST(a_handler_that_only_sends_ends_too, on_sends_on)

END_TEST(a_websocket_of_a_server_that_is_ending_is_closed_at_once)
{
    co_begin;
    self->app = app_of(on_accepts_late, NULL);
    co_let(the_server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    snprintf(self->url, sizeof self->url, "ws://127.0.0.1:%d/", awl_server_port(the_server));
    co_let(self->ws, awl_websocket_connect(self->url, NULL));
    co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(self->kind, AWL_WEBSOCKET_CLOSED);
    CHECK_INT(awl_websocket_close_code(self->ws), 1001);
    co_finally;
    awl_websocket_close(self->ws);
    awl_server_close(the_server);
    the_server = NULL;
    awl_http_app_release(self->app);
    co_end;
}
