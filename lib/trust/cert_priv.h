/* A certificate, taken apart in memory (cert.c), and what of BearSSL judges its signature. */
#ifndef AWL_TLS_CERT_PRIV_H
#define AWL_TLS_CERT_PRIV_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that lie in somebody else's memory. */
typedef struct awl__span {
    const unsigned char *at;
    size_t len;
} awl__span;

enum awl__purpose { AWL__FOR_SERVERS = 1, AWL__FOR_CLIENTS = 2 };

enum { AWL__RSA_MIN = 2048, AWL__RSA_MAX = 4096, AWL__NO_PATH_LEN = 255 };

/* Spans point into the DER. Those of optional parts are {NULL, 0} where the certificate has none. */
typedef struct awl__cert {
    awl__span der, tbs, issuer, subject, spki, signature;
    awl__span names, constraints;   /* subjectAltName and nameConstraints: the content of their outer SEQUENCE */
    awl__span unknown;              /* OID of the first critical extension that awl does not know */
    awl__span key_oid, sign_oid;    /* of the key, and of the signature, whether awl knows them or not */
    int64_t not_before, not_after;  /* seconds since 1970 */
    br_x509_pkey key;               /* into the DER; key_type 0: one that awl cannot use */
    uint16_t key_bits;              /* of an RSA modulus; 0: no RSA */
    uint16_t key_usage;             /* bit n of RFC 5280's list is 1 << n; 0xffff: not said */
    uint8_t sign_type, sign_hash;   /* BR_KEYTYPE_… and br_sha256_ID …; 0: an algorithm that awl does not accept */
    uint8_t version;                /* 1 to 3 */
    uint8_t path_len;               /* of a CA; AWL__NO_PATH_LEN: not limited */
    uint8_t purposes;               /* enum awl__purpose, by extendedKeyUsage; all where there is none */
    bool is_ca;                     /* basicConstraints say so */
    bool self_issued;               /* subject and issuer are equal */
} awl__cert;

enum awl__key_usage { AWL__DIGITAL_SIGNATURE = 1 << 0, AWL__CERT_SIGN = 1 << 5 };

/*
 * Takes a certificate apart. Whatever it says is only noted; what is not DER, or not RFC 5280's grammar, is an error.
 *
 *   cert   written only on success; refers to `der` from then on
 * Result   0; else one of BR_ERR_X509_…, and *why says in a few words what is wrong.
 */
int awl__cert_parse(awl__cert *cert, const unsigned char *der, size_t len, const char **why);

/* Whether `cert` was signed by this key: 0, or BR_ERR_X509_UNSUPPORTED, _WRONG_KEY_TYPE, _BAD_SIGNATURE. */
int awl__cert_signed_by(const awl__cert *cert, const br_x509_pkey *key);

/* For BearSSL's structures, whose pointers are not const, though it does not write through them. */
static inline unsigned char *awl__writable(const unsigned char *at) { return (unsigned char *)(uintptr_t)at; }

bool awl__span_equal(awl__span a, awl__span b);
bool awl__key_equal(const br_x509_pkey *a, const br_x509_pkey *b);

/* A name in one line, "CN=example.org, O=Example": what is not printable becomes '?'. Result: text. */
const char *awl__name_text(awl__span name, char *text, size_t cap);

/* "1.2.840.113549.1.1.1", and a moment as "2026-11-21 16:00:00 UTC". Result: text. */
const char *awl__oid_text(awl__span oid, char *text, size_t cap);
const char *awl__time_text(int64_t seconds, char *text, size_t cap);

#endif
