/* The handshake on a stream: in its turn, in its time; see awl/tls.h. */
#include "tls_priv.h"

/* A step of a handshake keeps its turn until the next iteration: between any two there are no more steps than turns, so
 * that who is served already is not held up by a crowd at the door. Who waits for the other side has no turn. */
static void give_turn_back(void *arg)
{
    awl_tls *tls = arg;

    awl_semaphore_release(&tls->turns);
    awl_tls_release(tls);
}

static void keep_turn(awl_tls *tls)
{
    awl_tls_retain(tls);
    if (awl_call_soon(tls->loop, NULL, give_turn_back, tls))
        give_turn_back(tls);
}

/* Does the handshake, suspended while it waits for the other side. The stream may be closed meanwhile, and the
 * connection gone with it. */
co_def(tls_handshake, {
    awl_stream *s;
    awl_tls *tls;
    const char *name;
    awl__tls_conn *conn;
    int error;
})
{
    co_begin;
    for (;;) {
        if (self->tls->limited) {
            co_await(awl_semaphore_acquire(&self->tls->turns));
            keep_turn(self->tls);
        }
        if (self->s->closing || self->s->error) /* the connection may be gone */
            co_raise(self->s->error ? self->s->error : ECONNABORTED);
        self->error = awl__tls_shake(self->conn);
        if (self->error != -EAGAIN)
            break;
        co_await(awl__stream_change(self->s));
        if (self->s->closing || self->s->error)
            co_raise(self->s->error ? self->s->error : ECONNABORTED);
    }
    if (self->error)
        co_raise(-self->error);
    awl__tls_remember(self->conn, self->name);
    self->conn->open = true;
    awl_stream_changed(self->s, true, true);
    co_end;
}

/* Why a handshake cannot even begin: 0 or the error. */
static int check(const awl_stream *s, const awl_tls *tls, const char *name)
{
    if (!s || !tls)
        return EINVAL;
    if (awl__tls_usable(tls))
        return tls->error;
    if (tls->loop != s->io.loop)
        return AWL_EOTHERLOOP;
    if (awl__tls_speaks(s)) {
        const int error = awl__tls_opened(s) ? EINVAL : EBUSY;

        awl__error_detail(s->io.loop, error,
                          error == EBUSY ? "a TLS handshake is at work on the stream" : "the stream speaks TLS already");
        return error;
    }
    if (name && tls->is_server) {
        awl__error_detail(s->io.loop, EINVAL, "a TLS server's context (awl_tls_server) cannot be used by a client");
        return EINVAL;
    }
    if (!name && !tls->is_server && !tls->n_pins && !tls->do_not_verify) {
        awl__error_detail(s->io.loop, EINVAL, "a TLS client needs the name that the server's certificate is to be for");
        return EINVAL;
    }
    return 0;
}

/* The stream has no use any more. A cancelled handshake ends it, too: half of one cannot be gone on with. */
static void spoil(awl_stream *s, awl_tls *tls, const char *name, int error)
{
    if (error == ETIMEDOUT && !s->closed)
        awl__tls_detail(s, name, error, "the TLS handshake took too long");
    awl__tls_forget(tls, s, name);
    if (error == ECANCELED)
        awl_stream_abort(s);
    else if (!s->closed)
        awl__stream_fail(s, error);
}

co_def(tls_start, {
    awl_stream *s;
    awl_tls *tls;
    const char *name;
    awl__tls_conn *conn;
    int error;
    bool held;
})
{
    co_begin;
    self->error = check(self->s, self->tls, self->name);
    if (!self->error)
        self->error = awl__tls_push(self->s, self->tls, self->name, &self->conn);
    if (self->error) /* the stream is as it was */
        co_raise(self->error);
    self->s->refs++;
    awl_tls_retain(self->tls);
    self->held = true;
    co_try_cancel(self->error, awl_wait_for(co_call(tls_handshake, .s = self->s, .tls = self->tls, .name = self->name,
                                                    .conn = self->conn),
                                            self->tls->handshake_timeout));
    if (self->error) {
        spoil(self->s, self->tls, self->name, self->error);
        co_raise(self->error);
    }
    co_finally;
    if (self->held) {
        awl__stream_drop(self->s);
        awl_tls_release(self->tls);
    }
    co_end;
}

awl_coro awl__tls_start(awl_stream *s, awl_tls *tls, const char *name)
{
    return co_call(tls_start, .s = s, .tls = tls, .name = name);
}

awl_coro awl_start_tls(awl_stream *s, awl_tls *tls, const char *name) { return awl__tls_start(s, tls, name); }
