/*
 * Coroutines, threads or processes? Three kinds of work, each done in three ways, and measured on this machine.
 *
 * Shows    what each way is for: slow I/O, which waits for others; fast I/O, which is many small steps; and work.
 * Build    cc 33_which_should_i_use.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/33_which_should_i_use
 * Prints   what is in expected/33_which_should_i_use.txt; with --times also how long each took, and which way won
 *
 *     def slow(n): time.sleep(0.05); return n          async def slow_co(n): await asyncio.sleep(0.05); return n
 *     def fast(n): …200 bytes through a pipe…          async def fast_co(n): return fast(n)
 *     def work(n): return sum(i * i for i in range(2_000_000 + n)) % 1000
 *
 *     async def run(pool, f, co):                      # pool: None, ThreadPoolExecutor(), ProcessPoolExecutor()
 *         loop = asyncio.get_running_loop()
 *         jobs = (loop.run_in_executor(pool, f, n) if pool else co(n) for n in range(40))
 *         return sum(await asyncio.gather(*jobs))
 *
 * As a rule: coroutines for all that waits, thousands at a time; threads for calls that block, and for work; processes
 * for what may crash, leak or hang. (In Python also for work.)
 */
#define _POSIX_C_SOURCE 200809L
#include <awl.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SLOW, FAST, WORK, KINDS, WAYS = 3, JOBS = 40, PAUSE = 50000000 };
typedef struct job { int kind, n; } job;

static int fast(int n)
{
    int fds[2], wrong = pipe(fds) < 0;
    char byte = 'x';

    for (int i = 0; i < 200 && !wrong; i++)
        wrong = write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1;
    close(fds[0]);
    close(fds[1]);
    return wrong ? -1 : n;
}

static int work(int n)
{
    volatile int below = 2000000 + n; /* volatile: else a compiler may put a formula in the place of the work */
    unsigned sum = 0;

    for (int i = 0; i < below; i++)
        sum += (unsigned)i * (unsigned)i;
    return (int)(sum % 1000);
}

/* In a thread or a process. */
static int call(const void *in, size_t len, awl_reply *reply)
{
    const job *j = in;

    (void)len;
    if (j->kind == SLOW)
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE }, NULL);
    awl_reply_set(reply, j->kind == SLOW ? j->n : j->kind == FAST ? fast(j->n) : work(j->n));
    return 0;
}

/* In a coroutine: while it waits others run; while it works nobody does. */
co_def(coroutine, { job j; })
{
    co_begin;
    if (self->j.kind == SLOW)
        co_await(awl_sleep(PAUSE));
    co_return(self->j.kind == SLOW ? self->j.n : self->j.kind == FAST ? fast(self->j.n) : work(self->j.n));
    co_end;
}

co_def(all_jobs, { awl_executor *pool; int kind, i; int64_t sum; job jobs[JOBS]; awl_task *t[JOBS];
                   awl_outcome out[JOBS]; })
{
    co_begin;
    for (self->i = 0; self->i < JOBS; self->i++) {
        self->jobs[self->i] = (job){ self->kind, self->i };
        if (!self->pool)
            self->t[self->i] = awl_create_task(co_call(coroutine, .j = self->jobs[self->i]));
    }
    if (self->pool)
        co_await(awl_map(self->pool, call, self->jobs, JOBS, self->out, 0, 0));
    else
        co_await(awl_gather_n(self->t, JOBS, self->out, 0));
    for (self->i = 0; self->i < JOBS; self->i++)
        self->sum += self->out[self->i].value.i;
    co_return(self->sum);
    co_finally;
    for (self->i = 0; self->i < JOBS; self->i++)
        awl_task_release(self->t[self->i]);
    co_end;
}

co_def(lesson, { bool times; awl_executor *pools[WAYS]; int kind, way, best; int64_t sums[WAYS];
                 awl_time start, took[WAYS]; })
{
    static const char *const kinds[] = { "slow I/O", "fast I/O", "work" };
    static const char *const ways[] = { "coroutines", "threads", "processes" };

    co_begin;
    self->pools[2] = awl_process_pool_new(&(awl_process_pool_options){ .start = AWL_START_WORKERS });
    self->pools[1] = awl_thread_pool_new(NULL);
    if (!self->pools[1] || !self->pools[2])
        co_raise(errno);
    for (self->kind = SLOW; self->kind < KINDS; self->kind++) {
        for (self->way = self->best = 0; self->way < WAYS; self->way++) {
            self->start = awl_loop_time(NULL);
            co_let(self->sums[self->way], co_call(all_jobs, .pool = self->pools[self->way], .kind = self->kind));
            self->took[self->way] = awl_loop_time(NULL) - self->start;
            if (self->took[self->way] < self->took[self->best])
                self->best = self->way;
            if (self->times)
                printf("%-9s %-10s %8.2f ms\n", kinds[self->kind], ways[self->way],
                       (double)self->took[self->way] / AWL_MS);
        }
        printf("%s: %d, %d, %d\n", kinds[self->kind], (int)self->sums[0], (int)self->sums[1], (int)self->sums[2]);
        if (self->times)
            printf("%s: %s won\n", kinds[self->kind], ways[self->best]);
    }
    co_finally;
    awl_executor_free(self->pools[1]);
    awl_executor_free(self->pools[2]);
    co_end;
}

int main(int argc, char **argv) { return awl_run(co_call(lesson, .times = argc > 1 && argv[1])) ? 1 : 0; }
