/*
 * Fifteen sites on loopback, as slow as real ones: what tools/demo downloads.
 *
 *     demo-server [--port N]
 *
 * Prints `listening on http://127.0.0.1:PORT`, then the URL of each site, a line each, then an empty line. Each page has
 * a size, a time until its first byte, and a rate; every other one comes in chunks, without its length in the head.
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 16384 };

static const struct page {
    const char *name;
    int size, latency_ms, rate; /* rate: bytes a millisecond */
} pages[] = {
    { "www.python.org", 51200, 90, 600 },        { "en.wikipedia.org", 214300, 140, 900 },
    { "news.ycombinator.com", 35840, 310, 400 }, { "www.debian.org", 18900, 180, 300 },
    { "github.com", 389120, 220, 1600 },         { "www.kernel.org", 21500, 260, 300 },
    { "stackoverflow.com", 163840, 120, 1200 },  { "www.gnu.org", 47600, 330, 400 },
    { "lwn.net", 30720, 410, 300 },              { "www.bbc.com", 716800, 70, 2600 },
    { "archive.org", 120300, 600, 500 },         { "www.gutenberg.org", 1536000, 380, 3000 },
    { "musl.libc.org", 10240, 450, 200 },        { "www.openstreetmap.org", 28160, 230, 300 },
    { "www.rfc-editor.org", 942080, 50, 2000 },
};
enum { PAGES = sizeof pages / sizeof *pages };

/* The page that "GET /name/ HTTP/1.1" asks for. */
static const struct page *find_page(const char *request)
{
    for (int i = 0; i < PAGES; i++) {
        const size_t len = strlen(pages[i].name);

        if (!strncmp(request, "GET /", 5) && !strncmp(request + 5, pages[i].name, len) &&
            !strncmp(request + 5 + len, "/ ", 2))
            return &pages[i];
    }
    return NULL;
}

static bool is_chunked(const struct page *page) { return (page - pages) % 2; }

co_def(serve, { awl_stream *s; const struct page *page; char *line; int sent, piece; char body[PIECE]; })
{
    co_begin;
    co_let(self->line, awl_stream_readline(self->s, NULL));
    self->page = self->line ? find_page(self->line) : NULL;
    while (self->line && strcmp(self->line, "\r\n") != 0)
        co_let(self->line, awl_stream_readline(self->s, NULL));
    if (!self->page) {
        awl_stream_print(self->s, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        co_return(0);
    }
    co_await(awl_sleep(self->page->latency_ms * AWL_MS));
    awl_stream_print(self->s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n");
    if (is_chunked(self->page))
        awl_stream_print(self->s, "Transfer-Encoding: chunked\r\n\r\n");
    else
        awl_stream_print(self->s, "Content-Length: %d\r\n\r\n", self->page->size);
    memset(self->body, 'a', sizeof self->body);
    while (self->sent < self->page->size) {
        self->piece = self->page->size - self->sent < PIECE ? self->page->size - self->sent : PIECE;
        if (is_chunked(self->page))
            awl_stream_print(self->s, "%x\r\n", (unsigned)self->piece);
        if (awl_stream_write(self->s, self->body, (size_t)self->piece))
            co_return(0); /* the client has gone */
        if (is_chunked(self->page))
            awl_stream_print(self->s, "\r\n");
        self->sent += self->piece;
        co_await(awl_stream_drain(self->s));
        co_await(awl_sleep(self->piece * AWL_MS / self->page->rate));
    }
    if (is_chunked(self->page))
        awl_stream_print(self->s, "0\r\n\r\n");
    co_end;
}

static awl_coro new_client(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(serve, .s = s);
}

co_def(run, { int port; awl_server *server; })
{
    co_begin;
    co_let(self->server, awl_start_server(new_client, NULL, "127.0.0.1", self->port, NULL));
    printf("listening on http://127.0.0.1:%d\n", awl_server_port(self->server));
    for (int i = 0; i < PAGES; i++)
        printf("http://127.0.0.1:%d/%s/\n", awl_server_port(self->server), pages[i].name);
    puts("");
    fflush(stdout);
    co_await(awl_sleep(AWL_FOREVER));
    co_finally;
    awl_server_close(self->server);
    co_end;
}

int main(int argc, char **argv)
{
    return awl_run(co_call(run, .port = argc == 3 && !strcmp(argv[1], "--port") ? atoi(argv[2]) : 0));
}
