/* What two parties say to each other; see dialogue.h. */
#define _GNU_SOURCE
#include "dialogue.h"

#include <errno.h>
#include <string.h>

static const char request[] = "echo 10240, please\n", ready[] = "READY:01", name[] = "server=awl;", goodbye[] = "bye\n";

enum { LEN_REQUEST = sizeof request - 1, LEN_READY = sizeof ready - 1, LEN_NAME = sizeof name - 1 };
enum { LEN_GOODBYE = sizeof goodbye - 1, PIECES = 20 };

const size_t dialogue_total[2] = { LEN_REQUEST + DIALOGUE_ECHO, LEN_READY + LEN_NAME + DIALOGUE_ECHO + LEN_GOODBYE };

const awl_stream_options dialogue_options = { .high = 512, .low = 128 };

/* What is echoed; no two blocks are alike. */
static const char *block(size_t n)
{
    static char all[DIALOGUE_ECHO];

    for (size_t i = 0; !all[sizeof all - 1] && i < sizeof all; i++)
        all[i] = (char)('A' + (i * 7 + i / 23) % 53);
    return all + n * DIALOGUE_BLOCK;
}

const char *dialogue_text(int way)
{
    static char text[2][DIALOGUE_ECHO + 64];
    char *at = text[way];

    if (*at)
        return at;
    at = stpcpy(at, way ? "READY:01server=awl;" : request);
    memcpy(at, block(0), DIALOGUE_ECHO);
    if (way)
        memcpy(at + DIALOGUE_ECHO, goodbye, LEN_GOODBYE);
    return text[way];
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void note(party *p, const void *data, size_t len)
{
    if (len > sizeof p->got - p->len)
        len = sizeof p->got - p->len;
    memcpy(p->got + p->len, data, len);
    p->len += len;
}

enum how { EXACTLY, LINE, UNTIL };

co_declare(expect, { party *p; int how, rc; const char *text; size_t len, got; char *line; char buf[DIALOGUE_BLOCK]; });

static awl_coro one_read(struct expect *self)
{
    switch (self->how) {
    case EXACTLY: return awl_stream_read_exactly(self->p->s, self->buf, self->len);
    case LINE: return awl_stream_readline(self->p->s, &self->got);
    default: return awl_stream_read_until(self->p->s, ";", 1, &self->got);
    }
}

/* Reads `text`, of `len` bytes, in the way that is asked for. */
co_define(expect)
{
    co_begin;
    do
        co_try(self->rc, awl_wait_for(one_read(self), self->p->patience ? self->p->patience : AWL_FOREVER));
    while (self->rc == ETIMEDOUT && self->p->patience);
    if (self->rc)
        co_raise(self->rc);
    if (self->how == EXACTLY) {
        co_result(self->got);
        self->line = self->buf;
    } else {
        co_result(self->line);
    }
    if (!self->line)
        co_raise(AWL_EINCOMPLETE);
    note(self->p, self->line, self->got);
    if (self->how == LINE && self->line[self->got - 1] != '\n')
        co_raise(AWL_EINCOMPLETE);
    if (self->got != self->len || memcmp(self->line, self->text, self->len) != 0)
        co_raise(EBADMSG);
    co_end;
}

/* Reads the end. */
co_def(expect_end, { party *p; int n; char byte; })
{
    co_begin;
    co_let(self->n, awl_stream_read(self->p->s, &self->byte, 1));
    note(self->p, &self->byte, (size_t)self->n);
    if (self->n)
        co_raise(EBADMSG);
    co_end;
}

/* Reads what is left to be read, whatever has happened before. */
co_def(salvage, { party *p; int rc, n; char buf[100]; })
{
    co_begin;
    for (;;) {
        co_try(self->rc, awl_stream_read(self->p->s, self->buf, sizeof self->buf));
        if (self->rc)
            break;
        co_result(self->n);
        if (!self->n)
            break;
        note(self->p, self->buf, (size_t)self->n);
    }
    co_end;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Writes in pieces, more than are handed to the kernel at once. */
static int write_pieces(awl_stream *s, const char *text, size_t len)
{
    struct iovec parts[PIECES];
    const size_t each = len / PIECES;

    for (size_t i = 0; i < PIECES; i++)
        parts[i] = (struct iovec){ (void *)(uintptr_t)(text + i * each), i < PIECES - 1 ? each : len - i * each };
    return awl_stream_writev(s, parts, PIECES);
}

co_def(say, { party *p; const char *text; size_t len; int rc; })
{
    co_begin;
    self->rc = write_pieces(self->p->s, self->text, self->len);
    if (self->rc)
        co_raise(self->rc);
    co_await(awl_stream_drain(self->p->s));
    co_end;
}

/* ---- The two ----------------------------------------------------------------------------------------------------- */

co_def(ask, { party *p; size_t i; int rc; })
{
    co_begin;
    co_await(co_call(say, .p = self->p, .text = request, .len = LEN_REQUEST));
    co_await(co_call(expect, .p = self->p, .how = EXACTLY, .text = ready, .len = LEN_READY));
    co_await(co_call(expect, .p = self->p, .how = UNTIL, .text = name, .len = LEN_NAME));
    for (self->i = 0; self->i < DIALOGUE_ECHO / DIALOGUE_BLOCK; self->i++) {
        co_await(co_call(say, .p = self->p, .text = block(self->i), .len = DIALOGUE_BLOCK));
        co_await(co_call(expect, .p = self->p, .how = EXACTLY, .text = block(self->i), .len = DIALOGUE_BLOCK));
    }
    self->rc = awl_stream_write_eof(self->p->s);
    if (self->rc)
        co_raise(self->rc);
    co_await(co_call(expect, .p = self->p, .how = LINE, .text = goodbye, .len = LEN_GOODBYE));
    co_await(co_call(expect_end, .p = self->p));
    co_await(awl_stream_wait_closed(self->p->s));
    co_end;
}

co_def(answer, { party *p; size_t at; int rc, n; char buf[500]; })
{
    co_begin;
    co_await(co_call(expect, .p = self->p, .how = LINE, .text = request, .len = LEN_REQUEST));
    co_await(co_call(say, .p = self->p, .text = ready, .len = LEN_READY));
    co_await(co_call(say, .p = self->p, .text = name, .len = LEN_NAME));
    while (self->at < DIALOGUE_ECHO) {
        co_let(self->n, awl_stream_read(self->p->s, self->buf, sizeof self->buf));
        if (!self->n)
            co_raise(AWL_EINCOMPLETE);
        note(self->p, self->buf, (size_t)self->n);
        self->at += (size_t)self->n;
        self->rc = awl_stream_write(self->p->s, self->buf, (size_t)self->n);
        if (self->rc)
            co_raise(self->rc);
        co_await(awl_stream_drain(self->p->s));
    }
    co_await(co_call(expect_end, .p = self->p));
    co_await(co_call(say, .p = self->p, .text = goodbye, .len = LEN_GOODBYE));
    co_await(awl_stream_wait_closed(self->p->s));
    co_end;
}

/* Whether an error is one after which there may be something left to read. */
static bool leaves_some(int error) { return error && error != ETIMEDOUT && error != ECANCELED && error != EBADMSG; }

co_def(play, { party *p; int rc; })
{
    co_begin;
    if (self->p->answers)
        co_try_cancel(self->p->error, awl_wait_for(co_call(answer, .p = self->p), self->p->limit));
    else
        co_try_cancel(self->p->error, awl_wait_for(co_call(ask, .p = self->p), self->p->limit));
    if (leaves_some(self->p->error))
        co_try_cancel(self->rc, awl_wait_for(co_call(salvage, .p = self->p), self->p->limit));

    /* What is unsent can wait for ever for a party that does not read, but writes itself, or has gone without a word. */
    co_try_cancel(self->rc, awl_wait_for(awl_stream_wait_closed(self->p->s), self->p->limit / 2));
    if (self->rc == ETIMEDOUT)
        awl_stream_abort(self->p->s);
    co_finally;
    awl_stream_close(self->p->s);
    self->p->s = NULL;
    co_end;
}

awl_coro dialogue_play(party *p) { return co_call(play, .p = p); }
