/* What the tests of engines share: contexts, and two engines whose bytes go from one to the other in memory. */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "awl.h"
#include "certs.h"
#include "harness.h"
#include "tls/tls_priv.h"

#define PEM(text) (text), sizeof(text) - 1
#define KEY(name)                                                                                                  \
    {                                                                                                              \
        .cert = name##_pem, .cert_len = sizeof name##_pem - 1, .key = name##_key, .key_len = sizeof name##_key - 1 \
    }

/* ---- Contexts ---------------------------------------------------------------------------------------------------- */

static const awl_tls_key ec_key = KEY(server_ec), rsa_key = KEY(server_rsa);

static inline awl_trust *trust_in(const char *pem)
{
    awl_trust *trust = awl_trust_from_memory(pem, strlen(pem));

    CHECK_STR(awl_trust_error(trust) ? awl_error_message(errno) : "", "");
    return trust;
}

/* A client that believes the test CA, and a server with `key`; the rest as in `options`, which may be NULL. */
static inline awl_tls *new_client(const awl_tls_options *options)
{
    awl_tls_options o = options ? *options : (awl_tls_options){ .trust = NULL };
    awl_trust *trust = o.trust || o.n_pins || o.dangerously_do_not_verify ? NULL : trust_in(ca_pem);
    awl_tls *tls;

    if (trust)
        o.trust = trust;
    tls = awl_tls_client(&o);
    awl_trust_release(trust);
    CHECK_STR(awl_tls_error(tls) ? awl_error_message(awl_tls_error(tls)) : "", "");
    return tls;
}

static inline awl_tls *new_server(const awl_tls_key *key, const awl_tls_options *options)
{
    awl_tls_options o = options ? *options : (awl_tls_options){ .trust = NULL };
    awl_trust *trust = o.ask && !o.trust ? trust_in(ca_pem) : NULL;
    awl_tls *tls;

    if (trust)
        o.trust = trust;
    if (!o.n_keys) {
        o.keys = key;
        o.n_keys = 1;
    }
    tls = awl_tls_server(&o);
    awl_trust_release(trust);
    CHECK_STR(awl_tls_error(tls) ? awl_error_message(awl_tls_error(tls)) : "", "");
    return tls;
}

/* ---- Engines ----------------------------------------------------------------------------------------------------- */

typedef struct side {
    const awl__tls_backend *b;
    awl__tls_engine *e;
} side;

typedef struct pair {
    side client, server;
    size_t most; /* bytes that are moved at once; 0: any number */
} pair;

static inline side open_side(awl_tls *tls, const char *name, const awl__tls_session *session)
{
    int error = 0;
    side s = { tls->backend, tls->backend->open(tls, name, session, &error) };

    CHECK_INT(error * !s.e, 0);
    return s;
}

static inline unsigned state_of(const side *s) { return s->b->state(s->e); }

/* Moves what one has to send to the other. Result: bytes. */
static inline size_t move(side *from, side *to, size_t most)
{
    const unsigned char *data;
    unsigned char *room;
    size_t len, cap, all = 0;

    while ((data = from->b->send_buf(from->e, &len)) != NULL) {
        if (!(state_of(to) & AWL__TLS_RECEIVES)) {
            if (state_of(to) & AWL__TLS_CLOSED)
                from->b->send_ack(from->e, len); /* into the void */
            break;
        }
        room = to->b->recv_buf(to->e, &cap);
        CHECK(room != NULL);
        CHECK(cap > 0);
        len = len < cap ? len : cap;
        if (most && len > most)
            len = most;
        memcpy(room, data, len);
        from->b->send_ack(from->e, len);
        to->b->recv_ack(to->e, len);
        to->b->recv_rest(to->e);
        all += len;
    }
    return all;
}

/* Until nothing moves any more. */
static inline void settle_down(pair *p)
{
    while (move(&p->client, &p->server, p->most) + move(&p->server, &p->client, p->most))
        ;
}

static inline pair open_pair_of(awl_tls *client, awl_tls *server, const char *name)
{
    pair p = { .client = open_side(client, name, NULL), .server = open_side(server, NULL, NULL) };

    return p;
}

/* The whole handshake, which must succeed. */
static inline void shake(pair *p)
{
    settle_down(p);
    CHECK(state_of(&p->client) & AWL__TLS_OPEN);
    CHECK(state_of(&p->server) & AWL__TLS_OPEN);
    p->client.e = p->client.b->settle(p->client.e);
    p->server.e = p->server.b->settle(p->server.e);
}

static inline void free_pair(pair *p)
{
    p->client.b->free(p->client.e);
    p->server.b->free(p->server.e);
    memset(p, 0, sizeof *p);
}

/* Writes all of it, sending on the way; reads as much on the other side, into `got`. */
static inline void carry(pair *p, side *from, side *to, const char *data, size_t len, char *got)
{
    size_t at = 0, come = 0;

    while (come < len) {
        const unsigned char *have;
        unsigned char *room;
        size_t n;

        CHECK(!((state_of(from) | state_of(to)) & AWL__TLS_CLOSED));
        if (at < len && (room = from->b->write_buf(from->e, len - at, &n)) != NULL) {
            n = n < len - at ? n : len - at;
            memcpy(room, data + at, n);
            from->b->write_ack(from->e, n);
            from->b->flush(from->e);
            at += n;
        }
        move(from, to, p->most);
        while ((have = to->b->read_buf(to->e, &n)) != NULL) {
            CHECK(n <= len - come);
            memcpy(got + come, have, n);
            come += n;
            to->b->read_ack(to->e, n);
        }
        to->b->recv_rest(to->e);
    }
}

/* Why a side is closed; the text stays valid until the next call. */
static inline int why(const side *s, const char **text)
{
    static char buf[512];
    const int error = s->b->explain(s->e, buf, sizeof buf);

    *text = buf;
    return error;
}

#define CHECK_CONTAINS(text, part)    \
    (strstr((text), (part)) ? (void)0 \
                            : harness_fail_(__FILE__, __LINE__, "\"%s\" does not contain \"%s\"", (text), (part)))

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

/* ENGINE_TEST(name, { fields }) { body }: a test in a loop; bodies need not await. */
#define ENGINE_TEST(name)                                                                                     \
    static void name##_body_(void);                                                                           \
    co_def(name##_main_, {})                                                                                  \
    {                                                                                                         \
        co_begin;                                                                                             \
        name##_body_();                                                                                       \
        co_end;                                                                                               \
    }                                                                                                         \
    TEST(name)                                                                                                \
    {                                                                                                         \
        CHECK_INT(awl_run_with(co_call(name##_main_), &(awl_loop_options){ .virtual_time = true }, NULL), 0); \
    }                                                                                                         \
    static void name##_body_(void)

#endif
