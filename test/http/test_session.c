/* Sessions and requests: what is sent, what comes back, what is refused. */
#include "client_rig.h"
#include "loop/loop_priv.h"

CLIENT_TEST(response_is_read_whole, ANSWERS(SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/a?b"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(self->len, 5);
    CHECK_INT(awl_response_status(self->r), 200);
    CHECK_STR(awl_response_reason(self->r), "OK");
    CHECK_INT(awl_response_length(self->r), 5);
    CHECK_STR(awl_response_url(self->r), at(0, "/a?b"));
    CHECK_INT(awl_response_redirects(self->r), 0);
    CHECK(said(0, "GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(said(0, "\r\nUser-Agent: awl\r\nAccept: */*\r\n"));
    CHECK(!said(0, "Content-Length"));
    CLIENT_END;
}

CLIENT_TEST(fields_are_found, ANSWERS(SAY("HTTP/1.1 404 Not Here\r\nX: 1\r\nx: 2\r\nContent-Length: 0\r\n\r\n")),
            { const char *name, *value; })
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    CHECK_INT(awl_response_status(self->r), 404);
    CHECK_STR(awl_response_reason(self->r), "Not Here");
    CHECK_STR(awl_response_field(self->r, "X"), "1");
    CHECK_STR(awl_response_field(self->r, "CONTENT-LENGTH"), "0");
    CHECK_STR(awl_response_field(self->r, "Y"), NULL);
    CHECK(awl_response_field_at(self->r, 1, &self->name, &self->value));
    CHECK_STR(self->name, "x");
    CHECK_STR(self->value, "2");
    CHECK(!awl_response_field_at(self->r, 3, &self->name, &self->value));
    CHECK_INT(awl_response_check(self->r), AWL_ESTATUS);
    CLIENT_END;
}

CLIENT_TEST(status_can_be_an_error, ANSWERS(SAY("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", .again = true)), {})
{
    co_begin;
    OPEN(.raise_for_status = true);
    CHECK_FAILS(AWL_ESTATUS, awl_http_get(self->session, at(0, "/x"), NULL));
    CHECK(strstr(awl_error_message(AWL_ESTATUS), "/x: 500 Oh") != NULL);
    CHECK_FAILS(AWL_ESTATUS, awl_http_get(self->session, at(0, "/x"), NULL));
    CHECK_INT(script.conns, 1); /* the body is skimmed */
    CLIENT_END;
}

CLIENT_TEST(session_has_headers_and_requests_replace_them, ANSWERS(SAY(HELLO, .again = true)), {})
{
    static const awl_http_pair all[] = { { "Accept", "text/a" }, { "X-A", "1" }, { "X-B", "2" }, { NULL, NULL } };
    static const awl_http_pair own[] = { { "x-b", "3" }, { "User-Agent", "me" }, { "Host", "there" }, { NULL, NULL } };

    co_begin;
    OPEN(.headers = all, .user_agent = "test/1", .raw = true);
    GET(at(0, "/"), NULL);
    CHECK(said(0, "\r\nUser-Agent: test/1\r\nAccept: text/a\r\nX-A: 1\r\nX-B: 2\r\n\r\n"));
    GET(at(0, "/"), &(awl_http_request_options){ .headers = own });
    awl_http_session_close(self->session);
    OPEN(.headers = own);
    GET(at(0, "/"), NULL);
    CHECK(said(2, "\r\nHost: there\r\n") && !said(2, "Host: 127"));
    CHECK(said(1, "HTTP/1.1\r\nx-b: 3\r\nUser-Agent: me\r\nHost: there\r\nAccept: text/a\r\nX-A: 1\r\n\r\n"));
    CLIENT_END;
}

/* How often a text is in a request. */
static int times(int n, const char *text)
{
    int all = 0;

    for (const char *at = script.notes[n].head; (at = strstr(at, text)); at += strlen(text))
        all++;
    return all;
}

/* There is one of each field, whoever says it. */
CLIENT_TEST(what_a_request_is_about_replaces_headers, ANSWERS(SAY(HELLO, .again = true)), {})
{
    static const awl_http_pair all[] = { { "content-type", "a/b" }, { "range", "bytes=0-1" }, { NULL, NULL } };
    static const awl_http_pair form[] = { { "a", "1" }, { NULL, NULL } };

    co_begin;
    OPEN(.headers = all);
    co_let(self->r, awl_http_post(self->session, at(0, "/"),
                                  &(awl_http_request_options){ .form = form, .offset = 7 }));
    CHECK(said(0, "\r\nRange: bytes=7-\r\n") && !said(0, "range"));
    CHECK(said(0, "\r\nContent-Type: application/x-www-form-urlencoded\r\n") && !said(0, "content-type"));
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_post(self->session, at(0, "/"), NULL));
    CHECK_INT(times(1, "content-type: a/b\r\n"), 1);
    CLIENT_END;
}

CLIENT_TEST(base_url_params_and_awkward_urls, ANSWERS(SAY(EMPTY, .again = true)), {})
{
    static const awl_http_pair params[] = { { "q", "a b&c=d" }, { "e", NULL }, { NULL, NULL } };
    const awl_http_request_options options = { .params = params };
    char base[80];

    co_begin;
    snprintf(base, sizeof base, "%sv1/", script.url[0]);
    OPEN(.base_url = base);
    GET("users", NULL);
    CHECK(said(0, "GET /v1/users HTTP/1.1\r\n"));
    GET("/root", &options);
    CHECK(said(1, "GET /root?q=a%20b%26c%3Dd&e= HTTP/1.1\r\n"));
    GET("x?y=1#frag", &options);
    CHECK(said(2, "GET /v1/x?y=1&q=a%20b%26c%3Dd&e= HTTP/1.1\r\n"));
    CHECK(strstr(awl_response_url(self->r), "#") == NULL);
    GET(at(1, "/ \xc3\xa4[1]%zz%41?a[]={b}\r\nX: 1"), NULL);
    CHECK(said(3, "GET /%20%C3%A4%5B1%5D%25zz%41?a%5B%5D=%7Bb%7D%0D%0AX:%201 HTTP/1.1\r\n"));
    CHECK_INT(script.notes[3].port, 1);
    GET(at(0, ""), &options);
    CHECK(said(4, "GET /?q=a%20b"));
    GET(at(0, "/?"), &options);
    CHECK(said(5, "GET /?q=a%20b"));
    CLIENT_END;
}

CLIENT_TEST(forms_and_bodies, ANSWERS(SAY(HELLO, .again = true)), {})
{
    static const awl_http_pair form[] = { { "name", "J\xc3\xb6rg & Co" }, { "n", "1" }, { NULL, NULL } };

    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_post(self->session, at(0, "/"), &(awl_http_request_options){ .form = form }));
    CHECK(said(0, "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n"));
    CHECK_STR(script.notes[0].body, "name=J%C3%B6rg%20%26%20Co&n=1");
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r,
           awl_http_put(self->session, at(0, "/"),
                        &(awl_http_request_options){ .body = "{}", .body_size = 2, .type = "application/json" }));
    CHECK(said(1, "PUT / HTTP/1.1\r\n"));
    CHECK(said(1, "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"));
    CHECK_STR(script.notes[1].body, "{}");
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_post(self->session, at(0, "/"), NULL));
    CHECK(said(2, "\r\nContent-Length: 0\r\n\r\n"));
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_delete(self->session, at(0, "/"), NULL));
    CHECK(said(3, "DELETE / HTTP/1.1\r\n") && !said(3, "Content-Length"));
    CLIENT_END;
}

CLIENT_TEST(users_are_told_to_the_first_origin, ANSWERS(SAY(EMPTY, .again = true)), { char url[96], base[96]; })
{
    static const awl_http_pair own[] = { { "Authorization", "Bearer x" }, { NULL, NULL } };

    co_begin;
    OPEN(.user = "Aladdin", .password = "open sesame", .headers = own + 1);
    GET(at(0, "/"), NULL);
    CHECK(said(0, "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n")); /* RFC 7617, 2 */
    GET(at(0, "/"), &(awl_http_request_options){ .user = "a", .password = "b" });
    CHECK(said(1, "\r\nAuthorization: Basic YTpi\r\n"));
    GET(at(0, "/"), &(awl_http_request_options){ .headers = own, .user = "a" });
    CHECK(said(2, "\r\nAuthorization: Bearer x\r\n") && !said(2, "Basic"));
    snprintf(self->url, sizeof self->url, "http://u%%40x:p%%3aw@127.0.0.1:%d/", script.ports[0]);
    GET(self->url, NULL);
    CHECK(said(3, "\r\nAuthorization: Basic dUB4OnA6dw==\r\n"));
    CHECK_STR(awl_response_url(self->r), at(0, "/"));
    awl_http_session_close(self->session);
    OPEN(.user = "a", .password = "b", .base_url = script.url[0]);
    GET("x", NULL);
    CHECK(said(4, "\r\nAuthorization: Basic YTpi\r\n"));
    GET(at(1, "/"), NULL); /* not of the base URL */
    CHECK(!said(5, "Authorization"));
    awl_http_session_close(self->session);
    OPEN(.headers = own);
    GET(at(0, "/"), &(awl_http_request_options){ .user = "a", .password = "b" });
    CHECK(said(6, "\r\nAuthorization: Basic YTpi\r\n") && !said(6, "Bearer"));
    CLIENT_END;
}

/* The request is made in a block, and a function, that have ended when it runs; and it is moved to a task's memory. */
static awl_coro asks_for(awl_http_session *session, const char *type)
{
    const awl_http_pair headers[] = { { "X-A", "one" }, { "X-B", type }, { NULL, NULL } };

    return awl_http_post(session, at(0, "/"),
                         &(awl_http_request_options){
                             .headers = headers,
                             .params = (awl_http_pair[]){ { "p", "two" }, { "q", "3" }, { NULL, NULL } },
                             .form = (awl_http_pair[]){ { "f", "four" }, { NULL, NULL } } });
}

/* Whatever is refused has a text of its own, so that none of before can be taken for it. */
#define SAYS(part, ...)                                                                                                \
    do {                                                                                                               \
        awl__error_detail(awl_running_, EINVAL, "of before");                                                          \
        CHECK_FAILS(EINVAL, awl_http_request(__VA_ARGS__));                                                            \
        CHECK(strstr(awl_error_message(EINVAL), part) && !strstr(awl_error_message(EINVAL), "secret"));                \
    } while (0)
#define SESSION_SAYS(part, ...)                                                                                        \
    do {                                                                                                               \
        awl__error_detail(awl_running_, EINVAL, "of before");                                                          \
        CHECK(!awl_http_session_new(&(awl_http_session_options){ __VA_ARGS__ }) && errno == EINVAL);                   \
        CHECK(strstr(awl_error_message(EINVAL), part) && !strstr(awl_error_message(EINVAL), "secret"));                \
    } while (0)
#define PAIR(name, value) .headers = (awl_http_pair[]){ { name, value }, { NULL, NULL } }

CLIENT_TEST(what_is_refused_is_said, ANSWERS(SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    SAYS("begins with http:// or https://: foo", self->session, "GET", "foo", NULL);
    SAYS("begins with http:// or https://: ", self->session, "GET", "", NULL);
    SAYS("https://: foo/x@y", self->session, "GET", "a:secret@foo/x@y", NULL);
    SAYS("no URL: http://h:99999/", self->session, "GET", "http://h:99999/", NULL);
    SAYS("no URL: http://h:x/", self->session, "GET", "http://a:secret@h:x/", NULL);
    SAYS("the user of a URL", self->session, "GET", "http://a%3a:secret@h/", NULL);
    SAYS("a session", NULL, "GET", at(0, "/"), NULL);
    SAYS("a URL", self->session, "GET", NULL, NULL);
    SAYS("\"CONNECT\"", self->session, "CONNECT", at(0, "/"), NULL);
    SAYS("\"\"", self->session, NULL, at(0, "/"), NULL);
    SAYS("\"a b\"", self->session, "GET", at(0, "/"), &(awl_http_request_options){ PAIR("a b", "c") });
    SAYS("X-Y: the value", self->session, "GET", at(0, "/"), &(awl_http_request_options){ PAIR("X-Y", "c\n") });
    SAYS("X-Y: the value", self->session, "GET", at(0, "/"), &(awl_http_request_options){ PAIR("X-Y", NULL) });
    SAYS("Content-Length", self->session, "GET", at(0, "/"), &(awl_http_request_options){ PAIR("Content-Length", "") });
    SAYS("a colon", self->session, "GET", at(0, "/"), &(awl_http_request_options){ .user = "a:secret" });
    SAYS("one body", self->session, "PUT", at(0, "/"),
         &(awl_http_request_options){ .body = "a", .parts = (awl_http_part[]){ { .name = NULL } } });
    SAYS("body_size", self->session, "PUT", at(0, "/"), &(awl_http_request_options){ .body_size = 1 });
    SESSION_SAYS("https://: foo", .base_url = "foo");
    SESSION_SAYS("no URL: http://h:x", .base_url = "http://a:secret@h:x");
    SESSION_SAYS("a colon", .user = "a:secret");
    SESSION_SAYS("User-Agent", .user_agent = "a\n");
    SESSION_SAYS("the proxy socks5://h", .proxy = "socks5://a:secret@h");
    CHECK_FAILS(EPROTONOSUPPORT, awl_http_get(self->session, "ftp://h/x", NULL));
    CHECK_STR(awl_error_message(EPROTONOSUPPORT), "a URL begins with http:// or https://: ftp://h/x");
    CHECK_INT(awl_response_check(NULL), EINVAL);
    CHECK(strstr(awl_error_message(EINVAL), "a response"));
    CHECK_INT(script.conns, 0);
    CLIENT_END;
}

CLIENT_TEST(arrays_of_options_are_copied, ANSWERS(SAY(HELLO, .again = true, .piece = 5)), { int i; })
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_wait_for(asks_for(self->session, "x"), AWL_MINUTE));
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_get(self->session, at(0, "/"), &(awl_http_request_options){
                                     .headers = (awl_http_pair[]){ { "X-B", "x" }, { "X-A", "one" }, { NULL, NULL } },
                                     .params = (awl_http_pair[]){ { "p", "two" }, { "q", "3" }, { NULL, NULL } } }));
    for (self->i = 0; self->i < 2; self->i++) {
        CHECK(said(self->i, "/?p=two&q=3 HTTP/1.1\r\n"));
        CHECK(said(self->i, "\r\nX-A: one\r\n") && said(self->i, "\r\nX-B: x\r\n"));
    }
    CHECK_STR(script.notes[0].body, "f=four");
    CLIENT_END;
}

CLIENT_TEST(an_empty_url_is_that_of_the_base, ANSWERS(SAY(EMPTY, .again = true)), {})
{
    static const awl_http_pair y[] = { { "y", "2" }, { NULL, NULL } };

    co_begin;
    OPEN(.base_url = at(0, "/base?x=1"));
    GET("", NULL);
    CHECK(said(0, "GET /base?x=1 HTTP/1.1\r\n"));
    CHECK_STR(awl_response_url(self->r), at(0, "/base?x=1"));
    GET("", &(awl_http_request_options){ .params = y });
    CHECK(said(1, "GET /base?x=1&y=2 HTTP/1.1\r\n"));
    CLIENT_END;
}

CLIENT_TEST(what_cannot_be_sent_is_refused, ANSWERS(SAY(HELLO)), {})
{
    static const awl_http_pair split[] = { { "X", "a\r\nY: b" }, { NULL, NULL } };
    static const awl_http_pair length[] = { { "Content-Length", "3" }, { NULL, NULL } };
    static const awl_http_pair name[] = { { "a b", "3" }, { NULL, NULL } };
    const awl_http_pair *const bad[] = { split, length, name };

    co_begin;
    for (size_t i = 0; i < 3; i++) {
        CHECK(awl_http_session_new(&(awl_http_session_options){ .headers = bad[i] }) == NULL);
        CHECK_INT(errno, EINVAL);
    }
    CHECK(awl_http_session_new(&(awl_http_session_options){ .user_agent = "a\nb" }) == NULL);
    CHECK(awl_http_session_new(&(awl_http_session_options){ .base_url = "/x" }) == NULL);
    CHECK(awl_http_session_new(&(awl_http_session_options){ .base_url = "" }) == NULL);
    CHECK(awl_http_session_new(&(awl_http_session_options){ .user = "a:b" }) == NULL);
    OPEN(0);
    CHECK_FAILS(EINVAL, awl_http_get(self->session, at(0, "/"), &(awl_http_request_options){ .headers = split }));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, at(0, "/"), &(awl_http_request_options){ .headers = length }));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, at(0, "/"), &(awl_http_request_options){ .user = "a:b" }));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, "relative", NULL));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, "", NULL));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, "#", NULL));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, "http:///x", NULL));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, "http://\xc3\xa4.example/", NULL));
    CHECK(strstr(awl_error_message(EINVAL), "no name of ASCII"));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, "http://127.0.0.%31/", NULL));
    CHECK_FAILS(EINVAL, awl_http_get(self->session, NULL, NULL));
    CHECK_FAILS(EINVAL, awl_http_get(NULL, at(0, "/"), NULL));
    CHECK_FAILS(EINVAL, awl_http_request(self->session, "GET /x", at(0, "/"), NULL));
    CHECK_FAILS(EINVAL, awl_http_request(self->session, "CONNECT", at(0, "/"), NULL));
    CHECK_FAILS(EPROTONOSUPPORT, awl_http_get(self->session, "ftp://127.0.0.1/", NULL));
    CHECK_FAILS(EINVAL, awl_http_post(self->session, at(0, "/"),
                                      &(awl_http_request_options){ .form = split, .body = "x", .body_size = 1 }));
    CHECK_FAILS(ECONNREFUSED, awl_http_get(self->session, "http://127.0.0.1:1/", NULL));
    CHECK_INT(script.conns, 0);
    CLIENT_END;
}

#define PART(range) "HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n" range "\r\nlo"

CLIENT_TEST(downloads_can_go_on,
            ANSWERS(SAY(PART("Content-Range: bytes 3-4/5\r\n")), SAY(PART("Content-Range: bytes */5\r\n")),
                    SAY(PART("")), SAY(PART("Content-Range: bytes 99999999999999999999-\r\n")), SAY(HELLO)),
            {})
{
    const awl_http_request_options options = { .offset = 3 };

    co_begin;
    OPEN(0);
    GET(at(0, "/"), &options);
    CHECK(said(0, "\r\nRange: bytes=3-\r\n") && !said(0, "Accept-Encoding"));
    CHECK_INT(awl_response_offset(self->r), 3);
    CHECK_STR(self->text, "lo");
    GET(at(0, "/"), &options);
    CHECK_INT(awl_response_offset(self->r), -1);
    GET(at(0, "/"), &options);
    CHECK_INT(awl_response_offset(self->r), -1);
    GET(at(0, "/"), &options);
    CHECK_INT(awl_response_offset(self->r), -1);
    GET(at(0, "/"), &options);
    CHECK_INT(awl_response_offset(self->r), 0);
    CHECK_INT(awl_response_offset(NULL), 0);
    CLIENT_END;
}

CLIENT_TEST(head_has_no_body, ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", .again = true)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_head(self->session, at(0, "/"), NULL));
    co_let(self->text, awl_response_read_all(self->r, &self->len));
    CHECK_INT(self->len, 0);
    CHECK_INT(awl_response_length(self->r), 500);
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_head(self->session, at(0, "/"), NULL));
    CHECK_INT(script.conns, 1);
    CLIENT_END;
}

CLIENT_TEST(nothing_of_anybody, ANSWERS(SAY(HELLO)), { char c; })
{
    co_begin;
    CHECK_INT(awl_response_status(NULL), 0);
    CHECK_STR(awl_response_reason(NULL), "");
    CHECK_STR(awl_response_url(NULL), "");
    CHECK_INT(awl_response_length(NULL), -1);
    CHECK_STR(awl_response_field(NULL, "a"), NULL);
    CHECK_INT(awl_response_check(NULL), EINVAL);
    CHECK_FAILS(EINVAL, awl_response_read(NULL, &self->c, 1));
    CHECK_FAILS(EINVAL, awl_response_read_all(NULL, NULL));
    awl_response_close(NULL);
    awl_http_session_close(NULL);
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    CHECK_FAILS(EINVAL, awl_response_read(self->r, &self->c, 0));
    CLIENT_END;
}

TEST(session_needs_a_loop)
{
    CHECK(awl_http_session_new(NULL) == NULL);
    CHECK_INT(errno, EINVAL);
}
