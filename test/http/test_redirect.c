/* Redirects: which are followed, what goes along, what is refused. */
#include "client_rig.h"

#define TO(status, where) "HTTP/1.1 " status " Go\r\nLocation: " where "\r\nContent-Length: 2\r\n\r\nab"

CLIENT_TEST(redirects_are_followed,
            ANSWERS(SAY(TO("301", "/b/c"), .path = "/a"), SAY(TO("302", "d?x=1#f"), .path = "/b/c"),
                    SAY(TO("307", "//127.0.0.1:$1/e"), .path = "/b/d?x=1"),
                    SAY(TO("308", "http://127.0.0.1:$0/f g"), .path = "/e"), SAY(HELLO)),
            {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/a"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(awl_response_redirects(self->r), 4);
    CHECK_STR(awl_response_url(self->r), at(0, "/f%20g"));
    CHECK_INT(script.n, 5);
    CHECK_INT(script.conns, 2); /* their bodies are read, so that the connections are kept */
    CLIENT_END;
}

/* What becomes of a method, and of its body: RFC 9110, 15.4. */
static const struct {
    const char *status, *method, *then;
    bool body;
} methods[] = {
    { "301", "GET", "GET", false },  { "301", "POST", "GET", false }, { "302", "POST", "GET", false },
    { "301", "PUT", "PUT", true },   { "303", "POST", "GET", false }, { "303", "PUT", "GET", false },
    { "303", "HEAD", "HEAD", false }, { "307", "POST", "POST", true }, { "308", "POST", "POST", true },
    { "302", "DELETE", "DELETE", false },
};
static char first[128];
static answer turns[] = { { .text = first, .path = "/1", .again = true },
                          { .text = EMPTY, .path = "/2", .again = true },
                          { .text = NULL } };

CLIENT_TEST(methods_change_as_they_must, ANSWERS(SAY("")), { size_t i; const char *method; })
{
    static const awl_http_pair language[] = { { "Content-Language", "eo" }, { "X-A", "b" }, { NULL, NULL } };
    awl_http_request_options options = { .headers = language, .type = "text/x" };
    bool body;

    co_begin;
    script.answers = turns;
    OPEN(0);
    for (self->i = 0; self->i < sizeof methods / sizeof *methods; self->i++) {
        self->method = methods[self->i].method;
        snprintf(first, sizeof first, "HTTP/1.1 %s Go\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n",
                 methods[self->i].status);
        if (self->method[0] == 'P')
            options.body = "hi", options.body_size = 2;
        script.n = 0;
        co_let(self->r, awl_http_request(self->session, self->method, at(0, "/1"), &options));
        body = methods[self->i].body;
        CHECK_INT(awl_response_redirects(self->r), 1);
        CHECK(strncmp(script.notes[1].head, methods[self->i].then, strlen(methods[self->i].then)) == 0);
        CHECK_STR(script.notes[1].body, body ? "hi" : "");
        CHECK(said(1, "\r\nX-A: b\r\n"));
        if (strcmp(methods[self->i].then, self->method) != 0)
            CHECK(!said(1, "Content-Language") && !said(1, "Content-Type") && !said(1, "Content-Length"));
        awl_response_close(self->r);
        self->r = NULL;
    }
    CLIENT_END;
}

CLIENT_TEST(secrets_stay_with_the_first_origin,
            ANSWERS(SAY(TO("302", "/same"), .path = "/a"), SAY(TO("302", "http://127.0.0.1:$1/other"), .path = "/same"),
                    SAY(TO("302", "http://x:y@127.0.0.1:$0/back"), .path = "/other"), SAY(HELLO)), {})
{
    static const awl_http_pair own[] = { { "Cookie", "a=b" }, { "Host", "me" }, { "X-A", "1" }, { NULL, NULL } };
    static const awl_http_pair all[] = { { "Proxy-Authorization", "q" }, { NULL, NULL } };

    co_begin;
    OPEN(.user = "u", .password = "p", .headers = all);
    GET(at(0, "/a"), &(awl_http_request_options){ .headers = own });
    for (int i = 0; i < 4; i++) {
        CHECK(said(i, "\r\nAuthorization: Basic dTpw\r\n") == (i < 2));
        CHECK(said(i, "\r\nCookie: a=b\r\n") == (i < 2));
        CHECK(said(i, "\r\nHost: me\r\n") == (i < 2));
        CHECK(said(i, "\r\nProxy-Authorization: q\r\n") == (i < 2));
        CHECK(said(i, "\r\nX-A: 1\r\n"));
        CHECK(!said(i, "eDp5")); /* nor does a redirect say who we are */
    }
    CHECK_STR(awl_response_url(self->r), at(0, "/back"));
    CLIENT_END;
}

CLIENT_TEST(loops_end, ANSWERS(SAY(TO("302", "/a"), .again = true)), {})
{
    co_begin;
    OPEN(0);
    CHECK_FAILS(AWL_EREDIRECT, awl_http_get(self->session, at(0, "/a"), NULL));
    CHECK_INT(script.n, 11);
    CHECK(strstr(awl_error_message(AWL_EREDIRECT), "/a: too many redirects") != NULL);
    script.n = 0;
    CHECK_FAILS(AWL_EREDIRECT, awl_http_get(self->session, at(0, "/a"), &(awl_http_request_options){ .redirects = 2 }));
    CHECK_INT(script.n, 3);
    CLIENT_END;
}

CLIENT_TEST(redirects_can_be_the_result, ANSWERS(SAY(TO("302", "/a"), .again = true)), {})
{
    co_begin;
    OPEN(.redirects = -1);
    GET(at(0, "/a"), NULL);
    CHECK_INT(awl_response_status(self->r), 302);
    CHECK_STR(self->text, "ab");
    awl_http_session_close(self->session);
    OPEN(0);
    GET(at(0, "/a"), &(awl_http_request_options){ .redirects = -1 });
    CHECK_STR(awl_response_field(self->r, "location"), "/a");
    CLIENT_END;
}

CLIENT_TEST(an_empty_location_is_none, ANSWERS(SAY(TO("302", "")), SAY(TO("302", " ")), SAY(TO("302", "\t "))), {})
{
    co_begin;
    OPEN(0);
    while (script.n < 3) {
        GET(at(0, "/a"), NULL);
        CHECK_INT(awl_response_status(self->r), 302);
        CHECK_STR(self->text, "ab");
        CHECK_INT(awl_response_redirects(self->r), 0);
    }
    CLIENT_END;
}

CLIENT_TEST(others_are_no_redirects,
            ANSWERS(SAY(TO("300", "/b")), SAY("HTTP/1.1 304 Not Modified\r\nLocation: /b\r\n\r\n"),
                    SAY("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), SAY(TO("201", "/b"))), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/a"), NULL);
    CHECK_INT(awl_response_status(self->r), 300);
    GET(at(0, "/a"), NULL);
    CHECK_INT(awl_response_status(self->r), 304);
    GET(at(0, "/a"), NULL);
    CHECK_INT(awl_response_status(self->r), 302);
    GET(at(0, "/a"), NULL);
    CHECK_INT(awl_response_status(self->r), 201);
    CLIENT_END;
}

static const char *const bad[] = { "ftp://127.0.0.1/", "file:///etc/passwd",  "http:///x", "http://[::1/",
                                   "http://a:99999/",  "javascript:alert(1)", "http:x" };

CLIENT_TEST(what_is_no_place_is_refused, ANSWERS(SAY("")), { size_t i; })
{
    co_begin;
    script.answers = turns;
    OPEN(0);
    for (self->i = 0; self->i < sizeof bad / sizeof *bad; self->i++) {
        snprintf(first, sizeof first, "HTTP/1.1 302 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", bad[self->i]);
        CHECK_FAILS(AWL_EREDIRECT, awl_http_get(self->session, at(0, "/1"), NULL));
    }
    CHECK_INT(script.conns, 1);
    CLIENT_END;
}

CLIENT_TEST(body_of_a_redirect_may_be_bad,
            ANSWERS(SAY("HTTP/1.1 302 F\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", .path = "/a"),
                    SAY("HTTP/1.1 302 F\r\nLocation: /c\r\nContent-Length: 9999999\r\n\r\n", .path = "/b"),
                    SAY("HTTP/1.1 302 F\r\nLocation: /d\r\n\r\n", .path = "/c", .then = HANG), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/a"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(script.conns, 4);
    CLIENT_END;
}

/* The second exchange of a request fails: its connection must not be taken for the first one's, which was done with. */
TIMED_CLIENT_TEST(connection_of_a_redirect_that_fails_is_not_kept,
                  ANSWERS(SAY(TO("302", "/slow"), .path = "/a"), SAY(HELLO, .path = "/slow", .delay = 2 * AWL_SECOND),
                          SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), {})
{
    co_begin;
    OPEN(0);
    GET_FAILS(ETIMEDOUT, at(0, "/a"), .timeouts = { .total = AWL_SECOND });
    GET(at(0, "/x"), NULL);
    CHECK_STR(self->text, "ok");
    CLIENT_END;
}
