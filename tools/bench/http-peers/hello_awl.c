/*
 * hello_awl [--cert FILE] [--files DIR]: an HTTP server on awl as a user writes it, which prints its port.
 *
 *   /hello/{name}   says hello
 *   /files/…        what is in the folder
 *   /memory         the bytes that the loop has in use now
 */
#include <awl.h>
#include <awl/http_files.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

static const char *cert, *files;

co_def(hello, { awl_request *request; })
{
    co_begin;
    awl_respond_print(self->request, 200, "text/plain", "Hello %s\n", awl_request_param(self->request, "name"));
    co_end;
}

static awl_coro on_hello(awl_request *request, void *arg)
{
    (void)arg;
    return co_call(hello, .request = request);
}

co_def(memory, { awl_request *request; })
{
    awl_loop_stats stats;

    co_begin;
    awl_loop_get_stats(NULL, &stats);
    awl_respond_print(self->request, 200, "text/plain", "%zu\n", stats.memory_used);
    co_end;
}

static awl_coro on_memory(awl_request *request, void *arg)
{
    (void)arg;
    return co_call(memory, .request = request);
}

co_def(run, {
    awl_http_app *app;
    awl_server *server;
    awl_stream_options options;
})
{
    co_begin;
    self->options.backlog = PEER_BACKLOG;
    if (cert)
        self->options.tls = awl_tls_server(&(awl_tls_options){ .cert_file = cert });
    self->app = awl_http_app_new(&(awl_http_app_options){ .max_connections = 1000000 });
    awl_http_route(self->app, "GET", "/hello/{name}", on_hello, NULL);
    awl_http_route(self->app, "GET", "/memory", on_memory, NULL);
    if (files && awl_http_static(self->app, "/files", files, NULL))
        peer_fail(files);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, &self->options));
    printf("%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await (awl_sleep(AWL_FOREVER));
    co_end;
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--cert") == 0)
            cert = argv[i + 1];
        else if (strcmp(argv[i], "--files") == 0)
            files = argv[i + 1];
    }
    return awl_run(co_call(run));
}
