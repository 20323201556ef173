/* See tls_common.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_common.h"

static const uint16_t suites[] = { BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                   BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 };

void tls_fail(const char *what, int error)
{
    fprintf(stderr, "%s: BearSSL's error %d\n", what, error);
    exit(1);
}

/* ---- Files ----------------------------------------------------------------------------------------------------------
 */

static unsigned char *read_file(const char *folder, const char *name, const char *kind, size_t *len)
{
    enum { MOST = 8192 };
    unsigned char *data = malloc(MOST);
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s-%s.der", folder, name, kind);
    file = fopen(path, "rb");
    if (!file || !data)
        tls_fail(path, 0);
    *len = fread(data, 1, MOST, file);
    fclose(file);
    return data;
}

static void *copy(const void *data, size_t len)
{
    void *memory = malloc(len);

    if (!memory)
        tls_fail("memory", 0);
    return memcpy(memory, data, len);
}

/* What a decoder says the name of a certificate's owner is, piece by piece. */
typedef struct name {
    unsigned char bytes[256];
    size_t len;
} name;

static void append_name(void *arg, const void *data, size_t len)
{
    name *n = arg;

    if (len > sizeof n->bytes - n->len)
        tls_fail("a name that is too long", 0);
    memcpy(n->bytes + n->len, data, len);
    n->len += len;
}

/* An authority's certificate as what is trusted: its name, and a copy of its key. */
static void read_anchor(br_x509_trust_anchor *anchor, const unsigned char *der, size_t len)
{
    br_x509_decoder_context decoder;
    br_x509_pkey *key;
    name n = { .len = 0 };

    br_x509_decoder_init(&decoder, append_name, &n);
    br_x509_decoder_push(&decoder, der, len);
    key = br_x509_decoder_get_pkey(&decoder);
    if (!key)
        tls_fail("the authority's certificate", br_x509_decoder_last_error(&decoder));
    anchor->dn.data = copy(n.bytes, n.len);
    anchor->dn.len = n.len;
    anchor->flags = BR_X509_TA_CA;
    anchor->pkey = *key;
    if (key->key_type == BR_KEYTYPE_RSA) {
        anchor->pkey.key.rsa.n = copy(key->key.rsa.n, key->key.rsa.nlen);
        anchor->pkey.key.rsa.e = copy(key->key.rsa.e, key->key.rsa.elen);
    } else {
        anchor->pkey.key.ec.q = copy(key->key.ec.q, key->key.ec.qlen);
    }
}

void tls_read_files(tls_files *files, const char *folder, const char *kind)
{
    size_t len;
    unsigned char *der;

    files->certificate.data = read_file(folder, "server", kind, &files->certificate.data_len);
    der = read_file(folder, "key", kind, &len);
    br_skey_decoder_init(&files->key);
    br_skey_decoder_push(&files->key, der, len);
    if (br_skey_decoder_last_error(&files->key))
        tls_fail("the server's key", br_skey_decoder_last_error(&files->key));
    free(der);
    der = read_file(folder, "ca", kind, &len);
    read_anchor(&files->anchor, der, len);
    free(der);
}

/* ---- Contexts -------------------------------------------------------------------------------------------------------
 */

static void limit(br_ssl_engine_context *engine)
{
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(engine, suites, sizeof suites / sizeof *suites);
    br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
}

void tls_client_init(tls_client *client, const tls_files *files)
{
    br_ssl_client_init_full(&client->ssl, &client->x509, &files->anchor, 1);
    limit(&client->ssl.eng);
    br_ssl_engine_set_buffer(&client->ssl.eng, client->buf, sizeof client->buf, 1);
}

void tls_server_init(tls_server *server, const tls_files *files, bool remembers_sessions)
{
    if (files->key.key_type == BR_KEYTYPE_EC)
        br_ssl_server_init_full_ec(&server->ssl, &files->certificate, 1, BR_KEYTYPE_EC, &files->key.key.ec);
    else
        br_ssl_server_init_full_rsa(&server->ssl, &files->certificate, 1, &files->key.key.rsa);
    limit(&server->ssl.eng);
    br_ssl_engine_set_buffer(&server->ssl.eng, server->buf, sizeof server->buf, 1);
    if (remembers_sessions) {
        br_ssl_session_cache_lru_init(&server->cache, server->sessions, sizeof server->sessions);
        br_ssl_server_set_cache(&server->ssl, &server->cache.vtable);
    }
}
