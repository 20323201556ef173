/* awl_open_connection: names to addresses, and the addresses in turn; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "stream_priv.h"

enum { MOST_TRIED = 8 };

/* ---- One address ------------------------------------------------------------------------------------------------- */

/* What has become of a socket that was connecting: 0 or the error. */
static int outcome(const awl_stream *s)
{
    socklen_t size = sizeof(int);
    int error = 0;

    return getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

/* Begins to connect. Result: 0, EINPROGRESS, or the error; in the first two cases *s is the stream. */
static int begin(const awl_address *address, const awl_stream_options *options, awl_stream **s)
{
    int fd = -1, memory;
    const int error = awl__socket_connect(address, &fd);

    if (error && error != EINPROGRESS)
        return error;
    *s = awl__stream_new(awl_running_, fd, true, options, &memory);
    if (!*s) {
        close(fd);
        return memory;
    }
    (*s)->writable = (*s)->readable = error == 0;
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
        if (self->error == EINPROGRESS) {
            while (!self->s->writable)
                co_await(awl__stream_change(self->s));
            self->error = outcome(self->s);
        }
        if (!self->error)
            break;
        awl_stream_close(self->s);
        self->s = NULL;
    }
    if (self->error)
        co_raise(self->error);
    if (self->options && self->options->tls)
        co_await(awl__layer_of(self->options->tls)
                     ->start(self->s, self->options->tls,
                             self->options->server_name ? self->options->server_name : self->host));
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
