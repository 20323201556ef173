/*
 * A server on a Unix socket that ends gracefully: it takes no new clients, and gives those it has half a second.
 *
 * Shows    awl_start_unix_server, awl_open_unix_connection, awl_server_shutdown.
 * Build    cc 25_unix_server.c $(pkg-config --cflags --libs awl), or: ninja examples/25_unix_server
 * Prints   what its two clients hear. The first leaves in time, the second has to be told.
 *
 *     server = await asyncio.start_unix_server(echo, path)
 *     clients = asyncio.gather(client(path, "first", stay=0.2), client(path, "second", stay=2))
 *     await asyncio.sleep(0.1)
 *     server.close()
 *     await asyncio.sleep(0.5)
 *     server.close_clients()
 *     await server.wait_closed()
 */
#include <awl.h>
#include <stdio.h>
#include <unistd.h>

co_def(echo, { awl_stream *s; char *line; })
{
    co_begin;
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        awl_stream_print(self->s, "%s", self->line);
        co_await(awl_stream_drain(self->s));
    }
    co_finally;
    if (co_failing)
        awl_stream_print(self->s, "the server is going\n");
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(echo, .s = s);
}

/* Says hello, stays for a while, says goodbye, and prints what it has heard. */
co_def(client, { const char *path, *name; awl_time stay; awl_stream *s; char *line; })
{
    co_begin;
    co_let(self->s, awl_open_unix_connection(self->path, NULL));
    awl_stream_print(self->s, "hello\n");
    co_await(awl_sleep(self->stay));
    awl_stream_write_eof(self->s);
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        printf("%s: %s", self->name, self->line);
    }
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

co_def(run, { char path[64]; awl_server *server; awl_task *first, *second; })
{
    static const awl_stream_options ours = { .mode = 0600 }; /* for programs of the same user */

    co_begin;
    snprintf(self->path, sizeof self->path, "25-%d.socket", (int)getpid());
    co_let(self->server, awl_start_unix_server(serve, NULL, self->path, &ours));
    self->first = awl_create_task(co_call(client, .path = self->path, .name = "first", .stay = 200 * AWL_MS));
    self->second = awl_create_task(co_call(client, .path = self->path, .name = "second", .stay = 2 * AWL_SECOND));
    co_await(awl_sleep(100 * AWL_MS));
    co_await(awl_server_shutdown(self->server, 500 * AWL_MS));
    co_await(awl_gather(self->first, self->second));
    co_finally;
    awl_task_release(self->first);
    awl_task_release(self->second);
    awl_server_close(self->server);
    co_end;
}

int main(void) { return awl_run(co_call(run)); }
