/* What WebSockets send; see awl/websocket.h. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "websocket_priv.h"

enum { PIECE = 4096 }; /* bytes that are masked at once */

/* ---- Masks: RFC 6455, 5.3, wants them to be such that nobody can foresee them ------------------------------------ */

int awl__websocket_random(void *bytes, size_t len)
{
    char *at = bytes;
    ssize_t n;

    while (len) {
        n = getrandom(at, len, 0);
        if (n < 0 && errno != EINTR)
            return errno;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int next_key(awl_websocket *ws, uint8_t key[4])
{
    if (!ws->random_left) {
        const int error = awl__websocket_random(ws->random, sizeof ws->random);

        if (error)
            return error;
        ws->random_left = sizeof ws->random;
    }
    ws->random_left -= 4;
    memcpy(key, ws->random + ws->random_left, 4);
    memset(ws->random + ws->random_left, 0, 4);
    return 0;
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

/* The head, and the payload as it is. */
static int write_plain(awl_websocket *ws, const uint8_t *head, size_t head_len, const void *data, size_t len)
{
    const struct iovec parts[2] = { { (void *)(uintptr_t)head, head_len }, { (void *)(uintptr_t)data, len } };

    return awl_stream_writev(ws->s, parts, len ? 2 : 1);
}

/* The same, masked piece by piece. A part of a frame cannot be taken back: an error behind it is the stream's. */
static int write_masked(awl_websocket *ws, const uint8_t *head, size_t head_len, const awl__ws_head *frame,
                        const char *data)
{
    uint8_t piece[PIECE];
    size_t used = head_len;
    uint64_t at = 0;
    int error = 0;

    memcpy(piece, head, head_len);
    do {
        const size_t n = frame->len - at < PIECE - used ? (size_t)(frame->len - at) : PIECE - used;
        const uint64_t before = at;

        if (n)
            memcpy(piece + used, data + at, n);
        awl__ws_mask(piece + used, n, frame->key, at);
        at += n;
        error = awl_stream_write(ws->s, piece, used + n);
        if (error && before && !ws->s->error)
            awl__stream_fail(ws->s, error);
        used = 0;
    } while (!error && at < frame->len);
    return error;
}

int awl__websocket_write(awl_websocket *ws, uint8_t opcode, const void *data, size_t len)
{
    awl__ws_head frame = { .opcode = opcode, .fin = true, .masked = ws->is_client, .len = len };
    uint8_t head[AWL__WS_HEAD];
    int error = ws->is_client ? next_key(ws, frame.key) : 0;
    size_t n;

    if (error)
        return error;
    n = awl__ws_head_write(&frame, head);
    return ws->is_client ? write_masked(ws, head, n, &frame, data) : write_plain(ws, head, n, data, len);
}

int awl__websocket_write_close(awl_websocket *ws, int code, const char *reason)
{
    char payload[AWL__WS_CONTROL] = { (char)(code >> 8), (char)code };
    const size_t len = reason ? strlen(reason) : 0;
    int error;

    if (ws->close_sent)
        return 0;
    if (len)
        memcpy(payload + 2, reason, len);
    error = awl__websocket_write(ws, AWL__WS_CLOSE, payload, code ? 2 + len : 0);
    ws->close_sent = !error;
    return error;
}

/* ---- Messages; see awl/websocket.h ------------------------------------------------------------------------------- */

/* 0, or why nothing can be sent. */
static int may_send(const awl_websocket *ws)
{
    if (!ws)
        return awl__http_invalid("a NULL for a WebSocket, or for its text");
    return ws->close_sent || ws->close_code ? EPIPE : 0;
}

static int no_data(void) { return awl__http_invalid("a WebSocket sends texts or bytes that are there: NULL"); }

int awl_websocket_write(awl_websocket *ws, enum awl_websocket_kind kind, const void *data, size_t len)
{
    const int error = may_send(ws);

    if (error)
        return error;
    if ((kind != AWL_WEBSOCKET_TEXT && kind != AWL_WEBSOCKET_BINARY) || (len && !data))
        return no_data();
    return awl__websocket_write(ws, kind == AWL_WEBSOCKET_TEXT ? AWL__WS_TEXT : AWL__WS_BINARY, data, len);
}

/* Waits while too much is unsent; slow is not stuck. */
co_def(take_time, { awl_websocket *ws; uint32_t moved; int rc; })
{
    co_begin;
    self->ws->refs++;
    do {
        self->moved = self->ws->s->moved;
        co_try(self->rc, awl_wait_for(awl_stream_drain(self->ws->s), self->ws->write_timeout));
    } while (self->rc == ETIMEDOUT && !self->ws->s->error && self->moved != self->ws->s->moved);
    if (self->rc == ETIMEDOUT)
        awl__stream_fail(self->ws->s, ETIMEDOUT);
    if (self->rc)
        co_raise(self->rc);
    co_finally;
    awl__websocket_drop(self->ws);
    co_end;
}

co_def(send, { awl_websocket *ws; enum awl_websocket_kind kind; const void *data; size_t len; int rc; })
{
    co_begin;
    self->rc = awl_websocket_write(self->ws, self->kind, self->data, self->len);
    if (self->rc)
        co_raise(self->rc);
    if (self->ws->s->gate.paused_)
        co_await(co_call(take_time, .ws = self->ws));
    co_end;
}

awl_coro awl_websocket_send(awl_websocket *ws, enum awl_websocket_kind kind, const void *data, size_t len)
{
    return co_call(send, .ws = ws, .kind = kind, .data = data, .len = len);
}

awl_coro awl_websocket_send_text(awl_websocket *ws, const char *text)
{
    return awl_websocket_send(text ? ws : NULL, AWL_WEBSOCKET_TEXT, text, text ? strlen(text) : 0);
}

int awl_websocket_ping(awl_websocket *ws, const void *data, size_t len)
{
    const int error = may_send(ws);

    if (error || (len && !data))
        return error ? error : no_data();
    return len > AWL__WS_CONTROL ? EMSGSIZE : awl__websocket_write(ws, AWL__WS_PING, data, len);
}
