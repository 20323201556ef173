/*
 * run.c: one run of one test: forks it, reads its output, ends it, and clears up after it.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness_priv.h"

static struct slot *slots;
static struct pollfd *polled;     /* one for each slot, as is this: */
static struct verdict *verdicts;
static size_t slots_len;

static volatile sig_atomic_t interrupted; /* the signal that asks us to end */
static sigset_t signals_waiting;          /* what is blocked while we wait */

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- signals -------------------------------------------------------------------------------------------------------- */

static void on_child(int sig) { (void)sig; }
static void on_interrupt(int sig) { interrupted = sig; }

/* Our signals are blocked but while we wait in ppoll, so that none comes between a look and a wait. */
static void catch_signals(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &signals_waiting);
    sigdelset(&signals_waiting, SIGCHLD);
    sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_child }, NULL);
    sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
}

static void restore_signals(void)
{
    static const int ours[] = { SIGCHLD, SIGINT, SIGTERM, SIGPIPE };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        signal(ours[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void kill_run(const struct slot *slot)
{
    kill(-slot->pid, SIGKILL);
    kill(slot->pid, SIGKILL); /* it may have left the group that it was given */
}

__attribute__((noreturn)) static void die_interrupted(void)
{
    for (size_t i = 0; i < slots_len; i++)
        if (slots[i].test != NULL)
            kill_run(&slots[i]);
    int sig = interrupted;
    restore_signals();
    raise(sig);
    exit(1);
}

/* --- slots ---------------------------------------------------------------------------------------------------------- */

struct slot *harness__slots_new(size_t len)
{
    /* Were 0, 1 or 2 closed, a pipe could get that number, and be lost when the test is given its own 0, 1 and 2. */
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);

    slots = calloc(len, sizeof *slots);
    polled = calloc(len, sizeof *polled);
    verdicts = mmap(NULL, len * sizeof *verdicts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (slots == NULL || polled == NULL || verdicts == MAP_FAILED)
        give_up("cannot start");
    for (size_t i = 0; i < len; i++)
        slots[i].verdict = &verdicts[i];
    slots_len = len;
    catch_signals();
    return slots;
}

void harness__slots_free(void)
{
    munmap(verdicts, slots_len * sizeof *verdicts);
    free(polled);
    free(slots);
}

/* Returns early on any signal. */
void harness__slots_wait(void)
{
    int64_t left = 60000;
    for (size_t i = 0; i < slots_len; i++) {
        const struct slot *slot = &slots[i];
        polled[i] = (struct pollfd){ .fd = slot->test != NULL ? slot->output : -1, .events = POLLIN };
        if (slot->test != NULL && slot->deadline - now_ms() < left)
            left = slot->deadline - now_ms();
    }
    if (left < 0)
        left = 0;

    struct timespec timeout = { .tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000 };
    if (ppoll(polled, slots_len, &timeout, &signals_waiting) < 0 && errno != EINTR)
        give_up("cannot poll");
    if (interrupted)
        die_interrupted();
}

/* --- one run -------------------------------------------------------------------------------------------------------- */

/* Turns a freshly forked process into that of the slot's test. */
__attribute__((noreturn)) static void become_test(const struct slot *slot, int output, pid_t runner)
{
    /* A runner that is killed takes its tests along. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != runner)
        _exit(1);
    setpgid(0, 0);
    restore_signals();

    for (size_t i = 0; i < slots_len; i++)
        if (slots[i].test != NULL && slots[i].output >= 0)
            close(slots[i].output);
    int null = open("/dev/null", O_RDONLY);
    if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(1);
    close(null);
    close(output);
    harness__child_run(slot->test, slot->verdict, slot->refusal);
}

void harness__run_start(struct slot *slot, size_t limit)
{
    int ends[2];
    memset(slot->verdict, 0, sizeof *slot->verdict);
    slot->tail.total = 0;
    slot->timed_out = false;

    if (pipe2(ends, O_CLOEXEC) != 0)
        give_up("cannot make a pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    slot->output = ends[0];
    fflush(NULL);
    pid_t runner = getpid();
    slot->pid = fork();
    if (slot->pid < 0)
        give_up("cannot fork");
    if (slot->pid == 0)
        become_test(slot, ends[1], runner);

    /* Both sides do this: whoever comes first, the group is there. */
    setpgid(slot->pid, slot->pid);
    close(ends[1]);
    slot->deadline = now_ms() + (int64_t)limit * 1000;
}

/* Reads what there is, but not much more than `most` bytes: some tests never stop writing. */
static void read_output(struct slot *slot, size_t most)
{
    static char buffer[16 * 1024];
    for (size_t got = 0; slot->output >= 0 && got < most;) {
        ssize_t len = read(slot->output, buffer, sizeof buffer);
        if (len > 0) {
            harness__tail_put(&slot->tail, buffer, (size_t)len);
            got += (size_t)len;
        } else if (len == 0) {
            close(slot->output);
            slot->output = -1;
        } else if (errno != EINTR) {
            break;
        }
    }
}

bool harness__run_ended(struct slot *slot, siginfo_t *how)
{
    /* Output first: a full pipe would keep the test from its end. */
    read_output(slot, TAIL_SIZE);
    how->si_pid = 0;
    if (waitid(P_PID, (id_t)slot->pid, how, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR)
        give_up("cannot wait for a test");

    if (how->si_pid == 0) {
        if (now_ms() >= slot->deadline && !slot->timed_out) {
            kill_run(slot);
            slot->timed_out = true;
            slot->deadline = INT64_MAX; /* it is dying, SIGCHLD will tell */
        }
        return false;
    }

    /* While it is not reaped, its number cannot be another group's. */
    kill_run(slot);
    while (waitpid(slot->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    read_output(slot, 1024 * 1024); /* as much as a pipe holds */
    if (slot->output >= 0)
        close(slot->output);
    slot->output = -1;
    return true;
}
