/* Routes: which handler a method and a path go to; see awl/http_server.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "http_server_priv.h"

/* ---- Patterns ---------------------------------------------------------------------------------------------------- */

/* The length of a segment, up to the next '/' or the end. */
static size_t segment(const char *text) { return (size_t)(strchrnul(text, '/') - text); }

/* "{name}": the length of the name; 0: it is no such segment. */
static size_t brace(const char *text, size_t len)
{
    return len > 2 && text[0] == '{' && text[len - 1] == '}' ? len - 2 : 0;
}

bool awl__route_is_valid(const char *pattern)
{
    unsigned params = 0;

    if (pattern[0] != '/')
        return false;
    while (*pattern++) {
        const size_t len = segment(pattern), name = brace(pattern, len);

        if (name) {
            const bool rest = pattern[name] == '*';

            if (++params > AWL__PARAMS || !awl__http_is_token(pattern + 1, name - rest) || (rest && pattern[len]) ||
                memchr(pattern + 1, '{', name) || memchr(pattern + 1, '*', name - rest))
                return false;
        } else if (memchr(pattern, '{', len) || memchr(pattern, '}', len)) {
            return false;
        }
        pattern += len;
    }
    return true;
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

/* ---- Adding; see awl/http_server.h ------------------------------------------------------------------------------- */

int awl_http_route(awl_http_app *app, const char *method, const char *pattern, awl_http_handler *handler, void *arg)
{
    const size_t method_len = method ? strlen(method) : 0, len = pattern ? strlen(pattern) : 0;
    const size_t size = sizeof(awl__route) + method_len + len + 2;
    awl__route **at, *route;

    if (!app || !handler || !len || !awl__http_is_token(method, method_len) || !awl__route_is_valid(pattern))
        return EINVAL;
    awl__loop_check(app->loop);
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
