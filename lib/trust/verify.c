/*
 * Judges chains; see verify_priv.h.
 *
 * The first certificate is the peer's. From it a path is searched upwards, through the other certificates in whatever
 * order they came, until an anchor has issued the last one: at each step every anchor, then every certificate that has
 * the issuer's name. What is wrong with a way that is given up is kept for the message; of several ways, of the first.
 *
 * BearSSL's own engine is not used: it refuses critical extended key usage and name constraints, which it does not
 * know, other orders than the path's, and IP addresses. The signatures are checked by BearSSL, in sign.c.
 */
#include "verify_priv.h"

#include <string.h>
#include <time.h>

/* What the signatures of one chain may cost, while the loop does nothing else. One on P-384 or P-521 takes BearSSL some
 * milliseconds, as long as twenty others: the longest chain may be of such, but few are tried in vain. */
enum { MOST_CHECKS = 24, COSTLY = 2, COSTLY_IN_VAIN = 6 };

/* Certificates of the chain from the peer's upwards. */
typedef struct path {
    int at[AWL__CHAIN_CERTS], n;
    const awl__anchor *anchor; /* above the last one; NULL: none */
} path;

static const awl__cert *cert_at(const awl__verify *v, int i) { return &v->certs[i]->cert; }

/* Notes what is wrong, unless something is already. Result: false, for the caller to return. */
static bool fault(awl__verify *v, awl__fault_kind kind, int index)
{
    if (v->fault.kind == AWL__GOOD) {
        v->fault.kind = kind;
        v->fault.index = index;
    }
    return false;
}

static bool fault_with(awl__verify *v, awl__fault_kind kind, int index, awl__span detail)
{
    if (v->fault.kind == AWL__GOOD)
        v->fault.detail = detail;
    return fault(v, kind, index);
}

/* Of the anchor above certificate `index`. */
static bool fault_of_anchor(awl__verify *v, awl__fault_kind kind, int index, const awl__anchor *anchor)
{
    if (v->fault.kind == AWL__GOOD) {
        v->fault.of_anchor = true;
        v->fault.anchor = *anchor;
    }
    return fault(v, kind, index);
}

/* ---- One certificate --------------------------------------------------------------------------------------------- */

static bool in_time(const awl__verify *v, int64_t not_before, int64_t not_after)
{
    return not_before <= v->now && v->now <= not_after;
}

static uint8_t purpose(const awl__verify *v) { return v->options.of_client ? AWL__FOR_CLIENTS : AWL__FOR_SERVERS; }

/* What must be so of every certificate of a path. */
static bool check_any(awl__verify *v, int i)
{
    const awl__cert *cert = cert_at(v, i);

    if (!in_time(v, cert->not_before, cert->not_after))
        return fault(v, AWL__DATES, i);
    if (cert->unknown.at)
        return fault_with(v, AWL__CRITICAL, i, cert->unknown);
    if (!cert->key.key_type)
        return fault_with(v, AWL__KEY_KIND, i, cert->key_oid);
    if (cert->key_bits && cert->key_bits < AWL__RSA_MIN)
        return fault(v, AWL__WEAK_KEY, i);
    if (cert->key_bits > AWL__RSA_MAX)
        return fault_with(v, AWL__KEY_KIND, i, cert->key_oid);
    if (!(cert->purposes & purpose(v)))
        return fault(v, AWL__PURPOSE, i);
    return true;
}

/* The peer's own: its key signs the handshake, and its names count. */
static bool check_leaf(awl__verify *v)
{
    const awl__cert *leaf = cert_at(v, 0);

    if (v->options.name && !awl__cert_is_for(leaf, v->options.name))
        return fault(v, AWL__OTHER_NAME, 0);
    if (!check_any(v, 0))
        return false;
    return leaf->key_usage & AWL__DIGITAL_SIGNATURE ? true : fault(v, AWL__KEY_USAGE, 0);
}

/* How many certificates count for the path length of a CA above them: the peer's and the self-issued do not. */
static int counted(const awl__verify *v, const path *p)
{
    int n = 0;

    for (int i = 1; i < p->n; i++)
        n += !cert_at(v, p->at[i])->self_issued;
    return n;
}

/* Whether `constraints` of the CA above the path allow all that is in it. */
static bool check_constraints(awl__verify *v, const path *p, awl__span constraints, const awl__anchor *anchor)
{
    if (!constraints.at)
        return true;
    for (int i = 0; i < p->n; i++) {
        const awl__cert *cert = cert_at(v, p->at[i]);
        awl__span name = { 0 };
        const char *why;

        if (i > 0 && cert->self_issued)
            continue;
        why = awl__constraints_refuse(constraints, cert, &name);
        if (!why)
            continue;
        if (v->fault.kind == AWL__GOOD)
            v->fault.why = why;
        if (v->fault.kind == AWL__GOOD && anchor) {
            v->fault.of_anchor = true;
            v->fault.anchor = *anchor;
        }
        return fault_with(v, AWL__CONSTRAINTS, p->at[i], name);
    }
    return true;
}

/* Whether the last certificate of the path was signed by this key, which is an anchor's if `anchor` says so. */
static bool check_signature(awl__verify *v, const path *p, const br_x509_pkey *key, const awl__anchor *anchor)
{
    const int last = p->at[p->n - 1];
    const awl__cert *cert = cert_at(v, last);
    const bool costly = key->key_type == BR_KEYTYPE_EC && key->key.ec.curve != BR_EC_secp256r1;
    bool good;
    int cost;

    if (!cert->sign_type)
        return fault_with(v, AWL__SIGNATURE_KIND, last, cert->sign_oid);
    if (!v->checks)
        return fault(v, AWL__TOO_COMPLEX, 0);
    good = awl__cert_signed_by(cert, key) == 0;
    cost = !costly ? 1 : good ? COSTLY : COSTLY_IN_VAIN;
    v->checks -= cost < v->checks ? cost : v->checks;
    if (good)
        return true;
    return anchor ? fault_of_anchor(v, AWL__SIGNATURE, last, anchor) : fault(v, AWL__SIGNATURE, last);
}

/* Certificate i as a CA above the path. */
static bool check_ca(awl__verify *v, const path *p, int i)
{
    const awl__cert *cert = cert_at(v, i);

    if (!check_any(v, i))
        return false;
    if (!cert->is_ca)
        return fault(v, AWL__NO_CA, i);
    if (!(cert->key_usage & AWL__CERT_SIGN))
        return fault(v, AWL__KEY_USAGE, i);
    if (cert->path_len != AWL__NO_PATH_LEN && counted(v, p) > cert->path_len)
        return fault(v, AWL__PATH_TOO_LONG, i);
    return check_signature(v, p, &cert->key, NULL) && check_constraints(v, p, cert->constraints, NULL);
}

/* ---- The end of a path ------------------------------------------------------------------------------------------- */

static bool is_one_of_pins(const awl__verify *v, const awl_pin *pin)
{
    for (size_t i = 0; i < v->options.n_pins; i++)
        if (memcmp(v->options.pins[i].sha256, pin->sha256, sizeof pin->sha256) == 0)
            return true;
    return false;
}

static bool is_pinned(const awl__verify *v, const awl__cert *cert)
{
    awl_pin pin;

    awl__spki_pin(cert->spki, &pin);
    return is_one_of_pins(v, &pin);
}

/* Whether the pins, if any, agree with a path that leads to what is trusted, which counts as a part of it (RFC 7469,
 * section 2.6). */
static bool check_pins(awl__verify *v, const path *p, const awl__anchor *anchor)
{
    awl_pin pin;

    if (!v->options.n_pins)
        return true;
    for (int i = 0; i < p->n; i++)
        if (is_pinned(v, cert_at(v, p->at[i])))
            return true;
    awl__key_pin(&anchor->key, &pin);
    return is_one_of_pins(v, &pin) || fault_of_anchor(v, AWL__NOT_PINNED, 0, anchor);
}

/* An anchor as the CA above the path; its name is the issuer's. */
static bool check_anchor(awl__verify *v, const path *p, const awl__anchor *anchor)
{
    const int last = p->at[p->n - 1];

    if (!in_time(v, anchor->not_before, anchor->not_after))
        return fault_of_anchor(v, AWL__DATES, last, anchor);
    if (!(anchor->purposes & purpose(v)))
        return fault_of_anchor(v, AWL__PURPOSE, last, anchor);
    if (anchor->path_len != AWL__NO_PATH_LEN && counted(v, p) > anchor->path_len)
        return fault_of_anchor(v, AWL__PATH_TOO_LONG, last, anchor);
    return check_signature(v, p, &anchor->key, anchor) && check_constraints(v, p, anchor->scope, anchor);
}

/* An anchor with the name and the key of the peer. Who has that key writes what he likes into a certificate of his own:
 * so what the one that is trusted says of its use counts as well. */
static bool check_same(awl__verify *v, const path *p, const awl__anchor *anchor)
{
    if (!in_time(v, anchor->not_before, anchor->not_after))
        return fault_of_anchor(v, AWL__DATES, 0, anchor);
    if (!(anchor->purposes & purpose(v)))
        return fault_of_anchor(v, AWL__PURPOSE, 0, anchor);
    if (anchor->is_ca)
        return check_constraints(v, p, anchor->scope, anchor);
    return !v->options.name || awl__names_are_for(anchor->scope, v->options.name) ||
           fault_of_anchor(v, AWL__OTHER_NAME, 0, anchor);
}

/* Whether something that is trusted vouches for the last certificate of the path. */
static bool ends_here(awl__verify *v, const path *p)
{
    const awl__cert *cert = cert_at(v, p->at[p->n - 1]);
    awl__anchor anchor;
    size_t at = 0;

    /* Without anchors the pinned key does, wherever it is in the path. */
    if (!v->options.trust)
        return is_pinned(v, cert);

    while (awl__trust_next(v->options.trust, &at, &anchor)) {
        const bool is_same =
            p->n == 1 && awl__span_equal(anchor.subject, cert->subject) && awl__key_equal(&anchor.key, &cert->key);
        const bool is_issuer = anchor.is_ca && awl__span_equal(anchor.subject, cert->issuer);

        if (((is_same && check_same(v, p, &anchor)) || (is_issuer && check_anchor(v, p, &anchor))) &&
            check_pins(v, p, &anchor))
            return true;
    }
    return false;
}

/* ---- The search -------------------------------------------------------------------------------------------------- */

static bool has(const path *p, int i)
{
    for (int k = 0; k < p->n; k++)
        if (p->at[k] == i)
            return true;
    return false;
}

/* Whether a way leads from the end of this path to what is trusted. It goes no deeper than there are certificates, and
 * each step deeper costs a signature of the few that are checked. */
static bool search(awl__verify *v, path *p, int *longest)
{
    const awl__cert *last = cert_at(v, p->at[p->n - 1]);

    if (ends_here(v, p))
        return true;
    if (p->n > *longest) {
        *longest = p->n;
        v->last = (uint8_t)p->at[p->n - 1];
    }
    for (int i = 1; i < v->n; i++) {
        if (has(p, i) || !awl__span_equal(cert_at(v, i)->subject, last->issuer))
            continue;
        if (!check_ca(v, p, i))
            continue;
        p->at[p->n++] = i;
        if (search(v, p, longest))
            return true;
        p->n--;
    }
    return false;
}

static bool judge(awl__verify *v)
{
    path p = { .at = { 0 }, .n = 1 };
    int longest = 0;

    if (v->fault.kind != AWL__GOOD)
        return false;
    if (!v->n)
        return fault(v, AWL__EMPTY_CHAIN, 0);
    if (!v->options.trust && !v->options.n_pins)
        return fault(v, AWL__NO_TRUST, 0);
    v->now = v->options.now ? v->options.now : (int64_t)time(NULL);
    if (!check_leaf(v))
        return false;

    /* What was wrong with ways that were given up does not matter once one is found. */
    if (search(v, &p, &longest)) {
        memset(&v->fault, 0, sizeof v->fault);
        return true;
    }
    return fault(v, v->options.trust ? AWL__UNTRUSTED : AWL__NOT_PINNED, v->last);
}

/* ---- BearSSL's engine -------------------------------------------------------------------------------------------- */

static awl__verify *of(const br_x509_class *const *engine) { return (awl__verify *)(uintptr_t)engine; }

/* Drops the certificates of the chain before. */
static void drop_chain(awl__verify *v)
{
    while (v->n) {
        awl__link_cert *link = v->certs[--v->n];

        if (link)
            awl__free(v->loop, link, sizeof *link + link->size);
    }
    v->bytes = 0;
    v->br_error = 0;
    v->judged = false;
    memset(&v->fault, 0, sizeof v->fault);
}

static void start_chain(const br_x509_class **engine, const char *server_name)
{
    awl__verify *v = of(engine);

    (void)server_name;
    drop_chain(v);
    v->checks = MOST_CHECKS;
    v->last = 0;
}

static void start_cert(const br_x509_class **engine, uint32_t length)
{
    awl__verify *v = of(engine);
    awl__link_cert *link;

    if (v->fault.kind != AWL__GOOD)
        return;
    if (v->n == AWL__CHAIN_CERTS || length > AWL__CHAIN_BYTES - v->bytes) {
        fault(v, AWL__TOO_LARGE, v->n);
        return;
    }
    link = awl__alloc(v->loop, sizeof *link + length);
    if (!link) {
        fault(v, AWL__NO_MEMORY, v->n);
        return;
    }
    link->size = length;
    v->filled = 0;
    v->bytes += length;
    v->certs[v->n++] = link;
}

static void append(const br_x509_class **engine, const unsigned char *data, size_t len)
{
    awl__verify *v = of(engine);
    awl__link_cert *link;

    if (v->fault.kind != AWL__GOOD || !v->n)
        return;
    link = v->certs[v->n - 1];
    if (len > link->size - v->filled)
        len = link->size - v->filled;
    memcpy(link->der + v->filled, data, len);
    v->filled += (uint32_t)len;
}

static void end_cert(const br_x509_class **engine)
{
    awl__verify *v = of(engine);
    awl__link_cert *link;
    const char *why = "it is cut off";

    if (v->fault.kind != AWL__GOOD || !v->n)
        return;
    link = v->certs[v->n - 1];
    if (v->filled != link->size || awl__cert_parse(&link->cert, link->der, link->size, &why) != 0) {
        v->fault.why = why;
        fault(v, AWL__MALFORMED, v->n - 1);
    }
}

/* BearSSL's number for what is wrong: what a program sees that knows BearSSL, and what explain is asked for. */
static int br_error_of(awl__fault_kind kind)
{
    switch (kind) {
    case AWL__GOOD: return 0;
    case AWL__EMPTY_CHAIN: return BR_ERR_X509_EMPTY_CHAIN;
    case AWL__NO_MEMORY:
    case AWL__TOO_LARGE:
    case AWL__TOO_COMPLEX: return BR_ERR_X509_LIMIT_EXCEEDED;
    case AWL__MALFORMED: return BR_ERR_X509_UNEXPECTED;
    case AWL__DATES: return BR_ERR_X509_EXPIRED;
    case AWL__OTHER_NAME: return BR_ERR_X509_BAD_SERVER_NAME;
    case AWL__CRITICAL: return BR_ERR_X509_CRITICAL_EXTENSION;
    case AWL__NO_CA:
    case AWL__PATH_TOO_LONG: return BR_ERR_X509_NOT_CA;
    case AWL__KEY_USAGE:
    case AWL__PURPOSE: return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
    case AWL__WEAK_KEY: return BR_ERR_X509_WEAK_PUBLIC_KEY;
    case AWL__KEY_KIND:
    case AWL__SIGNATURE_KIND: return BR_ERR_X509_UNSUPPORTED;
    case AWL__SIGNATURE: return BR_ERR_X509_BAD_SIGNATURE;
    case AWL__CONSTRAINTS:
    case AWL__UNTRUSTED:
    case AWL__NOT_PINNED:
    case AWL__NO_TRUST: break;
    }
    return BR_ERR_X509_NOT_TRUSTED;
}

static unsigned end_chain(const br_x509_class **engine)
{
    awl__verify *v = of(engine);

    judge(v);
    v->judged = true;
    v->br_error = br_error_of(v->fault.kind);
    return (unsigned)v->br_error;
}

/* For which uses of its key the certificate is good: keyUsage's bits 2 to 4 are for exchanging keys. */
static const br_x509_pkey *get_pkey(const br_x509_class *const *engine, unsigned *usages)
{
    const awl__verify *v = of(engine);

    if (!v->judged || v->fault.kind != AWL__GOOD)
        return NULL;
    if (usages)
        *usages = BR_KEYTYPE_SIGN | (cert_at(v, 0)->key_usage & 0x1c ? BR_KEYTYPE_KEYX : 0);
    return &cert_at(v, 0)->key;
}

static const br_x509_class verify_class = {
    sizeof(awl__verify), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

/* ---- Around it --------------------------------------------------------------------------------------------------- */

awl__verify *awl__verify_new(awl_loop *loop, const awl__verify_options *options)
{
    awl__verify *v = awl__alloc(loop, sizeof *v);

    if (!v)
        return NULL;
    memset(v, 0, sizeof *v);
    v->vtable = &verify_class;
    v->loop = loop;
    v->options = *options;
    awl_trust_retain(options->trust);
    return v;
}

void awl__verify_free(awl__verify *v)
{
    if (!v)
        return;
    drop_chain(v);
    awl_trust_release(v->options.trust);
    awl__free(v->loop, v, sizeof *v);
}

const br_x509_class **awl__verify_x509(awl__verify *v) { return &v->vtable; }

const unsigned char *awl__verify_leaf(const awl__verify *v, size_t *len)
{
    if (!v->judged || !v->n || v->fault.kind == AWL__NO_MEMORY)
        return NULL;
    *len = v->certs[0]->size;
    return v->certs[0]->der;
}
