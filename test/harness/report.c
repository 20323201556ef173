/*
 * report.c: putting into words how a test ended.
 */
#define _GNU_SOURCE 1
#include "harness.h"

#include <stdarg.h>
#include <string.h>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <sys/wait.h>

#include "harness_priv.h"

void harness__add(struct text *text, const char *format, ...)
{
    size_t room = sizeof text->at - text->len;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text->at + text->len, room, format, args);
    va_end(args);
    if (len > 0)
        text->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* Adds where a call was made, in the form that addr2line takes. */
void harness__add_caller(struct text *text, const void *return_address)
{
    /* The call, not the line after it. */
    const char *call = (const char *)return_address - 1;
    Dl_info info;
    if (dladdr(call, &info) == 0 || info.dli_fname == NULL) {
        harness__add(text, "%p", (const void *)call);
        return;
    }

    /* What is loaded at a random place is known to addr2line by its offset; the rest by its address. */
    const ElfW(Ehdr) *elf = info.dli_fbase;
    uintptr_t base = elf->e_type == ET_DYN ? (uintptr_t)info.dli_fbase : 0;
    const char *slash = strrchr(info.dli_fname, '/');
    harness__add(text, "%s+0x%jx", slash == NULL ? info.dli_fname : slash + 1, (uintmax_t)((uintptr_t)call - base));
}

/* Not strsignal: its words differ between C libraries. Valid until the next call. */
const char *harness__signal_name(int sig)
{
    static const struct {
        int sig;
        const char *name;
    } names[] = {
        { SIGABRT, "SIGABRT" }, { SIGALRM, "SIGALRM" }, { SIGBUS, "SIGBUS" },   { SIGFPE, "SIGFPE" },
        { SIGHUP, "SIGHUP" },   { SIGILL, "SIGILL" },   { SIGINT, "SIGINT" },   { SIGKILL, "SIGKILL" },
        { SIGPIPE, "SIGPIPE" }, { SIGPROF, "SIGPROF" }, { SIGQUIT, "SIGQUIT" }, { SIGSEGV, "SIGSEGV" },
        { SIGSYS, "SIGSYS" },   { SIGTERM, "SIGTERM" }, { SIGTRAP, "SIGTRAP" }, { SIGUSR1, "SIGUSR1" },
        { SIGUSR2, "SIGUSR2" }, { SIGXCPU, "SIGXCPU" }, { SIGXFSZ, "SIGXFSZ" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].sig == sig)
            return names[i].name;

    static char other[32];
    snprintf(other, sizeof other, "signal %d", sig);
    return other;
}

/* --- what a test wrote ---------------------------------------------------------------------------------------------- */

void harness__tail_put(struct tail *tail, const char *data, size_t len)
{
    for (; len > 0; len--)
        tail->at[tail->total++ % TAIL_SIZE] = *data++;
}

/* The kept bytes in their order. Valid until the next call. */
static const char *tail_text(const struct tail *tail, size_t *len)
{
    static char text[TAIL_SIZE];
    *len = tail->total < TAIL_SIZE ? tail->total : TAIL_SIZE;
    for (size_t i = 0; i < *len; i++)
        text[i] = tail->at[(tail->total - *len + i) % TAIL_SIZE];
    return text;
}

/* Indented, so that nothing a test writes can be taken for a line of ours. */
void harness__tail_print(const struct tail *tail, FILE *to)
{
    size_t len;
    const char *text = tail_text(tail, &len);

    if (tail->total > len)
        fprintf(to, "    … %zu bytes before this are lost …\n", tail->total - len);
    for (size_t i = 0; i < len;) {
        const char *newline = memchr(text + i, '\n', len - i);
        size_t line = newline == NULL ? len - i : (size_t)(newline - (text + i));
        fputs("    ", to);
        fwrite(text + i, 1, line, to);
        fputc('\n', to);
        i += line + 1;
    }
}

/* The sanitizer that had something to say, or NULL. */
static const char *sanitizer_in(const struct tail *tail)
{
    static const struct {
        const char *mark, *name;
    } sanitizers[] = {
        { "AddressSanitizer", "AddressSanitizer" },
        { "LeakSanitizer", "LeakSanitizer" },
        { "MemorySanitizer", "MemorySanitizer" },
        { "ThreadSanitizer", "ThreadSanitizer" },
        { "UndefinedBehaviorSanitizer", "UndefinedBehaviorSanitizer" },
        { ": runtime error: ", "UndefinedBehaviorSanitizer" },
    };
    size_t len;
    const char *text = tail_text(tail, &len);
    for (size_t i = 0; i < sizeof sanitizers / sizeof sanitizers[0]; i++)
        if (memmem(text, len, sanitizers[i].mark, strlen(sanitizers[i].mark)) != NULL)
            return sanitizers[i].name;
    return NULL;
}

/* Says what is wrong with the end of a test's process itself, `code` and `status` being waitid's; nothing if all is well. */
void harness__explain_end(struct text *why, const struct tail *tail, const struct verdict *verdict, int code, int status)
{
    bool signalled = code != CLD_EXITED, unasked = verdict->kind == VERDICT_NONE;
    const char *sanitizer = signalled || unasked ? sanitizer_in(tail) : NULL;

    if (sanitizer != NULL)
        harness__add(why, "stopped by %s\n", sanitizer);
    else if (signalled)
        harness__add(why, "killed by %s\n", harness__signal_name(status));
    else if (unasked)
        harness__add(why, "called exit with status %d\n", status);
    else if (status != 0 && (verdict->kind == VERDICT_PASSED || verdict->kind == VERDICT_SKIPPED))
        /* Valgrind says so that it found an error. */
        harness__add(why, "passed, but exited with status %d\n", status);
}
