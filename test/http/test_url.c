/* test_url.c: URLs taken apart and put together, RFC 3986. */
#include <errno.h>
#include <string.h>

#include "awl/url.h"
#include "harness.h"

static awl_url parsed(const char *text)
{
    awl_url url;

    CHECK_INT(awl_url_parse(text, &url), 0);
    return url;
}

/* The normal and abnormal examples of RFC 3986, 5.4. */
TEST(references_mean_what_the_rfc_says)
{
    static const char *const cases[][2] = {
        { "g:h", "g:h" },
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q#s" },
        { "g#s", "http://a/b/c/g#s" },
        { "g?y#s", "http://a/b/c/g?y#s" },
        { ";x", "http://a/b/c/;x" },
        { "g;x", "http://a/b/c/g;x" },
        { "g;x?y#s", "http://a/b/c/g;x?y#s" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "./", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../..", "http://a/" },
        { "../../", "http://a/" },
        { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" },
        { "../../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "/../g", "http://a/g" },
        { "g.", "http://a/b/c/g." },
        { ".g", "http://a/b/c/.g" },
        { "g..", "http://a/b/c/g.." },
        { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" },
        { "./g/.", "http://a/b/c/g/" },
        { "g/./h", "http://a/b/c/g/h" },
        { "g/../h", "http://a/b/c/h" },
        { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "g;x=1/../y", "http://a/b/c/y" },
        { "g?y/./x", "http://a/b/c/g?y/./x" },
        { "g?y/../x", "http://a/b/c/g?y/../x" },
        { "g#s/./x", "http://a/b/c/g#s/./x" },
        { "g#s/../x", "http://a/b/c/g#s/../x" },
        { "http:g", "http:g" },
    };
    char text[100];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(awl_url_resolve("http://a/b/c/d;p?q", cases[i][0], text, sizeof text), strlen(cases[i][1]));
        CHECK_STR(text, cases[i][1]);
    }
}

/* A server may redirect to a path of many segments: that takes no longer than to read it. */
TEST(long_paths_are_no_more_work_than_they_are_long)
{
    static char path[400000], text[sizeof path + 16];

    for (size_t i = 0; i + 1 < sizeof path; i++)
        path[i] = i % 2 ? 'a' : '/';
    memcpy(path + sizeof path - 4, "/..", 3);
    CHECK_INT(awl_url_resolve("http://a/", path, text, sizeof text), 8 + sizeof path - 4 - 2 + 1);
    CHECK(memcmp(text, "http://a/a/a", 12) == 0);
    CHECK_STR(text + strlen(text) - 4, "a/a/");
}

TEST(all_parts_are_found)
{
    const awl_url url = parsed("https://me:pw@example.org:8443/a/b%20c?x=1&y#top");

    CHECK(awl_url_part_is(url.scheme, "https"));
    CHECK(awl_url_part_is(url.user, "me:pw"));
    CHECK(awl_url_part_is(url.host, "example.org"));
    CHECK(awl_url_part_is_nocase(url.host, "EXAMPLE.org"));
    CHECK_INT(awl_url_port(&url), 8443);
    CHECK(awl_url_part_is(url.path, "/a/b%20c"));
    CHECK(awl_url_part_is(url.query, "x=1&y"));
    CHECK(awl_url_part_is(url.fragment, "top"));
}

TEST(parts_that_are_not_there_are_not_empty_ones)
{
    const awl_url url = parsed("http://a/"), empty = parsed("http://a:/?#");

    CHECK(!url.user.at && !url.port.at && !url.query.at && !url.fragment.at);
    CHECK(empty.port.at && empty.query.at && empty.fragment.at);
    CHECK_INT(awl_url_port(&url), 80);
    CHECK_INT(awl_url_port(&empty), 80);
}

TEST(addresses_of_ipv6_are_without_brackets)
{
    const awl_url url = parsed("http://[::1]:8080/");
    char text[40];

    CHECK(awl_url_part_is(url.host, "::1"));
    CHECK_INT(awl_url_port(&url), 8080);
    CHECK_INT(awl_url_resolve("http://[fe80::1%25eth0]:80/a", "b", text, sizeof text), 28);
    CHECK_STR(text, "http://[fe80::1%25eth0]:80/b");
}

TEST(what_is_no_url_is_refused)
{
    static const char *const cases[] = {
        "http://a b/", "http://a/ ", "http://a/\n", "http://a/\xc3\xa4", "http://a/%", "http://a/%4", "http://a/%zz",
        "http://a:x/", "http://a:65536/", "http://a:1:2/", "http://[::1", "http://[x]/", "http://[::1]x/", "http://[]/",
        "http://a<b/", "http://a/{b}", "http://a/|", "1a:b", "http://a@b@c/", "http://a/#b#c", "http://[::1%25]/",
    };
    awl_url url;
    char text[8];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (awl_url_parse(cases[i], &url) != EINVAL)
            CHECK_STR(cases[i], "refused");
    }
    CHECK_INT(awl_url_parse(NULL, &url), EINVAL);
    CHECK_INT(awl_url_resolve("/a", "b", text, sizeof text), -EINVAL);
    CHECK_INT(awl_url_resolve("http://a", "b c", text, sizeof text), -EINVAL);
}

TEST(a_text_without_room_is_cut_off)
{
    char text[8];

    CHECK_INT(awl_url_resolve("http://example.org/", "a", text, sizeof text), 20);
    CHECK_STR(text, "http://");
    CHECK_INT(awl_url_resolve("http://example.org/", "a", NULL, 0), 20);
}

TEST(what_is_not_unreserved_is_encoded)
{
    char text[40];

    CHECK_INT(awl_url_encode("a b/\xff~", 6, "", text, sizeof text), 12);
    CHECK_STR(text, "a%20b%2F%FF~");
    CHECK_INT(awl_url_encode("a/b", 3, "/", text, sizeof text), 3);
    CHECK_STR(text, "a/b");
}

/* A path of which the first segment is empty would be taken for an authority, where there is none before it. */
TEST(a_path_is_never_taken_for_an_authority)
{
    char text[100];

    awl_url_resolve("x:/a/b", "/.//c", text, sizeof text);
    CHECK_STR(text, "x:/.//c");
    awl_url_resolve("x:/a/b", "..//c", text, sizeof text);
    CHECK_STR(text, "x:/.//c");
    awl_url_resolve("http://a/b", "/.//c", text, sizeof text);
    CHECK_STR(text, "http://a//c");
}
