/*
 * One certificate, taken apart as RFC 5280, section 4, writes it. What it says is noted here and judged in verify.c.
 *
 * Each step stops at the first thing that is wrong: then the parser's `why` says what, for a person.
 */
#include "cert_priv.h"

#include <string.h>

#include "der_priv.h"

enum { MOST_EXTENSIONS = 64 };

typedef struct parser {
    awl__cert cert;
    const char *why;
} parser;

/* Notes what is wrong. Result: false, for the caller to return. */
static bool wrong(parser *p, const char *why)
{
    p->why = why;
    return false;
}

/* ---- Identifiers ------------------------------------------------------------------------------------------------- */

#define IS(oid, bytes) awl__span_is((oid), (bytes), sizeof(bytes) - 1)

static const char rsa_encryption[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
static const char ec_public_key[] = "\x2a\x86\x48\xce\x3d\x02\x01";
static const char any_purpose[] = "\x55\x1d\x25\x00";
static const char server_auth[] = "\x2b\x06\x01\x05\x05\x07\x03\x01";
static const char client_auth[] = "\x2b\x06\x01\x05\x05\x07\x03\x02";

/* The signatures that awl accepts. SHA-1, MD5 and SHA-224 are not among them. */
static const struct {
    uint8_t type, hash, len;
    const char *oid;
} signatures[] = {
    { BR_KEYTYPE_RSA, br_sha256_ID, 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b" },
    { BR_KEYTYPE_RSA, br_sha384_ID, 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c" },
    { BR_KEYTYPE_RSA, br_sha512_ID, 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d" },
    { BR_KEYTYPE_EC, br_sha256_ID, 8, "\x2a\x86\x48\xce\x3d\x04\x03\x02" },
    { BR_KEYTYPE_EC, br_sha384_ID, 8, "\x2a\x86\x48\xce\x3d\x04\x03\x03" },
    { BR_KEYTYPE_EC, br_sha512_ID, 8, "\x2a\x86\x48\xce\x3d\x04\x03\x04" },
};

static const struct {
    uint8_t curve, len, point; /* bytes of the identifier, and of an uncompressed point */
    const char *oid;
} curves[] = {
    { BR_EC_secp256r1, 8, 65, "\x2a\x86\x48\xce\x3d\x03\x01\x07" },
    { BR_EC_secp384r1, 5, 97, "\x2b\x81\x04\x00\x22" },
    { BR_EC_secp521r1, 5, 133, "\x2b\x81\x04\x00\x23" },
};

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/* Days from 1970-01-01 in the Gregorian calendar: a year begins in March here, so that its last day is the odd one. */
static int64_t days_until(int year, int month, int day)
{
    const int y = year - (month <= 2), m = (month + 9) % 12;

    return 365 * (int64_t)y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool two_digits(const unsigned char *at, int least, int most, int *value)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *value = 10 * (at[0] - '0') + at[1] - '0';
    return *value >= least && *value <= most;
}

/* YYMMDDHHMMSSZ for 1950 to 2049, or YYYYMMDDHHMMSSZ: RFC 5280 allows no other forms. */
static bool take_time(awl__span *in, int64_t *seconds)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool is_long = awl__der_peek(in) == AWL__LONG_TIME;
    int century = 0, year, month, day, hour, minute, second, most;
    const unsigned char *at;
    awl__span text;

    if (!awl__der_take(in, is_long ? AWL__LONG_TIME : AWL__UTC_TIME, &text) || text.len != (is_long ? 15 : 13))
        return false;
    at = text.at;
    if (is_long && !two_digits(at, 0, 99, &century))
        return false;
    at += is_long ? 2 : 0;
    if (!two_digits(at, 0, 99, &year) || !two_digits(at + 2, 1, 12, &month) || !two_digits(at + 4, 1, 31, &day) ||
        !two_digits(at + 6, 0, 23, &hour) || !two_digits(at + 8, 0, 59, &minute) ||
        !two_digits(at + 10, 0, 59, &second) || at[12] != 'Z')
        return false;
    year += is_long ? 100 * century : year < 50 ? 2000 : 1900;
    most = days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    if (day > most)
        return false;
    *seconds = days_until(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static bool parse_rsa(parser *p, awl__span key)
{
    awl__span pair, n, e;
    size_t bits;

    if (!awl__der_take(&key, AWL__SEQUENCE, &pair) || key.len || !awl__der_unsigned(&pair, &n) ||
        !awl__der_unsigned(&pair, &e) || pair.len || !n.len || !e.len)
        return wrong(p, "the RSA key is malformed");
    if (n.len > 4096 || e.len > 8 || !(n.at[n.len - 1] & 1) || !(e.at[e.len - 1] & 1) || (e.len == 1 && e.at[0] == 1))
        return wrong(p, "the RSA key has numbers that no key has");
    bits = 8 * n.len;
    for (unsigned top = n.at[0]; top < 0x80; top <<= 1)
        bits--;
    p->cert.key_bits = (uint16_t)bits;
    p->cert.key.key_type = BR_KEYTYPE_RSA;
    p->cert.key.key.rsa = (br_rsa_public_key){ awl__writable(n.at), n.len, awl__writable(e.at), e.len };
    return true;
}

/* Curves that are not known, or given by their parameters, leave key_type 0. */
static bool parse_ec(parser *p, awl__span parameters, awl__span point)
{
    awl__span oid;

    if (!awl__der_take(&parameters, AWL__OID, &oid) || parameters.len)
        return true;
    p->cert.key_oid = oid;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (!awl__span_is(oid, curves[i].oid, curves[i].len))
            continue;
        if (point.len != curves[i].point || point.at[0] != 4)
            return wrong(p, "the EC key is no uncompressed point of its curve");
        p->cert.key.key_type = BR_KEYTYPE_EC;
        p->cert.key.key.ec = (br_ec_public_key){ curves[i].curve, awl__writable(point.at), point.len };
    }
    return true;
}

static bool parse_key(parser *p, awl__span spki)
{
    awl__span algorithm, key;

    if (!awl__der_take(&spki, AWL__SEQUENCE, &spki) || !awl__der_take(&spki, AWL__SEQUENCE, &algorithm) ||
        !awl__der_take(&algorithm, AWL__OID, &p->cert.key_oid) || !awl__der_bits(&spki, &key) || spki.len)
        return wrong(p, "the public key is malformed");
    if (IS(p->cert.key_oid, rsa_encryption))
        return parse_rsa(p, key);
    if (IS(p->cert.key_oid, ec_public_key))
        return parse_ec(p, algorithm, key);
    return true;
}

/* ---- Extensions -------------------------------------------------------------------------------------------------- */

static bool parse_basic_constraints(parser *p, awl__span value)
{
    awl__span in, ca, number;

    if (!awl__der_take(&value, AWL__SEQUENCE, &in) || value.len)
        return wrong(p, "basicConstraints are malformed");
    if (awl__der_peek(&in) == AWL__BOOLEAN) {
        if (!awl__der_take(&in, AWL__BOOLEAN, &ca) || ca.len != 1)
            return wrong(p, "basicConstraints are malformed");
        p->cert.is_ca = ca.at[0] != 0;
    }
    if (in.len) {
        if (!awl__der_unsigned(&in, &number) || in.len)
            return wrong(p, "basicConstraints are malformed");
        if (number.len > 1 || (number.len && number.at[0] >= AWL__NO_PATH_LEN))
            return true; /* longer than any chain */
        p->cert.path_len = number.len ? number.at[0] : 0;
    }
    return true;
}

static bool parse_key_usage(parser *p, awl__span value)
{
    unsigned usage = 0;
    awl__span bits;

    if (!awl__der_take(&value, AWL__BITS, &bits) || value.len || bits.len < 1 || bits.at[0] > 7)
        return wrong(p, "keyUsage is malformed");
    for (size_t i = 0; i < 9 && 1 + i / 8 < bits.len; i++)
        if (bits.at[1 + i / 8] & 0x80 >> i % 8)
            usage |= 1U << i;
    if (!usage)
        return wrong(p, "keyUsage allows nothing");
    p->cert.key_usage = (uint16_t)usage;
    return true;
}

static bool parse_purposes(parser *p, awl__span value)
{
    awl__span list, oid;
    uint8_t purposes = 0;

    if (!awl__der_take(&value, AWL__SEQUENCE, &list) || value.len || !list.len)
        return wrong(p, "extendedKeyUsage is malformed");
    while (list.len) {
        if (!awl__der_take(&list, AWL__OID, &oid))
            return wrong(p, "extendedKeyUsage is malformed");
        if (IS(oid, server_auth))
            purposes |= AWL__FOR_SERVERS;
        if (IS(oid, client_auth))
            purposes |= AWL__FOR_CLIENTS;
        if (IS(oid, any_purpose))
            purposes |= AWL__FOR_SERVERS | AWL__FOR_CLIENTS;
    }
    p->cert.purposes = purposes;
    return true;
}

static bool parse_sequence(parser *p, awl__span value, awl__span *content, const char *why)
{
    return (awl__der_take(&value, AWL__SEQUENCE, content) && !value.len && content->len) || wrong(p, why);
}

/* Those of arc 2.5.29 that say nothing about what is judged here, critical or not: who the issuer is, where lists of
 * revoked certificates are, policies as long as none is asked for. */
static bool says_nothing(awl__span oid)
{
    static const char access[] = "\x2b\x06\x01\x05\x05\x07\x01\x01";
    static const char subject_access[] = "\x2b\x06\x01\x05\x05\x07\x01\x0b";

    if (oid.len == 3 && oid.at[0] == 0x55 && oid.at[1] == 0x1d)
        return memchr("\x09\x0e\x12\x1f\x20\x23\x2e\x36", oid.at[2], 8) != NULL;
    return IS(oid, access) || IS(oid, subject_access);
}

static bool parse_extension(parser *p, awl__span oid, bool critical, awl__span value)
{
    awl__cert *cert = &p->cert;

    switch (oid.len == 3 && oid.at[0] == 0x55 && oid.at[1] == 0x1d ? oid.at[2] : 0) {
    case 0x0f: return parse_key_usage(p, value);
    case 0x11: return parse_sequence(p, value, &cert->names, "subjectAltName is malformed");
    case 0x13: return parse_basic_constraints(p, value);
    case 0x1e: return parse_sequence(p, value, &cert->constraints, "nameConstraints are malformed");
    case 0x25: return parse_purposes(p, value);
    default:
        if (critical && !says_nothing(oid) && !cert->unknown.at)
            cert->unknown = oid;
        return true;
    }
}

/* Takes one Extension off `list`. */
static bool take_extension(awl__span *list, awl__span *oid, bool *critical, awl__span *value)
{
    awl__span in, flag;

    *critical = false;
    if (!awl__der_take(list, AWL__SEQUENCE, &in) || !awl__der_take(&in, AWL__OID, oid))
        return false;
    if (awl__der_peek(&in) == AWL__BOOLEAN) {
        if (!awl__der_take(&in, AWL__BOOLEAN, &flag) || flag.len != 1)
            return false;
        *critical = flag.at[0] != 0;
    }
    return awl__der_take(&in, AWL__OCTETS, value) && !in.len;
}

static bool parse_extensions(parser *p, awl__span in)
{
    awl__span all, list, oid, value, seen[MOST_EXTENSIONS];
    bool critical;
    int n = 0;

    if (!awl__der_take(&in, AWL__SEQUENCE, &all) || in.len || !all.len)
        return wrong(p, "the extensions are malformed");
    for (list = all; list.len;) {
        if (!take_extension(&list, &oid, &critical, &value))
            return wrong(p, "an extension is malformed");
        if (n == MOST_EXTENSIONS)
            return wrong(p, "it has more than 64 extensions");
        for (int i = 0; i < n; i++)
            if (awl__span_equal(seen[i], oid))
                return wrong(p, "an extension is there twice");
        seen[n++] = oid;
        if (!parse_extension(p, oid, critical, value))
            return false;
    }
    return true;
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

static bool parse_version(parser *p, awl__span *in)
{
    awl__span version, number;

    p->cert.version = 1;
    if (awl__der_peek(in) != (AWL__CONTEXT | AWL__CONSTRUCTED))
        return true;
    if (awl__der_next(in, NULL, &version) < 0 || !awl__der_unsigned(&version, &number) || version.len ||
        number.len > 1 || (number.len && number.at[0] > 2))
        return wrong(p, "it is of no version from 1 to 3");
    p->cert.version = (uint8_t)(1 + (number.len ? number.at[0] : 0));
    return true;
}

/* The optional end of a TBSCertificate: [1] and [2] are unique identifiers that nobody uses, [3] the extensions. */
static bool parse_rest(parser *p, awl__span *in)
{
    awl__span content;

    for (int i = 1; i <= 2; i++)
        if (awl__der_peek(in) == (AWL__CONTEXT | i) && (p->cert.version < 2 || awl__der_next(in, NULL, NULL) < 0))
            return wrong(p, "a unique identifier is malformed");
    if (awl__der_peek(in) == (AWL__CONTEXT | AWL__CONSTRUCTED | 3)) {
        if (awl__der_next(in, NULL, &content) < 0)
            return wrong(p, "the extensions are malformed");
        if (p->cert.version < 3)
            return wrong(p, "it has extensions, but is not of version 3");
        if (!parse_extensions(p, content))
            return false;
    }
    return in->len ? wrong(p, "there is more in it than there should be") : true;
}

static bool parse_tbs(parser *p, awl__span in, awl__span outer_algorithm)
{
    awl__cert *cert = &p->cert;
    awl__span algorithm, validity, serial;

    if (!parse_version(p, &in))
        return false;
    if (!awl__der_take(&in, AWL__INTEGER, &serial) || !serial.len)
        return wrong(p, "the serial number is malformed");
    if (!awl__der_take(&in, AWL__SEQUENCE, &algorithm))
        return wrong(p, "the signature algorithm is malformed");
    if (!awl__span_equal(algorithm, outer_algorithm))
        return wrong(p, "the signature algorithm is not the one that is signed");
    if (awl__der_next(&in, &cert->issuer, NULL) != AWL__SEQUENCE)
        return wrong(p, "the issuer's name is malformed");
    if (!awl__der_take(&in, AWL__SEQUENCE, &validity) || !take_time(&validity, &cert->not_before) ||
        !take_time(&validity, &cert->not_after) || validity.len)
        return wrong(p, "the dates are malformed");
    if (awl__der_next(&in, &cert->subject, NULL) != AWL__SEQUENCE)
        return wrong(p, "the subject's name is malformed");
    cert->self_issued = awl__span_equal(cert->issuer, cert->subject);
    if (awl__der_next(&in, &cert->spki, NULL) != AWL__SEQUENCE)
        return wrong(p, "the public key is malformed");
    return parse_key(p, cert->spki) && parse_rest(p, &in);
}

static bool parse(parser *p, awl__span in)
{
    awl__cert *cert = &p->cert;
    awl__span all, tbs, algorithm, parts;

    cert->der = in;
    cert->path_len = AWL__NO_PATH_LEN;
    cert->key_usage = 0xffff;
    cert->purposes = AWL__FOR_SERVERS | AWL__FOR_CLIENTS;
    if (!awl__der_take(&in, AWL__SEQUENCE, &all) || in.len)
        return wrong(p, "it is no certificate, or is cut off");
    if (awl__der_next(&all, &cert->tbs, &tbs) != AWL__SEQUENCE || !awl__der_take(&all, AWL__SEQUENCE, &algorithm) ||
        !awl__der_bits(&all, &cert->signature) || all.len)
        return wrong(p, "it is no certificate");

    parts = algorithm;
    if (!awl__der_take(&parts, AWL__OID, &cert->sign_oid))
        return wrong(p, "the signature algorithm is malformed");
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (awl__span_is(cert->sign_oid, signatures[i].oid, signatures[i].len)) {
            cert->sign_type = signatures[i].type;
            cert->sign_hash = signatures[i].hash;
        }
    return parse_tbs(p, tbs, algorithm);
}

int awl__cert_parse(awl__cert *cert, const unsigned char *der, size_t len, const char **why)
{
    parser p = { 0 };

    if (!parse(&p, (awl__span){ der, len })) {
        *why = p.why;
        return BR_ERR_X509_UNEXPECTED;
    }
    *cert = p.cert;
    return 0;
}

/* ---- Keys again -------------------------------------------------------------------------------------------------- */

bool awl__key_equal(const br_x509_pkey *a, const br_x509_pkey *b)
{
    const br_rsa_public_key *rsa_a = &a->key.rsa, *rsa_b = &b->key.rsa;
    const br_ec_public_key *ec_a = &a->key.ec, *ec_b = &b->key.ec;

    if (a->key_type != b->key_type || !a->key_type)
        return false;
    if (a->key_type == BR_KEYTYPE_RSA)
        return awl__span_is((awl__span){ rsa_a->n, rsa_a->nlen }, rsa_b->n, rsa_b->nlen) &&
               awl__span_is((awl__span){ rsa_a->e, rsa_a->elen }, rsa_b->e, rsa_b->elen);
    return ec_a->curve == ec_b->curve && awl__span_is((awl__span){ ec_a->q, ec_a->qlen }, ec_b->q, ec_b->qlen);
}
