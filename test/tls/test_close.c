/* How TLS streams end: with a goodbye, without one, with data unread, or not in time. */
#include "wire.h"

TLS_RIG_COROUTINES;

/* ---- Goodbyes ---------------------------------------------------------------------------------------------------- */

TLS_TEST(connection_that_just_ends_is_truncated, {
    two t;
    char buf[8];
    int rc, n;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write(self->t.s, "part", 4), 0);
    awl_stream_abort(self->t.s);
    co_let(self->n, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 4); /* what came is delivered first */
    CHECK_FAILS(AWL_ETRUNCATED, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_STR(awl_error_message(AWL_ETRUNCATED),
              "localhost: the connection ended without a goodbye (close_notify): what came may be only a part");
    CHECK_FAILS(AWL_ETRUNCATED, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(truncation_can_be_tolerated, {
    two t;
    char buf[8];
    int n;
    awl_tls_options o;
})
{
    co_begin;
    self->o.tolerate_truncation = true;
    open_two(&self->t, &self->o, &ec_key, NULL);
    SHAKE(&self->t, "localhost");
    awl_stream_abort(self->t.s);
    co_let(self->n, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 0);
    co_finally;
    close_two(&self->t);
    co_end;
}

/* Cut off in the middle of a record. */
TLS_TEST(half_a_record_is_truncated, {
    two t;
    char buf[8];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    ends[1].cut = ends[1].total + 20;
    CHECK_INT(awl_stream_write(self->t.s, "whole", 5), EPIPE);
    CHECK_FAILS(AWL_ETRUNCATED, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    co_finally;
    close_two(&self->t);
    co_end;
}

/* A server that refuses what it is sent, and is gone before all of it has come. */
TLS_TEST(what_came_before_a_failed_write_can_be_read, {
    two t;
    char buf[8];
    int n, rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write(self->t.s, "too big", 7), 0);
    awl_stream_abort(self->t.s);
    CHECK_INT(awl_stream_write(self->t.c, "whole", 5), EPIPE);
    co_let(self->n, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 7);
    CHECK_FAILS(EPIPE, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    co_finally;
    close_two(&self->t);
    co_end;
}

/* The alert that a handshake was ended with, by a peer that was gone before it was answered. */
TLS_TEST(alert_before_a_failed_write_says_why, {
    two t;
    int rc;
})
{
    static const unsigned char alert[] = { 21, 3, 3, 0, 2, 2, 40 };

    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    CHECK_INT(awl_stream_write(self->t.s, alert, sizeof alert), 0);
    awl_stream_abort(self->t.s);
    CHECK_FAILS(AWL_ETLS, awl_start_tls(self->t.c, self->t.ct, "localhost"));
    CHECK_CONTAINS(awl_error_message(AWL_ETLS), "handshake_failure");
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(closing_says_goodbye_behind_all_that_was_written, {
    two t;
    char *data;
    size_t got;
    int n, rc;
    char buf[2000];
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    self->data = calloc(1, 60000);
    CHECK(self->data != NULL);
    CHECK_INT(awl_stream_write(self->t.s, self->data, 60000), 0);
    CHECK(awl_stream_unsent(self->t.s) > 30000);
    awl_stream_close(self->t.s);
    self->t.s = NULL;
    do {
        co_let(self->n, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
        self->got += (size_t)self->n;
    } while (self->n);
    CHECK_INT(self->got, 60000);
    co_finally;
    free(self->data);
    close_two(&self->t);
    co_end;
}

TLS_TEST(wait_closed_waits_for_the_goodbye_to_go, {
    two t;
    char buf[8];
    int n;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "localhost");
    co_await(awl_stream_wait_closed(self->t.c));
    CHECK_INT(awl_stream_fd(self->t.c), -1);
    co_let(self->n, awl_stream_read(self->t.s, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 0);
    co_await(awl_stream_wait_closed(self->t.s));
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(closing_a_peer_that_does_not_read_takes_30_seconds, {
    two t;
    int rc;
    char buf[20000];
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    memset(self->buf, 'x', sizeof self->buf);
    CHECK_INT(awl_stream_write(self->t.c, self->buf, sizeof self->buf), 0);
    CHECK_FAILS(ECONNABORTED, awl_stream_wait_closed(self->t.c));
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 30);
    co_finally;
    close_two(&self->t);
    co_end;
}

/* Closes in the background, where the other side does not read. */
TLS_TEST(closing_too_late_leaves_nothing_behind, {
    two t;
    char buf[20000];
    awl_loop_stats before, after;
    int i;
})
{
    co_begin;
    memset(self->buf, 'x', sizeof self->buf);
    for (self->i = 0; self->i < 2; self->i++) { /* the first time the loop makes things that it keeps */
        self->before = self->after;
        open_two(&self->t, NULL, &ec_key, NULL);
        wire_two(&self->t, 0);
        SHAKE(&self->t, "localhost");
        CHECK_INT(awl_stream_write(self->t.c, self->buf, sizeof self->buf), 0);
        awl_stream_close(self->t.c);
        self->t.c = NULL;
        CHECK(ends[0].other != NULL);
        co_await(awl_sleep(AWL_MINUTE));
        CHECK(ends[0].other == NULL);
        close_two(&self->t);
        awl_loop_get_stats(NULL, &self->after);
    }
    CHECK_INT(self->after.memory_used, self->before.memory_used);
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(there_is_no_half_close, { two t; })
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write_eof(self->t.c), EOPNOTSUPP);
    CHECK_INT(awl_stream_write(self->t.c, "x", 1), 0);
    co_finally;
    close_two(&self->t);
    co_end;
}

/* ---- Unread data ------------------------------------------------------------------------------------------------- */

/* With unread data in it, an engine of BearSSL 0.6 that is closed would be neither open nor closed, for ever. */
ENGINE_TEST(engine_closes_with_unread_data)
{
    awl_tls *client = new_client(NULL), *server = new_server(&ec_key, NULL);
    pair p = open_pair_of(client, server, "localhost");
    const char *text;
    unsigned char *room;
    size_t n;

    shake(&p);
    room = p.client.b->write_buf(p.client.e, 100, &n);
    CHECK(room != NULL && n >= 100);
    memset(room, 'x', 100);
    p.client.b->write_ack(p.client.e, 100);
    p.client.b->flush(p.client.e);
    move(&p.client, &p.server, 0);
    CHECK(state_of(&p.server) & AWL__TLS_READS);
    p.server.b->close(p.server.e);
    settle_down(&p);
    CHECK_INT(state_of(&p.server), AWL__TLS_CLOSED);
    CHECK_INT(why(&p.server, &text), 0);
    CHECK_INT(why(&p.client, &text), 0);
    free_pair(&p);
    awl_tls_release(client);
    awl_tls_release(server);
}

TLS_TEST(stream_closes_with_unread_data, {
    two t;
    char buf[8];
    int n;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write(self->t.c, "12345678", 8), 0);
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 4)); /* the rest stays in the engine */
    co_await(awl_stream_wait_closed(self->t.s));
    co_let(self->n, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 0);
    co_finally;
    close_two(&self->t);
    co_end;
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

TLS_TEST(changed_byte_ends_the_connection, {
    two t;
    char buf[8];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write(self->t.s, "hello", 5), 0);
    ends[0].in[ends[0].end - 1] ^= 1;
    CHECK_FAILS(AWL_ETLS, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_CONTAINS(awl_error_message(AWL_ETLS), "localhost: the server is at fault: a record was changed on its way");

    /* The session is not resumed, and the other side is told. */
    CHECK_INT(self->t.ct->cache.n, 0);
    CHECK_FAILS(AWL_ETLS, awl_stream_read(self->t.s, self->buf, sizeof self->buf));
    CHECK_CONTAINS(awl_error_message(AWL_ETLS), "the client ended the connection (received alert 20, bad_record_mac)");
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(record_that_is_too_large_ends_the_connection, {
    two t;
    char buf[8];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write(self->t.s, "hello", 5), 0);
    ends[0].in[3] = (char)0xff;
    CHECK_FAILS(AWL_ETLS, awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    CHECK_CONTAINS(awl_error_message(AWL_ETLS), "larger than TLS allows");
    CHECK_FAILS(AWL_ETLS, awl_stream_read(self->t.s, self->buf, sizeof self->buf));
    CHECK_CONTAINS(awl_error_message(AWL_ETLS), "record_overflow");
    co_finally;
    close_two(&self->t);
    co_end;
}

/* What other protocols begin with. */
co_def(not_tls, {
    const char *begins, *says;
    bool server;
    two t;
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    CHECK_INT(awl_stream_write(self->t.s, self->begins, strlen(self->begins)), 0);
    CHECK_FAILS(AWL_ETLS,
                awl_start_tls(self->t.c, self->server ? self->t.st : self->t.ct, self->server ? NULL : "localhost"));
    CHECK_CONTAINS(awl_error_message(AWL_ETLS), self->says);
    co_finally;
    close_two(&self->t);
    co_end;
}

TEST(peers_that_do_not_speak_tls_are_told_apart)
{
    run_virtual(
        co_call(not_tls, .begins = "HTTP/1.1 400 Bad Request\r\n\r\n",
                .says = "localhost: the peer does not speak TLS: a plain HTTP server (it began with \"HTTP/1.1\")"));
    run_virtual(
        co_call(not_tls, .begins = "SSH-2.0-OpenSSH\r\n", .says = ": an SSH server (it began with \"SSH-2.0-\")"));
    run_virtual(co_call(not_tls, .begins = "220 mail ready\r\n", .says = ": an FTP or SMTP server"));
    run_virtual(co_call(not_tls, .begins = "\1\2\3\4\5\6\7\"",
                        .says = "(it began with \"\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x22\")"));
    run_virtual(co_call(not_tls, .server = true, .begins = "GET / HTTP/1.0\r\n\r\n", .says = ": a plain HTTP client"));
}
