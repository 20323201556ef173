/*
 * Whether a chain of certificates is to be believed: a class of X.509 engine for BearSSL.
 *
 * The certificates are kept as they come, at most AWL__CHAIN_CERTS of them and AWL__CHAIN_BYTES in all, and judged when
 * the last one is there: so they may come in any order behind the first, and what is wrong can be said by name.
 */
#ifndef AWL_TLS_VERIFY_PRIV_H
#define AWL_TLS_VERIFY_PRIV_H

#include "trust_priv.h"

enum { AWL__CHAIN_CERTS = 12, AWL__CHAIN_BYTES = 32768 };

typedef struct awl__verify awl__verify;

typedef struct awl__verify_options {
    awl_trust *trust;     /* retained; NULL: the pins alone say whom to believe */
    const char *name;     /* host name or IP literal wanted; NULL: none is looked for. Valid until free */
    const awl_pin *pins;  /* one certificate that came and leads to what is trusted, or the anchor that it leads to,
                           * must have one of these keys; valid until free */
    size_t n_pins;
    bool of_client;       /* the chain is a client's */
    int64_t now;          /* seconds since 1970; 0: the system's clock, when the chain has come */
} awl__verify_options;

/* In memory of the loop's. NULL: there is none. */
awl__verify *awl__verify_new(awl_loop *loop, const awl__verify_options *options);

/* After the handshake: the peer's key is gone then, too. NULL is let be. */
void awl__verify_free(awl__verify *v);

/* For br_ssl_engine_set_x509. The name that BearSSL passes along is not looked at. */
const br_x509_class **awl__verify_x509(awl__verify *v);

/*
 * Says why the chain was refused, so that a person can act on it.
 *
 *   br_error   br_ssl_engine_last_error
 *   text       untouched if the error is not ours
 * Result   AWL_ECERTIFICATE; AWL_ETRUST where there is nothing to compare with; ENOMEM; 0: this error did not come from
 *          here.
 */
int awl__verify_explain(const awl__verify *v, int br_error, char *text, size_t cap);

/* The peer's own certificate as it came; NULL before it has. Valid until free. */
const unsigned char *awl__verify_leaf(const awl__verify *v, size_t *len);

/* ---- The inside, for verify_*.c ---------------------------------------------------------------------------------- */

/* What is wrong, and with what. */
typedef enum awl__fault_kind {
    AWL__GOOD,
    AWL__EMPTY_CHAIN,
    AWL__NO_MEMORY,
    AWL__TOO_LARGE,      /* more certificates, or bytes, than are kept */
    AWL__MALFORMED,      /* why */
    AWL__DATES,          /* of a certificate, or of an anchor */
    AWL__OTHER_NAME,     /* it is for other hosts than the one wanted */
    AWL__CRITICAL,       /* detail: the extension */
    AWL__NO_CA,          /* it signed another one, and may not */
    AWL__PATH_TOO_LONG,  /* for what it, or an anchor, says */
    AWL__KEY_USAGE,      /* it forbids what its key is used for */
    AWL__PURPOSE,        /* extended key usage: it is for something else */
    AWL__WEAK_KEY,
    AWL__KEY_KIND,       /* detail: the algorithm, or the curve */
    AWL__SIGNATURE_KIND, /* detail: the algorithm */
    AWL__SIGNATURE,      /* it was not made by the key of the certificate, or anchor, that it names */
    AWL__CONSTRAINTS,    /* of a CA above it; why, and detail: the name */
    AWL__UNTRUSTED,      /* nothing that is trusted has issued it */
    AWL__NOT_PINNED,
    AWL__TOO_COMPLEX,    /* too many ways to try */
    AWL__NO_TRUST,       /* neither anchors nor pins were given */
} awl__fault_kind;

typedef struct awl__fault {
    awl__fault_kind kind;
    int index;          /* of the certificate; of the anchor above it if `of_anchor` */
    bool of_anchor;
    awl__span detail;
    const char *why;
    awl__anchor anchor;
} awl__fault;

/* A certificate of the chain, with its DER. */
typedef struct awl__link_cert {
    awl__cert cert;
    uint32_t size;
    unsigned char der[];
} awl__link_cert;

struct awl__verify {
    const br_x509_class *vtable; /* first: BearSSL's object is this pointer */
    awl_loop *loop;
    awl__verify_options options;
    int64_t now;
    uint32_t filled; /* bytes of the certificate that is coming */
    uint32_t bytes;  /* of all certificates */
    uint8_t n;       /* certificates that are there, with the one that is coming */
    uint8_t checks;  /* what those signatures may cost that are still to be checked */
    uint8_t last;    /* the end of the longest way that was tried */
    bool judged;     /* the chain is believed if there is no fault */
    int br_error;
    awl__link_cert *certs[AWL__CHAIN_CERTS];
    awl__fault fault;
};

/* Pins (pin.c) of a SubjectPublicKeyInfo; of a key, as the only one in DER that it can have; and "sha256/…". */
enum { AWL__PIN_TEXT = 52 };
void awl__spki_pin(awl__span spki, awl_pin *pin);
void awl__key_pin(const br_x509_pkey *key, awl_pin *pin);
const char *awl__pin_text(const awl_pin *pin, char text[AWL__PIN_TEXT]);

/* What RFC 5280's GeneralName may be, by its tag. */
enum { AWL__EMAIL = 0x81, AWL__DNS = 0x82, AWL__DIRECTORY = 0xa4, AWL__URI = 0x86, AWL__IP = 0x87 };

/* Whether a certificate is for this host, a name or an IP literal (verify_name.c; RFC 9525). */
bool awl__names_are_for(awl__span names, const char *host); /* the content of a subjectAltName */
static inline bool awl__cert_is_for(const awl__cert *cert, const char *host)
{
    return awl__names_are_for(cert->names, host);
}

/*
 * Whether the name constraints of a CA allow all names of a certificate below it (RFC 5280, section 4.2.1.10).
 *
 *   constraints   the content of their SEQUENCE
 *   detail        takes the name that they do not allow, with its tag; nothing if no name is to blame
 * Result   NULL; what is wrong.
 */
const char *awl__constraints_refuse(awl__span constraints, const awl__cert *cert, awl__span *detail);

/* "example.org", "*.example.org", "192.0.2.1", of a GeneralName with its tag (verify_text.c). Result: text. */
const char *awl__general_name_text(awl__span name, char *text, size_t cap);

#endif
