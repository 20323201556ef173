/*
 * An echo server on libuv: a write is tried at once (uv_try_write), and what the kernel does not take becomes a
 * request, until whose end nothing more is read. All clients read into one buffer.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "peer.h"

typedef struct rest {
    uv_write_t request;
    char data[];
} rest;

static char buf[PEER_BUFFER];

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *at)
{
    (void)handle, (void)size;
    *at = uv_buf_init(buf, sizeof buf);
}

static void on_close(uv_handle_t *handle) { free(handle); }

static void end(uv_stream_t *s)
{
    if (!uv_is_closing((uv_handle_t *)s))
        uv_close((uv_handle_t *)s, on_close);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *at);

static void on_written(uv_write_t *request, int status)
{
    uv_stream_t *s = request->handle;

    free(request->data);
    if (status < 0)
        end(s);
    else
        uv_read_start(s, on_alloc, on_read);
}

/* Sends the rest as there is room. */
static void write_rest(uv_stream_t *s, const char *data, size_t len)
{
    rest *r = malloc(sizeof *r + len);
    uv_buf_t at;

    if (!r)
        peer_fail("malloc");
    memcpy(r->data, data, len);
    at = uv_buf_init(r->data, (unsigned)len);
    r->request.data = r;
    uv_read_stop(s);
    if (uv_write(&r->request, s, &at, 1, on_written) < 0) {
        free(r);
        end(s);
    }
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *at)
{
    uv_buf_t out = uv_buf_init(at->base, n > 0 ? (unsigned)n : 0);
    int sent;

    if (n < 0) {
        end(s);
        return;
    }
    if (n == 0) /* nothing was there after all */
        return;
    sent = uv_try_write(s, &out, 1);
    if (sent < 0 && sent != UV_EAGAIN)
        end(s);
    else if (sent < n)
        write_rest(s, at->base + (sent > 0 ? sent : 0), (size_t)(n - (sent > 0 ? sent : 0)));
}

static void on_connection(uv_stream_t *server, int status)
{
    uv_tcp_t *client = status == 0 ? malloc(sizeof *client) : NULL;

    if (!client)
        return;
    uv_tcp_init(server->loop, client);
    if (uv_accept(server, (uv_stream_t *)client) < 0) {
        end((uv_stream_t *)client);
        return;
    }
    uv_tcp_nodelay(client, 1);
    uv_read_start((uv_stream_t *)client, on_alloc, on_read);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;

    uv_tcp_init(loop, &server);
    if (uv_tcp_open(&server, peer_listen()) < 0 || uv_listen((uv_stream_t *)&server, PEER_BACKLOG, on_connection) < 0)
        peer_fail("uv_listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}
