/*
 * child.c: a test's process: what was open before the test, what is left of it afterwards.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness_priv.h"

/* LeakSanitizer, where it is linked: it sees what shared libraries leak, too. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* ThreadSanitizer, where it is linked: it starts a thread of its own along with a test's first. */
void __tsan_init(void) __attribute__((weak));

/*
 * The defaults of the sanitizers, which the environment's settings override: stop at the first finding; leave SIGABRT alone,
 * which is how a trap ends; answer NULL to a size that cannot be had, as malloc does; let us look for threads left behind.
 */
__attribute__((visibility("default"), used)) const char *__asan_default_options(void);
__attribute__((visibility("default"), used)) const char *__tsan_default_options(void);
__attribute__((visibility("default"), used)) const char *__ubsan_default_options(void);
const char *__asan_default_options(void) { return "handle_abort=0:allocator_may_return_null=1"; }
const char *__ubsan_default_options(void) { return "halt_on_error=1:abort_on_error=1:print_stacktrace=1"; }
const char *__tsan_default_options(void)
{
    return "halt_on_error=1:allocator_may_return_null=1:report_thread_leaks=0:atexit_sleep_ms=0";
}

/* The descriptors of a moment. dev and ino tell whether a number still stands for the same file. */
enum { FDS_MOST = 1024 };
struct fds {
    size_t len;
    struct {
        int fd;
        dev_t dev;
        ino_t ino;
    } at[FDS_MOST];
};

static pid_t child;
static struct fds before, after;
static size_t threads_before;
static bool leaks_allowed;

enum { HOOKS_MOST = 16 };
static struct {
    int (*fn)(void);
    const char *name;
} hooks[HOOKS_MOST];
static size_t hooks_len;

/* see harness.h */
void harness_allow_leaks(void) { leaks_allowed = true; }

/* see harness.h */
void harness_at_end(int (*fn)(void), const char *name)
{
    if (hooks_len == HOOKS_MOST)
        harness__end(VERDICT_BROKEN, __FILE__, __LINE__, "too many functions for harness_at_end");
    hooks[hooks_len].fn = fn;
    hooks[hooks_len++].name = name;
}

bool harness__is_child(void) { return getpid() == child; }

/* --- descriptors ---------------------------------------------------------------------------------------------------- */

static void fds_add(struct fds *set, int fd)
{
    struct stat st;
    if (set->len == FDS_MOST || fcntl(fd, F_GETFD) < 0)
        return;
    if (fstat(fd, &st) != 0)
        memset(&st, 0, sizeof st);
    set->at[set->len].fd = fd;
    set->at[set->len].dev = st.st_dev;
    set->at[set->len++].ino = st.st_ino;
}

static void fds_read(struct fds *set)
{
    set->len = 0;
    DIR *dir = opendir("/proc/self/fd");

    /* Without /proc, or with no descriptor left to open it, every number is asked for. */
    for (int fd = 0; dir == NULL && fd < FDS_MOST; fd++)
        fds_add(set, fd);
    if (dir == NULL)
        return;

    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(dir))
            fds_add(set, fd);
    }
    closedir(dir);
}

/* The index of a number in a set, or the set's length. */
static size_t fds_find(const struct fds *set, int fd)
{
    size_t i = 0;
    while (i < set->len && set->at[i].fd != fd)
        i++;
    return i;
}

static void add_leaked_fds(struct text *why)
{
    enum { NAMED_MOST = 8 };
    struct text names = { 0 };
    size_t leaked = 0;
    fds_read(&after);

    for (size_t i = 0; i < after.len; i++) {
        int fd = after.at[i].fd;
        size_t j = fds_find(&before, fd);
        if (j < before.len && before.at[j].dev == after.at[i].dev && before.at[j].ino == after.at[i].ino)
            continue;
        if (++leaked > NAMED_MOST)
            continue;
        char path[32], target[256];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, target, sizeof target);
        harness__add(&names, "%s %d -> %.*s", leaked == 1 ? "" : ",", fd, len < 0 ? 1 : (int)len, len < 0 ? "?" : target);
    }
    if (leaked > 0)
        harness__add(why, "leaked %zu descriptor%s:%s%s\n", leaked, leaked == 1 ? "" : "s", names.at,
                     leaked > NAMED_MOST ? ", …" : "");

    /* A zeroed object that closes "its" descriptor 0 shows here. Tests of output have a reason to close 1 and 2. */
    for (size_t i = 0; i < before.len; i++) {
        int fd = before.at[i].fd;
        if (fd != STDOUT_FILENO && fd != STDERR_FILENO && fcntl(fd, F_GETFD) < 0)
            harness__add(why, "closed descriptor %d, which was not the test's\n", fd);
    }
}

/* --- threads and processes ------------------------------------------------------------------------------------------ */

/* Our threads, or 0 if they cannot be counted. */
static size_t count_threads(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/task");
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void add_left_threads(struct text *why)
{
    /* A thread that was joined stays in /proc for a moment. */
    size_t count = count_threads();
    for (int i = 0; count > threads_before && i < 1000; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        count = count_threads();
    }
    if (count > threads_before)
        harness__add(why, "left %zu thread%s running\n", count - threads_before, count - threads_before == 1 ? "" : "s");
}

static void add_left_children(struct text *why)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        harness__add(why, "left a child process that nobody waited for\n");
    if (pid == 0)
        harness__add(why, "left a child process running\n");
}

/* --- the test ------------------------------------------------------------------------------------------------------- */

static bool lsan_finds_leaks(void)
{
    if (__lsan_do_recoverable_leak_check == NULL)
        return false;

    /* It dies if it cannot read /proc. */
    int spare = open("/proc/self/maps", O_RDONLY);
    if (spare < 0)
        return false;
    close(spare);
    return __lsan_do_recoverable_leak_check() != 0;
}

static void add_leaks(struct text *why)
{
    harness__heap_refuse_no_more();
    add_left_threads(why);
    harness__heap_stop();
    bool blocks = harness__heap_report(why);
    add_leaked_fds(why);
    add_left_children(why);

    /* For blocks that we counted its report is only a help: whether it finds them depends on what lies on the stack. */
    if (lsan_finds_leaks() && !blocks)
        harness__add(why, "leaked, says LeakSanitizer\n");

    for (size_t i = 0; i < hooks_len; i++) {
        int number = hooks[i].fn();
        if (number != 0)
            harness__add(why, "%s: %d\n", hooks[i].name, number);
    }
}

void harness__child_run(const struct harness_test_ *test, struct verdict *verdict, struct refusal refusal)
{
    child = getpid();
    harness__verdict = verdict;

    /* Unbuffered, no output is lost by a crash or doubled by a fork, and no stream allocates its buffer during the test. */
    setvbuf(stdout, NULL, _IONBF, 0);
    fds_read(&before);
    threads_before = count_threads() + (__tsan_init != NULL);

    harness__heap_start(verdict, refusal);
    test->run_();
    if (harness__in_trap())
        harness_trap_survived_();

    static struct text why;
    if (!leaks_allowed)
        add_leaks(&why);
    harness__end(why.len == 0 ? VERDICT_PASSED : VERDICT_BROKEN, test->file_, test->line_, why.at);
}
