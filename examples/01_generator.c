/*
 * A generator: a function that hands out a value, and goes on from there when it is asked for the next.
 *
 * Shows    co_gen, co_begin, co_yield, co_end; co_for, and co_iter with co_next, which is co_for by hand.
 * Build    cc -I../include 01_generator.c          it needs one header, no library
 * Prints   0 1 4 9 16 25 36 49
 *          first square: 0
 *          next square: 1
 *
 *     def squares(n):
 *         for i in range(n):
 *             yield i * i
 *
 *     for x in squares(10):
 *         if x > 50:
 *             break
 *         print(x, end=" " if x < 49 else "\n")
 *
 *     it = squares(3)
 *     print("first square:", next(it))
 *     print("next square:", next(it))
 *     it.close()
 */
#include <awl/coro.h>
#include <stdio.h>

/* The type of the values, the name, and in the braces: the arguments, and whatever else must outlive a yield. The variable i is
 * one of these, as the function returns at each co_yield. */
co_gen(int, squares, { int n, i; })
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++)
        co_yield(self->i * self->i);
    co_end;
}

int main(void)
{
    struct squares it;
    int x;

    /* Arguments have names; those that are left out are zero. Leaving the loop closes the generator. */
    co_for (int, square, squares, .n = 10) {
        if (square > 50)
            break;
        printf("%d%c", square, square < 49 ? ' ' : '\n');
    }

    /* A generator is a plain variable: no heap, nothing to free. */
    it = co_iter(squares, .n = 3);
    if (co_next(&it, &x))
        printf("first square: %d\n", x);
    if (co_next(&it, &x))
        printf("next square: %d\n", x);
    co_close(squares, &it);
    return 0;
}
