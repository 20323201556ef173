/* The inside of cookie jars. */
#ifndef AWL_HTTP_COOKIES_H
#define AWL_HTTP_COOKIES_H

#include "awl/cookies.h"
#include "awl/url.h"

enum { AWL__COOKIE_MOST = 4096 }; /* bytes of a name and its value, and of a path or domain */

typedef struct awl__cookie {
    struct awl__cookie *next; /* in the order of creation */
    int64_t expires;          /* INT64_MAX: when the session ends */
    uint64_t used;            /* when it was sent or set last: a number that grows */
    size_t size, path_len;
    const char *name, *value, *domain, *path;
    bool host_only, secure, http_only;
    char text[];
} awl__cookie;

struct awl_cookie_jar {
    awl_loop *loop;
    uint32_t refs;
    awl__cookie *first;
    size_t count;
    uint64_t turn;
};

/* What a Set-Cookie says, as parts of it. */
typedef struct awl__cookie_line {
    awl_url_part name, value, domain, path;
    int64_t expires; /* INT64_MAX: nothing was said */
    bool secure, http_only, has_max_age;
} awl__cookie_line;

/* 0 or EINVAL (cookie_line.c). */
int awl__cookie_parse(const char *line, int64_t now, awl__cookie_line *parsed);

/* A date as RFC 6265, 5.1.1 reads it: seconds since 1970. false: it is none. */
bool awl__cookie_date(awl_url_part text, int64_t *seconds);

/* Puts a cookie into the jar, in place of one of the same name, domain and path. One that has expired only takes that
 * away. 0 or ENOMEM (cookie_jar.c). */
int awl__jar_put(awl_cookie_jar *jar, const awl__cookie_line *line, bool host_only);

int64_t awl__jar_now(const awl_cookie_jar *jar);

#endif
