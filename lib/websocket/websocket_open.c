/* How WebSockets begin, in both roles: RFC 6455, section 4; see awl/websocket.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "awl/url.h"
#include "../http_client/http_client_priv.h"
#include "../http_server/http_server_priv.h"
#include "websocket_priv.h"

/* ---- What both roles need ---------------------------------------------------------------------------------------- */

void awl__websocket_answer(const char *key, char answer[AWL__WS_ANSWER + 1])
{
    char text[AWL__WS_KEY + 37];
    uint8_t digest[AWL__SHA1];

    snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    awl__sha1(text, strlen(text), digest);
    awl__base64_encode(digest, sizeof digest, answer);
}

const char *awl__list_next(const char **at, size_t *len)
{
    const char *from = *at + strspn(*at, ", \t");

    *len = strcspn(from, ", \t");
    *at = from + *len;
    return *len ? from : NULL;
}

bool awl__list_has(const char *list, const char *token)
{
    const char *at;
    size_t len;

    while (list && (at = awl__list_next(&list, &len))) {
        if (awl__http_same_n(at, len, token))
            return true;
    }
    return false;
}

/* Whether a subprotocol is in a list, exactly so. */
static bool offers(const char *list, const char *name, size_t n)
{
    const char *at;
    size_t len;

    while (list && (at = awl__list_next(&list, &len))) {
        if (len == n && memcmp(at, name, n) == 0)
            return true;
    }
    return false;
}

/* ---- Accepting --------------------------------------------------------------------------------------------------- */

/* Whether the page that asks came from where it now asks. */
static bool is_same_origin(awl_request *request)
{
    const char *origin = awl_request_field(request, "origin"), *host, *at;

    if (!origin)
        return true;
    at = strstr(origin, "://");
    host = awl_request_host(request);
    return at && host && awl__http_same(at + 3, host);
}

static bool is_key(const char *key)
{
    uint8_t bytes[18];

    return key && strlen(key) == AWL__WS_KEY && awl__base64_decode(key, AWL__WS_KEY, bytes) == 16;
}

/* 0 or the status that refuses: RFC 6455, 4.2.1 and 4.2.2. */
static int check_request(awl_request *request, const awl_websocket_options *options)
{
    const char *version = awl_request_field(request, "sec-websocket-version");

    if (strcmp(awl_request_method(request), "GET") != 0 || !request->head.minor || !request->in.ended)
        return 400;
    if (!request->head.upgrade || !awl__list_has(awl_request_field(request, "upgrade"), "websocket"))
        return 426;
    if (!version || strcmp(version, "13") != 0)
        return 426;
    if (!is_key(awl_request_field(request, "sec-websocket-key")))
        return 400;
    return options->any_origin || is_same_origin(request) ? 0 : 403;
}

/* The first of the server's subprotocols that the client offers, in any of its fields. */
static void choose_protocol(const awl_request *request, const char *protocols, char chosen[AWL__WS_PROTOCOL])
{
    const char *at, *name, *value;
    size_t len;

    while (protocols && (at = awl__list_next(&protocols, &len))) {
        for (size_t i = 0; len < AWL__WS_PROTOCOL && awl_request_field_at(request, i, &name, &value); i++) {
            if (!awl__http_same(name, "sec-websocket-protocol") || !offers(value, at, len))
                continue;
            memcpy(chosen, at, len);
            chosen[len] = '\0';
            return;
        }
    }
}

/* 101, with the fields that were added before. 0 or the error. */
static int send_acceptance(awl_request *request, const char *protocol)
{
    awl__http_out out = { .loop = request->app->loop };
    char answer[AWL__WS_ANSWER + 1];
    int error;

    awl__websocket_answer(awl_request_field(request, "sec-websocket-key"), answer);
    awl__http_out_print(&out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: %s\r\n%s%s%s",
                        answer, *protocol ? "Sec-WebSocket-Protocol: " : "", protocol, *protocol ? "\r\n" : "");
    awl__http_out_text(&out, request->fields.at, request->fields.len);
    awl__http_out_text(&out, "\r\n", 2);
    error = out.error ? out.error : awl_stream_write(request->s, out.at, out.len);
    awl__http_out_free(&out);
    if (error)
        return error;
    request->status = 101;
    request->keep = false;
    request->out.ended = true; /* what goes from now on is no body */
    return 0;
}

co_def(websocket_accept, { awl_request *request; awl_websocket_options options; awl_websocket *ws; int rc; })
{
    co_begin;
    if (!self->request)
        co_raise(awl__http_invalid("a NULL for a request"));
    if (self->request->status)
        co_raise(EALREADY);
    self->rc = check_request(self->request, &self->options);
    if (self->rc) {
        if (self->rc == 426)
            self->rc = awl_respond_field(self->request, "Upgrade", "websocket") ||
                               awl_respond_field(self->request, "Sec-WebSocket-Version", "13")
                           ? 503
                           : 426;
        awl_respond_error(self->request, self->rc);
        co_return(self->ws);
    }
    self->ws = awl__websocket_new(self->request->s, false, false, &self->options);
    if (!self->ws)
        co_raise(ENOMEM);
    self->ws->request = self->request;
    choose_protocol(self->request, self->options.protocols, self->ws->protocol);
    self->rc = send_acceptance(self->request, self->ws->protocol);
    if (self->rc)
        co_raise(self->rc);
    awl__request_on_stop(self->request, awl__websocket_go_away, self->ws);
    co_return(self->ws);
    co_finally;
    if (co_failing && self->ws)
        awl__websocket_drop(self->ws);
    co_end;
}

static const awl_websocket_options defaults;

awl_coro awl_websocket_accept(awl_request *request, const awl_websocket_options *options)
{
    return co_call(websocket_accept, .request = request, .options = options ? *options : defaults);
}

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

/* What a URL asks for. */
typedef struct target {
    awl_url url;
    char host[256];
    int port;
    bool secure;
} target;

/* Users in it are not said to anybody. */
static int no_url(const char *text)
{
    return awl__http_invalid("a WebSocket's URL begins with ws:// or wss://, and has a host, and neither user nor "
                             "fragment%s%s", text && !strchr(text, '@') ? ": " : "",
                             text && !strchr(text, '@') ? text : "");
}

static int take_url(const char *text, target *t)
{
    if (!text || awl_url_parse(text, &t->url) || t->url.user.at || t->url.fragment.at || /* RFC 6455, 3 */
        !awl__http_take_host(t->url.host, t->host, sizeof t->host))
        return no_url(text);
    t->secure = awl_url_part_is_nocase(t->url.scheme, "wss") || awl_url_part_is_nocase(t->url.scheme, "https");
    if (!t->secure && !awl_url_part_is_nocase(t->url.scheme, "ws") && !awl_url_part_is_nocase(t->url.scheme, "http"))
        return no_url(text);
    t->port = awl_url_port(&t->url);
    return 0;
}

/* Sends the request: RFC 6455, 4.1. 0 or the error. */
static int ask(awl_stream *s, const target *t, const awl_websocket_options *options, const char *key)
{
    awl__http_out out = { .loop = s->io.loop };
    const awl_url *url = &t->url;
    const bool v6 = strchr(t->host, ':');
    const int host_len = (int)strcspn(t->host, "%"); /* the zone means nothing to others */
    int error = 0;

    awl__http_out_print(&out, "GET %s%.*s%s%.*s HTTP/1.1\r\nHost: %s%.*s%s%s%.*s\r\n", url->path.len ? "" : "/",
                        (int)url->path.len, url->path.len ? url->path.at : "", url->query.at ? "?" : "",
                        (int)url->query.len, url->query.at ? url->query.at : "", v6 ? "[" : "", host_len, t->host,
                        v6 ? "]" : "", url->port.len ? ":" : "", (int)url->port.len, url->port.at ? url->port.at : "");
    awl__http_out_print(&out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                              "Sec-WebSocket-Version: 13\r\n", key);
    if (options->protocols)
        error = awl__http_out_users_field(&out, "Sec-WebSocket-Protocol", options->protocols);
    for (const awl_http_pair *h = options->headers; h && h->name && !error; h++)
        error = awl__http_out_users_field(&out, h->name, h->value);
    awl__http_out_text(&out, "\r\n", 2);
    if (!error)
        error = out.error ? out.error : awl_stream_write(s, out.at, out.len);
    awl__http_out_free(&out);
    return error;
}

static int refuse(awl_stream *s, int error, const char *what)
{
    awl__error_detail(s->io.loop, error, "%s", what);
    return error;
}

/* Whether the server agrees, to what was asked: RFC 6455, 4.1, at its end. 0 or the error. */
static int check_response(awl_stream *s, const awl__http_head *head, const char *text, const char *key,
                          const awl_websocket_options *options)
{
    const char *accept = awl__http_field(head, text, "sec-websocket-accept");
    const char *protocol = awl__http_field(head, text, "sec-websocket-protocol");
    char answer[AWL__WS_ANSWER + 1];

    if (head->status != 101) {
        awl__error_detail(s->io.loop, AWL_ESTATUS, "the server refused the WebSocket: %d %s", head->status,
                          text + head->reason);
        return AWL_ESTATUS;
    }
    awl__websocket_answer(key, answer);
    if (!head->upgrade || !awl__list_has(awl__http_field(head, text, "upgrade"), "websocket"))
        return refuse(s, AWL_EPROTOCOL, "the server switches to something else than a WebSocket");
    if (!accept || strcmp(accept, answer) != 0)
        return refuse(s, AWL_EPROTOCOL, "the server's Sec-WebSocket-Accept does not answer the key");
    if (awl__http_field(head, text, "sec-websocket-extensions"))
        return refuse(s, AWL_EPROTOCOL, "the server uses an extension that was not offered");
    if (protocol && (strlen(protocol) >= AWL__WS_PROTOCOL || !offers(options->protocols, protocol, strlen(protocol))))
        return refuse(s, AWL_EPROTOCOL, "the server speaks a subprotocol that was not offered");
    return 0;
}

co_def(handshake, {
    awl_stream *s;
    const target *t;
    const awl_websocket_options *options;
    awl_websocket *ws;
    int rc, len, interim;
    int64_t n;
    char key[AWL__WS_KEY + 1];
    awl__http_head head;
})
{
    uint8_t bytes[16];
    const char *text, *protocol;

    co_begin;
    self->rc = awl__websocket_random(bytes, sizeof bytes);
    awl__base64_encode(bytes, sizeof bytes, self->key);
    if (!self->rc)
        self->rc = ask(self->s, self->t, self->options, self->key);
    if (self->rc)
        co_raise(self->rc);
    awl__http_head_begin(&self->head, true);
    for (;;) {
        awl_input_ *in = &self->s->in;

        self->len = in->at_ ? awl__http_head_parse(&self->head, in->at_ + in->start_, awl__input_len(in)) : 0;
        if (self->len > 0 && self->head.status < 200 && self->head.status != 101) { /* the answer comes behind it */
            if (++self->interim > AWL__INTERIM_LIMIT)
                co_raise(refuse(self->s, AWL_EPROTOCOL, "more than 16 interim responses"));
            awl__input_take(in, (size_t)self->len);
            awl__input_settle(in);
            awl__http_head_begin(&self->head, true);
            continue;
        }
        if (self->len)
            break;
        co_let(self->n, awl__stream_fill(self->s));
        if (!self->n)
            co_raise(AWL_EINCOMPLETE);
    }
    if (self->len < 0)
        co_raise(refuse(self->s, AWL_EPROTOCOL, self->head.what));
    text = self->s->in.at_ + self->s->in.start_;
    self->rc = check_response(self->s, &self->head, text, self->key, self->options);
    if (self->rc)
        co_raise(self->rc);
    self->ws = awl__websocket_new(self->s, true, true, self->options);
    if (!self->ws)
        co_raise(ENOMEM);
    protocol = awl__http_field(&self->head, text, "sec-websocket-protocol");
    if (protocol)
        strcpy(self->ws->protocol, protocol);
    awl__input_take(&self->s->in, (size_t)self->len);
    awl__input_settle(&self->s->in);
    co_return(self->ws);
    co_end;
}

/* The frames of both have a copy of the headers behind them; where that is, is known when they start. */

static void find_headers(awl_websocket_options *o, const void *copy) { o->headers = o->headers ? copy : NULL; }

static void copy_options(awl_websocket_options *to, void *headers, const awl_websocket_options *from)
{
    *to = *from;
    if (from->headers)
        memcpy(headers, from->headers, awl__http_pairs_size(from->headers));
}

co_def(websocket_connect_stream, {
    awl_stream *s;
    const char *url;
    awl_websocket_options options;
    target t;
    awl_websocket *ws;
})
{
    co_begin;
    find_headers(&self->options, self + 1);
    if (!self->s)
        co_raise(awl__http_invalid("a WebSocket needs a stream: NULL"));
    if (take_url(self->url, &self->t))
        co_raise(EINVAL);
    co_let(self->ws, co_call(handshake, .s = self->s, .t = &self->t, .options = &self->options));
    co_return(self->ws);
    co_end;
}

awl_coro awl_websocket_connect_stream(awl_stream *s, const char *url, const awl_websocket_options *options)
{
    const awl_websocket_options *o = options ? options : &defaults;
    struct websocket_connect_stream *self =
        awl__op_new(&websocket_connect_stream_type_, sizeof *self + awl__http_pairs_size(o->headers));

    if (self) {
        self->s = s;
        self->url = url;
        copy_options(&self->options, self + 1, o);
    }
    return awl__op(self);
}

co_def(websocket_connect, {
    const char *url;
    awl_websocket_options options;
    target t;
    awl_tls *tls; /* that was made here */
    awl_stream *s;
    awl_websocket *ws;
})
{
    co_begin;
    find_headers(&self->options, self + 1);
    if (take_url(self->url, &self->t))
        co_raise(EINVAL);
    if (self->t.secure && !self->options.stream.tls) {
        self->options.stream.tls = self->tls = awl__http_tls();
        if (!self->tls)
            co_raise(errno);
    }
    if (!self->t.secure)
        self->options.stream.tls = NULL;
    co_let(self->s, awl_open_connection(self->t.host, self->t.port, &self->options.stream));
    co_let(self->ws, co_call(handshake, .s = self->s, .t = &self->t, .options = &self->options));
    co_return(self->ws);
    co_finally;
    if (self->tls)
        awl__layer_of(self->tls)->release(self->tls);
    if (co_failing)
        awl_stream_close(self->s);
    co_end;
}

awl_coro awl_websocket_connect(const char *url, const awl_websocket_options *options)
{
    const awl_websocket_options *o = options ? options : &defaults;
    struct websocket_connect *self =
        awl__op_new(&websocket_connect_type_, sizeof *self + awl__http_pairs_size(o->headers));

    if (self) {
        self->url = url;
        copy_options(&self->options, self + 1, o);
    }
    return awl__op(self);
}
