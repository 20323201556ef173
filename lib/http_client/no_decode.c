/* What is decoded where zlib is not there: nothing. */
#include <stddef.h>

#include "decode.h"

const char *const awl__decodings = NULL;

bool awl__decodes(const char *coding) { return (void)coding, false; }

awl__decoder *awl__decoder_new(awl_loop *loop, const char *coding) { return (void)loop, (void)coding, NULL; }

void awl__decoder_free(awl__decoder *decoder) { (void)decoder; }

ssize_t awl__decode(awl__decoder *decoder, const char *in, size_t *in_len, char *out, size_t cap)
{
    return (void)decoder, (void)in, (void)in_len, (void)out, (void)cap, -AWL_EPROTOCOL;
}

bool awl__decoder_whole(const awl__decoder *decoder) { return (void)decoder, true; }
