/*
 * http_site FOLDER [--workers N]: a server with what browsers use: files, events, WebSockets, uploads, cookies. Prints
 * its port.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "awl.h"

static const char *folder;

#define HANDLER(name, ...)                                                                                             \
    co_declare(name, { awl_request *request; __extension__ struct __VA_ARGS__; });                                     \
    static awl_coro on_##name(awl_request *request, void *arg)                                                         \
    {                                                                                                                  \
        (void)arg;                                                                                                     \
        return co_call(name, .request = request);                                                                      \
    }                                                                                                                  \
    co_define(name)

HANDLER(events, { int i; char id[12]; })
{
    const char *last = awl_request_last_event_id(self->request);

    co_begin;
    self->i = last ? atoi(last) : 0;
    if (awl_respond_events(self->request, 0))
        co_return(0);
    while (self->i++ < 5) {
        snprintf(self->id, sizeof self->id, "%d", self->i);
        co_await(awl_respond_event(self->request, &(awl_http_event){ .id = self->id, .data = "line 1\nline 2" }));
        co_await(awl_sleep(10 * AWL_MS));
    }
    co_end;
}

HANDLER(repeat, { awl_websocket *ws; awl_websocket_message m; int kind; })
{
    static const awl_websocket_options options = { .protocols = "repeat", .limit = 4 << 20 };

    co_begin;
    co_let(self->ws, awl_websocket_accept(self->request, &options));
    for (;;) {
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        if (self->kind == AWL_WEBSOCKET_CLOSED)
            break;
        co_await(awl_websocket_send(self->ws, (enum awl_websocket_kind)self->kind, self->m.data, self->m.len));
    }
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* Says the parts of an upload, and how long each is. */
HANDLER(upload, { awl_multipart *m; bool more; int64_t n, all; char buf[16384], text[1000]; })
{
    co_begin;
    self->m = awl_request_multipart(self->request);
    if (!self->m)
        co_raise(errno);
    for (;;) {
        co_let(self->more, awl_multipart_next(self->m));
        if (!self->more)
            break;
        for (self->all = 0;; self->all += self->n) {
            co_let(self->n, awl_multipart_read(self->m, self->buf, sizeof self->buf));
            if (!self->n)
                break;
        }
        snprintf(self->text + strlen(self->text), sizeof self->text - strlen(self->text), "%s %s %d;",
                 awl_multipart_name(self->m), awl_multipart_filename(self->m) ? awl_multipart_filename(self->m) : "-",
                 (int)self->all);
    }
    awl_respond_text(self->request, 200, "text/plain", self->text);
    co_end;
}

HANDLER(cookie, {})
{
    const char *visits = awl_request_cookie(self->request, "visits");
    char text[12];

    co_begin;
    snprintf(text, sizeof text, "%d", (visits ? atoi(visits) : 0) + 1);
    awl_respond_cookie(self->request, "visits", text, NULL);
    awl_respond_text(self->request, 200, "text/plain", text);
    co_end;
}

HANDLER(secret, {})
{
    co_begin;
    if (awl_request_is_user(self->request, "me", "pass:word"))
        awl_respond_text(self->request, 200, "text/plain", "come in");
    else
        awl_respond_unauthorized(self->request, "here");
    co_end;
}

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    int error = awl_http_static(app, "/files", folder, &(awl_http_static_options){ .listing = true });

    (void)options, (void)arg;
    error = error ? error : awl_http_route(app, "GET", "/events", on_events, NULL);
    error = error ? error : awl_http_route(app, "GET", "/ws", on_repeat, NULL);
    error = error ? error : awl_http_route(app, "POST", "/upload", on_upload, NULL);
    error = error ? error : awl_http_route(app, "GET", "/cookie", on_cookie, NULL);
    return error ? error : awl_http_route(app, "GET", "/secret", on_secret, NULL);
}

static void listening(int port, void *arg)
{
    (void)arg;
    printf("%d\n", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    awl_http_run_options options = { .app.upload_limit = 100 << 20, .listening = listening };

    folder = argc > 1 ? argv[1] : ".";
    if (argc == 4 && !strcmp(argv[2], "--workers"))
        options.workers = atoi(argv[3]);
    return awl_http_run("127.0.0.1", 0, setup, NULL, &options) != 0;
}
