/* What went wrong, for a person; and the alert that says so to the other side (RFC 5246, section 7.2.2; RFC 8446, 6.2).
 */
#include <stdarg.h>
#include <stdio.h>

#include "bearssl_priv.h"

enum { RECEIVED = BR_ERR_RECV_FATAL_ALERT, SENT = BR_ERR_SEND_FATAL_ALERT };

typedef struct name {
    uint16_t number;
    const char *text;
} name;

static const name alerts[] = {
    { 10, "unexpected_message" },
    { 20, "bad_record_mac" },
    { 21, "decryption_failed" },
    { 22, "record_overflow" },
    { 30, "decompression_failure" },
    { 40, "handshake_failure" },
    { 42, "bad_certificate" },
    { 43, "unsupported_certificate" },
    { 44, "certificate_revoked" },
    { 45, "certificate_expired" },
    { 46, "certificate_unknown" },
    { 47, "illegal_parameter" },
    { 48, "unknown_ca" },
    { 49, "access_denied" },
    { 50, "decode_error" },
    { 51, "decrypt_error" },
    { 70, "protocol_version" },
    { 71, "insufficient_security" },
    { 80, "internal_error" },
    { 86, "inappropriate_fallback" },
    { 90, "user_canceled" },
    { 100, "no_renegotiation" },
    { 109, "missing_extension" },
    { 110, "unsupported_extension" },
    { 112, "unrecognized_name" },
    { 113, "bad_certificate_status_response" },
    { 115, "unknown_psk_identity" },
    { 116, "certificate_required" },
    { 120, "no_application_protocol" },
};

static const name suites[] = {
    { BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
    { BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
    { BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
    { BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
    { BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
};

static const char *find(const name *names, size_t n, unsigned number, const char *otherwise)
{
    for (size_t i = 0; i < n; i++) {
        if (names[i].number == number)
            return names[i].text;
    }
    return otherwise;
}

#define FIND(names, number, otherwise) find((names), sizeof(names) / sizeof *(names), (number), (otherwise))

const char *awl__br_suite_name(uint16_t suite) { return FIND(suites, suite, "none"); }

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

static int say(char *text, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int say(char *text, size_t cap, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(text, cap, format, args);
    va_end(args);
    return AWL_ETLS;
}

/* Whether what the other side began with can be a record at all (RFC 5246, section 6.2.1). */
static bool begins_like_tls(const awl__br_engine *e)
{
    return e->first_len == 0 || (e->first[0] >= 20 && e->first[0] <= 23 && (e->first_len < 2 || e->first[1] == 3));
}

/* "HTTP/1.1", with what is not printable as \xNN. */
static const char *quote(const awl__br_engine *e, char *text)
{
    char *at = text;

    for (int i = 0; i < e->first_len; i++) {
        const uint8_t c = e->first[i];

        at += sprintf(at, c >= ' ' && c < 127 && c != '\\' && c != '"' ? "%c" : "\\x%02x", c);
    }
    *at = '\0';
    return text;
}

/* What these eight bytes usually are the beginning of. */
static const char *guess(const awl__br_engine *e)
{
    static const struct {
        const char *begin, *what;
    } known[] = {
        { "HTTP/", ": a plain HTTP server" }, { "GET ", ": a plain HTTP client" }, { "POST ", ": a plain HTTP client" },
        { "HEAD ", ": a plain HTTP client" }, { "SSH-", ": an SSH server" },       { "220", ": an FTP or SMTP server" },
        { "* OK", ": an IMAP server" },       { "+OK", ": a POP3 server" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t len = strlen(known[i].begin);

        if (len <= e->first_len && memcmp(known[i].begin, e->first, len) == 0)
            return known[i].what;
    }
    return "";
}

static const char *version_name(unsigned version)
{
    return version == 0x0300   ? "SSL 3.0"
           : version == 0x0301 ? "TLS 1.0"
           : version == 0x0302 ? "TLS 1.1"
           : version == 0x0303 ? "TLS 1.2"
                               : "an unknown version";
}

/* The other side ended it with an alert. */
static int explain_received(const awl__br_engine *e, unsigned alert, char *text, size_t cap)
{
    const char *called = FIND(alerts, alert, "unknown"), *who = e->is_server ? "client" : "server";
    const bool had_key = e->key != NULL;

    switch (alert) {
    case 40:
        if (e->is_server)
            break;
        if (e->asked && !had_key)
            return say(text, cap, "the server wants a client certificate, and there is none (received alert 40, %s)",
                       called);
        return say(text, cap,
                   "the server refuses the handshake: there is no cipher suite in common, it speaks nothing later than "
                   "TLS 1.1, it does not serve this name, or it wants %s client certificate (received alert 40, %s)",
                   had_key ? "another" : "a", called);
    case 70:
        return e->is_server ? say(text, cap, "the client does not speak TLS 1.2 (received alert 70, %s)", called)
                            : say(text, cap,
                                  "the server requires TLS 1.3, or only speaks versions before 1.2, the one that "
                                  "is spoken here (received alert 70, %s)",
                                  called);
    case 116:
        return say(text, cap, "the server wants a client certificate (received alert 116, %s)", called);
    case 112:
        if (e->is_server || !*e->br.eng.server_name)
            break;
        return say(text, cap, "the server does not know the name %s (received alert 112, %s)", e->br.eng.server_name,
                   called);
    case 120:
        return say(text, cap, "there is no application protocol in common (received alert 120, %s)", called);
    default:
        break;
    }
    if ((alert >= 42 && alert <= 46) || alert == 48 || alert == 49)
        return say(text, cap, "the %s does not accept our certificate (received alert %u, %s)", who, alert, called);
    return say(text, cap, "the %s ended the connection (received alert %u, %s)", who, alert, called);
}

/* BearSSL ended it with an alert, as a server does while it reads the ClientHello. */
static int explain_sent(const awl__br_engine *e, unsigned alert, char *text, size_t cap)
{
    const char *called = FIND(alerts, alert, "unknown");

    if (e->unknown_name)
        return say(text, cap, "the client asks for %s, which none of our certificates is for (sent alert %u, %s)",
                   e->br.eng.server_name, alert, called);
    switch (alert) {
    case 40:
        return say(text, cap,
                   "there is no cipher suite, curve or signature in common with the client; perhaps it speaks "
                   "TLS 1.3 only, or nothing later than TLS 1.1 (sent alert 40, %s)",
                   called);
    case 70:
        return say(text, cap, "the client speaks nothing later than %s: TLS 1.2 is required (sent alert 70, %s)",
                   version_name(e->shrunk ? 0 : e->br.server.client_max_version), called);
    case 120:
        return say(text, cap, "there is no application protocol in common with the client (sent alert 120, %s)",
                   called);
    default:
        return say(text, cap, "the handshake failed (sent alert %u, %s)", alert, called);
    }
}

/* What BearSSL finds wrong with the other side, and the alert that says so; 80, internal_error, where it is our own. */
static const struct fault {
    uint8_t error, alert;
    const char *text;
} faults[] = {
    { BR_ERR_BAD_PARAM, 50, "it sends a message that is malformed" },
    { BR_ERR_UNSUPPORTED_VERSION, 70, "it sends records of a version that was not agreed on" },
    { BR_ERR_BAD_VERSION, 70, "it sends records of a version that was not agreed on" },
    { BR_ERR_BAD_LENGTH, 22, "it sends a record that is larger than TLS allows, or too small" },
    { BR_ERR_TOO_LARGE, 22, "it sends a record that is larger than TLS allows" },
    { BR_ERR_BAD_MAC, 20, "a record was changed on its way, or is not from it" },
    { BR_ERR_UNKNOWN_TYPE, 10, "it sends a record of a type that has no place here" },
    { BR_ERR_UNEXPECTED, 10, "it sends a message that has no place here" },
    { BR_ERR_BAD_CCS, 50, "it sends a message that is malformed" },
    { BR_ERR_BAD_ALERT, 50, "it sends an alert that is malformed" },
    { BR_ERR_BAD_HANDSHAKE, 50, "it sends a message that is malformed" },
    { BR_ERR_OVERSIZED_ID, 50, "it sends a session id that is too long" },
    { BR_ERR_BAD_CIPHER_SUITE, 47, "it chose a cipher suite that was not offered" },
    { BR_ERR_BAD_COMPRESSION, 47, "it chose a compression that was not offered" },
    { BR_ERR_BAD_FRAGLEN, 47, "it sends a maximum fragment length that was not offered" },
    { BR_ERR_BAD_SECRENEG, 40, "it fails at secure renegotiation" },
    { BR_ERR_EXTRA_EXTENSION, 110, "it sends an extension that was not offered" },
    { BR_ERR_BAD_SNI, 50, "it sends a server name that is malformed" },
    { BR_ERR_BAD_HELLO_DONE, 50, "it sends a message that is malformed" },
    { BR_ERR_LIMIT_EXCEEDED, 47, "it sends a key or signature that is too large: RSA goes up to 4096 bits" },
    { BR_ERR_BAD_FINISHED, 51, "the handshake was changed on its way" },
    { BR_ERR_RESUME_MISMATCH, 47, "it resumes a session otherwise than it was made" },
    { BR_ERR_INVALID_ALGORITHM, 47, "it uses an elliptic curve, hash or signature that was not offered" },
    { BR_ERR_BAD_SIGNATURE, 51, "it does not have the key of its certificate" },
    { BR_ERR_WRONG_KEY_USAGE, 43, "the key of its certificate is of another kind, or for another use, than is needed" },
    { BR_ERR_NO_CLIENT_AUTH, 40, "it has shown no certificate, which is required" },
    { BR_ERR_X509_UNSUPPORTED, 43, "its certificate has a key of a kind that is not supported" },
    { BR_ERR_X509_EXPIRED, 45, "its certificate has expired, or is not good yet" },
    { BR_ERR_X509_BAD_SERVER_NAME, 46, "its certificate is for another name" },
    { BR_ERR_X509_TIME_UNKNOWN, 46, "its certificate cannot be checked" },
    { BR_ERR_X509_NOT_CA, 48, "its certificate was not issued by a CA" },
    { BR_ERR_X509_FORBIDDEN_KEY_USAGE, 43, "its certificate is for another use" },
    { BR_ERR_X509_WEAK_PUBLIC_KEY, 43, "its certificate has a weak key" },
    { BR_ERR_X509_NOT_TRUSTED, 48, "its certificate is not trusted" },
};

static const struct fault *find_fault(int error)
{
    static const struct fault of_certificate = { 0, 42, "its certificate is malformed" };
    static const struct fault other = { 0, 80, "the handshake failed" };

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (faults[i].error == error)
            return &faults[i];
    }
    return error > BR_ERR_X509_OK ? &of_certificate : &other;
}

static int last_error(const awl__br_engine *e)
{
    return e->refused ? e->refused : br_ssl_engine_last_error(&e->br.eng);
}

int awl__br_explain(const awl__tls_engine *engine, char *text, size_t cap)
{
    const awl__br_engine *e = awl__br_of(engine);
    const int error = last_error(e);
    char quoted[4 * sizeof e->first + 1];
    int ours;

    text[0] = '\0';
    if (e->error && !e->refused)
        return e->error;
    if (error == BR_ERR_OK)
        return 0;
    ours = e->verify ? awl__verify_explain(e->verify, error, text, cap) : 0;
    if (ours)
        return ours;
    if (!begins_like_tls(e))
        return say(text, cap, "the peer does not speak TLS%s (it began with \"%s\")", guess(e), quote(e, quoted));
    if (error >= SENT)
        return explain_sent(e, (unsigned)error - SENT, text, cap);
    if (error >= RECEIVED)
        return explain_received(e, (unsigned)error - RECEIVED, text, cap);
    if (error == BR_ERR_UNSUPPORTED_VERSION && !e->is_server)
        return say(text, cap, "the server speaks %s: TLS 1.2 is required", version_name(e->br.eng.version_in));
    say(text, cap, "the %s is at fault: %s (error %d)", e->is_server ? "client" : "server", find_fault(error)->text,
        error);
    return error == BR_ERR_NO_CLIENT_AUTH || error == BR_ERR_WRONG_KEY_USAGE ? AWL_ECERTIFICATE : AWL_ETLS;
}

/* ---- Alerts ------------------------------------------------------------------------------------------------------ */

uint8_t awl__br_alert(const awl__br_engine *e)
{
    const int error = last_error(e);

    if (e->unknown_name)
        return 112;
    if (!begins_like_tls(e) || error == BR_ERR_OK || error >= RECEIVED)
        return e->error == ENOMEM ? 80 : 0;
    return find_fault(error)->alert;
}
