/* Whole files, read and written in one call: see awl/file.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "file_priv.h"

enum { FIRST = 16384, LIMIT = 64 << 20 };

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* Room for more than there is, and a zero byte; as much as the file says first, if it does. Those of /proc do not, and
 * some of them have a second read find nothing. */
static int make_room(awl__file_call *call, size_t expected)
{
    const size_t first = expected ? expected : FIRST;
    size_t cap = call->cap ? call->cap * 2 : first < call->len ? first + 2 : call->len + 2;
    char *data;

    if (call->cap && (size_t)call->result + 1 < call->cap)
        return 0;
    if (cap < FIRST && call->cap)
        cap = FIRST;
    data = realloc(call->data, cap);
    if (!data)
        return ENOMEM;
    call->data = data;
    call->cap = cap;
    return 0;
}

/* `len` is the limit. One byte more than that is asked for, to know that there are more. */
static int run_read(awl__file_call *call)
{
    int error = awl__file_fd_open(call->path, O_RDONLY, 0, &call->core);
    const int fd = error ? -1 : awl__file_fd_of(call->core)->fd;
    const off_t size = error ? 0 : lseek(fd, 0, SEEK_END);
    size_t done = 1;

    while (!error && done) {
        error = make_room(call, size > 0 && (uintmax_t)size < SIZE_MAX / 4 ? (size_t)size : 0);
        if (!error)
            error = awl__file_read_at(fd, call->data + call->result, call->cap - 1 - (size_t)call->result, call->result,
                                      &done);
        call->result += (int64_t)(error ? 0 : done);
        if (!error && (uint64_t)call->result > call->len)
            error = AWL_ELIMIT;
    }
    if (!error)
        call->data[call->result] = '\0';
    return error;
}

co_def(read_file, {
    const char *path;
    size_t limit, *len;
    awl__file_call *call;
    int error;
    char *data;
})
{
    co_begin;
    if (!self->path)
        co_raise(EINVAL);
    self->call = awl__file_call_new(awl__loop_of(co_), run_read, self->path, NULL);
    if (self->call)
        self->call->len = self->limit && self->limit < SIZE_MAX / 4 ? self->limit : self->limit ? SIZE_MAX / 4 : LIMIT;
    co_await(awl__file_run(self->call));
    self->error = awl__file_call_error(self->call);
    if (!self->error) {
        self->data = self->call->data;
        self->call->data = NULL;
        if (self->len)
            *self->len = (size_t)self->call->result;
    }
    awl__file_call_end(self->call);
    if (self->error)
        co_raise(self->error);
    co_return(self->data);
    co_end;
}

awl_coro awl_read_file(const char *path, size_t limit, size_t *len)
{
    return co_call(read_file, .path = path, .limit = limit, .len = len);
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* What has not come to its end is removed with the core. */
static int run_write(awl__file_call *call)
{
    int error = awl__file_fd_replace(call->path, call->mode, &call->core);
    awl__file_core *core = call->core;
    size_t done;

    if (!error)
        error = awl__file_write_at(awl__file_fd_of(core), call->data, call->len, 0, &done);
    if (!error)
        error = awl__file_fd_commit(awl__file_fd_of(core));
    call->core = NULL;
    awl__file_core_put(core);
    return error;
}

co_def(write_file, {
    const char *path;
    const void *data;
    size_t len;
    mode_t mode;
    awl__file_call *call;
    int error;
})
{
    co_begin;
    if (!self->path || (!self->data && self->len))
        co_raise(EINVAL);
    self->call = awl__file_call_new(awl__loop_of(co_), run_write, self->path, NULL);
    if (self->call && self->len && !(self->call->data = malloc(self->len)))
        awl__file_call_end(self->call), self->call = NULL;
    if (self->call) {
        self->call->mode = self->mode;
        self->call->len = self->len;
    }
    if (self->call && self->len)
        memcpy(self->call->data, self->data, self->len);
    co_await(awl__file_run(self->call));
    self->error = awl__file_call_error(self->call);
    awl__file_call_end(self->call);
    if (self->error)
        co_raise(self->error);
    co_end;
}

awl_coro awl_write_file_atomically(const char *path, const void *data, size_t len, mode_t mode)
{
    return co_call(write_file, .path = path, .data = data, .len = len, .mode = mode);
}
