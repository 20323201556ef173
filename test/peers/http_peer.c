/*
 * http_peer: a server for the clients of others. Prints its port and serves until it is killed:
 *
 *   /hello/NAME    a greeting
 *   /echo          the body of the request, piece by piece as it comes
 *   /bytes/N       N bytes of a pattern, in chunks; /length/N: the same, of an announced length
 *   /moved         a redirect to /hello/moved
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <awl.h>

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

co_def(echo, { awl_request *request; char block[16384]; int64_t n; })
{
    co_begin;
    awl_respond_begin(self->request, 200, "application/octet-stream", awl_request_length(self->request));
    do {
        co_let(self->n, awl_request_read(self->request, self->block, sizeof self->block));
        co_await(awl_respond_write(self->request, self->block, (size_t)self->n));
    } while (self->n);
    co_end;
}

static awl_coro on_echo(awl_request *request, void *arg)
{
    (void)arg;
    return co_call(echo, .request = request);
}

co_def(bytes, { awl_request *request; bool announced; int64_t left; size_t n; char block[10000]; })
{
    co_begin;
    self->left = atoll(awl_request_param(self->request, "n"));
    for (size_t i = 0; i < sizeof self->block; i++)
        self->block[i] = (char)('0' + i % 10);
    awl_respond_begin(self->request, 200, "text/plain", self->announced ? self->left : -1);
    for (; self->left; self->left -= (int64_t)self->n) {
        self->n = self->left < (int64_t)sizeof self->block ? (size_t)self->left : sizeof self->block;
        co_await(awl_respond_write(self->request, self->block, self->n));
    }
    co_end;
}

static awl_coro on_bytes(awl_request *request, void *arg)
{
    return co_call(bytes, .request = request, .announced = arg != NULL);
}

co_def(moved, { awl_request *request; })
{
    co_begin;
    awl_respond_redirect(self->request, 302, "/hello/moved");
    co_end;
}

static awl_coro on_moved(awl_request *request, void *arg)
{
    (void)arg;
    return co_call(moved, .request = request);
}

co_def(serve, { awl_http_app *app; awl_server *server; awl_http_app_options options; })
{
    int error = 0;

    co_begin;
    self->options.body_limit = (size_t)64 << 20;
    self->app = awl_http_app_new(&self->options);
    if (!self->app)
        co_raise(ENOMEM);
    error |= awl_http_route(self->app, "GET", "/hello/{name}", on_hello, NULL);
    error |= awl_http_route(self->app, "*", "/echo", on_echo, NULL);
    error |= awl_http_route(self->app, "GET", "/bytes/{n}", on_bytes, NULL);
    error |= awl_http_route(self->app, "GET", "/length/{n}", on_bytes, self->app);
    error |= awl_http_route(self->app, "GET", "/moved", on_moved, NULL);
    if (error)
        co_raise(error);
    co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 0, NULL));
    printf("%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await(awl_sleep(AWL_FOREVER));
    co_finally;
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    co_end;
}

int main(void) { return awl_run(co_call(serve)); }
