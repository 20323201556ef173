/* The inside of the HTTP server. */
#ifndef AWL_HTTP_SERVER_PRIV_H
#define AWL_HTTP_SERVER_PRIV_H

#include "../stream/stream_priv.h"
#include "awl/http_server.h"
#include "../http/incoming.h"
#include "../http/parser.h"
#include "../http/writer.h"

/* ---- Applications (app.c, router.c) ------------------------------------------------------------------------------ */

typedef struct awl__handler {
    awl_http_handler *fn;
    void *arg;
} awl__handler;

typedef struct awl__route {
    struct awl__route *next;
    awl__handler handler;
    size_t size; /* of it all */
    bool fixed;  /* without braces */
    const char *method, *pattern;
    char text[];
} awl__route;

typedef struct awl__page {
    struct awl__page *next;
    awl__handler handler;
    int status;
} awl__page;

typedef struct awl__middleware {
    struct awl__middleware *next;
    awl__handler handler;
} awl__middleware;

typedef struct awl__hook {
    struct awl__hook *next;
    awl_http_hook *fn;
    void *arg;
} awl__hook;

struct awl_http_app {
    awl_loop *loop;
    awl_http_app_options options;
    uint32_t refs;
    awl__route *fixed, *routes;
    awl__middleware *middlewares;
    awl__page *pages;
    struct awl__folder *folders; /* that are served */
    awl__hook *startup, *cleanup; /* in the order in which they are run */
    awl_http_access_fn *access;
    void *access_arg;
    int64_t common_of; /* the second that `common` is of: the fields that are the same in all heads */
    size_t common_len, server_len;
    char common[];
};

void awl__app_retain(awl_http_app *app);
void awl__folders_free(awl_loop *loop, struct awl__folder *folder); /* folder.c */

/* Finds the route of a request, and what its braces match. 0, 404, 405, or 503: there is no memory. */
int awl__route_find(awl_request *request);
int awl__route_allow(awl_request *request); /* adds the field Allow; 0 or the error */

/* ---- Requests (request.c) ---------------------------------------------------------------------------------------- */

enum { AWL__PARAMS = 8 };

typedef struct awl__param {
    const char *name; /* in the pattern: up to its brace */
    const char *value;
} awl__param;

typedef struct awl__piece { /* memory that goes with the request */
    struct awl__piece *next;
    size_t size;
} awl__piece;

struct awl_request {
    awl_http_app *app;
    awl_stream *s;
    struct awl__connection *connection;
    char *text; /* the head; names, values and the first line's parts end with a zero byte */
    size_t size;
    const char *path, *query; /* decoded; as it came; NULL: the head was refused */
    awl__piece *pieces;
    const awl__route *route;
    awl__middleware *next; /* the rest of the chain */
    void *data;
    awl_time began;

    awl__incoming in;
    char *whole; /* of the body, as far as it has been read, with room for a zero byte */
    size_t whole_len, whole_cap;

    struct awl__form *form;     /* that was read */
    struct awl__events *events; /* the response is a stream of them */
    void (*stop)(void *arg);    /* is called with stop_arg when the server begins to end; NULL: nothing is */
    void *stop_arg;
    awl__http_out fields; /* of the response, before its head has gone */
    char *held;           /* its head, which waits for the first piece of the body; NULL: it does not */
    size_t held_len;
    awl__body_out out;
    uint64_t sent;
    uint16_t status; /* of the response; 0: its head has not gone */
    uint16_t wanted; /* of a page that is to be sent if there is no response */
    uint8_t n_params;
    int16_t declined; /* what the last call ended with that would respond, and was wrong; 0: none was */
    int16_t refused; /* an error that is the client's, which gets the status `wanted` for it */
    bool is_head, keep, told_to_go_on, failed, holds;
    bool chain_ended; /* the route's handler, or a page, has begun */
    bool events_over; /* their stream has ended, because the server ends */
    bool lingers; /* the client is given time to read the last word, though it may be sending still */

    /* Last: what it holds of fields, and what is behind it, is not cleared. */
    awl__http_head head;
    awl__param params[AWL__PARAMS]; /* n_params of them */
};

/* Begins with the head, which it copies. 0, or the status that is answered: 400 for what is no path, 501 for CONNECT,
 * 503 without memory. */
int awl__request_open(awl_request *request, const char *text, size_t len);
void awl__request_close(awl_request *request);

/* A client that waits with its body is told to send it, if it has not been, and if it is not too late. 0 or the error. */
int awl__request_go_on(awl_request *request);

/* Whether the client has gone (disconnect.c). */
bool awl__request_is_gone(const awl_request *request);

/* A part of a form or query, decoded, with '+' for a space; what is no escape stands for itself. NULL: no memory. */
const char *awl__request_decode(awl_request *request, const char *from, const char *end);

/* What the client sent is wrong: if the handler ends with that error, it is not reported, and the client gets the
 * status. Result: the error. */
int awl__request_refuse(awl_request *request, int status, int error);

/* ---- Responses (respond.c) --------------------------------------------------------------------------------------- */

/* A call that would respond is wrong: says why, and keeps the error, in case that there is no response at the end.
 * Result: the error. */
int awl__respond_refuse(awl_request *request, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* There is a response: says with which status. Result: EALREADY. */
int awl__respond_already(awl_request *request);

/* A stream of events sends no more comments (events.c). */
void awl__events_stop(struct awl__events *events);

/* The server ends: so does what would otherwise go on, a WebSocket or a stream of events. */
static inline void awl__request_stop(awl_request *request)
{
    if (request && request->stop)
        request->stop(request->stop_arg);
}

/* From now on `stop` is called when the server begins to end, or at once if it has. NULL: no more. */
void awl__request_on_stop(awl_request *request, void (*stop)(void *arg), void *arg);

/* Sends a head that waits for the first piece of its body, before that goes. 0 or the error. */
int awl__respond_release(awl_request *request);

/* n bytes of the body have gone by another way than awl_respond_write: 0, or EMSGSIZE as for that. */
int awl__respond_counted(awl_request *request, uint64_t n);

/* The short page of a status. 0, or as awl_respond. */
int awl__respond_page(awl_request *request, int status);

/* Less was sent than was promised: nobody may take it for the whole, or find the next response behind it. */
void awl__respond_break(awl_request *request);

/* A coroutine object: the page of a status, the application's if it has one (app.c). */
awl_coro awl__respond_wanted(awl_request *request, int status);

/* The words for a status; "" if it is a rare one. */
const char *awl__http_reason(int status);

/* ---- Connections (connection.c) ---------------------------------------------------------------------------------- */

enum awl__phase { AWL__IDLE, AWL__HEAD, AWL__BODY, AWL__WRITE, AWL__HANDLER, AWL__LINGER };

/* An application on an address; its server owns it. */
typedef struct awl__site {
    awl_http_app *app;
    awl_tls *tls; /* NULL: none */
    struct awl__connection *busy;
    struct awl__connection *idle, **idle_end; /* without a whole head; the one that has been so for longest is first */
    size_t n, limit; /* connections that count, and how many may */
    size_t refused;  /* that do not, and are being told so */
    bool closing;
} awl__site;

/* What each request touches comes first. */
typedef struct awl__connection {
    awl_http_app *app;
    awl_stream *s;
    awl__site *site;
    awl_request *request; /* NULL: there is none */
    enum awl__phase phase;
    uint32_t moved; /* of the stream, when the present phase began */
    awl_time deadline, armed, last; /* the last: the latest that a lingering one's deadline can be */
    struct awl__connection *next, **at; /* in its site's list */
    bool is_idle;     /* the list is that of idle ones, with those whose head is on its way */
    bool counts;      /* against the limit */
    bool was_refused;
    awl_handle timer;
} awl__connection;

/* site.c */
void awl__site_open(awl__site *site, awl_http_app *app);
void awl__site_stop(awl__site *site); /* idle connections end; the others do when their request has been answered */
bool awl__site_join(awl__connection *c); /* false: there are too many, and none that is idle could go */
void awl__site_leave(awl__connection *c);
void awl__site_set_idle(awl__connection *c, bool idle);
awl_time awl__site_patience(const awl__site *site); /* for idle connections */

/* Whether nothing of another request has arrived. */
bool awl__connection_is_quiet(const awl__connection *c);

/* Tells a client that there are too many. */
void awl__connection_say_busy(awl_stream *s);

/* What the client is given time for from now on. */
void awl__connection_enter(awl__connection *c, enum awl__phase phase);

#endif
