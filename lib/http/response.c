/* Requests of a session, with redirects, and what their responses say; see awl/http_client.h. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "client_priv.h"

/* ---- Responses ----------------------------------------------------------------------------------------------------- */

static awl_response *new_response(awl_http_session *session)
{
    awl_response *r = awl__alloc(session->loop, sizeof *r);

    if (!r)
        return NULL;
    memset(r, 0, offsetof(awl_response, head));
    awl__http_head_begin(&r->head, true);
    r->session = session;
    awl__session_retain(session);
    return r;
}

/* The connection goes back as soon as the body has ended. */
static void let_go(awl_response *r, bool keep)
{
    if (!r->conn)
        return;
    awl__conn_release(r->session, r->conn, keep && r->reusable && r->in.ended);
    r->conn = NULL;
}

static void free_head(awl_response *r)
{
    let_go(r, true);
    awl__free(r->session->loop, r->text, r->size);
    r->text = NULL;
}

void awl_response_close(awl_response *r)
{
    if (!r)
        return;
    awl__loop_check(r->session->loop);
    free_head(r);
    awl__free(r->session->loop, r->url, r->url_size);
    awl__free(r->session->loop, r->whole, r->whole_cap);
    awl__session_drop(r->session);
    awl__free(awl_running_, r, sizeof *r);
}

int awl_response_status(const awl_response *r) { return r ? r->head.status : 0; }

const char *awl_response_reason(const awl_response *r) { return r && r->text ? r->text + r->head.reason : ""; }

int64_t awl_response_length(const awl_response *r)
{
    return !r || r->head.chunked || !r->head.has_length ? -1 : (int64_t)r->head.length;
}

const char *awl_response_url(const awl_response *r) { return r && r->url ? r->url : ""; }

int awl_response_redirects(const awl_response *r) { return r ? r->redirects : 0; }

const char *awl_response_field(const awl_response *r, const char *name)
{
    return r && r->text ? awl__http_field(&r->head, r->text, name) : NULL;
}

bool awl_response_field_at(const awl_response *r, size_t index, const char **name, const char **value)
{
    if (!r || !r->text || index >= r->head.n)
        return false;
    *name = r->text + r->head.fields[index].name;
    *value = r->text + r->head.fields[index].value;
    return true;
}

int awl_response_check(const awl_response *r) { return !r ? EINVAL : r->head.status >= 400 ? AWL_ESTATUS : 0; }

/* ---- The body ------------------------------------------------------------------------------------------------------ */

co_def(response_read, { awl_response *r; void *buf; size_t cap; awl_timeout timeout; int rc; int64_t n; awl_time when; })
{
    co_begin;
    if (!self->r || !self->cap)
        co_raise(EINVAL);
    if (!self->r->conn)
        co_return(0);
    self->when = awl__later(self->r->session->loop, self->r->read_timeout);
    if (self->r->deadline < self->when)
        self->when = self->r->deadline;
    awl_timeout_enter_at(&self->timeout, self->when);
    co_try_cancel(self->rc, awl__incoming_read(&self->r->in, self->buf, self->cap));
    self->rc = awl_timeout_exit(&self->timeout, self->rc);
    if (self->rc)
        co_raise(self->rc);
    co_result(self->n);
    if (self->r->in.ended)
        let_go(self->r, true);
    co_return(self->n);
    co_end;
}

awl_coro awl_response_read(awl_response *response, void *buf, size_t cap)
{
    return co_call(response_read, .r = response, .buf = buf, .cap = cap);
}

/* Room for more, and a zero byte. 0 or the error. */
static int make_room(awl_response *r)
{
    const size_t limit = r->session->options.body_limit;
    const int64_t length = awl_response_length(r);
    size_t cap = r->whole_cap ? r->whole_cap * 2 : length >= 0 ? (size_t)length + 2 : 16384;
    char *more;

    if (r->whole_len > limit || (length > 0 && (uint64_t)length > limit && !r->is_head))
        return AWL_ELIMIT;
    if (r->whole_len + 1 < r->whole_cap)
        return 0;
    more = awl__alloc(r->session->loop, cap);
    if (!more)
        return ENOMEM;
    if (r->whole_len)
        memcpy(more, r->whole, r->whole_len);
    awl__free(r->session->loop, r->whole, r->whole_cap);
    r->whole = more;
    r->whole_cap = cap;
    return 0;
}

co_def(response_read_all, { awl_response *r; size_t *len; int rc; int64_t n; })
{
    co_begin;
    if (!self->r)
        co_raise(EINVAL);
    do {
        self->rc = make_room(self->r);
        if (self->rc)
            co_raise(self->rc);
        co_let(self->n, awl_response_read(self->r, self->r->whole + self->r->whole_len,
                                          self->r->whole_cap - self->r->whole_len - 1));
        self->r->whole_len += (size_t)self->n;
    } while (self->n);
    if (self->r->whole_len > self->r->session->options.body_limit)
        co_raise(AWL_ELIMIT);
    self->r->whole[self->r->whole_len] = '\0';
    if (self->len)
        *self->len = self->r->whole_len;
    co_return(self->r->whole);
    co_end;
}

awl_coro awl_response_read_all(awl_response *response, size_t *len)
{
    return co_call(response_read_all, .r = response, .len = len);
}

/* ---- What is asked for ----------------------------------------------------------------------------------------------- */

/* Adds "a=b&c=d" to a text, encoded; '+' for a space is what forms have. */
static void put_pairs(awl__http_out *out, const awl_http_pair *pairs, char before)
{
    for (; pairs && pairs->name; pairs++) {
        const char *parts[2] = { pairs->name, pairs->value ? pairs->value : "" };

        for (int i = 0; i < 2; i++, before = '=') {
            const size_t len = strlen(parts[i]), size = awl_url_encode(parts[i], len, "", NULL, 0) + 1;
            char *text = awl__alloc(out->loop, size);

            if (!text) {
                out->error = ENOMEM;
                return;
            }
            awl_url_encode(parts[i], len, "", text, size);
            if (before)
                awl__http_out_text(out, &before, 1);
            awl__http_out_text(out, text, size - 1);
            awl__free(out->loop, text, size);
        }
        before = '&';
    }
}

/* Percent-encodes what servers leave as it is in a Location: spaces, and what is not ASCII. */
static char *tame(awl_loop *loop, const char *text, size_t *size)
{
    static const char keep[] = "!$&'()*+,;=:@/?#[]%";
    char *copy;

    *size = awl_url_encode(text, strlen(text), keep, NULL, 0) + 1;
    copy = awl__alloc(loop, *size);
    if (copy)
        awl_url_encode(text, strlen(text), keep, copy, *size);
    return copy;
}

/* Makes response->url of a reference at a base (NULL: it is absolute), with parameters, without a fragment. 0 or the
 * error; on error it is as before. */
static int set_url(awl_response *r, const char *base, const char *reference, const awl_http_pair *params)
{
    awl_loop *loop = r->session->loop;
    awl__http_out out = { .loop = loop };
    size_t size;
    char *tamed = tame(loop, reference, &size);
    ssize_t len = tamed ? awl_url_resolve(base ? base : tamed, tamed, NULL, 0) : -ENOMEM;
    int error = len < 0 ? (int)-len : 0;
    char *text = len < 0 ? NULL : awl__alloc(loop, (size_t)len + 1);

    if (text) {
        awl_url_resolve(base ? base : tamed, tamed, text, (size_t)len + 1);
        awl__http_out_text(&out, text, strcspn(text, "#"));
        put_pairs(&out, params, memchr(text, '?', strcspn(text, "#")) ? '&' : '?');
        awl__http_out_text(&out, "", 1);
        error = out.error;
    } else if (!error) {
        error = ENOMEM;
    }
    if (!error) {
        awl__free(loop, r->url, r->url_size);
        r->url = out.at;
        r->url_size = out.cap;
    } else {
        awl__http_out_free(&out);
    }
    if (text)
        awl__free(loop, text, (size_t)len + 1);
    awl__free(loop, tamed, tamed ? size : 0);
    return error;
}

/* ---- Redirects: RFC 9110, 15.4 ---------------------------------------------------------------------------------------- */

/* Where a response sends us; NULL: nowhere. */
static const char *location_of(const awl_response *r)
{
    switch (r->head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return awl_response_field(r, "Location");
    default: return NULL;
    }
}

/* 303 makes a GET of all but HEAD; 301 and 302 of POST, as all clients do; 307 and 308 of nothing. */
static void change_method(awl__exchange *x, int status)
{
    const bool is_post = strcmp(x->method, "POST") == 0, is_head = strcmp(x->method, "HEAD") == 0;

    if ((status != 303 || is_head) && ((status != 301 && status != 302) || !is_post))
        return;
    x->method = is_head ? "HEAD" : "GET";
    x->body = x->type = NULL;
    x->body_size = 0;
}

static bool same_origin(const awl_url *a, const awl_url *b)
{
    return a->scheme.len == b->scheme.len && awl_url_port(a) == awl_url_port(b) && a->host.len == b->host.len &&
           strncasecmp(a->host.at, b->host.at, a->host.len) == 0;
}

/* Turns a request to where its response sends it. 0 or the error. */
static int redirect(awl_response *r, awl__exchange *x, const char *location)
{
    char *before = r->url;
    const size_t before_size = r->url_size;
    awl_url from, to;
    int error;

    r->url = NULL;
    r->url_size = 0;
    error = set_url(r, before, location, NULL);
    if (error == EINVAL)
        awl__error_detail(r->session->loop, error = AWL_EREDIRECT, "%s redirects to what is no URL: %s", before, location);
    if (!error) {
        awl_url_parse(before, &from);
        awl_url_parse(r->url, &to);
        x->same_origin &= same_origin(&from, &to);
        if (awl_url_part_is_nocase(from.scheme, "https") && !awl_url_part_is_nocase(to.scheme, "https") &&
            !r->session->options.allow_downgrade)
            awl__error_detail(r->session->loop, error = AWL_EREDIRECT, "%s redirects away from https, to %s", before, r->url);
        change_method(x, r->head.status);
        free_head(r);
        r->redirects++;
    }
    if (!r->url) {
        r->url = before;
        r->url_size = before_size;
    } else {
        awl__free(r->session->loop, before, before_size);
    }
    return error;
}

/* ---- Requests ---------------------------------------------------------------------------------------------------------- */

static awl_time first_of(awl_time own, awl_time all) { return own ? own : all; }

static void begin(awl__exchange *x, awl_http_session *session, const awl_http_request_options *o)
{
    const awl_http_timeouts none = { 0 }, *own = o ? &o->timeouts : &none, *all = &session->options.timeouts;

    x->session = session;
    x->options = o;
    x->same_origin = true;
    x->body = o ? o->body : NULL;
    x->body_size = o ? o->body_size : 0;
    x->type = o ? o->type : NULL;
    x->timeouts = (awl_http_timeouts){ first_of(own->total, all->total), first_of(own->connect, all->connect),
                                       first_of(own->read, all->read) };
}

/* The body of a form. 0 or the error. */
static int put_form(awl__exchange *x, awl__http_out *form)
{
    if (!x->options || !x->options->form)
        return 0;
    if (x->body)
        return EINVAL;
    put_pairs(form, x->options->form, '\0');
    x->body = form->at;
    x->body_size = form->len;
    x->type = x->type ? x->type : "application/x-www-form-urlencoded";
    return form->error;
}

/* The redirects that are left to follow. */
static int redirects_of(const awl__exchange *x)
{
    return x->options && x->options->redirects ? x->options->redirects : x->session->options.redirects;
}

/* All exchanges until one does not redirect. */
co_def(follow, { awl_response *r; awl__exchange *x; int left; int64_t n; char sink[256]; int rc; })
{
    const char *location;

    co_begin;
    self->left = redirects_of(self->x);
    for (;;) {
        co_await(awl__exchange_run(self->x, self->r));
        location = self->left < 0 ? NULL : location_of(self->r);
        if (!location)
            break;
        if (!self->left--) {
            awl__error_detail(self->r->session->loop, AWL_EREDIRECT, "%s: too many redirects", self->r->url);
            co_raise(AWL_EREDIRECT);
        }
        /* A short body is read, so that the connection can be kept. */
        if (!self->r->in.ended && awl_response_length(self->r) >= 0 && awl_response_length(self->r) <= 4096) {
            do
                co_let(self->n, awl_response_read(self->r, self->sink, sizeof self->sink));
            while (self->n);
        }
        self->rc = redirect(self->r, self->x, location_of(self->r));
        if (self->rc)
            co_raise(self->rc);
    }
    co_end;
}

co_def(request, {
    awl_http_session *session;
    const char *method, *url;
    const awl_http_request_options *options;
    awl_response *r;
    awl__exchange x;
    awl__http_out form;
    awl_timeout timeout;
    int rc;
})
{
    co_begin;
    if (!self->session || !self->url || !self->method || !awl__http_is_token(self->method, strlen(self->method)))
        co_raise(EINVAL);
    begin(&self->x, self->session, self->options);
    self->x.method = self->method;
    self->form.loop = self->session->loop;
    self->r = new_response(self->session);
    if (!self->r)
        co_raise(ENOMEM);
    self->r->deadline = awl__later(self->session->loop, self->x.timeouts.total);
    self->r->read_timeout = self->x.timeouts.read;
    self->rc = set_url(self->r, self->session->options.base_url, self->url, self->options ? self->options->params : NULL);
    if (!self->rc)
        self->rc = put_form(&self->x, &self->form);
    if (self->rc)
        co_raise(self->rc);
    awl_timeout_enter_at(&self->timeout, self->r->deadline);
    co_try_cancel(self->rc, co_call(follow, .r = self->r, .x = &self->x));
    self->rc = awl_timeout_exit(&self->timeout, self->rc);
    if (!self->rc && self->session->options.raise_for_status)
        self->rc = awl_response_check(self->r);
    if (self->rc == AWL_ESTATUS)
        awl__error_detail(self->session->loop, AWL_ESTATUS, "%s: %d %s", self->r->url, self->r->head.status,
                          awl_response_reason(self->r));
    if (self->rc)
        co_raise(self->rc);
    if (self->r->in.ended)
        let_go(self->r, true);
    co_return(self->r);
    co_finally;
    awl__http_out_free(&self->form);
    if (co_failing) {
        awl_response_close(self->r);
        self->r = NULL;
    }
    co_end;
}

awl_coro awl_http_request(awl_http_session *session, const char *method, const char *url, const awl_http_request_options *options)
{
    return co_call(request, .session = session, .method = method, .url = url, .options = options);
}

#define METHOD(name, method)                                                                                           \
    awl_coro awl_http_##name(awl_http_session *session, const char *url, const awl_http_request_options *options)     \
    {                                                                                                                  \
        return awl_http_request(session, method, url, options);                                                       \
    }
METHOD(get, "GET")
METHOD(head, "HEAD")
METHOD(post, "POST")
METHOD(put, "PUT")
METHOD(delete, "DELETE")
