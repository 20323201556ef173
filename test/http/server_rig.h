/* What the tests of the HTTP server share: an application that says what it was asked for, served to a client on a wire. */
#ifndef HTTP_SERVER_RIG_H
#define HTTP_SERVER_RIG_H

#include "../stream/rig.h"
#include "wire.h"

#define CHECK_ANSWERS(expected) CHECK_STR(answers_to(&the_wire, false), (expected))

/* ---- The application --------------------------------------------------------------------------------------------- */

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
 * SERVER_TEST(name, { fields }) { body }: a test in virtual time. server_begins(self) serves self->app, or one that
 * echoes, to the client on the_wire, and server_ends(self) ends that.
 */
#define SERVER_TEST(name, ...)                                                                                         \
    co_declare(name##_body, {                                                                                          \
        awl_http_app *app;                                                                                             \
        awl_stream *s;                                                                                                 \
        awl_task *server;                                                                                              \
        int rc;                                                                                                        \
        __extension__ struct __VA_ARGS__;                                                                              \
    });                                                                                                                \
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
