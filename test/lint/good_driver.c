/* Plain functions that drive stacks; their locals are nobody's business. */
#include "lint_samples.h"

co_declare(root, { int n; int *out; });

co_define(root)
{
    co_begin;
    co_let(*self->out, co_call(leaf, .n = self->n));
    co_end;
}

int drive(int n);
int drive(int n)
{
    static uint64_t memory[128];
    co_stack stack;
    int result = 0;

    co_stack_init(&stack, memory, sizeof memory);
    if (!co_start(&stack, root, .n = n, .out = &result))
        return -1;
    for (int i = 0; !co_ended(&stack); i++) {
        co_run(&stack);
        show(i);
    }
    switch (co_ended_error(&stack)) {
    case 0:
        return result;
    default:
        return -1;
    }
}

int drive_maybe(int n);
int drive_maybe(int n)
{
    struct count it = co_iter(count, .n = n);
    int x = -1;

    if (!co_next(&it, &x))
        return x;
    co_close(count, &it);
    return x;
}
