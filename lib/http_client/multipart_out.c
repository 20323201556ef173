/* Uploads of several parts: multipart/form-data, RFC 7578; see awl/http_client.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_client_priv.h"

/* ---- Heads of parts --------------------------------------------------------------------------------------------- */

/* A name in quotes, as browsers write it: what would end it, or the line, is percent-encoded. */
static void put_quoted(awl__http_out *out, const char *text)
{
    awl__http_out_text(out, "\"", 1);
    for (; *text; text++) {
        const char *as = *text == '"' ? "%22" : *text == '\r' ? "%0D" : *text == '\n' ? "%0A" : NULL;

        awl__http_out_text(out, as ? as : text, as ? 3 : 1);
    }
    awl__http_out_text(out, "\"", 1);
}

/* What stands behind the last '/'. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static const char *file_name(const awl_http_part *part)
{
    return part->filename ? part->filename : part->path ? base_name(part->path) : NULL;
}

/* The lines before a part; `boundary` begins with "--". */
static void put_part_head(awl__http_out *out, const char *boundary, const awl_http_part *part)
{
    const char *file = file_name(part), *type = part->type ? part->type : file ? "application/octet-stream" : NULL;

    awl__http_out_print(out, "%s\r\nContent-Disposition: form-data; name=", boundary);
    put_quoted(out, part->name);
    if (file) {
        awl__http_out_text(out, "; filename=", 11);
        put_quoted(out, file);
    }
    if (type)
        awl__http_out_print(out, "\r\nContent-Type: %s", type);
    awl__http_out_text(out, "\r\n\r\n", 4);
}

/* Bytes of a part without its head. 0 or the error. */
static int part_size(const awl_http_part *part, uint64_t *size)
{
    struct stat st;

    if (!part->path) {
        *size = part->data && !part->size ? strlen(part->data) : part->size;
        return part->size && !part->data ? awl__http_invalid("part %s has a size, but no data", part->name) : 0;
    }
    if (part->data)
        return awl__http_invalid("part %s has data, and a path, too", part->name);
    if (stat(part->path, &st) != 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    if (!S_ISREG(st.st_mode))
        return awl__http_invalid("part %s: %s is no regular file", part->name, part->path);
    *size = (uint64_t)st.st_size;
    return 0;
}

/* ---- Sizes ------------------------------------------------------------------------------------------------------ */

/* Makes the line between the parts, which no part has in it but by a chance of 2^-128. 0 or the error. */
static int make_boundary(char *boundary)
{
    unsigned char random[16];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return errno;
    boundary += sprintf(boundary, "--awl-");
    for (size_t i = 0; i < sizeof random; i++)
        boundary += sprintf(boundary, "%02x", random[i]);
    return 0;
}

int awl__multipart_begin(awl__exchange *x)
{
    int error = make_boundary(x->boundary);
    uint64_t all = 0;

    for (const awl_http_part *part = x->options->parts; part->name && !error; part++) {
        awl__http_out out = { .loop = x->session->loop };
        uint64_t size = 0;

        error = part->type && !awl__http_is_value(part->type, strlen(part->type))
                    ? awl__http_invalid("part %s: its type has a control character", part->name)
                    : part_size(part, &size);
        put_part_head(&out, x->boundary, part);
        all += out.len + size + 2;
        error = error ? error : out.error;
        awl__http_out_free(&out);
    }
    x->body_size = all + strlen(x->boundary) + 4;
    snprintf(x->own_type, sizeof x->own_type, "multipart/form-data; boundary=%s", x->boundary + 2);
    x->type = x->own_type;
    return error;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* Writes what a file has, in pieces. That it has changed its size is found when the body ends. */
co_def(write_file, { awl_http_upload *up; const char *path; int fd; ssize_t n; char buf[16384]; })
{
    co_begin;
    self->fd = open(self->path, O_RDONLY | O_CLOEXEC);
    if (self->fd < 0)
        co_raise(errno);
    for (;;) {
        self->n = read(self->fd, self->buf, sizeof self->buf);
        if (self->n < 0)
            co_raise(errno);
        if (!self->n)
            break;
        co_await(awl_upload_write(self->up, self->buf, (size_t)self->n));
    }
    co_finally;
    if (self->fd >= 0)
        close(self->fd);
    co_end;
}

co_def(write_parts, { awl_http_upload *up; const awl_http_part *part; awl__http_out out; })
{
    uint64_t size;

    co_begin;
    self->out.loop = self->up->x->session->loop;
    for (self->part = self->up->x->options->parts; self->part->name; self->part++) {
        self->out.len = 0;
        put_part_head(&self->out, self->up->x->boundary, self->part);
        if (self->out.error)
            co_raise(self->out.error);
        co_await(awl_upload_write(self->up, self->out.at, self->out.len));
        if (self->part->path)
            co_await(co_call(write_file, .up = self->up, .path = self->part->path, .fd = -1));
        else if (part_size(self->part, &size) == 0 && size)
            co_await(awl_upload_write(self->up, self->part->data, (size_t)size));
        co_await(awl_upload_write(self->up, "\r\n", 2));
    }
    self->out.len = 0;
    awl__http_out_print(&self->out, "%s--\r\n", self->up->x->boundary);
    if (self->out.error)
        co_raise(self->out.error);
    co_await(awl_upload_write(self->up, self->out.at, self->out.len));
    co_finally;
    awl__http_out_free(&self->out);
    co_end;
}

awl_coro awl__multipart_write(awl_http_upload *up, void *arg)
{
    (void)arg;
    return co_call(write_parts, .up = up);
}
