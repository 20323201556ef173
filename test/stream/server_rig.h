/* What the tests of servers share: a server that echoes lines, and clients of it. */
#ifndef SERVER_RIG_H
#define SERVER_RIG_H

#include "rig.h"

/* ---- The server's side ------------------------------------------------------------------------------------------- */

static struct {
    int started, ended, cancelled, error; /* the error of the last that ended */
} served;

enum { MUCH = 4 << 20 };
static char much[MUCH];

/* Echoes lines. The line "fail" makes it fail, "close" close its stream itself, "keep" wait for ever, "second" wait for
 * a second before the echo, "much" send 4 MiB and end, "last" send 4 MiB when it is cancelled. */
co_def(echo, { awl_stream *s; char *line; bool last; })
{
    co_begin;
    served.started++;
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        if (!strcmp(self->line, "fail\n"))
            co_raise(EIO);
        self->last = !strcmp(self->line, "last\n");
        if (self->last || !strcmp(self->line, "keep\n"))
            co_await(awl_sleep(AWL_FOREVER));
        if (!strcmp(self->line, "much\n")) {
            CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
            break;
        }
        if (!strcmp(self->line, "second\n")) {
            co_await(awl_sleep(1 * AWL_SECOND));
            CHECK_INT(awl_stream_print(self->s, "second\n"), 0);
            continue;
        }
        CHECK_INT(awl_stream_print(self->s, "%s", self->line), 0);
        if (!strcmp(self->line, "close\n")) {
            awl_stream_close(self->s);
            break;
        }
    }
    co_finally;
    if (self->last)
        CHECK_INT(awl_stream_write(self->s, much, MUCH), 0);
    served.ended++;
    served.error = self->co_.error_;
    served.cancelled += self->co_.error_ == ECANCELED;
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg)
{
    CHECK_PTR(arg, &served);
    return co_call(echo, .s = s);
}

/* ---- The clients' side ------------------------------------------------------------------------------------------- */

/* Sends a line over a stream, which must come back. */
co_def(told, { awl_stream *s; const char *text; char *line; })
{
    co_begin;
    CHECK_INT(awl_stream_print(self->s, "%s", self->text), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, self->text);
    co_end;
}

/* Sends a line, and reads what comes back until the end. */
co_def(asks, { int port; const char *text, *expected; awl_stream *s; char *line; })
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    CHECK_INT(awl_stream_print(self->s, "%s", self->text), 0);
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, self->expected);
    if (self->line)
        co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(self->line == NULL);
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

/* A server and a client of it, which has sent a line; "a\n" before that has come back. */
co_def(begin, { awl_server **server; awl_stream **s; const char *text; })
{
    co_begin;
    co_let(*self->server, awl_start_server(serve, &served, "127.0.0.1", 0, NULL));
    co_let(*self->s, awl_open_connection("127.0.0.1", awl_server_port(*self->server), NULL));
    co_await(co_call(told, .s = *self->s, .text = "a\n"));
    CHECK_INT(awl_stream_print(*self->s, "%s", self->text), 0);
    co_await(awl_sleep(1 * AWL_MS));
    co_end;
}

static inline __attribute__((unused)) void server_rig_may_be_unused_(void)
{
    (void)serve;
    awl_coro_close(co_call(asks));
    awl_coro_close(co_call(told));
    awl_coro_close(co_call(begin));
}

#endif
