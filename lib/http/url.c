/* URLs, RFC 3986; see awl/url.h. */
#define _POSIX_C_SOURCE 200809L
#include "awl/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "parser.h"

/* ---- Characters -------------------------------------------------------------------------------------------------- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_unreserved(char c) { return is_letter(c) || awl__http_is_digit(c) || (c && strchr("-._~", c)); }

/* Whether all of a part is unreserved, sub-delims, escapes, or of `more`. */
static bool is_made_of(awl_url_part part, const char *more)
{
    for (size_t i = 0; i < part.len; i++) {
        const char c = part.at[i];

        if (c == '%') {
            if (part.len - i < 3 || awl__http_hex(part.at[i + 1]) < 0 || awl__http_hex(part.at[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!is_unreserved(c) && !strchr("!$&'()*+,;=", c) && !strchr(more, c)) {
            return false;
        }
    }
    return true;
}

bool awl_url_part_is(awl_url_part part, const char *text)
{
    return part.at && strlen(text) == part.len && memcmp(part.at, text, part.len) == 0;
}

bool awl_url_part_is_nocase(awl_url_part part, const char *text)
{
    for (size_t i = 0; i < part.len; i++) {
        const char a = part.at[i], b = text[i];

        if ((is_letter(a) ? a | 32 : a) != (is_letter(b) ? b | 32 : b))
            return false;
    }
    return part.at && !text[part.len];
}

/* ---- Parsing ----------------------------------------------------------------------------------------------------- */

/* What lies before the first character of `ends`, or all; *text moves there. */
static awl_url_part take(const char **text, const char *end, const char *ends)
{
    const char *from = *text;

    while (*text < end && !strchr(ends, **text))
        ++*text;
    return (awl_url_part){ from, (size_t)(*text - from) };
}

static bool is_port(awl_url_part port)
{
    unsigned n = 0;

    for (size_t i = 0; i < port.len; i++) {
        if (!awl__http_is_digit(port.at[i]) || (n = n * 10 + (unsigned)(port.at[i] - '0')) > 65535)
            return false;
    }
    return true;
}

/* "[::1]" or "[fe80::1%25eth0]" (RFC 6874): an address, and perhaps a zone. */
static bool is_ipv6(awl_url_part host)
{
    const char *zone = memchr(host.at, '%', host.len);
    const size_t len = zone ? (size_t)(zone - host.at) : host.len;
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];

    if (len >= sizeof text || (zone && (host.len - len < 4 || !is_made_of((awl_url_part){ zone, host.len - len }, ""))))
        return false;
    memcpy(text, host.at, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* "user@host:port". */
static bool parse_authority(awl_url_part all, awl_url *url)
{
    const char *at = all.at, *end = at + all.len, *sign = memchr(at, '@', all.len);

    if (sign) {
        url->user = (awl_url_part){ at, (size_t)(sign - at) };
        at = sign + 1;
        if (!is_made_of(url->user, ":"))
            return false;
    }
    if (at < end && *at == '[') {
        at++;
        url->host = take(&at, end, "]");
        if (at++ == end || !is_ipv6(url->host))
            return false;
    } else {
        url->host = take(&at, end, ":");
        if (!is_made_of(url->host, ""))
            return false;
    }
    if (at == end)
        return true;
    url->port = (awl_url_part){ at + 1, (size_t)(end - at - 1) };
    return *at == ':' && is_port(url->port);
}

/* The length of a scheme at the start; 0: there is none. */
static size_t scheme_len(const char *text)
{
    size_t n = 0;

    if (!is_letter(text[0]))
        return 0;
    while (is_letter(text[n]) || awl__http_is_digit(text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')
        n++;
    return text[n] == ':' ? n : 0;
}

int awl_url_parse(const char *text, awl_url *url)
{
    static const awl_url nothing;
    const char *at = text, *end;
    awl_url u = nothing;
    size_t n;

    if (!text)
        return EINVAL;
    end = text + strlen(text);
    n = scheme_len(text);
    if (n) {
        u.scheme = (awl_url_part){ text, n };
        at += n + 1;
    }
    if (at[0] == '/' && at[1] == '/') {
        at += 2;
        if (!parse_authority(take(&at, end, "/?#"), &u))
            return EINVAL;
    }
    u.path = take(&at, end, "?#");
    if (*at == '?') {
        at++;
        u.query = take(&at, end, "#");
    }
    if (*at == '#')
        u.fragment = (awl_url_part){ at + 1, (size_t)(end - at - 1) };
    if (!is_made_of(u.path, ":@/") || !is_made_of(u.query, ":@/?") || !is_made_of(u.fragment, ":@/?"))
        return EINVAL;
    if (!u.scheme.at && !u.host.at && memchr(u.path.at, ':', strcspn(u.path.at, "/?#"))) /* "1a:b" is neither */
        return EINVAL;
    *url = u;
    return 0;
}

int awl_url_port(const awl_url *url)
{
    static const struct {
        const char *scheme;
        int port;
    } known[] = { { "http", 80 }, { "https", 443 }, { "ws", 80 }, { "wss", 443 } };
    int port = 0;

    for (size_t i = 0; i < url->port.len; i++)
        port = port * 10 + (url->port.at[i] - '0');
    for (size_t i = 0; i < sizeof known / sizeof *known && !url->port.len; i++) {
        if (awl_url_part_is_nocase(url->scheme, known[i].scheme))
            return known[i].port;
    }
    return url->port.len ? port : -1;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* What is written as far as there is room, and counted as far as it goes. */
typedef struct sink {
    char *at;
    size_t len, cap;
} sink;

static void put(sink *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++, out->len++) {
        if (out->len < out->cap)
            out->at[out->len] = text[i];
    }
}

static void end(sink *out)
{
    if (out->cap)
        out->at[out->len < out->cap ? out->len : out->cap - 1] = '\0';
}

/* The part of a path that a segment walk is at: reads over the characters of two texts, one behind the other. */
typedef struct path {
    awl_url_part first, second;
} path;

static char path_at(const path *p, size_t i)
{
    return i < p->first.len ? p->first.at[i] : i - p->first.len < p->second.len ? p->second.at[i - p->first.len] : '\0';
}

/* 0: a segment to keep; 1: "."; 2: "..". */
static int dots(const path *p, size_t from, size_t to)
{
    if (to - from > 2 || to == from || path_at(p, from) != '.')
        return 0;
    return to - from == 1 ? 1 : path_at(p, from + 1) == '.' ? 2 : 0;
}

/*
 * RFC 3986, 5.2.4, for a path that begins with '/', from its end: each ".." takes away the next segment that is none.
 * Writes what is left so that it ends at `end` of the sink, which may be NULL. Result: its length.
 */
static size_t without_dots(const path *p, sink *out, size_t end)
{
    const size_t all = p->first.len + p->second.len;
    size_t to = all, from, ups = 0, len = 0;

    for (; to; to = from) {
        int kind;

        from = to - 1;
        while (path_at(p, from) != '/')
            from--;
        kind = dots(p, from + 1, to);
        for (size_t i = kind == 0 && ups == 0 ? to : kind && to == all ? from + 1 : from; i-- > from;) {
            len++;
            if (out && end - len < out->cap)
                out->at[end - len] = path_at(p, i);
        }
        if (kind == 2)
            ups++;
        else if (!kind && ups)
            ups--;
    }
    return len;
}

static void put_path(sink *out, const path *p, bool remove_dots)
{
    if (!remove_dots || path_at(p, 0) != '/') {
        put(out, p->first.at, p->first.len);
        put(out, p->second.at, p->second.len);
        return;
    }
    out->len += without_dots(p, NULL, 0);
    without_dots(p, out, out->len);
}

/* All of the base's path up to its last '/', RFC 3986, 5.2.3. */
static awl_url_part folder(const awl_url *base)
{
    awl_url_part part = base->path;

    if (base->host.at && !part.len)
        return (awl_url_part){ "/", 1 };
    while (part.len && part.at[part.len - 1] != '/')
        part.len--;
    return part;
}

static void put_authority(sink *out, const awl_url *url)
{
    const bool v6 = url->host.at && memchr(url->host.at, ':', url->host.len);

    if (!url->host.at)
        return;
    put(out, "//", 2);
    if (url->user.at) {
        put(out, url->user.at, url->user.len);
        put(out, "@", 1);
    }
    put(out, "[", v6);
    put(out, url->host.at, url->host.len);
    put(out, "]", v6);
    if (url->port.at) {
        put(out, ":", 1);
        put(out, url->port.at, url->port.len);
    }
}

/* Whether a path, when it is written, begins with "//": without an authority before it, it would be taken for one. */
static bool begins_with_two(const path *p, bool remove_dots)
{
    char text[2] = "";
    sink out = { text, 0, sizeof text };

    put_path(&out, p, remove_dots);
    return out.len > 1 && text[0] == '/' && text[1] == '/';
}

ssize_t awl_url_resolve(const char *base, const char *reference, char *text, size_t cap)
{
    sink out = { text, 0, cap };
    awl_url from, to;
    path p = { { "", 0 }, { "", 0 } };
    bool remove_dots = true;
    const awl_url *authority, *query;

    if (awl_url_parse(base, &from) || !from.scheme.at || awl_url_parse(reference, &to))
        return -EINVAL;
    authority = to.scheme.at || to.host.at ? &to : &from;
    query = &to;
    if (authority == &to || (to.path.len && to.path.at[0] == '/')) {
        p.first = to.path;
    } else if (to.path.len) {
        p.first = folder(&from);
        p.second = to.path;
    } else {
        p.first = from.path;
        remove_dots = false;
        query = to.query.at ? &to : &from;
    }
    put(&out, to.scheme.at ? to.scheme.at : from.scheme.at, to.scheme.at ? to.scheme.len : from.scheme.len);
    put(&out, ":", 1);
    put_authority(&out, authority);
    if (!authority->host.at && begins_with_two(&p, remove_dots))
        put(&out, "/.", 2);
    put_path(&out, &p, remove_dots);
    if (query->query.at) {
        put(&out, "?", 1);
        put(&out, query->query.at, query->query.len);
    }
    if (to.fragment.at) {
        put(&out, "#", 1);
        put(&out, to.fragment.at, to.fragment.len);
    }
    end(&out);
    return (ssize_t)out.len;
}

size_t awl_url_encode(const char *text, size_t len, const char *keep, char *to, size_t cap)
{
    static const char digits[] = "0123456789ABCDEF";
    sink out = { to, 0, cap };

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (is_unreserved(text[i]) || (c && strchr(keep, c)))
            put(&out, &text[i], 1);
        else
            put(&out, (const char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
    }
    end(&out);
    return out.len;
}
