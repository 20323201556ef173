/*
 * TLS streams of awl over a transport in memory: a client and a server in one process, for comparison with tls_engine.
 *
 *     tls_memory full|resumed|bulk ecdsa|rsa FOLDER SECONDS
 *
 * Prints one JSON object: how many handshakes or bytes there were, and the processor time of both sides together.
 */
#define _POSIX_C_SOURCE 200809L
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIECE = 65536 };

static char buf[PIECE]; /* of whoever reads or writes: neither needs it over a suspension */

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- The transport ------------------------------------------------------------------------------------------------ */

/* One end: what the other side has written, and it has not read. */
typedef struct end {
    struct end *other;
    awl_stream *s;
    bool closed;
    size_t start, len;
    char in[PIECE];
} end;

static ssize_t end_read(void *self, void *data, size_t cap)
{
    end *e = self;
    const size_t n = e->len - e->start < cap ? e->len - e->start : cap;

    if (!n)
        return e->other->closed ? 0 : -EAGAIN;
    memcpy(data, e->in + e->start, n);
    e->start += n;
    if (e->start == e->len) {
        e->start = e->len = 0;
        if (!e->other->closed)
            awl_stream_changed(e->other->s, false, true);
    }
    return (ssize_t)n;
}

static ssize_t end_write(void *self, const struct iovec *parts, int n)
{
    end *to = ((end *)self)->other;
    size_t all = 0;

    if (to->closed)
        return -EPIPE;
    for (int i = 0; i < n; i++) {
        const size_t room = sizeof to->in - to->len, len = parts[i].iov_len < room ? parts[i].iov_len : room;

        memcpy(to->in + to->len, parts[i].iov_base, len);
        to->len += len;
        all += len;
    }
    if (!all)
        return -EAGAIN;
    awl_stream_changed(to->s, true, false);
    return (ssize_t)all;
}

static void end_close(void *self)
{
    end *e = self;

    e->closed = true;
    if (!e->other->closed)
        awl_stream_changed(e->other->s, true, true);
}

static const awl_transport in_memory = { .read = end_read, .write = end_write, .close = end_close };

static end ends[2]; /* the client's, the server's */

/* Streams over both ends. 0 or the error. */
static int join_ends(void)
{
    for (int i = 0; i < 2; i++) {
        ends[i].other = &ends[1 - i];
        ends[i].start = ends[i].len = 0;
        ends[i].closed = false;
        ends[i].s = awl_stream_new(&in_memory, &ends[i], NULL);
        if (!ends[i].s)
            return errno;
    }
    return 0;
}

/* ---- The work ----------------------------------------------------------------------------------------------------- */

/* What the command line asks for, and what was done. */
typedef struct work {
    const char *what, *kind, *folder;
    double seconds, until, cpu;
    long n;
    awl_tls *client, *server;
} work;

static int make_contexts(work *w)
{
    const int sessions = strcmp(w->what, "resumed") == 0 ? 0 : -1;
    char ca[512], cert[512], key[512];
    awl_trust *trust;

    snprintf(ca, sizeof ca, "%s/ca-%s.crt", w->folder, w->kind);
    snprintf(cert, sizeof cert, "%s/server-%s.crt", w->folder, w->kind);
    snprintf(key, sizeof key, "%s/server-%s.pem", w->folder, w->kind);
    trust = awl_trust_from_file(ca);
    if (awl_trust_error(trust))
        return errno;
    w->client = awl_tls_client(&(awl_tls_options){ .trust = trust, .sessions = sessions });
    awl_trust_release(trust);
    w->server = awl_tls_server(&(awl_tls_options){ .cert_file = cert, .key_file = key, .sessions = sessions });
    return w->client && w->server ? 0 : errno;
}

static void begin(work *w)
{
    w->cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    w->until = seconds_of(CLOCK_MONOTONIC) + w->seconds;
}

static bool goes_on(const work *w) { return seconds_of(CLOCK_MONOTONIC) < w->until; }

static void print(const work *w, const char *of)
{
    printf("{\"%s\": %ld, \"cpu\": %.6f}\n", of, w->n, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - w->cpu);
}

static awl_coro shake_hands(const work *w)
{
    return awl_gather(awl_start_tls(ends[0].s, w->client, "server.test"), awl_start_tls(ends[1].s, w->server, NULL));
}

/* One handshake after the other; that of the first session does not count. */
co_def(shake, { work *w; })
{
    co_begin;
    for (self->w->n = -1; self->w->n < 0 || goes_on(self->w); self->w->n++) {
        if (join_ends())
            co_raise(ENOMEM);
        co_await (shake_hands(self->w));
        for (int i = 0; i < 2; i++) {
            awl_stream_abort(ends[i].s);
            awl_stream_close(ends[i].s);
        }
        if (self->w->n < 0)
            begin(self->w);
    }
    print(self->w, "handshakes");
    co_end;
}

co_def(pour, { work *w; })
{
    co_begin;
    while (goes_on(self->w)) {
        if (awl_stream_write(ends[1].s, buf, sizeof buf))
            break;
        co_await (awl_stream_drain(ends[1].s));
    }
    awl_stream_close(ends[1].s);
    co_end;
}

co_def(drink, {
    work *w;
    int n;
})
{
    co_begin;
    do {
        co_let(self->n, awl_stream_read(ends[0].s, buf, sizeof buf));
        self->w->n += self->n;
    } while (self->n);
    awl_stream_close(ends[0].s);
    co_end;
}

co_def(stream, { work *w; })
{
    co_begin;
    if (join_ends())
        co_raise(ENOMEM);
    co_await (shake_hands(self->w));
    begin(self->w);
    co_await (awl_gather(co_call(pour, .w = self->w), co_call(drink, .w = self->w)));
    print(self->w, "bytes");
    co_end;
}

co_def(run, { work *w; })
{
    co_begin;
    if (make_contexts(self->w))
        co_raise(EINVAL);
    if (strcmp(self->w->what, "bulk") == 0)
        co_await (co_call(stream, .w = self->w));
    else
        co_await (co_call(shake, .w = self->w));
    co_finally;
    awl_tls_release(self->w->client);
    awl_tls_release(self->w->server);
    co_end;
}

int main(int argc, char **argv)
{
    work w = { .n = 0 };

    if (argc != 5) {
        fputs("usage: tls_memory full|resumed|bulk ecdsa|rsa FOLDER SECONDS\n", stderr);
        return 2;
    }
    w.what = argv[1];
    w.kind = argv[2];
    w.folder = argv[3];
    w.seconds = atof(argv[4]);
    return awl_run(co_call(run, .w = &w)) ? 1 : 0;
}
