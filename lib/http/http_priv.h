/* The inside of the HTTP client. */
#ifndef AWL_HTTP_PRIV_H
#define AWL_HTTP_PRIV_H

#include <errno.h>
#include <string.h>

#include "../loop/loop_priv.h"
#include "awl/http.h"

/* ---- URLs (url.c) ------------------------------------------------------------------------------------------------ */

typedef struct awl__url {
    int port;
    const char *target; /* path and query; points into the text that was parsed */
    size_t target_size;
    bool no_path;        /* a '/' goes before the target */
    char host[256];      /* without brackets */
    char authority[272]; /* for the Host header */
} awl__url;

/* 0; EINVAL: this is no URL; EPROTONOSUPPORT: it is not http. */
int awl__url_parse(const char *text, awl__url *url);

/* What `location` means when it is found at `base`, which has been parsed; in loop memory of *size bytes; NULL. */
char *awl__url_join(awl_loop *loop, const awl__url *base, const char *location, size_t *size);

/* ---- Responses --------------------------------------------------------------------------------------------------- */

enum awl__http_kind { AWL__HTTP_UNTIL_CLOSE, AWL__HTTP_LENGTH, AWL__HTTP_CHUNKED };

enum awl__http_next { AWL__CHUNK_SIZE, AWL__CHUNK_DATA, AWL__CHUNK_END, AWL__CHUNK_TRAILER };

struct awl_http_response {
    awl_loop *loop;
    awl_stream *s;
    char *url;
    size_t url_size;
    int status, minor;

    /* the reason, then names and values, each with a zero byte */
    char *head;
    size_t head_len, head_cap, head_limit, head_seen;

    enum awl__http_kind kind;
    enum awl__http_next next; /* what comes next, in chunks */
    int64_t length, left;     /* of the body; of it or of the chunk that is being read */
    int error;                /* that reading the body ended with, for ever */
    bool ended;

    char *body;
    size_t body_len, body_cap;
};

/* head.c: a line of the head, without its end; 0, AWL_EPROTOCOL, AWL_ELIMIT or ENOMEM. */
int awl__http_status_line(awl_http_response *r, const char *line, size_t len);
int awl__http_header_line(awl_http_response *r, const char *line, size_t len);
int awl__http_head_done(awl_http_response *r); /* how the body will come */

/* Takes the CR LF off a line that was read. 0, AWL_EPROTOCOL, AWL_EINCOMPLETE. *len: of what is left. */
int awl__http_chomp(const char *line, size_t *len);

#endif
