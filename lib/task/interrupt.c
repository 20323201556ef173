/* SIGINT and the main task of awl_run; see there. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interrupt.h"

static void interrupted(awl__signal *signal)
{
    awl__interrupt *interrupt = (awl__interrupt *)(void *)signal;

    interrupt->told = awl_task_cancel(interrupt->main); /* unless it is done */
}

/* Only the process's first thread, as in Python: of several that run loops, one has the user's attention. */
static bool is_first_thread(void) { return syscall(SYS_gettid) == getpid(); }

void awl__interrupt_begin(awl__interrupt *interrupt, awl_loop *loop, awl_task *main)
{
    *interrupt = (awl__interrupt){ .main = main };
    if (!loop->options.leave_sigint && is_first_thread())
        awl__signal_add(loop, &interrupt->signal, SIGINT, interrupted, AWL__STANDS_IN);
}

int awl__interrupt_end(awl__interrupt *interrupt, int error)
{
    awl__signal_remove(&interrupt->signal);
    if (interrupt->told)
        return error == ECANCELED && awl_task_uncancel(interrupt->main) == 0 ? AWL_EINTERRUPTED : error;

    /* It came when there was nothing left to cancel. */
    return !error && atomic_load(&interrupt->signal.came) ? AWL_EINTERRUPTED : error;
}
