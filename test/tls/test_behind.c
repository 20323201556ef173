/* What comes right behind a handshake: the goodbye, and messages that ask for another handshake. */
#include "stream_rig.h"

#include "tls/bearssl_priv.h"

TLS_RIG_COROUTINES;

/* Puts a record of `type` (RFC 5246, section 6.2.1), as `from` would send it, at `to`. Result: its length. */
static size_t seal(awl__tls_engine *from, int type, const char *data, size_t len, unsigned char *to)
{
    br_ssl_engine_context *eng = &awl__br_of(from)->br.eng;
    unsigned char room[128], *record;

    CHECK(len <= 64);
    memcpy(room + 16, data, len);
    record = eng->out.vtable->encrypt(&eng->out.vtable, type, BR_TLS12, room + 16, &len);
    memcpy(to, record, len);
    return len;
}

/* Hands an engine bytes as if they had come at once. */
static void hand_over(side *to, const unsigned char *data, size_t len)
{
    while (len) {
        size_t cap;
        unsigned char *room = to->b->recv_buf(to->e, &cap);

        CHECK(room != NULL);
        cap = cap < len ? cap : len;
        memcpy(room, data, cap);
        to->b->recv_ack(to->e, cap);
        data += cap, len -= cap;
    }
}

/* Sends what an engine has into the void. Result: how many records that were. */
static int drop_output(side *s)
{
    const unsigned char *data;
    size_t len;
    int n = 0;

    while ((data = s->b->send_buf(s->e, &len)) != NULL) {
        s->b->send_ack(s->e, len);
        n++;
    }
    return n;
}

/* A hello_request (RFC 5246, section 7.4.1.1), and the header of a client's hello that has nothing in it. */
static const char hello_request[] = "\0\0\0\0", client_hello[] = "\1\0\0\0";

/* Each is refused by an alert, which goes before the next is looked at; the data between and behind them comes. */
static void ask_again(pair *p, side *asked, side *asks, const char *message)
{
    unsigned char records[512];
    size_t len = 0, n;

    for (int i = 0; i < 5; i++) {
        len += seal(asks->e, 22, message, 4, records + len);
        if (i == 1)
            len += seal(asks->e, 23, "x", 1, records + len);
    }
    len += seal(asks->e, 23, "y", 1, records + len);
    len += seal(asks->e, 21, "\1\0", 2, records + len);
    hand_over(asked, records, len);
    CHECK_INT(drop_output(asked), 2);
    CHECK_INT(state_of(asked) & (AWL__TLS_CLOSED | AWL__TLS_READS), AWL__TLS_READS);
    CHECK_MEM(asked->b->read_buf(asked->e, &n), "x", 1);
    asked->b->read_ack(asked->e, n);
    CHECK_INT(drop_output(asked), 3);
    CHECK_MEM(asked->b->read_buf(asked->e, &n), "y", 1);
    CHECK_INT((int)n, 1);
    asked->b->read_ack(asked->e, n);
    CHECK(state_of(asked) & (AWL__TLS_GOODBYE | AWL__TLS_CLOSED));
    free_pair(p);
}

static void ask_over_again(const awl_tls_key *key, bool of_server)
{
    awl_tls *client = new_client(NULL), *server = new_server(key, NULL);
    pair p = open_pair_of(client, server, "example.org");

    shake(&p);
    if (of_server)
        ask_again(&p, &p.server, &p.client, client_hello);
    else
        ask_again(&p, &p.client, &p.server, hello_request);
    awl_tls_release(client);
    awl_tls_release(server);
}

ENGINE_TEST(who_asks_for_handshakes_at_once_gets_an_answer_to_each) { ask_over_again(&ec_key, false); }
ENGINE_TEST(servers_answer_too) { ask_over_again(&rsa_key, true); }

ENGINE_TEST(a_goodbye_behind_the_handshake_is_one_of_an_open_connection)
{
    awl_tls *client = new_client(NULL), *server = new_server(&ec_key, NULL);
    pair p = open_pair_of(client, server, "example.org");

    while (!(state_of(&p.server) & AWL__TLS_OPEN)) {
        const unsigned char *last;
        size_t len;

        CHECK(!((state_of(&p.client) | state_of(&p.server)) & AWL__TLS_CLOSED));
        move(&p.client, &p.server, 0);
        last = p.server.b->send_buf(p.server.e, &len);
        if (state_of(&p.client) & AWL__TLS_RECEIVES && last && len < 100) { /* its change_cipher_spec and finished */
            unsigned char records[512];

            memcpy(records, last, len);
            p.server.b->send_ack(p.server.e, len);
            len += seal(p.server.e, 21, "\1\0", 2, records + len);
            hand_over(&p.client, records, len);
        } else {
            move(&p.server, &p.client, 0);
        }
    }
    CHECK_INT(state_of(&p.client) & (AWL__TLS_OPEN | AWL__TLS_CLOSED), AWL__TLS_WRITES);
    p.client.e = p.client.b->settle(p.client.e);
    CHECK(state_of(&p.client) & (AWL__TLS_GOODBYE | AWL__TLS_CLOSED));
    free_pair(&p);
    awl_tls_release(client);
    awl_tls_release(server);
}

/* ---- Over streams ------------------------------------------------------------------------------------------------ */

static int raw_of(const awl_stream *s) { return awl_stream_fd(s); }

static awl__tls_engine *engine_of(const awl_stream *s) { return ((const awl__tls_conn *)s->self)->engine; }

static void send_raw(const awl_stream *s, const unsigned char *data, size_t len)
{
    CHECK_INT(send(raw_of(s), data, len, 0), (int)len);
}

/* A client that cannot answer yet, as the server does not read, hears what is behind the question when it can. */
TLS_TEST(a_read_goes_on_when_there_is_room_for_the_answer, {
    two t;
    awl_task *reads;
    char buf[8], big[4096];
    unsigned char records[256];
    int rc, n, waits;
})
{
    size_t len;

    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "example.org");
    CHECK_INT(self->t.c_error + self->t.s_error, 0);
    while (!awl_stream_unsent(self->t.c))
        CHECK_INT(awl_stream_write(self->t.c, self->big, sizeof self->big), 0);
    self->reads = awl_create_task(awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK(self->reads != NULL);
    len = seal(engine_of(self->t.s), 22, hello_request, 4, self->records);
    len += seal(engine_of(self->t.s), 22, hello_request, 4, self->records + len);
    len += seal(engine_of(self->t.s), 23, "x", 1, self->records + len);
    send_raw(self->t.s, self->records, len);
    for (self->waits = 0; self->waits < 8; self->waits++)
        co_await (awl_sleep(0));
    CHECK(!awl_task_done(self->reads));
    while (!awl_task_done(self->reads)) {
        if (recv(raw_of(self->t.s), self->big, sizeof self->big, 0) < 0)
            co_await (awl_sleep(0));
    }
    co_let(self->n, self->reads);
    CHECK_INT(self->n, 1);
    CHECK_MEM(self->buf, "x", 1);
    co_finally;
    end_task(self->reads);
    awl_stream_abort(self->t.c);
    awl_stream_abort(self->t.s);
    close_two(&self->t);
    co_end;
}
