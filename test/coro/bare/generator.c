/*
 * generator.c: a generator, and the same by hand, for check_bare.sh: neither needs a library, and the generator's code may be
 * a fifth larger than the hand's at most.
 */
#include "awl/coro.h"

/* The squares of 0 … n - 1. */
co_gen_declare(int, squares, { int n, i; });

co_gen_define(squares)
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++)
        co_yield(self->i * self->i);
    co_end;
}

struct hand {
    unsigned char state;
    bool (*step)(struct hand *it, int *out);
    int n, i;
};

bool hand_step(struct hand *it, int *out);

bool hand_step(struct hand *it, int *out)
{
    switch (it->state) {
    case 0:
        for (it->i = 0; it->i < it->n; it->i++) {
            *out = it->i * it->i;
            it->state = 1;
            return true;
        case 1:;
        }
        it->state = 2;
        break;
    default:
        if (it->state != 2)
            __builtin_trap();
    }
    return false;
}

/* Each way to use a generator. */
int sum_of_squares(int n);

int sum_of_squares(int n)
{
    struct squares it = co_iter(squares, .n = n);
    int x, sum = 0;

    while (co_next(&it, &x))
        sum += x;
    co_close(squares, &it);
    co_for (int, y, squares, .n = n)
        sum -= y;
    return sum;
}
