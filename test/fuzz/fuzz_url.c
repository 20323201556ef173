/*
 * URLs: their parts put together again are the text; a reference that is resolved is a URL without dot segments, which means
 * itself wherever it is found; what is cut off is the same text; what is encoded can be decoded.
 *
 * The first byte is the base, the second how much room there is; the rest is text, see words.h.
 */
#include <stdio.h>

#include "awl/url.h"
#include "words.h"

static const char *const words[] = {
    "http:", "//", "/", "..", ".", "../", "./", "?", "#", "a", "b", "@", ":", ":80", ":65536", "[::1]", "[", "]", "[fe80::1%25a]",
    "%2e", "%2F", "%", "%zz", "example.org", "x:", "1a:", ";p=1", "&c=d", "/.//", "/a/b/", "user:pw@", "\xc3\xa9", " ",
};
static const char *const bases[] = { "http://a/b/c/d;p?q", "http://a", "x:/a/b", "http://u@[::1]:8/a/b?q#f", "file:///", "m:a/b" };

static char text[MOST_TEXT + 1], whole[4 * MOST_TEXT], again[4 * MOST_TEXT];

static void add(char **to, const char *before, awl_url_part part, const char *behind)
{
    if (part.at)
        *to += sprintf(*to, "%s%.*s%s", before, (int)part.len, part.at, behind);
}

/* RFC 3986, 5.3. */
static void recompose(const awl_url *url, char *to)
{
    const int v6 = url->host.at && memchr(url->host.at, ':', url->host.len) != NULL;

    *to = '\0';
    add(&to, "", url->scheme, ":");
    to += sprintf(to, "%s", url->host.at ? "//" : "");
    add(&to, "", url->user, "@");
    add(&to, v6 ? "[" : "", url->host, v6 ? "]" : "");
    add(&to, ":", url->port, "");
    add(&to, "", url->path, "");
    add(&to, "?", url->query, "");
    add(&to, "#", url->fragment, "");
}

static void must_have_no_dots(awl_url_part path)
{
    if (!path.len || path.at[0] != '/')
        return;
    for (size_t i = 0, end; i < path.len; i = end) {
        for (end = i + 1; end < path.len && path.at[end] != '/'; end++)
            ;
        must(!(end - i == 2 && path.at[i + 1] == '.') || i == 0); /* "/.//a" is how a path of an empty segment is written */
        must(!(end - i == 3 && path.at[i + 1] == '.' && path.at[i + 2] == '.'));
    }
}

static void must_resolve(const char *base, size_t room)
{
    const ssize_t n = awl_url_resolve(base, text, whole, sizeof whole);
    awl_url url;

    must(n >= 0 && (size_t)n == strlen(whole));
    must(awl_url_parse(whole, &url) == 0 && url.scheme.at);
    must_have_no_dots(url.path);
    must(awl_url_resolve("q://z/y/x", whole, again, sizeof again) == n && strcmp(whole, again) == 0);
    memset(again, 'x', room + 1);
    must(awl_url_resolve(base, text, room ? again : NULL, room) == n);
    if (room)
        must(strlen(again) == (room <= (size_t)n ? room - 1 : (size_t)n) && strncmp(again, whole, strlen(again)) == 0);
    must(again[room] == 'x');
}

static void must_encode(size_t len)
{
    const size_t n = awl_url_encode(text, len, "/", whole, sizeof whole);
    size_t at = 0;

    must(n == strlen(whole) && awl_url_encode(text, len, "/", NULL, 0) == n);
    for (size_t i = 0; i < len; i++) {
        unsigned c = (unsigned char)whole[at];

        if (c == '%')
            must(sscanf(whole + at, "%%%2X", &c) == 1);
        at += whole[at] == '%' ? 3 : 1;
        must(c == (unsigned char)text[i]);
    }
    must(at == n && (n == 0 || !strchr("?#& ", whole[n - 1])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *base;
    awl_url url;
    size_t size;

    if (len < 2 || len > 2000)
        return 0;
    size = text_of(data + 2, len - 2, words, sizeof words / sizeof *words, text);
    base = bases[data[0] % (sizeof bases / sizeof *bases)];
    must_encode(size);
    if (awl_url_parse(text, &url)) {
        must(awl_url_resolve(base, text, whole, sizeof whole) < 0);
        return 0;
    }
    recompose(&url, whole);
    must(strcmp(whole, text) == 0);
    must(awl_url_port(&url) >= -1 && awl_url_port(&url) <= 65535);
    must_resolve(base, data[1] % 40);
    return 0;
}
