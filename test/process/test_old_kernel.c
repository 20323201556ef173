/* test_old_kernel.c: where the kernel has neither close_range nor pidfds: a filter says ENOSYS. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "rig.h"

enum { PIDFD_SEND_SIGNAL = 424, PIDFD_OPEN = 434, CLOSE_RANGE = 436 };

/* From here on this process and its children are on Linux 5.0. */
static void become_old(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PIDFD_SEND_SIGNAL, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PIDFD_OPEN, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLOSE_RANGE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { .len = sizeof filter / sizeof *filter, .filter = filter };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        SKIP("no filters of system calls here");
}

TASK_TEST(descriptors_are_closed_one_by_one, { awl_process *p; int i; })
{
    co_begin;
    become_old();
    for (self->i = 50; self->i < 150; self->i++)
        CHECK_INT(dup2(0, self->i), self->i);
    SH(self->p, LIST_FDS, .out = AWL_PIPE, .pass_fds = &(int){ 77 },
       .n_pass_fds = 1);
    co_await(awl_process_communicate(self->p, NULL, 0, 0));
    CHECK_STR(awl_process_output(self->p, NULL), "0 1 2 77 ");
    co_finally;
    for (self->i = 50; self->i < 150; self->i++)
        close(self->i);
    awl_process_close(self->p);
    co_end;
}

TASK_TEST(ends_are_told_by_sigchld, { awl_process *p; int code; })
{
    co_begin;
    become_old();
    SH(self->p, "read x; exit 3", .in = AWL_PIPE);
    CHECK_STR(action_of(SIGCHLD), "handled");
    awl_process_close_stdin(self->p);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, 3);
    awl_process_close(self->p);
    self->p = NULL;
    SH(self->p, "read x; exit 3", .in = AWL_PIPE);
    CHECK_INT(awl_process_kill(self->p), 0);
    co_let(self->code, awl_process_wait(self->p));
    CHECK_INT(self->code, -SIGKILL);
    co_finally;
    awl_process_close(self->p);
    co_end;
}
