/* BearSSL as the TLS programs here use it: TLS 1.2, AES-128-GCM, ephemeral keys, an authority that signs a server. */
#ifndef NET_TLS_COMMON_H
#define NET_TLS_COMMON_H

#include <bearssl.h>
#include <stdbool.h>

#define TLS_NAME "server.test" /* in the server's certificate */

/* A folder of certificates holds ca-KIND.der, server-KIND.der and key-KIND.der, KIND being `ecdsa` or `rsa`. */
typedef struct tls_files {
    br_x509_certificate certificate;
    br_skey_decoder_context key;
    br_x509_trust_anchor anchor;
} tls_files;

typedef struct tls_client {
    br_ssl_client_context ssl;
    br_x509_minimal_context x509;
    unsigned char buf[BR_SSL_BUFSIZE_BIDI];
} tls_client;

typedef struct tls_server {
    br_ssl_server_context ssl;
    br_ssl_session_cache_lru cache;
    unsigned char buf[BR_SSL_BUFSIZE_BIDI], sessions[8192];
} tls_server;

/* What cannot be read or decoded ends the program. */
void tls_read_files(tls_files *files, const char *folder, const char *kind);

/* Prepared for any number of connections: each begins with br_ssl_client_reset, or br_ssl_server_reset. */
void tls_client_init(tls_client *client, const tls_files *files);
void tls_server_init(tls_server *server, const tls_files *files, bool remembers_sessions);

void tls_fail(const char *what, int error) __attribute__((noreturn)); /* error: of BearSSL; 0: none */

#endif
