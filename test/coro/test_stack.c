/* test_stack.c: the memory of frames, what happens when it runs out, and how much C stack a descent takes. */
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

co_def(too_large, { char bytes[RIG_SIZE]; })
{
    co_begin;
    trail("never");
    co_end;
}

/* ---- Driving */

TEST(run_returns_the_stack_that_it_ran)
{
    RUN(gives, .later = true);
    CHECK_PTR(co_run(&rig), &rig);
    CHECK(co_ended(&rig));
}

TEST(run_of_an_ended_stack_does_nothing)
{
    RUN(gives, .n = 4);
    CHECK_PTR(co_run(&rig), &rig);
    CHECK_RETURNED(4);
}

TEST(stack_may_run_one_after_another)
{
    RUN(gives, .n = 1, .later = true);
    CHECK(!resume());
    CHECK_RETURNED(1);
    CHECK(co_start(&rig, gives, .n = 2));
    CHECK(!resume());
    CHECK_RETURNED(2);
}

TEST(stacks_do_not_mix)
{
    uint64_t memory[64];
    co_stack other;

    co_stack_init(&other, memory, sizeof memory);
    RUN(gives, .n = 1, .later = true);
    CHECK(co_start(&other, gives, .n = 2, .later = true));
    co_run(&other);
    CHECK(!resume());
    CHECK(!co_ended(&other));
    co_run(&other);
    CHECK_INT(co_ended_value(&other).i, 2);
    CHECK_RETURNED(1);
}

co_def(drives_another, { co_stack stack; uint64_t memory[32]; })
{
    co_begin;
    co_stack_init(&self->stack, self->memory, sizeof self->memory);
    CHECK(co_start(&self->stack, gives, .n = 7, .later = true));
    while (!co_ended(co_run(&self->stack)))
        co_suspend;
    co_return(co_ended_value(&self->stack).i);
    co_end;
}

TEST(coroutine_drives_a_stack_of_its_own)
{
    RUN(drives_another);
    CHECK(!resume());
    CHECK_RETURNED(7);
}

/* ---- Memory */

/* What a frame takes of the memory: itself, and 8 bytes that are kept for co_finally. */
enum { NEEDED = FRAME_SIZE(struct too_large) + 8 };
static uint64_t exact[NEEDED / 8];

TEST(frame_may_fill_the_stack)
{
    co_stack_init(&rig, exact, sizeof exact);
    CHECK(co_start(&rig, too_large));
    co_run(&rig);
    CHECK_STR(trailed(), "never");
    CHECK_INT(rig_used(&rig, exact), 0);
}

TEST(start_fails_where_the_frame_does_not_fit)
{
    co_stack_init(&rig, exact, sizeof exact - 1);
    CHECK(!co_start(&rig, too_large));
    CHECK(co_ended(&rig));
    CHECK_INT(rig_used(&rig, exact), 0);
    CHECK(co_start(&rig, gives, .n = 3));
    CHECK(!resume());
    CHECK_INT(co_ended_value(&rig).i, 3);
}

TEST(start_fails_without_memory)
{
    for (size_t size = 0; size < 16; size++) {
        co_stack_init(&rig, exact, size);
        CHECK(!co_start(&rig, gives));
        CHECK_INT(rig_used(&rig, exact), 0);
    }
}

co_def(odd_size, { char bytes[3]; })
{
    co_begin;
    CHECK_INT((uintptr_t)self % 8, 0);
    co_await(co_call(gives, .later = true));
    self->bytes[2] = 1;
    co_end;
}

TEST(frames_are_aligned_to_8)
{
    RUN(odd_size);
    CHECK(!resume());
    CHECK_ENDED(0);
}

co_def(calls_in_turn, { int i, sum, one; char *top; })
{
    co_begin;
    self->top = rig.top_;
    for (self->i = 0; self->i < 1000; self->i++) {
        co_let(self->one, co_call(gives, .n = self->i, .later = self->i % 100 == 0));
        CHECK_PTR(rig.top_, self->top);
        self->sum += self->one;
    }
    co_return(self->sum);
    co_end;
}

TEST(memory_of_a_call_is_free_after_it)
{
    RUN(calls_in_turn);
    while (resume())
        ;
    CHECK_RETURNED(499500);
}

/* ---- Out of memory */

co_def(survives_no_memory, { int rc, i, value; })
{
    co_begin;
    for (self->i = 0; self->i < 100; self->i++) {
        co_try(self->rc, co_call(too_large));
        CHECK_INT(self->rc, ENOMEM);
        CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    }
    co_let(self->value, co_call(gives, .n = 9, .later = true));
    co_return(self->value);
    co_end;
}

TEST(no_memory_is_an_error_of_the_await)
{
    RUN(survives_no_memory);
    CHECK(!resume());
    CHECK_STR(trailed(), "");
    CHECK_RETURNED(9);
}

co_def(endless, { int *depth; })
{
    co_begin;
    ++*self->depth;
    co_await(co_call(endless, .depth = self->depth));
    trail("never");
    co_end;
}

TEST(endless_recursion_ends_with_no_memory)
{
    int depth = 0;

    RUN(endless, .depth = &depth);
    CHECK_ENDED(ENOMEM);
    CHECK_INT(depth, (RIG_SIZE - 8) / FRAME_SIZE(struct endless));
    CHECK_STR(trailed(), "");
}

co_def(wraps, { co_object op; int result; })
{
    co_begin;
    co_let(self->result, self->op);
    co_return(self->result);
    co_end;
}

co_def(wraps_widely, { co_object op; char bytes[RIG_SIZE]; })
{
    co_begin;
    trail("never");
    co_end;
}

/* The argument does not fit; the outer one does not fit; the outer one does not fit and its argument was made before. */
co_def(wraps_without_memory, { int rc; co_object op; })
{
    co_begin;
    co_try(self->rc, co_call(wraps, .op = co_call(too_large)));
    CHECK_INT(self->rc, ENOMEM);
    CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    co_try(self->rc, co_call(wraps_widely, .op = co_call(gives)));
    CHECK_INT(self->rc, ENOMEM);
    CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    co_try(self->rc, (self->op = co_call(gives), co_call(wraps_widely, .op = self->op)));
    CHECK_INT(self->rc, ENOMEM);
    CHECK_INT(rig_used(&rig, rig_memory), FRAME_SIZE(*self));
    co_end;
}

TEST(no_memory_for_an_object_or_its_argument)
{
    RUN(wraps_without_memory);
    CHECK_STR(trailed(), "");
    CHECK_ENDED(0);
}

/* Fills the stack to its last byte, and then runs co_finally. */
co_def(fills, { int depth, rc; bool raise; })
{
    co_begin;
    co_await(co_call(fills, .depth = self->depth + 1, .raise = true));
    co_return(2);
    co_finally;
    co_try(self->rc, co_call(gives, .n = 5));
    trail_int(self->rc != 0);
    co_suspend;
    co_end;
}

TEST(finally_on_a_full_stack_awaits_without_memory)
{
    static struct {
        uint64_t memory[3 * FRAME_SIZE(struct fills) / 8 + 1], guard[64];
    } full;

    memset(full.guard, 0x5a, sizeof full.guard);
    co_stack_init(&rig, full.memory, sizeof full.memory);
    CHECK(co_start(&rig, fills));
    while (resume())
        ;
    CHECK_INT(co_ended_error(&rig), ENOMEM);
    CHECK_STR(trailed(), "1 0 0");
    for (size_t i = 0; i < 64; i++)
        CHECK(full.guard[i] == 0x5a5a5a5a5a5a5a5a);
    CHECK_INT(rig_used(&rig, full.memory), 0);
}

/* ---- Arguments that are larger than a frame can give back */

co_def(fat, { char pad[9000]; })
{
    co_begin;
    self->pad[8999] = 1;
    co_return(1);
    co_end;
}

/* That which lies over the other. */
static co_object upper(co_object a, co_object b)
{
    return (uintptr_t)a.frame_ > (uintptr_t)b.frame_ ? a : b;
}

co_def(passes_fat, { int rc; })
{
    co_begin;
    co_return(3);
    co_finally;
    co_try(self->rc, upper(co_call(fat), co_call(fat)));
    trail_int(self->rc);
    co_await(co_call(fat));
    co_end;
}

TEST(too_large_arguments_of_a_frame_are_no_memory)
{
    static uint64_t memory[4096];

    co_stack_init(&rig, memory, sizeof memory);
    CHECK(co_start(&rig, passes_fat));
    CHECK(!resume());
    CHECK_INT(co_ended_error(&rig), 0);
    CHECK_INT(co_ended_value(&rig).i, 3);
    CHECK_STR(trailed(), "12");
    CHECK_INT(rig_used(&rig, memory), 0);
}

/* ---- The C stack */

enum { LEVELS = 10000 };
static uint64_t large_memory[65535];
static uintptr_t lowest; /* address of the C stack that a coroutine has seen */

co_def(descends, { int depth, error; })
{
    co_begin;
    if (lowest > (uintptr_t)__builtin_frame_address(0))
        lowest = (uintptr_t)__builtin_frame_address(0);
    if (self->depth > 1)
        co_let(self->depth, co_call(descends, .depth = self->depth - 1, .error = self->error));
    else
        co_suspend;
    if (self->error)
        co_raise(self->error);
    co_return(self->depth + 1);
    co_end;
}

static void check_descends(int error)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    lowest = here;
    co_stack_init(&rig, large_memory, sizeof large_memory);
    CHECK(co_start(&rig, descends, .depth = LEVELS, .error = error));
    CHECK(resume());
    CHECK_INT(rig_used(&rig, large_memory), LEVELS * FRAME_SIZE(struct descends));
    CHECK(here - lowest < CO_DESCENT + 8192);
    CHECK(!resume());
    CHECK(here - lowest < CO_DESCENT + 8192);
    CHECK_INT(rig_used(&rig, large_memory), 0);
    CHECK_INT(co_ended_error(&rig), error);
}

TEST(ten_thousand_levels_take_little_c_stack)
{
    check_descends(0);
    CHECK_INT(co_ended_value(&rig).i, LEVELS + 1);
}

TEST(ten_thousand_levels_unwind_an_error) { check_descends(EIO); }

co_def(never_suspends, { int depth; })
{
    co_begin;
    if (lowest > (uintptr_t)__builtin_frame_address(0))
        lowest = (uintptr_t)__builtin_frame_address(0);
    if (self->depth > 1)
        co_let(self->depth, co_call(never_suspends, .depth = self->depth - 1));
    co_return(self->depth + 1);
    co_end;
}

TEST(deep_calls_that_never_suspend_take_little_c_stack)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    lowest = here;
    co_stack_init(&rig, large_memory, sizeof large_memory);
    CHECK(co_start(&rig, never_suspends, .depth = LEVELS));
    CHECK(!resume());
    CHECK_INT(co_ended_value(&rig).i, LEVELS + 1);
    CHECK(here - lowest < CO_DESCENT + 8192);
}
