/* Any bytes as what a set of trust anchors is made of: PEM, DER, or the packed form. Seeds: certificates in PEM. */
#include <stdlib.h>
#include <string.h>

#include "awl/task.h"
#include "trust/trust_priv.h"

static void must(bool so)
{
    if (!so)
        abort();
}

/* Reads all that is in a set, and asks whether it can be packed again as it is. */
static void walk(const awl_trust *trust)
{
    unsigned char record[65536];
    awl__anchor anchor;
    size_t at = 0, begin, n = 0;
    char text[200];

    for (begin = AWL__ANCHORS_HEAD; awl__trust_next(trust, &at, &anchor); begin = at) {
        must(awl__anchor_pack(&anchor, NULL) == at - begin);
        must(awl__anchor_pack(&anchor, record) == at - begin);
        must(memcmp(record, awl__trust_data(trust).at + begin, at - begin) == 0);
        awl__name_text(anchor.subject, text, sizeof text);
        awl__time_text(anchor.not_after, text, sizeof text);
        n++;
    }
    must(n == awl_trust_count(trust) && at == awl__trust_data(trust).len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    awl_loop *loop = awl_loop_open(NULL);
    const awl_anchors anchors = { data, len };
    awl_trust *trust;
    awl_pin pin;
    char pin_text[80];

    awl_running_ = loop;
    trust = awl_trust_from_memory(len ? data : (const uint8_t *)"", len);
    if (!awl_trust_error(trust)) {
        const awl_anchors packed = { awl__trust_data(trust).at, awl__trust_data(trust).len };
        awl_trust *again = awl_trust_from_anchors(&packed);

        walk(trust);
        must(!awl_trust_error(again) && awl_trust_count(again) == awl_trust_count(trust));
        awl_trust_release(again);
    }
    awl_trust_release(trust);

    /* Packed data of others may be any, and must be walked within their bounds. */
    trust = awl_trust_from_anchors(&anchors);
    if (!awl_trust_error(trust)) {
        awl__anchor anchor;
        size_t at = 0;

        while (awl__trust_next(trust, &at, &anchor))
            must(at <= len);
    }
    awl_trust_release(trust);

    if (len < sizeof pin_text) {
        memcpy(pin_text, data, len);
        pin_text[len] = '\0';
        awl_pin_parse(&pin, pin_text);
    }
    awl_running_ = NULL;
    awl_loop_close(loop);
    return 0;
}
