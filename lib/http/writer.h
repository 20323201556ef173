/*
 * What HTTP writes, for both roles: heads whose fields are checked when they are put in, and bodies that are exactly as
 * long as was promised.
 */
#ifndef AWL_HTTP_WRITER_H
#define AWL_HTTP_WRITER_H

#include "awl/stream.h"
#include "parser.h"

/* EINVAL, and in words what is wrong with what a caller gives: awl_error_message is not to say what an older one was. */
#define awl__http_invalid(...)                                                                                         \
    (awl_running_ ? awl__error_detail(awl_running_, EINVAL, __VA_ARGS__) : (void)0, EINVAL)

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

/* A head in the making. The first error stays; with one, nothing is to be sent. Zeroed but for the loop, it is empty. */
typedef struct awl__http_out {
    awl_loop *loop;
    char *at;
    size_t len, cap;
    int error;
} awl__http_out;

void awl__http_out_free(awl__http_out *out);

/* Text that needs no check, of a length or formatted. */
void awl__http_out_text(awl__http_out *out, const char *text, size_t len);
char *awl__http_out_room(awl__http_out *out, size_t n); /* room for n bytes at the end; NULL: no memory */
void awl__http_out_print(awl__http_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A field.
 *
 * Result   0; EINVAL: the name is no token, the value has a control character or a space at an end, or the field says
 *          how the body comes (Content-Length, Transfer-Encoding, Connection), which is not the caller's to say; ENOMEM.
 *          Nothing has been put in then, and only ENOMEM is an error of the head.
 */
int awl__http_out_field(awl__http_out *out, const char *name, const char *value);
/* The same, of a user: awl_error_message says what was refused. field.c */
int awl__http_out_users_field(awl__http_out *out, const char *name, const char *value);
int awl__http_out_date(awl__http_out *out); /* Date: now */

/* Whether a name is of the fields that say how the body comes. */
bool awl__http_is_framing(const char *name, size_t len);

/* "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110, 5.6.7; and back: seconds since 1970, -1: it is no such date. */
enum { AWL__HTTP_DATE = 36 }; /* bytes that do for the text */
void awl__http_date(int64_t seconds, char text[AWL__HTTP_DATE]);
int64_t awl__http_parse_date(const char *text);
int awl__http_days(int year, int month, int day); /* from 1970-01-01, in the Gregorian calendar; no year beyond 9999 */

/* ---- Bodies ------------------------------------------------------------------------------------------------------ */

typedef struct awl__body_out {
    enum awl__framing framing;
    uint64_t left; /* AWL__BODY_LENGTH: bytes still owed */
    bool discard;  /* of a response to HEAD: not sent, and may be left out */
    bool ended;
    int error;     /* the first one: what has gone out is not to be taken for the whole */
} awl__body_out;

/* Puts bytes of the body into a stream, framed. 0; EMSGSIZE: more than was promised; else as awl_stream_write. After an
 * error all that follows fails as well, so that no end is written behind a part that is missing. */
int awl__body_write(awl__body_out *body, awl_stream *s, const void *data, size_t len);

/* Ends it. 0; EMSGSIZE: less was written than was promised, and the connection must not be used any more. */
int awl__body_end(awl__body_out *body, awl_stream *s);

#endif
