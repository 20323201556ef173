/*
 * Checksums for awl-get: SHA-256 (FIPS 180-4), and the lists of them that sha256sum writes.
 * SPDX-License-Identifier: MIT
 */
#include "awl-get.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- SHA-256 -------------------------------------------------------------------------------------------------- */

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void take_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t a = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
                           ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        const uint32_t b = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
                           ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += a;
        s[0] = a + b;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void sum_begin(struct sum *sum)
{
    *sum = (struct sum){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                                    0x5be0cd19 } };
}

void sum_add(struct sum *sum, const void *data, size_t len)
{
    const unsigned char *at = data;

    while (len) {
        const size_t used = sum->len % 64, n = len < 64 - used ? len : 64 - used;

        memcpy(sum->block + used, at, n);
        sum->len += n;
        at += n;
        len -= n;
        if (sum->len % 64 == 0)
            take_block(sum->state, sum->block);
    }
}

void sum_end(struct sum *sum, char text[SUM_TEXT])
{
    const uint64_t bits = sum->len * 8;
    unsigned char length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    sum_add(sum, "\x80", 1);
    while (sum->len % 64 != 56)
        sum_add(sum, "", 1);
    sum_add(sum, length, sizeof length);
    for (int i = 0; i < 8; i++)
        snprintf(text + 8 * i, SUM_TEXT - 8 * (size_t)i, "%08lx", (unsigned long)sum->state[i]);
}

/* ---- Lists ---------------------------------------------------------------------------------------------------- */

static struct listed {
    char sum[SUM_TEXT], *name;
} *all;
static size_t count;

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name);
}

/* "SUM  NAME", or " *NAME"; with a backslash in front, its name has escapes, and is none of ours. 0; EINVAL;
 * ENOMEM. */
static int take_line(char *line)
{
    struct listed *more;
    size_t n;

    line += *line == '\\';
    line[strcspn(line, "\r\n")] = '\0';
    n = strspn(line, "0123456789abcdefABCDEF");
    for (size_t i = 0; i < n; i++)
        line[i] = (char)(line[i] | 32); /* digits have that bit */
    if (n != SUM_TEXT - 1 || line[n] != ' ' || (line[n + 1] != ' ' && line[n + 1] != '*') || !line[n + 2])
        return EINVAL;
    line[n] = '\0';
    more = count & (count - 1) ? all : realloc(all, (count ? 2 * count : 1) * sizeof *all);
    if (!more)
        return ENOMEM;
    all = more;
    strcpy(all[count].sum, line);
    all[count].name = strdup(line + n + 2);
    return all[count].name ? count++, 0 : ENOMEM;
}

int sums_read(const char *path)
{
    char line[4096 + SUM_TEXT + 4];
    FILE *f = fopen(path, "re");
    int error = f ? 0 : errno;

    while (!error && fgets(line, sizeof line, f))
        error = take_line(line);
    if (!error && ferror(f))
        error = EIO;
    if (f)
        fclose(f);
    if (count)
        qsort(all, count, sizeof *all, compare);
    return error;
}

const char *sums_find(const char *name)
{
    struct listed key = { .name = (char *)(uintptr_t)name };
    const struct listed *found = count ? bsearch(&key, all, count, sizeof *all, compare) : NULL;

    return found ? found->sum : NULL;
}

void sums_free(void)
{
    while (count)
        free(all[--count].name);
    free(all);
    all = NULL;
}
