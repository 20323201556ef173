/* test_switch.c: co_switch, symmetric transfer between stacks. */
#include "rig.h"

/* Two stacks, beside the rig. */
static co_stack left, right;
static uint64_t left_memory[128], right_memory[128];

static void init(void)
{
    co_stack_init(&left, left_memory, sizeof left_memory);
    co_stack_init(&right, right_memory, sizeof right_memory);
}

/* ---- The two greenlets */

co_def(test1, {})
{
    co_begin;
    trail_int(12);
    co_switch(&right);
    trail_int(34);
    co_end;
}

co_def(test2, {})
{
    co_begin;
    trail_int(56);
    co_switch(&left);
    trail_int(78);
    co_end;
}

TEST(greenlets_print_12_56_34)
{
    init();
    CHECK(co_start(&left, test1));
    CHECK(co_start(&right, test2));
    CHECK_PTR(co_run(&left), &left);
    CHECK_STR(trailed(), "12 56 34");
    CHECK(co_ended(&left));
    CHECK(!co_ended(&right));
}

TEST(switched_from_goes_on_when_run)
{
    init();
    CHECK(co_start(&left, test1));
    CHECK(co_start(&right, test2));
    co_run(&left);
    CHECK_PTR(co_run(&right), &right);
    CHECK_STR(trailed(), "12 56 34 78");
    CHECK(co_ended(&right));
    CHECK_INT(rig_used(&right, right_memory), 0);
}

/* ---- Many switches */

co_def(plays, { co_stack *other; int *ball; })
{
    co_begin;
    while (*self->ball < 1000) {
        ++*self->ball;
        co_switch(self->other);
    }
    co_return(*self->ball);
    co_end;
}

TEST(ping_pong_of_a_thousand_switches)
{
    int ball = 0;

    init();
    CHECK(co_start(&left, plays, .other = &right, .ball = &ball));
    CHECK(co_start(&right, plays, .other = &left, .ball = &ball));
    CHECK_PTR(co_run(&left), &left);
    CHECK_INT(ball, 1000);
    CHECK_INT(co_ended_value(&left).i, 1000);
    co_run(&right);
    CHECK_INT(co_ended_value(&right).i, 1000);
}

/* ---- From below other frames */

co_def(plays_from_below, { co_stack *other; int *ball; int depth, score; })
{
    co_begin;
    if (self->depth)
        co_let(self->score, co_call(plays_from_below, .other = self->other, .ball = self->ball, .depth = self->depth - 1));
    else
        co_let(self->score, co_call(plays, .other = self->other, .ball = self->ball));
    co_return(self->score + 1);
    co_finally;
    trail_int(self->depth);
    co_end;
}

TEST(switch_from_below_other_frames)
{
    int ball = 0;

    init();
    CHECK(co_start(&left, plays_from_below, .other = &right, .ball = &ball, .depth = 2));
    CHECK(co_start(&right, plays, .other = &left, .ball = &ball));
    co_run(&left);
    CHECK_INT(co_ended_value(&left).i, 1003);
    CHECK_INT(co_ended_error(&left), 0);
    CHECK_STR(trailed(), "0 1 2");
    CHECK_INT(rig_used(&left, left_memory), 0);
}

/* ---- Where co_run returns */

co_def(switches_once, { co_stack *other; })
{
    co_begin;
    co_switch(self->other);
    trail("back");
    co_end;
}

TEST(switch_to_an_ended_stack_returns_from_run)
{
    init();
    CHECK(co_start(&left, switches_once, .other = &right));
    CHECK_PTR(co_run(&left), &right);
    CHECK(co_ended(&right));
    CHECK(!co_ended(&left));
    co_run(&left);
    CHECK_STR(trailed(), "back");
    CHECK(co_ended(&left));
}

co_def(suspends_once, {})
{
    co_begin;
    co_suspend;
    trail("resumed");
    co_end;
}

TEST(run_returns_when_the_other_stack_suspends)
{
    init();
    CHECK(co_start(&left, switches_once, .other = &right));
    CHECK(co_start(&right, suspends_once));
    CHECK_PTR(co_run(&left), &right);
    CHECK(!co_ended(&right));
    CHECK_PTR(co_run(&right), &right);
    CHECK_STR(trailed(), "resumed");
    CHECK_PTR(co_run(&left), &left);
    CHECK_STR(trailed(), "back");
}

TEST(switch_to_itself_goes_on)
{
    init();
    CHECK(co_start(&left, switches_once, .other = &left));
    CHECK_PTR(co_run(&left), &left);
    CHECK_STR(trailed(), "back");
    CHECK(co_ended(&left));
    CHECK_INT(co_ended_value(&left).i, 0);
}

co_def(takes_turns, { int n; co_stack *next; })
{
    co_begin;
    for (;;) {
        trail_int(self->n);
        co_switch(self->next);
    }
    co_end;
}

co_def(stops_the_ring, { int rounds; co_stack *next; })
{
    co_begin;
    while (self->rounds--) {
        trail("-");
        co_switch(self->next);
    }
    co_end;
}

TEST(three_stacks_in_a_ring)
{
    init();
    co_stack_init(&rig, rig_memory, sizeof rig_memory);
    CHECK(co_start(&left, takes_turns, .n = 1, .next = &right));
    CHECK(co_start(&right, takes_turns, .n = 2, .next = &rig));
    CHECK(co_start(&rig, stops_the_ring, .rounds = 3, .next = &left));
    CHECK_PTR(co_run(&left), &rig);
    CHECK_STR(trailed(), "1 2 - 1 2 - 1 2 - 1 2");
}
