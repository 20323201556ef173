/* Folders that are served; see awl/http_files.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "awl/url.h"
#include "conditional.h"
#include "http_files_priv.h"

/* ---- Paths ------------------------------------------------------------------------------------------------------- */

/* Whether nothing in it is hidden, or empty but for the end: "a/b", "a/b/", "". */
static bool is_open_path(const char *path)
{
    while (*path) {
        const size_t n = strcspn(path, "/");

        if (!n || *path == '.')
            return false;
        path += n + (path[n] == '/');
    }
    return true;
}

static bool names_folder(const char *path) { return !*path || path[strlen(path) - 1] == '/'; }

void awl__put_path(awl__http_out *out, const char *path, size_t len, const char *keep)
{
    char piece[3 * 64 + 1];

    for (size_t n; len; path += n, len -= n) {
        n = len < 64 ? len : 64;
        awl__http_out_text(out, piece, awl_url_encode(path, n, keep, piece, sizeof piece));
    }
}

/* Sends the client to the same path with a '/' behind, so that links in the folder's page lead into it. More than one
 * '/' in front would be the name of a host. */
static int redirect(awl_request *request)
{
    awl__http_out to = { .loop = request->app->loop };
    const char *path = awl_request_path(request), *query = awl_request_query_string(request);
    int error;

    path += strspn(path, "/");
    awl__http_out_text(&to, "/", 1);
    awl__put_path(&to, path, strlen(path), "/!$&'()*+,;=:@");
    awl__http_out_text(&to, "/", 1);
    if (*query)
        awl__http_out_print(&to, "?%s", query);
    awl__http_out_text(&to, "", 1);
    error = to.error ? to.error : awl_respond_redirect(request, 301, to.at);
    awl__http_out_free(&to);
    return error;
}

/* ---- Finding ----------------------------------------------------------------------------------------------------- */

/* `a` and `b` in one, in the request's memory; NULL: there is none. */
static char *join(awl_request *request, const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b) + 1;
    char *whole = awl_request_alloc(request, n + m);

    if (whole) {
        memcpy(whole, a, n);
        memcpy(whole + n, b, m);
    }
    return whole;
}

/* Opens what is in a folder, and looks at it. 0 or the error; then fd is -1. */
static int find(const awl__folder *folder, const char *path, awl__file *file)
{
    int error = 0;

    file->fd = awl__open_beneath(folder->fd, *path ? path : ".");
    if (file->fd < 0) {
        error = -file->fd;
    } else if (fstat(file->fd, &file->st) < 0 || !(S_ISREG(file->st.st_mode) || S_ISDIR(file->st.st_mode))) {
        close(file->fd);
        error = ENOENT;
    }
    if (error)
        file->fd = -1;
    return error;
}

static bool accepts_gzip(const awl_request *request)
{
    const char *codings = awl_request_field(request, "accept-encoding");

    return codings && awl__http_accepts(codings, "gzip");
}

/* Takes "path.gz" instead, if that is there, is no older, and the client accepts it. 0 or ENOMEM. */
static int prefer_gzip(awl_request *request, const awl__folder *folder, const char *path, awl__file *file)
{
    const char *name = join(request, path, ".gz");
    awl__file gzip = *file;

    if (!name)
        return ENOMEM;
    if (find(folder, name, &gzip))
        return 0;
    if (!S_ISREG(gzip.st.st_mode) || gzip.st.st_mtim.tv_sec < file->st.st_mtim.tv_sec) {
        close(gzip.fd);
        return 0;
    }
    file->varies = gzip.varies = gzip.gzip = true;
    if (accepts_gzip(request)) {
        close(file->fd);
        *file = gzip;
    } else {
        close(gzip.fd);
    }
    return 0;
}

/* ---- Serving ----------------------------------------------------------------------------------------------------- */

co_def(folder_get, {
    awl_request *request;
    const awl__folder *folder;
    const char *path;
    char *index;
    awl__file file, list;
    int rc;
})
{
    co_begin;
    self->path = awl_request_param(self->request, "path");
    if (!self->path) { /* the prefix itself */
        self->rc = redirect(self->request);
        if (self->rc)
            co_raise(self->rc);
        co_return(0);
    }
    self->rc = is_open_path(self->path) ? find(self->folder, self->path, &self->file) : ENOENT;

    /* A folder: its index, or its list. */
    if (!self->rc && S_ISDIR(self->file.st.st_mode)) {
        if (!names_folder(self->path)) {
            self->rc = redirect(self->request);
            if (self->rc)
                co_raise(self->rc);
            co_return(0);
        }
        self->list = self->file;
        self->index = join(self->request, self->path, self->folder->index);
        if (!self->index)
            co_raise(ENOMEM);
        self->path = self->index;
        self->file.fd = -1;
        self->rc = self->folder->index[0] ? find(self->folder, self->path, &self->file) : ENOENT;
        if (self->rc == ENOENT && self->folder->options.listing) {
            co_await(awl__respond_listing(self->request, &self->list.fd));
            co_return(0);
        }
        if (self->rc == ENOENT)
            self->rc = EACCES;
    }
    if (!self->rc && !S_ISREG(self->file.st.st_mode))
        self->rc = ENOENT;
    if (!self->rc) {
        self->file.type = awl_http_type_of(self->path, self->folder->options.types);
        self->file.max_age = self->folder->options.max_age;
        self->rc =
            self->folder->options.no_gzip ? 0 : prefer_gzip(self->request, self->folder, self->path, &self->file);
    }
    if (self->rc && awl__status_of_open(self->rc))
        awl_respond_error(self->request, awl__status_of_open(self->rc));
    else if (self->rc)
        co_raise(self->rc);
    else
        co_await(awl__respond_opened(self->request, &self->file));
    co_finally;
    if (self->file.fd >= 0)
        close(self->file.fd);
    if (self->list.fd >= 0)
        close(self->list.fd);
    co_end;
}

static awl_coro on_folder(awl_request *request, void *arg)
{
    return co_call(folder_get, .request = request, .folder = arg, .file = { .fd = -1 }, .list = { .fd = -1 });
}

/* ---- Adding; see awl/http_files.h -------------------------------------------------------------------------------- */

void awl__folders_free(awl_loop *loop, awl__folder *folder)
{
    while (folder) {
        awl__folder *next = folder->next;

        if (folder->fd >= 0)
            close(folder->fd);
        awl__free(loop, folder, folder->size);
        folder = next;
    }
}

/* The routes: the prefix, which is sent to itself with a '/' behind, and what is below. */
static int add_routes(awl_http_app *app, const char *prefix, awl__folder *folder)
{
    char pattern[256];
    size_t n = strlen(prefix);
    int error = 0;

    while (n && prefix[n - 1] == '/')
        n--;
    if (n + sizeof "/{path*}" > sizeof pattern || prefix[0] != '/')
        return EINVAL;
    snprintf(pattern, sizeof pattern, "%.*s", (int)n, prefix);
    if (n)
        error = awl_http_route(app, "GET", pattern, on_folder, folder);
    snprintf(pattern, sizeof pattern, "%.*s/{path*}", (int)n, prefix);
    return error ? error : awl_http_route(app, "GET", pattern, on_folder, folder);
}

int awl_http_static(awl_http_app *app, const char *prefix, const char *path, const awl_http_static_options *options)
{
    static const awl_http_static_options none;
    const char *index = options && options->index ? options->index : "index.html";
    const size_t size = sizeof(awl__folder) + strlen(index) + 1;
    awl__folder *folder;
    int fd;

    if (!app || !prefix || !path || strpbrk(prefix, "{}") || strchr(index, '/'))
        return EINVAL;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    folder = awl__alloc(awl__loop_check(app->loop), size);
    if (!folder) {
        close(fd);
        return ENOMEM;
    }
    *folder = (awl__folder){ .next = app->folders, .fd = fd, .options = options ? *options : none, .size = size };
    strcpy(folder->index, index);
    app->folders = folder;
    return add_routes(app, prefix, folder);
}
