#!/usr/bin/env python3
"""The certificate matrix: makes chains, says what must become of each, and asks `openssl verify` for its opinion.

    certs.py make FOLDER     writes keys, chains and FOLDER/cases.txt, which test_matrix.c reads
    certs.py check FOLDER    compares the expected verdict of each with that of openssl verify
    certs.py seeds_trust FOLDER OUT, seeds_chain FOLDER OUT
                             writes them as inputs of the fuzzers of that name in test/fuzz/

A line of cases.txt: name, host, side (server or client), pins, expected error of BearSSL's (0: accepted), expected
text, what openssl is expected to say (same, or: accepts / refuses, and why it differs), separated by tabs. Beside it
lie NAME.chain, each certificate behind its length in 4 bytes, and NAME.ca, what is trusted in PEM.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
from der import *  # noqa: E402

NOW = 1750000000  # 2025-06-15 15:06:40 UTC
DAY = 86400
GOOD = (NOW - 30 * DAY, NOW + 335 * DAY)
OVER = (NOW - 60 * DAY, NOW - 1)
SOON = (NOW + 1, NOW + 60 * DAY)

UNEXPECTED, UNSUPPORTED, LIMIT, SIGNATURE, EXPIRED, NAME = 41, 49, 50, 52, 54, 56
CRITICAL, NOT_CA, USAGE, WEAK, UNTRUSTED, EMPTY = 57, 58, 59, 60, 62, 35

WWW = "www.example.com"
CA_USAGE = key_usage(5, 6)
CASES = []


def case(name, chain, trust, expected=0, text="", host=WWW, openssl="same", side="server", pins=()):
    """openssl: "same", or what it says and why that is no contradiction."""
    ders = [c.der if isinstance(c, Cert) else c for c in chain]
    CASES.append((name, ders, trust, host, side, ",".join(pins), expected, text, openssl))


def make_cases(folder):
    def key(kind):
        if kind not in keys:
            keys[kind] = Key(folder, kind)
        return keys[kind]

    keys = {}
    p256, other, third = key("P-256"), key("P-256_other"), key("P-256_third")

    def ca(title, issuer=None, key=p256, extensions=None, dates=GOOD, **more):
        extensions = [basic(), CA_USAGE] if extensions is None else extensions
        return Cert(cn(title), key, issuer, extensions, dates, **more)

    def leaf(issuer, *names, extensions=(), key=third, dates=GOOD, subject=None, usage=True, **more):
        all_extensions = [san(*(names or (dns(WWW),)))] if names != (None,) else []
        all_extensions += ([key_usage(0)] if usage else []) + list(extensions)
        return Cert(subject or cn("leaf"), key, issuer, all_extensions, dates, **more)

    root = ca("Root")
    sub = ca("Intermediate", root, other)
    good = leaf(sub)

    # What must work.
    case("good", [good, sub], [root])
    case("direct", [leaf(root)], [root])
    case("root_sent", [good, sub, root], [root])
    serving = ca("Intermediate", root, other, [basic(), CA_USAGE, purposes(SERVER, CLIENT)])
    case("with_purpose", [leaf(serving, extensions=[purposes(SERVER)]), serving], [root])
    case("no_name_wanted", [leaf(sub, dns("other.example")), sub], [root], host="")

    # Dates.
    case("expired", [leaf(sub, dates=OVER), sub], [root], EXPIRED,
         "the certificate has expired: it is good from 2025-04-16 15:06:40 UTC until 2025-06-15 15:06:39 UTC, "
         "and the clock here says 2025-06-15 15:06:40 UTC")
    case("not_yet", [leaf(sub, dates=SOON), sub], [root], EXPIRED, "the certificate is not valid yet: it is good from "
         "2025-06-15 15:06:41 UTC")
    case("last_second", [leaf(sub, dates=(NOW - DAY, NOW)), sub], [root],
         openssl="refuses: the last second is over for it, while RFC 5280 counts it")
    case("first_second", [leaf(sub, dates=(NOW, NOW + DAY)), sub], [root])
    case("year_2050", [leaf(sub, dates=(NOW, NOW + 40 * 365 * DAY)), sub], [root])
    old_sub = ca("Intermediate", root, other, dates=OVER)
    case("expired_intermediate", [good, old_sub], [root], EXPIRED,
         "the intermediate certificate 'CN=Intermediate' has expired")
    case("expired_intermediate_and_new", [good, old_sub, sub], [root])
    case("expired_root", [good, sub], [ca("Root", dates=OVER)], EXPIRED,
         "the trusted certificate 'CN=Root' has expired")
    case("expired_root_and_new", [good, sub], [ca("Root", dates=OVER), root])
    case("root_not_yet", [good, sub], [ca("Root", dates=SOON)], EXPIRED, "'CN=Root' is not valid yet")

    # Hosts.
    def host(title, names, wanted, good, openssl="same", text=None):
        names = [dns(n) if isinstance(n, str) else n for n in names]
        case(title, [leaf(root, *names)], [root], 0 if good else NAME,
             "" if good else text or "the certificate is not for " + wanted, host=wanted, openssl=openssl)

    www_ = dns(WWW)
    host("wrong_host", ["a.example", "*.b.example", ip(192, 0, 2, 1), ip(*[0] * 15, 1)], WWW, False,
         text="the certificate is not for www.example.com, but for a.example, *.b.example, 192.0.2.1, ::1")
    host("second_name", ["a.example", WWW], WWW, True)
    host("case", ["WWW.Example.COM"], "www.eXAMPLE.com", True)
    host("trailing_dot", [WWW], WWW + ".", True, "refuses: it takes the dot for a part of the name")
    host("two_trailing_dots", [WWW], WWW + "..", False)
    host("dot_in_name", [WWW + "."], WWW, False)
    host("prefix", ["www.example.com.evil.example"], WWW, False)
    host("suffix", ["example.com"], WWW, False)
    host("nul", [dns(b"www.example.com\0.evil.example")], WWW, False, text="www.example.com?.evil.example")
    host("empty_name", [""], WWW, False)
    host("long_name", ["a" * 3000 + ".example"], WWW, False)
    host("many_names", ["host%d.example" % i for i in range(300)] + [WWW], WWW, True)
    host("many_other_names", ["host%d.example" % i for i in range(300)], WWW, False, text=", host1.example, ")
    host("other_kinds", [tlv(0x81, b"www.example.com"), tlv(0x86, b"https://www.example.com/")], WWW, False,
         text="it is for no host at all")
    host("wildcard", ["*.example.com"], WWW, True)
    host("wildcard_short_label", ["*.example.com"], "a.example.com", True)
    host("only_a_dot", [WWW], ".", False)
    host("broken_list", [www_, b"\x82\x40x"], WWW, False, text="not for www.example.com, but for www.example.com")
    host("wildcard_case", ["*.EXAMPLE.com"], WWW, True)
    host("wildcard_bare", ["*.example.com"], "example.com", False)
    host("wildcard_two_labels", ["*.example.com"], "a.b.example.com", False)
    host("wildcard_empty_label", ["*.example.com"], ".example.com", False,
         "accepts: it takes a wanted name with a dot before it for a whole domain")
    host("wildcard_tld", ["*.com"], "example.com", False)
    host("wildcard_alone", ["*"], "com", False)
    host("wildcard_start", ["*ww.example.com"], WWW, False, "accepts: parts of labels, as RFC 2818 allowed")
    host("wildcard_end", ["ww*.example.com"], WWW, False, "accepts: parts of labels, as RFC 2818 allowed")
    host("wildcard_middle", ["w*w.example.com"], WWW, False)
    host("wildcard_second", ["www.*.com"], WWW, False)
    host("wildcard_twice", ["*.*.com"], WWW, False)
    host("wildcard_double_star", ["**.example.com"], WWW, False)
    host("wildcard_country", ["*.co.uk"], "example.co.uk", True)
    host("wildcard_dots", ["*..com"], "www..com", False)
    host("wildcard_trailing_dot", ["*.example.com."], WWW, False)
    host("wildcard_ip", ["*.0.2.1"], "192.0.2.1", False)
    host("idn", ["xn--bcher-kva.example"], "xn--bcher-kva.example", True)
    host("wildcard_idn", ["*.xn--bcher-kva.example"], "www.xn--bcher-kva.example", True)
    host("ip", [ip(192, 0, 2, 1)], "192.0.2.1", True)
    host("ip_wrong", [ip(192, 0, 2, 1)], "192.0.2.2", False, text="not for 192.0.2.2, but for 192.0.2.1")
    host("ip_as_dns", ["192.0.2.1"], "192.0.2.1", False)
    host("ip_short", [tlv(0x87, b"\xc0\0\2")], "192.0.2.1", False)
    v6 = [0x20, 1, 0xD, 0xB8] + [0] * 11 + [1]
    host("ip6", [ip(*v6)], "2001:db8::1", True)
    host("ip6_wrong", [ip(*v6)], "2001:db8::2", False, text="not for 2001:db8::2, but for 2001:db8::1")
    case("ip6_in_brackets", [leaf(root, ip(*v6))], [root], host="[2001:DB8::1]",
         openssl="none: it takes no such form")
    case("ip6_with_zone", [leaf(root, ip(*v6))], [root], host="2001:db8::1%eth0",
         openssl="none: it takes no such form")
    host("ip6_mapped", [ip(192, 0, 2, 1)], "::ffff:192.0.2.1", False)
    case("common_name", [leaf(root, None, subject=cn(WWW))], [root], NAME,
         "it names none, as it has no subjectAltName; its subject, 'CN=www.example.com', does not count",
         openssl="accepts: a common name, as RFC 2818 allowed")
    case("common_name_beside", [leaf(root, dns("a.example"), subject=cn(WWW))], [root], NAME, "not for www.example.com")
    case("empty_subject", [leaf(root, subject=name())], [root])
    case("long_subject", [leaf(root, subject=cn("x" * 20000))], [root])
    case("odd_subject", [leaf(root, None, subject=name(("CN", "\x1b[31m\n"), ("O", "Ü")))], [root], NAME,
         "'CN=?[31m?, O=??'")

    # Who issued it.
    alone = leaf(None, key=p256, subject=cn("alone"))
    case("self_signed", [alone], [root], UNTRUSTED, "the certificate is self-signed, and not among the 1 trusted")
    case("self_signed_trusted", [alone], [alone])
    alone_ca = leaf(None, key=p256, subject=cn("alone"), usage=False, extensions=[basic()])
    case("self_signed_ca", [alone_ca], [alone_ca])
    case("pinned_leaf", [good], [good], openssl="accepts: with -partial_chain")
    case("pinned_leaf_is_no_ca", [leaf(leaf(root, key=other, subject=cn("no CA")))],
         [leaf(root, key=other, subject=cn("no CA"))], UNTRUSTED, "was issued by 'CN=no CA', which is not among the")
    renewed = leaf(sub, dates=(NOW - DAY, NOW + 90 * DAY))
    case("pinned_leaf_renewed", [renewed, sub], [good], openssl="refuses: it compares whole certificates")
    case("pinned_leaf_over", [renewed], [leaf(sub, dates=OVER)], EXPIRED,
         "the trusted certificate 'CN=leaf' has expired")
    case("pinned_leaf_of_other_key", [good], [leaf(sub, key=other)], UNTRUSTED, "which is not among the")
    case("pinned_leaf_of_other_name", [good], [leaf(sub, subject=cn("other"))], UNTRUSTED, "which is not among the")
    case("pinned_rsa_leaf", [leaf(sub, key=key("rsa2048"))], [leaf(sub, key=key("rsa2048"))],
         openssl="refuses: it compares whole certificates")
    case("pinned_rsa_leaf_of_other_key", [leaf(sub, key=key("rsa2048"))], [leaf(sub, key=key("rsa2048_leaf"))], UNTRUSTED,
         "which is not among the")
    minted = leaf(None, key=p256, subject=cn("Root"), extensions=[purposes(SERVER)])
    case("pinned_leaf_for_other_host", [leaf(sub, dns("bank.example"))], [good], NAME,
         "the trusted certificate 'CN=leaf' is not for bank.example, but for www.example.com", host="bank.example")
    case("pinned_leaf_for_clients", [leaf(sub)], [leaf(sub, extensions=[purposes(CLIENT)])], USAGE,
         "the trusted certificate 'CN=leaf' is not for servers")
    case("pinned_leaf_of_client", [renewed], [good], host="", side="client",
         openssl="refuses: it compares whole certificates")
    case("root_itself", [minted], [root], openssl="refuses: it compares whole certificates")
    case("root_itself_beyond_constraints", [minted],
         [ca("Root", extensions=[basic(), CA_USAGE, constraints([dns("example.org")])])], UNTRUSTED,
         "the name constraints do not permit www.example.com")
    case("root_itself_beyond_purpose", [minted], [ca("Root", extensions=[basic(), CA_USAGE, purposes(CLIENT)])], USAGE,
         "the trusted certificate 'CN=Root' is not for servers")
    stranger = ca("Stranger", key=other)
    case("unknown_ca", [leaf(stranger)], [root], UNTRUSTED,
         "the certificate was issued by 'CN=Stranger', which is not among the 1 trusted certificate of ")
    case("unknown_ca_sent", [leaf(stranger), stranger], [root], UNTRUSTED,
         "the certificates end in 'CN=Stranger', which is not among the")
    case("missing_intermediate", [good], [root], UNTRUSTED,
         "'CN=Intermediate', which is not among the 1 trusted certificate")
    case("missing_upper_intermediate", [leaf(ca("Low", sub, third)), ca("Low", sub, third)], [root], UNTRUSTED,
         "the intermediate certificate 'CN=Low' was issued by 'CN=Intermediate', which is not")
    case("trusted_intermediate", [good, sub], [sub], openssl="accepts: with -partial_chain")
    case("new_key_of_ca", [leaf(ca("Root", key=other))], [root], SIGNATURE,
         "another CA has that name, or it has a new key")
    case("two_roots_of_a_name", [leaf(ca("Root", key=other))], [root, ca("Root", key=other)],
         openssl="refuses: it looks at the first CA of a name")
    wrong_roots = [ca("Root", key=other, dates=(NOW - DAY - i, NOW + DAY)) for i in range(30)]
    case("many_roots_of_a_name", [good, sub], wrong_roots[:20] + [root],
         openssl="refuses: it looks at the first CA of a name")
    case("too_many_roots_of_a_name", [good, sub], wrong_roots + [root], SIGNATURE, "another CA has that name")
    case("empty", [], [root], EMPTY, "the server sent no certificate", openssl="none: there is nothing to verify")
    case("leaf_second", [sub, good], [root], NAME, "the certificate is not for www.example.com: it names none")

    # What it is for.
    for title, oids, good_ in (("server", [SERVER], True), ("both", [CLIENT, SERVER], True), ("any", [ANY], True),
                               ("client", [CLIENT], False), ("email", [EMAIL], False)):
        case("purpose_" + title, [leaf(sub, extensions=[purposes(*oids)]), sub], [root], 0 if good_ else USAGE,
             "" if good_ else "the certificate is not for servers by its extendedKeyUsage",
             openssl="refuses: anyExtendedKeyUsage is no purpose" if title == "any" else "same")
    case("purpose_critical", [leaf(sub, extensions=[purposes(SERVER, critical=True)]), sub], [root])
    case("purpose_critical_client", [leaf(sub, extensions=[purposes(CLIENT, critical=True)]), sub], [root], USAGE,
         "not for servers")
    case("purpose_empty", [leaf(sub, extensions=[purposes()]), sub], [root], UNEXPECTED,
         "extendedKeyUsage is malformed")
    only_clients = ca("Intermediate", root, other, [basic(), CA_USAGE, purposes(CLIENT)])
    case("purpose_of_intermediate", [good, only_clients], [root], USAGE, "'CN=Intermediate' is not for servers")
    case("purpose_of_root", [good, sub], [ca("Root", extensions=[basic(), CA_USAGE, purposes(CLIENT)])], USAGE,
         "the trusted certificate 'CN=Root' is not for servers")
    case("client", [leaf(sub, extensions=[purposes(CLIENT)]), sub], [root], host="", side="client")
    case("client_any", [leaf(sub), sub], [root], host="", side="client")
    case("client_with_servers_purpose", [leaf(sub, extensions=[purposes(SERVER)]), sub], [root], USAGE,
         "the certificate is not for clients", host="", side="client")
    case("usage_signature", [leaf(sub, usage=False, extensions=[key_usage(0, 2)]), sub], [root])
    case("usage_exchange", [leaf(sub, usage=False, extensions=[key_usage(2)]), sub], [root], USAGE,
         "may not sign handshakes by its keyUsage", openssl="accepts: any use of the key")
    case("usage_nothing", [leaf(sub, usage=False, extensions=[key_usage()]), sub], [root], UNEXPECTED,
         "keyUsage allows nothing", openssl="refuses: as invalid, or for its purpose")
    case("usage_absent", [leaf(sub, usage=False), sub], [root])

    # CAs.
    def with_sub(title, extensions, expected, text, openssl="same", **more):
        middle = ca("Intermediate", root, other, extensions, **more)
        case(title, [good, middle], [root], expected, text, openssl=openssl)

    with_sub("not_a_ca", [basic(False)], NOT_CA, "'CN=Intermediate' is not one of a CA")
    with_sub("not_a_ca_explicit", [extension("2.5.29.19", seq(tlv(1, b"\0")))], NOT_CA, "is not one of a CA")
    with_sub("no_basic", [CA_USAGE], NOT_CA, "'CN=Intermediate' is not one of a CA")
    with_sub("v1_intermediate", [], NOT_CA, "'CN=Intermediate' is not one of a CA", version=1)
    with_sub("ca_usage", [basic(), key_usage(0)], USAGE, "'CN=Intermediate' may not sign certificates")
    with_sub("ca_path_0", [basic(True, 0), CA_USAGE], 0, "")
    with_sub("ca_huge_path", [basic(True, 10**12), CA_USAGE], 0, "")
    case("leaf_as_ca", [leaf(good), good, sub], [root], NOT_CA, "'CN=leaf' is not one of a CA")
    low_root = ca("Root", extensions=[basic(True, 0), CA_USAGE])
    case("path_of_root", [good, sub], [low_root], NOT_CA,
         "the trusted certificate 'CN=Root' allows fewer intermediate certificates")
    case("path_of_root_just_right", [good, sub], [ca("Root", extensions=[basic(True, 1), CA_USAGE])])
    narrow = ca("Narrow", root, other, [basic(True, 0), CA_USAGE])
    below = ca("Below", narrow, third)
    case("path_exceeded", [leaf(below), below, narrow], [root], NOT_CA,
         "'CN=Narrow' allows fewer intermediate certificates")
    renewed = ca("Narrow", narrow, third)
    case("path_self_issued", [leaf(renewed), renewed, narrow], [root],
         openssl="refuses: without key identifiers it takes the self-issued one for a root")
    case("v1_root_explicit", [good, sub], [ca("Root", extensions=[], version=1, head=tlv(0xA0, integer(0)))])
    case("v1_root", [good, sub], [ca("Root", extensions=[], version=1)])
    case("root_without_basic", [good, sub], [ca("Root", extensions=[CA_USAGE])], UNTRUSTED, "which is not among the",
         openssl="accepts: a root is a CA if its keyUsage says so")
    long_chain = [root]
    for i in range(8):
        long_chain.append(ca("CA %d" % i, long_chain[-1], (p256, other)[i % 2 == 0]))
    eight = [leaf(long_chain[-1])] + long_chain[:0:-1]
    case("eight_intermediates", eight, [root])
    case("eight_in_reverse", eight[:1] + eight[:0:-1], [root])
    case("eight_shuffled", [eight[i] for i in (0, 5, 2, 8, 1, 7, 3, 6, 4)], [root])
    case("extra_certificates", [good, stranger, leaf(stranger), sub], [root])
    case("leaf_twice", [good, good, sub], [root])
    case("twelve_certificates", [good, sub] + [stranger] * 10, [root])
    case("thirteen_certificates", [good, sub] + [stranger] * 11, [root], LIMIT, "more than 12 certificates",
         openssl="accepts: it has no such limit")
    a_by_b, b_by_a = ca("A", ca("B", key=other), p256), ca("B", ca("A"), other)
    case("ring", [leaf(a_by_b), a_by_b, b_by_a], [root], UNTRUSTED, "not among the")
    case("ring_with_exit", [leaf(a_by_b), a_by_b, b_by_a, ca("B", root, other)], [root],
         openssl="refuses: it follows the first certificate of a name")
    many = [ca("Same", ca("Same"), dates=(NOW - DAY - i, NOW + DAY)) for i in range(11)]
    case("same_names", [leaf(many[0])] + many, [root], LIMIT, "in too many ways")
    slow = [ca("Root", key=key("P-521"), dates=(NOW - DAY - i, NOW + DAY)) for i in range(5)]
    case("slow_roots_of_a_name", [good, sub], slow[:3] + [root],
         openssl="refuses: it looks at the first CA of a name")
    case("too_many_slow_roots_of_a_name", [good, sub], slow + [root], SIGNATURE, "another CA has that name")
    tall = [ca("Tall 0", root, key("P-521"))]
    for i in range(1, 11):
        tall.append(ca(f"Tall {i}", tall[-1], key("P-521")))
    case("slow_and_tall", [leaf(tall[-1])] + tall[::-1], [root])

    # Keys and signatures.
    rsa, rsa1024 = key("rsa2048"), key("rsa1024")
    case("rsa", [leaf(ca("R", root, rsa), key=key("rsa2048_leaf")), ca("R", root, rsa)], [root])
    case("rsa_4096", [leaf(ca("R", root, key("rsa4096")), key=rsa), ca("R", root, key("rsa4096"))], [root])
    case("rsa_root", [leaf(ca("R", key=rsa))], [ca("R", key=rsa)])
    case("p384", [leaf(ca("R", root, key("P-384")), digest="sha384"), ca("R", root, key("P-384"))], [root])
    case("p521", [leaf(ca("R", root, key("P-521")), digest="sha512", key=key("P-384")), ca("R", root, key("P-521"))],
         [root])
    case("sha384_with_p256", [leaf(sub, digest="sha384"), sub], [root])
    case("sha512_with_p256", [leaf(sub, digest="sha512"), sub], [root])
    case("sha512_with_rsa", [leaf(ca("R", root, rsa), digest="sha512"), ca("R", root, rsa)], [root])
    case("weak_leaf", [leaf(sub, key=rsa1024), sub], [root], WEAK,
         "has a weak key: RSA of 1024 bits, and 2048 are the least")
    weak = ca("Weak", root, rsa1024)
    case("weak_intermediate", [leaf(weak), weak], [root], WEAK,
         "the intermediate certificate 'CN=Weak' has a weak key: RSA of 1024")
    modulus = integer((1 << 8191) | 0xFFFF1)
    huge = seq(seq(oid("1.2.840.113549.1.1.1"), tlv(5)), bits(seq(modulus, integer(65537))))
    case("rsa_8192", [leaf(sub, spki=huge), sub], [root], UNSUPPORTED, "RSA of 8192 bits, and 4096 are the most",
         openssl="accepts: larger keys")
    case("sha1", [leaf(sub, digest="sha1"), sub], [root], UNSUPPORTED,
         "the certificate is signed in a way that is not accepted: ECDSA with SHA-1")
    case("sha1_rsa", [leaf(ca("R", root, rsa), digest="sha1"), ca("R", root, rsa)], [root], UNSUPPORTED,
         "RSA with SHA-1")
    case("md5", [leaf(ca("R", root, rsa), digest="md5"), ca("R", root, rsa)], [root], UNSUPPORTED, "RSA with MD5")
    case("sha224", [leaf(sub, digest="sha224"), sub], [root], UNSUPPORTED, "ECDSA with SHA-224",
         openssl="accepts: SHA-224")
    case("sha1_intermediate", [good, ca("Intermediate", root, other, digest="sha1")], [root], UNSUPPORTED,
         "the intermediate certificate 'CN=Intermediate' is signed in a way that is not accepted: ECDSA with SHA-1")
    case("sha1_root", [good, sub], [ca("Root", digest="sha1")])
    case("pss", [leaf(ca("R", root, rsa), digest="pss"), ca("R", root, rsa)], [root], UNSUPPORTED, "RSA-PSS",
         openssl="accepts: RSA-PSS, which BearSSL has not")
    case("ed25519_key", [leaf(sub, key=key("ed25519")), sub], [root], UNSUPPORTED,
         "has a key of a kind that is not supported: Ed25519", openssl="accepts: Ed25519, which BearSSL has not")
    edward = ca("E", root, key("ed25519"))
    case("ed25519_intermediate", [leaf(edward), edward], [root], UNSUPPORTED, "'CN=E' has a key of a kind",
         openssl="accepts: Ed25519, which BearSSL has not")
    case("secp256k1", [leaf(sub, key=key("secp256k1")), sub], [root], UNSUPPORTED, "EC on secp256k1",
         openssl="accepts: other curves")
    broken = bytearray(good.der)
    broken[-1] ^= 1
    case("broken_signature", [bytes(broken), sub], [root], SIGNATURE,
         "the signature under the certificate was not made with the key")
    broken = bytearray(leaf(sub).der)
    at = bytes(broken).index(b"example")
    broken[at] = ord("E")
    case("changed_name", [bytes(broken), sub], [root], SIGNATURE, "was not made with the key")
    broken = bytearray(sub.der)
    broken[-1] ^= 1
    case("broken_intermediate", [good, bytes(broken)], [root], SIGNATURE,
         "the signature under an intermediate certificate was not made with the key of 'CN=Root'")
    case("key_of_other_kind", [leaf(sub), ca("Intermediate", root, rsa)], [root], SIGNATURE,
         "was not made with the key")

    # Extensions.
    case("unknown", [leaf(sub, extensions=[extension("1.2.3.4", b"\5\0")]), sub], [root])
    case("unknown_critical", [leaf(sub, extensions=[extension("1.2.3.4", b"\5\0", True)]), sub], [root], CRITICAL,
         "the certificate has a critical extension that is not supported: 1.2.3.4")
    case("unknown_critical_in_ca",
         [good, ca("Intermediate", root, other, [basic(), extension("1.2.3.4.16384", b"\5\0", True)])], [root],
         CRITICAL, "the intermediate certificate 'CN=Intermediate' has a critical extension that is not supported: "
         "1.2.3.4.16384")
    for title, number in (("short", "1.2.35"), ("other_arc", "2.5.4.35"), ("long", "2.5.29.35.1")):
        case("unknown_critical_" + title, [leaf(sub, extensions=[extension(number, b"\5\0", True)]), sub], [root],
             CRITICAL, "not supported: " + number)
    for title, number in (("key_id", "2.5.29.14"), ("crl", "2.5.29.31"), ("access", "1.3.6.1.5.5.7.1.1"),
                          ("subject_access", "1.3.6.1.5.5.7.1.11")):
        case("known_critical_" + title, [leaf(sub, extensions=[extension(number, seq(), True)]), sub], [root],
             openssl="same" if title == "crl" else "refuses: what must not be critical")
    policy = extension("2.5.29.32", seq(seq(oid("2.5.29.32.0"))), True)
    case("policies_critical", [leaf(sub, extensions=[policy]), sub], [root])
    require = extension("2.5.29.36", seq(tlv(0x80, b"\0")), True)
    case("policy_constraints", [good, ca("Intermediate", root, other, [basic(), require])], [root], CRITICAL,
         "policyConstraints", openssl="accepts: policies are not looked at unless that is asked for")
    case("twice", [leaf(sub, extensions=[san(dns(WWW))]), sub], [root], UNEXPECTED, "an extension is there twice")
    unknown = extension("1.2.3.4", b"\5\0")
    case("unknown_twice", [leaf(sub, extensions=[unknown, unknown]), sub], [root], UNEXPECTED,
         "an extension is there twice", openssl="accepts: it looks only at those that it knows")
    case("san_critical", [Cert(name(), third, sub, [san(dns(WWW), critical=True)], GOOD), sub], [root])

    # Name constraints.
    def under(title, permitted, excluded, names, good, text="", openssl="same", critical=True, subject=None):
        extensions = [basic(), CA_USAGE, constraints(permitted, excluded, critical)]
        middle = ca("Intermediate", root, other, extensions)
        case(title, [leaf(sub, *names, subject=subject), middle], [root], 0 if good else UNTRUSTED, text,
             host=WWW if dns(WWW) in names else "", openssl=openssl)

    www = dns(WWW)
    under("permitted", [dns("example.com")], [], [www], True)
    under("permitted_itself", [dns(WWW)], [], [www], True)
    under("permitted_case", [dns("EXAMPLE.com")], [], [www], True)
    under("permitted_dot", [dns(".example.com")], [], [www], True)
    under("permitted_dot_itself", [dns(".www.example.com")], [], [www], False, "do not permit www.example.com")
    under("permitted_dot_other", [dns(".ample.org")], [], [www], False, "do not permit www.example.com")
    under("permitted_other", [dns("example.org")], [], [www], False,
          "a CA may not issue this certificate: the name constraints do not permit www.example.com")
    under("permitted_part_of_label", [dns("ample.com")], [], [www], False, "do not permit")
    under("permitted_one_of_two", [dns("example.com")], [], [www, dns("www.example.org")], False,
          "do not permit www.example.org")
    under("permitted_two", [dns("example.com"), dns("example.org")], [], [www, dns("www.example.org")], True)
    under("permitted_uncritical", [dns("example.org")], [], [www], False, "do not permit", critical=False)
    under("permitted_wildcard", [dns("example.com")], [], [www, dns("*.example.com")], True)
    under("permitted_narrower_than_wildcard", [dns(WWW)], [], [www, dns("*.example.com")], False,
          "do not permit *.example.com")
    under("excluded", [], [dns("example.com")], [www], False, "the name constraints exclude www.example.com")
    under("excluded_other", [], [dns("example.org")], [www], True)
    under("excluded_all", [], [dns("")], [www], False, "exclude www.example.com")
    under("excluded_within_permitted", [dns("example.com")], [dns("www.example.com")], [www], False, "exclude")
    under("excluded_by_wildcard", [], [dns("secret.example.com")], [www, dns("*.example.com")], False,
          "exclude *.example.com", openssl="accepts: it does not see that the wildcard stands for an excluded name")
    under("excluded_beside_wildcard", [], [dns("a.b.example.com")], [www, dns("*.example.com")], True)
    net = tlv(0x87, bytes([192, 0, 2, 0, 255, 255, 255, 0]))
    under("permitted_ip", [net], [], [ip(192, 0, 2, 9)], True)
    under("permitted_ip_other", [net], [], [ip(192, 0, 3, 9)], False, "do not permit 192.0.3.9")
    under("permitted_ip_of_other_kind", [net], [], [ip(*v6)], False, "do not permit 2001:db8::1")
    under("permitted_ip_and_name", [net], [], [www], True)
    under("excluded_ip", [], [net], [ip(192, 0, 2, 9)], False, "exclude 192.0.2.9")
    under("excluded_all_ips", [dns("example.com")], [tlv(0x87, bytes(8)), tlv(0x87, bytes(32))], [www], True)
    under("excluded_all_ips_and_one", [], [tlv(0x87, bytes(8)), tlv(0x87, bytes(32))], [ip(*v6)], False, "exclude 2001")
    under("ip_constraint_malformed", [tlv(0x87, bytes(5))], [], [ip(192, 0, 2, 9)], False, "cannot be checked")
    org = name(("O", "Example"))
    under("permitted_directory", [directory(org)], [], [www], True, subject=name(("O", "Example"), ("CN", "x")))
    under("permitted_directory_string", [directory(name(("O", "EXAMPLE"), tag=0x13))], [], [www], True,
          subject=name(("O", "Example"), ("CN", "x")))
    under("permitted_directory_other", [directory(org)], [], [www], False, "do not permit 'O=Other, CN=x'",
          subject=name(("O", "Other"), ("CN", "x")))
    under("permitted_directory_empty_subject", [directory(org)], [], [www], True, subject=name())
    under("excluded_directory", [], [directory(org)], [www], False, "exclude 'O=Example, CN=x'",
          subject=name(("O", "Example"), ("CN", "x")))
    under("directory_of_odd_strings", [], [directory(name(("O", "Example"), tag=0x14))], [www], False,
          "cannot be checked", subject=name(("O", "Example"), ("CN", "x")),
          openssl="refuses: it compares such strings")
    under("email_constraint", [tlv(0x81, b"example.org")], [], [www], True)
    under("email_constraint_and_email", [tlv(0x81, b"example.org")], [], [www, tlv(0x81, b"a@example.org")], False,
          "cannot be checked a@example.org", openssl="accepts: it checks e-mail addresses")
    under("email_in_subject", [tlv(0x81, b"example.org")], [], [www], False, "cannot be checked",
          subject=name(("CN", "x"), ("E", "a@example.org"), tag=0x16), openssl="accepts: it checks e-mail addresses")
    under("uri_constraint", [tlv(0x86, b"example.org")], [], [www, tlv(0x86, b"https://example.org/")], False,
          "cannot be checked https://example.org/", openssl="accepts: it checks URIs")
    fancy = seq(dns("example.com"), tlv(0x80, b"\1"))
    minimum = extension("2.5.29.30", seq(tlv(0xA0, fancy)), True)
    case("constraint_with_minimum", [good, ca("Intermediate", root, other, [basic(), CA_USAGE, minimum])], [root],
         UNTRUSTED, "the name constraints are malformed")
    limited_root = ca("Root", extensions=[basic(), CA_USAGE, constraints([dns("example.org")])])
    case("constraint_of_root", [good, sub], [limited_root], UNTRUSTED, "do not permit www.example.com")
    case("constraint_of_root_met", [leaf(sub, dns("www.example.org")), sub], [limited_root], host="www.example.org")
    limits = [dns("x%d.example" % i) for i in range(900)]
    crowded = ca("Intermediate", root, other, [basic(), constraints(limits)])
    case("too_many_constraints", [leaf(sub, *limits), crowded], [root], UNTRUSTED, "the name constraints are too many",
         host="", openssl="accepts: its limit is higher")

    # What is no certificate.
    def damaged(title, bytes_, text, openssl="same"):
        case(title, [bytes_, sub], [root], UNEXPECTED, "certificate 1 of those that came is malformed: " + text,
             openssl=openssl)

    damaged("cut_off", good.der[:-1], "it is no certificate, or is cut off")
    damaged("cut_short", good.der[:100], "it is no certificate, or is cut off")
    damaged("trailing_byte", good.der + b"\0", "it is no certificate, or is cut off",
            openssl="accepts: what is behind a certificate in a PEM object")
    damaged("empty_certificate", b"", "it is no certificate, or is cut off")
    damaged("text", b"<html>", "it is no certificate, or is cut off")
    damaged("indefinite", b"\x30\x80" + good.der[4:] + b"\0\0", "it is no certificate, or is cut off",
            openssl="accepts: BER")
    damaged("other_algorithm", leaf(sub, inner=p256.algorithm("sha384")).der, "the signature algorithm is not the one")
    damaged("version_4", leaf(sub, version=4).der, "it is of no version from 1 to 3",
            openssl="accepts: any version")
    damaged("extensions_in_v1", Cert(cn("x"), third, sub, [san(dns(WWW))], GOOD, version=1).der,
            "it has extensions, but is not of version 3", openssl="accepts: extensions of any version")
    bad_date = leaf(sub).der.replace(when(GOOD[0]), tlv(0x17, b"251301000000Z"))
    damaged("month_13", bad_date, "the dates are malformed")
    offset = leaf(sub).der.replace(when(GOOD[0]), tlv(0x17, b"2505010000Z00"))
    damaged("odd_date", offset, "the dates are malformed")
    more_damage(damaged, leaf, sub, case, root, key)
    case("malformed_intermediate", [good, sub.der[:-1]], [root], UNEXPECTED, "certificate 2 of those that came")
    big = leaf(sub, extensions=[extension("1.2.3.4", bytes(65536))])
    case("64_kb", [big, sub], [root], LIMIT, "more than 32 kB", openssl="accepts: it has no such limit here")
    large = leaf(sub, extensions=[extension("1.2.3.4", bytes(30000))])
    case("30_kb", [large, sub], [root])
    case("64_kb_behind", [good, sub, big], [root], LIMIT, "more than 32 kB",
         openssl="accepts: it has no such limit here")
    many_extensions = [extension("1.2.3.%d" % i, b"\5\0") for i in range(80)]
    damaged("80_extensions", leaf(sub, extensions=many_extensions).der, "it has more than 64 extensions",
            openssl="accepts: any number")

    # Pins: the key of one certificate, in addition to what is trusted, or instead of it.
    apart = "none: it knows no pins"
    case("pin_of_leaf", [good, sub], [root], pins=[good.pin()], openssl=apart)
    case("pin_of_intermediate", [good, sub], [root], pins=[root.pin()[:-8] + "AAAAAAA=", sub.pin()], openssl=apart)
    case("pin_of_anchor", [good, sub], [root], pins=[root.pin()], openssl=apart)
    for kind in "P-384", "P-521", "rsa2048", "rsa3072":
        anchor = ca("R", key=key(kind))
        case("pin_of_anchor_" + kind, [leaf(anchor)], [anchor], pins=[anchor.pin()], openssl=apart)
    case("pins_that_are_there", [good, sub], [root], UNTRUSTED,
         "their keys are %s, %s, that of the trusted one is %s" % (good.pin(), sub.pin(), root.pin()),
         pins=[good.pin()[:-8] + "AAAAAAA="], openssl=apart)
    case("pin_of_other", [good, sub], [root], UNTRUSTED, "none of the certificates has a key that was pinned",
         pins=[key("P-384") and Cert(cn("x"), key("P-384"), None, [], GOOD).pin()], openssl=apart)
    case("pin_but_untrusted", [leaf(stranger)], [root], UNTRUSTED, "which is not among the", pins=[good.pin()],
         openssl=apart)
    case("pin_alone", [good], [], pins=[good.pin()], openssl=apart)
    case("pin_alone_of_intermediate", [good, sub], [], pins=[sub.pin()], openssl=apart)
    case("pin_alone_of_other", [good, sub], [], UNTRUSTED, "none of the certificates has a key that was pinned",
         pins=[root.pin()], openssl=apart)
    bystander = ca("Bystander", key=key("P-384"))
    case("pin_alone_of_bystander", [good, sub, bystander], [], UNTRUSTED, "a key that was pinned",
         pins=[bystander.pin()], openssl=apart)
    case("pin_alone_wrong_host", [leaf(root, dns("a.example"))], [], NAME, "not for www.example.com",
         pins=[good.pin()], openssl=apart)
    case("nothing_trusted", [good, sub], [], UNTRUSTED, "neither trusted certificates nor pins were given",
         openssl=apart)


def more_damage(damaged, leaf, sub, case, root, key):
    """The grammar of RFC 5280, a step beside it each."""

    def good(title, cert, openssl="same"):
        case(title, [cert, sub], [root], openssl=openssl)

    # Dates.
    def dated(date, tag=0x17):
        return leaf(sub, validity=seq(tlv(tag, date), when(GOOD[1]))).der

    good_dates = {"leap_day": b"240229000000Z", "first": b"000101000000Z", "last": b"241231235959Z",
                  "1950": b"500101000000Z"}
    for title, date in good_dates.items():
        good("date_" + title, dated(date))
    good("date_leap_day_2000", dated(b"20000229000000Z", 0x18))
    bad_dates = {"month_0": b"240001000000Z", "day_0": b"240100000000Z", "day_32": b"240132000000Z",
                 "april_31": b"240431000000Z", "no_leap_day": b"230229000000Z", "hour_24": b"240101240000Z",
                 "minute_60": b"240101006000Z", "second_60": b"240101000060Z", "no_zone": b"2401010000000",
                 "slash": b"24010/000000Z", "colon": b"24010:000000Z", "first_slash": b"/40101000000Z",
                 "first_colon": b":40101000000Z", "short": b"2401010000Z"}
    for title, date in bad_dates.items():
        damaged("bad_date_" + title, dated(date), "the dates are malformed")
    damaged("bad_date_no_leap_day_1900", dated(b"19000229000000Z", 0x18), "the dates are malformed")
    damaged("bad_date_century", dated(b"/0240101000000Z"[:15], 0x18), "the dates are malformed")
    damaged("bad_date_kind", dated(b"240101000000Z", 0x16), "the dates are malformed")
    damaged("three_dates", leaf(sub, validity=seq(*[when(GOOD[0])] * 2, when(GOOD[1]))).der, "the dates are malformed")

    # The frame.
    damaged("version_with_more", leaf(sub, head=tlv(0xA0, integer(2), integer(2))).der, "it is of no version")
    damaged("version_of_two_bytes", leaf(sub, head=tlv(0xA0, integer(258))).der, "it is of no version",
            openssl="accepts: any version")
    damaged("version_no_number", leaf(sub, head=tlv(0xA0, tlv(4, b"\2"))).der, "it is of no version")
    damaged("version_negative", leaf(sub, head=tlv(0xA0, tlv(2, b"\x82"))).der, "it is of no version",
            openssl="accepts: any version")
    damaged("serial_empty", leaf(sub, serial=tlv(2)).der, "the serial number is malformed")
    damaged("serial_of_other_kind", leaf(sub, serial=tlv(4, b"1")).der, "the serial number is malformed")
    damaged("length_too_long", leaf(sub, serial=b"\2\x81\1\1").der, "the serial number is malformed",
            openssl="accepts: BER")
    damaged("length_127_too_long", leaf(sub, serial=b"\2\x81\x7f" + b"\1" * 127).der, "the serial number is malformed",
            openssl="accepts: BER")
    good("length_128", leaf(sub, serial=b"\2\x81\x80" + b"\1" * 128))
    damaged("length_with_zero", leaf(sub, serial=b"\2\x82\0\x80" + b"\1" * 128).der, "the serial number is malformed",
            openssl="accepts: BER")
    damaged("length_of_4_bytes", leaf(sub, serial=b"\2\x84\0\0\0\1\1").der, "the serial number is malformed",
            openssl="accepts: BER")
    good("length_of_3_bytes_is_for_large_ones", leaf(sub))
    damaged("tag_of_two_bytes", leaf(sub, serial=b"\x1f\2\1\1").der, "the serial number is malformed",
            openssl="accepts: BER")
    damaged("behind_the_signature", leaf(sub, more=integer(1)).der, "it is no certificate")
    damaged("signature_with_unused_bits", leaf(sub, unused=1).der, "it is no certificate")
    extensions = tlv(0xA3, seq(san(dns(WWW)), key_usage(0)))
    good("unique_identifiers", leaf(sub, rest=tlv(0x81, b"\0x") + tlv(0x82, b"\0y") + extensions))
    damaged("unique_identifiers_in_v1", leaf(sub, head=b"", rest=tlv(0x81, b"\0x")).der,
            "a unique identifier is malformed")
    damaged("unique_identifiers_turned", leaf(sub, rest=tlv(0x82, b"\0x") + tlv(0x81, b"\0y") + extensions).der,
            "there is more in it than there should be")
    damaged("behind_the_extensions", leaf(sub, rest=extensions + integer(1)).der, "there is more in it")
    damaged("extensions_twice", leaf(sub, rest=tlv(0xA3, seq(san(dns(WWW))), seq(key_usage(0)))).der,
            "the extensions are malformed")
    damaged("no_extension", leaf(sub, rest=tlv(0xA3, seq())).der, "the extensions are malformed",
            openssl="refuses: as there is no name in it")
    for title, extension_ in {
        "without_value": seq(oid("1.2.3.4")), "with_more": seq(oid("1.2.3.4"), tlv(4, b"x"), tlv(4, b"x")),
        "flag": seq(oid("1.2.3.4"), tlv(1, b"\xff\xff"), tlv(4, b"x")), "no_oid": seq(tlv(4, b"x")),
        "no_sequence": tlv(0x31, oid("1.2.3.4"), tlv(4, b"x")),
    }.items():
        damaged("extension_" + title, leaf(sub, extensions=[extension_]).der, "an extension is malformed")

    # Extensions that are known.
    invalid = "refuses: as invalid"
    usage = "2.5.29.15"
    for title, value in {"unused_bits": tlv(3, b"\x08\x80"), "empty": tlv(3), "with_more": bits(b"\x80") + integer(1),
                         "of_other_kind": tlv(4, b"\0\x80")}.items():
        damaged("usage_" + title, leaf(sub, usage=False, extensions=[extension(usage, value)]).der, "keyUsage is malformed",
                openssl="accepts: what is behind it" if title == "with_more" else invalid)
    case("usage_last_bit", [leaf(sub, usage=False, extensions=[extension(usage, bits(b"\0\x80", 7))]), sub], [root], USAGE,
         "may not sign handshakes", openssl="refuses: for its purpose")
    good("usage_most_unused_bits", leaf(sub, usage=False, extensions=[extension(usage, bits(b"\x80", 7))]))
    good("usage_of_three_bytes", leaf(sub, usage=False, extensions=[extension(usage, bits(b"\x80\0\1"))]))
    bc = "2.5.29.19"
    for title, value in {"with_more": seq(tlv(1, b"\xff"), integer(0), integer(0)),
                         "negative_path": seq(tlv(1, b"\xff"), tlv(2, b"\xff")), "two": seq() + seq(),
                         "long_flag": seq(tlv(1, b"\xff\xff")), "of_other_kind": tlv(4)}.items():
        damaged("basic_" + title, leaf(sub, extensions=[extension(bc, value)]).der, "basicConstraints are malformed",
                openssl="accepts: what is behind it" if title == "two" else invalid)
    good("basic_path_of_no_ca", leaf(sub, extensions=[extension(bc, seq(integer(0)))]))
    good("basic_empty", leaf(sub, extensions=[extension(bc, seq())]))
    damaged("purpose_no_oid", leaf(sub, extensions=[extension("2.5.29.37", seq(integer(1)))]).der,
            "extendedKeyUsage is malformed", openssl=invalid)
    damaged("names_empty", leaf(sub, None, extensions=[san()]).der, "subjectAltName is malformed",
            openssl="refuses: as there is no name in it")
    damaged("names_two", leaf(sub, None, extensions=[extension("2.5.29.17", seq(dns(WWW)) + seq())]).der,
            "subjectAltName is malformed", openssl="accepts: what is behind it")

    # Keys.
    def rsa(n, e, n_more=b"", more=b"", outer=b""):
        numbers = [x if isinstance(x, bytes) else integer(x) for x in (n, e)]
        return seq(seq(oid("1.2.840.113549.1.1.1"), tlv(5)), bits(seq(*numbers, n_more) + more), outer)

    n = (1 << 2047) | 0xFFFF1
    good("rsa_of_any_number", leaf(sub, spki=rsa(n, 3)))
    case("rsa_2047", [leaf(sub, spki=rsa(n >> 1 | 1, 3)), sub], [root], WEAK, "RSA of 2047 bits",
         openssl="accepts: it rounds")
    no_key, malformed = "the RSA key has numbers that no key has", "the RSA key is malformed"
    any_number = "accepts: any number, as long as the key is not used"
    damaged("rsa_even", leaf(sub, spki=rsa(n - 1, 3)).der, no_key, openssl=any_number)
    damaged("rsa_exponent_even", leaf(sub, spki=rsa(n, 65536)).der, no_key, openssl=any_number)
    damaged("rsa_exponent_1", leaf(sub, spki=rsa(n, 1)).der, no_key, openssl=any_number)
    good("rsa_exponent_257", leaf(sub, spki=rsa(n, 257)))
    good("rsa_exponent_of_8_bytes", leaf(sub, spki=rsa(n, (1 << 63) + 1)))
    damaged("rsa_exponent_of_9_bytes", leaf(sub, spki=rsa(n, (1 << 64) + 1)).der, no_key, openssl=any_number)
    damaged("rsa_zero", leaf(sub, spki=rsa(0, 3)).der, malformed)
    damaged("rsa_negative", leaf(sub, spki=rsa(tlv(2, b"\x80" + bytes(255)), 3)).der, malformed, openssl=any_number)
    damaged("rsa_zeros_before", leaf(sub, spki=rsa(tlv(2, b"\0\0" + n.to_bytes(256, "big")), 3)).der, malformed,
            openssl=any_number)
    damaged("rsa_three_numbers", leaf(sub, spki=rsa(n, 3, integer(1))).der, malformed)
    damaged("rsa_with_more", leaf(sub, spki=rsa(n, 3, more=integer(1))).der, malformed,
            openssl="accepts: what is behind it")
    damaged("key_with_more", leaf(sub, spki=rsa(n, 3, outer=integer(1))).der, "the public key is malformed")
    good_key = key("P-256_third").spki
    point = good_key[-65:]
    head = seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))
    no_point = "the EC key is no uncompressed point of its curve"
    damaged("ec_compressed", leaf(sub, spki=seq(head, bits(b"\2" + point[1:33]))).der, no_point,
            openssl="accepts: compressed points")
    damaged("ec_short", leaf(sub, spki=seq(head, bits(point[:-1]))).der, no_point)
    damaged("ec_hybrid", leaf(sub, spki=seq(head, bits(bytes([6 | point[-1] & 1]) + point[1:]))).der, no_point,
            openssl="accepts: hybrid points")
    damaged("ec_unused_bits", leaf(sub, spki=seq(head, bits(point, 1))).der, "the public key is malformed",
            openssl="none: it drops the bit, which may have been 0")


def make(folder):
    os.makedirs(folder, exist_ok=True)
    make_cases(folder)
    names = [c[0] for c in CASES]
    assert len(set(names)) == len(names), "a name is there twice"
    lines = []
    for name_, ders, trust, host, side, pins, expected, text, openssl in CASES:
        with open(os.path.join(folder, name_ + ".chain"), "wb") as out:
            for one in ders:
                out.write(len(one).to_bytes(4, "big") + one)
        with open(os.path.join(folder, name_ + ".ca"), "w") as out:
            out.write("".join(c.pem() for c in trust))
        lines.append("\t".join([name_, host, side, pins, str(expected), text, openssl]))
    with open(os.path.join(folder, "cases.txt"), "w", encoding="utf-8") as out:
        out.write("".join(line + "\n" for line in lines))


# ---- openssl's opinion ----


def split_chain(path):
    with open(path, "rb") as file:
        data = file.read()
    while data:
        size = int.from_bytes(data[:4], "big")
        yield data[4 : 4 + size]
        data = data[4 + size :]


def openssl_accepts(folder, name_, host, side):
    import ipaddress

    chain = list(split_chain(os.path.join(folder, name_ + ".chain")))
    leaf_file, rest_file = os.path.join(folder, name_ + ".leaf.pem"), os.path.join(folder, name_ + ".rest.pem")
    with open(leaf_file, "w") as out:
        out.write(to_pem(chain[0]))
    with open(rest_file, "w") as out:
        out.write("".join(map(to_pem, chain[1:])))
    command = ["openssl", "verify", "-attime", str(NOW), "-purpose", "ssl" + side, "-auth_level", "2", "-check_ss_sig",
               "-no-CApath", "-no-CAstore", "-CAfile", os.path.join(folder, name_ + ".ca")]
    if name_ in ("pinned_leaf", "trusted_intermediate", "self_signed_trusted"):
        command.append("-partial_chain")
    if len(chain) > 1:
        command += ["-untrusted", rest_file]
    if host:
        try:
            ipaddress.ip_address(host)
            command += ["-verify_ip", host]
        except ValueError:
            command += ["-verify_hostname", host]
    done = subprocess.run(command + [leaf_file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout.decode(errors="replace")


def check(folder):
    passed = failed = 0
    for name_, host, side, _, expected, _, openssl in read_cases(folder):
        if openssl.startswith("none:"):
            continue
        accepts, output = openssl_accepts(folder, name_, host, side)
        wanted = expected == "0" if openssl == "same" else openssl.startswith("accepts:")
        if accepts == wanted:
            passed += 1
        else:
            failed += 1
            print("%s: openssl %s:\n%s" % (name_, "accepts" if accepts else "refuses", output))
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0 or passed == 0


# ---- Seeds of the fuzzers ----


def read_cases(folder):
    with open(os.path.join(folder, "cases.txt"), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def seeds_trust(folder, out):
    for case_ in read_cases(folder):
        with open(os.path.join(folder, case_[0] + ".ca"), "rb") as file:
            data = file.read()
        with open(os.path.join(out, case_[0]), "wb") as file:
            file.write(data)


def seeds_chain(folder, out):
    import base64

    for name_, host, side, *_ in read_cases(folder):
        ders = list(split_chain(os.path.join(folder, name_ + ".chain")))
        with open(os.path.join(folder, name_ + ".ca")) as file:
            first = file.read().split("-----END")[0].partition("-----\n")[2]
        flags = (side == "client") | (2 if first else 0)
        data = bytes([flags, len(host)]) + host.encode()
        for one in ders + ([base64.b64decode(first)] if first else []):
            data += min(len(one), 65535).to_bytes(2, "big") + one[:65535]
        with open(os.path.join(out, name_), "wb") as file:
            file.write(data)


def main():
    commands = {"make": make, "check": check, "seeds_trust": seeds_trust, "seeds_chain": seeds_chain}
    words = sys.argv[1:]
    if not words or words[0] not in commands or len(words) != (3 if words[0].startswith("seeds") else 2):
        return __doc__
    return commands[words[0]](*words[1:])


if __name__ == "__main__":
    sys.exit(main())
