/*
 * Bodies of multipart/form-data, without any input: RFC 2046, 5.1.1 and RFC 7578. Somebody fills a window, and the
 * parser says what is in it.
 */
#ifndef AWL_HTTP_MULTIPART_PARSER_H
#define AWL_HTTP_MULTIPART_PARSER_H

#include <stdbool.h>
#include <stddef.h>

enum {
    AWL__BOUNDARY = 70,      /* characters of a boundary at most */
    AWL__PART_HEAD = 4096,   /* bytes of a part's fields */
    AWL__PART_WINDOW = 8192,
};

enum awl__part_state { AWL__PREAMBLE, AWL__PART_DATA, AWL__PARTS_END };

typedef struct awl__parts {
    enum awl__part_state state;
    size_t delimiter_len;
    char delimiter[AWL__BOUNDARY + 5]; /* CR LF, two dashes, and the boundary */
    size_t start, end;                 /* of what is in the window */
    char window[AWL__PART_WINDOW];

    /* the present part; the texts lie in `texts` */
    const char *name, *filename, *type;
    char texts[AWL__PART_HEAD + 16];
} awl__parts;

/* Takes the boundary out of a Content-Type. false: it is no multipart/form-data with one. */
bool awl__parts_begin(awl__parts *parts, const char *type);

/* The bytes at `start` that belong to the present part, or to what is before the first, and are to be taken by moving
 * `start`; *ended: the delimiter is behind them. */
size_t awl__parts_data(awl__parts *parts, bool *ended);

/*
 * Goes on from a delimiter, which is at `start`: the fields of the next part, or the end, which the state tells then.
 *
 * Result   0; EAGAIN: more is needed; AWL_EPROTOCOL: malformed; AWL_ELIMIT: more than AWL__PART_HEAD bytes of fields.
 */
int awl__parts_next(awl__parts *parts);

/* Room behind what is in the window, which is moved to its beginning. */
char *awl__parts_room(awl__parts *parts, size_t *len);

#endif
