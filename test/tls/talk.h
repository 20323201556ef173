/*
 * talk.h: what two parties say to each other by TLS while things go wrong between them.
 *
 * After the handshake one asks with a line and is answered with a block, sends a block of its own, now or before, and
 * is told "bye". One of them then says goodbye, and the other one reads the end. Each checks every byte, and when
 * something has failed it still reads what had come before.
 */
#ifndef TLS_TALK_H
#define TLS_TALK_H

#include "engine_rig.h"

enum { TALK_BLOCK = 900, TALK_MOST = 2048 };

/* One of the two; set the first fields, the rest zero. */
typedef struct party {
    awl_stream *s; /* closed at the end */
    awl_tls *tls;
    bool answers;   /* or asks */
    bool ends;      /* says goodbye first */
    bool hasty;     /* asks and sends its block before it hears the answer */
    awl_time limit; /* for all of it, the handshake excepted */

    bool open, resumed; /* the handshake is over */
    bool ended;         /* it has read the other one's goodbye */
    size_t len;         /* of `got`: all that it has read */
    int error;          /* its end: 0; ETIMEDOUT; ECANCELED; EBADMSG: other bytes than those that should have come;
                           AWL_EINCOMPLETE: the end came too early; or the stream's error */
    char got[TALK_MOST];
} party;

/* ---- What is said ------------------------------------------------------------------------------------------------ */

static const char talk_request[] = "a block, please\n", talk_bye[] = "bye\n";

enum { TALK_LINE = sizeof talk_request - 1, TALK_BYE = sizeof talk_bye - 1 };

/* Bytes forth, from who asks, and back. */
static const size_t talk_total[2] = { TALK_LINE + TALK_BLOCK, TALK_BLOCK + TALK_BYE };

/* All that goes one way. */
static inline const char *talk_text(int way)
{
    static char text[2][TALK_MOST];
    char *at = text[way];

    if (*at)
        return at;
    if (!way) {
        memcpy(at, talk_request, TALK_LINE);
        at += TALK_LINE;
    }
    for (size_t i = 0; i < TALK_BLOCK; i++)
        *at++ = (char)('A' + (i * 7 + i / 23 + (size_t)way) % 53);
    if (way)
        memcpy(at, talk_bye, TALK_BYE);
    return text[way];
}

/* ---- Saying and hearing ------------------------------------------------------------------------------------------ */

/* The next `len` bytes of ours, which begin at `from`. */
co_def(say, {
    party *p;
    size_t from, len;
    int rc;
})
{
    co_begin;
    self->rc = awl_stream_write(self->p->s, talk_text(self->p->answers) + self->from, self->len);
    if (self->rc)
        co_raise(self->rc);
    co_await(awl_stream_drain(self->p->s));
    co_end;
}

static void note(party *p, const void *data, size_t len)
{
    if (len > sizeof p->got - p->len)
        len = sizeof p->got - p->len;
    memcpy(p->got + p->len, data, len);
    p->len += len;
}

/* The next `len` bytes of theirs. */
co_def(hear, {
    party *p;
    size_t len;
    int n;
    char buf[TALK_BLOCK];
})
{
    co_begin;
    while (self->len) {
        co_let(self->n, awl_stream_read(self->p->s, self->buf, self->len));
        if (!self->n)
            co_raise(AWL_EINCOMPLETE);
        note(self->p, self->buf, (size_t)self->n);
        self->len -= (size_t)self->n;
        if (memcmp(self->p->got, talk_text(!self->p->answers), self->p->len) != 0)
            co_raise(EBADMSG);
    }
    co_end;
}

co_def(hear_goodbye, {
    party *p;
    int n;
    char byte;
})
{
    co_begin;
    co_let(self->n, awl_stream_read(self->p->s, &self->byte, 1));
    note(self->p, &self->byte, (size_t)self->n);
    if (self->n)
        co_raise(EBADMSG);
    self->p->ended = true;
    co_end;
}

co_def(ask, { party *p; })
{
    co_begin;
    co_await(co_call(say, .p = self->p, .len = TALK_LINE));
    if (self->p->hasty)
        co_await(co_call(say, .p = self->p, .from = TALK_LINE, .len = TALK_BLOCK));
    co_await(co_call(hear, .p = self->p, .len = TALK_BLOCK));
    if (!self->p->hasty)
        co_await(co_call(say, .p = self->p, .from = TALK_LINE, .len = TALK_BLOCK));
    co_await(co_call(hear, .p = self->p, .len = TALK_BYE));
    co_end;
}

co_def(answer, { party *p; })
{
    co_begin;
    co_await(co_call(hear, .p = self->p, .len = TALK_LINE));
    co_await(co_call(say, .p = self->p, .len = TALK_BLOCK));
    co_await(co_call(hear, .p = self->p, .len = TALK_BLOCK));
    co_await(co_call(say, .p = self->p, .from = TALK_BLOCK, .len = TALK_BYE));
    co_end;
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

co_def(talk, { party *p; })
{
    co_begin;
    if (self->p->answers)
        co_await(co_call(answer, .p = self->p));
    else
        co_await(co_call(ask, .p = self->p));
    if (!self->p->ends)
        co_await(co_call(hear_goodbye, .p = self->p));
    co_await(awl_stream_wait_closed(self->p->s));
    co_end;
}

/* Reads what is left to be read, whatever has happened before. */
co_def(salvage, {
    party *p;
    int n;
    char buf[100];
})
{
    co_begin;
    do {
        co_let(self->n, awl_stream_read(self->p->s, self->buf, sizeof self->buf));
        note(self->p, self->buf, (size_t)self->n);
    } while (self->n);
    co_end;
}

/* Whether there may be something left to read after an error. */
static bool leaves_some(int error)
{
    return error && error != ETIMEDOUT && error != ECANCELED && error != EBADMSG && error != ENOMEM;
}

/* Plays a party. Who has waited in vain ends the connection without a goodbye, as it has not heard all. */
co_def(play, {
    party *p;
    awl_tls_details details;
    int rc;
})
{
    party *p = self->p;

    co_begin;
    co_try_cancel(p->error, awl_start_tls(p->s, p->tls, p->answers ? NULL : "localhost"));
    if (!p->error) {
        p->open = true;
        CHECK_INT(awl_tls_info(p->s, &self->details), 0);
        p->resumed = self->details.resumed;
        co_try_cancel(p->error, awl_wait_for(co_call(talk, .p = p), p->limit));
    }
    if (p->open && leaves_some(p->error))
        co_try_cancel(self->rc, awl_wait_for(co_call(salvage, .p = p), p->limit));
    if (p->error == ETIMEDOUT)
        awl_stream_abort(p->s);
    co_finally;
    awl_stream_close(self->p->s);
    self->p->s = NULL;
    co_end;
}

#endif
