/*
 * The load for TLS servers: a BearSSL client on one blocking socket after the other.
 *
 *     net-tls-load full|resumed|send|receive ecdsa|rsa FOLDER PID PORT SECONDS
 *
 * `full` and `resumed` connect, shake hands, and have one byte come back; `send` and `receive` are one stream of full
 * records. Prints one JSON object on one line, as net-load does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "tls_common.h"
#include "tls_socket.h"

static const double warm_up = 0.3;
static char buf[TLS_RECORD];
static tls_client client;

static void fail(const char *what)
{
    const int error = br_ssl_engine_last_error(&client.ssl.eng);

    errno = 0;
    if (error)
        tls_fail(what, error);
    load_fail(what);
}

/* Connects, and says what is wished. */
static int begin(const load *l, char wish, bool resumed)
{
    const int fd = load_connect(l);

    if (!br_ssl_client_reset(&client.ssl, TLS_NAME, resumed) || !tls_write(&client.ssl.eng, fd, &wish, 1))
        fail("the handshake");
    return fd;
}

/* A connection for each byte. Result: how many. */
static long shake_until(const load *l, double end, bool resumed)
{
    long n = 0;

    for (; load_now() < end; n++) {
        const int fd = begin(l, TLS_ASKS, resumed);
        char answer = 0;

        if (tls_read(&client.ssl.eng, fd, &answer, 1) != 1 || answer != TLS_ASKS)
            fail("the byte that comes back");
        while (tls_read(&client.ssl.eng, fd, &answer, 1))
            ;
        close(fd);
    }
    return n;
}

/* Full records one way. Result: bytes. */
static long stream_until(int fd, double end, bool sends)
{
    long bytes = 0;

    while (load_now() < end) {
        const size_t n =
            sends ? tls_write(&client.ssl.eng, fd, buf, sizeof buf) : tls_read(&client.ssl.eng, fd, buf, sizeof buf);

        if (!n)
            fail("the stream ended");
        bytes += (long)n;
    }
    return bytes;
}

int main(int argc, char **argv)
{
    load l;
    tls_files files;
    bool resumed, shakes, sends;
    double start, cpu, own;
    int fd = -1;
    long n;

    if (argc != 7) {
        fputs("usage: net-tls-load full|resumed|send|receive ecdsa|rsa FOLDER PID PORT SECONDS\n", stderr);
        return 2;
    }
    l = (load){ argv[1], (pid_t)atol(argv[4]), atoi(argv[5]), 1, atof(argv[6]) };
    resumed = strcmp(l.what, "resumed") == 0;
    shakes = resumed || strcmp(l.what, "full") == 0;
    sends = strcmp(l.what, "send") == 0;
    tls_read_files(&files, argv[3], argv[2]);
    tls_client_init(&client, &files);

    /* The first handshake is a full one in any case: there is no session yet. */
    if (!shakes)
        fd = begin(&l, sends ? TLS_SENDS : TLS_RECEIVES, false);
    start = load_now() + warm_up;
    n = shakes ? shake_until(&l, start, resumed) : stream_until(fd, start, sends);
    start = load_now();
    cpu = load_server_cpu(&l);
    own = load_own_cpu();
    n = shakes ? shake_until(&l, start + l.seconds, resumed) : stream_until(fd, start + l.seconds, sends);
    printf("{\"%s\": %ld, \"seconds\": %.6f, \"cpu\": %.6f, \"load_cpu\": %.6f}\n", shakes ? "handshakes" : "bytes", n,
           load_now() - start, load_server_cpu(&l) - cpu, load_own_cpu() - own);
    close(fd);
    return 0;
}
