/*
 * What BearSSL's engine itself can do: a client and a server in one process, joined by memcpy.
 *
 *     tls_engine full|resumed|bulk ecdsa|rsa FOLDER SECONDS
 *
 * Prints one JSON object: how many handshakes or bytes there were, and the processor time of either side. That is the
 * program's own, split as the clock saw the two at work.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_common.h"

enum { RECORD = 16384 };

/* One end, and the time it has taken. */
typedef struct side {
    br_ssl_engine_context *engine;
    double busy;
} side;

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double clock_now(void) { return seconds_of(CLOCK_MONOTONIC); }

/* Moves what `from` has to send. false: nothing. */
static bool pass(side *from, side *to)
{
    double start = clock_now(), middle, end;
    size_t len, cap;
    const unsigned char *data = br_ssl_engine_sendrec_buf(from->engine, &len);
    unsigned char *buf = br_ssl_engine_recvrec_buf(to->engine, &cap);

    if (!data || !buf)
        return false;
    if (len > cap)
        len = cap;
    memcpy(buf, data, len);
    br_ssl_engine_sendrec_ack(from->engine, len);
    middle = clock_now();
    br_ssl_engine_recvrec_ack(to->engine, len);
    end = clock_now();
    from->busy += middle - start;
    to->busy += end - middle;
    return true;
}

static bool ready(const side *s) { return br_ssl_engine_current_state(s->engine) & BR_SSL_SENDAPP; }

static void check(const side *s)
{
    if (br_ssl_engine_current_state(s->engine) == BR_SSL_CLOSED)
        tls_fail("the engine", br_ssl_engine_last_error(s->engine));
}

static void handshake(tls_client *c, tls_server *s, side *client, side *server, bool resumed)
{
    double start = clock_now(), middle;

    if (!br_ssl_client_reset(&c->ssl, TLS_NAME, resumed))
        tls_fail("br_ssl_client_reset", br_ssl_engine_last_error(client->engine));
    middle = clock_now();
    client->busy += middle - start;
    if (!br_ssl_server_reset(&s->ssl))
        tls_fail("br_ssl_server_reset", br_ssl_engine_last_error(server->engine));
    server->busy += clock_now() - middle;
    while (!ready(client) || !ready(server)) {
        check(client);
        check(server);
        if (!pass(client, server) && !pass(server, client))
            tls_fail("a handshake that stands still", 0);
    }
}

/* One full record from the server to the client. */
static void send_record(side *server, side *client)
{
    double start = clock_now();
    size_t len, left = RECORD;

    while (left) {
        unsigned char *room = br_ssl_engine_sendapp_buf(server->engine, &len);

        if (!room)
            tls_fail("no room for a record", br_ssl_engine_last_error(server->engine));
        len = len < left ? len : left;
        memset(room, 'x', len);
        br_ssl_engine_sendapp_ack(server->engine, len);
        left -= len;
    }
    br_ssl_engine_flush(server->engine, 0);
    server->busy += clock_now() - start;
    while (pass(server, client)) {
        unsigned char *data;

        start = clock_now();
        data = br_ssl_engine_recvapp_buf(client->engine, &len);
        if (data)
            br_ssl_engine_recvapp_ack(client->engine, len);
        client->busy += clock_now() - start;
        left += data ? len : 0;
    }
    if (left != RECORD)
        tls_fail("a record that came short", br_ssl_engine_last_error(client->engine));
}

int main(int argc, char **argv)
{
    static tls_client c;
    static tls_server s;
    tls_files files;
    side client = { &c.ssl.eng, 0 }, server = { &s.ssl.eng, 0 };
    bool resumed, bulk;
    double cpu, end, each;
    long n = 0;

    if (argc != 5) {
        fputs("usage: tls_engine full|resumed|bulk ecdsa|rsa FOLDER SECONDS\n", stderr);
        return 2;
    }
    resumed = strcmp(argv[1], "resumed") == 0;
    bulk = strcmp(argv[1], "bulk") == 0;
    tls_read_files(&files, argv[3], argv[2]);
    tls_client_init(&c, &files);
    tls_server_init(&s, &files, resumed);
    handshake(&c, &s, &client, &server, false);
    client.busy = server.busy = 0;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    end = clock_now() + atof(argv[4]);
    for (; clock_now() < end; n++) {
        if (bulk)
            send_record(&server, &client);
        else
            handshake(&c, &s, &client, &server, resumed);
    }
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    each = cpu / (client.busy + server.busy);
    printf("{\"%s\": %ld, \"server_cpu\": %.6f, \"client_cpu\": %.6f}\n", bulk ? "bytes" : "handshakes",
           bulk ? n * RECORD : n, server.busy * each, client.busy * each);
    return 0;
}
