/* What the tests of this folder share: what the process itself does with a signal. */
#ifndef SIGNALS_RIG_H
#define SIGNALS_RIG_H

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../task/rig.h"

/* Whoever runs the tests may ignore signals, as a shell does for what is in its background. */
__attribute__((constructor)) static void ignore_no_signal(void)
{
    struct sigaction now;

    for (int number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN)
            signal(number, SIG_DFL);
    }
}

/* "default", "ignored", or "handled" by somebody. */
static inline const char *action_of(int number)
{
    struct sigaction now;

    CHECK_INT(sigaction(number, NULL, &now), 0);
    if (now.sa_flags & SA_SIGINFO)
        return "handled";
    return now.sa_handler == SIG_DFL ? "default" : now.sa_handler == SIG_IGN ? "ignored" : "handled";
}

/* A handler of somebody else's. */
static volatile sig_atomic_t foreign;
static inline void count_foreign(int number)
{
    (void)number;
    foreign++;
}

/* Waits for a child of the test's own. Result: its status, or the signal that ended it as a negative number. */
static inline int end_of(pid_t pid)
{
    int status;

    CHECK(pid > 0);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline __attribute__((unused)) void signals_rig_may_be_unused_(void)
{
    (void)action_of, (void)count_foreign, (void)end_of;
}

#endif
