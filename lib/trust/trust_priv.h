/* What is in a set of trust anchors (anchors.c, trust.c), for those who check chains or ask for client certificates. */
#ifndef AWL_TLS_TRUST_PRIV_H
#define AWL_TLS_TRUST_PRIV_H

#include "../loop/loop_priv.h"
#include "awl/trust.h"
#include "cert_priv.h"

/* An anchor, unpacked: all of it points into the set. */
typedef struct awl__anchor {
    awl__span subject;
    awl__span scope; /* of a CA its name constraints, of a leaf its subjectAltName: {NULL, 0} where it has none */
    br_x509_pkey key;
    int64_t not_before, not_after;
    uint8_t path_len, purposes;
    bool is_ca;
} awl__anchor;

/* Walks through a set: *at is 0 at first. Result: whether there was one more. */
bool awl__trust_next(const awl_trust *trust, size_t *at, awl__anchor *anchor);

/* The names of the CAs, for a server's request of a client certificate: up to `cap` of them, which lie in the set.
 * Result: how many there are. */
size_t awl__trust_names(const awl_trust *trust, br_x500_name *names, size_t cap);

/* ---- The packed form --------------------------------------------------------------------------------------------- */

/*
 * Eight bytes of head, then a record for each anchor; numbers have their high byte first:
 *
 *     2 bytes   of the whole record
 *     1         AWL__ANCHOR_CA, and enum awl__purpose shifted by 4
 *     1         0 for RSA, or BearSSL's number of the curve
 *     5, 5      not before, not after: seconds since 1970, 0 for all earlier
 *     1         path length; AWL__NO_PATH_LEN: not limited
 *     2, 2, 2   bytes of the subject (a Name), of the scope (the content of its SEQUENCE), of the modulus or point
 *     …         these three, and what is left is the exponent
 *
 * It is the same on every machine, so what one has packed another can compile in.
 */
enum { AWL__ANCHORS_HEAD = 8, AWL__ANCHOR_HEAD = 21, AWL__ANCHOR_CA = 1 };

/* Writes the head, or an anchor's record, to `out`; NULL: only counts. Result: its bytes; 0: it is too large. */
size_t awl__anchors_begin(unsigned char *out);
size_t awl__anchor_pack(const awl__anchor *anchor, unsigned char *out);

/* Whether `data` is a packed set; *count takes how many anchors there are in it. */
bool awl__anchors_check(const unsigned char *data, size_t size, size_t *count);

/* The packed form of a set. */
awl__span awl__trust_data(const awl_trust *trust);

/* ---- Loading ----------------------------------------------------------------------------------------------------- */

/* All of these files and folders together, as awl_trust_from_file takes one. */
awl_trust *awl__trust_from_paths(const char *const *paths, size_t n);

/* The first of these files and folders that holds anchors, as awl_trust_system takes it; it is not kept. */
awl_trust *awl__trust_first_of(awl_loop *loop, const char *const *paths, size_t n);

#endif
