/* test_verify.c: the engine itself, beside its verdicts (test_matrix.c): order of calls, memory, what it gives away. */
#include <string.h>

#include "../../lib/trust/pem_priv.h"
#include "../../lib/trust/verify_priv.h"
#include "../task/rig.h"
#include "pems.h"

enum { NOW = 1750000000 };

/* The size of the state while a handshake lasts: growth is a decision. The certificates lie beside it, each with
 * sizeof(awl__link_cert), and all of it is freed with the handshake; BearSSL's minimal engine has 3,168 bytes. */
_Static_assert(sizeof(void *) != 8 || sizeof(awl__verify) == 320, "awl__verify has another size");
_Static_assert(sizeof(void *) != 8 || sizeof(awl__link_cert) == 256, "awl__link_cert has another size");

typedef struct der {
    unsigned char at[1000];
    size_t len;
} der;

static int keep(void *arg, const awl__pem_object *object)
{
    der *to = arg;

    CHECK(!object->fault && object->len <= sizeof to->at);
    memcpy(to->at, object->der, object->len);
    to->len = object->len;
    return 0;
}

static der der_of(const char *pem)
{
    der to = { .len = 0 };

    CHECK_INT(awl__pem_read(awl_running_, pem, strlen(pem), keep, &to), 0);
    return to;
}

static awl__verify *open_verify(const awl__verify_options *options)
{
    awl__verify *v = awl__verify_new(awl_running_, options);

    CHECK(v != NULL);
    return v;
}

static void put_cert(const br_x509_class **engine, const der *cert, uint32_t said)
{
    (*engine)->start_cert(engine, said);
    (*engine)->append(engine, cert->at, cert->len);
    (*engine)->end_cert(engine);
}

/* A chain of the leaf alone. */
static int judge_leaf(awl__verify *v, const der *leaf)
{
    const br_x509_class **engine = awl__verify_x509(v);

    (*engine)->start_chain(engine, NULL);
    put_cert(engine, leaf, (uint32_t)leaf->len);
    return (int)(*engine)->end_chain(engine);
}

static awl_trust *test_ca(void)
{
    awl_trust *trust = awl_trust_from_memory(ca_pem, strlen(ca_pem));

    CHECK(trust != NULL);
    return trust;
}

TASK_TEST(an_accepted_chain_gives_its_key_and_certificate, { awl_trust *trust; awl__verify *v; der leaf; })
{
    const br_x509_class **engine;
    const br_x509_pkey *key;
    unsigned usages = 0;
    char text[100] = "untouched";
    size_t len;

    co_begin;
    self->trust = test_ca();
    self->leaf = der_of(leaf_pem);
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .name = "www.example.com", .now = NOW });
    awl_trust_release(self->trust); /* it has its own reference */
    engine = awl__verify_x509(self->v);
    CHECK((*engine)->get_pkey(engine, NULL) == NULL);
    CHECK(awl__verify_leaf(self->v, &len) == NULL);

    CHECK_INT(judge_leaf(self->v, &self->leaf), 0);
    key = (*engine)->get_pkey(engine, &usages);
    CHECK(key != NULL);
    CHECK_INT(key->key_type, BR_KEYTYPE_EC);
    CHECK_INT(usages, BR_KEYTYPE_SIGN);
    CHECK_MEM(awl__verify_leaf(self->v, &len), self->leaf.at, self->leaf.len);
    CHECK_INT(len, self->leaf.len);
    CHECK_INT(awl__verify_explain(self->v, 0, text, sizeof text), 0);
    CHECK_STR(text, "untouched");
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(a_chain_follows_another_as_in_a_second_handshake, { awl_trust *trust; awl__verify *v; der leaf, ca; })
{
    const br_x509_class **engine;
    char text[100];
    size_t len;

    co_begin;
    self->trust = test_ca();
    self->leaf = der_of(leaf_pem);
    self->ca = der_of(ca_pem);
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .name = "www.example.com", .now = NOW });
    awl_trust_release(self->trust);
    CHECK_INT(judge_leaf(self->v, &self->ca), BR_ERR_X509_BAD_SERVER_NAME);
    CHECK_INT(judge_leaf(self->v, &self->leaf), 0);
    CHECK_INT(judge_leaf(self->v, &self->ca), BR_ERR_X509_BAD_SERVER_NAME);

    /* Nor does what they took add up. */
    for (int i = 0; i < 200; i++)
        CHECK_INT(judge_leaf(self->v, &self->leaf), 0);
    CHECK_INT(judge_leaf(self->v, &self->ca), BR_ERR_X509_BAD_SERVER_NAME);

    /* What was said of the one before is not said of the next. */
    engine = awl__verify_x509(self->v);
    (*engine)->start_chain(engine, NULL);
    CHECK_INT(awl__verify_explain(self->v, BR_ERR_X509_BAD_SERVER_NAME, text, sizeof text), 0);
    CHECK((*engine)->get_pkey(engine, NULL) == NULL);
    CHECK(awl__verify_leaf(self->v, &len) == NULL);
    CHECK_INT((*engine)->end_chain(engine), BR_ERR_X509_EMPTY_CHAIN);
    CHECK(awl__verify_leaf(self->v, &len) == NULL);
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(an_error_of_another_origin_is_not_explained, { awl_trust *trust; awl__verify *v; der leaf; })
{
    char text[200] = "untouched";

    co_begin;
    self->trust = test_ca();
    self->leaf = der_of(leaf_pem);
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .name = "a.example", .now = NOW });
    awl_trust_release(self->trust);
    CHECK_INT(awl__verify_explain(self->v, BR_ERR_X509_BAD_SERVER_NAME, text, sizeof text), 0); /* too early */
    CHECK_INT(judge_leaf(self->v, &self->leaf), BR_ERR_X509_BAD_SERVER_NAME);
    CHECK_INT(awl__verify_explain(self->v, BR_ERR_IO, text, sizeof text), 0);
    CHECK_STR(text, "untouched");
    CHECK_INT(awl__verify_explain(self->v, BR_ERR_X509_BAD_SERVER_NAME, text, sizeof text), AWL_ECERTIFICATE);
    CHECK_STR(text, "the certificate is not for a.example, but for www.example.com");
    CHECK_INT(awl__verify_explain(self->v, BR_ERR_X509_BAD_SERVER_NAME, text, 20), AWL_ECERTIFICATE);
    CHECK_STR(text, "the certificate is ");
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(lengths_that_lie_are_found, { awl_trust *trust; awl__verify *v; der leaf; })
{
    const br_x509_class **engine;

    co_begin;
    self->trust = test_ca();
    self->leaf = der_of(leaf_pem);
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .now = NOW });
    awl_trust_release(self->trust);
    engine = awl__verify_x509(self->v);
    (*engine)->start_chain(engine, NULL);
    put_cert(engine, &self->leaf, (uint32_t)self->leaf.len + 1);
    CHECK_INT((*engine)->end_chain(engine), BR_ERR_X509_UNEXPECTED);
    (*engine)->start_chain(engine, NULL);
    put_cert(engine, &self->leaf, (uint32_t)self->leaf.len - 1); /* what is too much is not taken */
    CHECK_INT((*engine)->end_chain(engine), BR_ERR_X509_UNEXPECTED);
    (*engine)->start_chain(engine, NULL);
    put_cert(engine, &self->leaf, UINT32_MAX);
    CHECK_INT((*engine)->end_chain(engine), BR_ERR_X509_LIMIT_EXCEEDED);
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(without_memory_for_a_certificate_that_is_the_error, { awl_trust *trust; awl__verify *v; })
{
    const br_x509_class **engine;
    char text[100] = "";
    int error;

    co_begin;
    self->trust = test_ca();
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .now = NOW });
    awl_trust_release(self->trust);
    engine = awl__verify_x509(self->v);
    (*engine)->start_chain(engine, NULL);
    harness_fail_alloc_from(1);
    (*engine)->start_cert(engine, 30000);
    harness_fail_alloc(0);
    (*engine)->append(engine, (const unsigned char *)"0", 1);
    (*engine)->end_cert(engine);
    error = (int)(*engine)->end_chain(engine);
    CHECK_INT(error, BR_ERR_X509_LIMIT_EXCEEDED);
    CHECK_INT(awl__verify_explain(self->v, error, text, sizeof text), ENOMEM);
    CHECK_STR(text, "no memory for the certificates");
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(it_can_be_freed_at_any_moment, { awl_trust *trust; awl__verify *v; der leaf; size_t used; })
{
    const br_x509_class **engine;

    co_begin;
    awl__verify_free(NULL);
    self->leaf = der_of(leaf_pem);
    self->used = stats_of(NULL).memory_used;
    self->trust = test_ca();
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .now = NOW });
    awl_trust_release(self->trust);
    engine = awl__verify_x509(self->v);
    (*engine)->start_chain(engine, NULL);
    put_cert(engine, &self->leaf, (uint32_t)self->leaf.len);
    (*engine)->start_cert(engine, 500);
    (*engine)->append(engine, self->leaf.at, 10);
    awl__verify_free(self->v);
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

TASK_TEST(without_a_moment_given_the_clock_counts, { awl_trust *trust; awl__verify *v; der leaf; })
{
    co_begin;
    self->trust = test_ca();
    self->leaf = der_of(leaf_pem);
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust });
    awl_trust_release(self->trust);
    CHECK_INT(judge_leaf(self->v, &self->leaf), 0); /* good until 2099 */
    CHECK(self->v->now > 1767225600);
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(a_clock_that_must_be_wrong_is_asked_about, { awl_trust *trust; awl__verify *v; der leaf; })
{
    char text[400];
    int error;

    co_begin;
    self->trust = test_ca();
    self->leaf = der_of(leaf_pem);
    self->v = open_verify(&(awl__verify_options){ .trust = self->trust, .now = 60 });
    awl_trust_release(self->trust);
    error = judge_leaf(self->v, &self->leaf);
    CHECK_INT(awl__verify_explain(self->v, error, text, sizeof text), AWL_ECERTIFICATE);
    CHECK_STR(
        text,
        "the certificate is not valid yet: it is good from 2025-01-01 00:00:00 UTC until 2100-01-01 00:00:00 UTC, "
        "and the clock here says 1970-01-01 00:01:00 UTC: is the clock right?");
    awl__verify_free(self->v);
    co_end;
}

TASK_TEST(names_of_cas_can_be_listed, { awl_trust *trust; })
{
    br_x500_name names[1];
    char text[100];

    co_begin;
    self->trust = test_ca();
    CHECK_INT(awl__trust_names(self->trust, NULL, 0), 1);
    CHECK_INT(awl__trust_names(self->trust, names, 1), 1);
    CHECK_STR(awl__name_text((awl__span){ names[0].data, names[0].len }, text, sizeof text), "CN=Test CA");
    awl_trust_release(self->trust);
    co_end;
}

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

static const char *oid(const char *bytes, size_t len)
{
    static char text[60];

    return awl__oid_text((awl__span){ (const unsigned char *)bytes, len }, text, sizeof text);
}

TEST(identifiers_are_written_with_dots)
{
    CHECK_STR(oid("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9), "1.2.840.113549.1.1.11");
    CHECK_STR(oid("\x27", 1), "0.39");
    CHECK_STR(oid("\x55\x1d\x11", 3), "2.5.29.17");
    CHECK_STR(oid("\x88\x37", 2), "2.999");
    CHECK_STR(oid("", 0), "");
    CHECK_STR(oid("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11), "1.2?");
}

static const char *moment(int64_t seconds)
{
    static char text[60];

    return awl__time_text(seconds, text, sizeof text);
}

TEST(moments_are_written_as_dates)
{
    CHECK_STR(moment(0), "1970-01-01 00:00:00 UTC");
    CHECK_STR(moment(-1), "1969-12-31 23:59:59 UTC");
    CHECK_STR(moment(951782400), "2000-02-29 00:00:00 UTC");
    CHECK_STR(moment(4107542399), "2100-02-28 23:59:59 UTC");
    CHECK_STR(moment(4107542400), "2100-03-01 00:00:00 UTC");
    CHECK_STR(moment(253402300799), "9999-12-31 23:59:59 UTC");
    CHECK_STR(moment(-631152000), "1950-01-01 00:00:00 UTC");
}
