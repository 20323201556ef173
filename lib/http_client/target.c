/* The URLs that a client asks for: made of what users and servers write; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "http_client_priv.h"

/* ---- Pairs ------------------------------------------------------------------------------------------------------ */

size_t awl__http_pairs_size(const awl_http_pair *pairs)
{
    size_t n = 0;

    while (pairs && pairs[n++].name)
        ;
    return n * sizeof *pairs;
}

static void put_encoded(awl__http_out *out, const char *text)
{
    const size_t len = strlen(text), size = awl_url_encode(text, len, "", NULL, 0) + 1;
    char *to = awl__http_out_room(out, size);

    if (to)
        out->len += awl_url_encode(text, len, "", to, size);
}

void awl__http_put_pairs(awl__http_out *out, const awl_http_pair *pairs, char before)
{
    for (; pairs && pairs->name; pairs++, before = '&') {
        awl__http_out_text(out, &before, before != '\0');
        put_encoded(out, pairs->name);
        awl__http_out_text(out, "=", 1);
        put_encoded(out, pairs->value ? pairs->value : "");
    }
}

/* ---- What people and servers write ------------------------------------------------------------------------------ */

/* Where the authority is, if there is one: "//" at the start, or behind a scheme. */
static void find_authority(const char *text, size_t *from, size_t *to)
{
    const size_t scheme = strcspn(text, ":/?#");

    *from = text[scheme] == ':' ? scheme + 1 : 0;
    *to = strncmp(text + *from, "//", 2) == 0 ? *from + 2 + strcspn(text + *from + 2, "/?#") : *from;
}

/* Percent-encodes what has no place in a URL, and what people leave as it is: spaces, brackets behind the host, a '%'
 * that is no escape, what is not ASCII. Result: the length; `out` may be NULL. */
static size_t tame(const char *text, char *out)
{
    size_t from, to, n = 0;

    find_authority(text, &from, &to);
    for (size_t i = 0; text[i]; i++) {
        const bool host = i >= from && i < to;
        const bool escape = text[i] == '%' && awl__http_hex(text[i + 1]) >= 0 && awl__http_hex(text[i + 2]) >= 0;
        const char *keep = host ? "!$&'()*+,;=:@/?#[]%" : escape ? "%" : "!$&'()*+,;=:@/?#";

        n += awl_url_encode(text + i, 1, keep, out ? out + n : NULL, out ? 4 : 0);
    }
    return n;
}

static char *copy_tamed(awl_loop *loop, const char *text, size_t *size)
{
    char *copy;

    *size = tame(text, NULL) + 4; /* each character is written with a zero byte behind it */
    copy = awl__alloc(loop, *size);
    if (copy) {
        *copy = '\0'; /* of an empty text nothing is written */
        tame(text, copy);
    }
    return copy;
}

/* ---- Hosts in URLs ---------------------------------------------------------------------------------------------- */

bool awl__http_take_host(awl_url_part host, char *to, size_t cap)
{
    const char *zone = host.len && memchr(host.at, ':', host.len) ? memchr(host.at, '%', host.len) : NULL;
    const size_t len = zone ? (size_t)(zone - host.at) : host.len;
    size_t n = 0;

    if (!len || host.len >= cap)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (host.at[i] == '%') /* of what is not ASCII, or hides what it is */
            return false;
        to[n++] = host.at[i] >= 'A' && host.at[i] <= 'Z' ? (char)(host.at[i] + 32) : host.at[i];
    }
    if (zone) { /* "%25eth0": RFC 6874 */
        const size_t escape = host.len - len > 3 && zone[1] == '2' && zone[2] == '5' ? 2 : 0;

        to[n++] = '%';
        memcpy(to + n, zone + 1 + escape, host.len - len - 1 - escape);
        n += host.len - len - 1 - escape;
    }
    to[n] = '\0';
    return true;
}

/* ---- Users in URLs ---------------------------------------------------------------------------------------------- */

int awl__http_take_login(awl_loop *loop, awl_url_part user, awl__login *login)
{
    char *to = awl__alloc(loop, user.len + 2);
    size_t n = 0;
    bool named = false;

    if (!to)
        return ENOMEM;
    *login = (awl__login){ to, user.len + 2, 0 };
    for (size_t i = 0; i < user.len; i++) {
        char c = user.at[i];

        if (c == ':' && !named) {
            named = true;
            login->user_len = n;
            to[n++] = '\0';
            continue;
        }
        if (c == '%') {
            c = (char)(awl__http_hex(user.at[i + 1]) << 4 | awl__http_hex(user.at[i + 2]));
            i += 2;
        }
        if (!c || (c == ':' && !named))
            return awl__http_invalid("the user of a URL cannot have a zero byte in it, or a colon");
        to[n++] = c;
    }
    if (!named)
        login->user_len = n;
    memset(to + n, 0, login->size - n);
    return 0;
}

void awl__login_free(awl_loop *loop, awl__login *login)
{
    if (login->at)
        awl__free(loop, login->at, login->size);
    login->at = NULL;
}

int awl__http_check_user(const char *user)
{
    return user && strchr(user, ':') ? awl__http_invalid("a user of basic authentication cannot have a colon") : 0;
}

int awl__http_no_url(const char *text)
{
    const size_t scheme = strcspn(text, ":/?#");
    const size_t from = text[scheme] == ':' && strncmp(text + scheme, "://", 3) == 0 ? scheme + 3 : 0;
    const size_t to = from + strcspn(text + from, "/?#");
    size_t host = to;

    while (host > from && text[host - 1] != '@') /* what is before it is a secret */
        host--;
    return awl__http_invalid("%s: %.*s%s", from ? "that is no URL" : "a URL begins with http:// or https://", (int)from,
                             text, text + host);
}

/* Takes the user out of a URL, in place. 0 or the error. */
static int cut_user(char *text, awl__exchange *x)
{
    awl_url url;
    int error = awl_url_parse(text, &url);
    char *user, *host;

    if (error)
        return awl__http_no_url(text);
    if (!url.user.at)
        return 0;
    if (x)
        error = awl__http_take_login(x->session->loop, url.user, &x->login);
    user = text + (url.user.at - text);
    host = user + url.user.len + 1;
    memmove(user, host, strlen(host) + 1);
    return error;
}

/* ---- The URL of a request --------------------------------------------------------------------------------------- */

/* What comes between a URL and parameters. */
static char separator(const char *text, size_t len)
{
    if (!memchr(text, '?', len))
        return '?';
    return text[len - 1] == '?' || text[len - 1] == '&' ? '\0' : '&';
}

int awl__response_set_url(awl_response *r, const char *base, const char *reference, const awl_http_pair *params,
                          awl__exchange *x)
{
    awl_loop *loop = r->session->loop;
    awl__http_out out = { .loop = loop };
    size_t size;
    char *tamed = copy_tamed(loop, reference, &size);
    const ssize_t len = tamed ? awl_url_resolve(base ? base : tamed, tamed, NULL, 0) : -ENOMEM;
    char *text = len < 0 ? NULL : awl__http_out_room(&out, (size_t)len + 1);
    int error = len == -EINVAL ? awl__http_no_url(reference) : len < 0 ? (int)-len : out.error;

    if (text) {
        awl_url_resolve(base ? base : tamed, tamed, text, (size_t)len + 1);
        error = cut_user(text, x);
        out.len = strcspn(text, "#");
        awl__http_put_pairs(&out, params, separator(text, out.len));
        awl__http_out_text(&out, "", 1);
        error = error ? error : out.error;
    }
    if (!error) {
        awl__free(loop, r->url, r->url_size);
        r->url = out.at;
        r->url_size = out.cap;
    } else {
        awl__http_out_free(&out);
    }
    awl__free(loop, tamed, tamed ? size : 0);
    return error;
}
