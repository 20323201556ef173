/* What datagrams cost: an echo on loopback, one by one or many at once. */
#include <awl.h>
#include <errno.h>

#include "bench.h"

enum { SIZE = 64, MOST = 32 };

/* Both sides in one task: `depth` datagrams go to the server and come back, then the next. */
co_def(echo, { bench *b; awl_datagram *server, *client; awl_address from; int64_t left; int i, n; double start;
               char buf[SIZE]; })
{
    co_begin;
    co_let(self->server, awl_open_datagram("127.0.0.1", 0, NULL, 0, NULL));
    co_let(self->client, awl_open_datagram(NULL, 0, "127.0.0.1", awl_datagram_port(self->server), NULL));
    self->start = bench_now();
    for (self->left = self->b->n; self->left > 0; self->left -= self->b->depth) {
        for (self->i = 0; self->i < self->b->depth; self->i++) {
            if (awl_datagram_send(self->client, self->buf, SIZE, NULL))
                co_raise(EIO);
        }
        for (self->i = 0; self->i < self->b->depth; self->i++) {
            co_let(self->n, awl_datagram_receive(self->server, self->buf, SIZE, &self->from));
            if (awl_datagram_send(self->server, self->buf, (size_t)self->n, &self->from))
                co_raise(EIO);
        }
        for (self->i = 0; self->i < self->b->depth; self->i++)
            co_await(awl_datagram_receive(self->client, self->buf, SIZE, NULL));
    }
    self->b->seconds = bench_now() - self->start;
    co_finally;
    awl_datagram_close(self->server);
    awl_datagram_close(self->client);
    co_end;
}

/* The same by the calls that have many at once. */
co_def(echo_many, { bench *b; awl_datagram *server, *client; int64_t left; int done, n; double start;
                    awl_packet packets[MOST]; char bufs[MOST][SIZE]; })
{
    co_begin;
    co_let(self->server, awl_open_datagram("127.0.0.1", 0, NULL, 0, NULL));
    co_let(self->client, awl_open_datagram(NULL, 0, "127.0.0.1", awl_datagram_port(self->server), NULL));
    self->start = bench_now();
    for (self->left = self->b->n; self->left > 0; self->left -= self->b->depth) {
        for (int i = 0; i < MOST; i++)
            self->packets[i] = (awl_packet){ .data = self->bufs[i], .cap = SIZE, .len = SIZE };
        if (awl_datagram_send_many(self->client, self->packets, (size_t)self->b->depth))
            co_raise(EIO);
        for (self->done = 0; self->done < self->b->depth; self->done += self->n) {
            co_let(self->n, awl_datagram_receive_many(self->server, self->packets, MOST));
            if (awl_datagram_send_many(self->server, self->packets, (size_t)self->n))
                co_raise(EIO);
        }
        for (self->done = 0; self->done < self->b->depth; self->done += self->n)
            co_let(self->n, awl_datagram_receive_many(self->client, self->packets, MOST));
    }
    self->b->seconds = bench_now() - self->start;
    co_finally;
    awl_datagram_close(self->server);
    awl_datagram_close(self->client);
    co_end;
}

/* Whole rounds only; each datagram goes to and fro. */
static void prepare(bench *b)
{
    if (b->depth > MOST)
        b->depth = MOST;
    b->n = (b->n + b->depth - 1) / b->depth * b->depth;
    b->ops = b->n * 2;
}

static int bench_udp(bench *b)
{
    prepare(b);
    return awl_run(co_call(echo, .b = b));
}

static int bench_udp_many(bench *b)
{
    prepare(b);
    return awl_run(co_call(echo_many, .b = b));
}

const bench_entry datagram_benches[] = {
    { "udp", bench_udp, 200000, 16, "datagrams of 64 bytes to an echo and back, `depth` under way; ns for each way" },
    { "udpmany", bench_udp_many, 200000, 16, "the same, received and sent many at once" },
    { NULL, NULL, 0, 0, NULL },
};
