/*
 * awl/trust.h: whom to believe. Sets of trust anchors, and pins. SPDX-License-Identifier: MIT
 *
 *     #include <awl/trust.h>
 *
 *     co_def(fetch, { awl_trust *trust; })
 *     {
 *         co_begin;
 *         self->trust = awl_trust_from_file("my-ca.pem");
 *         if (awl_trust_error(self->trust))       // a set that could not be made is an error when TLS is given it, too
 *             co_raise(errno);                    // awl_error_message says which file, line and object
 *         …                                       // give it to TLS, which retains it
 *         co_finally;
 *         awl_trust_release(self->trust);
 *         co_end;
 *     }
 *
 * ANCHORS. A set is made once, is never changed and is shared by reference counts. Each of its anchors is a name, a
 * key, the time for which they are good, and what and whom the certificate says that its key may be used for; the rest
 * of it is dropped. A certificate that says it is a CA (basicConstraints), and a version 1 certificate that
 * issued itself, is a CA anchor: it vouches for what its key has signed. Any other one is a leaf anchor: it vouches for
 * a peer that has this name and key, as one of the hosts that the anchor names, and for nothing else. Equal
 * certificates are kept once. An anchor whose time is over, or has not come, is passed over whenever a peer is checked,
 * not when the set is made: a device may run for years.
 *
 * OBJECTS THAT CANNOT BE USED. A certificate with a key that is neither RSA of 2,048 to 4,096 bits nor EC on P-256,
 * P-384 or P-521 is skipped, and so is one with a critical extension that awl cannot obey. Damage is another thing: a
 * PEM object that does not decode, or whose content is no certificate, makes a file or a memory fail as a whole, as it
 * was written by hand or cut off; in a folder and in the system's bundle it is skipped and counted, as one bad file
 * there must not cut a device off. A set with no anchor at all is never made.
 *
 * MEMORY. A set is one block of the loop's memory and belongs to that loop; anchors that were compiled in are used
 * where they lie. The 144 of Debian 12 take 65 kB; what awl-trust-to-c makes of them takes none.
 *
 * HOW PEERS ARE JUDGED. A server's certificate must name the wanted host in subjectAltName (RFC 9525: no common name;
 * `*` as the whole first label only, above two others; IP addresses as such), be for servers if it says what it is for,
 * and lead to an anchor over CAs that may issue it: dates, path lengths, key usage, purposes and name constraints of
 * all of them count, those of the anchor included. RSA from 2,048 bits and SHA-256 are the least. Up to 12 certificates
 * and 32 kB are taken, in any order behind the peer's own. Revocation is not looked at.
 */
#ifndef AWL_TRUST_H
#define AWL_TRUST_H

#include <stddef.h>

/* A set of trust anchors. */
typedef struct awl_trust awl_trust;

/* Anchors that are compiled in: `awl-trust-to-c -n NAME CA.pem… > anchors.c` writes a constant of this type. */
typedef struct awl_anchors {
    const unsigned char *data_;
    size_t size_;
} awl_anchors;

/*
 * Makes a set of what is in a PEM file: all its certificates. Other objects, and text around them, are passed over.
 *
 * Result   the set, never NULL: NULL in awl_tls_options.trust means those that the system trusts. Where it could not be
 *          made, errno is set, and it is one that holds nothing: a context of TLS that is given it cannot be used.
 * Errors   of awl_trust_error and errno: AWL_ETRUST (awl_error_message names the file, and the line and number of the
 *          object), ENOMEM, or EINVAL for NULL or without a running loop.
 * Owns     the caller releases it, before the loop is closed.
 * Context  the loop's thread; reads the file at once. Pipes and devices are refused, not waited for.
 * Source   ssl.SSLContext.load_verify_locations; RFC 7468; test/tls/test_trust.c
 */
awl_trust *awl_trust_from_file(const char *path) __attribute__((warn_unused_result));

/*
 * The same of all files of a folder; names that begin with a dot are left out. Files that cannot be read, and objects
 * that are damaged, are skipped and counted.
 */
awl_trust *awl_trust_from_folder(const char *path) __attribute__((warn_unused_result));

/* The same of `len` bytes of memory: PEM objects, or one certificate in DER. They are copied. */
awl_trust *awl_trust_from_memory(const void *data, size_t len) __attribute__((warn_unused_result));

/*
 * Makes a set of anchors that were compiled in, and uses them where they lie.
 *
 *   anchors   and what they point to must outlive the set
 * Result   as above. AWL_ETRUST: they are damaged, or of another version of awl.
 * Source   test/tls/test_trust.c
 */
awl_trust *awl_trust_from_anchors(const awl_anchors *anchors) __attribute__((warn_unused_result));

/*
 * The set that the system trusts. SSL_CERT_FILE in the environment names its file and SSL_CERT_DIR its folders, with
 * colons between them, where they are set and the program is not running with another user's rights: then it is what
 * both hold. Otherwise it is the first that holds anchors of
 *     /etc/ssl/certs/ca-certificates.crt     Debian, Alpine, Arch, Gentoo, OpenWrt, Buildroot
 *     /etc/pki/tls/certs/ca-bundle.crt       Red Hat, Fedora
 *     /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem     where these have it in fact
 *     /etc/ssl/ca-bundle.pem                 openSUSE
 *     /etc/ssl/cert.pem                      Alpine, the BSDs
 *     /etc/ssl/certs                         a folder of certificates
 * It is loaded once for a loop, which keeps it until it is closed. Nothing else is trusted in its stead.
 *
 * Result   the set, retained for the caller; as above. Of AWL_ETRUST, awl_error_message names every path that was
 *          tried, and what was wrong with it.
 * Owns     the caller releases it.
 * Source   ssl.SSLContext.set_default_verify_paths; test/tls/test_trust.c
 */
awl_trust *awl_trust_system(void) __attribute__((warn_unused_result));

/* Why a set could not be made: AWL_ETRUST, ENOMEM, EINVAL (also for NULL); 0: it was. Source: test/tls/test_trust.c */
int awl_trust_error(const awl_trust *trust);

/* Counts one user more. Result: `trust`. NULL is let be. */
awl_trust *awl_trust_retain(awl_trust *trust);

/* Counts one user less; the last one's frees the set. NULL is let be. Source: test/tls/test_trust.c */
void awl_trust_release(awl_trust *trust);

/* How many anchors are in it; how many objects and files were skipped on the way; bytes of memory that it takes; where
 * it came from, every file and folder with commas between them, as a text that lives as long as it does. NULL has none.
 * Source: test/tls/test_trust.c */
size_t awl_trust_count(const awl_trust *trust);
size_t awl_trust_skipped(const awl_trust *trust);
size_t awl_trust_bytes(const awl_trust *trust);
const char *awl_trust_source(const awl_trust *trust);

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

/* A pin names a public key: the SHA-256 of its SubjectPublicKeyInfo in DER (RFC 7469, section 2.4). */
typedef struct awl_pin {
    unsigned char sha256[32];
} awl_pin;

/*
 * Reads a pin as curl and browsers write it: "sha256/" or "sha256//", then 44 characters of base64. For a certificate
 *     openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
 * prints them.
 *
 *   pin   written only on success
 * Result   0; EINVAL: it is not of that form.
 * Source   test/tls/test_trust.c
 */
int awl_pin_parse(awl_pin *pin, const char *text);

#endif
