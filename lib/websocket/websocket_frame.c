/* Frames of WebSockets; see websocket_frame.h. */
#include "websocket_frame.h"

#include <string.h>

/* ---- Heads: RFC 6455, 5.2 ---------------------------------------------------------------------------------------- */

static bool is_control(uint8_t opcode) { return opcode & 8; }

/* Whether a frame may come now: its kind, what went before, and what a control frame may be (5.4, 5.5). */
static bool is_in_order(const awl__ws_reader *reader, const awl__ws_head *head)
{
    if (is_control(head->opcode))
        return head->opcode <= AWL__WS_PONG && head->fin && head->len <= AWL__WS_CONTROL;
    return head->opcode == AWL__WS_CONTINUATION ? reader->message != 0
                                                : head->opcode <= AWL__WS_BINARY && !reader->message;
}

/* The payload's length, in as few bytes as possible. false: in more. */
static bool read_length(const uint8_t *at, unsigned extra, uint64_t *len)
{
    *len = at[1] & 127;
    if (!extra)
        return true;
    *len = 0;
    for (unsigned i = 0; i < extra; i++)
        *len = *len << 8 | at[2 + i];
    return extra == 2 ? *len > 125 : *len > UINT16_MAX && *len <= INT64_MAX;
}

int awl__ws_head_read(awl__ws_reader *reader, const void *bytes, size_t len, awl__ws_head *head)
{
    const uint8_t *at = bytes;
    unsigned extra, size;

    if (len < 2)
        return 0;
    extra = (at[1] & 127) == 126 ? 2 : (at[1] & 127) == 127 ? 8 : 0;
    size = 2 + extra + (at[1] & 128 ? 4 : 0);

    /* What the first two bytes say wrong is said before the rest has come. */
    *head = (awl__ws_head){ .opcode = at[0] & 15, .fin = at[0] & 128, .masked = at[1] & 128, .len = at[1] & 127 };
    if (at[0] & 0x70 || head->masked != reader->from_client || !is_in_order(reader, head))
        return -1;
    if (len < size)
        return 0;
    if (!read_length(at, extra, &head->len))
        return -1;
    if (head->masked)
        memcpy(head->key, at + size - 4, 4);

    /* A message begins, or ends. */
    if (!is_control(head->opcode)) {
        if (head->opcode != AWL__WS_CONTINUATION)
            reader->utf8 = (awl__utf8){ 0 };
        reader->message = head->fin ? 0 : head->opcode ? head->opcode : reader->message;
    }
    return (int)size;
}

size_t awl__ws_head_write(const awl__ws_head *head, uint8_t out[AWL__WS_HEAD])
{
    const unsigned extra = head->len > UINT16_MAX ? 8 : head->len > 125 ? 2 : 0;
    size_t n = 2;

    out[0] = (uint8_t)(head->opcode | (head->fin ? 128 : 0));
    out[1] = (uint8_t)((extra == 8 ? 127 : extra == 2 ? 126 : head->len) | (head->masked ? 128 : 0));
    for (unsigned i = extra; i--;)
        out[n++] = (uint8_t)(head->len >> 8 * i);
    if (head->masked)
        memcpy(out + n, head->key, 4);
    return n + (head->masked ? 4 : 0);
}

/* Eight bytes at once; the compiler makes more of it. */
void awl__ws_mask(void *data, size_t len, const uint8_t key[4], uint64_t offset)
{
    uint8_t *at = data, turned[8];
    uint64_t word, mask;

    for (int i = 0; i < 8; i++)
        turned[i] = key[(offset + (unsigned)i) & 3];
    memcpy(&mask, turned, sizeof mask);
    for (; len >= sizeof word; len -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        word ^= mask;
        memcpy(at, &word, sizeof word);
    }
    for (size_t i = 0; i < len; i++)
        at[i] ^= turned[i];
}

/* ---- Text: RFC 3629, 4 ------------------------------------------------------------------------------------------- */

/* What a first byte announces. false: it is none. The ranges keep out longer forms than needed, surrogates, and what is
 * beyond U+10FFFF. */
static bool begin_character(awl__utf8 *utf8, uint8_t c)
{
    utf8->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    utf8->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    utf8->left = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    return c < 0x80 || (c >= 0xc2 && c <= 0xf4);
}

bool awl__utf8_check(awl__utf8 *utf8, const void *text, size_t len, bool end)
{
    const uint8_t *at = text;

    for (size_t i = 0; i < len; i++) {
        if (!utf8->left) {
            if (at[i] >= 0x80 && !begin_character(utf8, at[i]))
                return false;
            continue;
        }
        if (at[i] < utf8->low || at[i] > utf8->high)
            return false;
        utf8->low = 0x80;
        utf8->high = 0xbf;
        utf8->left--;
    }
    return !(end && utf8->left);
}

bool awl__ws_code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
