/* test_wire.c: every fault at every offset of a dialogue, in memory: what ends how, and that nothing hangs or is lost. */
#include "rig.h"

/* The next offset: each one, or, where that takes too long, each one near the ends, and of those within one in seven. */
static size_t after(size_t at, size_t total) { return at + (SLOW && at > 300 && at + 300 < total ? 7 : 1); }

co_def(at_every_offset, { fault_kind kind; int way; size_t at; void (*check)(const affair *x); wire_habits habits; })
{
    co_begin;
    for (; self->at <= dialogue_total[self->way]; self->at = after(self->at, dialogue_total[self->way])) {
        the_affair.plan = (fault_plan){ 0 };
        the_affair.plan.way[self->way] = (fault_way){ .kind = self->kind, .at = self->at };
        the_affair.habits = self->habits;
        the_affair.cancels = -1;
        co_await(co_call(have_and_forget, .x = &the_affair));
        self->check(&the_affair);
    }
    co_end;
}

static void everywhere(fault_kind kind, int way, void (*check)(const affair *x))
{
    run_main(co_call(at_every_offset, .kind = kind, .way = way, .check = check), true);
}

VIRTUAL_TEST(without_a_fault_both_end_well, {})
{
    co_begin;
    the_affair.cancels = -1;
    co_await(co_call(have_and_forget, .x = &the_affair));
    check_peace(&the_affair);
    co_end;
}

TEST(a_reset_on_the_way_forth) { everywhere(FAULT_RESET, FAULT_FORTH, check_stop); }
TEST(a_reset_on_the_way_back) { everywhere(FAULT_RESET, FAULT_BACK, check_stop); }
TEST(a_cut_on_the_way_forth) { everywhere(FAULT_CUT, FAULT_FORTH, check_stop); }
TEST(a_cut_on_the_way_back) { everywhere(FAULT_CUT, FAULT_BACK, check_stop); }
TEST(an_end_on_the_way_forth) { everywhere(FAULT_END, FAULT_FORTH, check_stop); }
TEST(an_end_on_the_way_back) { everywhere(FAULT_END, FAULT_BACK, check_stop); }
TEST(silence_on_the_way_forth) { everywhere(FAULT_SILENCE, FAULT_FORTH, check_stop); }
TEST(silence_on_the_way_back) { everywhere(FAULT_SILENCE, FAULT_BACK, check_stop); }
TEST(a_changed_bit_on_the_way_forth) { everywhere(FAULT_FLIP, FAULT_FORTH, check_change); }
TEST(a_changed_bit_on_the_way_back) { everywhere(FAULT_FLIP, FAULT_BACK, check_change); }
TEST(garbage_on_the_way_forth) { everywhere(FAULT_GARBAGE, FAULT_FORTH, check_change); }
TEST(garbage_on_the_way_back) { everywhere(FAULT_GARBAGE, FAULT_BACK, check_change); }
