/* gzip and deflate, by zlib; see decode.h. */
#include "decode.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "../loop/loop_priv.h"
#include "../http/parser.h"

struct awl__decoder {
    awl_loop *loop;
    z_stream z;
    bool gzip;
    bool begun; /* zlib knows which format it is */
    bool ended; /* at the end of a stream; a gzip body may have another one behind it */
    bool any;   /* something has come */
    char first; /* of a deflate body, until the second byte tells its format */
    bool has_first;
};

const char *const awl__decodings = "gzip, deflate";

static bool is_gzip(const char *coding) { return awl__http_same(coding, "gzip") || awl__http_same(coding, "x-gzip"); }

bool awl__decodes(const char *coding) { return is_gzip(coding) || awl__http_same(coding, "deflate"); }

/* zlib's memory is the loop's, which wants to know the size when it is given back. */
static voidpf take(voidpf loop, uInt items, uInt size)
{
    const size_t all = (size_t)items * size + sizeof(max_align_t);
    char *at = size && items > UINT_MAX / size ? NULL : awl__alloc(loop, all);

    if (!at)
        return Z_NULL;
    memcpy(at, &all, sizeof all);
    return at + sizeof(max_align_t);
}

static void give_back(voidpf loop, voidpf memory)
{
    char *at = memory;
    size_t all;

    if (!at)
        return;
    at -= sizeof(max_align_t);
    memcpy(&all, at, sizeof all);
    awl__free(loop, at, all);
}

awl__decoder *awl__decoder_new(awl_loop *loop, const char *coding)
{
    awl__decoder *d = awl__alloc(loop, sizeof *d);

    if (!d)
        return NULL;
    memset(d, 0, sizeof *d);
    d->loop = loop;
    d->gzip = is_gzip(coding);
    d->z.zalloc = take;
    d->z.zfree = give_back;
    d->z.opaque = loop;
    return d;
}

void awl__decoder_free(awl__decoder *d)
{
    if (!d)
        return;
    if (d->begun)
        inflateEnd(&d->z);
    awl__free(d->loop, d, sizeof *d);
}

/* "deflate" is a zlib stream, but many servers send a bare one: RFC 9110, 8.4.1.2. The first two bytes tell which. */
static bool has_zlib_head(unsigned char a, unsigned char b)
{
    return (a & 15) == 8 && (a >> 4) <= 7 && (a << 8 | b) % 31 == 0;
}

/* 15: the largest window; 16 more: gzip; negative: bare. 0 or the error. */
static int begin(awl__decoder *d, int window)
{
    const int rc = inflateInit2(&d->z, window);

    d->begun = rc == Z_OK;
    return rc == Z_OK ? 0 : rc == Z_MEM_ERROR ? ENOMEM : AWL_EPROTOCOL;
}

/* One call of zlib. Result: bytes that came out, or -error. */
static ssize_t inflate_on(awl__decoder *d, const char *in, size_t *in_len, char *out, size_t cap)
{
    const uInt some = *in_len < UINT_MAX ? (uInt)*in_len : UINT_MAX, room = cap < INT_MAX ? (uInt)cap : INT_MAX;
    int rc;

    d->z.next_in = (Bytef *)(uintptr_t)in;
    d->z.avail_in = some;
    d->z.next_out = (Bytef *)out;
    d->z.avail_out = room;
    rc = inflate(&d->z, Z_NO_FLUSH);
    *in_len = some - d->z.avail_in;
    d->ended = rc == Z_STREAM_END;
    if (rc == Z_MEM_ERROR)
        return -ENOMEM;
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? (ssize_t)(room - d->z.avail_out) : -AWL_EPROTOCOL;
}

/* Takes the first bytes of a deflate body, and gives zlib the first one again. 0 or the error. */
static int begin_deflate(awl__decoder *d, const char *in, size_t *used)
{
    char nothing[1];
    size_t one = 1;
    int error;

    if (!d->has_first) {
        d->first = in[0];
        d->has_first = true;
        *used = 1;
        return 0;
    }
    *used = 0;
    error = begin(d, has_zlib_head((unsigned char)d->first, (unsigned char)in[0]) ? 15 : -15);
    return error || inflate_on(d, &d->first, &one, nothing, sizeof nothing) >= 0 ? error : AWL_EPROTOCOL;
}

ssize_t awl__decode(awl__decoder *d, const char *in, size_t *in_len, char *out, size_t cap)
{
    const size_t all = *in_len;
    size_t used = 0;
    ssize_t n;
    int error = 0;

    if (!all)
        return d->begun && !d->ended ? inflate_on(d, in, in_len, out, cap) : 0;
    d->any = true;
    if (!d->begun)
        error = d->gzip ? begin(d, 15 + 16) : begin_deflate(d, in, &used);
    else if (d->ended)
        error =
            d->gzip && inflateReset(&d->z) == Z_OK ? 0 : AWL_EPROTOCOL; /* another one, or what has no place there */
    *in_len = used;
    if (error || !d->begun || used == all)
        return -error;
    *in_len = all - used;
    n = inflate_on(d, in + used, in_len, out, cap);
    *in_len += used;
    return n;
}

bool awl__decoder_whole(const awl__decoder *d) { return !d->any || d->ended; }
