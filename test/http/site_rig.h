/* What the tests of the server's features share: handlers, and applications that have one. */
#ifndef HTTP_SITE_RIG_H
#define HTTP_SITE_RIG_H

#include "server_rig.h"

#ifndef HANDLER
/* HANDLER(name, { fields }) { body }: defines the coroutine of a handler, with its `request`, and on_NAME. */
#define HANDLER(name, ...)                                                                                             \
    co_declare(name, { awl_request *request; int rc; __extension__ struct __VA_ARGS__; });                             \
    static awl_coro on_##name(awl_request *request, void *arg)                                                         \
    {                                                                                                                  \
        (void)arg;                                                                                                     \
        return co_call(name, .request = request);                                                                      \
    }                                                                                                                  \
    co_define(name)

/* An application with one handler for all requests. */
static inline awl_http_app *app_of(awl_http_handler *handler, const awl_http_app_options *options)
{
    awl_http_app *app = awl_http_app_new(options);

    CHECK(app != NULL);
    CHECK_INT(awl_http_middleware(app, handler, NULL), 0);
    return app;
}
#endif

/* What was sent since `answers_to` looked last, as text; for the fields. */
static inline const char *fresh(void) { return the_wire.out + the_wire.read_up_to; }

#define CHECK_FIELD(text) CHECK(strstr(fresh(), "\r\n" text "\r\n"))
#define CHECK_NO_FIELD(name) CHECK(!strstr(fresh(), "\r\n" name ": "))

/* Sends a request for a path, with more fields. */
#define get(path, fields) (client_sends("GET " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"))

/* The same, and what comes of it. */
#define CHECK_GET(path, fields, expected)                                                                              \
    do {                                                                                                               \
        get(path, fields);                                                                                             \
        settle();                                                                                                      \
        CHECK_ANSWERS(expected);                                                                                       \
    } while (0)

#endif
