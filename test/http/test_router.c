/* test_router.c: which handler a method and a path go to. */
#include "server_rig.h"

/* Says which route it is of, and what its braces matched. */
co_def(names_itself, { awl_request *request; const char *name; })
{
    const awl_request *r = self->request;
    const char *x = awl_request_param(r, "x"), *y = awl_request_param(r, "y");

    co_begin;
    awl_respond_print(self->request, 200, NULL, "%s x=%s y=%s", self->name, x ? x : "-", y ? y : "-");
    co_end;
}

static awl_coro route(awl_request *request, void *arg) { return co_call(names_itself, .request = request, .name = arg); }

static int add(awl_http_app *app, const char *method, const char *pattern, const char *name)
{
    return awl_http_route(app, method, pattern, route, (void *)(uintptr_t)name);
}

#define ASK(method, target) method " " target " HTTP/1.1\r\nHost: a\r\n\r\n"

static awl_http_app *new_app(void)
{
    awl_http_app *app = awl_http_app_new(NULL);

    CHECK(app != NULL);
    return app;
}

SERVER_TEST(a_path_finds_its_route, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/", "root"), 0);
    CHECK_INT(add(self->app, "GET", "/a", "a"), 0);
    CHECK_INT(add(self->app, "GET", "/a/{x}", "x"), 0);
    CHECK_INT(add(self->app, "GET", "/a/{x}/b/{y}", "xy"), 0);
    server_begins(self);
    CHECK_SAYS("200 root x=- y=-", ASK("GET", "/"));
    CHECK_SAYS("200 a x=- y=-", ASK("GET", "/a"));
    CHECK_SAYS("200 x x=1 y=-", ASK("GET", "/a/1"));
    CHECK_SAYS("200 xy x=1 y=2", ASK("GET", "/a/1/b/2"));
    CHECK_SAYS("404", ASK("GET", "/A"));
    CHECK_SAYS("404", ASK("GET", "/a/"));
    CHECK_SAYS("404", ASK("GET", "/a/1/"));
    CHECK_SAYS("404", ASK("GET", "/a/1/b"));
    CHECK_SAYS("404", ASK("GET", "/a/1/c/2"));
    CHECK_SAYS("404", ASK("GET", "//a"));
    server_ends(self);
    co_end;
}

SERVER_TEST(what_braces_match_is_decoded, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/{x}", "x"), 0);
    server_begins(self);
    CHECK_SAYS("200 x x=a b% y=-", ASK("GET", "/a%20b%25?x=c"));
    CHECK_SAYS("200 x x=\xc3\xa9 y=-", ASK("GET", "/%C3%A9"));
    CHECK_SAYS("404", ASK("GET", "/a%2Fb"));
    server_ends(self);
    co_end;
}

SERVER_TEST(a_tail_takes_the_rest, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/{x}/{y*}", "tail"), 0);
    server_begins(self);
    CHECK_SAYS("200 tail x=a y=b", ASK("GET", "/a/b"));
    CHECK_SAYS("200 tail x=a y=b/c/", ASK("GET", "/a/b/c/"));
    CHECK_SAYS("200 tail x=a y=", ASK("GET", "/a/"));
    CHECK_SAYS("404", ASK("GET", "/a"));
    CHECK_SAYS("404", ASK("GET", "//a"));
    server_ends(self);
    co_end;
}

SERVER_TEST(routes_without_braces_come_first_and_the_others_in_order, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/{x}", "first"), 0);
    CHECK_INT(add(self->app, "GET", "/{y*}", "second"), 0);
    CHECK_INT(add(self->app, "GET", "/a", "fixed"), 0);
    server_begins(self);
    CHECK_SAYS("200 fixed x=- y=-", ASK("GET", "/a"));
    CHECK_SAYS("200 first x=b y=-", ASK("GET", "/b"));
    CHECK_SAYS("200 second x=- y=b/c", ASK("GET", "/b/c"));
    server_ends(self);
    co_end;
}

SERVER_TEST(methods_that_a_path_has_are_named, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/a", "get"), 0);
    CHECK_INT(add(self->app, "POST", "/a", "post"), 0);
    CHECK_INT(add(self->app, "DELETE", "/{x}", "delete"), 0);
    server_begins(self);
    CHECK_SAYS("200 post x=- y=-", ASK("POST", "/a"));
    CHECK_SAYS("200 delete x=a y=-", ASK("DELETE", "/a"));
    CHECK_SAYS("405", ASK("PUT", "/a"));
    CHECK(strstr(the_wire.out, "\r\nAllow: GET, HEAD, POST, DELETE\r\n") != NULL);
    CHECK_SAYS("405", ASK("GET", "/b"));
    CHECK(strstr(the_wire.out, "\r\nAllow: DELETE\r\n") != NULL);
    CHECK_SAYS("404", ASK("PUT", "/a/b"));
    server_ends(self);
    co_end;
}

SERVER_TEST(get_answers_head_unless_there_is_a_route_for_it, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/a", "get"), 0);
    CHECK_INT(add(self->app, "GET", "/b", "get"), 0);
    CHECK_INT(add(self->app, "HEAD", "/b", "head"), 0);
    server_begins(self);
    client_sends(ASK("HEAD", "/a"));
    settle();
    CHECK_STR(answers_to(&the_wire, true), "200");
    CHECK(strstr(the_wire.out, "Content-Length: 11\r\n") != NULL);
    client_sends(ASK("HEAD", "/b"));
    settle();
    CHECK_STR(answers_to(&the_wire, true), "200");
    CHECK(strstr(the_wire.out, "Content-Length: 12\r\n") != NULL);
    server_ends(self);
    co_end;
}

SERVER_TEST(a_star_is_any_method, {})
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "*", "/a", "any"), 0);
    CHECK_INT(add(self->app, "*x", "/b", "star"), 0); /* which is a method like others */
    server_begins(self);
    CHECK_SAYS("200 any x=- y=-", ASK("BREW", "/a"));
    CHECK_SAYS("405", ASK("BREW", "/b"));
    CHECK_SAYS("200 star x=- y=-", ASK("*x", "/b"));
    CHECK_SAYS("204", ASK("OPTIONS", "*"));
    server_ends(self);
    co_end;
}

VIRTUAL_TEST(patterns_that_are_none_are_refused, { awl_http_app *app; })
{
    static const char *const wrong[] = { "", "a", "{x}", "/{", "/}", "/{}", "/{*}", "/{x", "/x}", "/a{x}", "/{x}a", "/{x y}",
                                         "/{x*}/a", "/{x**}", "/{{x}}", "/{*x}", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}" };

    co_begin;
    self->app = new_app();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(add(self->app, "GET", wrong[i], ""), EINVAL);
    CHECK_INT(add(self->app, "GET", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}", ""), 0);
    CHECK_INT(add(self->app, "G T", "/", ""), EINVAL);
    CHECK_INT(add(self->app, "", "/", ""), EINVAL);
    CHECK_INT(add(self->app, NULL, "/", ""), EINVAL);
    CHECK_INT(add(self->app, "GET", NULL, ""), EINVAL);
    CHECK_INT(add(NULL, "GET", "/", ""), EINVAL);
    CHECK_INT(awl_http_route(self->app, "GET", "/", NULL, NULL), EINVAL);
    awl_http_app_release(self->app);
    co_end;
}

/* Patterns and methods that would be taken for what they are not: the reason is said. */
VIRTUAL_TEST(routes_that_would_never_match_are_refused, { awl_http_app *app; })
{
    static const struct {
        const char *method, *pattern, *why;
    } wrong[] = {
        { "GET", "/a?b=c", "'GET /a?b=c': a path ends before '?' and '#'" },
        { "GET", "/a#b", "a path ends before '?' and '#'" },
        { "GET", "/{x}/{x}", "a name in braces is there twice" },
        { "GET", "/{x}/b/{x*}", "a name in braces is there twice" },
        { "GET", "/a/../b", "no path has dot segments" },
        { "GET", "/.", "no path has dot segments" },
        { "GET", "a", "it begins with '/'" },
        { "GET", "/a{x}", "braces stand for a whole segment" },
        { "GET", "/{x*}/a", "{name*} is the last segment" },
        { "GET", "/{x y}", "a name in braces is a token" },
        { "GET", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}", "it has too many names" },
        { "G T", "/", "the method is no token" },
        { "get", "/", "methods are in capital letters" },
        { "Post", "/", "methods are in capital letters" },
    };

    co_begin;
    self->app = new_app();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(add(self->app, wrong[i].method, wrong[i].pattern, ""), EINVAL);
        CHECK(strstr(awl_error_message(EINVAL), wrong[i].why));
    }
    CHECK_INT(add(self->app, "GET", "/{x}/{xy}/{y}/.a/..b", ""), 0);
    CHECK_INT(add(self->app, "mkcol", "/", ""), 0);
    awl_http_app_release(self->app);
    co_end;
}

VIRTUAL_TEST(the_same_route_is_added_once, { awl_http_app *app; })
{
    co_begin;
    self->app = new_app();
    CHECK_INT(add(self->app, "GET", "/a", ""), 0);
    CHECK_INT(add(self->app, "GET", "/a", ""), EEXIST);
    CHECK_INT(add(self->app, "POST", "/a", ""), 0);
    CHECK_INT(add(self->app, "GET", "/a/{x}", ""), 0);
    CHECK_INT(add(self->app, "GET", "/a/{y}", ""), EEXIST);
    CHECK_INT(add(self->app, "GET", "/a/{y*}", ""), 0);
    CHECK_INT(add(self->app, "GET", "/a/{y}/", ""), 0);
    awl_http_app_release(self->app);
    co_end;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static size_t memory_used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(awl_running_loop(), &stats);
    return stats.memory_used;
}

HANDLER(weighs_the_search, { size_t before; })
{
    co_begin;
    self->before = memory_used();
    co_await(awl_http_next(self->request));
    CHECK(memory_used() - self->before < 32768);
    co_end;
}

/* A long path that many routes might match, but for its end, is not copied for each of them. */
SERVER_TEST(routes_that_do_not_match_take_no_memory, { int i; })
{
    static char request[8192]; /* outlives the server */
    char pattern[32];

    co_begin;
    self->app = app_of(on_weighs_the_search, NULL);
    for (self->i = 0; self->i < 64; self->i++) {
        snprintf(pattern, sizeof pattern, "/{x}/%d", self->i);
        CHECK_INT(add(self->app, "GET", pattern, "n"), 0);
    }
    snprintf(request, sizeof request, "GET /%08000d/none HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    server_begins(self);
    CHECK_SAYS("404", request);
    server_ends(self);
    co_end;
}
