/* Files: what it costs to read one by a stream, beside a loop that blocks. */
#define _GNU_SOURCE
#include <awl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { PIECE = 65536, ROUNDS = 9 };

static char path[] = "/tmp/awl-bench-XXXXXX", piece[PIECE];

/* A file of so many MB, which the kernel has in memory then. */
static int make_file(int64_t mb)
{
    const int fd = mkstemp(path);
    bool good = fd >= 0;

    memset(piece, 'x', sizeof piece);
    for (int64_t left = mb * 1000000; good && left > 0; left -= PIECE)
        good = write(fd, piece, (size_t)(left < PIECE ? left : PIECE)) > 0;
    if (fd >= 0)
        close(fd);
    return good ? 0 : errno;
}

static double read_blocking(int64_t expected)
{
    const double start = bench_now();
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
        expected -= n;
    if (fd >= 0)
        close(fd);
    return expected ? -1 : bench_now() - start;
}

co_def(read_by_stream, {
    int64_t left;
    awl_file *f;
    awl_stream *s;
    int n;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path, O_RDONLY, 0));
    self->s = awl_file_stream(self->f, NULL);
    if (!self->s)
        co_raise(errno);
    for (;;) {
        co_let(self->n, awl_stream_read(self->s, piece, sizeof piece));
        if (!self->n)
            break;
        self->left -= self->n;
    }
    if (self->left)
        co_raise(EIO);
    co_finally;
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Processor time of all threads, seconds: what others on the machine do changes it less. */
static double cpu_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double median(double *numbers)
{
    qsort(numbers, ROUNDS, sizeof *numbers, compare);
    return numbers[ROUNDS / 2];
}

/* One after the other, in turn; the median of each, and of the ratios. The first round is not counted. */
co_def(compare_reads, {
    bench *b;
    double stream[ROUNDS], blocking[ROUNDS], ratio[ROUNDS], cpu_ratio[ROUNDS], start, cpu, cpu_between;
    int i, at;
})
{
    co_begin;
    for (self->i = -1; self->i < ROUNDS; self->i++) {
        self->at = self->i < 0 ? 0 : self->i;
        self->cpu = cpu_now();
        self->blocking[self->at] = read_blocking(self->b->n * 1000000);
        if (self->blocking[self->at] < 0)
            co_raise(EIO);
        self->cpu_between = cpu_now();
        self->start = bench_now();
        co_await(co_call(read_by_stream, .left = self->b->n * 1000000));
        self->stream[self->at] = bench_now() - self->start;
        self->ratio[self->at] = self->stream[self->at] / self->blocking[self->at];
        self->cpu_ratio[self->at] = (cpu_now() - self->cpu_between) / (self->cpu_between - self->cpu);
    }
    self->b->seconds = median(self->stream);
    bench_add(self->b, ", \"blocking_seconds\": %.6f, \"ratio\": %.3f, \"cpu_ratio\": %.3f", median(self->blocking),
              median(self->ratio), median(self->cpu_ratio));
    co_end;
}

static int bench_file_read(bench *b)
{
    int error = make_file(b->n);

    if (!error)
        error = awl_run(co_call(compare_reads, .b = b));
    unlink(path);
    return error;
}

const bench_entry file_benches[] = {
    { "fileread", bench_file_read, 100, 1, "N MB of a file by awl_file_stream, beside a loop of read(2): ratio" },
    { NULL, NULL, 0, 0, NULL },
};
