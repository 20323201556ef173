"""A writer of certificates that can also write what no CA would: DER by hand, keys and signatures by `openssl`."""

import os
import subprocess


def run(*command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


# ---- DER ----


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = b""
    for arc in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        digits = [arc & 127]
        while arc > 127:
            arc >>= 7
            digits.append(arc & 127 | 128)
        out += bytes(reversed(digits))
    return tlv(6, out)


def bits(data, unused=0):
    return tlv(3, bytes([unused]), data)


def name(*pairs, tag=0x0C):
    """name(("CN", "x"), ("O", "y"))"""
    arcs = {"CN": "2.5.4.3", "C": "2.5.4.6", "O": "2.5.4.10", "OU": "2.5.4.11", "E": "1.2.840.113549.1.9.1"}
    return seq(*(tlv(0x31, seq(oid(arcs[kind]), tlv(tag, value.encode()))) for kind, value in pairs))


def cn(text):
    return name(("CN", text))


def when(seconds):
    """A UTCTime, or a GeneralizedTime from 2050 on."""
    import datetime

    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    if moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


# ---- Extensions ----


def extension(number, value, critical=False):
    return seq(oid(number), tlv(1, b"\xff") if critical else b"", tlv(4, value))


def basic(ca=True, path_len=None):
    parts = [tlv(1, b"\xff")] if ca else []
    if path_len is not None:
        parts.append(integer(path_len))
    return extension("2.5.29.19", seq(*parts), True)


def key_usage(*numbers):
    n = sum(0x8000 >> i for i in numbers)
    return extension("2.5.29.15", bits(n.to_bytes(2, "big")), True)


def purposes(*oids, critical=False):
    return extension("2.5.29.37", seq(*map(oid, oids)), critical)


SERVER, CLIENT, EMAIL, ANY = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0"


def dns(text):
    return tlv(0x82, text if isinstance(text, bytes) else text.encode())


def ip(*numbers):
    return tlv(0x87, bytes(numbers))


def directory(dn):
    return tlv(0xA4, dn)


def san(*names, critical=False):
    return extension("2.5.29.17", seq(*names), critical)


def constraints(permitted=(), excluded=(), critical=True):
    parts = []
    for tag, names in ((0xA0, permitted), (0xA1, excluded)):
        if names:
            parts.append(tlv(tag, *map(seq, names)))
    return extension("2.5.29.30", seq(*parts), critical)


# ---- Keys and certificates ----

ALGORITHMS = {  # digest, what follows the identifier
    "sha256": ("1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"),
    "sha384": ("1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"),
    "sha512": ("1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"),
    "sha224": ("1.2.840.113549.1.1.14", "1.2.840.10045.4.3.1"),
    "sha1": ("1.2.840.113549.1.1.5", "1.2.840.10045.4.1"),
    "md5": ("1.2.840.113549.1.1.4", None),
}
PSS = seq(
    oid("1.2.840.113549.1.1.10"),
    seq(
        tlv(0xA0, seq(oid("2.16.840.1.101.3.4.2.1"), tlv(5))),
        tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), seq(oid("2.16.840.1.101.3.4.2.1"), tlv(5)))),
        tlv(0xA2, integer(32)),
    ),
)


class Key:
    """A private key in a file; made once, as its file stays."""

    def __init__(self, folder, kind):
        self.kind, self.path = kind, os.path.join(folder, kind + ".key")
        what = kind.split("_")[0]
        if not os.path.exists(self.path):
            if what.startswith("rsa"):
                options = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + what[3:]]
            elif what.startswith("ed"):
                options = ["-algorithm", what.upper()]
            else:
                options = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + what]
            run("openssl", "genpkey", *options, "-out", self.path)
        self.rsa, self.eddsa = what.startswith("rsa"), what.startswith("ed")
        self.spki = run("openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER")

    def algorithm(self, digest):
        if self.eddsa:
            return seq(oid("1.3.101.112"))
        if digest == "pss":
            return PSS
        return seq(oid(ALGORITHMS[digest][0 if self.rsa else 1]), tlv(5) if self.rsa else b"")

    def sign(self, digest, data):
        if self.eddsa:
            file = self.path + ".tbs"
            with open(file, "wb") as out:
                out.write(data)
            return run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", file)
        options = []
        if digest == "pss":
            digest, options = "sha256", ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
        return run("openssl", "dgst", "-" + digest, *options, "-sign", self.path, data=data)


class Cert:
    serial = 0

    def __init__(self, subject, key, issuer, extensions, dates, digest="sha256", version=3, inner=None, spki=None,
                 **raw):
        """issuer: another Cert, or None: itself. inner: the algorithm that is signed, where it is another one. raw: the
        bytes of `head` (version), `serial`, `validity`, `rest` (what is behind the key), `more` (behind the signature),
        and `unused`, the unused bits of the signature."""
        Cert.serial += 1
        self.subject, self.key = subject, key
        signer = issuer.key if issuer else key
        algorithm = signer.algorithm(digest)
        self.tbs = seq(
            raw.get("head", tlv(0xA0, integer(version - 1)) if version > 1 else b""),
            raw.get("serial", integer(Cert.serial)),
            inner or algorithm,
            issuer.subject if issuer else subject,
            raw.get("validity", seq(when(dates[0]), when(dates[1]))),
            subject,
            spki or key.spki,
            raw.get("rest", tlv(0xA3, seq(*extensions)) if extensions else b""),
        )
        self.der = seq(self.tbs, algorithm, bits(signer.sign(digest, self.tbs), raw.get("unused", 0)), raw.get("more", b""))

    def pem(self):
        return to_pem(self.der)

    def pin(self):
        import base64
        import hashlib

        return "sha256/" + base64.b64encode(hashlib.sha256(self.key.spki).digest()).decode()


def to_pem(der):
    import base64

    text = base64.b64encode(der).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "-----BEGIN CERTIFICATE-----\n" + "\n".join(lines) + "\n-----END CERTIFICATE-----\n"
