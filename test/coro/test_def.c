/* test_def.c: co_def, co_declare, co_define, co_call: what coroutines are given, and how they call each other. */
#include "parts.h"
#include "rig.h"

/* ---- Bodies and fields */

co_def(nothing, {})
{
    co_begin;
    trail("ran");
    co_end;
}

TEST(def_without_fields_runs)
{
    RUN(nothing);
    CHECK_STR(trailed(), "ran");
    CHECK_RETURNED(0);
}

TEST(start_runs_nothing_yet)
{
    co_stack_init(&rig, rig_memory, sizeof rig_memory);
    CHECK(co_ended(&rig));
    CHECK(co_start(&rig, nothing));
    CHECK(!co_ended(&rig));
    CHECK_STR(trailed(), "");
}

co_def(difference, { int a, b; })
{
    co_begin;
    co_return(self->a - self->b);
    co_end;
}

TEST(arguments_are_named_in_any_order)
{
    RUN(difference, .b = 2, .a = 9);
    CHECK_RETURNED(7);
}

TEST(arguments_not_named_are_zero)
{
    memset(rig_memory, 0xff, sizeof rig_memory);
    RUN(difference, .b = 5);
    CHECK_RETURNED(-5);
    RUN(difference);
    CHECK_RETURNED(0);
}

TEST(arguments_are_evaluated_once)
{
    int a = 3, b = 3;

    RUN(difference, .a = a++, .b = b--);
    CHECK_INT(a, 4);
    CHECK_INT(b, 2);
}

struct point {
    double x, y;
};

co_def(fields, { char name[8]; struct point at; const int *list; bool on; unsigned bits : 3; })
{
    co_begin;
    trail(self->name);
    trail_int((long long)(self->at.x * 10 + self->at.y));
    trail_int(self->list[1]);
    trail_int(self->on);
    trail_int(self->bits);
    co_end;
}

TEST(fields_may_be_arrays_structs_and_bits)
{
    static const int list[] = { 7, 8 };

    RUN(fields, .name = "awl", .at = { 1, 2 }, .list = list, .on = true, .bits = 5);
    CHECK_STR(trailed(), "awl 12 8 1 5");
}

co_def(with_members, { int n; int array[3]; struct point at; })
{
    co_begin;
    co_return(self->array[2] + (int)self->at.y);
    co_end;
}

TEST(arguments_may_name_members)
{
    RUN(with_members, .array[2] = 40, .at.y = 2);
    CHECK_RETURNED(42);
}

co_def(many_names, { int a; int b; struct { int c; } inner; })
{
    co_begin;
    co_suspend;
    co_return(self->a * 100 + self->b * 10 + self->inner.c);
    co_end;
}

TEST(arguments_outlive_a_suspension)
{
    RUN(many_names, .a = 1, .b = 2, .inner = { .c = 3 });
    CHECK(!co_ended(&rig));
    CHECK(!resume());
    CHECK_RETURNED(123);
}

/* ---- Calls */

co_def(caller, { int sum, part; })
{
    co_begin;
    co_let(self->sum, co_call(difference, .a = 10, .b = 1));
    co_let(self->part, co_call(difference, .a = self->sum));
    co_await(co_call(nothing));
    co_return(self->sum + self->part);
    co_end;
}

TEST(call_passes_fields_of_the_caller)
{
    RUN(caller);
    CHECK_STR(trailed(), "ran");
    CHECK_RETURNED(18);
}

co_def(factorial, { int n; int64_t below; })
{
    co_begin;
    if (self->n <= 1)
        co_return(1);
    co_let(self->below, co_call(factorial, .n = self->n - 1));
    co_return(self->n * self->below);
    co_end;
}

TEST(coroutine_calls_itself)
{
    RUN(factorial, .n = 15);
    CHECK_RETURNED(1307674368000);
}

co_def(fibonacci, { unsigned n; unsigned a, b; })
{
    co_begin;
    co_suspend;
    if (self->n < 2)
        co_return(self->n);
    co_let(self->a, co_call(fibonacci, .n = self->n - 1));
    co_let(self->b, co_call(fibonacci, .n = self->n - 2));
    co_return(self->a + self->b);
    co_end;
}

TEST(recursion_suspends_in_every_call)
{
    int suspensions = 1;

    RUN(fibonacci, .n = 10);
    while (resume())
        suspensions++;
    CHECK_INT(suspensions, 177); /* the calls that fibonacci(10) takes */
    CHECK_RETURNED(55);
}

TEST(mutual_recursion)
{
    RUN(parts_even, .n = 10);
    CHECK_RETURNED(1);
    RUN(parts_even, .n = 7);
    CHECK_RETURNED(0);
    RUN(parts_odd, .n = 7);
    CHECK_RETURNED(1);
}

/* A header may declare what the same file goes on to define. */
co_declare(declared_here, { int n; });
co_def(before_its_callee, { int n; })
{
    co_begin;
    co_let(self->n, co_call(declared_here, .n = 20));
    co_return(self->n);
    co_end;
}
co_define(declared_here)
{
    co_begin;
    co_return(self->n + 1);
    co_end;
}

TEST(declared_before_defined)
{
    RUN(before_its_callee);
    CHECK_RETURNED(21);
}
