/*
 * Frames of WebSockets, without any input or output: RFC 6455, section 5. One side writes heads and masks payloads; the
 * other reads heads, which are checked against what came before, and has text checked as it comes.
 */
#ifndef AWL_HTTP_WEBSOCKET_FRAME_H
#define AWL_HTTP_WEBSOCKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum awl__ws_opcode {
    AWL__WS_CONTINUATION,
    AWL__WS_TEXT,
    AWL__WS_BINARY,
    AWL__WS_CLOSE = 8,
    AWL__WS_PING,
    AWL__WS_PONG
};

enum {
    AWL__WS_HEAD = 14,     /* bytes of the longest head */
    AWL__WS_CONTROL = 125, /* bytes of payload that a control frame has at most */
};

typedef struct awl__ws_head {
    uint8_t opcode;
    bool fin, masked;
    uint8_t key[4]; /* if masked */
    uint64_t len;   /* of the payload */
} awl__ws_head;

/* What has come so far of the text that is checked: RFC 3629. Zeroed, nothing. */
typedef struct awl__utf8 {
    uint8_t left;      /* bytes that the present character still needs */
    uint8_t low, high; /* what the next one of them has to lie between */
} awl__utf8;

/* What a side knows of the frames that it gets. */
typedef struct awl__ws_reader {
    bool from_client; /* they come from one, and so have to be masked; else they must not be */
    uint8_t message;  /* AWL__WS_TEXT or _BINARY: such a message has begun and not ended; else 0 */
    awl__utf8 utf8;   /* of a text */
} awl__ws_reader;

/*
 * Reads a head.
 *
 *   at, len   what has come
 * Result   0: more is needed; the length of the head; -1: it is one that must not come here (status 1002).
 */
int awl__ws_head_read(awl__ws_reader *reader, const void *at, size_t len, awl__ws_head *head);

/* Writes one. Result: its length. */
size_t awl__ws_head_write(const awl__ws_head *head, uint8_t out[AWL__WS_HEAD]);

/* Masks, or unmasks, a piece of payload that begins `offset` bytes behind its head. */
void awl__ws_mask(void *data, size_t len, const uint8_t key[4], uint64_t offset);

/* Whether a piece of text is UTF-8; `end`: nothing may be missing behind it. */
bool awl__utf8_check(awl__utf8 *utf8, const void *text, size_t len, bool end);

/* Whether a code may be sent in a close frame: RFC 6455, 7.4, and those registered since. */
bool awl__ws_code_is_valid(unsigned code);

#endif
