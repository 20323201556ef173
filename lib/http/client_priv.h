/* The inside of the HTTP client. */
#ifndef AWL_HTTP_CLIENT_PRIV_H
#define AWL_HTTP_CLIENT_PRIV_H

#include "../stream/stream_priv.h"
#include "awl/http_client.h"
#include "awl/sync.h"
#include "awl/url.h"
#include "incoming.h"
#include "parser.h"
#include "writer.h"

/* ---- Connections that are kept (pool.c) ----------------------------------------------------------------------------- */

/* Where requests go: a scheme, a host and a port. Lives while connections to it are in use or kept, or waited for. */
typedef struct awl__origin {
    struct awl__origin *next;
    size_t users;
    awl_semaphore slots; /* of limit_per_host */
    struct awl__conn *idle; /* the one used last comes first */
    size_t size;
    int port;
    bool https;
    char host[]; /* as awl_open_connection takes it */
} awl__origin;

typedef struct awl__conn {
    awl__block all; /* among the session's idle ones, oldest first */
    struct awl__conn *next; /* among its origin's idle ones */
    awl__origin *origin;
    awl_stream *s;
    awl_time idle_since;
    bool reused;
} awl__conn;

struct awl_http_session {
    awl_loop *loop;
    uint32_t refs; /* its owner, connections in use, responses */
    bool closed;
    awl_http_session_options options;
    awl_http_pair *headers; /* copies; with their texts, and those of the options, in one block */
    char *block;
    size_t block_size;
    awl_semaphore slots;
    awl__origin *origins;
    awl__block idle; /* a ring */
    awl_handle sweep;
    awl_tls *tls;
};

/*
 * A coroutine object: a connection to `host`, one that was kept unless `fresh`.
 *
 * Result   awl__conn *, which is in use until awl__conn_release.
 */
awl_coro awl__conn_acquire(awl_http_session *session, const char *host, int port, bool https, bool fresh);

/* Gives it back: to be kept, or closed. */
void awl__conn_release(awl_http_session *session, awl__conn *conn, bool keep);

void awl__session_retain(awl_http_session *session);
void awl__session_drop(awl_http_session *session);

/* Closes what is idle (pool.c). */
void awl__pool_sweep(awl_http_session *session, bool all);

/* The TLS of a session that was given none; NULL with errno (https.c, or no_https.c where TLS is not built). */
awl_tls *awl__http_tls(void);

/* ---- Responses -------------------------------------------------------------------------------------------------------- */

struct awl_response {
    awl_http_session *session;
    awl__conn *conn; /* NULL: given back */
    char *url;       /* of the loop's memory */
    size_t url_size;
    char *text; /* the head */
    size_t size;
    awl_time deadline, read_timeout;
    int redirects;
    bool is_head, reusable;
    awl__incoming in;
    char *whole;
    size_t whole_len, whole_cap;
    awl__http_head head; /* last: what it holds of fields is not cleared */
};

/* What a request is made of, while it is on its way. */
typedef struct awl__exchange {
    awl_http_session *session;
    const awl_http_request_options *options;
    const char *method;
    const void *body;
    size_t body_size;
    const char *type;
    bool same_origin; /* as the first one: secrets are for that alone */
    awl_http_timeouts timeouts;
} awl__exchange;

/* A coroutine object: sends a request to response->url, and reads the head of its response (exchange.c). */
awl_coro awl__exchange_run(awl__exchange *x, awl_response *response);

#endif
