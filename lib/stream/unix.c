/* Unix sockets: their names, servers' files, and connecting to them; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream_priv.h"

/* The pauses of who waits for room in the backlog of a server: each is twice the one before. */
#define FIRST_PAUSE (1 * AWL_MS)
#define LONGEST_PAUSE (64 * AWL_MS)

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static socklen_t size_for(size_t path) { return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path); }

/* "@name" is an abstract one, whose first byte is zero and which is as long as its size says; "@" alone leaves it to
 * the kernel, see unix(7). 0 or the error. */
static int parse(const char *path, struct sockaddr_un *name, socklen_t *size)
{
    const size_t len = path ? strlen(path) : 0, most = sizeof name->sun_path;

    if (!len)
        return EINVAL;
    if (len > most || (len == most && path[0] != '@')) {
        awl__error_detail(awl_running_, ENAMETOOLONG, "%s: the name of a Unix socket has at most %zu bytes", path,
                          path[0] == '@' ? most : most - 1);
        return ENAMETOOLONG;
    }
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path, path, len);
    if (path[0] != '@') {
        *size = size_for(len + 1);
    } else {
        name->sun_path[0] = '\0';
        *size = size_for(len == 1 ? 0 : len);
    }
    return 0;
}

/* ---- Listening --------------------------------------------------------------------------------------------------- */

/* The socket of a server that has gone, or of one that is to be replaced, makes room. What goes wrong here, binding
 * will tell. */
static void remove_socket(const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(path);
}

/* Notes which file has just been made, and lets those in whom the umask has kept out against `mode`, which is not 0. What
 * lies there now may be another one, or a link, which is let be. 0 or the error. */
static int note(awl__socket_file *file, const char *path, mode_t mode)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return errno;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    memcpy(file->path, path, strlen(path) + 1);
    if (!mode || !S_ISSOCK(status.st_mode) || (status.st_mode & 07777) == mode)
        return 0;
    return chmod(path, mode) < 0 ? errno : 0;
}

void awl__unix_unlink(awl__socket_file *file)
{
    struct stat status;

    if (file->path[0] && lstat(file->path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode)
        unlink(file->path);
    file->path[0] = '\0';
}

/* The file is made with the socket's own mode, less what the umask has: at no time with more than was asked for. And
 * nobody can connect before listen. */
int awl__unix_listen(const char *path, const awl_stream_options *options, awl__socket_file *file, int *fd)
{
    struct sockaddr_un name;
    awl__socket_file made = { .path = "" };
    socklen_t size;
    int s, error = parse(path, &name, &size);

    if (error)
        return error;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return errno;
    if (path[0] != '@')
        remove_socket(path);
    if (options->mode && fchmod(s, options->mode) < 0)
        error = errno;
    if (!error && bind(s, (const struct sockaddr *)&name, size) < 0)
        error = errno;
    if (!error && path[0] != '@')
        error = note(&made, path, options->mode);
    if (!error && listen(s, options->backlog) < 0)
        error = errno;
    if (error) {
        awl__error_detail(awl_running_, error, "%s: %s", path, awl_strerror(error));
        awl__unix_unlink(&made);
        close(s);
        return error;
    }
    if (!options->keep_file)
        *file = made;
    *fd = s;
    return 0;
}

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

/* Connects at once, or not: the kernel has no way to tell when there is room in a full backlog (EAGAIN). 0 or the
 * error. */
static int connect_to(const char *path, int *fd)
{
    struct sockaddr_un name;
    socklen_t size;
    int s, error = parse(path, &name, &size);

    if (error)
        return error;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return errno;
    while (connect(s, (const struct sockaddr *)&name, size) < 0 && (error = errno) == EINTR)
        error = 0;
    if (error) {
        close(s);
        return error;
    }
    *fd = s;
    return 0;
}

/* A stream over a new connection. 0 or the error. */
static int open_stream(const char *path, const awl_stream_options *options, awl_stream **s)
{
    int fd = -1, error = connect_to(path, &fd);

    if (error)
        return error;
    *s = awl__stream_new(awl_running_, fd, true, options, &error);
    if (!*s)
        close(fd);
    return error;
}

co_def(open_unix, {
    const char *path;
    awl_stream_options options;
    awl_time pause;
    awl_stream *s;
    int error;
})
{
    co_begin;
    self->error = awl__layer_check(&self->options, false);
    if (self->error)
        co_raise(self->error);
    if (self->options.tls && !self->options.server_name) {
        awl__error_detail(awl_running_, EINVAL, "TLS over a Unix socket needs a server_name");
        co_raise(EINVAL);
    }
    self->pause = FIRST_PAUSE;
    while ((self->error = open_stream(self->path, &self->options, &self->s)) == EAGAIN) {
        co_await(awl_sleep(self->pause));
        self->pause = self->pause < LONGEST_PAUSE ? 2 * self->pause : LONGEST_PAUSE;
    }
    if (self->error) {
        if (self->error != ENAMETOOLONG && self->path)
            awl__error_detail(awl_running_, self->error, "%s: %s", self->path, awl_strerror(self->error));
        co_raise(self->error);
    }
    if (self->options.tls)
        co_await(awl__layer_of(self->options.tls)->start(self->s, self->options.tls, self->options.server_name));
    co_return(self->s);
    co_finally;
    if (co_failing) {
        awl_stream_close(self->s);
        self->s = NULL;
    }
    co_end;
}

awl_coro awl_open_unix_connection(const char *path, const awl_stream_options *options)
{
    return co_call(open_unix, .path = path, .options = awl__stream_options(options));
}
