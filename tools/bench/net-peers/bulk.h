/* What one stream carries, for all programs that send it or read it. */
#ifndef NET_BULK_H
#define NET_BULK_H

#include <stddef.h>
#include <stdint.h>

enum { BULK_PIECE = 65536 }; /* bytes: of a write, and after which the stream repeats itself */

/* The stream's first `len` bytes, which have no period: the upper bits of a linear congruence. */
static inline void bulk_fill(char *buf, size_t len)
{
    uint64_t x = 1;

    for (size_t i = 0; i < len; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        buf[i] = (char)(x >> 56);
    }
}

/* How many bytes there were, as the reading side says it at the end: eight bytes, the low ones first. */
static inline void bulk_count(unsigned char *text, uint64_t count)
{
    for (int i = 0; i < 8; i++, count >>= 8)
        text[i] = (unsigned char)count;
}
static inline uint64_t bulk_counted(const unsigned char *text)
{
    uint64_t count = 0;

    for (int i = 8; i-- > 0;)
        count = count << 8 | text[i];
    return count;
}

#endif
