/* Engines of TLS, two and two, without any I/O. */
#include "engine_rig.h"

#include "suites.h"

/* A handshake, a message each way, and the goodbye. */
static void talk(const awl_tls_key *key, size_t most)
{
    const char *kind = key == &rsa_key ? "RSA" : "ECDSA", *cipher = prefers_aes() ? "AES_128_GCM" : "CHACHA20_POLY1305";
    awl_tls *client = new_client(NULL), *server = new_server(key, NULL);
    pair p = open_pair_of(client, server, "example.org");
    awl_tls_details details;
    const char *text;
    char got[16], suite[80];

    p.most = most;
    shake(&p);
    client->backend->info(p.client.e, &details);
    CHECK_STR(details.version, "TLSv1.2");
    snprintf(suite, sizeof suite, "TLS_ECDHE_%s_WITH_%s_SHA256", kind, cipher);
    CHECK_STR(details.suite, suite);
    CHECK_STR(details.server_name, "example.org");
    carry(&p, &p.client, &p.server, "hello", 5, got);
    CHECK_MEM(got, "hello", 5);
    carry(&p, &p.server, &p.client, "goodbye", 7, got);
    CHECK_MEM(got, "goodbye", 7);
    p.client.b->close(p.client.e);
    settle_down(&p);
    CHECK_INT(state_of(&p.client), AWL__TLS_CLOSED);
    CHECK_INT(state_of(&p.server), AWL__TLS_CLOSED);
    CHECK_INT(why(&p.client, &text), 0);
    CHECK_INT(why(&p.server, &text), 0);
    free_pair(&p);
    awl_tls_release(client);
    awl_tls_release(server);
}

ENGINE_TEST(engines_talk_with_an_ec_key) { talk(&ec_key, 0); }

ENGINE_TEST(engines_talk_with_an_rsa_key) { talk(&rsa_key, 0); }

/* Hands over all that one has to send, which is one piece, of records of these types. */
static void pass_flight(side *from, side *to, const char *types)
{
    unsigned char flight[8192], *room;
    const unsigned char *data;
    size_t len, cap, at = 0, n = 0;

    data = from->b->send_buf(from->e, &len);
    CHECK(data != NULL);
    CHECK(len <= sizeof flight);
    memcpy(flight, data, len);
    from->b->send_ack(from->e, len);
    CHECK(from->b->send_buf(from->e, &cap) == NULL);
    for (; at + 5 <= len; at += 5 + (size_t)(flight[at + 3] << 8 | flight[at + 4]))
        CHECK_INT(flight[at], types[n++]);
    CHECK_INT(at, len);
    CHECK_INT(n, strlen(types));
    for (at = 0; at < len; at += cap) {
        room = to->b->recv_buf(to->e, &cap);
        CHECK(room != NULL);
        cap = cap < len - at ? cap : len - at;
        memcpy(room, flight + at, cap);
        to->b->recv_ack(to->e, cap);
    }
}

/* Handshake messages are of type 22, change_cipher_spec is 20 (RFC 5246, section 6.2.1). */
ENGINE_TEST(engines_send_a_flight_in_one_piece)
{
    awl_tls *client = new_client(NULL), *server = new_server(&ec_key, NULL);
    pair p = open_pair_of(client, server, "example.org");

    pass_flight(&p.client, &p.server, "\26");
    pass_flight(&p.server, &p.client, "\26");
    pass_flight(&p.client, &p.server, "\26\24\26");
    pass_flight(&p.server, &p.client, "\24\26");
    CHECK(state_of(&p.client) & AWL__TLS_OPEN);
    CHECK(state_of(&p.server) & AWL__TLS_OPEN);
    free_pair(&p);
    awl_tls_release(client);
    awl_tls_release(server);
}

/* What is wrong meanwhile is said behind the flight, and understood. */
ENGINE_TEST(engines_send_a_flight_before_their_last_words)
{
    awl_tls *client = new_client(NULL), *server = new_server(&ec_key, NULL);
    pair p = open_pair_of(client, server, "example.org");
    unsigned char *room;
    const char *text;
    size_t cap;

    pass_flight(&p.client, &p.server, "\26");
    room = p.server.b->recv_buf(p.server.e, &cap);
    CHECK(room != NULL);
    CHECK(cap >= 5);
    memcpy(room, "\26\11\11\0\1", 5); /* a record of no version that there is */
    p.server.b->recv_ack(p.server.e, 5);
    CHECK_INT(state_of(&p.server), AWL__TLS_CLOSED | AWL__TLS_SENDS);
    settle_down(&p);
    CHECK_INT(state_of(&p.server), AWL__TLS_CLOSED);
    CHECK(state_of(&p.client) & AWL__TLS_CLOSED);
    CHECK_INT(why(&p.client, &text), AWL_ETLS);
    CHECK_CONTAINS(text, "alert");
    free_pair(&p);
    awl_tls_release(client);
    awl_tls_release(server);
}

ENGINE_TEST(engines_talk_byte_by_byte) { talk(&ec_key, 1); }

ENGINE_TEST(engines_talk_in_odd_pieces)
{
    for (size_t most = 2; most < 64; most++)
        talk(&ec_key, most);
}
