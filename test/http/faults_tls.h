/* faults_tls.h: the two contexts of a talk by TLS, and the one session that they resume: a handshake is short then, and
 * each talk has as many bytes as the one before. */
#ifndef HTTP_FAULTS_TLS_H
#define HTTP_FAULTS_TLS_H

#include "../tls/certs.h"
#include "../tls/suites.h"
#include "faults_net.h"
#include "tls/tls_priv.h"

enum { HANDSHAKE_SECONDS = 10, CLOSE_SECONDS = 5 };

static struct {
    awl_tls *client, *server;
    awl__tls_session sessions[2]; /* what both remember of a first talk */
    bool has_sessions;
} secrets;

static inline awl_tls *usable(awl_tls *tls)
{
    CHECK_STR(awl_tls_error(tls) ? awl_error_message(awl_tls_error(tls)) : "", "");
    return tls;
}

static inline void open_secrets(void)
{
    static const awl_tls_key key = { .cert = server_ec_pem,
                                     .cert_len = sizeof server_ec_pem - 1,
                                     .key = server_ec_key,
                                     .key_len = sizeof server_ec_key - 1 };
    awl_tls_options o = { .session_life = 24 * 60 * AWL_MINUTE,
                          .handshake_timeout = HANDSHAKE_SECONDS * AWL_SECOND,
                          .close_timeout = CLOSE_SECONDS * AWL_SECOND };

    o.trust = awl_trust_from_memory(ca_pem, sizeof ca_pem - 1);
    CHECK(o.trust != NULL);
    secrets.client = usable(awl_tls_client(&o));
    awl_trust_release(o.trust);
    o.trust = NULL;
    o.keys = &key;
    o.n_keys = 1;
    secrets.server = usable(awl_tls_server(&o));
    net.tls = secrets.server;
    net.client_tls = secrets.client;
}

static const char session_key[] = "localhost:0";

/* Keeps what a talk has left behind. */
static inline void keep_secrets(void)
{
    CHECK(awl__tls_cache_get(&secrets.client->cache, session_key, sizeof session_key - 1, &secrets.sessions[0]));
    CHECK(awl__tls_cache_get(&secrets.server->cache, secrets.sessions[0].id, sizeof secrets.sessions[0].id,
                             &secrets.sessions[1]));
    secrets.has_sessions = true;
}

/* What both know before a talk: that one session. */
static inline void set_secrets(void)
{
    awl__tls_cache_forget(&secrets.client->cache, session_key, sizeof session_key - 1);
    awl__tls_cache_clear(&secrets.server->cache);
    if (!secrets.has_sessions)
        return;
    awl__tls_cache_put(&secrets.client->cache, session_key, sizeof session_key - 1, &secrets.sessions[0]);
    awl__tls_cache_put(&secrets.server->cache, secrets.sessions[0].id, sizeof secrets.sessions[0].id,
                       &secrets.sessions[1]);
}

static inline void close_secrets(void)
{
    for (int i = 0; i < 2 && secrets.has_sessions; i++)
        awl__tls_peer_release(secrets.client->loop, secrets.sessions[i].peer);
    secrets.has_sessions = false;
    awl_tls_release(secrets.client);
    awl_tls_release(secrets.server);
    secrets.client = secrets.server = net.tls = net.client_tls = NULL;
}

static const secrecy tls_secrecy = { open_secrets, keep_secrets, set_secrets, close_secrets, record_overhead };

/* Runs a test by TLS. */
static inline void run_secret(awl_coro coroutine)
{
    net.secrecy = &tls_secrecy;
    run_main(coroutine, true);
}

#endif
