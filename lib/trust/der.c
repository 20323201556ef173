/* DER; see der_priv.h. */
#include "der_priv.h"

#include <string.h>

int awl__der_next(awl__span *in, awl__span *whole, awl__span *content)
{
    const unsigned char *at;
    size_t head = 2, len;
    int tag;

    if (in->len < 2)
        return -1;
    tag = in->at[0];
    len = in->at[1];
    if ((tag & 0x1f) == 0x1f)
        return -1; /* a tag of several bytes: X.509 has none */

    /* A length above 127 has a byte that counts the bytes it takes. */
    if (len >= 0x80) {
        const size_t n = len & 0x7f;

        if (n < 1 || n > 3 || in->len < 2 + n || in->at[2] == 0)
            return -1;
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | in->at[2 + i];
        if (len < 0x80)
            return -1;
        head += n;
    }
    if (len > in->len - head)
        return -1;

    /* The results come last: they may be `in` itself. */
    at = in->at;
    in->at += head + len;
    in->len -= head + len;
    if (whole)
        *whole = (awl__span){ at, head + len };
    if (content)
        *content = (awl__span){ at + head, len };
    return tag;
}

bool awl__der_take(awl__span *in, int tag, awl__span *content)
{
    return awl__der_peek(in) == tag && awl__der_next(in, NULL, content) >= 0;
}

bool awl__der_bits(awl__span *in, awl__span *bits)
{
    awl__span content;

    if (!awl__der_take(in, AWL__BITS, &content) || content.len < 1 || content.at[0] != 0)
        return false;
    *bits = (awl__span){ content.at + 1, content.len - 1 };
    return true;
}

bool awl__der_unsigned(awl__span *in, awl__span *number)
{
    awl__span content;

    if (!awl__der_take(in, AWL__INTEGER, &content) || content.len < 1 || content.at[0] & 0x80)
        return false;
    if (content.len > 1 && content.at[0] == 0 && !(content.at[1] & 0x80))
        return false; /* it could be shorter */
    while (content.len && content.at[0] == 0)
        content = (awl__span){ content.at + 1, content.len - 1 };
    *number = content;
    return true;
}

bool awl__span_equal(awl__span a, awl__span b) { return a.len == b.len && (!a.len || memcmp(a.at, b.at, a.len) == 0); }
