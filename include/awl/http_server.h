/*
 * awl/http_server.h: an HTTP/1.1 server: routes, and a coroutine for each request. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *
 *     co_def(hello, { awl_request *request; })
 *     {
 *         co_begin;
 *         co_await(awl_sleep(AWL_SECOND / 2));
 *         awl_respond_print(self->request, 200, "text/plain", "Hello %s\n", awl_request_param(self->request, "name"));
 *         co_end;
 *     }
 *
 *     static awl_coro on_hello(awl_request *request, void *arg) { return co_call(hello, .request = request); }
 *
 *     co_def(serve, { awl_http_app *app; awl_server *server; })
 *     {
 *         co_begin;
 *         self->app = awl_http_app_new(NULL);
 *         awl_http_route(self->app, "GET", "/hello/{name}", on_hello, NULL);
 *         co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 8080, NULL));
 *         co_await(awl_server_wait_closed(self->server));
 *         co_finally;
 *         awl_server_close(self->server);
 *         awl_http_app_release(self->app);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(serve)); }
 *
 * A HANDLER is a coroutine. It reads the body if it wants it, and responds: at once (awl_respond and its kin, plain
 * calls), or piece by piece (awl_respond_begin, awl_respond_write). What it returns does not matter. An error that it
 * ends with is reported, and the client gets a page with status 500, without the fields that were added for another
 * response, or, if the head has gone, no proper end. One that ends without a response gives 500, too, and is
 * reported, with the reason if a call that would have responded was refused; so is one whose body has another length
 * than it promised.
 *
 * A REQUEST lives until its handler has ended. All texts of it do as well; they end with a zero byte. Escapes in its path
 * are decoded before dot segments are taken out of it: "/a%2f..%2fb" is "/b", and what leads out of the root is refused.
 *
 * WHAT IS REFUSED before a handler sees it: all that RFC 9112 does not allow (400, 417, 501, 505), CONNECT (501), a first
 * line or a field of more than 8190 bytes (414, 431), more than 128 fields or 32 KiB of head (431), a body longer than the
 * limit (413). The connection ends with the answer: the error page, or where there is no whole head the short one.
 *
 * TIME. A client has 10 s for a head, 30 s for the next byte of a body, 60 s to take the next byte of a response, and 75 s
 * for its next request.
 *
 * MANY CLIENTS. When a server has all the connections that it may have, a new one takes the place of the one that has
 * been without a whole request for longest: idle, slow, or in a TLS handshake. If all have one, it gets 503 and is to
 * come again (with TLS, it is closed). While more than three quarters of them are in use, one that becomes idle is kept
 * for 5 s.
 */
#ifndef AWL_HTTP_SERVER_H
#define AWL_HTTP_SERVER_H

#include "awl/stream.h"

typedef struct awl_http_app awl_http_app;
typedef struct awl_request awl_request;

/* Makes the coroutine that answers one request: return co_call(…) from it. */
typedef awl_coro awl_http_handler(awl_request *request, void *arg);

/* ---- Applications: what answers what ----------------------------------------------------------------------------- */

/* Zero is the default of every option. */
typedef struct awl_http_app_options {
    size_t body_limit;       /* bytes of a request's body: 1 MiB */
    size_t upload_limit;     /* of one that is read piece by piece; body_limit, if that is more */
    awl_time head_timeout;   /* 10 s */
    awl_time body_timeout;   /* 30 s */
    awl_time write_timeout;  /* 60 s */
    awl_time idle_timeout;   /* 75 s */
    const char *server;      /* the Server field: "awl"; "": none */
    void *state;             /* yours: awl_request_state */
    size_t max_connections;    /* of a server; as many as there are descriptors for, less an eighth */
    bool cancel_on_disconnect; /* a handler whose client goes away is cancelled: see awl_request_disconnected */
} awl_http_app_options;

/*
 * Makes an application, which any number of servers of the running loop can serve.
 *
 *   options   may be NULL; copied, but for the text of `server`
 * Result   the application; NULL with errno ENOMEM, or EINVAL without a running loop, or for a `server` that is no value of
 *          a field.
 * Owns     the caller releases it; servers and requests retain it.
 * Source   aiohttp.web.Application; test/http/test_server.c
 */
awl_http_app *awl_http_app_new(const awl_http_app_options *options) __attribute__((warn_unused_result));
void awl_http_app_release(awl_http_app *app);

/*
 * Adds a route.
 *
 *   method    "GET", …; "*": any. A route for GET answers HEAD, too, where there is none for that
 *   pattern   "/hello/{name}": a segment in braces matches one that is not empty; "/files/{path*}": the last one matches
 *             all the rest, which may be empty. Routes without braces come first, then the others in their order
 *   handler   makes the coroutine for a request
 *   arg       passed to it
 * Result   0; EINVAL: a standard method in small letters, a pattern that begins without '/', has a '?', a '#' or a dot
 *          segment, or whose braces are wrong or have a name twice, and awl_error_message says which; EEXIST; ENOMEM.
 * Owns     copies both texts.
 * Source   aiohttp.web.UrlDispatcher.add_route; test/http/test_router.c
 */
int awl_http_route(awl_http_app *app, const char *method, const char *pattern, awl_http_handler *handler, void *arg);

/*
 * Adds a middleware: a handler that runs before those of the routes, the first one outermost, and also where no route
 * matches. It awaits awl_http_next to have the rest done, or responds by itself.
 *
 * Result   0; EINVAL; ENOMEM.
 * Source   aiohttp.web.middleware; test/http/test_app.c
 */
int awl_http_middleware(awl_http_app *app, awl_http_handler *handler, void *arg);

/*
 * The rest of the chain, within a middleware: the next one, the route's handler, or the page for 404 or 405.
 *
 * Result   none.
 * Errors   those of the rest; EINVAL: nothing is left, as in the handler of a route or page, or when it was awaited
 *          before.
 * Source   aiohttp.web.middleware; test/http/test_app.c
 */
AWL_CORO awl_http_next(awl_request *request);

/* Answers, instead of the short page that is there, what ends in `status` (0: any from 400) without a response: no such
 * route, a handler's error, awl_respond_error. 0; EINVAL; ENOMEM. Source: test/http/test_app.c */
int awl_http_error_page(awl_http_app *app, int status, awl_http_handler *handler, void *arg);

/* Is told of each response when it has ended, with the status, the bytes of its body, and the time since the request's
 * head was whole. NULL: nobody. Source: test/http/test_app.c */
typedef void awl_http_access_fn(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took);
/* A response to what was no head has a request of which all texts are empty. */
void awl_http_on_access(awl_http_app *app, awl_http_access_fn *fn, void *arg);

/*
 * Serves an application.
 *
 *   host, port   as awl_start_server
 *   options      as awl_start_server; with `tls`, https. May be NULL; valid until the operation completes
 * Result   awl_server *: it accepts from now on; awl_server_port, awl_server_close and all others of awl/stream.h.
 * Errors   as awl_start_server.
 * Owns     the caller closes the server. Closed, it accepts nothing more, ends idle connections, and lets requests that
 *          have begun, or have just arrived, come to their end. Those that might have none are told: a WebSocket
 *          is closed (1001), and a stream of events ends, so that their handlers do; see awl_respond_event.
 * Source   aiohttp.web.TCPSite; test/http/test_server.c
 */
AWL_CORO awl_http_serve(awl_http_app *app, const char *host, int port, const awl_stream_options *options);

/*
 * Serves an application to the client of one stream, whatever that is made of, until the connection ends.
 *
 * Result   none.
 * Errors   the stream's first error; ENOMEM; EINVAL; ECANCELED.
 * Owns     the caller closes the stream, on which nothing more can be read or written then.
 * Source   RFC 9112, 9; test/http/test_server.c
 */
AWL_CORO awl_http_serve_stream(awl_http_app *app, awl_stream *s);

/* ---- Hooks ------------------------------------------------------------------------------------------------------- */

/* Makes a coroutine that is run when an application starts or ends: return co_call(…) from it. */
typedef awl_coro awl_http_hook(awl_http_app *app, void *arg);

/* Adds one that is run before the application serves: to open what it needs, in the order of the calls; and one that is
 * run when it has ended: to close that, in the reverse order. 0; EINVAL; ENOMEM.
 * Source: aiohttp.web.Application.on_startup, on_cleanup; test/http/test_run.c */
int awl_http_on_startup(awl_http_app *app, awl_http_hook *hook, void *arg);
int awl_http_on_cleanup(awl_http_app *app, awl_http_hook *hook, void *arg);

/*
 * Runs the hooks, for who serves by awl_http_serve. Of an application whose start-up failed, clean-up is run, too.
 *
 * Result   none.
 * Errors   of start-up the first, after which no more are run; of clean-up the first, after all have been run; EINVAL;
 *          ECANCELED.
 * Source   aiohttp.web.AppRunner.setup, cleanup; test/http/test_run.c
 */
AWL_CORO awl_http_startup(awl_http_app *app);
AWL_CORO awl_http_cleanup(awl_http_app *app);

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

/* Of a request that is NULL, texts are "", values and pointers NULL, numbers 0; what can fail ends in EINVAL. */

/* The method; the target as it came; its path, decoded and without dot segments; the query as it came ("": none). */
const char *awl_request_method(const awl_request *request);
const char *awl_request_target(const awl_request *request);
const char *awl_request_path(const awl_request *request);
const char *awl_request_query_string(const awl_request *request);

/* The host that it is for, with the port if one was named: of the target where that has one, else of the field Host; "": of
 * none. NULL: no memory. Source: RFC 9112, 3.2.2; test/http/test_request.c */
const char *awl_request_host(awl_request *request);

/* What a segment in braces matched, decoded; the first value of that name in the query, decoded, with '+' for a space;
 * NULL: there is none. */
const char *awl_request_param(const awl_request *request, const char *name);
const char *awl_request_query(awl_request *request, const char *name);

/* The value of the first field of that name, in any case; NULL: there is none. The field at `index`: true, and *name and
 * *value; false: there are not so many. */
const char *awl_request_field(const awl_request *request, const char *name);
bool awl_request_field_at(const awl_request *request, size_t index, const char **name, const char **value);

/* 0 or 1: of HTTP/1.x. The body's length, -1 if it comes in chunks. The connection. The application's state. */
int awl_request_minor(const awl_request *request);
int64_t awl_request_length(const awl_request *request);
awl_stream *awl_request_stream(const awl_request *request);
void *awl_request_state(const awl_request *request);

/* A pointer of yours, for who comes later in the chain; NULL at first. */
void awl_request_set_data(awl_request *request, void *data);
void *awl_request_data(const awl_request *request);

/* Memory that lives as long as the request; NULL: there is none. */
void *awl_request_alloc(awl_request *request, size_t size);

/*
 * Reads a piece of the body.
 *
 *   buf   caller's memory, valid until the operation completes
 *   cap   bytes, at least 1
 * Result   int: bytes, 0 at the end of the body.
 * Errors   AWL_EINCOMPLETE: the client has gone; AWL_EPROTOCOL: a malformed chunk; AWL_ELIMIT: more than the limit;
 *          ETIMEDOUT; ECONNRESET; EBUSY; EINVAL; ENOMEM; ECANCELED.
 * Context  cancel-safe: no byte is lost. A client that waits for it is told to go on (100).
 * Source   RFC 9112, 6 and 7; test/http/test_request.c
 */
AWL_CORO awl_request_read(awl_request *request, void *buf, size_t cap);

/*
 * Reads all of the body.
 *
 *   len   takes its length; may be NULL; untouched on error
 * Result   char *: with a zero byte behind it; the request's.
 * Errors   as above; AWL_ELIMIT: more than the body_limit.
 * Source   aiohttp.web.Request.read; test/http/test_request.c
 */
AWL_CORO awl_request_read_all(awl_request *request, size_t *len);

/*
 * Waits until the client has gone, or has said that it sends no more, which as a rule means the same; or until the
 * server ends, if the response is a stream of events.
 *
 * Result   none.
 * Errors   ECANCELED; EINVAL.
 * Context  for who has something else to await, too: awl_race. It is known of connections that have a descriptor, with TLS or
 *          without. What the client sends meanwhile stays to be read.
 * Source   aiohttp's handler_cancellation; test/http/test_disconnect.c
 */
AWL_CORO awl_request_disconnected(awl_request *request);

/* ---- Responses --------------------------------------------------------------------------------------------------- */

/*
 * Adds a field to the response, before its head goes.
 *
 * Result   0; EINVAL: the name is no token, or the value has a control character or a space at an end, or it is one of those
 *          that say how the body comes; EALREADY: the head has gone; ENOMEM.
 * Source   RFC 9110, 5; test/http/test_respond.c
 */
int awl_respond_field(awl_request *request, const char *name, const char *value);

/*
 * Responds, in one piece.
 *
 *   status   200 to 599
 *   type     the Content-Type; NULL: none
 *   data     copied where the kernel does not take it at once; may be NULL if len is 0
 * Result   0; EALREADY: there is a response; EINVAL; ENOMEM: there still is none; else as awl_stream_write.
 * Context  the loop's thread; does not suspend.
 * Source   aiohttp.web.Response; test/http/test_respond.c
 */
int awl_respond(awl_request *request, int status, const char *type, const void *data, size_t len);

/* The same, with text, and formatted as printf does. */
int awl_respond_text(awl_request *request, int status, const char *type, const char *text);
int awl_respond_print(awl_request *request, int status, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The page for an error; a redirect (301, 302, 303, 307, 308) to a location, which has to be a URL. */
int awl_respond_error(awl_request *request, int status);
int awl_respond_redirect(awl_request *request, int status, const char *location);

/*
 * Responds piece by piece: begin sends the head, write waits while too much is unsent, and the end comes with the
 * handler's, or before by awl_respond_end.
 *
 *   status   200 to 599; below 300, a client that waits with its body (100-continue) is told to send it, so that the handler
 *            can read and write by turns; the head goes with the first piece then
 *   length   bytes of the body; -1: not known, it goes in chunks (to an HTTP/1.0 client: to the end of the
 *            connection, which is a reset if the body breaks off)
 * Result   begin: 0; EALREADY; EINVAL; ENOMEM. write: none. end: 0; EMSGSIZE: less was written than was promised, and the
 *          connection is aborted.
 * Errors   of write: EMSGSIZE: more than was promised, and the connection is aborted; ETIMEDOUT: the client does not take
 *          it; EPIPE: the client of a HEAD, to which no body goes, has gone; the stream's; ECANCELED.
 * Source   aiohttp.web.StreamResponse; test/http/test_respond.c
 */
int awl_respond_begin(awl_request *request, int status, const char *type, int64_t length);
AWL_CORO awl_respond_write(awl_request *request, const void *data, size_t len);
int awl_respond_end(awl_request *request);

/* ---- Server-sent events ------------------------------------------------------------------------------------------ */

/* One event, as the script's EventSource gets it; a field that is zero is left out. */
typedef struct awl_http_event {
    const char *data;  /* text of any number of lines; an event without it changes id and retry only */
    const char *event; /* its type, of one line; NULL: "message" */
    const char *id;    /* of one line: what the client will name when it comes again */
    awl_time retry;    /* before it comes again */
} awl_http_event;

/*
 * Begins a response that is a stream of events (200, text/event-stream). Each is sent by awl_respond_event; the stream ends
 * with the handler. Caches are told not to store it, and proxies that collect responses not to collect this one.
 *
 *   keep_alive   after so long without an event a comment is sent, so that nobody in between takes the connection for dead;
 *                0: 15 s; AWL_FOREVER: never
 * Result   as awl_respond_begin.
 * Source   HTML, 9.2; aiohttp_sse.sse_response; test/http/test_events.c
 */
int awl_respond_events(awl_request *request, awl_time keep_alive);

/*
 * Sends an event, and waits while too much is unsent.
 *
 *   event   copied
 * Result   none.
 * Errors   EINVAL: awl_respond_events was not called, a type or id has more than one line; EPIPE: the request was HEAD,
 *          whose client wants no events, or the server ends, and has ended the stream (to pass that on is no failure);
 *          those of awl_respond_write; ENOMEM.
 * Context  whoever waits for something else meanwhile does not see that the client has gone, or that the server ends:
 *          awl_request_disconnected, or the option cancel_on_disconnect.
 * Source   HTML, 9.2.6; test/http/test_events.c
 */
AWL_CORO awl_respond_event(awl_request *request, const awl_http_event *event);

/* The id of the last event that the client has got, before it came again; NULL: it is here for the first time. */
const char *awl_request_last_event_id(const awl_request *request);

/* The status of the response: that of the head which has gone, or the one that is asked for (awl_respond_error, a form
 * that is refused) and is sent when the handlers have ended without another response; 0: none yet. What an error comes
 * to that they raise is decided last of all, which a middleware does not see: awl_http_on_access is told of it.
 * Source: test/http/test_app.c */
int awl_respond_status(const awl_request *request);

#endif
