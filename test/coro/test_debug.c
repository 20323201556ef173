/* test_debug.c: what -DAWL_DEBUG adds: a result of the wrong kind traps, and lost locals turn to garbage. */
#ifndef AWL_DEBUG
#define AWL_DEBUG
#endif
#include "rig.h"

/* ---- The kind of a result against the kind of its place */

enum kind { INTEGER, REAL, POINTER, ZERO, NO_VALUE, NULL_POINTER, REAL_ZERO };

co_def(gives, { enum kind kind; })
{
    co_begin;
    co_suspend;
    switch (self->kind) {
    case INTEGER:
        co_return(3);
    case REAL:
        co_return(2.5);
    case POINTER:
        co_return("text");
    case ZERO:
        co_return(0);
    case NULL_POINTER:
        co_return(NULL);
    case REAL_ZERO:
        co_return(0.0);
    case NO_VALUE:
        break;
    }
    co_end;
}

co_def(takes_integer, { enum kind kind; short place; })
{
    co_begin;
    co_let(self->place, co_call(gives, .kind = self->kind));
    co_return(self->place);
    co_end;
}

co_def(takes_real, { enum kind kind; float place; })
{
    co_begin;
    co_let(self->place, co_call(gives, .kind = self->kind));
    co_end;
}

static int line_of_let;

co_def(takes_pointer, { enum kind kind; const char *place; })
{
    co_begin;
    line_of_let = __LINE__ + 1;
    co_let(self->place, co_call(gives, .kind = self->kind));
    co_end;
}

static const char another_type[] = "the result is of another type";

TEST(integer_place_traps_on_others)
{
    RUN(takes_integer, .kind = REAL);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_integer, .kind = POINTER);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_integer, .kind = INTEGER);
    CHECK(!resume());
    CHECK_RETURNED(3);
}

TEST(real_place_traps_on_others)
{
    RUN(takes_real, .kind = INTEGER);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_real, .kind = POINTER);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_real, .kind = REAL);
    CHECK(!resume());
    CHECK_ENDED(0);
}

TEST(pointer_place_traps_on_others)
{
    RUN(takes_pointer, .kind = INTEGER);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_pointer, .kind = REAL);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_pointer, .kind = POINTER);
    CHECK(!resume());
    CHECK_ENDED(0);
}

TEST(trap_names_the_line_of_the_let)
{
    char where[256];

    RUN(takes_pointer, .kind = REAL);
    snprintf(where, sizeof where, "%s:%d:", __FILE__, line_of_let);
    EXPECT_NAMED_TRAP(resume(), where);
}

TEST(zeros_fit_every_place)
{
    static const enum kind zeros[] = { ZERO, NO_VALUE, NULL_POINTER, REAL_ZERO };

    for (int i = 0; i < 4; i++) {
        RUN(takes_integer, .kind = zeros[i]);
        CHECK(!resume());
        CHECK_RETURNED(0);
        RUN(takes_real, .kind = zeros[i]);
        CHECK(!resume());
        CHECK_ENDED(0);
        RUN(takes_pointer, .kind = zeros[i]);
        CHECK(!resume());
        CHECK_ENDED(0);
    }
}

co_def(takes_by_result, { enum kind kind; int rc; const char *place; })
{
    co_begin;
    co_try(self->rc, co_call(gives, .kind = self->kind));
    co_result(self->place);
    co_end;
}

TEST(co_result_traps_as_well)
{
    RUN(takes_by_result, .kind = INTEGER);
    EXPECT_NAMED_TRAP(resume(), another_type);
    RUN(takes_by_result, .kind = POINTER);
    CHECK(!resume());
    CHECK_ENDED(0);
}

TEST(await_and_try_take_any_kind)
{
    RUN(takes_by_result, .kind = NO_VALUE);
    CHECK(!resume());
    CHECK_ENDED(0);
}

/* ---- Lost locals: behind calls that the compiler does not know, so that it neither warns nor guesses */

enum { KNOWN = 0x12345678 };

static void keep_it(int *local) { *local = KNOWN; }
static int recall_it(int *local) { return *local; }
static void (*volatile keep)(int *) = keep_it;
static int (*volatile recall)(int *) = recall_it;

co_def(loses_a_local, {})
{
    int local;

    co_begin;
    keep(&local);
    co_suspend;
    co_return(recall(&local));
    co_end;
}

TEST(local_of_a_coroutine_is_lost_at_once)
{
    RUN(loses_a_local);
    CHECK(!resume());
    CHECK(co_ended_value(&rig).i != KNOWN);
}

co_gen(int, loses_a_local_too, {})
{
    int local;

    co_begin;
    keep(&local);
    co_yield(0);
    co_yield(recall(&local));
    co_end;
}

TEST(local_of_a_generator_is_lost_at_once)
{
    struct loses_a_local_too it = co_iter(loses_a_local_too);
    int x = 0;

    CHECK(co_next(&it, &x) && co_next(&it, &x));
    CHECK(x != KNOWN);
}
