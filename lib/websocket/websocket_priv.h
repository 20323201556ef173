/* The inside of WebSockets. */
#ifndef AWL_HTTP_WEBSOCKET_PRIV_H
#define AWL_HTTP_WEBSOCKET_PRIV_H

#include "awl/websocket.h"
#include "../http/base64.h"
#include "../http/writer.h"
#include "sha1.h"
#include "websocket_frame.h"
#include "../stream/stream_priv.h"

enum {
    AWL__WS_KEY = 24,     /* characters of base64 for 16 random bytes */
    AWL__WS_ANSWER = 28,  /* and for the digest that answers it */
    AWL__WS_RANDOM = 64,  /* bytes that are asked of the kernel at once */
    AWL__WS_PROTOCOL = 64, /* bytes of a subprotocol's name, a zero byte included */
};

struct awl_websocket {
    awl_loop *loop;
    awl_stream *s;
    awl_request *request; /* of a server, until awl_websocket_close */
    uint32_t refs; /* its owner's, and operations' that are pending */
    bool is_client, owns_stream;
    size_t limit;
    awl_time ping, write_timeout, close_timeout;
    char protocol[AWL__WS_PROTOCOL];

    /* what comes */
    awl__ws_reader reader;
    awl__ws_head head; /* of the present frame */
    uint64_t at;       /* how much of its payload has come */
    bool in_frame, receiving, pinged;
    uint8_t kind;      /* of the message: AWL__WS_TEXT or _BINARY */
    char *data;        /* of it */
    size_t len, cap;
    char control[AWL__WS_CONTROL + 1]; /* the payload of a control frame */
    int error;         /* with which it has ended for ever */
    int close_code;    /* that came; 0: none has */

    /* what goes */
    bool close_sent;
    uint8_t random[AWL__WS_RANDOM], random_left;
};

/* Makes one on a stream. NULL: no memory. It has the masks of a client or the rules of a server. */
awl_websocket *awl__websocket_new(awl_stream *s, bool is_client, bool owns_stream,
                                  const awl_websocket_options *options);

void awl__websocket_drop(awl_websocket *ws); /* one reference */
void awl__websocket_go_away(void *ws);       /* its server ends: a close frame goes, 1001, if none was sent */

/* Writes a frame, a control frame or all of a message, masked if that has to be. 0 or the error. */
int awl__websocket_write(awl_websocket *ws, uint8_t opcode, const void *data, size_t len);
int awl__websocket_write_close(awl_websocket *ws, int code, const char *reason);

/* Random bytes of the kernel's. 0 or the error. */
int awl__websocket_random(void *bytes, size_t len);

/* What answers a key: RFC 6455, 4.2.2. */
void awl__websocket_answer(const char *key, char answer[AWL__WS_ANSWER + 1]);

/* Whether a list, separated by commas, has a token (in small letters) in it, in any case. The next token of a list,
 * *len characters of it, at *at, which moves behind it; NULL: there are no more. */
bool awl__list_has(const char *list, const char *token);
const char *awl__list_next(const char **at, size_t *len);

#endif
