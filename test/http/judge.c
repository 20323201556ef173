/*
 * judge: what the server makes of requests, for the comparison with another one (differ.py). Each line of the input is what a
 * client sends, in hexadecimal; each line of the output what it gets: STATUS, of 200 METHOD and the body in hexadecimal; ";"
 * between them, and "." at the end if the connection ends. Behind a tab, what was wrong with the last request.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "http_server/http_server_priv.h"
#include "wire.h"

enum { MOST = 20000 };

co_def(says, { awl_request *request; unsigned char *body; size_t len; char text[2 * 1000 + 50]; int n; })
{
    co_begin;
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    self->n = snprintf(self->text, 50, "%.40s:", awl_request_method(self->request));
    for (size_t i = 0; i < self->len; i++)
        self->n += sprintf(self->text + self->n, "%02x", self->body[i]);
    awl_respond(self->request, 200, NULL, self->text, (size_t)self->n);
    co_end;
}

static awl_coro on_says(awl_request *request, void *arg)
{
    (void)arg;
    return co_call(says, .request = request);
}

/* What was wrong: the parser's words, or where it was found else. */
static const char *wrong;

static void note_wrong(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took)
{
    (void)arg, (void)bytes, (void)took;
    wrong = status < 400         ? ""
            : request->head.what ? request->head.what
            : !request->path     ? "the path"
            : status == 501      ? "CONNECT"
                                 : "the body";
}

/* Serves one connection, with one piece of bytes on it. */
co_def(judges, { awl_http_app *app; const char *bytes; size_t len; awl_stream *s; awl_task *task; int rc; })
{
    co_begin;
    wrong = "";
    self->s = wire_open(&the_wire, NULL);
    self->task = awl_create_task(awl_http_serve_stream(self->app, self->s));
    must(self->task != NULL);
    client_sends_n(self->bytes, self->len);
    co_await(awl_sleep(1 * AWL_US));
    printf("%s\t%s\n", answers_to(&the_wire, false), wrong);
    awl_task_cancel(self->task);
    co_try_cancel(self->rc, self->task);
    awl_task_release(self->task);
    awl_stream_close(self->s);
    co_end;
}

/* A line of hexadecimal. Result: how many bytes it has. */
static size_t unhex(const char *line, char *bytes)
{
    size_t n = 0;
    unsigned c;

    while (sscanf(line + 2 * n, "%2x", &c) == 1)
        bytes[n++] = (char)c;
    return n;
}

co_def(judges_all, { awl_http_app *app; awl_http_app_options options; size_t len; })
{
    static char line[2 * MOST + 2], bytes[MOST];

    co_begin;
    self->options.body_limit = 1000;
    self->app = awl_http_app_new(&self->options);
    must(self->app && awl_http_middleware(self->app, on_says, NULL) == 0);
    awl_http_on_access(self->app, note_wrong, NULL);
    while (fgets(line, sizeof line, stdin)) {
        self->len = unhex(line, bytes);
        co_await(co_call(judges, .app = self->app, .bytes = bytes, .len = self->len));
    }
    awl_http_app_release(self->app);
    co_end;
}

static void be_quiet(void *arg, const awl_report *report) { (void)arg, (void)report; }

int main(void)
{
    const awl_loop_options options = { .virtual_time = true, .report = be_quiet };

    return awl_run_with(co_call(judges_all), &options, NULL);
}
