/* Descriptors of processes. To be included behind _GNU_SOURCE. */
#ifndef AWL_SIGNALS_PIDFD_H
#define AWL_SIGNALS_PIDFD_H

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Of Linux 5.3; the number is the same on all machines but Alpha. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* One that is readable when the process has ended, and is closed by exec. -1 with errno: an old kernel, a sandbox … */
static inline int awl__pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

#endif
