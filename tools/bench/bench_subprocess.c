/* Processes: what it costs to start one and have its end, beside posix_spawn and waitpid. */
#include <awl.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "bench.h"

extern char **environ;

/* posix_spawn and waitpid, one after the other. Result: seconds; below 0: an error. */
static double by_posix_spawn(const char *const *argv)
{
    const double start = bench_now();
    pid_t pid;
    int status;

    if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ))
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        ;
    return bench_now() - start;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *times, int64_t n)
{
    qsort(times, (size_t)n, sizeof *times, compare);
    return times[n / 2];
}

static double sum(const double *times, int64_t n)
{
    double all = 0;

    for (int64_t i = 0; i < n; i++)
        all += times[i];
    return all;
}

/* In turn, so that what the machine does else falls on both. */
co_def(spawn_process, { bench *b; double *ours, *theirs, start; int64_t i; awl_process *p; int code; })
{
    co_begin;
    self->ours = calloc((size_t)self->b->n, sizeof *self->ours);
    self->theirs = calloc((size_t)self->b->n, sizeof *self->theirs);
    if (!self->ours || !self->theirs)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < self->b->n; self->i++) {
        self->theirs[self->i] = by_posix_spawn(AWL_ARGV("/bin/true"));
        if (self->theirs[self->i] < 0)
            co_raise(ECHILD);
        self->start = bench_now();
        co_let(self->p, awl_create_subprocess_exec(AWL_ARGV("/bin/true"), NULL));
        co_let(self->code, awl_process_wait(self->p));
        awl_process_close(self->p);
        self->p = NULL;
        self->ours[self->i] = bench_now() - self->start;
    }
    self->b->seconds = sum(self->ours, self->b->n);
    bench_add(self->b, ", \"posix_spawn_ns_per_op\": %.3f, \"ratio\": %.3f",
              sum(self->theirs, self->b->n) * 1e9 / (double)self->b->n,
              self->b->seconds / sum(self->theirs, self->b->n));
    bench_add(self->b, ", \"median_ns\": %.3f, \"posix_spawn_median_ns\": %.3f, \"median_ratio\": %.3f",
              median(self->ours, self->b->n) * 1e9, median(self->theirs, self->b->n) * 1e9,
              median(self->ours, self->b->n) / median(self->theirs, self->b->n));
    co_finally;
    awl_process_close(self->p);
    free(self->ours);
    free(self->theirs);
    co_end;
}

static int bench_spawn_process(bench *b) { return awl_run(co_call(spawn_process, .b = b)); }

const bench_entry subprocess_benches[] = {
    { "spawn_process", bench_spawn_process, 2000, 1, "/bin/true started and waited for, beside posix_spawn" },
    { NULL, NULL, 0, 0, NULL },
};
