/* awl_open_connection: names to addresses, and the addresses in turn; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "stream_priv.h"

enum { MOST_TRIED = 8 };

/* ---- One address ------------------------------------------------------------------------------------------------- */

/* Waits until the socket says that it is connected, or why not. */
static co_step connected_step(co_frame *frame, co_stack *stack)
{
    awl__stream_op *op = (awl__stream_op *)(void *)frame;
    awl_stream *s = op->stream;
    socklen_t size = sizeof(int);
    int error = 0;

    if (frame->state_ == AWL__OP_START)
        return awl__stream_park(op, stack, &s->gate.ops_);
    if (awl__stream_unpark(op, stack, &s->gate.ops_))
        error = ECANCELED;
    else if (getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    s->connecting = false;
    return awl__stream_leave_error(op, stack, error);
}

static const co_type connected_type = { connected_step, awl__stream_op_cancel,  "awl_open_connection",
                                        __FILE__,       sizeof(awl__stream_op), __LINE__ };

static awl_coro connected(awl_stream *s)
{
    awl__stream_op *self = awl__op_new(&connected_type, sizeof *self);

    if (self)
        self->stream = s;
    return awl__op(self);
}

/* Begins to connect. Result: 0, EINPROGRESS, or the error; in the first two cases *s is the stream. */
static int begin(const awl_address *address, const awl_stream_options *options, awl_stream **s)
{
    int fd = -1, memory;
    const int error = awl__socket_connect(address, &fd);

    if (error && error != EINPROGRESS)
        return error;
    *s = awl__stream_new(awl_running_, fd, options, &memory);
    if (!*s) {
        close(fd);
        return memory;
    }
    (*s)->connecting = error == EINPROGRESS;
    return error;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

co_def(open_connection, {
    const char *host;
    const awl_stream_options *options;
    awl_stream *s;
    int port, i, n, error;
    awl_address addresses[MOST_TRIED];
})
{
    co_begin;
    if (self->port < 1 || self->port > 65535)
        co_raise(EINVAL);
    co_let(self->n, awl_getaddrinfo(self->host, self->port, self->options ? self->options->family : AF_UNSPEC,
                                    self->addresses, MOST_TRIED));
    for (self->i = 0; self->i < self->n; self->i++) {
        self->error = begin(&self->addresses[self->i], self->options, &self->s);
        if (self->error == EINPROGRESS)
            co_try(self->error, connected(self->s));
        if (!self->error)
            break;
        awl_stream_close(self->s);
        self->s = NULL;
    }
    if (self->error)
        co_raise(self->error);
    co_return(self->s);
    co_finally;
    if (co_failing) {
        awl_stream_close(self->s);
        self->s = NULL;
    }
    co_end;
}

awl_coro awl_open_connection(const char *host, int port, const awl_stream_options *options)
{
    return co_call(open_connection, .host = host, .port = port, .options = options);
}
