/* Trust anchors, packed into one block; see trust_priv.h. */
#include <string.h>

#include "trust_priv.h"

static const unsigned char head[AWL__ANCHORS_HEAD] = { 'a', 'w', 'l', 'C', 'A', 0, 0, 1 };

/* ---- Packing ----------------------------------------------------------------------------------------------------- */

static unsigned char *put_number(unsigned char *out, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *out++ = (unsigned char)(number >> 8 * i);
    return out;
}

static unsigned char *put_span(unsigned char *out, const unsigned char *data, size_t len)
{
    if (len)
        memcpy(out, data, len);
    return out + len;
}

/* The time at which a certificate begins or ends, in 5 bytes: that is until the year 36812. */
static uint64_t packed_time(int64_t seconds) { return seconds > 0 ? (uint64_t)seconds : 0; }

size_t awl__anchors_begin(unsigned char *out)
{
    if (out)
        memcpy(out, head, sizeof head);
    return sizeof head;
}

size_t awl__anchor_pack(const awl__anchor *anchor, unsigned char *out)
{
    const bool rsa = anchor->key.key_type == BR_KEYTYPE_RSA;
    const size_t key_len = rsa ? anchor->key.key.rsa.nlen : anchor->key.key.ec.qlen;
    const size_t e_len = rsa ? anchor->key.key.rsa.elen : 0;
    const size_t size = AWL__ANCHOR_HEAD + anchor->subject.len + anchor->scope.len + key_len + e_len;

    if (size > UINT16_MAX)
        return 0;
    if (!out)
        return size;
    out = put_number(out, size, 2);
    *out++ = (unsigned char)((anchor->is_ca ? AWL__ANCHOR_CA : 0) | anchor->purposes << 4);
    *out++ = (unsigned char)(rsa ? 0 : anchor->key.key.ec.curve);
    out = put_number(out, packed_time(anchor->not_before), 5);
    out = put_number(out, packed_time(anchor->not_after), 5);
    *out++ = anchor->path_len;
    out = put_number(out, anchor->subject.len, 2);
    out = put_number(out, anchor->scope.len, 2);
    out = put_number(out, key_len, 2);
    out = put_span(out, anchor->subject.at, anchor->subject.len);
    out = put_span(out, anchor->scope.at, anchor->scope.len);
    out = put_span(out, rsa ? anchor->key.key.rsa.n : anchor->key.key.ec.q, key_len);
    put_span(out, rsa ? anchor->key.key.rsa.e : NULL, e_len);
    return size;
}

/* ---- Unpacking --------------------------------------------------------------------------------------------------- */

static uint64_t get_number(const unsigned char **in, int bytes)
{
    uint64_t number = 0;

    while (bytes--)
        number = number << 8 | *(*in)++;
    return number;
}

static awl__span get_span(const unsigned char **in, size_t len)
{
    const awl__span span = { len ? *in : NULL, len };

    *in += len;
    return span;
}

/* Unpacks the record at `in`, of which there are at most `left` bytes. Result: its bytes; 0: it is damaged. */
static size_t unpack(const unsigned char *in, size_t left, awl__anchor *anchor)
{
    size_t size, subject_len, scope_len, key_len, used;
    unsigned flags, curve;
    awl__span key;

    if (left < AWL__ANCHOR_HEAD)
        return 0;
    size = (size_t)get_number(&in, 2);
    flags = *in++;
    curve = *in++;
    anchor->not_before = (int64_t)get_number(&in, 5);
    anchor->not_after = (int64_t)get_number(&in, 5);
    anchor->path_len = *in++;
    subject_len = (size_t)get_number(&in, 2);
    scope_len = (size_t)get_number(&in, 2);
    key_len = (size_t)get_number(&in, 2);
    used = AWL__ANCHOR_HEAD + subject_len + scope_len + key_len;
    if (size > left || used > size || !key_len || (curve ? used != size : used == size))
        return 0;

    anchor->is_ca = flags & AWL__ANCHOR_CA;
    anchor->purposes = (uint8_t)(flags >> 4);
    anchor->subject = get_span(&in, subject_len);
    anchor->scope = get_span(&in, scope_len);
    key = get_span(&in, key_len);
    memset(&anchor->key, 0, sizeof anchor->key);
    anchor->key.key_type = curve ? BR_KEYTYPE_EC : BR_KEYTYPE_RSA;
    if (curve)
        anchor->key.key.ec = (br_ec_public_key){ (int)curve, awl__writable(key.at), key.len };
    else
        anchor->key.key.rsa = (br_rsa_public_key){ awl__writable(key.at), key.len, awl__writable(in), size - used };
    return size;
}

bool awl__anchors_check(const unsigned char *data, size_t size, size_t *count)
{
    size_t at = sizeof head, n = 0;
    awl__anchor anchor;

    if (size < sizeof head || memcmp(data, head, sizeof head) != 0)
        return false;
    while (at < size) {
        const size_t record = unpack(data + at, size - at, &anchor);

        if (!record)
            return false;
        at += record;
        n++;
    }
    *count = n;
    return true;
}

bool awl__trust_next(const awl_trust *trust, size_t *at, awl__anchor *anchor)
{
    const awl__span data = awl__trust_data(trust);
    size_t record;

    if (!*at)
        *at = sizeof head;
    if (*at >= data.len)
        return false;
    record = unpack(data.at + *at, data.len - *at, anchor);
    *at += record;
    return record != 0;
}

size_t awl__trust_names(const awl_trust *trust, br_x500_name *names, size_t cap)
{
    awl__anchor anchor;
    size_t at = 0, n = 0;

    while (awl__trust_next(trust, &at, &anchor)) {
        if (!anchor.is_ca)
            continue;
        if (n < cap)
            names[n] = (br_x500_name){ awl__writable(anchor.subject.at), anchor.subject.len };
        n++;
    }
    return n;
}
