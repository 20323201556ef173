/* test_url.c: URLs, parsed and joined. */
#include "http/http_priv.h"
#include "../stream/rig.h"

TEST(urls_are_parsed)
{
    static const struct {
        const char *url, *host, *authority, *target;
        int port;
    } good[] = {
        { "http://example.org", "example.org", "example.org", "/", 80 },
        { "HTTP://Example.org/", "Example.org", "Example.org", "/", 80 },
        { "http://example.org:8080/a/b?c=d#e", "example.org", "example.org:8080", "/a/b?c=d", 8080 },
        { "http://example.org:/x", "example.org", "example.org", "/x", 80 },
        { "http://example.org?q", "example.org", "example.org", "/?q", 80 },
        { "http://example.org#f", "example.org", "example.org", "/", 80 },
        { "http://[::1]:81/", "::1", "[::1]:81", "/", 81 },
        { "http://1.2.3.4/%20", "1.2.3.4", "1.2.3.4", "/%20", 80 },
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char target[64];
        awl__url url;

        CHECK_INT(awl__url_parse(good[i].url, &url), 0);
        CHECK_STR(url.host, good[i].host);
        CHECK_STR(url.authority, good[i].authority);
        CHECK_INT(url.port, good[i].port);
        snprintf(target, sizeof target, "%s%.*s", url.no_path ? "/" : "", (int)url.target_size, url.target);
        CHECK_STR(target, good[i].target);
    }
}

TEST(what_is_no_url_is_refused)
{
    static const char *const bad[] = {
        "", "example.org", "//example.org/", "http:/example.org/", "http:example.org", "http://", "http:///x",
        "http://:80/", "http://a:0/", "http://a:65536/", "http://a:99999999999/", "http://a:8x/", "http://a:-1/",
        "http://a b/", "http://a/b c", "http://a/b\r\nHost: c", "http://a/\x80", "http://u@h/", "http://u:p@h/",
        "http://[::1/", "http://[::1]x/", "http://[]/", "http://a\\b/", "1http://a/",
    };
    char long_host[400] = "http://";
    awl__url url;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(awl__url_parse(bad[i], &url), EINVAL);
    CHECK_INT(awl__url_parse(NULL, &url), EINVAL);
    memset(long_host + 7, 'a', 300);
    CHECK_INT(awl__url_parse(long_host, &url), EINVAL);
    CHECK_INT(awl__url_parse("https://example.org/", &url), EPROTONOSUPPORT);
    CHECK_INT(awl__url_parse("ftp://example.org/", &url), EPROTONOSUPPORT);
}

TEST(locations_are_joined_to_where_they_were_found)
{
    static const char *const joins[][3] = {
        { "http://a/b/c?d", "http://e/f", "http://e/f" }, { "http://a/b/c?d", "//e/f", "http://e/f" },
        { "http://a/b/c?d", "/f", "http://a/f" },         { "http://a/b/c?d", "f", "http://a/b/f" },
        { "http://a:81/b/c", "f?g", "http://a:81/b/f?g" }, { "http://a/b/c?d/e", "?f", "http://a/b/c?f" },
        { "http://a", "f", "http://a/f" },                { "http://a?b/c", "f", "http://a/f" },
        { "http://a", "?f", "http://a/?f" },              { "http://[::1]/b", "c", "http://[::1]/c" },
        { "http://a/b", "https://c/", "https://c/" },
    };
    awl_loop *loop = awl_loop_open(NULL);

    CHECK(loop != NULL);
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        awl__url base;
        size_t size;
        char *url;

        CHECK_INT(awl__url_parse(joins[i][0], &base), 0);
        url = awl__url_join(loop, &base, joins[i][1], &size);
        CHECK_STR(url, joins[i][2]);
        awl__free(loop, url, size);
    }
    awl_loop_close(loop);
}
