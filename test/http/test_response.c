/* Responses as servers should not send them, and bodies read in pieces. */
#include "client_rig.h"
#include "loop/loop_priv.h"

static answer only[] = { { .text = "", .again = true }, { .text = NULL } };

/* What comes of a response, in whatever pieces it arrives; with `end`, the connection ends behind it. */
static const struct {
    const char *text, *body; /* NULL: an error */
    int error;
    bool end;
} cases[] = {
    { "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", 0, true },
    { "HTTP/1.1 204 None\r\n\r\n", "", 0, false },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "", 0, false },
    { "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" HELLO, "hello", 0, false },
    { "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x", 0, false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "abc", 0, false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", NULL, AWL_EINCOMPLETE, true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", NULL, AWL_EINCOMPLETE, true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", NULL, AWL_EINCOMPLETE, true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", NULL, AWL_EINCOMPLETE, true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n", NULL,
      AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n", "", 0, false },
    { "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 200 OK\nContent-Length: 0\n\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/2.0 200 OK\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 20 OK\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "ICY 200 OK\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", NULL, AWL_EPROTOCOL, false },
    { "HTTP/1.1 100 Go\r\n\r\n", NULL, AWL_EINCOMPLETE, true },
    { "HTTP/1.1 200 OK\r\nContent-Le", NULL, AWL_EINCOMPLETE, true },
    { "", NULL, ECONNRESET, true },
};

CLIENT_TEST(what_servers_send, ANSWERS(SAY("")), { size_t i, piece; })
{
    co_begin;
    script.answers = only;
    OPEN(.keep_alive = -1);
    for (self->i = 0; self->i < sizeof cases / sizeof *cases; self->i++) {
        for (self->piece = 0; self->piece < 4; self->piece++) {
            only[0].text = cases[self->i].text;
            only[0].piece = self->piece;
            only[0].then = cases[self->i].end ? CLOSE : KEEP;
            script.n = 0;
            if (cases[self->i].body) {
                GET(at(0, "/"), NULL);
                CHECK_STR(self->text, cases[self->i].body);
            } else {
                GET_FAILS(cases[self->i].error, at(0, "/"), 0);
            }
        }
    }
    CLIENT_END;
}

CLIENT_TEST(error_says_what_was_wrong, ANSWERS(SAY("HTTP/1.1 200 OK\r\nX : a\r\n\r\n")), {})
{
    co_begin;
    OPEN(0);
    GET_FAILS(AWL_EPROTOCOL, at(0, "/why"), 0);
    CHECK(strstr(awl_error_message(AWL_EPROTOCOL), "/why: a field has no name, or no colon") != NULL);
    CLIENT_END;
}

/* Stale texts, of this task or of another one, are not taken for those of a request. */
CLIENT_TEST(errors_of_the_way_name_the_url,
            ANSWERS({ .text = "", .path = "/reset", .then = RESET }, SAY("HTTP/1.1 2", .path = "/half", .then = CLOSE),
                    SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na", .path = "/body", .then = CLOSE),
                    SAY("\x15\x03\x01\0\2\2\x0a", .size = 7, .path = "/tls", .then = CLOSE),
                    { .text = "", .path = "/late", .then = HANG }),
            { size_t i; })
{
    static const struct {
        const char *path;
        int error;
    } ways[] = {
        { "/reset", ECONNRESET },
        { "/half", AWL_EINCOMPLETE },
        { "/body", AWL_EINCOMPLETE },
        { "/tls", AWL_EPROTOCOL },
        { "/late", ETIMEDOUT },
    };
    char text[400];

    co_begin;
    OPEN(.timeouts.read = 50 * AWL_MS);
    for (self->i = 0; self->i < sizeof ways / sizeof *ways; self->i++) {
        awl__error_detail(awl_running_, ways[self->i].error, "of before");
        GET_FAILS(ways[self->i].error, at(0, ways[self->i].path), 0);
        snprintf(text, sizeof text, "%s: %s", at(0, ways[self->i].path),
                 ways[self->i].error == AWL_EPROTOCOL ? "127.0.0.1:" : awl_strerror(ways[self->i].error));
        CHECK_INT(strncmp(awl_error_message(ways[self->i].error), text, strlen(text)), 0);
        CHECK((strstr(awl_error_message(ways[self->i].error), " speaks TLS: use https") != NULL) ==
              (ways[self->i].error == AWL_EPROTOCOL));
    }
    GET_FAILS(ECONNREFUSED, "http://u:secret@127.0.0.1:1/x", 0);
    CHECK_STR(awl_error_message(ECONNREFUSED), "http://127.0.0.1:1/x: 127.0.0.1:1: Connection refused");
    CLIENT_END;
}

static char flood[40000];

CLIENT_TEST(floods_of_interim_responses_end, ANSWERS(SAY(flood, .size = 25 * 20)), { size_t i; })
{
    co_begin;
    for (self->i = 0; self->i < 20; self->i++)
        memcpy(flood + 25 * self->i, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    OPEN(0);
    GET_FAILS(AWL_EPROTOCOL, at(0, "/"), 0);
    CHECK(strstr(awl_error_message(AWL_EPROTOCOL), "more than 16 interim responses") != NULL);
    CLIENT_END;
}

CLIENT_TEST(heads_have_a_limit, ANSWERS(SAY(flood, .size = sizeof flood)), {})
{
    co_begin;
    memset(flood, 'a', sizeof flood);
    memcpy(flood, "HTTP/1.1 200 OK\r\n", 17);
    for (size_t i = 17; i + 100 < sizeof flood; i += 100)
        memcpy(flood + i, "X: ", 3), memcpy(flood + i + 98, "\r\n", 2);
    OPEN(0);
    GET_FAILS(AWL_EPROTOCOL, at(0, "/"), 0);
    CLIENT_END;
}

CLIENT_TEST(whole_bodies_have_a_limit,
            ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"),
                    SAY("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a"),
                    SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n"),
                    SAY("HTTP/1.1 200 OK\r\n\r\n0123456789a", .then = CLOSE),
                    SAY("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n0123456789a", .then = CLOSE)),
            {})
{
    co_begin;
    OPEN(.body_limit = 10);
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, "0123456789");
    GET_FAILS(AWL_ELIMIT, at(0, "/"), 0);
    GET_FAILS(AWL_ELIMIT, at(0, "/"), 0);
    GET_FAILS(AWL_ELIMIT, at(0, "/"), 0);
    GET_FAILS(AWL_ELIMIT, at(0, "/"), 0);
    CLIENT_END;
}

CLIENT_TEST(body_is_read_in_pieces, ANSWERS(SAY(HELLO), SAY(HELLO)), { char buf[8]; int n; size_t all; })
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    for (;;) {
        co_let(self->n, awl_response_read(self->r, self->buf + self->all, 2));
        if (!self->n)
            break;
        self->all += (size_t)self->n;
    }
    CHECK_MEM(self->buf, "hello", 5);
    co_let(self->n, awl_response_read(self->r, self->buf, 2));
    CHECK_INT(self->n, 0);
    GET(at(0, "/"), NULL); /* and what has been read whole can be read whole again */
    co_let(self->text, awl_response_read_all(self->r, NULL));
    CHECK_STR(self->text, "hello");
    CLIENT_END;
}

CLIENT_TEST(one_task_reads_at_a_time, ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", .then = HANG)),
            { awl_task *t; char a, b; })
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    self->t = awl_create_task(awl_response_read(self->r, &self->a, 1));
    co_await(awl_sleep(0));
    CHECK(self->t && !awl_task_done(self->t));
    CHECK_FAILS(EBUSY, awl_response_read(self->r, &self->b, 1));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);
    CLIENT_END;
}

CLIENT_TEST(cancelled_read_loses_no_byte, ANSWERS(SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                      "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", .piece = 1)),
            { awl_task *t; char buf[8]; size_t all; int n, i; })
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    for (self->n = 1; self->n || self->rc;) {
        self->t = awl_create_task(awl_response_read(self->r, self->buf + self->all, 8 - self->all));
        co_await(awl_sleep(0));
        awl_task_cancel(self->t);
        co_try_cancel(self->rc, self->t);
        if (!self->rc) {
            co_result(self->n);
            self->all += (size_t)self->n;
        }
        awl_task_release(self->t);
    }
    CHECK_INT(self->all, 4);
    CHECK_MEM(self->buf, "abcd", 4);
    CLIENT_END;
}

/* ---- Time ------------------------------------------------------------------------------------------------------- */

TIMED_CLIENT_TEST(five_minutes_in_all, ANSWERS(SAY("", .then = HANG)), {})
{
    co_begin;
    OPEN(0);
    GET_FAILS(ETIMEDOUT, at(0, "/"), 0);
    CHECK_INT(awl_loop_time(NULL) / AWL_SECOND, 300);
    CLIENT_END;
}

TIMED_CLIENT_TEST(the_body_counts_too,
                  ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", .delay = AWL_SECOND, .then = HANG)),
                  {})
{
    co_begin;
    OPEN(.timeouts = { .total = 4 * AWL_SECOND });
    GET_FAILS(ETIMEDOUT, at(0, "/"), 0);
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 4000);
    GET_FAILS(ECONNRESET, at(0, "/"), .timeouts = { .total = AWL_FOREVER }); /* there is no second answer */
    CLIENT_END;
}

TIMED_CLIENT_TEST(reading_has_a_limit_of_its_own,
                  ANSWERS(SAY("", .path = "/head", .then = HANG, .again = true),
                          SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", .path = "/body", .then = HANG),
                          SAY("HTTP/1.1 302 F\r\nContent-Length: 9\r\nLocation: /ok\r\n\r\nhel", .path = "/to",
                              .then = HANG),
                          SAY(HELLO)),
                  {})
{
    co_begin;
    OPEN(.timeouts = { .read = 2 * AWL_SECOND });
    GET_FAILS(ETIMEDOUT, at(0, "/head"), 0);
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 2000);
    GET_FAILS(ETIMEDOUT, at(0, "/body"), 0);
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 4000);
    GET_FAILS(ETIMEDOUT, at(0, "/head"), .timeouts = { .read = AWL_FOREVER, .total = AWL_SECOND });
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 5000);
    GET(at(0, "/to"), NULL); /* nobody waits for the rest of a redirect */
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 5000);
    CLIENT_END;
}

TIMED_CLIENT_TEST(waiting_for_a_connection_has_one,
                  ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", .then = HANG)),
                  { awl_response *held; })
{
    co_begin;
    OPEN(.limit = 1, .timeouts = { .connect = 7 * AWL_SECOND });
    co_let(self->held, awl_http_get(self->session, at(0, "/"), NULL));
    GET_FAILS(ETIMEDOUT, at(0, "/"), 0);
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 7000);
    co_finally;
    awl_response_close(self->held);
    awl_http_session_close(self->session);
    co_end;
}
