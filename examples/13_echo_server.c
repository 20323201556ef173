/*
 * An echo server: a coroutine per client.
 *
 * Shows    awl_start_server, awl_stream_read, awl_stream_write, awl_stream_drain.
 * Build    cc 13_echo_server.c $(pkg-config --cflags --libs awl), or: ninja examples/13_echo_server
 * Prints   listening on 127.0.0.1:PORT       and echoes what clients send, until it is interrupted:
 *          ./13_echo_server --port 7000     and elsewhere     nc 127.0.0.1 7000
 *          With --cert FILE --key FILE it speaks TLS; with --once it is its own client, says what it got back, and
 * ends.
 *
 *     async def echo(reader, writer):
 *         while data := await reader.read(4096):
 *             writer.write(data)
 *             await writer.drain()
 *         writer.close()
 *
 *     async def main():
 *         server = await asyncio.start_server(echo, "127.0.0.1", port)
 *         await server.serve_forever()
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

co_def(echo, {
    awl_stream *s;
    int n;
    char buf[4096];
})
{
    co_begin;
    for (;;) {
        co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        if (awl_stream_write(self->s, self->buf, (size_t)self->n))
            break; /* the client has gone */
        co_await(awl_stream_drain(self->s));
    }
    co_end; /* the server closes the stream */
}

static awl_coro serve(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(echo, .s = s);
}

co_def(client, {
    int port;
    awl_stream *s;
    char *line;
})
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    awl_stream_print(self->s, "hello, echo\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    printf("got back: %s", self->line ? self->line : "nothing\n");
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

co_def(run, {
    int port;
    bool once;
    awl_tls_options tls;
    awl_stream_options options;
    awl_server *server;
})
{
    co_begin;
    if (self->tls.cert_file) {
        self->options.tls = awl_tls_server(&self->tls);
        if (awl_tls_error(self->options.tls))
            co_raise(awl_tls_error(self->options.tls));
    }
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", self->port, &self->options));
    if (self->once) {
        co_await(co_call(client, .port = awl_server_port(self->server)));
    } else {
        printf("listening on 127.0.0.1:%d\n", awl_server_port(self->server));
        fflush(stdout);
        co_await(awl_sleep(AWL_FOREVER));
    }
    co_finally;
    awl_server_close(self->server);
    awl_tls_release(self->options.tls);
    co_end;
}

int main(int argc, char **argv)
{
    awl_tls_options tls = { .cert_file = NULL };
    bool once = false;
    int port = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--once"))
            once = true;
        else if (!strcmp(argv[i], "--port") && i + 1 < argc)
            port = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--cert") && i + 1 < argc)
            tls.cert_file = argv[++i];
        else if (!strcmp(argv[i], "--key") && i + 1 < argc)
            tls.key_file = argv[++i];
    }
    return awl_run(co_call(run, .port = port, .once = once, .tls = tls));
}
