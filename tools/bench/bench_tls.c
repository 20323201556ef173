/* TLS: bytes, handshakes, and what an idle connection takes. Both sides are in this thread, over a socket pair. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "awl.h"
#include "bench.h"
#include "certs.h"
#include "tls/tls_priv.h"

enum { PIECE = 65536 };

/* Seconds of this process's own: others on the machine do not count. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Contexts and streams ---------------------------------------------------------------------------------------- */

typedef struct ends {
    awl_tls *ct, *st;
    awl_stream *c, *s;
} ends;

static int open_contexts(ends *e, int sessions, bool rsa)
{
    const awl_tls_key key = rsa ? (awl_tls_key){ .cert = server_rsa_pem,
                                                 .cert_len = sizeof server_rsa_pem - 1,
                                                 .key = server_rsa_key,
                                                 .key_len = sizeof server_rsa_key - 1 }
                                : (awl_tls_key){ .cert = server_ec_pem,
                                                 .cert_len = sizeof server_ec_pem - 1,
                                                 .key = server_ec_key,
                                                 .key_len = sizeof server_ec_key - 1 };
    awl_trust *trust = awl_trust_from_memory(ca_pem, sizeof ca_pem - 1);

    e->ct = awl_tls_client(&(awl_tls_options){ .trust = trust, .sessions = sessions });
    e->st = awl_tls_server(&(awl_tls_options){ .keys = &key, .n_keys = 1, .sessions = sessions });
    awl_trust_release(trust);
    return awl_tls_error(e->ct) ? awl_tls_error(e->ct) : awl_tls_error(e->st);
}

static int open_streams(ends *e)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return errno;
    e->c = awl_stream_open(fds[0], NULL);
    e->s = awl_stream_open(fds[1], NULL);
    return e->c && e->s ? 0 : ENOMEM;
}

static void close_contexts(ends *e)
{
    awl_tls_release(e->ct);
    awl_tls_release(e->st);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

/* The same bytes through two engines in memory: what the cipher alone costs. Result: seconds. */
static double through_engines(ends *e, int64_t bytes)
{
    const awl__tls_backend *b = e->ct->backend;
    int error;
    awl__tls_engine *c = b->open(e->ct, "localhost", NULL, &error), *s = b->open(e->st, NULL, NULL, &error);
    awl__tls_engine *from[2], *to[2];
    int64_t left = bytes;
    double began = 0;
    bool settled = false;

    for (int turn = 0; left > 0; turn ^= 1) {
        const unsigned char *have;
        unsigned char *room;
        size_t n, cap;

        if (!settled && (b->state(c) & AWL__TLS_OPEN) && (b->state(s) & AWL__TLS_OPEN)) {
            c = b->settle(c);
            s = b->settle(s);
            settled = true;
            began = now();
        }
        from[0] = to[1] = c;
        from[1] = to[0] = s;
        if (settled && (room = b->write_buf(s, 16384, &n)) != NULL) {
            b->write_ack(s, n);
            b->flush(s);
        }
        while ((have = b->send_buf(from[turn], &n)) != NULL && (room = b->recv_buf(to[turn], &cap)) != NULL) {
            n = n < cap ? n : cap;
            memcpy(room, have, n);
            b->send_ack(from[turn], n);
            b->recv_ack(to[turn], n);
        }
        while ((have = b->read_buf(c, &n)) != NULL) {
            left -= (int64_t)n;
            b->read_ack(c, n);
        }
    }
    began = now() - began;
    b->free(c);
    b->free(s);
    return began;
}

co_def(pour, {
    awl_stream *s;
    int64_t left;
    char *data;
})
{
    co_begin;
    self->data = calloc(1, PIECE);
    if (!self->data)
        co_raise(ENOMEM);
    while (self->left > 0) {
        awl_stream_write(self->s, self->data, PIECE);
        self->left -= PIECE;
        co_await(awl_stream_drain(self->s));
    }
    co_finally;
    free(self->data);
    co_end;
}

co_def(drink, {
    awl_stream *s;
    int64_t left;
    int n;
    char *data;
})
{
    co_begin;
    self->data = calloc(1, PIECE);
    if (!self->data)
        co_raise(ENOMEM);
    while (self->left > 0) {
        co_let(self->n, awl_stream_read(self->s, self->data, PIECE));
        if (self->n == 0)
            co_raise(EPIPE);
        self->left -= self->n;
    }
    co_finally;
    free(self->data);
    co_end;
}

co_def(move_bytes, {
    bench *b;
    bool tls;
    ends e;
    double began, plain, secret, engines;
    int64_t bytes;
})
{
    co_begin;
    self->bytes = self->b->n / PIECE * PIECE;
    if (open_contexts(&self->e, 0, false) || open_streams(&self->e))
        co_raise(EINVAL);
    self->engines = through_engines(&self->e, self->bytes);
    self->began = now();
    co_await(awl_gather(co_call(pour, .s = self->e.s, .left = self->bytes),
                         co_call(drink, .s = self->e.c, .left = self->bytes)));
    self->plain = now() - self->began;
    co_await(
        awl_gather(awl_start_tls(self->e.c, self->e.ct, "localhost"), awl_start_tls(self->e.s, self->e.st, NULL)));
    self->began = now();
    co_await(awl_gather(co_call(pour, .s = self->e.s, .left = self->bytes),
                         co_call(drink, .s = self->e.c, .left = self->bytes)));
    self->secret = now() - self->began;
    self->b->seconds = self->secret;
    bench_add(
        self->b,
        ", \"mb_per_s\": %.0f, \"plain_mb_per_s\": %.0f, \"engine_mb_per_s\": %.0f, \"of_engine_and_plain\": %.2f",
        (double)self->bytes / self->secret / 1e6, (double)self->bytes / self->plain / 1e6,
        (double)self->bytes / self->engines / 1e6, (self->engines + self->plain) / self->secret);
    co_finally;
    awl_stream_close(self->e.c);
    awl_stream_close(self->e.s);
    close_contexts(&self->e);
    co_end;
}

static int bench_tls_bulk(bench *b) { return awl_run(co_call(move_bytes, .b = b)); }

/* ---- Handshakes -------------------------------------------------------------------------------------------------- */

co_def(handshakes, {
    bench *b;
    int sessions;
    bool rsa;
    ends e;
    int64_t i;
    double began;
})
{
    co_begin;
    if (open_contexts(&self->e, self->sessions, self->rsa))
        co_raise(EINVAL);
    for (self->i = -1; self->i < self->b->n; self->i++) {
        if (self->i == 0)
            self->began = now();
        if (open_streams(&self->e))
            co_raise(ENOMEM);
        co_await(
            awl_gather(awl_start_tls(self->e.c, self->e.ct, "localhost"), awl_start_tls(self->e.s, self->e.st, NULL)));
        awl_stream_close(self->e.c);
        awl_stream_close(self->e.s);
        self->e.c = self->e.s = NULL;
    }
    self->b->seconds = now() - self->began;
    bench_add(self->b, ", \"per_s\": %.0f", (double)self->b->n / self->b->seconds);
    co_finally;
    awl_stream_close(self->e.c);
    awl_stream_close(self->e.s);
    close_contexts(&self->e);
    co_end;
}

static int bench_tls_full(bench *b) { return awl_run(co_call(handshakes, .b = b, .sessions = -1)); }

static int bench_tls_rsa(bench *b) { return awl_run(co_call(handshakes, .b = b, .sessions = -1, .rsa = true)); }

static int bench_tls_resumed(bench *b) { return awl_run(co_call(handshakes, .b = b)); }

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static double used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    return (double)stats.memory_used;
}

/* One side is settled before the other begins, which is only possible for the server: the difference is the client's.
 */
co_def(connections, {
    bench *b;
    ends *all;
    ends shared;
    int64_t i;
    double before, plain, both, rss;
})
{
    co_begin;
    self->all = calloc((size_t)self->b->n, sizeof *self->all);
    if (!self->all || open_contexts(&self->shared, -1, false))
        co_raise(ENOMEM);
    self->before = used();
    for (self->i = 0; self->i < self->b->n; self->i++) {
        if (open_streams(&self->all[self->i]))
            co_raise(EMFILE);
    }
    self->plain = (used() - self->before) / (2.0 * (double)self->b->n);
    self->rss = (double)bench_rss_kb();
    for (self->i = 0; self->i < self->b->n; self->i++)
        co_await(awl_gather(awl_start_tls(self->all[self->i].c, self->shared.ct, "localhost"),
                             awl_start_tls(self->all[self->i].s, self->shared.st, NULL)));
    self->both = (used() - self->before) / (2.0 * (double)self->b->n);
    bench_add(self->b, ", \"plain_bytes\": %.0f, \"tls_bytes\": %.0f, \"tls_rss_bytes\": %.0f", self->plain, self->both,
              ((double)bench_rss_kb() - self->rss) * 1024 / (2.0 * (double)self->b->n) + self->plain);
    co_finally;
    for (self->i = 0; self->all && self->i < self->b->n; self->i++) {
        awl_stream_abort(self->all[self->i].c);
        awl_stream_abort(self->all[self->i].s);
        awl_stream_close(self->all[self->i].c);
        awl_stream_close(self->all[self->i].s);
    }
    close_contexts(&self->shared);
    free(self->all);
    co_end;
}

static int bench_connections(bench *b) { return awl_run(co_call(connections, .b = b)); }

const bench_entry tls_benches[] = {
    { "tls_bulk", bench_tls_bulk, 2000000000, 0,
      "--n bytes through one TLS stream, a plain one, and engines in memory" },
    { "tls_full", bench_tls_full, 500, 0, "a full TLS handshake with ECDSA on P-256: both sides" },
    { "tls_rsa", bench_tls_rsa, 500, 0, "the same with RSA of 2,048 bits" },
    { "tls_resumed", bench_tls_resumed, 5000, 0, "a TLS handshake that resumes a session: both sides" },
    { "connections", bench_connections, 400, 0, "--n idle connections: bytes of each end, plain and with TLS" },
    { NULL, NULL, 0, 0, NULL },
};
