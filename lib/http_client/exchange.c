/* One request and the head of its response, over a connection of the pool; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "http_client_priv.h"

/* ---- The response ----------------------------------------------------------------------------------------------- */

/* A response that is not the last: 100 lets the body go. 0 or the error. */
static int take_interim(awl_response *r, awl_http_upload *up, int *interim)
{
    if (r->head.status == 101 || ++*interim > AWL__INTERIM_LIMIT) {
        awl__error_detail(r->session->loop, AWL_EPROTOCOL, "%s: %s", r->url,
                          r->head.status == 101 ? "it changes to a protocol that nobody asked for"
                                                : "more than 16 interim responses");
        return AWL_EPROTOCOL;
    }
    if (up && r->head.status == 100)
        awl_event_set(&up->go);
    awl__http_head_begin(&r->head, true);
    return 0;
}

/* Parses what has come. 0: more is needed; 1: the head is there; -1: another one follows; else the error. */
static int take_head(awl_response *r, awl_stream *s, awl_http_upload *up, int *interim)
{
    awl_input_ *in = &s->in;
    char *at = in->at_ ? in->at_ + in->start_ : NULL;
    const int n = at ? awl__http_head_parse(&r->head, at, awl__input_len(in)) : 0;
    int error;

    if (at && awl__input_len(in) > 1 && at[0] == 0x15 && at[1] == 3 && !r->conn->origin->https) { /* RFC 8446, 5.1 */
        awl__error_detail(r->session->loop, AWL_EPROTOCOL, "%s: %s:%d speaks TLS: use https", r->url,
                          r->conn->origin->host, r->conn->origin->port);
        return AWL_EPROTOCOL;
    }
    if (n < 0) {
        awl__error_detail(r->session->loop, AWL_EPROTOCOL, "%s: %s", r->url, r->head.what);
        return AWL_EPROTOCOL;
    }
    if (n == 0)
        return 0;
    if (r->head.status < 200) {
        awl__input_take(in, (size_t)n);
        awl__input_settle(in);
        error = take_interim(r, up, interim);
        return error ? error : -1;
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

/* *silent: the connection ended before a byte of a response. While a body goes out, that counts as a sign of life. */
co_def(read_head, {
    awl_response *r;
    awl_stream *s;
    awl_http_upload *up;
    bool *silent;
    awl_timeout stall;
    int rc, interim;
    int64_t n;
})
{
    co_begin;
    awl__http_head_begin(&self->r->head, true);
    awl_timeout_enter(&self->stall, self->r->read_timeout);
    if (self->up)
        self->up->stall = &self->stall;
    for (;;) {
        while ((self->rc = take_head(self->r, self->s, self->up, &self->interim)) == -1)
            ;
        if (self->rc == 1)
            co_return(0);
        if (self->rc)
            co_raise(self->rc);
        co_try(self->rc, awl__stream_fill(self->s));
        self->n = 0;
        if (!self->rc)
            co_result(self->n);
        *self->silent = !self->n && !awl__input_len(&self->s->in) && !self->interim;
        if (self->rc)
            co_raise(self->rc);
        if (!self->n)
            co_raise(*self->silent ? ECONNRESET : AWL_EINCOMPLETE);
        awl_timeout_reschedule(&self->stall, self->r->read_timeout);
    }
    co_finally;
    if (self->up)
        self->up->stall = NULL;
    self->rc = awl_timeout_exit(&self->stall, co_failing);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

/* ---- Both at once ----------------------------------------------------------------------------------------------- */

/* What the body or the reading failed with, whichever came first. */
static int first_error(const awl_task_group *group)
{
    const awl_group_error *first = awl_task_group_errors(group, NULL);

    return first ? first->error : ENOMEM; /* there was none to note it in */
}

/* Sends the body and reads the head at the same time. What ends the one early ends the other: a response that is final
 * while there is more to send, or a body that cannot be had. */
co_def(upload_and_read, { awl_http_upload up; awl_response *r; bool *silent; awl_task_group group; int rc; })
{
    co_begin;
    awl_task_group_enter(&self->group);
    self->rc = awl_task_group_spawn(&self->group, awl__upload_run(&self->up));
    if (self->rc)
        co_raise(self->rc);
    co_await(co_call(read_head, .r = self->r, .s = self->up.s, .up = &self->up, .silent = self->silent));
    co_finally;
    if (!co_failing && !self->up.done) {
        self->r->reusable = false;
        awl_task_group_cancel(&self->group);
    }
    co_try_cancel(self->rc, awl_task_group_exit(&self->group, co_failing));
    if (self->rc == AWL_EGROUP)
        self->rc = first_error(&self->group);
    awl_task_group_fini(&self->group);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

/* Sends the head, with the body where that is short; the head's memory goes. 0 or the error. */
static int send_head(const awl__exchange *x, awl_stream *s, awl__http_out *head)
{
    const struct iovec parts[2] = { { head->at, head->len }, { (void *)(uintptr_t)x->body, (size_t)x->body_size } };
    const int error = awl_stream_writev(s, parts, x->body_size && !awl__uploads(x) ? 2 : 1);

    awl__http_out_free(head);
    return error;
}

/* A coroutine object that has the request sent and the head read. */
static awl_coro begin_reading(const awl__exchange *x, awl_response *r, bool *silent)
{
    awl_stream *s = r->conn->s;

    if (!awl__uploads(x))
        return co_call(read_head, .r = r, .s = s, .silent = silent);
    return co_call(upload_and_read,
                   .up = { .s = s,
                           .x = x,
                           .body = { .framing = x->upload && !x->body_size ? AWL__BODY_CHUNKED : AWL__BODY_LENGTH,
                                     .left = x->body_size },
                           .expects = awl__expects(x) },
                   .r = r, .silent = silent);
}

/* Keeps the cookies of a response. 0 or ENOMEM; those that cannot be kept are left out. */
static int take_cookies(awl_response *r)
{
    awl_http_session *session = r->session;
    const char *name, *value;

    for (size_t i = 0; awl_response_field_at(r, i, &name, &value) && !session->options.no_cookies; i++) {
        if (!awl__http_same(name, "set-cookie"))
            continue;
        if (!awl_http_session_cookies(session) || awl_cookie_jar_set(session->cookies, r->url, value) == ENOMEM)
            return ENOMEM;
    }
    return 0;
}

/* ---- One exchange ----------------------------------------------------------------------------------------------- */

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

static int no_such_scheme(awl_loop *loop, const char *url)
{
    awl__error_detail(loop, EPROTONOSUPPORT, "a URL begins with http:// or https://: %s", url);
    return EPROTONOSUPPORT;
}

co_def(exchange, {
    awl__exchange *x;
    awl_response *r;
    awl_url url;
    awl__target target;
    awl_timeout timeout;
    awl__http_out head;
    char host[256];
    int rc;
    bool silent;
})
{
    co_begin;
    if (awl_url_parse(self->r->url, &self->url) || !self->url.host.len)
        co_raise(awl__http_no_url(self->r->url));
    if (!awl__http_take_host(self->url.host, self->host, sizeof self->host)) {
        awl__error_detail(self->x->session->loop, EINVAL, "%s: the host is no name of ASCII, nor an address",
                          self->r->url);
        co_raise(EINVAL);
    }
    self->target = (awl__target){ .host = self->host,
                                  .port = awl_url_port(&self->url),
                                  .https = awl_url_part_is_nocase(self->url.scheme, "https"),
                                  .sure = !is_idempotent(self->x->method) || self->x->options->no_retry };
    if (!self->target.https && !awl_url_part_is_nocase(self->url.scheme, "http"))
        co_raise(no_such_scheme(self->x->session->loop, self->r->url));
    self->rc = awl__proxy_for(self->x->session, &self->target, &self->target.proxy);
    if (self->rc)
        co_raise(self->rc);
    self->x->proxy = self->target.https ? NULL : self->target.proxy;
    self->r->is_head = strcmp(self->x->method, "HEAD") == 0;
    self->head.loop = self->x->session->loop;
    for (;;) {
        self->rc = awl__request_head(&self->head, self->x, &self->url);
        if (self->rc)
            co_raise(self->rc);
        awl_timeout_enter(&self->timeout, self->x->timeouts.connect);
        co_try_cancel(self->rc, awl__conn_acquire(self->x->session, &self->target));
        self->rc = awl_timeout_exit(&self->timeout, self->rc);
        if (self->rc)
            co_raise(self->rc);
        co_result(self->r->conn);
        self->silent = true;
        self->rc = send_head(self->x, self->r->conn->s, &self->head);
        if (!self->rc || self->rc == awl_stream_error(self->r->conn->s)) /* there may be an answer all the same */
            co_try(self->rc, begin_reading(self->x, self->r, &self->silent));
        if (!self->rc && self->r->head.status == 417 && awl__expects(self->x)) {
            self->x->not_expecting = true;
        } else if (self->rc && self->silent && self->r->conn->reused && !self->target.sure &&
                   (self->rc == ECONNRESET || self->rc == awl_stream_error(self->r->conn->s))) {
            self->target.fresh = true; /* it had been kept, and died before it said anything */
        } else {
            break;
        }
        self->r->reusable = false;
        awl__response_reset(self->r);
    }
    if (!self->rc)
        self->rc = take_cookies(self->r);
    if (self->rc)
        co_raise(self->rc);
    co_finally;
    awl__http_out_free(&self->head);
    co_end;
}

awl_coro awl__exchange_run(awl__exchange *x, awl_response *response)
{
    return co_call(exchange, .x = x, .r = response);
}
