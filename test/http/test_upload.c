/* Bodies that go out: in one piece, by a coroutine, asked for before, and stopped by a response. */
#include "client_rig.h"

enum { LARGE = 3 << 20 };

typedef struct source {
    size_t all, piece; /* bytes in all, and at once */
    int error;         /* to end with */
    awl_time pause;    /* before each piece */
    int begun, cancelled;
    size_t sent;
} source;

co_def(writes, { awl_http_upload *up; source *from; size_t n; int rc; char data[4096]; })
{
    co_begin;
    self->from->begun++;
    self->from->sent = 0;
    memset(self->data, 'x', sizeof self->data);
    while (self->from->sent < self->from->all) {
        if (self->from->pause)
            co_await(awl_sleep(self->from->pause));
        self->n = self->from->all - self->from->sent;
        self->n = self->n < self->from->piece ? self->n : self->from->piece;
        co_await(awl_upload_write(self->up, self->data, self->n));
        self->from->sent += self->n;
    }
    if (self->from->error)
        co_raise(self->from->error);
    co_finally;
    self->from->cancelled += co_failing == ECANCELED;
    co_end;
}

static awl_coro upload(awl_http_upload *up, void *arg) { return co_call(writes, .up = up, .from = arg); }

#define UPLOAD(...) (&(awl_http_request_options){ .upload = upload, .upload_arg = &self->from, __VA_ARGS__ })

CLIENT_TEST(a_body_without_a_size_is_a_text, ANSWERS(SAY(EMPTY, .again = true)), {})
{
    static const char *const bodies[] = { "hello", "", NULL, "hello" };
    static const uint64_t sizes[] = { 0, 0, 0, 2 };
    static const char *const texts[] = { "hello", "", "", "he" };
    static const char *const lengths[] = { "5", "0", "0", "2" };
    char line[40];

    co_begin;
    OPEN(0);
    while (script.n < 4) {
        co_let(self->r, awl_http_post(self->session, at(0, "/"),
                                      &(awl_http_request_options){ .body = bodies[script.n],
                                                                   .body_size = sizes[script.n] }));
        snprintf(line, sizeof line, "\r\nContent-Length: %s\r\n", lengths[script.n - 1]);
        CHECK(said(script.n - 1, line));
        CHECK_STR(script.notes[script.n - 1].body, texts[script.n - 1]);
        awl_response_close(self->r);
        self->r = NULL;
    }
    CLIENT_END;
}

CLIENT_TEST(upload_of_unknown_length_goes_in_chunks, ANSWERS(SAY(HELLO, .again = true)), { source from; })
{
    co_begin;
    OPEN(0);
    self->from = (source){ .all = 10000, .piece = 4096 };
    co_let(self->r, awl_http_post(self->session, at(0, "/"), UPLOAD(.type = "text/x")));
    CHECK(said(0, "\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n") && !said(0, "Content-Length"));
    CHECK_INT(script.notes[0].body_size, 10000);
    awl_response_close(self->r);
    self->r = NULL;
    self->from.all = 0;
    co_let(self->r, awl_http_post(self->session, at(0, "/"), UPLOAD(0)));
    CHECK_INT(script.notes[1].body_size, 0);
    CHECK_INT(script.conns, 1);
    CLIENT_END;
}

CLIENT_TEST(upload_of_known_length_has_it, ANSWERS(SAY(HELLO, .again = true)), { source from; })
{
    co_begin;
    OPEN(0);
    self->from = (source){ .all = 10000, .piece = 4096 };
    co_let(self->r, awl_http_post(self->session, at(0, "/"), UPLOAD(.body_size = 10000)));
    CHECK(said(0, "\r\nContent-Length: 10000\r\n") && !said(0, "chunked"));
    CHECK_INT(script.notes[0].body_size, 10000);
    awl_response_close(self->r);
    self->r = NULL;
    CHECK_FAILS(EMSGSIZE, awl_http_post(self->session, at(0, "/"), UPLOAD(.body_size = 10001)));
    CHECK_FAILS(EMSGSIZE, awl_http_post(self->session, at(0, "/"), UPLOAD(.body_size = 9999)));
    CLIENT_END;
}

CLIENT_TEST(large_body_of_memory_is_sent, ANSWERS(SAY(HELLO)), { char *data; })
{
    co_begin;
    OPEN(0);
    self->data = calloc(1, LARGE);
    CHECK(self->data != NULL);
    co_let(self->r, awl_http_put(self->session, at(0, "/"),
                                 &(awl_http_request_options){ .body = self->data, .body_size = LARGE }));
    CHECK_INT(script.notes[0].body_size, LARGE);
    co_finally;
    free(self->data);
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    co_end;
}

/* The server does not read: no more is taken from the coroutine than fits in buffers, and the response ends it. */
CLIENT_TEST(early_response_stops_the_upload,
            ANSWERS(SAY("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", .early = true, .then = HANG),
                    SAY(HELLO)),
            { source from; })
{
    co_begin;
    OPEN(0);
    self->from = (source){ .all = SIZE_MAX / 2, .piece = 4096 };
    co_let(self->r, awl_http_post(self->session, at(0, "/"), UPLOAD(0)));
    CHECK_INT(awl_response_status(self->r), 413);
    CHECK_INT(self->from.begun, 1);
    CHECK_INT(self->from.cancelled, 1);
    CHECK(self->from.sent < (size_t)64 << 20);
    co_let(self->text, awl_response_read_all(self->r, NULL));
    CHECK_STR(self->text, "no");
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 2); /* the connection is of no use any more */
    CLIENT_END;
}

CLIENT_TEST(response_is_read_although_the_server_reads_no_more,
            ANSWERS(SAY("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", .early = true, .then = CLOSE)),
            { char *data; })
{
    co_begin;
    OPEN(0);
    self->data = calloc(1, LARGE);
    CHECK(self->data != NULL);
    co_try(self->rc, awl_http_put(self->session, at(0, "/"),
                                  &(awl_http_request_options){ .body = self->data, .body_size = LARGE }));
    if (self->rc) /* the reset may have overtaken it */
        CHECK(self->rc == ECONNRESET || self->rc == EPIPE);
    else
        co_result(self->r);
    CHECK_INT(self->rc ? 403 : awl_response_status(self->r), 403);
    co_finally;
    free(self->data);
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    co_end;
}

CLIENT_TEST(error_of_an_upload_is_that_of_the_request, ANSWERS(SAY(HELLO, .again = true)), { source from; })
{
    co_begin;
    OPEN(.limit = 1);
    self->from = (source){ .all = 5000, .piece = 1000, .error = EIO };
    CHECK_FAILS(EIO, awl_http_post(self->session, at(0, "/"), UPLOAD(0)));
    self->from = (source){ .all = 0, .error = ETIMEDOUT };
    CHECK_FAILS(ETIMEDOUT, awl_http_post(self->session, at(0, "/"), UPLOAD(.body_size = 5)));
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, "hello");
    CLIENT_END;
}

TIMED_CLIENT_TEST(cancelled_request_cancels_its_upload, ANSWERS(SAY(HELLO, .again = true)), {
    source from;
    awl_task *t;
})
{
    co_begin;
    OPEN(.limit = 1);
    self->from = (source){ .all = 5000, .piece = 1000, .pause = AWL_SECOND };
    self->t = awl_create_task(awl_http_post(self->session, at(0, "/"), UPLOAD(0)));
    co_await(awl_sleep(2500 * AWL_MS));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_task_release(self->t);
    CHECK_INT(self->from.sent, 2000);
    CHECK_INT(self->from.cancelled, 1);
    GET(at(0, "/"), NULL);
    CLIENT_END;
}

TIMED_CLIENT_TEST(while_it_goes_on_nobody_times_out, ANSWERS(SAY(HELLO, .delay = 1500 * AWL_MS)), { source from; })
{
    co_begin;
    OPEN(.timeouts = { .read = 2 * AWL_SECOND });
    self->from = (source){ .all = 5000, .piece = 1000, .pause = AWL_SECOND };
    co_let(self->r, awl_http_post(self->session, at(0, "/"), UPLOAD(0)));
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 6500);
    CLIENT_END;
}

TIMED_CLIENT_TEST(upload_that_stalls_times_out, ANSWERS(SAY(HELLO)), { source from; })
{
    co_begin;
    OPEN(.timeouts = { .read = 2 * AWL_SECOND });
    self->from = (source){ .all = 5000, .piece = 5000, .pause = 3 * AWL_SECOND };
    CHECK_FAILS(ETIMEDOUT, awl_http_post(self->session, at(0, "/"), UPLOAD(0)));
    CLIENT_END;
}

CLIENT_TEST(upload_is_written_again_after_a_redirect,
            ANSWERS(SAY("HTTP/1.1 307 T\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", .path = "/a"), SAY(HELLO)),
            { source from; })
{
    co_begin;
    OPEN(0);
    self->from = (source){ .all = 100, .piece = 100 };
    co_let(self->r, awl_http_post(self->session, at(0, "/a"), UPLOAD(0)));
    CHECK_INT(self->from.begun, 2);
    CHECK_INT(script.notes[0].body_size, 100);
    CHECK_INT(script.notes[1].body_size, 100);
    CLIENT_END;
}

/* ---- Expect: 100-continue --------------------------------------------------------------------------------------- */

TIMED_CLIENT_TEST(server_is_asked_before, ANSWERS(SAY(HELLO, .go = true)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_post(self->session, at(0, "/"),
                                  &(awl_http_request_options){ .body = "hi", .body_size = 2, .expect = true }));
    CHECK(said(0, "\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    CHECK_STR(script.notes[0].body, "hi");
    CHECK(awl_loop_time(NULL) < AWL_SECOND);
    CLIENT_END;
}

TIMED_CLIENT_TEST(who_does_not_answer_gets_the_body_all_the_same, ANSWERS(SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_post(self->session, at(0, "/"),
                                  &(awl_http_request_options){ .body = "hi", .body_size = 2, .expect = true }));
    CHECK_STR(script.notes[0].body, "hi");
    CHECK_INT(awl_loop_time(NULL) / AWL_MS, 1000);
    CLIENT_END;
}

TIMED_CLIENT_TEST(refusal_spares_the_body,
                  ANSWERS(SAY("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", .early = true, .then = HANG), SAY(HELLO)),
                  { source from; })
{
    co_begin;
    OPEN(0);
    self->from = (source){ .all = 100, .piece = 100 };
    co_let(self->r, awl_http_post(self->session, at(0, "/"), UPLOAD(.expect = true)));
    CHECK_INT(awl_response_status(self->r), 401);
    CHECK_INT(self->from.begun, 0);
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 2);
    CLIENT_END;
}

TIMED_CLIENT_TEST(who_knows_no_expectations_is_not_asked,
                  ANSWERS(SAY("HTTP/1.1 417 What\r\nContent-Length: 0\r\n\r\n", .early = true), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_put(self->session, at(0, "/"),
                                 &(awl_http_request_options){ .body = "hi", .body_size = 2, .expect = true }));
    CHECK_INT(awl_response_status(self->r), 200);
    CHECK(!said(1, "Expect"));
    CHECK_STR(script.notes[1].body, "hi");
    CLIENT_END;
}
