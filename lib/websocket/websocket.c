/* What WebSockets receive, and how they end; see awl/websocket.h. */
#include "websocket_priv.h"

#include <errno.h>
#include <string.h>

#include "../http_server/http_server_priv.h"

enum {
    SMALL = 512,  /* bytes of a message whose memory is kept for the next one */
    SURE = 16384, /* that are given to a message which has only been announced */
};

/* ---- The present message ----------------------------------------------------------------------------------------- */

static void free_message(awl_websocket *ws)
{
    awl__free(ws->loop, ws->data, ws->cap);
    ws->data = NULL;
    ws->len = ws->cap = 0;
}

/* Room for some of what is to come, and a zero byte. It grows with what has come, not with what was announced. 0;
 * ENOMEM. */
static int make_room(awl_websocket *ws)
{
    const uint64_t need = ws->len + (ws->head.len - ws->at) + 1;
    size_t cap = ws->cap < SMALL ? SMALL : ws->cap * 2;
    char *data;

    if (ws->cap - ws->len > 1 || need <= ws->cap)
        return 0;
    if (need > cap && need <= SURE)
        cap = (size_t)need;
    data = awl__alloc(ws->loop, cap);
    if (!data)
        return ENOMEM;
    if (ws->len)
        memcpy(data, ws->data, ws->len);
    awl__free(ws->loop, ws->data, ws->cap);
    ws->data = data;
    ws->cap = cap;
    return 0;
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static bool is_control(const awl_websocket *ws) { return ws->head.opcode & 8; }

/* It has ended, by no fault of ours: a handler may pass the error on, and nothing is reported. Result: the error. */
static int fail(awl_websocket *ws, int error)
{
    ws->error = error;
    ws->close_code = 1006;
    return ws->request ? awl__request_refuse(ws->request, 400, error) : error;
}

/* The other side did what must not be: it is told so, and that was all. Result: the error. */
static int refuse(awl_websocket *ws, int code, int error)
{
    (void)awl__websocket_write_close(ws, code, NULL);
    return fail(ws, error);
}

/* A head is there: what its frame begins. 0 or the error. */
static int begin_frame(awl_websocket *ws)
{
    ws->in_frame = true;
    ws->at = 0;
    if (is_control(ws))
        return 0;
    if (ws->head.opcode != AWL__WS_CONTINUATION)
        ws->kind = ws->head.opcode;
    return ws->head.len > ws->limit - ws->len ? refuse(ws, 1009, AWL_ELIMIT) : 0;
}

/* n bytes of payload have come, to where they belong. 0 or the error. */
static int take_payload(awl_websocket *ws, size_t n)
{
    char *at = is_control(ws) ? ws->control + ws->at : ws->data + ws->len;

    if (ws->head.masked)
        awl__ws_mask(at, n, ws->head.key, ws->at);
    ws->at += n;
    if (is_control(ws))
        return 0;
    ws->len += n;
    if (ws->kind == AWL__WS_TEXT && !awl__utf8_check(&ws->reader.utf8, at, n, false))
        return refuse(ws, 1007, AWL_EPROTOCOL);
    return 0;
}

/* RFC 6455, 5.5.1: a code of two bytes and a reason, or nothing; it is answered with the same code. */
static int take_close(awl_websocket *ws)
{
    const uint8_t *at = (const uint8_t *)ws->control;
    const size_t len = (size_t)ws->at;
    const unsigned code = len >= 2 ? (unsigned)at[0] << 8 | at[1] : 1005;
    awl__utf8 utf8 = { 0 };

    if (len == 1 || (len && !awl__ws_code_is_valid(code)))
        return refuse(ws, 1002, AWL_EPROTOCOL);
    if (len && !awl__utf8_check(&utf8, at + 2, len - 2, true))
        return refuse(ws, 1007, AWL_EPROTOCOL);
    ws->control[len] = '\0';
    if (len)
        memmove(ws->control, ws->control + 2, len - 1);
    (void)awl__websocket_write_close(ws, len ? (int)code : 0, NULL); /* if that fails, it does not matter any more */
    ws->close_code = (int)code;
    return 0;
}

/* A frame is whole. `*done`: there is a message, or the close. 0 or the error. */
static int end_frame(awl_websocket *ws, bool *done)
{
    ws->in_frame = false;
    *done = false;
    switch (ws->head.opcode) {
    case AWL__WS_PING: /* unless the other side lets all the answers lie: then it gets no more */
        return ws->s->gate.paused_ || ws->close_sent
                   ? 0
                   : awl__websocket_write(ws, AWL__WS_PONG, ws->control, (size_t)ws->at);
    case AWL__WS_PONG: return 0;
    case AWL__WS_CLOSE: *done = true; return take_close(ws);
    default: *done = ws->head.fin;
    }
    if (*done && ws->kind == AWL__WS_TEXT && !awl__utf8_check(&ws->reader.utf8, NULL, 0, true))
        return refuse(ws, 1007, AWL_EPROTOCOL);
    return 0;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* Bytes come, or a ping goes out to ask for some, and at last ETIMEDOUT. `op` is made anew for each try. */
#define AWAIT_BYTES(op)                                                                                                \
    do {                                                                                                               \
        co_try(self->rc, awl_wait_for(op, self->ws->ping));                                                            \
        if (self->rc == ETIMEDOUT && !self->ws->s->error && !self->ws->pinged) {                                       \
            self->ws->pinged = true;                                                                                   \
            self->rc = awl_websocket_ping(self->ws, NULL, 0) ? ETIMEDOUT : EAGAIN;                                     \
        }                                                                                                              \
    } while (self->rc == EAGAIN)

/* What the buffer has, or the next bytes, is put where it belongs. Result: int: how many; 0 at the end. */
co_def(read_payload, { awl_websocket *ws; char *to; size_t cap; int rc; int64_t n; })
{
    co_begin;
    if (is_control(self->ws)) {
        self->to = self->ws->control + self->ws->at;
        self->cap = (size_t)(self->ws->head.len - self->ws->at);
    } else {
        const uint64_t left = self->ws->head.len - self->ws->at;

        if (make_room(self->ws))
            co_raise(ENOMEM);
        self->to = self->ws->data + self->ws->len;
        self->cap = self->ws->cap - self->ws->len - 1;
        self->cap = left < self->cap ? (size_t)left : self->cap;
    }
    AWAIT_BYTES(awl_stream_read(self->ws->s, self->to, self->cap));
    if (self->rc)
        co_raise(self->rc);
    co_result(self->n);
    if (self->n) {
        self->ws->pinged = false;
        self->rc = take_payload(self->ws, (size_t)self->n);
        if (self->rc)
            co_raise(self->rc);
    }
    co_return(self->n);
    co_end;
}

/* The head of a frame, if it is there. 0: more is needed; 1: it is; -1: the error is the WebSocket's. */
static int take_head(awl_websocket *ws)
{
    awl_input_ *in = &ws->s->in;
    const int n = in->at_ ? awl__ws_head_read(&ws->reader, in->at_ + in->start_, awl__input_len(in), &ws->head) : 0;

    if (n < 0)
        refuse(ws, 1002, AWL_EPROTOCOL);
    if (n <= 0)
        return n;
    awl__input_take(in, (size_t)n);
    awl__input_settle(in);
    return begin_frame(ws) ? -1 : 1;
}

/* Frames, up to the end of a message or a close. Result: whether there is one; false: the connection has ended. */
co_def(read_frames, { awl_websocket *ws; int rc; int64_t n; bool done; })
{
    co_begin;
    for (;;) {
        if (self->ws->in_frame && self->ws->at == self->ws->head.len) {
            if (!is_control(self->ws) && make_room(self->ws)) /* for the zero byte at least */
                co_raise(ENOMEM);
            self->rc = end_frame(self->ws, &self->done);
            if (self->rc)
                co_raise(self->rc);
            if (self->done)
                co_return(true);
            continue;
        }
        if (self->ws->in_frame) {
            co_let(self->n, co_call(read_payload, .ws = self->ws));
        } else {
            self->rc = take_head(self->ws);
            if (self->rc < 0)
                co_raise(self->ws->error);
            if (self->rc)
                continue;
            AWAIT_BYTES(awl__stream_fill(self->ws->s));
            if (self->rc)
                co_raise(self->rc);
            co_result(self->n);
            self->ws->pinged = false;
        }
        if (!self->n)
            co_return(false);
    }
    co_end;
}

/* ---- Receiving; see awl/websocket.h ------------------------------------------------------------------------------ */

static bool is_passing(int error) { return error == ECANCELED || error == ENOMEM || error == EBUSY; }

/* The message that was handed out last is no more; what has come of the next one stays. */
static void begin_message(awl_websocket *ws)
{
    if (ws->reader.message || (ws->in_frame && !is_control(ws)))
        return;
    ws->len = 0;
    if (ws->cap > SMALL)
        free_message(ws);
}

co_def(receive, { awl_websocket *ws; awl_websocket_message *message; int rc; bool is_mine, there; })
{
    co_begin;
    if (!self->ws || !self->message)
        co_raise(awl__http_invalid("a NULL for a WebSocket, or for its message"));
    if (self->ws->receiving)
        co_raise(EBUSY);
    if (self->ws->error)
        co_raise(self->ws->error);
    if (self->ws->close_code)
        co_return(AWL_WEBSOCKET_CLOSED);
    self->is_mine = self->ws->receiving = true;
    self->ws->refs++;
    begin_message(self->ws);
    co_let(self->there, co_call(read_frames, .ws = self->ws));
    if (!self->there)
        co_raise(AWL_EINCOMPLETE);
    if (self->ws->close_code)
        co_return(AWL_WEBSOCKET_CLOSED);
    self->ws->data[self->ws->len] = '\0';
    *self->message = (awl_websocket_message){ self->ws->data, self->ws->len };
    co_return(self->ws->kind == AWL__WS_TEXT ? AWL_WEBSOCKET_TEXT : AWL_WEBSOCKET_BINARY);
    co_finally;
    if (self->is_mine) {
        self->ws->receiving = false;
        if (co_failing && !is_passing(co_failing) && !self->ws->error)
            fail(self->ws, co_failing);
        awl__websocket_drop(self->ws);
    }
    co_end;
}

awl_coro awl_websocket_receive(awl_websocket *ws, awl_websocket_message *message)
{
    return co_call(receive, .ws = ws, .message = message);
}

/* ---- Ending; see awl/websocket.h --------------------------------------------------------------------------------- */

/* Reads on to the other side's close. */
co_def(await_close, { awl_websocket *ws; awl_websocket_message dropped; int kind; })
{
    co_begin;
    do
        co_let(self->kind, awl_websocket_receive(self->ws, &self->dropped));
    while (self->kind != AWL_WEBSOCKET_CLOSED);
    co_end;
}

/* A client lets the server end the connection first, RFC 6455, 7.1.1: so it is not the client's port that lingers. */
co_def(await_end, { awl_websocket *ws; char sink[256]; int64_t n; })
{
    co_begin;
    do
        co_let(self->n, awl_stream_read(self->ws->s, self->sink, sizeof self->sink));
    while (self->n);
    co_end;
}

static bool is_reason(const char *reason)
{
    awl__utf8 utf8 = { 0 };

    return !reason || (strlen(reason) <= AWL__WS_CONTROL - 2 && awl__utf8_check(&utf8, reason, strlen(reason), true));
}

co_def(end, { awl_websocket *ws; int code; const char *reason; int rc; bool begun; })
{
    co_begin;
    if (!self->ws)
        co_raise(awl__http_invalid("a NULL for a WebSocket"));
    if (self->code < 0 || !awl__ws_code_is_valid((unsigned)self->code) || !is_reason(self->reason))
        co_raise(awl__http_invalid("a WebSocket cannot be closed with %d, or not with that reason", self->code));
    if (self->ws->receiving) {
        (void)awl__websocket_write_close(self->ws, self->code, self->reason);
        co_raise(EBUSY);
    }
    self->begun = true;
    self->ws->refs++;
    if (self->ws->error)
        co_raise(self->ws->error);
    self->rc = awl__websocket_write_close(self->ws, self->code, self->reason);
    if (self->rc)
        co_raise(self->rc);
    co_await(awl_wait_for(co_call(await_close, .ws = self->ws), self->ws->close_timeout));
    if (self->ws->is_client)
        co_try(self->rc, awl_wait_for(co_call(await_end, .ws = self->ws), self->ws->close_timeout));
    co_finally;
    if (self->begun) {
        awl__stream_end(self->ws->s);
        awl__websocket_drop(self->ws);
    }
    co_end;
}

awl_coro awl_websocket_end(awl_websocket *ws, int code, const char *reason)
{
    return co_call(end, .ws = ws, .code = code, .reason = reason);
}

void awl__websocket_drop(awl_websocket *ws)
{
    if (--ws->refs)
        return;
    free_message(ws);
    awl__stream_drop(ws->s);
    awl__free(ws->loop, ws, sizeof *ws);
}

void awl__websocket_go_away(void *arg)
{
    awl_websocket *ws = arg;

    if (ws->error || ws->s->error || ws->s->closing)
        return;
    (void)awl__websocket_write_close(ws, 1001, NULL);
    if (ws->request)
        awl__request_refuse(ws->request, 503, EPIPE); /* which who sends on gets: it is nobody's mistake */
}

void awl_websocket_close(awl_websocket *ws)
{
    if (!ws)
        return;
    awl__loop_check(ws->loop);
    if (!ws->error && !ws->s->error && !ws->s->closing)
        (void)awl__websocket_write_close(ws, 1001, NULL);
    if (ws->request)
        awl__request_on_stop(ws->request, NULL, NULL);
    if (ws->owns_stream)
        awl_stream_close(ws->s);
    else if (ws->error)
        ws->request->lingers = true; /* it may be sending still, and is to read why it was refused */
    else
        awl__stream_end(ws->s);
    ws->request = NULL;
    awl__websocket_drop(ws);
}

/* ---- Making and asking ------------------------------------------------------------------------------------------- */

awl_websocket *awl__websocket_new(awl_stream *s, bool is_client, bool owns_stream, const awl_websocket_options *options)
{
    static const awl_websocket_options none;
    const awl_websocket_options *o = options ? options : &none;
    awl_websocket *ws = awl__alloc(s->io.loop, sizeof *ws);

    if (!ws)
        return NULL;
    memset(ws, 0, sizeof *ws);
    ws->loop = s->io.loop;
    ws->s = s;
    ws->refs = 1;
    s->refs++; /* a server may let go of it before the handler does */
    ws->is_client = is_client;
    ws->owns_stream = owns_stream;
    ws->reader.from_client = !is_client;
    ws->limit = o->limit ? o->limit : (size_t)1 << 20;
    ws->ping = o->ping > 0 ? o->ping : AWL_FOREVER;
    ws->write_timeout = o->write_timeout ? o->write_timeout : 60 * AWL_SECOND;
    ws->close_timeout = o->close_timeout ? o->close_timeout : 10 * AWL_SECOND;
    return ws;
}

const char *awl_websocket_protocol(const awl_websocket *ws) { return ws ? ws->protocol : ""; }

int awl_websocket_close_code(const awl_websocket *ws) { return ws ? ws->close_code : 0; }

const char *awl_websocket_close_reason(const awl_websocket *ws)
{
    return ws && ws->close_code >= 1000 && ws->close_code != 1005 && ws->close_code != 1006 ? ws->control : "";
}

awl_stream *awl_websocket_stream(const awl_websocket *ws) { return ws ? ws->s : NULL; }
