/* Contexts: what connections share; see awl/tls.h. */
#include <errno.h>

#include "tls_priv.h"

enum { CLIENT_SESSIONS = 64, SERVER_SESSIONS = 1024, HANDSHAKES = 8 };

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

/* Copies the protocols, pointers and texts in one block. 0 or the error. */
static int copy_alpn(awl_tls *tls, const char *const *alpn)
{
    size_t n = 0, size = 0;
    char *text;

    for (; alpn && alpn[n]; n++)
        size += sizeof *alpn + strlen(alpn[n]) + 1;
    if (!n)
        return 0;
    tls->alpn = awl__alloc(tls->loop, size);
    if (!tls->alpn)
        return ENOMEM;
    tls->alpn_size = size;
    tls->n_alpn = n;
    text = (char *)(tls->alpn + n);
    for (size_t i = 0; i < n; i++) {
        tls->alpn[i] = text;
        strcpy(text, alpn[i]);
        text += strlen(text) + 1;
    }
    return 0;
}

static int copy_pins(awl_tls *tls, const awl_pin *pins, size_t n)
{
    if (!n)
        return 0;
    tls->pins = awl__alloc(tls->loop, n * sizeof *pins);
    if (!tls->pins)
        return ENOMEM;
    memcpy(tls->pins, pins, n * sizeof *pins);
    tls->n_pins = n;
    return 0;
}

static int add_keys(awl_tls *tls, const awl_tls_options *o)
{
    const awl_tls_key first = { .cert_file = o->cert_file, .key_file = o->key_file };
    int error = 0;

    if (o->cert_file)
        error = tls->backend->add_key(tls, &first);
    for (size_t i = 0; i < o->n_keys && !error; i++)
        error = tls->backend->add_key(tls, &o->keys[i]);
    return error;
}

/* A client believes whom the system does, unless it is told otherwise; a server has to be told. */
static int set_trust(awl_tls *tls, const awl_tls_options *o)
{
    tls->trust = awl_trust_retain(o->trust);
    if (awl_trust_error(tls->trust) && tls->trust) /* it is not to be forgotten that somebody was to be believed */
        return awl_trust_error(tls->trust);
    if (tls->trust || o->n_pins || tls->is_server || o->dangerously_do_not_verify)
        return 0;
    tls->trust = awl_trust_system();
    return awl_trust_error(tls->trust);
}

static void set_numbers(awl_tls *tls, const awl_tls_options *o)
{
    const int sessions = o->sessions ? o->sessions : tls->is_server ? SERVER_SESSIONS : CLIENT_SESSIONS;
    const int handshakes = o->max_handshakes ? o->max_handshakes : HANDSHAKES;
    const awl_time life = o->session_life > 0 ? o->session_life : 120 * AWL_MINUTE;

    tls->cache.loop = tls->loop;
    tls->cache.most = sessions > 0 ? (size_t)sessions : 0;
    tls->cache.life = life < 24 * 60 * AWL_MINUTE ? life : 24 * 60 * AWL_MINUTE;
    tls->limited = tls->is_server && handshakes > 0;
    awl_semaphore_init(&tls->turns, tls->limited ? (size_t)handshakes : 0);
    tls->handshake_timeout = o->handshake_timeout > 0 ? o->handshake_timeout : 60 * AWL_SECOND;
    tls->close_timeout = o->close_timeout > 0 ? o->close_timeout : 30 * AWL_SECOND;
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

static void free_parts(awl_tls *tls)
{
    awl_loop *loop = tls->loop;

    awl__tls_cache_clear(&tls->cache);
    tls->backend->forget(tls);
    awl__free(loop, tls->alpn, tls->alpn_size);
    awl__free(loop, tls->pins, tls->n_pins * sizeof *tls->pins);
    awl_trust_release(tls->trust);
}

/* Those without a loop are nobody's, and are never written to. */
static void retain(awl_tls *tls)
{
    if (tls->loop)
        tls->refs++;
}

static void release(awl_tls *tls)
{
    if (!tls->loop || --tls->refs)
        return;
    if (!tls->error)
        free_parts(tls);
    awl__free(tls->loop, tls->why, tls->why_size);
    awl__free(tls->loop, tls, sizeof *tls);
}

static int check_use(awl_tls *tls, bool server)
{
    const int error = awl__tls_usable(tls);

    if (error)
        return error;
    if (tls->loop != awl_running_)
        return AWL_EOTHERLOOP;
    if (tls->is_server == server)
        return 0;
    awl__error_detail(tls->loop, EINVAL,
                      server ? "a TLS client's context (awl_tls_client) cannot be used by a server"
                             : "a TLS server's context (awl_tls_server) cannot be used by a client");
    return EINVAL;
}

/* What streams know of every context. */
#define TLS_LAYER { awl__tls_start, retain, release, check_use }

static const awl__layer tls_layer = TLS_LAYER;

/* ---- What could not be made -------------------------------------------------------------------------------------- */

/* NULL would mean plain text to streams. So there is always a context; this one is refused wherever it is used. */
static awl_tls *nobodys(int error)
{
    static const awl_tls no_memory = { .layer = TLS_LAYER, .error = ENOMEM };
    static const awl_tls no_loop = { .layer = TLS_LAYER, .error = EINVAL };

    return (awl_tls *)(uintptr_t)(error == ENOMEM ? &no_memory : &no_loop);
}

/* Makes a context that has begun to be made one that says why it was not. */
static void spoil(awl_tls *tls, int error)
{
    awl_loop *loop = tls->loop;
    const char *why = error == ENOMEM ? NULL : awl__error_find(loop, error);

    free_parts(tls);
    *tls = (awl_tls){ .layer = tls_layer, .loop = loop, .refs = 1, .error = error };
    tls->why = why ? awl__alloc(loop, strlen(why) + 1) : NULL;
    if (!tls->why)
        return;
    tls->why_size = strlen(why) + 1;
    memcpy(tls->why, why, tls->why_size);
}

int awl__tls_usable(const awl_tls *tls)
{
    if (tls->why && awl_running_)
        awl__error_detail(awl_running_, tls->error, "%s", tls->why);
    return tls->error;
}

int awl_tls_error(const awl_tls *tls) { return tls ? tls->error : EINVAL; }

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* What contradicts what; NULL: the options make sense. */
static const char *contradiction(const awl_tls_options *o, bool is_server)
{
    if (o->key_file && !o->cert_file)
        return "there is a key_file, but no cert_file";
    if (o->n_keys && !o->keys)
        return "n_keys is not 0, but there are no keys";
    if (o->n_pins && !o->pins)
        return "n_pins is not 0, but there are no pins";
    if (is_server && !o->cert_file && !o->n_keys)
        return "a server needs a certificate and its key: cert_file and key_file, or keys";
    if (is_server && o->dangerously_do_not_verify)
        return "dangerously_do_not_verify is for clients: a server asks for no certificate unless `ask` says so";
    if (o->dangerously_do_not_verify && (o->trust || o->n_pins))
        return "dangerously_do_not_verify contradicts trust and pins";
    if (is_server && o->ask != AWL_TLS_ASK_NOTHING && !o->trust)
        return "a server that asks for certificates needs `trust`, which says whose to believe";
    for (size_t i = 0; i < o->n_keys; i++) {
        if (!o->keys[i].cert_file && !o->keys[i].cert)
            return "one of the keys has neither cert_file nor cert";
    }
    for (size_t i = 0; o->alpn && o->alpn[i]; i++) {
        if (!*o->alpn[i] || strlen(o->alpn[i]) > 255)
            return "a protocol of alpn is empty, or longer than 255 bytes";
    }
    return NULL;
}

static int check(awl_loop *loop, const awl_tls_options *o, bool is_server)
{
    const char *why = contradiction(o, is_server);

    if (!why)
        return 0;
    awl__error_detail(loop, EINVAL, "%s: %s", is_server ? "awl_tls_server" : "awl_tls_client", why);
    return EINVAL;
}

static awl_tls *make(const awl_tls_options *options, bool is_server)
{
    static const awl_tls_options defaults;
    const awl_tls_options *o = options ? options : &defaults;
    awl_loop *loop = awl_running_;
    awl_tls *tls = loop ? awl__alloc(loop, sizeof *tls) : NULL;
    int error = loop ? ENOMEM : EINVAL;

    if (!tls)
        goto fail;
    memset(tls, 0, sizeof *tls);
    tls->layer = tls_layer;
    tls->backend = &awl__tls_bearssl;
    tls->loop = loop;
    tls->refs = 1;
    tls->is_server = is_server;
    tls->do_not_verify = o->dangerously_do_not_verify;
    tls->refuse_unknown_names = o->refuse_unknown_names;
    tls->tolerate_truncation = o->tolerate_truncation;
    tls->ask = is_server ? (uint8_t)o->ask : AWL_TLS_ASK_NOTHING;
    set_numbers(tls, o);
    error = check(loop, o, is_server);
    if (!error)
        error = copy_alpn(tls, o->alpn);
    if (!error)
        error = copy_pins(tls, o->pins, o->n_pins);
    if (!error)
        error = set_trust(tls, o);
    if (!error)
        error = tls->backend->prepare(tls);
    if (!error)
        error = add_keys(tls, o);
    if (!error)
        return tls;
    spoil(tls, error);

fail:
    errno = error;
    return tls ? tls : nobodys(error);
}

awl_tls *awl_tls_client(const awl_tls_options *options) { return make(options, false); }

awl_tls *awl_tls_server(const awl_tls_options *options)
{
    static const awl_tls_options none;

    return make(options ? options : &none, true);
}

void awl_tls_release(awl_tls *tls)
{
    if (!tls || !tls->loop)
        return;
    awl__loop_check(tls->loop);
    release(tls);
}

awl_tls *awl_tls_retain(awl_tls *tls)
{
    if (tls)
        retain(tls);
    return tls;
}
