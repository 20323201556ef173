/* What a client and a server decide during the handshake: which key to show, and which session to resume. */
#include "bearssl_priv.h"

enum { EXTENSION_SERVER_NAME = 0, EXTENSION_ALPN = 16, SUITE_ECDHE_RSA = 1, SUITE_ECDHE_ECDSA = 2 };

static awl__br_engine *of_role(const void *role)
{
    return (awl__br_engine *)(uintptr_t)((const char *)role - offsetof(awl__br_engine, role));
}

/* The hash of a signature, among those that the other side takes (bits by their number) and we have; 0: none. */
static unsigned pick_hash(uint32_t hashes)
{
    return hashes >> br_sha256_ID & 1 ? br_sha256_ID : hashes >> br_sha384_ID & 1 ? br_sha384_ID : 0;
}

/* ---- Servers: keys ----------------------------------------------------------------------------------------------- */

/* Whether a key can be shown to this client, with this kind of suite; *hash is that of the signature then. */
static bool usable(const awl__tls_key *key, const br_ssl_server_context *cc, unsigned kind, unsigned *hash)
{
    const bool ec = key->type == BR_KEYTYPE_EC;

    if (kind != (ec ? SUITE_ECDHE_ECDSA : SUITE_ECDHE_RSA))
        return false;
    if (ec && !(br_ssl_server_get_client_curves(cc) >> key->of.ec.curve & 1))
        return false;
    *hash = pick_hash(br_ssl_server_get_client_hashes(cc) >> (ec ? 8 : 0) & 0xff);
    return *hash != 0;
}

/* The best suite that one of the keys for `name` can be used with; an empty name: any key. */
static bool choose_for(awl__br_engine *e, const br_ssl_server_context *cc, const char *name,
                       br_ssl_server_choices *choices)
{
    const br_suite_translated *suites;
    size_t n;
    unsigned hash;

    suites = br_ssl_server_get_client_suites(cc, &n);
    for (size_t i = 0; i < n; i++) {
        for (const awl__tls_key *key = e->common.tls->keys; key; key = key->next) {
            if ((*name && !awl__br_key_is_for(key, name)) || !usable(key, cc, suites[i][1] >> 12, &hash))
                continue;
            e->key = key;
            choices->cipher_suite = suites[i][0];
            choices->algo_id = 0xff00 + hash;
            choices->chain = key->chain;
            choices->chain_len = key->chain_len;
            return true;
        }
    }
    return false;
}

/* The first key, and those that are for the same names. */
static bool choose_first(awl__br_engine *e, const br_ssl_server_context *cc, br_ssl_server_choices *choices)
{
    char name[256];

    return (awl__br_key_name(e->common.tls->keys, name, sizeof name) && choose_for(e, cc, name, choices)) ||
           choose_for(e, cc, "", choices);
}

static bool is_known(const awl_tls *tls, const char *name)
{
    for (const awl__tls_key *key = tls->keys; key; key = key->next) {
        if (awl__br_key_is_for(key, name))
            return true;
    }
    return false;
}

static int policy_choose(const br_ssl_server_policy_class **ctx, const br_ssl_server_context *cc,
                         br_ssl_server_choices *choices)
{
    awl__br_engine *e = of_role(ctx);
    const awl_tls *tls = e->common.tls;
    const char *name = cc->eng.server_name;

    e->resumed = false;
    if (is_known(tls, name))
        return choose_for(e, cc, name, choices);
    if (!*name || !tls->refuse_unknown_names)
        return choose_first(e, cc, choices);

    /* BearSSL would say handshake_failure (40): our last words are said instead. */
    e->unknown_name = true;
    e->refused = BR_ERR_SEND_FATAL_ALERT + 112;
    e->error = AWL_ETLS;
    return 0;
}

static uint32_t policy_do_keyx(const br_ssl_server_policy_class **ctx, unsigned char *data, size_t *len)
{
    (void)ctx, (void)data, (void)len;
    return 0; /* for the suites that are left out */
}

static size_t policy_do_sign(const br_ssl_server_policy_class **ctx, unsigned algorithm, unsigned char *data,
                             size_t len, size_t cap)
{
    return awl__br_sign(of_role(ctx)->key, algorithm & 0xff, data, len, cap);
}

static const br_ssl_server_policy_class policy_class = { sizeof(awl__br_engine), policy_choose, policy_do_keyx,
                                                         policy_do_sign };

/* ---- Servers: sessions ------------------------------------------------------------------------------------------- */

/* What of a ClientHello BearSSL has not looked at yet when it asks for a session. */
typedef struct hello {
    awl__span name, alpn; /* the names in them; of `alpn` the content of the list */
} hello;

/* Takes a vector with a length of `bytes` bytes off the front. */
static bool take(awl__span *from, int bytes, awl__span *vector)
{
    size_t len = 0;

    if (from->len < (size_t)bytes)
        return false;
    for (int i = 0; i < bytes; i++)
        len = len << 8 | from->at[i];
    if (from->len - (size_t)bytes < len)
        return false;
    *vector = (awl__span){ from->at + bytes, len };
    from->at += (size_t)bytes + len;
    from->len -= (size_t)bytes + len;
    return true;
}

/* The name in a server_name extension (RFC 6066, section 3). */
static bool read_name(awl__span content, awl__span *name)
{
    awl__span list;

    if (!take(&content, 2, &list) || list.len < 1)
        return false;
    list.at++, list.len--;
    return take(&list, 2, name);
}

/* Reads on behind the session id; false if not all of it has come yet, or it is wrong, which BearSSL will say. */
static bool read_hello(awl__span rest, hello *h)
{
    awl__span skipped, extensions, content;

    *h = (hello){ { NULL, 0 }, { NULL, 0 } };
    if (!take(&rest, 2, &skipped) || !take(&rest, 1, &skipped))
        return false;
    if (!rest.len)
        return true;
    if (!take(&rest, 2, &extensions))
        return false;
    while (extensions.len) {
        unsigned type;

        if (extensions.len < 2)
            return false;
        type = (unsigned)(extensions.at[0] << 8 | extensions.at[1]);
        extensions.at += 2, extensions.len -= 2;
        if (!take(&extensions, 2, &content))
            return false;
        if ((type == EXTENSION_SERVER_NAME && !read_name(content, &h->name)) ||
            (type == EXTENSION_ALPN && !take(&content, 2, &h->alpn)))
            return false;
    }
    return true;
}

/* Whether one of the client's protocols is ours. */
static bool alpn_fits(const awl_tls *tls, awl__span offered)
{
    awl__span name;

    while (take(&offered, 1, &name)) {
        for (size_t i = 0; i < tls->n_alpn; i++) {
            if (strlen(tls->alpn[i]) == name.len && memcmp(tls->alpn[i], name.at, name.len) == 0)
                return true;
        }
    }
    return false;
}

/*
 * Whether a session may be resumed by this hello: a server must not where the name is another one (RFC 6066, section
 * 3), and BearSSL would read beyond the list of protocols where it resumes although none of them fits.
 */
static bool may_resume(const awl__br_engine *e, const awl__tls_session *session)
{
    const br_ssl_engine_context *eng = &e->br.eng;
    char name[256];
    hello h;

    if (!read_hello((awl__span){ eng->hbuf_in, eng->hlen_in }, &h) || h.name.len >= sizeof name)
        return false;
    memcpy(name, h.name.at ? h.name.at : (const unsigned char *)"", h.name.len);
    name[h.name.len] = '\0';
    return awl__br_session_is_for(session, name) &&
           (!h.alpn.len || !e->common.tls->n_alpn || alpn_fits(e->common.tls, h.alpn));
}

static awl__br_engine *of_cache(const void *cache)
{
    return (awl__br_engine *)(uintptr_t)((const char *)cache - offsetof(awl__br_engine, cache));
}

static int cache_load(const br_ssl_session_cache_class **ctx, br_ssl_server_context *cc,
                      br_ssl_session_parameters *params)
{
    awl__br_engine *e = of_cache(ctx);
    awl__tls_session session;
    bool resumes;

    (void)cc;
    if (!awl__tls_cache_get(&e->common.tls->cache, params->session_id, sizeof params->session_id, &session))
        return 0;
    resumes = may_resume(e, &session);
    if (resumes)
        awl__br_session_in(e, &session);
    awl__tls_peer_release(e->common.tls->loop, session.peer);
    awl__tls_wipe(&session, sizeof session);
    return resumes;
}

static void cache_save(const br_ssl_session_cache_class **ctx, br_ssl_server_context *cc,
                       const br_ssl_session_parameters *params)
{
    awl__br_engine *e = of_cache(ctx);
    awl__tls_session session;

    (void)cc;
    if (!awl__br_learn_peer(e))
        return;
    awl__br_session_out(e, &session);
    awl__tls_cache_put(&e->common.tls->cache, params->session_id, sizeof params->session_id, &session);
    awl__tls_peer_release(e->common.tls->loop, session.peer);
    awl__tls_wipe(&session, sizeof session);
}

static const br_ssl_session_cache_class cache_class = { sizeof(awl__br_engine), cache_save, cache_load };

void awl__br_server_init(awl__br_engine *e)
{
    const awl_tls *tls = e->common.tls;
    br_ssl_server_context *cc = &e->br.server;

    e->role.policy = &policy_class;
    br_ssl_server_set_policy(cc, &e->role.policy);
    if (tls->cache.most) {
        e->cache = &cache_class;
        br_ssl_server_set_cache(cc, &e->cache);
    }
    if (tls->ask != AWL_TLS_ASK_NOTHING)
        br_ssl_server_set_trust_anchor_names(cc, tls->asked_names, tls->n_asked_names);
    if (tls->ask == AWL_TLS_ASK_CERTIFICATE)
        br_ssl_engine_add_flags(&cc->eng, BR_OPT_TOLERATE_NO_CLIENT_AUTH);
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

static void auth_nothing(const br_ssl_client_certificate_class **ctx) { (void)ctx; }

static void auth_start_name(const br_ssl_client_certificate_class **ctx, size_t len) { (void)ctx, (void)len; }

static void auth_append_name(const br_ssl_client_certificate_class **ctx, const unsigned char *data, size_t len)
{
    (void)ctx, (void)data, (void)len;
}

/* The server wants to know who we are: the first key that it can check, whatever CAs it names; or nobody. */
static void auth_choose(const br_ssl_client_certificate_class **ctx, const br_ssl_client_context *cc, uint32_t types,
                        br_ssl_client_certificate *choices)
{
    awl__br_engine *e = of_role(ctx);

    (void)cc;
    e->asked = true;
    memset(choices, 0, sizeof *choices);
    for (const awl__tls_key *key = e->common.tls->keys; key; key = key->next) {
        const bool ec = key->type == BR_KEYTYPE_EC;
        const unsigned hash = pick_hash(types >> (ec ? 8 : 0) & 0xff);

        if (!hash)
            continue;
        e->key = key;
        choices->auth_type = ec ? BR_AUTH_ECDSA : BR_AUTH_RSA;
        choices->hash_id = (int)hash;
        choices->chain = key->chain;
        choices->chain_len = key->chain_len;
        return;
    }
}

static uint32_t auth_do_keyx(const br_ssl_client_certificate_class **ctx, unsigned char *data, size_t *len)
{
    (void)ctx, (void)data, (void)len;
    return 0; /* of static Diffie-Hellman only */
}

static size_t auth_do_sign(const br_ssl_client_certificate_class **ctx, int hash_id, size_t len, unsigned char *data,
                           size_t cap)
{
    return awl__br_sign(of_role(ctx)->key, (unsigned)hash_id, data, len, cap);
}

static const br_ssl_client_certificate_class auth_class = {
    sizeof(awl__br_engine), auth_nothing, auth_start_name, auth_append_name, auth_nothing,
    auth_nothing,           auth_choose,  auth_do_keyx,    auth_do_sign,
};

void awl__br_client_init(awl__br_engine *e)
{
    e->role.auth = &auth_class;
    br_ssl_client_set_client_certificate(&e->br.client, &e->role.auth);
}
