/* Generators, and co_for between two suspensions. */
#include "lint_samples.h"

co_gen_declare(int, evens, { int sent; int n, i; struct count part; });

co_gen_define(evens)
{
    int x;

    co_begin;
    self->part = co_iter(count, .n = self->n);
    while (co_next(&self->part, &x)) {
        if (x % 2 == 0)
            co_yield(x);
    }
    co_for (int, y, count, .n = 3) {
        if (y == self->n)
            break;
        show(y);
    }
    self->part = co_iter(count, .n = 2);
    co_yield_from(self->part);
    for (;;) {
        int step = self->sent ? self->sent : 1;
        self->i += step;
        co_yield(self->i);
    }
    co_finally;
    co_close(count, &self->part);
    co_end;
}

int sum_of_evens(void);
int sum_of_evens(void)
{
    int sum = 0;
    char text[16];

    fill(text, sizeof text);
    co_for (int, x, evens, .n = 10) {
        if (x > 20)
            break;
        sum += x;
    }
    print(text);
    return sum;
}
