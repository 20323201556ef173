/*
 * awl/http_client.h: an HTTP/1.1 client: sessions that keep connections. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(fetch, { awl_http_session *session; awl_response *r; char *text; })
 *     {
 *         co_begin;
 *         self->session = awl_http_session_new(NULL);
 *         co_let(self->r, awl_http_get(self->session, "https://example.org/", NULL));
 *         co_let(self->text, awl_response_read_all(self->r, NULL));
 *         printf("%d\n%s", awl_response_status(self->r), self->text);
 *         co_finally;
 *         awl_response_close(self->r);
 *         awl_http_session_close(self->session);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(fetch)); }
 *
 * A RESPONSE is there as soon as its head is; its body arrives as it is read, so it can be of any size. When it has
 * been read to its end, the connection goes back to the session, for the next request to that origin. It is kept there
 * for 15 s, or for as long as the server says it will wait; one that ends, or says something unasked, is closed.
 *
 * ONCE MORE. A request that cannot do harm twice (GET, HEAD, OPTIONS, PUT, DELETE, TRACE) is sent again, on a new
 * connection, if a kept one ended before it had said anything. Nothing else is.
 *
 * REDIRECTS (301, 302, 303, 307, 308) are followed, ten at most. 303 makes a GET of all but HEAD, and 301 and 302 of
 * POST; then the body goes, with the fields about it. Authorization, Cookie, Proxy-Authorization and Host that the
 * caller gave are for the first origin: once another one has been asked, they are sent no more. From https to http is
 * refused unless allow_downgrade is set.
 *
 * WHAT IS REFUSED: all that RFC 9112 does not allow a server to send is AWL_EPROTOCOL; a body that stops short of what
 * was announced is AWL_EINCOMPLETE, never a shorter body. awl_error_message says what was wrong.
 *
 * COMPRESSION. Where awl was built with zlib, gzip and deflate are asked for, and undone as the body is read, unless
 * `raw` is set or the request has Accept-Encoding or Range of its own. A few bytes can become many so. body_limit bounds
 * what awl_response_read_all makes of them. awl_response_read gives no more at once than there is room for, and needs
 * no more memory for a longer body; how much is read so in all is the caller's to bound.
 *
 * PROXIES are found as curl does: http_proxy, https_proxy or HTTPS_PROXY, all_proxy or ALL_PROXY; no_proxy or NO_PROXY
 * lists hosts, with all below them, and networks that go without, each perhaps with a port, "a.org:8080"; "*" is all.
 * https goes through a tunnel, by CONNECT.
 */
#ifndef AWL_HTTP_CLIENT_H
#define AWL_HTTP_CLIENT_H

#include "awl/cookies.h"
#include "awl/stream.h"

typedef struct awl_http_session awl_http_session;
typedef struct awl_response awl_response;
typedef struct awl_http_upload awl_http_upload;

/* A name and a value; the last one of an array has the name NULL. */
typedef struct awl_http_pair {
    const char *name, *value;
} awl_http_pair;

/* A part of a form that has files: bytes of memory, or a file. The last one of an array has the name NULL. */
typedef struct awl_http_part {
    const char *name;
    const void *data;     /* `size` bytes; 0: a text */
    size_t size;
    const char *path;     /* or what is in this file: a regular one, whose size does not change meanwhile */
    const char *filename; /* NULL: the last part of the path; of memory none, and so it is a field, not a file */
    const char *type;     /* NULL: of a file, application/octet-stream; else none */
} awl_http_part;

/* Time limits; zero is the default, AWL_FOREVER none. */
typedef struct awl_http_timeouts {
    awl_time total;   /* from the call to the end of the body; 5 minutes */
    awl_time connect; /* to get a connection, made or kept; 30 s */
    awl_time read;    /* between two pieces of what the server sends; none */
} awl_http_timeouts;

/* ---- Sessions --------------------------------------------------------------------------------------------------- */

/* Zero is the default of every option. */
typedef struct awl_http_session_options {
    const char *base_url;         /* what URLs of requests are relative to; its user counts as that of the request's */
    const awl_http_pair *headers; /* of every request, unless that has one of the same name */
    const char *user_agent;       /* "awl" */
    const char *user, *password;  /* basic authentication; with a base_url, for its origin only */
    const char *proxy;            /* "http://user:password@host:port"; NULL: as the environment says; "": none */
    const char *no_proxy;         /* who goes without: "example.org, 10.0.0.0/8"; NULL: as the environment says */
    const char *unix_path;        /* every connection goes to this Unix socket, whatever the host is */
    awl_tls *tls;                 /* for https; NULL: one that trusts what the system trusts */
    awl_cookie_jar *cookies;      /* one that others use, too; NULL: one of its own. It is retained */
    bool no_cookies;              /* none is kept or sent */
    awl_http_timeouts timeouts;
    int limit;                    /* connections, those that are idle included: 100. Who needs one waits for his turn */
    int limit_per_host;           /* of them to one origin; 0: no limit of its own */
    awl_time keep_alive;          /* how long an idle connection is kept: 15 s; negative: not at all */
    int redirects;                /* to follow: 10; negative: none, the redirecting response is the result */
    bool allow_downgrade;         /* follow a redirect from https to http */
    bool raw; /* bodies as they come, compressed or not; else gzip and deflate are asked for and undone */
    bool raise_for_status;        /* a status from 400 is the error AWL_ESTATUS */
    size_t body_limit;            /* of what awl_response_read_all reads, decoded, bytes: 64 MiB */
} awl_http_session_options;

/*
 * Makes a session of the running loop.
 *
 *   options   may be NULL; its texts and pairs are copied
 * Result   the session; NULL with errno ENOMEM, or EINVAL: no running loop, a header that cannot be sent, a user with a
 *          colon, a base_url that is not absolute, a proxy that is not of http.
 * Owns     awl_http_session_close. Responses hold on to what they need of it.
 * Source   aiohttp.ClientSession; test/http/test_session.c
 */
awl_http_session *awl_http_session_new(const awl_http_session_options *options) __attribute__((warn_unused_result));

/* Closes idle connections, and the others when their responses are closed. Requests that wait for a connection end with
 * ECONNABORTED. The session is not to be used after that, not even for a request that would fail: its memory goes with
 * the last response that is open, or at once. NULL is let be. Source: test/http/test_pool.c */
void awl_http_session_close(awl_http_session *session);

/* Its cookies, which live as long as it does; NULL: it has none, or there was no memory for them. */
awl_cookie_jar *awl_http_session_cookies(awl_http_session *session);

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* Makes the coroutine that writes a body: return co_call(…) from it. It is called again when the request is sent
 * again, after a redirect that keeps its method, or because a kept connection had died. A response that comes before
 * the end of the body cancels it; an error that it ends with is that of the request. */
typedef awl_coro awl_http_upload_fn(awl_http_upload *upload, void *arg);

/*
 * Zero is the default of every option. The struct and its four arrays are copied at the call, so that they can be
 * written where they are given:
 *
 *     co_let(self->r, awl_http_get(self->session, url, &(awl_http_request_options){
 *                                      .headers = (awl_http_pair[]){ { "Accept", "text/html" }, { NULL, NULL } } }));
 *
 * The texts in them are not, nor is the body: they are to stay valid until the response's head is there.
 */
typedef struct awl_http_request_options {
    const awl_http_pair *headers; /* instead of the session's of the same name */
    const awl_http_pair *params;  /* appended to the query, encoded */
    const awl_http_pair *form;    /* a body of type application/x-www-form-urlencoded */
    const awl_http_part *parts;   /* a body of type multipart/form-data (RFC 7578); files are read as it goes out */
    const void *body;             /* a body of `body_size` bytes, which is not copied; 0: a text, "" is an empty one */
    awl_http_upload_fn *upload;   /* or one that a coroutine writes: `body_size` bytes; 0: nobody knows, so in chunks */
    void *upload_arg;
    uint64_t body_size;
    uint64_t offset; /* only what is from this byte on, to go on with a download: see awl_response_offset */
    bool expect;                  /* ask before the body is sent, and wait up to a second for an answer */
    const char *type;             /* the body's Content-Type */
    const char *user, *password;  /* basic authentication, instead of the URL's and the session's */
    awl_http_timeouts timeouts;   /* zero: the session's */
    int redirects;                /* 0: the session's; negative: none */
    bool raw;                     /* as the session's */
    bool no_retry;                /* not even where nothing can have happened twice */
} awl_http_request_options;

/*
 * Sends a request, follows redirects, and reads the head of the response.
 *
 *   method    "GET", …
 *   url       absolute, or relative to the session's base_url; "http://" or "https://". Valid until the operation
 *             completes
 *   options   may be NULL
 * Result   awl_response *, whatever its status.
 * Errors   EINVAL: no URL, a host that is not ASCII (it has to be written as IDNA has it, "xn--…"), a header that
 *          cannot be sent, a user with a colon, two bodies, CONNECT; EPROTONOSUPPORT: another scheme, of the URL or of
 *          the proxy, or https where awl was built without TLS; those of awl_open_connection; ECONNRESET: it ended
 *          without a response; AWL_EPROTOCOL, AWL_EINCOMPLETE; AWL_EREDIRECT: too many redirects, or one that is
 *          refused; AWL_ESTATUS: raise_for_status, or what the proxy said to CONNECT; those of the body's coroutine,
 *          or of its files, EMSGSIZE: it is not as long as was promised; ECONNABORTED: the session was closed
 *          meanwhile; ETIMEDOUT; ENOMEM; ECANCELED.
 * Owns     the caller closes the response.
 * Context  suspends. A body that is more than 64 KiB, or written by a coroutine, goes out while the response is waited
 *          for, and a response that comes before its end stops it; the read timeout counts from its last piece that
 *          went. Where `expect` is set, it waits for 100, or a second; 417 has the request sent again without.
 * Source   aiohttp.ClientSession.request; RFC 9110, RFC 9112; test/http/test_session.c, test_redirect.c, test_upload.c,
 *          test_pool.c, test_response.c, test_multipart.c, test_proxy.c
 */
AWL_CORO awl_http_request(awl_http_session *session, const char *method, const char *url,
                          const awl_http_request_options *options);
AWL_CORO awl_http_get(awl_http_session *session, const char *url, const awl_http_request_options *options);
AWL_CORO awl_http_head(awl_http_session *session, const char *url, const awl_http_request_options *options);
AWL_CORO awl_http_post(awl_http_session *session, const char *url, const awl_http_request_options *options);
AWL_CORO awl_http_put(awl_http_session *session, const char *url, const awl_http_request_options *options);
AWL_CORO awl_http_delete(awl_http_session *session, const char *url, const awl_http_request_options *options);

/*
 * Sends bytes of a body, from its coroutine, and waits until there is room for more.
 *
 *   data   valid until the operation completes
 * Result   none.
 * Errors   EMSGSIZE: more than was promised; EINVAL; the connection's error: the response, if there is one, is read
 *          all the same; ECANCELED: the response is there, or the request was cancelled.
 * Context  keeps at most 128 KiB of it.
 * Source   test/http/test_upload.c
 */
AWL_CORO awl_upload_write(awl_http_upload *upload, const void *data, size_t len);

/* ---- Responses -------------------------------------------------------------------------------------------------- */

/* The status, such as 200; the words behind it, perhaps none; the length of the body, -1 if it was not announced; the
 * URL after redirects, and how many there were. */
int awl_response_status(const awl_response *response);
const char *awl_response_reason(const awl_response *response);
int64_t awl_response_length(const awl_response *response); /* -1 also where the body was compressed */
const char *awl_response_url(const awl_response *response);
int awl_response_redirects(const awl_response *response);

/* Where in the whole the body begins: of status 206 as Content-Range says, -1 if it does not; else 0: it is the whole,
 * also where a part was asked for. Source: RFC 9110, 14; test/http/test_session.c */
int64_t awl_response_offset(const awl_response *response);

/* The value of the first field of that name, in any case; NULL: there is none. It is the response's. The field at
 * `index`: true, and *name and *value; false: there are not so many. */
const char *awl_response_field(const awl_response *response, const char *name);
bool awl_response_field_at(const awl_response *response, size_t index, const char **name, const char **value);

/*
 * Reads a piece of the body.
 *
 *   buf   caller's memory, valid until the operation completes
 *   cap   bytes, at least 1
 * Result   int: bytes, 0 at the end of the body.
 * Errors   AWL_EINCOMPLETE; AWL_EPROTOCOL: also what is not compressed as it says; AWL_ELIMIT: too much between the
 *          data of chunks; ETIMEDOUT; ECONNRESET and others of the stream; ECONNABORTED: the response was closed
 *          meanwhile; EBUSY: another task reads; EINVAL; ENOMEM; ECANCELED.
 * Context  cancel-safe: no byte is lost.
 * Source   test/http/test_response.c, test_decode.c
 */
AWL_CORO awl_response_read(awl_response *response, void *buf, size_t cap);

/* Reads all of the body. Result: char *, with a zero byte behind it; the response's, until it is closed. `len` may be
 * NULL. Errors: as above; AWL_ELIMIT: more than the session's body_limit, once it is decoded; what has come of it is lost.
 * Source: test/http/test_response.c, test_decode.c */
AWL_CORO awl_response_read_all(awl_response *response, size_t *len);

/*
 * Saves the body, or what is left of it, as a file: under its name only when it is whole, see awl_file_replace.
 *
 *   path    valid until the operation completes; a file that is there is replaced
 *   limit   bytes; 0: any number
 * Result   int64_t: bytes.
 * Errors   those of awl_response_read, AWL_EINCOMPLETE above all; AWL_ELIMIT: it is longer; those of awl_file_replace,
 *          awl_file_write and awl_file_commit. After any there is no file, or the one that was there before.
 * Context  whatever its status is: see awl_response_check. Threads write while it comes in; cancelled while it gets its
 *          name, it has it, or not.
 * Source   test/http/test_save.c
 */
AWL_CORO awl_response_save(awl_response *response, const char *path, uint64_t limit);

/* 0; AWL_ESTATUS from status 400 on, and awl_error_message says which. Source: test/http/test_session.c */
int awl_response_check(const awl_response *response);

/* Closes a response; its connection is kept if the body was read to its end, or if there is little left of it that has
 * come already. NULL is let be. */
void awl_response_close(awl_response *response);

#endif
