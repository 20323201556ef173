/* What is in a set of trust anchors (trust.c), for those who check chains and who ask for client certificates. */
#ifndef AWL_TLS_TRUST_PRIV_H
#define AWL_TLS_TRUST_PRIV_H

#include "../loop/loop_priv.h"
#include "awl/trust.h"
#include "cert_priv.h"

/* An anchor, unpacked: all of it points into the set. */
typedef struct awl__anchor {
    awl__span subject, constraints;
    br_x509_pkey key;
    int64_t not_before, not_after;
    uint8_t path_len, purposes;
    bool is_ca;
} awl__anchor;

/* Walks through a set: *at is 0 at first. Result: whether there was one more. */
bool awl__trust_next(const awl_trust *trust, size_t *at, awl__anchor *anchor);

/* The names of the CAs, for a server's request of a client certificate: up to `cap` of them. Result: how many there are.
 * They lie in the set. */
size_t awl__trust_names(const awl_trust *trust, br_x500_name *names, size_t cap);

#endif
