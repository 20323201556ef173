/* Servers: a task for each connection that is accepted; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "server_priv.h"

struct awl__client {
    awl__waiter waiter; /* for the end of the coroutine */
    awl__entry gone;    /* made ready when the connection has closed after that */
    awl__client *next, *prev;
    awl_server *server;
    awl_task *task; /* NULL: it has ended */
    awl_stream *s;
};

/* ---- Stopping ---------------------------------------------------------------------------------------------------- */

/* The file goes first: as long as its socket is open, no other file can have the inode by which it is known. */
void awl__server_close_listeners(awl_server *server)
{
    if (!awl__loop_forked(server->loop))
        awl__unix_unlink(&server->file);
    for (int i = 0; i < server->n; i++) {
        awl__io_close(&server->listeners[i].io);
        close(server->listeners[i].io.fd);
        server->listeners[i].io.fd = -1;
    }
}

void awl__server_stop(awl_server *server)
{
    if (server->stopped)
        return;
    server->stopped = true;
    awl__closer_remove(&server->closer);
    for (int i = 0; i < server->n; i++)
        awl_handle_cancel(&server->listeners[i].accept);
    awl__server_close_listeners(server);
    if (server->stopped_fn)
        server->stopped_fn(server->arg);
    awl__stream_wake(server->waiters, 0);
}

void awl__server_adopt(awl_server *server, void (*stopped)(void *arg), void (*released)(void *arg))
{
    server->stopped_fn = stopped;
    server->released_fn = released;
}

void awl__server_free(awl_server *server)
{
    if (server->options.tls)
        awl__layer_of(server->options.tls)->release(server->options.tls);
    if (server->released_fn)
        server->released_fn(server->arg);
    awl__free(server->loop, server, sizeof *server + (size_t)server->cap * sizeof(awl__listener));
}

void awl__server_drop(awl_server *server)
{
    if (--server->refs == 0)
        awl__server_free(server);
}

/* No task runs any more, and the memory goes with the loop. */
void awl__server_loop_closed(awl_loop *loop, awl__closer *closer)
{
    (void)loop;
    awl__server_close_listeners((awl_server *)(void *)((char *)closer - offsetof(awl_server, closer)));
}

void awl__server_cancel(awl_server *server)
{
    for (awl__client *c = server->clients; c; c = c->next)
        awl_task_cancel(c->task);
}

void awl__server_abort(awl_server *server, bool all)
{
    for (awl__client *c = server->clients; c; c = c->next)
        if (all || !c->task)
            awl_stream_abort(c->s);
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

static void accept_some(void *arg);

static bool is_full(const awl_server *server)
{
    return server->options.max_clients && server->served >= server->options.max_clients;
}

/* There is room for one client more, and perhaps a descriptor and memory. */
static void accept_again(awl_server *server)
{
    for (int i = 0; i < server->n; i++) {
        awl__listener *at = &server->listeners[i];

        awl_handle_cancel(&at->accept);
        awl_call_soon(server->loop, &at->accept, accept_some, at);
    }
}

/* The connection is closed as well: the server has nothing more to do with this client. */
static void client_gone(awl__client *c)
{
    awl_server *server = c->server;
    const bool was_full = is_full(server);

    if (c->prev)
        c->prev->next = c->next;
    else
        server->clients = c->next;
    if (c->next)
        c->next->prev = c->prev;
    awl__stream_drop(c->s);
    awl__free(server->loop, c, sizeof *c);
    server->served--;
    if (server->stopped && !server->served)
        awl__stream_wake(server->waiters, 0);
    else if (!server->stopped && (was_full || server->short_of))
        accept_again(server);
    awl__server_drop(server);
}

static void run_gone(awl_loop *loop, awl__entry *entry)
{
    (void)loop;
    client_gone((awl__client *)(void *)((char *)entry - offsetof(awl__client, gone)));
}

/* The coroutine has ended: its stream is closed, if it has not done so itself. */
static void client_done(awl_loop *loop, awl__waiter *waiter)
{
    awl__client *c = (awl__client *)(void *)waiter;

    if (c->s->error && awl_task_future(c->task)->error_ == c->s->error)
        (void)awl_task_error(c->task); /* a client that has gone is no news: this error counts as seen */
    if (!c->s->given_back)
        awl_stream_close(c->s);
    awl_task_release(c->task);
    c->task = NULL;
    if (c->server->hurried)
        awl_stream_abort(c->s);
    if (c->s->closed) {
        client_gone(c);
        return;
    }
    loop->run[AWL__GONE] = run_gone;
    c->gone.kind_ = AWL__GONE;
    c->s->gone = &c->gone;
}

/* Clients whose handshakes fail are everyday, and of no interest but to who looks for the reason. */
static void report_handshake(awl_loop *loop, int error)
{
    if (loop->options.debug)
        awl__report(loop, &(awl_report){ .what = "the TLS handshake with a client failed, which is not served",
                                         .name = "awl_start_server",
                                         .error = error });
}

co_def(server_handshake, { awl_stream *s; awl_tls *tls; int error; })
{
    co_begin;
    co_try(self->error, awl__layer_of(self->tls)->start(self->s, self->tls, NULL));
    if (self->error) {
        report_handshake(self->s->io.loop, self->error);
        co_raise(self->error);
    }
    co_end;
}

awl_coro awl__server_handshake(awl_stream *s, awl_tls *tls) { return co_call(server_handshake, .s = s, .tls = tls); }

/* The coroutine of a client whose server speaks TLS. */
co_def(serve_tls, { awl_server *server; awl_stream *s; })
{
    co_begin;
    co_await(awl__server_handshake(self->s, self->server->options.tls));
    co_await(self->server->fn(self->s, self->server->arg));
    co_end;
}

static awl_coro coroutine_of(awl_server *server, awl_stream *s)
{
    return server->options.tls ? co_call(serve_tls, .server = server, .s = s) : server->fn(s, server->arg);
}

/* Serves a connection; fd is closed in any case. 0 or the error. */
static int serve(awl_server *server, int fd)
{
    awl__client *c = awl__alloc(server->loop, sizeof *c);
    awl_nursery_ before;
    int error = ENOMEM;

    if (!c)
        goto close_fd;
    memset(c, 0, sizeof *c);
    c->s = awl__stream_new(server->loop, fd, true, &server->options, &error);
    if (!c->s)
        goto free_client;
    c->s->refs++; /* the function, or its coroutine, may close it earlier */
    before = awl_nursery_open_(__FILE__, __LINE__);
    c->task = awl_nursery_close_(before, coroutine_of(server, c->s), &awl__no_site);
    if (!c->task)
        goto close_stream;
    c->server = server;
    c->next = server->clients;
    if (c->next)
        c->next->prev = c;
    server->clients = c;
    server->served++;
    server->refs++;
    awl__watch(awl_task_future(c->task), &c->waiter, client_done);
    return 0;

close_stream:
    if (!c->s->given_back)
        awl_stream_close(c->s);
    awl__stream_drop(c->s);
    awl__free(server->loop, c, sizeof *c);
    return ENOMEM;
free_client:
    awl__free(server->loop, c, sizeof *c);
close_fd:
    close(fd);
    return error;
}

/* ---- Accepting --------------------------------------------------------------------------------------------------- */

/* Descriptors or memory have run out: says so, once until a client is served again, and tries again in a second. */
static void pause_accepting(awl__listener *at, int error)
{
    awl_server *server = at->server;

    if (!server->short_of) {
        server->short_of = true;
        awl__report(server->loop, &(awl_report){ .what = "this server cannot accept a connection; it tries again each "
                                                         "second, and when a client has left",
                                                 .name = "awl_start_server",
                                                 .error = error });
    }
    if (!server->stopped) /* by who was told */
        awl_call_later(server->loop, &at->accept, AWL_SECOND, accept_some, at);
}

/* Whether an error of accept is that of a connection which ended before it was accepted, see accept(2). */
static bool is_of_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENONET: return true;
    default: return false;
    }
}

/* The kernel looks for a free descriptor before it looks for a connection: so without one, it does not tell whether
 * anybody waits. */
static bool nobody_waits(int fd, int error)
{
    struct pollfd waits = { .fd = fd, .events = POLLIN };

    return error == EAGAIN || error == EWOULDBLOCK || ((error == EMFILE || error == ENFILE) && poll(&waits, 1, 0) == 0);
}

/* Accepts what is there; the server's function, and who reads the reports, may close the server meanwhile. */
static void accept_all(awl__listener *at, awl_server *server)
{
    for (int i = 0; i < server->options.backlog && !server->stopped && !is_full(server); i++) {
        const int fd = accept4(at->io.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        const int error = fd < 0 ? errno : serve(server, fd);

        if (fd < 0 && nobody_waits(at->io.fd, error))
            return;
        if (fd < 0 && is_of_connection(error))
            continue;
        if (error) {
            pause_accepting(at, error);
            return;
        }
        server->short_of = false;
    }
    if (!server->stopped && !is_full(server)) /* else a client that leaves calls */
        awl_call_soon(server->loop, &at->accept, accept_some, at);
}

static void accept_some(void *arg)
{
    awl__listener *at = arg;
    awl_server *server = at->server;

    server->refs++;
    accept_all(at, server);
    awl__server_drop(server);
}

static void changed(awl__io *io, bool readable, bool writable)
{
    awl__listener *at = (awl__listener *)(void *)((char *)io - offsetof(awl__listener, io));

    (void)writable;
    if (readable)
        awl_call_soon(io->loop, &at->accept, accept_some, at); /* or it is scheduled already */
}

void awl__server_listen(awl__listener *at, awl_server *server)
{
    at->server = server;
    at->io.changed = changed;
}
