/* test_server_close.c: servers that end: awl_server_shutdown, awl_server_serve_forever, awl_server_cancel_clients and
 * awl_server_abort_clients. */
#include "server_rig.h"

/* ---- awl_server_shutdown ----------------------------------------------------------------------------------------- */

VIRTUAL_TEST(shutdown_lets_clients_finish, {
    awl_server *server;
    awl_stream *s;
    awl_task *t;
    char *line;
    awl_time start;
    int rc;
})
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "second\n"));
    self->start = awl_loop_time(NULL);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    self->t = awl_create_task(awl_server_shutdown(self->server, 10 * AWL_SECOND));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "second\n");
    co_await(self->t);
    CHECK(awl_loop_time(NULL) - self->start <= AWL_SECOND);
    CHECK_INT(served.ended, 1);
    CHECK_INT(served.cancelled, 0);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(shutdown_cancels_a_client_that_stays, { awl_server *server; awl_stream *s; awl_time start; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "keep\n"));
    self->start = awl_loop_time(NULL);
    co_await(awl_server_shutdown(self->server, 10 * AWL_SECOND));
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 10000);
    CHECK_INT(served.cancelled, 1);
    CHECK_INT(awl_server_clients(self->server), 0);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(shutdown_without_grace_cancels_at_once, { awl_server *server; awl_stream *s; awl_time start; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "keep\n"));
    self->start = awl_loop_time(NULL);
    co_await(awl_server_shutdown(self->server, 0));
    CHECK_INT(awl_loop_time(NULL), self->start);
    CHECK_INT(served.cancelled, 1);
    co_await(awl_server_shutdown(self->server, AWL_FOREVER)); /* nothing left to do */
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(cancelled_shutdown_leaves_the_clients, { awl_server *server; awl_stream *s; int rc; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = ""));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_server_shutdown(self->server, AWL_FOREVER), 5 * AWL_SECOND));
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_await(co_call(told, .s = self->s, .text = "still\n"));
    awl_stream_close(self->s);
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(served.cancelled, 0);
    awl_server_close(self->server);
    co_end;
}

/* ---- Connections that outlast their coroutine -------------------------------------------------------------------- */

VIRTUAL_TEST(wait_closed_waits_for_what_is_unsent, {
    awl_server *server;
    awl_stream *s;
    int rc;
    char buf[4096];
    size_t all, n;
})
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "much\n"));
    CHECK_INT(served.ended, 1);
    CHECK_INT(awl_server_clients(self->server), 1);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_server_wait_closed(self->server), 5 * AWL_SECOND));
    do {
        co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
        self->all += self->n;
    } while (self->n);
    CHECK_INT(self->all, MUCH);
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(awl_server_clients(self->server), 0);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(shutdown_drops_what_nobody_reads, { awl_server *server; awl_stream *s; awl_time start; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "much\n"));
    self->start = awl_loop_time(NULL);
    co_await(awl_server_shutdown(self->server, 3 * AWL_SECOND));
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 3000);
    CHECK_INT(awl_server_clients(self->server), 0);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(shutdown_drops_last_words_that_nobody_reads, { awl_server *server; awl_stream *s; awl_time start; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "last\n"));
    self->start = awl_loop_time(NULL);
    co_await(awl_server_shutdown(self->server, 3 * AWL_SECOND));
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 3000);
    CHECK_INT(served.cancelled, 1);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_closed_server_lets_what_is_unsent_be, {
    awl_server *server;
    awl_stream *s;
    char buf[4096];
    size_t all, n;
})
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "much\n"));
    awl_server_close(self->server);
    do {
        co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
        self->all += self->n;
    } while (self->n);
    CHECK_INT(self->all, MUCH);
    awl_stream_close(self->s);
    co_end;
}

/* ---- awl_server_abort_clients ------------------------------------------------------------------------------------ */

VIRTUAL_TEST(abort_clients_ends_what_they_wait_for, { awl_server *server; awl_stream *s, *slow; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = ""));
    co_let(self->slow, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->slow, "much\n"), 0);
    co_await(awl_sleep(1 * AWL_MS));
    CHECK_INT(awl_server_clients(self->server), 2);
    awl_server_abort_clients(self->server);
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(served.ended, 2);
    CHECK_INT(served.error, ECONNABORTED); /* of the first: and it is not reported */
    awl_server_abort_clients(self->server);
    awl_stream_close(self->s);
    awl_stream_close(self->slow);
    awl_server_close(self->server);
    co_end;
}

/* ---- awl_server_serve_forever ------------------------------------------------------------------------------------ */

VIRTUAL_TEST(serve_forever_serves_until_it_is_cancelled, {
    awl_server *server;
    awl_stream *s;
    awl_task *t;
    int rc;
    awl_time start;
})
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = ""));
    self->t = awl_create_task(awl_server_serve_forever(self->server, 2 * AWL_SECOND));
    CHECK(self->t != NULL);
    co_await(awl_sleep(AWL_MINUTE));
    co_await(co_call(told, .s = self->s, .text = "later\n"));
    CHECK_FAILS(EBUSY, awl_server_serve_forever(self->server, 0));
    self->start = awl_loop_time(NULL);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 2000);
    CHECK_INT(served.cancelled, 1);
    CHECK_FAILS(EINVAL, awl_server_serve_forever(self->server, 0)); /* it has stopped */
    awl_task_release(self->t);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(serve_forever_twice_cancelled_ends_at_once, {
    awl_server *server;
    awl_stream *s;
    awl_task *t;
    int rc;
    awl_time start;
})
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = ""));
    self->t = awl_create_task(awl_server_serve_forever(self->server, AWL_FOREVER));
    CHECK(self->t != NULL);
    co_await(awl_sleep(AWL_SECOND));
    self->start = awl_loop_time(NULL);
    awl_task_cancel(self->t);
    co_await(awl_sleep(AWL_SECOND));
    CHECK(!awl_task_done(self->t));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 1000);
    CHECK_INT(awl_server_clients(self->server), 1);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_server_may_be_closed_below_who_waits, { awl_server *server; awl_stream *s; awl_task *t[2]; int rc; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "keep\n"));
    self->t[0] = awl_create_task(awl_server_serve_forever(self->server, 2 * AWL_SECOND));
    CHECK(self->t[0] != NULL);
    co_await(awl_sleep(AWL_SECOND));
    self->t[1] = awl_create_task(awl_server_shutdown(self->server, 3 * AWL_SECOND));
    CHECK(self->t[1] != NULL);
    co_await(awl_sleep(0));
    awl_server_close(self->server);
    CHECK_FAILS(ECANCELED, self->t[0]);
    co_await(self->t[1]);
    CHECK_INT(served.cancelled, 1);
    awl_task_release(self->t[0]);
    awl_task_release(self->t[1]);
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(ending_takes_null, { int rc; })
{
    co_begin;
    awl_server_abort_clients(NULL);
    CHECK_FAILS(EINVAL, awl_server_shutdown(NULL, 0));
    CHECK_FAILS(EINVAL, awl_server_serve_forever(NULL, 0));
    co_end;
}
