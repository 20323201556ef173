/* https: the same over TLS. */
#include "client_rig.h"

#include "../tls/certs.h"
#include "awl/http_server.h"

#define PEM(name) \
    .cert = name##_pem, .cert_len = sizeof name##_pem - 1, .key = name##_key, .key_len = sizeof name##_key - 1

static const awl_tls_key server_key = { PEM(server_ec) };

/* A client that believes the CA of the tests. */
static awl_tls *believing(const awl_tls_options *options)
{
    awl_tls_options o = options ? *options : (awl_tls_options){ .trust = NULL };
    awl_tls *tls;

    o.trust = awl_trust_from_memory(ca_pem, sizeof ca_pem - 1);
    CHECK(o.trust != NULL);
    tls = awl_tls_client(&o);
    awl_trust_release(o.trust);
    CHECK_INT(awl_tls_error(tls), 0);
    return tls;
}

/* Before the servers begin: the second one speaks TLS. */
static awl_tls *secure(void)
{
    static awl_stream_options options;

    options.tls = awl_tls_server(&(awl_tls_options){ .keys = &server_key, .n_keys = 1 });
    CHECK_INT(awl_tls_error(options.tls), 0);
    script.options = &options;
    return options.tls;
}

/* HTTPS_TEST(name, answers, { fields }) { body }: as CLIENT_TEST, with TLS at the second port and `tls`, a client that
 * believes it. */
#define HTTPS_TEST(name, list, ...)                                                                                    \
    static answer name##_answers[] = { UNWRAP_ list, { .text = NULL } };                                               \
    co_declare(name##_body, {                                                                                          \
        awl_tls *tls;                                                                                                  \
        awl_http_session *session;                                                                                     \
        awl_response *r;                                                                                               \
        char *text;                                                                                                    \
        int rc;                                                                                                        \
        size_t len;                                                                                                    \
        __extension__ struct __VA_ARGS__;                                                                              \
    });                                                                                                                \
    STREAM_TEST(name, { awl_tls *server, *client; })                                                                   \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        self->server = secure();                                                                                       \
        self->client = believing(NULL);                                                                                \
        co_await(co_call(begin_script, .answers = name##_answers));                                                    \
        co_await(co_call(name##_body, .tls = self->client));                                                           \
        co_finally;                                                                                                    \
        if (script.servers[1])                                                                                         \
            co_await(co_call(end_script));                                                                             \
        awl_tls_release(self->server);                                                                                 \
        awl_tls_release(self->client);                                                                                 \
        co_end;                                                                                                        \
    }                                                                                                                  \
    co_define(name##_body)

/* "https://localhost:PORT/path", until the next fourth call. */
static const char *secret(const char *path)
{
    static char text[4][256];
    static int i;

    snprintf(text[i = (i + 1) % 4], sizeof text[0], "https://localhost:%d%s", script.ports[1], path);
    return text[i];
}

HTTPS_TEST(connections_are_kept_over_tls, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(.tls = self->tls);
    GET(secret("/a"), NULL);
    CHECK_STR(self->text, "hello");
    GET(secret("/b"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(script.conns, 1);
    CHECK(said(1, "GET /b HTTP/1.1\r\nHost: localhost:"));
    GET(at(0, "/c"), NULL); /* another scheme is another origin */
    CHECK_INT(script.conns, 2);
    CLIENT_END;
}

HTTPS_TEST(redirects_change_schemes_one_way,
           ANSWERS(SAY("HTTP/1.1 302 F\r\nLocation: https://localhost:$1/b\r\nContent-Length: 0\r\n\r\n", .path = "/a"),
                   SAY(HELLO, .path = "/b"),
                   SAY("HTTP/1.1 302 F\r\nLocation: http://localhost:$0/d\r\nContent-Length: 0\r\n\r\n", .path = "/c",
                       .again = true),
                   SAY(HELLO)),
           {})
{
    co_begin;
    OPEN(.tls = self->tls);
    GET(at(0, "/a"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_FAILS(AWL_EREDIRECT, awl_http_get(self->session, secret("/c"), NULL));
    CHECK(strstr(awl_error_message(AWL_EREDIRECT), "away from https") != NULL);
    awl_http_session_close(self->session);
    OPEN(.tls = self->tls, .allow_downgrade = true);
    GET(secret("/c"), NULL);
    CHECK_STR(self->text, "hello");
    CLIENT_END;
}

HTTPS_TEST(large_bodies_go_both_ways, ANSWERS(SAY(HELLO)), { char *data; })
{
    co_begin;
    OPEN(.tls = self->tls);
    self->data = calloc(1, 1 << 20);
    CHECK(self->data != NULL);
    co_let(self->r, awl_http_put(self->session, secret("/"),
                                 &(awl_http_request_options){ .body = self->data, .body_size = 1 << 20 }));
    CHECK_INT(script.notes[0].body_size, 1 << 20);
    co_finally;
    free(self->data);
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    co_end;
}

HTTPS_TEST(who_cannot_be_believed_gets_nothing, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(0); /* the system's CAs, or none at all */
    co_try(self->rc, awl_http_get(self->session, secret("/"), NULL));
    CHECK(self->rc == AWL_ECERTIFICATE || self->rc == AWL_ETRUST);
    CHECK_INT(script.n, 0);
    CLIENT_END;
}

HTTPS_TEST(body_that_is_cut_off_is_known_to_be,
           ANSWERS(SAY("HTTP/1.1 200 OK\r\n\r\nhello", .then = RESET, .again = true)), {})
{
    co_begin;
    OPEN(.tls = self->tls);
    co_try(self->rc, co_call(whole, .session = self->session, .url = secret("/")));
    CHECK(self->rc == 0 || self->rc == AWL_ETRUNCATED || self->rc == ECONNRESET);
    CLIENT_END;
}

HTTPS_TEST(kept_connection_that_ended_is_replaced, ANSWERS(SAY(HELLO, .then = CLOSE, .again = true)), { int i; })
{
    co_begin;
    OPEN(.tls = self->tls);
    for (self->i = 0; self->i < 5; self->i++) {
        GET(secret("/"), NULL);
        CHECK_STR(self->text, "hello");
    }
    CHECK_INT(script.conns, 5);
    CLIENT_END;
}

/* ---- Through a proxy -------------------------------------------------------------------------------------------- */

/* Passes on what comes. */
co_def(relays, { awl_stream *from, *to; int n, rc; char buf[4096]; })
{
    co_begin;
    for (;;) {
        co_try(self->rc, awl_stream_read(self->from, self->buf, sizeof self->buf));
        if (self->rc)
            break;
        co_result(self->n);
        if (!self->n || awl_stream_write(self->to, self->buf, (size_t)self->n))
            break;
    }
    awl_stream_abort(self->to);
    co_end;
}

static char proxy_said[512];
static const char *proxy_answer;

co_def(proxies, { awl_stream *s, *there; note seen; int n, rc; awl_task_group group; })
{
    co_begin;
    co_let(self->n, co_call(read_request, .s = self->s, .seen = &self->seen));
    strcpy(proxy_said, self->seen.head);
    CHECK_INT(awl_stream_print(self->s, "%s", proxy_answer), 0);
    if (strncmp(proxy_answer + 9, "200", 3) != 0)
        co_return(0);
    co_let(self->there, awl_open_connection("127.0.0.1", script.ports[1], NULL));
    awl_task_group_enter(&self->group);
    self->rc = awl_task_group_spawn(&self->group, co_call(relays, .from = self->s, .to = self->there));
    if (self->rc)
        co_raise(self->rc);
    co_await(co_call(relays, .from = self->there, .to = self->s));
    co_finally;
    co_try_cancel(self->rc, awl_task_group_exit(&self->group, co_failing)); /* before what both use goes */
    awl_task_group_fini(&self->group);
    awl_stream_close(self->there);
    co_end;
}

static awl_coro begin_proxy(awl_stream *s, void *arg) { return (void)arg, co_call(proxies, .s = s); }

HTTPS_TEST(proxy_opens_a_tunnel, ANSWERS(SAY(HELLO, .again = true)), {
    awl_server *server;
    char proxy[64], expected[128];
})
{
    co_begin;
    co_let(self->server, awl_start_server(begin_proxy, NULL, "127.0.0.1", 0, NULL));
    snprintf(self->proxy, sizeof self->proxy, "http://a:b@127.0.0.1:%d", awl_server_port(self->server));
    proxy_answer = "HTTP/1.1 200 Connected\r\n\r\n";
    OPEN(.tls = self->tls, .proxy = self->proxy);
    GET(secret("/x"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK(said(0, "GET /x HTTP/1.1\r\nHost: localhost:") && !said(0, "Proxy-Authorization"));
    snprintf(self->expected, sizeof self->expected, "CONNECT localhost:%d HTTP/1.1\r\nHost: localhost:%d\r\n",
             script.ports[1], script.ports[1]);
    CHECK(strncmp(proxy_said, self->expected, strlen(self->expected)) == 0);
    CHECK(strstr(proxy_said, "\r\nProxy-Authorization: Basic YTpi\r\n\r\n") != NULL);
    GET(secret("/y"), NULL);
    CHECK_INT(script.conns, 1); /* and the tunnel is kept */
    co_finally;
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    awl_server_cancel_clients(self->server);
    co_try_cancel(self->rc, awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

HTTPS_TEST(proxy_may_refuse, ANSWERS(SAY(HELLO, .again = true)), { awl_server *server; char proxy[64]; })
{
    co_begin;
    co_let(self->server, awl_start_server(begin_proxy, NULL, "127.0.0.1", 0, NULL));
    snprintf(self->proxy, sizeof self->proxy, "http://127.0.0.1:%d", awl_server_port(self->server));
    OPEN(.tls = self->tls, .proxy = self->proxy, .limit = 1);
    proxy_answer = "HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\n\r\n";
    CHECK_FAILS(AWL_ESTATUS, awl_http_get(self->session, secret("/x"), NULL));
    CHECK(strstr(awl_error_message(AWL_ESTATUS), "proxy 127.0.0.1: 407 Who Are You") != NULL);
    proxy_answer = "nonsense\r\n";
    CHECK_FAILS(AWL_EPROTOCOL, awl_http_get(self->session, secret("/x"), NULL));
    proxy_answer = "HTTP/1.1 2";
    CHECK_FAILS(AWL_EINCOMPLETE, awl_http_get(self->session, secret("/x"), NULL));
    proxy_answer = "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 299 Fine\r\n\r\nbut not TLS";
    CHECK_FAILS(AWL_EPROTOCOL, awl_http_get(self->session, secret("/x"), NULL));
    CHECK_INT(script.n, 0);
    co_finally;
    awl_http_session_close(self->session);
    awl_server_cancel_clients(self->server);
    co_try_cancel(self->rc, awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

/* ---- Servers ---------------------------------------------------------------------------------------------------- */

co_def(says_hello, { awl_request *request; })
{
    co_begin;
    awl_respond_text(self->request, 200, NULL, "hello");
    co_end;
}

static awl_coro on_hello(awl_request *request, void *arg) { return (void)arg, co_call(says_hello, .request = request); }

/* Clients that never say a word of TLS are connections like others: they make room for one that does. */
STREAM_TEST(who_is_silent_in_a_handshake_makes_room, {
    awl_http_app *app;
    awl_server *server;
    awl_stream *silent[3];
    awl_tls *tls[2];
    awl_http_session *session;
    awl_response *r;
    char *text, url[64];
    size_t len;
    int i;
})
{
    co_begin;
    self->tls[0] = awl_tls_server(&(awl_tls_options){ .keys = &server_key, .n_keys = 1 });
    self->tls[1] = believing(NULL);
    self->app = awl_http_app_new(&(awl_http_app_options){ .max_connections = 2 });
    CHECK(self->app != NULL);
    CHECK_INT(awl_http_route(self->app, "GET", "/", on_hello, NULL), 0);
    co_let(self->server,
           awl_http_serve(self->app, "127.0.0.1", 0, &(awl_stream_options){ .tls = self->tls[0] }));
    for (self->i = 0; self->i < 3; self->i++)
        co_let(self->silent[self->i], awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    snprintf(self->url, sizeof self->url, "https://localhost:%d/", awl_server_port(self->server));
    OPEN(.tls = self->tls[1]);
    GET(self->url, NULL);
    CHECK_STR(self->text, "hello");
    CHECK(awl_server_clients(self->server) <= 2);
    co_finally;
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    for (self->i = 0; self->i < 3; self->i++)
        awl_stream_close(self->silent[self->i]);
    if (self->server)
        co_await(awl_server_shutdown(self->server, 0));
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    awl_tls_release(self->tls[0]);
    awl_tls_release(self->tls[1]);
    co_end;
}
