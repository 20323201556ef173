/* Servers: listening sockets, and a task for each client; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "stream_priv.h"

enum { MOST_LISTENERS = 8 };

typedef struct listener {
    awl__io io;
    awl_server *server;
    awl_handle accept; /* accepts now, or in a while */
} listener;

typedef struct client {
    awl__waiter waiter;
    struct client *next, *prev;
    awl_server *server;
    awl_task *task;
    awl_stream *s;
} client;

struct awl_server {
    awl_loop *loop;
    awl_client_fn *fn;
    void *arg;
    awl_stream_options options;
    client *clients;
    size_t served;
    uint32_t refs;
    bool stopped;
    awl__stream_op *waiters; /* wait_closed; their stream is unset */
    awl__closer closer;
    int port, n, cap; /* listeners: open, and room for */
    listener listeners[];
};

static size_t size_for(int listeners) { return sizeof(awl_server) + (size_t)listeners * sizeof(listener); }

/* ---- Stopping ---------------------------------------------------------------------------------------------------- */

static void close_listeners(awl_server *server)
{
    for (int i = 0; i < server->n; i++) {
        awl__io_close(&server->listeners[i].io);
        close(server->listeners[i].io.fd);
    }
}

static void stop(awl_server *server)
{
    if (server->stopped)
        return;
    server->stopped = true;
    awl__closer_remove(&server->closer);
    for (int i = 0; i < server->n; i++)
        awl_handle_cancel(&server->listeners[i].accept);
    close_listeners(server);
    if (!server->served)
        awl__stream_wake(server->waiters, 0);
}

static void drop(awl_server *server)
{
    if (--server->refs)
        return;
    if (server->options.tls)
        awl__layer_of(server->options.tls)->release(server->options.tls);
    awl__free(server->loop, server, size_for(server->cap));
}

/* No task runs any more, and the memory goes with the loop. */
static void loop_closed(awl_loop *loop, awl__closer *closer)
{
    (void)loop;
    close_listeners((awl_server *)(void *)((char *)closer - offsetof(awl_server, closer)));
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

/* The coroutine has ended: its stream is closed, if it has not done so itself. */
static void client_done(awl_loop *loop, awl__waiter *waiter)
{
    client *c = (client *)(void *)waiter;
    awl_server *server = c->server;

    if (c->s->error && awl_task_future(c->task)->error_ == c->s->error)
        (void)awl_task_error(c->task); /* a client that has gone is no news: this error counts as seen */
    if (!c->s->given_back)
        awl_stream_close(c->s);
    awl__stream_drop(c->s);
    if (c->prev)
        c->prev->next = c->next;
    else
        server->clients = c->next;
    if (c->next)
        c->next->prev = c->prev;
    awl_task_release(c->task);
    awl__free(loop, c, sizeof *c);
    if (--server->served == 0 && server->stopped)
        awl__stream_wake(server->waiters, 0);
    drop(server);
}

/* The coroutine of a client whose server speaks TLS. */
co_def(serve_tls, {
    awl_server *server;
    awl_stream *s;
})
{
    co_begin;
    co_await(awl__layer_of(self->server->options.tls)->start(self->s, self->server->options.tls, NULL));
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
    client *c = awl__alloc(server->loop, sizeof *c);
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

static void accept_some(void *arg);

/* Descriptors or memory have run out: says so, and tries again in a second. */
static void pause_accepting(listener *at, int error)
{
    awl__report(at->server->loop,
                &(awl_report){ .what = "this server cannot accept a connection, and tries again in a second",
                               .name = "awl_start_server",
                               .error = error });
    if (!at->server->stopped) /* by who was told */
        awl_call_later(at->server->loop, &at->accept, AWL_SECOND, accept_some, at);
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

/* Accepts what is there; the server's function, and who reads the reports, may close the server meanwhile. */
static void accept_all(listener *at, awl_server *server)
{
    for (int i = 0; i < server->options.backlog && !server->stopped; i++) {
        const int fd = accept4(at->io.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int error = fd < 0 ? errno : serve(server, fd);

        if (fd < 0 && (error == EAGAIN || error == EWOULDBLOCK))
            return;
        if (fd < 0 && is_of_connection(error))
            continue;
        if (error) {
            pause_accepting(at, error);
            return;
        }
    }
    if (!server->stopped)
        awl_call_soon(server->loop, &at->accept, accept_some, at);
}

static void accept_some(void *arg)
{
    listener *at = arg;
    awl_server *server = at->server;

    server->refs++;
    accept_all(at, server);
    drop(server);
}

static void changed(awl__io *io, bool readable, bool writable)
{
    listener *at = (listener *)(void *)((char *)io - offsetof(listener, io));

    (void)writable;
    if (readable)
        awl_call_soon(io->loop, &at->accept, accept_some, at); /* or it is scheduled already */
}

/* ---- Starting ---------------------------------------------------------------------------------------------------- */

/* Listens on one more address; all of them on the same port. 0 or the error. */
static int add_listener(awl_server *server, awl_address *address)
{
    listener *at = &server->listeners[server->n];
    socklen_t size = sizeof address->of;
    int fd, error;

    if (server->n && address->of.any.sa_family == AF_INET)
        address->of.v4.sin_port = htons((uint16_t)server->port);
    else if (server->n)
        address->of.v6.sin6_port = htons((uint16_t)server->port);
    error = awl__socket_listen(address, server->options.backlog, &fd);
    if (error)
        return error;
    at->io.changed = changed;
    at->server = server;
    error = awl__io_open(server->loop, &at->io, fd);
    if (error) {
        close(fd);
        return error;
    }
    server->n++;
    if (getsockname(fd, &address->of.any, &size) == 0)
        server->port = awl_address_port(address);
    return 0;
}

/* A server on all of `addresses` that can be listened on. NULL: on none, *error says why. */
static awl_server *open_server(awl_loop *loop, awl_address *addresses, int n, const awl_stream_options *options,
                               int *error)
{
    awl_server *server = awl__alloc(loop, size_for(n));

    *error = ENOMEM;
    if (!server)
        return NULL;
    memset(server, 0, size_for(n));
    server->loop = loop;
    server->cap = n;
    if (options)
        server->options = *options;
    if (server->options.backlog <= 0)
        server->options.backlog = 100;
    for (int i = 0; i < n; i++)
        *error = add_listener(server, &addresses[i]);
    if (!server->n) {
        awl__free(loop, server, size_for(n));
        return NULL;
    }
    *error = 0;
    return server;
}

co_def(start_server, {
    awl_client_fn *fn;
    void *arg;
    const char *host;
    const awl_stream_options *options;
    int port, family, n, error;
    awl_address addresses[MOST_LISTENERS];
})
{
    awl_server *server;

    co_begin;
    self->family = self->options ? self->options->family : AF_UNSPEC;
    if (!self->fn || self->port < 0 || self->port > 65535)
        co_raise(EINVAL);
    if (self->host) {
        co_let(self->n, awl_getaddrinfo(self->host, self->port, self->family, self->addresses, MOST_LISTENERS));
    } else {
        awl_address_parse(self->family == AF_INET ? "0.0.0.0" : "::", self->port, &self->addresses[0]);
        self->n = 1;
    }
    server = open_server(awl_running_, self->addresses, self->n, self->options, &self->error);
    if (!server && !self->host && self->error == EAFNOSUPPORT) { /* a kernel without IPv6 */
        awl_address_parse("0.0.0.0", self->port, &self->addresses[0]);
        server = open_server(awl_running_, self->addresses, 1, self->options, &self->error);
    }
    if (!server)
        co_raise(self->error);
    server->fn = self->fn;
    server->arg = self->arg;
    server->refs = 1;
    if (server->options.tls)
        awl__layer_of(server->options.tls)->retain(server->options.tls);
    awl__closer_add(server->loop, &server->closer, loop_closed);
    co_return(server);
    co_end;
}

awl_coro awl_start_server(awl_client_fn *client_fn, void *arg, const char *host, int port,
                          const awl_stream_options *options)
{
    return co_call(start_server, .fn = client_fn, .arg = arg, .host = host, .port = port, .options = options);
}

/* ---- Asking and closing ------------------------------------------------------------------------------------------ */

int awl_server_port(const awl_server *server) { return server ? server->port : 0; }

size_t awl_server_clients(const awl_server *server) { return server ? server->served : 0; }

void awl_server_cancel_clients(awl_server *server)
{
    if (!server)
        return;
    awl__loop_check(server->loop);
    for (client *c = server->clients; c; c = c->next)
        awl_task_cancel(c->task);
}

typedef struct server_closed_frame {
    awl__stream_op op; /* of no stream */
    awl_server *server;
} server_closed_frame;

static co_step server_closed_step(co_frame *frame, co_stack *stack)
{
    server_closed_frame *self = (server_closed_frame *)(void *)frame;
    awl_server *server = self->server;
    bool cancelled = false;

    if (!server)
        return awl__op_end(frame, stack, EINVAL);
    if (frame->state_ == AWL__OP_START) {
        stop(server);
        server->refs++;
    } else {
        cancelled = awl__stream_unpark(&self->op, stack, &server->waiters);
    }
    if (server->served && !cancelled)
        return awl__stream_park(&self->op, stack, &server->waiters);
    drop(server);
    return awl__op_end_plain(frame, stack, cancelled ? ECANCELED : 0);
}

static const co_type server_closed_type = { server_closed_step, awl__stream_op_cancel,       "awl_server_wait_closed",
                                            __FILE__,           sizeof(server_closed_frame), __LINE__ };

awl_coro awl_server_wait_closed(awl_server *server)
{
    server_closed_frame *self = awl__op_new(&server_closed_type, sizeof *self);

    if (self) {
        self->op.stream = NULL;
        self->server = server;
    }
    return awl__op(self);
}

void awl_server_close(awl_server *server)
{
    if (!server)
        return;
    awl__loop_check(server->loop);
    stop(server);
    drop(server);
}
