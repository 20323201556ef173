/*
 * A TLS server: an echo, in secret. Clients that make no sense end, and the others do not notice.
 *
 * Shows    awl_tls_server, awl_stream_options.tls of a server.
 * Build    cc 23_tls_server.c $(pkg-config --cflags --libs awl), or: ninja examples/23_tls_server
 *          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout key.pem -out cert.pem
 *              -subj /CN=localhost -addext subjectAltName=DNS:localhost
 * Prints   listening on 127.0.0.1:PORT       for ./23_tls_server --port 7000 --cert cert.pem --key key.pem, and echoes:
 *          ./22_tls_client --port 7000 --cacert cert.pem localhost
 *
 *     async def main():
 *         context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
 *         context.load_cert_chain(cert, key)
 *         server = await asyncio.start_server(echo, "127.0.0.1", port, ssl=context)
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
        if (self->n == 0) /* the client has said goodbye */
            break;
        if (awl_stream_write(self->s, self->buf, (size_t)self->n))
            break;
        co_await(awl_stream_drain(self->s));
    }
    co_end; /* the server says goodbye and closes the stream */
}

static awl_coro serve(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(echo, .s = s); /* the handshake is over */
}

co_def(run, {
    awl_tls_options tls_options;
    int port;
    awl_tls *tls;
    awl_stream_options options;
    awl_server *server;
})
{
    co_begin;
    self->tls = awl_tls_server(&self->tls_options);
    self->options.tls = self->tls;

    /* If that could not be made, this fails and says which file is to blame, and what is wrong with it. */
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", self->port, &self->options));
    printf("listening on 127.0.0.1:%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await(awl_sleep(AWL_FOREVER));
    co_finally;
    awl_server_close(self->server);
    awl_tls_release(self->tls);
    co_end;
}

int main(int argc, char **argv)
{
    awl_tls_options options = { .cert_file = "cert.pem", .key_file = "key.pem" };
    int port = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port"))
            port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--cert"))
            options.cert_file = argv[i + 1];
        else if (!strcmp(argv[i], "--key"))
            options.key_file = argv[i + 1];
    }
    return awl_run(co_call(run, .tls_options = options, .port = port));
}
