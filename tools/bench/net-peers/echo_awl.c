/*
 * An echo server on awl: a coroutine per client, as a user writes it.
 *
 * All share one buffer: a read fills it in the same step in which the coroutine goes on, and a write that the kernel
 * does not take keeps a copy. So nothing in it is needed over a suspension, and an idle client holds no buffer.
 */
#include <awl.h>
#include <stdio.h>

#include "peer.h"

static char buf[PEER_BUFFER];

co_def(echo, {
    awl_stream *s;
    int n;
})
{
    co_begin;
    for (;;) {
        co_let(self->n, awl_stream_read(self->s, buf, sizeof buf));
        if (self->n == 0)
            break;
        if (awl_stream_write(self->s, buf, (size_t)self->n))
            break; /* the client has gone */
        co_await (awl_stream_drain(self->s));
    }
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(echo, .s = s);
}

co_def(run, {
    awl_server *server;
    awl_stream_options options;
})
{
    co_begin;
    self->options.backlog = PEER_BACKLOG;
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, &self->options));
    printf("%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await (awl_sleep(AWL_FOREVER));
    co_end;
}

int main(void) { return awl_run(co_call(run)); }
