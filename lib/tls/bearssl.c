/* Engines of BearSSL: how they are set up, moved and taken down; and the table that hands them to the rest. */
#include "bearssl_priv.h"

_Static_assert(sizeof(void *) > 8 || offsetof(awl__br_engine, br) + sizeof(br_ssl_client_context) <= 4096,
               "a client's engine fits one block of 4 kB");
_Static_assert(sizeof(void *) > 8 || offsetof(awl__br_engine, br) + sizeof(br_ssl_engine_context) <= 4096,
               "so does any engine that is settled");

static size_t engine_size(const awl__br_engine *e)
{
    return offsetof(awl__br_engine, br) + (e->shrunk      ? sizeof(br_ssl_engine_context)
                                           : e->is_server ? sizeof(br_ssl_server_context)
                                                          : sizeof(br_ssl_client_context));
}

/* ---- Opening -------------------------------------------------------------------------------- */

/* AES first where the processor has instructions for it: without, ChaCha20 is the faster. */
static void set_suites(br_ssl_engine_context *eng)
{
    static const uint16_t aes_first[] = {
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,       BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,       BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    };
    static const uint16_t chacha_first[] = {
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,       BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,       BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    };
    const bool fast_aes = (br_aes_x86ni_ctr_get_vtable() && br_ghash_pclmul_get()) ||
                          (br_aes_pwr8_ctr_get_vtable() && br_ghash_pwr8_get());

    br_ssl_engine_set_suites(eng, fast_aes ? aes_first : chacha_first, sizeof aes_first / sizeof *aes_first);
}

/* The profile of awl/tls.h, in the fastest implementations that run in constant time. */
static void set_profile(br_ssl_engine_context *eng, const awl_tls *tls)
{
    br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
    br_ssl_engine_add_flags(eng,
                            BR_OPT_NO_RENEGOTIATION | BR_OPT_ENFORCE_SERVER_PREFERENCES | BR_OPT_FAIL_ON_ALPN_MISMATCH);
    br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_prf_sha256(eng, br_tls12_sha256_prf);
    br_ssl_engine_set_prf_sha384(eng, br_tls12_sha384_prf);
    br_ssl_engine_set_default_aes_gcm(eng);
    br_ssl_engine_set_default_chapol(eng);
    br_ssl_engine_set_default_rsavrfy(eng);
    br_ssl_engine_set_default_ecdsa(eng);
    set_suites(eng);
    br_ssl_engine_set_protocol_names(eng, tls->alpn, tls->n_alpn);
}

/* To ask the processor what it can takes longer than a record does, in a virtual machine: once in a context will do. */
int awl__br_make_model(awl_tls *tls)
{
    br_ssl_engine_context *model = awl__alloc(tls->loop, sizeof *model);

    if (!model)
        return ENOMEM;
    memset(model, 0, sizeof *model);
    set_profile(model, tls);
    tls->model = model;
    return 0;
}

/*
 * Seeds the generator of an engine, HMAC_DRBG (NIST SP 800-90A, section 10.1.2), with 256 bits of the kernel's, which
 * is enough. Left alone, BearSSL would take the processor's own generator (RDRAND) and nothing else; that is kept out,
 * as asking for it is slow, too.
 */
static int seed(br_ssl_engine_context *eng)
{
    unsigned char bytes[32];
    const int error = awl__tls_random(bytes, sizeof bytes);

    if (error)
        return error;
    br_hmac_drbg_init(&eng->rng, &br_sha256_vtable, bytes, sizeof bytes);
    eng->rng_init_done = 2;
    eng->rng_os_rand_done = 1;
    awl__tls_wipe(bytes, sizeof bytes);
    return 0;
}

/* Lends the first buffers. BearSSL takes the smaller output for a limit of all records, in both directions, which it is
 * not: the limit is set back. */
static bool set_buffers(awl__br_engine *e)
{
    unsigned char *out = awl__alloc(e->common.tls->loop, AWL__BR_SMALL);

    if (!out)
        return false;
    e->out = out;
    e->out_cap = AWL__BR_SMALL;
    br_ssl_engine_set_buffers_bidi(&e->br.eng, &e->none, AWL__BR_RECORD, out, AWL__BR_SMALL);
    e->br.eng.max_frag_len = 16384;
    e->br.eng.log_max_frag_len = 14;
    return true;
}

/* Whom to believe; a server that asks for no certificate needs nobody. */
static bool set_verify(awl__br_engine *e, const awl_tls *tls, const char *name)
{
    const awl__verify_options options = {
        .trust = tls->trust, .name = name, .pins = tls->pins, .n_pins = tls->n_pins, .of_client = tls->is_server
    };

    if (tls->is_server && tls->ask == AWL_TLS_ASK_NOTHING)
        return true;
    if (tls->do_not_verify)
        return awl__br_careless_new(e);
    e->verify = awl__verify_new(tls->loop, &options);
    if (!e->verify)
        return false;
    if (tls->ask == AWL_TLS_ASK_CERTIFICATE)
        awl__br_insist(e);
    else
        br_ssl_engine_set_x509(&e->br.eng, awl__verify_x509(e->verify));
    return true;
}

static void free_engine(awl__tls_engine *engine)
{
    awl__br_engine *e = awl__br_of(engine);
    awl_loop *loop;
    size_t size;

    if (!e)
        return;
    loop = e->common.tls->loop;
    size = engine_size(e);
    awl__verify_free(e->verify);
    awl__br_careless_free(e);
    awl__tls_peer_release(loop, e->peer);
    awl__br_free_input(e);
    awl__free(loop, e->out, e->out_cap);
    awl__tls_wipe(e, size);
    awl__free(loop, e, size);
}

/* The name that a server is asked for, in `to`: without a dot at its end, and numbers are none (RFC 6066, section 3).
 * NULL: there is none. */
static const char *name_to_send(const char *name, char to[256])
{
    size_t len = name ? strlen(name) : 0;
    awl_address address;

    if (len && name[len - 1] == '.')
        len--;
    if (!len || len > 255 || name[0] == '[' || awl_address_parse(name, 0, &address) == 0)
        return NULL;
    memcpy(to, name, len);
    to[len] = '\0';
    return to;
}

static awl__tls_engine *open_engine(awl_tls *tls, const char *name, const awl__tls_session *session, int *error)
{
    const size_t size = engine_size(&(awl__br_engine){ .is_server = tls->is_server });
    awl__br_engine *e = awl__alloc(tls->loop, size);
    char host[256];

    *error = ENOMEM;
    if (!e)
        return NULL;
    memset(e, 0, size);
    e->common.tls = tls;
    e->is_server = tls->is_server;
    e->br.eng = *(const br_ssl_engine_context *)tls->model;
    if (!set_buffers(e) || !set_verify(e, tls, name))
        goto free_engine;

    *error = seed(&e->br.eng);
    if (*error)
        goto free_engine;
    if (tls->is_server) {
        awl__br_server_init(e);
        br_ssl_server_reset(&e->br.server);
        e->br.eng.version_out = BR_TLS10; /* of an alert before a version is agreed on, for which it has none */
    } else {
        awl__br_client_init(e);
        if (session)
            awl__br_session_in(e, session);
        br_ssl_client_reset(&e->br.client, name_to_send(name, host), session != NULL);
    }
    awl__br_align_input(e);
    awl__br_look(e);
    return &e->common;

free_engine:
    free_engine(&e->common);
    return NULL;
}

/* The engine moves to a block that has room for no more than what is left of it. Without memory it stays. */
static awl__br_engine *shrink(awl__br_engine *e)
{
    awl_loop *loop = e->common.tls->loop;
    const size_t before = engine_size(e), after = offsetof(awl__br_engine, br) + sizeof e->br.eng;
    awl__br_engine *moved = awl__alloc(loop, after);
    br_ssl_engine_context *eng;

    if (!moved)
        return e;
    memcpy(moved, e, after);
    moved->shrunk = true;
    eng = &moved->br.eng;

    /* What points into the engine itself. */
    eng->cpu.dp = eng->dp_stack + (e->br.eng.cpu.dp - e->br.eng.dp_stack);
    eng->cpu.rp = eng->rp_stack + (e->br.eng.cpu.rp - e->br.eng.rp_stack);
    if (!moved->out_cap)
        eng->obuf = moved->spare;
    if (!moved->in)
        eng->ibuf = &moved->none;
    awl__tls_wipe(e, before);
    awl__free(loop, e, before);
    return moved;
}

static awl__tls_engine *settle(awl__tls_engine *engine)
{
    awl__br_engine *e = awl__br_of(engine);

    if (e->ready)
        return engine;
    if (!awl__br_learn_peer(e))
        e->error = ENOMEM;
    awl__verify_free(e->verify);
    awl__br_careless_free(e);
    e->verify = NULL;
    e->br.eng.x509ctx = NULL; /* only renegotiation would ask for it */
    e->ready = true;
    e = shrink(e);
    awl__br_spare_output(e);
    awl__br_resume(e);
    return &e->common;
}

static bool session_of(const awl__tls_engine *engine, awl__tls_session *session)
{
    const awl__br_engine *e = awl__br_of(engine);

    if (!e->br.eng.session.session_id_len)
        return false;
    awl__br_session_out(e, session);
    return true;
}

static void info(const awl__tls_engine *engine, awl_tls_details *details)
{
    const awl__br_engine *e = awl__br_of(engine);
    const br_ssl_engine_context *eng = &e->br.eng;

    *details =
        (awl_tls_details){ .version = "TLSv1.2",
                           .suite = awl__br_suite_name(eng->session.cipher_suite),
                           .protocol = br_ssl_engine_get_selected_protocol((br_ssl_engine_context *)(uintptr_t)eng),
                           .server_name = *eng->server_name ? eng->server_name : NULL,
                           .resumed = e->resumed };
    if (!e->peer)
        return;
    details->verified = e->peer->verified;
    details->subject = e->peer->subject;
    memcpy(details->certificate_sha256, e->peer->certificate_sha256, sizeof details->certificate_sha256);
    memcpy(details->key_sha256, e->peer->key_sha256, sizeof details->key_sha256);
}

const awl__tls_backend awl__tls_bearssl = {
    .name = "BearSSL",
    .prepare = awl__br_prepare,
    .add_key = awl__br_add_key,
    .forget = awl__br_forget,
    .open = open_engine,
    .free = free_engine,
    .state = awl__br_state,
    .recv_buf = awl__br_recv_buf,
    .recv_ack = awl__br_recv_ack,
    .recv_rest = awl__br_recv_rest,
    .send_buf = awl__br_send_buf,
    .send_ack = awl__br_send_ack,
    .read_buf = awl__br_read_buf,
    .read_ack = awl__br_read_ack,
    .write_buf = awl__br_write_buf,
    .write_ack = awl__br_write_ack,
    .flush = awl__br_flush,
    .close = awl__br_close,
    .settle = settle,
    .explain = awl__br_explain,
    .session = session_of,
    .info = info,
};
