/* Handshakes on streams, both sides in one loop: that they work, and every way in which they can stop. */
#define _GNU_SOURCE
#include "wire.h"

TLS_RIG_COROUTINES;

/* ---- What works -------------------------------------------------------------------------------------------------- */

TLS_TEST(streams_talk, {
    two t;
    char buf[16];
    int n, rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "example.org");
    CHECK_STR(self->t.c_text, "");
    CHECK_INT(self->t.c_error, 0);
    CHECK_INT(self->t.s_error, 0);
    CHECK_INT(awl_stream_write(self->t.c, "hello", 5), 0);
    co_let(self->n, awl_stream_read(self->t.s, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 5);
    CHECK_MEM(self->buf, "hello", 5);
    awl_stream_print(self->t.s, "line %d\n", 1);
    co_await(awl_stream_read_exactly(self->t.c, self->buf, 7));
    CHECK_MEM(self->buf, "line 1\n", 7);

    /* The goodbye is the end of the stream. */
    awl_stream_close(self->t.c);
    self->t.c = NULL;
    co_let(self->n, awl_stream_read(self->t.s, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 0);
    CHECK(awl_stream_at_eof(self->t.s));
    CHECK_INT(awl_stream_write(self->t.s, "more", 4), EPIPE);
    co_finally;
    close_two(&self->t);
    co_end;
}

/* The same where the connection moves but a few bytes at a time. */
co_def(talk_narrow, {
    size_t most;
    two t;
    char buf[16];
})
{
    co_begin;
    open_two(&self->t, NULL, &rsa_key, NULL);
    wire_two(&self->t, self->most);
    SHAKE(&self->t, "example.org");
    CHECK_STR(self->t.c_text, "");
    CHECK_STR(self->t.s_text, "");
    CHECK_INT(awl_stream_write(self->t.c, "hello", 5), 0);
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 5));
    CHECK_MEM(self->buf, "hello", 5);
    co_finally;
    close_two(&self->t);
    co_end;
}

TEST(handshakes_go_through_byte_by_byte) { run_virtual(co_call(talk_narrow, .most = 1)); }

TEST(handshakes_go_through_in_odd_pieces)
{
    for (size_t most = 2; most < 14; most += 3)
        run_virtual(co_call(talk_narrow, .most = most));
}

/* A server that reads ahead what follows the line that asks for TLS. */
TLS_TEST(upgrade_keeps_bytes_that_were_read_ahead, {
    two t;
    char *line;
    awl_task *task;
    char buf[8];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    awl_stream_print(self->t.c, "STARTTLS\n");
    self->task = awl_create_task(awl_start_tls(self->t.c, self->t.ct, "localhost"));
    co_await(awl_sleep(0));
    co_await(awl_sleep(0)); /* the hello lies behind the line now */
    co_let(self->line, awl_stream_readline(self->t.s, NULL));
    CHECK_STR(self->line, "STARTTLS\n");
    co_await(awl_start_tls(self->t.s, self->t.st, NULL));
    co_await(self->task);
    awl_stream_print(self->t.c, "in secret");
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 8));
    CHECK_MEM(self->buf, "in secre", 8);
    co_finally;
    end_task(self->task);
    close_two(&self->t);
    co_end;
}

/* By the options of awl_open_connection and awl_start_server. */
co_def(greet, {
    awl_stream *s;
    awl_tls_details d;
})
{
    co_begin;
    CHECK_INT(awl_tls_info(self->s, &self->d), 0);
    awl_stream_print(self->s, "hello, %s\n", self->d.server_name);
    co_end;
}

static awl_coro greets(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(greet, .s = s);
}

co_def(open_by_options, {
    two t;
    awl_server *server;
    awl_stream_options o;
    awl_stream *s;
    char *line;
})
{
    co_begin;
    self->t.ct = new_client(NULL);
    self->t.st = new_server(&ec_key, NULL);
    self->o = (awl_stream_options){ .tls = self->t.st };
    co_let(self->server, awl_start_server(greets, NULL, "127.0.0.1", 0, &self->o));
    self->o = (awl_stream_options){ .tls = self->t.ct, .server_name = "example.org" };
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), &self->o));
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "hello, example.org\n");

    /* The host is the name where there is no other: its address is in the certificate, too. */
    awl_stream_close(self->s);
    self->s = NULL;
    self->o.server_name = NULL;
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), &self->o));
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "hello, (null)\n");
    co_finally;
    awl_stream_close(self->s);
    awl_server_close(self->server);
    close_two(&self->t);
    co_end;
}

TEST(connections_and_servers_speak_tls_by_their_options)
{
    CHECK_INT(awl_run_with(co_call(open_by_options), &(awl_loop_options){ .report = note_report }, NULL), 0);
    CHECK_STR(reports, "");
}

/* A server says why clients are not served, to who asks for it. */
static char heard[512];

static void hear(void *arg, const awl_report *report)
{
    (void)arg;
    snprintf(heard, sizeof heard, "%s: %s: %s", report->name, report->what, report->message);
}

co_def(send_nonsense, {
    awl_tls *tls;
    awl_server *server;
    awl_stream *s;
    awl_stream_options o;
    char buf[64];
    int n;
})
{
    co_begin;
    self->tls = new_server(&ec_key, NULL);
    self->o = (awl_stream_options){ .tls = self->tls };
    co_let(self->server, awl_start_server(greets, NULL, "127.0.0.1", 0, &self->o));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    awl_stream_print(self->s, "GET / HTTP/1.0\r\n\r\n");
    co_try(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
    co_finally;
    awl_stream_close(self->s);
    awl_server_close(self->server);
    awl_tls_release(self->tls);
    co_end;
}

TEST(failed_handshakes_of_clients_are_reported_in_debug_mode)
{
    unsetenv("AWL_DEBUG");
    CHECK_INT(awl_run_with(co_call(send_nonsense), &(awl_loop_options){ .report = hear }, NULL), 0);
    CHECK_STR(heard, "");
    CHECK_INT(awl_run_with(co_call(send_nonsense), &(awl_loop_options){ .report = hear, .debug = true }, NULL), 0);
    CHECK_CONTAINS(heard, "awl_start_server: the TLS handshake with a client failed, which is not served: 127.0.0.1:");
    CHECK_CONTAINS(heard, ": the peer does not speak TLS: a plain HTTP client (it began with \"GET / HT\")");
}

/* ---- What stops a handshake -------------------------------------------------------------------------------------- */

TLS_TEST(start_refuses_what_cannot_be, {
    two t;
    int rc;
    awl_task *reader;
    char buf[4];
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    CHECK_FAILS(EINVAL, awl_start_tls(NULL, self->t.ct, "localhost"));
    CHECK_FAILS(EINVAL, awl_start_tls(self->t.c, NULL, "localhost"));
    CHECK_FAILS(EINVAL, awl_start_tls(self->t.c, self->t.ct, NULL));
    CHECK_CONTAINS(awl_error_message(EINVAL), "needs the name");
    CHECK_FAILS(EINVAL, awl_start_tls(self->t.c, self->t.st, "localhost"));
    CHECK_CONTAINS(awl_error_message(EINVAL), "cannot be used by a client");

    /* The stream is as it was. */
    CHECK_INT(awl_stream_error(self->t.c), 0);
    self->reader = awl_create_task(awl_stream_read(self->t.c, self->buf, 4));
    co_await(awl_sleep(0));
    CHECK_FAILS(EBUSY, awl_start_tls(self->t.c, self->t.ct, "localhost"));
    CHECK_INT(awl_stream_error(self->t.c), 0);
    awl_task_cancel(self->reader);
    CHECK_FAILS(ECANCELED, self->reader);
    SHAKE(&self->t, "localhost");
    CHECK_INT(self->t.c_error, 0);
    co_finally;
    end_task(self->reader);
    close_two(&self->t);
    co_end;
}

/* A program that does not look at what awl_tls_client or awl_tls_server gives must not come to speak in the clear. */
TLS_TEST(contexts_that_were_not_made_do_not_mean_plain_text, {
    two t;
    awl_tls *bad;
    awl_stream_options o;
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    self->bad = awl_tls_server(&(awl_tls_options){ .cert_file = "/nowhere/cert.pem" });
    awl_tls_release(awl_tls_retain(self->bad));
    self->o = (awl_stream_options){ .tls = self->bad, .server_name = "localhost" };
    co_await(awl_sleep(0));

    /* The error, and the text, which others have pushed out of the loop's memory meanwhile. */
    for (int i = 0; i < 9; i++)
        awl__error_detail(awl_running_, AWL_EKEY, "another");
    CHECK_FAILS(AWL_EKEY, awl_start_server(greets, NULL, "127.0.0.1", 0, &self->o));
    CHECK_CONTAINS(awl_error_message(AWL_EKEY), "/nowhere/cert.pem");
    CHECK_FAILS(AWL_EKEY, awl_start_unix_server(greets, NULL, "@awl-tls-test", &self->o));
    CHECK_FAILS(AWL_EKEY, awl_start_server_on(greets, NULL, -1, &self->o));
    CHECK_FAILS(AWL_EKEY, awl_open_connection("127.0.0.1", 1, &self->o));
    CHECK_FAILS(AWL_EKEY, awl_open_unix_connection("@awl-tls-test", &self->o));
    CHECK_FAILS(AWL_EKEY, awl_start_tls(self->t.c, self->bad, "localhost"));
    CHECK_CONTAINS(awl_error_message(AWL_EKEY), "/nowhere/cert.pem");
    CHECK_INT(awl_stream_error(self->t.c), 0);
    co_finally;
    awl_tls_release(self->bad);
    close_two(&self->t);
    co_end;
}

TLS_TEST(stream_that_speaks_tls_does_not_begin_again, {
    two t;
    char buf[4];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, "localhost");
    CHECK_FAILS(EINVAL, awl_start_tls(self->t.c, self->t.ct, "localhost"));
    CHECK_STR(awl_error_message(EINVAL), "the stream speaks TLS already");

    /* It is as it was. */
    CHECK_INT(awl_stream_write(self->t.c, "on", 2), 0);
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 2));
    co_finally;
    close_two(&self->t);
    co_end;
}

/* A second one neither lays TLS over TLS, nor disturbs the first. */
TLS_TEST(one_handshake_at_a_time, {
    two t;
    awl_task *first;
    char buf[4];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    self->first = awl_create_task(awl_start_tls(self->t.c, self->t.ct, "localhost"));
    CHECK(self->first != NULL);
    CHECK_FAILS(EBUSY, awl_gather(awl_start_tls(self->t.c, self->t.ct, "localhost")));
    CHECK_STR(awl_error_message(EBUSY), "a TLS handshake is at work on the stream");
    CHECK_INT(awl_stream_error(self->t.c), 0);
    co_await(awl_start_tls(self->t.s, self->t.st, NULL));
    co_await(self->first);
    CHECK_INT(awl_stream_write(self->t.c, "on", 2), 0);
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 2));
    CHECK_MEM(self->buf, "on", 2);
    co_finally;
    end_task(self->first);
    close_two(&self->t);
    co_end;
}

TLS_TEST(contexts_of_the_other_role_are_refused_at_once, {
    two t;
    awl_stream_options o;
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    self->o = (awl_stream_options){ .tls = self->t.ct };
    CHECK_FAILS(EINVAL, awl_start_server(greets, NULL, "127.0.0.1", 0, &self->o));
    CHECK_CONTAINS(awl_error_message(EINVAL), "cannot be used by a server");
    self->o = (awl_stream_options){ .tls = self->t.st };
    CHECK_FAILS(EINVAL, awl_open_connection("127.0.0.1", 1, &self->o));
    CHECK_CONTAINS(awl_error_message(EINVAL), "cannot be used by a client");
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(silent_peer_runs_into_the_timeout, {
    two t;
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    CHECK_FAILS(ETIMEDOUT, awl_start_tls(self->t.c, self->t.ct, "localhost"));
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 60);
    CHECK_STR(awl_error_message(ETIMEDOUT), "localhost: the TLS handshake took too long");
    CHECK_INT(awl_stream_error(self->t.c), ETIMEDOUT);
    co_finally;
    close_two(&self->t);
    co_end;
}

/* A turn is for a step: who is silent has none, so that others are not kept out. */
TLS_TEST(a_silent_client_does_not_hold_up_the_others, {
    two t, u;
    awl_task *first, *second, *client;
    int rc;
    awl_tls_options o;
})
{
    co_begin;
    self->o = (awl_tls_options){ .max_handshakes = 1, .handshake_timeout = 10 * AWL_SECOND };
    open_two(&self->t, NULL, &ec_key, &self->o);
    open_two(&self->u, NULL, &ec_key, NULL);
    self->first = awl_create_task(awl_start_tls(self->t.s, self->t.st, NULL));
    co_await(awl_sleep(AWL_SECOND));
    self->second = awl_create_task(awl_start_tls(self->u.s, self->t.st, NULL));
    self->client = awl_create_task(awl_start_tls(self->u.c, self->u.ct, "localhost"));
    co_await(self->client);
    co_await(self->second);
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 1);
    CHECK_FAILS(ETIMEDOUT, self->first);
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 10);
    co_finally;
    end_task(self->first);
    end_task(self->second);
    end_task(self->client);
    close_two(&self->t);
    close_two(&self->u);
    co_end;
}

/* Cancels the client's, or the server's, handshake after so many iterations: both end, and leave nothing behind. */
co_def(cancel_after, {
    int turns;
    bool server;
    two t;
    awl_task *c, *s;
    int i, rc, c_rc, s_rc;
    bool *late;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    self->c = awl_create_task(awl_start_tls(self->t.c, self->t.ct, "localhost"));
    self->s = awl_create_task(awl_start_tls(self->t.s, self->t.st, NULL));
    for (self->i = 0; self->i < self->turns; self->i++)
        co_await(awl_sleep(0));
    *self->late = !awl_task_cancel(self->server ? self->s : self->c);
    co_try_cancel(self->c_rc, self->c);
    co_try_cancel(self->s_rc, self->s);
    if (!*self->late) {
        CHECK_INT(self->server ? self->s_rc : self->c_rc, ECANCELED);
        CHECK_INT(awl_stream_error(self->server ? self->t.s : self->t.c), ECONNABORTED);
    }
    co_finally;
    end_task(self->c);
    end_task(self->s);
    close_two(&self->t);
    co_end;
}

TEST(handshakes_can_be_cancelled_at_any_moment)
{
    for (int i = 0; i < 2; i++) {
        bool late = false;
        int turns;

        for (turns = 1; !late; turns++)
            run_virtual(co_call(cancel_after, .turns = turns, .server = i, .late = &late));
        CHECK(turns > 3);
    }
}

/* Breaks the connection after so many bytes of one side: both handshakes fail, and say so. */
co_def(break_after, {
    size_t bytes;
    int error;
    bool server;
    two t;
    bool *late;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    ends[self->server].cut = self->bytes;
    ends[self->server].error = self->error;
    SHAKE(&self->t, "localhost");
    *self->late = !ends[0].broken;
    if (!*self->late) {
        CHECK(self->t.c_error || self->t.s_error);
        if (self->t.c_error && !self->error)
            CHECK(self->t.c_error == AWL_ETLS || self->t.c_error == EPIPE);
        if (self->t.s_error && self->error)
            CHECK(self->t.s_error == ECONNRESET || self->t.s_error == AWL_ETLS);
        if (self->t.c_error)
            CHECK_CONTAINS(self->t.c_text, "localhost: the connection ended during the TLS handshake");
        if (self->t.s_error)
            CHECK_CONTAINS(self->t.s_text, "the connection ended during the TLS handshake");
    }
    co_finally;
    close_two(&self->t);
    co_end;
}

static void break_everywhere(bool server, int error)
{
    bool late = false;
    size_t bytes;

    for (bytes = 1; !late; bytes += bytes < 40 ? 1 : 17)
        run_virtual(co_call(break_after, .bytes = bytes, .server = server, .error = error, .late = &late));
    CHECK(bytes > 200);
}

TEST(connection_may_end_at_any_byte)
{
    break_everywhere(false, 0);
    break_everywhere(true, 0);
}

TEST(connection_may_be_reset_at_any_byte)
{
    break_everywhere(false, ECONNRESET);
    break_everywhere(true, ECONNRESET);
}

/* A server that refuses the client's certificate sends an alert and goes, while the client still writes. */
co_def(refuse_certificate, {
    size_t room;
    two t;
    awl_tls_options c, s;
})
{
    static const awl_tls_key bad_key = KEY(stranger);

    co_begin;
    self->c = (awl_tls_options){ .keys = &bad_key, .n_keys = 1 };
    self->s = (awl_tls_options){ .ask = AWL_TLS_REQUIRE_CERTIFICATE };
    open_two(&self->t, &self->c, &ec_key, &self->s);
    wire_two(&self->t, 0);
    ends[1].room = self->room; /* the rest of what the client says has to wait until the server has read that */
    SHAKE(&self->t, "localhost");
    CHECK_CONTAINS(self->t.c_text, "localhost: the server does not accept our certificate (received alert 4");
    CHECK_INT(self->t.c_error, AWL_ETLS);
    co_finally;
    close_two(&self->t);
    co_end;
}

TEST(alert_that_is_there_is_heard_when_writing_fails)
{
    for (size_t room = 100; room < 1000; room += 50)
        run_virtual(co_call(refuse_certificate, .room = room));
}

/* The same when the handshake is over. */
TLS_TEST(alert_is_the_error_of_a_stream_that_cannot_write, {
    two t;
    char buf[8];
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    wire_two(&self->t, 0);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_stream_write(self->t.c, "hello", 5), 0);
    while (!ends[1].end)
        co_await(awl_sleep(0));
    ends[1].in[ends[1].end - 1] ^= 1;
    CHECK_FAILS(AWL_ETLS, awl_stream_read(self->t.s, self->buf, sizeof self->buf));
    awl_stream_abort(self->t.s);
    awl_stream_write(self->t.c, "more", 4);
    while (!awl_stream_error(self->t.c))
        co_await(awl_sleep(0));
    CHECK_INT(awl_stream_error(self->t.c), AWL_ETLS);
    CHECK_STR(awl_error_message(AWL_ETLS), "localhost: the server ended the connection (received alert 20, "
                                           "bad_record_mac)");
    co_finally;
    close_two(&self->t);
    co_end;
}

TLS_TEST(stream_may_be_closed_or_aborted_during_the_handshake, {
    two t, u;
    awl_task *task;
    int rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    open_two(&self->u, NULL, &ec_key, NULL);
    self->task = awl_create_task(awl_start_tls(self->t.c, self->t.ct, "localhost"));
    co_await(awl_sleep(0));
    awl_stream_close(self->t.c);
    self->t.c = NULL;
    CHECK_FAILS(ECONNABORTED, self->task);
    awl_task_release(self->task);
    self->task = awl_create_task(awl_start_tls(self->u.s, self->u.st, NULL));
    co_await(awl_sleep(0));
    awl_stream_abort(self->u.s);
    CHECK_FAILS(ECONNABORTED, self->task);
    co_finally;
    end_task(self->task);
    close_two(&self->t);
    close_two(&self->u);
    co_end;
}

/* What is written, and a read that begins, during the handshake has its turn after it. */
TLS_TEST(reads_and_writes_wait_for_the_handshake, {
    two t;
    awl_task *c, *reader;
    char buf[8];
    int n, rc;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    self->c = awl_create_task(awl_start_tls(self->t.c, self->t.ct, "localhost"));
    co_await(awl_sleep(0));
    CHECK_INT(awl_stream_write(self->t.c, "early", 5), 0);
    self->reader = awl_create_task(awl_stream_read(self->t.c, self->buf, sizeof self->buf));
    co_await(awl_sleep(0));
    co_await(awl_start_tls(self->t.s, self->t.st, NULL));
    co_await(self->c);
    awl_stream_print(self->t.s, "back");
    co_let(self->n, self->reader);
    CHECK_INT(self->n, 4);
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 5));
    CHECK_MEM(self->buf, "early", 5);
    co_finally;
    end_task(self->c);
    end_task(self->reader);
    close_two(&self->t);
    co_end;
}
