/* Pages that list what is in a folder; see awl/http_files.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http_files_priv.h"

enum { PIECE = 8192 }; /* bytes that are sent at once */

typedef struct entry {
    size_t at; /* of its name, among all */
    const char *name;
    int64_t size, modified;
    bool folder;
} entry;

/* Everything that is in a folder, but for what is hidden. */
typedef struct listing {
    awl__http_out names, entries;
    size_t n, next;
} listing;

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void add(listing *l, int fd, const char *name)
{
    struct stat st;
    entry e = { .at = l->names.len };

    if (name[0] == '.' || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    e.folder = S_ISDIR(st.st_mode);
    e.size = S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
    e.modified = st.st_mtim.tv_sec;
    awl__http_out_text(&l->names, name, strlen(name) + 1);
    awl__http_out_text(&l->entries, (const char *)&e, sizeof e);
    l->n++;
}

/* Folders come first, then it goes by the names' bytes. */
static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;

    return x->folder != y->folder ? y->folder - x->folder : strcmp(x->name, y->name);
}

static entry *entries_of(const listing *l) { return (entry *)(void *)l->entries.at; }

/* fd is closed in any case. 0 or the error. */
static int read_folder(listing *l, int fd)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *d;
    int error;

    if (!dir) {
        error = errno;
        close(fd);
        return error;
    }
    while (errno = 0, (d = readdir(dir)))
        add(l, dirfd(dir), d->d_name);
    error = errno;
    closedir(dir);
    error = l->names.error ? l->names.error : l->entries.error ? l->entries.error : error;
    if (error || !l->n)
        return error;
    for (size_t i = 0; i < l->n; i++)
        entries_of(l)[i].name = l->names.at + entries_of(l)[i].at;
    qsort(entries_of(l), l->n, sizeof(entry), compare);
    return 0;
}

/* ---- Writing: all that comes from outside is escaped ------------------------------------------------------------- */

static void put(awl__http_out *out, const char *text) { awl__http_out_text(out, text, strlen(text)); }

static void put_escaped(awl__http_out *out, const char *text)
{
    while (*text) {
        const size_t n = strcspn(text, "&<>\"'");

        awl__http_out_text(out, text, n);
        text += n;
        switch (*text) {
        case '&': put(out, "&amp;"); break;
        case '<': put(out, "&lt;"); break;
        case '>': put(out, "&gt;"); break;
        case '"': put(out, "&quot;"); break;
        case '\'': put(out, "&#39;"); break;
        default: return;
        }
        text++;
    }
}

static void put_top(awl__http_out *out, const char *path)
{
    put(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\"><title>Index of ");
    put_escaped(out, path);
    put(out, "</title><style>body{font-family:sans-serif;margin:2em}td{padding:.1em 1em .1em 0}"
             "td+td{text-align:right;color:#555}</style></head>\n<body><h1>Index of ");
    put_escaped(out, path);
    put(out, "</h1>\n<table>\n");
    if (strcmp(path, "/") != 0)
        put(out, "<tr><td><a href=\"../\">../</a></td></tr>\n");
}

/* The name is a path of its own, "./name", lest it be taken for a scheme. */
static void put_row(awl__http_out *out, const entry *e)
{
    const time_t t = (time_t)e->modified;
    const char *slash = e->folder ? "/" : "";
    char date[32] = "";
    struct tm tm;

    if (gmtime_r(&t, &tm))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
    put(out, "<tr><td><a href=\"./");
    awl__put_path(out, e->name, strlen(e->name), "");
    awl__http_out_print(out, "%s\">", slash);
    put_escaped(out, e->name);
    awl__http_out_print(out, "%s</a></td><td>%s</td><td>", slash, date);
    if (e->size >= 0)
        awl__http_out_print(out, "%" PRId64, e->size);
    put(out, "</td></tr>\n");
}

co_def(respond_listing, { awl_request *request; int *fd, rc; listing l; awl__http_out page; })
{
    co_begin;
    self->l.names.loop = self->l.entries.loop = self->page.loop = self->request->app->loop;
    self->rc = read_folder(&self->l, *self->fd);
    *self->fd = -1;
    if (!self->rc)
        self->rc = awl_respond_begin(self->request, 200, "text/html; charset=utf-8", -1);
    if (self->rc)
        co_raise(self->rc);
    put_top(&self->page, awl_request_path(self->request));
    do {
        while (self->l.next < self->l.n && self->page.len < PIECE)
            put_row(&self->page, &entries_of(&self->l)[self->l.next++]);
        if (self->l.next == self->l.n)
            put(&self->page, "</table></body></html>\n");
        if (self->page.error)
            co_raise(self->page.error);
        co_await(awl_respond_write(self->request, self->page.at, self->page.len));
        self->page.len = 0;
    } while (self->l.next < self->l.n);
    co_finally;
    awl__http_out_free(&self->l.names);
    awl__http_out_free(&self->l.entries);
    awl__http_out_free(&self->page);
    co_end;
}

awl_coro awl__respond_listing(awl_request *request, int *fd)
{
    return co_call(respond_listing, .request = request, .fd = fd);
}
