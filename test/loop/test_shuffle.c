/* test_shuffle.c: options.shuffle_seed draws the order within each iteration. */
#include "rig.h"

#include <stdlib.h>

enum { CALLS = 100 };

static int order[CALLS], n;

static void note(void *number) { order[n++] = (int)(intptr_t)number; }

/* The order in which CALLS callbacks are called. */
static void run_with(uint64_t seed)
{
    awl_loop *loop = open_with((awl_loop_options){ .virtual_time = true, .shuffle_seed = seed });

    n = 0;
    for (intptr_t i = 0; i < CALLS; i++)
        awl_call_soon(loop, NULL, note, (void *)i);
    run_once(loop);
    CHECK_INT(n, CALLS);
    awl_loop_close(loop);
}

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

TEST(every_callback_is_called_once_with_any_seed)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        run_with(seed);
        qsort(order, CALLS, sizeof *order, compare);
        for (int i = 0; i < CALLS; i++)
            CHECK_INT(order[i], i);
    }
}

TEST(no_seed_keeps_the_order)
{
    run_with(0);
    for (int i = 0; i < CALLS; i++)
        CHECK_INT(order[i], i);
}

TEST(one_seed_gives_one_order)
{
    int first[CALLS];

    run_with(42);
    memcpy(first, order, sizeof first);
    run_with(42);
    CHECK_MEM(order, first, sizeof first);
}

TEST(another_seed_gives_another_order)
{
    int first[CALLS];

    run_with(42);
    memcpy(first, order, sizeof first);
    run_with(43);
    CHECK(memcmp(order, first, sizeof first) != 0);
    run_with(1);
    CHECK(order[0] != 0 || order[1] != 1 || order[2] != 2);
}

/* With k callbacks all k! orders come up, about equally often. */
TEST(all_orders_of_three_come_up)
{
    int seen[27] = { 0 };

    for (uint64_t seed = 1; seed <= 600; seed++) {
        awl_loop *loop = open_with((awl_loop_options){ .virtual_time = true, .shuffle_seed = seed });

        n = 0;
        for (intptr_t i = 0; i < 3; i++)
            awl_call_soon(loop, NULL, note, (void *)i);
        run_once(loop);
        seen[order[0] * 9 + order[1] * 3 + order[2]]++;
        awl_loop_close(loop);
    }
    for (int i = 0, sum = 0; i < 27; i++) {
        sum += seen[i];
        CHECK(seen[i] == 0 || (seen[i] > 50 && seen[i] < 150));
        CHECK(i < 26 || sum == 600);
    }
    CHECK(seen[5] && seen[7] && seen[11] && seen[15] && seen[19] && seen[21]);
}

static void note_and_add(void *number)
{
    note(number);
    if ((intptr_t)number < 50)
        awl_call_soon(NULL, NULL, note_and_add, (void *)((intptr_t)number + 50));
}

TEST(iterations_stay_apart)
{
    awl_loop *loop = open_with((awl_loop_options){ .virtual_time = true, .shuffle_seed = 7 });

    n = 0;
    for (intptr_t i = 0; i < 50; i++)
        awl_call_soon(loop, NULL, note_and_add, (void *)i);
    run_once(loop);
    CHECK_INT(n, 50);
    for (int i = 0; i < 50; i++)
        CHECK(order[i] < 50);
    run_once(loop);
    CHECK_INT(n, 100);
    awl_loop_close(loop);
}

static void cancel(void *handle) { awl_handle_cancel(handle); }
static void count(void *called) { ++*(int *)called; }

TEST(cancelling_within_a_shuffled_iteration_is_safe)
{
    for (uint64_t seed = 1; seed < 100; seed++) {
        awl_loop *loop = open_with((awl_loop_options){ .virtual_time = true, .shuffle_seed = seed });
        awl_handle handles[8] = { { .loop_ = NULL } };
        int called = 0, rest = 0;

        for (int i = 0; i < 8; i++) {
            CHECK_INT(awl_call_soon(loop, &handles[i], count, &called), 0);
            CHECK_INT(awl_call_soon(loop, NULL, cancel, &handles[i]), 0);
            CHECK_INT(awl_call_soon(loop, NULL, count, &rest), 0);
        }
        run_dry(loop);
        CHECK(called <= 8);
        CHECK_INT(rest, 8);
        awl_loop_close(loop);
    }
}
