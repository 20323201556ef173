/* Why a chain was refused, in words that a person can act on; see awl__verify_explain in verify_priv.h. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "der_priv.h"
#include "verify_priv.h"

enum { NAME_TEXT = 160, OID_TEXT = 80, TIME_TEXT = 40 };

/* 2026-01-01: no clock that is right says less. */
static const int64_t written = 1767225600;

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

/* A text that grows up to its capacity; what is more is left out. */
typedef struct text {
    char *at;
    size_t cap, len;
} text;

__attribute__((format(printf, 2, 3))) static void say(text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->at + t->len, t->cap - t->len, format, args);
    va_end(args);
    if (n > 0)
        t->len += (size_t)n < t->cap - t->len ? (size_t)n : t->cap - t->len - 1;
}

const char *awl__general_name_text(awl__span name, char *out, size_t cap)
{
    awl__span content = { 0 };
    const int tag = awl__der_next(&name, NULL, &content);
    char ip[INET6_ADDRSTRLEN];
    size_t n = 0;

    out[0] = '\0';
    if (tag == AWL__IP && (content.len == 4 || content.len == 16)) {
        inet_ntop(content.len == 4 ? AF_INET : AF_INET6, content.at, ip, sizeof ip);
        snprintf(out, cap, "%s", ip);
    } else if (tag == AWL__DIRECTORY) {
        awl__name_text(content, out, cap);
    } else if (tag == AWL__DNS || tag == AWL__EMAIL || tag == AWL__URI) {
        for (; n + 1 < cap && n < content.len; n++)
            out[n] = content.at[n] > ' ' && content.at[n] < 127 ? (char)content.at[n] : '?';
        out[n] = '\0';
    }
    return out;
}

/* What is known of algorithms that awl does not take, and of one extension that it does not know. */
static const char *known_oid(awl__span oid)
{
    static const struct {
        uint8_t len;
        const char *oid, *name;
    } known[] = {
        { 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA" },
        { 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02", "RSA with MD2" },
        { 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "RSA with MD5" },
        { 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "RSA with SHA-1" },
        { 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS" },
        { 9, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "RSA with SHA-224" },
        { 7, "\x2a\x86\x48\xce\x3d\x04\x01", "ECDSA with SHA-1" },
        { 8, "\x2a\x86\x48\xce\x3d\x04\x03\x01", "ECDSA with SHA-224" },
        { 7, "\x2a\x86\x48\xce\x3d\x02\x01", "EC on a curve given by numbers" },
        { 5, "\x2b\x81\x04\x00\x0a", "EC on secp256k1" },
        { 7, "\x2a\x86\x48\xce\x38\x04\x01", "DSA" },
        { 3, "\x2b\x65\x70", "Ed25519" },
        { 3, "\x2b\x65\x71", "Ed448" },
        { 3, "\x55\x1d\x24", "policyConstraints" },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (awl__span_is(oid, known[i].oid, known[i].len))
            return known[i].name;
    return NULL;
}

static void say_oid(text *t, awl__span oid)
{
    char number[OID_TEXT];

    if (known_oid(oid))
        say(t, "%s", known_oid(oid));
    else
        say(t, "%s", awl__oid_text(oid, number, sizeof number));
}

/* ---- Who is to blame --------------------------------------------------------------------------------------------- */

/* "the certificate", "the intermediate certificate 'CN=…'", "the trusted certificate 'CN=…'". */
static void say_who(text *t, const awl__verify *v)
{
    const awl__fault *f = &v->fault;
    char name[NAME_TEXT];

    if (f->of_anchor)
        say(t, "the trusted certificate '%s'", awl__name_text(f->anchor.subject, name, sizeof name));
    else if (f->index == 0)
        say(t, "the certificate");
    else
        say(t, "the intermediate certificate '%s'",
            awl__name_text(v->certs[f->index]->cert.subject, name, sizeof name));
}

static void say_trust(text *t, const awl__verify *v)
{
    const awl_trust *trust = v->options.trust;

    say(t, "%zu trusted certificate%s of %s", awl_trust_count(trust), awl_trust_count(trust) == 1 ? "" : "s",
        awl_trust_source(trust));
}

/* ---- What is wrong ----------------------------------------------------------------------------------------------- */

static void say_dates(text *t, const awl__verify *v)
{
    const awl__fault *f = &v->fault;
    const int64_t not_before = f->of_anchor ? f->anchor.not_before : v->certs[f->index]->cert.not_before;
    const int64_t not_after = f->of_anchor ? f->anchor.not_after : v->certs[f->index]->cert.not_after;
    char from[TIME_TEXT], until[TIME_TEXT], now[TIME_TEXT];

    say_who(t, v);
    say(t, v->now < not_before ? " is not valid yet" : " has expired");
    say(t, ": it is good from %s until %s, and the clock here says %s", awl__time_text(not_before, from, sizeof from),
        awl__time_text(not_after, until, sizeof until), awl__time_text(v->now, now, sizeof now));
    if (v->now < not_before || v->now < written)
        say(t, ": is the clock right?");
}

/* The names that the certificate is for, as many as a line holds. */
static void say_names(text *t, const awl__verify *v)
{
    enum { LINE = 300 };
    const awl__fault *f = &v->fault;
    awl__span names = f->of_anchor ? f->anchor.scope : v->certs[0]->cert.names, whole;
    const size_t begin = t->len;
    char name[NAME_TEXT];
    int tag;

    if (!names.at) {
        say(t, ": it names none, as it has no subjectAltName; its subject, '%s', does not count",
            awl__name_text(v->certs[0]->cert.subject, name, sizeof name));
        return;
    }
    while ((tag = awl__der_next(&names, &whole, NULL)) >= 0) {
        if (tag != AWL__DNS && tag != AWL__IP)
            continue;
        if (t->len - begin > LINE) {
            say(t, " ...");
            return;
        }
        say(t, "%s%s", t->len == begin ? ", but for " : ", ", awl__general_name_text(whole, name, sizeof name));
    }
    if (t->len == begin)
        say(t, ": it is for no host at all");
}

static void say_signature(text *t, const awl__verify *v)
{
    const awl__fault *f = &v->fault;
    char name[NAME_TEXT];

    if (!f->of_anchor) {
        say(t, "the signature under ");
        say_who(t, v);
        say(t, " was not made with the key of the certificate that came for its issuer");
        return;
    }
    say(t, "the signature under ");
    say(t, f->index ? "an intermediate certificate" : "the certificate");
    say(t, " was not made with the key of '%s' as it is among the ",
        awl__name_text(f->anchor.subject, name, sizeof name));
    say_trust(t, v);
    say(t, ": another CA has that name, or it has a new key");
}

static void say_untrusted(text *t, const awl__verify *v)
{
    const awl__cert *cert = &v->certs[v->fault.index]->cert;
    char name[NAME_TEXT];

    if (v->fault.index == 0 && cert->self_issued) {
        say(t, "the certificate is self-signed, and not among the ");
        say_trust(t, v);
        return;
    }
    if (cert->self_issued) {
        say(t, "the certificates end in '%s', which is not among the ",
            awl__name_text(cert->subject, name, sizeof name));
        say_trust(t, v);
        return;
    }
    say_who(t, v);
    say(t, " was issued by '%s', which is not among the ", awl__name_text(cert->issuer, name, sizeof name));
    say_trust(t, v);
    if (v->n == 1)
        say(t, ": perhaps the other side does not send its intermediate certificates");
}

static void say_constraints(text *t, const awl__verify *v)
{
    const awl__fault *f = &v->fault;
    char name[NAME_TEXT];

    say(t, "a CA may not issue this certificate: %s", f->why);
    if (f->detail.at && f->detail.at[0] == AWL__SEQUENCE)
        say(t, " '%s'", awl__name_text(f->detail, name, sizeof name));
    else if (f->detail.at)
        say(t, " %s", awl__general_name_text(f->detail, name, sizeof name));
}

static void say_key(text *t, const awl__verify *v)
{
    const awl__cert *cert = &v->certs[v->fault.index]->cert;

    say_who(t, v);
    if (v->fault.kind == AWL__WEAK_KEY)
        say(t, " has a weak key: RSA of %d bits, and %d are the least", cert->key_bits, AWL__RSA_MIN);
    else if (cert->key_bits)
        say(t, " has a key of a kind that is not supported: RSA of %d bits, and %d are the most", cert->key_bits,
            AWL__RSA_MAX);
    else {
        say(t, " has a key of a kind that is not supported: ");
        say_oid(t, v->fault.detail);
        say(t, " (RSA, and EC on P-256, P-384 and P-521, are)");
    }
}

/* Those that there are, to be compared with the ones that were given. */
static void say_pins(text *t, const awl__verify *v)
{
    char pin_text[AWL__PIN_TEXT];
    awl_pin pin;

    say(t, "none of the certificates has a key that was pinned; their keys are");
    for (int i = 0; i < v->n; i++) {
        awl__spki_pin(v->certs[i]->cert.spki, &pin);
        say(t, "%s %s", i ? "," : "", awl__pin_text(&pin, pin_text));
    }
    if (!v->fault.of_anchor)
        return;
    awl__key_pin(&v->fault.anchor.key, &pin);
    say(t, ", that of the trusted one is %s", awl__pin_text(&pin, pin_text));
}

static void say_fault(text *t, const awl__verify *v)
{
    const awl__fault *f = &v->fault;
    const char *side = v->options.of_client ? "client" : "server";

    switch (f->kind) {
    case AWL__GOOD: break;
    case AWL__EMPTY_CHAIN: say(t, "the %s sent no certificate", side); return;
    case AWL__NO_MEMORY: say(t, "no memory for the certificates"); return;
    case AWL__TOO_LARGE:
        say(t, "the %s sent more than %d certificates, or more than %d kB of them", side, AWL__CHAIN_CERTS,
            AWL__CHAIN_BYTES / 1024);
        return;
    case AWL__TOO_COMPLEX: say(t, "the certificates lead in too many ways to look at"); return;
    case AWL__MALFORMED: say(t, "certificate %d of those that came is malformed: %s", f->index + 1, f->why); return;
    case AWL__DATES: say_dates(t, v); return;
    case AWL__OTHER_NAME:
        say_who(t, v);
        say(t, " is not for %s", v->options.name);
        say_names(t, v);
        return;
    case AWL__WEAK_KEY:
    case AWL__KEY_KIND: say_key(t, v); return;
    case AWL__SIGNATURE: say_signature(t, v); return;
    case AWL__CONSTRAINTS: say_constraints(t, v); return;
    case AWL__UNTRUSTED: say_untrusted(t, v); return;
    case AWL__NOT_PINNED: say_pins(t, v); return;
    case AWL__NO_TRUST: say(t, "neither trusted certificates nor pins were given to compare with"); return;
    default: break;
    }

    /* The rest are properties of one certificate. */
    say_who(t, v);
    switch (f->kind) {
    case AWL__CRITICAL:
        say(t, " has a critical extension that is not supported: ");
        say_oid(t, f->detail);
        return;
    case AWL__NO_CA: say(t, " is not one of a CA, but has issued another one"); return;
    case AWL__PATH_TOO_LONG: say(t, " allows fewer intermediate certificates below it than there are"); return;
    case AWL__KEY_USAGE:
        say(t, f->index ? " may not sign certificates by its keyUsage" : " may not sign handshakes by its keyUsage");
        return;
    case AWL__PURPOSE: say(t, " is not for %ss by its extendedKeyUsage", side); return;
    case AWL__SIGNATURE_KIND:
        say(t, " is signed in a way that is not accepted: ");
        say_oid(t, f->detail);
        return;
    default: return;
    }
}

int awl__verify_explain(const awl__verify *v, int br_error, char *out, size_t cap)
{
    text t = { out, cap, 0 };

    if (!v->judged || !v->br_error || br_error != v->br_error || !cap)
        return 0;
    out[0] = '\0';
    say_fault(&t, v);
    return v->fault.kind == AWL__NO_MEMORY ? ENOMEM : v->fault.kind == AWL__NO_TRUST ? AWL_ETRUST : AWL_ECERTIFICATE;
}
