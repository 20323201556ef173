/* Sessions: kept by both sides, resumed by the next handshake, and forgotten when they should be. */
#include "stream_rig.h"

TLS_RIG_COROUTINES;

/* ---- The table --------------------------------------------------------------------------------------------------- */

static awl__tls_session session_number(int n)
{
    awl__tls_session s = { .id_len = 32, .suite = 0xc02b };

    memset(s.id, n, sizeof s.id);
    return s;
}

static void put(awl__tls_cache *cache, const char *key, int n)
{
    const awl__tls_session s = session_number(n);

    awl__tls_cache_put(cache, key, strlen(key), &s);
}

/* The number of the session that is kept for a key; -1: none. */
static int kept(awl__tls_cache *cache, const char *key)
{
    awl__tls_session s;

    return awl__tls_cache_get(cache, key, strlen(key), &s) ? s.id[0] : -1;
}

ENGINE_TEST(cache_keeps_those_that_were_used_last)
{
    awl__tls_cache cache = { .loop = awl_running_loop(), .most = 3, .life = AWL_SECOND };

    CHECK_INT(kept(&cache, "a"), -1);
    put(&cache, "a", 1);
    put(&cache, "b", 2);
    put(&cache, "c", 3);
    CHECK_INT(kept(&cache, "a"), 1);
    put(&cache, "d", 4); /* b was used longest ago */
    CHECK_INT(kept(&cache, "b"), -1);
    CHECK_INT(kept(&cache, "a"), 1);
    CHECK_INT(kept(&cache, "c"), 3);
    CHECK_INT(kept(&cache, "d"), 4);
    put(&cache, "c", 5);
    CHECK_INT(kept(&cache, "c"), 5);
    CHECK_INT(cache.n, 3);
    awl__tls_cache_forget(&cache, "a", 1);
    awl__tls_cache_forget(&cache, "z", 1);
    CHECK_INT(kept(&cache, "a"), -1);
    CHECK_INT(cache.n, 2);
    awl__tls_cache_clear(&cache);
    CHECK_INT(kept(&cache, "c"), -1);
}

ENGINE_TEST(cache_of_nothing_keeps_nothing)
{
    awl__tls_cache cache = { .loop = awl_running_loop(), .life = AWL_SECOND };

    put(&cache, "a", 1);
    CHECK_INT(kept(&cache, "a"), -1);
    awl__tls_cache_clear(&cache);
}

ENGINE_TEST(cache_holds_a_thousand)
{
    awl__tls_cache cache = { .loop = awl_running_loop(), .most = 1000, .life = AWL_SECOND };
    char key[16];

    for (int i = 0; i < 3000; i++) {
        sprintf(key, "%d", i);
        put(&cache, key, i & 0x7f);
    }
    for (int i = 0; i < 3000; i++) {
        sprintf(key, "%d", i);
        CHECK_INT(kept(&cache, key), i < 2000 ? -1 : i & 0x7f);
    }
    awl__tls_cache_clear(&cache);
}

/* ---- Handshakes -------------------------------------------------------------------------------------------------- */

/* Connects once more with contexts that exist, and says in `resumed` whether that resumed a session: on both sides or
 * on none. */
co_def(again, {
    awl_tls *ct, *st;
    const char *name;
    two t;
    awl_tls_details c, s;
    bool *resumed;
    char buf[2];
    int rc;
})
{
    co_begin;
    connect_two(&self->t);
    self->t.ct = self->ct;
    self->t.st = self->st;
    SHAKE(&self->t, self->name);
    CHECK_STR(self->t.c_text, "");
    CHECK_STR(self->t.s_text, "");
    CHECK_INT(awl_tls_info(self->t.c, &self->c), 0);
    CHECK_INT(awl_tls_info(self->t.s, &self->s), 0);
    CHECK_INT(self->c.resumed, self->s.resumed);
    CHECK(self->c.verified);
    CHECK_STR(self->c.subject, "O=awl tests, CN=server_ec");
    CHECK_STR(self->s.server_name, self->name);
    *self->resumed = self->c.resumed;
    CHECK_INT(awl_stream_write(self->t.c, "x", 1), 0);
    co_await(awl_stream_read_exactly(self->t.s, self->buf, 1));
    co_finally;
    close_streams(&self->t);
    co_end;
}

/* AGAIN(name): the same; whether it resumed is in self->resumed then. */
#define AGAIN(host) co_await(co_call(again, .ct = self->ct, .st = self->st, .name = (host), .resumed = &self->resumed))
#define SESSION_TEST(name)      \
    TLS_TEST(name, {            \
        awl_tls *ct, *st, *old; \
        bool resumed;           \
        awl_tls_options c, s;   \
    })
#define OPEN_CONTEXTS (self->ct = new_client(&self->c), self->st = new_server(&ec_key, &self->s))
#define CLOSE_CONTEXTS (awl_tls_release(self->ct), awl_tls_release(self->st))

SESSION_TEST(second_handshake_resumes)
{
    co_begin;
    OPEN_CONTEXTS;
    AGAIN("localhost");
    CHECK(!self->resumed);
    AGAIN("localhost");
    CHECK(self->resumed);
    AGAIN("localhost");
    CHECK(self->resumed);
    CHECK_INT(self->ct->cache.n, 1);
    CHECK_INT(self->st->cache.n, 1);
    co_finally;
    CLOSE_CONTEXTS;
    co_end;
}

SESSION_TEST(each_name_has_a_session_of_its_own)
{
    co_begin;
    OPEN_CONTEXTS;
    AGAIN("localhost");
    AGAIN("example.org");
    CHECK(!self->resumed);
    AGAIN("localhost");
    CHECK(self->resumed);
    CHECK_INT(self->st->cache.n, 2);
    co_finally;
    CLOSE_CONTEXTS;
    co_end;
}

SESSION_TEST(either_side_may_keep_none)
{
    co_begin;
    self->c.sessions = -1;
    OPEN_CONTEXTS;
    AGAIN("localhost");
    AGAIN("localhost");
    CHECK(!self->resumed);
    CHECK_INT(self->ct->cache.n, 0);
    CLOSE_CONTEXTS;
    self->c.sessions = 0;
    self->s.sessions = -1;
    OPEN_CONTEXTS;
    AGAIN("localhost");
    AGAIN("localhost");
    CHECK(!self->resumed);
    co_finally;
    CLOSE_CONTEXTS;
    co_end;
}

SESSION_TEST(sessions_end_after_two_hours)
{
    co_begin;
    OPEN_CONTEXTS;
    AGAIN("localhost");
    co_await(awl_sleep(119 * AWL_MINUTE));
    AGAIN("localhost");
    CHECK(self->resumed);
    co_await(awl_sleep(121 * AWL_MINUTE));
    AGAIN("localhost");
    CHECK(!self->resumed);
    co_finally;
    CLOSE_CONTEXTS;
    co_end;
}

SESSION_TEST(server_that_was_started_anew_makes_a_new_session)
{
    co_begin;
    OPEN_CONTEXTS;
    AGAIN("localhost");
    awl_tls_release(self->st);
    self->st = new_server(&ec_key, NULL);
    AGAIN("localhost");
    CHECK(!self->resumed);
    AGAIN("localhost");
    CHECK(self->resumed);
    co_finally;
    CLOSE_CONTEXTS;
    co_end;
}

/* A server with client certificates knows a client that resumes by the certificate of before. */
TLS_TEST(resumed_clients_stay_known, {
    awl_tls *ct, *st;
    awl_tls_key key;
    two t;
    awl_tls_details d;
    int i;
})
{
    co_begin;
    self->key = (awl_tls_key)KEY(client_ec);
    self->ct = new_client(&(awl_tls_options){ .keys = &self->key, .n_keys = 1 });
    self->st = new_server(&ec_key, &(awl_tls_options){ .ask = AWL_TLS_REQUIRE_CERTIFICATE });
    for (self->i = 0; self->i < 2; self->i++) {
        connect_two(&self->t);
        self->t.ct = self->ct;
        self->t.st = self->st;
        SHAKE(&self->t, "localhost");
        CHECK_STR(self->t.c_text, "");
        CHECK_INT(awl_tls_info(self->t.s, &self->d), 0);
        CHECK_INT(self->d.resumed, self->i);
        CHECK(self->d.verified);
        CHECK_STR(self->d.subject, "O=awl tests, CN=client_ec");
        close_streams(&self->t);
    }
    co_finally;
    close_streams(&self->t);
    CLOSE_CONTEXTS;
    co_end;
}

/* RFC 5246, section 7.2.2: a connection that ends by a fatal alert takes its session with it, also where the server was
 * asked for by its address. */
co_def(fail_after_handshake, {
    const char *name;
    two t;
    char buf[4];
    int rc;
})
{
    static const char forged[] = "\x17\x03\x03\0\x20nobody has the key that this needs..";

    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    SHAKE(&self->t, self->name);
    CHECK_STR(self->t.c_text, "");
    CHECK_INT(self->t.ct->cache.n, 1);
    CHECK_INT(write(awl_stream_fd(self->t.s), forged, 37), 37);
    CHECK_FAILS(AWL_ETLS, awl_stream_read(self->t.c, self->buf, 4));
    CHECK_INT(self->t.ct->cache.n, 0);
    co_finally;
    close_two(&self->t);
    co_end;
}

TEST(session_of_a_connection_that_failed_is_forgotten)
{
    run_virtual(co_call(fail_after_handshake, .name = "localhost"));
    run_virtual(co_call(fail_after_handshake, .name = "127.0.0.1"));
}

/* ---- What a client may not resume -------------------------------------------------------------------------------- */

/* The session of a client of one context, offered by one of another for `name`. true: it was resumed. */
static bool offer(awl_tls *client, awl_tls *other, awl_tls *server, const char *name)
{
    pair p = open_pair_of(client, server, "localhost");
    awl__tls_session session;
    awl_tls_details d;

    shake(&p);
    CHECK(client->backend->session(p.client.e, &session));
    free_pair(&p);
    p = (pair){ .client = open_side(other, name, &session), .server = open_side(server, NULL, NULL) };
    awl__tls_peer_release(client->loop, session.peer);
    shake(&p);
    server->backend->info(p.server.e, &d);
    free_pair(&p);
    return d.resumed;
}

ENGINE_TEST(session_is_not_resumed_for_another_name)
{
    awl_tls *client = new_client(NULL), *server = new_server(&ec_key, NULL);

    CHECK(offer(client, client, server, "LocalHost"));
    CHECK(!offer(client, client, server, "example.org"));
    CHECK(!offer(client, client, server, "127.0.0.1")); /* which asks for no name */
    awl_tls_release(client);
    awl_tls_release(server);
}

/* Where no protocol fits, BearSSL 0.6 would read far beyond the server's list as it resumes. */
ENGINE_TEST(session_is_not_resumed_with_protocols_that_do_not_fit)
{
    awl_tls *plain = new_client(NULL),
            *h1 = new_client(&(awl_tls_options){ .alpn = (const char *[]){ "http/1.1", NULL } });
    awl_tls *h2 = new_client(&(awl_tls_options){ .alpn = (const char *[]){ "h2", NULL } });
    awl_tls *server = new_server(&ec_key, &(awl_tls_options){ .alpn = (const char *[]){ "http/1.1", NULL } });
    pair p = open_pair_of(plain, server, "localhost");
    awl__tls_session session;
    const char *text;

    CHECK(offer(plain, h1, server, "localhost"));
    shake(&p);
    CHECK(plain->backend->session(p.client.e, &session));
    free_pair(&p);
    p = (pair){ .client = open_side(h2, "localhost", &session), .server = open_side(server, NULL, NULL) };
    awl__tls_peer_release(plain->loop, session.peer);
    settle_down(&p);
    CHECK_INT(why(&p.server, &text), AWL_ETLS);
    CHECK_CONTAINS(text, "sent alert 120");
    free_pair(&p);
    awl_tls_release(plain);
    awl_tls_release(h1);
    awl_tls_release(h2);
    awl_tls_release(server);
}

/* A hello that comes in pieces does not show its name in time: the handshake is a full one then. */
ENGINE_TEST(hello_in_pieces_makes_a_new_session)
{
    awl_tls *client = new_client(NULL), *server = new_server(&ec_key, NULL);
    pair p = open_pair_of(client, server, "localhost");
    awl__tls_session session;
    awl_tls_details d;

    shake(&p);
    CHECK(client->backend->session(p.client.e, &session));
    free_pair(&p);
    p = (pair){ .client = open_side(client, "localhost", &session),
                .server = open_side(server, NULL, NULL),
                .most = 1 };
    awl__tls_peer_release(client->loop, session.peer);
    shake(&p);
    server->backend->info(p.server.e, &d);
    CHECK(!d.resumed);
    client->backend->info(p.client.e, &d);
    CHECK(!d.resumed);
    CHECK(d.verified);
    free_pair(&p);
    awl_tls_release(client);
    awl_tls_release(server);
}
