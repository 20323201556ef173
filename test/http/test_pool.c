/* Connections that are kept: when they are used again, when they are closed, how many there are. */
#include "client_rig.h"

CLIENT_TEST(connection_is_used_again, ANSWERS(SAY(HELLO, .again = true)), { int i; })
{
    co_begin;
    OPEN(0);
    for (self->i = 0; self->i < 5; self->i++) {
        GET(at(0, "/"), NULL);
        CHECK_STR(self->text, "hello");
    }
    CHECK_INT(script.conns, 1);
    GET(at(1, "/"), NULL);
    CHECK_INT(script.conns, 2);
    CLIENT_END;
}

/* What a response ends with, and how many connections two of it take. */
static const struct {
    const char *text;
    int conns;
} kinds[] = {
    { HELLO, 1 },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1 },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n", 1 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", 2 },
    { "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 2 },
    { "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello", 1 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=0\r\n\r\nhello", 2 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=9, max=100\r\n\r\nhello", 1 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      2 }, /* more than asked */
};
static answer kind[] = { { .text = "", .again = true }, { .text = NULL } };

CLIENT_TEST(only_a_whole_response_leaves_its_connection, ANSWERS(SAY("")), { size_t i; int before; })
{
    co_begin;
    script.answers = kind;
    for (self->i = 0; self->i < sizeof kinds / sizeof *kinds; self->i++) {
        kind[0].text = kinds[self->i].text;
        kind[0].then = KEEP;
        self->before = script.conns;
        OPEN(0);
        GET(at(0, "/"), NULL);
        CHECK_STR(self->text, "hello");
        GET(at(0, "/"), NULL);
        CHECK_STR(self->text, "hello");
        CHECK_INT(script.conns - self->before, kinds[self->i].conns);
        awl_response_close(self->r);
        self->r = NULL;
        awl_http_session_close(self->session);
        self->session = NULL;
    }
    CLIENT_END;
}

CLIENT_TEST(body_that_has_come_is_skimmed, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    awl_response_close(self->r);
    self->r = NULL;
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 1);
    CLIENT_END;
}

CLIENT_TEST(last_chunk_that_has_come_is_skimmed,
            ANSWERS(SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", .again = true)),
            { char buf[8]; int n; })
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    co_let(self->n, awl_response_read(self->r, self->buf, 8));
    CHECK_INT(self->n, 2);
    awl_response_close(self->r);
    self->r = NULL;
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 1);
    CLIENT_END;
}

CLIENT_TEST(connection_of_a_body_to_come_is_closed,
            ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", .path = "/part"), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/part"), NULL));
    awl_response_close(self->r);
    self->r = NULL;
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(script.conns, 2);
    CLIENT_END;
}

TIMED_CLIENT_TEST(idle_connection_is_kept_for_15_seconds, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    co_await(awl_sleep(14 * AWL_SECOND));
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 1);
    co_await(awl_sleep(14900 * AWL_MS));
    CHECK_INT(script.open, 1);
    co_await(awl_sleep(1200 * AWL_MS));
    CHECK_INT(script.open, 0); /* without a request that would look */
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 2);
    CLIENT_END;
}

TIMED_CLIENT_TEST(keeping_can_be_shorter_or_off, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(.keep_alive = 100 * AWL_MS);
    GET(at(0, "/"), NULL);
    co_await(awl_sleep(99 * AWL_MS));
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 1);
    co_await(awl_sleep(100 * AWL_MS));
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 2);
    awl_http_session_close(self->session);
    OPEN(.keep_alive = -1);
    GET(at(0, "/"), NULL);
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 4);
    CLIENT_END;
}

TIMED_CLIENT_TEST(idle_connection_that_can_be_read_is_closed,
                  ANSWERS(SAY(HELLO, .then = CLOSE), SAY(HELLO, .then = CLOSE), SAY(HELLO)), { size_t fds; })
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    co_await(awl_sleep(1100 * AWL_MS)); /* the sweep has closed it: nothing is left to sweep */
    GET(at(0, "/"), NULL);
    CHECK_INT(script.notes[1].conn, 1);
    co_await(awl_sleep(10 * AWL_MS)); /* it is found when it is wanted */
    awl_response_close(self->r);
    self->r = NULL;
    co_let(self->r, awl_http_post(self->session, at(0, "/"), NULL));
    CHECK_INT(script.notes[2].conn, 2);
    CLIENT_END;
}

/* ---- Limits ----------------------------------------------------------------------------------------------------- */

co_def(one, { awl_http_session *session; const char *url; awl_response *r; char *text; int *done; })
{
    co_begin;
    co_let(self->r, awl_http_get(self->session, self->url, NULL));
    co_let(self->text, awl_response_read_all(self->r, NULL));
    CHECK_STR(self->text, "hello");
    if (self->done)
        ++*self->done;
    co_finally;
    awl_response_close(self->r);
    co_end;
}

CLIENT_TEST(hundred_tasks_share_a_session, ANSWERS(SAY(HELLO, .again = true, .piece = 20)),
            { awl_task_group group; int i, done; })
{
    co_begin;
    OPEN(.limit = 7);
    awl_task_group_enter(&self->group);
    for (self->i = 0; self->i < 100; self->i++)
        CHECK_INT(awl_task_group_spawn(&self->group, co_call(one, .session = self->session,
                                                             .url = script.url[self->i % 2], .done = &self->done)),
                  0);
    co_await(awl_task_group_exit(&self->group, 0));
    CHECK_INT(self->done, 100);
    CHECK_INT(script.n, 100);
    CHECK(script.most <= 8); /* one may be closed here, and not there yet */
    co_finally;
    co_try_cancel(self->rc, awl_task_group_exit(&self->group, co_failing));
    awl_task_group_fini(&self->group);
    awl_http_session_close(self->session);
    co_end;
}

TIMED_CLIENT_TEST(each_host_has_its_limit, ANSWERS(SAY(HELLO, .again = true, .delay = AWL_SECOND)),
                  { awl_task_group group; int i; awl_time start; })
{
    co_begin;
    OPEN(.limit_per_host = 2);
    self->start = awl_loop_time(NULL);
    awl_task_group_enter(&self->group);
    for (self->i = 0; self->i < 5; self->i++)
        CHECK_INT(awl_task_group_spawn(&self->group, co_call(one, .session = self->session,
                                                             .url = script.url[self->i == 4])), 0);
    co_await(awl_task_group_exit(&self->group, 0));
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 2000);
    CHECK_INT(script.most, 3);
    co_finally;
    co_try_cancel(self->rc, awl_task_group_exit(&self->group, co_failing));
    awl_task_group_fini(&self->group);
    awl_http_session_close(self->session);
    co_end;
}

TIMED_CLIENT_TEST(idle_connections_make_room, ANSWERS(SAY(HELLO, .again = true)), {})
{
    co_begin;
    OPEN(.limit = 1);
    GET(at(0, "/"), NULL);
    GET(at(1, "/"), NULL);
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(script.open, 1);
    GET(at(0, "/"), NULL);
    CHECK_INT(script.conns, 3);
    CLIENT_END;
}

/* Whatever ends a request, its place is free for the next one. */
TIMED_CLIENT_TEST(
    every_end_gives_the_place_back,
    ANSWERS(SAY(HELLO, .path = "/ok", .again = true), SAY("HTTP/1.1", .path = "/cut", .then = CLOSE, .again = true),
            SAY("nonsense\r\n", .path = "/bad", .again = true), SAY("", .path = "/hang", .then = HANG, .again = true),
            SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", .path = "/short", .then = CLOSE, .again = true)),
    {
        int i;
        awl_task *t;
    })
{
    co_begin;
    OPEN(.limit = 1, .limit_per_host = 1, .timeouts = { .total = 3 * AWL_SECOND });
    for (self->i = 0; self->i < 3; self->i++) {
        GET_FAILS(AWL_EINCOMPLETE, at(0, "/cut"), 0);
        GET_FAILS(AWL_EPROTOCOL, at(0, "/bad"), 0);
        GET_FAILS(AWL_EINCOMPLETE, at(0, "/short"), 0);
        GET_FAILS(ETIMEDOUT, at(0, "/hang"), 0);
        GET_FAILS(ECONNREFUSED, "http://127.0.0.1:1/", 0);
        self->t = awl_create_task(co_call(one, .session = self->session, .url = at(0, "/hang")));
        co_await(awl_sleep(AWL_MS));
        awl_task_cancel(self->t);
        CHECK_FAILS(ECANCELED, self->t);
        awl_task_release(self->t);
        self->t = NULL;
        GET(at(0, "/ok"), NULL);
        CHECK_STR(self->text, "hello");
        awl_response_close(self->r);
        self->r = NULL;
    }
    CLIENT_END;
}

/* Cancelled in each iteration of its life, a request leaves nothing behind. */
TIMED_CLIENT_TEST(request_is_cancelled_at_any_moment,
                  ANSWERS(SAY("HTTP/1.1 302 F\r\nLocation: /2\r\nContent-Length: 2\r\n\r\nab", .path = "/1",
                              .again = true, .piece = 9),
                          SAY(HELLO, .path = "/2", .again = true, .piece = 9)),
                  {
                      int i, j;
                      awl_task *t;
                      bool cancelled;
                  })
{
    co_begin;
    OPEN(.limit = 1);
    for (self->i = 0, self->cancelled = true; self->cancelled; self->i++) {
        CHECK(self->i < 200);
        self->t = awl_create_task(co_call(one, .session = self->session, .url = at(0, "/1")));
        for (self->j = 0; self->j < self->i; self->j++)
            co_await(awl_sleep(0));
        self->cancelled = awl_task_cancel(self->t);
        co_try_cancel(self->rc, self->t);
        CHECK_INT(self->rc, self->cancelled ? ECANCELED : 0);
        awl_task_release(self->t);
        self->t = NULL;
    }
    CHECK(self->i > 10);
    GET(at(0, "/1"), NULL);
    CHECK_STR(self->text, "hello");
    CLIENT_END;
}

/* ---- The session ends first ------------------------------------------------------------------------------------- */

TIMED_CLIENT_TEST(responses_outlive_their_session, ANSWERS(SAY(HELLO, .again = true, .piece = 30)), {})
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    awl_http_session_close(self->session);
    self->session = NULL;
    co_let(self->text, awl_response_read_all(self->r, NULL));
    CHECK_STR(self->text, "hello");
    co_await(awl_sleep(AWL_MS));
    CHECK_INT(script.open, 0); /* it is not kept */
    CLIENT_END;
}

TIMED_CLIENT_TEST(those_that_wait_for_a_connection_end_with_the_session,
                  ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", .again = true, .then = HANG)),
                  { awl_task *t[3]; int i; })
{
    co_begin;
    OPEN(.limit = 2, .limit_per_host = 1);
    for (self->i = 0; self->i < 3; self->i++) {
        self->t[self->i] = awl_create_task(co_call(one, .session = self->session, .url = at(0, "/")));
        CHECK(self->t[self->i] != NULL);
        co_await(awl_sleep(AWL_MS));
    }
    awl_http_session_close(self->session);
    self->session = NULL;
    CHECK_FAILS(ECONNABORTED, self->t[1]);
    CHECK_FAILS(ECONNABORTED, self->t[2]);
    CHECK(!awl_task_done(self->t[0]));
    awl_task_cancel(self->t[0]);
    CHECK_FAILS(ECANCELED, self->t[0]);
    co_finally;
    for (self->i = 0; self->i < 3; self->i++)
        awl_task_release(self->t[self->i]);
    awl_http_session_close(self->session);
    co_end;
}

CLIENT_TEST(response_is_closed_while_it_is_read,
            ANSWERS(SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", .then = HANG)), { awl_task *t; })
{
    co_begin;
    OPEN(0);
    co_let(self->r, awl_http_get(self->session, at(0, "/"), NULL));
    self->t = awl_create_task(awl_response_read_all(self->r, NULL));
    co_await(awl_sleep(0));
    co_await(awl_sleep(0));
    awl_response_close(self->r);
    self->r = NULL;
    CHECK_FAILS(ECONNABORTED, self->t);
    awl_task_release(self->t);
    CLIENT_END;
}

/* ---- Retries ---------------------------------------------------------------------------------------------------- */

/* The server closes a kept connection as soon as the next request comes. */
CLIENT_TEST(request_on_a_dead_connection_is_sent_again,
            ANSWERS(SAY(HELLO), SAY("", .then = CLOSE), SAY("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, "new");
    CHECK_INT(script.n, 3);
    CHECK_INT(script.notes[1].conn, 0);
    CHECK_INT(script.notes[2].conn, 1);
    CLIENT_END;
}

/* Of two that were kept the other one is as likely to be dead. */
TIMED_CLIENT_TEST(and_then_on_a_new_connection,
                  ANSWERS(SAY(HELLO, .delay = AWL_MS), SAY(HELLO, .delay = AWL_MS), SAY("", .then = CLOSE), SAY(HELLO)),
                  { awl_task_group group; int i; })
{
    co_begin;
    OPEN(0);
    awl_task_group_enter(&self->group);
    for (self->i = 0; self->i < 2; self->i++)
        CHECK_INT(awl_task_group_spawn(&self->group, co_call(one, .session = self->session, .url = script.url[0])), 0);
    co_await(awl_task_group_exit(&self->group, 0));
    CHECK_INT(script.conns, 2);
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(script.n, 4);
    CHECK_INT(script.notes[3].conn, 2);
    co_finally;
    co_try_cancel(self->rc, awl_task_group_exit(&self->group, co_failing));
    awl_task_group_fini(&self->group);
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    co_end;
}

CLIENT_TEST(also_if_it_is_reset, ANSWERS(SAY(HELLO), SAY("", .then = RESET), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    GET(at(0, "/"), NULL);
    CHECK_STR(self->text, "hello");
    CHECK_INT(script.n, 3);
    CLIENT_END;
}

CLIENT_TEST(but_once_only, ANSWERS(SAY(HELLO), SAY("", .then = CLOSE), SAY("", .then = CLOSE), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    GET_FAILS(ECONNRESET, at(0, "/"), 0);
    CHECK_INT(script.n, 3);
    CLIENT_END;
}

CLIENT_TEST(not_on_a_new_connection, ANSWERS(SAY("", .then = CLOSE), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET_FAILS(ECONNRESET, at(0, "/"), 0);
    CHECK_INT(script.n, 1);
    CLIENT_END;
}

CLIENT_TEST(not_what_could_happen_twice, ANSWERS(SAY(HELLO), SAY("", .then = CLOSE), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    CHECK_FAILS(ECONNRESET, awl_http_post(self->session, at(0, "/"), NULL));
    CHECK_INT(script.n, 2);
    CLIENT_END;
}

CLIENT_TEST(not_if_it_is_not_wanted, ANSWERS(SAY(HELLO), SAY("", .then = CLOSE), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    GET_FAILS(ECONNRESET, at(0, "/"), .no_retry = true);
    CHECK_INT(script.n, 2);
    CLIENT_END;
}

CLIENT_TEST(not_when_something_has_come, ANSWERS(SAY(HELLO), SAY("HTTP/1.1 2", .then = CLOSE), SAY(HELLO)), {})
{
    co_begin;
    OPEN(0);
    GET(at(0, "/"), NULL);
    GET_FAILS(AWL_EINCOMPLETE, at(0, "/"), 0);
    CHECK_INT(script.n, 2);
    CLIENT_END;
}
