/* System calls that older headers do not know. To be included behind _GNU_SOURCE. */
#ifndef AWL_SIGNALS_SYSCALLS_H
#define AWL_SIGNALS_SYSCALLS_H

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Of Linux 5.1 to 5.9. The numbers are the same on all machines but these, which count from elsewhere: there a call that
 * the headers do not know is ENOSYS. */
#if defined __alpha__ || defined __mips__
#define AWL__NEW_CALL(number) (-1)
#else
#define AWL__NEW_CALL(number) (number)
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal AWL__NEW_CALL(424)
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open AWL__NEW_CALL(434)
#endif
#ifndef SYS_close_range
#define SYS_close_range AWL__NEW_CALL(436)
#endif

/* A descriptor that is readable when the process has ended, and is closed by exec. -1 with errno: an old kernel, a sandbox … */
static inline int awl__pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

#endif
