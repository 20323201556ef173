/* Contexts: options, keys and chains, and what is said of those that cannot be used. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "stream_rig.h"

/* A file with a text in it, in memory: its descriptor, and its name. */
static int file_with(const char *text, char *path)
{
    const int fd = memfd_create("pem", MFD_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), strlen(text));
    sprintf(path, "/proc/self/fd/%d", fd);
    return fd;
}

/* Makes a server with such a key, which must fail with an error whose text has `part` in it. */
static void refused(const char *cert, const char *key, int error, const char *part)
{
    const awl_tls_key k = { .cert = cert, .cert_len = strlen(cert), .key = key, .key_len = key ? strlen(key) : 0 };
    awl_tls *tls = awl_tls_server(&(awl_tls_options){ .keys = &k, .n_keys = 1 });

    CHECK_INT(errno, error);
    CHECK_INT(awl_tls_error(tls), error);
    CHECK_CONTAINS(awl_error_message(error), part);
    awl_tls_release(tls);
}

static void accepted(const char *cert, const char *key)
{
    const awl_tls_key k = { .cert = cert, .cert_len = strlen(cert), .key = key, .key_len = key ? strlen(key) : 0 };
    awl_tls *tls = awl_tls_server(&(awl_tls_options){ .keys = &k, .n_keys = 1 });

    CHECK_STR(awl_tls_error(tls) ? awl_error_message(awl_tls_error(tls)) : "", "");
    awl_tls_release(tls);
}

/* ---- Dates of our own -------------------------------------------------------------------------------------------- */

static time_t fake_now; /* 0: the clock's */
static char heard[512];

time_t time(time_t *at)
{
    struct timespec now = { .tv_sec = fake_now };

    if (!fake_now)
        clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

static void hear(void *arg, const awl_report *report)
{
    (void)arg;
    snprintf(heard, sizeof heard, "%s: %s: %s", report->name, report->what, report->message);
}

co_def(make_server, {})
{
    awl_tls *tls;

    co_begin;
    tls = new_server(&ec_key, NULL);
    CHECK_INT(awl_tls_error(tls), 0);
    awl_tls_release(tls);
    co_end;
}

static const char *heard_at(time_t now)
{
    heard[0] = '\0';
    fake_now = now;
    CHECK_INT(awl_run_with(co_call(make_server), &(awl_loop_options){ .report = hear }, NULL), 0);
    return heard;
}

TEST(a_certificate_of_ours_that_is_over_is_reported)
{
    CHECK_STR(heard_at(0), "");
    CHECK_CONTAINS(heard_at(100000), "awl_tls_server: a certificate of ours is not valid yet: is the clock right?: memory: "
                                     "the certificate of 'O=awl tests, CN=server_ec' is good from 20");
    if (sizeof(time_t) > 4) /* it is good until after 2038 */
        CHECK_CONTAINS(heard_at((time_t)((int64_t)1 << 33)),
                       "awl_tls_server: a certificate of ours has expired: others will refuse it: ");
}

ENGINE_TEST(keys_come_in_three_forms)
{
    accepted(server_ec_pem, server_ec_key);
    accepted(server_ec_pem, server_ec_sec1_key);
    accepted(server_rsa_pem, server_rsa_key);
    accepted(server_rsa_pem, server_rsa_pkcs1_key);
    accepted(server_p384_pem, server_p384_key);
}

ENGINE_TEST(key_and_certificate_may_be_in_one_text)
{
    char both[8192];

    snprintf(both, sizeof both, "%s%s", server_ec_key, server_ec_pem);
    accepted(both, NULL);
    snprintf(both, sizeof both, "%s%s%s", server_ec_pem, middle_pem, server_ec_key);
    accepted(both, NULL);
}

ENGINE_TEST(keys_that_cannot_be_used_are_told_apart)
{
    refused(server_ec_pem, server_rsa_key, AWL_EKEY, "is not that of the first certificate");
    refused(server_ec_pem, client_ec_key, AWL_EKEY, "CN=server_ec");
    refused(server_rsa_pem, client_rsa_key, AWL_EKEY, "is not that of the first certificate");
    refused(server_ec_pem, encrypted_key, AWL_EKEY, "is encrypted");
    refused(server_ec_pem, encrypted_pkcs1_key, AWL_EKEY, "encrypted");
    refused(server_ec_pem, ed25519_key, AWL_EKEY, "neither RSA nor EC");
    refused(rsa_1024_pem, rsa_1024_key, AWL_EKEY, "1024 bits");
    refused(server_ec_pem, server_ec_pem, AWL_EKEY, "no private key");
    refused(server_ec_pem, NULL, AWL_EKEY, "no private key");
    refused(server_ec_key, server_ec_key, AWL_EKEY, "no certificate");
    refused("", "", AWL_EKEY, "no certificate");
    refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", server_ec_key, AWL_EKEY, "line 1");
    refused(server_ec_pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", AWL_EKEY,
            "no private key");
}

/* BearSSL 0.6 writes beyond its buffer when it decodes a key of 4,917 to 4,992 bits. */
ENGINE_TEST(rsa_key_of_4992_bits_is_refused_without_harm)
{
    refused(server_rsa_pem, rsa_4992_key, AWL_EKEY, "4992 bits");
}

ENGINE_TEST(keys_are_read_from_files)
{
    char cert[64], key[64];
    const int cert_fd = file_with(server_ec_pem, cert), key_fd = file_with(server_ec_key, key);
    awl_tls *tls = awl_tls_server(&(awl_tls_options){ .cert_file = cert, .key_file = key });
    awl_tls_key nowhere = ec_key;

    close(cert_fd);
    close(key_fd);
    CHECK_STR(awl_tls_error(tls) ? awl_error_message(awl_tls_error(tls)) : "", "");
    awl_tls_release(tls);
    nowhere.key = NULL;
    nowhere.key_file = "/nowhere/key.pem";
    tls = awl_tls_server(&(awl_tls_options){ .keys = &nowhere, .n_keys = 1 });
    CHECK_INT(awl_tls_error(tls), AWL_EKEY);
    CHECK_STR(awl_error_message(AWL_EKEY), "/nowhere/key.pem: No such file or directory");
    awl_tls_release(tls);
}

/* Such a context is released here. */
static void not_made(awl_tls *tls, int error)
{
    CHECK_INT(errno, error);
    CHECK_INT(awl_tls_error(tls), error);
    awl_tls_release(tls);
    errno = 0;
}

ENGINE_TEST(options_that_contradict_each_other_are_refused)
{
    const awl_pin pin = { { 1 } };
    const struct {
        awl_tls_options options;
        const char *says;
    } wrong[] = {
        { { .trust = NULL }, "awl_tls_server: a server needs a certificate and its key" },
        { { .keys = &ec_key, .n_keys = 1, .dangerously_do_not_verify = true }, "is for clients" },
        { { .keys = &ec_key, .n_keys = 1, .ask = AWL_TLS_ASK_CERTIFICATE }, "needs `trust`" },
        { { .keys = &(awl_tls_key){ .key = "" }, .n_keys = 1 }, "neither cert_file nor cert" },
        { { .n_keys = 1 }, "there are no keys" },
        { { .n_pins = 1 }, "there are no pins" },
        { { .key_file = "key.pem" }, "no cert_file" },
        { { .keys = &ec_key, .n_keys = 1, .alpn = (const char *[]){ "", NULL } }, "a protocol of alpn is empty" },
    };
    const awl_tls_options careless = { .dangerously_do_not_verify = true, .pins = &pin, .n_pins = 1 };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        not_made(awl_tls_server(&wrong[i].options), EINVAL);
        CHECK_CONTAINS(awl_error_message(EINVAL), wrong[i].says);
    }
    not_made(awl_tls_client(&careless), EINVAL);
    CHECK_STR(awl_error_message(EINVAL), "awl_tls_client: dangerously_do_not_verify contradicts trust and pins");
}

TEST(contexts_need_a_loop)
{
    awl_tls *tls = awl_tls_client(NULL);

    /* It is nobody's: there is nothing to give back, and no harm in it. */
    CHECK_INT(errno, EINVAL);
    CHECK_INT(awl_tls_error(tls), EINVAL);
    CHECK_PTR(awl_tls_retain(tls), tls);
    awl_tls_release(tls);
    not_made(tls, EINVAL);
    CHECK_INT(awl_tls_error(NULL), EINVAL);
    awl_tls_release(NULL);
    CHECK_PTR(awl_tls_retain(NULL), NULL);
}

ENGINE_TEST(client_without_anybody_to_believe_is_not_made)
{
    setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
    setenv("SSL_CERT_DIR", "/nowhere", 1);
    not_made(awl_tls_client(NULL), AWL_ETRUST);
    CHECK_CONTAINS(awl_error_message(AWL_ETRUST), "/nowhere/ca.pem");
}

/* A set that could not be made does not become the system's when nobody looks at it. */
ENGINE_TEST(a_trust_that_was_not_made_is_nobodys)
{
    const awl_tls_key key = KEY(server_ec);

    not_made(awl_tls_client(&(awl_tls_options){ .trust = awl_trust_from_file("/nowhere/ca.pem") }), AWL_ETRUST);
    CHECK_CONTAINS(awl_error_message(AWL_ETRUST), "/nowhere/ca.pem");
    not_made(awl_tls_server(&(awl_tls_options){ .trust = awl_trust_from_memory("", 0),
                                                .keys = &key,
                                                .n_keys = 1,
                                                .ask = AWL_TLS_REQUIRE_CERTIFICATE }),
             AWL_ETRUST);
}

/* Without randomness nothing begins, whatever the processor has. */
static int random_calls, random_error;
static size_t random_bytes;

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    random_calls++;
    random_bytes = len;
    (void)flags;
    if (random_error) {
        errno = random_error;
        return -1;
    }
    memset(buf, 7, len);
    return (ssize_t)len;
}

ENGINE_TEST(engines_are_seeded_by_the_kernel)
{
    awl_tls *client = new_client(NULL);
    awl__tls_engine *e;
    int error = 0;

    random_calls = 0;
    e = client->backend->open(client, "example.org", NULL, &error);
    CHECK_INT(random_calls, 1);
    CHECK_INT(random_bytes, 32);
    client->backend->free(e);
    random_error = EIO;
    CHECK_PTR(client->backend->open(client, "example.org", NULL, &error), NULL);
    CHECK_INT(error, EIO);
    awl_tls_release(client);
}
