/*
 * Many pages at once: what asyncio is most often used for.
 *
 * Shows    awl_http_get and awl_response_read in a task per page, awl_wait_for as a time limit, co_try, awl_gather_n.
 * Build    cc 14_download_sites.c $(pkg-config --cflags --libs awl), or: ninja examples/14_download_sites
 * Run      ./14_download_sites [--compare] URL…       --compare: then again, one after the other
 * Prints   Read 48210 from http://…/      as each page is there, or: failed http://…/: reason
 *          Downloaded 15 sites in 0.92 seconds
 *          On a terminal each page has a line of its own that shows how far it is. Exit status 1 if one failed.
 *
 *     async def download_site(session, url):
 *         async with session.get(url) as response:
 *             print(f"Read {len(await response.read())} from {url}")
 *
 *     async def download_all_sites(sites):
 *         async with aiohttp.ClientSession() as session:
 *             await asyncio.gather(*(download_site(session, url) for url in sites), return_exceptions=True)
 */
#define _DEFAULT_SOURCE
#include <awl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST = 64 };

struct site {
    const char *url;
    int64_t read, length;
    int row, failed;
};

static int rows; /* of the terminal that are ours, one for each site; 0: there is no terminal */

/* Writes a text for a site: into its line of the terminal; without one, as a line of its own if it is the last. */
static void show(const struct site *site, bool last, const char *text)
{
    if (rows)
        printf("\033[%dA\r\033[K%s\033[%dB\r", rows - site->row, text, rows - site->row);
    else if (last)
        puts(text);
    fflush(stdout);
}

static awl_http_session *session; /* of all downloads */

co_def(download, { struct site *site; awl_response *r; int n; char buf[16384], text[200]; })
{
    co_begin;
    co_let(self->r, awl_http_get(session, self->site->url, NULL));
    if (awl_response_check(self->r))
        co_raise(AWL_ESTATUS);
    self->site->length = awl_response_length(self->r);
    for (self->site->read = 0;; self->site->read += self->n) {
        co_let(self->n, awl_response_read(self->r, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        snprintf(self->text, sizeof self->text, "%8lld of %lld bytes of %.100s", (long long)self->site->read + self->n,
                 (long long)self->site->length, self->site->url); /* -1: nobody knows */
        show(self->site, false, self->text);
    }
    co_finally;
    awl_response_close(self->r);
    co_end;
}

/* One site's failure is that site's alone. */
co_def(download_site, { struct site *site; int error; char text[256]; })
{
    co_begin;
    co_try(self->error, awl_wait_for(co_call(download, .site = self->site), 60 * AWL_SECOND));
    if (self->error)
        snprintf(self->text, sizeof self->text, "failed %.150s: %s", self->site->url, awl_error_message(self->error));
    else
        snprintf(self->text, sizeof self->text, "Read %lld from %.150s", (long long)self->site->read, self->site->url);
    show(self->site, true, self->text);
    self->site->failed = self->error != 0;
    co_end;
}

/* All at once, or one after the other. Returns how long that took, in seconds. */
co_def(download_all, { struct site *sites; int n, i; bool at_once; awl_time start; awl_task *tasks[MOST]; })
{
    co_begin;
    for (self->i = 0; self->i < rows; self->i++)
        puts("");
    self->start = awl_loop_time(NULL);
    for (self->i = 0; self->i < self->n; self->i++) {
        if (self->at_once)
            self->tasks[self->i] = awl_create_task(co_call(download_site, .site = &self->sites[self->i]));
        else
            co_await(co_call(download_site, .site = &self->sites[self->i]));
    }
    if (self->at_once)
        co_await(awl_gather_n(self->tasks, (size_t)self->n, NULL, 0));
    co_return((double)(awl_loop_time(NULL) - self->start) / AWL_SECOND);
    co_finally;
    for (self->i = 0; self->i < self->n; self->i++)
        awl_task_release(self->tasks[self->i]);
    co_end;
}

co_def(run, { struct site *sites; int n, failed; bool compare; double fast, slow; })
{
    co_begin;
    session = awl_http_session_new(NULL);
    co_let(self->fast, co_call(download_all, .sites = self->sites, .n = self->n, .at_once = true));
    for (int i = 0; i < self->n; i++)
        self->failed += self->sites[i].failed;
    printf("Downloaded %d sites in %.2f seconds\n", self->n - self->failed, self->fast);
    if (self->compare) {
        co_let(self->slow, co_call(download_all, .sites = self->sites, .n = self->n));
        printf("One after the other: %.2f seconds, %.1f times as long\n", self->slow, self->slow / self->fast);
    }
    co_return(self->failed);
    co_finally;
    awl_http_session_close(session);
    co_end;
}

int main(int argc, char **argv)
{
    const bool compare = argc > 1 && !strcmp(argv[1], "--compare");
    struct site sites[MOST] = { { 0 } };
    struct winsize window;
    awl_value failed = { .i = 0 };
    int n = 0, error;

    for (int i = 1 + compare; i < argc && n < MOST; i++, n++)
        sites[n] = (struct site){ .url = argv[i], .row = n };
    if (!n) {
        fprintf(stderr, "usage: %s [--compare] URL...\n", argv[0]);
        return 2;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > n)
        rows = n;
    error = awl_run_with(co_call(run, .sites = sites, .n = n, .compare = compare), NULL, &failed);
    return error || failed.i;
}
