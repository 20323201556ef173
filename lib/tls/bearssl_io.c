/*
 * How bytes go through an engine of BearSSL.
 *
 * BearSSL wants one buffer of 16.7 kB for input and one for output in each connection. Here both are lent while bytes
 * are in them. It reads and writes only [ibuf + ixa, …) and [obuf + oxa, …), so the buffers may be exchanged where
 * nothing is in them: see align_input and set_output. That, and one copy less, is why this file knows fields of
 * br_ssl_engine_context.
 */
#include "bearssl_priv.h"

enum { HANDSHAKE = 22 }; /* the type of a record: RFC 5246, section 6.2.1 */

/* ---- Output buffers ---------------------------------------------------------------------------------------------- */

/* Exchanges the output buffer, which nothing is in: what BearSSL does after a record has been sent. */
static void set_output(awl__br_engine *e, unsigned char *buf, size_t cap)
{
    br_ssl_engine_context *eng = &e->br.eng;
    size_t start = 5, end = cap - 5;

    eng->obuf = buf;
    eng->obuf_len = cap;
    eng->out.vtable->max_plaintext(&eng->out.vtable, &start, &end);
    if (end - start > eng->max_frag_len)
        end = start + eng->max_frag_len;
    eng->oxa = eng->oxc = start;
    eng->oxb = end;
}

static bool output_is_empty(const awl__br_engine *e) { return e->br.eng.oxa == e->br.eng.oxc; }

/* Once the handshake is over, a buffer that all has been sent from goes back. */
void awl__br_spare_output(awl__br_engine *e)
{
    if (!e->ready || !e->out_cap || e->held_len || !output_is_empty(e))
        return;
    set_output(e, e->spare, sizeof e->spare);
    awl__free(e->common.tls->loop, e->out, e->out_cap);
    e->out = NULL;
    e->out_cap = 0;
}

/* Makes room for a record with `want` bytes. Where there is no memory, records are shorter. */
static void widen_output(awl__br_engine *e, size_t want)
{
    const size_t sizes[] = { 512, AWL__BR_SMALL, AWL__BR_OUTPUT };
    unsigned char *old = e->out, *out;
    size_t i = 0;

    while (i < 2 && sizes[i] < want + AWL__BR_OVERHEAD)
        i++;
    if (sizes[i] <= e->out_cap || e->held_len || !output_is_empty(e))
        return;
    out = awl__alloc(e->common.tls->loop, sizes[i]);
    if (!out)
        return;
    set_output(e, out, sizes[i]);
    awl__free(e->common.tls->loop, old, e->out_cap);
    e->out = out;
    e->out_cap = (uint32_t)sizes[i];
}

/*
 * During the handshake BearSSL makes a record when the one before has gone. Here it is told so at once, and given the
 * room behind: a flight of several records goes by one system call, and in one packet.
 */
static void hold_flight(awl__br_engine *e)
{
    br_ssl_engine_context *eng = &e->br.eng;
    unsigned char *record, *rest;
    size_t n;

    while (!e->ready && e->out && (record = br_ssl_engine_sendrec_buf(eng, &n)) != NULL) {
        rest = record + n;
        if (e->out_cap - (size_t)(rest - e->out) < AWL__BR_REST || (e->held_len && record != e->held + e->held_len))
            return;
        if (!e->held_len)
            e->held = record;
        e->held_len += (uint32_t)n;
        eng->obuf = rest;
        eng->obuf_len = e->out_cap - (size_t)(rest - e->out);
        br_ssl_engine_sendrec_ack(eng, n);
    }
}

/* The flight has gone: the output begins at its buffer's beginning again. */
static void end_flight(awl__br_engine *e)
{
    if (e->out && !e->held_len && e->br.eng.obuf != e->out && output_is_empty(e))
        set_output(e, e->out, e->out_cap);
}

/* ---- Input buffers ----------------------------------------------------------------------------------------------- */

/* Tells BearSSL that what it takes next lies at in + in_start: it looks for it at ibuf + ixa. */
void awl__br_align_input(awl__br_engine *e) { e->br.eng.ibuf = e->in ? e->in + e->in_start - e->br.eng.ixa : &e->none; }

void awl__br_free_input(awl__br_engine *e)
{
    awl__free(e->common.tls->loop, e->in, e->in_cap);
    e->in = NULL;
    e->in_cap = e->in_start = e->in_end = 0;
}

/* Between two records, with no byte left over, there is nothing to keep. */
void awl__br_spare_input(awl__br_engine *e)
{
    const br_ssl_engine_context *eng = &e->br.eng;
    const bool between = eng->ixa == 0 && eng->ixb == 0;

    if (!e->in || e->in_start != e->in_end || !(between || br_ssl_engine_current_state(eng) == BR_SSL_CLOSED))
        return;
    awl__br_free_input(e);
    awl__br_align_input(e);
}

/*
 * Makes room behind in_end, where all before in_start has been handed over, for the rest of the record that BearSSL
 * waits for, and the head of the next: then that one is read whole, too, and no more than its head need ever be moved.
 * false: no memory.
 */
static bool widen_input(awl__br_engine *e)
{
    const br_ssl_engine_context *eng = &e->br.eng;
    const size_t keep = e->in ? eng->ixa : 0;        /* what of the record is here already, and stays in front */
    const size_t rest = eng->incrypt ? eng->ixc : 1; /* in the clear, BearSSL takes any piece of it */
    size_t cap = e->in_cap;
    unsigned char *in = e->in;

    if (e->in && e->in_start + rest <= cap && (e->in_start == keep || keep > 5))
        return true;
    if (keep + rest > cap)
        cap = e->bulk || keep + rest > AWL__BR_SMALL ? AWL__BR_INPUT : AWL__BR_SMALL;
    if (cap != e->in_cap) {
        in = awl__alloc(e->common.tls->loop, cap);
        if (!in)
            return false;
    }
    if (e->in)
        memmove(in, e->in + e->in_start - keep, keep);
    if (in != e->in) {
        awl__free(e->common.tls->loop, e->in, e->in_cap);
        e->in = in;
        e->in_cap = (uint32_t)cap;
    }
    e->in_start = e->in_end = (uint32_t)keep;
    awl__br_align_input(e);
    return true;
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

/* BearSSL mostly says nothing to the other side when it fails: this makes the alert that it would have sent. */
static void make_last_words(awl__br_engine *e)
{
    br_ssl_engine_context *eng = &e->br.eng;
    const uint8_t alert = awl__br_alert(e);
    unsigned char *data = e->spare + 16;
    size_t len = 2;

    /* Not behind half of a record, nor where one is in the same place; the alert that BearSSL has for an unknown name
     * is the first record of all, and is replaced. */
    if (!alert || (eng->oxa == eng->oxb && eng->oxc > eng->oxa && !e->unknown_name))
        return;
    data[0] = 2;
    data[1] = alert;
    data = eng->out.vtable->encrypt(&eng->out.vtable, 21, eng->version_out, data, &len);
    e->words_at = (uint8_t)(data - e->spare);
    e->words_len = (uint8_t)len;
}

/* Called after each move of BearSSL. */
void awl__br_look(awl__br_engine *e)
{
    if (!e->unknown_name) /* else the alert that it has made is not the one that goes */
        hold_flight(e);
    if (e->failed || (!e->error && br_ssl_engine_current_state(&e->br.eng) != BR_SSL_CLOSED))
        return;
    e->failed = true;
    make_last_words(e);
}

/*
 * Whether what comes next has to wait. What follows the handshake waits until that is settled: a goodbye is then the
 * end of a connection that was there. And BearSSL can answer a message that asks for another handshake only when its
 * output is empty: until then it would take no data, and be stuck for ever by one message more.
 */
static bool has_to_wait(const awl__br_engine *e)
{
    const br_ssl_engine_context *eng = &e->br.eng;
    size_t n;

    if (eng->application_data != 1)
        return false;
    return !e->ready || (e->in[e->in_start - eng->ixa] == HANDSHAKE && br_ssl_engine_sendrec_buf(eng, &n));
}

/* Hands BearSSL what has come, until it has something for the application, or has to send something first. */
static void feed(awl__br_engine *e)
{
    br_ssl_engine_context *eng = &e->br.eng;
    size_t n;

    while (!e->error && e->in_start < e->in_end && br_ssl_engine_recvrec_buf(eng, &n) && !has_to_wait(e)) {
        awl__br_align_input(e);
        if (n > e->in_end - e->in_start)
            n = e->in_end - e->in_start;
        e->in_start += (uint32_t)n; /* before the call: it may decrypt, and end the record */
        br_ssl_engine_recvrec_ack(eng, n);
    }
    awl__br_look(e);
}

/* ---- The table: from and to the network -------------------------------------------------------------------------- */

unsigned awl__br_state(const awl__tls_engine *engine)
{
    const awl__br_engine *e = awl__br_of(engine);
    const unsigned s = br_ssl_engine_current_state(&e->br.eng);

    /* A state without anything in it is one that BearSSL never leaves. */
    if (e->error || s == BR_SSL_CLOSED || s == 0)
        return AWL__TLS_CLOSED | (e->words_len || e->held_len ? AWL__TLS_SENDS : 0);
    return (s & BR_SSL_SENDREC || e->held_len ? AWL__TLS_SENDS : 0) |
           (s & BR_SSL_RECVREC && e->in_start == e->in_end ? AWL__TLS_RECEIVES : 0) |
           (s & BR_SSL_SENDAPP ? AWL__TLS_WRITES : 0) | (s & BR_SSL_RECVAPP ? AWL__TLS_READS : 0) |
           (e->br.eng.shutdown_recv ? AWL__TLS_GOODBYE : 0);
}

unsigned char *awl__br_recv_buf(awl__tls_engine *engine, size_t *cap)
{
    awl__br_engine *e = awl__br_of(engine);

    *cap = 0;
    if (!(awl__br_state(engine) & AWL__TLS_RECEIVES) || !widen_input(e))
        return NULL;
    *cap = e->in_cap - e->in_end;
    return e->in + e->in_end;
}

void awl__br_recv_ack(awl__tls_engine *engine, size_t n)
{
    awl__br_engine *e = awl__br_of(engine);

    for (size_t i = 0; i < n && e->first_len < sizeof e->first; i++)
        e->first[e->first_len++] = e->in[e->in_end + i];
    e->in_end += (uint32_t)n;
    e->bulk = e->in_end == e->in_cap;
    feed(e);
}

void awl__br_resume(awl__br_engine *e)
{
    feed(e);
    awl__br_spare_input(e);
}

void awl__br_recv_rest(awl__tls_engine *engine) { awl__br_spare_input(awl__br_of(engine)); }

const unsigned char *awl__br_send_buf(const awl__tls_engine *engine, size_t *len)
{
    const awl__br_engine *e = awl__br_of(engine);

    if (e->held_len) {
        *len = e->held_len;
        return e->held;
    }
    if (e->failed) {
        *len = e->words_len;
        return e->words_len ? e->spare + e->words_at : NULL;
    }
    return br_ssl_engine_sendrec_buf(&e->br.eng, len);
}

void awl__br_send_ack(awl__tls_engine *engine, size_t n)
{
    awl__br_engine *e = awl__br_of(engine);

    if (e->held_len) {
        e->held += n;
        e->held_len -= (uint32_t)n;
        end_flight(e);
        if (!e->held_len && !e->failed)
            feed(e);
        return;
    }
    if (e->failed) {
        e->words_at = (uint8_t)(e->words_at + n);
        e->words_len = (uint8_t)(e->words_len - n);
        return;
    }
    br_ssl_engine_sendrec_ack(&e->br.eng, n);
    end_flight(e);
    feed(e); /* a message may have waited for room to answer it */
    awl__br_spare_output(e);
}

/* ---- The table: from and to the application ---------------------------------------------------------------------- */

const unsigned char *awl__br_read_buf(const awl__tls_engine *engine, size_t *len)
{
    return br_ssl_engine_recvapp_buf(&awl__br_of(engine)->br.eng, len);
}

void awl__br_read_ack(awl__tls_engine *engine, size_t n)
{
    awl__br_engine *e = awl__br_of(engine);

    br_ssl_engine_recvapp_ack(&e->br.eng, n);
    feed(e);
    awl__br_spare_input(e);
}

unsigned char *awl__br_write_buf(awl__tls_engine *engine, size_t want, size_t *cap)
{
    awl__br_engine *e = awl__br_of(engine);

    if (!(awl__br_state(engine) & AWL__TLS_WRITES)) {
        *cap = 0;
        return NULL;
    }
    widen_output(e, want < 16384 ? want : 16384);
    return br_ssl_engine_sendapp_buf(&e->br.eng, cap);
}

void awl__br_write_ack(awl__tls_engine *engine, size_t n) { br_ssl_engine_sendapp_ack(&awl__br_of(engine)->br.eng, n); }

void awl__br_flush(awl__tls_engine *engine) { br_ssl_engine_flush(&awl__br_of(engine)->br.eng, 0); }

void awl__br_close(awl__tls_engine *engine)
{
    awl__br_engine *e = awl__br_of(engine);
    br_ssl_engine_context *eng = &e->br.eng;
    size_t n;

    /* With unread bytes in it BearSSL would come to a state in which it neither takes nor gives, for ever. */
    while (br_ssl_engine_recvapp_buf(eng, &n)) {
        br_ssl_engine_recvapp_ack(eng, n);
        feed(e);
    }
    if (e->closing)
        return;
    e->closing = true;
    br_ssl_engine_close(eng);
    awl__br_look(e);
}
