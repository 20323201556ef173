/*
 * The heads of three pages, fetched at the same time over bare connections: wget by hand.
 *
 * Shows    awl_open_connection, awl_stream_print, awl_stream_drain, awl_stream_readline.
 * Build    cc 12_raw_get.c $(pkg-config --cflags --libs awl)
 * Run      ./12_raw_get [HOST:PORT…]     without any it asks a server of its own, which keeps them waiting
 * Prints   wget a.example…               for each host, then the lines of their heads as they come:
 *          a.example header > HTTP/1.0 200 OK
 *
 *     async def wget(host):
 *         print(f"wget {host}...")
 *         reader, writer = await asyncio.open_connection(host, 80)
 *         writer.write(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
 *         await writer.drain()
 *         while (line := await reader.readline()) not in (b"\r\n", b""):
 *             print(f"{host} header > {line.decode().rstrip()}")
 *         writer.close()
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

co_def(wget, { const char *name, *host; int port; awl_stream *s; char *line; })
{
    co_begin;
    printf("wget %s...\n", self->name);
    co_let(self->s, awl_open_connection(self->host, self->port, NULL));
    awl_stream_print(self->s, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", self->name);
    co_await(awl_stream_drain(self->s));
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line || !strcmp(self->line, "\r\n"))
            break; /* the rest, the body, is not read */
        printf("%s header > %.*s\n", self->name, (int)strcspn(self->line, "\r\n"), self->line);
    }
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

/* A page of our own server: the lines of its head are `pause` apart. */
co_def(page, { awl_stream *s; awl_time pause; })
{
    co_begin;
    co_await(awl_stream_read_until(self->s, "\r\n\r\n", 4, NULL));
    co_await(awl_sleep(self->pause));
    awl_stream_print(self->s, "HTTP/1.0 200 OK\r\n");
    co_await(awl_sleep(self->pause));
    awl_stream_print(self->s, "Content-Type: text/html\r\n\r\n<html></html>\n");
    co_end;
}

static awl_coro serve(awl_stream *s, void *served)
{
    return co_call(page, .s = s, .pause = (30 * ++*(int *)served - 10) * AWL_MS);
}

co_def(wget_all, { char **hosts; bool given; int n, served; awl_server *own; awl_task *tasks[16]; })
{
    co_begin;
    if (!self->given)
        co_let(self->own, awl_start_server(serve, &self->served, "127.0.0.1", 0, NULL));
    for (; self->n < 16 && self->hosts[self->n]; self->n++) {
        char *host = self->hosts[self->n], *port = strchr(host, ':');

        if (port)
            *port++ = '\0';
        self->tasks[self->n] = awl_create_task(
            co_call(wget, .name = host, .host = self->own ? "127.0.0.1" : host,
                    .port = self->own ? awl_server_port(self->own) : port ? atoi(port) : 80));
    }
    co_await(awl_gather_n(self->tasks, (size_t)self->n, NULL, 0));
    co_finally;
    while (self->n-- > 0)
        awl_task_release(self->tasks[self->n]);
    awl_server_close(self->own);
    co_end;
}

int main(int argc, char **argv)
{
    static char *examples[] = { "a.example", "b.example", "c.example", NULL };

    return awl_run(co_call(wget_all, .hosts = argc > 1 ? argv + 1 : examples, .given = argc > 1));
}
