/* The end of a run in which nothing can happen any more: proven, told, and ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signal_priv.h"

/* Whether a signal can run code of the program's: a handler for what the program does to itself is none of that kind.
 * Of our own handler, `outside` tells whether it has something to do. */
static bool signals_may_come(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    struct sigaction action;

    for (int number = 1; number < NSIG; number++) {
        bool fault = false;

        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            fault |= faults[i] == number;
        if (fault || sigaction(number, NULL, &action) < 0 || awl__signal_is_ours(&action))
            continue;
        if (action.sa_flags & SA_SIGINFO || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN))
            return true;
    }
    return false;
}

/* Whether one has come that the loop has not looked at yet: SIGINT, which a loop does not wait for, ends a run all the
 * same. */
static bool signals_have_come(const awl_loop *loop)
{
    for (awl__block *all = loop->signals.next; all != &loop->signals; all = all->next) {
        if (awl__signal_is_due(awl__signal_at(all)))
            return true;
    }
    return false;
}

/* Whether there are threads that could call awl_call_soon_threadsafe: any but this one and those that serve the loop,
 * which say when they are at work. Where that cannot be found out there are. */
static bool threads_may_call(const awl_loop *loop)
{
    struct stat status;

    if (__atomic_load_n(&loop->called_by_threads, __ATOMIC_RELAXED) || stat("/proc/self/task", &status) < 0)
        return true;
    return status.st_nlink != 2 + 1 + loop->threads; /* the folder has a folder for each, and . and .. */
}

/* Whether a loop that has nothing to do, and no timer, will have something to do some time. */
bool awl__loop_has_hope(const awl_loop *loop)
{
    if (loop->outside || !awl__backend_idle(loop))
        return true;
    if (loop->options.virtual_time)
        return false;
    return loop->options.allow_deadlock || loop->wheel.never || threads_may_call(loop) || signals_may_come() ||
           signals_have_come(loop);
}

int awl__loop_deadlock(awl_loop *loop)
{
    static const char what[] = "nothing is left that could happen: no timer, descriptor, thread or signal would wake a "
                               "task. Each waits for another one, or for what nobody will do; awl_dump shows for what";

    if (loop->tasks_alive) {
        awl__report(loop, &(awl_report){ .what = what, .error = EDEADLK });
        if (loop->dump && !loop->options.report)
            loop->dump(loop, STDERR_FILENO);
    }
    return EDEADLK;
}
