/*
 * awl-bench: measures one thing and prints it as one JSON object on one line.
 *
 *     awl-bench --list
 *     awl-bench NAME [--n N] [--depth D]
 *
 * Compare two programs interleaved, several times, and quote medians of ratios; the instructions of one run are repeatable
 * under valgrind --tool=callgrind.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <awl/loop.h>

#include "bench.h"

double bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

long bench_rss_kb(void)
{
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file) {
        if (fscanf(file, "%ld %ld", &size, &pages) != 2)
            pages = 0;
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

void bench_add(bench *b, const char *format, ...)
{
    const size_t used = strlen(b->extra);
    va_list args;

    va_start(args, format);
    vsnprintf(b->extra + used, sizeof b->extra - used, format, args);
    va_end(args);
}

static const bench_entry *find(const char *name)
{
    const bench_entry *tables[] = { coro_benches,       task_benches, sync_benches,     exec_benches, process_benches,
                                    subprocess_benches, file_benches, datagram_benches, tls_benches };

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const bench_entry *e = tables[t]; e->name; e++) {
            if (!name)
                printf("%-10s %s\n", e->name, e->what);
            else if (strcmp(e->name, name) == 0)
                return e;
        }
    }
    return NULL;
}

static int usage(void)
{
    fputs("usage: awl-bench --list | NAME [--n N] [--depth D]\n", stderr);
    return 2;
}

/* A positive number, or -1. */
static int64_t number(const char *text)
{
    char *end;
    long long value;

    errno = 0;
    value = text ? strtoll(text, &end, 10) : -1;
    return !text || *end || errno || value <= 0 ? -1 : value;
}

int main(int argc, char **argv)
{
    const bench_entry *entry;
    bench b = { .name = NULL };
    int error;

    if (argc < 2)
        return usage();
    if (strcmp(argv[1], "--list") == 0) {
        find(NULL);
        return 0;
    }
    entry = find(argv[1]);
    if (!entry) {
        fprintf(stderr, "awl-bench: no bench is called '%s'; --list names them\n", argv[1]);
        return 2;
    }
    b = (bench){ .name = entry->name, .n = entry->n, .depth = entry->depth };
    for (int i = 2; i < argc; i += 2) {
        const int64_t value = number(argv[i + 1]);

        if (value < 0)
            return usage();
        if (strcmp(argv[i], "--n") == 0)
            b.n = value;
        else if (strcmp(argv[i], "--depth") == 0)
            b.depth = value;
        else
            return usage();
    }
    error = entry->run(&b);
    if (error) {
        fprintf(stderr, "awl-bench: %s: %s\n", b.name, awl_strerror(error));
        return 1;
    }
    printf("{\"bench\": \"%s\", \"n\": %lld, \"depth\": %lld, \"seconds\": %.6f, \"ns_per_op\": %.3f, \"rss_kb\": %ld%s}\n",
           b.name, (long long)b.n, (long long)b.depth, b.seconds, b.seconds * 1e9 / (double)(b.ops ? b.ops : b.n),
           bench_rss_kb(), b.extra);
    return 0;
}
