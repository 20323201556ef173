/* test_strict.c: what the server makes of requests, right and wrong ones, in whichever pieces they come; the cases are in
 * requests.txt. */
#include <stdbool.h>

#include "cases.h"
#include "server_rig.h"

/* Serves one connection on which the case comes with a pause at `cut`, and then after every `step`. */
co_def(serves_case, { const wire_case *c; size_t cut, step; awl_http_app *app; awl_stream *s; awl_task *server; int rc; })
{
    const char *answers;

    co_begin;
    self->s = wire_open(&the_wire, NULL);
    the_wire.cut = self->cut;
    the_wire.step = self->step;
    self->server = awl_create_task(awl_http_serve_stream(self->app, self->s));
    client_sends_n(self->c->bytes, self->c->len);
    co_await(awl_sleep(1 * AWL_US));
    answers = answers_to(&the_wire, false);
    if (strcmp(answers[0] ? answers : "-", self->c->expected) != 0)
        printf("%s, with a pause at %zu and after each %zu:\n", self->c->name, self->cut, self->step);
    CHECK_STR(answers[0] ? answers : "-", self->c->expected);
    awl_task_cancel(self->server);
    co_try_cancel(self->rc, self->server);
    awl_task_release(self->server);
    awl_stream_close(self->s);
    co_end;
}

/* Each in one piece, byte by byte, and in two: where it is long, at some places and all of the last ones. */
co_def(serves_all, { const wire_case *c; awl_http_app *app; size_t cut; awl_http_app_options options; })
{
    co_begin;
    self->options.body_limit = 1000;
    self->app = echo_app(&self->options);
    co_await(co_call(serves_case, .c = self->c, .app = self->app));
    co_await(co_call(serves_case, .c = self->c, .app = self->app, .cut = 1, .step = 1));
    for (self->cut = 1; self->cut < self->c->len; self->cut += self->cut + 200 < self->c->len ? self->c->len / 100 + 1 : 1)
        co_await(co_call(serves_case, .c = self->c, .app = self->app, .cut = self->cut));
    awl_http_app_release(self->app);
    co_end;
}

static void run_case(const wire_case *c) { run_main(co_call(serves_all, .c = c), true); }

static void run_section(const char *name, int at_least) { CHECK(run_cases(REQUESTS, name, run_case) >= at_least); }

TEST(request_lines) { run_section("Request lines", 30); }
TEST(versions) { run_section("Versions", 12); }
TEST(targets) { run_section("Targets", 15); }
TEST(paths) { run_section("Paths", 12); }
TEST(fields) { run_section("Fields", 25); }
TEST(hosts) { run_section("Host", 12); }
TEST(lengths) { run_section("Content-Length", 15); }
TEST(codings) { run_section("Transfer-Encoding", 12); }
TEST(chunks) { run_section("Chunks", 25); }
TEST(connections) { run_section("Connections", 12); }
TEST(expectations) { run_section("Expectations", 4); }
