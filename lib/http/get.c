/* A GET request: connection, request, head of the response, redirects; see awl/http.h. */
#include <string.h>

#include "http_priv.h"

/* ---- Responses --------------------------------------------------------------------------------------------------- */

static awl_http_response *new_response(const char *url, size_t limit)
{
    awl_loop *loop = awl_running_;
    awl_http_response *r = awl__alloc(loop, sizeof *r);

    if (!r)
        return NULL;
    memset(r, 0, sizeof *r);
    r->loop = loop;
    r->url_size = strlen(url) + 1;
    r->url = awl__alloc(loop, r->url_size);
    if (!r->url) {
        awl__free(loop, r, sizeof *r);
        return NULL;
    }
    memcpy(r->url, url, r->url_size);
    r->head_limit = limit;
    return r;
}

void awl_http_close(awl_http_response *r)
{
    if (!r)
        return;
    awl_stream_close(r->s);
    awl__free(r->loop, r->url, r->url_size);
    awl__free(r->loop, r->head, r->head_cap);
    awl__free(r->loop, r->body, r->body_cap);
    awl__free(r->loop, r, sizeof *r);
}

int awl_http_status(const awl_http_response *r) { return r ? r->status : 0; }

const char *awl_http_reason(const awl_http_response *r) { return r && r->head ? r->head : ""; }

int64_t awl_http_length(const awl_http_response *r) { return r ? r->length : -1; }

const char *awl_http_url(const awl_http_response *r) { return r ? r->url : ""; }

/* ---- One request ------------------------------------------------------------------------------------------------- */

/* In one piece, so that it leaves in one packet. The caller's headers, which may hold secrets, are for the host that it named:
 * `first`. */
static int send_request(awl_stream *s, const awl__url *url, const char *first, const awl_http_options *options)
{
    const char *agent = options && options->user_agent ? options->user_agent : "awl", *headers = "";
    awl__url named;

    if (options && options->headers && awl__url_parse(first, &named) == 0 && strcmp(named.authority, url->authority) == 0)
        headers = options->headers;

    return awl_stream_print(
        s, "GET %s%.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\n%sConnection: close\r\n\r\n",
        url->no_path ? "/" : "", (int)url->target_size, url->target, url->authority, agent,
        headers);
}

/* A line of the head, as it was read. Result: 0 or the error; *more: whether it was not the last. */
static int take_line(awl_http_response *r, const char *line, size_t len, bool *more)
{
    int error = line ? 0 : AWL_EINCOMPLETE;

    r->head_seen += len;
    if (!error)
        error = r->head_seen > r->head_limit ? AWL_ELIMIT : awl__http_chomp(line, &len);
    if (error)
        return error;
    *more = true;
    if (!r->status)
        return awl__http_status_line(r, line, len);
    if (len)
        return awl__http_header_line(r, line, len);
    error = awl__http_head_done(r);
    if (r->status >= 200)
        *more = false;
    else
        r->status = 0; /* an interim response: the proper one follows */
    return error;
}

co_def(http_request, {
    awl_http_response *r;
    const char *first;
    const awl_http_options *options;
    awl__url url;
    char *line;
    size_t len;
    int error;
    bool more;
})
{
    co_begin;
    self->error = awl__url_parse(self->r->url, &self->url);
    if (self->error)
        co_raise(self->error);
    co_let(self->r->s, awl_open_connection(self->url.host, self->url.port, NULL));
    self->error = send_request(self->r->s, &self->url, self->first, self->options);
    if (self->error)
        co_raise(self->error);
    do {
        co_let(self->line, awl_stream_readline(self->r->s, &self->len));
        self->error = take_line(self->r, self->line, self->len, &self->more);
        if (self->error)
            co_raise(self->error);
    } while (self->more);
    co_end;
}

/* ---- Redirects --------------------------------------------------------------------------------------------------- */

/* Where a response sends us; NULL: nowhere. */
static const char *location_of(const awl_http_response *r)
{
    switch (r->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return awl_http_header(r, "Location");
    default: return NULL;
    }
}

/* The response to ask for instead of *r, which is closed. 0 or the error. */
static int redirect(awl_http_response **r, const char *location)
{
    awl_http_response *next;
    awl__url base;
    size_t size;
    char *url;

    awl__url_parse((*r)->url, &base);
    url = awl__url_join((*r)->loop, &base, location, &size);
    if (!url)
        return ENOMEM;
    next = new_response(url, (*r)->head_limit);
    awl__free((*r)->loop, url, size);
    if (!next)
        return ENOMEM;
    awl_http_close(*r);
    *r = next;
    return 0;
}

co_def(http_get, {
    const char *url;
    const awl_http_options *options;
    awl_http_response *r;
    int left, error;
})
{
    const char *location;

    co_begin;
    if (!self->url)
        co_raise(EINVAL);
    self->left = self->options && self->options->redirects ? self->options->redirects : 10;
    self->r = new_response(self->url, self->options && self->options->head_limit ? self->options->head_limit : 65536);
    if (!self->r)
        co_raise(ENOMEM);
    for (;;) {
        co_await(co_call(http_request, .r = self->r, .first = self->url, .options = self->options));
        location = self->left < 0 ? NULL : location_of(self->r);
        if (!location)
            break;
        self->error = self->left-- ? redirect(&self->r, location) : AWL_EREDIRECT;
        if (self->error)
            co_raise(self->error);
    }
    co_return(self->r);
    co_finally;
    if (co_failing) {
        awl_http_close(self->r);
        self->r = NULL;
    }
    co_end;
}

awl_coro awl_http_get(const char *url, const awl_http_options *options)
{
    return co_call(http_get, .url = url, .options = options);
}
