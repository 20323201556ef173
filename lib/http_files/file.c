/* Responses that are files; see awl/http_files.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conditional.h"
#include "http_files_priv.h"

enum {
    SMALL = 16384, /* bytes of a file that is read, and sent as one with the head */
    YOUNG = 2,     /* seconds in which a file may change again without another date: file systems count so coarsely */
    TAG = 64,
};

/* ---- What is said of a file -------------------------------------------------------------------------------------- */

/* A number in small hexadecimal digits, and what is behind it. */
static char *put_hex(char *to, uint64_t n, char behind)
{
    char digits[16];
    int i = 0;

    do
        digits[i++] = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    while (i)
        *to++ = digits[--i];
    *to++ = behind;
    return to;
}

static void put_etag(const struct stat *st, char etag[TAG])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec - st->st_mtim.tv_sec < YOUNG)
        *etag++ = 'W', *etag++ = '/';
    *etag++ = '"';
    etag = put_hex(etag, (uint64_t)st->st_ino, '-');
    etag = put_hex(etag, (uint64_t)st->st_size, '-');
    etag = put_hex(etag, (uint64_t)st->st_mtim.tv_sec, '.');
    etag = put_hex(etag, (uint64_t)st->st_mtim.tv_nsec, '"');
    *etag = '\0';
}

/* The fields that go with 200, 206 and 304 alike. 0 or the error. */
static int add_fields(awl_request *request, const awl__file *file, const char *etag)
{
    char date[AWL__HTTP_DATE], age[48];
    int error = awl_respond_field(request, "ETag", etag);

    awl__http_date(file->st.st_mtim.tv_sec, date);
    if (!error)
        error = awl_respond_field(request, "Last-Modified", date);
    if (!error && file->max_age > 0) {
        snprintf(age, sizeof age, "max-age=%" PRId64, (int64_t)(file->max_age / AWL_SECOND));
        error = awl_respond_field(request, "Cache-Control", age);
    }
    if (!error && file->varies)
        error = awl_respond_field(request, "Vary", "Accept-Encoding");
    return error;
}

/* What a body has in addition; `status` is 200, 206 or 416. */
static int add_body_fields(awl_request *request, const awl__file *file, int status, int64_t first, int64_t last)
{
    const int64_t size = file->st.st_size;
    char range[80];
    int error = 0;

    if (status == 206)
        snprintf(range, sizeof range, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first, last, size);
    else if (status == 416)
        snprintf(range, sizeof range, "bytes */%" PRId64, size);
    if (status != 200)
        error = awl_respond_field(request, "Content-Range", range);
    if (!error && status != 416)
        error = awl_respond_field(request, "Accept-Ranges", "bytes");
    if (!error && file->gzip && status != 416)
        error = awl_respond_field(request, "Content-Encoding", "gzip");
    return error;
}

/* ---- Sending ----------------------------------------------------------------------------------------------------- */

/* Up to len bytes of a file; fewer only at its end. Result: bytes or -error. */
static ssize_t read_part(int fd, char *buf, size_t len, int64_t offset)
{
    size_t all = 0;
    ssize_t n = 1;

    while (all < len && n > 0) {
        do
            n = pread(fd, buf + all, len - all, (off_t)(offset + (int64_t)all));
        while (n < 0 && errno == EINTR);
        all += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? -errno : (ssize_t)all;
}

/* A small part goes together with the head. 0 or the error. */
static int respond_small(awl_request *request, int status, const awl__file *file, int64_t first, size_t len)
{
    awl_loop *loop = request->app->loop;
    char *buf = len ? awl__alloc(loop, len) : NULL;
    ssize_t n;
    int error;

    if (len && !buf)
        return ENOMEM;
    n = read_part(file->fd, buf, len, first);
    if (n < 0)
        error = (int)-n;
    else if ((size_t)n < len && status == 206)
        error = EIO; /* it has just been shortened, and the range that was promised is not there */
    else
        error = awl_respond(request, status, file->type, buf, (size_t)n);
    awl__free(loop, buf, len);
    return error;
}

/* Sends a part of a file as the body, for a head that has gone. */
co_def(send_part, { awl_request *request; int fd; int64_t first, len, n; int rc; })
{
    co_begin;
    awl__connection_enter(self->request->connection, AWL__WRITE);
    self->rc = awl__respond_release(self->request);
    if (self->rc)
        co_raise(self->rc);
    co_let(self->n, awl__stream_sendfile(self->request->s, self->fd, self->first, self->len));
    self->rc = awl__respond_counted(self->request, (uint64_t)self->n); /* fewer, if somebody shortened the file */
    if (self->rc)
        co_raise(self->rc);
    co_finally;
    awl__connection_enter(self->request->connection, AWL__HANDLER);
    co_end;
}

co_def(respond_opened, {
    awl_request *request;
    const awl__file *file;
    int64_t first, last, len;
    size_t fields; /* what there was of them before ours */
    int rc, status;
})
{
    char etag[TAG];
    awl__validators of;

    co_begin;
    if (self->request->status)
        co_raise(EALREADY);
    self->fields = self->request->fields.len;
    put_etag(&self->file->st, etag);
    of = (awl__validators){ etag, self->file->st.st_mtim.tv_sec };
    self->status = awl__http_conditions(self->request, &of);
    if (self->status == 412) {
        awl_respond_error(self->request, 412);
        co_return(0);
    }
    self->last = self->file->st.st_size - 1;
    if (!self->status)
        self->status = awl__request_range(self->request, &of, self->file->st.st_size, &self->first, &self->last);
    if (!self->status)
        self->status = 200;
    self->len = self->last - self->first + 1;

    /* 416 says how long the file is, and nothing else of it. */
    self->rc = self->status != 416 ? add_fields(self->request, self->file, etag) : 0;
    if (!self->rc && self->status != 304)
        self->rc = add_body_fields(self->request, self->file, self->status, self->first, self->last);
    if (self->rc)
        goto fail;
    if (self->status == 416) {
        awl_respond_error(self->request, 416);
        co_return(0);
    }
    if (self->status == 304)
        self->rc = awl_respond(self->request, 304, NULL, NULL, 0);
    else if (self->len <= SMALL && !self->request->is_head)
        self->rc = respond_small(self->request, self->status, self->file, self->first, (size_t)self->len);
    else
        self->rc = awl_respond_begin(self->request, self->status, self->file->type, self->len);
    if (self->rc)
        goto fail;
    if (self->request->is_head && self->status != 304)
        awl__respond_counted(self->request, (uint64_t)self->len);
    else if (self->len > SMALL && self->status != 304)
        co_await(co_call(send_part, .request = self->request, .fd = self->file->fd, .first = self->first,
                         .len = self->len));
    co_return(0);
fail:
    if (!self->request->status) /* who responds with something else says nothing of this file */
        self->request->fields.len = self->fields;
    co_raise(self->rc);
    co_end;
}

awl_coro awl__respond_opened(awl_request *request, const awl__file *file)
{
    return co_call(respond_opened, .request = request, .file = file);
}

/* ---- By descriptor and by name; see awl/http_files.h ------------------------------------------------------------- */

int awl__status_of_open(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case ENAMETOOLONG:
    case ENXIO: return 404;
    case EACCES:
    case EPERM: return 403;
    default: return 0;
    }
}

co_def(respond_fd, { awl_request *request; awl__file file; })
{
    co_begin;
    if (!self->request || fstat(self->file.fd, &self->file.st) < 0 || !S_ISREG(self->file.st.st_mode))
        co_raise(EINVAL);
    co_await(awl__respond_opened(self->request, &self->file));
    co_end;
}

awl_coro awl_respond_fd(awl_request *request, int fd, const char *type)
{
    return co_call(respond_fd, .request = request,
                   .file = { .fd = fd, .type = type ? type : "application/octet-stream" });
}

co_def(respond_file, { awl_request *request; const char *path; awl__file file; int status; })
{
    co_begin;
    if (!self->request || !self->path)
        co_raise(EINVAL);
    if (self->request->status)
        co_raise(EALREADY);
    self->file.fd = open(self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    self->status = self->file.fd < 0 ? awl__status_of_open(errno) : 0;
    if (self->file.fd < 0 && !self->status)
        co_raise(errno);
    if (self->file.fd >= 0 && (fstat(self->file.fd, &self->file.st) < 0 || !S_ISREG(self->file.st.st_mode)))
        self->status = 404;
    if (self->status)
        awl_respond_error(self->request, self->status);
    else
        co_await(awl__respond_opened(self->request, &self->file));
    co_finally;
    if (self->file.fd >= 0)
        close(self->file.fd);
    co_end;
}

awl_coro awl_respond_file(awl_request *request, const char *path, const char *type)
{
    return co_call(respond_file, .request = request, .path = path,
                   .file = { .fd = -1, .type = type ? type : awl_http_type_of(path, NULL) });
}
