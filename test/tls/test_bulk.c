/* Many bytes, in every size of piece and both ways at once; and how much memory that leaves in use. */
#include "wire.h"

TLS_RIG_COROUTINES;

/* ---- Many bytes -------------------------------------------------------------------------------------------------- */

/* The byte at a place of a long message. */
static char byte_at(size_t i) { return (char)(i * 7 + i / 251 + i / 65521); }

co_def(pour, {
    awl_stream *s;
    size_t all, piece, at;
    char *data;
})
{
    co_begin;
    self->data = malloc(self->piece);
    CHECK(self->data != NULL);
    while (self->at < self->all) {
        const size_t n = self->all - self->at < self->piece ? self->all - self->at : self->piece;

        for (size_t i = 0; i < n; i++)
            self->data[i] = byte_at(self->at + i);
        CHECK_INT(awl_stream_write(self->s, self->data, n), 0);
        self->at += n;
        co_await(awl_stream_drain(self->s));
    }
    co_finally;
    free(self->data);
    co_end;
}

co_def(drink, {
    awl_stream *s;
    size_t all, piece, at;
    int n, wrong;
    char *data;
})
{
    co_begin;
    self->data = malloc(self->piece);
    CHECK(self->data != NULL);
    while (self->at < self->all) {
        co_let(self->n, awl_stream_read(self->s, self->data, self->piece));
        CHECK(self->n > 0);
        self->wrong = 0;
        for (int i = 0; i < self->n; i++)
            self->wrong += self->data[i] != byte_at(self->at + (size_t)i);
        CHECK_INT(self->wrong, 0);
        self->at += (size_t)self->n;
    }
    co_finally;
    free(self->data);
    co_end;
}

co_def(both_ways, {
    size_t all, out, in, most;
    bool rsa;
    two t;
    awl_task *tasks[4];
    int i, rc;
})
{
    co_begin;
    open_two(&self->t, NULL, self->rsa ? &rsa_key : &ec_key, NULL);
    if (self->most)
        wire_two(&self->t, self->most);
    SHAKE(&self->t, "localhost");
    self->tasks[0] = awl_create_task(co_call(pour, .s = self->t.c, .all = self->all, .piece = self->out));
    self->tasks[1] = awl_create_task(co_call(pour, .s = self->t.s, .all = self->all, .piece = self->out));
    self->tasks[2] = awl_create_task(co_call(drink, .s = self->t.c, .all = self->all, .piece = self->in));
    self->tasks[3] = awl_create_task(co_call(drink, .s = self->t.s, .all = self->all, .piece = self->in));
    for (self->i = 0; self->i < 4; self->i++)
        CHECK(self->tasks[self->i] != NULL);
    co_await(awl_gather_n(self->tasks, 4, NULL, AWL_CANCEL_ON_ERROR));
    co_finally;
    for (self->i = 0; self->i < 4; self->i++)
        end_task(self->tasks[self->i]);
    close_two(&self->t);
    co_end;
}

TEST(large_pieces_arrive) { run_virtual(co_call(both_ways, .all = 2000000, .out = 100000, .in = 65536)); }

TEST(pieces_of_one_record_arrive) { run_virtual(co_call(both_ways, .all = 1000000, .out = 16384, .in = 16384)); }

TEST(small_pieces_arrive) { run_virtual(co_call(both_ways, .all = 200000, .out = 37, .in = 4096)); }

TEST(single_bytes_arrive) { run_virtual(co_call(both_ways, .all = 2000, .out = 1, .in = 1)); }

TEST(large_pieces_arrive_where_little_is_read_at_once)
{
    run_virtual(co_call(both_ways, .all = 300000, .out = 50000, .in = 11, .rsa = true));
}

TEST(bytes_arrive_over_a_narrow_connection)
{
    run_virtual(co_call(both_ways, .all = 100000, .out = 20000, .in = 5000, .most = 1));
    run_virtual(co_call(both_ways, .all = 300000, .out = 20000, .in = 5000, .most = 1000));
    run_virtual(co_call(both_ways, .all = 300000, .out = 100, .in = 5000, .most = 100000));
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static size_t used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    return stats.memory_used;
}

/* What a stream takes, and what TLS adds to it on each side, bytes: growth is a decision. */
enum { PLAIN = 400, CLIENT = 4500, SERVER = 4500 };

TLS_TEST(idle_connections_are_small, {
    two t;
    size_t before, plain, both;
    awl_tls_options none;
    int i;
    char buf[1000];
})
{
    co_begin;
    self->none.sessions = -1;
    self->t.ct = new_client(&self->none);
    self->t.st = new_server(&ec_key, &self->none);
    connect_two(&self->t);
    SHAKE(&self->t, "localhost"); /* what the loop itself allocates when it is first needed */
    close_streams(&self->t);
    self->before = used();
    connect_two(&self->t);
    self->plain = used();
    CHECK(self->plain - self->before <= 2 * PLAIN);

    /* After the handshake, and after bytes have gone both ways, there is nothing but the two engines. */
    SHAKE(&self->t, "localhost");
    self->both = used();
    CHECK(self->both - self->plain <= CLIENT + SERVER);
    for (self->i = 0; self->i < 2; self->i++) {
        CHECK_INT(awl_stream_write(self->t.c, self->buf, sizeof self->buf), 0);
        co_await(awl_stream_read_exactly(self->t.s, self->buf, sizeof self->buf));
        CHECK_INT(awl_stream_write(self->t.s, self->buf, sizeof self->buf), 0);
        co_await(awl_stream_read_exactly(self->t.c, self->buf, sizeof self->buf));
    }
    CHECK_INT(used(), self->both);
    close_streams(&self->t);
    CHECK_INT(used(), self->before);
    co_finally;
    close_two(&self->t);
    co_end;
}
