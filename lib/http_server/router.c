/* Routes: which handler a method and a path go to; see awl/http_server.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http_server_priv.h"

/* ---- Patterns ---------------------------------------------------------------------------------------------------- */

/* The length of a segment, up to the next '/' or the end. */
static size_t segment(const char *text) { return (size_t)(strchrnul(text, '/') - text); }

/* "{name}": the length of the name; 0: it is no such segment. */
static size_t brace(const char *text, size_t len)
{
    return len > 2 && text[0] == '{' && text[len - 1] == '}' ? len - 2 : 0;
}

/* Whether there is another segment with the name at `name`, len characters of it, before that. */
static bool is_doubled(const char *pattern, const char *name, size_t len)
{
    for (const char *at = pattern; (at = strchr(at, '{')) && at + 1 < name;) {
        at++;
        if (strncmp(at, name, len) == 0 && (at[len] == '}' || at[len] == '*'))
            return true;
    }
    return false;
}

/* What is wrong with a segment of a pattern; NULL: nothing. */
static const char *flaw_of(const char *pattern, const char *at, size_t len)
{
    const size_t name = brace(at, len);
    const bool rest = name && at[name] == '*';

    if ((len == 1 && *at == '.') || (len == 2 && memcmp(at, "..", 2) == 0))
        return "no path has dot segments";
    if (!name && (memchr(at, '{', len) || memchr(at, '}', len)))
        return "braces stand for a whole segment, and have a name: {name}";
    if (!name)
        return NULL;
    if (rest && at[len])
        return "{name*} is the last segment";
    if (!awl__http_is_token(at + 1, name - rest) || memchr(at + 1, '{', name) || memchr(at + 1, '*', name - rest))
        return "a name in braces is a token";
    return is_doubled(pattern, at + 1, name - rest) ? "a name in braces is there twice" : NULL;
}

/* What is wrong with a pattern, which might never match; NULL: nothing. */
static const char *flaw(const char *pattern)
{
    const char *at = pattern, *what = NULL;
    unsigned params = 0;

    if (pattern[0] != '/')
        return "it begins with '/'";
    if (strpbrk(pattern, "?#"))
        return "a path ends before '?' and '#': see awl_request_query";
    while (*at++ && !what) {
        const size_t len = segment(at);

        params += brace(at, len) != 0;
        what = flaw_of(pattern, at, len);
        at += len;
    }
    return what || params <= AWL__PARAMS ? what : "it has too many names in braces";
}

/* Whether two patterns match the same paths: they differ in the names in braces at most. */
static bool same_pattern(const char *a, const char *b)
{
    for (;;) {
        const size_t n = segment(a), m = segment(b);
        const size_t left = brace(a, n), right = brace(b, m);

        if (!left != !right || (left && (a[left] == '*') != (b[right] == '*')))
            return false;
        if (!left && (n != m || memcmp(a, b, n) != 0))
            return false;
        if (!a[n] || !b[m])
            return a[n] == b[m];
        a += n + 1;
        b += m + 1;
    }
}

/* ---- Matching ---------------------------------------------------------------------------------------------------- */

/* A part of the path; its end needs no copy. NULL: no memory. */
static const char *part(awl_request *request, const char *text, size_t len)
{
    char *to = text[len] ? awl_request_alloc(request, len + 1) : NULL;

    if (!text[len])
        return text;
    if (!to)
        return NULL;
    memcpy(to, text, len);
    to[len] = '\0';
    return to;
}

/* 0; ENOENT: it is another path; ENOMEM. What the braces match is copied when the whole path matches, so that a client
 * cannot have each route copy a long one. */
static int match(awl_request *request, const char *pattern)
{
    const char *path = request->path;
    size_t lens[AWL__PARAMS];

    request->n_params = 0;
    while (*pattern == '/' && *path == '/') {
        const size_t len = segment(++pattern), name = brace(pattern, len);
        const bool rest = name && pattern[name] == '*';
        const size_t n = rest ? strlen(++path) : segment(++path);

        if (name ? !rest && !n : n != len || memcmp(path, pattern, n) != 0)
            return ENOENT;
        if (name) {
            lens[request->n_params] = n;
            request->params[request->n_params++] = (awl__param){ pattern + 1, path };
        }
        pattern += len;
        path += n;
    }
    if (*pattern || *path)
        return ENOENT;
    for (unsigned i = 0; i < request->n_params; i++) {
        request->params[i].value = part(request, request->params[i].value, lens[i]);
        if (!request->params[i].value)
            return ENOMEM;
    }
    return 0;
}

static bool has_method(const awl__route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || strcmp(route->method, "*") == 0;
}

/* Looks through a list for a method. 0; 404; 405: only other methods match; 503: no memory. */
static int look(awl_request *request, const awl__route *routes, const char *method)
{
    int status = 404;

    for (; routes; routes = routes->next) {
        const int error = routes->fixed ? strcmp(routes->pattern, request->path) ? ENOENT : 0
                                        : match(request, routes->pattern);

        if (error == ENOMEM)
            return 503;
        if (error)
            continue;
        if (has_method(routes, method)) {
            request->route = routes;
            return 0;
        }
        status = 405;
    }
    return status;
}

static int find(awl_request *request, const char *method)
{
    const int fixed = look(request, request->app->fixed, method);
    const int other = fixed ? look(request, request->app->routes, method) : 0;

    return other == 404 && fixed == 405 ? 405 : other;
}

int awl__route_find(awl_request *request)
{
    const int status = find(request, awl_request_method(request));

    return status == 405 && request->is_head ? find(request, "GET") : status;
}

/* Lists the methods that a path has, for the field Allow. */
static int allow(awl_request *request, const awl__route *routes, awl__http_out *list)
{
    for (; routes; routes = routes->next) {
        if (routes->fixed ? strcmp(routes->pattern, request->path) != 0 : match(request, routes->pattern) != 0)
            continue;
        awl__http_out_print(list, "%s%s%s", list->len ? ", " : "", routes->method,
                            strcmp(routes->method, "GET") == 0 ? ", HEAD" : "");
    }
    return list->error;
}

int awl__route_allow(awl_request *request)
{
    awl__http_out list = { .loop = request->app->loop };
    int error = allow(request, request->app->fixed, &list);

    if (!error)
        error = allow(request, request->app->routes, &list);
    awl__http_out_text(&list, "", 1);
    if (!list.error)
        error = awl_respond_field(request, "Allow", list.at);
    awl__http_out_free(&list);
    return error;
}

/* Methods are told apart by case: one of these in another case is hardly meant. */
static bool is_standard_but_for_case(const char *method)
{
    static const char *const standard[] = { "GET",     "HEAD",  "POST",  "PUT",  "DELETE",
                                            "OPTIONS", "PATCH", "TRACE", "CONNECT" };

    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        if (strcasecmp(method, standard[i]) == 0)
            return strcmp(method, standard[i]) != 0;
    }
    return false;
}

/* What is wrong with a route; NULL: nothing. */
static const char *flaw_of_route(const char *method, size_t method_len, const char *pattern)
{
    if (!awl__http_is_token(method, method_len))
        return "the method is no token";
    if (is_standard_but_for_case(method))
        return "methods are in capital letters";
    return flaw(pattern);
}

/* ---- Adding; see awl/http_server.h ------------------------------------------------------------------------------- */

int awl_http_route(awl_http_app *app, const char *method, const char *pattern, awl_http_handler *handler, void *arg)
{
    const size_t method_len = method ? strlen(method) : 0, len = pattern ? strlen(pattern) : 0;
    const size_t size = sizeof(awl__route) + method_len + len + 2;
    awl__route **at, *route;
    const char *wrong;

    if (!app || !handler || !method || !pattern)
        return EINVAL;
    awl__loop_check(app->loop);
    wrong = flaw_of_route(method, method_len, pattern);
    if (wrong) {
        awl__error_detail(app->loop, EINVAL, "the route '%.20s %.120s': %s", method, pattern, wrong);
        return EINVAL;
    }
    for (at = strchr(pattern, '{') ? &app->routes : &app->fixed; *at; at = &(*at)->next) {
        if (strcmp((*at)->method, method) == 0 && same_pattern((*at)->pattern, pattern))
            return EEXIST;
    }
    route = awl__alloc(app->loop, size);
    if (!route)
        return ENOMEM;
    *route = (awl__route){ .handler = { handler, arg }, .size = size, .fixed = !strchr(pattern, '{') };
    memcpy(route->text, method, method_len + 1);
    memcpy(route->text + method_len + 1, pattern, len + 1);
    route->method = route->text;
    route->pattern = route->text + method_len + 1;
    *at = route;
    return 0;
}
