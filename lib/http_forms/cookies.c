/* Cookies and passwords in requests and responses; see awl/http_forms.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "awl/http_forms.h"
#include "../http/base64.h"
#include "../http_server/http_server_priv.h"

static char *copy(awl_request *request, const char *text, size_t len)
{
    char *to = awl_request_alloc(request, len + 1);

    if (to) {
        memcpy(to, text, len);
        to[len] = '\0';
    }
    return to;
}

/* ---- Cookies that come: RFC 6265, 4.2 ---------------------------------------------------------------------------- */

/* In one field: "a=1; b=2". The length of the value, at *at; SIZE_MAX: it is not there. */
static size_t find_cookie(const char **at, const char *name, size_t name_len)
{
    while (**at) {
        const char *pair = *at + strspn(*at, " \t;"), *end = pair + strcspn(pair, ";"), *value = pair + name_len + 1;

        *at = end;
        if ((size_t)(end - pair) <= name_len || memcmp(pair, name, name_len) != 0 || pair[name_len] != '=')
            continue;
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (end - value >= 2 && *value == '"' && end[-1] == '"')
            value++, end--;
        *at = value;
        return (size_t)(end - value);
    }
    return SIZE_MAX;
}

const char *awl_request_cookie(awl_request *request, const char *name)
{
    const char *own, *at;

    if (!request || !name || !name[0])
        return NULL;
    for (size_t i = 0; awl_request_field_at(request, i, &own, &at); i++) {
        size_t len;

        if (!awl__http_same(own, "cookie"))
            continue;
        len = find_cookie(&at, name, strlen(name));
        if (len != SIZE_MAX)
            return copy(request, at, len);
    }
    return NULL;
}

/* ---- Cookies that are set: RFC 6265, 4.1 ------------------------------------------------------------------------- */

/* cookie-octet */
static bool is_cookie_value(const char *value)
{
    for (; *value; value++) {
        if (*value <= ' ' || *value > '~' || strchr("\",;\\", *value))
            return false;
    }
    return true;
}

/* av-octets: nothing that begins another attribute. */
static bool is_attribute(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~' || *text == ';')
            return false;
    }
    return true;
}

/* What browsers want of names that promise something. */
static bool keeps_promise(const char *name, const char *path, const awl_http_cookie_options *o)
{
    if (strncmp(name, "__Secure-", 9) == 0)
        return o->secure;
    if (strncmp(name, "__Host-", 7) == 0)
        return o->secure && !o->domain && strcmp(path, "/") == 0;
    return true;
}

int awl_respond_cookie(awl_request *request, const char *name, const char *value,
                       const awl_http_cookie_options *options)
{
    static const awl_http_cookie_options none;
    static const char *const same_sites[] = { "Lax", "Strict", "None" };
    const awl_http_cookie_options *o = options ? options : &none;
    const char *path = o->path ? o->path : "/";
    awl__http_out out;
    int error;

    if (!request || !name || !value || !awl__http_is_token(name, strlen(name)) || !is_cookie_value(value) ||
        path[0] != '/' || !is_attribute(path) || (o->domain && !is_attribute(o->domain)) ||
        o->same_site > AWL_SAME_SITE_NONE || (o->same_site == AWL_SAME_SITE_NONE && !o->secure) ||
        !keeps_promise(name, path, o))
        return EINVAL;
    out = (awl__http_out){ .loop = request->app->loop };
    awl__http_out_print(&out, "%s=%s; Path=%s", name, value, path);
    if (o->domain)
        awl__http_out_print(&out, "; Domain=%s", o->domain);
    if (o->max_age)
        awl__http_out_print(&out, "; Max-Age=%" PRId64, o->max_age > 0 ? (int64_t)(o->max_age / AWL_SECOND) : 0);
    awl__http_out_print(&out, "%s%s; SameSite=%s", o->secure ? "; Secure" : "", o->for_scripts ? "" : "; HttpOnly",
                        same_sites[o->same_site]);
    awl__http_out_text(&out, "", 1);
    error = out.error ? out.error : awl_respond_field(request, "Set-Cookie", out.at);
    awl__http_out_free(&out);
    return error;
}

/* ---- Passwords: RFC 7617 ----------------------------------------------------------------------------------------- */

bool awl_request_basic_auth(awl_request *request, const char **user, const char **password)
{
    const char *value = request ? awl_request_field(request, "authorization") : NULL;
    char *text, *colon;
    ssize_t len;

    if (!value || strlen(value) < 6 || !awl__http_same_n(value, 6, "basic "))
        return false;
    value += 6 + strspn(value + 6, " ");
    text = awl_request_alloc(request, strlen(value) + 4);
    len = text ? awl__base64_decode(value, strlen(value), text) : -1;
    if (len < 0)
        return false;
    text[len] = '\0';
    colon = memchr(text, ':', (size_t)len);
    if (!colon || strlen(text) != (size_t)len)
        return false;
    *colon = '\0';
    *user = text;
    *password = colon + 1;
    return true;
}

bool awl_same_secret(const char *given, const char *secret)
{
    const size_t len = strlen(given), secret_len = strlen(secret);
    volatile unsigned char difference = len != secret_len;

    for (size_t i = 0; i < len; i++)
        difference = difference | (unsigned char)(given[i] ^ secret[secret_len ? i % secret_len : 0]);
    return !difference;
}

bool awl_request_is_user(awl_request *request, const char *user, const char *password)
{
    const char *given_user, *given_password;
    bool same_user, same_password;

    if (!user || !password || !awl_request_basic_auth(request, &given_user, &given_password))
        return false;
    same_user = awl_same_secret(given_user, user);
    same_password = awl_same_secret(given_password, password);
    return same_user & same_password;
}

int awl_respond_unauthorized(awl_request *request, const char *realm)
{
    char value[256];
    int error, n;

    if (!request || !realm || strpbrk(realm, "\"\\"))
        return EINVAL;
    n = snprintf(value, sizeof value, "Basic realm=\"%s\", charset=\"UTF-8\"", realm);
    if (n >= (int)sizeof value)
        return EINVAL;
    error = awl_respond_field(request, "WWW-Authenticate", value);
    return error ? error : awl_respond_error(request, 401);
}
