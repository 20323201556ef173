/*
 * The parser of heads, for both roles: RFC 9112, sections 2 to 7. It takes what these allow and refuses the rest, with
 * the status that a server answers and what was wrong in words; the verdict does not depend on how the bytes arrive.
 *
 * It works in place, on the bytes as they lie in the input buffer, and writes zero bytes behind names and values. What
 * it finds are offsets, which hold wherever the head is moved or copied to. Nothing is allocated.
 */
#ifndef AWL_HTTP_PARSER_H
#define AWL_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AWL__LINE_LIMIT = 8190,  /* bytes of the first line, and of a field's, without their ends */
    AWL__HEAD_LIMIT = 32768, /* of all, the empty line included */
    AWL__FIELDS_LIMIT = 128,
    AWL__BLANK_LIMIT = 4,    /* empty lines before a request, which robust servers skip */
    AWL__INTERIM_LIMIT = 16, /* responses of 1xx before the proper one: RFC 9110, 15.2 */
};

typedef struct awl__field {
    uint16_t name, value; /* where they begin; each ends with a zero byte */
} awl__field;

enum awl__framing {
    AWL__NO_BODY,
    AWL__BODY_LENGTH,
    AWL__BODY_CHUNKED,
    AWL__BODY_TO_END, /* of the connection: responses only */
};

typedef struct awl__http_head {
    /* what the parser is doing */
    uint16_t scanned;     /* no line end lies before */
    uint16_t line;        /* where the present line begins */
    uint8_t blank;        /* empty lines skipped */
    bool of_response, first_done, done;

    /* the first line: of a request method and target, of a response the reason */
    uint16_t method, target, reason;
    uint16_t status;      /* of a response; in an error: what a server answers */
    uint8_t minor;        /* of HTTP/1.x: 0 or 1 */

    /* what the fields mean */
    bool chunked, has_length, has_host, keep_alive, close, upgrade, expects_continue, other_coding;
    bool last_has_meaning; /* the last field line was of one of these */
    uint64_t length;
    const char *what; /* of an error: what was wrong */

    uint8_t n;
    awl__field fields[AWL__FIELDS_LIMIT];
} awl__http_head;

/* Begins a head, of a request or of a response. */
void awl__http_head_begin(awl__http_head *head, bool of_response);

/*
 * Parses on.
 *
 *   at    the head from its first byte (blank lines before it included), as far as it has come
 *   len   of that; grows from call to call, and the bytes that were there stay as the parser left them
 * Result   0: more is needed; the length of the head, when it is whole; negative: refused, see `status` and `what`.
 */
int awl__http_head_parse(awl__http_head *head, char *at, size_t len);

/* How the body comes, of a whole head. `no_body`: the response is one to HEAD, or to a CONNECT that succeeded. */
enum awl__framing awl__http_framing(const awl__http_head *head, bool no_body);

/* Whether the connection stays open after this message. */
bool awl__http_persists(const awl__http_head *head);

/* The value of the first field of that name, in small letters; NULL: there is none. */
const char *awl__http_field(const awl__http_head *head, const char *at, const char *name);

/* ---- Chunks ------------------------------------------------------------------------------------------------------ */

/* A chunk's first line, without its CR LF. true, and the chunk's size; false: it is malformed. */
bool awl__http_chunk_line(const char *line, size_t len, uint64_t *size);

/* A trailer's line, without its CR LF: whether it is a field. */
bool awl__http_trailer_line(const char *line, size_t len);

/* ---- Characters -------------------------------------------------------------------------------------------------- */

static inline bool awl__http_is_digit(char c) { return c >= '0' && c <= '9'; }

/* What a hexadecimal digit stands for; -1: it is none. */
static inline int awl__http_hex(char c)
{
    const int small = c | 32;

    return awl__http_is_digit(c) ? c - '0' : small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

bool awl__http_is_token(const char *text, size_t len);       /* what methods and names are made of */
bool awl__http_is_value(const char *text, size_t len);       /* no control characters but tabs */
bool awl__http_same(const char *a, const char *b);           /* in any case */
bool awl__http_same_n(const char *a, size_t len, const char *lower); /* the same, of a part; `lower` in small letters */

#endif
