/* test_app.c: applications: middlewares, pages for errors, and who is told of each response. */
#include "awl/http_files.h"
#include "awl/http_forms.h"
#include "server_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static awl_http_app *new_app(const awl_http_app_options *options)
{
    awl_http_app *app = awl_http_app_new(options);

    CHECK(app != NULL);
    return app;
}

/* ---- Middlewares ------------------------------------------------------------------------------------------------- */

/* Puts its name before and behind what the rest of the chain does. */
co_def(wraps, { awl_request *request; const char *name; })
{
    co_begin;
    CHECK_INT(awl_respond_field(self->request, "In", self->name), 0);
    co_await(awl_http_next(self->request));
    CHECK(awl_respond_status(self->request) != 0);
    strcat(awl_request_state(self->request), self->name);
    co_end;
}

static awl_coro wrap(awl_request *request, void *arg) { return co_call(wraps, .request = request, .name = arg); }

static char trace[100];

SERVER_TEST(middlewares_run_around_the_rest_in_their_order, {})
{
    static const awl_http_app_options options = { .state = trace };

    co_begin;
    self->app = new_app(&options);
    CHECK_INT(awl_http_middleware(self->app, wrap, (void *)(uintptr_t)"a"), 0);
    CHECK_INT(awl_http_middleware(self->app, wrap, (void *)(uintptr_t)"b"), 0);
    CHECK_INT(awl_http_route(self->app, "GET", "/x", on_echo, NULL), 0);
    server_begins(self);
    CHECK_SAYS("200 GET /x", GET("/x"));
    CHECK(strstr(the_wire.out, "\r\nIn: a\r\nIn: b\r\n") != NULL);
    CHECK_STR(trace, "ba");
    CHECK_SAYS("404", GET("/y")); /* also where there is no route */
    CHECK_STR(trace, "baba");
    CHECK_SAYS("405", "POST /x HTTP/1.1\r\nHost: a\r\n\r\n");
    server_ends(self);
    co_end;
}

HANDLER(guards, {})
{
    co_begin;
    if (!awl_request_field(self->request, "Authorization"))
        co_return(awl_respond_text(self->request, 401, NULL, "who?"));
    awl_request_set_data(self->request, "known");
    co_await(awl_http_next(self->request));
    co_end;
}

HANDLER(says_data, {})
{
    co_begin;
    awl_respond_text(self->request, 200, NULL, awl_request_data(self->request));
    co_end;
}

SERVER_TEST(a_middleware_can_answer_by_itself, {})
{
    co_begin;
    self->app = app_of(on_guards, NULL);
    CHECK_INT(awl_http_route(self->app, "GET", "/", on_says_data, NULL), 0);
    server_begins(self);
    CHECK_SAYS("401 who?", GET("/"));
    CHECK_SAYS("200 known", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\n\r\n");
    server_ends(self);
    co_end;
}

HANDLER(catches, {})
{
    co_begin;
    co_try(self->rc, awl_http_next(self->request));
    if (self->rc)
        awl_respond_print(self->request, 418, NULL, "caught %d", self->rc);
    co_end;
}

HANDLER(fails, {})
{
    co_begin;
    co_raise(EDOM);
    co_end;
}

SERVER_TEST(a_middleware_can_catch_an_error, {})
{
    co_begin;
    self->app = app_of(on_catches, NULL);
    CHECK_INT(awl_http_route(self->app, "GET", "/", on_fails, NULL), 0);
    server_begins(self);
    CHECK_SAYS("418 caught 33; 418 caught 33", GET("/") GET("/"));
    server_ends(self);
    co_end;
}

/* At the end of the chain there is nothing to go on to: neither for a route, nor a page, nor a second time. */
HANDLER(goes_on_too_far, {})
{
    co_begin;
    co_try(self->rc, awl_http_next(self->request));
    CHECK_INT(self->rc, EINVAL);
    CHECK(strstr(awl_error_message(self->rc), "nothing is left of the chain"));
    awl_respond_text(self->request, 200, NULL, "end");
    co_end;
}

HANDLER(goes_on_twice, {})
{
    co_begin;
    co_await(awl_http_next(self->request));
    CHECK_FAILS(EINVAL, awl_http_next(self->request));
    co_end;
}

SERVER_TEST(the_chain_has_an_end, { awl_http_app_options options; })
{
    co_begin;
    self->options.body_limit = 3;
    self->app = app_of(on_goes_on_twice, &self->options);
    CHECK_INT(awl_http_route(self->app, "GET", "/", on_goes_on_too_far, NULL), 0);
    CHECK_INT(awl_http_error_page(self->app, 0, on_goes_on_too_far, NULL), 0);
    server_begins(self);
    CHECK_SAYS("200 end; 200 end; 200 end .",
               GET("/") GET("/x") "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    server_ends(self);
    CHECK_FAILS(EINVAL, awl_http_next(NULL));
    co_end;
}

/* What is no proper request gets to no middleware. */
SERVER_TEST(what_is_refused_is_seen_by_no_middleware, {})
{
    static const awl_http_app_options options = { .state = trace, .body_limit = 3 };

    co_begin;
    trace[0] = '\0';
    self->app = new_app(&options);
    CHECK_INT(awl_http_middleware(self->app, wrap, (void *)(uintptr_t)"a"), 0);
    server_begins(self);
    CHECK_SAYS("413 .", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    CHECK_STR(trace, "");
    server_ends(self);
    co_end;
}

/* ---- Pages for errors -------------------------------------------------------------------------------------------- */

co_def(says_page, { awl_request *request; const char *name; })
{
    co_begin;
    awl_respond_print(self->request, 499, NULL, "%s for %s", self->name, awl_request_path(self->request));
    co_end;
}

static awl_coro page(awl_request *request, void *arg) { return co_call(says_page, .request = request, .name = arg); }

HANDLER(wants_403, {})
{
    co_begin;
    CHECK_INT(awl_respond_error(self->request, 403), 0);
    CHECK_INT(awl_respond_status(self->request), 403); /* which goes at the end */
    co_end;
}

static void add_pages_and_routes(awl_http_app *app)
{
    CHECK_INT(awl_http_error_page(app, 404, page, (void *)(uintptr_t)"404"), 0);
    CHECK_INT(awl_http_error_page(app, 403, page, (void *)(uintptr_t)"403"), 0);
    CHECK_INT(awl_http_route(app, "GET", "/forbidden", on_wants_403, NULL), 0);
    CHECK_INT(awl_http_route(app, "GET", "/fails", on_fails, NULL), 0);
}

SERVER_TEST(pages_are_sent_for_their_statuses, {})
{
    co_begin;
    self->app = new_app(NULL);
    add_pages_and_routes(self->app);
    server_begins(self);
    CHECK_SAYS("499 404 for /x", GET("/x"));
    CHECK_SAYS("499 403 for /forbidden", GET("/forbidden"));
    CHECK_SAYS("500", GET("/fails")); /* which has none */
    CHECK_STR(reports, "/fails:33");
    reports[0] = '\0';
    server_ends(self);
    co_end;
}

SERVER_TEST(a_page_for_all_the_rest, { awl_http_app_options options; })
{
    co_begin;
    self->options.body_limit = 3;
    self->app = new_app(&self->options);
    add_pages_and_routes(self->app);
    CHECK_INT(awl_http_error_page(self->app, 0, page, (void *)(uintptr_t)"any"), 0);
    server_begins(self);
    CHECK_SAYS("499 any for /fails", GET("/fails"));
    CHECK_SAYS("499 404 for /x", GET("/x"));
    CHECK_SAYS("499 any for / .", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    reports[0] = '\0';
    server_ends(self);
    self->app = new_app(NULL);
    CHECK_INT(awl_http_error_page(self->app, 0, page, (void *)(uintptr_t)"any"), 0);
    server_begins(self);
    CHECK_SAYS("499 any for .", GET("/%00")); /* a path that is none */
    server_ends(self);
    self->app = new_app(NULL);
    CHECK_INT(awl_http_error_page(self->app, 0, page, (void *)(uintptr_t)"any"), 0);
    server_begins(self);
    CHECK_SAYS("400 .", "nonsense\r\n\r\n"); /* no request at all */
    server_ends(self);
    co_end;
}

SERVER_TEST(a_page_that_fails_is_replaced_by_the_short_one, {})
{
    co_begin;
    self->app = new_app(NULL);
    CHECK_INT(awl_http_error_page(self->app, 0, on_fails, NULL), 0);
    server_begins(self);
    CHECK_SAYS("404; 404", GET("/x") GET("/x"));
    CHECK_STR(reports, "-:33; -:33");
    reports[0] = '\0';
    server_ends(self);
    co_end;
}

VIRTUAL_TEST(pages_and_middlewares_have_to_be_some, { awl_http_app *app; })
{
    co_begin;
    self->app = new_app(NULL);
    CHECK_INT(awl_http_error_page(self->app, 399, page, NULL), EINVAL);
    CHECK_INT(awl_http_error_page(self->app, 600, page, NULL), EINVAL);
    CHECK_INT(awl_http_error_page(self->app, 404, NULL, NULL), EINVAL);
    CHECK_INT(awl_http_error_page(NULL, 404, page, NULL), EINVAL);
    CHECK_INT(awl_http_middleware(self->app, NULL, NULL), EINVAL);
    CHECK_INT(awl_http_middleware(NULL, page, NULL), EINVAL);
    awl_http_app_release(self->app);
    co_end;
}

/* ---- What a middleware sees -------------------------------------------------------------------------------------- */

static int seen_rc, seen_status;

HANDLER(looks_at_the_status, {})
{
    co_begin;
    CHECK_INT(awl_respond_status(self->request), 0);
    co_await(awl_http_next(self->request));
    co_finally;
    seen_rc = co_failing;
    seen_status = awl_respond_status(self->request);
    co_end;
}

HANDLER(reads_a_form, {})
{
    co_begin;
    co_await(awl_request_form(self->request));
    co_end;
}

#define CHECK_SEES(rc, status, answer, request)                                                                        \
    do {                                                                                                               \
        seen_rc = seen_status = -1;                                                                                    \
        CHECK_SAYS(answer, request);                                                                                   \
        CHECK_INT(seen_rc, rc);                                                                                        \
        CHECK_INT(seen_status, status);                                                                                \
    } while (0)

/* Also where the response is still to come. */
SERVER_TEST(a_middleware_sees_the_status, {})
{
    co_begin;
    self->app = app_of(on_looks_at_the_status, NULL);
    CHECK_INT(awl_http_route(self->app, "GET", "/", on_echo, NULL), 0);
    CHECK_INT(awl_http_route(self->app, "GET", "/form", on_reads_a_form, NULL), 0);
    CHECK_INT(awl_http_route(self->app, "GET", "/fails", on_fails, NULL), 0);
    CHECK_INT(awl_http_route(self->app, "GET", "/403", on_wants_403, NULL), 0);
    CHECK_INT(awl_http_static(self->app, "/static", "/", NULL), 0);
    server_begins(self);
    CHECK_SEES(0, 200, "200 GET /", GET("/"));
    CHECK_SEES(0, 404, "404", GET("/x"));
    CHECK_SEES(0, 403, "403", GET("/403"));
    CHECK_SEES(0, 404, "404", GET("/static/nothing"));
    CHECK_SEES(AWL_EPROTOCOL, 415, "415", GET("/form"));
    CHECK_SEES(EDOM, 0, "500", GET("/fails")); /* which may become another one on its way */
    CHECK_REPORTS("/fails:33");
    server_ends(self);
    co_end;
}

/* ---- Who is told ------------------------------------------------------------------------------------------------- */

static void note_access(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took)
{
    CHECK_STR(arg, "arg");
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s %s %d %d %d|", awl_request_method(request),
             awl_request_target(request), status, (int)bytes, (int)(took / AWL_SECOND));
}

HANDLER(takes_two_seconds, {})
{
    co_begin;
    co_await(awl_sleep(2 * AWL_SECOND));
    awl_respond_begin(self->request, 200, NULL, -1);
    co_await(awl_respond_write(self->request, "hello", 5));
    co_end;
}

SERVER_TEST(each_response_is_told_of, {})
{
    co_begin;
    trace[0] = '\0';
    self->app = app_of(on_takes_two_seconds, NULL);
    awl_http_on_access(self->app, note_access, (void *)(uintptr_t)"arg");
    server_begins(self);
    client_sends(GET("/a") "HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await(awl_sleep(5 * AWL_SECOND));
    CHECK_STR(trace, "GET /a 200 5 2|HEAD /b 200 0 2|");
    awl_http_on_access(self->app, NULL, NULL);
    client_sends(GET("/c"));
    co_await(awl_sleep(5 * AWL_SECOND));
    CHECK_STR(trace, "GET /a 200 5 2|HEAD /b 200 0 2|");
    server_ends(self);
    co_end;
}

SERVER_TEST(what_was_refused_is_told_of_as_far_as_it_is_known, {})
{
    co_begin;
    trace[0] = '\0';
    self->app = new_app(NULL);
    awl_http_on_access(self->app, note_access, (void *)(uintptr_t)"arg");
    server_begins(self);
    CHECK_SAYS("404; 400 .", GET("/a") GET("/.."));
    CHECK_STR(trace, "GET /a 404 14 0|GET /.. 400 16 0|");
    server_ends(self);
    trace[0] = '\0';
    self->app = new_app(NULL);
    awl_http_on_access(self->app, note_access, (void *)(uintptr_t)"arg");
    server_begins(self);
    CHECK_SAYS("400 .", "nonsense\r\n\r\n");
    CHECK_STR(trace, "  400 16 0|");
    server_ends(self);
    co_end;
}

/* ---- Applications as such ---------------------------------------------------------------------------------------- */

TEST(an_application_is_of_a_running_loop)
{
    errno = 0;
    CHECK_PTR(awl_http_app_new(NULL), NULL);
    CHECK_INT(errno, EINVAL);
    awl_http_app_release(NULL);
}

VIRTUAL_TEST(the_servers_name_is_a_value, { awl_http_app_options options; })
{
    co_begin;
    self->options.server = "a\r\nB: c";
    errno = 0;
    CHECK_PTR(awl_http_app_new(&self->options), NULL);
    CHECK_INT(errno, EINVAL);
    co_end;
}

SERVER_TEST(a_server_without_a_name_says_none, {})
{
    static const awl_http_app_options options = { .server = "" };

    co_begin;
    self->app = echo_app(&options);
    server_begins(self);
    CHECK_SAYS("200 GET /", GET("/"));
    CHECK(!strstr(the_wire.out, "Server:"));
    server_ends(self);
    co_end;
}
