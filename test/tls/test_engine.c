/* Engines of TLS, two and two, without any I/O. */
#include "engine_rig.h"

/* A handshake, a message each way, and the goodbye. */
static void talk(const awl_tls_key *key, size_t most, const char *suite)
{
    awl_tls *client = new_client(NULL), *server = new_server(key, NULL);
    pair p = open_pair_of(client, server, "example.org");
    awl_tls_details details;
    const char *text;
    char got[16];

    p.most = most;
    shake(&p);
    client->backend->info(p.client.e, &details);
    CHECK_STR(details.version, "TLSv1.2");
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

ENGINE_TEST(engines_talk_with_an_ec_key) { talk(&ec_key, 0, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"); }

ENGINE_TEST(engines_talk_with_an_rsa_key) { talk(&rsa_key, 0, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"); }

ENGINE_TEST(engines_talk_byte_by_byte) { talk(&ec_key, 1, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"); }

ENGINE_TEST(engines_talk_in_odd_pieces)
{
    for (size_t most = 2; most < 64; most++)
        talk(&ec_key, most, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}
