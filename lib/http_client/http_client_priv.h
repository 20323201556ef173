/* The inside of the HTTP client. */
#ifndef AWL_HTTP_CLIENT_PRIV_H
#define AWL_HTTP_CLIENT_PRIV_H

#include "../stream/stream_priv.h"
#include "awl/http_client.h"
#include "awl/sync.h"
#include "awl/url.h"
#include "decode.h"
#include "../http/incoming.h"
#include "../http/parser.h"
#include "../http/writer.h"

/* "user" and "password", each with a zero byte behind it; at NULL: nobody. */
typedef struct awl__login {
    char *at;
    size_t size, user_len;
} awl__login;

/* Takes the user of a URL, decoded (target.c). 0, ENOMEM, or EINVAL: it cannot be sent. */
int awl__http_take_login(awl_loop *loop, awl_url_part user, awl__login *login);
void awl__login_free(awl_loop *loop, awl__login *login);

/* Whether a user can be sent: RFC 7617. NULL can. 0 or EINVAL (target.c). */
int awl__http_check_user(const char *user);

/* EINVAL, and says of which text, but not its user (target.c). */
int awl__http_no_url(const char *text);

/* What a host is called where connections are opened, in small letters, the zone of an address without its escape
 * (target.c). false: it is none, or too long, or not of ASCII. */
bool awl__http_take_host(awl_url_part host, char *to, size_t cap);

/* A proxy of a session; text NULL: there is none. */
typedef struct awl__proxy {
    char *text; /* as it was given */
    size_t text_size;
    char host[256];
    int port;
    bool bad; /* of a kind that we do not know */
    awl__login login;
} awl__proxy;

/* ---- Connections that are kept (pool.c) ------------------------------------------------------------------------- */

/* Where connections go to. Lives while connections to it are in use or kept, or waited for. */
typedef struct awl__origin {
    struct awl__origin *next;
    size_t users;
    awl_semaphore slots;    /* of limit_per_host */
    struct awl__conn *idle; /* the one used last comes first */
    size_t size;
    int port;
    bool https;
    char host[]; /* as awl_open_connection takes it */
} awl__origin;

typedef struct awl__conn {
    awl__block all;         /* among the session's idle ones, oldest first */
    struct awl__conn *next; /* among its origin's idle ones */
    awl__origin *origin;
    awl_stream *s;
    awl_time until; /* when it has been idle for too long */
    bool reused;
} awl__conn;

struct awl_http_session {
    awl_loop *loop;
    uint32_t refs; /* its owner, responses */
    bool closed;
    awl_http_session_options options;
    awl_http_pair *headers; /* copies; with their texts, and those of the options, in one block */
    char *block;
    size_t block_size;
    awl_semaphore slots; /* of connections in use */
    size_t open;         /* connections, idle ones included */
    awl__origin *origins;
    awl__block idle; /* a ring */
    awl_handle sweep;
    awl_tls *tls;
    awl_cookie_jar *cookies; /* NULL: there are none yet */
    awl__proxy proxies[2];   /* for http, for https */
    awl__http_out no_proxy;  /* a list of hosts */
};

/* What connection is wanted. The host is to stay valid until there is one. */
typedef struct awl__target {
    const char *host;
    int port;
    bool https;
    const awl__proxy *proxy; /* through which; NULL: none */
    bool fresh; /* none that was kept */
    bool sure;  /* one that was kept only if the kernel says, too, that it is quiet */
} awl__target;

/* A coroutine object. Result: awl__conn *, which is in use until awl__conn_release. */
awl_coro awl__conn_acquire(awl_http_session *session, const awl__target *target);

/* Gives it back: to be kept for up to `keep` without use, or, if that is not above zero, dropped. */
void awl__conn_release(awl_http_session *session, awl__conn *conn, awl_time keep);

void awl__session_retain(awl_http_session *session);
void awl__session_drop(awl_http_session *session);

/* Closes what is idle: all, or for too long. Ends the waits of those that have no connection yet (pool.c). */
void awl__pool_sweep(awl_http_session *session, bool all);
void awl__pool_wake(awl_http_session *session);

/* ---- Proxies (proxy.c) ------------------------------------------------------------------------------------------ */

/* Reads the options, and the environment. 0 or the error; closed in any case. */
int awl__proxies_open(awl_http_session *session, const awl_http_session_options *options);
void awl__proxies_close(awl_http_session *session);

/* The proxy for a target; NULL: none. 0, or EPROTONOSUPPORT. */
int awl__proxy_for(awl_http_session *session, const awl__target *target, const awl__proxy **found);

/* Says who we are to the proxy. */
void awl__proxy_put_login(awl__http_out *out, const awl__proxy *proxy);

/* A coroutine object: makes of a connection to a proxy one to a host behind it. */
awl_coro awl__proxy_tunnel(awl_http_session *session, const awl__proxy *proxy, awl_stream *s, const char *host,
                           int port);

/* The TLS of a session that was given none; NULL with errno (https.c, or no_https.c where TLS is not built). */
awl_tls *awl__http_tls(void);

/* ---- Responses -------------------------------------------------------------------------------------------------- */

struct awl_response {
    awl_http_session *session;
    uint32_t refs;   /* its owner, reads under way */
    awl__conn *conn; /* NULL: given back */
    char *url;       /* of the loop's memory */
    size_t url_size;
    char *text; /* the head */
    size_t size;
    awl_time deadline, read_timeout;
    int redirects;
    bool is_head, reusable;
    awl__incoming in;
    awl__decoder *decoder; /* NULL: the body is read as it comes */
    char *raw;             /* what is to be decoded */
    size_t raw_start, raw_end;
    int decode_error;
    char *whole;
    size_t whole_len, whole_cap;
    awl__http_head head; /* last: what it holds of fields is not cleared */
};

awl_response *awl__response_new(awl_http_session *session);

/* Gives the connection back: it is kept if the body has ended. Then the head goes, too, before another exchange. */
void awl__response_let_go(awl_response *r);
void awl__response_reset(awl_response *r);

/* Has the body decoded, if it is compressed. 0 or ENOMEM. */
int awl__response_decode(awl_response *r);

/* Has the text of an error begin with the URL, if it is one of the way there; `mark`: awl__error_mark of before. */
void awl__response_name_url(const awl_response *r, int error, unsigned mark);

/* Takes a body to its end if that has come already, at most 64 KiB. */
void awl__response_skim(awl_response *r);

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* What a request is made of, while it is on its way. */
typedef struct awl__exchange {
    awl_http_session *session;
    const awl_http_request_options *options; /* never NULL */
    const char *method;
    const void *body;
    const char *type;
    uint64_t body_size;
    awl_http_upload_fn *upload;
    awl__login login;        /* of the first URL */
    const awl__proxy *proxy; /* which the request is written for; NULL: none, or one that does not see it */
    bool same_origin;   /* as the first one: secrets are for that alone */
    bool own_user;      /* the session's user is for this origin */
    bool without_body;  /* a redirect has made another method of it */
    bool not_expecting; /* the server knows no Expect */
    awl_http_timeouts timeouts;
    char boundary[40], own_type[80]; /* of a body of parts */
} awl__exchange;

/* A body that goes out while the response is waited for (upload.c). */
struct awl_http_upload {
    awl_stream *s;
    const awl__exchange *x;
    awl__body_out body;
    awl_event go;       /* the server wants the body */
    awl_timeout *stall; /* of who waits for the response: is set anew when bytes have gone */
    bool expects, done;
};

/* Whether the body goes out while the response is waited for, and not with the head. */
bool awl__uploads(const awl__exchange *x);

/* A coroutine object: sends the whole body. Errors: not those of the stream, which the reader sees. */
awl_coro awl__upload_run(awl_http_upload *up);

/* A body of several parts: its length and type, 0 or the error; what writes it (multipart_out.c). */
int awl__multipart_begin(awl__exchange *x);
awl_coro awl__multipart_write(awl_http_upload *up, void *arg);

/* Whether the server is to be asked before. */
bool awl__expects(const awl__exchange *x);

/* Puts the head of a request together (request_head.c). 0 or the error. */
int awl__request_head(awl__http_out *out, const awl__exchange *x, const awl_url *url);

/* Whether it says which compressions it takes: then the body is decoded. */
bool awl__asks_coding(const awl__exchange *x);

/* A field, and "Basic " with base64 of "user:password". */
void awl__http_put_basic(awl__http_out *out, const char *field, const char *user, size_t user_len,
                         const char *password);

/* A coroutine object: sends a request to response->url, and reads the head of its response (exchange.c). */
awl_coro awl__exchange_run(awl__exchange *x, awl_response *response);

/* Bytes of an array of pairs, its end included; of NULL: 0 (target.c). */
size_t awl__http_pairs_size(const awl_http_pair *pairs);

/* Pairs as "a=b&c=d", encoded, behind the character `before` if that is not zero (target.c). */
void awl__http_put_pairs(awl__http_out *out, const awl_http_pair *pairs, char before);

/* Makes response->url of a reference at a base (NULL: it is absolute), with parameters, without user and fragment
 * (target.c). x: takes the user; may be NULL. 0 or the error; on error the URL is as before. */
int awl__response_set_url(awl_response *r, const char *base, const char *reference, const awl_http_pair *params,
                          awl__exchange *x);

#endif
