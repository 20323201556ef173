/* Base64; see base64.h. */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t awl__base64_encode(const void *data, size_t len, char *text)
{
    const uint8_t *from = data;
    char *to = text;

    for (size_t i = 0; i < len; i += 3) {
        const uint32_t n = (uint32_t)from[i] << 16 | (i + 1 < len ? (uint32_t)from[i + 1] << 8 : 0) |
                           (i + 2 < len ? from[i + 2] : 0);

        *to++ = digits[n >> 18];
        *to++ = digits[n >> 12 & 63];
        *to++ = i + 1 < len ? digits[n >> 6 & 63] : '=';
        *to++ = i + 2 < len ? digits[n & 63] : '=';
    }
    *to = '\0';
    return (size_t)(to - text);
}

ssize_t awl__base64_decode(const char *text, size_t text_len, void *data)
{
    const size_t padding = text_len && text[text_len - 1] == '=' ? 1 + (text_len > 1 && text[text_len - 2] == '=') : 0;
    uint8_t *to = data;
    uint32_t n = 0;

    if (text_len % 4)
        return -1;
    for (size_t i = 0; i < text_len; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

        if (!digit && i < text_len - padding)
            return -1;
        n = n << 6 | (digit ? (uint32_t)(digit - digits) : 0);
        if (i % 4 < 3)
            continue;
        *to++ = (uint8_t)(n >> 16);
        *to++ = (uint8_t)(n >> 8);
        *to++ = (uint8_t)n;
        n = 0;
    }
    to -= padding;

    /* The bits that stand for nothing have to be zero, so that each text is the only one for its bytes. */
    return padding && *to ? -1 : to - (uint8_t *)data;
}
