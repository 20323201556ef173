/* test_await.c: where awaits may stand, what objects do, and what traps. */
#include "rig.h"

#include <errno.h>

co_def(gives, { int n; bool later; })
{
    co_begin;
    if (self->later)
        co_suspend;
    co_return(self->n);
    co_end;
}

/* ---- Places in a body */

co_def(one_line, { int a, b, c; })
{
    co_begin;
    co_let(self->a, co_call(gives, .n = 1, .later = true)); co_let(self->b, co_call(gives, .n = 2)); co_suspend; co_suspend;
    co_let(self->c, co_call(gives, .n = 3, .later = true)); co_return(self->a * 100 + self->b * 10 + self->c);
    co_end;
}

TEST(several_awaits_on_one_line)
{
    int resumes = 0;

    RUN(one_line);
    while (resume())
        resumes++;
    CHECK_INT(resumes, 3);
    CHECK_RETURNED(123);
}

co_def(loops, { int i, j, k, sum; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        self->j = 0;
        while (self->j < 3) {
            if (++self->j == 2)
                continue;
            self->k = 0;
            do {
                int x; /* lives within one await */
                co_let(x, co_call(gives, .n = self->i * 100 + self->j * 10 + self->k, .later = self->k & 1));
                self->sum += x;
                if (self->i == 2)
                    break;
            } while (++self->k < 3);
        }
    }
    co_return(self->sum);
    co_end;
}

TEST(awaits_in_nested_loops)
{
    RUN(loops);
    while (resume())
        ;
    /* i < 2: j = 1, 3 and k = 0 … 2; i = 2: k = 0 only */
    CHECK_RETURNED(2 * (3 * 10 + 3 * 30 + 2 * 3) + 6 * 100 + 2 * 200 + 10 + 30);
}

co_def(branches, { int way, x; })
{
    co_begin;
    if (self->way == 0)
        co_let(self->x, co_call(gives, .n = 10, .later = true));
    else if (self->way == 1)
        co_suspend;
    else
        co_return(30);
    {
        int inner = 1;
        self->x += inner;
    }
    co_return(self->x);
    co_end;
}

TEST(awaits_are_single_statements_in_if_else)
{
    static const int results[] = { 11, 1, 30 };

    for (int way = 0; way < 3; way++) {
        RUN(branches, .way = way);
        while (resume())
            ;
        CHECK_RETURNED(results[way]);
    }
}

co_def(jumps, { int n; })
{
    co_begin;
again:
    co_suspend;
    if (++self->n < 5)
        goto again;
    co_return(self->n);
    co_end;
}

TEST(goto_past_awaits)
{
    int resumes = 0;

    RUN(jumps);
    while (resume())
        resumes++;
    CHECK_INT(resumes, 4);
    CHECK_RETURNED(5);
}

co_def(switches_between, { int way, x; })
{
    co_begin;
    co_let(self->x, co_call(gives, .n = 2, .later = true));
    switch (self->x + self->way) { /* without an await in it */
    case 2:
        trail("two");
        break;
    case 3:
        co_return(33);
    default:
        co_raise(EDOM);
    }
    co_suspend;
    trail("end");
    co_end;
}

TEST(switch_without_await_may_leave)
{
    RUN(switches_between);
    while (resume())
        ;
    CHECK_STR(trailed(), "two end");
    RUN(switches_between, .way = 1);
    CHECK(!resume());
    CHECK_RETURNED(33);
    RUN(switches_between, .way = 2);
    CHECK(!resume());
    CHECK_ENDED(EDOM);
}

#define AWAIT self->n++; co_suspend;
#define AWAIT_18 AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT AWAIT

co_def(most_awaits, { int n; })
{
    co_begin;
    AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18
    AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18 AWAIT_18
    co_return(self->n);
    co_end;
}

TEST(a_body_may_have_252_awaits)
{
    RUN(most_awaits);
    while (resume())
        ;
    CHECK_RETURNED(252);
}

co_def(knows_its_line, { int line; })
{
    co_begin;
    self->line = __LINE__ + 1;
    co_suspend;
    co_end;
}

TEST(suspended_frame_tells_its_line)
{
    RUN(knows_its_line);
    CHECK_INT(CO_LINE_(rig.leaf_->state_), ((struct knows_its_line *)(void *)rig.leaf_)->line);
    CHECK_STR(rig.leaf_->type_->name, "knows_its_line");
}

/* ---- Objects as arguments of objects */

co_def(wraps, { co_object op; bool twice; int result; })
{
    co_begin;
    co_let(self->result, self->op);
    if (self->twice)
        co_await(self->op);
    co_return(self->result + 1);
    co_end;
}

co_def(wrapping, { int depth; bool twice; int result; })
{
    co_begin;
    if (self->depth == 1)
        co_let(self->result, co_call(wraps, .op = co_call(gives, .n = 5, .later = true), .twice = self->twice));
    else
        co_let(self->result, co_call(wraps, .op = co_call(wraps, .op = co_call(gives, .n = 5, .later = true))));
    CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    co_return(self->result);
    co_end;
}

TEST(object_is_an_argument_of_an_object)
{
    RUN(wrapping, .depth = 1);
    CHECK(!resume());
    CHECK_RETURNED(6);
}

TEST(object_is_an_argument_of_an_argument)
{
    RUN(wrapping, .depth = 2);
    CHECK(!resume());
    CHECK_RETURNED(7);
}

TEST(awaiting_twice_traps)
{
    RUN(wrapping, .depth = 1, .twice = true);
    EXPECT_NAMED_TRAP(resume(), "this coroutine object has been awaited already");
}

/* Makes the inner object first, so that it lies below the one that awaits it. */
co_def(makes_inner_first, { co_object op; int result; })
{
    co_begin;
    co_let(self->result, (self->op = co_call(gives, .n = 8, .later = true), co_call(wraps, .op = self->op)));
    CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    co_return(self->result);
    co_end;
}

TEST(object_made_before_its_awaiter_goes_with_it)
{
    RUN(makes_inner_first);
    CHECK(!resume());
    CHECK_RETURNED(9);
}

co_def(ignores, { co_object op; })
{
    co_begin;
    co_suspend;
    co_end;
}

co_def(passes_in_vain, {})
{
    co_begin;
    co_await(co_call(ignores, .op = co_call(gives, .n = 3)));
    CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    co_end;
}

TEST(object_never_awaited_goes_with_its_owner)
{
    RUN(passes_in_vain);
    CHECK(!resume());
    CHECK_ENDED(0);
}

/* ---- What traps */

TEST(bad_state_traps)
{
    RUN(jumps);
    rig.leaf_->state_ = 200;
    EXPECT_NAMED_TRAP(resume(), "this coroutine was resumed in a state that it does not have");
}

TEST(trap_names_the_file_of_the_coroutine)
{
    RUN(jumps);
    rig.leaf_->state_ = 200;
    EXPECT_NAMED_TRAP(resume(), __FILE__);
}

TEST(trap_without_a_host_stops_the_program)
{
    RUN(jumps);
    rig.leaf_->state_ = 200;
    EXPECT_TRAP(resume(), "");
}
