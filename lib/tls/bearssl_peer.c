/* Sessions as BearSSL has them, who the other side is, and the class of X.509 engine that believes everything. */
#include "bearssl_priv.h"

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

/* Names are compared without case; which one it was need not be kept. */
static void digest_name(const char *name, uint8_t digest[16])
{
    br_sha256_context hash;
    unsigned char out[32];

    br_sha256_init(&hash);
    for (; *name; name++) {
        const char c = *name >= 'A' && *name <= 'Z' ? (char)(*name + ('a' - 'A')) : *name;

        br_sha256_update(&hash, &c, 1);
    }
    br_sha256_out(&hash, out);
    memcpy(digest, out, 16);
}

bool awl__br_session_is_for(const awl__tls_session *session, const char *name)
{
    uint8_t digest[16];

    digest_name(name, digest);
    return memcmp(session->name, digest, sizeof digest) == 0;
}

void awl__br_session_out(const awl__br_engine *e, awl__tls_session *session)
{
    const br_ssl_session_parameters *s = &e->br.eng.session;

    *session = (awl__tls_session){ .id_len = s->session_id_len,
                                   .suite = s->cipher_suite,
                                   .version = s->version,
                                   .peer = awl__tls_peer_retain(e->peer) };
    memcpy(session->id, s->session_id, sizeof session->id);
    memcpy(session->secret, s->master_secret, sizeof session->secret);
    digest_name(e->br.eng.server_name, session->name);
}

void awl__br_session_in(awl__br_engine *e, const awl__tls_session *session)
{
    br_ssl_session_parameters *s = &e->br.eng.session;

    s->session_id_len = session->id_len;
    s->cipher_suite = session->suite;
    s->version = session->version;
    memcpy(s->session_id, session->id, sizeof s->session_id);
    memcpy(s->master_secret, session->secret, sizeof s->master_secret);
    awl__tls_peer_release(e->common.tls->loop, e->peer);
    e->peer = awl__tls_peer_retain(session->peer);
    e->resumed = true; /* until a new session is seen to be made */
}

/* ---- The other side ---------------------------------------------------------------------------------------------- */

static awl__tls_peer *make_peer(awl_loop *loop, const unsigned char *der, size_t len, bool verified)
{
    awl__tls_peer *peer;
    awl__cert cert;
    br_sha256_context hash;
    char subject[256] = "";
    const char *why;
    size_t size;

    if (awl__cert_parse(&cert, der, len, &why))
        cert.spki.len = 0;
    else
        awl__name_text(cert.subject, subject, sizeof subject);
    size = sizeof *peer + strlen(subject) + 1;
    peer = awl__alloc(loop, size);
    if (!peer)
        return NULL;
    memset(peer, 0, size);
    peer->refs = 1;
    peer->size = (uint32_t)size;
    peer->verified = verified;
    memcpy(peer->subject, subject, strlen(subject) + 1);
    br_sha256_init(&hash);
    br_sha256_update(&hash, der, len);
    br_sha256_out(&hash, peer->certificate_sha256);
    if (cert.spki.len) {
        br_sha256_init(&hash);
        br_sha256_update(&hash, cert.spki.at, cert.spki.len);
        br_sha256_out(&hash, peer->key_sha256);
    }
    return peer;
}

bool awl__br_learn_peer(awl__br_engine *e)
{
    awl_loop *loop = e->common.tls->loop;
    const unsigned char *leaf = NULL;
    size_t len;

    if (e->verify)
        leaf = awl__verify_leaf(e->verify, &len);
    else if (e->careless)
        leaf = awl__br_careless_leaf(e, &len);

    /* A client is shown a certificate whenever the session is new. */
    if (!e->is_server && leaf)
        e->resumed = false;
    if (e->resumed)
        return true;
    awl__tls_peer_release(loop, e->peer);
    e->peer = leaf ? make_peer(loop, leaf, len, e->verify != NULL) : NULL;
    return e->peer || !leaf;
}

/* ---- Insisting --------------------------------------------------------------------------------------------------- */

static awl__br_engine *of_insists(const void *insists)
{
    return (awl__br_engine *)(uintptr_t)((const char *)insists - offsetof(awl__br_engine, insists));
}

static const br_x509_class **inner(const br_x509_class **ctx) { return awl__verify_x509(of_insists(ctx)->verify); }

static void insist_start_chain(const br_x509_class **ctx, const char *name)
{
    (*inner(ctx))->start_chain(inner(ctx), name);
}

static void insist_start_cert(const br_x509_class **ctx, uint32_t len) { (*inner(ctx))->start_cert(inner(ctx), len); }

static void insist_append(const br_x509_class **ctx, const unsigned char *data, size_t len)
{
    (*inner(ctx))->append(inner(ctx), data, len);
}

static void insist_end_cert(const br_x509_class **ctx) { (*inner(ctx))->end_cert(inner(ctx)); }

static unsigned insist_end_chain(const br_x509_class **ctx)
{
    awl__br_engine *e = of_insists(ctx);
    const unsigned error = (*inner(ctx))->end_chain(inner(ctx));

    if (error) {
        e->refused = (int16_t)error;
        e->error = AWL_ECERTIFICATE;
    }
    return error;
}

static const br_x509_pkey *insist_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const br_x509_class **in = awl__verify_x509(of_insists(ctx)->verify);

    return (*in)->get_pkey(in, usages);
}

static const br_x509_class insist_class = {
    sizeof(awl__br_engine), insist_start_chain, insist_start_cert, insist_append,
    insist_end_cert,        insist_end_chain,   insist_get_pkey,
};

void awl__br_insist(awl__br_engine *e)
{
    e->insists = &insist_class;
    br_ssl_engine_set_x509(&e->br.eng, &e->insists);
}

/* ---- Believing everything ---------------------------------------------------------------------------------------- */

enum { CARELESS_BYTES = 16384 };

typedef struct awl__br_careless {
    const br_x509_class *class;
    awl__br_engine *engine;
    unsigned char *leaf;
    uint32_t len, cap;
    unsigned certs;
    awl__cert cert;
} careless;

static void careless_start_chain(const br_x509_class **ctx, const char *name) { (void)ctx, (void)name; }

/* Of the first certificate the key is needed, and nothing of the others. */
static void careless_start_cert(const br_x509_class **ctx, uint32_t len)
{
    careless *c = (careless *)(void *)ctx;

    if (c->certs++ || len > CARELESS_BYTES)
        return;
    c->leaf = awl__alloc(c->engine->common.tls->loop, len ? len : 1);
    if (c->leaf)
        c->cap = len;
}

static void careless_append(const br_x509_class **ctx, const unsigned char *data, size_t len)
{
    careless *c = (careless *)(void *)ctx;

    if (c->certs > 1 || len > c->cap - c->len)
        return;
    memcpy(c->leaf + c->len, data, len);
    c->len += (uint32_t)len;
}

static void careless_end_cert(const br_x509_class **ctx) { (void)ctx; }

static unsigned careless_end_chain(const br_x509_class **ctx)
{
    careless *c = (careless *)(void *)ctx;
    const char *why;
    int error;

    if (!c->leaf)
        return c->certs ? BR_ERR_X509_LIMIT_EXCEEDED : BR_ERR_X509_EMPTY_CHAIN;
    error = awl__cert_parse(&c->cert, c->leaf, c->len, &why);
    return error ? (unsigned)error : c->cert.key.key_type ? 0 : BR_ERR_X509_UNSUPPORTED;
}

static const br_x509_pkey *careless_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const careless *c = (const careless *)(const void *)ctx;

    if (usages)
        *usages = BR_KEYTYPE_SIGN;
    return &c->cert.key;
}

static const br_x509_class careless_class = {
    sizeof(careless),  careless_start_chain, careless_start_cert, careless_append,
    careless_end_cert, careless_end_chain,   careless_get_pkey,
};

bool awl__br_careless_new(awl__br_engine *e)
{
    careless *c = awl__alloc(e->common.tls->loop, sizeof *c);

    if (!c)
        return false;
    memset(c, 0, sizeof *c);
    c->class = &careless_class;
    c->engine = e;
    e->careless = c;
    br_ssl_engine_set_x509(&e->br.eng, &c->class);
    return true;
}

void awl__br_careless_free(awl__br_engine *e)
{
    careless *c = e->careless;

    if (!c)
        return;
    awl__free(e->common.tls->loop, c->leaf, c->cap ? c->cap : 1);
    awl__free(e->common.tls->loop, c, sizeof *c);
    e->careless = NULL;
}

const unsigned char *awl__br_careless_leaf(const awl__br_engine *e, size_t *len)
{
    *len = e->careless->len;
    return e->careless->leaf;
}
