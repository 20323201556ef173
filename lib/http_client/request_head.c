/* What a request says, put together: RFC 9112, 3; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "../http/base64.h"
#include "http_client_priv.h"

/* ---- Fields ----------------------------------------------------------------------------------------------------- */

static bool has_pair(const awl_http_pair *pairs, const char *name)
{
    for (; pairs && pairs->name; pairs++) {
        if (awl__http_same(pairs->name, name))
            return true;
    }
    return false;
}

/* Whether a field is for the first origin alone: secrets, and its name. */
static bool is_for_one_origin(const char *name)
{
    return awl__http_same(name, "authorization") || awl__http_same(name, "cookie") ||
           awl__http_same(name, "proxy-authorization") || awl__http_same(name, "host");
}

/* Whether a field tells of a body: RFC 9110, 15.4, which has it go with the body. */
static bool is_of_body(const char *name)
{
    static const char *const names[] = { "content-encoding", "content-language", "content-location", "content-type",
                                         "digest", "last-modified" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (awl__http_same(name, names[i]))
            return true;
    }
    return false;
}

static bool is_left_out(const awl__exchange *x, const char *name)
{
    return (!x->same_origin && is_for_one_origin(name)) || (x->without_body && is_of_body(name));
}

/* Whether the request says something else than a field of the session's. */
static bool is_replaced(const awl__exchange *x, const char *name, bool authorized)
{
    return has_pair(x->options->headers, name) || (authorized && awl__http_same(name, "authorization")) ||
           (x->type && awl__http_same(name, "content-type")) || (x->options->offset && awl__http_same(name, "range"));
}

/* Fields of the request, and those of the session that it does not replace. 0 or the error. */
static int put_fields(awl__http_out *out, const awl__exchange *x, bool authorized)
{
    const awl_http_pair *own = x->options->headers, *all = x->session->options.headers;
    int error = 0;

    for (; own && own->name && !error; own++) {
        if (!is_left_out(x, own->name))
            error = awl__http_out_users_field(out, own->name, own->value);
    }
    for (; all && all->name && !error; all++) {
        if (!is_left_out(x, all->name) && !is_replaced(x, all->name, authorized))
            error = awl__http_out_users_field(out, all->name, all->value);
    }
    return error;
}

/* ---- Who we are: RFC 7617, RFC 4648 ----------------------------------------------------------------------------- */

void awl__http_put_basic(awl__http_out *out, const char *field, const char *user, size_t user_len, const char *password)
{
    const size_t len = user_len + 1 + strlen(password);
    char three[3], four[5];

    awl__http_out_text(out, field, strlen(field));
    awl__http_out_text(out, ": Basic ", 8);
    for (size_t i = 0; i < len; i += 3) {
        const size_t n = len - i < 3 ? len - i : 3;

        for (size_t j = 0; j < n; j++)
            three[j] = i + j < user_len ? user[i + j] : i + j == user_len ? ':' : password[i + j - user_len - 1];
        awl__http_out_text(out, four, awl__base64_encode(three, n, four));
    }
    awl__http_out_text(out, "\r\n", 2);
}

static void put_user(awl__http_out *out, const char *user, const char *password)
{
    awl__http_put_basic(out, "Authorization", user, strlen(user), password ? password : "");
}

/* What the request says itself goes first, then its URL, then the session. Result: whether the field has been put. */
static bool put_authorization(awl__http_out *out, const awl__exchange *x)
{
    const awl_http_session_options *o = &x->session->options;

    if (!x->same_origin || has_pair(x->options->headers, "authorization"))
        return false;
    if (x->options->user)
        put_user(out, x->options->user, x->options->password);
    else if (x->login.at)
        awl__http_put_basic(out, "Authorization", x->login.at, x->login.user_len, x->login.at + x->login.user_len + 1);
    else if (o->user && x->own_user && !has_pair(o->headers, "authorization"))
        put_user(out, o->user, o->password);
    else
        return false;
    return true;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

/* Whether a method says by itself that there is a body. */
static bool means_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static void put(awl__http_out *out, const char *text) { awl__http_out_text(out, text, strlen(text)); }

static void put_part(awl__http_out *out, const char *before, awl_url_part part)
{
    put(out, before);
    if (part.len)
        awl__http_out_text(out, part.at, part.len);
}

/* "GET /path?query HTTP/1.1" and Host. An address of IPv6 goes without its zone, which means nothing to others: RFC
 * 6874. */
static void put_target(awl__http_out *out, const awl__exchange *x, const awl_url *url)
{
    awl_url_part host = url->host;
    const bool v6 = memchr(host.at, ':', host.len);
    const char *zone = v6 ? memchr(host.at, '%', host.len) : NULL;

    if (zone)
        host.len = (size_t)(zone - host.at);
    put(out, x->method);
    put(out, " ");
    if (x->proxy) { /* all up to the path: RFC 9112, 3.2.2 */
        const char *end = url->path.at;
        awl__http_out_text(out, url->scheme.at, (size_t)(end - url->scheme.at));
    }
    put_part(out, url->path.len ? "" : "/", url->path);
    if (url->query.at)
        put_part(out, "?", url->query);
    put(out, " HTTP/1.1\r\n");
    if (!x->same_origin ||
        (!has_pair(x->options->headers, "host") && !has_pair(x->session->options.headers, "host"))) {
        put_part(out, v6 ? "Host: [" : "Host: ", host);
        put(out, v6 ? "]" : "");
        if (url->port.len)
            put_part(out, ":", url->port);
        put(out, "\r\n");
    }
}

/* Where the caller has not said what to take, nor for a part of what is uncompressed. */
bool awl__asks_coding(const awl__exchange *x)
{
    const awl_http_pair *all[2] = { x->options->headers, x->session->options.headers };

    for (int i = 0; i < 2; i++) {
        if (has_pair(all[i], "accept-encoding") || has_pair(all[i], "range"))
            return false;
    }
    return awl__decodings && !x->options->offset && !x->options->raw && !x->session->options.raw;
}

/* What the jar has for this URL, unless the caller says it himself. */
static void put_cookies(awl__http_out *out, const awl__exchange *x, const awl_url *url)
{
    awl_cookie_jar *jar = x->session->options.no_cookies ? NULL : x->session->cookies;
    const char *text = url->scheme.at; /* the whole URL */
    const size_t len = awl_cookie_jar_get(jar, text, NULL, 0);
    char *to;

    if (!len || (x->same_origin &&
                 (has_pair(x->options->headers, "cookie") || has_pair(x->session->options.headers, "cookie"))))
        return;
    put(out, "Cookie: ");
    to = awl__http_out_room(out, len + 1);
    if (to)
        out->len += awl_cookie_jar_get(jar, text, to, len + 1);
    put(out, "\r\n");
}

/* How the body comes, and whether the server is asked before. */
static void put_framing(awl__http_out *out, const awl__exchange *x)
{
    if (x->upload && !x->body_size)
        put(out, "Transfer-Encoding: chunked\r\n");
    else if (x->body_size || means_body(x->method))
        awl__http_out_print(out, "Content-Length: %llu\r\n", (unsigned long long)x->body_size);
    if (awl__expects(x))
        put(out, "Expect: 100-continue\r\n");
}

int awl__request_head(awl__http_out *out, const awl__exchange *x, const awl_url *url)
{
    const awl_http_session_options *o = &x->session->options;
    const awl_http_pair *own = x->options->headers;
    bool authorized;
    int error;

    put_target(out, x, url);
    if (!has_pair(own, "user-agent") && !has_pair(o->headers, "user-agent"))
        awl__http_out_users_field(out, "User-Agent", o->user_agent);
    if (!has_pair(own, "accept") && !has_pair(o->headers, "accept"))
        put(out, "Accept: */*\r\n");
    if (awl__asks_coding(x)) {
        put(out, "Accept-Encoding: ");
        put(out, awl__decodings);
        put(out, "\r\n");
    }
    if (x->options->offset && !has_pair(own, "range"))
        awl__http_out_print(out, "Range: bytes=%llu-\r\n", (unsigned long long)x->options->offset);
    if (x->proxy)
        awl__proxy_put_login(out, x->proxy);
    put_cookies(out, x, url);
    authorized = put_authorization(out, x);
    error = put_fields(out, x, authorized);
    if (!error && x->type && !has_pair(own, "content-type"))
        error = awl__http_out_users_field(out, "Content-Type", x->type);
    put_framing(out, x);
    put(out, "\r\n");
    return error ? error : out->error;
}
