/* Open files: see awl/file.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_priv.h"

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static int run_open(awl__file_call *call)
{
    return awl__file_fd_open(call->path, call->flags, call->mode, &call->core);
}

/* A call for what has a path. NULL: no memory. */
static awl__file_call *path_call(co_stack *stack, int (*run)(awl__file_call *), const char *path, int flags,
                                 mode_t mode)
{
    awl__file_call *call = awl__file_call_new(awl__loop_of(stack), run, path, NULL);

    if (call) {
        call->flags = flags;
        call->mode = mode;
    }
    return call;
}

co_def(open_file, {
    int (*run)(awl__file_call *);
    const char *path;
    int flags;
    mode_t mode;
    awl_file *file;
})
{
    co_begin;
    if (!self->path)
        co_raise(EINVAL);
    co_let(self->file, awl__file_made(path_call(co_, self->run, self->path, self->flags, self->mode), 0));
    co_return(self->file);
    co_end;
}

awl_coro awl_file_open(const char *path, int flags, mode_t mode)
{
    return co_call(open_file, .run = run_open, .path = path, .flags = flags, .mode = mode);
}

static int run_replace(awl__file_call *call) { return awl__file_fd_replace(call->path, call->mode, &call->core); }

awl_coro awl_file_replace(const char *path, mode_t mode)
{
    return co_call(open_file, .run = run_replace, .path = path, .mode = mode);
}

/* Where the file system has no files without a name, one gets a name and loses it. */
static int run_temporary(awl__file_call *call)
{
    char path[4096];
    int fd = open(call->path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        if (snprintf(path, sizeof path, "%s/.awl.%016llx", call->path, (unsigned long long)awl__file_random()) >=
            (int)sizeof path)
            return ENAMETOOLONG;
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0)
        return errno;
    call->core = awl__file_fd_new(fd);
    return call->core ? 0 : ENOMEM;
}

awl_coro awl_file_temporary(const char *folder)
{
    if (!folder)
        folder = getenv("TMPDIR");
    return co_call(open_file, .run = run_temporary, .path = folder && *folder ? folder : "/tmp");
}

/* ---- Operations on what is open --------------------------------------------------------------------------------- */

static awl__file_handle *handle_of(awl_file *file) { return file ? &file->handle : NULL; }

/* Waits for the turn, unless `turnless`, and runs a call on a file's descriptor. Result: int64_t: the call's. */
co_def(on_file, {
    awl_file *file;
    int (*run)(awl__file_call *);
    bool turnless, moves, closes; /* it waits for nobody; its result is how far the position moves; it is the last */
    void *out;                    /* takes its data, or else info */
    const void *in;
    size_t len;
    int64_t offset; /* -1: the position */
    awl__file_call *call;
    int64_t result;
    int error;
    bool held, turn;
})
{
    co_begin;
    self->error = awl__file_handle_check(handle_of(self->file), co_);
    if (self->error)
        co_raise(self->error);
    self->file->handle.refs++;
    self->held = true;
    if (!self->turnless) {
        co_await(awl_lock_acquire(&self->file->handle.turn));
        self->turn = true;
    }
    if (!self->file->handle.core)
        co_raise(EBADF);

    /* The call has what it needs, the turn included, also if nobody waits for it any more. */
    self->call = awl__file_call_new(awl__loop_of(co_), self->run, NULL, NULL);
    if (self->call && self->len && !(self->call->data = malloc(self->len)))
        awl__file_call_end(self->call), self->call = NULL;
    if (!self->call)
        co_raise(ENOMEM);
    self->call->core = self->closes ? self->file->handle.core : awl__file_core_keep(self->file->handle.core);
    if (self->closes)
        self->file->handle.core = NULL;
    self->call->offset = self->offset < 0 ? self->file->position : self->offset;
    self->call->len = self->len;
    if (self->in)
        memcpy(self->call->data, self->in, self->len);
    if (self->turn) {
        self->call->turn_of = &self->file->handle;
        self->file->handle.refs++;
        self->turn = false;
    }
    co_await(awl__file_run(self->call));

    self->result = self->call->result;
    if (self->moves)
        self->file->position = self->call->offset + self->result;
    self->error = awl__file_call_error(self->call);
    if (!self->error && self->out && self->len)
        memcpy(self->out, self->call->data, (size_t)self->result);
    else if (!self->error && self->out)
        *(awl_file_info *)self->out = self->call->info;
    awl__file_call_end(self->call);
    if (self->error)
        co_raise(self->error);
    co_return(self->result);
    co_finally;
    if (self->turn)
        awl_lock_release(&self->file->handle.turn);
    if (self->held)
        awl__file_handle_drop(&self->file->handle);
    co_end;
}

static int fd_of(const awl__file_call *call) { return awl__file_fd_of(call->core)->fd; }

/* 0, or the error of a system call that says -1. */
static int error_of(int rc) { return rc < 0 ? errno : 0; }

static int run_read(awl__file_call *call)
{
    size_t done;
    const int error = awl__file_read_at(fd_of(call), call->data, call->len, call->offset, &done);

    call->result = (int64_t)done;
    return done ? 0 : error; /* the next read finds it again */
}

static awl_coro read_at(awl_file *file, void *buf, size_t cap, int64_t offset, bool turnless)
{
    const size_t len = cap < AWL__FILE_PIECE ? cap : AWL__FILE_PIECE;

    if (!buf || !cap || (turnless && offset < 0))
        file = NULL;
    return co_call(on_file, .file = file, .run = run_read, .turnless = turnless, .moves = !turnless, .out = buf,
                   .len = len, .offset = offset);
}

awl_coro awl_file_read(awl_file *file, void *buf, size_t cap) { return read_at(file, buf, cap, -1, false); }

awl_coro awl_file_pread(awl_file *file, void *buf, size_t cap, int64_t offset)
{
    return read_at(file, buf, cap, offset, true);
}

/* What is appended moves the position to its own end. */
static int run_write(awl__file_call *call)
{
    const awl__file_fd *file = awl__file_fd_of(call->core);
    size_t done;
    const int error = awl__file_write_at(file, call->data, call->len, call->offset, &done);
    const off_t at = file->append ? lseek(file->fd, 0, SEEK_CUR) : -1;

    call->result = (int64_t)done;
    if (at >= 0)
        call->offset = at - (off_t)done;
    return error;
}

co_def(write_all, {
    awl_file *file;
    const char *data;
    size_t len, n;
    int64_t offset;
    bool turnless;
    int64_t done;
})
{
    co_begin;
    if (!self->file || (!self->data && self->len) || (self->turnless && self->offset < 0))
        co_raise(EINVAL);
    while (self->len) {
        self->n = self->len < AWL__FILE_PIECE ? self->len : AWL__FILE_PIECE;
        co_let(self->done, co_call(on_file, .file = self->file, .run = run_write, .turnless = self->turnless,
                                   .moves = !self->turnless, .in = self->data, .len = self->n, .offset = self->offset));
        self->data += self->n;
        self->len -= self->n;
        self->offset += self->turnless ? (int64_t)self->n : 0;
    }
    co_end;
}

awl_coro awl_file_write(awl_file *file, const void *data, size_t len)
{
    return co_call(write_all, .file = file, .data = data, .len = len, .offset = -1);
}

awl_coro awl_file_pwrite(awl_file *file, const void *data, size_t len, int64_t offset)
{
    return co_call(write_all, .file = file, .data = data, .len = len, .offset = offset, .turnless = true);
}

static int run_sync(awl__file_call *call) { return error_of(fsync(fd_of(call))); }
static int run_datasync(awl__file_call *call) { return error_of(fdatasync(fd_of(call))); }
static int run_truncate(awl__file_call *call)
{
    int rc;

    do
        rc = ftruncate(fd_of(call), (off_t)call->offset);
    while (rc < 0 && errno == EINTR);
    return error_of(rc);
}

static int run_stat(awl__file_call *call)
{
    struct stat st;

    if (fstat(fd_of(call), &st))
        return errno;
    awl__file_info_of(&st, &call->info);
    return 0;
}

static int run_commit(awl__file_call *call) { return awl__file_fd_commit(awl__file_fd_of(call->core)); }

awl_coro awl_file_sync(awl_file *file) { return co_call(on_file, .file = file, .run = run_sync); }
awl_coro awl_file_datasync(awl_file *file) { return co_call(on_file, .file = file, .run = run_datasync); }
awl_coro awl_file_commit(awl_file *file) { return co_call(on_file, .file = file, .run = run_commit); }
awl_coro awl_file_truncate(awl_file *file, int64_t size)
{
    return co_call(on_file, .file = size < 0 ? NULL : file, .run = run_truncate, .offset = size);
}
awl_coro awl_file_stat(awl_file *file, awl_file_info *info)
{
    return co_call(on_file, .file = info ? file : NULL, .run = run_stat, .out = info);
}

/* ---- The position, and the end ---------------------------------------------------------------------------------- */

int awl_file_seek(awl_file *file, int64_t position)
{
    if (!file || position < 0)
        return EINVAL;
    awl__loop_check(file->handle.loop);
    if (!file->handle.core)
        return EBADF;
    if (awl_lock_locked(&file->handle.turn))
        return EBUSY;
    file->position = position;
    return 0;
}

int64_t awl_file_position(const awl_file *file) { return file ? file->position : -1; }

int awl_file_fd(const awl_file *file)
{
    return file && file->handle.core ? awl__file_fd_of(file->handle.core)->fd : -1;
}

awl_coro awl_file_wait_closed(awl_file *file)
{
    return co_call(on_file, .file = file, .run = awl__file_let_go, .closes = true);
}

void awl_file_close(awl_file *file) { awl__file_handle_close(handle_of(file)); }
