/* What the two sides agree on, or do not: protocols, names and keys, certificates of clients, pins; and the texts. */
#include "stream_rig.h"

TLS_RIG_COROUTINES;

/* Handshakes with contexts that are given; what both say is checked, "" being success. */
static awl_tls_details c_details, s_details;
static char c_subject[128], s_subject[128], protocols[2][16], asked[64]; /* what was in them */

static void keep(char *to, size_t cap, const char *text) { snprintf(to, cap, "%s", text ? text : "none"); }

static void note_details(const two *t)
{
    CHECK_INT(awl_tls_info(t->c, &c_details), 0);
    CHECK_INT(awl_tls_info(t->s, &s_details), 0);
    keep(c_subject, sizeof c_subject, c_details.subject);
    keep(s_subject, sizeof s_subject, s_details.subject);
    keep(protocols[0], sizeof *protocols, c_details.protocol);
    keep(protocols[1], sizeof *protocols, s_details.protocol);
    keep(asked, sizeof asked, s_details.server_name);
}

co_def(meet, {
    awl_tls *ct, *st;
    const char *name, *c_says, *s_says;
    two t;
    char buf[2];
})
{
    co_begin;
    connect_two(&self->t);
    self->t.ct = self->ct;
    self->t.st = self->st;
    SHAKE(&self->t, self->name);
    if (!*self->c_says)
        CHECK_STR(self->t.c_text, "");
    if (!*self->s_says)
        CHECK_STR(self->t.s_text, "");
    CHECK_CONTAINS(self->t.c_text, self->c_says);
    CHECK_CONTAINS(self->t.s_text, self->s_says);
    if (!self->t.c_error && !self->t.s_error) {
        /* Its last message may be refused: then the first read says so. */
        CHECK_INT(awl_stream_write(self->t.s, "x", 1), 0);
        co_await(awl_stream_read_exactly(self->t.c, self->buf, 1));
        CHECK_INT(awl_stream_write(self->t.c, "y", 1), 0);
        co_await(awl_stream_read_exactly(self->t.s, self->buf, 1));
        note_details(&self->t);
    }
    co_finally;
    close_streams(&self->t);
    co_end;
}

/* The same with contexts made of options, which are released. */
co_def(meet_with, {
    awl_tls_options c, s;
    const char *name, *c_says, *s_says;
    awl_tls *ct, *st;
})
{
    co_begin;
    self->ct = new_client(&self->c);
    self->st = new_server(&ec_key, &self->s);
    co_await(co_call(meet, .ct = self->ct, .st = self->st, .name = self->name ? self->name : "localhost",
                      .c_says = self->c_says, .s_says = self->s_says));
    co_finally;
    awl_tls_release(self->ct);
    awl_tls_release(self->st);
    co_end;
}

#define MEET(...) run_virtual(co_call(meet_with, .c_says = "", .s_says = "", __VA_ARGS__))

/* As MEET, but the initialisers of c_says and s_says are given. */
#define MEET_SAYING(client, server, ...) \
    run_virtual(co_call(meet_with, .c_says = (client), .s_says = (server), __VA_ARGS__))

/* ---- Protocols --------------------------------------------------------------------------------------------------- */

static const char *const h1[] = { "http/1.1", NULL }, *const both[] = { "h2", "http/1.1", NULL },
                         *const h2[] = { "h2", NULL }, *const reversed[] = { "http/1.1", "h2", NULL };

TEST(protocols_are_agreed_on)
{
    MEET(.c = { .alpn = both }, .s = { .alpn = h1 });
    CHECK_STR(protocols[0], "http/1.1");
    CHECK_STR(protocols[1], "http/1.1");

    /* The server's order counts. */
    MEET(.c = { .alpn = both }, .s = { .alpn = reversed });
    CHECK_STR(protocols[0], "http/1.1");
}

TEST(protocols_that_do_not_fit_end_the_handshake)
{
    MEET_SAYING("there is no application protocol in common (received alert 120, no_application_protocol)",
                "there is no application protocol in common with the client (sent alert 120", .c = { .alpn = h2 },
                .s = { .alpn = h1 });
}

TEST(protocols_are_optional)
{
    MEET(.c = { .alpn = h2 });
    CHECK_STR(protocols[0], "none");
    MEET(.s = { .alpn = h1 });
    CHECK_STR(protocols[1], "none");
}

/* ---- Names and keys ---------------------------------------------------------------------------------------------- */

static const awl_tls_key many_keys[] = { KEY(server_ec), KEY(other), KEY(server_p384), KEY(server_rsa) };

co_def(ask_for, {
    const char *name, *subject;
    awl_tls *ct, *st;
})
{
    co_begin;
    self->ct = new_client(NULL);
    self->st = new_server(NULL, &(awl_tls_options){ .keys = many_keys, .n_keys = 4 });
    co_await(co_call(meet, .ct = self->ct, .st = self->st, .name = self->name, .c_says = "", .s_says = ""));
    CHECK_STR(c_subject, self->subject);
    co_finally;
    awl_tls_release(self->ct);
    awl_tls_release(self->st);
    co_end;
}

TEST(server_shows_the_certificate_that_is_asked_for)
{
    run_virtual(co_call(ask_for, .name = "other.example.net", .subject = "O=awl tests, CN=other"));
    run_virtual(co_call(ask_for, .name = "p384.example.org", .subject = "O=awl tests, CN=server_p384"));
    run_virtual(co_call(ask_for, .name = "a.wild.example.org", .subject = "O=awl tests, CN=server_ec"));
    run_virtual(co_call(ask_for, .name = "EXAMPLE.org", .subject = "O=awl tests, CN=server_ec"));
    run_virtual(co_call(ask_for, .name = "127.0.0.1", .subject = "O=awl tests, CN=server_ec"));
    run_virtual(co_call(ask_for, .name = "::1", .subject = "O=awl tests, CN=server_ec"));
}

/* RFC 6066, section 3 */
TEST(names_are_asked_for_without_a_dot_and_numbers_are_not)
{
    run_virtual(co_call(ask_for, .name = "example.org.", .subject = "O=awl tests, CN=server_ec"));
    CHECK_STR(asked, "example.org");
    run_virtual(co_call(ask_for, .name = "[::1]", .subject = "O=awl tests, CN=server_ec"));
    CHECK_STR(asked, "none");
}

TEST(unknown_name_gets_the_first_certificate_which_the_client_refuses)
{
    MEET_SAYING(
        "localhost.example.com: the certificate is not for localhost.example.com, but for localhost, example.org",
        "does not accept our certificate (received alert 46, certificate_unknown)", .name = "localhost.example.com");
}

TEST(unknown_name_can_be_refused_by_the_server)
{
    MEET_SAYING("nowhere.example.com: the server does not know the name nowhere.example.com (received alert 112, "
                "unrecognized_name)",
                "the client asks for nowhere.example.com, which none of our certificates is for (sent alert 112, "
                "unrecognized_name)",
                .name = "nowhere.example.com", .s = { .refuse_unknown_names = true });
    MEET(.name = "localhost", .s = { .refuse_unknown_names = true });
    MEET(.name = "127.0.0.1", .s = { .refuse_unknown_names = true }); /* which is not asked for */
}

/* ---- Whom clients believe ---------------------------------------------------------------------------------------- */

TLS_TEST(stranger_is_not_believed, {
    awl_trust *trust;
    awl_tls *ct, *st;
})
{
    co_begin;
    self->trust = trust_in(stranger_pem);
    self->ct = new_client(&(awl_tls_options){ .trust = self->trust });
    self->st = new_server(&ec_key, NULL);
    co_await(co_call(meet, .ct = self->ct, .st = self->st, .name = "localhost",
                      .c_says = "localhost: the certificate was issued by 'O=awl tests, CN=ca', which is not among",
                      .s_says = "the client does not accept our certificate (received alert 48, unknown_ca)"));
    co_finally;
    awl_tls_release(self->ct);
    awl_tls_release(self->st);
    awl_trust_release(self->trust);
    co_end;
}

TLS_TEST(chains_with_an_intermediate_are_shown, {
    awl_tls *ct, *st;
    char chain[8192];
    awl_tls_key key;
})
{
    co_begin;
    snprintf(self->chain, sizeof self->chain, "%s%s", deep_pem, middle_pem);
    self->key = (awl_tls_key){
        .cert = self->chain, .cert_len = strlen(self->chain), .key = deep_key, .key_len = sizeof deep_key - 1
    };
    self->ct = new_client(NULL);
    self->st = new_server(&self->key, NULL);
    co_await(co_call(meet, .ct = self->ct, .st = self->st, .name = "deep.example.org", .c_says = "", .s_says = ""));
    awl_tls_release(self->st);
    self->key.cert_len = sizeof deep_pem - 1; /* the leaf alone */
    self->st = new_server(&self->key, NULL);
    co_await(co_call(meet, .ct = self->ct, .st = self->st, .name = "deep.example.org", .s_says = "unknown_ca",
                      .c_says = "perhaps the other side does not send its intermediate certificates"));
    co_finally;
    awl_tls_release(self->ct);
    awl_tls_release(self->st);
    co_end;
}

TEST(verification_can_be_left_out_by_an_ugly_name)
{
    MEET(.name = "nowhere.example.com", .c = { .dangerously_do_not_verify = true });
}

TEST(pins_alone_can_say_whom_to_believe)
{
    const char *other = "localhost: ";
    awl_pin pin;

    MEET(.name = "localhost");
    memcpy(pin.sha256, c_details.key_sha256, sizeof pin.sha256);
    MEET(.c = { .pins = &pin, .n_pins = 1 });
    pin.sha256[0] ^= 1;
    MEET_SAYING(other, "does not accept our certificate", .c = { .pins = &pin, .n_pins = 1 });
}

TLS_TEST(streams_without_tls_have_no_details, {
    two t;
    awl_tls_details d;
})
{
    co_begin;
    open_two(&self->t, NULL, &ec_key, NULL);
    CHECK_INT(awl_tls_info(NULL, &self->d), EINVAL);
    CHECK_INT(awl_tls_info(self->t.c, &self->d), EINVAL);
    SHAKE(&self->t, "localhost");
    CHECK_INT(awl_tls_info(self->t.c, &self->d), 0);
    awl_stream_abort(self->t.c);
    CHECK_INT(awl_tls_info(self->t.c, &self->d), EINVAL);
    co_finally;
    close_two(&self->t);
    co_end;
}

static const char *hex(const uint8_t digest[32])
{
    static char text[65];

    for (int i = 0; i < 32; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
    return text;
}

/* What make_certs.sh says that openssl says of them. */
TEST(details_have_the_digests_of_key_and_certificate)
{
    const uint8_t zero[32] = { 0 };

    MEET(.name = "example.org");
    CHECK(c_details.verified);
    CHECK(!s_details.verified);
    CHECK(!c_details.resumed);
    CHECK_STR(asked, "example.org");
    CHECK_STR(s_subject, "none");
    CHECK_STR(hex(c_details.certificate_sha256), server_ec_sha256);
    CHECK_STR(hex(c_details.key_sha256), server_ec_key_sha256);
    CHECK_MEM(s_details.certificate_sha256, zero, 32);
}

/* ---- Certificates of clients ------------------------------------------------------------------------------------- */

static const awl_tls_key client_keys[] = { KEY(client_ec), KEY(client_rsa), KEY(client_strange) };

/* Which client meets a server that asks so; the server must know it by `subject`, or not at all. */
co_def(meet_client, {
    int key;
    enum awl_tls_ask ask;
    const char *c_says, *s_says;
    awl_tls *ct, *st;
})
{
    co_begin;
    self->ct =
        new_client(&(awl_tls_options){ .keys = &client_keys[self->key < 0 ? 0 : self->key], .n_keys = self->key >= 0 });
    self->st = new_server(&ec_key, &(awl_tls_options){ .ask = self->ask });
    co_await(co_call(meet, .ct = self->ct, .st = self->st, .name = "localhost", .c_says = self->c_says,
                      .s_says = self->s_says));
    co_finally;
    awl_tls_release(self->ct);
    awl_tls_release(self->st);
    co_end;
}

TEST(clients_show_certificates_where_they_are_asked_for)
{
    for (int key = 0; key < 2; key++) {
        run_virtual(co_call(meet_client, .key = key, .ask = AWL_TLS_REQUIRE_CERTIFICATE, .c_says = "", .s_says = ""));
        CHECK_STR(s_subject, key ? "O=awl tests, CN=client_rsa" : "O=awl tests, CN=client_ec");
        CHECK(s_details.verified);
        run_virtual(co_call(meet_client, .key = key, .ask = AWL_TLS_ASK_CERTIFICATE, .c_says = "", .s_says = ""));
        CHECK(s_details.verified);
    }
    run_virtual(co_call(meet_client, .key = -1, .ask = AWL_TLS_ASK_CERTIFICATE, .c_says = "", .s_says = ""));
    CHECK_STR(s_subject, "none");
    CHECK(!s_details.verified);
}

TEST(client_without_a_certificate_is_refused_where_one_is_required)
{
    run_virtual(co_call(meet_client, .key = -1, .ask = AWL_TLS_REQUIRE_CERTIFICATE,
                        .c_says = "the server wants a client certificate, and there is none (received alert 40",
                        .s_says = "it has shown no certificate, which is required"));
}

TEST(client_with_a_bad_certificate_is_refused_even_where_none_is_required)
{
    run_virtual(co_call(meet_client, .key = 2, .ask = AWL_TLS_REQUIRE_CERTIFICATE, .c_says = "unknown_ca",
                        .s_says = "issued by 'O=awl tests, CN=stranger'"));
    run_virtual(co_call(meet_client, .key = 2, .ask = AWL_TLS_ASK_CERTIFICATE, .c_says = "unknown_ca",
                        .s_says = "issued by 'O=awl tests, CN=stranger'"));
}
