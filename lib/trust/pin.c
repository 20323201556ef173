/* Pins of keys: the digest of a SubjectPublicKeyInfo, and its text; see verify_priv.h. */
#include <string.h>

#include "der_priv.h"
#include "verify_priv.h"

void awl__spki_pin(awl__span spki, awl_pin *pin)
{
    br_sha256_context hash;

    br_sha256_init(&hash);
    br_sha256_update(&hash, spki.at, spki.len);
    br_sha256_out(&hash, pin->sha256);
}

/* ---- A SubjectPublicKeyInfo, written anew ------------------------------------------------------------------------ */

/* The AlgorithmIdentifiers of RFC 3279, section 2.3.1, and RFC 5480, section 2.1.1. */
static const unsigned char rsa[] = { 0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0 };
static const unsigned char p256[] = { 0x30, 19,   0x06, 7,    0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
                                      0x06, 8,    0x2a, 0x86, 0x48, 0xce, 0x3d, 3,    1,    7 };
static const unsigned char p384[] = { 0x30, 16, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0,
                                      0x22 };
static const unsigned char p521[] = { 0x30, 16, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0,
                                      0x23 };

static awl__span algorithm_of(const br_x509_pkey *key)
{
    if (key->key_type == BR_KEYTYPE_RSA)
        return (awl__span){ rsa, sizeof rsa };
    if (key->key.ec.curve == BR_EC_secp256r1)
        return (awl__span){ p256, sizeof p256 };
    return key->key.ec.curve == BR_EC_secp384r1 ? (awl__span){ p384, sizeof p384 } : (awl__span){ p521, sizeof p521 };
}

/* Tag and length of DER. Result: bytes. */
static size_t write_head(unsigned char *to, unsigned char tag, size_t len)
{
    size_t n = 0;

    to[n++] = tag;
    if (len >= 256) {
        to[n++] = 0x82;
        to[n++] = (unsigned char)(len >> 8);
    } else if (len >= 128) {
        to[n++] = 0x81;
    }
    to[n++] = (unsigned char)len;
    return n;
}

static size_t head_len(size_t len) { return len < 128 ? 2 : len < 256 ? 3 : 4; }

/* A number without its leading zeros. */
static awl__span number(const unsigned char *at, size_t len)
{
    while (len > 1 && !*at)
        at++, len--;
    return (awl__span){ at, len };
}

/* Bytes of an INTEGER's content: a zero goes before a number whose first bit is set. */
static bool starts_high(awl__span n) { return n.len && n.at[0] >> 7; }
static size_t integer_len(awl__span n) { return n.len + starts_high(n); }

static void add_head(br_sha256_context *hash, unsigned char tag, size_t len)
{
    unsigned char head[4];

    br_sha256_update(hash, head, write_head(head, tag, len));
}

static void add_integer(br_sha256_context *hash, awl__span n)
{
    add_head(hash, AWL__INTEGER, integer_len(n));
    if (starts_high(n))
        br_sha256_update(hash, "", 1);
    br_sha256_update(hash, n.at, n.len);
}

void awl__key_pin(const br_x509_pkey *key, awl_pin *pin)
{
    const bool is_rsa = key->key_type == BR_KEYTYPE_RSA;
    const awl__span algorithm = algorithm_of(key);
    awl__span n = { NULL, 0 }, e = { NULL, 0 };
    size_t numbers = 0, content;
    br_sha256_context hash;

    /* Lengths from the inside out; the content of the BIT STRING is an RSAPublicKey, or the point as it is. */
    if (is_rsa) {
        n = number(key->key.rsa.n, key->key.rsa.nlen);
        e = number(key->key.rsa.e, key->key.rsa.elen);
        numbers = head_len(integer_len(n)) + integer_len(n) + head_len(integer_len(e)) + integer_len(e);
        content = 1 + head_len(numbers) + numbers;
    } else {
        content = 1 + key->key.ec.qlen;
    }

    br_sha256_init(&hash);
    add_head(&hash, AWL__SEQUENCE, algorithm.len + head_len(content) + content);
    br_sha256_update(&hash, algorithm.at, algorithm.len);
    add_head(&hash, AWL__BITS, content);
    br_sha256_update(&hash, "", 1); /* bits that are unused */
    if (is_rsa) {
        add_head(&hash, AWL__SEQUENCE, numbers);
        add_integer(&hash, n);
        add_integer(&hash, e);
    } else {
        br_sha256_update(&hash, key->key.ec.q, key->key.ec.qlen);
    }
    br_sha256_out(&hash, pin->sha256);
}

/* ---- As a text --------------------------------------------------------------------------------------------------- */

const char *awl__pin_text(const awl_pin *pin, char text[AWL__PIN_TEXT])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *to = text + strlen(strcpy(text, "sha256/"));

    /* Of 32 bytes the last two make three characters and a sign that fills up (RFC 4648, section 4). */
    for (size_t i = 0; i < sizeof pin->sha256; i += 3) {
        const unsigned last = i + 2 < sizeof pin->sha256 ? pin->sha256[i + 2] : 0;
        const unsigned bits = (unsigned)pin->sha256[i] << 16 | (unsigned)pin->sha256[i + 1] << 8 | last;

        for (int shift = 18; shift >= 0; shift -= 6)
            *to++ = digits[bits >> shift & 63];
    }
    to[-1] = '=';
    *to = '\0';
    return text;
}
