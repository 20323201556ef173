/*
 * An HTTP server: routes, a part of the path as an argument, and handlers that take their time.
 *
 * Shows    awl_http_run, awl_http_route, awl_request_param, awl_request_read_all, awl_respond_print.
 * Build    cc 28_http_server.c $(pkg-config --cflags --libs awl), or: ninja examples/28_http_server
 * Prints   listening on http://127.0.0.1:PORT       and serves until it is interrupted:
 *          curl http://127.0.0.1:PORT/hello/world   says "Hello, world" half a second later, to any number at once
 *          curl -d text http://127.0.0.1:PORT/echo  says the text. With --cert and --key it speaks https.
 *
 *     async def hello(request):
 *         await asyncio.sleep(0.5)
 *         return web.Response(text=f"Hello, {request.match_info['name']}\n")
 *
 *     app = web.Application()
 *     app.router.add_get("/hello/{name}", hello)
 *     web.run_app(app, host="127.0.0.1", port=8080)
 */
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the command line says. */
typedef struct settings {
    awl_time delay;
    awl_tls_options tls;
} settings;

co_def(index_page, { awl_request *request; })
{
    const settings *s = awl_request_state(self->request);

    co_begin;
    co_await(awl_sleep(s->delay));
    awl_respond_text(self->request, 200, "text/html; charset=utf-8", "<h1>Index</h1>\n");
    co_end;
}

co_def(hello, { awl_request *request; })
{
    const settings *s = awl_request_state(self->request);

    co_begin;
    co_await(awl_sleep(s->delay));
    awl_respond_print(self->request, 200, "text/plain; charset=utf-8", "Hello, %s\n",
                      awl_request_param(self->request, "name"));
    co_end;
}

co_def(echo, { awl_request *request; char *body; size_t len; })
{
    co_begin;
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    awl_respond(self->request, 200, awl_request_field(self->request, "content-type"), self->body, self->len);
    co_end;
}

static awl_coro on_index(awl_request *request, void *arg) { return (void)arg, co_call(index_page, .request = request); }
static awl_coro on_hello(awl_request *request, void *arg) { return (void)arg, co_call(hello, .request = request); }
static awl_coro on_echo(awl_request *request, void *arg) { return (void)arg, co_call(echo, .request = request); }

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    const settings *s = arg;
    int error = awl_http_route(app, "GET", "/", on_index, NULL);

    error = error ? error : awl_http_route(app, "GET", "/hello/{name}", on_hello, NULL);
    error = error ? error : awl_http_route(app, "POST", "/", on_echo, NULL);
    error = error ? error : awl_http_route(app, "POST", "/echo", on_echo, NULL);
    if (!error && s->tls.cert_file) {
        options->tls = awl_tls_server(&s->tls);
        error = awl_tls_error(options->tls);
    }
    return error;
}

static void listening(int port, void *arg)
{
    const settings *s = arg;

    printf("listening on %s://127.0.0.1:%d\n", s->tls.cert_file ? "https" : "http", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    settings s = { .delay = 500 * AWL_MS };
    const awl_http_run_options options = { .app.state = &s, .listening = listening };
    int port = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port"))
            port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--delay"))
            s.delay = atoi(argv[i + 1]) * AWL_MS;
        else if (!strcmp(argv[i], "--cert"))
            s.tls.cert_file = argv[i + 1];
        else if (!strcmp(argv[i], "--key"))
            s.tls.key_file = argv[i + 1];
    }
    return awl_http_run("127.0.0.1", port, setup, &s, &options) != 0;
}
