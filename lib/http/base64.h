/* Base64, with its padding: RFC 4648, 4. */
#ifndef AWL_HTTP_BASE64_H
#define AWL_HTTP_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes base64 with its padding and a zero byte: (len + 2) / 3 * 4 + 1 bytes in all. Result: the text's length. */
size_t awl__base64_encode(const void *data, size_t len, char *text);

/* Writes what a text of base64 stands for, at most text_len / 4 * 3 bytes. Result: their number; -1: it is none. */
ssize_t awl__base64_decode(const char *text, size_t text_len, void *data);

#endif
