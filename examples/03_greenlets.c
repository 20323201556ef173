/*
 * Two coroutines that hand over to each other, with nobody above them who decides: symmetric switching.
 *
 * Shows    co_def, a coroutine with a stack of its own; co_stack_init, co_start, co_run; co_switch.
 * Build    cc -I../include 03_greenlets.c
 * Prints   12
 *          56
 *          34
 *          and never 78: nobody switches back to test2
 *
 *     from greenlet import greenlet
 *
 *     def test1():
 *         print(12)
 *         gr2.switch()
 *         print(34)
 *
 *     def test2():
 *         print(56)
 *         gr1.switch()
 *         print(78)
 *
 *     gr1 = greenlet(test1)
 *     gr2 = greenlet(test2)
 *     gr1.switch()
 */
#include <awl/coro.h>
#include <stdio.h>

/* A coroutine runs on a stack, which is memory that you lend it: here for its frame, else for those that it awaits, too. */
static co_stack gr1, gr2;
static uint64_t memory1[16], memory2[16];

co_def(test1, {})
{
    co_begin;
    printf("12\n");
    co_switch(&gr2);
    printf("34\n");
    co_end;
}

co_def(test2, {})
{
    co_begin;
    printf("56\n");
    co_switch(&gr1);
    printf("78\n");
    co_end;
}

int main(void)
{
    co_stack_init(&gr1, memory1, sizeof memory1);
    co_stack_init(&gr2, memory2, sizeof memory2);
    if (!co_start(&gr1, test1) || !co_start(&gr2, test2)) {
        fprintf(stderr, "the frames do not fit into the memory\n");
        return 1;
    }

    /* Runs gr1, and whatever is switched to, until one of them suspends or ends. */
    co_run(&gr1);
    return co_ended(&gr1) ? 0 : 1;
}
