/* expect: silence gcc clang */
#include "awl/coro.h"

int look(void);
void show(int x);
int fill(char *buf, size_t size);

co_def(leaf, { int n; })
{
    co_begin;
    co_suspend;
    co_return(self->n);
    co_end;
}

/* Locals that live between two suspensions: everywhere, of every sort. */
co_def(uses_locals, { const int *list; int i, n, sum; })
{
    const int *list = self->list; /* set anew at each resume */
    int x, y;

    co_begin;
    x = look();
    show(x);
    co_await(co_call(leaf, .n = x));

    x = look();
    y = x + list[0];
    self->sum += y;
    co_suspend;

    for (self->i = 0; self->i < self->n; self->i++) {
        int square = self->i * self->i;
        self->sum += square;
        co_let(x, co_call(leaf, .n = square));
        self->sum += x;
    }

    for (int i = 0; i < 3; i++)
        self->sum += list[i];
    {
        char buf[32];
        self->sum += fill(buf, sizeof buf);
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

int start(co_stack *stack);
int start(co_stack *stack) { return co_start(stack, uses_locals); }
