/* test_server_signal.c: servers that end when a signal comes: awl_server_serve_until_signal. */
#define _GNU_SOURCE
#include <signal.h>

#include "server_rig.h"

static bool has_default(int number)
{
    struct sigaction now;

    CHECK_INT(sigaction(number, NULL, &now), 0);
    return !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL;
}

/* Without memory nobody may be waiting for it. */
static void send_it(void *number)
{
    if (!has_default((int)(intptr_t)number))
        raise((int)(intptr_t)number);
}
#define SEND_LATER(t, number) CHECK_INT(awl_call_later(NULL, NULL, (t), send_it, (void *)(intptr_t)(number)), 0)

VIRTUAL_TEST(a_signal_lets_clients_finish, {
    awl_server *server;
    awl_stream *s;
    char *line;
    int number;
    awl_time start;
})
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "second\n"));
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    self->start = awl_loop_time(NULL);
    SEND_LATER(AWL_SECOND / 2, SIGTERM);
    co_let(self->number, awl_server_serve_until_signal(self->server, 10 * AWL_SECOND));
    CHECK_INT(self->number, SIGTERM);
    CHECK(awl_loop_time(NULL) - self->start <= AWL_SECOND);
    CHECK_INT(served.cancelled, 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "second\n");
    CHECK(has_default(SIGTERM));
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(those_that_stay_are_cancelled, { awl_server *server; awl_stream *s; int number; awl_time start; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "keep\n"));
    self->start = awl_loop_time(NULL);
    SEND_LATER(AWL_SECOND, SIGINT);
    co_let(self->number, awl_server_serve_until_signal(self->server, 10 * AWL_SECOND));
    CHECK_INT(self->number, SIGINT); /* which did not cancel this task */
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 11000);
    CHECK_INT(served.cancelled, 1);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_second_signal_cuts_them, { awl_server *server; awl_stream *s; char *line; int number; awl_time start; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = ""));
    self->start = awl_loop_time(NULL);
    SEND_LATER(0, SIGTERM);
    SEND_LATER(AWL_SECOND, SIGINT);
    co_let(self->number, awl_server_serve_until_signal(self->server, AWL_FOREVER));
    CHECK_INT(self->number, SIGTERM);
    CHECK_INT((awl_loop_time(NULL) - self->start) / AWL_MS, 1000);
    CHECK_INT(served.error, ECONNABORTED);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(self->line == NULL);
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

static void stop_it(void *server)
{
    if (awl_spawn(awl_server_shutdown(server, -1)))
        send_it((void *)(intptr_t)SIGTERM);
}

VIRTUAL_TEST(a_server_that_others_stop_needs_no_signal, { awl_server *server; awl_stream *s; int number; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "keep\n"));
    CHECK_INT(awl_call_later(NULL, NULL, AWL_SECOND, stop_it, self->server), 0);
    co_let(self->number, awl_server_serve_until_signal(self->server, AWL_SECOND));
    CHECK_INT(self->number, 0);
    CHECK_INT(served.ended, 1);
    CHECK(has_default(SIGTERM));
    awl_stream_close(self->s);
    awl_server_close(self->server);
    co_end;
}

VIRTUAL_TEST(a_cancelled_wait_leaves_the_server, { awl_server *server; awl_stream *s; int rc; })
{
    co_begin;
    co_await(co_call(begin, .server = &self->server, .s = &self->s, .text = "x\n"));
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_server_serve_until_signal(self->server, AWL_SECOND), AWL_MINUTE));
    CHECK_INT(awl_server_clients(self->server), 1);
    CHECK(has_default(SIGTERM));
    awl_stream_close(self->s);
    co_await(awl_server_wait_closed(self->server));
    CHECK_FAILS(EINVAL, awl_server_serve_until_signal(self->server, 0)); /* it has stopped */
    CHECK_FAILS(EINVAL, awl_server_serve_until_signal(NULL, 0));
    awl_server_close(self->server);
    co_end;
}
