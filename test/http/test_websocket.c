/* test_websocket.c: messages of WebSockets, and how they end; the other side is raw bytes. */
#define _GNU_SOURCE
#include "../../lib/websocket/websocket_priv.h"
#include "../stream/rig.h"

/* ---- The other side ---------------------------------------------------------------------------------------------- */

enum {
    FIN = 128,
    TEXT = AWL__WS_TEXT,
    BINARY = AWL__WS_BINARY,
    CLOSE = AWL__WS_CLOSE,
    PING = AWL__WS_PING,
    PONG = AWL__WS_PONG
};

/* Makes a frame by hand. Result: its length. */
static size_t make_frame(char *out, bool masked, int first, const char *data, size_t len)
{
    const awl__ws_head head = {
        .opcode = (uint8_t)(first & 15), .fin = first & FIN, .masked = masked, .key = { 7, 1, 200, 33 }, .len = len
    };
    const size_t n = awl__ws_head_write(&head, (uint8_t *)out);

    memcpy(out + n, data, len);
    if (masked)
        awl__ws_mask(out + n, len, head.key, 0);
    return n + len;
}

static void put_frame(int peer, bool masked, int first, const char *data, size_t len)
{
    static char frame[70000];
    const size_t n = make_frame(frame, masked, first, data, len);

    CHECK_INT(send(peer, frame, n, MSG_NOSIGNAL), n);
}

/* What has come to the peer: FIRST:PAYLOAD of each frame, with blanks between them, and END. Masked ones have an `m`.
 * */
static const char *frames(int peer)
{
    static char bytes[70000], text[1024];
    const ssize_t got = read(peer, bytes, sizeof bytes);
    const char *const end = bytes + (got > 0 ? got : 0);
    char *at = bytes;

    text[0] = '\0';
    while (at < end) {
        awl__ws_reader reader = { .from_client = at[1] & 128, .message = (at[0] & 15) ? 0 : TEXT };
        awl__ws_head head;
        const int n = awl__ws_head_read(&reader, at, (size_t)(end - at), &head);

        CHECK(n > 0 && (uint64_t)(end - at) >= (unsigned)n + head.len);
        if (head.masked)
            awl__ws_mask(at + n, (size_t)head.len, head.key, 0);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%x:", text[0] ? " " : "", head.masked ? "m" : "",
                 (unsigned char)at[0]);
        if (head.opcode == CLOSE && head.len >= 2) {
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d", (at[n] & 255) << 8 | (at[n + 1] & 255));
            at += 2, head.len -= 2;
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s", (int)head.len, at + n);
        at += (unsigned)n + head.len;
    }
    if (!got || (got > 0 && read(peer, bytes, 1) == 0))
        strcat(text, text[0] ? " END" : "END");
    return text;
}

/* A test of one side, a server's or a client's, of which `peer` is the other one. */
#define WS_TEST(name, ...)                                                                                             \
    VIRTUAL_TEST(name, {                                                                                               \
        int peer, rc, kind;                                                                                            \
        bool client;                                                                                                   \
        awl_stream *s;                                                                                                 \
        awl_websocket *ws;                                                                                             \
        awl_websocket_message m;                                                                                       \
        __extension__ struct __VA_ARGS__;                                                                              \
    })

#define ws_begins(is_client, ...)                                                                                      \
    do {                                                                                                               \
        self->client = (is_client);                                                                                    \
        self->s = open_pair(&self->peer, NULL);                                                                        \
        self->ws = awl__websocket_new(self->s, self->client, true, &(awl_websocket_options){ __VA_ARGS__ });           \
        CHECK(self->ws != NULL);                                                                                       \
    } while (0)

#define ws_ends()                                                                                                      \
    do {                                                                                                               \
        awl_websocket_close(self->ws);                                                                                 \
        self->ws = NULL;                                                                                               \
        close(self->peer);                                                                                             \
    } while (0)

#define puts_frame(first, text) put_frame(self->peer, !self->client, (first), (text), sizeof(text) - 1)

#define CHECK_RECEIVES(expected_kind, expected)                                                                        \
    do {                                                                                                               \
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));                                                 \
        CHECK_INT(self->kind, (expected_kind));                                                                        \
        CHECK_INT(self->m.len, sizeof(expected) - 1);                                                                  \
        CHECK_MEM(self->m.data, (expected), sizeof(expected));                                                         \
    } while (0)

#define CHECK_CLOSED(code, reason)                                                                                     \
    do {                                                                                                               \
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));                                                 \
        CHECK_INT(self->kind, AWL_WEBSOCKET_CLOSED);                                                                   \
        CHECK_INT(awl_websocket_close_code(self->ws), (code));                                                         \
        CHECK_STR(awl_websocket_close_reason(self->ws), (reason));                                                     \
    } while (0)

/* ---- Receiving --------------------------------------------------------------------------------------------------- */

WS_TEST(messages_come_whole, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        ws_begins(self->i == 1, .ping = 0);
        puts_frame(FIN | TEXT, "hello");
        puts_frame(FIN | BINARY, "\x01\xff\0z");
        puts_frame(TEXT, "a\xe2");
        puts_frame(0, "");
        puts_frame(FIN | PING, "there?");
        puts_frame(FIN | PONG, "");
        puts_frame(0, "\x82");
        puts_frame(FIN, "\xac");
        puts_frame(FIN | TEXT, "");
        CHECK_RECEIVES(AWL_WEBSOCKET_TEXT, "hello");
        CHECK_RECEIVES(AWL_WEBSOCKET_BINARY, "\x01\xff\0z");
        CHECK_STR(frames(self->peer), "");
        CHECK_RECEIVES(AWL_WEBSOCKET_TEXT, "a\xe2\x82\xac");
        CHECK_RECEIVES(AWL_WEBSOCKET_TEXT, "");
        CHECK_STR(frames(self->peer), self->client ? "m8a:there?" : "8a:there?");
        ws_ends();
    }
    co_end;
}

co_def(drip, { int peer; const char *bytes; size_t len, i; })
{
    co_begin;
    for (; self->i < self->len; self->i++) {
        CHECK_INT(write(self->peer, self->bytes + self->i, 1), 1);
        co_await(awl_sleep(2 * AWL_MS));
    }
    co_end;
}

/* Byte by byte, and given up again and again in between. */
WS_TEST(no_byte_is_lost_when_receiving_is_cancelled, { awl_task *task; char bytes[900]; size_t len; int tries; })
{
    static char long_text[400];

    co_begin;
    memset(long_text, 'x', sizeof long_text);
    ws_begins(false, .ping = 0);
    self->len = make_frame(self->bytes, true, TEXT, long_text, 300);
    self->len += make_frame(self->bytes + self->len, true, FIN | PING, "p", 1);
    self->len += make_frame(self->bytes + self->len, true, FIN, long_text, 400);
    self->task = awl_create_task(co_call(drip, .peer = self->peer, .bytes = self->bytes, .len = self->len));
    CHECK(self->task != NULL);
    do {
        self->tries++;
        co_try(self->rc, awl_wait_for(awl_websocket_receive(self->ws, &self->m), 3 * AWL_MS));
    } while (self->rc == ETIMEDOUT);
    CHECK_INT(self->rc, 0);
    CHECK(self->tries > 300);
    CHECK_INT(self->m.len, 700);
    CHECK_INT(strspn(self->m.data, "x"), 700);
    CHECK_STR(frames(self->peer), "8a:p");
    co_await(self->task);
    awl_task_release(self->task);
    ws_ends();
    co_end;
}

WS_TEST(messages_may_be_as_long_as_the_limit_and_no_longer, { int i; })
{
    static char text[4097];

    co_begin;
    memset(text, 'x', sizeof text);
    for (self->i = 0; self->i < 2; self->i++) {
        ws_begins(false, .limit = 4096);
        put_frame(self->peer, true, TEXT, text, 4000);
        put_frame(self->peer, true, FIN, text, 96);
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        CHECK_INT(self->m.len, 4096);
        put_frame(self->peer, true, self->i ? TEXT : FIN | TEXT, text, self->i ? 1 : 4097);
        if (self->i)
            put_frame(self->peer, true, FIN, text, 4096);
        CHECK_FAILS(AWL_ELIMIT, awl_websocket_receive(self->ws, &self->m));
        CHECK_STR(frames(self->peer), "88:1009");
        CHECK_FAILS(AWL_ELIMIT, awl_websocket_receive(self->ws, &self->m));
        CHECK_FAILS(EPIPE, awl_websocket_send_text(self->ws, "x"));
        CHECK_INT(awl_websocket_close_code(self->ws), 1006);
        ws_ends();
    }
    co_end;
}

/* A head that announces the largest message is no reason to take memory for it. */
WS_TEST(what_is_only_announced_takes_no_memory, { awl_loop_stats before, after; })
{
    co_begin;
    ws_begins(false, .limit = (size_t)1 << 30);
    put(self->peer, "\x82\xff");
    CHECK_INT(write(self->peer, "\0\0\0\0\x3f\xff\xff\xff" "keyk" "abc", 15), 15);
    awl_loop_get_stats(NULL, &self->before);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_websocket_receive(self->ws, &self->m), AWL_SECOND));
    awl_loop_get_stats(NULL, &self->after);
    CHECK(self->after.memory_used - self->before.memory_used < 8192);
    ws_ends();
    co_end;
}

/* Everything that has to be refused, by the side that gets it; and the status that says why. */
WS_TEST(what_must_not_come_is_refused, { size_t i; })
{
    static const struct {
        bool client; /* the side that refuses */
        const char *bytes;
        size_t len;
        int code, error;
    } cases[] = {
#define CASE(client, bytes, code) { (client), (bytes), sizeof(bytes) - 1, (code), AWL_EPROTOCOL }
        CASE(false, "\x81\x01x", 1002),             /* 5.1: a client masks */
        CASE(true, "\x81\x81keykx", 1002),          /* 5.1: a server does not */
        CASE(true, "\xc1\x01x", 1002),              /* 5.2: a reserved bit */
        CASE(true, "\x83\x01x", 1002),              /* 5.2: a reserved opcode */
        CASE(true, "\x8b\x01x", 1002),
        CASE(true, "\x80\x01x", 1002),              /* 5.4: the rest of nothing */
        CASE(true, "\x01\x01x\x81\x01x", 1002),     /* 5.4: a message within another */
        CASE(true, "\x09\x01x", 1002),              /* 5.5: a ping in fragments */
        CASE(true, "\x89\x7e\x00\x7e", 1002),       /* 5.5: a long one */
        CASE(true, "\x81\x7e\x00\x7d", 1002),       /* 5.2: more bytes than the length needs */
        CASE(true, "\x88\x01\x03", 1002),           /* 5.5.1: half a code */
        CASE(true, "\x88\x02\x03\xed", 1002),       /* 7.4.1: 1005 is never sent */
        CASE(true, "\x88\x02\x03\xe7", 1002),       /* 7.4.2: 999 is none */
        CASE(true, "\x88\x03\x03\xe8\xff", 1007),   /* 5.5.1: a reason is UTF-8 */
        CASE(true, "\x81\x01\xff", 1007),           /* 8.1 */
        CASE(true, "\x01\x01\xe2\x80\x01z", 1007),
        CASE(true, "\x81\x02\xe2\x82", 1007),       /* a text that ends within a character */
        CASE(true, "\x81\x03\xed\xa0\x80", 1007),   /* a surrogate */
    };

    co_begin;
    for (self->i = 0; self->i < sizeof cases / sizeof *cases; self->i++) {
        char expected[16];

        ws_begins(cases[self->i].client, .ping = 0);
        CHECK_INT(write(self->peer, cases[self->i].bytes, cases[self->i].len), cases[self->i].len);
        CHECK_FAILS(cases[self->i].error, awl_websocket_receive(self->ws, &self->m));
        snprintf(expected, sizeof expected, "%s88:%d", self->client ? "m" : "", cases[self->i].code);
        CHECK_STR(frames(self->peer), expected);
        CHECK_FAILS(AWL_EPROTOCOL, awl_websocket_end(self->ws, 1000, NULL));
        ws_ends();
    }
    co_end;
}

WS_TEST(one_task_receives, { awl_task *task; })
{
    co_begin;
    ws_begins(false, .ping = 0);
    self->task = awl_create_task(awl_websocket_receive(self->ws, &self->m));
    CHECK(self->task != NULL);
    co_await(awl_sleep(AWL_MS));
    CHECK(!awl_task_done(self->task));
    CHECK_FAILS(EBUSY, awl_websocket_receive(self->ws, &self->m));
    CHECK_FAILS(EBUSY, awl_websocket_end(self->ws, 1000, "x"));
    CHECK_STR(frames(self->peer), "88:1000x");
    puts_frame(FIN | CLOSE, "\x03\xe8");
    co_let(self->kind, self->task);
    CHECK_INT(self->kind, AWL_WEBSOCKET_CLOSED);
    awl_task_release(self->task);
    co_await(awl_websocket_end(self->ws, 1000, NULL));
    CHECK_STR(frames(self->peer), "END");
    ws_ends();
    co_end;
}

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

WS_TEST(a_message_is_one_frame, { int i; })
{
    static char text[1000];

    co_begin;
    memset(text, 'x', sizeof text - 1);
    for (self->i = 0; self->i < 2; self->i++) {
        ws_begins(self->i == 1, .ping = 0);
        co_await(awl_websocket_send_text(self->ws, "hello"));
        co_await(awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, NULL, 0));
        CHECK_INT(awl_websocket_ping(self->ws, "p", 1), 0);
        CHECK_STR(frames(self->peer), self->client ? "m81:hello m82: m89:p" : "81:hello 82: 89:p");
        co_await(awl_websocket_send_text(self->ws, text));
        CHECK_STR(strchr(frames(self->peer), ':') + 1, text);
        ws_ends();
    }
    co_end;
}

/* What is masked goes in pieces, of which the mask has to go on; each frame has one of its own. */
WS_TEST(a_long_message_of_a_client_is_masked_throughout, { char *text; })
{
    static char bytes[20100], other[20];

    co_begin;
    self->text = malloc(20000);
    CHECK(self->text != NULL);
    memset(self->text, 'y', 20000);
    ws_begins(true, .ping = 0);
    co_try(self->rc, awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, self->text, 20000));
    free(self->text);
    CHECK_INT(self->rc, 0);
    CHECK_INT(read(self->peer, bytes, sizeof bytes), 20008);
    awl__ws_mask(bytes + 8, 20000, (const uint8_t *)bytes + 4, 0);
    for (int i = 0; i < 20000; i++)
        CHECK_INT(bytes[8 + i], 'y');
    co_await(awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, NULL, 0));
    CHECK_INT(read(self->peer, other, sizeof other), 6);
    CHECK(memcmp(other + 2, bytes + 4, 4) != 0); /* once in four thousand million runs */
    ws_ends();
    co_end;
}

/* Sending waits for room, and not for ever. */
WS_TEST(who_takes_nothing_is_given_up, { char *big; int i; awl_time before; })
{
    co_begin;
    self->big = calloc(1, 4000000);
    CHECK(self->big != NULL);
    ws_begins(false, .write_timeout = 5 * AWL_SECOND);
    self->before = awl_loop_time(NULL);
    co_try_cancel(self->rc, awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, self->big, 4000000));
    free(self->big);
    CHECK_INT(self->rc, ETIMEDOUT);
    CHECK_INT((awl_loop_time(NULL) - self->before) / AWL_SECOND, 5);
    CHECK_FAILS(ETIMEDOUT, awl_websocket_send_text(self->ws, "x"));
    ws_ends();
    co_end;
}

co_def(swallows, { int peer; size_t all; })
{
    co_begin;
    while (self->all < 4000010) {
        static char sink[300000];
        const ssize_t n = read(self->peer, sink, sizeof sink);

        self->all += n > 0 ? (size_t)n : 0;
        co_await(awl_sleep(4 * AWL_SECOND));
    }
    co_end;
}

WS_TEST(slow_is_not_stuck, { char *big; awl_task *task; })
{
    co_begin;
    self->big = calloc(1, 4000000);
    CHECK(self->big != NULL);
    ws_begins(false, .write_timeout = 5 * AWL_SECOND);
    self->task = awl_create_task(co_call(swallows, .peer = self->peer));
    CHECK(self->task != NULL);
    co_try_cancel(self->rc, awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, self->big, 4000000));
    free(self->big);
    CHECK_INT(self->rc, 0);
    co_await(self->task);
    awl_task_release(self->task);
    ws_ends();
    co_end;
}

/* Closed while other tasks receive and send: these end. */
WS_TEST(closing_ends_what_is_pending, { awl_task *receives, *sends; char *big; })
{
    co_begin;
    self->big = calloc(1, 4000000);
    CHECK(self->big != NULL);
    ws_begins(false, .ping = 0);
    self->receives = awl_create_task(awl_websocket_receive(self->ws, &self->m));
    self->sends = awl_create_task(awl_websocket_send(self->ws, AWL_WEBSOCKET_BINARY, self->big, 4000000));
    CHECK(self->receives && self->sends);
    co_await(awl_sleep(AWL_SECOND));
    free(self->big);
    CHECK(!awl_task_done(self->receives) && !awl_task_done(self->sends));
    awl_websocket_close(self->ws);
    CHECK_FAILS(ECONNABORTED, self->receives);
    close(self->peer);
    co_try_cancel(self->rc, self->sends);
    CHECK(self->rc == EPIPE || self->rc == ECONNRESET || self->rc == ECONNABORTED);
    awl_task_release(self->receives);
    awl_task_release(self->sends);
    co_end;
}

/* ---- Silence ----------------------------------------------------------------------------------------------------- */

WS_TEST(a_silent_side_is_asked_and_then_given_up, {})
{
    co_begin;
    ws_begins(false, .ping = 10 * AWL_SECOND);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_websocket_receive(self->ws, &self->m), 9 * AWL_SECOND));
    CHECK_STR(frames(self->peer), "");
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_websocket_receive(self->ws, &self->m), 11 * AWL_SECOND));
    CHECK_STR(frames(self->peer), "89:");
    puts_frame(FIN | PONG, "");
    puts_frame(FIN | TEXT, "hi");
    CHECK_RECEIVES(AWL_WEBSOCKET_TEXT, "hi");
    CHECK_FAILS(ETIMEDOUT, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 40);
    CHECK_STR(frames(self->peer), "89:");
    CHECK_FAILS(ETIMEDOUT, awl_websocket_receive(self->ws, &self->m)); /* for ever */
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 40);
    ws_ends();
    co_end;
}

/* ---- Ending ------------------------------------------------------------------------------------------------------ */

WS_TEST(a_close_is_answered_with_its_code, {})
{
    co_begin;
    ws_begins(false, .ping = 0);
    puts_frame(FIN | CLOSE, "\x0f\xa0" "that is all");
    CHECK_CLOSED(4000, "that is all");
    CHECK_STR(frames(self->peer), "88:4000");
    CHECK_CLOSED(4000, "that is all"); /* asked again */
    CHECK_FAILS(EPIPE, awl_websocket_send_text(self->ws, "x"));
    CHECK_INT(awl_websocket_ping(self->ws, NULL, 0), EPIPE);
    co_await(awl_websocket_end(self->ws, 1000, NULL));
    CHECK_STR(frames(self->peer), "END");
    ws_ends();
    ws_begins(false, .ping = 0);
    puts_frame(FIN | CLOSE, "");
    CHECK_CLOSED(1005, "");
    CHECK_STR(frames(self->peer), "88:");
    ws_ends();
    co_end;
}

WS_TEST(ending_waits_for_the_other_sides_close, {})
{
    co_begin;
    ws_begins(false, .ping = 0);
    puts_frame(FIN | TEXT, "too late");
    puts_frame(FIN | CLOSE, "\x03\xe8");
    co_await(awl_websocket_end(self->ws, 1001, "going away"));
    CHECK_STR(frames(self->peer), "88:1001going away END");
    CHECK_INT(awl_websocket_close_code(self->ws), 1000);
    ws_ends();
    co_end;
}

/* The server ends the connection; a client gives it time for that. */
WS_TEST(a_client_lets_the_server_end_the_connection, { awl_task *task; })
{
    co_begin;
    ws_begins(true, .ping = 0);
    self->task = awl_create_task(awl_websocket_end(self->ws, 1000, NULL));
    CHECK(self->task != NULL);
    co_await(awl_sleep(AWL_SECOND));
    puts_frame(FIN | CLOSE, "\x03\xe8");
    co_await(awl_sleep(AWL_SECOND));
    CHECK_STR(frames(self->peer), "m88:1000");
    CHECK(!awl_task_done(self->task));
    shutdown(self->peer, SHUT_WR);
    co_await(self->task);
    CHECK_STR(frames(self->peer), "END");
    awl_task_release(self->task);
    ws_ends();
    co_end;
}

WS_TEST(ending_does_not_wait_for_ever, {})
{
    co_begin;
    ws_begins(false, .ping = 0);
    CHECK_FAILS(ETIMEDOUT, awl_websocket_end(self->ws, 1000, NULL));
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 10);
    CHECK_STR(frames(self->peer), "88:1000 END");
    ws_ends();
    ws_begins(false, .ping = 0);
    shutdown(self->peer, SHUT_WR);
    CHECK_FAILS(AWL_EINCOMPLETE, awl_websocket_end(self->ws, 1000, NULL));
    ws_ends();
    co_end;
}

WS_TEST(an_end_without_a_close_is_an_error, {})
{
    co_begin;
    ws_begins(false, .ping = 0);
    put(self->peer, "\x81");
    shutdown(self->peer, SHUT_WR);
    CHECK_FAILS(AWL_EINCOMPLETE, awl_websocket_receive(self->ws, &self->m));
    CHECK_INT(awl_websocket_close_code(self->ws), 1006);
    CHECK_STR(awl_websocket_close_reason(self->ws), "");
    ws_ends();
    co_end;
}

WS_TEST(closing_says_goodbye_once, {})
{
    co_begin;
    ws_begins(false, .ping = 0);
    awl_websocket_close(self->ws);
    CHECK_STR(frames(self->peer), "88:1001 END");
    close(self->peer);
    awl_websocket_close(NULL);
    co_end;
}

WS_TEST(misuse_is_an_error, {})
{
    static const char long_reason[130] = "";

    co_begin;
    ws_begins(false, .ping = 0);
    CHECK_FAILS(EINVAL, awl_websocket_receive(NULL, &self->m));
    CHECK_FAILS(EINVAL, awl_websocket_receive(self->ws, NULL));
    CHECK_FAILS(EINVAL, awl_websocket_send(NULL, AWL_WEBSOCKET_TEXT, "x", 1));
    CHECK_FAILS(EINVAL, awl_websocket_send(self->ws, AWL_WEBSOCKET_CLOSED, "x", 1));
    CHECK_FAILS(EINVAL, awl_websocket_send(self->ws, AWL_WEBSOCKET_TEXT, NULL, 1));
    CHECK_FAILS(EINVAL, awl_websocket_send_text(self->ws, NULL));
    CHECK_INT(awl_websocket_write(NULL, AWL_WEBSOCKET_TEXT, "x", 1), EINVAL);
    CHECK_INT(awl_websocket_ping(NULL, NULL, 0), EINVAL);
    CHECK_INT(awl_websocket_ping(self->ws, NULL, 1), EINVAL);
    CHECK_INT(awl_websocket_ping(self->ws, long_reason, 126), EMSGSIZE);
    CHECK_FAILS(EINVAL, awl_websocket_end(NULL, 1000, NULL));
    CHECK_FAILS(EINVAL, awl_websocket_end(self->ws, 1005, NULL));
    CHECK_FAILS(EINVAL, awl_websocket_end(self->ws, -1, NULL));
    CHECK_FAILS(EINVAL, awl_websocket_end(self->ws, 1000, "\xff"));
    CHECK_STR(frames(self->peer), "");
    CHECK_STR(awl_websocket_protocol(NULL), "");
    CHECK_INT(awl_websocket_close_code(NULL), 0);
    CHECK_STR(awl_websocket_close_reason(NULL), "");
    CHECK(awl_websocket_stream(NULL) == NULL);
    CHECK(awl_websocket_stream(self->ws) == self->s);
    ws_ends();
    co_end;
}
