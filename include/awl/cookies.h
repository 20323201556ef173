/*
 * awl/cookies.h: a jar of cookies, as browsers keep them: RFC 6265, and what RFC 6265bis adds for Secure.
 * SPDX-License-Identifier: MIT
 *
 *     awl_cookie_jar *jar = awl_cookie_jar_new();
 *     char text[256];
 *
 *     awl_cookie_jar_set(jar, "https://example.org/a", "id=7; Domain=example.org; Secure");
 *     awl_cookie_jar_get(jar, "https://www.example.org/b", text, sizeof text);                    // id=7
 *
 * A session of the HTTP client has one of its own, unless it is given one that others use, too. A jar is used by one
 * loop and lies in its memory. Nothing here suspends.
 *
 * WHO GETS A COOKIE. The host that set it; with Domain, those below that, too; with Path, what is below that. Secure
 * ones go over https only, and can be set over https only. A Domain of one word ("com") is refused; there is no list
 * of other suffixes that are public, so jars are for hosts that one asks for, not for all of the web.
 *
 * HOW MANY: 50 for a domain and 3,000 in all, of 4,096 bytes each; those that were not sent for longest go first.
 */
#ifndef AWL_COOKIES_H
#define AWL_COOKIES_H

#include "awl/loop.h"

typedef struct awl_cookie_jar awl_cookie_jar;

/* A cookie of a jar; the texts are the jar's, until it is changed. */
typedef struct awl_cookie {
    const char *name, *value, *domain, *path;
    int64_t expires; /* seconds since 1970; 0: when the session ends */
    bool host_only;  /* for its domain alone, not for hosts below */
    bool secure, http_only;
} awl_cookie;

/*
 * Makes a jar of the running loop.
 *
 * Result   the jar; NULL with errno ENOMEM, or EINVAL without a running loop.
 * Owns     the caller releases it, before the loop is closed; sessions hold references of their own.
 * Source   aiohttp.CookieJar; test/http/test_cookies.c
 */
awl_cookie_jar *awl_cookie_jar_new(void) __attribute__((warn_unused_result));
void awl_cookie_jar_release(awl_cookie_jar *jar);
awl_cookie_jar *awl_cookie_jar_retain(awl_cookie_jar *jar);

/*
 * Takes what a field Set-Cookie says in a response from `url`.
 *
 * Result   0; EPERM: that host may not set it; EINVAL: it is no cookie, or the URL none; ENOMEM.
 * Source   RFC 6265, 5.2 and 5.3; test/http/test_cookies.c
 */
int awl_cookie_jar_set(awl_cookie_jar *jar, const char *url, const char *line);

/*
 * Writes what the field Cookie is to say in a request to `url`: "a=b; c=d", those with longer paths first, then older
 * ones.
 *
 *   out   takes up to `cap` bytes, a zero byte at the end included; may be NULL if cap is 0
 * Result   the length of the whole, which was cut off if it is not less than cap; 0: there is none, or the URL is none.
 * Source   RFC 6265, 5.4; test/http/test_cookies.c
 */
size_t awl_cookie_jar_get(awl_cookie_jar *jar, const char *url, char *out, size_t cap);

/* How many there are; the one at `index`, in the order in which they were set. false: there are not so many. */
size_t awl_cookie_jar_count(const awl_cookie_jar *jar);
bool awl_cookie_jar_at(const awl_cookie_jar *jar, size_t index, awl_cookie *cookie);

/* Drops all, or those of a domain and what is below it. */
void awl_cookie_jar_clear(awl_cookie_jar *jar, const char *domain);

/*
 * Reads, or writes, a file in Netscape's format, which curl and browsers' extensions know. Cookies of the session are
 * in it, with 0 for their end. What is read is added; lines that are no cookies are skipped.
 *
 * Result   0; ENOMEM; EINVAL; what opening, reading or writing brought. The file is replaced only when all is written,
 *          and others than its owner cannot read it.
 * Context  blocks for as long as the disk takes.
 * Source   curl's --cookie-jar; test/http/test_cookies.c
 */
int awl_cookie_jar_load(awl_cookie_jar *jar, const char *path);
int awl_cookie_jar_save(const awl_cookie_jar *jar, const char *path);

#endif
