/* What the path of a target means, in the two steps of RFC 3986, one after the other: 2.1 and 5.2.4. */
#ifndef HTTP_PATH_MODEL_H
#define HTTP_PATH_MODEL_H

#include <stdio.h>
#include <string.h>

/* Decodes an escaped path. NULL: it has an escape that is none, or one for a zero byte. */
static inline const char *model_decode(const char *escaped, size_t len)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    static char decoded[10000];
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        const char *high, *low;
        size_t c;

        decoded[n++] = escaped[i];
        if (escaped[i] != '%')
            continue;
        if (len - i < 3 || !(high = strchr(digits, escaped[i + 1])) || !(low = strchr(digits, escaped[i + 2])))
            return NULL;
        c = (size_t)(high - digits) % 16 * 16 + (size_t)(low - digits) % 16;
        if (!c)
            return NULL;
        decoded[n - 1] = (char)c;
        i += 2;
    }
    decoded[n] = '\0';
    return decoded;
}

/* The path without dot segments, as a list of segments from which each ".." takes the last. NULL: it is refused. */
static inline const char *model_path(const char *escaped, size_t len)
{
    static char path[10000];
    static struct {
        const char *at;
        size_t len;
    } segments[10000];
    const char *at = model_decode(escaped, len);
    size_t n = 0, used = 0;

    while (at && *at) { /* at the slash before a segment */
        const size_t size = 1 + strcspn(at + 1, "/");
        const int dots = size == 2 && at[1] == '.' ? 1 : size == 3 && at[1] == '.' && at[2] == '.' ? 2 : 0;

        if (dots == 2 && n-- == 0)
            return NULL;
        if (!dots || !at[size]) { /* a dot segment at the end leaves its slash */
            segments[n].at = at;
            segments[n++].len = dots ? 1 : size;
        }
        at += size;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(path + used, segments[i].at, segments[i].len);
        used += segments[i].len;
    }
    path[used] = '\0';
    return at ? path : NULL;
}

#endif
