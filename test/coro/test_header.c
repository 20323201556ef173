/* test_header.c: coroutines and generators that a header declares, used from another translation unit. */
#include "parts.h"
#include "rig.h"

TEST(declared_coroutine_starts)
{
    RUN(parts_product, .a = 6, .b = 7);
    CHECK(!co_ended(&rig));
    CHECK(!resume());
    CHECK_RETURNED(42);
}

co_def(square, { int n, result; })
{
    co_begin;
    co_let(self->result, co_call(parts_product, .a = self->n, .b = self->n));
    co_return(self->result);
    co_end;
}

TEST(declared_coroutine_is_awaited)
{
    RUN(square, .n = 9);
    CHECK(!resume());
    CHECK_RETURNED(81);
}

TEST(declared_generator_steps)
{
    struct parts_count it = co_iter(parts_count, .from = 2, .to = 4);
    int x = 0;

    CHECK(co_next(&it, &x));
    CHECK_INT(x, 2);
    CHECK(co_next(&it, &x));
    CHECK_INT(x, 3);
    CHECK(!co_next(&it, &x));
    CHECK_INT(x, 3);
    CHECK_INT(co_error(&it), 0);
}

TEST(declared_generator_in_a_loop)
{
    co_for (const char *, word, parts_words, .n = 1)
        trail(word);
    CHECK_STR(trailed(), "two three");
}

TEST(declared_generator_closes)
{
    struct parts_count it = co_iter(parts_count, .from = 0, .to = 100);
    int x;

    CHECK(co_next(&it, &x));
    co_close(parts_count, &it);
    CHECK(!co_next(&it, &x));
}

TEST(both_translation_units_agree)
{
    int sum = 0;

    co_for (int, x, parts_count, .from = 1, .to = 11)
        sum += x;
    CHECK_INT(sum, 55);
    CHECK_INT(parts_sum(1, 11), 55);
}
