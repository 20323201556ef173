/* test_https_server.c: the server over TLS: what a handler knows of it, names and protocols, clients that cannot be let
 * in beside those that are, the end of a server, files, WebSockets. */
#include "../stream/rig.h"
#include "../tls/certs.h"

#define PEM(name)                                                                                                  \
    {                                                                                                              \
        .cert = name##_pem, .cert_len = sizeof name##_pem - 1, .key = name##_key, .key_len = sizeof name##_key - 1 \
    }

static const awl_tls_key server_keys[] = { PEM(server_ec), PEM(other) }, client_key[] = { PEM(client_ec) },
                         strange_key[] = { PEM(client_strange) };
static const char *const http_1_1[] = { "http/1.1", NULL }, *const newer[] = { "h2", "http/1.1", NULL },
                         *const only_newer[] = { "h2", NULL };

/* ---- The application --------------------------------------------------------------------------------------------- */

#define HANDLER(name, ...)                                     \
    co_declare(name, {                                         \
        awl_request *request;                                  \
        int rc;                                                \
        __extension__ struct __VA_ARGS__;                      \
    });                                                        \
    static awl_coro on_##name(awl_request *request, void *arg) \
    {                                                          \
        return (void)arg, co_call(name, .request = request);   \
    }                                                          \
    co_define(name)

static int handled;

/* Says what it knows of the connection. */
HANDLER(describes, { awl_tls_details d; })
{
    const awl_tls_details *d = &self->d;

    co_begin;
    handled++;
    CHECK_INT(awl_tls_info(awl_request_stream(self->request), &self->d), 0);
    awl_respond_print(self->request, 200, "text/plain", "%s to %s, %s, from %s%s", d->version,
                      d->server_name ? d->server_name : "nobody", d->protocol ? d->protocol : "-",
                      d->subject ? d->subject : "nobody", d->verified ? ", verified" : "");
    co_end;
}

HANDLER(echoes, {
    char *body;
    size_t len;
})
{
    co_begin;
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    awl_respond(self->request, 200, NULL, self->body, self->len);
    co_end;
}

static int begun, ended, cancelled;

HANDLER(takes_its_time, {})
{
    co_begin;
    begun++;
    co_await(awl_sleep(strcmp(awl_request_query_string(self->request), "long") == 0 ? AWL_FOREVER : 30 * AWL_MS));
    awl_respond_text(self->request, 200, NULL, "done");
    co_finally;
    ended += !co_failing;
    cancelled += co_failing == ECANCELED;
    co_end;
}

HANDLER(sends_a_file, {})
{
    co_begin;
    co_await(awl_respond_file(self->request, "/proc/self/exe", "application/octet-stream"));
    co_end;
}

HANDLER(chats, {
    awl_websocket *ws;
    awl_websocket_message m;
    int kind;
})
{
    co_begin;
    co_let(self->ws, awl_websocket_accept(self->request, NULL));
    if (!self->ws)
        co_return(0);
    for (;;) {
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        if (self->kind == AWL_WEBSOCKET_CLOSED)
            break;
        co_await(awl_websocket_send(self->ws, self->kind, self->m.data, self->m.len));
    }
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* ---- A server and its clients ------------------------------------------------------------------------------------ */

static struct site {
    awl_http_app *app;
    awl_tls *tls, *client;
    awl_trust *trust;
    awl_server *server;
    awl_http_session *session;
    int port;
} site; /* not in a frame: when a test fails, tasks of its own still run */

static char text[256]; /* what `fetch` got, the beginning of it */
static size_t text_len;

static awl_tls *usable(awl_tls *tls)
{
    CHECK_STR(awl_tls_error(tls) ? awl_error_message(awl_tls_error(tls)) : "", "");
    return tls;
}

/* One more context of a client, which believes the CA of the tests. */
static awl_tls *new_client(const awl_tls_options *options)
{
    awl_tls_options o = *options;

    o.trust = site.trust;
    return usable(awl_tls_client(&o));
}

static void open_session(awl_tls *tls)
{
    awl_http_session_close(site.session);
    site.session = awl_http_session_new(&(awl_http_session_options){ .tls = tls, .proxy = "" });
    CHECK(site.session != NULL);
}

co_def(begin_site, {
    awl_tls_options options, client;
    awl_stream_options stream;
})
{
    static const struct {
        const char *method, *path;
        awl_http_handler *handler;
    } routes[] = { { "GET", "/", on_describes },
                   { "POST", "/echo", on_echoes },
                   { "GET", "/slow", on_takes_its_time },
                   { "GET", "/file", on_sends_a_file },
                   { "GET", "/chat", on_chats } };

    co_begin;
    site.trust = awl_trust_from_memory(ca_pem, sizeof ca_pem - 1);
    CHECK(site.trust != NULL);
    self->options.trust = self->options.ask ? site.trust : NULL;
    self->options.keys = server_keys;
    self->options.n_keys = 2;
    site.tls = usable(awl_tls_server(&self->options));
    site.client = new_client(&self->client);
    open_session(site.client);
    site.app = awl_http_app_new(NULL);
    CHECK(site.app != NULL);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        CHECK_INT(awl_http_route(site.app, routes[i].method, routes[i].path, routes[i].handler, NULL), 0);
    self->stream.tls = site.tls;
    co_let(site.server, awl_http_serve(site.app, "127.0.0.1", 0, &self->stream));
    site.port = awl_server_port(site.server);
    co_end;
}

co_def(end_site, { int rc; })
{
    co_begin;
    awl_http_session_close(site.session);
    if (site.server) {
        awl_server_cancel_clients(site.server);
        co_try_cancel(self->rc, awl_server_wait_closed(site.server));
    }
    awl_server_close(site.server);
    awl_http_app_release(site.app);
    awl_tls_release(site.tls);
    awl_tls_release(site.client);
    awl_trust_release(site.trust);
    memset(&site, 0, sizeof site);
    co_end;
}

/* SITE_TEST(name, ({ options of the server's TLS }), { fields }) { body } */
#define UNWRAP_(...) __VA_ARGS__
#define SITE_TEST(name, server, ...) SITE_TEST_(STREAM_TEST, name, server, __VA_ARGS__)
#define SITE_TEST_(KIND, name, server, ...)                        \
    co_declare(name##_body, {                                      \
        int rc;                                                    \
        awl_stream *s;                                             \
        awl_tls *tls;                                              \
        __extension__ struct __VA_ARGS__;                          \
    });                                                            \
    KIND(name, {})                                                 \
    {                                                              \
        co_begin;                                                  \
        co_await(co_call(begin_site, .options = UNWRAP_ server)); \
        co_await(co_call(name##_body));                           \
        co_finally;                                                \
        co_await(co_call(end_site));                              \
        co_end;                                                    \
    }                                                              \
    co_define(name##_body)

/* The ends of bodies. */
#define SITE_END                \
    co_finally;                 \
    awl_stream_close(self->s);  \
    awl_tls_release(self->tls); \
    self->s = NULL;             \
    self->tls = NULL;           \
    co_end

/* Gets what is at a path, by the session. Result: the status; the body is in `text`. */
co_def(fetch, {
    const char *path, *body;
    size_t size;
    char url[128];
    awl_response *r;
    char *all;
})
{
    co_begin;
    snprintf(self->url, sizeof self->url, "https://localhost:%d%s", site.port, self->path);
    co_let(self->r, awl_http_request(site.session, self->body ? "POST" : "GET", self->url,
                                     &(awl_http_request_options){ .body = self->body, .body_size = self->size }));
    co_let(self->all, awl_response_read_all(self->r, &text_len));
    snprintf(text, sizeof text, "%s", self->all);
    co_return(awl_response_status(self->r));
    co_finally;
    awl_response_close(self->r);
    co_end;
}

#define CHECK_FETCHES(expected, ...)                           \
    do {                                                       \
        co_let(self->rc, co_call(fetch, .path = __VA_ARGS__)); \
        CHECK_INT(self->rc, 200);                              \
        CHECK_STR(text, (expected));                           \
    } while (0)

/* A connection by hand, as for a host of that name. */
static awl_coro connects(awl_tls *tls, const char *name)
{
    return awl_open_connection("127.0.0.1", site.port, &(awl_stream_options){ .tls = tls, .server_name = name });
}

/* Asks by hand, and reads to the end of the connection. Result: 0, or the error of that; `text` has the beginning. */
co_def(asks, {
    awl_stream *s;
    const char *request;
    int n, rc;
    char buf[1000];
})
{
    co_begin;
    text_len = 0;
    if (self->request && awl_stream_print(self->s, "%s", self->request))
        co_return(EPIPE);
    do {
        co_try(self->rc, awl_stream_read(self->s, self->buf, sizeof self->buf));
        if (self->rc)
            co_return(self->rc);
        co_result(self->n);
        for (int i = 0; i < self->n && text_len < sizeof text - 1; i++)
            text[text_len++] = self->buf[i];
    } while (self->n);
    text[text_len] = '\0';
    co_return(0);
    co_end;
}

#define ASK "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* ---- What a handler knows ---------------------------------------------------------------------------------------- */

SITE_TEST(a_handler_knows_its_tls, ({ .alpn = http_1_1 }), { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++)
        CHECK_FETCHES("TLSv1.2 to localhost, -, from nobody", "/");
    CHECK_INT(awl_server_clients(site.server), 1);
    self->tls = new_client(&(awl_tls_options){ .alpn = newer });
    open_session(self->tls);
    CHECK_FETCHES("TLSv1.2 to localhost, http/1.1, from nobody", "/");
    SITE_END;
}

/* RFC 7301, 3.2: a client that knows nothing that the server speaks is not let in, and nobody guesses. */
SITE_TEST(a_client_without_http_1_1_is_not_let_in, ({ .alpn = http_1_1 }), {})
{
    co_begin;
    self->tls = new_client(&(awl_tls_options){ .alpn = only_newer });
    CHECK_FAILS(AWL_ETLS, connects(self->tls, "localhost"));
    CHECK_FETCHES("TLSv1.2 to localhost, -, from nobody", "/");
    CHECK_INT(handled, 1);
    SITE_END;
}

SITE_TEST(the_name_decides_the_certificate, ({ .ask = AWL_TLS_ASK_NOTHING }), { int i; })
{
    static const char *const names[] = { "localhost", "other.example.net", "a.wild.example.org" };
    char expected[100];

    co_begin;
    for (self->i = 0; self->i < 3; self->i++) { /* each is checked by the client */
        co_let(self->s, connects(site.client, names[self->i]));
        co_let(self->rc, co_call(asks, .s = self->s, .request = ASK));
        CHECK_INT(self->rc, 0);
        snprintf(expected, sizeof expected, "\r\n\r\nTLSv1.2 to %s, -, from nobody", names[self->i]);
        CHECK_STR(strstr(text, "\r\n\r\n"), expected);
        awl_stream_close(self->s);
        self->s = NULL;
    }
    CHECK_FAILS(AWL_ECERTIFICATE, connects(site.client, "third.example.com"));
    SITE_END;
}

SITE_TEST(certificates_of_clients_reach_the_handler, ({ .ask = AWL_TLS_ASK_CERTIFICATE }), {})
{
    co_begin;
    CHECK_FETCHES("TLSv1.2 to localhost, -, from nobody", "/"); /* who has none is let in */
    self->tls = new_client(&(awl_tls_options){ .keys = client_key, .n_keys = 1 });
    open_session(self->tls);
    CHECK_FETCHES("TLSv1.2 to localhost, -, from O=awl tests, CN=client_ec, verified", "/");
    awl_tls_release(self->tls);
    self->tls = new_client(&(awl_tls_options){ .keys = strange_key, .n_keys = 1 });
    open_session(self->tls);
    handled = 0;
    co_try(self->rc, co_call(fetch, .path = "/"));
    CHECK(self->rc == AWL_ETLS || self->rc == ECONNRESET || self->rc == EPIPE);
    CHECK_INT(handled, 0);
    SITE_END;
}

SITE_TEST(a_certificate_can_be_required, ({ .ask = AWL_TLS_REQUIRE_CERTIFICATE }), {})
{
    co_begin;
    co_try(self->rc, co_call(fetch, .path = "/"));
    CHECK(self->rc == AWL_ETLS || self->rc == ECONNRESET || self->rc == EPIPE);
    CHECK_INT(handled, 0);
    self->tls = new_client(&(awl_tls_options){ .keys = client_key, .n_keys = 1 });
    open_session(self->tls);
    CHECK_FETCHES("TLSv1.2 to localhost, -, from O=awl tests, CN=client_ec, verified", "/");
    SITE_END;
}

/* ---- Clients that are not let in --------------------------------------------------------------------------------- */

/* Between each of them and the next, a connection that was there before goes on. */
SITE_TEST(handshakes_that_fail_disturb_nobody, ({ .handshake_timeout = 50 * AWL_MS }), { size_t i; })
{
    static const char *const said[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\x00\x05hello", "\x80\x01",
                                        "\x16\x03\x01\x02\x00\x01", "" };

    co_begin;
    CHECK_FETCHES("TLSv1.2 to localhost, -, from nobody", "/");
    for (self->i = 0; self->i < sizeof said / sizeof *said; self->i++) {
        co_let(self->s, connects(NULL, NULL)); /* without TLS */
        co_let(self->rc, co_call(asks, .s = self->s, .request = said[self->i]));
        CHECK(self->rc == 0 || self->rc == ECONNRESET || self->rc == EPIPE);
        awl_stream_close(self->s);
        self->s = NULL;
        CHECK_FETCHES("TLSv1.2 to localhost, -, from nobody", "/");
        CHECK_INT(awl_server_clients(site.server), 1);
    }
    co_let(self->s, connects(NULL, NULL)); /* and one that goes again */
    awl_stream_close(self->s);
    self->s = NULL;
    co_await(awl_sleep(AWL_MS));
    CHECK_FETCHES("TLSv1.2 to localhost, -, from nobody", "/");
    CHECK_INT(handled, 7);
    CHECK_INT(awl_server_clients(site.server), 1);
    SITE_END;
}

/* ---- The end of a server ----------------------------------------------------------------------------------------- */

/* Idle connections are told goodbye, so that nobody takes the end for an attack. */
SITE_TEST(idle_connections_end_with_a_goodbye, ({ .ask = AWL_TLS_ASK_NOTHING }), { int turns; })
{
    co_begin;
    co_let(self->s, connects(site.client, "localhost"));
    CHECK_INT(awl_stream_print(self->s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    while (!handled) {
        if (self->turns++ == 5000) /* there was no memory to serve it */
            co_raise(ENOMEM);
        co_await(awl_sleep(AWL_MS));
    }
    co_await(awl_sleep(AWL_MS));
    co_await(awl_server_wait_closed(site.server));
    co_let(self->rc, co_call(asks, .s = self->s));
    CHECK_INT(self->rc, 0);
    CHECK(strncmp(text, "HTTP/1.1 200 ", 13) == 0);
    CHECK_FAILS(ECONNREFUSED, connects(site.client, "localhost"));
    SITE_END;
}

co_def(fetch_slowly, {
    const char *path;
    int *status;
})
{
    co_begin;
    co_let(*self->status, co_call(fetch, .path = self->path));
    co_end;
}

static int status;

SITE_TEST(requests_that_have_begun_come_to_their_end, ({ .ask = AWL_TLS_ASK_NOTHING }), { awl_task *t; })
{
    co_begin;
    status = 0;
    self->t = awl_create_task(co_call(fetch_slowly, .path = "/slow", .status = &status));
    CHECK(self->t != NULL);
    while (!begun && !awl_task_done(self->t))
        co_await(awl_sleep(AWL_MS));
    co_await(awl_server_shutdown(site.server, AWL_SECOND));
    CHECK_INT(ended, 1);
    co_await(self->t);
    CHECK_INT(status, 200);
    CHECK_STR(text, "done");
    co_finally;
    if (self->t) {
        awl_task_cancel(self->t);
        co_try_cancel(self->rc, self->t);
        awl_task_release(self->t);
    }
    co_end;
}

SITE_TEST(those_that_do_not_are_cancelled, ({ .ask = AWL_TLS_ASK_NOTHING }), { awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(co_call(fetch_slowly, .path = "/slow?long", .status = &status));
    CHECK(self->t != NULL);
    while (!begun && !awl_task_done(self->t))
        co_await(awl_sleep(AWL_MS));
    CHECK(begun);
    co_await(awl_server_shutdown(site.server, 10 * AWL_MS));
    CHECK_INT(cancelled, 1);
    co_try(self->rc, self->t);
    CHECK(self->rc == ECONNRESET || self->rc == AWL_ETRUNCATED); /* told goodbye, or cut off; never an answer */
    co_finally;
    if (self->t) {
        awl_task_cancel(self->t);
        co_try_cancel(self->rc, self->t);
        awl_task_release(self->t);
    }
    co_end;
}

/* ---- Bodies ------------------------------------------------------------------------------------------------------ */

SITE_TEST(large_bodies_go_both_ways_over_tls, ({ .ask = AWL_TLS_ASK_NOTHING }), {
    char *data;
    size_t i;
})
{
    co_begin;
    self->data = malloc(900001);
    CHECK(self->data != NULL);
    for (size_t i = 0; i < 900000; i++)
        self->data[i] = (char)('a' + i % 23);
    self->data[900000] = '\0';
    co_let(self->rc, co_call(fetch, .path = "/echo", .body = self->data, .size = 900000));
    CHECK_INT(self->rc, 200);
    CHECK_INT(text_len, 900000);
    CHECK(strncmp(text, self->data, sizeof text - 1) == 0);
    co_finally;
    free(self->data);
    co_end;
}

/* Who was refused and sends on is heard for a while: to close at once would destroy the answer on its way. */
SITE_TEST(who_is_refused_may_still_be_sending, ({ .ask = AWL_TLS_ASK_NOTHING }), {
    char line[256], data[20000];
    int i;
})
{
    co_begin;
    co_let(self->s, connects(site.client, "localhost"));
    CHECK_INT(awl_stream_print(self->s, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"), 0);
    co_await(awl_stream_read_exactly(self->s, self->line, 12));
    CHECK_MEM(self->line, "HTTP/1.1 413", 12);
    for (self->i = 0; self->i < 50; self->i++) {
        CHECK_INT(awl_stream_write(self->s, self->data, sizeof self->data), 0);
        co_await(awl_stream_drain(self->s));
        co_await(awl_sleep(AWL_MS));
    }
    SITE_END;
}

SITE_TEST_(VIRTUAL_TEST, who_sends_on_slowly_after_a_refusal_is_not_cut_off, ({ .ask = AWL_TLS_ASK_NOTHING }), {
    char line[256], data[200];
    int i;
})
{
    co_begin;
    co_let(self->s, connects(site.client, "localhost"));
    CHECK_INT(awl_stream_print(self->s, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"), 0);
    for (self->i = 0; self->i < 36; self->i++) { /* nine seconds */
        CHECK_INT(awl_stream_write(self->s, self->data, sizeof self->data), 0);
        co_await(awl_stream_drain(self->s));
        co_await(awl_sleep(250 * AWL_MS));
    }
    co_await(awl_stream_read_exactly(self->s, self->line, 12));
    CHECK_MEM(self->line, "HTTP/1.1 413", 12);
    SITE_END;
}

/* Where there is no TLS, the kernel sends files by itself. */
SITE_TEST(files_go_through_tls, ({ .ask = AWL_TLS_ASK_NOTHING }), {
    char url[64];
    awl_response *r;
    FILE *f;
    char sent[8192], kept[8192];
    int n;
    size_t all;
})
{
    co_begin;
    self->f = fopen("/proc/self/exe", "r");
    CHECK(self->f != NULL);
    snprintf(self->url, sizeof self->url, "https://localhost:%d/file", site.port);
    co_let(self->r, awl_http_get(site.session, self->url, NULL));
    for (;;) {
        co_let(self->n, awl_response_read(self->r, self->sent, sizeof self->sent));
        if (!self->n)
            break;
        CHECK_INT(fread(self->kept, 1, (size_t)self->n, self->f), self->n);
        CHECK_MEM(self->sent, self->kept, (size_t)self->n);
        self->all += (size_t)self->n;
    }
    CHECK_INT(self->all, awl_response_length(self->r));
    CHECK(self->all > 100000);
    co_finally;
    awl_response_close(self->r);
    if (self->f)
        fclose(self->f);
    co_end;
}

/* ---- WebSockets -------------------------------------------------------------------------------------------------- */

SITE_TEST(websockets_go_through_tls, ({ .alpn = http_1_1 }), {
    awl_websocket *ws;
    awl_websocket_message m;
    awl_websocket_options options;
    char url[64], large[70000];
    int kind;
})
{
    co_begin;
    snprintf(self->url, sizeof self->url, "wss://localhost:%d/chat", site.port);
    self->options.stream.tls = site.client;
    co_let(self->ws, awl_websocket_connect(self->url, &self->options));
    co_await(awl_websocket_send_text(self->ws, "hello"));
    co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(self->kind, AWL_WEBSOCKET_TEXT);
    CHECK_STR(self->m.data, "hello");
    memset(self->large, 'l', sizeof self->large);
    co_await(awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, self->large, sizeof self->large));
    co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(self->kind, AWL_WEBSOCKET_BINARY);
    CHECK_INT(self->m.len, sizeof self->large);
    CHECK_MEM(self->m.data, self->large, sizeof self->large);
    co_await(awl_websocket_end(self->ws, 1000, "bye"));
    CHECK_INT(awl_websocket_close_code(self->ws), 1000);
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* Who is not believed is not spoken to, also where the client takes what the system trusts. */
SITE_TEST(websockets_check_who_is_there, ({ .ask = AWL_TLS_ASK_NOTHING }), {
    awl_websocket *ws;
    char url[64];
})
{
    co_begin;
    snprintf(self->url, sizeof self->url, "wss://localhost:%d/chat", site.port);
    co_try(self->rc, awl_websocket_connect(self->url, NULL));
    CHECK(self->rc == AWL_ECERTIFICATE || self->rc == AWL_ETRUST);
    CHECK_INT(handled, 0);
    SITE_END;
}
