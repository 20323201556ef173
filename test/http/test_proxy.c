/* Proxies and Unix sockets: who is asked, and how. */
#define _DEFAULT_SOURCE
#include "client_rig.h"

/* Nothing of the machine's own. */
static void clear_environment(void)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY",
                                         "all_proxy",  "ALL_PROXY",   "no_proxy",    "NO_PROXY" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static char proxy[96]; /* "http://a:b%40@127.0.0.1:PORT" of the first server */

static const char *make_proxy(const char *user)
{
    clear_environment();
    snprintf(proxy, sizeof proxy, "http://%s127.0.0.1:%d", user, script.ports[0]);
    return proxy;
}

CLIENT_TEST(proxy_gets_whole_urls, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(.proxy = make_proxy("a:b%40@"));
    GET("http://u:p@Example.org:8080/x?y#z", NULL);
    CHECK_STR(self->text, "hello");
    CHECK(said(0, "GET http://Example.org:8080/x?y HTTP/1.1\r\nHost: Example.org:8080\r\n"));
    CHECK(said(0, "\r\nProxy-Authorization: Basic YTpiQA==\r\n"));
    CHECK(said(0, "\r\nAuthorization: Basic dTpw\r\n"));
    GET("http://other.example?q", NULL);
    CHECK(said(1, "GET http://other.example/?q HTTP/1.1\r\nHost: other.example\r\n"));
    CHECK(!said(1, "\r\nAuthorization"));
    CHECK_INT(script.conns, 1); /* one connection for all */
    CLIENT_END;
}

CLIENT_TEST(some_hosts_go_without, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(.proxy = make_proxy(""), .no_proxy = "example.org, 127.0.0.0/8");
    GET(at(1, "/direct"), NULL);
    CHECK(said(0, "GET /direct HTTP/1.1\r\n") && !said(0, "Proxy-"));
    CHECK_INT(script.notes[0].port, 1);
    GET("http://example.net/", NULL);
    CHECK(said(1, "GET http://example.net/ HTTP/1.1\r\n"));
    CLIENT_END;
}

/* Whether a host goes through a proxy when this is the list. */
static const struct {
    const char *list, *host;
    bool through;
} lists[] = {
    { "", "a.org", true },
    { "*", "a.org", false },
    { "a.org", "a.org", false },
    { ".a.org", "a.org", false },
    { "a.org.", "x.A.org", false },
    { "b.org,a.org c.org", "x.a.org", false },
    { "a.org", "ba.org", true },
    { "x.a.org", "a.org", true },
    { "10.0.0.0/8", "10.200.3.4", false },
    { "10.0.0.0/8", "11.0.0.1", true },
    { "10.0.0.0/31", "10.0.0.2", true },
    { "10.0.0.0/31", "10.0.0.1", false },
    { "10.0.0.0/99", "10.0.0.1", true },
    { "10.0.0.0/", "10.0.0.1", true },
    { "0.0.0.0/0", "10.0.0.1", false },
    { "10.0.0.1", "10.0.0.1", false },
    { "fe80::/10", "[fe80::1]", false },
    { "::1", "[::1]", false },
    { "::/0", "10.0.0.1", true },
    { "10.0.0.1:1", "10.0.0.1", false },
    { "10.0.0.1:2", "10.0.0.1", true },
    { "10.0.0.1:", "10.0.0.1", false },
    { "10.0.0.1:x", "10.0.0.1", true },
    { "10.0.0.1:65537", "10.0.0.1", true },
    { "10.0.0.0/8:1", "10.0.0.1", false },
    { "[::1]", "[::1]", false },
    { "[::1]:1", "[::1]", false },
    { "[::1]:2", "[::1]", true },
    { "[::1", "[::1]", true },
    { "[::1]1", "[::1]", true },
    { "a.org:2", "a.org", true },
};

CLIENT_TEST(lists_are_read_as_curl_does, ANSWERS(SAY(EMPTY, .again = true)), { size_t i; char url[64]; })
{
    co_begin;
    for (self->i = 0; self->i < sizeof lists / sizeof *lists; self->i++) {
        if (!lists[self->i].through && !strpbrk(lists[self->i].host, "[1"))
            continue; /* would be looked up */
        OPEN(.proxy = make_proxy(""), .no_proxy = lists[self->i].list, .timeouts = { .connect = 1 });
        snprintf(self->url, sizeof self->url, "http://%s:1/", lists[self->i].host);
        script.n = 0;
        co_try(self->rc, awl_http_get(self->session, self->url,
                                      &(awl_http_request_options){ .timeouts = { .connect = AWL_SECOND / 5 } }));
        if (!self->rc)
            co_result(self->r);
        CHECK_INT(script.n, lists[self->i].through);
        awl_response_close(self->r);
        self->r = NULL;
        awl_http_session_close(self->session);
        self->session = NULL;
    }
    CLIENT_END;
}

CLIENT_TEST(environment_names_proxies, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    make_proxy("");
    setenv("HTTP_PROXY", "http://127.0.0.1:1", 1); /* is not read */
    setenv("http_proxy", strchr(proxy, '1'), 1);   /* without "http://" */
    OPEN(0);
    GET("http://example.org/", NULL);
    CHECK(said(0, "GET http://example.org/ HTTP/1.1\r\n"));
    awl_http_session_close(self->session);
    OPEN(.proxy = "");
    GET(at(1, "/"), NULL);
    CHECK(said(1, "GET / HTTP/1.1\r\n"));
    awl_http_session_close(self->session);
    setenv("NO_PROXY", "127.0.0.1", 1);
    OPEN(0);
    GET(at(1, "/"), NULL);
    CHECK(said(2, "GET / HTTP/1.1\r\n"));
    awl_http_session_close(self->session);
    unsetenv("http_proxy");
    setenv("ALL_PROXY", "socks5://me:secret@127.0.0.1:1", 1);
    OPEN(0);
    CHECK_FAILS(EPROTONOSUPPORT, awl_http_get(self->session, "http://example.org/", NULL));
    CHECK(strstr(awl_error_message(EPROTONOSUPPORT), "socks5://127.0.0.1:1") != NULL);
    CHECK(!strstr(awl_error_message(EPROTONOSUPPORT), "secret"));
    CLIENT_END;
}

CLIENT_TEST(proxy_may_be_none, ANSWERS(SAY(HELLO)), {})
{
    co_begin;
    clear_environment();
    CHECK(awl_http_session_new(&(awl_http_session_options){ .proxy = "https://a:1" }) == NULL);
    CHECK_INT(errno, EINVAL);
    CHECK(awl_http_session_new(&(awl_http_session_options){ .proxy = "http://" }) == NULL);
    CHECK(awl_http_session_new(&(awl_http_session_options){ .proxy = "http://a%:1" }) == NULL);
    CHECK(awl_http_session_new(&(awl_http_session_options){ .proxy = "http://%00@a:1" }) == NULL);
    OPEN(.proxy = "127.0.0.1:1");
    CHECK_FAILS(ECONNREFUSED, awl_http_get(self->session, "http://example.org/", NULL));
    CLIENT_END;
}

CLIENT_TEST(unix_sockets_do_for_any_host, ANSWERS(SAY(HELLO, .again = true)), { awl_server *server; char path[32]; })
{
    co_begin;
    snprintf(self->path, sizeof self->path, "@awl-test-%d", (int)getpid());
    co_let(self->server, awl_start_unix_server(serve_0, NULL, self->path, NULL));
    OPEN(.unix_path = self->path);
    GET("http://anything/x", NULL);
    CHECK_STR(self->text, "hello");
    CHECK(said(0, "GET /x HTTP/1.1\r\nHost: anything\r\n"));
    GET("http://anything/y", NULL);
    CHECK_INT(script.conns, 1);
    co_finally;
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    awl_server_cancel_clients(self->server);
    co_try_cancel(self->rc, awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}
