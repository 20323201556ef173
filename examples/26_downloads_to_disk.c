/*
 * Downloads to files: three at once, each under its name only when it is whole.
 *
 * Shows    awl_response_save: a body of any size, written in threads, and nothing left of what was not finished.
 * Build    cc 26_downloads_to_disk.c $(pkg-config --cflags --libs awl), or: ninja examples/26_downloads_to_disk
 * Run      ./26_downloads_to_disk URL URL URL          in the folder where the files shall be
 * Prints   NAME: 48210 bytes           or: URL: why not. Exit status 1 if one failed.
 *
 *     async def save(session, url, name):
 *         part = name + ".part"
 *         try:
 *             async with session.get(url, raise_for_status=True) as response:
 *                 with open(part, "wb") as f:
 *                     async for piece in response.content.iter_chunked(16384):
 *                         f.write(piece)
 *             os.rename(part, name)
 *         finally:
 *             pathlib.Path(part).unlink(missing_ok=True)
 */
#include <awl.h>
#include <stdio.h>
#include <string.h>

static awl_http_session *session; /* of all downloads */

co_def(save, { const char *url, *name; awl_response *r; int64_t all; })
{
    co_begin;
    co_let(self->r, awl_http_get(session, self->url, NULL));
    co_let(self->all, awl_response_save(self->r, self->name, 0)); /* a body that is cut off is an error */
    co_return(self->all);
    co_finally;
    awl_response_close(self->r);
    co_end;
}

/* The last part of a URL's path, as far as it is a good name for a file. */
static void name_of(const char *url, char *name, size_t cap)
{
    const size_t end = strcspn(url, "?#");
    size_t from = end;

    while (from && url[from - 1] != '/')
        from--;
    snprintf(name, cap, "%.*s", (int)(end - from), url + from);
    if (!*name || *name == '.')
        snprintf(name, cap, "index.html");
}

co_def(save_all, { char **urls, names[3][120]; awl_outcome outcomes[3]; int i, failed; })
{
    co_begin;
    session = awl_http_session_new(&(awl_http_session_options){ .raise_for_status = true });
    for (self->i = 0; self->i < 3; self->i++)
        name_of(self->urls[self->i], self->names[self->i], sizeof self->names[0]);
    co_await(awl_gather_return_exceptions(self->outcomes,
                                          co_call(save, .url = self->urls[0], .name = self->names[0]),
                                          co_call(save, .url = self->urls[1], .name = self->names[1]),
                                          co_call(save, .url = self->urls[2], .name = self->names[2])));
    for (self->i = 0; self->i < 3; self->i++) {
        const awl_outcome *o = &self->outcomes[self->i];

        if (o->error)
            printf("%s: %s\n", self->urls[self->i], awl_strerror(o->error));
        else
            printf("%s: %lld bytes\n", self->names[self->i], (long long)o->value.i);
        self->failed |= o->error != 0;
    }
    co_return(self->failed);
    co_finally;
    awl_http_session_close(session);
    co_end;
}

int main(int argc, char **argv)
{
    awl_value failed = { .i = 0 };

    if (argc != 4) {
        fprintf(stderr, "usage: %s URL URL URL\n", argv[0]);
        return 2;
    }
    return awl_run_with(co_call(save_all, .urls = argv + 1), NULL, &failed) || failed.i;
}
