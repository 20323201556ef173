/* The inside of files in responses. */
#ifndef AWL_HTTP_FILES_PRIV_H
#define AWL_HTTP_FILES_PRIV_H

#include <limits.h>
#include <sys/stat.h>

#include "awl/http_files.h"
#include "../file/file_priv.h"
#include "../http_server/http_server_priv.h"

/* ---- Files (file.c) ---------------------------------------------------------------------------------------------- */

/* The status that an error of opening means to a client; 0: it is our own. */
int awl__status_of_open(int error);

typedef struct awl__file {
    int fd; /* open; not the response's */
    struct stat st;
    const char *type;
    awl_time max_age;
    bool gzip, varies; /* it is the gzip of the file; there are both */
} awl__file;

/* A coroutine object: responds with a plain file. `file` is valid until it completes. */
awl_coro awl__respond_opened(awl_request *request, const awl__file *file);

/* ---- Folders (folder.c, listing.c) ------------------------------------------------------------------------------- */

typedef struct awl__folder {
    struct awl__folder *next;
    int fd;
    awl_http_static_options options;
    size_t size; /* of it all */
    char index[];
} awl__folder;

/* A coroutine object: responds with the list of what is in a folder. It closes *fd, which is -1 then. */
awl_coro awl__respond_listing(awl_request *request, int *fd);

/* Percent-encodes a path for a Location or a link: what may stand in one stays. Appends it to `out`. */
void awl__put_path(awl__http_out *out, const char *path, size_t len, const char *keep);

#endif
