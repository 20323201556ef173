/* One stream on awl, 64 kB a read or a write: `receive` reads to the end and says how many bytes there were, `send`
 * writes until the other side has gone. */
#include <awl.h>
#include <stdio.h>
#include <string.h>

#include "bulk.h"
#include "peer.h"

static char buf[PEER_BUFFER];

co_def(receive_all, {
    awl_stream *s;
    uint64_t count;
    int n;
    unsigned char text[8];
})
{
    co_begin;
    do {
        co_let(self->n, awl_stream_read(self->s, buf, sizeof buf));
        self->count += (uint64_t)self->n;
    } while (self->n);
    bulk_count(self->text, self->count);
    awl_stream_write(self->s, self->text, sizeof self->text);
    co_await (awl_stream_drain(self->s));
    co_end;
}

co_def(send_all, { awl_stream *s; })
{
    co_begin;
    while (awl_stream_write(self->s, buf, sizeof buf) == 0)
        co_await (awl_stream_drain(self->s));
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg)
{
    const bool *receives = arg;

    return *receives ? co_call(receive_all, .s = s) : co_call(send_all, .s = s);
}

co_def(run, {
    bool receives;
    awl_server *server;
})
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &self->receives, "127.0.0.1", 0, NULL));
    printf("%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await (awl_sleep(AWL_FOREVER));
    co_end;
}

int main(int argc, char **argv)
{
    bulk_fill(buf, sizeof buf);
    return awl_run(co_call(run, .receives = argc == 2 && strcmp(argv[1], "receive") == 0));
}
