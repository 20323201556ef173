/* test_error.c: co_raise, and how errors travel: co_await, co_let, co_try, co_try_cancel. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

co_def(fails, { int error; bool later; })
{
    co_begin;
    if (self->later)
        co_suspend;
    if (self->error)
        co_raise(self->error);
    co_return(11);
    co_end;
}

TEST(raise_ends_with_the_error)
{
    RUN(fails, .error = EINVAL);
    CHECK_ENDED(EINVAL);
    RUN(fails, .error = EINVAL, .later = true);
    CHECK(!resume());
    CHECK_ENDED(EINVAL);
}

TEST(raise_takes_1_to_32767)
{
    RUN(fails, .error = 1);
    CHECK_ENDED(1);
    RUN(fails, .error = 32767);
    CHECK_ENDED(32767);
}

co_def(raises, { int error; })
{
    co_begin;
    co_suspend;
    co_raise(self->error);
    co_end;
}

TEST(raise_of_no_error_traps)
{
    RUN(raises, .error = 0);
    EXPECT_NAMED_TRAP(resume(), "co_raise takes an error number");
    RUN(raises, .error = -EINVAL);
    EXPECT_NAMED_TRAP(resume(), "co_raise takes an error number");
    RUN(raises, .error = 32768);
    EXPECT_NAMED_TRAP(resume(), "co_raise takes an error number");
}

co_gen(int, raising, { int error; })
{
    co_begin;
    co_yield(1);
    co_raise(self->error);
    co_end;
}

static void run_raising(int error)
{
    struct raising it = co_iter(raising, .error = error);
    int x;

    while (co_next(&it, &x))
        ;
}

TEST(raise_of_no_error_traps_in_a_generator)
{
    EXPECT_TRAP(run_raising(0), "");
    EXPECT_TRAP(run_raising(-1), "");
    run_raising(1);
}

/* ---- Through those who await */

co_def(passes_on, { int error; bool later; })
{
    co_begin;
    trail("before");
    co_await(co_call(fails, .error = self->error, .later = self->later));
    trail("after");
    co_end;
}

co_def(passes_on_twice, { int error; bool later; int place; })
{
    co_begin;
    co_let(self->place, co_call(passes_on, .error = self->error, .later = self->later));
    trail("outside");
    co_return(5);
    co_end;
}

TEST(error_unwinds_every_awaiter)
{
    RUN(passes_on_twice, .error = EIO);
    CHECK_STR(trailed(), "before");
    CHECK_ENDED(EIO);
}

TEST(error_unwinds_after_a_suspension)
{
    RUN(passes_on_twice, .error = EIO, .later = true);
    CHECK(!resume());
    CHECK_STR(trailed(), "before");
    CHECK_ENDED(EIO);
}

TEST(no_error_goes_on)
{
    RUN(passes_on_twice, .later = true);
    CHECK(!resume());
    CHECK_STR(trailed(), "before after outside");
    CHECK_RETURNED(5);
}

co_def(goes_deep, { int depth, error; })
{
    co_begin;
    if (self->depth)
        co_await(co_call(goes_deep, .depth = self->depth - 1, .error = self->error));
    else
        co_await(co_call(fails, .error = self->error, .later = true));
    trail("not here");
    co_end;
}

TEST(error_unwinds_twenty_levels)
{
    RUN(goes_deep, .depth = 20, .error = EPERM);
    CHECK(!resume());
    CHECK_STR(trailed(), "");
    CHECK_ENDED(EPERM);
}

/* ---- Caught */

co_def(tries, { int error; bool later, cancel_too; int rc; })
{
    co_begin;
    self->rc = -1;
    if (self->cancel_too)
        co_try_cancel(self->rc, co_call(fails, .error = self->error, .later = self->later));
    else
        co_try(self->rc, co_call(fails, .error = self->error, .later = self->later));
    trail_int(self->rc);
    co_await(co_call(fails)); /* an error that was caught is gone */
    co_return(1);
    co_end;
}

TEST(try_catches_an_error)
{
    RUN(tries, .error = EIO);
    CHECK_STR(trailed(), "5");
    CHECK_RETURNED(1);
    RUN(tries, .error = EIO, .later = true);
    CHECK(!resume());
    CHECK_STR(trailed(), "5");
    CHECK_RETURNED(1);
}

TEST(try_sets_zero_without_an_error)
{
    RUN(tries);
    CHECK_STR(trailed(), "0");
    CHECK_RETURNED(1);
}

TEST(try_lets_a_cancellation_through)
{
    RUN(tries, .error = ECANCELED);
    CHECK_STR(trailed(), "");
    CHECK_ENDED(ECANCELED);
}

TEST(try_cancel_catches_a_cancellation)
{
    RUN(tries, .error = ECANCELED, .cancel_too = true);
    CHECK_INT(strtol(trailed(), NULL, 10), ECANCELED);
    CHECK_RETURNED(1);
}

TEST(try_cancel_catches_errors_too)
{
    RUN(tries, .error = EIO, .cancel_too = true, .later = true);
    CHECK(!resume());
    CHECK_STR(trailed(), "5");
    CHECK_RETURNED(1);
}

TEST(language_errors_are_the_systems)
{
    CHECK_INT(CO_ENOMEM, ENOMEM);
    CHECK_INT(CO_ECANCELED, ECANCELED);
}

co_def(translates, { int8_t rc; })
{
    co_begin;
    co_try(self->rc, co_call(fails, .error = 7));
    if (self->rc)
        co_raise(self->rc + 1);
    co_end;
}

TEST(caught_error_may_be_replaced)
{
    RUN(translates);
    CHECK_ENDED(8);
}

co_def(catches_in_a_loop, { int i, rc, failures; })
{
    co_begin;
    for (self->i = 0; self->i < 10; self->i++) {
        co_try(self->rc, co_call(fails, .error = self->i % 2, .later = self->i % 3 == 0));
        if (self->rc)
            self->failures++;
    }
    co_return(self->failures);
    co_end;
}

TEST(errors_caught_in_a_loop)
{
    RUN(catches_in_a_loop);
    while (resume())
        ;
    CHECK_RETURNED(5);
}

/* ---- A stack used again */

co_def(nothing, {})
{
    co_begin;
    co_end;
}

co_def(awaits_nothing, {})
{
    co_begin;
    co_await(co_call(nothing));
    trail("went on");
    co_end;
}

TEST(stack_starts_afresh_after_an_error)
{
    RUN(fails, .error = EIO);
    CHECK_ENDED(EIO);
    CHECK(co_start(&rig, awaits_nothing));
    co_run(&rig);
    CHECK_STR(trailed(), "went on");
    CHECK_ENDED(0);
}
