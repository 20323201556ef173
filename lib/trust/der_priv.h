/* DER (X.690, section 10), read forwards from memory: lengths are definite and as short as they can be. */
#ifndef AWL_TLS_DER_PRIV_H
#define AWL_TLS_DER_PRIV_H

#include "cert_priv.h"

enum awl__tag {
    AWL__BOOLEAN = 0x01,
    AWL__INTEGER = 0x02,
    AWL__BITS = 0x03,
    AWL__OCTETS = 0x04,
    AWL__OID = 0x06,
    AWL__UTC_TIME = 0x17,
    AWL__LONG_TIME = 0x18,
    AWL__SEQUENCE = 0x30,
    AWL__SET = 0x31,
    AWL__CONTEXT = 0x80, /* | its number */
    AWL__CONSTRUCTED = 0x20,
};

/* Takes the next element off `in`. `whole` is it with its head, `content` without; either may be NULL,
 * or `in` itself. Result: its tag; -1: there is none, or it is wrong, and nothing was taken. */
int awl__der_next(awl__span *in, awl__span *whole, awl__span *content);

/* The same for an element that must have this tag. */
bool awl__der_take(awl__span *in, int tag, awl__span *content);

/* The tag of the next element, which stays; -1: there is none. */
static inline int awl__der_peek(const awl__span *in) { return in->len ? in->at[0] : -1; }

/* The content of a BIT STRING without unused bits; of an INTEGER that is not negative, without zeros before it. */
bool awl__der_bits(awl__span *in, awl__span *bits);
bool awl__der_unsigned(awl__span *in, awl__span *number);

static inline bool awl__span_is(awl__span a, const void *data, size_t len)
{
    return awl__span_equal(a, (awl__span){ data, len });
}

#endif
