/*
 * A TLS server on awl: a coroutine per client, as a user writes it.
 *
 *     tls_awl ecdsa|rsa FOLDER        sessions can be resumed
 *
 * What a client wants is in its first byte: see tls_socket.h. All share one buffer, as in echo_awl.c.
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>

#include "peer.h"

enum { RECORD = 16384 }; /* bytes a read or a write, as in tls_bearssl.c */

static char buf[RECORD];

co_def(serve_client, {
    awl_stream *s;
    int n;
    char wish;
})
{
    co_begin;
    co_let(self->n, awl_stream_read(self->s, &self->wish, 1));
    if (self->n && self->wish == 'a') {
        awl_stream_write(self->s, &self->wish, 1);
    } else if (self->n && self->wish == 's') {
        do
            co_let(self->n, awl_stream_read(self->s, buf, sizeof buf));
        while (self->n);
    } else if (self->n && self->wish == 'r') {
        while (awl_stream_write(self->s, buf, sizeof buf) == 0)
            co_await (awl_stream_drain(self->s));
    }
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(serve_client, .s = s);
}

co_def(run, {
    const char *kind, *folder;
    awl_tls *tls;
    awl_server *server;
    awl_stream_options options;
    char cert[512], key[512];
})
{
    co_begin;
    snprintf(self->cert, sizeof self->cert, "%s/server-%s.crt", self->folder, self->kind);
    snprintf(self->key, sizeof self->key, "%s/server-%s.pem", self->folder, self->kind);
    self->tls = awl_tls_server(&(awl_tls_options){ .cert_file = self->cert, .key_file = self->key });
    if (!self->tls)
        co_raise(errno);
    self->options.backlog = PEER_BACKLOG;
    self->options.tls = self->tls;
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, &self->options));
    printf("%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await (awl_sleep(AWL_FOREVER));
    co_finally;
    awl_server_close(self->server);
    awl_tls_release(self->tls);
    co_end;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: tls_awl ecdsa|rsa FOLDER\n", stderr);
        return 2;
    }
    return awl_run(co_call(run, .kind = argv[1], .folder = argv[2])) ? 1 : 0;
}
