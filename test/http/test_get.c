/* test_get.c: requests, headers, redirects, cancellation. */
#include "rig.h"

#define PLAIN "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: 1\r\nb: 2\r\na: 3\r\n\r\nok"

HTTP_TEST(request_has_what_servers_want, { awl_http_options o; })
{
    char expected[300];

    co_begin;
    self->x->answers[0] = PLAIN;
    self->o.user_agent = "tester/1";
    self->o.headers = "X-Test: yes\r\n";
    co_let(self->r, awl_http_get(self->x->url, &self->o));
    snprintf(expected, sizeof expected,
             "GET /0 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: tester/1\r\nAccept: */*\r\nX-Test: yes\r\n"
             "Connection: close\r\n\r\n",
             self->x->port);
    CHECK_STR(self->x->request, expected);
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(headers_are_found_by_name, { const char *name, *value; })
{
    co_begin;
    self->x->answers[0] = PLAIN;
    co_let(self->r, awl_http_get(self->x->url, NULL));
    CHECK_STR(awl_http_reason(self->r), "OK");
    CHECK_STR(awl_http_url(self->r), self->x->url);
    CHECK_INT(awl_http_length(self->r), 2);
    CHECK_STR(awl_http_header(self->r, "a"), "1");
    CHECK_STR(awl_http_header(self->r, "B"), "2");
    CHECK(awl_http_header(self->r, "") == NULL);
    CHECK(awl_http_header(self->r, "content") == NULL);
    CHECK(awl_http_header_at(self->r, 3, &self->name, &self->value));
    CHECK_STR(self->name, "a");
    CHECK_STR(self->value, "3");
    CHECK(!awl_http_header_at(self->r, 4, &self->name, &self->value));
    CHECK(!awl_http_header_at(NULL, 0, &self->name, &self->value));
    CHECK(awl_http_body(self->r, NULL) == NULL);
    co_finally;
    awl_http_close(self->r);
    awl_http_close(NULL);
    co_end;
}

/* ---- Redirects --------------------------------------------------------------------------------------------------- */

#define TO(path) "HTTP/1.1 302 Found\r\nLocation: " path "\r\nContent-Length: 0\r\n\r\n"

HTTP_TEST(redirects_are_followed, { awl_http_options none; })
{
    co_begin;
    self->x->answers[0] = TO("/1");
    self->x->answers[1] = TO("2?x");
    self->x->answers[2] = PLAIN;
    co_let(self->r, awl_http_fetch(self->x->url, NULL));
    CHECK_STR(awl_http_body(self->r, NULL), "ok");
    CHECK(strstr(awl_http_url(self->r), "/2?x") != NULL);
    CHECK_INT(self->x->requests, 3);
    awl_http_close(self->r);
    self->r = NULL;
    self->none.redirects = -1;
    co_let(self->r, awl_http_fetch(self->x->url, &self->none));
    CHECK_INT(awl_http_status(self->r), 302);
    co_finally;
    awl_http_close(self->r);
    co_end;
}

/* The same server by another name is another host. */
HTTP_TEST(headers_are_not_sent_on_to_another_host, { awl_http_options o; char to[120]; })
{
    co_begin;
    self->o.headers = "Authorization: secret\r\n";
    snprintf(self->to, sizeof self->to, "HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/1\r\nContent-Length: 0\r\n\r\n",
             self->x->port);
    self->x->answers[0] = self->to;
    self->x->answers[1] = PLAIN;
    co_let(self->r, awl_http_get(self->x->url, &self->o));
    CHECK(strstr(self->x->request, "Host: localhost:") && !strstr(self->x->request, "secret"));
    awl_http_close(self->r);
    self->r = NULL;
    self->x->answers[0] = TO("/1");
    co_let(self->r, awl_http_get(self->x->url, &self->o));
    CHECK(strstr(self->x->request, "GET /1 ") && strstr(self->x->request, "secret"));
    co_finally;
    awl_http_close(self->r);
    co_end;
}

HTTP_TEST(redirects_without_end, { awl_http_options two; })
{
    co_begin;
    self->x->answers[0] = TO("/0");
    CHECK_FAILS(AWL_EREDIRECT, awl_http_get(self->x->url, NULL));
    CHECK_INT(self->x->requests, 11);
    self->two.redirects = 2;
    CHECK_FAILS(AWL_EREDIRECT, awl_http_get(self->x->url, &self->two));
    CHECK_INT(self->x->requests, 14);
    co_end;
}

HTTP_TEST(redirects_to_what_cannot_be_fetched, { int i; })
{
    co_begin;
    self->x->answers[0] = TO("https://example.org/");
    CHECK_FAILS(EPROTONOSUPPORT, awl_http_get(self->x->url, NULL));
    self->x->answers[0] = TO("/a b");
    CHECK_FAILS(EINVAL, awl_http_get(self->x->url, NULL));
    self->x->answers[0] = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"; /* to nowhere: a response like others */
    co_let(self->r, awl_http_get(self->x->url, NULL));
    CHECK_INT(awl_http_status(self->r), 302);
    co_finally;
    awl_http_close(self->r);
    co_end;
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

STREAM_TEST(wrong_urls, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_http_get(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_http_get("example.org", NULL));
    CHECK_FAILS(EINVAL, awl_http_fetch("http://", NULL));
    CHECK_FAILS(EPROTONOSUPPORT, awl_http_get("https://example.org/", NULL));
    co_end;
}

HTTP_TEST(server_that_says_nothing_can_be_timed_out, { int i; })
{
    co_begin;
    self->x->answers[0] = "HTTP/1.1 200 OK\r\n\r\nx";
    self->x->keep = true;
    for (self->x->stop = 1; self->x->stop < 20; self->x->stop++)
        CHECK_FAILS(ETIMEDOUT, awl_wait_for(co_call(fetches, .url = self->x->url), 1 * AWL_MS));
    co_end;
}

HTTP_TEST(many_at_once, { awl_task *t[50]; awl_outcome outcomes[50]; int i; })
{
    co_begin;
    self->x->answers[0] = PLAIN;
    self->x->piece = 7;
    for (self->i = 0; self->i < 50; self->i++)
        self->t[self->i] = awl_create_task(awl_http_fetch(self->x->url, NULL));
    co_await(awl_gather_n(self->t, 50, self->outcomes, 0));
    for (self->i = 0; self->i < 50; self->i++) {
        CHECK_STR(awl_http_body(self->outcomes[self->i].value.p, NULL), "ok");
        awl_http_close(self->outcomes[self->i].value.p);
        awl_task_release(self->t[self->i]);
    }
    co_end;
}
