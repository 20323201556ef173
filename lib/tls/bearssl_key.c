/* Our own keys and their chains: read, found to belong to each other, and used to sign. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "bearssl_priv.h"
#include "../trust/der_priv.h"
#include "../trust/pem_priv.h"

/* What is being read, for which everything in it is an error of the same place. */
typedef struct loading {
    awl_loop *loop;
    const char *where; /* a file, or "memory" */
    awl__tls_key *key;
    bool takes_certs, takes_key;
} loading;

/* BearSSL's decoder takes its buffer for 24 bytes longer than it is. */
typedef struct decoder {
    br_skey_decoder_context context;
    unsigned char spare[64];
} decoder;

_Static_assert(sizeof(decoder) - offsetof(br_skey_decoder_context, key_data) >= 3 * BR_X509_BUFSIZE_KEY,
               "what BearSSL takes for its buffer is memory of the decoder's");

/* Says why a key cannot be used. Result: AWL_EKEY. */
static int refuse(const loading *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const loading *l, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    awl__error_detail(l->loop, AWL_EKEY, "%s: %s", l->where, text);
    return AWL_EKEY;
}

/* ---- Private keys ------------------------------------------------------------------------------------------------ */

/* Copies `len` bytes behind what `secret` holds already. */
static unsigned char *keep(unsigned char **at, const unsigned char *bytes, size_t len)
{
    unsigned char *copy = *at;

    memcpy(copy, bytes, len);
    *at += len;
    return copy;
}

static int keep_rsa(loading *l, const br_rsa_private_key *rsa)
{
    awl__tls_key *key = l->key;
    unsigned char *at;

    if (rsa->n_bitlen < AWL__RSA_MIN || rsa->n_bitlen > AWL__RSA_MAX)
        return refuse(l, "an RSA key of %u bits: only those of %d to %d can be used", (unsigned)rsa->n_bitlen,
                      AWL__RSA_MIN, AWL__RSA_MAX);
    key->secret_size = rsa->plen + rsa->qlen + rsa->dplen + rsa->dqlen + rsa->iqlen;
    key->secret = at = awl__alloc(l->loop, key->secret_size);
    if (!at)
        return ENOMEM;
    key->type = BR_KEYTYPE_RSA;
    key->of.rsa = *rsa;
    key->of.rsa.p = keep(&at, rsa->p, rsa->plen);
    key->of.rsa.q = keep(&at, rsa->q, rsa->qlen);
    key->of.rsa.dp = keep(&at, rsa->dp, rsa->dplen);
    key->of.rsa.dq = keep(&at, rsa->dq, rsa->dqlen);
    key->of.rsa.iq = keep(&at, rsa->iq, rsa->iqlen);
    return 0;
}

static int keep_ec(loading *l, const br_ec_private_key *ec)
{
    awl__tls_key *key = l->key;
    unsigned char *at;

    if (ec->curve != BR_EC_secp256r1 && ec->curve != BR_EC_secp384r1 && ec->curve != BR_EC_secp521r1)
        return refuse(l, "an EC key on a curve other than P-256, P-384 and P-521");
    key->secret_size = ec->xlen ? ec->xlen : 1;
    key->secret = at = awl__alloc(l->loop, key->secret_size);
    if (!at)
        return ENOMEM;
    key->type = BR_KEYTYPE_EC;
    key->of.ec = *ec;
    key->of.ec.x = keep(&at, ec->x, ec->xlen);
    return 0;
}

static int add_secret(loading *l, const awl__pem_object *object)
{
    decoder d;
    int error;

    if (l->key->secret)
        return refuse(l, "there is more than one private key in it");
    br_skey_decoder_init(&d.context);
    br_skey_decoder_push(&d.context, object->der, object->len);
    if (br_skey_decoder_key_type(&d.context) == BR_KEYTYPE_RSA)
        error = keep_rsa(l, br_skey_decoder_get_rsa(&d.context));
    else if (br_skey_decoder_key_type(&d.context) == BR_KEYTYPE_EC)
        error = keep_ec(l, br_skey_decoder_get_ec(&d.context));
    else if (d.context.err == BR_ERR_X509_UNSUPPORTED)
        error = refuse(l, "the private key in line %d is neither RSA nor EC on a curve with a name", object->line);
    else
        error = refuse(l, "what is in line %d is no private key (error %d)", object->line,
                       br_skey_decoder_last_error(&d.context));
    awl__tls_wipe(&d, sizeof d);
    return error;
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */

static int add_cert(loading *l, const awl__pem_object *object)
{
    awl__tls_key *key = l->key;
    const size_t n = key->chain_len;
    br_x509_certificate *chain;
    awl__cert cert;
    const char *why;

    if (awl__cert_parse(&cert, object->der, object->len, &why))
        return refuse(l, "the certificate in line %d: %s", object->line, why);
    chain = awl__alloc(l->loop, (n + 1) * sizeof *chain);
    if (!chain)
        return ENOMEM;
    chain[n].data = awl__alloc(l->loop, object->len);
    chain[n].data_len = object->len;
    if (!chain[n].data) {
        awl__free(l->loop, chain, (n + 1) * sizeof *chain);
        return ENOMEM;
    }
    memcpy(chain[n].data, object->der, object->len);
    if (n)
        memcpy(chain, key->chain, n * sizeof *chain);
    awl__free(l->loop, key->chain, n * sizeof *chain);
    key->chain = chain;
    key->chain_len = n + 1;
    return 0;
}

/* ---- Files and memory -------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text), size = strlen(end);

    return len >= size && strcmp(text + len - size, end) == 0;
}

static int add_object(void *arg, const awl__pem_object *object)
{
    loading *l = arg;
    const bool is_cert = ends_with(object->label, "CERTIFICATE"), is_key = ends_with(object->label, "PRIVATE KEY");

    if ((!is_cert || !l->takes_certs) && (!is_key || !l->takes_key))
        return 0;
    if (is_key && strcmp(object->label, "ENCRYPTED PRIVATE KEY") == 0)
        return refuse(l, "the private key in line %d is encrypted: write it out without a password (openssl pkey)",
                      object->line);
    if (object->fault)
        return refuse(l, "the %s in line %d %s", object->label, object->line, object->fault);
    return is_cert ? add_cert(l, object) : add_secret(l, object);
}

/* Reads what it is to take from a file or, where that is NULL, from memory. */
static int load(loading *l, const char *file, const void *text, size_t len)
{
    int error;

    l->where = file ? file : "memory";
    error = file ? awl__pem_read_file(l->loop, file, false, add_object, l)
                 : awl__pem_read(l->loop, text, len, add_object, l);
    if (error == 0 || error == AWL_EKEY || error == ENOMEM)
        return error;
    return refuse(l, "%s", awl_strerror(error));
}

/* ---- Whether they belong to each other --------------------------------------------------------------------------- */

static awl__span without_zeros(awl__span number)
{
    while (number.len && !*number.at)
        number.at++, number.len--;
    return number;
}

static bool rsa_fits(const br_rsa_private_key *secret, const br_rsa_public_key *public)
{
    unsigned char n[AWL__RSA_MAX / 8];
    const size_t len = (secret->n_bitlen + 7) / 8;

    return br_rsa_compute_modulus_get_default()(NULL, secret) == len && len <= sizeof n &&
           br_rsa_compute_modulus_get_default()(n, secret) == len &&
           awl__span_equal(without_zeros((awl__span){ n, len }), without_zeros((awl__span){ public->n, public->nlen }));
}

static bool ec_fits(const br_ec_private_key *secret, const br_ec_public_key *public)
{
    unsigned char q[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key own;
    const size_t len = br_ec_compute_pub(br_ec_get_default(), &own, q, secret);

    return len && secret->curve == public->curve &&
           awl__span_equal((awl__span){ q, len }, (awl__span){ public->q, public->qlen });
}

static int check_fit(loading *l, const char *cert_where, const char *key_where)
{
    awl__tls_key *key = l->key;
    const br_x509_pkey *public;
    char subject[128];
    const char *why;

    l->where = cert_where;
    if (!key->chain_len)
        return refuse(l, "there is no certificate in it");
    l->where = key_where;
    if (!key->secret)
        return refuse(l, "there is no private key in it");
    if (awl__cert_parse(&key->cert, key->chain[0].data, key->chain[0].data_len, &why))
        return refuse(l, "%s", why);
    public = &key->cert.key;
    if (public->key_type == key->type && (key->type == BR_KEYTYPE_RSA ? rsa_fits(&key->of.rsa, &public->key.rsa)
                                                                      : ec_fits(&key->of.ec, &public->key.ec)))
        return 0;
    return refuse(l, "the private key is not that of the first certificate in %s, which is for %s", cert_where,
                  awl__name_text(key->cert.subject, subject, sizeof subject));
}

/* What others will refuse is said to who runs this, now: it may be renewed before anybody comes. */
static void warn_of_dates(const awl_tls *tls, const awl__tls_key *key, const char *where)
{
    static const char over[] = "a certificate of ours has expired: others will refuse it";
    static const char early[] = "a certificate of ours is not valid yet: is the clock right?";
    const awl__cert *cert = &key->cert;
    const int64_t now = (int64_t)time(NULL);
    char subject[128], from[32], until[32], text[512];

    if (now >= cert->not_before && now <= cert->not_after)
        return;
    awl__time_text(cert->not_before, from, sizeof from);
    awl__time_text(cert->not_after, until, sizeof until);
    snprintf(text, sizeof text, "%s: the certificate of '%s' is good from %s until %s", where,
             awl__name_text(cert->subject, subject, sizeof subject), from, until);
    awl__report(tls->loop, &(awl_report){ .name = tls->is_server ? "awl_tls_server" : "awl_tls_client",
                                          .what = now > cert->not_after ? over : early,
                                          .error = AWL_ECERTIFICATE,
                                          .message = text });
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

static void free_key(awl_loop *loop, awl__tls_key *key)
{
    for (size_t i = 0; i < key->chain_len; i++)
        awl__free(loop, key->chain[i].data, key->chain[i].data_len);
    awl__free(loop, key->chain, key->chain_len * sizeof *key->chain);
    if (key->secret)
        awl__tls_wipe(key->secret, key->secret_size);
    awl__free(loop, key->secret, key->secret_size);
    awl__free(loop, key, sizeof *key);
}

int awl__br_add_key(awl_tls *tls, const awl_tls_key *from)
{
    const bool apart = from->key_file || from->key;
    const char *cert_where = from->cert_file ? from->cert_file : "memory";
    const char *key_where = !apart ? cert_where : from->key_file ? from->key_file : "memory";
    awl__tls_key *key = awl__alloc(tls->loop, sizeof *key), **end = &tls->keys;
    loading l = { .loop = tls->loop, .key = key, .takes_certs = true, .takes_key = !apart };
    int error;

    if (!key)
        return ENOMEM;
    memset(key, 0, sizeof *key);
    error = load(&l, from->cert_file, from->cert, from->cert_len);
    if (!error && apart) {
        l.takes_certs = false;
        l.takes_key = true;
        error = load(&l, from->key_file, from->key, from->key_len);
    }
    if (!error)
        error = check_fit(&l, cert_where, key_where);
    if (error) {
        free_key(tls->loop, key);
        return error;
    }
    warn_of_dates(tls, key, cert_where);
    while (*end)
        end = &(*end)->next;
    *end = key;
    return 0;
}

/* The names of CAs that a server sends with its request: clients may do without, the protocol may not. */
static int add_asked_names(awl_tls *tls)
{
    size_t n;

    if (tls->ask == AWL_TLS_ASK_NOTHING)
        return 0;
    n = awl__trust_names(tls->trust, NULL, 0);
    tls->asked_names = n ? awl__alloc(tls->loop, n * sizeof(br_x500_name)) : NULL;
    if (!n)
        awl__error_detail(tls->loop, AWL_ETRUST,
                          "awl_tls_server: there is no CA among the trusted certificates to tell clients of");
    if (!tls->asked_names)
        return n ? ENOMEM : AWL_ETRUST;
    tls->n_asked_names = n;
    awl__trust_names(tls->trust, tls->asked_names, n);
    return 0;
}

int awl__br_prepare(awl_tls *tls)
{
    const int error = awl__br_make_model(tls);

    return error ? error : add_asked_names(tls);
}

void awl__br_forget(awl_tls *tls)
{
    awl__free(tls->loop, tls->model, sizeof(br_ssl_engine_context));
    awl__free(tls->loop, tls->asked_names, tls->n_asked_names * sizeof(br_x500_name));
    while (tls->keys) {
        awl__tls_key *key = tls->keys;

        tls->keys = key->next;
        free_key(tls->loop, key);
    }
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

bool awl__br_key_is_for(const awl__tls_key *key, const char *name)
{
    return *name && awl__cert_is_for(&key->cert, name);
}

bool awl__br_key_name(const awl__tls_key *key, char *name, size_t cap)
{
    awl__span names = key->cert.names, content;
    int tag;

    while ((tag = awl__der_next(&names, NULL, &content)) >= 0) {
        if (tag != AWL__DNS || content.len >= cap)
            continue;
        memcpy(name, content.at, content.len);
        name[content.len] = '\0';
        return true;
    }
    return false;
}

/* ---- Signatures -------------------------------------------------------------------------------------------------- */

size_t awl__br_sign(const awl__tls_key *key, unsigned hash_id, unsigned char *data, size_t len, size_t cap)
{
    const bool long_hash = hash_id == br_sha384_ID;
    unsigned char digest[64];
    size_t size;

    if ((!long_hash && hash_id != br_sha256_ID) || len > sizeof digest)
        return 0;
    memcpy(digest, data, len);
    if (key->type == BR_KEYTYPE_EC)
        return cap < 139 ? 0
                         : br_ecdsa_sign_asn1_get_default()(br_ec_get_default(),
                                                            long_hash ? &br_sha384_vtable : &br_sha256_vtable, digest,
                                                            &key->of.ec, data);
    size = (key->of.rsa.n_bitlen + 7) / 8;
    if (cap < size)
        return 0;
    return br_rsa_pkcs1_sign_get_default()(long_hash ? BR_HASH_OID_SHA384 : BR_HASH_OID_SHA256, digest, len,
                                           &key->of.rsa, data)
               ? size
               : 0;
}
