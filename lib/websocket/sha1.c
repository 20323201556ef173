/* SHA-1; see sha1.h. */
#include "sha1.h"

#include <string.h>

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* One block of 64 bytes. The schedule is kept in 16 words, of which each is made anew when it has been used. */
static void take_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[16], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (int i = 0; i < 16; i++, block += 4)
        w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
    for (int t = 0; t < 80; t++) {
        const uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                           : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                           : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                    : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t sum;

        if (t >= 16)
            w[t & 15] = rotate(w[(t + 13) & 15] ^ w[(t + 8) & 15] ^ w[(t + 2) & 15] ^ w[t & 15], 1);
        sum = rotate(a, 5) + f + e + w[t & 15];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = sum;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void awl__sha1(const void *data, size_t len, uint8_t digest[AWL__SHA1])
{
    uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    const uint8_t *at = data;
    const size_t rest = len % 64;
    uint8_t tail[128] = { 0 };
    const size_t tail_len = rest < 56 ? 64 : 128;

    for (size_t n = len / 64; n; n--, at += 64)
        take_block(h, at);

    /* What is left, a bit, zeros, and the length in bits. */
    if (rest)
        memcpy(tail, at, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[tail_len - 1 - (size_t)i] = (uint8_t)((uint64_t)len * 8 >> 8 * i);
    for (size_t i = 0; i < tail_len; i += 64)
        take_block(h, tail + i);
    for (int i = 0; i < AWL__SHA1; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
