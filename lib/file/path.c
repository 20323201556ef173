/* Names: see awl/file.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_priv.h"

/* What each system call has. */
co_def(by_name, {
    int (*run)(awl__file_call *);
    const char *path, *to; /* `to`: NULL, or itself where there is no second one */
    mode_t mode;
    awl_file_info *info;
    awl__file_call *call;
    int error;
})
{
    co_begin;
    if (!self->path)
        co_raise(EINVAL);
    self->call = awl__file_call_new(awl__loop_of(co_), self->run, self->path, self->to);
    if (self->call)
        self->call->mode = self->mode;
    co_await(awl__file_run(self->call));
    self->error = awl__file_call_error(self->call);
    if (!self->error && self->info)
        *self->info = self->call->info;
    awl__file_call_end(self->call);
    if (self->error)
        co_raise(self->error);
    co_end;
}

static int error_of(int rc) { return rc < 0 ? errno : 0; }

static int run_stat(awl__file_call *call)
{
    struct stat st;

    if (fstatat(AT_FDCWD, call->path, &st, call->flags))
        return errno;
    awl__file_info_of(&st, &call->info);
    return 0;
}

static int run_lstat(awl__file_call *call)
{
    call->flags = AT_SYMLINK_NOFOLLOW;
    return run_stat(call);
}

static int run_rename(awl__file_call *call) { return error_of(rename(call->path, call->to)); }
static int run_unlink(awl__file_call *call) { return error_of(unlink(call->path)); }
static int run_rmdir(awl__file_call *call) { return error_of(rmdir(call->path)); }
static int run_mkdir(awl__file_call *call) { return error_of(mkdir(call->path, call->mode)); }

/* 0 if it is a folder in the end, whoever has made it. */
static int make_folder(const char *path, mode_t mode)
{
    struct stat st;
    int error;

    if (!mkdir(path, mode))
        return 0;
    error = errno;
    return error == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode) ? 0 : error;
}

/* From the outermost on; what is above may be there and not be ours to write to, so only the last one's error counts.
 */
static int run_mkdir_all(awl__file_call *call)
{
    char *const path = call->text;
    size_t len = strlen(path);
    struct stat st;

    if (!stat(path, &st))
        return S_ISDIR(st.st_mode) ? 0 : EEXIST;
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    for (char *at = path + 1; *path && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        make_folder(path, 0777);
        *at = '/';
    }
    return make_folder(path, call->mode);
}

awl_coro awl_stat(const char *path, awl_file_info *info)
{
    return co_call(by_name, .run = run_stat, .path = info ? path : NULL, .info = info);
}
awl_coro awl_lstat(const char *path, awl_file_info *info)
{
    return co_call(by_name, .run = run_lstat, .path = info ? path : NULL, .info = info);
}
awl_coro awl_rename(const char *from, const char *to)
{
    return co_call(by_name, .run = run_rename, .path = to ? from : NULL, .to = to);
}
awl_coro awl_unlink(const char *path) { return co_call(by_name, .run = run_unlink, .path = path); }
awl_coro awl_rmdir(const char *path) { return co_call(by_name, .run = run_rmdir, .path = path); }
awl_coro awl_mkdir(const char *path, mode_t mode)
{
    return co_call(by_name, .run = run_mkdir, .path = path, .mode = mode);
}
awl_coro awl_mkdir_all(const char *path, mode_t mode)
{
    return co_call(by_name, .run = run_mkdir_all, .path = path, .mode = mode);
}
