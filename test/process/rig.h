/* What the tests of this folder share: tests that run with pidfds and without, short scripts. */
#ifndef PROCESS_RIG_H
#define PROCESS_RIG_H

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../signals/rig.h"
#include "loop/loop_priv.h"

/* Set before the loop of a test runs: SIGCHLD tells the ends of children. */
static bool no_pidfd;

#define PROCESS_TEST(name, ...)                                                                                        \
    co_declare(name, __VA_ARGS__);                                                                                     \
    TEST(name) { run_main(co_call(name)); }                                                                            \
    TEST(name##_by_sigchld)                                                                                            \
    {                                                                                                                  \
        no_pidfd = true;                                                                                               \
        run_main(co_call(name));                                                                                       \
    }                                                                                                                  \
    co_define(name)

/* Awaits x, which must fail with `error`, a cancellation included. Needs an int field `rc`. */
#define CHECK_FAILS(error, ...)                                                                                        \
    do {                                                                                                               \
        co_try_cancel(self->rc, __VA_ARGS__);                                                                          \
        CHECK_INT(self->rc, (error));                                                                                  \
    } while (0)

/* SH(place, script, options…) awaits the start of a script for /bin/sh. A test without memory ends here. */
#define SH(place, ...) SH_(place, __VA_ARGS__, .umask = 0)
#define SH_(place, script, ...)                                                                                        \
    do {                                                                                                               \
        awl_running_loop()->no_pidfd = no_pidfd;                                                                       \
        co_let(place, awl_create_subprocess_shell((script), &(awl_process_options){ __VA_ARGS__ }));                   \
    } while (0)

/* A script that lists its descriptors. */
#define LIST_FDS "for fd in $(seq 0 200); do [ -e /proc/$$/fd/$fd ] && printf '%s ' $fd; done"

/* The letter that ps shows for a process; 0: there is none. */
static inline char state_of(pid_t pid)
{
    char path[64], state = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    fclose(f);
    return state;
}

/* Whether it is there, and no zombie. */
static inline bool lives(pid_t pid) { return state_of(pid) && !strchr("ZX", state_of(pid)); }

/* Until it is gone: a signal takes its time. */
static inline bool dies(pid_t pid)
{
    for (int i = 0; i < 5000 && lives(pid); i++)
        usleep(1000);
    return !lives(pid);
}

static inline bool is_zombie(pid_t pid) { return kill(pid, 0) == 0 && !lives(pid); }

static inline __attribute__((unused)) void process_rig_may_be_unused_(void)
{
    (void)lives, (void)dies, (void)is_zombie, (void)no_pidfd;
}

#endif
