/*
 * mustfail.c: bad tests. check_mustfail.sh knows the reason for which each must be reported.
 *
 *   bad_   fail in a plain run
 *   hang_  never end
 *   oom_   pass in a plain run, and fail with --fail-alloc
 *   asan_, ubsan_   fail if the sanitizer is compiled in
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* Through here a compiler can foresee nothing. */
static void *volatile hidden;
static volatile int zero;

static void *forget(void *block)
{
    hidden = block;
    return hidden;
}

/* --- checks --------------------------------------------------------------------------------------------------------- */

TEST(bad_check) { CHECK(1 + 1 == 3); }
TEST(bad_check_int) { CHECK_INT(1 + 1, -3); }
TEST(bad_check_str) { CHECK_STR("was\n\"\001", "wanted"); }
TEST(bad_check_str_null) { CHECK_STR(NULL, "wanted"); }
TEST(bad_check_ptr) { CHECK_PTR(NULL, (void *)16); }
TEST(bad_check_mem) { CHECK_MEM("abcdef", "abcxef", 6); }

TEST(bad_check_str_long)
{
    char a[1001], b[1001];
    memset(a, 'a', 1000);
    memset(b, 'a', 1000);
    a[1000] = b[1000] = '\0';
    a[500] = 'A';
    CHECK_STR(a, b);
}

TEST(bad_check_with_output_closed)
{
    close(1);
    close(2);
    CHECK(zero);
}

TEST(bad_check_after_much_output)
{
    for (int i = 0; i < 20000; i++)
        printf("line %d\n", i);
    CHECK(zero);
}

TEST(bad_check_in_forked_child)
{
    pid_t child = fork();
    if (child == 0)
        CHECK(zero);
    waitpid(child, NULL, 0);
}

static void *check_zero(void *unused)
{
    CHECK(zero);
    return unused;
}

TEST(bad_check_in_thread)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, check_zero, NULL), 0);
    pthread_join(thread, NULL);
}

/* --- ends ----------------------------------------------------------------------------------------------------------- */

TEST(bad_crash) { raise(SIGSEGV); }
TEST(bad_end_abort) { abort(); }
TEST(bad_end_kill) { raise(SIGKILL); }
TEST(bad_end_exit_0) { exit(0); }
TEST(bad_end_exit_3) { exit(3); }
TEST(bad_end_quick_exit) { _exit(0); }
TEST(bad_end_realtime_signal) { raise(40); }
TEST(bad_end_forked_child_returns) { waitpid(fork(), NULL, 0); }

TEST(bad_end_forked_child_skips)
{
    pid_t child = fork();
    if (child == 0)
        SKIP("in the child");
    waitpid(child, NULL, 0);
}

/* --- leaks ---------------------------------------------------------------------------------------------------------- */

TEST(bad_leak_block) { forget(malloc(7)); }

TEST(bad_leak_blocks)
{
    void *freed = forget(malloc(1));
    for (size_t i = 0; i < 10; i++)
        forget(calloc(i + 1, 10));
    free(freed);
}

TEST(bad_leak_fd)
{
    CHECK(open("/dev/null", O_RDONLY) >= 0);
    CHECK(open("/dev/zero", O_RDONLY) >= 0);
}

TEST(bad_leak_fd_and_block)
{
    CHECK(open("/dev/null", O_RDONLY) >= 0);
    forget(strdup("six"));
}

TEST(bad_leak_fd_as_stdout)
{
    close(1);
    CHECK_INT(open("/dev/null", O_WRONLY), 1);
}

TEST(bad_leak_fds_up_to_the_limit)
{
    while (dup(0) >= 0)
        continue;
}

TEST(bad_leak_of_stdin) { close(0); }

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

TEST(bad_leak_thread)
{
    pthread_t thread;
    harness_fail_alloc(0);
    CHECK_INT(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
}

TEST(bad_leak_process)
{
    if (fork() == 0)
        wait_for_ever(NULL);
}

TEST(bad_leak_zombie)
{
    siginfo_t how;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitid(P_PID, (id_t)child, &how, WEXITED | WNOWAIT);
}

static int seven(void) { return 7; }
static int none(void) { return 0; }

TEST(bad_leak_said_by_hook)
{
    harness_at_end(seven, "leaked tasks");
    harness_at_end(none, "nothing");
    harness_at_end(seven, "leaked frames");
}

/* --- traps ---------------------------------------------------------------------------------------------------------- */

static void say_and_abort(const char *text)
{
    fputs(text, stderr);
    abort();
}

TEST(bad_trap_goes_through) { EXPECT_TRAP((void)zero, "x"); }
TEST(bad_trap_says_else) { EXPECT_TRAP(say_and_abort("y"), "x"); }
TEST(bad_trap_exits) { EXPECT_TRAP(exit(4), "x"); }
TEST(bad_trap_is_killed) { EXPECT_TRAP(raise(SIGKILL), "x"); }
TEST(bad_trap_returns) { EXPECT_TRAP(return, "x"); }
TEST(bad_trap_check) { EXPECT_TRAP(CHECK(zero), "x"); }

/* --- no end --------------------------------------------------------------------------------------------------------- */

TEST(hang_for_ever) { wait_for_ever(NULL); }

TEST(hang_busy_and_deaf)
{
    signal(SIGTERM, SIG_IGN);
    for (;;)
        zero = 0;
}

TEST(hang_stopped) { raise(SIGSTOP); }

TEST(hang_writing)
{
    for (;;)
        puts("more and more");
}

/* Whoever reads descriptor 9 sees when both are up, and would notice if one outlived the test. */
TEST(hang_with_grandchild)
{
    if (fork() != 0)
        dprintf(9, "up\n");
    wait_for_ever(NULL);
}

/* --- no memory ------------------------------------------------------------------------------------------------------ */

TEST(oom_crash)
{
    char *block = forget(malloc(1));
    if (block == NULL)
        raise(SIGKILL);
    free(block);
}

static void say_unless_null(const void *block)
{
    if (block == NULL)
        raise(SIGKILL);
    say_and_abort("x");
}

TEST(oom_crash_in_trap)
{
    void *block = forget(malloc(1));
    EXPECT_TRAP(say_unless_null(block), "x");
    free(block);
}

TEST(oom_leak)
{
    void *a = forget(malloc(11)), *b = forget(malloc(12));
    if (b != NULL) {
        free(a);
        free(b);
    }
}

TEST(oom_exit)
{
    for (int i = 0; i < 3; i++) {
        void *block = forget(malloc(1));
        if (block == NULL && i == 2)
            exit(0);
        free(block);
    }
}

TEST(oom_two_of_five)
{
    for (int i = 1; i <= 5; i++) {
        void *block = forget(malloc(1));
        if (block == NULL && i % 2 == 0)
            raise(SIGKILL);
        CHECK(block != NULL);
        free(block);
    }
}

/* These see the error; no reason to report them. */
TEST(oom_ok_check)
{
    void *block = forget(malloc(1));
    CHECK(block != NULL);
    free(block);
}

TEST(oom_ok_skip)
{
    void *block = forget(malloc(1));
    if (block == NULL)
        SKIP("no memory");
    free(block);
}

TEST(oom_ok_own_plan)
{
    harness_fail_alloc(2);
    void *a = forget(malloc(1)), *b = forget(malloc(1));
    CHECK(a != NULL);
    CHECK_PTR(b, NULL);
    free(a);
}

/* Nothing is refused to the trap's child, nor to the test after it. */
TEST(oom_ok_trap)
{
    free(forget(malloc(1)));
    EXPECT_TRAP(say_unless_null(forget(malloc(1))), "x");
    void *block = forget(malloc(1));
    if (block == NULL)
        raise(SIGKILL);
    free(block);
}

/* --- the rest ------------------------------------------------------------------------------------------------------- */

TEST(skip_is_counted) { SKIP("a reason"); }

TEST(asan_overflow)
{
    volatile char *block = forget(malloc(1));
    block[zero + 1] = 'x';
    free(hidden);
}

TEST(ubsan_overflow)
{
    volatile int most = INT_MAX;
    most = most + 1;
}
