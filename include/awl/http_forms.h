/*
 * awl/http_forms.h: what browsers send to servers, and keep for them: forms, files, cookies, passwords.
 * SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(upload, { awl_request *request; awl_multipart *parts; bool more; int64_t n, all; char buf[4096]; })
 *     {
 *         co_begin;
 *         self->parts = awl_request_multipart(self->request);
 *         if (!self->parts)
 *             co_raise(errno);
 *         for (;;) {
 *             co_let(self->more, awl_multipart_next(self->parts));
 *             if (!self->more)
 *                 break;
 *             for (self->all = 0;; self->all += self->n) {
 *                 co_let(self->n, awl_multipart_read(self->parts, self->buf, sizeof self->buf));
 *                 if (!self->n)
 *                     break;
 *             }
 *             printf("%s: %d bytes\n", awl_multipart_name(self->parts), (int)self->all);
 *         }
 *         awl_respond_text(self->request, 200, "text/plain", "thank you\n");
 *         co_end;
 *     }
 *
 *     static awl_coro on_upload(awl_request *request, void *arg) { return co_call(upload, .request = request); }
 *
 *     static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
 *     {
 *         return awl_http_route(app, "POST", "/upload", on_upload, NULL);
 *     }
 *
 *     int main(void) { return awl_http_run("127.0.0.1", 8080, setup, NULL, NULL); }
 *
 * WHAT IS MALFORMED ends in AWL_EPROTOCOL. A handler that passes such an error of these calls on needs no response of
 * its own: the client gets 400, 413 or 415, and nothing is reported.
 */
#ifndef AWL_HTTP_FORMS_H
#define AWL_HTTP_FORMS_H

#include "awl/http_server.h"

/* ---- Forms ------------------------------------------------------------------------------------------------------- */

/*
 * Reads a form of the type application/x-www-form-urlencoded.
 *
 * Result   int: how many fields it has; see below.
 * Errors   AWL_EPROTOCOL: the body is of another type (the client gets 415); AWL_ELIMIT: it is longer than the limit,
 *          or has more than 1000 fields; those of awl_request_read_all.
 * Source   aiohttp.web.Request.post; HTML, 4.10.21.6; test/http/test_forms.c
 */
AWL_CORO awl_request_form(awl_request *request);

/* The first value of that name in the form that was read, decoded; NULL: there is none. The field at `index`: true, and
 * *name and *value; false: there are not so many. They are the request's. */
const char *awl_request_form_value(const awl_request *request, const char *name);
bool awl_request_form_at(const awl_request *request, size_t index, const char **name, const char **value);

/* ---- Multipart: files that are uploaded -------------------------------------------------------------------------- */

typedef struct awl_multipart awl_multipart;

/*
 * Begins to read a body of the type multipart/form-data.
 *
 * Result   its parts, before the first; NULL with errno AWL_EPROTOCOL: it is of another type (the client gets 415);
 *          ENOMEM; EINVAL.
 * Owns     it is the request's.
 * Source   aiohttp.web.Request.multipart; RFC 7578, RFC 2046, 5.1; test/http/test_server_multipart.c
 */
awl_multipart *awl_request_multipart(awl_request *request);

/*
 * Goes on to the next part. What has not been read of the one before is dropped.
 *
 * Result   bool: false: there was no other one.
 * Errors   AWL_EPROTOCOL: malformed; AWL_ELIMIT: a part has more than 4 KiB of fields; EINVAL; those of
 *          awl_request_read.
 * Source   aiohttp.MultipartReader.next; test/http/test_server_multipart.c
 */
AWL_CORO awl_multipart_next(awl_multipart *parts);

/* Of the present part, until the next: its name in the form; the name of the file, without folders (NULL: it is no
 * file; it is what the client says: do not make a path of it); its Content-Type, "text/plain" if it has none. */
const char *awl_multipart_name(const awl_multipart *parts);
const char *awl_multipart_filename(const awl_multipart *parts);
const char *awl_multipart_type(const awl_multipart *parts);

/*
 * Reads a piece of the present part.
 *
 *   buf   caller's memory, valid until the operation completes
 *   cap   bytes, at least 1
 * Result   int: bytes, 0 at its end.
 * Errors   AWL_EPROTOCOL; EINVAL; those of awl_request_read.
 * Context  cancel-safe: no byte is lost.
 * Source   aiohttp.BodyPartReader.read_chunk; test/http/test_server_multipart.c
 */
AWL_CORO awl_multipart_read(awl_multipart *parts, void *buf, size_t cap);

/* All of the present part. Result: char *, with a zero byte behind it; the request's. `len` may be NULL. Errors: as
 * above; AWL_ELIMIT: more than the application's body_limit; ENOMEM. */
AWL_CORO awl_multipart_read_all(awl_multipart *parts, size_t *len);

/* ---- Cookies: RFC 6265 ------------------------------------------------------------------------------------------- */

/* Whether a cookie goes along when another site leads here: only when the user follows a link; never; always. */
enum awl_same_site { AWL_SAME_SITE_LAX, AWL_SAME_SITE_STRICT, AWL_SAME_SITE_NONE };

/* Zero is the default of every option, and the careful choice. */
typedef struct awl_http_cookie_options {
    const char *path;   /* "/" */
    const char *domain; /* whose subdomains get it, too; NULL: this host alone */
    awl_time max_age;   /* whole seconds; 0: until the browser ends; negative: it is deleted */
    enum awl_same_site same_site;
    bool secure;        /* by https only; AWL_SAME_SITE_NONE needs it */
    bool for_scripts;   /* scripts of the page may read it, too: it is not HttpOnly */
} awl_http_cookie_options;

/* The value of the first cookie of that name, as it came but without quotes; NULL: there is none (or no memory). It is
 * the request's. Source: RFC 6265, 5.4; test/http/test_server_cookies.c */
const char *awl_request_cookie(awl_request *request, const char *name);

/*
 * Sets a cookie, before the response's head goes.
 *
 *   name      a token; one that begins with "__Host-" or "__Secure-" has the options that browsers want of it, else
 *             EINVAL
 *   value     no blanks, quotes, commas, semicolons, backslashes, control or other characters than ASCII
 *   options   may be NULL
 * Result   0; EINVAL; EALREADY: the head has gone; ENOMEM.
 * Source   aiohttp.web.StreamResponse.set_cookie; RFC 6265, 4.1; test/http/test_server_cookies.c
 */
int awl_respond_cookie(awl_request *request, const char *name, const char *value,
                       const awl_http_cookie_options *options);

/* ---- Passwords: RFC 7617 ----------------------------------------------------------------------------------------- */

/* Who asks, by basic authentication: true, and *user and *password, which are the request's; false: nobody says so (or
 * there is no memory). Source: aiohttp.BasicAuth; test/http/test_server_cookies.c */
bool awl_request_basic_auth(awl_request *request, const char **user, const char **password);

/* Whether it is this user with this password. What it takes does not tell how much of them is right. */
bool awl_request_is_user(awl_request *request, const char *user, const char *password);

/* 401, and that the user is to say who he is. 0; EINVAL: a realm with quotes, backslashes or control characters; as
 * awl_respond_error. Source: RFC 7617, 2; test/http/test_server_cookies.c */
int awl_respond_unauthorized(awl_request *request, const char *realm);

/* Whether two texts are equal; the time depends on the length of `given` alone. Source: test/http/test_server_cookies.c */
bool awl_same_secret(const char *given, const char *secret);

#endif
