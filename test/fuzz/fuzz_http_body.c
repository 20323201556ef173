/*
 * Bodies that come in by length, in chunks or to the end, beside a decoder that has all bytes at once and goes through them by
 * the grammar: both find the same data and the same end, in whichever pieces the bytes come and are read.
 *
 * The first byte is the framing, the second the size of the pieces that come, the third that of those that are read, the
 * fourth the length and the limit; the rest is text, see words.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "awl/task.h"
#include "http/incoming.h"
#include "words.h"

static const char *const words[] = {
    "5\r\nhello\r\n", "0\r\n", "\r\n", "0\r\n\r\n", "1\r\na\r\n", "A", "f", "10", ";a", ";a=b", ";a=\"b;\\\"\"", "A: b\r\n", "\r", "\n",
    " ", "7fffffffffffffff", "80000000", "hello", "3\r\n", "\t;x\r\n", "00000000000000000000000000000000000000000000000000000000000000",
    ";aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n",
};

static char text[MOST_TEXT + 1];
static size_t text_len;

/* ---- The model --------------------------------------------------------------------------------------------------- */

enum { LINE = 16384, SPARE = 16384, CREDIT = 16 }; /* limits: of a line, of lines beyond data, of lines for a byte of data */

static struct {
    size_t at; /* in text */
    char data[MOST_TEXT];
    size_t len;
    long spare;
    uint64_t limit;
} model;

/* The next line, without its end. 0 or the error. */
static int model_line(const char **line, size_t *len)
{
    const char *from = text + model.at, *lf = memchr(from, '\n', text_len - model.at);
    const size_t n = lf ? (size_t)(lf - from) : text_len - model.at;

    if (n > LINE)
        return AWL_ELIMIT;
    if (!lf)
        return AWL_EINCOMPLETE;
    model.at += n + 1;
    model.spare -= (long)n + 1;
    if (model.spare < 0)
        return AWL_ELIMIT;
    if (!n || lf[-1] != '\r')
        return AWL_EPROTOCOL;
    *line = from;
    *len = n - 1;
    return 0;
}

/* n bytes of data. 0 or the error. */
static int model_take(uint64_t n)
{
    const size_t there = text_len - model.at, taken = n < there ? (size_t)n : there;

    memcpy(model.data + model.len, text + model.at, taken);
    model.len += taken;
    model.at += taken;
    model.spare += (long)taken * CREDIT;
    model.spare = model.spare > SPARE ? SPARE : model.spare;
    return taken < n ? AWL_EINCOMPLETE : 0;
}

static int model_chunks(void)
{
    const char *line;
    uint64_t size;
    size_t len;
    int error;

    for (;;) {
        error = model_line(&line, &len);
        if (error || !awl__http_chunk_line(line, len, &size))
            return error ? error : AWL_EPROTOCOL;
        if (!size)
            break;
        if (size > model.limit - model.len)
            return AWL_ELIMIT;
        error = model_take(size);
        if (!error)
            error = model_line(&line, &len);
        if (error || len)
            return error ? error : AWL_EPROTOCOL;
    }
    do {
        error = model_line(&line, &len);
        if (!error && len && !awl__http_trailer_line(line, len))
            error = AWL_EPROTOCOL;
    } while (!error && len);
    return error;
}

static int model_body(enum awl__framing framing, uint64_t length, uint64_t limit)
{
    model.at = model.len = 0;
    model.spare = SPARE;
    model.limit = limit;
    switch (framing) {
    case AWL__NO_BODY: return 0;
    case AWL__BODY_LENGTH: return length > limit ? AWL_ELIMIT : model_take(length);
    case AWL__BODY_CHUNKED: return model_chunks();
    default: return model_take(text_len < limit ? text_len : limit), text_len > limit ? AWL_ELIMIT : 0;
    }
}

/* ---- A stream in memory ------------------------------------------------------------------------------------------ */

static struct {
    size_t at, piece;
    bool pause;
    awl_stream *s;
    awl_handle handle;
} wire;

static void go_on(void *arg) { awl_stream_changed(arg, true, false); }

static ssize_t wire_read(void *self, void *buf, size_t cap)
{
    size_t n = text_len - wire.at;

    (void)self;
    wire.pause = !wire.pause;
    if (n && wire.pause) {
        awl_call_soon(awl_running_loop(), &wire.handle, go_on, wire.s);
        return -EAGAIN;
    }
    n = n < cap ? n : cap;
    n = n < wire.piece ? n : wire.piece;
    memcpy(buf, text + wire.at, n);
    wire.at += n;
    return (ssize_t)n;
}

static ssize_t wire_write(void *self, const struct iovec *parts, int n)
{
    (void)self, (void)parts, (void)n;
    return -EPIPE;
}

static void wire_close(void *self)
{
    (void)self;
    awl_handle_cancel(&wire.handle);
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */

co_def(reads, {
    enum awl__framing framing;
    uint64_t length, limit;
    size_t cap, got;
    awl__incoming in;
    awl_stream *s;
    int rc;
    int64_t n;
})
{
    static const awl_transport transport = { .read = wire_read, .write = wire_write, .close = wire_close };
    const awl_stream_options options = { .limit = LINE };
    static char buf[MOST_TEXT + 300];
    int error;

    co_begin;
    wire.s = self->s = awl_stream_new(&transport, NULL, &options);
    must(self->s != NULL);
    awl__incoming_begin(&self->in, self->s, self->framing, self->length, self->limit);
    do {
        co_try(self->rc, awl__incoming_read(&self->in, buf + self->got, self->cap));
        self->n = 0;
        if (!self->rc)
            co_result(self->n);
        self->got += (size_t)self->n;
    } while (self->n);
    error = model_body(self->framing, self->length, self->limit);
    must(self->rc == error && (error || self->in.ended));
    must(error == AWL_ELIMIT || self->got == model.len);
    must(self->got <= model.len && memcmp(buf, model.data, self->got) == 0);
    awl_stream_close(self->s);
    co_end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum awl__framing framings[] = { AWL__BODY_CHUNKED, AWL__BODY_LENGTH, AWL__BODY_CHUNKED, AWL__BODY_TO_END };
    const awl_loop_options options = { .virtual_time = true };

    if (len < 4)
        return 0;
    text_len = text_of(data + 4, len - 4, words, sizeof words / sizeof *words, text);
    memset(&wire, 0, sizeof wire);
    wire.piece = data[1] ? data[1] : MOST_TEXT;
    must(awl_run_with(co_call(reads, .framing = framings[data[0] % 4], .length = data[3], .limit = data[3] > 250 ? 200 : 20000,
                              .cap = data[2] ? data[2] : 256),
                      &options, NULL) == 0);
    return 0;
}
