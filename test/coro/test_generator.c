/* test_generator.c: co_gen, co_iter, co_next, co_yield, co_return, co_raise, co_close, co_error, co_yield_from. */
#include "rig.h"

#include <errno.h>

co_gen(int, count, { int from, to; })
{
    co_begin;
    for (; self->from < self->to; self->from++)
        co_yield(self->from);
    co_end;
}

/* ---- Iterating */

TEST(next_gives_each_value_then_ends)
{
    struct count it = co_iter(count, .from = 5, .to = 7);
    int x = 0;

    CHECK(co_next(&it, &x));
    CHECK_INT(x, 5);
    CHECK(co_next(&it, &x));
    CHECK_INT(x, 6);
    CHECK(!co_next(&it, &x));
    CHECK_INT(x, 6);
    CHECK_INT(co_error(&it), 0);
}

TEST(finished_generator_stays_finished)
{
    struct count it = co_iter(count, .from = 0, .to = 1);
    int x = 9;

    CHECK(co_next(&it, &x));
    for (int i = 0; i < 3; i++)
        CHECK(!co_next(&it, &x));
    it.to = 100;
    CHECK(!co_next(&it, &x));
    CHECK_INT(x, 0);
}

TEST(generator_is_a_value)
{
    struct count it = co_iter(count, .to = 10), copy;
    int x;

    CHECK(co_next(&it, &x) && co_next(&it, &x));
    copy = it;
    CHECK(co_next(&it, &x));
    CHECK_INT(x, 2);
    CHECK(co_next(&copy, &x));
    CHECK_INT(x, 2);
}

TEST(iter_without_arguments_is_all_zero)
{
    struct count it = co_iter(count);
    int x;

    CHECK(!co_next(&it, &x));
}

co_gen(int, nothing, {})
{
    co_begin;
    co_end;
}

TEST(generator_without_fields_or_yields)
{
    struct nothing it = co_iter(nothing);
    int x = 3;

    CHECK(!co_next(&it, &x));
    CHECK(!co_next(&it, &x));
    CHECK_INT(x, 3);
}

TEST(generators_do_not_mix)
{
    struct count a = co_iter(count, .to = 3), b = co_iter(count, .from = 10, .to = 12);
    int x;

    while (co_next(&a, &x)) {
        trail_int(x);
        if (co_next(&b, &x))
            trail_int(x);
    }
    CHECK_STR(trailed(), "0 10 1 11 2");
}

/* ---- Types of values */

struct pair {
    int index;
    const char *word;
};

co_gen(struct pair, enumerate, { const char *const *words; int i; })
{
    co_begin;
    for (; self->words[self->i]; self->i++)
        co_yield(((struct pair){ self->i, self->words[self->i] }));
    co_end;
}

TEST(generator_of_structs)
{
    static const char *const words[] = { "zero", "one", NULL };
    struct enumerate it = co_iter(enumerate, .words = words);
    struct pair pair;

    CHECK(co_next(&it, &pair));
    CHECK_INT(pair.index, 0);
    CHECK_STR(pair.word, "zero");
    CHECK(co_next(&it, &pair));
    CHECK_INT(pair.index, 1);
    CHECK_STR(pair.word, "one");
    CHECK(!co_next(&it, &pair));
}

struct node {
    struct node *next;
    int value;
};

co_gen(struct node *, nodes, { struct node *at; })
{
    co_begin;
    for (; self->at; self->at = self->at->next)
        co_yield(self->at);
    co_end;
}

TEST(generator_of_pointers_writes_through_them)
{
    struct node second = { NULL, 2 }, first = { &second, 1 }, *node;
    struct nodes it = co_iter(nodes, .at = &first);

    while (co_next(&it, &node))
        node->value *= 10;
    CHECK_INT(first.value, 10);
    CHECK_INT(second.value, 20);
}

co_gen(double, halves, { double x; })
{
    co_begin;
    for (;;) {
        co_yield(self->x);
        self->x /= 2;
    }
    co_end;
}

TEST(generator_of_doubles_without_end)
{
    struct halves it = co_iter(halves, .x = 1);
    double x, sum = 0;

    for (int i = 0; i < 3 && co_next(&it, &x); i++)
        sum += x;
    CHECK(sum == 1.75);
}

co_gen(char, letters, { const char *text; })
{
    co_begin;
    co_yield(self->text[0]); co_yield(self->text[1]);
    co_yield(self->text[2]);
    co_end;
}

TEST(generator_with_two_yields_on_a_line)
{
    struct letters it = co_iter(letters, .text = "abc");
    char c, text[4] = "";

    for (int i = 0; co_next(&it, &c); i++)
        text[i] = c;
    CHECK_STR(text, "abc");
}

/* ---- Leaving: return, raise, finally, close */

enum way { FALL, RETURN, RAISE };

co_gen(int, leaves, { enum way way; })
{
    co_begin;
    co_yield(1);
    if (self->way == RETURN)
        co_return(0);
    if (self->way == RAISE)
        co_raise(EIO);
    co_yield(2);
    co_finally;
    trail("finally");
    co_end;
}

static int run_leaves(struct leaves *it)
{
    int x;

    while (co_next(it, &x))
        trail_int(x);
    CHECK(!co_next(it, &x));
    return co_error(it);
}

TEST(fall_through_finally)
{
    struct leaves it = co_iter(leaves);

    CHECK_INT(run_leaves(&it), 0);
    CHECK_STR(trailed(), "1 2 finally");
}

TEST(return_ends_by_way_of_finally)
{
    struct leaves it = co_iter(leaves, .way = RETURN);

    CHECK_INT(run_leaves(&it), 0);
    CHECK_STR(trailed(), "1 finally");
}

TEST(raise_ends_by_way_of_finally_with_the_error)
{
    struct leaves it = co_iter(leaves, .way = RAISE);

    CHECK_INT(run_leaves(&it), EIO);
    CHECK_STR(trailed(), "1 finally");
    co_close(leaves, &it);
    CHECK_INT(co_error(&it), EIO);
    CHECK_STR(trailed(), "");
}

TEST(close_at_a_yield_runs_finally_once)
{
    struct leaves it = co_iter(leaves);
    int x;

    CHECK(co_next(&it, &x));
    co_close(leaves, &it);
    CHECK_STR(trailed(), "finally");
    co_close(leaves, &it);
    CHECK(!co_next(&it, &x));
    CHECK_STR(trailed(), "");
    CHECK_INT(co_error(&it), 0);
}

TEST(close_before_the_first_next_runs_nothing)
{
    struct leaves it = co_iter(leaves);
    int x;

    co_close(leaves, &it);
    CHECK(!co_next(&it, &x));
    CHECK_STR(trailed(), "");
}

TEST(close_of_an_ended_generator_runs_nothing)
{
    struct leaves it = co_iter(leaves);

    run_leaves(&it);
    CHECK_STR(trailed(), "1 2 finally");
    co_close(leaves, &it);
    CHECK_STR(trailed(), "");
}

TEST(close_of_a_zeroed_generator_runs_nothing)
{
    struct leaves it;

    memset(&it, 0, sizeof it);
    co_close(leaves, &it);
    CHECK_STR(trailed(), "");
    CHECK_INT(co_error(&it), 0);
}

co_gen(int, replaces, { enum way body, finally; })
{
    co_begin;
    if (self->body == RAISE)
        co_raise(EIO);
    co_finally;
    trail("finally");
    if (self->finally == RAISE)
        co_raise(EDOM);
    if (self->finally == RETURN)
        co_return(0);
    trail("rest");
    co_end;
}

static void check_replaces(enum way body, enum way finally, const char *trail, int error)
{
    struct replaces it = co_iter(replaces, .body = body, .finally = finally);
    int x;

    CHECK(!co_next(&it, &x));
    CHECK_STR(trailed(), trail);
    CHECK_INT(co_error(&it), error);
}

TEST(error_is_kept_over_finally) { check_replaces(RAISE, FALL, "finally rest", EIO); }
TEST(raise_in_finally_replaces) { check_replaces(RAISE, RAISE, "finally", EDOM); }
TEST(raise_in_finally_is_the_error) { check_replaces(FALL, RAISE, "finally", EDOM); }
TEST(return_in_finally_clears_the_error) { check_replaces(RAISE, RETURN, "finally", 0); }

co_gen(int, yields_in_finally, {})
{
    co_begin;
    co_yield(1);
    co_finally;
    co_yield(2);
    trail("finally");
    co_end;
}

TEST(finally_may_yield_when_it_is_not_closed)
{
    struct yields_in_finally it = co_iter(yields_in_finally);
    int x;

    CHECK(co_next(&it, &x) && co_next(&it, &x));
    CHECK_INT(x, 2);
    CHECK(!co_next(&it, &x));
    CHECK_STR(trailed(), "finally");
}

TEST(bad_state_of_a_generator_traps)
{
    struct count it = co_iter(count, .to = 3);
    int x;

    CHECK(co_next(&it, &x));
    it.co_.state_ = 77;
    EXPECT_TRAP(co_next(&it, &x), "");
}
