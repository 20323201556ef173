/* Jars: which cookies are kept, and who gets them; see awl/cookies.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../loop/loop_priv.h"
#include "cookies_priv.h"
#include "../http/parser.h"

enum { MOST_OF_DOMAIN = 50, MOST = 3000 }; /* RFC 6265, 6.1 */

/* ---- Making ----------------------------------------------------------------------------------------------------- */

awl_cookie_jar *awl_cookie_jar_new(void)
{
    awl_loop *loop = awl_running_;
    awl_cookie_jar *jar = loop ? awl__alloc(loop, sizeof *jar) : NULL;

    if (jar)
        *jar = (awl_cookie_jar){ .loop = loop, .refs = 1 };
    else
        errno = loop ? ENOMEM : EINVAL;
    return jar;
}

awl_cookie_jar *awl_cookie_jar_retain(awl_cookie_jar *jar)
{
    if (jar)
        jar->refs++;
    return jar;
}

/* Takes the cookie at *at out. */
static void drop(awl_cookie_jar *jar, awl__cookie **at)
{
    awl__cookie *c = *at;

    *at = c->next;
    jar->count--;
    awl__free(jar->loop, c, c->size);
}

void awl_cookie_jar_release(awl_cookie_jar *jar)
{
    if (!jar || --jar->refs)
        return;
    while (jar->first)
        drop(jar, &jar->first);
    awl__free(jar->loop, jar, sizeof *jar);
}

/* Where time is virtual, cookies grow old by that. */
int64_t awl__jar_now(const awl_cookie_jar *jar)
{
    return jar->loop->fixed_clock ? jar->loop->now / AWL_SECOND : (int64_t)time(NULL);
}

/* ---- Who is who: RFC 6265, 5.1.3 and 5.1.4 ---------------------------------------------------------------------- */

static bool same(awl_url_part a, const char *b, size_t len) { return a.len == len && strncasecmp(a.at, b, len) == 0; }

static bool is_address(awl_url_part host)
{
    struct in_addr v4;
    char text[INET_ADDRSTRLEN];

    if (memchr(host.at, ':', host.len))
        return true;
    if (host.len >= sizeof text)
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, &v4) == 1;
}

/* Whether a host is a domain, or below it. */
static bool is_within(awl_url_part host, awl_url_part domain)
{
    if (same(host, domain.at, domain.len))
        return true;
    return host.len > domain.len && host.at[host.len - domain.len - 1] == '.' &&
           strncasecmp(host.at + host.len - domain.len, domain.at, domain.len) == 0 && !is_address(host);
}

static bool path_matches(awl_url_part path, const awl__cookie *c)
{
    const char *at = path.len ? path.at : "/";
    const size_t len = path.len ? path.len : 1;

    return len >= c->path_len && memcmp(at, c->path, c->path_len) == 0 &&
           (len == c->path_len || c->path[c->path_len - 1] == '/' || at[c->path_len] == '/');
}

/* All up to the last '/', but for that; "/" at least. */
static awl_url_part default_path(awl_url_part path)
{
    size_t len = path.len;

    while (len && path.at[len - 1] != '/')
        len--;
    if (len < 2 || path.at[0] != '/')
        return (awl_url_part){ "/", 1 };
    return (awl_url_part){ path.at, len - 1 };
}

static bool is_secure(const awl_url *url)
{
    return awl_url_part_is_nocase(url->scheme, "https") || awl_url_part_is_nocase(url->scheme, "wss");
}

/* ---- Keeping ---------------------------------------------------------------------------------------------------- */

static awl_url_part part(const char *text) { return (awl_url_part){ text, strlen(text) }; }

/* Whether a goes before b: those that are not Secure do, lest http drive out what https has set: RFC 6265bis, 5.7. */
static bool goes_before(const awl__cookie *a, const awl__cookie *b)
{
    return a->secure != b->secure ? b->secure : a->used < b->used;
}

/* Drops what has expired. Then one more of this domain, and one more at all, have room. */
static void evict(awl_cookie_jar *jar, awl_url_part domain)
{
    const int64_t now = awl__jar_now(jar);
    awl__cookie **oldest = NULL, **oldest_here = NULL;
    size_t here = 0;

    for (awl__cookie **at = &jar->first; *at;) {
        if ((*at)->expires <= now)
            drop(jar, at);
        else
            at = &(*at)->next;
    }
    for (awl__cookie **at = &jar->first; *at; at = &(*at)->next) {
        const bool is_here = same(domain, (*at)->domain, strlen((*at)->domain));

        here += is_here;
        if (!oldest || goes_before(*at, *oldest))
            oldest = at;
        if (is_here && (!oldest_here || goes_before(*at, *oldest_here)))
            oldest_here = at;
    }
    if (here >= MOST_OF_DOMAIN)
        drop(jar, oldest_here);
    else if (jar->count >= MOST)
        drop(jar, oldest);
}

static const char *keep(char **to, awl_url_part text)
{
    const char *copy = *to;

    memcpy(*to, text.at, text.len);
    (*to)[text.len] = '\0';
    *to += text.len + 1;
    return copy;
}

static awl__cookie *make(awl_cookie_jar *jar, const awl__cookie_line *line, bool host_only)
{
    const size_t size = sizeof(awl__cookie) + line->name.len + line->value.len + line->domain.len + line->path.len + 4;
    awl__cookie *c = awl__alloc(jar->loop, size);
    char *to;

    if (!c)
        return NULL;
    *c = (awl__cookie){ .expires = line->expires, .used = ++jar->turn, .size = size, .path_len = line->path.len,
                        .host_only = host_only, .secure = line->secure, .http_only = line->http_only };
    to = c->text;
    c->name = keep(&to, line->name);
    c->value = keep(&to, line->value);
    c->domain = keep(&to, line->domain);
    c->path = keep(&to, line->path);
    for (to = c->text + (c->domain - c->text); *to; to++)
        *to = *to >= 'A' && *to <= 'Z' ? (char)(*to + 32) : *to;
    return c;
}

/* The place of the cookie of the same name, domain and path; else the end. */
static awl__cookie **find(awl_cookie_jar *jar, const awl__cookie_line *line)
{
    awl__cookie **at = &jar->first;

    while (*at && (strlen((*at)->name) != line->name.len || memcmp((*at)->name, line->name.at, line->name.len) != 0 ||
                   !same(line->domain, (*at)->domain, strlen((*at)->domain)) || (*at)->path_len != line->path.len ||
                   memcmp((*at)->path, line->path.at, line->path.len) != 0))
        at = &(*at)->next;
    return at;
}

int awl__jar_put(awl_cookie_jar *jar, const awl__cookie_line *line, bool host_only)
{
    awl__cookie **at = find(jar, line), *new;

    if (line->expires <= awl__jar_now(jar)) {
        if (*at)
            drop(jar, at);
        return 0;
    }
    new = make(jar, line, host_only);
    if (!new)
        return ENOMEM;
    if (*at) { /* it keeps its place in the order of creation */
        new->next = (*at)->next;
        awl__free(jar->loop, *at, (*at)->size);
        *at = new;
        return 0;
    }
    evict(jar, line->domain);
    for (at = &jar->first; *at; at = &(*at)->next)
        ;
    *at = new;
    jar->count++;
    return 0;
}

/* ---- Setting: RFC 6265, 5.3 ------------------------------------------------------------------------------------- */

/* A cookie that is set over http neither is Secure nor stands before one that is: RFC 6265bis, 5.7. */
static bool hides_secure_one(const awl_cookie_jar *jar, const awl__cookie_line *line)
{
    for (const awl__cookie *c = jar->first; c; c = c->next) {
        if (c->secure && strlen(c->name) == line->name.len && memcmp(c->name, line->name.at, line->name.len) == 0 &&
            (is_within(part(c->domain), line->domain) || is_within(line->domain, part(c->domain))) &&
            path_matches(line->path, c))
            return true;
    }
    return false;
}

static bool begins(awl_url_part name, const char *prefix)
{
    return name.len >= strlen(prefix) && strncasecmp(name.at, prefix, strlen(prefix)) == 0;
}

/* What names promise: RFC 6265bis, 4.1.3. `path`: as it was written. */
static bool keeps_promise(const awl__cookie_line *line, bool host_only, awl_url_part path)
{
    if (begins(line->name, "__Host-"))
        return line->secure && host_only && path.len == 1;
    return !begins(line->name, "__Secure-") || line->secure;
}

int awl_cookie_jar_set(awl_cookie_jar *jar, const char *url_text, const char *text)
{
    awl__cookie_line line;
    awl_url_part path;
    awl_url url;
    bool host_only;

    if (!jar || !url_text || !text || awl_url_parse(url_text, &url) || !url.host.len ||
        awl__cookie_parse(text, awl__jar_now(jar), &line))
        return EINVAL;
    host_only = !line.domain.len || (same(url.host, line.domain.at, line.domain.len) &&
                                     (is_address(url.host) || !memchr(url.host.at, '.', url.host.len)));
    if (!host_only && (!is_within(url.host, line.domain) || !memchr(line.domain.at, '.', line.domain.len)))
        return EPERM;
    if (host_only)
        line.domain = url.host;
    path = line.path;
    if (!line.path.len)
        line.path = default_path(url.path);
    if (!keeps_promise(&line, host_only, path) || (!is_secure(&url) && (line.secure || hides_secure_one(jar, &line))))
        return EPERM;
    return awl__jar_put(jar, &line, host_only);
}

/* ---- Getting: RFC 6265, 5.4 ------------------------------------------------------------------------------------- */

static bool is_for(const awl__cookie *c, const awl_url *url, int64_t now)
{
    const awl_url_part domain = part(c->domain);

    return c->expires > now && (c->host_only ? same(url->host, domain.at, domain.len) : is_within(url->host, domain)) &&
           path_matches(url->path, c) && (!c->secure || is_secure(url));
}

static size_t put(char *out, size_t cap, size_t at, const char *text)
{
    for (; *text; text++, at++) {
        if (at + 1 < cap)
            out[at] = *text;
    }
    return at;
}

size_t awl_cookie_jar_get(awl_cookie_jar *jar, const char *text, char *out, size_t cap)
{
    size_t len = 0, longest = 0;
    int64_t now;
    awl_url url;

    if (cap)
        out[0] = '\0';
    if (!jar || !text || awl_url_parse(text, &url) || !url.host.len)
        return 0;
    now = awl__jar_now(jar);
    for (awl__cookie *c = jar->first; c; c = c->next) {
        if (c->path_len > longest && is_for(c, &url, now))
            longest = c->path_len;
    }
    /* Longer paths first: a pass for each length that there is. */
    while (longest) {
        size_t next = 0;

        for (awl__cookie *c = jar->first; c; c = c->next) {
            if (c->path_len > longest || (c->path_len < longest && c->path_len <= next) || !is_for(c, &url, now))
                continue;
            if (c->path_len < longest) {
                next = c->path_len;
                continue;
            }
            c->used = ++jar->turn;
            len = put(out, cap, put(out, cap, put(out, cap, put(out, cap, len, len ? "; " : ""), c->name), "="),
                      c->value);
        }
        longest = next;
    }
    if (cap)
        out[len < cap ? len : cap - 1] = '\0';
    return len;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

size_t awl_cookie_jar_count(const awl_cookie_jar *jar) { return jar ? jar->count : 0; }

bool awl_cookie_jar_at(const awl_cookie_jar *jar, size_t index, awl_cookie *cookie)
{
    const awl__cookie *c = jar ? jar->first : NULL;

    while (c && index--)
        c = c->next;
    if (c)
        *cookie = (awl_cookie){ c->name, c->value, c->domain, c->path, c->expires == INT64_MAX ? 0 : c->expires,
                                c->host_only, c->secure, c->http_only };
    return c;
}

void awl_cookie_jar_clear(awl_cookie_jar *jar, const char *domain)
{
    for (awl__cookie **at = jar ? &jar->first : NULL; at && *at;) {
        if (!domain || is_within(part((*at)->domain), part(domain)))
            drop(jar, at);
        else
            at = &(*at)->next;
    }
}
