/* The linker leads the calls of these functions to here: see faults.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "faults.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    int calls, from, error;
    size_t most;
    bool once, stops;
} plans[FAULTY];
static bool stopped;

static void plan(enum faulty kind, int n, int error, bool once)
{
    pthread_mutex_lock(&mutex);
    plans[kind].from = error ? plans[kind].calls + n : 0;
    plans[kind].error = error;
    plans[kind].once = once;
    pthread_mutex_unlock(&mutex);
}

void fail_from(enum faulty kind, int n, int error) { plan(kind, n, error, false); }
void fail_once(enum faulty kind, int error) { plan(kind, 1, error, true); }

void at_most(enum faulty kind, size_t bytes)
{
    pthread_mutex_lock(&mutex);
    plans[kind].most = bytes;
    pthread_mutex_unlock(&mutex);
}

void stop_at(enum faulty kind)
{
    pthread_mutex_lock(&mutex);
    plans[kind].stops = true;
    pthread_mutex_unlock(&mutex);
}

void await_stopped(void)
{
    pthread_mutex_lock(&mutex);
    while (!stopped)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

bool has_stopped(void)
{
    bool has;

    pthread_mutex_lock(&mutex);
    has = stopped;
    pthread_mutex_unlock(&mutex);
    return has;
}

void go_on(void)
{
    pthread_mutex_lock(&mutex);
    stopped = false;
    for (int i = 0; i < FAULTY; i++)
        plans[i].stops = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

int calls_of(enum faulty kind)
{
    int n;

    pthread_mutex_lock(&mutex);
    n = plans[kind].calls;
    pthread_mutex_unlock(&mutex);
    return n;
}

/* What is to happen to a call: true if it fails, with errno. */
static bool fails(enum faulty kind, size_t *len)
{
    bool failing;

    pthread_mutex_lock(&mutex);
    plans[kind].calls++;
    if (plans[kind].stops) {
        plans[kind].stops = false;
        stopped = true;
        pthread_cond_broadcast(&changed);
        while (stopped)
            pthread_cond_wait(&changed, &mutex);
    }
    failing = plans[kind].from && plans[kind].calls >= plans[kind].from;
    errno = failing ? plans[kind].error : errno;
    if (failing && plans[kind].once)
        plans[kind].from = 0;
    if (len && plans[kind].most && *len > plans[kind].most)
        *len = plans[kind].most;
    pthread_mutex_unlock(&mutex);
    return failing;
}

static bool now_allowed;

void allow_now(bool allowed) { now_allowed = allowed; }

ssize_t __real_awl__file_read_now(int fd, void *data, size_t len, int64_t offset);
ssize_t __wrap_awl__file_read_now(int fd, void *data, size_t len, int64_t offset);
ssize_t __wrap_awl__file_read_now(int fd, void *data, size_t len, int64_t offset)
{
    return now_allowed ? __real_awl__file_read_now(fd, data, len, offset) : -EAGAIN;
}

#define WRAP(result, name, kind, len, parameters, arguments) \
    result __real_##name parameters;                         \
    result __wrap_##name parameters;                         \
    result __wrap_##name parameters { return fails(kind, len) ? -1 : __real_##name arguments; }

WRAP(ssize_t, pread, READ, &n, (int fd, void *buf, size_t n, off_t at), (fd, buf, n, at))
WRAP(ssize_t, pwrite, WRITE, &n, (int fd, const void *buf, size_t n, off_t at), (fd, buf, n, at))
WRAP(int, fsync, SYNC, NULL, (int fd), (fd))
WRAP(int, ftruncate, TRUNCATE, NULL, (int fd, off_t size), (fd, size))
WRAP(int, renameat, RENAME, NULL, (int a, const char *from, int b, const char *to), (a, from, b, to))
#ifdef __GLIBC__
WRAP(ssize_t, pread64, READ, &n, (int fd, void *buf, size_t n, off64_t at), (fd, buf, n, at))
WRAP(ssize_t, pwrite64, WRITE, &n, (int fd, const void *buf, size_t n, off64_t at), (fd, buf, n, at))
WRAP(int, ftruncate64, TRUNCATE, NULL, (int fd, off64_t size), (fd, size))
#endif

#define WRAP_OPEN(name)                                                   \
    int __real_##name(const char *path, int flags, ...);                  \
    int __wrap_##name(const char *path, int flags, ...);                  \
    int __wrap_##name(const char *path, int flags, ...)                   \
    {                                                                     \
        va_list more;                                                     \
        mode_t mode;                                                      \
                                                                          \
        va_start(more, flags);                                            \
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;  \
        va_end(more);                                                     \
        return fails(OPEN, NULL) ? -1 : __real_##name(path, flags, mode); \
    }
WRAP_OPEN(open)
#ifdef __GLIBC__
WRAP_OPEN(open64)
#endif
