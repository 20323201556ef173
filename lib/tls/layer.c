/* TLS as the transport of a stream, over the transport that it had: see awl_transport in awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tls_priv.h"

/* ---- What is said of errors -------------------------------------------------------------------------------------- */

static const awl_transport tls_transport;

/* The address of the other side, as it was when TLS began; of family AF_UNSPEC: there is none. */
static awl_address peer_address(const awl_stream *s)
{
    awl_address address = { .of = { .any = { .sa_family = AF_UNSPEC } } };
    socklen_t size = sizeof address.of;

    if (awl__tls_speaks(s))
        return ((const awl__tls_conn *)s->self)->peer;
    if (s->io.fd < 0 || getpeername(s->io.fd, &address.of.any, &size) < 0 ||
        (address.of.any.sa_family != AF_INET && address.of.any.sa_family != AF_INET6))
        address.of.any.sa_family = AF_UNSPEC;
    return address;
}

/* The port of the other side; 0: there is none. */
static int peer_port(const awl_stream *s)
{
    const awl_address address = peer_address(s);

    return address.of.any.sa_family == AF_UNSPEC ? 0 : awl_address_port(&address);
}

void awl__tls_detail(const awl_stream *s, const char *name, int error, const char *text)
{
    const awl_address address = peer_address(s);
    const bool known = address.of.any.sa_family != AF_UNSPEC;
    char peer[AWL_ADDRESS_TEXT];

    if (name && known)
        awl__error_detail(s->io.loop, error, "%s:%d: %s", name, awl_address_port(&address), text);
    else if (known)
        awl__error_detail(s->io.loop, error, "%s: %s", awl_address_text(&address, peer, sizeof peer), text);
    else if (name || *awl_stream_peer(s, peer, sizeof peer))
        awl__error_detail(s->io.loop, error, "%s: %s", name ? name : peer, text);
    else
        awl__error_detail(s->io.loop, error, "%s", text);
}

/* The engine is closed: with the other side's goodbye, 0, or -error. */
static int why_closed(const awl__tls_conn *c)
{
    char text[900];
    awl_tls_details details;
    const int error = c->tls->backend->explain(c->engine, text, sizeof text);

    if (!error)
        return 0;
    c->tls->backend->info(c->engine, &details);
    if (*text)
        awl__tls_detail(c->s, c->tls->is_server ? NULL : details.server_name, error, text);
    if (c->key_len) /* RFC 5246, section 7.2.2 */
        awl__tls_cache_forget(&c->tls->cache, c->key, c->key_len);
    return -error;
}

/* The connection below has ended. */
static int why_ended(const awl__tls_conn *c)
{
    awl_tls_details details;

    if (c->open && c->tls->tolerate_truncation)
        return 0;
    c->tls->backend->info(c->engine, &details);
    awl__tls_detail(c->s, c->tls->is_server ? NULL : details.server_name, c->open ? AWL_ETRUNCATED : AWL_ETLS,
                    c->open ? "the connection ended without a goodbye (close_notify): what came may be only a part"
                            : "the connection ended during the TLS handshake");
    return c->open ? -AWL_ETRUNCATED : -AWL_ETLS;
}

/* The connection below has failed with `error`, which is negative, and there is nothing more to be read. */
static int why_broken(const awl__tls_conn *c, int error)
{
    awl_tls_details details;

    if (c->open || (error != -ECONNRESET && error != -EPIPE))
        return error;
    c->tls->backend->info(c->engine, &details);
    awl__tls_detail(c->s, c->tls->is_server ? NULL : details.server_name, -error,
                    "the connection ended during the TLS handshake: the other side gave it up and did not say why");
    return error;
}

/* ---- Moving bytes ------------------------------------------------------------------------------------------------ */

/* Something has been sent: what a read found waiting for that may go on. */
static void tell_reader(awl__tls_conn *c)
{
    const unsigned goes_on = AWL__TLS_CLOSED | AWL__TLS_RECEIVES | AWL__TLS_READS | AWL__TLS_GOODBYE;

    if (!c->stalled || !(c->tls->backend->state(c->engine) & goes_on))
        return;
    c->stalled = false;
    awl_stream_changed(c->s, true, false);
}

/* Sends what the engine has for the network. 0, -EAGAIN or -error, from then on the same. */
static int send_records(awl__tls_conn *c)
{
    const awl__tls_backend *b = c->tls->backend;
    const unsigned char *data;
    size_t len;

    while ((data = b->send_buf(c->engine, &len)) != NULL) {
        const struct iovec part = { (void *)(uintptr_t)data, len };
        const ssize_t n = c->unsendable ? -c->unsendable : c->lower.transport->write(c->lower.self, &part, 1);

        if (n < 0 && n != -EAGAIN)
            c->unsendable = (int)-n;
        if (n < 0)
            return (int)n;
        b->send_ack(c->engine, (size_t)n);
        tell_reader(c);
    }
    return 0;
}

/* The same where it does not matter any more whether the other side hears it: it has said goodbye. */
static int send_last_records(awl__tls_conn *c)
{
    const int rc = send_records(c);

    return rc != -EAGAIN && c->tls->backend->state(c->engine) & AWL__TLS_GOODBYE ? 0 : rc;
}

/* Hands the engine what has come. 1: something; 0: the end; -EAGAIN or -error. */
static int receive_records(awl__tls_conn *c)
{
    const awl__tls_backend *b = c->tls->backend;
    unsigned char *room;
    size_t cap;
    ssize_t n;

    room = b->recv_buf(c->engine, &cap);
    if (!room)
        return -ENOMEM;
    n = awl__lower_read(c->s->io.loop, &c->lower, room, cap);
    if (n > 0)
        b->recv_ack(c->engine, (size_t)n);
    else
        b->recv_rest(c->engine);
    if (n > 0 && c->s->eof_asked) /* see awl__stream_part */
        c->s->moved += (uint32_t)n;
    return n > 0 ? 1 : (int)n;
}

/* Writing has failed with `error`: reads what the other side said before it went, for an alert is the reason. What it
 * has for the application stays in the engine. Result: -error. */
static int hear_out(awl__tls_conn *c, int error)
{
    const awl__tls_backend *b = c->tls->backend;
    unsigned state;

    while (((state = b->state(c->engine)) & (AWL__TLS_RECEIVES | AWL__TLS_READS)) == AWL__TLS_RECEIVES) {
        if (receive_records(c) <= 0)
            break;
    }
    if (state & AWL__TLS_CLOSED) {
        const int why = why_closed(c);

        if (why)
            return why;
    }
    return why_broken(c, error);
}

int awl__tls_shake(awl__tls_conn *c)
{
    const awl__tls_backend *b = c->tls->backend;

    for (;;) {
        const int sent = send_records(c);
        const unsigned state = b->state(c->engine);
        int n;

        if (state & AWL__TLS_CLOSED) {
            n = why_closed(c);
            return n ? n : why_ended(c);
        }
        if (sent == -EAGAIN)
            return sent;
        if (!sent && state & AWL__TLS_OPEN)
            break;

        /* What has come is heard even if nothing can be sent any more: it may be the alert that says why. */
        n = !sent || state & AWL__TLS_RECEIVES ? receive_records(c) : sent;
        if (n <= 0)
            return sent ? why_broken(c, sent) : n ? why_broken(c, n) : why_ended(c);
    }
    c->engine = b->settle(c->engine);
    return b->state(c->engine) & AWL__TLS_CLOSED ? why_closed(c) : 0;
}

/* Bytes that the engine has for the application. */
static size_t deliver(awl__tls_conn *c, char *buf, size_t cap)
{
    const awl__tls_backend *b = c->tls->backend;
    const unsigned char *data;
    size_t len, all = 0;

    while (all < cap && (data = b->read_buf(c->engine, &len)) != NULL) {
        if (len > cap - all)
            len = cap - all;
        memcpy(buf + all, data, len);
        b->read_ack(c->engine, len);
        all += len;
    }
    return all;
}

static ssize_t tls_read(void *self, void *buf, size_t cap)
{
    awl__tls_conn *c = self;
    const awl__tls_backend *b = c->tls->backend;

    if (!c->open)
        return -EAGAIN;
    for (int rounds = 0;; rounds++) {
        const size_t got = deliver(c, buf, cap);
        unsigned state;
        int sent, n;

        if (got)
            return (ssize_t)got;

        /* What it has to say meanwhile, an alert or the answer to a goodbye, goes if it can. Where nothing can be sent
         * any more, what has come before is still heard. */
        sent = send_last_records(c);
        state = b->state(c->engine);
        if (state & AWL__TLS_CLOSED)
            return why_closed(c);
        if (state & AWL__TLS_GOODBYE)
            return 0;
        if (rounds == AWL__MOST_AT_ONCE) { /* what holds nothing, or is dropped behind our goodbye, takes time, too */
            c->s->streak = AWL__MOST_AT_ONCE;
            return -EAGAIN;
        }
        if (state & AWL__TLS_READS) /* behind a message that was answered just now */
            continue;
        c->stalled = !(state & AWL__TLS_RECEIVES);
        n = c->stalled ? -EAGAIN : receive_records(c);
        if (n <= 0 && sent && sent != -EAGAIN)
            return sent;
        if (n <= 0)
            return n ? n : why_ended(c);
    }
}

/* Closing has a deadline, from when the stream is first heard to be closing. */
static void too_late(void *arg)
{
    awl__tls_conn *c = arg;

    awl_stream_abort(c->s);
}

static void watch_closing(awl__tls_conn *c)
{
    if (!c->s->closing || c->closing)
        return;
    c->closing = true;
    awl_call_later(c->s->io.loop, &c->deadline, c->tls->close_timeout, too_late, c);
}

/* Nothing can be written any more: the other side has said goodbye, or the connection has failed. */
static ssize_t refuse_write(awl__tls_conn *c)
{
    const int error = why_closed(c);

    return error ? error : -EPIPE;
}

static ssize_t tls_write(void *self, const struct iovec *parts, int n)
{
    awl__tls_conn *c = self;
    const awl__tls_backend *b = c->tls->backend;
    size_t left = 0, taken = 0, at = 0;
    int rc;

    watch_closing(c);
    if (!c->open)
        return -EAGAIN;
    for (int i = 0; i < n; i++)
        left += parts[i].iov_len;

    /* One record after the other; what does not go at once stays in the engine, and counts as taken. */
    rc = send_records(c);
    while (left && !rc) {
        size_t room, len;
        unsigned char *to = b->write_buf(c->engine, left, &room);

        if (!to)
            return b->state(c->engine) & (AWL__TLS_CLOSED | AWL__TLS_GOODBYE) ? refuse_write(c) : -EAGAIN;
        while (n && at == parts->iov_len)
            parts++, n--, at = 0;
        len = parts->iov_len - at < room ? parts->iov_len - at : room;
        memcpy(to, (const char *)parts->iov_base + at, len);
        b->write_ack(c->engine, len);
        at += len;
        taken += len;
        left -= len;
        if (!left)
            b->flush(c->engine);
        rc = send_records(c);
    }
    if (rc && rc != -EAGAIN)
        return hear_out(c, rc);
    return rc && !taken ? rc : (ssize_t)taken;
}

static int tls_flush(void *self)
{
    awl__tls_conn *c = self;
    const awl_transport *lower = c->lower.transport;
    int rc = send_last_records(c);

    watch_closing(c);
    if (rc && rc != -EAGAIN)
        rc = hear_out(c, rc);
    return rc || !lower->flush ? rc : lower->flush(c->lower.self);
}

static int tls_goodbye(void *self)
{
    awl__tls_conn *c = self;
    const awl_transport *lower = c->lower.transport;
    int rc;

    c->tls->backend->close(c->engine);
    rc = tls_flush(c);
    return rc || !lower->goodbye ? rc : lower->goodbye(c->lower.self);
}

static void tls_close(void *self)
{
    awl__tls_conn *c = self;
    awl_loop *loop = c->s->io.loop;

    awl_handle_cancel(&c->deadline);
    awl__lower_close(loop, &c->lower);
    c->tls->backend->free(c->engine);
    awl__free(loop, c->key, c->key_len);
    awl_tls_release(c->tls);
    awl__free(loop, c, sizeof *c);
}

static const awl_transport tls_transport = {
    .read = tls_read, .write = tls_write, .flush = tls_flush, .goodbye = tls_goodbye, .close = tls_close
};

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

/* What a client finds its sessions by: "name:port". Result: its length; 0: there is no such thing. */
static size_t session_key(const awl_stream *s, const char *name, char *key, size_t cap)
{
    const int len = name ? snprintf(key, cap, "%s:%d", name, peer_port(s)) : 0;

    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

void awl__tls_remember(awl__tls_conn *c, const char *name)
{
    awl__tls_session session;
    char key[300];
    const size_t len = session_key(c->s, name, key, sizeof key);

    if (!len || c->tls->is_server || !c->tls->cache.most || !c->tls->backend->session(c->engine, &session))
        return;
    c->key = awl__alloc(c->tls->loop, len);
    if (c->key) { /* else it could not be forgotten when it has to be */
        c->key_len = len;
        memcpy(c->key, key, len);
        awl__tls_cache_put(&c->tls->cache, key, len, &session);
    }
    awl__tls_peer_release(c->tls->loop, session.peer);
    awl__tls_wipe(&session, sizeof session);
}

void awl__tls_forget(awl_tls *tls, const awl_stream *s, const char *name)
{
    char key[300];
    const size_t len = session_key(s, name, key, sizeof key);

    if (len && !tls->is_server)
        awl__tls_cache_forget(&tls->cache, key, len);
}

/* An engine, which offers the session of before if there is one. */
static awl__tls_engine *open_engine(awl_stream *s, awl_tls *tls, const char *name, int *error)
{
    awl__tls_session session;
    awl__tls_engine *engine;
    char key[300];
    const size_t len = tls->is_server ? 0 : session_key(s, name, key, sizeof key);

    if (!len || !awl__tls_cache_get(&tls->cache, key, len, &session))
        return tls->backend->open(tls, name, NULL, error);
    engine = tls->backend->open(tls, name, &session, error);
    awl__tls_peer_release(tls->loop, session.peer);
    awl__tls_wipe(&session, sizeof session);
    return engine;
}

/* ---- Making and asking ------------------------------------------------------------------------------------------- */

bool awl__tls_speaks(const awl_stream *s) { return !s->closed && s->transport == &tls_transport; }

bool awl__tls_opened(const awl_stream *s) { return ((const awl__tls_conn *)s->self)->open; }

int awl__tls_push(awl_stream *s, awl_tls *tls, const char *name, awl__tls_conn **conn)
{
    awl_loop *loop = s->io.loop;
    awl__tls_conn *c = awl__alloc(loop, sizeof *c);
    int error = ENOMEM;

    if (!c)
        return ENOMEM;
    memset(c, 0, sizeof *c);
    c->tls = tls;
    c->s = s;
    c->peer = peer_address(s);
    c->engine = open_engine(s, tls, name, &error);
    if (!c->engine)
        goto free_conn;
    error = awl__stream_push(s, &tls_transport, c, &c->lower);
    if (error)
        goto free_engine;
    awl_tls_retain(tls);
    *conn = c;
    return 0;

free_engine:
    tls->backend->free(c->engine);
free_conn:
    awl__free(loop, c, sizeof *c);
    return error;
}

int awl_tls_info(const awl_stream *s, awl_tls_details *details)
{
    const awl__tls_conn *c;

    if (!s || !awl__tls_speaks(s))
        return EINVAL;
    c = s->self;
    if (!c->open)
        return EINVAL;
    c->tls->backend->info(c->engine, details);
    return 0;
}
