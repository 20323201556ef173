/*
 * check.c: what the macros of harness.h call in a test's process, and how a verdict is given.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness_priv.h"

/* What the trap's child does is what the test itself would do: handlers for forks are not to make it something else. */
#ifdef HARNESS_HAS_PLAIN_FORK
#define FORK _Fork
#else
#define FORK fork
#endif

struct verdict *harness__verdict;

/* The forked child of an EXPECT_TRAP: whether we are it, and for the parent who it is and what it wrote. */
static struct {
    bool inside;
    pid_t child;
    int output;
} trap;

#ifdef HARNESS_COVERAGE
void __gcov_dump(void);
#endif

/* Ends the process without exit(), whose handlers belong to the test, but with the coverage that exit() would have saved. */
__attribute__((noreturn)) static void quit(int status)
{
#ifdef HARNESS_COVERAGE
    /* It allocates, and takes it badly if it is refused. */
    harness__heap_stop();
    __gcov_dump();
#endif
    _exit(status);
}

void harness__end(enum verdict_kind kind, const char *file, int line, const char *why)
{
    struct verdict *v = harness__verdict;
    bool good = kind == VERDICT_PASSED || kind == VERDICT_SKIPPED;

    /* A trap's child is judged by its parent, and outside of tests nobody judges. */
    if (v == NULL || trap.inside) {
        fprintf(stderr, "%s:%d: %s\n", file, line, why);
        quit(good ? 0 : 1);
    }

    /* A forked child may say that the test fails, but not that it has come to a good end. */
    if (good && !harness__is_child()) {
        good = false;
        kind = VERDICT_BROKEN;
        why = "a process forked by the test came to the test's end, it should have called _exit";
    }

    int none = VERDICT_NONE;
    if (atomic_compare_exchange_strong(&v->kind, &none, VERDICT_WRITING)) {
        snprintf(v->file, sizeof v->file, "%s", file);
        v->line = line;
        harness__add(&v->why, "%s", why);
        atomic_store(&v->kind, kind);
    }
    quit(good ? 0 : 1);
}

bool harness__in_trap(void) { return trap.inside; }

void harness_fail_(const char *file, int line, const char *format, ...)
{
    char why[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    harness__end(VERDICT_CHECK, file, line, why);
}

void harness_skip_(const char *file, int line, const char *reason) { harness__end(VERDICT_SKIPPED, file, line, reason); }

/* --- checks --------------------------------------------------------------------------------------------------------- */

void harness_check_int_(const char *file, int line, const char *what, intmax_t actual, intmax_t expected)
{
    if (actual != expected)
        harness_fail_(file, line, "%s: expected %jd, was %jd", what, expected, actual);
}

void harness_check_ptr_(const char *file, int line, const char *what, const void *actual, const void *expected)
{
    if (actual != expected)
        harness_fail_(file, line, "%s: expected 0x%jx, was 0x%jx", what, (uintmax_t)(uintptr_t)expected,
                      (uintmax_t)(uintptr_t)actual);
}

/* Writes a string as C would have it, on one line. A long one shows what surrounds `middle`. */
static void add_quoted(struct text *to, const char *string, size_t middle)
{
    enum { BEFORE = 30, MOST = 100 };

    if (string == NULL) {
        harness__add(to, "NULL");
        return;
    }
    size_t start = middle > BEFORE ? middle - BEFORE : 0, len = strnlen(string + start, MOST + 1);
    harness__add(to, "%s\"", start > 0 ? "…" : "");
    for (size_t i = start; i < start + (len > MOST ? MOST : len); i++) {
        unsigned char c = (unsigned char)string[i];
        if (c == '\n')
            harness__add(to, "\\n");
        else if (c == '"' || c == '\\')
            harness__add(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f) /* UTF-8 is left as it is */
            harness__add(to, "\\%03o", c);
        else
            harness__add(to, "%c", c);
    }
    harness__add(to, "\"%s", len > MOST ? "…" : "");
}

void harness_check_str_(const char *file, int line, const char *what, const char *actual, const char *expected)
{
    if (actual == expected || (actual != NULL && expected != NULL && strcmp(actual, expected) == 0))
        return;

    size_t same = 0;
    while (actual != NULL && expected != NULL && actual[same] == expected[same])
        same++;
    struct text why = { 0 };
    harness__add(&why, "%s: expected ", what);
    add_quoted(&why, expected, same);
    harness__add(&why, ", was ");
    add_quoted(&why, actual, same);
    harness__end(VERDICT_CHECK, file, line, why.at);
}

/* Up to 16 bytes in hexadecimal. */
static void add_bytes(struct text *to, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len && i < 16; i++)
        harness__add(to, "%s%02x", i == 0 ? "" : " ", bytes[i]);
}

void harness_check_mem_(const char *file, int line, const char *what, const void *actual, const void *expected, size_t len)
{
    const unsigned char *a = actual, *b = expected;
    size_t same = 0;
    struct text why = { 0 };

    if (len == 0)
        return;
    if (a == NULL || b == NULL)
        harness_fail_(file, line, "%s: expected %zu equal bytes, %s is NULL", what, len, a == NULL ? "it" : "the other");
    while (same < len && a[same] == b[same])
        same++;
    if (same == len)
        return;

    harness__add(&why, "%s: expected at byte %zu of %zu: ", what, same, len);
    add_bytes(&why, b + same, len - same);
    harness__add(&why, ", was ");
    add_bytes(&why, a + same, len - same);
    harness__end(VERDICT_CHECK, file, line, why.at);
}

/* --- traps ---------------------------------------------------------------------------------------------------------- */

int harness_trap_begin_(void)
{
    harness__heap_refuse_no_more();

    /* A file in memory, not a pipe: it takes any length unread, and no grandchild can keep it from ending. */
    trap.output = memfd_create("trap", MFD_CLOEXEC);
    if (trap.output < 0)
        harness__end(VERDICT_BROKEN, __FILE__, __LINE__, "EXPECT_TRAP: no descriptor left");
    trap.child = FORK();
    if (trap.child < 0)
        harness__end(VERDICT_BROKEN, __FILE__, __LINE__, "EXPECT_TRAP: cannot fork");
    if (trap.child > 0)
        return 0;

    /* The child dies as wished: leave no core file for it. */
    trap.inside = true;
    prctl(PR_SET_DUMPABLE, 0);
    dup2(trap.output, STDERR_FILENO);
    close(trap.output);
    return 1;
}

void harness_trap_survived_(void) { quit(0); }

/* What the trap's child wrote: mapped, never empty, and not terminated. */
static const char *trap_output(size_t *len)
{
    struct stat st;
    if (fstat(trap.output, &st) != 0 || st.st_size == 0) {
        *len = 0;
        return "";
    }
    *len = (size_t)st.st_size;
    void *map = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, trap.output, 0);
    if (map == MAP_FAILED)
        harness__end(VERDICT_BROKEN, __FILE__, __LINE__, "EXPECT_TRAP: no memory left");
    return map;
}

void harness_trap_end_(const char *file, int line, const char *what, const char *text)
{
    int status;
    while (waitpid(trap.child, &status, 0) < 0)
        if (errno != EINTR)
            harness__end(VERDICT_BROKEN, file, line, "EXPECT_TRAP: somebody else waited for its child");

    size_t len;
    const char *output = trap_output(&len);
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool trapped = sig == SIGABRT || sig == SIGILL || sig == SIGTRAP;
#ifdef __s390x__
    trapped |= sig == SIGFPE; /* what qemu makes of __builtin_trap there */
#endif
    bool said = memmem(output, len, text, strlen(text)) != NULL;

    if (!trapped || !said) {
        fwrite(output, 1, len, stderr);
        struct text why = { 0 };
        harness__add(&why, "%s: expected a trap that says \"%s\", ", what, text);
        if (trapped)
            harness__add(&why, "it said something else");
        else if (sig != 0)
            harness__add(&why, "was killed by %s", harness__signal_name(sig));
        else if (WEXITSTATUS(status) == 0)
            harness__add(&why, "it went through");
        else
            harness__add(&why, "exited with status %d", WEXITSTATUS(status));
        /* A crash is no error that was seen. */
        harness__end(sig != 0 && !trapped ? VERDICT_BROKEN : VERDICT_CHECK, file, line, why.at);
    }

    if (len > 0)
        munmap((void *)(uintptr_t)output, len);
    close(trap.output);
}
