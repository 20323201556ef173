/*
 * peer: awl's side of what is said to the programs of others, in the scripts of this folder.
 *
 *     peer answer N      listens on 127.0.0.1, prints the port, and plays the answering party of N dialogues (see
 *                        test/faults/dialogue.h), one after the other
 *     peer ask PORT      plays the asking party
 *     peer echo [PATH]   listens, prints the port, or on a Unix socket, and echoes until it is killed; ends a connection
 *                        when it is ended
 *     peer send PORT     sends standard input, says that this was all, and writes what comes back to standard output;
 *                        instead of the port, the path of a Unix socket will do
 *     peer get URL       writes the body of a page to standard output, its status to standard error
 *
 * Exit status 0 if all went well; else it says on standard error what did not.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "awl.h"
#include "dialogue.h"

enum { PATIENCE = 20 };

/* ---- Dialogues --------------------------------------------------------------------------------------------------- */

static party parties[2];
static int dialogues, bad;

co_def(serve_one, { awl_stream *s; })
{
    co_begin;
    parties[1] = (party){ .s = self->s, .answers = true, .limit = PATIENCE * AWL_SECOND };
    co_await(dialogue_play(&parties[1]));
    if (parties[1].error)
        fprintf(stderr, "peer answer: %s\n", awl_strerror(parties[1].error));
    bad += parties[1].error != 0;
    dialogues--;
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg) { return (void)arg, co_call(serve_one, .s = s); }

static void print_port(const awl_server *server)
{
    printf("%d\n", awl_server_port(server));
    fflush(stdout);
}

co_def(answer, { awl_server *server; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, &dialogue_options));
    print_port(self->server);
    while (dialogues > 0)
        co_await(awl_sleep(AWL_MS));
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}

co_def(ask, { int port; })
{
    co_begin;
    parties[0] = (party){ .limit = PATIENCE * AWL_SECOND };
    co_let(parties[0].s, awl_open_connection("127.0.0.1", self->port, &dialogue_options));
    co_await(dialogue_play(&parties[0]));
    if (parties[0].error)
        co_raise(parties[0].error);
    co_end;
}

/* ---- Echoes ------------------------------------------------------------------------------------------------------ */

/* Copies from one stream to another, up to the end. */
co_def(copies, { awl_stream *from, *to; int n, rc; char buf[8192]; })
{
    co_begin;
    for (;;) {
        co_let(self->n, awl_stream_read(self->from, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        self->rc = awl_stream_write(self->to, self->buf, (size_t)self->n);
        if (self->rc)
            co_raise(self->rc);
        co_await(awl_stream_drain(self->to));
    }
    co_end;
}

static awl_coro echo_one(awl_stream *s, void *arg) { return (void)arg, co_call(copies, .from = s, .to = s); }

co_def(echo, { const char *path; awl_server *server; })
{
    co_begin;
    if (self->path)
        co_let(self->server, awl_start_unix_server(echo_one, NULL, self->path, NULL));
    else
        co_let(self->server, awl_start_server(echo_one, NULL, "127.0.0.1", 0, NULL));
    print_port(self->server);
    co_await(awl_sleep(AWL_FOREVER));
    co_end;
}

/* Copies, and says then that this was all. */
co_def(sends, { awl_stream *from, *to; })
{
    co_begin;
    co_await(co_call(copies, .from = self->from, .to = self->to));
    awl_stream_write_eof(self->to);
    co_end;
}

co_def(send_all, { const char *to; awl_stream *s, *in, *out; })
{
    co_begin;
    self->in = awl_stream_open(0, NULL);
    self->out = awl_stream_open(1, NULL);
    if (!self->in || !self->out)
        co_raise(errno);
    if (strchr("/@", *self->to))
        co_let(self->s, awl_open_unix_connection(self->to, NULL));
    else
        co_let(self->s, awl_open_connection("127.0.0.1", atoi(self->to), NULL));
    co_await(awl_wait_for(awl_gather(co_call(sends, .from = self->in, .to = self->s),
                                     co_call(copies, .from = self->s, .to = self->out)),
                          PATIENCE * AWL_SECOND));
    co_await(awl_stream_wait_closed(self->out));
    co_finally;
    awl_stream_close(self->s);
    awl_stream_close(self->in);
    awl_stream_close(self->out);
    co_end;
}

/* ---- Pages ------------------------------------------------------------------------------------------------------- */

co_def(get, { const char *url; awl_http_session *session; awl_response *r; char *body; size_t len; })
{
    co_begin;
    self->session = awl_http_session_new(NULL);
    co_let(self->r, awl_wait_for(awl_http_get(self->session, self->url, NULL), PATIENCE * AWL_SECOND));
    co_let(self->body, awl_response_read_all(self->r, &self->len));
    fwrite(self->body, 1, self->len, stdout);
    fprintf(stderr, "%d\n", awl_response_status(self->r));
    co_finally;
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    co_end;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "1";

    signal(SIGPIPE, SIG_DFL);
    if (!strcmp(what, "answer")) {
        dialogues = atoi(arg);
        return awl_run(co_call(answer)) || bad;
    }
    if (!strcmp(what, "ask"))
        return awl_run(co_call(ask, .port = atoi(arg)));
    if (!strcmp(what, "echo"))
        return awl_run(co_call(echo, .path = argc > 2 ? arg : NULL));
    if (!strcmp(what, "send"))
        return awl_run(co_call(send_all, .to = arg));
    if (!strcmp(what, "get"))
        return awl_run(co_call(get, .url = arg));
    fprintf(stderr, "usage: peer answer N | ask PORT | echo [PATH] | send PORT-OR-PATH | get URL\n");
    return 2;
}
