/* The inside of the backend that ships: BearSSL 0.6. No other file of this folder but those of trust knows its names.
 */
#ifndef AWL_TLS_BEARSSL_PRIV_H
#define AWL_TLS_BEARSSL_PRIV_H

#include <bearssl.h>

#include "tls_priv.h"
#include "../trust/verify_priv.h"

/* ---- Keys (bearssl_key.c) ---------------------------------------------------------------------------------------- */

/* One of our keys with its chain. */
typedef struct awl__tls_key {
    struct awl__tls_key *next;
    unsigned char type; /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC */
    union {
        br_rsa_private_key rsa;
        br_ec_private_key ec;
    } of;
    unsigned char *secret; /* what `of` points into */
    size_t secret_size;
    br_x509_certificate *chain;
    size_t chain_len;
    awl__cert cert; /* the first of them, taken apart */
} awl__tls_key;

int awl__br_prepare(awl_tls *tls);
int awl__br_add_key(awl_tls *tls, const awl_tls_key *key);
void awl__br_forget(awl_tls *tls);

/* Whether a key's certificate is for `name`, which is none if it is empty. */
bool awl__br_key_is_for(const awl__tls_key *key, const char *name);

/* The first host name in it; false: there is none. */
bool awl__br_key_name(const awl__tls_key *key, char *name, size_t cap);

/* A signature of a digest, in `data` in its place, of up to `cap` bytes. Result: its length; 0: it cannot be made. */
size_t awl__br_sign(const awl__tls_key *key, unsigned hash_id, unsigned char *data, size_t len, size_t cap);

/* ---- Engines ----------------------------------------------------------------------------------------------------- */

enum {
    AWL__BR_SPARE = 64,    /* of output, while nobody writes: enough for an alert */
    AWL__BR_SMALL = 4096,  /* of input, and of output during the handshake: a flight of messages in one record */
    AWL__BR_REST = 256,    /* of output: the least that a further record of a flight is made in */
    AWL__BR_INPUT = 16418, /* of input where records are large: the longest of ours, and the head of the next */
    AWL__BR_OVERHEAD = 34, /* of output: what surrounds the longest content, and what BearSSL leaves unused */
    AWL__BR_OUTPUT = 16384 + AWL__BR_OVERHEAD,
    AWL__BR_RECORD =
        16384 + 325, /* the longest record of all, as BearSSL counts; ours have 29 bytes around them at most */
};

typedef struct awl__br_engine {
    awl__tls_engine common;
    awl__verify *verify; /* until it is settled, as what follows */
    struct awl__br_careless *careless;
    const awl__tls_key *key; /* of ours, that was chosen */
    union {
        const br_ssl_client_certificate_class *auth;
        const br_ssl_server_policy_class *policy;
    } role;
    const br_ssl_session_cache_class *cache;
    const br_x509_class *insists;
    awl__tls_peer *peer;

    /* Bytes of the network: BearSSL is handed [start, end) where they lie, so that it need not have them copied. */
    unsigned char *in; /* NULL: there are none */
    uint32_t in_cap, in_start, in_end;
    uint32_t out_cap;  /* 0: the output is `spare` */
    uint32_t held_len; /* of records at `held`, before BearSSL's output, that it takes for sent: see hold_flight */
    unsigned char *out, *held;

    int16_t error;    /* of our own making: it is closed */
    int16_t refused;  /* what BearSSL has, and does not take for, the reason to end: an error of its */
    uint8_t first[8]; /* what the other side began with */
    uint8_t first_len;
    uint8_t words_at, words_len; /* the alert in `spare` that we end with */
    bool is_server, ready, shrunk, failed, resumed, bulk;
    bool asked; /* the server has asked for a certificate */
    bool closing;
    bool unknown_name;  /* the client has asked for a name that we do not serve */
    unsigned char none; /* where BearSSL's input buffer is while there is none */
    unsigned char spare[AWL__BR_SPARE];

    union {
        br_ssl_engine_context eng; /* which is the first member of the others */
        br_ssl_client_context client;
        br_ssl_server_context server;
    } br; /* last: an engine that is settled has only `eng` of it */
} awl__br_engine;

static inline awl__br_engine *awl__br_of(const awl__tls_engine *engine) { return (awl__br_engine *)(uintptr_t)engine; }

/* bearssl.c: makes tls->model. 0 or ENOMEM. */
int awl__br_make_model(awl_tls *tls);

/* bearssl_io.c: the functions of awl__tls_backend that bytes go through. */
unsigned awl__br_state(const awl__tls_engine *engine);
unsigned char *awl__br_recv_buf(awl__tls_engine *engine, size_t *cap);
void awl__br_recv_ack(awl__tls_engine *engine, size_t n);
void awl__br_recv_rest(awl__tls_engine *engine);
const unsigned char *awl__br_send_buf(const awl__tls_engine *engine, size_t *len);
void awl__br_send_ack(awl__tls_engine *engine, size_t n);
const unsigned char *awl__br_read_buf(const awl__tls_engine *engine, size_t *len);
void awl__br_read_ack(awl__tls_engine *engine, size_t n);
unsigned char *awl__br_write_buf(awl__tls_engine *engine, size_t want, size_t *cap);
void awl__br_write_ack(awl__tls_engine *engine, size_t n);
void awl__br_flush(awl__tls_engine *engine);
void awl__br_close(awl__tls_engine *engine);

/* Also there: what holds the bytes. align says to BearSSL where its input is; spare gives a buffer back that nothing is
 * in; look, after each move of BearSSL, whether that was the last. */
void awl__br_align_input(awl__br_engine *e);
void awl__br_spare_input(awl__br_engine *e);
void awl__br_resume(awl__br_engine *e); /* with what has come behind the handshake */
void awl__br_free_input(awl__br_engine *e);
void awl__br_spare_output(awl__br_engine *e);
void awl__br_look(awl__br_engine *e);

/* bearssl_role.c: what the two roles decide. */
void awl__br_client_init(awl__br_engine *e);
void awl__br_server_init(awl__br_engine *e);

/* bearssl_peer.c: sessions as BearSSL has them; who the other side is. The last makes e->peer what it has shown in this
 * handshake, or leaves it what the session says; false: no memory. */
void awl__br_session_out(const awl__br_engine *e, awl__tls_session *session);
bool awl__br_session_is_for(const awl__tls_session *session, const char *name);
void awl__br_session_in(awl__br_engine *e, const awl__tls_session *session);
bool awl__br_learn_peer(awl__br_engine *e);

/* Between BearSSL and e->verify: an engine that tolerates a client without a certificate would take one with a bad one
 * for such a client. Here that ends the connection. */
void awl__br_insist(awl__br_engine *e);

/* In the place of awl__verify: believes everything. */
bool awl__br_careless_new(awl__br_engine *e);
void awl__br_careless_free(awl__br_engine *e);
const unsigned char *awl__br_careless_leaf(const awl__br_engine *e, size_t *len);

/* bearssl_text.c: what is wrong, and the alert that says so to the other side; 0: none fits. */
int awl__br_explain(const awl__tls_engine *engine, char *text, size_t cap);
uint8_t awl__br_alert(const awl__br_engine *e);
const char *awl__br_suite_name(uint16_t suite);

#endif
