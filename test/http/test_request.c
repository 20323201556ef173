/* test_request.c: what a request says of itself, and its body. */
#include "path_model.h"
#include "server_rig.h"

/* A request for what a handler is to see; the head goes on with `more`. */
#define ASK(target, more) "GET " target " HTTP/1.1\r\nHost: h:1\r\n" more "\r\n"

HANDLER(says_all, {})
{
    awl_request *r = self->request;
    const char *name, *value;

    co_begin;
    CHECK_STR(awl_request_method(r), "GET");
    CHECK_STR(awl_request_target(r), "http://other:2/a%20b/./c?d=%20e");
    CHECK_STR(awl_request_path(r), "/a b/c");
    CHECK_STR(awl_request_query_string(r), "d=%20e");
    CHECK_STR(awl_request_host(r), "other:2");
    CHECK_STR(awl_request_field(r, "X-Y"), "z");
    CHECK_STR(awl_request_field(r, "nothing"), NULL);
    CHECK(awl_request_field_at(r, 1, &name, &value));
    CHECK_STR(name, "x-y");
    CHECK_STR(value, "z");
    CHECK(!awl_request_field_at(r, 2, &name, &value));
    CHECK_STR(name, "x-y");
    CHECK_INT(awl_request_minor(r), 1);
    CHECK_INT(awl_request_length(r), 0);
    CHECK(awl_request_stream(r) == the_wire.s);
    CHECK_STR(awl_request_param(r, "x"), NULL);
    CHECK_STR(awl_request_state(r), "state");
    CHECK_PTR(awl_request_data(r), NULL);
    awl_request_set_data(r, &the_wire);
    CHECK_PTR(awl_request_data(r), &the_wire);
    awl_respond_text(r, 200, NULL, "fine");
    co_end;
}

SERVER_TEST(a_request_says_what_it_is, {})
{
    static const awl_http_app_options options = { .state = (void *)(uintptr_t)"state" };

    co_begin;
    self->app = app_of(on_says_all, &options);
    server_begins(self);
    CHECK_SAYS("200 fine", ASK("http://other:2/a%20b/./c?d=%20e", "x-y: z\r\n"));
    server_ends(self);
    co_end;
}

/* ---- The host ---------------------------------------------------------------------------------------------------- */

HANDLER(says_host, {})
{
    co_begin;
    awl_respond_print(self->request, 200, NULL, "[%s]", awl_request_host(self->request));
    co_end;
}

SERVER_TEST(the_host_of_the_target_counts_more_than_the_field, {})
{
    co_begin;
    self->app = app_of(on_says_host, NULL);
    server_begins(self);
    CHECK_SAYS("200 [h:1]", ASK("/", ""));
    CHECK_SAYS("200 [h:1]", ASK("/?http://x/", ""));
    CHECK_SAYS("200 [x]", ASK("http://x", ""));
    CHECK_SAYS("200 [[::1]:2]", ASK("http://[::1]:2?a", ""));
    CHECK_SAYS("200 []", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    server_ends(self);
    co_end;
}

/* ---- Queries ----------------------------------------------------------------------------------------------------- */

HANDLER(says_query, {})
{
    const char *a = awl_request_query(self->request, "a b"), *c = awl_request_query(self->request, "c");

    co_begin;
    awl_respond_print(self->request, 200, NULL, "[%s] [%s]", a ? a : "-", c ? c : "-");
    co_end;
}

SERVER_TEST(values_of_a_query_are_decoded, {})
{
    co_begin;
    self->app = app_of(on_says_query, NULL);
    server_begins(self);
    CHECK_SAYS("200 [-] [-]", ASK("/", ""));
    CHECK_SAYS("200 [-] [-]", ASK("/?", ""));
    CHECK_SAYS("200 [1] [2]", ASK("/?a+b=1&c=2&c=3", ""));
    CHECK_SAYS("200 [] []", ASK("/?c&a%20b=", ""));
    CHECK_SAYS("200 [x y] [+=&]", ASK("/?a%20b=x+y&c=%2b%3D%26", ""));
    CHECK_SAYS("200 [a=b] [-]", ASK("/?%61%20%62=a=b&cc=1&&=&", ""));
    CHECK_SAYS("200 [100%] [%zz%4]", ASK("/?a+b=100%&c=%zz%4", "")); /* what is no escape stands for itself */
    CHECK_SAYS("200 [-] [%00]", ASK("/?a%=1&a+b%=2&c=%00", ""));     /* and so does a zero byte */
    server_ends(self);
    co_end;
}

/* ---- Paths, against a model -------------------------------------------------------------------------------------- */

static const char *model_of(const char *path) { return model_path(path, strlen(path)); }

TEST(the_model_is_right)
{
    CHECK_STR(model_of("/a/b/../c"), "/a/c");
    CHECK_STR(model_of("/a/b/.."), "/a/");
    CHECK_STR(model_of("/.."), NULL);
    CHECK_STR(model_of("/%2e"), "/");
    CHECK_STR(model_of("//.."), "/");
    CHECK_STR(model_of("/a%2f..%2Fb"), "/b");
    CHECK_STR(model_of("/%00"), NULL);
}

HANDLER(says_path, {})
{
    co_begin;
    awl_respond_text(self->request, 200, NULL, awl_request_path(self->request));
    co_end;
}

/* All paths of up to six of these pieces, all at once on one connection as long as none is refused. */
SERVER_TEST(all_short_paths_are_what_the_rfc_says, { size_t i, len, all; char path[60], wanted[80]; })
{
    static const char *const pieces[] = { "/", ".", "a", "%2e", "%2F", "%" };
    static char ask[100]; /* what is on the wire outlives the test */
    const char *model;

    co_begin;
    for (self->len = 0, self->all = 1; self->len <= 6; self->len++, self->all *= 6) {
        for (self->i = 0; self->i < self->all; self->i++) {
            if (!self->app) {
                self->app = app_of(on_says_path, NULL);
                server_begins(self);
            }
            strcpy(self->path, "/");
            for (size_t j = 0, rest = self->i; j < self->len; j++, rest /= 6)
                strcat(self->path, pieces[rest % 6]);
            snprintf(ask, sizeof ask, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", self->path);
            model = model_of(self->path);
            snprintf(self->wanted, sizeof self->wanted, model ? "200 %s" : "400 .", model);
            the_wire.out_len = the_wire.read_up_to = 0;
            client_sends(ask);
            settle();
            CHECK_ANSWERS(self->wanted);
            if (strcmp(self->wanted, "400 .") == 0)
                server_ends(self);
        }
    }
    server_ends(self);
    co_end;
}

/* ---- Bodies ------------------------------------------------------------------------------------------------------ */

#define POST(fields, body) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n" body

HANDLER(reads_in_pieces, { char all[100]; size_t got; int64_t n; })
{
    co_begin;
    do {
        co_let(self->n, awl_request_read(self->request, self->all + self->got, 3));
        CHECK(self->n >= 0 && self->n <= 3);
        self->got += (size_t)self->n;
    } while (self->n);
    co_let(self->n, awl_request_read(self->request, self->all + self->got, 3));
    CHECK_INT(self->n, 0);
    awl_respond_print(self->request, 200, NULL, "%d %s", (int)awl_request_length(self->request), self->all);
    co_end;
}

SERVER_TEST(a_body_is_read_in_pieces, {})
{
    co_begin;
    self->app = app_of(on_reads_in_pieces, NULL);
    server_begins(self);
    CHECK_SAYS("200 5 hello", POST("Content-Length: 5\r\n", "hello"));
    CHECK_SAYS("200 -1 hello", POST("Transfer-Encoding: chunked\r\n", "4\r\nhell\r\n1\r\no\r\n0\r\n\r\n"));
    CHECK_SAYS("200 0", POST("", ""));
    server_ends(self);
    co_end;
}

/* Reads with a time limit again and again: what a cancelled read has got is not lost. */
HANDLER(reads_impatiently, { char all[100]; size_t got; int64_t n; })
{
    co_begin;
    do {
        co_try(self->rc, awl_wait_for(awl_request_read(self->request, self->all + self->got, 10), 1 * AWL_MS));
        if (self->rc == ETIMEDOUT)
            continue;
        if (self->rc)
            co_raise(self->rc);
        co_result(self->n);
        self->got += (size_t)self->n;
    } while (self->rc || self->n);
    awl_respond(self->request, 200, NULL, self->all, self->got);
    co_end;
}

SERVER_TEST(a_cancelled_read_loses_nothing, {})
{
    co_begin;
    self->app = app_of(on_reads_impatiently, NULL);
    server_begins(self);
    client_sends(POST("Content-Length: 6\r\n", "ab"));
    co_await(awl_sleep(10 * AWL_MS));
    client_sends("cd");
    co_await(awl_sleep(10 * AWL_MS));
    client_sends("ef");
    co_await(awl_sleep(10 * AWL_MS));
    CHECK_ANSWERS("200 abcdef");
    server_ends(self);
    co_end;
}

/* What is asked for again is there already, and what was asked for impatiently goes on: also of chunks, whose length
 * nobody knows. */
HANDLER(reads_all_again, { char *body; size_t len; })
{
    co_begin;
    do
        co_try(self->rc, awl_wait_for(awl_request_read_all(self->request, NULL), 1 * AWL_MS));
    while (self->rc == ETIMEDOUT);
    if (self->rc)
        co_raise(self->rc);
    co_let(self->body, awl_request_read_all(self->request, NULL));
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    CHECK_INT(strlen(self->body), self->len);
    awl_respond_print(self->request, 200, NULL, "%zu", self->len);
    co_end;
}

SERVER_TEST(a_body_can_be_asked_for_again, {})
{
    static char text[21000]; /* outlives the server */

    co_begin;
    self->app = app_of(on_reads_all_again, NULL);
    server_begins(self);
    snprintf(text, sizeof text, POST("Transfer-Encoding: chunked\r\n", "4e20\r\n%020000d\r\n"), 0);
    client_sends(text);
    co_await(awl_sleep(10 * AWL_MS));
    CHECK_SAYS("200 20003", "3\r\nabc\r\n0\r\n\r\n");
    CHECK_SAYS("200 6", POST("Content-Length: 6\r\n", "abcdef"));
    server_ends(self);
    co_end;
}

/* The error with which the body ends, which the handler passes on or not. */
static int body_error;

HANDLER(notes_its_error, { char *body; size_t len; })
{
    co_begin;
    self->len = 77;
    co_try(self->rc, awl_request_read_all(self->request, &self->len));
    body_error = self->rc;
    CHECK_INT(self->len, 77);
    co_raise(self->rc);
    co_end;
}

SERVER_TEST(a_client_that_goes_within_its_body_is_told_apart, {})
{
    co_begin;
    self->app = app_of(on_notes_its_error, NULL);
    server_begins(self);
    client_sends(POST("Content-Length: 6\r\n", "ab"));
    settle();
    client_ends();
    settle();
    CHECK_INT(body_error, AWL_EINCOMPLETE);
    CHECK_ANSWERS("400 .");
    server_ends(self);
    co_end;
}

SERVER_TEST(a_chunk_that_is_wrong_is_the_clients_mistake, {})
{
    co_begin;
    self->app = app_of(on_notes_its_error, NULL);
    server_begins(self);
    CHECK_SAYS("400 .", POST("Transfer-Encoding: chunked\r\n", "x\r\n"));
    CHECK_INT(body_error, AWL_EPROTOCOL);
    server_ends(self);
    co_end;
}

SERVER_TEST(chunks_beyond_the_limit_are_too_large, { awl_http_app_options options; })
{
    co_begin;
    self->options.body_limit = 3;
    self->app = app_of(on_notes_its_error, &self->options);
    server_begins(self);
    CHECK_SAYS("413 .", POST("Transfer-Encoding: chunked\r\n", "4\r\n"));
    CHECK_INT(body_error, AWL_ELIMIT);
    CHECK(strstr(the_wire.out, "\r\nConnection: close\r\n"));
    server_ends(self);
    co_end;
}

HANDLER(misuses_reading, { char c; awl_task *other; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_request_read(self->request, &self->c, 0));
    self->other = awl_create_task(awl_request_read(self->request, &self->c, 1));
    CHECK(self->other != NULL);
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    CHECK_FAILS(EBUSY, awl_request_read(self->request, &self->c, 1));
    co_await(self->other);
    awl_task_release(self->other);
    awl_respond(self->request, 200, NULL, &self->c, 1);
    co_end;
}

SERVER_TEST(one_reads_a_body_at_a_time, {})
{
    co_begin;
    self->app = app_of(on_misuses_reading, NULL);
    server_begins(self);
    client_sends(POST("Content-Length: 1\r\n", ""));
    settle();
    CHECK_SAYS("200 x", "x");
    server_ends(self);
    co_end;
}

/* ---- 100-continue: RFC 9110, 10.1.1 ------------------------------------------------------------------------------ */

SERVER_TEST(a_client_is_told_to_go_on_when_its_body_is_wanted, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("100", POST("Expect: 100-continue\r\nContent-Length: 2\r\n", ""));
    CHECK_SAYS("200 POST / hi", "hi");
    CHECK_SAYS("200 GET /", ASK("/", "Connection: keep-alive\r\n"));
    server_ends(self);
    co_end;
}

HANDLER(reads_while_it_responds, { char c; int64_t n; })
{
    co_begin;
    awl_respond_begin(self->request, 200, NULL, 2);
    for (;;) {
        co_let(self->n, awl_request_read(self->request, &self->c, 1));
        if (!self->n)
            break;
        co_await(awl_respond_write(self->request, &self->c, 1));
    }
    co_end;
}

SERVER_TEST(and_also_when_the_response_begins_before_it_is_read, {})
{
    co_begin;
    self->app = app_of(on_reads_while_it_responds, NULL);
    server_begins(self);
    client_sends(POST("Expect: 100-continue\r\nContent-Length: 2\r\n", ""));
    settle();
    CHECK_STR(the_wire.out, "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK_SAYS("100; 200 hi", "hi");
    CHECK_SAYS("200 ho", POST("Content-Length: 2\r\n", "ho"));
    server_ends(self);
    co_end;
}

HANDLER(wants_no_body, {})
{
    co_begin;
    awl_respond_text(self->request, 403, NULL, "no");
    co_end;
}

SERVER_TEST(a_body_that_nobody_asked_for_ends_the_connection, {})
{
    co_begin;
    self->app = app_of(on_wants_no_body, NULL);
    server_begins(self);
    CHECK_SAYS("403 no .", POST("Expect: 100-continue\r\nContent-Length: 2\r\n", ""));
    server_ends(self);
    co_end;
}

SERVER_TEST(memory_of_a_request_goes_with_it, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("200 POST / hi; 200 POST / ho", POST("Content-Length: 2\r\n", "hi") POST("Content-Length: 2\r\n", "ho"));
    server_ends(self);
    co_end;
}

HANDLER(asks_for_too_much, {})
{
    char *text;

    co_begin;
    CHECK_PTR(awl_request_alloc(self->request, SIZE_MAX), NULL);
    CHECK_PTR(awl_request_alloc(self->request, SIZE_MAX - 8), NULL);
    CHECK(awl_request_alloc(self->request, 0) != NULL);
    text = awl_request_alloc(self->request, 3);
    CHECK(text != NULL);
    strcpy(text, "ab");
    awl_respond_text(self->request, 200, NULL, "fine");
    co_end;
}

SERVER_TEST(there_is_no_more_memory_than_there_is, {})
{
    co_begin;
    self->app = app_of(on_asks_for_too_much, NULL);
    server_begins(self);
    CHECK_SAYS("200 fine", ASK("/", ""));
    server_ends(self);
    co_end;
}

/* ---- No request at all ------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(what_is_asked_of_no_request_is_nothing, { int rc; char buf[8]; const char *name, *value; })
{
    co_begin;
    CHECK_STR(awl_request_method(NULL), "");
    CHECK_STR(awl_request_target(NULL), "");
    CHECK_STR(awl_request_path(NULL), "");
    CHECK_STR(awl_request_query_string(NULL), "");
    CHECK_STR(awl_request_host(NULL), "");
    CHECK_PTR(awl_request_param(NULL, "x"), NULL);
    CHECK_PTR(awl_request_query(NULL, "x"), NULL);
    CHECK_PTR(awl_request_field(NULL, "x"), NULL);
    CHECK_PTR(awl_request_last_event_id(NULL), NULL);
    CHECK(!awl_request_field_at(NULL, 0, &self->name, &self->value));
    CHECK_INT(awl_request_minor(NULL), 0);
    CHECK_INT(awl_request_length(NULL), 0);
    CHECK_PTR(awl_request_stream(NULL), NULL);
    CHECK_PTR(awl_request_state(NULL), NULL);
    awl_request_set_data(NULL, self->buf);
    CHECK_PTR(awl_request_data(NULL), NULL);
    CHECK_PTR(awl_request_alloc(NULL, 1), NULL);
    CHECK_FAILS(EINVAL, awl_request_read(NULL, self->buf, sizeof self->buf));
    CHECK_FAILS(EINVAL, awl_request_read_all(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_request_disconnected(NULL));
    CHECK_FAILS(EINVAL, awl_http_next(NULL));
    CHECK_FAILS(EINVAL, awl_respond_write(NULL, "x", 1));
    CHECK_FAILS(EINVAL, awl_respond_event(NULL, &(awl_http_event){ .data = "x" }));
    CHECK_INT(awl_respond_events(NULL, 0), EINVAL);
    CHECK_INT(awl_respond_end(NULL), EINVAL);
    CHECK_INT(awl_respond_error(NULL, 404), EINVAL);
    CHECK_INT(awl_respond_print(NULL, 200, NULL, "x"), EINVAL);
    CHECK_INT(awl_respond_redirect(NULL, 303, "/"), EINVAL);
    CHECK_INT(awl_respond_status(NULL), 0);
    awl_http_on_access(NULL, NULL, NULL);
    co_end;
}

HANDLER(asks_for_nothing, {})
{
    co_begin;
    CHECK_PTR(awl_request_param(self->request, NULL), NULL);
    CHECK_PTR(awl_request_query(self->request, NULL), NULL);
    CHECK_PTR(awl_request_field(self->request, NULL), NULL);
    CHECK_FAILS(EINVAL, awl_request_read(self->request, NULL, 1));
    awl_respond_text(self->request, 200, NULL, "fine");
    co_end;
}

SERVER_TEST(names_that_are_none_are_not_there, {})
{
    co_begin;
    self->app = app_of(on_asks_for_nothing, NULL);
    server_begins(self);
    CHECK_SAYS("200 fine", "GET /?a=b HTTP/1.1\r\nHost: a\r\n\r\n");
    server_ends(self);
    co_end;
}
