/*
 * The same work in turn, in threads and in processes.
 *
 * Shows    calls, whose arguments and results are bytes; awl_map over an array, in any executor; awl_process_pool_new;
 *          what becomes of a job that crashes.
 * Build    cc 32_process_pool.c $(pkg-config --cflags --libs awl), or with -lawl -levent_core -lpthread,
 *          or, in awl's own tree: meson setup build && ninja -C build examples/32_process_pool
 * Prints   what is in expected/32_process_pool.txt; with --times also how long each way took
 *
 *     def sum_squares(n): return sum(i * i for i in range(n)) % 2**64
 *
 *     numbers = [10_000_000 + x for x in range(20)]
 *     for Pool, n in (ThreadPoolExecutor, 1), (ThreadPoolExecutor, None), (ProcessPoolExecutor, None):
 *         with Pool(n) as pool:
 *             start = time.time()
 *             answers = list(pool.map(sum_squares, numbers))
 *             print(Pool.__name__, time.time() - start)
 *
 * In Python only processes make that faster. Here threads do, too: processes are for what may crash, leak or hang.
 */
#include <awl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { NUMBERS = 20, WAYS = 3 };

static int sum_squares(const void *in, size_t len, awl_reply *reply)
{
    const volatile int64_t *n = in; /* volatile: else a compiler may put a formula in the place of the work */
    uint64_t sum = 0;

    (void)len;
    for (int64_t i = 0; i < *n; i++)
        sum += (uint64_t)i * (uint64_t)i;
    awl_reply_set(reply, sum);
    return 0;
}

static int crashes(const void *in, size_t len, awl_reply *reply)
{
    (void)in, (void)len, (void)reply;
    __builtin_trap();
}

co_def(lesson, { bool times; awl_executor *pools[WAYS]; int64_t numbers[NUMBERS]; awl_outcome out[NUMBERS];
                 awl_time start, took[WAYS]; int i, rc; })
{
    static const char *const names[WAYS] = { "in turn", "threads", "processes" };
    co_begin;
    for (self->i = 0; self->i < NUMBERS; self->i++)
        self->numbers[self->i] = 10000000 + self->i;
    self->pools[2] = awl_process_pool_new(NULL); /* first, while there are no threads */
    self->pools[0] = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = 1 });
    self->pools[1] = awl_thread_pool_new(NULL);
    if (!self->pools[0] || !self->pools[1] || !self->pools[2])
        co_raise(errno);
    for (self->i = 0; self->i < WAYS; self->i++) {
        self->start = awl_loop_time(NULL);
        co_await(awl_map(self->pools[self->i], sum_squares, self->numbers, NUMBERS, self->out, 0, 0));
        self->took[self->i] = awl_loop_time(NULL) - self->start;
        if (self->times)
            printf("%-10s %5d ms, %.2f times as fast\n", names[self->i], (int)(self->took[self->i] / AWL_MS),
                   (double)self->took[0] / (double)self->took[self->i]);
    }
    for (self->i = 0; self->i < NUMBERS; self->i++)
        printf("%" PRId64 ": %" PRIu64 "\n", self->numbers[self->i], (uint64_t)self->out[self->i].value.i);

    co_try(self->rc, awl_run_call(self->pools[2], AWL_CALL(crashes, NULL, 0)));
    puts(awl_strerror(self->rc)); /* the next job has another worker */
    co_finally;
    for (self->i = 0; self->i < WAYS; self->i++)
        awl_executor_free(self->pools[self->i]);
    co_end;
}

int main(int argc, char **argv) { return awl_run(co_call(lesson, .times = argc > 1 && argv[1])) ? 1 : 0; }
