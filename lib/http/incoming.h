/* Bodies that come in, for both roles: RFC 9112, 6 and 7. */
#ifndef AWL_HTTP_INCOMING_H
#define AWL_HTTP_INCOMING_H

#include "awl/stream.h"
#include "parser.h"

enum awl__incoming_next { AWL__CHUNK_LINE, AWL__CHUNK_BYTES, AWL__CHUNK_CRLF, AWL__TRAILERS };

typedef struct awl__incoming {
    awl_stream *s;
    enum awl__framing framing;
    enum awl__incoming_next next; /* in chunks */
    uint64_t left;                /* of the body, or of the chunk */
    uint64_t total, limit;        /* bytes that have come, and that may */
    uint32_t overhead;            /* bytes of chunk lines and trailers, less some for each byte of data */
    int error;                    /* with which it has ended for ever */
    bool ended;
} awl__incoming;

/* Begins the body behind a head. */
void awl__incoming_begin(awl__incoming *in, awl_stream *s, enum awl__framing framing, uint64_t length, uint64_t limit);

/*
 * A coroutine object: a piece of the body.
 *
 * Result   int: bytes; 0 at the end.
 * Errors   AWL_EINCOMPLETE, AWL_EPROTOCOL, AWL_ELIMIT, and those of awl_stream_read: for ever, but for ECANCELED, EBUSY,
 *          EINVAL and ENOMEM.
 */
awl_coro awl__incoming_read(awl__incoming *in, void *buf, size_t cap);

#endif
