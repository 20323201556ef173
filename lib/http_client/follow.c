/* Requests of a session, and where their responses send them; see awl/http_client.h. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http_client_priv.h"

/* ---- Redirects: RFC 9110, 15.4 ---------------------------------------------------------------------------------- */

/* Where a response sends us; NULL: nowhere. An empty Location is none, or it would be asked for again and again. */
static const char *location_of(const awl_response *r)
{
    const char *location = awl_response_field(r, "Location");

    switch (r->head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return location && *location ? location : NULL;
    default: return NULL;
    }
}

/* 303 makes a GET of all but HEAD; 301 and 302 of POST, as all clients do; 307 and 308 of nothing. */
static void change_method(awl__exchange *x, int status)
{
    const bool is_post = strcmp(x->method, "POST") == 0, is_head = strcmp(x->method, "HEAD") == 0;

    if ((status != 303 || is_head) && ((status != 301 && status != 302) || !is_post))
        return;
    x->method = "GET";
    x->body = x->type = NULL;
    x->body_size = 0;
    x->upload = NULL;
    x->without_body = true;
}

static bool same_origin(const awl_url *a, const awl_url *b)
{
    return a->scheme.len == b->scheme.len && strncasecmp(a->scheme.at, b->scheme.at, a->scheme.len) == 0 &&
           awl_url_port(a) == awl_url_port(b) && a->host.len == b->host.len &&
           strncasecmp(a->host.at, b->host.at, a->host.len) == 0;
}

static bool is_http(const awl_url *url)
{
    return url->host.len &&
           (awl_url_part_is_nocase(url->scheme, "http") || awl_url_part_is_nocase(url->scheme, "https"));
}

/* What is wrong with going from one URL to the other; NULL: nothing. */
static const char *refusal(const awl_http_session *session, const awl_url *from, const awl_url *to)
{
    if (!is_http(to))
        return "redirects to what is not HTTP";
    if (awl_url_part_is_nocase(from->scheme, "https") && !awl_url_part_is_nocase(to->scheme, "https") &&
        !session->options.allow_downgrade)
        return "redirects away from https, to";
    return NULL;
}

/* Turns a request to where its response sends it. 0 or the error. */
static int redirect(awl_response *r, awl__exchange *x)
{
    awl_loop *loop = r->session->loop;
    char *before = r->url;
    const size_t before_size = r->url_size;
    awl_url from, to;
    const char *why;
    int error;

    r->url = NULL;
    r->url_size = 0;
    error = awl__response_set_url(r, before, location_of(r), NULL, NULL);
    if (error == EINVAL)
        awl__error_detail(loop, error = AWL_EREDIRECT, "%s redirects to what is no URL: %s", before, location_of(r));
    if (!error) {
        awl_url_parse(before, &from);
        awl_url_parse(r->url, &to);
        why = refusal(r->session, &from, &to);
        if (why)
            awl__error_detail(loop, error = AWL_EREDIRECT, "%s %s %s", before, why, r->url);
        x->same_origin &= !error && same_origin(&from, &to);
        change_method(x, r->head.status);
        r->redirects++;
    }
    if (r->url) {
        awl__free(loop, before, before_size);
    } else {
        r->url = before;
        r->url_size = before_size;
    }
    return error;
}

/* The redirects that are left to follow. */
static int redirects_of(const awl__exchange *x)
{
    return x->options->redirects ? x->options->redirects : x->session->options.redirects;
}

/* All exchanges until one does not redirect. */
co_def(follow, { awl_response *r; awl__exchange *x; int left, rc; })
{
    co_begin;
    self->left = redirects_of(self->x);
    for (;;) {
        co_await(awl__exchange_run(self->x, self->r));
        if (self->left < 0 || !location_of(self->r))
            break;
        if (!self->left--) {
            awl__error_detail(self->r->session->loop, AWL_EREDIRECT, "%s: too many redirects", self->r->url);
            co_raise(AWL_EREDIRECT);
        }
        awl__response_skim(self->r);
        self->rc = redirect(self->r, self->x);
        if (self->rc)
            co_raise(self->rc);
        awl__response_reset(self->r);
    }
    co_end;
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

static awl_time first_of(awl_time own, awl_time all) { return own ? own : all; }

/* The session's user is for all, or for the origin of its base URL. */
static bool has_own_user(const awl_http_session *session, const char *url)
{
    awl_url base, own;

    return !session->options.base_url ||
           (awl_url_parse(session->options.base_url, &base) == 0 && awl_url_parse(url, &own) == 0 && is_http(&own) &&
            same_origin(&base, &own));
}

/* One body, and what sends it. 0 or the error. */
static int set_body(awl__exchange *x, awl__http_out *form)
{
    const awl_http_request_options *o = x->options;

    if ((o->form != NULL) + (o->body != NULL) + (o->upload != NULL) + (o->parts != NULL) > 1)
        return awl__http_invalid("a request has one body: form, parts, body or upload");
    if ((o->body_size && !o->body && !o->upload) || (o->body && o->body_size > SIZE_MAX))
        return awl__http_invalid("body_size has no body, or one that fits into no memory");
    x->body = o->body;
    x->body_size = o->body && !o->body_size ? strlen(o->body) : o->body_size;
    x->upload = o->upload;
    x->type = o->type;
    if (o->parts) {
        x->upload = awl__multipart_write;
        return awl__multipart_begin(x);
    }
    if (!o->form)
        return 0;
    awl__http_put_pairs(form, o->form, '\0');
    x->body = form->at;
    x->body_size = form->len;
    x->type = o->type ? o->type : "application/x-www-form-urlencoded";
    return form->error;
}

static int check_arguments(const awl_http_session *session, const char *method, const char *url)
{
    if (!session)
        return awl__http_invalid("a request needs a session: awl_http_session_new");
    if (!url)
        return awl__http_invalid("a request needs a URL");
    if (!method || !awl__http_is_token(method, strlen(method)) || strcmp(method, "CONNECT") == 0)
        return awl__http_invalid("\"%s\" is no method of a request", method ? method : "");
    return 0;
}

/* Takes the arguments. 0 or the error. */
static int begin(awl__exchange *x, awl_response *r, const char *method, const char *url, awl__http_out *form)
{
    const awl_http_session_options *all = &r->session->options;
    const awl_http_request_options *o = x->options;
    int error;

    x->session = r->session;
    x->method = method;
    x->same_origin = true;
    x->timeouts = (awl_http_timeouts){ first_of(o->timeouts.total, all->timeouts.total),
                                       first_of(o->timeouts.connect, all->timeouts.connect),
                                       first_of(o->timeouts.read, all->timeouts.read) };
    r->deadline = awl__later(r->session->loop, x->timeouts.total);
    r->read_timeout = x->timeouts.read;
    error = awl__http_check_user(o->user);
    if (!error)
        error = awl__response_set_url(r, all->base_url, url, o->params, x);
    if (error)
        return error;
    x->own_user = has_own_user(r->session, r->url);
    form->loop = r->session->loop;
    return set_body(x, form);
}

/* ---- Options that are copied: they are often written where they are given ---------------------------------------- */

static size_t parts_size(const awl_http_part *parts)
{
    size_t n = 0;

    while (parts && parts[n++].name)
        ;
    return n * sizeof *parts;
}

static size_t arrays_size(const awl_http_request_options *o)
{
    return awl__http_pairs_size(o->headers) + awl__http_pairs_size(o->params) + awl__http_pairs_size(o->form) +
           parts_size(o->parts);
}

static char *append(char *to, const void *from, size_t size)
{
    if (size)
        memcpy(to, from, size);
    return to + size;
}

/* Copies the arrays, one behind the other. */
static void copy_arrays(const awl_http_request_options *o, void *copies)
{
    char *to = append(copies, o->headers, awl__http_pairs_size(o->headers));

    to = append(to, o->params, awl__http_pairs_size(o->params));
    to = append(to, o->form, awl__http_pairs_size(o->form));
    append(to, o->parts, parts_size(o->parts));
}

static const awl_http_pair *find_pairs(char **at, const awl_http_pair *given)
{
    const awl_http_pair *pairs = given ? (const awl_http_pair *)(void *)*at : NULL;

    *at += awl__http_pairs_size(pairs);
    return pairs;
}

/* Has the options point to the copies of their arrays. */
static void find_copies(awl_http_request_options *o, void *copies)
{
    char *at = copies;

    o->headers = find_pairs(&at, o->headers);
    o->params = find_pairs(&at, o->params);
    o->form = find_pairs(&at, o->form);
    o->parts = o->parts ? (const awl_http_part *)(void *)at : NULL;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

/* Behind it lie the copies of the options' arrays; where that is, is known when it starts. */
co_def(request, {
    awl_http_session *session;
    const char *method, *url;
    awl_http_request_options options;
    awl_response *r;
    awl__exchange x;
    awl__http_out form;
    awl_timeout timeout;
    int rc;
    unsigned mark;
})
{
    co_begin;
    find_copies(&self->options, self + 1);
    self->rc = check_arguments(self->session, self->method, self->url);
    if (self->rc)
        co_raise(self->rc);
    self->r = awl__response_new(self->session);
    if (!self->r)
        co_raise(ENOMEM);
    self->x.options = &self->options;
    self->rc = begin(&self->x, self->r, self->method, self->url, &self->form);
    if (self->rc)
        co_raise(self->rc);
    self->mark = awl__error_mark(self->session->loop);
    awl_timeout_enter_at(&self->timeout, self->r->deadline);
    co_try_cancel(self->rc, co_call(follow, .r = self->r, .x = &self->x));
    self->rc = awl_timeout_exit(&self->timeout, self->rc);
    if (self->rc && !awl__uploads(&self->x)) /* what a body fails with has its own words, of another task */
        awl__response_name_url(self->r, self->rc, self->mark);
    if (!self->rc && self->r->session->options.raise_for_status)
        self->rc = awl_response_check(self->r);
    if (!self->rc && awl__asks_coding(&self->x))
        self->rc = awl__response_decode(self->r);
    if (self->rc)
        co_raise(self->rc);
    if (self->r->in.ended)
        awl__response_let_go(self->r);
    co_return(self->r);
    co_finally;
    awl__http_out_free(&self->form);
    if (self->x.session)
        awl__login_free(self->x.session->loop, &self->x.login);
    if (co_failing) {
        awl_response_close(self->r);
        self->r = NULL;
    }
    co_end;
}

awl_coro awl_http_request(awl_http_session *session, const char *method, const char *url,
                          const awl_http_request_options *options)
{
    static const awl_http_request_options none;
    const awl_http_request_options *o = options ? options : &none;
    struct request *self = awl__op_new(&request_type_, sizeof *self + arrays_size(o));

    if (self) {
        self->session = session;
        self->method = method;
        self->url = url;
        self->options = *o;
        copy_arrays(o, self + 1);
    }
    return awl__op(self);
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
