/* What the tests of the HTTP server share: a client made of memory at the other end of a stream, an application that says
 * what it was asked for, and the answers in short. */
#ifndef HTTP_SERVER_RIG_H
#define HTTP_SERVER_RIG_H

#include "../stream/rig.h"

/* ---- The wire ---------------------------------------------------------------------------------------------------- */

/* Both directions of a connection, in memory. */
typedef struct wire {
    awl_stream *s;
    awl_handle more;
    const char *in; /* what the client sends; a pause after `cut` bytes, and then after every `step` */
    size_t in_len, at, cut, step;
    bool in_ends;   /* and then its end */
    char out[300000];
    size_t out_len, room; /* what the client has read, and how much it still takes */
    size_t read_up_to;    /* by `answers`, for the next time */
    bool out_ended, closed;
} wire;

static wire the_wire; /* not in a frame: it outlives the stream */

static inline void wire_goes_on(void *arg)
{
    wire *w = arg;

    if (w->s)
        awl_stream_changed(w->s, true, true);
}

static inline ssize_t wire_read(void *self, void *buf, size_t cap)
{
    wire *w = self;
    size_t n = w->in_len - w->at;

    if (!n)
        return w->in_ends ? 0 : -EAGAIN;
    if (w->cut && w->at == w->cut) { /* the client pauses here, once */
        w->cut = w->step && w->at + w->step < w->in_len ? w->at + w->step : 0;
        awl_call_soon(awl_running_loop(), &w->more, wire_goes_on, w);
        return -EAGAIN;
    }
    if (w->cut && n > w->cut - w->at)
        n = w->cut - w->at;
    n = n < cap ? n : cap;
    memcpy(buf, w->in + w->at, n);
    w->at += n;
    return (ssize_t)n;
}

static inline ssize_t wire_write(void *self, const struct iovec *parts, int n)
{
    wire *w = self;
    size_t all = 0;

    for (int i = 0; i < n; i++) {
        const size_t len = parts[i].iov_len < w->room ? parts[i].iov_len : w->room;

        CHECK(w->out_len + len < sizeof w->out);
        memcpy(w->out + w->out_len, parts[i].iov_base, len);
        w->out_len += len;
        w->out[w->out_len] = '\0';
        w->room -= len;
        all += len;
    }
    return all ? (ssize_t)all : -EAGAIN;
}

static inline int wire_write_eof(void *self)
{
    ((wire *)self)->out_ended = true;
    return 0;
}

static inline void wire_close(void *self)
{
    wire *w = self;

    awl_handle_cancel(&w->more);
    w->closed = true;
    w->s = NULL;
}

static const awl_transport wire_transport = { .read = wire_read, .write = wire_write, .write_eof = wire_write_eof, .close = wire_close };

/* Puts a stream on a fresh wire. */
static inline awl_stream *wire_open(wire *w, const awl_stream_options *options)
{
    memset(w, 0, sizeof *w);
    w->room = SIZE_MAX;
    w->s = awl_stream_new(&wire_transport, w, options);
    CHECK(w->s != NULL);
    return w->s;
}

/* The client sends; all that it sent before has to have been read. */
static inline void client_sends_n(const char *text, size_t len)
{
    CHECK(the_wire.at == the_wire.in_len || !the_wire.s);
    the_wire.in = text;
    the_wire.in_len = len;
    the_wire.at = 0;
    wire_goes_on(&the_wire);
}

static inline void client_sends(const char *text) { client_sends_n(text, strlen(text)); }

static inline void client_ends(void)
{
    the_wire.in_ends = true;
    wire_goes_on(&the_wire);
}

static inline void client_takes(size_t n)
{
    the_wire.room = n;
    wire_goes_on(&the_wire);
}

/* ---- Answers in short --------------------------------------------------------------------------------------------- */

static inline const char *field_value(const char *head, const char *end, const char *name)
{
    const char *at = strstr(head, name);

    return at && at < end ? at + strlen(name) : NULL;
}

/* Appends a chunked body's data; the end of it, or NULL if it does not come to one. */
static inline const char *dechunk(const char *at, const char *end, char *to)
{
    for (;;) {
        char *line;
        const size_t n = strtoul(at, &line, 16);

        if (line == at || end - line < 2 || (size_t)(end - line) < n + 4)
            return n || end - line < 4 ? NULL : line + 4;
        strncat(to, line + 2, n);
        at = line + 2 + n + 2;
        if (!n)
            return at;
    }
}

/*
 * What has come since the last time: "STATUS body" of each response, with "; " between them; "!" behind one that is not whole,
 * and "." where the server has ended. Of a response to HEAD there is no body, if `is_head`.
 */
static inline const char *answers_to(wire *w, bool is_head)
{
    static char text[8192];
    const char *at = w->out + w->read_up_to, *all = w->out + w->out_len;

    text[0] = '\0';
    while (at < all) {
        const char *end = strstr(at, "\r\n\r\n"), *length;

        if (text[0])
            strcat(text, "; ");
        if (!end) {
            strcat(text, "!");
            at = all;
            break;
        }
        CHECK(strncmp(at, "HTTP/1.1 ", 9) == 0);
        strncat(text, at + 9, 3);
        end += 4;
        length = field_value(at, end, "Content-Length: ");
        if (strncmp(at + 9, "100", 3) == 0 || strncmp(at + 9, "204", 3) == 0 || strncmp(at + 9, "304", 3) == 0 || is_head) {
            at = end;
            continue;
        }
        strcat(text, " ");
        if (length) {
            const size_t n = strtoul(length, NULL, 10), there = (size_t)(all - end);

            if (n < 4 || strncmp(end, at + 9, 4) != 0) /* the short page says the status again */
                strncat(text, end, n < there ? n : there);
            at = n < there ? end + n : all;
            if (n > there)
                strcat(text, "!");
        } else if (field_value(at, end, "Transfer-Encoding: chunked")) {
            at = dechunk(end, all, text + strlen(text));
            if (!at) {
                strcat(text, "!");
                at = all;
            }
        } else {
            strncat(text, end, (size_t)(all - end));
            at = all;
        }
        while (strchr(" \r\n", text[strlen(text) - 1]))
            text[strlen(text) - 1] = '\0';
    }
    w->read_up_to = w->out_len;
    if (w->out_ended || w->closed)
        strcat(text, text[0] ? " ." : ".");
    return text;
}

#define CHECK_ANSWERS(expected) CHECK_STR(answers_to(&the_wire, false), (expected))

/* ---- The application ---------------------------------------------------------------------------------------------- */

/* Says what was asked for: method, path, query and body. */
co_def(echo, { awl_request *request; char *body; size_t len; })
{
    const awl_request *r = self->request;

    co_begin;
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    awl_respond_print(self->request, 200, "text/plain", "%s %s%s%s%s%.*s", awl_request_method(r), awl_request_path(r),
                      awl_request_query_string(r)[0] ? "?" : "", awl_request_query_string(r), self->len ? " " : "",
                      (int)self->len, self->body);
    co_end;
}

static inline awl_coro on_echo(awl_request *request, void *arg)
{
    (void)arg;
    return co_call(echo, .request = request);
}

/* An application with one handler for all requests; one that echoes them. */
static inline awl_http_app *app_of(awl_http_handler *handler, const awl_http_app_options *options)
{
    awl_http_app *app = awl_http_app_new(options);

    CHECK(app != NULL);
    CHECK_INT(awl_http_middleware(app, handler, NULL), 0);
    return app;
}

static inline awl_http_app *echo_app(const awl_http_app_options *options) { return app_of(on_echo, options); }

/* HANDLER(name, { fields }) { body }: defines the coroutine of a handler, with its `request`, and on_NAME. */
#define HANDLER(name, ...)                                                                                             \
    co_declare(name, { awl_request *request; int rc; __extension__ struct __VA_ARGS__; });                             \
    static awl_coro on_##name(awl_request *request, void *arg)                                                         \
    {                                                                                                                  \
        (void)arg;                                                                                                     \
        return co_call(name, .request = request);                                                                      \
    }                                                                                                                  \
    co_define(name)

/*
 * SERVER_TEST(name, { fields }) { body }: a test in virtual time. `server_begins(self)` serves self->app, or one that echoes, to
 * the client on the_wire. The body is run before anything is served; what it begins is ended for it.
 */
#define SERVER_TEST(name, ...)                                                                                         \
    co_declare(name##_body, { awl_http_app *app; awl_stream *s; awl_task *server; int rc; __extension__ struct __VA_ARGS__; }); \
    VIRTUAL_TEST(name, {})                                                                                             \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        co_await(co_call(name##_body));                                                                                \
        co_end;                                                                                                        \
    }                                                                                                                  \
    co_define(name##_body)

/* Begins to serve; and ends that, which a test does last. */
#define server_begins(self)                                                                                            \
    do {                                                                                                               \
        if (!(self)->app)                                                                                              \
            (self)->app = echo_app(NULL);                                                                              \
        (self)->s = wire_open(&the_wire, NULL);                                                                        \
        (self)->server = awl_create_task(awl_http_serve_stream((self)->app, (self)->s));                               \
        CHECK((self)->server != NULL);                                                                                 \
    } while (0)

#define server_ends(self)                                                                                              \
    do {                                                                                                               \
        if ((self)->server) {                                                                                          \
            awl_task_cancel((self)->server);                                                                           \
            co_try_cancel((self)->rc, (self)->server);                                                                 \
        }                                                                                                              \
        awl_task_release((self)->server);                                                                              \
        (self)->server = NULL;                                                                                         \
        awl_stream_close((self)->s);                                                                                   \
        (self)->s = NULL;                                                                                              \
        awl_http_app_release((self)->app);                                                                             \
        (self)->app = NULL;                                                                                            \
    } while (0)

/* All others have their turn, until nothing goes on. */
#define settle() co_await(awl_sleep(1 * AWL_US))

/* Sends and has the answers: the pieces are all that come in the time of a test that is not about time. */
#define CHECK_SAYS(expected, ...)                                                                                      \
    do {                                                                                                               \
        client_sends(__VA_ARGS__);                                                                                     \
        settle();                                                                                                      \
        CHECK_ANSWERS(expected);                                                                                       \
    } while (0)

static inline __attribute__((unused)) void http_rig_may_be_unused_(void)
{
    (void)&echo_type_, (void)on_echo, (void)echo_app, (void)client_ends, (void)client_takes, (void)answers_to;
}

#endif
