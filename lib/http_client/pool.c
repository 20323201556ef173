/* Connections that sessions keep, and how many there are; see awl/http_client.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "http_client_priv.h"

/* ---- Origins ---------------------------------------------------------------------------------------------------- */

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
    awl_semaphore_init(&o->slots,
                       session->options.limit_per_host > 0 ? (size_t)session->options.limit_per_host : SIZE_MAX);
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

/* ---- Idle connections ------------------------------------------------------------------------------------------- */

static void unlink_idle(awl__conn *conn)
{
    awl__conn **at = &conn->origin->idle;

    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    conn->all.prev->next = conn->all.next;
    conn->all.next->prev = conn->all.prev;
}

/* `clean`: what was written may still be sent. Else it is dropped, so that nobody waits for a peer that does not
 * read. */
static void free_conn(awl_http_session *session, awl__conn *conn, bool clean)
{
    awl__origin *origin = conn->origin;

    if (!clean)
        awl_stream_abort(conn->s);
    awl_stream_close(conn->s);
    awl__free(session->loop, conn, sizeof *conn);
    session->open--;
    leave_origin(session, origin);
}

/* Whether a connection that was idle still is: what can be read from it is its end, or what nobody asked for. The
 * stream may not know yet what the kernel does: `sure` asks that. */
static bool is_quiet(const awl__conn *conn, bool sure)
{
    awl_stream *s = conn->s;
    char c;

    if (s->error || s->closing || awl__input_len(&s->in) || s->transport->read(s->self, &c, 1) != -EAGAIN)
        return false;
    return !sure || (recv(awl_stream_fd(s), &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR));
}

static void sweep_later(void *arg) { awl__pool_sweep(arg, false); }

static void drop_idle(awl_http_session *session, awl__conn *conn)
{
    unlink_idle(conn);
    free_conn(session, conn, true);
}

void awl__pool_sweep(awl_http_session *session, bool all)
{
    awl__block *at = session->idle.next;

    while (at != &session->idle) {
        awl__conn *conn = (awl__conn *)(void *)at;

        at = at->next;
        if (all || session->loop->now >= conn->until || !is_quiet(conn, false))
            drop_idle(session, conn);
    }
    if (session->idle.next != &session->idle)
        awl_call_later(session->loop, &session->sweep, AWL_SECOND, sweep_later, session);
}

static awl__conn *take_idle(awl_http_session *session, awl__origin *origin, bool sure)
{
    while (origin->idle) {
        awl__conn *conn = origin->idle;

        unlink_idle(conn);
        if (session->loop->now < conn->until && is_quiet(conn, sure)) {
            conn->reused = true;
            return conn;
        }
        free_conn(session, conn, true);
    }
    return NULL;
}

/* There are no more connections than the limit: those that nobody uses, oldest first, make room. */
static void make_room(awl_http_session *session)
{
    while (session->open > (size_t)session->options.limit && session->idle.next != &session->idle)
        drop_idle(session, (awl__conn *)(void *)session->idle.next);
}

/* ---- Acquiring -------------------------------------------------------------------------------------------------- */

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

/* A connection through a proxy: to that itself where it sees the request, else a tunnel, in which TLS begins then. */
co_def(opens_through, {
    awl_http_session *session;
    const awl__target *target;
    awl_tls *tls;
    awl_stream *s;
    awl_stream_options options;
})
{
    const awl__proxy *p = self->target->proxy;

    co_begin;
    co_let(self->s, awl_open_connection(p->host, p->port, &self->options));
    if (!self->tls)
        co_return(self->s);
    co_await(awl__proxy_tunnel(self->session, p, self->s, self->target->host, self->target->port));
    co_await(awl__layer_of(self->tls)->start(self->s, self->tls, self->target->host));
    co_return(self->s);
    co_finally;
    if (co_failing)
        awl_stream_close(self->s);
    co_end;
}

/* A new connection, by whatever way. */
static awl_coro opens(awl_http_session *session, const awl__target *target, awl_stream_options *options)
{
    awl_tls *tls = options->tls;

    options->limit = 16384;
    options->server_name = target->host;
    if (session->options.unix_path)
        return awl_open_unix_connection(session->options.unix_path, options);
    if (!target->proxy)
        return awl_open_connection(target->host, target->port, options);
    options->tls = NULL;
    return co_call(opens_through, .session = session, .target = target, .tls = tls, .options = *options);
}

co_def(acquire, {
    awl_http_session *session;
    awl__target target;
    bool has_origin_slot, has_slot;
    awl__origin *origin;
    awl__conn *conn;
    awl_stream *s;
    awl_stream_options options;
    int rc;
})
{
    co_begin;
    if (self->session->closed)
        co_raise(ECONNABORTED);
    if (self->target.proxy && !self->target.https) { /* which one connection is for all hosts of */
        self->target.host = self->target.proxy->host;
        self->target.port = self->target.proxy->port;
    }
    self->origin = find_origin(self->session, self->target.host, self->target.port, self->target.https);
    if (!self->origin)
        co_raise(ENOMEM);
    self->origin->users++;
    co_await(awl_semaphore_acquire(&self->origin->slots));
    self->has_origin_slot = true;
    if (self->session->closed)
        co_raise(ECONNABORTED);
    co_await(awl_semaphore_acquire(&self->session->slots));
    self->has_slot = true;
    if (self->session->closed)
        co_raise(ECONNABORTED);
    self->conn = self->target.fresh ? NULL : take_idle(self->session, self->origin, self->target.sure);
    if (self->conn) {
        leave_origin(self->session, self->origin); /* which the connection has been a user of all the time */
        co_return(self->conn);
    }
    self->rc = self->target.https ? use_tls(self->session, &self->options) : 0;
    if (self->rc)
        co_raise(self->rc);
    co_let(self->s, opens(self->session, &self->target, &self->options));
    self->conn = awl__alloc(self->session->loop, sizeof *self->conn);
    if (!self->conn)
        co_raise(ENOMEM);
    *self->conn = (awl__conn){ .origin = self->origin, .s = self->s };
    self->session->open++;
    make_room(self->session);
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

awl_coro awl__conn_acquire(awl_http_session *session, const awl__target *target)
{
    return co_call(acquire, .session = session, .target = *target);
}

void awl__conn_release(awl_http_session *session, awl__conn *conn, awl_time keep)
{
    awl_semaphore_release(&session->slots);
    awl_semaphore_release(&conn->origin->slots);
    if (keep <= 0 || session->closed || conn->s->error || awl__input_len(&conn->s->in) || awl_stream_unsent(conn->s)) {
        free_conn(session, conn, !awl_stream_unsent(conn->s));
        return;
    }
    conn->until = awl__later(session->loop, keep);
    conn->next = conn->origin->idle;
    conn->origin->idle = conn;
    conn->all = (awl__block){ &session->idle, session->idle.prev };
    conn->all.prev->next = &conn->all;
    session->idle.prev = &conn->all;
    make_room(session);
    awl_call_later(session->loop, &session->sweep, AWL_SECOND, sweep_later, session); /* or it is under way already */
}

/* Each goes on, and finds the session closed. */
static void wake_all(awl_semaphore *slots)
{
    for (uint32_t n = slots->waiters_.n_; n; n--)
        awl_semaphore_release(slots);
}

void awl__pool_wake(awl_http_session *session)
{
    wake_all(&session->slots);
    for (awl__origin *o = session->origins; o; o = o->next)
        wake_all(&o->slots);
}
