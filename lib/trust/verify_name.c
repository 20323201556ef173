/*
 * Names in certificates: whether one is for a host, and whether a CA above it allows them.
 *
 * A host name is compared as RFC 9525 has it: with the DNS names of subjectAltName alone, ASCII letters alike in either
 * case, `*` only as the whole first label, and only above two labels or more. An IP address is compared with the IP
 * addresses there, byte by byte. Internationalised names are what they are in DNS, A-labels.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "der_priv.h"
#include "verify_priv.h"

enum { LONGEST_HOST = 255, MOST_COMPARISONS = 65536 };

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static unsigned char lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c; }

static bool same_text(awl__span a, awl__span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

static awl__span after(awl__span text, size_t n) { return (awl__span){ text.at + n, text.len - n }; }

/* The length of the first label of a name; the name's if it has but one. */
static size_t label(awl__span name)
{
    const unsigned char *dot = name.len ? memchr(name.at, '.', name.len) : NULL;

    return dot ? (size_t)(dot - name.at) : name.len;
}

/* ---- Hosts ------------------------------------------------------------------------------------------------------- */

/* What comes behind "*." in a name with a wildcard that counts: two labels or more, none empty, no other `*`. */
static bool wildcard(awl__span name, awl__span *rest)
{
    awl__span in;
    int labels = 0;

    if (name.len < 2 || name.at[0] != '*' || name.at[1] != '.')
        return false;
    *rest = in = after(name, 2);
    for (;;) {
        const size_t n = label(in);

        if (!n || memchr(in.at, '*', n))
            return false;
        labels++;
        if (n == in.len)
            return labels >= 2;
        in = after(in, n + 1);
    }
}

static bool dns_name_is_for(awl__span name, awl__span host)
{
    const size_t first = label(host);
    awl__span rest;

    if (same_text(name, host))
        return true;
    return wildcard(name, &rest) && first > 0 && first < host.len && same_text(rest, after(host, first + 1));
}

/* An IP literal, also as in a URL, "[::1]", or with a zone, "fe80::1%eth0". Result: its bytes; 0: it is none. */
static size_t ip_literal(const char *host, unsigned char *ip)
{
    char copy[64];
    size_t len = strlen(host);

    if (inet_pton(AF_INET, host, ip) == 1)
        return 4;
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len >= sizeof copy)
        return 0;
    memcpy(copy, host, len);
    copy[len] = '\0';
    copy[strcspn(copy, "%")] = '\0';
    return inet_pton(AF_INET6, copy, ip) == 1 ? 16 : 0;
}

bool awl__names_are_for(awl__span names, const char *host)
{
    awl__span wanted = { (const unsigned char *)host, strlen(host) }, name;
    unsigned char ip[16];
    const size_t ip_len = ip_literal(host, ip);
    bool found = false;
    int tag;

    if (!ip_len && wanted.len && wanted.at[wanted.len - 1] == '.')
        wanted.len--;
    if (!wanted.len || (!ip_len && wanted.len > LONGEST_HOST))
        return false;
    while (names.len) {
        tag = awl__der_next(&names, NULL, &name);
        if (tag < 0)
            return false;
        if (ip_len ? tag == AWL__IP && awl__span_is(name, ip, ip_len)
                   : tag == AWL__DNS && dns_name_is_for(name, wanted))
            found = true;
    }
    return found;
}

/* ---- Constraints ------------------------------------------------------------------------------------------------- */

typedef enum verdict { OUTSIDE, INSIDE, UNKNOWN } verdict;

/* A DNS name in "example.org" is that and all below it. `excluding`: a wildcard may stand for a name that is. */
static bool dns_inside(awl__span name, awl__span base, bool excluding)
{
    awl__span tail, rest;

    if (!base.len)
        return true;
    /* With a dot before it: what is below it only. RFC 5280 knows this for URIs, and CAs write it for names, too. */
    if (base.at[0] == '.')
        return name.len > base.len && same_text(after(name, name.len - base.len), base);
    if (name.len >= base.len) {
        tail = after(name, name.len - base.len);
        if (same_text(tail, base) && (name.len == base.len || tail.at[-1] == '.'))
            return true;
    }
    if (!excluding || name.len < 2 || name.at[0] != '*' || name.at[1] != '.')
        return false;
    rest = after(name, 2);
    return label(base) < base.len && same_text(rest, after(base, label(base) + 1));
}

/* An address and a mask, of 4 or of 16 bytes each. */
static verdict ip_inside(awl__span ip, awl__span base)
{
    if (base.len != 8 && base.len != 32)
        return UNKNOWN;
    if (2 * ip.len != base.len)
        return OUTSIDE;
    for (size_t i = 0; i < ip.len; i++)
        if ((ip.at[i] ^ base.at[i]) & base.at[ip.len + i])
            return OUTSIDE;
    return INSIDE;
}

/* Strings that are compared as ASCII: UTF8String, PrintableString, IA5String. */
static bool is_plain(int tag) { return tag == 0x0c || tag == 0x13 || tag == 0x16; }

/* Whether two RelativeDistinguishedNames are alike, whatever kind of string their values are. */
static verdict same_rdn(awl__span a, awl__span b)
{
    awl__span pair_a, pair_b, oid_a, oid_b, value_a, value_b;
    int tag_a, tag_b;

    if (awl__span_equal(a, b))
        return INSIDE;
    while (a.len && b.len) {
        if (!awl__der_take(&a, AWL__SEQUENCE, &pair_a) || !awl__der_take(&b, AWL__SEQUENCE, &pair_b) ||
            !awl__der_take(&pair_a, AWL__OID, &oid_a) || !awl__der_take(&pair_b, AWL__OID, &oid_b))
            return UNKNOWN;
        tag_a = awl__der_next(&pair_a, NULL, &value_a);
        tag_b = awl__der_next(&pair_b, NULL, &value_b);
        if (!awl__span_equal(oid_a, oid_b))
            return OUTSIDE;
        if (tag_a == tag_b && awl__span_equal(value_a, value_b))
            continue;
        if (!is_plain(tag_a) || !is_plain(tag_b))
            return UNKNOWN;
        if (!same_text(value_a, value_b))
            return OUTSIDE;
    }
    return a.len || b.len ? OUTSIDE : INSIDE;
}

/* Whether a Name begins with all of another one. */
static verdict directory_inside(awl__span name, awl__span base)
{
    awl__span rdn, wanted;

    if (!awl__der_take(&name, AWL__SEQUENCE, &name) || !awl__der_take(&base, AWL__SEQUENCE, &base))
        return UNKNOWN;
    while (base.len) {
        verdict same;

        if (!awl__der_take(&base, AWL__SET, &wanted))
            return UNKNOWN;
        if (!name.len)
            return OUTSIDE;
        if (!awl__der_take(&name, AWL__SET, &rdn))
            return UNKNOWN;
        same = same_rdn(rdn, wanted);
        if (same != INSIDE)
            return same;
    }
    return INSIDE;
}

static verdict inside(int tag, awl__span name, awl__span base, bool excluding)
{
    switch (tag) {
    case AWL__DNS: return dns_inside(name, base, excluding) ? INSIDE : OUTSIDE;
    case AWL__IP: return ip_inside(name, base);
    case AWL__DIRECTORY: return directory_inside(name, base);
    default: return UNKNOWN;
    }
}

/* The subtrees of one side: those permitted, or those excluded. */
typedef struct subtrees {
    awl__span list;
    bool excluding;
} subtrees;

/* Compares a name with them. Result: NULL; what is wrong. */
static const char *compare(const subtrees *side, int tag, awl__span name, int *left)
{
    awl__span list = side->list, subtree, base;
    bool any = false, found = false;

    while (list.len) {
        int base_tag;
        verdict is;

        if (!awl__der_take(&list, AWL__SEQUENCE, &subtree))
            return "the name constraints are malformed";
        base_tag = awl__der_next(&subtree, NULL, &base);
        if (base_tag < 0 || subtree.len) /* `minimum` and `maximum` must not be used */
            return "the name constraints are malformed";
        if (!--*left)
            return "the name constraints are too many";
        if (base_tag != tag)
            continue;
        any = true;
        is = inside(tag, name, base, side->excluding);
        if (is == UNKNOWN)
            return "the name constraints are of a kind that cannot be checked";
        if (is == INSIDE && side->excluding)
            return "the name constraints exclude";
        found |= is == INSIDE;
    }
    return any && !found && !side->excluding ? "the name constraints do not permit" : NULL;
}

static const char *compare_both(const subtrees *sides, int tag, awl__span name, int *left)
{
    const char *why = compare(&sides[0], tag, name, left);

    return why ? why : compare(&sides[1], tag, name, left);
}

/* Whether a subject has an attribute emailAddress: it falls under the constraints for such names. */
static bool has_email(awl__span subject)
{
    static const char email_address[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";
    awl__span list, set, pair, oid;

    if (!awl__der_take(&subject, AWL__SEQUENCE, &list))
        return false;
    while (awl__der_take(&list, AWL__SET, &set))
        while (awl__der_take(&set, AWL__SEQUENCE, &pair))
            if (awl__der_take(&pair, AWL__OID, &oid) && awl__span_is(oid, email_address, sizeof email_address - 1))
                return true;
    return false;
}

/* Splits constraints into what is permitted and what is excluded, either of which may be missing. */
static bool split(awl__span constraints, subtrees *sides)
{
    for (int i = 0; i < 2; i++) {
        sides[i] = (subtrees){ .excluding = i };
        if (awl__der_peek(&constraints) == (AWL__CONTEXT | AWL__CONSTRUCTED | i) &&
            awl__der_next(&constraints, NULL, &sides[i].list) < 0)
            return false;
    }
    return !constraints.len;
}

const char *awl__constraints_refuse(awl__span constraints, const awl__cert *cert, awl__span *detail)
{
    awl__span names = cert->names, whole, name, list;
    int left = MOST_COMPARISONS, tag;
    subtrees sides[2];
    const char *why;

    if (!split(constraints, sides))
        return "the name constraints are malformed";
    if (awl__der_next(&(awl__span){ cert->subject.at, cert->subject.len }, NULL, &list) >= 0 && list.len) {
        why = compare_both(sides, AWL__DIRECTORY, cert->subject, &left);
        if (why) {
            *detail = cert->subject;
            return why;
        }
    }
    if (has_email(cert->subject)) {
        why = compare_both(sides, AWL__EMAIL, cert->subject, &left);
        if (why)
            return why;
    }
    while (names.len) {
        tag = awl__der_next(&names, &whole, &name);
        if (tag < 0)
            return "subjectAltName is malformed";
        why = compare_both(sides, tag, name, &left);
        if (why) {
            *detail = whole;
            return why;
        }
    }
    return NULL;
}
