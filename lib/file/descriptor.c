/* What threads do with descriptors of files: opening, reading, writing, naming, closing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "file_priv.h"

enum { TRIES = 100, PART = 20 }; /* names that are tried for a new file; ".", its number and ".part" */

/* ---- Closing ---------------------------------------------------------------------------------------------------- */

/* Linux closes a descriptor also where it says EINTR. */
static int close_fd(int fd) { return fd >= 0 && close(fd) && errno != EINTR ? errno : 0; }

/* What has not got its name goes; but not by a forked child, which closes a loop of its parent's. */
static int end(awl__file_core *core)
{
    awl__file_fd *file = awl__file_fd_of(core);
    int error;

    if (file->folder >= 0 && file->forks == awl__forks)
        unlinkat(file->folder, file->part, 0);
    close_fd(file->folder);
    error = close_fd(file->fd);
    free(file->name);
    free(file->part);
    free(file);
    return error;
}

awl__file_core *awl__file_fd_new(int fd)
{
    awl__file_fd *file = calloc(1, sizeof *file);

    if (!file) {
        close_fd(fd);
        return NULL;
    }
    atomic_init(&file->core.refs, 1);
    file->core.end = end;
    file->fd = fd;
    file->folder = -1;
    file->forks = awl__forks;
    return &file->core;
}

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

/* What has a position: no pipe, socket or terminal, and no folder. 0 or the error. */
static int check_kind(int fd)
{
    struct stat st;

    if (fstat(fd, &st))
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return lseek(fd, 0, SEEK_CUR) < 0 ? errno : 0;
}

int awl__file_fd_open(const char *path, int flags, mode_t mode, awl__file_core **core)
{
    int fd, error;

    /* Who opens a pipe is not to wait for its other end. */
    do
        fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno;
    error = check_kind(fd);
    if (error) {
        close_fd(fd);
        return error;
    }
    *core = awl__file_fd_new(fd);
    if (!*core)
        return ENOMEM;
    awl__file_fd_of(*core)->append = flags & O_APPEND;
    return 0;
}

uint64_t awl__file_random(void)
{
    struct timespec now;
    uint64_t number;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number)
        return number;
    clock_gettime(CLOCK_REALTIME, &now); /* so early after the start of a machine: O_EXCL sees to the rest */
    return (uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec * 4096 + (uintptr_t)&now;
}

/* ---- Files that get their name later ---------------------------------------------------------------------------- */

/* For O_PATH it is enough that a folder can be gone through; it cannot be synced then. */
static int open_folder(const char *path, size_t len, int *folder)
{
    char *text = len ? strndup(path, len) : strdup(".");

    if (!text)
        return ENOMEM;
    *folder = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0 && errno == EACCES)
        *folder = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(text);
    return *folder < 0 ? errno : 0;
}

/* A new file beside `name`, under a name that nobody has: which is written to `part`. 0 or the error. */
static int make_part(int folder, const char *name, mode_t mode, char *part, size_t size, int *fd)
{
    const size_t most = NAME_MAX - PART - 5 < strlen(name) ? NAME_MAX - PART - 5 : strlen(name);

    for (int i = 0; i < TRIES; i++) {
        snprintf(part, size, ".%.*s.%016" PRIx64 ".part", (int)most, name, awl__file_random());
        *fd = openat(folder, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (*fd >= 0 || (errno != EEXIST && errno != EINTR))
            break;
    }
    return *fd < 0 ? errno : 0;
}

int awl__file_fd_replace(const char *path, mode_t mode, awl__file_core **core)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t size = strlen(name) + PART + 8;
    awl__file_fd *file;
    struct stat st;
    int error;

    if (!*name)
        return *path ? EISDIR : ENOENT;
    if (strlen(name) > NAME_MAX)
        return ENAMETOOLONG;
    *core = awl__file_fd_new(-1);
    if (!*core)
        return ENOMEM;
    file = awl__file_fd_of(*core);
    file->name = strdup(name);
    file->part = malloc(size);
    error = file->name && file->part ? 0 : ENOMEM;

    /* What could not be replaced in the end is not begun. */
    if (!error)
        error = open_folder(path, slash ? (size_t)(slash - path) + 1 : 0, &file->folder);
    if (!error && !fstatat(file->folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode))
        error = EISDIR;
    if (!error)
        error = make_part(file->folder, name, mode ? mode : 0666, file->part, size, &file->fd);
    if (!error)
        return 0;
    if (file->fd < 0) { /* there is none to be removed */
        close_fd(file->folder);
        file->folder = -1;
    }
    awl__file_core_put(*core);
    *core = NULL;
    return error;
}

/* Some file systems have nothing to say of folders, and one that was opened by O_PATH cannot be asked. */
static int sync_folder(int folder)
{
    return fsync(folder) && errno != EINVAL && errno != EBADF && errno != ENOTSUP ? errno : 0;
}

int awl__file_fd_commit(awl__file_fd *file)
{
    int folder = file->folder, error;

    if (folder < 0)
        return AWL_EINVALIDSTATE;

    /* After an fsync that failed a second one says nothing of what the first has lost. */
    if (file->failed)
        return EIO;
    file->failed = true;
    if (fsync(file->fd))
        return errno;
    file->failed = false;
    if (renameat(folder, file->part, folder, file->name))
        return errno;
    file->folder = -1;
    error = sync_folder(folder);
    close_fd(folder);
    return error;
}

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

int awl__file_read_at(int fd, char *data, size_t len, int64_t offset, size_t *done)
{
    ssize_t n;

    for (*done = 0; *done < len; *done += (size_t)n) {
        do
            n = pread(fd, data + *done, len - *done, (off_t)(offset + (int64_t)*done));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return n ? errno : 0;
    }
    return 0;
}

/* preadv2(2), by its number: not every C library has it. The kernel puts the halves of the offset together. */
ssize_t awl__file_read_now(int fd, void *data, size_t len, int64_t offset)
{
#ifdef SYS_preadv2
    enum { NOWAIT = 8 };
    const struct iovec part = { data, len };
    const unsigned long high = sizeof high == 8 ? 0 : (unsigned long)((uint64_t)offset >> 32);
    const long n = syscall(SYS_preadv2, fd, &part, 1, (unsigned long)offset, high, NOWAIT);

    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EOPNOTSUPP;
#else
    (void)fd, (void)data, (void)len, (void)offset;
    return -EOPNOTSUPP;
#endif
}

int awl__file_write_at(const awl__file_fd *file, const char *data, size_t len, int64_t offset, size_t *done)
{
    ssize_t n;

    for (*done = 0; *done < len; *done += (size_t)n) {
        do
            n = file->append ? write(file->fd, data + *done, len - *done)
                             : pwrite(file->fd, data + *done, len - *done, (off_t)(offset + (int64_t)*done));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return n ? errno : EIO; /* a device that takes nothing, and says nothing */
    }
    return 0;
}

static int64_t moment(struct timespec t) { return (int64_t)t.tv_sec * AWL_SECOND + t.tv_nsec; }

void awl__file_info_of(const void *stat, awl_file_info *info)
{
    const struct stat *st = stat;

    *info = (awl_file_info){
        .size = st->st_size,
        .device = st->st_dev,
        .inode = st->st_ino,
        .links = st->st_nlink,
        .mode = st->st_mode,
        .owner = st->st_uid,
        .group = st->st_gid,
        .modified = moment(st->st_mtim),
        .changed = moment(st->st_ctim),
        .accessed = moment(st->st_atim),
    };
}
