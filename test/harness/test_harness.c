/*
 * test_harness.c: what a good test may do, and what the calls of harness.h answer. Its counterpart is mustfail.c.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Compilers know malloc: they remove pairs of calls and see uses after realloc. What went through a volatile is anything. */
static void *kept(void *block)
{
    void *volatile hidden = block;
    return hidden;
}

static size_t huge(void)
{
    volatile size_t size = SIZE_MAX / 2;
    return size;
}

static int calls;
static int count_calls(void) { return ++calls; }

/* --- checks --------------------------------------------------------------------------------------------------------- */

TEST(check_macros_pass)
{
    CHECK(1 + 1 == 2);
    CHECK_INT(-1, -1);
    CHECK_INT(UINT64_MAX, -1);
    CHECK_STR("a", "a");
    CHECK_STR(NULL, NULL);
    CHECK_PTR(&calls, &calls);
    CHECK_MEM("a\0b", "a\0b", 3);
    CHECK_MEM(NULL, "", 0);
}

TEST(check_macros_evaluate_once)
{
    CHECK(count_calls() == 1);
    CHECK_INT(count_calls(), 2);
    CHECK_PTR((count_calls(), "c"), (count_calls(), "c"));
    CHECK_STR((count_calls(), "d"), (count_calls(), "d"));
    CHECK_MEM((count_calls(), "e"), (count_calls(), "e"), (size_t)(count_calls() > 0));
    CHECK_INT(calls, 9);
}

TEST(check_macros_are_single_expressions)
{
    if (calls == 0)
        CHECK(1);
    else
        CHECK_INT(1, 1);
    calls == 0 ? CHECK(1) : CHECK_STR("a", "a");
}

/* --- counting ------------------------------------------------------------------------------------------------------- */

TEST(counts_start_at_zero)
{
    CHECK_INT(harness_alloc_count(), 0);
    CHECK_INT(harness_live_blocks(), 0);
    CHECK_INT(harness_live_bytes(), 0);
}

TEST(counts_every_function)
{
    void *blocks[8];
    blocks[0] = kept(malloc(10));
    blocks[1] = kept(calloc(2, 10));
    blocks[2] = kept(realloc(NULL, 30));
    blocks[3] = kept(reallocarray(NULL, 4, 10));
    blocks[4] = kept(aligned_alloc(64, 64));
    CHECK_INT(posix_memalign(&blocks[5], 128, 60), 0);
    blocks[6] = kept(strdup("123456789"));
    blocks[7] = kept(strndup("123456789", 4));
    for (size_t i = 0; i < 8; i++)
        CHECK(blocks[i] != NULL);
    CHECK_STR(blocks[6], "123456789");
    CHECK_STR(blocks[7], "1234");
    CHECK_INT((uintptr_t)blocks[5] % 128, 0);

    CHECK_INT(harness_alloc_count(), 8);
    CHECK_INT(harness_live_blocks(), 8);
    CHECK_INT(harness_live_bytes(), 10 + 20 + 30 + 40 + 64 + 60 + 10 + 5);
    for (size_t i = 0; i < 8; i++)
        free(blocks[i]);
    CHECK_INT(harness_live_blocks(), 0);
    CHECK_INT(harness_live_bytes(), 0);
    CHECK_INT(harness_alloc_count(), 8);
}

TEST(counts_harness_malloc)
{
    void *block = harness_malloc(10);
    CHECK(block != NULL);
    CHECK_INT(harness_live_bytes(), 10);
    void *grown = harness_realloc(block, 500);
    CHECK(grown != NULL);
    CHECK_INT(harness_alloc_count(), 2);
    CHECK_INT(harness_live_blocks(), 1);
    CHECK_INT(harness_live_bytes(), 500);
    harness_free(grown);
    harness_free(NULL);
    CHECK_INT(harness_live_blocks(), 0);
}

TEST(counts_many_blocks_freed_in_another_order)
{
    enum { MANY = 20000 };
    static void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        CHECK((blocks[i] = malloc(1 + i % 100)) != NULL);
    CHECK_INT(harness_live_blocks(), MANY);
    for (size_t i = 0; i < MANY; i++)
        free(blocks[i * 7919 % MANY]);
    CHECK_INT(harness_live_blocks(), 0);
    CHECK_INT(harness_live_bytes(), 0);
}

TEST(counts_realloc_that_fails_keeps_the_block)
{
    char *block = kept(malloc(3));
    CHECK(block != NULL);
    strcpy(block, "ab");
    CHECK_PTR(realloc(kept(block), huge()), NULL);
    CHECK_INT(errno, ENOMEM);
    CHECK_INT(harness_live_bytes(), 3);
    CHECK_STR(block, "ab");
    free(block);
}

TEST(counts_overflow_is_refused)
{
    volatile size_t half = SIZE_MAX / 2;
    CHECK_PTR(calloc(half, 3), NULL);
    errno = 0;
    CHECK_PTR(reallocarray(NULL, half, 3), NULL);
    CHECK_INT(errno, ENOMEM);
    CHECK_INT(harness_live_blocks(), 0);
}

TEST(counts_block_of_the_c_library_may_be_freed)
{
    char *line = NULL;
    size_t size = 0;
    FILE *zero = fopen("/dev/null", "r");
    CHECK(zero != NULL);
    CHECK_INT(getline(&line, &size, zero), -1);
    free(line);
    fclose(zero);
    CHECK_INT(harness_live_blocks(), 0);
}

static void *allocate_until(void *stop)
{
    while (!atomic_load((atomic_bool *)stop))
        free(kept(malloc(8)));
    return NULL;
}

/* A child forked while the thread was at work in the harness must be able to allocate. */
TEST(counts_while_a_thread_allocates_and_children_do)
{
    pthread_t thread;
    atomic_bool stop = false;
    CHECK_INT(pthread_create(&thread, NULL, allocate_until, &stop), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            free(kept(malloc(8)));
            _exit(0);
        }
        CHECK_INT(waitpid(child, NULL, 0), child);
    }
    atomic_store(&stop, true);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(harness_alloc_count() > 0);
    CHECK_INT(harness_live_blocks(), 0);
}

/* --- refusing ------------------------------------------------------------------------------------------------------- */

TEST(fail_alloc_refuses_one)
{
    harness_fail_alloc(2);
    void *first = kept(malloc(1));
    CHECK(first != NULL);
    errno = 0;
    CHECK_PTR(kept(malloc(1)), NULL);
    CHECK_INT(errno, ENOMEM);
    void *third = kept(malloc(1));
    CHECK(third != NULL);
    CHECK_INT(harness_alloc_count(), 3);
    CHECK_INT(harness_live_blocks(), 2);
    free(first);
    free(third);
}

TEST(fail_alloc_counts_from_now)
{
    free(kept(malloc(1)));
    harness_fail_alloc(1);
    CHECK_PTR(kept(malloc(1)), NULL);
}

TEST(fail_alloc_from_refuses_all_later_ones)
{
    harness_fail_alloc_from(2);
    void *first = kept(malloc(1));
    CHECK(first != NULL);
    for (int i = 0; i < 5; i++)
        CHECK_PTR(kept(malloc(1)), NULL);
    harness_fail_alloc(0);
    void *last = kept(malloc(1));
    CHECK(last != NULL);
    free(first);
    free(last);
}

TEST(fail_alloc_refuses_every_function)
{
    void *block = &calls;
    harness_fail_alloc_from(1);
    CHECK_PTR(kept(calloc(1, 1)), NULL);
    CHECK_PTR(kept(realloc(NULL, 1)), NULL);
    CHECK_PTR(kept(reallocarray(NULL, 1, 1)), NULL);
    CHECK_PTR(kept(aligned_alloc(64, 64)), NULL);
    CHECK_INT(posix_memalign(&block, 64, 64), ENOMEM);
    CHECK_PTR(block, &calls);
    CHECK_PTR(kept(strdup("a")), NULL);
    CHECK_PTR(kept(strndup("a", 1)), NULL);
    CHECK_PTR(harness_malloc(1), NULL);
    CHECK_PTR(harness_realloc(NULL, 1), NULL);
    CHECK_INT(harness_alloc_count(), 9);
}

TEST(fail_alloc_realloc_keeps_the_block)
{
    char *block = kept(malloc(3));
    CHECK(block != NULL);
    strcpy(block, "ab");
    harness_fail_alloc(1);
    CHECK_PTR(realloc(kept(block), 100), NULL);
    CHECK_STR(block, "ab");
    CHECK_INT(harness_live_bytes(), 3);
    free(block);
}

/* Run with --fail-alloc, each of these is refused to in turn, and must give back what it got before that. */
TEST(fail_alloc_by_command_line_is_survived)
{
    void *a = kept(malloc(1)), *b = kept(malloc(2)), *c = kept(malloc(3));
    free(a);
    free(b);
    free(c);
}

/* --- traps ---------------------------------------------------------------------------------------------------------- */

static void say_and_abort(const char *text)
{
    fputs(text, stderr);
    abort();
}

TEST(trap_by_abort) { EXPECT_TRAP(say_and_abort("one two three"), "two"); }

TEST(trap_by_trap_instruction)
{
    EXPECT_TRAP({ fputs("oops", stderr); __builtin_trap(); }, "oops");
    EXPECT_TRAP({ fputs("oops", stderr); raise(SIGTRAP); }, "oops");
}

TEST(trap_text_may_stand_behind_much_else)
{
    EXPECT_TRAP({ for (int i = 0; i < 100000; i++) fputs("0123456789", stderr); say_and_abort("end"); }, "end");
}

TEST(trap_changes_nothing_in_the_test)
{
    EXPECT_TRAP({ calls = 5; kept(malloc(1)); close(0); say_and_abort("x"); }, "x");
    CHECK_INT(calls, 0);
    CHECK_INT(harness_alloc_count(), 0);
}

TEST(trap_leaves_the_plan_of_the_test_alone)
{
    harness_fail_alloc(1);
    EXPECT_TRAP({ if (kept(malloc(1)) == NULL) say_and_abort("x"); }, "x");
    CHECK_PTR(kept(malloc(1)), NULL);
}

TEST(trap_is_a_single_statement)
{
    if (calls == 0)
        EXPECT_TRAP(abort(), "");
    else
        CHECK(0);
}

/* --- what a test may leave, and do ---------------------------------------------------------------------------------- */

TEST(what_is_given_back_is_no_leak)
{
    int fd = open("/dev/null", O_RDONLY), copy = dup(fd);
    CHECK(fd >= 0 && copy >= 0);
    close(copy);
    close(fd);

    pid_t child = fork();
    if (child == 0)
        _exit(0);
    CHECK_INT(waitpid(child, NULL, 0), child);
}

static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

TEST(allowed_leaks_pass)
{
    pthread_t thread;
    harness_allow_leaks();
    harness_at_end(count_calls, "not called");
    void *block = kept(malloc(1));
    CHECK(block != NULL);
    CHECK(open("/dev/null", O_RDONLY) >= 0);
    CHECK_INT(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    if (fork() == 0)
        wait_for_ever(NULL);
}

/* The function answers 0 here only if it is called when the test is over. */
static int calls_is_not_five(void) { return calls != 5; }

TEST(at_end_hook_is_called)
{
    harness_at_end(calls_is_not_five, "the test was not over");
    calls = 5;
}

TEST(standard_output_may_be_closed)
{
    close(1);
    close(2);
}

TEST(standard_output_may_be_redirected_and_put_back)
{
    int saved = dup(1), null = open("/dev/null", O_WRONLY);
    CHECK_INT(dup2(null, 1), 1);
    puts("unseen");
    CHECK_INT(dup2(saved, 1), 1);
    close(saved);
    close(null);
}

TEST(much_output_blocks_nobody)
{
    for (int i = 0; i < 100000; i++)
        fputs("0123456789", i % 2 ? stdout : stderr);
}

TEST(standard_input_is_empty)
{
    char byte;
    CHECK_INT(read(0, &byte, 1), 0);
}

TEST(signals_are_at_their_defaults)
{
    struct sigaction action;
    sigset_t mask;
    CHECK_INT(sigaction(SIGCHLD, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
    CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    CHECK_INT(sigismember(&mask, SIGCHLD), 0);
}

static void on_alarm(int sig) { (void)sig; }

/* A trap's child is waited for although signals interrupt that. */
TEST(trap_in_a_rain_of_signals)
{
    struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
    signal(SIGALRM, on_alarm);
    CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 5; i++)
        EXPECT_TRAP(say_and_abort("x"), "x");
    CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
}
