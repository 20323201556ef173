/* Opening what is within a folder, and nothing else; see file_priv.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_priv.h"

/* O_NONBLOCK: to open a pipe without a writer must not wait for one. */
enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* openat2(2), which the C library has no function for. */
struct how {
    uint64_t flags, mode, resolve;
};
enum { NO_MAGIC_LINKS = 2, BENEATH = 8, TRIES = 8 };

/* A renaming that goes on at the same time makes the kernel unsure (EAGAIN). */
static int by_kernel(int root, const char *path)
{
#ifdef SYS_openat2
    struct how how = { .flags = FLAGS, .resolve = BENEATH | NO_MAGIC_LINKS };
    long fd = -1;

    for (int i = 0; i < TRIES; i++) {
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd >= 0 ? (int)fd : -errno;
#else
    (void)root, (void)path;
    return -ENOSYS;
#endif
}

int awl__open_step_by_step(int root, const char *path)
{
    char name[NAME_MAX + 1];
    int at = root, fd;

    do {
        const size_t n = strcspn(path, "/");
        const bool last = !path[n] || !path[n + 1];

        if (n > NAME_MAX)
            fd = -ENAMETOOLONG;
        else if ((!n && *path) || (n == 2 && path[0] == '.' && path[1] == '.'))
            fd = -EXDEV;
        else {
            memcpy(name, path, n);
            name[n] = '\0';
            fd = openat(at, n ? name : ".", FLAGS | O_NOFOLLOW | (last && !path[n] ? 0 : O_DIRECTORY));
            fd = fd < 0 ? -errno : fd;
        }
        if (at != root)
            close(at);
        if (last || fd < 0)
            return fd;
        at = fd;
        path += n + 1;
    } while (true);
}

/* Old kernels do not have the call, and some sandboxes do not let it through. */
int awl__open_beneath(int root, const char *path)
{
    const int fd = by_kernel(root, path);

    return fd == -ENOSYS || fd == -EPERM ? awl__open_step_by_step(root, path) : fd;
}
