/* SHA-1, for the handshake of WebSockets, where it protects nothing: FIPS 180-4, 6.1. */
#ifndef AWL_HTTP_SHA1_H
#define AWL_HTTP_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { AWL__SHA1 = 20 };

/* The digest of `len` bytes, up to 2^29 of them. */
void awl__sha1(const void *data, size_t len, uint8_t digest[AWL__SHA1]);

#endif
