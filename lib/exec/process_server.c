/* The fork server of a process pool: how it is begun and spoken with, and what it does. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../signals/syscalls.h"
#include "process_priv.h"

/* ---- In the server: what it is not to have from the program ------------------------------------------------------ */

static void close_from_to(unsigned first, unsigned last)
{
    struct rlimit most;

    if (first > last)
        return;
    if (syscall(SYS_close_range, first, last, 0) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur <= last)
        last = (unsigned)most.rlim_cur - 1;
    for (unsigned fd = first; fd <= last && fd >= first; fd++)
        close((int)fd);
}

static int by_number(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

/* /dev/null for standard input, and for what is none of the program's own standard descriptors, as those were closed:
 * one that is the loop's, or none. */
static void place_standard(int fd, bool is_kept)
{
    const int flags = fcntl(fd, F_GETFD);
    int null;

    if (flags >= 0 && (is_kept || (fd != STDIN_FILENO && !(flags & FD_CLOEXEC))))
        return;
    null = open("/dev/null", O_RDWR);
    if (null >= 0 && null != fd) {
        dup2(null, fd);
        close(null);
    }
}

/* Closes all descriptors but standard output and error, the socket, and what jobs may use. */
static void close_others(const awl__process_pool *pool, int control)
{
    int kept[AWL__MOST_KEPT + 1] = { control };
    const size_t n = pool->options.n_keep + 1;
    int next = 3;

    for (size_t i = 1; i < n; i++)
        kept[i] = pool->keep[i - 1];
    qsort(kept, n, sizeof *kept, by_number);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        place_standard(fd, bsearch(&fd, kept, n, sizeof *kept, by_number) != NULL);
    for (size_t i = 0; i < n; i++) {
        if (kept[i] < next)
            continue;
        close_from_to((unsigned)next, (unsigned)kept[i] - 1);
        next = kept[i] + 1;
    }
    close_from_to((unsigned)next, INT32_MAX);
}

static void nothing(int sig) { (void)sig; }

/* Signals as a program begins with, but those that a terminal sends to all, and those of a system that stops, are for
 * the loop's process to decide about. Leaves them blocked. */
static void reset_signals(void)
{
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        signal(sig, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, nothing);
}

/* ---- In the server ---------------------------------------------------------------------------------------------- */

typedef struct child {
    pid_t pid; /* 0: none */
    uint32_t id;
} child;

enum phase { SERVES, LINGERS, TERMINATES, KILLS };

typedef struct server {
    const awl__process_pool *pool;
    int control; /* -1: its other end is gone */
    int parent;  /* a pidfd of the loop's process, whose children may have that end, too; -1: the kernel has none */
    unsigned n;
    enum phase phase;
    int64_t until; /* ns, when the next phase begins; INT64_MAX: never */
    int64_t grace;
    child children[AWL__MOST_WORKERS];
} server;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void tell(const server *s, enum awl__notice what, uint32_t slot, uint32_t id, int number)
{
    const awl__message notice = {
        .what = (int32_t)what, .number = number, .slot = slot, .id = id, .forced = s->phase > LINGERS
    };
    ssize_t n;

    do
        n = send(s->control, &notice, sizeof notice, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
}

/* In the new worker. */
static _Noreturn void be_worker(const server *s, int fd, pid_t parent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    close(s->control);
    if (s->parent >= 0)
        close(s->parent);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    awl__worker_main(s->pool, fd);
}

static void fork_worker(server *s, const awl__message *order, int fd)
{
    const pid_t parent = getpid(), pid = fd < 0 ? -1 : fork();

    if (pid == 0)
        be_worker(s, fd, parent);
    if (pid < 0) {
        tell(s, AWL__UNBORN, order->slot, order->id, fd < 0 ? EMFILE : errno);
    } else {
        s->children[order->slot] = (child){ pid, order->id };
        s->n++;
    }
    if (fd >= 0)
        close(fd);
}

static void signal_all(const server *s, int sig)
{
    for (unsigned i = 0; i < s->pool->options.workers; i++) {
        if (s->children[i].pid)
            kill(s->children[i].pid, sig);
    }
}

static void reap(server *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (uint32_t i = 0; i < s->pool->options.workers; i++) {
            if (s->children[i].pid != pid)
                continue;
            s->children[i].pid = 0;
            s->n--;
            tell(s, AWL__ENDED, i, s->children[i].id, status);
        }
    }
}

/* ---- In the server: orders -------------------------------------------------------------------------------------- */

/* Takes an order and the descriptor that came with it, or -1. False: there is nobody any more to give any. */
static bool take_order(const server *s, awl__message *order, int *fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { order, sizeof *order };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct cmsghdr *extra;
    const ssize_t n = recvmsg(s->control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    *fd = -1;
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        order->what = 0;
        return true;
    }
    if (n != (ssize_t)sizeof *order)
        return false;
    extra = CMSG_FIRSTHDR(&message);
    if (extra && extra->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(extra), sizeof *fd);
    return true;
}

static int64_t after(int64_t now, int64_t ns) { return ns >= INT64_MAX - now ? INT64_MAX : now + ns; }

/* The loop's process is gone. */
static void be_orphan(server *s)
{
    close(s->control);
    s->control = -1;
    s->phase = KILLS;
    signal_all(s, SIGKILL);
}

static void obey(server *s)
{
    awl__message order;
    int fd;

    if (!take_order(s, &order, &fd)) {
        be_orphan(s);
        return;
    }
    if (order.what == AWL__FORK)
        fork_worker(s, &order, fd);
    if (order.what == AWL__KILL && s->children[order.slot].pid && s->children[order.slot].id == order.id)
        kill(s->children[order.slot].pid, order.number);
    if (order.what == AWL__END) {
        s->phase = LINGERS;
        s->until = order.linger < 0 ? 0 : after(now_ns(), order.linger);
        s->grace = order.grace;
    }
}

/* Begins the next phase, if it is time. */
static void hurry(server *s)
{
    if (s->until == INT64_MAX || now_ns() < s->until)
        return;
    if (s->phase == LINGERS && s->grace > 0) {
        s->phase = TERMINATES;
        s->until = after(now_ns(), s->grace);
        signal_all(s, SIGTERM);
    } else {
        s->phase = KILLS;
        s->until = INT64_MAX;
        signal_all(s, SIGKILL);
    }
}

/* Result: whether the loop's process has ended. */
static bool wait_for_something(const server *s)
{
    struct pollfd at[] = { { .fd = s->control, .events = POLLIN },
                           { .fd = s->control < 0 ? -1 : s->parent, .events = POLLIN } };
    struct timespec timeout = { 0 };
    sigset_t none;

    if (s->until != INT64_MAX) {
        const int64_t now = now_ns(), left = s->until > now ? s->until - now : 0;

        timeout = (struct timespec){ (time_t)(left / 1000000000), (long)(left % 1000000000) };
    }
    sigemptyset(&none);
    return ppoll(at, 2, s->until == INT64_MAX ? NULL : &timeout, &none) > 0 && at[1].revents;
}

static _Noreturn void serve(const awl__process_pool *pool, int control, pid_t parent)
{
    static server s;

    s = (server){ .pool = pool, .control = control, .until = INT64_MAX };
    awl_running_ = NULL; /* the loop is another process's */
    prctl(PR_SET_NAME, "awl-forks");
    reset_signals();
    close_others(pool, control);
    s.parent = awl__pidfd_open(parent);
    while (s.phase == SERVES || s.n) {
        if (wait_for_something(&s))
            be_orphan(&s);
        if (s.control >= 0)
            obey(&s);
        reap(&s);
        hurry(&s);
    }
    _exit(0);
}

/* ---- In the loop's process -------------------------------------------------------------------------------------- */

/* 0 or the error: then it is closed. */
static int move_up(int *fd)
{
    const int low = *fd;

    if (low > STDERR_FILENO)
        return 0;
    *fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(low);
    return *fd < 0 ? errno : 0;
}

int awl__sockets_open(int type, int fds[2])
{
    int error;

    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
        return errno;
    error = move_up(&fds[0]);
    if (error) {
        close(fds[1]);
        return error;
    }
    error = move_up(&fds[1]);
    if (error)
        close(fds[0]);
    return error;
}

/* Descriptors that are not open, or not what they were when the first server was forked, are not those to keep. */
static void look_at_kept(awl__process_pool *pool)
{
    size_t n = 0;

    for (size_t i = 0; i < pool->options.n_keep; i++) {
        struct stat st;

        if (fstat(pool->keep[i], &st) < 0)
            continue;
        if (pool->forked && (st.st_dev != pool->kept[i].device || st.st_ino != pool->kept[i].inode))
            continue;
        pool->keep[n] = pool->keep[i];
        pool->kept[n].device = st.st_dev;
        pool->kept[n].inode = st.st_ino;
        n++;
    }
    pool->options.n_keep = n;
    pool->forked = true;
}

int awl__server_fork(awl__process_pool *pool)
{
    const pid_t parent = getpid();
    sigset_t all, before;
    int fds[2], error;
    pid_t pid;

    error = awl__sockets_open(SOCK_SEQPACKET, fds);
    if (error)
        return error;
    look_at_kept(pool);
    fflush(stdout); /* else what is not written yet is written by each process */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        serve(pool, fds[1], parent);
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return error;
    }
    pool->server = pid;
    pool->control_fd = fds[0];
    pool->life_fd = awl__pidfd_open(pid);
    return 0;
}

int awl__server_tell(const awl__process_pool *pool, const awl__message *order, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec part = { (void *)(uintptr_t)order, sizeof *order };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n;

    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.head =
            (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    do
        n = sendmsg(pool->control_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? errno : 0;
}

static int hear(const awl__process_pool *pool, awl__message *notice)
{
    ssize_t n;

    do
        n = recv(pool->control_fd, notice, sizeof *notice, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return EAGAIN;
    return n == (ssize_t)sizeof *notice ? 0 : ESRCH;
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = { 0 };

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ? errno == ECHILD : info.si_pid != 0;
}

/* Its socket tells of its end, unless a worker has that, too: one that was stopped before its first step. */
int awl__server_hear(const awl__process_pool *pool, awl__message *notice)
{
    int error = hear(pool, notice);

    if (error == EAGAIN && has_ended(pool->server)) {
        error = hear(pool, notice); /* what it said last */
        if (error == EAGAIN)
            error = ESRCH;
    }
    return error;
}
