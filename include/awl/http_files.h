/*
 * awl/http_files.h: files in responses, and folders that are served. SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *
 *     co_def(serve, { awl_http_app *app; awl_server *server; })
 *     {
 *         co_begin;
 *         self->app = awl_http_app_new(NULL);
 *         if (awl_http_static(self->app, "/", "public", NULL))
 *             co_raise(ENOENT);
 *         co_let(self->server, awl_http_serve(self->app, "127.0.0.1", 8080, NULL));
 *         co_await(awl_server_wait_closed(self->server));
 *         co_finally;
 *         awl_server_close(self->server);
 *         awl_http_app_release(self->app);
 *         co_end;
 *     }
 *
 *     int main(void) { return awl_run(co_call(serve)); }
 *
 * A FILE goes with its type, its date, and an ETag made of its size, its inode and when it was changed, which is a weak
 * one until two seconds after that. A client that has it is told so (304), one that asks for a part gets that (206, or
 * 416), and conditions are heeded in the order of RFC 9110, 13.2.2. Several ranges at once are not: such a client gets
 * the whole. The kernel sends it where it can (awl_stream_sendfile). The loop is held up while the disk is read.
 *
 * A FOLDER gives nothing that is outside of it: not by "..", nor by a symbolic link. Names that begin with a dot are
 * not there. With Linux 5.6 and later links within the folder are followed, before that none are.
 */
#ifndef AWL_HTTP_FILES_H
#define AWL_HTTP_FILES_H

#include "awl/http_server.h"

/* What files of an extension are: "webp" and "image/webp". The last one of an array has the extension NULL. */
typedef struct awl_http_type {
    const char *extension, *type;
} awl_http_type;

/* Zero is the default of every option. */
typedef struct awl_http_static_options {
    const char *index;          /* what stands for a folder: "index.html"; "": nothing does */
    bool listing;               /* a folder without that is listed; else 403 */
    bool no_gzip;               /* do not send "a.css.gz", not older than "a.css", for that, to who accepts it */
    awl_time max_age;           /* clients need not ask again for so long; 0: nothing is said of it */
    const awl_http_type *types; /* which come before our own. Valid as long as the application */
} awl_http_static_options;

/*
 * Serves a folder.
 *
 *   prefix    of paths: "/files", or "/" for all. Other routes may begin with it, too
 *   folder    in the file system; it is opened now, and it is that one even if another one takes its name
 *   options   may be NULL; copied, with the text of `index`
 * Result   0; EINVAL: a prefix without '/' in front, or with braces; EEXIST: there is such a route; ENOENT, ENOTDIR,
 *          EACCES …: it cannot be opened; ENOMEM. On error there may be a route left that answers 404.
 * Owns     the application closes it.
 * Source   aiohttp.web.static; test/http/test_static.c
 */
int awl_http_static(awl_http_app *app, const char *prefix, const char *folder, const awl_http_static_options *options);

/*
 * Responds with a file: its name, or a descriptor. Fields may be added before.
 *
 *   path   in the file system; links are followed. Valid until the operation completes
 *   fd     of a plain file, open for reading; its position changes
 *   type   the Content-Type; NULL: as the extension says, of a descriptor application/octet-stream
 * Result   none. Of a path that is not there, or is no plain file, 404; of one that may not be read, 403.
 * Errors   EALREADY: there is a response; EINVAL; EMFILE, EIO …: there is none; those of awl_respond_write; ECANCELED.
 * Owns     fd stays the caller's.
 * Source   aiohttp.web.FileResponse; RFC 9110, 8.8, 13, 14; test/http/test_file.c
 */
AWL_CORO awl_respond_file(awl_request *request, const char *path, const char *type);
AWL_CORO awl_respond_fd(awl_request *request, int fd, const char *type);

/* The type of a file with that name: of `types` (may be NULL), else of some fifty that are known; else
 * "application/octet-stream". Source: test/http/test_file.c */
const char *awl_http_type_of(const char *name, const awl_http_type *types);

#endif
