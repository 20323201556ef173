/*
 * awl/tls.h: TLS, as a client and as a server, over any stream. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(head, { awl_stream_options options; awl_stream *s; char *line; })
 *     {
 *         co_begin;
 *         self->options.tls = awl_tls_client(NULL); // never NULL; if it cannot be used, the next line says why
 *         co_let(self->s, awl_open_connection("example.org", 443, &self->options));
 *         awl_stream_print(self->s, "HEAD / HTTP/1.0\r\nHost: %s\r\n\r\n", "example.org");
 *         co_let(self->line, awl_stream_readline(self->s, NULL));
 *         fputs(self->line ? self->line : "no answer\n", stdout);
 *         co_finally;
 *         awl_stream_close(self->s);
 *         awl_tls_release(self->options.tls);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(head)); }
 *
 * A CONTEXT, awl_tls, is what many connections share: whom to trust, our own keys, sessions to resume. It never changes
 * once it is made. A stream speaks TLS when it is opened with a context (awl_stream_options.tls, for
 * awl_open_connection and awl_start_server), or from awl_start_tls on; then everything in awl/stream.h is as it is
 * without.
 *
 * THE PROFILE is TLS 1.2 with ephemeral elliptic-curve keys and AES-GCM or ChaCha20-Poly1305 (RFC 5246, 5288, 7905),
 * signed with RSA of 2,048 bits or more, or ECDSA, and SHA-256 or SHA-384. There is no renegotiation and no
 * compression. What a client checks of a server's certificate is in awl/trust.h.
 *
 * ERRORS are few: AWL_ETLS, AWL_ECERTIFICATE, AWL_ETRUNCATED, AWL_ETRUST, AWL_EKEY. awl_error_message says of each what
 * a person can act on: which host, what it sent, which dates, names or files do not fit.
 *
 * ENDING. awl_stream_close and awl_stream_wait_closed say goodbye (close_notify) before the connection ends. A
 * connection that ends without the other side's goodbye may have been cut off by somebody in between: reading it ends
 * in AWL_ETRUNCATED instead of the end of the stream. There is no half close: awl_stream_write_eof is EOPNOTSUPP.
 *
 * MEMORY. An idle connection takes about 5 kB. Buffers of up to 32 kB come and go with what is read and written.
 */
#ifndef AWL_TLS_H
#define AWL_TLS_H

#include "awl/stream.h"
#include "awl/trust.h"

/* A context, awl_tls (awl/stream.h), belongs to the loop in which it was made. */

/* A key of ours and its certificates: from files, or from memory. All is read while the context is made. */
typedef struct awl_tls_key {
    const char *cert_file; /* PEM: the certificate of the key first, then those that lead to a CA, in order */
    const char *key_file;  /* PEM: PKCS #8, PKCS #1 (RSA) or SEC 1 (EC), not encrypted; NULL: it is in cert_file */
    const void *cert;      /* or the same as text in memory, where cert_file is NULL */
    const void *key;       /* NULL: it is in `cert` */
    size_t cert_len, key_len;
} awl_tls_key;

/* What a server asks its clients for. */
enum awl_tls_ask {
    AWL_TLS_ASK_NOTHING,
    AWL_TLS_ASK_CERTIFICATE, /* a client without one is let in; one with a bad one is not */
    AWL_TLS_REQUIRE_CERTIFICATE
};

/* Zero is the default of every option. What they point to need not outlive the call. */
typedef struct awl_tls_options {
    awl_trust *trust;    /* whose certificates to believe; NULL: a client, those that the system trusts. One that
                            could not be made (awl_trust_error) is this context's error */
    const awl_pin *pins; /* one certificate of those that lead to the peer, with the trusted one at the end, must have
                            one of these keys (RFC 7469, section 2.6) */
    size_t n_pins;
    /* A client then believes whatever it is shown. Who can change the traffic can read and change it all. */
    bool dangerously_do_not_verify;

    const char *cert_file, *key_file; /* short for one of `keys`, which goes first */
    const awl_tls_key *keys;          /* a server picks by the name that it is asked for, and what the client
                                       * can check */
    size_t n_keys;

    const char *const *alpn; /* application protocols, the best first, then NULL (RFC 7301) */

    enum awl_tls_ask ask;      /* servers; other than nothing, `trust` says whom to believe, and has a CA in it */
    bool refuse_unknown_names; /* servers: a client that asks for a name that is in no certificate is refused (alert
                                * unrecognized_name); else it gets the first */
    int max_handshakes;        /* servers: steps of handshakes in an iteration of the loop; 8; negative: no limit */

    int sessions;               /* to keep for resumption: 64 in a client, 1,024 in a server; negative: none */
    awl_time session_life;      /* how long they are good; 2 hours, at most 24 */
    awl_time handshake_timeout; /* 60 s, as in asyncio */
    awl_time close_timeout;     /* until the goodbye is sent; 30 s, as in asyncio */
    bool tolerate_truncation;   /* a connection that just ends is the end of the stream, not AWL_ETRUNCATED */
} awl_tls_options;

/*
 * Makes a context for connections that we open, or that others open to us.
 *
 *   options   may be NULL, for a client; a server needs a key
 * Result   the context, never NULL: NULL in awl_stream_options.tls means plain text. Where it could not be made, errno
 *          is set, and it is one that cannot be used: awl_open_connection, awl_start_server and awl_start_tls end with
 *          its error and text before they do anything.
 * Errors   of awl_tls_error and errno: AWL_EKEY: a key or certificate cannot be read or used, or they do not belong to
 *          each other; AWL_ETRUST: there is nobody to believe; EINVAL: the options contradict each other, or no loop
 *          runs; ENOMEM. awl_error_message names the file or option, and says what is wrong.
 * Owns     the caller releases it, also one that cannot be used; streams and servers hold references of their own.
 * Context  the loop's thread; reads the files at once. A certificate of ours whose time is over, or has not come, is
 *          reported (awl_loop_options.report), and no error.
 * Source   ssl.create_default_context, SSLContext.load_cert_chain; test/tls/test_context.c
 */
awl_tls *awl_tls_client(const awl_tls_options *options) __attribute__((warn_unused_result));
awl_tls *awl_tls_server(const awl_tls_options *options) __attribute__((warn_unused_result));

/* Why a context cannot be used, as above: 0, it can; EINVAL for NULL. Source: test/tls/test_context.c */
int awl_tls_error(const awl_tls *tls);

/* Gives a reference back; takes one more. NULL is let be. All must be given back before the loop is closed. */
void awl_tls_release(awl_tls *tls);
awl_tls *awl_tls_retain(awl_tls *tls);

/*
 * Begins to speak TLS on a stream that is open, in the role of the context: as STARTTLS does, or for a stream that did
 * not come from awl_open_connection. Bytes that were read ahead are the beginning of what the other side says.
 *
 *   s      nothing may be unsent, and no read pending
 *   tls    a context; awl_start_tls takes a reference of its own
 *   name   of the server, for a client: a host name or an IP address; NULL only with pins, or without verification.
 *          NULL for a server. Valid until the operation completes
 * Result   none.
 * Errors   AWL_ETLS, AWL_ECERTIFICATE, AWL_ETRUST: awl_error_message says why; that of a context that cannot be used
 *          (awl_tls_error); ETIMEDOUT; EBUSY if bytes are unsent, a read is pending, or a handshake is at work on the
 *          stream; EPIPE after awl_stream_write_eof; EINVAL, also if the stream speaks TLS already; AWL_EOTHERLOOP;
 *          ECANCELED; ENOMEM; the stream's error; ECONNABORTED.
 * Owns     the stream holds a reference to the context. After an error other than that of the context, EBUSY, EINVAL,
 *          EPIPE and AWL_EOTHERLOOP the stream is of no use, but to be closed.
 * Context  loop thread; suspends until the handshake is over. A cancelled handshake aborts the stream.
 * Source   asyncio.StreamWriter.start_tls; test/tls/test_start.c
 */
AWL_CORO awl_start_tls(awl_stream *s, awl_tls *tls, const char *name);

/* What became of a handshake. The texts live as long as the stream. */
typedef struct awl_tls_details {
    const char *version;     /* "TLSv1.2" */
    const char *suite;       /* as IANA names it: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" */
    const char *protocol;    /* the application protocol that both know; NULL: none was agreed on */
    const char *server_name; /* that the client asked for; NULL: none */
    bool resumed;            /* a session of before: no certificates were exchanged, those below are of that time */
    bool verified;           /* the other side has shown a certificate, and it was checked */
    const char *subject;     /* of that certificate: "CN=example.org, O=Example"; NULL: it has shown none */
    uint8_t certificate_sha256[32]; /* of it, in DER; zeros: none */
    uint8_t key_sha256[32];         /* of its public key, as a pin has it (awl/trust.h) */
} awl_tls_details;

/*
 * Says what a stream's TLS is like.
 *
 *   details   written only on success
 * Result   0; EINVAL: the stream does not speak TLS, or is NULL.
 * Source   asyncio's get_extra_info("ssl_object"); test/tls/test_roles.c
 */
int awl_tls_info(const awl_stream *s, awl_tls_details *details);

#endif
