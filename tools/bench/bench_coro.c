/* The language alone, from the header alone: generators against a switch written by hand, and bare resumes. */
#include <awl/coro.h>
#include <errno.h>

#include "bench.h"

static volatile int64_t sink;

/* ---- Generators -------------------------------------------------------------------------------------------------- */

co_gen_declare(int, squares, { int n, i; });
__attribute__((noinline)) co_gen_define(squares)
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++)
        co_yield(self->i * self->i);
    co_end;
}

/* The same by hand: what the macros are measured against. */
struct hand {
    int state, n, i;
};

static __attribute__((noinline)) int hand_squares(struct hand *self, int *out)
{
    switch (self->state) {
    case 0:
        for (self->i = 0; self->i < self->n; self->i++) {
            *out = self->i * self->i;
            self->state = 1;
            return 1;
        case 1:;
        }
    }
    self->state = 2;
    return 0;
}

/* Both in turns, so that the machine's moods hit them alike; the ratio is of the best turns. */
static int bench_generator(bench *b)
{
    double best = 1e9, best_hand = 1e9;
    const int turns = 10, n = (int)(b->n / turns);
    int64_t sum = 0;

    for (int turn = 0; turn < turns; turn++) {
        struct hand hand = { 0, n, 0 };
        double start = bench_now(), middle;
        int x;

        while (hand_squares(&hand, &x))
            sum += x;
        middle = bench_now();
        co_for (int, y, squares, .n = n)
            sum += y;
        b->seconds += bench_now() - middle;
        best = bench_now() - middle < best ? bench_now() - middle : best;
        best_hand = middle - start < best_hand ? middle - start : best_hand;
    }
    sink = sum;
    bench_add(b, ", \"hand_ns\": %.3f, \"ratio\": %.3f", best_hand * 1e9 / n, best / best_hand);
    return 0;
}

co_gen(const char *, consumer, { int sent; int64_t sum; const char *reply; })
{
    co_begin;
    self->reply = "";
    for (;;) {
        co_yield(self->reply);
        if (!self->sent)
            co_return(0);
        self->sum += self->sent;
        self->reply = "200 OK";
    }
    co_end;
}

static int bench_sendgen(bench *b)
{
    struct consumer c = co_iter(consumer);
    const char *reply = NULL;
    const double start = bench_now();

    co_next(&c, &reply);
    for (int64_t i = 0; i < b->n; i++)
        co_send(&c, 1 + (int)(i & 7), &reply);
    co_close(consumer, &c);
    b->seconds = bench_now() - start;
    sink = c.sum;
    return *reply == '2' ? 0 : EINVAL;
}

/* ---- Resumes ------------------------------------------------------------------------------------------------------ */

co_def(leaf, { int64_t n; })
{
    co_begin;
    while (self->n-- > 0)
        co_suspend;
    co_end;
}

co_def(above, { int64_t n, depth; })
{
    co_begin;
    if (self->depth <= 2)
        co_await(co_call(leaf, .n = self->n));
    else
        co_await(co_call(above, .n = self->n, .depth = self->depth - 1));
    co_end;
}

static int bench_resume(bench *b)
{
    static char memory[1 << 19] __attribute__((aligned(8)));
    co_stack stack;
    double start;

    co_stack_init(&stack, memory, sizeof memory);
    if (b->depth < 2 ? !co_start(&stack, leaf, .n = b->n) : !co_start(&stack, above, .n = b->n, .depth = b->depth))
        return ENOMEM;
    co_run(&stack);
    start = bench_now();
    while (!co_ended(&stack))
        co_run(&stack);
    b->seconds = bench_now() - start;
    return co_ended_error(&stack);
}

const bench_entry coro_benches[] = {
    { "generator", bench_generator, 200000000, 0, "a value from a generator; ratio: to a switch written by hand" },
    { "sendgen", bench_sendgen, 100000000, 0, "a value sent to a generator, and its answer" },
    { "resume", bench_resume, 100000000, 1, "a resume of a leaf that is suspended under --depth frames" },
    { NULL, NULL, 0, 0, NULL },
};
