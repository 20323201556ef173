/*
 * A TLS server of BearSSL and blocking sockets and nothing else, one client at a time.
 *
 *     tls_bearssl ecdsa|rsa FOLDER        sessions can be resumed
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "tls_common.h"
#include "tls_socket.h"

static char buf[TLS_RECORD];

static void serve(br_ssl_engine_context *engine, int fd)
{
    char wish;

    if (!tls_read(engine, fd, &wish, 1))
        return;
    if (wish == TLS_ASKS)
        tls_write(engine, fd, &wish, 1);
    while (wish == TLS_SENDS && tls_read(engine, fd, buf, sizeof buf))
        ;
    while (wish == TLS_RECEIVES && tls_write(engine, fd, buf, sizeof buf))
        ;
    tls_say_goodbye(engine, fd);
}

int main(int argc, char **argv)
{
    static tls_server server;
    tls_files files;
    int listener;

    if (argc != 3) {
        fputs("usage: tls_bearssl ecdsa|rsa FOLDER\n", stderr);
        return 2;
    }
    tls_read_files(&files, argv[2], argv[1]);
    tls_server_init(&server, &files, true);
    listener = peer_listen();
    for (;;) {
        const int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            peer_fail("accept");
        peer_nodelay(fd);
        if (!br_ssl_server_reset(&server.ssl))
            tls_fail("br_ssl_server_reset", br_ssl_engine_last_error(&server.ssl.eng));
        serve(&server.ssl.eng, fd);
        close(fd);
    }
}
