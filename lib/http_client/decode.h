/* Bodies that come compressed: RFC 9110, 8.4.1 (decode.c, by zlib; no_decode.c where that is not built). */
#ifndef AWL_HTTP_DECODE_H
#define AWL_HTTP_DECODE_H

#include <sys/types.h>

#include "awl/loop.h"

typedef struct awl__decoder awl__decoder;

/* What is sent as Accept-Encoding; NULL: nothing can be decoded. */
extern const char *const awl__decodings;

/* Whether a Content-Encoding can be decoded. */
bool awl__decodes(const char *coding);

/* A decoder for it; NULL: no memory. */
awl__decoder *awl__decoder_new(awl_loop *loop, const char *coding);
void awl__decoder_free(awl__decoder *decoder);

/*
 * Decodes on.
 *
 *   in, in_len   what has come; *in_len takes how much of it was used
 *   out, cap     takes what comes of it
 * Result   bytes; 0: more is needed; -AWL_EPROTOCOL: it is not what it says; -ENOMEM.
 */
ssize_t awl__decode(awl__decoder *decoder, const char *in, size_t *in_len, char *out, size_t cap);

/* Whether what came so far can be all: a whole stream, or nothing. */
bool awl__decoder_whole(const awl__decoder *decoder);

#endif
