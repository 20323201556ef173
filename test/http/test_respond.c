/* test_respond.c: responses at once and piece by piece, and what is refused. */
#include "server_rig.h"

#include <time.h>

#include "http/writer.h"
#include "loop/loop_priv.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_1_0 "GET / HTTP/1.0\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"

/* Whether what was sent has a field line. */
static bool sent_field(const char *line)
{
    char text[200];

    snprintf(text, sizeof text, "\r\n%s\r\n", line);
    return strstr(the_wire.out, text) != NULL;
}

/* ---- At once ----------------------------------------------------------------------------------------------------- */

HANDLER(responds, {})
{
    co_begin;
    CHECK_INT(awl_respond_status(self->request), 0);
    CHECK_INT(awl_respond_field(self->request, "X-Y", "z"), 0);
    CHECK_INT(awl_respond(self->request, 201, "text/x", "ab\0c", 4), 0);
    CHECK_INT(awl_respond_status(self->request), 201);
    CHECK_INT(awl_respond_field(self->request, "X", "y"), EALREADY);
    CHECK_INT(awl_respond(self->request, 200, NULL, NULL, 0), EALREADY);
    CHECK_INT(awl_respond_begin(self->request, 200, NULL, 0), EALREADY);
    CHECK_INT(awl_respond_error(self->request, 404), EALREADY);
    CHECK_INT(awl_respond_end(self->request), 0);
    co_end;
}

SERVER_TEST(a_response_in_one_piece, { char date[40]; })
{
    static const awl_http_app_options options = { .server = "me/1" };

    co_begin;
    self->app = app_of(on_responds, &options);
    server_begins(self);
    client_sends(GET);
    settle();
    CHECK(strncmp(the_wire.out, "HTTP/1.1 201 Created\r\nDate: ", 28) == 0);
    CHECK(sent_field("Server: me/1") && sent_field("Content-Type: text/x") && sent_field("Content-Length: 4"));
    CHECK(sent_field("X-Y: z") && !strstr(the_wire.out, "Connection:"));
    snprintf(self->date, sizeof self->date, "%.29s", strstr(the_wire.out, "Date: ") + 6);
    CHECK(llabs(awl__http_parse_date(self->date) - (long long)time(NULL)) < 60);
    CHECK_MEM(the_wire.out + the_wire.out_len - 8, "\r\n\r\nab\0c", 8);
    server_ends(self);
    co_end;
}

SERVER_TEST(how_the_connection_goes_on_is_said_where_it_has_to_be, {})
{
    co_begin;
    server_begins(self);
    CHECK_SAYS("200 GET /", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(sent_field("Connection: keep-alive"));
    CHECK_SAYS("200 GET / .", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(sent_field("Connection: close"));
    server_ends(self);
    co_end;
}

/* As many bytes as the query says. */
HANDLER(prints_much, {})
{
    const int n = atoi(awl_request_query_string(self->request));

    co_begin;
    CHECK_INT(awl_respond_print(self->request, 200, NULL, "%0*d", n, 7), 0);
    co_end;
}

SERVER_TEST(what_is_printed_may_be_long, { int n; })
{
    co_begin;
    self->app = app_of(on_prints_much, NULL);
    server_begins(self);
    for (self->n = 509; self->n < 516; self->n++) {
        static char ask[100];

        snprintf(ask, sizeof ask, "GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n", self->n);
        client_sends(ask);
        settle();
        snprintf(ask, sizeof ask, "Content-Length: %d", self->n);
        CHECK(sent_field(ask));
        CHECK_MEM(the_wire.out + the_wire.out_len - 4, "0007", 4);
    }
    server_ends(self);
    co_end;
}

HANDLER(prints_texts, {})
{
    static char most[600];
    awl_request *r = self->request;
    const int n = atoi(awl_request_query_string(r));

    co_begin;
    memset(most, 'x', sizeof most);
    most[n] = '\0';
    if (n)
        CHECK_INT(awl_respond_print(r, 200, NULL, "a %sb%s", "", most), 0);
    else
        CHECK_INT(awl_respond_print(r, 200, NULL, "%s%5s%s %d%%", "a", "b", "", 7), 0);
    co_end;
}

/* Texts alone are put together without vsnprintf. */
SERVER_TEST(what_is_printed_may_be_texts, { int n; })
{
    co_begin;
    self->app = app_of(on_prints_texts, NULL);
    server_begins(self);
    CHECK_SAYS("200 a    b 7%", "GET /?0 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (self->n = 505; self->n < 515; self->n++) {
        static char ask[100];

        snprintf(ask, sizeof ask, "GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n", self->n);
        client_sends(ask);
        settle();
        snprintf(ask, sizeof ask, "Content-Length: %d", self->n + 3);
        CHECK(sent_field(ask));
        CHECK_MEM(the_wire.out + the_wire.out_len - self->n - 5, "\r\na bx", 6);
        CHECK_MEM(the_wire.out + the_wire.out_len - 2, "xx", 2);
    }
    server_ends(self);
    co_end;
}

HANDLER(misuses_everything, {})
{
    awl_request *r = self->request;

    co_begin;
    CHECK_INT(awl_respond(NULL, 200, NULL, NULL, 0), EINVAL);
    CHECK_INT(awl_respond(r, 200, NULL, NULL, 1), EINVAL);
    CHECK_INT(awl_respond(r, 199, NULL, NULL, 0), EINVAL);
    CHECK_INT(awl_respond(r, 600, NULL, NULL, 0), EINVAL);
    CHECK_INT(awl_respond(r, 204, NULL, "x", 1), EINVAL);
    CHECK_INT(awl_respond(r, 205, NULL, "x", 1), EINVAL);
    CHECK_INT(awl_respond(r, 304, NULL, "x", 1), EINVAL);
    CHECK_INT(awl_respond(r, 200, "a\r\nB: c", "x", 1), EINVAL);
    CHECK_INT(awl_respond_text(r, 200, NULL, NULL), EINVAL);
    CHECK_INT(awl_respond_begin(NULL, 200, NULL, 0), EINVAL);
    CHECK_INT(awl_respond_begin(r, 200, NULL, -2), EINVAL);
    CHECK_INT(awl_respond_begin(r, 204, NULL, 5), EINVAL);
    CHECK_INT(awl_respond_error(r, 200), EINVAL);
    CHECK_INT(awl_respond_redirect(r, 200, "/"), EINVAL);
    CHECK_INT(awl_respond_redirect(r, 302, ""), EINVAL);
    CHECK_INT(awl_respond_redirect(r, 302, "/a b"), EINVAL);
    CHECK_INT(awl_respond_redirect(r, 302, "/a\r\nB: c"), EINVAL);
    CHECK_INT(awl_respond_redirect(r, 302, NULL), EINVAL);
    CHECK_INT(awl_respond_field(r, "Content-Length", "5"), EINVAL);
    CHECK_INT(awl_respond_field(r, "A", "b\r\nC: d"), EINVAL);
    CHECK_INT(awl_respond_field(NULL, "A", "b"), EINVAL);
    CHECK_INT(awl_respond_end(r), EINVAL);
    CHECK_INT(awl_respond_status(NULL), 0);
    CHECK_FAILS(EINVAL, awl_respond_write(self->request, "x", 1));
    CHECK_INT(awl_respond_text(self->request, 200, NULL, "fine"), 0);
    CHECK_FAILS(EINVAL, awl_respond_write(self->request, NULL, 1));
    CHECK_FAILS(EINVAL, awl_respond_write(NULL, "x", 1));
    co_end;
}

SERVER_TEST(misuse_is_refused_and_leaves_nothing, {})
{
    co_begin;
    self->app = app_of(on_misuses_everything, NULL);
    server_begins(self);
    CHECK_SAYS("200 fine", GET);
    CHECK(!sent_field("A: b") && !sent_field("C: d"));
    server_ends(self);
    co_end;
}

/* ---- Handlers that end without a response ------------------------------------------------------------------------ */

static char told[512]; /* by the last report */

static void tell(void *arg, const awl_report *report)
{
    (void)arg;
    snprintf(told, sizeof told, "'%s': %s%s%s", report->name, report->what, report->message ? ": " : "",
             report->message ? report->message : "");
}

static int try_nothing(awl_request *request) { return request ? 0 : 1; }
static int try_status(awl_request *request) { return awl_respond(request, 99, NULL, "x", 1); }
static int try_body(awl_request *request) { return awl_respond(request, 204, NULL, "x", 1); }
static int try_type(awl_request *request) { return awl_respond(request, 200, "a\r\nB: c", "x", 1); }
static int try_no_text(awl_request *request) { return awl_respond_text(request, 200, NULL, NULL); }
static int try_no_data(awl_request *request) { return awl_respond(request, 200, NULL, NULL, 3); }
static int try_redirect(awl_request *request) { return awl_respond_redirect(request, 302, "/a b"); }
static int try_no_redirect(awl_request *request) { return awl_respond_redirect(request, 200, "/"); }
static int try_length(awl_request *request) { return awl_respond_begin(request, 200, NULL, -2); }
static int try_error(awl_request *request) { return awl_respond_error(request, 200); }
static int try_end(awl_request *request) { return awl_respond_end(request); }
static int try_field(awl_request *request) { return awl_respond_field(request, "A", "b\nc"); }
static int try_events(awl_request *request) { return awl_respond_events(request, -1); }

#define REFUSED "'/': ended without a response; the last that it tried was refused: "

static const struct {
    int (*respond)(awl_request *request);
    const char *told;
} attempts[] = {
    { try_nothing, "'/': ended without a response; it is to call awl_respond, or one of its kin" },
    { try_status, REFUSED "99 is no status of a response: 200 to 599" },
    { try_body, REFUSED "a response with status 204 has no body" },
    { try_type, REFUSED "'a\\x0d\\x0aB: c' can be no Content-Type" },
    { try_no_text, REFUSED "the text of a response is NULL" },
    { try_no_data, REFUSED "3 bytes of a response are not there" },
    { try_redirect, REFUSED "'/a b' is no URL to redirect to" },
    { try_no_redirect, REFUSED "200 is no status of a redirect" },
    { try_length, REFUSED "-2 is no length" },
    { try_error, REFUSED "200 is no status of an error: 400 to 599" },
    { try_end, REFUSED "awl_respond_end comes before awl_respond_begin" },
    { try_field, REFUSED "the field 'A: b\\x0ac' cannot be one of a response" },
    { try_events, REFUSED "a stream of events is kept alive after a negative time" },
};

static size_t attempt;

HANDLER(attempts_a_response, {})
{
    co_begin;
    CHECK(attempt == 0 || attempts[attempt].respond(self->request) == EINVAL);
    co_end;
}

SERVER_TEST(who_ends_without_a_response_is_told_why, {})
{
    co_begin;
    awl_running_->options.report = tell;
    self->app = app_of(on_attempts_a_response, NULL);
    server_begins(self);
    for (attempt = 0; attempt < sizeof attempts / sizeof *attempts; attempt++) {
        told[0] = '\0';
        CHECK_SAYS("500", GET);
        CHECK_STR(told, attempts[attempt].told);
    }
    server_ends(self);
    co_end;
}

HANDLER(writes_before_it_begins, {})
{
    co_begin;
    co_await(awl_respond_write(self->request, "x", 1));
    co_end;
}

SERVER_TEST(who_writes_before_he_begins_is_told_so, {})
{
    co_begin;
    awl_running_->options.report = tell;
    self->app = app_of(on_writes_before_it_begins, NULL);
    server_begins(self);
    CHECK_SAYS("500", GET);
    CHECK_STR(told, "'/': the handler of this request failed: awl_respond_write comes before awl_respond_begin");
    server_ends(self);
    co_end;
}

/* ---- Statuses without a body ------------------------------------------------------------------------------------- */

static int wanted_status;

HANDLER(says_nothing, {})
{
    co_begin;
    CHECK_INT(awl_respond(self->request, wanted_status, NULL, NULL, 0), 0);
    co_end;
}

SERVER_TEST(where_no_body_may_be_none_is_announced, {})
{
    co_begin;
    self->app = app_of(on_says_nothing, NULL);
    server_begins(self);
    wanted_status = 204;
    CHECK_SAYS("204", GET);
    wanted_status = 304;
    CHECK_SAYS("304", GET);
    CHECK(!strstr(the_wire.out, "Content-Length") && !strstr(the_wire.out, "Transfer-Encoding"));
    wanted_status = 205;
    CHECK_SAYS("205", GET);
    CHECK(sent_field("Content-Length: 0"));
    server_ends(self);
    co_end;
}

HANDLER(redirects, {})
{
    co_begin;
    CHECK_INT(awl_respond_redirect(self->request, 303, "/a?b"), 0);
    co_end;
}

SERVER_TEST(a_redirect_has_a_location, {})
{
    co_begin;
    self->app = app_of(on_redirects, NULL);
    server_begins(self);
    CHECK_SAYS("303", GET);
    CHECK(sent_field("Location: /a?b"));
    server_ends(self);
    co_end;
}

/* ---- Piece by piece ---------------------------------------------------------------------------------------------- */

static int64_t promised; /* the length that is announced, and the pieces that are written */
static const char *pieces[5];

HANDLER(writes_pieces, { const char **at; })
{
    co_begin;
    CHECK_INT(awl_respond_begin(self->request, 200, NULL, promised), 0);
    for (self->at = pieces; *self->at; self->at++)
        co_await(awl_respond_write(self->request, *self->at, strlen(*self->at)));
    co_end;
}

static void write_pieces(int64_t length, const char *a, const char *b)
{
    promised = length;
    pieces[0] = a;
    pieces[1] = b;
}

SERVER_TEST(pieces_of_a_known_length, {})
{
    co_begin;
    write_pieces(5, "hel", "lo");
    self->app = app_of(on_writes_pieces, NULL);
    server_begins(self);
    CHECK_SAYS("200 hello; 200 hello", GET GET);
    CHECK(sent_field("Content-Length: 5") && !sent_field("Transfer-Encoding: chunked"));
    server_ends(self);
    co_end;
}

SERVER_TEST(pieces_of_no_known_length_are_chunks, {})
{
    co_begin;
    write_pieces(-1, "hel", "lo");
    self->app = app_of(on_writes_pieces, NULL);
    server_begins(self);
    CHECK_SAYS("200 hello; 200 hello", GET GET);
    CHECK(!strstr(the_wire.out, "Content-Length") && sent_field("Transfer-Encoding: chunked"));
    server_ends(self);
    co_end;
}

SERVER_TEST(http_1_0_has_no_chunks, {})
{
    co_begin;
    write_pieces(-1, "hel", "lo");
    self->app = app_of(on_writes_pieces, NULL);
    server_begins(self);
    CHECK_SAYS("200 hello .", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(!strstr(the_wire.out, "chunked") && sent_field("Connection: close"));
    server_ends(self);
    co_end;
}

SERVER_TEST(nothing_is_sent_to_head_but_the_head, {})
{
    co_begin;
    write_pieces(-1, "hel", "lo");
    self->app = app_of(on_writes_pieces, NULL);
    server_begins(self);
    client_sends(HEAD HEAD);
    settle();
    CHECK_STR(answers_to(&the_wire, true), "200; 200");
    CHECK(sent_field("Transfer-Encoding: chunked"));
    write_pieces(1000, NULL, NULL); /* a handler that knows better than to make a body */
    client_sends(HEAD HEAD);
    settle();
    CHECK_STR(answers_to(&the_wire, true), "200; 200");
    CHECK(sent_field("Content-Length: 1000"));
    server_ends(self);
    co_end;
}

/* ---- Bodies that are not what was promised ----------------------------------------------------------------------- */

#define CHECK_TOLD_OF_LENGTH                                                                                           \
    do {                                                                                                               \
        char told_[16];                                                                                                \
        snprintf(told_, sizeof told_, "/:%d", EMSGSIZE);                                                               \
        CHECK_REPORTS(told_);                                                                                          \
    } while (0)

SERVER_TEST(less_than_was_promised_aborts, {})
{
    co_begin;
    write_pieces(6, "hel", "lo");
    self->app = app_of(on_writes_pieces, NULL);
    server_begins(self);
    CHECK_SAYS("200 hello! .", GET GET);
    CHECK(the_wire.closed);
    CHECK_TOLD_OF_LENGTH;
    server_ends(self);
    co_end;
}

SERVER_TEST(more_than_was_promised_aborts, {})
{
    co_begin;
    write_pieces(4, "hel", "lo");
    self->app = app_of(on_writes_pieces, NULL);
    server_begins(self);
    CHECK_SAYS("200 hel! .", GET GET);
    CHECK(the_wire.closed);
    CHECK_TOLD_OF_LENGTH;
    server_ends(self);
    co_end;
}

static int failing_with;

HANDLER(fails_within_its_body, {})
{
    co_begin;
    CHECK_INT(awl_respond_begin(self->request, 200, NULL, promised), 0);
    co_await(awl_respond_write(self->request, "hel", 3));
    co_raise(failing_with);
    co_end;
}

/* A body that broke off is never taken for the whole: however it was framed. */
SERVER_TEST(a_handler_that_fails_within_its_body_leaves_it_without_an_end, {})
{
    co_begin;
    failing_with = EDOM;
    promised = -1;
    self->app = app_of(on_fails_within_its_body, NULL);
    server_begins(self);
    CHECK_SAYS("200 hel! .", GET GET);
    server_ends(self);

    promised = 6;
    self->app = app_of(on_fails_within_its_body, NULL);
    server_begins(self);
    CHECK_SAYS("200 hel! .", GET GET);
    server_ends(self);

    promised = -1;
    self->app = app_of(on_fails_within_its_body, NULL);
    server_begins(self);
    CHECK_SAYS("200 hel .", GET_1_0);
    CHECK(the_wire.closed && !the_wire.out_ended); /* an abort, which the client sees as a reset */
    server_ends(self);
    CHECK_STR(reports, "/:33; /:33; /:33");
    reports[0] = '\0';
    co_end;
}

/* ---- Backpressure ------------------------------------------------------------------------------------------------ */

static size_t written;

HANDLER(writes_for_long, { char block[8192]; })
{
    co_begin;
    CHECK_INT(awl_respond_begin(self->request, 200, NULL, -1), 0);
    for (written = 0; written < 2000000; written += sizeof self->block)
        co_await(awl_respond_write(self->request, self->block, sizeof self->block));
    co_end;
}

SERVER_TEST(who_does_not_read_is_not_written_for, {})
{
    co_begin;
    self->app = app_of(on_writes_for_long, NULL);
    server_begins(self);
    client_takes(1000);
    client_sends(GET);
    settle();
    CHECK(written > 60000 && written < 80000);
    CHECK(awl_stream_unsent(self->s) < 80000);
    client_takes(100000);
    settle();
    CHECK(written > 150000 && written < 200000);
    server_ends(self);
    co_end;
}

SERVER_TEST(a_write_that_waits_can_be_cancelled, {})
{
    co_begin;
    self->app = app_of(on_writes_for_long, NULL);
    server_begins(self);
    client_takes(1000);
    client_sends(GET);
    settle();
    awl_task_cancel(self->server);
    CHECK_FAILS(ECANCELED, self->server);
    server_ends(self);
    co_end;
}

/* ---- Without memory ---------------------------------------------------------------------------------------------- */

HANDLER(responds_without_memory, {})
{
    co_begin;
    the_wire.room = 0;
    harness_fail_alloc_from(1);
    self->rc = awl_respond(self->request, 200, NULL, the_wire.out, 100000);
    harness_fail_alloc(0);
    the_wire.room = SIZE_MAX;
    CHECK_INT(self->rc, ENOMEM);
    CHECK_INT(awl_respond_status(self->request), 0); /* nothing has gone, and another can */
    CHECK_INT(awl_respond_text(self->request, 503, NULL, "later"), 0);
    co_end;
}

SERVER_TEST(a_response_that_found_no_memory_is_none, {})
{
    co_begin;
    self->app = app_of(on_responds_without_memory, NULL);
    server_begins(self);
    CHECK_SAYS("503 later; 503 later", GET GET);
    server_ends(self);
    co_end;
}
