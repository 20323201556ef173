/* Connections that sessions keep, and how many there are; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "client_priv.h"

/* ---- Origins ----------------------------------------------------------------------------------------------------- */

static awl__origin *find_origin(awl_http_session *session, const char *host, int port, bool https)
{
    awl__origin *o = session->origins;
    const size_t size = sizeof *o + strlen(host) + 1;

    while (o && (o->port != port || o->https != https || strcmp(o->host, host) != 0))
        o = o->next;
    if (o)
        return o;
    o = awl__alloc(session->loop, size);
    if (!o)
        return NULL;
    memset(o, 0, sizeof *o);
    o->size = size;
    o->port = port;
    o->https = https;
    strcpy(o->host, host);
    awl_semaphore_init(&o->slots, session->options.limit_per_host > 0 ? (size_t)session->options.limit_per_host : SIZE_MAX);
    o->next = session->origins;
    session->origins = o;
    return o;
}

static void leave_origin(awl_http_session *session, awl__origin *origin)
{
    awl__origin **at = &session->origins;

    if (--origin->users)
        return;
    while (*at != origin)
        at = &(*at)->next;
    *at = origin->next;
    awl__free(session->loop, origin, origin->size);
}

/* ---- Idle connections -------------------------------------------------------------------------------------------- */

static void unlink_idle(awl__conn *conn)
{
    awl__conn **at = &conn->origin->idle;

    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    conn->all.prev->next = conn->all.next;
    conn->all.next->prev = conn->all.prev;
}

static void free_conn(awl_http_session *session, awl__conn *conn)
{
    awl__origin *origin = conn->origin;

    awl_stream_close(conn->s);
    awl__free(session->loop, conn, sizeof *conn);
    leave_origin(session, origin);
}

/* Whether a connection that was idle still is: what can be read from it is its end, or what nobody asked for. */
static bool is_quiet(awl__conn *conn)
{
    awl_stream *s = conn->s;
    char c;

    return !s->error && !s->closing && !awl__input_len(&s->in) && s->transport->read(s->self, &c, 1) == -EAGAIN;
}

static void sweep_later(void *arg) { awl__pool_sweep(arg, false); }

void awl__pool_sweep(awl_http_session *session, bool all)
{
    awl__block *at = session->idle.next;

    while (at != &session->idle) {
        awl__conn *conn = (awl__conn *)(void *)at;

        at = at->next;
        if (all || session->loop->now - conn->idle_since >= session->options.keep_alive || !is_quiet(conn)) {
            unlink_idle(conn);
            free_conn(session, conn);
        }
    }
    if (session->idle.next != &session->idle)
        awl_call_later(session->loop, &session->sweep, AWL_SECOND, sweep_later, session);
}

static awl__conn *take_idle(awl__origin *origin, awl_http_session *session)
{
    while (origin->idle) {
        awl__conn *conn = origin->idle;

        unlink_idle(conn);
        if (is_quiet(conn)) {
            conn->reused = true;
            return conn;
        }
        free_conn(session, conn);
    }
    return NULL;
}

/* ---- Acquiring --------------------------------------------------------------------------------------------------- */

static int use_tls(awl_http_session *session, awl_stream_options *options)
{
    if (!session->tls) {
        session->tls = awl__http_tls();
        if (!session->tls)
            return errno;
    }
    options->tls = session->tls;
    return 0;
}

co_def(acquire, {
    awl_http_session *session;
    const char *host;
    int port;
    bool https, fresh, has_origin_slot, has_slot;
    awl__origin *origin;
    awl__conn *conn;
    awl_stream *s;
    awl_stream_options options;
    int rc;
})
{
    co_begin;
    self->origin = find_origin(self->session, self->host, self->port, self->https);
    if (!self->origin)
        co_raise(ENOMEM);
    self->origin->users++;
    co_await(awl_semaphore_acquire(&self->origin->slots));
    self->has_origin_slot = true;
    co_await(awl_semaphore_acquire(&self->session->slots));
    self->has_slot = true;
    if (self->session->closed)
        co_raise(ECONNABORTED);
    self->conn = self->fresh ? NULL : take_idle(self->origin, self->session);
    if (self->conn) {
        leave_origin(self->session, self->origin); /* which the connection has been a user of all the time */
        co_return(self->conn);
    }
    self->options.limit = 16384;
    self->rc = self->https ? use_tls(self->session, &self->options) : 0;
    if (self->rc)
        co_raise(self->rc);
    co_let(self->s, awl_open_connection(self->host, self->port, &self->options));
    self->conn = awl__alloc(self->session->loop, sizeof *self->conn);
    if (!self->conn)
        co_raise(ENOMEM);
    *self->conn = (awl__conn){ .origin = self->origin, .s = self->s };
    co_return(self->conn);
    co_finally;
    if (co_failing) {
        awl_stream_close(self->s);
        if (self->has_slot)
            awl_semaphore_release(&self->session->slots);
        if (self->has_origin_slot)
            awl_semaphore_release(&self->origin->slots);
        if (self->origin)
            leave_origin(self->session, self->origin);
    }
    co_end;
}

awl_coro awl__conn_acquire(awl_http_session *session, const char *host, int port, bool https, bool fresh)
{
    return co_call(acquire, .session = session, .host = host, .port = port, .https = https, .fresh = fresh);
}

void awl__conn_release(awl_http_session *session, awl__conn *conn, bool keep)
{
    awl_semaphore_release(&session->slots);
    awl_semaphore_release(&conn->origin->slots);
    if (!keep || session->closed || session->options.keep_alive < 0 || conn->s->error || awl__input_len(&conn->s->in)) {
        free_conn(session, conn);
        return;
    }
    conn->idle_since = session->loop->now;
    conn->next = conn->origin->idle;
    conn->origin->idle = conn;
    conn->all = (awl__block){ &session->idle, session->idle.prev };
    conn->all.prev->next = &conn->all;
    session->idle.prev = &conn->all;
    awl_call_later(session->loop, &session->sweep, AWL_SECOND, sweep_later, session); /* or it is under way already */
}
