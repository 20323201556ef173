/* URLs: RFC 3986, as far as an HTTP client meets them. */
#include <stdio.h>
#include <stdlib.h>

#include "http_priv.h"

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The length of "scheme:" at the start of `text`; 0: there is none. */
static size_t scheme_size(const char *text)
{
    size_t n = 0;

    if (!is_letter(text[0]))
        return 0;
    while (is_letter(text[n]) || is_digit(text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')
        n++;
    return text[n] == ':' ? n + 1 : 0;
}

static bool same_letters(const char *text, const char *lower, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != lower[i])
            return false;
    }
    return true;
}

/* Digits up to `end`; nothing at all means `none`. -1: something else. */
static int parse_port(const char *text, const char *end, int none)
{
    int port = 0;

    if (text == end)
        return none;
    for (; text < end; text++) {
        if (!is_digit(*text) || port > 6553)
            return -1;
        port = port * 10 + (*text - '0');
    }
    return port >= 1 && port <= 65535 ? port : -1;
}

/* "host", "host:80", "[::1]:80". */
static int parse_authority(const char *text, const char *end, awl__url *url)
{
    const char *host = text, *host_end, *port;
    size_t size;

    if (text < end && *text == '[') {
        host = text + 1;
        host_end = memchr(text, ']', (size_t)(end - text));
        if (!host_end)
            return EINVAL;
        port = host_end + 1;
    } else {
        host_end = memchr(text, ':', (size_t)(end - text));
        if (!host_end)
            host_end = end;
        port = host_end;
    }
    size = (size_t)(host_end - host);
    if (!size || size >= sizeof url->host || (port < end && *port != ':'))
        return EINVAL;
    for (const char *at = host; at < host_end; at++) {
        if (!is_letter(*at) && !is_digit(*at) && !strchr(host == text ? "-._~" : ":.", *at))
            return EINVAL;
    }
    url->port = parse_port(port < end ? port + 1 : end, end, 80);
    if (url->port < 0)
        return EINVAL;
    memcpy(url->host, host, size);
    url->host[size] = '\0';
    if (url->port == 80)
        snprintf(url->authority, sizeof url->authority, host == text ? "%s" : "[%s]", url->host);
    else
        snprintf(url->authority, sizeof url->authority, host == text ? "%s:%d" : "[%s]:%d", url->host, url->port);
    return 0;
}

int awl__url_parse(const char *text, awl__url *url)
{
    const size_t scheme = text ? scheme_size(text) : 0;
    const char *end;

    if (!scheme)
        return EINVAL;
    if (scheme != 5 || !same_letters(text, "http:", 5))
        return EPROTONOSUPPORT;
    text += scheme;
    if (text[0] != '/' || text[1] != '/')
        return EINVAL;
    text += 2;
    for (const char *at = text; *at; at++) { /* anything else has to be percent-encoded */
        if (*at <= ' ' || *at > '~')
            return EINVAL;
    }
    end = text + strcspn(text, "/?#");
    url->target = end;
    url->target_size = strcspn(end, "#");
    url->no_path = *end != '/';
    return parse_authority(text, end, url);
}

char *awl__url_join(awl_loop *loop, const awl__url *base, const char *location, size_t *size)
{
    const size_t room = 8 + sizeof base->authority + 1 + base->target_size + strlen(location) + 1;
    const char *path = base->target, *end = path;
    char *text = awl__alloc(loop, room);

    if (!text)
        return NULL;
    *size = room;
    if (scheme_size(location)) {
        strcpy(text, location);
        return text;
    }
    if (location[0] == '/' && location[1] == '/') {
        snprintf(text, room, "http:%s", location);
        return text;
    }
    /* What stays of the base: nothing of its path, the path without the query, or the path up to its last '/'. */
    if (location[0] != '/') {
        while (end < path + base->target_size && *end != '?')
            end++;
        while (location[0] != '?' && end > path && end[-1] != '/')
            end--;
    }
    snprintf(text, room, "http://%s%s%.*s%s", base->authority, end == path && location[0] != '/' ? "/" : "",
             (int)(end - path), path, location);
    return text;
}
