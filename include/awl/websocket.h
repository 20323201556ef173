/*
 * awl/websocket.h: WebSockets, RFC 6455, for both roles. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(hello, { awl_websocket *ws; awl_websocket_message message; int kind; })
 *     {
 *         co_begin;
 *         co_let(self->ws, awl_websocket_connect("ws://127.0.0.1:8080/chat", NULL));
 *         co_await(awl_websocket_send_text(self->ws, "hello"));
 *         co_let(self->kind, awl_websocket_receive(self->ws, &self->message));
 *         if (self->kind == AWL_WEBSOCKET_TEXT)
 *             printf("%s\n", self->message.data);
 *         co_await(awl_websocket_end(self->ws, 1000, "bye"));
 *         co_finally;
 *         awl_websocket_close(self->ws);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(hello)); }
 *
 * MESSAGES arrive whole, however many frames they came in. Text is checked to be UTF-8. What is sent goes in one frame.
 * There are no extensions, so nothing is compressed.
 *
 * ONE TASK RECEIVES, any number may send. Pings are answered, and the other side's close is, while somebody receives: a
 * program that only sends should have a task that receives and drops.
 *
 * A SERVER THAT ENDS sends a close frame (1001) to each client. Who receives gets what comes before the answer to
 * that, and then the close; who sends gets EPIPE, and may pass it on. A client that does not answer is waited for as
 * long as for any request: `grace` in awl/http_run.h.
 *
 * WHAT IS REFUSED is all that RFC 6455 has sides refuse: the other one is told by a close frame (1002; 1007: no UTF-8;
 * 1009: longer than the limit), and the operation ends with AWL_EPROTOCOL or AWL_ELIMIT.
 */
#ifndef AWL_WEBSOCKET_H
#define AWL_WEBSOCKET_H

#include "awl/http_client.h"
#include "awl/http_server.h"

typedef struct awl_websocket awl_websocket;

/* Zero is the default of every option. */
typedef struct awl_websocket_options {
    const char *protocols;  /* subprotocols, "chat, superchat", the best first: of a client those that it offers; of a
                             * server those that it speaks, of which it takes the first that is offered, or none */
    size_t limit;           /* of a message that comes, bytes; 1 MiB */
    awl_time ping;          /* after so long without a byte, while somebody receives, the other side is sent a ping; if
                             * it is silent for as long again, ETIMEDOUT; 0: never */
    awl_time write_timeout; /* it has so long to take the next byte; 60 s */
    awl_time close_timeout; /* and so long to answer a close; 10 s */

    bool any_origin; /* of a server: take browsers whose page came from elsewhere; else they get 403. What sends no
                      * field Origin is no browser, and is taken */

    /* of a client, what they point to is valid until the operation completes */
    const awl_http_pair *headers; /* more fields of its request, such as Origin or Authorization; the array is copied */
    awl_stream_options stream;    /* with `tls` for wss: NULL is what a session would take */
} awl_websocket_options;

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

/*
 * Accepts a WebSocket, in the handler of a GET request. Fields of the response may be added before.
 *
 *   options   may be NULL; copied, but for the text of `protocols`
 * Result   awl_websocket *; NULL: the request is none for a WebSocket, or comes from elsewhere. The page for that (400,
 *          403, 426) is sent when the handler ends.
 * Errors   EALREADY: there is a response; EINVAL; ENOMEM; the stream's.
 * Owns     the caller closes it before the handler ends. The connection ends with the handler.
 * Source   aiohttp.web.WebSocketResponse.prepare; RFC 6455, 4.2; test/http/test_websocket_open.c
 */
AWL_CORO awl_websocket_accept(awl_request *request, const awl_websocket_options *options);

/*
 * Connects to a WebSocket server.
 *
 *   url       "ws://" or "wss://" (or http and https). Valid until the operation completes
 *   options   may be NULL; copied, with the array of headers, but not with the texts: those are valid until the
 *             operation completes, that of `protocols` as long as the WebSocket
 * Result   awl_websocket *.
 * Errors   EINVAL: no such URL, or one with a user or a fragment, which WebSockets have not, or a host that is not
 *          ASCII; a header that cannot be sent; those of awl_open_connection; AWL_ESTATUS: the server
 *          refused, awl_error_message says with what; AWL_EPROTOCOL, AWL_EINCOMPLETE: what it answered is no acceptance
 *          of this; ENOMEM; ECANCELED. There is no time limit but awl_wait_for.
 * Owns     the caller closes it.
 * Source   aiohttp.ClientSession.ws_connect; RFC 6455, 4.1; test/http/test_websocket_open.c
 */
AWL_CORO awl_websocket_connect(const char *url, const awl_websocket_options *options);

/* The same over a stream that is there already, which the WebSocket owns from then on; on error it stays the caller's.
 * `url` says what to ask for. */
AWL_CORO awl_websocket_connect_stream(awl_stream *s, const char *url, const awl_websocket_options *options);

/*
 * Closes in order: sends a close frame, waits for the other side's, dropping what comes before it, and ends the
 * connection. If the other side has closed, only the latter.
 *
 *   code     1000: the work is done; 1001: going away; 3000 to 4999: yours; others as in RFC 6455, 7.4.1
 *   reason   UTF-8, up to 123 bytes; may be NULL
 * Result   none.
 * Errors   EINVAL: a code that may not be sent, or such a reason; EBUSY: another task receives, and will see the close;
 *          ETIMEDOUT: no answer in time; AWL_EINCOMPLETE: the connection ended without one; the stream's; ECANCELED.
 *          However it ends, the connection is ended, but with EINVAL and EBUSY.
 * Source   aiohttp.ClientWebSocketResponse.close; RFC 6455, 7; test/http/test_websocket.c
 */
AWL_CORO awl_websocket_end(awl_websocket *ws, int code, const char *reason);

/* Ends it at once, with a close frame (1001) if none was sent, and gives the handle back. Operations of other tasks
 * that are pending end with ECONNABORTED. NULL is let be. Source: test/http/test_websocket.c */
void awl_websocket_close(awl_websocket *ws);

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* What awl_websocket_receive results in. */
enum awl_websocket_kind { AWL_WEBSOCKET_CLOSED, AWL_WEBSOCKET_TEXT, AWL_WEBSOCKET_BINARY };

/* Its memory is the WebSocket's, valid until the next message is received, or it is closed. */
typedef struct awl_websocket_message {
    char *data; /* with a zero byte behind it; may be changed */
    size_t len;
} awl_websocket_message;

/*
 * Receives a message.
 *
 *   message   takes it; untouched when there is none
 * Result   int: AWL_WEBSOCKET_TEXT or _BINARY; AWL_WEBSOCKET_CLOSED: the other side has closed, also if asked again.
 * Errors   AWL_EPROTOCOL; AWL_ELIMIT; AWL_EINCOMPLETE: the connection ended without a close; ETIMEDOUT: see `ping`;
 *          EBUSY: another task receives; EINVAL; ENOMEM; the stream's; all of these but EBUSY, EINVAL and ENOMEM for
 *          ever. ECANCELED.
 * Context  cancel-safe: no byte is lost.
 * Source   aiohttp.ClientWebSocketResponse.receive; RFC 6455, 5 and 6; test/http/test_websocket.c
 */
AWL_CORO awl_websocket_receive(awl_websocket *ws, awl_websocket_message *message);

/*
 * Sends a message, and waits while too much is unsent.
 *
 *   kind   AWL_WEBSOCKET_TEXT, which must be UTF-8 (the other side closes if it is not), or AWL_WEBSOCKET_BINARY
 *   data   valid until the operation completes; may be NULL if len is 0
 * Result   none.
 * Errors   EPIPE: one of both has closed; ETIMEDOUT: the other side does not take it; EINVAL; ENOMEM; the stream's;
 *          ECANCELED: it has been sent, or will be.
 * Source   aiohttp.ClientWebSocketResponse.send_str, send_bytes; test/http/test_websocket.c
 */
AWL_CORO awl_websocket_send(awl_websocket *ws, enum awl_websocket_kind kind, const void *data, size_t len);
AWL_CORO awl_websocket_send_text(awl_websocket *ws, const char *text);

/* The same without waiting: what the kernel takes goes at once, and a copy of the rest when it can. Who writes more and
 * more looks at awl_stream_unsent of the stream below. Result: 0; as above. Source: test/http/test_websocket.c */
int awl_websocket_write(awl_websocket *ws, enum awl_websocket_kind kind, const void *data, size_t len);

/* Sends a ping with up to 125 bytes, which the other side answers; nobody waits for that. Result: 0; EMSGSIZE; as
 * above. Source: RFC 6455, 5.5.2; test/http/test_websocket.c */
int awl_websocket_ping(awl_websocket *ws, const void *data, size_t len);

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

/* The subprotocol that was agreed on; "": none. */
const char *awl_websocket_protocol(const awl_websocket *ws);

/* With what the other side has closed: 1005 without a code, 1006 if it is gone without; 0: it has not. The reason:
 * perhaps "". */
int awl_websocket_close_code(const awl_websocket *ws);
const char *awl_websocket_close_reason(const awl_websocket *ws);

/* The stream below, which stays the WebSocket's. */
awl_stream *awl_websocket_stream(const awl_websocket *ws);

#endif
