/*
 * awl/url.h: URLs taken apart and put together, RFC 3986. SPDX-License-Identifier: MIT
 *
 *     awl_url url;
 *     char text[64];
 *
 *     if (awl_url_parse("http://example.org:8080/a/b?c#d", &url) == 0)
 *         printf("%.*s\n", (int)url.host.len, url.host.at);                          // example.org
 *     awl_url_resolve("http://example.org/a/b", "../c", text, sizeof text);          // http://example.org/c
 *
 * Nothing here allocates, and all of it may be called from any thread.
 */
#ifndef AWL_URL_H
#define AWL_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A part of a text; `at` is NULL where there is no such part, which is another thing than an empty one. */
typedef struct awl_url_part {
    const char *at;
    size_t len;
} awl_url_part;

/* "scheme://user@host:port/path?query#fragment". The host of an IPv6 address is without its brackets. */
typedef struct awl_url {
    awl_url_part scheme, user, host, port, path, query, fragment;
} awl_url;

/*
 * Takes a URL apart, or a reference that is relative to one.
 *
 *   url   points into `text`; untouched on error
 * Result   0; EINVAL: a character that would have to be percent-encoded, an escape that is none, a port that is no number
 *          up to 65535, brackets without an IP address.
 * Source   RFC 3986, 3 and 4; test/http/test_url.c
 */
int awl_url_parse(const char *text, awl_url *url);

/*
 * Writes what `reference` means where it is found at `base`.
 *
 *   base   absolute
 *   out    takes up to `cap` bytes, a zero byte at the end included; may be NULL if cap is 0
 * Result   the length of the whole, which was cut off if it is not less than cap; -EINVAL: base or reference is none.
 * Source   RFC 3986, 5.2 to 5.4; test/http/test_url.c
 */
ssize_t awl_url_resolve(const char *base, const char *reference, char *out, size_t cap);

/* The port that is written in it, else that of its scheme (http 80, https 443, ws 80, wss 443), else -1. */
int awl_url_port(const awl_url *url);

/* Whether a part is this text: exactly; in any case. */
bool awl_url_part_is(awl_url_part part, const char *text);
bool awl_url_part_is_nocase(awl_url_part part, const char *text);

/*
 * Percent-encodes what is not unreserved (letters, digits, '-', '.', '_', '~'), but for the characters of `keep`.
 *
 * Result   the length of the whole, as above.
 * Source   RFC 3986, 2.1; test/http/test_url.c
 */
size_t awl_url_encode(const char *text, size_t len, const char *keep, char *out, size_t cap);

#endif
