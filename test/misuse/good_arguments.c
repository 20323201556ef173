/* expect: silence gcc clang */
#include "awl/coro.h"

struct point {
    double x, y;
};

co_def(nothing, {})
{
    co_begin;
    co_end;
}

co_def(everything, {
    bool flag;
    char text[16];
    const char *name;
    int numbers[3];
    struct point at;
    unsigned bits : 3;
    void (*callback)(void);
    co_object op;
})
{
    co_begin;
    if (self->callback)
        self->callback();
    co_await(self->op);
    co_return(self->numbers[0]);
    co_end;
}

co_def(calls, { int n; const struct point *at; })
{
    co_begin;
    co_await(co_call(nothing));
    co_let(self->n, co_call(everything, .name = "n", .text = "t", .numbers = { 1, 2, 3 }, .at = *self->at, .bits = 5,
                            .flag = true, .op = co_call(nothing)));
    co_let(self->n, co_call(everything, .op = co_call(everything, .op = co_call(nothing)), .at.x = 1, .numbers[1] = 7));
    co_return(self->n);
    co_end;
}

int run(void *memory, size_t size);
int run(void *memory, size_t size)
{
    static const struct point origin;
    co_stack stack;

    co_stack_init(&stack, memory, size);
    if (!co_start(&stack, calls, .at = &origin))
        return -1;
    while (!co_ended(co_run(&stack)))
        ;
    return co_ended_error(&stack) ? -1 : (int)co_ended_value(&stack).i;
}
