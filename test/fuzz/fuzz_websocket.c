/*
 * Frames of WebSockets: a head that is read is the one that writing makes again, byte for byte; what is judged of a
 * beginning is judged of the whole; text is UTF-8, however it is cut, exactly if a decoder by the numbers finds
 * characters in it.
 *
 * The first byte is the role and where the text is cut; the rest is frames, or text.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "websocket/websocket_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool so)
{
    if (!so)
        abort();
}

/* Reads a head as its bytes come, in a block of exactly their size each time. */
static int read_head(awl__ws_reader *reader, const uint8_t *at, size_t len, awl__ws_head *head)
{
    for (size_t there = 0; there <= len && there <= AWL__WS_HEAD; there++) {
        uint8_t *exact = malloc(there + 1);
        int n;

        must(exact != NULL);
        memcpy(exact, at, there);
        n = awl__ws_head_read(reader, exact, there, head);
        free(exact);
        if (n)
            return n;
    }
    return 0;
}

static void try_frames(const uint8_t *at, size_t len, bool from_client)
{
    awl__ws_reader reader = { .from_client = from_client }, whole = reader;

    while (len) {
        awl__ws_head head, again;
        const int n = read_head(&reader, at, len, &head), m = awl__ws_head_read(&whole, at, len, &again);
        uint8_t bytes[AWL__WS_HEAD];

        must(n == m && reader.message == whole.message);
        if (n <= 0)
            return;
        must(head.opcode == again.opcode && head.len == again.len && head.masked == from_client);
        must(!(head.opcode & 8) || (head.fin && head.len <= AWL__WS_CONTROL));
        must(awl__ws_head_write(&head, bytes) == (size_t)n && memcmp(bytes, at, (size_t)n) == 0);
        at += n;
        len -= (size_t)n;
        if (head.len > len)
            return;
        at += head.len;
        len -= (size_t)head.len;
    }
}

/* RFC 3629, by the numbers: the length of the character at `at`; 0: there is none. */
static size_t character(const uint8_t *at, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t n = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    uint32_t c;

    if (!n || n > len)
        return 0;
    c = n == 1 ? at[0] : at[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        c = c << 6 | (at[i] & 63u);
    }
    return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

static void try_text(const uint8_t *at, size_t len, size_t cut)
{
    awl__utf8 utf8 = { 0 };
    bool fine = true;
    const bool got = awl__utf8_check(&utf8, at, cut, false) && awl__utf8_check(&utf8, at + cut, len - cut, true);

    for (size_t i = 0, n; i < len && fine; i += n) {
        n = character(at + i, len - i);
        fine = n != 0;
    }
    must(got == fine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len)
        return 0;
    try_frames(data + 1, len - 1, data[0] & 1);
    try_text(data + 1, len - 1, len > 1 ? data[0] % len : 0);
    return 0;
}
