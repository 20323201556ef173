/* Requests: what came, decoded, and the memory that goes with it; see awl/http_server.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "http_server_priv.h"

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

void *awl_request_alloc(awl_request *request, size_t size)
{
    awl__piece *piece = request && size < SIZE_MAX / 2 ? awl__alloc(request->app->loop, sizeof *piece + size) : NULL;

    if (!piece)
        return NULL;
    *piece = (awl__piece){ request->pieces, sizeof *piece + size };
    request->pieces = piece;
    return piece + 1;
}

void awl__request_close(awl_request *request)
{
    awl_loop *loop = request->app->loop;

    awl__events_stop(request->events);
    while (request->pieces) {
        awl__piece *piece = request->pieces;

        request->pieces = piece->next;
        awl__free(loop, piece, piece->size);
    }
    awl__http_out_free(&request->fields);
    awl__free(loop, request->text, request->size);
    request->text = NULL;
}

/* ---- Decoding: RFC 3986, 2.1 ------------------------------------------------------------------------------------- */

/* One character at *at, which moves behind it. -1: the escape is no escape, or stands for a zero byte. */
static int decode(const char **at, const char *end)
{
    const char *from = (*at)++;

    if (*from != '%')
        return (unsigned char)*from;
    if (end - from < 3 || awl__http_hex(from[1]) < 0 || awl__http_hex(from[2]) < 0 ||
        (from[1] == '0' && from[2] == '0'))
        return -1;
    *at = from + 3;
    return awl__http_hex(from[1]) << 4 | awl__http_hex(from[2]);
}

/* Decodes an escaped text. false: an escape is none, or stands for a zero byte. */
static bool unescape(const char *from, const char *end, char *to)
{
    while (from < end) {
        const int c = decode(&from, end);

        if (c < 0)
            return false;
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

/* Takes "." and ".." out of a decoded path, in place: RFC 3986, 5.2.4. false: it leads out of the root. */
static bool remove_dots(char *path)
{
    char *to = path;
    const char *from = path;

    while (*from) { /* at a '/', as `to` is */
        const size_t len = 1 + strcspn(from + 1, "/");
        const bool last = !from[len], one = len == 2 && from[1] == '.', two = len == 3 && memcmp(from, "/..", 3) == 0;

        if (two && to == path)
            return false;
        while (two && *--to != '/')
            ;
        if (!one && !two) {
            memmove(to, from, len);
            to += len;
        } else if (last) {
            *to++ = '/';
        }
        from += len;
    }
    *to = '\0';
    return true;
}

/* Whether a path is what it would be decoded to. */
static bool is_plain(const char *path)
{
    if (*path != '/')
        return false;
    for (; *path; path++) {
        if (*path <= '?' && (*path == '%' || *path == '?' || (*path == '/' && path[1] == '.'))) /* letters are above */
            return false;
    }
    return true;
}

/* Decodes first, so that no escape hides a dot or a slash. false: it is no path. */
static bool decode_path(const char *from, const char *end, char *path)
{
    return unescape(from, end, path) && (path[0] != '/' || remove_dots(path));
}

/* The path of a target in any form. */
static const char *path_of(const char *target)
{
    const char *scheme = target[0] == '/' ? NULL : strstr(target, "://");

    if (!scheme)
        return target;
    target = scheme + 3;
    return target + strcspn(target, "/?");
}

/* A path, which ends at `end`, decoded. 0 or the status that is answered. */
static int decode_into(awl_request *request, const char *path, const char *end)
{
    char *decoded = awl_request_alloc(request, (size_t)(end - path) + 2);

    if (!decoded)
        return 503;
    if (path == end) /* "http://example.org" */
        strcpy(decoded, "/");
    else if (!decode_path(path, end, decoded))
        return 400;
    request->path = decoded;
    return 0;
}

/* Finds path and query in the target, and decodes the one. 0 or the status that is answered. */
static int open_target(awl_request *request)
{
    const char *target = awl_request_target(request), *path = path_of(target), *end = strchrnul(path, '?');
    int status = 0;

    request->query = *end ? end + 1 : end;
    if (is_plain(path))
        request->path = path;
    else
        status = decode_into(request, path, end);
    return !status && strcmp(awl_request_method(request), "CONNECT") == 0 ? 501 : status;
}

int awl__request_open(awl_request *request, const char *text, size_t len)
{
    char *copy = awl__alloc(request->app->loop, len);

    if (!copy)
        return 503;
    memcpy(copy, text, len);
    request->text = copy;
    request->size = len;
    request->is_head = strcmp(awl_request_method(request), "HEAD") == 0;
    return open_target(request);
}

/* ---- Asking; see awl/http_server.h ------------------------------------------------------------------------------- */

/* Of a request that was refused for its head there is no text, and all of it is empty; so it is of none. */
const char *awl_request_method(const awl_request *request)
{
    return request && request->text ? request->text + request->head.method : "";
}

const char *awl_request_target(const awl_request *request)
{
    return request && request->text ? request->text + request->head.target : "";
}

const char *awl_request_path(const awl_request *request) { return request && request->path ? request->path : ""; }

const char *awl_request_query_string(const awl_request *request)
{
    return request && request->query ? request->query : "";
}

/* RFC 9112, 3.2.2: what the target says of the host is what counts. */
const char *awl_request_host(awl_request *request)
{
    const char *target = awl_request_target(request), *path = path_of(target);
    const char *field = awl_request_field(request, "host");
    char *host;

    if (!request || !request->text || path == target)
        return field ? field : "";
    target = strstr(target, "://") + 3;
    host = awl_request_alloc(request, (size_t)(path - target) + 1);
    if (!host)
        return NULL;
    memcpy(host, target, (size_t)(path - target));
    host[path - target] = '\0';
    return host;
}

const char *awl_request_param(const awl_request *request, const char *name)
{
    const size_t len = name ? strlen(name) : 0;

    for (unsigned i = 0; request && name && i < request->n_params; i++) {
        const char *of = request->params[i].name;

        if (strncmp(of, name, len) == 0 && (of[len] == '}' || of[len] == '*'))
            return request->params[i].value;
    }
    return NULL;
}

/* Whether a name of a query, as it came, is the one wanted. *at moves behind it. */
static bool is_name(const char **at, const char *end, const char *name)
{
    while (*at < end && **at != '=') {
        const int c = **at == '+' ? (++*at, ' ') : decode(at, end);

        if (c < 0 || c != (unsigned char)*name++)
            return false;
    }
    return !*name;
}

/* A value, from `from` to `end`, decoded; what is no escape stands for itself. NULL: no memory. */
const char *awl__request_decode(awl_request *request, const char *from, const char *end)
{
    char *value = awl_request_alloc(request, (size_t)(end - from) + 1), *to = value;

    if (!value)
        return NULL;
    while (from < end) {
        const char *at = from;
        const int c = *from == '+' ? ' ' : decode(&at, end);

        from = c < 0 || *from == '+' ? from + 1 : at;
        *to++ = c < 0 ? '%' : (char)c;
    }
    *to = '\0';
    return value;
}

const char *awl_request_query(awl_request *request, const char *name)
{
    for (const char *at = name ? awl_request_query_string(request) : ""; *at;) {
        const char *end = at + strcspn(at, "&"), *value = at;

        if (is_name(&value, end, name))
            return awl__request_decode(request, value < end ? value + 1 : end, end);
        at = *end ? end + 1 : end;
    }
    return NULL;
}

const char *awl_request_field(const awl_request *request, const char *name)
{
    return request && request->text && name ? awl__http_field(&request->head, request->text, name) : NULL;
}

bool awl_request_field_at(const awl_request *request, size_t index, const char **name, const char **value)
{
    if (!request || !request->text || index >= request->head.n)
        return false;
    *name = request->text + request->head.fields[index].name;
    *value = request->text + request->head.fields[index].value;
    return true;
}

int awl_request_minor(const awl_request *request) { return request ? request->head.minor : 0; }

int64_t awl_request_length(const awl_request *request)
{
    if (!request)
        return 0;
    return request->head.chunked ? -1 : (int64_t)request->head.length;
}

awl_stream *awl_request_stream(const awl_request *request) { return request ? request->s : NULL; }

void *awl_request_state(const awl_request *request) { return request ? request->app->options.state : NULL; }

void awl_request_set_data(awl_request *request, void *data)
{
    if (request)
        request->data = data;
}

void *awl_request_data(const awl_request *request) { return request ? request->data : NULL; }

int awl__request_refuse(awl_request *request, int status, int error)
{
    request->wanted = (uint16_t)status;
    request->refused = (int16_t)error;
    return error;
}

/* ---- The body ---------------------------------------------------------------------------------------------------- */

int awl__request_go_on(awl_request *request)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!request->head.expects_continue || request->told_to_go_on || request->status || request->in.ended)
        return 0;
    request->told_to_go_on = true;
    return awl_stream_write(request->s, line, sizeof line - 1);
}

co_def(request_read, { awl_request *request; char *buf; size_t cap; int rc; int64_t n; })
{
    co_begin;
    self->rc = self->request && self->buf && self->cap ? awl__request_go_on(self->request) : EINVAL;
    if (self->rc)
        co_raise(self->rc);
    awl__connection_enter(self->request->connection, AWL__BODY);
    co_let(self->n, awl__incoming_read(&self->request->in, self->buf, self->cap));
    co_return(self->n);
    co_finally;
    if (self->request)
        awl__connection_enter(self->request->connection, AWL__HANDLER);
    co_end;
}

awl_coro awl_request_read(awl_request *request, void *buf, size_t cap)
{
    return co_call(request_read, .request = request, .buf = buf, .cap = cap);
}

/* Room for more of the whole body, and a zero byte. It stays the request's: the body can be asked for again. */
static int make_room(awl_request *request)
{
    const awl__http_head *head = &request->head;
    const size_t limit = request->app->options.body_limit;
    size_t cap;
    char *more;

    if (request->whole_len > limit || (head->has_length && head->length > limit))
        return awl__request_refuse(request, 413, AWL_ELIMIT);
    if (request->whole_len + 1 < request->whole_cap)
        return 0;
    if (request->whole_cap > SIZE_MAX / 4 || (head->has_length && head->length > SIZE_MAX / 4))
        return ENOMEM;
    cap = head->has_length ? (size_t)head->length + 2 : request->whole_cap ? request->whole_cap * 2 : 4096;
    more = awl_request_alloc(request, cap);
    if (!more)
        return ENOMEM;
    if (request->whole_len)
        memcpy(more, request->whole, request->whole_len);
    request->whole = more;
    request->whole_cap = cap;
    return 0;
}

co_def(request_read_all, { awl_request *request; size_t *len; int rc; int64_t n; })
{
    co_begin;
    if (!self->request)
        co_raise(EINVAL);
    if (self->request->in.error)
        co_raise(self->request->in.error);
    do {
        self->rc = make_room(self->request);
        if (self->rc)
            co_raise(self->rc);
        co_let(self->n, awl_request_read(self->request, self->request->whole + self->request->whole_len,
                                         self->request->whole_cap - self->request->whole_len - 1));
        self->request->whole_len += (size_t)self->n;
    } while (self->n);
    self->request->whole[self->request->whole_len] = '\0';
    if (self->len)
        *self->len = self->request->whole_len;
    co_return(self->request->whole);
    co_end;
}

awl_coro awl_request_read_all(awl_request *request, size_t *len)
{
    return co_call(request_read_all, .request = request, .len = len);
}
