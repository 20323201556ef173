/*
 * A child that becomes another program. By vfork: the child runs in this program's memory, on its stack, while its
 * parent's thread waits, so nothing is copied however large we are. It does nothing there but system calls, with all
 * signals blocked until none has a handler. What fails it writes to that memory; and to a pipe that a successful exec
 * closes, for where vfork is a fork (some emulators, ThreadSanitizer). A child that another thread forks meanwhile
 * keeps the pipe open, so it is not read where memory tells.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../signals/syscalls.h"
#include "process_priv.h"

typedef struct failure {
    int error;
    awl__spawn_stage stage;
} failure;

/* In the parent's memory. */
typedef struct result {
    bool shared; /* the child has written here */
    failure what;
} result;

/* ---- In the child: descriptors ----------------------------------------------------------------------------------- */

/* What getdents64 fills its buffer with. */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

static int number_in(const char *name)
{
    int n = 0;

    for (; *name >= '0' && *name <= '9'; name++)
        n = 10 * n + *name - '0';
    return *name ? -1 : n;
}

/* Closes those of a range one by one, as the kernel lists them. Old kernels alone come here. */
static void close_listed(int first, int last)
{
    _Alignas(struct entry) char buffer[1024];
    const int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct rlimit most = { .rlim_cur = 65536 };
    long n;

    while (dir >= 0 && (n = syscall(SYS_getdents64, dir, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(buffer + at);
            const int fd = number_in(e->name);

            at += e->size;
            if (fd >= first && fd <= last && fd != dir)
                close(fd);
        }
    }
    if (dir >= 0) {
        close(dir);
        return;
    }
    getrlimit(RLIMIT_NOFILE, &most);
    for (int fd = first; fd <= last && (rlim_t)fd < most.rlim_cur; fd++)
        close(fd);
}

static void close_range_of(int first, int last)
{
    if (first <= last && syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) < 0)
        close_listed(first, last);
}

static void close_all_but(const int *keep, size_t n)
{
    int first = 3;

    for (size_t i = 0; i < n; i++) {
        close_range_of(first, keep[i] - 1);
        first = keep[i] + 1;
    }
    close_range_of(first, INT_MAX);
}

/* Its standard descriptors: first those out of the way that another one's place is in. 0 or the error. */
static int place_descriptors(const awl__spawn *plan, const int *keep, size_t n_keep, int report)
{
    int from[3];

    for (int i = 0; i < 3; i++) {
        from[i] = plan->fds[i];
        if (from[i] == AWL__AS_IT_IS || from[i] == i || from[i] > 2)
            continue;
        from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
        if (from[i] < 0)
            return errno;
    }
    for (int i = 0; i < 3; i++) {
        if (from[i] == AWL__AS_IT_IS)
            continue;
        if (from[i] == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(from[i], i) < 0)
            return errno;
    }
    close_all_but(keep, n_keep);
    for (size_t i = 0; i < n_keep; i++) {
        if (keep[i] != report && fcntl(keep[i], F_SETFD, 0) < 0)
            return errno;
    }
    return 0;
}

/* ---- In the child: the rest -------------------------------------------------------------------------------------- */

/* No handler of ours runs in the child, whose memory is its parent's. */
static void reset_signals(void)
{
    struct sigaction action;

    for (int number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) < 0 || (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL))
            continue;
        if (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN && number != SIGPIPE && number != SIGXFSZ)
            continue;
        action = (struct sigaction){ .sa_handler = SIG_DFL };
        sigaction(number, &action, NULL);
    }
    sigemptyset(&action.sa_mask);
    sigprocmask(SIG_SETMASK, &action.sa_mask, NULL);
}

/* Tries one path after the other, as execvp does. Result: the error that tells most. */
static int execute(const awl__spawn *plan)
{
    int error = ENOENT;

    for (const char *path = plan->paths; *path; path += strlen(path) + 1) {
        execve(path, (char *const *)(uintptr_t)plan->argv, (char *const *)(uintptr_t)plan->env);
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            return errno;
        if (errno == EACCES || !path[strlen(path) + 1])
            error = error == EACCES ? EACCES : errno;
    }
    return error;
}

static failure become(const awl__spawn *plan, const int *keep, size_t n_keep, int report)
{
    int error;

    if (plan->new_session ? setsid() < 0
                          : plan->group && setpgid(0, plan->group == AWL_NEW_GROUP ? 0 : plan->group) < 0)
        return (failure){ errno, AWL__AT_GROUP };
    error = place_descriptors(plan, keep, n_keep, report);
    if (error)
        return (failure){ error, AWL__AT_FDS };
    if (plan->cwd && chdir(plan->cwd) < 0)
        return (failure){ errno, AWL__AT_CWD };
    if (plan->set_umask)
        umask(plan->umask);
    reset_signals();
    return (failure){ execute(plan), AWL__AT_EXEC };
}

static _Noreturn void be_child(const awl__spawn *plan, const int *keep, size_t n_keep, int report,
                               volatile result *told)
{
    failure what;
    ssize_t n;

    told->shared = true;
    what = become(plan, keep, n_keep, report);
    told->what = what;
    do
        n = write(report, &what, sizeof what);
    while (n < 0 && errno == EINTR);
    _exit(127);
}

/* ---- In the parent ----------------------------------------------------------------------------------------------- */

/* A function of its own, whose frame nobody needs after it: see vfork(2). */
static __attribute__((noinline)) pid_t start(const awl__spawn *plan, int report, volatile result *told)
{
    const pid_t pid = vfork();

    if (pid == 0)
        be_child(plan, plan->keep, plan->n_keep + 1, report, told);
    return pid;
}

/* What went wrong, once there is a child; it is waited for then. Nothing comes when its program has begun. */
static failure hear(pid_t pid, int report, const volatile result *told)
{
    failure what = { told->what.error, told->what.stage };
    ssize_t n = 0;

    while (!told->shared && (n = read(report, &what, sizeof what)) < 0 && errno == EINTR)
        ;
    if (what.error && (told->shared || n > 0)) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return what;
}

/* A pipe whose end for the child is in the way of nothing. 0 or the error. */
static int open_report(int fds[2])
{
    int high;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return errno;
    if (fds[1] > 2)
        return 0;
    high = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
    close(fds[1]);
    fds[1] = high;
    if (high >= 0)
        return 0;
    close(fds[0]);
    return errno;
}

/* Puts a number among those that ascend. */
static void insert(int *numbers, size_t n, int number)
{
    for (; n && numbers[n - 1] > number; n--)
        numbers[n] = numbers[n - 1];
    numbers[n] = number;
}

int awl__spawn_child(const awl__spawn *plan, pid_t *pid, awl__spawn_stage *stage)
{
    volatile result told = { .shared = false };
    failure what = { 0, AWL__AT_FORK };
    sigset_t all, before;
    int report[2];

    *stage = AWL__AT_FORK;
    what.error = open_report(report);
    if (what.error)
        return what.error;
    insert(plan->keep, plan->n_keep, report[1]);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    *pid = start(plan, report[1], &told);
    what.error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (*pid > 0)
        what = hear(*pid, report[0], &told);
    close(report[0]);
    *stage = what.stage;
    return what.error;
}
