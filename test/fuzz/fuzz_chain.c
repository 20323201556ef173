/*
 * Any bytes as a chain of certificates. Seeds: the matrix of test/tls/certs.py, in this form:
 *
 *     1 byte    bit 0: a client's chain; bit 1: the last certificate is not sent, but trusted; bits 2 to 5: of how many
 *               bytes, up to 15, the pieces are that come (0: all at once)
 *     1 byte    the length of the wanted name, then the name; 0: none is wanted
 *     …         certificates, each behind 2 bytes of length
 *
 * Signatures are not checked but by their last bit, so that what lies behind them is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "awl/task.h"
#include "trust/verify_priv.h"

int awl__cert_signed_by(const awl__cert *cert, const br_x509_pkey *key)
{
    (void)key;
    return cert->signature.len && cert->signature.at[cert->signature.len - 1] & 1 ? BR_ERR_X509_BAD_SIGNATURE : 0;
}

static void must(bool so)
{
    if (!so)
        abort();
}

/* Takes the next certificate off the input. */
static bool next_cert(awl__span *in, awl__span *cert)
{
    size_t len;

    if (in->len < 2)
        return false;
    len = (size_t)in->at[0] << 8 | in->at[1];
    if (len > in->len - 2)
        len = in->len - 2;
    *cert = (awl__span){ in->at + 2, len };
    *in = (awl__span){ in->at + 2 + len, in->len - 2 - len };
    return true;
}

/* The last certificate of the input, which is cut off from it. */
static awl__span cut_last(awl__span *in)
{
    awl__span left = *in, cert, last = { 0 };

    while (next_cert(&left, &cert))
        last = cert;
    if (last.at)
        in->len = (size_t)(last.at - 2 - in->at);
    return last;
}

static int judge(awl__verify *v, awl__span in, size_t step)
{
    const br_x509_class **engine = awl__verify_x509(v);
    awl__span cert;

    (*engine)->start_chain(engine, NULL);
    while (next_cert(&in, &cert)) {
        (*engine)->start_cert(engine, (uint32_t)cert.len);
        while (cert.len) {
            const size_t n = step && step < cert.len ? step : cert.len;

            (*engine)->append(engine, cert.at, n);
            cert = (awl__span){ cert.at + n, cert.len - n };
        }
        (*engine)->end_cert(engine);
    }
    return (int)(*engine)->end_chain(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    awl__verify_options options = { .now = 1750000000 };
    awl_loop *loop;
    awl__span in, anchor = { 0 };
    char name[256], text[1000] = "";
    awl__verify *v;
    int error;

    if (len < 2 || len < 2 + (size_t)data[1])
        return 0;
    loop = awl_loop_open(NULL);
    awl_running_ = loop;
    memcpy(name, data + 2, data[1]);
    name[data[1]] = '\0';
    in = (awl__span){ data + 2 + data[1], len - 2 - data[1] };
    if (data[0] & 2)
        anchor = cut_last(&in);
    options.trust = awl_trust_from_memory(anchor.at ? anchor.at : (const uint8_t *)"", anchor.len);
    options.name = *name ? name : NULL;
    options.of_client = data[0] & 1;

    v = awl__verify_new(loop, &options);
    error = judge(v, in, data[0] >> 2 & 15);
    must(((*awl__verify_x509(v))->get_pkey(awl__verify_x509(v), NULL) != NULL) == !error);
    must((awl__verify_explain(v, error, text, sizeof text) != 0) == (error != 0));
    must(!error == !*text);

    /* The same chain again has the same end. */
    must(judge(v, in, 0) == error);
    awl__verify_free(v);
    awl_trust_release(options.trust);
    awl_running_ = NULL;
    awl_loop_close(loop);
    return 0;
}
