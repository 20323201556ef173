/* suites.h: which cipher suites both sides prefer here: AES-128-GCM where the processor has instructions for it. */
#ifndef TLS_SUITES_H
#define TLS_SUITES_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>

static inline bool prefers_aes(void)
{
    return (br_aes_x86ni_ctr_get_vtable() && br_ghash_pclmul_get()) ||
           (br_aes_pwr8_ctr_get_vtable() && br_ghash_pwr8_get());
}

/* Bytes of a record besides its content: a tag of 16 and, with AES-GCM, a nonce of 8 (RFC 5288, RFC 7905). */
static inline size_t record_overhead(void) { return prefers_aes() ? 24 : 16; }

#endif
