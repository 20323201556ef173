/*
 * A TLS client: one line to a server, and its answer; what the connection is like, and what is wrong if there is none.
 *
 * Shows    awl_tls_client, awl_stream_options.tls, awl_tls_info, awl_error_message.
 * Build    cc 22_tls_client.c $(pkg-config --cflags --libs awl), or: ninja examples/22_tls_client
 * Prints   for ./22_tls_client --port 7000 --cacert ca.pem localhost, with 23_tls_server at the other end:
 *          TLSv1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, certificate of CN=localhost
 *          got back: hello over TLS
 *
 *     async def main():
 *         context = ssl.create_default_context(cafile=cacert)
 *         reader, writer = await asyncio.open_connection(host, port, ssl=context)
 *         print(*writer.get_extra_info("ssl_object").cipher())
 *         writer.write(b"hello over TLS\n")
 *         print("got back:", (await reader.readline()).decode())
 *         writer.close()
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

co_def(client, {
    const char *host, *cacert;
    int port;
    awl_trust *trust;
    awl_tls *tls;
    awl_stream *s;
    awl_stream_options options;
    awl_tls_details details;
    char *line;
})
{
    co_begin;
    if (self->cacert) /* else those that the system trusts */
        self->trust = awl_trust_from_file(self->cacert);
    self->tls = awl_tls_client(&(awl_tls_options){ .trust = self->trust });
    self->options.tls = self->tls; /* what could not be made is an error when it is used */
    co_let(self->s, awl_open_connection(self->host, self->port, &self->options));
    awl_tls_info(self->s, &self->details);
    printf("%s, %s, certificate of %s\n", self->details.version, self->details.suite, self->details.subject);
    awl_stream_print(self->s, "hello over TLS\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    printf("got back: %s", self->line ? self->line : "nothing\n");
    co_finally;
    awl_stream_close(self->s);
    awl_tls_release(self->tls);
    awl_trust_release(self->trust);
    co_end;
}

int main(int argc, char **argv)
{
    const char *host = "localhost", *cacert = NULL;
    int port = 443;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--port") && i + 1 < argc)
            port = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--cacert") && i + 1 < argc)
            cacert = argv[++i];
        else
            host = argv[i];
    }
    return awl_run(co_call(client, .host = host, .port = port, .cacert = cacert)); /* which says what went wrong */
}
