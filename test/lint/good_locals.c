/* Locals of every sort that live between two suspensions. */
#include "lint_samples.h"

co_declare(uses_locals, { const int *list; int i, n, sum; });

co_define(uses_locals)
{
    const int *list = self->list; /* set anew at each resume */
    char line[80];
    struct point at;
    int x, y;

    co_begin;
    x = look();
    show(x);
    fill(line, sizeof line);
    print(line);
    co_await(co_call(leaf, .n = x));

    x = look();
    y = x + list[0];
    self->sum += y;
    co_suspend;

    for (self->i = 0; self->i < self->n; self->i++) {
        int square = self->i * self->i;
        self->sum += square;
        fill(line, sizeof line);
        print(line);
        co_let(x, co_call(leaf, .n = square));
        self->sum += x;
        at.x = x;
        at.y = list[0];
        show_point(&at);
    }

    for (int i = 0; i < 3; i++)
        self->sum += list[i];
    co_suspend;
    {
        char buf[32];
        fill(buf, sizeof buf);
        print(buf);
    }
    co_try(y, co_call(leaf));
    if (y == 0) {
        int result;
        co_result(result);
        co_return(result);
    }
    int late = look();
    co_return(self->sum + late);
    co_finally;
    int last = look();
    co_await(co_call(leaf, .n = last));
    co_end;
}
