/*
 * Whether a chain of certificates is to be believed (verify.c): a class of X.509 engine for BearSSL.
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
    const awl_pin *pins;  /* one certificate of the path must have one of these keys; valid until free */
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

#endif
