/*
 * harness.h: a test runner. Each test is forked, timed and searched for leaks.
 *
 *     #include "harness.h"
 *     #include "queue.h"
 *
 *     TEST(queue_pops_what_was_pushed)
 *     {
 *         struct queue *q = queue_new();
 *         CHECK(q != NULL);
 *         CHECK_INT(queue_push(q, "a"), 0);
 *         CHECK_STR(queue_pop(q), "a");
 *         EXPECT_TRAP(queue_pop(q), "pop from an empty queue");
 *         queue_free(q);
 *     }
 *
 * There is no main() to write: the harness has it. In Meson: executable(…, dependencies: harness_dep).
 *
 * What happens to a test
 *   It runs in a process of its own, at the head of its own process group, with /dev/null as standard input and with its
 *   output captured; the last 64 kB of that are shown if it fails. It passes when its function returns in time and leaves
 *   nothing behind: no descriptor, no heap block, no thread, no child process. It fails when a CHECK fails, when it crashes,
 *   calls exit or _exit, overruns the time limit (its whole group is killed then), trips a sanitizer, closes a descriptor
 *   that it did not open (1 and 2 excepted), or when a function given to harness_at_end() says so.
 *   One line tells of each failure, on standard error:      FILE:LINE: NAME: what was expected, what was there
 *
 * The command line of every test program
 *   -v               show every test and its output, not only the failed ones
 *   --list           print the names of the tests and exit
 *   --filter TEXT    only the tests with TEXT in their names
 *   --jobs N         tests run at once, 2 unless given
 *   --limit N        time limit in seconds: 20 unless given, 100 under a sanitizer
 *   --fail-alloc     run each test again and again, its 1st, 2nd, 3rd … allocation failing, until a run asks for fewer
 *   --from           with --fail-alloc: the n-th allocation and all later ones fail
 *   --max N          with --fail-alloc: at most N runs of a test, 2,000 unless given
 *   The last line is `N passed, N failed` or `N passed, N failed, N skipped`. The exit status is 0 if none failed and at
 *   least one passed, 77 if all were skipped, 2 for a wrong command line, else 1.
 *
 * Runs with a failed allocation
 *   Such a run is right when the test passes, is skipped, or fails a CHECK (it saw the error). It is a failure when the test
 *   passes but leaks, crashes, hangs, trips a sanitizer or exits. From harness_fail_alloc() or EXPECT_TRAP on, a test has
 *   plans of its own: no allocation fails any more on behalf of the command line.
 *
 * Which allocations count
 *   Those in code that is linked into the test program itself, from objects and static libraries (by the linker's --wrap):
 *   malloc, calloc, realloc, reallocarray, aligned_alloc, posix_memalign, strdup, strndup. Those inside shared libraries do
 *   not, unless the library is given harness_malloc() and its sisters. A block of a shared library (getline's) may be freed or
 *   reallocated here; one made here must not be freed there, or it is reported as leaked.
 *   In a static program the C library's own count, too; glibc's threads then look like a leak, musl's do not.
 *   A leaked block is named by its number and by the call that made it, as `prog+0x11d9`: ask addr2line -e prog 0x11d9.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Defines and registers a test; its body follows in braces. Expands to a static function and to a constructor that puts the
 * function on the list of tests.
 *
 *   name     an identifier that says one behaviour, unique in the program
 * Source   test_harness.c, all of it
 */
#define TEST(name)                                                                                                       \
    static void test_##name##_(void);                                                                                    \
    static struct harness_test_ record_##name##_ = { #name, __FILE__, __LINE__, test_##name##_, NULL };                  \
    __attribute__((constructor)) static void add_##name##_(void) { harness_add_(&record_##name##_); }                    \
    static void test_##name##_(void)

/*
 * Each ends the test as failed unless what it says is so. They are expressions of type void, may stand in any function, thread
 * or forked child of a test, and evaluate each argument once.
 *
 *   CHECK      `cond` is not zero
 *   CHECK_INT  two integers are equal, compared as intmax_t: -1 equals UINT64_MAX
 *   CHECK_STR  two strings are equal; NULL equals NULL only
 *   CHECK_PTR  two object pointers are equal
 *   CHECK_MEM  `len` bytes are equal; either may be NULL when `len` is 0
 * Source   check_macros_*, test_harness.c; bad_check*, mustfail.c
 */
#define CHECK(cond) ((cond) ? (void)0 : harness_fail_(__FILE__, __LINE__, "expected %s, it was false", #cond))
#define CHECK_INT(actual, expected) \
    harness_check_int_(__FILE__, __LINE__, #actual, (intmax_t)(actual), (intmax_t)(expected))
#define CHECK_STR(actual, expected) harness_check_str_(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_PTR(actual, expected) \
    harness_check_ptr_(__FILE__, __LINE__, #actual, (const void *)(actual), (const void *)(expected))
#define CHECK_MEM(actual, expected, len) harness_check_mem_(__FILE__, __LINE__, #actual, (actual), (expected), (len))

/*
 * Ends the test as skipped; nothing is searched for leaks.
 *
 *   reason   a string, shown with -v
 * Source   skip_is_counted, mustfail.c
 */
#define SKIP(reason) harness_skip_(__FILE__, __LINE__, (reason))

/*
 * Runs a statement in a forked child, and ends the test as failed unless that child dies by SIGABRT, SIGILL or SIGTRAP after
 * writing `text` to its standard error. Nothing the statement does is seen by the test, and its allocations are not counted.
 *
 *   statement  an expression or a block; a comma outside parentheses would end the argument: move such a block to a
 *              function. It must not leave the block by break, continue or goto.
 *   text       a string, evaluated once
 * Source   trap_*, test_harness.c; bad_trap*, mustfail.c
 */
#define EXPECT_TRAP(statement, text)                                     \
    do {                                                                 \
        if (harness_trap_begin_()) {                                     \
            statement;                                                   \
            harness_trap_survived_();                                    \
        }                                                                \
        harness_trap_end_(__FILE__, __LINE__, #statement, (text));       \
    } while (0)

/*
 * Has a function called at the end of each test that returned, after the search for leaks.
 *
 *   fn       returns 0 if all is well; any other number fails the test with the reason `NAME: NUMBER`
 *   name     what the number counts ("leaked tasks"), valid for the rest of the program
 * Errors   the program ends with a message after 16 of them.
 * Context  from a constructor (for all tests of the program) or from a test (for that one).
 * Source   at_end_hook_is_called, test_harness.c; bad_leak_said_by_hook, mustfail.c
 */
void harness_at_end(int (*fn)(void), const char *name);

/*
 * Lets the running test leak: nothing is searched for at its end, and no function of harness_at_end() is called.
 *
 * Source   allowed_leaks_pass, test_harness.c
 */
void harness_allow_leaks(void);

/*
 * Makes one allocation, or it and all later ones, return NULL with errno ENOMEM (posix_memalign: return ENOMEM). A later call
 * of either replaces the plan.
 *
 *   n        which one, counted from now: 1 is the next; 0 takes the plan back
 * Context  any thread of a test. A forked child goes on with its own copy of the plan and of the counts.
 * Source   fail_alloc_*, test_harness.c
 */
void harness_fail_alloc(size_t n);
void harness_fail_alloc_from(size_t n);

/*
 * Allocations asked for since the test began, failed ones included; blocks of them that are alive, and their bytes.
 *
 * Source   counts_*, test_harness.c
 */
size_t harness_alloc_count(void);
size_t harness_live_blocks(void);
size_t harness_live_bytes(void);

/*
 * malloc, realloc and free that are counted, and failed, wherever they are called from. To be handed to a shared library that
 * accepts such functions, before it allocates anything: event_set_mem_functions(harness_malloc, harness_realloc, harness_free).
 *
 * Result   as malloc, realloc and free.
 * Source   counts_harness_malloc, test_harness.c
 */
void *harness_malloc(size_t size);
void *harness_realloc(void *old, size_t size);
void harness_free(void *block);

/* From here on: what the macros expand to. */

struct harness_test_ {
    const char *name_, *file_;
    int line_;
    void (*run_)(void);
    struct harness_test_ *next_;
};

void harness_add_(struct harness_test_ *test);
__attribute__((noreturn, format(printf, 3, 4))) void harness_fail_(const char *file, int line, const char *format, ...);
__attribute__((noreturn)) void harness_skip_(const char *file, int line, const char *reason);
void harness_check_int_(const char *file, int line, const char *what, intmax_t actual, intmax_t expected);
void harness_check_str_(const char *file, int line, const char *what, const char *actual, const char *expected);
void harness_check_ptr_(const char *file, int line, const char *what, const void *actual, const void *expected);
void harness_check_mem_(const char *file, int line, const char *what, const void *actual, const void *expected, size_t len);
int harness_trap_begin_(void);
__attribute__((noreturn)) void harness_trap_survived_(void);
void harness_trap_end_(const char *file, int line, const char *what, const char *text);

#endif
