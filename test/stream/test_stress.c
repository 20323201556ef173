/* test_stress.c: many streams at once that are read, written, cancelled, closed and aborted by chance; nothing is lost. */
#include "rig.h"

static uint32_t seed;

static unsigned chance(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 16) % n;
}

/* The byte at a place of what both sides send. */
static char byte_at(size_t place) { return (char)('a' + place * 7 % 23); }

enum { LEN = 300000 };
static char data[LEN];

/* Echoes, in pieces by chance; ends by closing, aborting or failing, by chance. */
co_def(echo, { awl_stream *s; int n, rc; size_t turns; char buf[5000]; })
{
    co_begin;
    for (;; self->turns++) {
        co_let(self->n, awl_stream_read(self->s, self->buf, 1 + chance(sizeof self->buf)));
        if (!self->n)
            break;
        if (awl_stream_write(self->s, self->buf, (size_t)self->n))
            break;
        if (chance(4))
            co_await(awl_stream_drain(self->s));
    }
    if (chance(2))
        awl_stream_close(self->s);
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg) { return (void)arg, co_call(echo, .s = s); }

co_def(sends, { awl_stream *s; size_t sent, n; })
{
    co_begin;
    while (self->sent < LEN) {
        self->n = 1 + chance(chance(2) ? 100 : 100000);
        if (self->n > LEN - self->sent)
            self->n = LEN - self->sent;
        if (awl_stream_write(self->s, data + self->sent, self->n))
            co_return(0);
        self->sent += self->n;
        co_await(awl_stream_drain(self->s));
        if (chance(3) == 0)
            co_await(awl_sleep(0));
    }
    awl_stream_write_eof(self->s);
    co_end;
}

/* Reads by one of the three ways, for a while only. */
co_def(reads_once, { awl_stream *s; char *buf; size_t cap, way, len; char *line; })
{
    co_begin;
    if (self->way == 0) {
        co_let(self->len, awl_stream_read(self->s, self->buf, self->cap));
    } else if (self->way == 1) {
        co_let(self->len, awl_stream_read_exactly(self->s, self->buf, self->cap));
    } else {
        co_let(self->line, awl_stream_read_until(self->s, "a", 1, &self->len));
        memcpy(self->buf, self->line, self->len);
    }
    co_return(self->len);
    co_end;
}

/* Checks every byte that comes back. */
co_def(client, { int port, rc; awl_stream *s; awl_task *sender; size_t got, n; char buf[4000]; })
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    self->sender = awl_create_task(co_call(sends, .s = self->s));
    while (self->got < LEN) {
        size_t cap = 1 + chance(sizeof self->buf);

        if (cap > LEN - self->got)
            cap = LEN - self->got;
        co_try(self->rc, awl_wait_for(co_call(reads_once, .s = self->s, .buf = self->buf, .cap = cap, .way = chance(3)),
                                      chance(2) ? 1 + chance(50000) : AWL_SECOND));
        if (self->rc == ETIMEDOUT || (self->rc == AWL_EINCOMPLETE && self->got < LEN))
            continue;
        CHECK_INT(self->rc, 0);
        co_result(self->n);
        CHECK_MEM(self->buf, data + self->got, self->n);
        self->got += self->n;
        if (chance(2000) == 0) {
            awl_stream_abort(self->s);
            break;
        }
    }
    co_await(self->sender);
    co_finally;
    awl_task_cancel(self->sender); /* it uses the stream, too */
    if (self->sender)
        co_try_cancel(self->rc, self->sender);
    awl_task_release(self->sender);
    awl_stream_close(self->s);
    co_end;
}

/* Cancels some of the clients on their way. */
co_def(all, { awl_server *server; awl_task *t[40]; int i, rc, cancelled; })
{
    co_begin;
    for (size_t i = 0; i < LEN; i++)
        data[i] = byte_at(i);
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, NULL));
    for (self->i = 0; self->i < 40; self->i++)
        self->t[self->i] = awl_create_task(co_call(client, .port = awl_server_port(self->server)));
    for (self->i = 0; self->i < 10; self->i++) {
        co_await(awl_sleep(1 * AWL_MS));
        awl_task_cancel(self->t[self->i]);
    }
    for (self->i = 0; self->i < 40; self->i++) {
        co_try_cancel(self->rc, self->t[self->i]);
        CHECK(self->rc == 0 || (self->i < 10 && self->rc == ECANCELED));
        awl_task_release(self->t[self->i]);
    }
    awl_server_cancel_clients(self->server);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

TEST(bytes_come_back_as_they_were_sent)
{
    for (unsigned round = 1; round <= 3; round++) {
        seed = round;
        run_main(co_call(all), false);
    }
}
