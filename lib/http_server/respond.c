/* Responses; see awl/http_server.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http_server_priv.h"

/* ---- Statuses: RFC 9110, 15 -------------------------------------------------------------------------------------- */

const char *awl__http_reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
    }
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

int awl__respond_refuse(awl_request *request, int error, const char *format, ...)
{
    char text[256];
    va_list args;

    if (!request)
        return error;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    awl__error_detail(request->app->loop, error, "%s", text);
    request->declined = (int16_t)error;
    return error;
}

int awl__respond_already(awl_request *request)
{
    awl__error_detail(request->app->loop, EALREADY, "there is a response, with status %d", request->status);
    return EALREADY;
}

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

int awl_respond_field(awl_request *request, const char *name, const char *value)
{
    int error;

    if (!request || !name || !value)
        return awl__respond_refuse(request, EINVAL, "a field of the response has no name or no value");
    if (request->status)
        return awl__respond_already(request);
    request->fields.loop = request->app->loop;
    error = awl__http_out_field(&request->fields, name, value);
    request->fields.error = 0; /* without memory, this field is not there, and the caller knows */
    if (error == EINVAL)
        awl__respond_refuse(request, EINVAL, "the field '%.40s: %.80s' cannot be one of a response", name, value);
    return error;
}

/* A text without a check, and a number: what each head is put together from. */
static char *put(char *to, const char *text)
{
    const size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, uint64_t n)
{
    char digits[20];
    int i = 0;

    do
        digits[i++] = (char)('0' + n % 10);
    while (n /= 10);
    while (i)
        *to++ = digits[--i];
    return to;
}

/* What is the same in all heads of one second, made anew when that has passed. */
static char *put_common(char *to, awl_http_app *app)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (app->common_of != now.tv_sec) {
        char date[AWL__HTTP_DATE], *end = put(app->common, "\r\nDate: ");

        awl__http_date(now.tv_sec, date);
        end = put(put(end, date), "\r\n");
        if (app->options.server[0])
            end = put(put(put(end, "Server: "), app->options.server), "\r\n");
        app->common_of = now.tv_sec;
        app->common_len = (size_t)(end - app->common);
    }
    memcpy(to, app->common, app->common_len);
    return to + app->common_len;
}

/* How the connection goes on is said where it is not what the client's version means by itself. */
static const char *connection_field(const awl_request *request)
{
    if (!request->keep)
        return "Connection: close\r\n";
    return request->head.minor ? "" : "Connection: keep-alive\r\n";
}

/* RFC 9110, 15.3.6: that of a 205 is empty, and says so. */
static bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }
static bool has_no_content(int status) { return has_no_body(status) || status == 205; }

/* Decides how the body goes, for a length or -1. */
static void frame(awl_request *request, int status, int64_t length)
{
    awl__body_out *out = &request->out;

    *out = (awl__body_out){ .discard = request->is_head };
    if (request->in.error) /* nobody knows where the next request begins */
        request->keep = false;
    if (has_no_body(status)) {
        out->framing = AWL__NO_BODY;
    } else if (length >= 0) {
        out->framing = AWL__BODY_LENGTH;
        out->left = (uint64_t)length;
    } else if (request->head.minor) {
        out->framing = AWL__BODY_CHUNKED;
    } else {
        out->framing = AWL__BODY_TO_END;
        request->keep = false;
        request->s->end_tells = !request->is_head;
    }
}

enum {
    OWN = 256,         /* bytes that our own part of a head takes, but for two texts */
    AT_ONCE = 1024,    /* bytes of head and body that are put together in one piece: to send two takes longer */
};

/* Puts a head together, where there is room for it. Result: its end. */
static char *put_head(char *to, const awl_request *request, int status, const char *type, int64_t length)
{
    to = put(to, "HTTP/1.1 ");
    *to++ = (char)('0' + status / 100);
    *to++ = (char)('0' + status / 10 % 10);
    *to++ = (char)('0' + status % 10);
    *to++ = ' ';
    to = put_common(put(to, awl__http_reason(status)), request->app);
    if (type)
        to = put(put(put(to, "Content-Type: "), type), "\r\n");
    if (request->out.framing == AWL__BODY_LENGTH)
        to = put(put_number(put(to, "Content-Length: "), (uint64_t)length), "\r\n");
    else if (request->out.framing == AWL__BODY_CHUNKED)
        to = put(to, "Transfer-Encoding: chunked\r\n");
    to = put(to, connection_field(request));
    if (request->fields.len) {
        memcpy(to, request->fields.at, request->fields.len);
        to += request->fields.len;
    }
    return put(to, "\r\n");
}

/* Keeps a head, to be sent by awl__respond_release. 0 or ENOMEM. */
static int hold(awl_request *request, const char *head, size_t len)
{
    char *copy = awl_request_alloc(request, len);

    if (!copy)
        return ENOMEM;
    memcpy(copy, head, len);
    request->held = copy;
    request->held_len = len;
    return 0;
}

int awl__respond_release(awl_request *request)
{
    const char *head = request->held;

    request->held = NULL;
    return head ? awl_stream_write(request->s, head, request->held_len) : 0;
}

/* 0, or the error of what can be no head. */
static int check_head(awl_request *request, int status, const char *type, int64_t length)
{
    if (request->status)
        return awl__respond_already(request);
    if (status < 200 || status > 599)
        return awl__respond_refuse(request, EINVAL, "%d is no status of a response: 200 to 599", status);
    if (type && !awl__http_is_value(type, strlen(type)))
        return awl__respond_refuse(request, EINVAL, "'%.80s' can be no Content-Type", type);
    if (length < -1)
        return awl__respond_refuse(request, EINVAL, "%" PRId64 " is no length", length);
    if (length > 0 && has_no_content(status))
        return awl__respond_refuse(request, EINVAL, "a response with status %d has no body", status);
    return 0;
}

/* Sends a head with the first piece of its body behind it as one. 0 or the error. */
static int send_head(awl_request *request, int status, const char *type, int64_t length, const void *data, size_t len)
{
    awl_loop *loop = request->app->loop;
    const size_t type_len = type ? strlen(type) : 0;
    const size_t cap = OWN + type_len + request->app->server_len + request->fields.len;
    char small[AT_ONCE], *head = small;
    struct iovec parts[2] = { { NULL, 0 }, { (void *)(uintptr_t)data, len } };
    int error = check_head(request, status, type, length);

    if (error)
        return error;
    if (length < 0 && has_no_content(status))
        length = 0;
    if (cap > sizeof small)
        head = awl__alloc(loop, cap);
    if (!head)
        return awl__respond_refuse(request, ENOMEM, "the head of the response finds no memory");
    frame(request, status, length);
    parts[0] = (struct iovec){ head, (size_t)(put_head(head, request, status, type, length) - head) };
    if (len && head == small && len <= sizeof small - parts[0].iov_len) {
        memcpy(head + parts[0].iov_len, data, len);
        parts[0].iov_len += len;
        len = 0;
    }
    if (request->holds)
        error = hold(request, head, parts[0].iov_len);
    else
        error = len ? awl_stream_writev(request->s, parts, 2) : awl_stream_write(request->s, head, parts[0].iov_len);
    if (head != small)
        awl__free(loop, head, cap);
    if (!error || request->s->error) /* else nothing of it has gone, and another can be tried */
        request->status = (uint16_t)status;
    request->failed |= error && request->s->error;
    return error;
}

/* ---- In one piece ------------------------------------------------------------------------------------------------ */

int awl_respond(awl_request *request, int status, const char *type, const void *data, size_t len)
{
    int error;

    if (!request || (len && !data) || len > SIZE_MAX / 2)
        return awl__respond_refuse(request, EINVAL, "%zu bytes of a response are not there", len);
    error = send_head(request, status, type, (int64_t)len, data, request->is_head ? 0 : len);
    if (error)
        return error;
    request->out.left = 0;
    request->sent = request->is_head ? 0 : len;
    return awl__body_end(&request->out, request->s);
}

int awl_respond_text(awl_request *request, int status, const char *type, const char *text)
{
    if (!text)
        return awl__respond_refuse(request, EINVAL, "the text of a response is NULL");
    return awl_respond(request, status, type, text, strlen(text));
}

/* What most formats are, texts and %s that are short: vsnprintf takes as long for them as a router. Result: the length; -1:
 * it is not that. */
static __attribute__((format(printf, 3, 0))) int print_texts(char *to, size_t cap, const char *format, va_list args)
{
    size_t used = 0;

    while (*format) {
        const bool given = format[0] == '%' && format[1] == 's';
        const char *text = given ? va_arg(args, const char *) : format;
        const size_t len = !text ? 0 : given ? strlen(text) : strcspn(text, "%");

        if (!len && (!given || !text)) /* another conversion, or "(null)" */
            return -1;
        if (len >= cap - used)
            return -1;
        memcpy(to + used, text, len);
        used += len;
        format += given ? 2 : len;
    }
    return (int)used;
}

int awl_respond_print(awl_request *request, int status, const char *type, const char *format, ...)
{
    char small[512], *text = small;
    va_list args;
    int len, error;

    va_start(args, format);
    len = print_texts(small, sizeof small, format, args);
    va_end(args);
    if (len < 0) {
        va_start(args, format);
        len = vsnprintf(small, sizeof small, format, args);
        va_end(args);
    }
    if (!request || len < 0)
        return awl__respond_refuse(request, EINVAL, "the text of a response cannot be formatted");
    if ((size_t)len >= sizeof small) {
        text = awl__alloc(request->app->loop, (size_t)len + 1);
        if (!text)
            return awl__respond_refuse(request, ENOMEM, "the text of a response finds no memory");
        va_start(args, format);
        vsnprintf(text, (size_t)len + 1, format, args);
        va_end(args);
    }
    error = awl_respond(request, status, type, text, (size_t)len);
    if (text != small)
        awl__free(request->app->loop, text, (size_t)len + 1);
    return error;
}

int awl__respond_page(awl_request *request, int status)
{
    return awl_respond_print(request, status, "text/plain; charset=utf-8", "%d %s\n", status, awl__http_reason(status));
}

int awl_respond_error(awl_request *request, int status)
{
    if (!request || status < 400 || status > 599)
        return awl__respond_refuse(request, EINVAL, "%d is no status of an error: 400 to 599", status);
    if (request->status)
        return awl__respond_already(request);
    request->wanted = (uint16_t)status;
    return 0;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

int awl_respond_redirect(awl_request *request, int status, const char *location)
{
    int error;

    if (!request || !is_redirect(status))
        return awl__respond_refuse(request, EINVAL, "%d is no status of a redirect", status);
    if (!location || !location[0])
        return awl__respond_refuse(request, EINVAL, "a redirect has no location");
    for (const char *at = location; *at; at++) {
        if (*at <= ' ' || *at > '~')
            return awl__respond_refuse(request, EINVAL, "'%.120s' is no URL to redirect to", location);
    }
    error = awl_respond_field(request, "Location", location);
    return error ? error : awl_respond(request, status, NULL, NULL, 0);
}

/* ---- Piece by piece ---------------------------------------------------------------------------------------------- */

/*
 * Behind the head of the response a client that waits with its body cannot be told any more that it is wanted. Who begins
 * to respond without having read it means to read on, if all goes well. The head waits for the first piece then: an answer
 * to a request that has only just been asked for is too much for some (haproxy 2.6 comes to a standstill).
 */
int awl_respond_begin(awl_request *request, int status, const char *type, int64_t length)
{
    bool told;
    int error;

    if (!request)
        return EINVAL;
    told = request->told_to_go_on;
    error = status >= 200 && status < 300 ? awl__request_go_on(request) : 0;
    if (error)
        return error;
    request->holds = request->told_to_go_on && !told;
    error = send_head(request, status, type, length, NULL, 0);
    request->holds = false;
    return error;
}

void awl__respond_break(awl_request *request)
{
    request->failed = true;
    if (!request->out.error)
        request->out.error = ECANCELED;
    if (request->out.framing == AWL__BODY_TO_END) /* whose end says that it is whole */
        awl_stream_abort(request->s);
}

/* More or less than was promised is a mistake of the handler's, which is not to be overlooked. */
static int broken(awl_request *request, int error, const char *how)
{
    awl__respond_break(request);
    if (error == EMSGSIZE) {
        awl__respond_refuse(request, error, "%s was written than the response promised", how);
        awl_stream_abort(request->s);
    }
    return error;
}

int awl__respond_counted(awl_request *request, uint64_t n)
{
    awl__body_out *out = &request->out;

    if (out->framing == AWL__BODY_LENGTH && n > out->left)
        return broken(request, EMSGSIZE, "more");
    if (out->framing == AWL__BODY_LENGTH)
        out->left -= n;
    request->sent += out->discard ? 0 : n;
    return 0;
}

co_def(respond_write, { awl_request *request; const void *data; size_t len; int rc; })
{
    co_begin;
    if (!self->request || !self->request->status)
        co_raise(awl__respond_refuse(self->request, EINVAL, "awl_respond_write comes before awl_respond_begin"));
    if (self->len && !self->data)
        co_raise(awl__respond_refuse(self->request, EINVAL, "%zu bytes of a response are not there", self->len));
    if (self->request->events_over)
        co_raise(awl__request_refuse(self->request, 503, EPIPE)); /* which is nobody's mistake */
    self->rc = awl__respond_release(self->request);
    if (!self->rc)
        self->rc = awl__body_write(&self->request->out, self->request->s, self->data, self->len);
    if (!self->rc && self->request->out.discard && awl__request_is_gone(self->request))
        self->rc = EPIPE; /* which no write would find out */
    if (self->rc)
        co_raise(broken(self->request, self->rc, "more"));
    self->request->sent += self->request->is_head ? 0 : self->len;
    if (!self->request->s->gate.paused_)
        co_return(0);
    awl__connection_enter(self->request->connection, AWL__WRITE);
    co_await(awl_stream_drain(self->request->s));
    co_finally;
    if (self->request)
        awl__connection_enter(self->request->connection, AWL__HANDLER);
    co_end;
}

awl_coro awl_respond_write(awl_request *request, const void *data, size_t len)
{
    return co_call(respond_write, .request = request, .data = data, .len = len);
}

int awl_respond_end(awl_request *request)
{
    int error;

    if (!request || !request->status)
        return awl__respond_refuse(request, EINVAL, "awl_respond_end comes before awl_respond_begin");
    error = awl__respond_release(request);
    if (!error)
        error = awl__body_end(&request->out, request->s);
    return error ? broken(request, error, "less") : 0;
}

int awl_respond_status(const awl_request *request)
{
    if (!request)
        return 0;
    return request->status ? request->status : request->wanted;
}
