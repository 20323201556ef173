/* Cookies: which are kept, who gets them, files of them. */
#include <sys/stat.h>

#include "client_rig.h"

/* A jar in a loop with virtual time: now is 0, in 1970. */
#define JAR_TEST(name, ...)                                                                                            \
    co_declare(name, { awl_cookie_jar *jar; __extension__ struct __VA_ARGS__; });                                     \
    TEST(name) { run_main(co_call(name), true); }                                                                      \
    co_define(name)
#define JAR                                                                                                            \
    co_begin;                                                                                                          \
    self->jar = awl_cookie_jar_new();                                                                                  \
    CHECK(self->jar != NULL)
#define JAR_END                                                                                                        \
    co_finally;                                                                                                        \
    awl_cookie_jar_release(self->jar);                                                                                 \
    co_end

static char sent[8192];

static const char *got_for(awl_cookie_jar *jar, const char *url)
{
    const size_t len = awl_cookie_jar_get(jar, url, sent, sizeof sent);

    CHECK_INT(len, strlen(sent));
    CHECK_INT(awl_cookie_jar_get(jar, url, NULL, 0), len);
    return sent;
}

#define SET(url, line) CHECK_INT(awl_cookie_jar_set(self->jar, (url), (line)), 0)
#define REFUSED(error, url, line) CHECK_INT(awl_cookie_jar_set(self->jar, (url), (line)), (error))
#define GETS(url, cookies) CHECK_STR(got_for(self->jar, (url)), (cookies))

/* RFC 6265, 3.1, and more. */
JAR_TEST(hosts_get_what_is_theirs, {})
{
    JAR;
    SET("http://example.com/", "a=1");
    GETS("http://example.com/x", "a=1");
    GETS("http://EXAMPLE.com:81/x", "a=1"); /* ports do not matter */
    GETS("http://www.example.com/", "");
    SET("http://www.example.com/", "b=2; Domain=example.com");
    GETS("http://example.com/", "a=1; b=2");
    GETS("http://x.example.com/", "b=2");
    GETS("http://badexample.com/", "");
    SET("http://www.example.com/", "c=3; domain=.WWW.example.com");
    GETS("http://a.www.example.com/", "b=2; c=3");
    GETS("http://example.com/", "a=1; b=2");
    CHECK_INT(awl_cookie_jar_count(self->jar), 3);
    JAR_END;
}

JAR_TEST(domains_of_others_are_refused, {})
{
    JAR;
    REFUSED(EPERM, "http://example.com/", "a=1; Domain=example.org");
    REFUSED(EPERM, "http://example.com/", "a=1; Domain=www.example.com");
    REFUSED(EPERM, "http://example.com/", "a=1; Domain=com");
    REFUSED(EPERM, "http://badexample.com/", "a=1; Domain=example.com");
    REFUSED(EPERM, "http://127.0.0.1/", "a=1; Domain=0.0.1");
    CHECK_INT(awl_cookie_jar_count(self->jar), 0);
    SET("http://127.0.0.1/", "a=1; Domain=127.0.0.1");
    SET("http://localhost/", "b=1; Domain=localhost");
    SET("http://[::1]/", "c=1");
    GETS("http://127.0.0.1/", "a=1");
    GETS("http://localhost/", "b=1");
    GETS("http://x.localhost/", "");
    GETS("http://[::1]/", "c=1");
    JAR_END;
}

JAR_TEST(paths_match_by_segments, {})
{
    JAR;
    SET("http://e.org/a/b", "d=0"); /* its path is /a */
    SET("http://e.org/", "p=1; Path=/a/b");
    SET("http://e.org/", "r=2; path=/");
    SET("http://e.org/x", "s=3; Path=relative");
    SET("http://e.org/", "t=4; Path=/c/");
    GETS("http://e.org/a/b", "p=1; d=0; r=2; s=3");
    GETS("http://e.org/a/b/c?x", "p=1; d=0; r=2; s=3");
    GETS("http://e.org/a/bc", "d=0; r=2; s=3");
    GETS("http://e.org/ab", "r=2; s=3");
    GETS("http://e.org", "r=2; s=3");
    GETS("http://e.org/c", "r=2; s=3");
    GETS("http://e.org/c/d", "t=4; r=2; s=3");
    JAR_END;
}

JAR_TEST(secure_ones_go_over_https, {})
{
    JAR;
    REFUSED(EPERM, "http://e.org/", "a=1; Secure");
    SET("https://e.org/", "a=1; Secure; HttpOnly");
    GETS("http://e.org/", "");
    GETS("https://e.org/", "a=1");
    REFUSED(EPERM, "http://e.org/", "a=2"); /* nobody on the way may set one in its place */
    REFUSED(EPERM, "http://www.e.org/", "a=2; Domain=e.org");
    GETS("https://e.org/", "a=1");
    REFUSED(EPERM, "https://e.org/", "__Secure-x=1");
    SET("https://e.org/", "__Secure-x=1; Secure");
    REFUSED(EPERM, "https://www.e.org/", "__Host-x=1; Secure; Domain=e.org; Path=/");
    REFUSED(EPERM, "https://e.org/", "__Host-x=1; Secure");
    SET("https://e.org/", "__Host-x=1; Secure; Path=/");
    JAR_END;
}

JAR_TEST(cookies_end, {})
{
    JAR;
    SET("http://e.org/", "a=1; Max-Age=10");
    SET("http://e.org/", "b=1; Expires=Thu, 01 Jan 1970 00:00:20 GMT");
    SET("http://e.org/", "c=1; Max-Age=30; Expires=Thu, 01 Jan 1970 00:00:05 GMT"); /* Max-Age counts */
    SET("http://e.org/", "d=1; Expires=rubbish; Max-Age=x");
    SET("http://e.org/", "e=1; Expires=Thu, 01 Jan 1969 00:00:05 GMT");
    GETS("http://e.org/", "a=1; b=1; c=1; d=1");
    co_await(awl_sleep(10 * AWL_SECOND));
    GETS("http://e.org/", "b=1; c=1; d=1");
    co_await(awl_sleep(10 * AWL_SECOND));
    GETS("http://e.org/", "c=1; d=1");
    SET("http://e.org/", "c=; Max-Age=0");
    GETS("http://e.org/", "d=1");
    SET("http://e.org/", "d=2; Max-Age=-5");
    GETS("http://e.org/", "");
    JAR_END;
}

/* The dates that servers write, and some that they had better not; RFC 6265, 5.1.1. */
static const struct {
    const char *text;
    int64_t seconds; /* -1: none */
} dates[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },  { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
    { "Sun Nov  6 08:49:37 1994", 784111777 },       { "06 nov 1994 8:49:37", 784111777 },
    { "1994 nov 06 08:49:37", 784111777 },           { "Sun, 06-Nov-2094 08:49:37 GMT", 3939871777 },
    { "Tue, 19 Jan 2038 03:14:08 GMT", 2147483648 }, { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
    { "Sun, 06 Nov 1600 08:49:37 GMT", -1 },         { "Sun, 06 Nov 1994 24:00:00 GMT", -1 },
    { "Sun, 32 Nov 1994 08:49:37 GMT", -1 },         { "Sun, 06 Nov 1994", -1 },
    { "", -1 },                                      { "08:49:37 06 Foo 1994", -1 },
};

JAR_TEST(dates_are_read_as_they_come, { size_t i; })
{
    char line[80];
    awl_cookie cookie;

    JAR;
    for (self->i = 0; self->i < sizeof dates / sizeof *dates; self->i++) {
        snprintf(line, sizeof line, "a=1; Expires=%s", dates[self->i].text);
        SET("http://e.org/", line);
        CHECK(awl_cookie_jar_at(self->jar, 0, &cookie));
        CHECK_INT(cookie.expires, dates[self->i].seconds < 0 ? 0 : dates[self->i].seconds);
        awl_cookie_jar_clear(self->jar, NULL);
    }
    JAR_END;
}

JAR_TEST(what_is_no_cookie_is_refused, {})
{
    JAR;
    REFUSED(EINVAL, "http://e.org/", "");
    REFUSED(EINVAL, "http://e.org/", "novalue");
    REFUSED(EINVAL, "http://e.org/", "=v");
    REFUSED(EINVAL, "http://e.org/", "; a=b");
    REFUSED(EINVAL, "http://e.org/", "a=b\r\nX: y");
    REFUSED(EINVAL, "/relative", "a=b");
    REFUSED(EINVAL, "http://e.org/", NULL);
    SET("http://e.org/", " a = \"b c\" ; what=ever;;Path");
    GETS("http://e.org/", "a=\"b c\"");
    CHECK_INT(awl_cookie_jar_set(NULL, "http://e.org/", "a=b"), EINVAL);
    CHECK_INT(awl_cookie_jar_get(NULL, "http://e.org/", NULL, 0), 0);
    CHECK_INT(awl_cookie_jar_count(NULL), 0);
    awl_cookie_jar_clear(NULL, NULL);
    awl_cookie_jar_release(NULL);
    JAR_END;
}

JAR_TEST(new_one_takes_the_place_of_the_old, {})
{
    awl_cookie c;

    JAR;
    SET("http://e.org/", "a=1");
    SET("http://e.org/", "b=1");
    SET("http://e.org/", "a=2; HttpOnly");
    GETS("http://e.org/", "a=2; b=1");
    CHECK(awl_cookie_jar_at(self->jar, 0, &c));
    CHECK_STR(c.value, "2");
    CHECK_STR(c.domain, "e.org");
    CHECK_STR(c.path, "/");
    CHECK(c.http_only && c.host_only && !c.secure && !c.expires);
    CHECK(!awl_cookie_jar_at(self->jar, 2, &c));
    SET("http://x.e.org/", "c=1");
    SET("http://f.org/", "d=1");
    awl_cookie_jar_clear(self->jar, "e.org");
    CHECK_INT(awl_cookie_jar_count(self->jar), 1);
    awl_cookie_jar_clear(self->jar, NULL);
    CHECK_INT(awl_cookie_jar_count(self->jar), 0);
    JAR_END;
}

/* Who can write into a connection without TLS sets many, and drives none out that is Secure. */
JAR_TEST(secure_ones_are_the_last_to_go, { int i; })
{
    char line[32];

    JAR;
    SET("https://e.org/", "s=1; Secure");
    for (self->i = 0; self->i < 60; self->i++) {
        snprintf(line, sizeof line, "n%d=1", self->i);
        SET("http://e.org/", line);
    }
    CHECK_INT(awl_cookie_jar_count(self->jar), 50);
    CHECK(strncmp(got_for(self->jar, "https://e.org/"), "s=1; ", 5) == 0);
    JAR_END;
}

JAR_TEST(jars_have_limits, { int i; })
{
    char url[64], line[32];

    JAR;
    for (self->i = 0; self->i < 60; self->i++) {
        snprintf(line, sizeof line, "n%d=1", self->i);
        SET("http://e.org/", line);
        if (self->i == 49)
            GETS("http://e.org/", got_for(self->jar, "http://e.org/")); /* all have been used now */
    }
    CHECK_INT(awl_cookie_jar_count(self->jar), 50);
    CHECK(strstr(got_for(self->jar, "http://e.org/"), "n59=1") && !strstr(sent, "n0=1") && !strstr(sent, "n9=1"));
    for (self->i = 0; self->i < 3100; self->i++) {
        snprintf(url, sizeof url, "http://h%d.org/", self->i);
        SET(url, "a=1");
    }
    CHECK_INT(awl_cookie_jar_count(self->jar), 3000);
    GETS("http://e.org/", "");
    GETS("http://h3099.org/", "a=1");
    JAR_END;
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static const char *slurp(const char *path)
{
    static char text[2048];
    FILE *f = fopen(path, "r");

    CHECK(f != NULL);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void spit(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

#define FILE_TEXT                                                                                                      \
    "# Netscape HTTP Cookie File\n"                                                                                    \
    "e.org\tFALSE\t/\tFALSE\t0\ta\t1\n"                                                                                \
    "#HttpOnly_.e.org\tTRUE\t/x\tTRUE\t9999999999\tb\t2 3\n"

JAR_TEST(files_are_as_curl_has_them, { awl_cookie_jar *other; char path[64]; })
{
    struct stat st;

    JAR;
    snprintf(self->path, sizeof self->path, "cookies-%d.txt", (int)getpid());
    SET("http://e.org/", "a=1");
    SET("https://www.e.org/", "b=2 3; Domain=e.org; Path=/x; Secure; HttpOnly; Max-Age=9999999999");
    CHECK_INT(awl_cookie_jar_save(self->jar, self->path), 0);
    CHECK_STR(slurp(self->path), FILE_TEXT);
    CHECK_INT(stat(self->path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    self->other = awl_cookie_jar_new();
    CHECK(self->other != NULL);
    CHECK_INT(awl_cookie_jar_load(self->other, self->path), 0);
    CHECK_STR(got_for(self->other, "https://y.e.org/x"), "b=2 3");
    CHECK_STR(got_for(self->other, "http://e.org/x"), "a=1");
    CHECK_INT(awl_cookie_jar_save(self->other, self->path), 0);
    CHECK_STR(slurp(self->path), FILE_TEXT);
    co_finally;
    unlink(self->path);
    awl_cookie_jar_release(self->other);
    awl_cookie_jar_release(self->jar);
    co_end;
}

JAR_TEST(files_may_be_bad, { char path[64]; })
{
    JAR;
    snprintf(self->path, sizeof self->path, "cookies-%d.txt", (int)getpid());
    CHECK_INT(awl_cookie_jar_load(self->jar, self->path), ENOENT);
    CHECK_INT(awl_cookie_jar_save(self->jar, "/nowhere/at/all"), ENOENT);
    CHECK_INT(awl_cookie_jar_load(NULL, "x"), EINVAL);
    CHECK_INT(awl_cookie_jar_save(self->jar, NULL), EINVAL);
    spit(self->path,
         "\n# comment\ne.org\nrubbish\te.org\t\t\t\t\t\ne.org\tFALSE\tx\tFALSE\t0\ta\t1\n"
         "e.org\tFALSE\t/\tFALSE\t0\tz\t1\t2\ne.org\tFALSE\t/\tFALSE\t0\ty\t1;2\r\ne.org\tFALSE\t/\tFALSE\t0\tq\t7");
    CHECK_INT(awl_cookie_jar_load(self->jar, self->path), 0);
    GETS("http://e.org/", "q=7");
    co_finally;
    unlink(self->path);
    awl_cookie_jar_release(self->jar);
    co_end;
}

/* ---- With sessions ---------------------------------------------------------------------------------------------- */

CLIENT_TEST(
    sessions_keep_cookies_and_send_them,
    ANSWERS(SAY("HTTP/1.1 302 F\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/y\r\nSet-Cookie: c=3; Domain=x.org\r\n"
                "Location: /y\r\nContent-Length: 0\r\n\r\n",
                .path = "/x"),
            SAY(EMPTY, .again = true)),
    {})
{
    static const awl_http_pair own[] = { { "Cookie", "mine=1" }, { NULL, NULL } };

    co_begin;
    OPEN(0);
    GET(at(0, "/x"), NULL);
    CHECK(!said(0, "Cookie"));
    CHECK(said(1, "\r\nCookie: b=2; a=1\r\n"));
    CHECK_INT(awl_cookie_jar_count(awl_http_session_cookies(self->session)), 2);
    GET(at(0, "/"), &(awl_http_request_options){ .headers = own });
    CHECK(said(2, "\r\nCookie: mine=1\r\n") && !said(2, "a=1"));
    CLIENT_END;
}

CLIENT_TEST(jars_are_shared_or_left_out,
            ANSWERS(SAY("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"), SAY(EMPTY, .again = true)),
            { awl_cookie_jar *jar; })
{
    co_begin;
    self->jar = awl_cookie_jar_new();
    CHECK(self->jar != NULL);
    OPEN(.cookies = self->jar);
    GET(at(0, "/"), NULL);
    awl_response_close(self->r);
    self->r = NULL;
    awl_http_session_close(self->session);
    CHECK_INT(awl_cookie_jar_count(self->jar), 1);
    OPEN(.cookies = self->jar);
    GET(at(0, "/"), NULL);
    CHECK(said(1, "\r\nCookie: a=1\r\n"));
    awl_response_close(self->r);
    self->r = NULL;
    awl_http_session_close(self->session);
    script.answers[0].used = false;
    OPEN(.no_cookies = true);
    GET(at(0, "/"), NULL);
    GET(at(0, "/"), NULL);
    CHECK(!said(3, "Cookie"));
    CHECK(awl_http_session_cookies(self->session) == NULL);
    co_finally;
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    awl_cookie_jar_release(self->jar);
    co_end;
}
