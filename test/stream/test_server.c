/* test_server.c: awl_start_server and what can be done with a server. */
#include "server_rig.h"

#include <sys/resource.h>

/* ---- Serving ----------------------------------------------------------------------------------------------------- */

STREAM_TEST(serves_each_client_in_a_task, { awl_server *server; int port, i; awl_task *t[20]; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    self->port = awl_server_port(self->server);
    CHECK(self->port > 0);
    for (self->i = 0; self->i < 20; self->i++)
        self->t[self->i] = awl_create_task(co_call(asks, .port = self->port, .text = "hello\n", .expected = "hello\n"));
    co_await(awl_gather_n(self->t, 20, NULL, 0));
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(served.ended, 20);
    CHECK_INT(awl_server_clients(self->server), 0);
    for (self->i = 0; self->i < 20; self->i++)
        awl_task_release(self->t[self->i]);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(more_clients_at_once_than_the_backlog, { awl_server *server; int port, i; awl_task *t[20]; })
{
    static const awl_stream_options options = { .backlog = 2 };

    co_begin;
    co_let(self->server, awl_start_server(serve, &served, NULL, 0, &options)); /* everywhere */
    self->port = awl_server_port(self->server);
    for (self->i = 0; self->i < 3; self->i++)
        self->t[self->i] = awl_create_task(co_call(asks, .port = self->port, .text = "hello\n", .expected = "hello\n"));
    co_await(awl_gather_n(self->t, 3, NULL, 0));
    for (self->i = 0; self->i < 3; self->i++)
        awl_task_release(self->t[self->i]);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(handler_may_close_its_stream, { awl_server *server; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_await(co_call(asks, .port = awl_server_port(self->server), .text = "close\n", .expected = "close\n"));
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(error_of_a_handler_is_reported_and_the_stream_closed, { awl_server *server; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_await(co_call(asks, .port = awl_server_port(self->server), .text = "fail\n", .expected = NULL));
    co_await(awl_server_wait_closed(self->server));
    char expected[32];
    snprintf(expected, sizeof expected, "echo:%d", EIO);
    CHECK_REPORTS(expected);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(client_that_resets_the_connection_is_not_reported, { awl_server *server; awl_stream *s; char *line; })
{
    static const struct linger reset = { 1, 0 };

    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->s, "a\n"), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    setsockopt(awl_stream_fd(self->s), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    awl_stream_close(self->s);
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(served.ended, 1);
    awl_server_close(self->server);
    co_end;
}

/* ---- Closing ----------------------------------------------------------------------------------------------------- */

STREAM_TEST(close_stops_listening_and_lets_clients_be, { awl_server *server; awl_stream *s; char *line; int port, rc; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    self->port = awl_server_port(self->server);
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    CHECK_INT(awl_stream_print(self->s, "a\n"), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    awl_server_close(self->server);
    CHECK_FAILS(ECONNREFUSED, awl_open_connection("127.0.0.1", self->port, NULL));
    CHECK_INT(awl_stream_print(self->s, "b\n"), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "b\n");
    awl_stream_close(self->s);
    co_await(awl_sleep(2 * AWL_MS));
    CHECK_INT(served.ended, 1);
    co_end;
}

STREAM_TEST(wait_closed_waits_for_clients, { awl_server *server; awl_stream *s; int rc; char *line; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->s, "a\nkeep\n"), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_server_wait_closed(self->server), 2 * AWL_MS));
    CHECK_INT(awl_server_clients(self->server), 1);
    awl_server_cancel_clients(self->server);
    co_await(awl_server_wait_closed(self->server));
    CHECK_INT(served.cancelled, 1);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(self->line == NULL);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(servers_take_null, { int rc; })
{
    co_begin;
    awl_server_close(NULL);
    awl_server_cancel_clients(NULL);
    CHECK_INT(awl_server_port(NULL), 0);
    CHECK_INT(awl_server_clients(NULL), 0);
    CHECK_FAILS(EINVAL, awl_server_wait_closed(NULL));
    co_end;
}

co_def(leaves_server, { awl_server *server; awl_stream *s; char *line; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->s, "a\n"), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    co_end;
}

TEST(loop_closes_what_is_left_of_a_server)
{
    run_main(co_call(leaves_server), false);
    CHECK_INT(served.cancelled, 1);
}

/* ---- Failing ----------------------------------------------------------------------------------------------------- */

STREAM_TEST(wrong_arguments_of_start_server, { int rc; })
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_start_server(NULL, NULL, "127.0.0.1", 0, NULL));
    CHECK_FAILS(EINVAL, awl_start_server(serve, NULL, "127.0.0.1", -1, NULL));
    CHECK_FAILS(EINVAL, awl_start_server(serve, NULL, "", 0, NULL));
    CHECK_FAILS(EADDRNOTAVAIL, awl_start_server(serve, NULL, "192.0.2.1", 0, NULL));
    co_end;
}

STREAM_TEST(port_that_is_in_use, { awl_server *server; int rc; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    CHECK_FAILS(EADDRINUSE, awl_start_server(serve, NULL, "127.0.0.1", awl_server_port(self->server), NULL));
    awl_server_close(self->server);
    co_end;
}

static awl_coro serve_nothing(awl_stream *s, void *arg)
{
    (void)s, (void)arg;
    return (awl_coro){ NULL, 0 };
}

VIRTUAL_TEST(handler_without_memory_is_reported_and_tried_again, { awl_server *server; awl_stream *s; int n; char buf[1]; })
{
    char expected[64];

    co_begin;
    co_let(self->server, awl_start_server(serve_nothing, NULL, "127.0.0.1", 0, NULL));
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    co_let(self->n, awl_stream_read(self->s, self->buf, 1));
    CHECK_INT(self->n, 0);
    snprintf(expected, sizeof expected, "awl_start_server:%d", ENOMEM);
    CHECK_REPORTS(expected);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

static struct rlimit limit_before;

/* With descriptors up to `fd` only; 0: as many as before. */
static void allow_descriptors(int fd)
{
    struct rlimit limit = limit_before;

    if (fd)
        limit.rlim_cur = (rlim_t)fd;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int next_descriptor(void)
{
    const int fd = dup(0);

    close(fd);
    return fd;
}

VIRTUAL_TEST(without_descriptors_accepting_pauses_a_second, { awl_server *server; awl_stream *s; char *line; awl_time start; })
{
    char expected[64];

    co_begin;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
    co_let(self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    self->start = awl_loop_time(NULL);
    allow_descriptors(next_descriptor() + 1); /* one for the client, none for the server */
    co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
    CHECK_INT(awl_stream_print(self->s, "late\n"), 0);
    co_await(awl_sleep(1 * AWL_MS));
    snprintf(expected, sizeof expected, "awl_start_server:%d", EMFILE);
    CHECK_REPORTS(expected);
    allow_descriptors(0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "late\n");
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 1000);
    awl_stream_close(self->s);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

/* ---- Functions that close what they are given --------------------------------------------------------------------- */

static awl_server *closing;
static bool closes_server, closes_stream, makes_nothing;

co_def(closed_client, {})
{
    co_begin;
    served.ended++;
    co_end;
}

static awl_coro close_some(awl_stream *s, void *arg)
{
    (void)arg;
    served.started++;
    if (closes_stream)
        awl_stream_close(s);
    if (closes_server) {
        awl_server_close(closing);
        closing = NULL;
    }
    return makes_nothing ? (awl_coro){ NULL, 0 } : co_call(closed_client);
}

STREAM_TEST(the_function_may_close_server_and_stream, { awl_stream *s; char byte; int i, n; })
{
    char expected[128];

    co_begin;
    for (self->i = 0; self->i < 8; self->i++) {
        closes_stream = self->i & 1;
        closes_server = self->i & 2;
        makes_nothing = self->i & 4;
        co_let(closing, awl_start_server(close_some, NULL, "127.0.0.1", 0, NULL));
        co_let(self->s, awl_open_connection("127.0.0.1", awl_server_port(closing), NULL));
        co_let(self->n, awl_stream_read(self->s, &self->byte, 1));
        CHECK_INT(self->n, 0);
        awl_stream_close(self->s);
        awl_server_close(closing);
    }
    CHECK_INT(served.started, 8);
    CHECK_INT(served.ended, 4);
    snprintf(expected, sizeof expected,
             "awl_start_server:%d; awl_start_server:%d; awl_start_server:%d; awl_start_server:%d", ENOMEM, ENOMEM, ENOMEM,
             ENOMEM);
    CHECK_REPORTS(expected);
    co_end;
}
