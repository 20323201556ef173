/* test_finally.c: co_finally runs exactly once, from wherever the coroutine was left, and what it says replaces the rest. */
#include "rig.h"

#include <errno.h>

/* ---- Ways to leave a body */

enum way { FALL, RETURN, RAISE, AWAIT_ERROR, AWAIT_ERROR_LATER, LET_ERROR, TRY_CANCEL_ERROR, LOOP_RETURN };

co_def(fails, { int error; bool later; })
{
    co_begin;
    if (self->later)
        co_suspend;
    co_raise(self->error);
    co_end;
}

co_def(nothing, {})
{
    co_begin;
    co_end;
}

/* Leaves its body in each way; trails "body", "finally" and, when it fell through, "fell". */
co_def(leaves, { enum way way; int i, rc; })
{
    co_begin;
    trail("body");
    if (self->way == RETURN)
        co_return(42);
    if (self->way == RAISE)
        co_raise(EIO);
    if (self->way == AWAIT_ERROR || self->way == AWAIT_ERROR_LATER)
        co_await(co_call(fails, .error = EPERM, .later = self->way == AWAIT_ERROR_LATER));
    if (self->way == LET_ERROR)
        co_let(self->i, co_call(fails, .error = ENOENT));
    if (self->way == TRY_CANCEL_ERROR)
        co_try(self->rc, co_call(fails, .error = ECANCELED));
    for (self->i = 0; self->way == LOOP_RETURN; self->i++)
        while (self->i == 3)
            co_return(self->i);
    trail("fell");
    co_finally;
    trail("finally");
    co_end;
}

static void check_leaves(enum way way, const char *trail, int error, int value)
{
    RUN(leaves, .way = way);
    while (resume())
        ;
    CHECK_STR(trailed(), trail);
    CHECK_ENDED(error);
    CHECK_INT(co_ended_value(&rig).i, value);
}

TEST(finally_after_the_last_line) { check_leaves(FALL, "body fell finally", 0, 0); }
TEST(finally_after_return) { check_leaves(RETURN, "body finally", 0, 42); }
TEST(finally_after_return_in_a_loop) { check_leaves(LOOP_RETURN, "body finally", 0, 3); }
TEST(finally_after_raise) { check_leaves(RAISE, "body finally", EIO, 0); }
TEST(finally_after_error_of_await) { check_leaves(AWAIT_ERROR, "body finally", EPERM, 0); }
TEST(finally_after_error_of_suspended_await) { check_leaves(AWAIT_ERROR_LATER, "body finally", EPERM, 0); }
TEST(finally_after_error_of_let) { check_leaves(LET_ERROR, "body finally", ENOENT, 0); }
TEST(finally_after_cancellation) { check_leaves(TRY_CANCEL_ERROR, "body finally", ECANCELED, 0); }

co_def(memoryless, { char large[RIG_SIZE]; })
{
    co_begin;
    trail("never");
    co_end;
}

co_def(lacks_memory, {})
{
    co_begin;
    co_await(co_call(memoryless));
    trail("never");
    co_finally;
    trail("finally");
    co_end;
}

TEST(finally_after_out_of_memory)
{
    RUN(lacks_memory);
    CHECK_STR(trailed(), "finally");
    CHECK_ENDED(ENOMEM);
}

/* ---- Awaiting in co_finally keeps what is on its way */

co_def(pauses, { int n; })
{
    co_begin;
    trail("pause");
    co_suspend;
    co_return(self->n);
    co_end;
}

co_def(cleans_up, { enum way way; double real; const char *text; int ignored; int rc; })
{
    co_begin;
    if (self->way == RAISE)
        co_raise(EIO);
    if (self->way == AWAIT_ERROR)
        co_await(co_call(fails, .error = EPERM, .later = true));
    if (self->real != 0)
        co_return(self->real);
    if (self->text)
        co_return(self->text);
    co_return(7);
    co_finally;
    trail("in");
    co_await(co_call(pauses, .n = 1));
    co_suspend;
    co_let(self->ignored, co_call(pauses, .n = 2));
    co_try(self->rc, co_call(fails, .error = EBADF));
    trail_int(self->rc);
    co_end;
}

static void run_cleans_up(enum way way, double real, const char *text)
{
    RUN(cleans_up, .way = way, .real = real, .text = text);
    while (resume())
        ;
    CHECK_STR(trailed(), "in pause pause 9");
}

TEST(integer_is_kept_over_awaits_in_finally)
{
    run_cleans_up(RETURN, 0, NULL);
    CHECK_RETURNED(7);
    CHECK_INT(rig.promise_.kind_, CO_INT);
}

TEST(double_is_kept_over_awaits_in_finally)
{
    run_cleans_up(RETURN, 2.5, NULL);
    CHECK_ENDED(0);
    CHECK(co_ended_value(&rig).d == 2.5);
    CHECK_INT(rig.promise_.kind_, CO_DOUBLE);
}

TEST(pointer_is_kept_over_awaits_in_finally)
{
    run_cleans_up(RETURN, 0, "kept");
    CHECK_ENDED(0);
    CHECK_STR((char *)co_ended_value(&rig).p, "kept");
    CHECK_INT(rig.promise_.kind_, CO_POINTER);
}

TEST(error_is_kept_over_awaits_in_finally)
{
    run_cleans_up(RAISE, 0, NULL);
    CHECK_ENDED(EIO);
    run_cleans_up(AWAIT_ERROR, 0, NULL);
    CHECK_ENDED(EPERM);
}

co_def(awaits_cleans_up, { int value; })
{
    co_begin;
    co_let(self->value, co_call(cleans_up));
    co_return(self->value * 10);
    co_end;
}

TEST(kept_value_reaches_the_awaiter)
{
    RUN(awaits_cleans_up);
    while (resume())
        ;
    CHECK_RETURNED(70);
}

/* ---- co_finally may replace what is on its way, and is not entered twice */

enum replacement { KEEP, BY_RETURN, BY_RAISE, BY_AWAIT, BY_AWAIT_LATER };

co_def(replaces, { bool raise; enum replacement by; })
{
    co_begin;
    if (self->raise)
        co_raise(EIO);
    co_return(1);
    co_finally;
    trail("finally");
    if (self->by == BY_RETURN)
        co_return(2);
    if (self->by == BY_RAISE)
        co_raise(EDOM);
    if (self->by == BY_AWAIT || self->by == BY_AWAIT_LATER)
        co_await(co_call(fails, .error = ERANGE, .later = self->by == BY_AWAIT_LATER));
    trail("rest");
    co_end;
}

static void check_replaces(bool raise, enum replacement by, const char *trail, int error, int value)
{
    RUN(replaces, .raise = raise, .by = by);
    while (resume())
        ;
    CHECK_STR(trailed(), trail);
    CHECK_ENDED(error);
    CHECK_INT(co_ended_value(&rig).i, value);
}

TEST(nothing_in_finally_keeps_the_value) { check_replaces(false, KEEP, "finally rest", 0, 1); }
TEST(nothing_in_finally_keeps_the_error) { check_replaces(true, KEEP, "finally rest", EIO, 0); }
TEST(return_in_finally_replaces_the_value) { check_replaces(false, BY_RETURN, "finally", 0, 2); }
TEST(return_in_finally_replaces_the_error) { check_replaces(true, BY_RETURN, "finally", 0, 2); }
TEST(raise_in_finally_replaces_the_value) { check_replaces(false, BY_RAISE, "finally", EDOM, 0); }
TEST(raise_in_finally_replaces_the_error) { check_replaces(true, BY_RAISE, "finally", EDOM, 0); }
TEST(failed_await_in_finally_replaces_the_value) { check_replaces(false, BY_AWAIT, "finally", ERANGE, 0); }
TEST(failed_await_in_finally_replaces_the_error) { check_replaces(true, BY_AWAIT_LATER, "finally", ERANGE, 0); }

/* ---- Several frames */

co_def(nested, { int depth; })
{
    co_begin;
    if (self->depth == 0)
        co_await(co_call(fails, .error = EIO, .later = true));
    else
        co_await(co_call(nested, .depth = self->depth - 1));
    co_finally;
    co_await(co_call(nothing));
    co_suspend;
    trail_int(self->depth);
    co_end;
}

TEST(finally_of_every_frame_innermost_first)
{
    int resumes = 0;

    RUN(nested, .depth = 4);
    while (resume())
        resumes++;
    CHECK_STR(trailed(), "0 1 2 3 4");
    CHECK_INT(resumes, 5);
    CHECK_ENDED(EIO);
}

co_def(recovers, { int rc; })
{
    co_begin;
    co_try(self->rc, co_call(replaces, .raise = true));
    trail_int(self->rc);
    co_try(self->rc, co_call(replaces, .by = BY_RAISE));
    trail_int(self->rc);
    co_return(3);
    co_finally;
    trail("outer");
    co_end;
}

TEST(try_catches_after_the_childs_finally)
{
    RUN(recovers);
    CHECK_STR(trailed(), "finally rest 5 finally 33 outer");
    CHECK_RETURNED(3);
}

co_def(only_finally, {})
{
    co_begin;
    co_finally;
    trail("finally");
    co_suspend;
    trail("again");
    co_end;
}

TEST(body_may_be_empty_before_finally)
{
    RUN(only_finally);
    CHECK(!resume());
    CHECK_STR(trailed(), "finally again");
    CHECK_RETURNED(0);
}

co_def(wraps_widely, { co_object op; char bytes[RIG_SIZE]; })
{
    co_begin;
    trail("never");
    co_end;
}

co_def(lacks_memory_in_finally, { co_object op; int rc; })
{
    co_begin;
    co_return(99);
    co_finally;
    co_try(self->rc, (self->op = co_call(pauses, .n = 2), co_call(wraps_widely, .op = self->op)));
    trail_int(self->rc);
    co_await(co_call(pauses, .n = 3));
    co_end;
}

TEST(value_is_kept_over_out_of_memory_in_finally)
{
    RUN(lacks_memory_in_finally);
    CHECK(!resume());
    CHECK_STR(trailed(), "12 pause");
    CHECK_RETURNED(99);
}
