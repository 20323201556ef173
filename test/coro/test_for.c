/* test_for.c: co_for closes its generator however it is left. */
#include "rig.h"

#include <errno.h>

/* A co_for in a co_for is no shadow. */
#pragma GCC diagnostic error "-Wshadow"

co_gen(int, count, { int from, to; })
{
    co_begin;
    for (; self->from < self->to; self->from++)
        co_yield(self->from);
    co_finally;
    trail("closed");
    co_end;
}

TEST(for_takes_every_value)
{
    co_for (int, x, count, .from = 3, .to = 6)
        trail_int(x);
    CHECK_STR(trailed(), "3 4 5 closed");
}

TEST(for_of_nothing)
{
    co_for (int, x, count)
        trail_int(x);
    CHECK_STR(trailed(), "closed");
}

TEST(break_closes)
{
    co_for (int, x, count, .to = 10) {
        if (x == 2)
            break;
        trail_int(x);
    }
    CHECK_STR(trailed(), "0 1 closed");
}

TEST(continue_goes_on)
{
    co_for (int, x, count, .to = 4) {
        if (x % 2)
            continue;
        trail_int(x);
    }
    CHECK_STR(trailed(), "0 2 closed");
}

static int first_over(int limit)
{
    co_for (int, x, count, .to = 100)
        if (x > limit)
            return x;
    return -1;
}

TEST(return_closes)
{
    CHECK_INT(first_over(7), 8);
    CHECK_STR(trailed(), "closed");
    CHECK_INT(first_over(100), -1);
    CHECK_STR(trailed(), "closed");
}

TEST(goto_closes)
{
    co_for (int, x, count, .to = 10) {
        if (x == 1)
            goto out;
        trail_int(x);
    }
    trail("not here");
out:
    CHECK_STR(trailed(), "0 closed");
}

TEST(for_is_one_statement)
{
    bool yes = true;

    if (!yes)
        co_for (int, x, count, .to = 2)
            trail_int(x);
    else
        trail("else");
    CHECK_STR(trailed(), "else");
}

TEST(variable_may_be_changed)
{
    co_for (int, x, count, .to = 3) {
        x *= 10;
        trail_int(x);
    }
    CHECK_STR(trailed(), "0 10 20 closed");
}

/* ---- In each other */

TEST(nested_for)
{
    co_for (int, x, count, .from = 1, .to = 3)
        co_for (int, y, count, .from = x, .to = 3)
            trail_int(x * 10 + y);
    CHECK_STR(trailed(), "11 12 closed 22 closed closed");
}

TEST(break_leaves_the_inner_for_only)
{
    co_for (int, x, count, .to = 2) {
        co_for (int, y, count, .to = 5) {
            if (y == 1)
                break;
            trail_int(x * 10 + y);
        }
    }
    CHECK_STR(trailed(), "0 closed 10 closed closed");
}

static int pythagorean(void)
{
    co_for (int, a, count, .from = 1, .to = 20)
        co_for (int, b, count, .from = a, .to = 20)
            co_for (int, c, count, .from = b, .to = 20)
                if (a * a + b * b == c * c)
                    return a * 10000 + b * 100 + c;
    return 0;
}

TEST(return_closes_all_of_them)
{
    CHECK_INT(pythagorean(), 30405);
    const char *all = trailed();
    CHECK_STR(all + strlen(all) - strlen("closed closed closed"), "closed closed closed");
}

TEST(break_in_an_ordinary_loop_around)
{
    for (int i = 0; i < 3; i++) {
        co_for (int, x, count, .to = 2)
            trail_int(x);
        if (i == 1)
            break;
    }
    CHECK_STR(trailed(), "0 1 closed 0 1 closed");
}

/* ---- In generators and coroutines, between two suspensions */

co_gen(int, sums, { int n; int sum; })
{
    co_begin;
    for (; self->n < 4; self->n++) {
        self->sum = 0;
        co_for (int, x, count, .to = self->n)
            self->sum += x;
        co_yield(self->sum);
    }
    co_end;
}

TEST(for_in_a_generator)
{
    co_for (int, x, sums, .n = 1)
        trail_int(x);
    CHECK_STR(trailed(), "closed 0 closed 1 closed 3");
}

co_def(returns_from_for, { int limit; })
{
    co_begin;
    co_suspend;
    co_for (int, x, count, .to = 100)
        if (x == self->limit)
            co_return(x);
    co_raise(ERANGE);
    co_finally;
    trail("finally");
    co_end;
}

TEST(co_return_in_a_for_closes)
{
    RUN(returns_from_for, .limit = 5);
    CHECK(!resume());
    CHECK_STR(trailed(), "closed finally");
    CHECK_RETURNED(5);
    RUN(returns_from_for, .limit = 500);
    CHECK(!resume());
    CHECK_STR(trailed(), "closed finally");
    CHECK_ENDED(ERANGE);
}

/* ---- Errors and other types */

co_gen(const char *, words, { int error; })
{
    co_begin;
    co_yield("a");
    if (self->error)
        co_raise(self->error);
    co_yield("b");
    co_end;
}

TEST(error_ends_the_for)
{
    co_for (const char *, word, words, .error = EIO)
        trail(word);
    CHECK_STR(trailed(), "a");
}

TEST(for_of_pointers)
{
    co_for (const char *, word, words)
        trail(word);
    CHECK_STR(trailed(), "a b");
}
