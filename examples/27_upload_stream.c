/*
 * An upload that is made while it goes out, and never lies in memory as a whole.
 *
 * Shows    awl_http_request_options.upload: a coroutine that writes a body; awl_upload_write waits when the server is
 *          slow.
 * Build    cc 27_upload_stream.c $(pkg-config --cflags --libs awl), or: ninja examples/27_upload_stream
 * Prints   the server has read 1000000 lines, 6888890 bytes
 *          the client had 64 kB of them at most
 *
 *     async def lines():
 *         for i in range(1_000_000):
 *             yield b"%d\n" % i
 *
 *     async with session.post(url, data=lines()) as response:
 *         print(await response.text())
 */
#include <awl.h>
#include <stdio.h>

enum { LINES = 1000000 };

/* ---- The server: counts ----------------------------------------------------------------------------------------- */

co_def(count, { awl_request *request; long lines, bytes; int n; char buf[16384]; })
{
    co_begin;
    for (;;) {
        co_let(self->n, awl_request_read(self->request, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        self->bytes += self->n;
        for (int i = 0; i < self->n; i++)
            self->lines += self->buf[i] == '\n';
    }
    awl_respond_print(self->request, 200, "text/plain", "the server has read %ld lines, %ld bytes", self->lines,
                      self->bytes);
    co_end;
}

static awl_coro on_count(awl_request *request, void *arg) { return (void)arg, co_call(count, .request = request); }

/* ---- The client ------------------------------------------------------------------------------------------------- */

static size_t most; /* bytes of the body that the client has had at once */

/* Makes lines until there are 64 kB of them, and waits until they are on their way. */
co_def(lines, { awl_http_upload *upload; int i; size_t len; char buf[65536]; })
{
    co_begin;
    while (self->i < LINES) {
        for (self->len = 0; self->i < LINES && sizeof self->buf - self->len > 10; self->i++)
            self->len += (size_t)sprintf(self->buf + self->len, "%d\n", self->i);
        most = self->len > most ? self->len : most;
        co_await(awl_upload_write(self->upload, self->buf, self->len));
    }
    co_end;
}

static awl_coro upload(awl_http_upload *u, void *arg) { return (void)arg, co_call(lines, .upload = u); }

co_def(run, { awl_http_app *app; awl_server *server; awl_http_session *session; awl_response *r; char *text, url[64]; })
{
    co_begin;
    self->app = awl_http_app_new(&(awl_http_app_options){ .body_limit = 100000000 });
    awl_http_route(self->app, "POST", "/count", on_count, NULL);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    snprintf(self->url, sizeof self->url, "http://127.0.0.1:%d/count", awl_server_port(self->server));

    self->session = awl_http_session_new(&(awl_http_session_options){ .raise_for_status = true, .proxy = "" });
    co_let(self->r, awl_http_post(self->session, self->url, &(awl_http_request_options){ .upload = upload }));
    co_let(self->text, awl_response_read_all(self->r, NULL));
    printf("%s\nthe client had %zu kB of them at most\n", self->text, (most + 512) / 1024);
    co_finally;
    awl_response_close(self->r);
    awl_http_session_close(self->session);
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    co_end;
}

int main(void) { return awl_run(co_call(run)); }
