/* What the tests of process pools share: calls that stop at a gate of pipes, as workers have no memory in common. */
#ifndef PROCESS_RIG_H
#define PROCESS_RIG_H

#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A gate: a call says that it has come, and waits for a byte to let it through ------------------------------- */

static int came[2], through[2]; /* pipes: [0] is read */
static int gate_ends[2];        /* those that workers have */

static inline __attribute__((unused)) void open_pipes(void)
{
    CHECK_INT(pipe(came), 0);
    CHECK_INT(pipe(through), 0);
    CHECK_INT(fcntl(came[0], F_SETFL, O_NONBLOCK), 0);
    gate_ends[0] = came[1];
    gate_ends[1] = through[0];
}

static inline __attribute__((unused)) void close_pipes(void)
{
    close(came[0]);
    close(came[1]);
    close(through[0]);
    close(through[1]);
}

/* A call: its process, when it has been let through. */
static inline __attribute__((unused)) int stops(const void *in, size_t len, awl_reply *reply)
{
    const pid_t pid = getpid();
    char byte;

    (void)in, (void)len;
    if (write(gate_ends[0], &pid, sizeof pid) != (ssize_t)sizeof pid || read(gate_ends[1], &byte, 1) != 1)
        return EPIPE;
    awl_reply_set(reply, pid);
    return 0;
}

/* Its process, if one more has come; else 0. */
static inline __attribute__((unused)) pid_t who_came(void)
{
    pid_t pid = 0;

    return read(came[0], &pid, sizeof pid) == (ssize_t)sizeof pid ? pid : 0;
}

/* Waits until one more has come, and sets `place` to its process; the loop goes round, as jobs need it to begin. */
#define AWAIT_ONE(place)                                                                                               \
    do {                                                                                                               \
        co_await(awl_sleep(0));                                                                                        \
        (place) = who_came();                                                                                          \
    } while (!(place))

static inline __attribute__((unused)) void let_through(int n)
{
    while (n-- > 0)
        CHECK_INT(write(through[1], "", 1), 1);
}

#define AT_PIPE AWL_CALL(stops, NULL, 0)

/* A pool with options, whose workers have the gate, if there is one; raises its error. */
#define OPEN_PROCESSES(place, ...)                                                                                     \
    do {                                                                                                               \
        (place) = awl_process_pool_new(                                                                                \
            &(awl_process_pool_options){ .keep = gate_ends, .n_keep = came[1] ? 2 : 0, __VA_ARGS__ });                 \
        if (!(place))                                                                                                  \
            co_raise(errno);                                                                                           \
    } while (0)

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

static inline __attribute__((unused)) int own_pid(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len;
    awl_reply_set(reply, getpid());
    return 0;
}

static inline __attribute__((unused)) int server_pid(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len;
    awl_reply_set(reply, getppid());
    return 0;
}

static inline __attribute__((unused)) int same_number(const void *in, size_t len, awl_reply *reply)
{
    int n;

    CHECK_INT(len, sizeof n);
    memcpy(&n, in, sizeof n);
    awl_reply_set(reply, n);
    return 0;
}

/* As many bytes as its argument says, and each what its place says. */
static inline __attribute__((unused)) int many_bytes(const void *in, size_t len, awl_reply *reply)
{
    size_t n;
    unsigned char *at;

    if (len != sizeof n)
        return EINVAL;
    memcpy(&n, in, sizeof n);
    at = awl_reply_reserve(reply, n);
    if (!at)
        return ENOMEM;
    for (size_t i = 0; i < n; i++)
        at[i] = (unsigned char)(i * 7);
    return 0;
}

/* The sum of its bytes. */
static inline __attribute__((unused)) int sum_of_bytes(const void *in, size_t len, awl_reply *reply)
{
    const unsigned char *bytes = in;
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    awl_reply_set(reply, sum);
    return 0;
}

/* Whether a process is there, and no zombie. */
static inline __attribute__((unused)) bool lives(pid_t pid)
{
    char path[64], text[128] = "", state = 'X';
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    if (read(fd, text, sizeof text - 1) < 0 || sscanf(text, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    close(fd);
    return state != 'Z' && state != 'X';
}

#endif
