/* Signatures of certificates, by BearSSL; see cert_priv.h. */
#include <string.h>

#include "cert_priv.h"

/* The hash of the signed part. Result: its length. */
static size_t hash_tbs(const awl__cert *cert, unsigned char *hash, const unsigned char **oid)
{
    br_sha256_context sha256;
    br_sha512_context sha512; /* SHA-384's, too */

    switch (cert->sign_hash) {
    case br_sha256_ID:
        br_sha256_init(&sha256);
        br_sha256_update(&sha256, cert->tbs.at, cert->tbs.len);
        br_sha256_out(&sha256, hash);
        *oid = BR_HASH_OID_SHA256;
        return br_sha256_SIZE;
    case br_sha384_ID:
        br_sha384_init(&sha512);
        br_sha384_update(&sha512, cert->tbs.at, cert->tbs.len);
        br_sha384_out(&sha512, hash);
        *oid = BR_HASH_OID_SHA384;
        return br_sha384_SIZE;
    default:
        br_sha512_init(&sha512);
        br_sha512_update(&sha512, cert->tbs.at, cert->tbs.len);
        br_sha512_out(&sha512, hash);
        *oid = BR_HASH_OID_SHA512;
        return br_sha512_SIZE;
    }
}

int awl__cert_signed_by(const awl__cert *cert, const br_x509_pkey *key)
{
    unsigned char hash[64], signed_hash[64];
    const unsigned char *oid;
    size_t len;
    bool good;

    if (!cert->sign_type)
        return BR_ERR_X509_UNSUPPORTED;
    if (cert->sign_type != key->key_type)
        return BR_ERR_X509_WRONG_KEY_TYPE;
    len = hash_tbs(cert, hash, &oid);
    if (key->key_type == BR_KEYTYPE_RSA)
        good = br_rsa_pkcs1_vrfy_get_default()(cert->signature.at, cert->signature.len, oid, len, &key->key.rsa,
                                               signed_hash) &&
               memcmp(hash, signed_hash, len) == 0;
    else
        good = br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(), hash, len, &key->key.ec, cert->signature.at,
                                                cert->signature.len);
    return good ? 0 : BR_ERR_X509_BAD_SIGNATURE;
}
