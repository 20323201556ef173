/* One request and the head of its response, over a connection of the pool; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "client_priv.h"

enum { MOST_INTERIM = 16 }; /* responses of 1xx before the proper one */

/* ---- The head ------------------------------------------------------------------------------------------------------ */

static bool has_pair(const awl_http_pair *pairs, const char *name)
{
    for (; pairs && pairs->name; pairs++) {
        if (awl__http_same(pairs->name, name))
            return true;
    }
    return false;
}

/* Whether a field is a secret that is for the first origin alone. */
static bool is_secret(const char *name)
{
    return awl__http_same(name, "authorization") || awl__http_same(name, "cookie") ||
           awl__http_same(name, "proxy-authorization");
}

/* Fields of the request, and those of the session that it does not replace. 0 or the error. */
static int put_fields(awl__http_out *out, const awl__exchange *x, const awl_http_pair *pairs, const awl_http_pair *unless)
{
    int error = 0;

    for (; pairs && pairs->name && !error; pairs++) {
        if (!has_pair(unless, pairs->name) && (x->same_origin || !is_secret(pairs->name)))
            error = awl__http_out_field(out, pairs->name, pairs->value);
    }
    return error;
}

/* "Basic " and base64 of "user:password": RFC 7617, RFC 4648. */
static void put_basic(awl__http_out *out, const char *user, const char *password)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t user_len = strlen(user), len = user_len + 1 + (password ? strlen(password) : 0);

    awl__http_out_text(out, "Authorization: Basic ", 21);
    for (size_t i = 0; i < len; i += 3) {
        uint32_t n = 0;

        for (size_t j = i; j < i + 3; j++) {
            const char c = j < user_len ? user[j] : j == user_len ? ':' : j < len ? password[j - user_len - 1] : '\0';
            n = n << 8 | (unsigned char)c;
        }
        awl__http_out_text(out, (const char[]){ digits[n >> 18], digits[n >> 12 & 63], i + 1 < len ? digits[n >> 6 & 63] : '=',
                                                i + 2 < len ? digits[n & 63] : '=' }, 4);
    }
    awl__http_out_text(out, "\r\n", 2);
}

static void put_authorization(awl__http_out *out, const awl__exchange *x)
{
    const awl_http_session_options *o = &x->session->options;
    const bool own = x->options && x->options->user;

    if (!x->same_origin || has_pair(o->headers, "authorization") || (x->options && has_pair(x->options->headers, "authorization")))
        return;
    if (own)
        put_basic(out, x->options->user, x->options->password);
    else if (o->user)
        put_basic(out, o->user, o->password);
}

/* Whether a method says by itself that there is a body. */
static bool means_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

/* Puts the whole head together. 0 or the error. */
static int put_head(awl__http_out *out, const awl__exchange *x, const awl_url *url)
{
    const awl_http_session_options *o = &x->session->options;
    const awl_http_pair *own = x->options ? x->options->headers : NULL;
    const bool v6 = memchr(url->host.at, ':', url->host.len), slash = !url->path.len;
    int error;

    awl__http_out_print(out, "%s %s%.*s%s%.*s HTTP/1.1\r\n", x->method, slash ? "/" : "", (int)url->path.len, url->path.at,
                        url->query.at ? "?" : "", (int)url->query.len, url->query.at ? url->query.at : "");
    if (!has_pair(own, "host"))
        awl__http_out_print(out, "Host: %s%.*s%s%s%.*s\r\n", v6 ? "[" : "", (int)url->host.len, url->host.at, v6 ? "]" : "",
                            url->port.len ? ":" : "", (int)url->port.len, url->port.at ? url->port.at : "");
    if (!has_pair(own, "user-agent") && !has_pair(o->headers, "user-agent"))
        awl__http_out_field(out, "User-Agent", o->user_agent);
    if (!has_pair(own, "accept") && !has_pair(o->headers, "accept"))
        awl__http_out_text(out, "Accept: */*\r\n", 13);
    put_authorization(out, x);
    error = put_fields(out, x, own, NULL);
    if (!error)
        error = put_fields(out, x, o->headers, own);
    if (!error && x->type && !has_pair(own, "content-type"))
        error = awl__http_out_field(out, "Content-Type", x->type);
    if (x->body_size || means_body(x->method))
        awl__http_out_print(out, "Content-Length: %zu\r\n", x->body_size);
    awl__http_out_text(out, "\r\n", 2);
    return error ? error : out->error;
}

/* Sends head and body as one. 0 or the error. */
static int send_request(const awl__exchange *x, awl_stream *s, const awl_url *url)
{
    awl__http_out out = { .loop = x->session->loop };
    int error = put_head(&out, x, url);

    if (!error) {
        const struct iovec parts[2] = { { out.at, out.len }, { (void *)(uintptr_t)x->body, x->body_size } };
        error = awl_stream_writev(s, parts, x->body_size ? 2 : 1);
    }
    awl__http_out_free(&out);
    return error;
}

/* ---- The response ---------------------------------------------------------------------------------------------------- */

/* Parses what has come. 0: more is needed, or another head follows; 1: it is there; else the error. */
static int take_head(awl_response *r, awl_stream *s, int *interim)
{
    awl_input_ *in = &s->in;
    char *at = in->at_ ? in->at_ + in->start_ : NULL;
    const int n = at ? awl__http_head_parse(&r->head, at, awl__input_len(in)) : 0;

    if (n < 0) {
        awl__error_detail(r->session->loop, AWL_EPROTOCOL, "%s: %s", r->url, r->head.what);
        return AWL_EPROTOCOL;
    }
    if (n == 0)
        return 0;
    if (r->head.status < 200) {
        awl__input_take(in, (size_t)n);
        awl__input_settle(in);
        if (r->head.status == 101 || ++*interim > MOST_INTERIM)
            return AWL_EPROTOCOL;
        awl__http_head_begin(&r->head, true);
        return -EAGAIN;
    }
    r->text = awl__alloc(r->session->loop, (size_t)n);
    if (!r->text)
        return ENOMEM;
    r->size = (size_t)n;
    memcpy(r->text, at, r->size);
    awl__input_take(in, r->size);
    awl__input_settle(in);
    awl__incoming_begin(&r->in, s, awl__http_framing(&r->head, r->is_head), r->head.length, UINT64_MAX);
    r->reusable = awl__http_persists(&r->head) && r->in.framing != AWL__BODY_TO_END;
    return 1;
}

co_def(read_head, { awl_response *r; awl_stream *s; int rc, interim; int64_t n; bool any; })
{
    co_begin;
    awl__http_head_begin(&self->r->head, true);
    for (;;) {
        while ((self->rc = take_head(self->r, self->s, &self->interim)) == -EAGAIN)
            ;
        if (self->rc == 1)
            co_return(0);
        if (self->rc)
            co_raise(self->rc);
        co_let(self->n, awl__stream_fill(self->s));
        if (!self->n)
            co_raise(awl__input_len(&self->s->in) || self->interim ? AWL_EINCOMPLETE : ECONNRESET);
    }
    co_end;
}

/* ---- Both ------------------------------------------------------------------------------------------------------------ */

/* RFC 9110, 9.2.2. */
static bool is_idempotent(const char *method)
{
    static const char *const names[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], method) == 0)
            return true;
    }
    return false;
}

/* Whether a kept connection died before it answered, and the request may be sent again. */
static bool may_retry(const awl__exchange *x, const awl__conn *conn, int error)
{
    return conn->reused && (error == ECONNRESET || error == EPIPE) && is_idempotent(x->method) &&
           !(x->options && x->options->no_retry);
}

co_def(exchange, {
    awl__exchange *x;
    awl_response *r;
    awl_url url;
    awl_timeout timeout;
    char host[256];
    int rc;
    bool fresh, https;
})
{
    awl_response *r = self->r;

    co_begin;
    if (awl_url_parse(r->url, &self->url) || !self->url.host.len || self->url.host.len >= sizeof self->host)
        co_raise(EINVAL);
    self->https = awl_url_part_is_nocase(self->url.scheme, "https");
    if (!self->https && !awl_url_part_is_nocase(self->url.scheme, "http"))
        co_raise(EPROTONOSUPPORT);
    memcpy(self->host, self->url.host.at, self->url.host.len);
    self->r->is_head = strcmp(self->x->method, "HEAD") == 0;
    for (;;) {
        awl_timeout_enter(&self->timeout, self->x->timeouts.connect);
        co_try_cancel(self->rc, awl__conn_acquire(self->x->session, self->host, awl_url_port(&self->url), self->https, self->fresh));
        self->rc = awl_timeout_exit(&self->timeout, self->rc);
        if (self->rc)
            co_raise(self->rc);
        co_result(self->r->conn);
        self->rc = send_request(self->x, self->r->conn->s, &self->url);
        if (!self->rc)
            co_try(self->rc, co_call(read_head, .r = self->r, .s = self->r->conn->s));
        if (!self->rc)
            break;
        self->fresh = may_retry(self->x, self->r->conn, self->rc);
        awl__conn_release(self->x->session, self->r->conn, false);
        self->r->conn = NULL;
        if (!self->fresh)
            co_raise(self->rc);
    }
    co_end;
}

awl_coro awl__exchange_run(awl__exchange *x, awl_response *response)
{
    return co_call(exchange, .x = x, .r = response);
}
