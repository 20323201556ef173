/*
 * awl/http.h: an HTTP/1.1 client. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(fetch, { awl_http_response *r; char buf[4096]; int n; })
 *     {
 *         co_begin;
 *         co_let(self->r, awl_http_get("http://example.org/", NULL));
 *         fprintf(stderr, "%d %s\n", awl_http_status(self->r), awl_http_header(self->r, "Content-Type"));
 *         do {
 *             co_let(self->n, awl_http_read(self->r, self->buf, sizeof self->buf));
 *             fwrite(self->buf, 1, (size_t)self->n, stdout);
 *         } while (self->n > 0);
 *         co_finally;
 *         awl_http_close(self->r);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(fetch)); }
 *
 * A body arrives as it is read, so it can be of any size; awl_http_fetch keeps a whole one in memory. Time limits are
 * awl_wait_for's. The parser takes what RFC 9112 allows a server to send, and nothing else: AWL_EPROTOCOL. A body that
 * stops short of what was announced is AWL_EINCOMPLETE, never a shorter body. One connection serves one request.
 */
#ifndef AWL_HTTP_H
#define AWL_HTTP_H

#include "awl/stream.h"

typedef struct awl_http_response awl_http_response;

/* Zero is the default of every option. */
typedef struct awl_http_options {
    const char *user_agent; /* "awl" */
    const char *headers;    /* more request headers, each "Name: value\r\n"; not sent on to another host by a redirect */
    int redirects;          /* how many to follow: 10; negative: none, the redirecting response is the result */
    size_t head_limit;      /* of the response's head, bytes: 64 KiB */
    size_t body_limit;      /* of the body that awl_http_fetch keeps, bytes: 64 MiB */
} awl_http_options;

/*
 * Sends a GET request, follows redirects, and reads the head of the response.
 *
 *   url       "http://host:port/path?query"; valid until the operation completes
 *   options   may be NULL; valid until the operation completes
 * Result   awl_http_response *, whatever its status.
 * Errors   EINVAL: not a URL; EPROTONOSUPPORT: not http:// (so far); those of awl_open_connection; AWL_EPROTOCOL: not
 *          HTTP; AWL_ELIMIT: the head is longer than the limit; AWL_EINCOMPLETE: it ends too early; AWL_EREDIRECT: too
 *          many redirects; ECONNRESET, EPIPE; ENOMEM; ECANCELED.
 * Owns     the caller closes the response.
 * Source   RFC 9110, RFC 9112; test/http/test_get.c
 */
AWL_CORO awl_http_get(const char *url, const awl_http_options *options);

/*
 * Reads a piece of the body.
 *
 *   buf   caller's memory, valid until the operation completes
 *   cap   bytes, at least 1
 * Result   int: bytes, 0 at the end of the body.
 * Errors   AWL_EINCOMPLETE; AWL_EPROTOCOL: a malformed chunk; AWL_ELIMIT; ECONNRESET; EBUSY; EINVAL; ENOMEM; ECANCELED.
 * Context  cancel-safe: no byte is lost.
 * Source   test/http/test_body.c
 */
AWL_CORO awl_http_read(awl_http_response *response, void *buf, size_t cap);

/*
 * awl_http_get, and the whole body: see awl_http_body.
 *
 * Result   awl_http_response *.
 * Errors   as both of the above; AWL_ELIMIT: the body is longer than the limit.
 * Owns     the caller closes the response.
 * Source   test/http/test_get.c
 */
AWL_CORO awl_http_fetch(const char *url, const awl_http_options *options);

/* The body that awl_http_fetch has read, with a zero byte behind it, and its length (`len` may be NULL). It is the
 * response's. */
const char *awl_http_body(const awl_http_response *response, size_t *len);

/* The status, such as 200; the words behind it, perhaps none; the length of the body, -1 if it was not announced; the
 * URL after redirects. */
int awl_http_status(const awl_http_response *response);
const char *awl_http_reason(const awl_http_response *response);
int64_t awl_http_length(const awl_http_response *response);
const char *awl_http_url(const awl_http_response *response);

/* The value of the first header of that name, in any case; NULL: there is none. It is the response's. */
const char *awl_http_header(const awl_http_response *response, const char *name);

/* The header at `index`, in the order of their coming: true, and *name and *value; false: there are not so many. */
bool awl_http_header_at(const awl_http_response *response, size_t index, const char **name, const char **value);

/* Closes a response and its connection. NULL is let be. */
void awl_http_close(awl_http_response *response);

#endif
