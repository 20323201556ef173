/* test_regressions.c: where frames and objects lie, in the cases that once went wrong. */
#include "rig.h"

RIG_COROUTINES;

co_def(fat, { char pad[3000]; })
{
    co_begin;
    self->pad[2999] = 1;
    co_await(awl_sleep(AWL_MS));
    co_end;
}

co_def(fatter, { char pad[70000]; })
{
    co_begin;
    self->pad[69999] = 1;
    co_await(awl_sleep(AWL_MS));
    co_end;
}

/* ---- Objects that were made for an await of something else ---------------------------------------------------------- */

static awl_task *task_of(awl_coro coroutine) { return awl_create_task(coroutine); }

static awl_coro first(awl_coro a, awl_coro b)
{
    awl_coro_close(b);
    return a;
}

/* The sleep's object took the reserve, which co_finally needs. */
TASK_TEST(an_object_made_a_task_in_an_await_leaves_the_stack, { awl_task *task; })
{
    co_begin;
    co_await(self->task = task_of(awl_sleep(AWL_MS)));
    co_finally;
    awl_task_release(self->task);
    co_end;
}

co_def(ends_well, {})
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    co_return(5);
    co_finally;
    say("finally");
    co_end;
}

TASK_TEST(an_object_beside_one_of_the_heap_leaves_the_stack, { awl_coro held; int x; })
{
    co_begin;
    self->held = co_call(ends_well);
    co_let(self->x, first(self->held, awl_sleep(AWL_MS)));
    CHECK_INT(self->x, 5);
    co_finally;
    CHECK_TRACE("finally");
    co_end;
}

co_def(awaits_in_finally, { awl_task *task; })
{
    co_begin;
    co_return(123456);
    co_finally;
    co_await(self->task = task_of(co_call(sleeps, .t = AWL_MS)));
    awl_task_release(self->task);
    co_end;
}

TASK_TEST(a_kept_result_outlives_objects_made_in_finally, { int x; })
{
    co_begin;
    co_await(co_call(fat));
    co_let(self->x, co_call(awaits_in_finally));
    CHECK_INT(self->x, 123456);
    co_end;
}

/* ---- Segments ---------------------------------------------------------------------------------------------------------- */

co_def(wrapper, { awl_coro inner; char pad[200]; int x; })
{
    co_begin;
    co_await(co_call(fat));
    co_let(self->x, self->inner);
    co_await(co_call(fat));
    co_return(self->x);
    co_finally;
    co_await(co_call(fat));
    CHECK_INT(self->x, 5);
    co_end;
}

static awl_coro wrap(awl_coro inner) { return co_call(wrapper, .inner = inner); }

TASK_TEST(a_root_in_a_segment_outlives_its_own_segments, { awl_task *task; int x; })
{
    co_begin;
    self->task = awl_create_task(wrap(co_call(sleeps, .t = AWL_MS, .value = 5)));
    co_let(self->x, self->task);
    CHECK_INT(self->x, 5);
    CHECK_STR(awl_task_name(self->task), "wrapper");
    awl_task_release(self->task);
    co_end;
}

co_def(awaits_fatter, { char pad[40]; })
{
    co_begin;
    co_await(co_call(fatter));
    co_end;
}

TASK_TEST(a_loop_over_what_outgrows_the_stack_stays_level, { int i; size_t before; })
{
    co_begin;
    for (self->i = 0; self->i < 1000; self->i++) {
        co_await(co_call(awaits_fatter));
        if (self->i == 10)
            self->before = stats_of(NULL).memory_used;
    }
    CHECK_INT(stats_of(NULL).memory_used, self->before);
    co_end;
}

TASK_TEST(a_gather_too_large_for_a_tasks_block_is_a_task, { awl_task **tasks; awl_task *all; int i; })
{
    co_begin;
    self->tasks = calloc(12000, sizeof *self->tasks);
    CHECK(self->tasks != NULL);
    for (self->i = 0; self->tasks && self->i < 12000; self->i++)
        self->tasks[self->i] = awl_create_task(awl_sleep(AWL_MS));
    self->all = awl_create_task(awl_gather_n(self->tasks, 12000, NULL, 0));
    CHECK(self->all != NULL);
    co_await(self->all);
    co_finally;
    for (self->i = 0; self->tasks && self->i < 12000; self->i++)
        awl_task_release(self->tasks[self->i]);
    free(self->tasks);
    awl_task_release(self->all);
    co_end;
}

/* ---- Objects of one task inside objects of another ------------------------------------------------------------------- */

co_def(holds_its_pad, { char pad[100]; int i; })
{
    co_begin;
    memset(self->pad, 7, sizeof self->pad);
    for (self->i = 0; self->i < 5; self->i++) {
        co_await(awl_sleep(AWL_MS));
        CHECK_INT(self->pad[0] + self->pad[99], 14);
    }
    say("slow");
    co_end;
}

co_def(scribbles, { char pad[1400]; })
{
    co_begin;
    memset(self->pad, 0x5a, sizeof self->pad);
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

co_def(both_in_time, { awl_coro a, b; })
{
    co_begin;
    co_await(awl_gather(awl_wait_for(self->a, AWL_SECOND), awl_wait_for(self->b, AWL_SECOND)));
    co_end;
}

TASK_TEST(a_task_of_what_holds_an_argument_outlives_the_argument, { int rc; })
{
    co_begin;
    co_await(co_call(fat));
    co_try(self->rc, co_call(both_in_time, .a = co_call(sleeps, .error = EIO), .b = co_call(holds_its_pad)));
    CHECK_INT(self->rc, EIO);
    co_await(co_call(scribbles));
    CHECK_TRACE("slow");
    co_end;
}

co_def(spawns_second, { awl_coro held; bool from_heap; })
{
    co_begin;
    if (self->from_heap) {
        self->held = awl_wait_for(self->held, AWL_SECOND);
        CHECK_INT(awl_spawn(self->held), 0);
    } else {
        CHECK_INT(awl_spawn(first(self->held, co_call(sleeps))), 0);
    }
    co_await(awl_sleep(0));
    co_end;
}

TASK_TEST(a_task_of_an_argument_beside_another_object_outlives_it, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        co_await(co_call(fat));
        co_await(co_call(spawns_second, .held = co_call(holds_its_pad), .from_heap = self->i == 1));
        co_await(co_call(scribbles));
        CHECK_TRACE("slow");
    }
    co_end;
}

co_def(keeps_one, { int64_t before[3]; awl_coro held; })
{
    co_begin;
    co_await(self->held);
    co_end;
}

co_def(spawns_around, { awl_coro held; })
{
    co_begin;
    if (awl_spawn(co_call(keeps_one, .held = co_call(keeps_one, .held = self->held))))
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    co_end;
}

/* The new task's own frame holds an object of its own, and that one an object of the task that ends before it. */
TASK_TEST(a_task_of_what_holds_what_holds_an_argument_outlives_it, {})
{
    co_begin;
    co_await(co_call(fat));
    co_await(co_call(spawns_around, .held = co_call(holds_its_pad)));
    co_await(co_call(scribbles));
    CHECK_TRACE("slow");
    co_finally;
    trace[0] = '\0';
    co_end;
}

co_def(spawns_held, { awl_coro held; })
{
    co_begin;
    if (awl_spawn(self->held))
        co_raise(ENOMEM);
    co_await(awl_sleep(2 * AWL_MS));
    co_end;
}

TASK_TEST(a_task_of_an_argument_takes_what_that_holds_along, {})
{
    co_begin;
    co_await(co_call(fat));
    co_await(co_call(spawns_held, .held = co_call(keeps_one, .held = co_call(holds_its_pad))));
    co_await(co_call(scribbles));
    CHECK_TRACE("slow");
    co_finally;
    trace[0] = '\0';
    co_end;
}

TASK_TEST(an_argument_that_became_a_task_is_freed_with_it, { size_t used; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        co_await(co_call(spawns_held, .held = co_call(sleeps, .t = AWL_MS)));
        if (self->i == 0)
            self->used = stats_of(NULL).memory_used;
        CHECK_INT(stats_of(NULL).memory_used, self->used);
    }
    co_end;
}

/* ---- Futures and cycles ------------------------------------------------------------------------------------------------- */

static void free_it(awl_future *future, void *arg)
{
    (void)arg;
    free(future);
    say("freed");
}

TASK_TEST(a_callback_may_free_its_future, { awl_future *future; })
{
    co_begin;
    self->future = malloc(sizeof *self->future);
    CHECK(self->future != NULL);
    awl_future_init(self->future, NULL);
    CHECK_INT(awl_future_add_done_callback(self->future, free_it, NULL), 0);
    CHECK_INT(awl_future_set_result(self->future, 1), 0);
    co_await(awl_sleep(AWL_MS));
    CHECK_TRACE("freed");
    co_end;
}

co_def(gathers_waiter, { awl_task *child; int rc; })
{
    co_begin;
    self->child = awl_create_task(awl_await_task(awl_current_task()));
    co_try_cancel(self->rc, awl_gather(self->child));
    say("%d", usual(self->rc));
    co_finally;
    awl_task_release(self->child);
    co_end;
}

/* As RecursionError in asyncio; here nobody is woken, and the end of the loop reports both. */
TEST(cancelling_a_cycle_through_a_gather_ends)
{
    awl_loop *loop = open_virtual();
    awl_task *task = awl_loop_create_task(loop, co_call(gathers_waiter));

    CHECK(task != NULL);
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    CHECK(awl_task_cancel(task));
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
    awl_task_release(task);
    awl_loop_close(loop);
    CHECK_TRACE("");
}

/* ---- Large arguments in co_finally ------------------------------------------------------------------------------------ */

co_def(nine, { char pad[9000]; })
{
    co_begin;
    memset(self->pad, 9, sizeof self->pad);
    co_await(awl_sleep(AWL_MS));
    co_end;
}

co_def(waits_for_nine_in_finally, { int i; })
{
    co_begin;
    co_return(123456);
    co_finally;
    for (self->i = 0; self->i < 3; self->i++)
        co_await(awl_wait_for(co_call(nine), AWL_SECOND));
    co_end;
}

TASK_TEST(a_kept_result_outlives_large_arguments_in_finally, { int x; })
{
    co_begin;
    co_await(co_call(fatter));
    co_let(self->x, co_call(waits_for_nine_in_finally));
    CHECK_INT(self->x, 123456);
    co_end;
}

TASK_TEST(large_arguments_in_a_loop_do_not_pile_up, { int i; awl_loop_stats early, late; })
{
    co_begin;
    for (self->i = 0; self->i < 200; self->i++) {
        co_await(awl_wait_for(co_call(nine), AWL_SECOND));
        if (self->i == 10)
            awl_loop_get_stats(awl_running_loop(), &self->early);
    }
    awl_loop_get_stats(awl_running_loop(), &self->late);
    CHECK_INT(self->late.memory_high, self->early.memory_high);
    co_end;
}

co_def(fat_argument_with_finally, { awl_coro a; char pad[9000]; int result; })
{
    co_begin;
    memset(self->pad, 9, sizeof self->pad);
    co_let(self->result, self->a);
    co_return(self->result + 1);
    co_finally;
    co_await(co_call(nine));
    CHECK_INT(self->pad[8999], 9);
    co_end;
}

co_def(seven, { char pad[9000]; })
{
    co_begin;
    memset(self->pad, 7, sizeof self->pad);
    co_await(awl_sleep(AWL_MS));
    co_return(7);
    co_end;
}

static awl_coro over(awl_coro a) { return co_call(fat_argument_with_finally, .a = a); }

/* A frame that lies over its large arguments, and grows, keeps a result and awaits in co_finally. */
TASK_TEST(a_frame_over_its_large_arguments_can_clean_up, { int i, x; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->x, over(co_call(seven)));
        CHECK_INT(self->x, 8);
    }
    co_let(self->x, over(over(co_call(seven))));
    CHECK_INT(self->x, 9);
    co_end;
}

/* ---- What an operation's frame holds --------------------------------------------------------------------------------- */

co_def(two_in_turn, { awl_coro a, b; int rc; })
{
    co_begin;
    co_try(self->rc, awl_wait_for(self->a, AWL_US));
    co_await(awl_gather(awl_wait_for(self->b, AWL_SECOND)));
    co_end;
}

TASK_TEST(old_objects_under_an_operation_are_not_its_own, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 50; self->i++) {
        co_await(co_call(two_in_turn, .a = co_call(sleeps, .t = self->i % 3), .b = co_call(holds_its_pad)));
        co_await(wrap(co_call(sleeps, .t = self->i % 2, .value = 5)));
    }
    co_finally;
    trace[0] = '\0';
    co_end;
}

co_def(holds_twelve, { awl_coro c[12]; })
{
    co_begin;
    co_await(awl_sleep(0));
    co_end;
}

co_def(makes_a_task_of_one, { awl_coro one, other; awl_task *t; int x; })
{
    co_begin;
    self->t = awl_create_task(self->one);
    co_let(self->x, self->other);
    CHECK_INT(self->x, 5);
    co_await(self->t);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* Both make an object at the same place, and over it a frame that holds it twelve times, or an operation's. */
static awl_coro twelve(void)
{
    const awl_coro c = co_call(sleeps, .t = 1, .value = 5);

    return co_call(holds_twelve, .c = { c, c, c, c, c, c, c, c, c, c, c, c });
}

static awl_coro one_of_two(void)
{
    const awl_coro other = co_call(sleeps, .t = 1, .value = 5), one = awl_wait_for(awl_sleep(AWL_US), AWL_SECOND);

    return co_call(makes_a_task_of_one, .one = one, .other = other);
}

TASK_TEST(what_lay_under_an_operation_is_not_moved_with_it, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        co_await(twelve());
        co_await(one_of_two());
    }
    co_end;
}

/* ---- Segments ---------------------------------------------------------------------------------------------------------- */

co_def(awaits_neither, { awl_coro a, b; })
{
    co_begin;
    co_await(awl_sleep(0));
    co_end;
}

co_def(large, { char pad[40000]; })
{
    co_begin;
    co_end;
}

co_def(huge, { char pad[300000]; })
{
    co_begin;
    co_await(awl_sleep(0));
    co_end;
}

/* Large arguments, again and again: what the awaits before had opened is freed. */
TASK_TEST(a_frame_does_not_keep_the_segments_of_every_await, { int i; size_t used; })
{
    co_begin;
    for (self->i = 0; self->i < 100; self->i++) {
        co_await(co_call(awaits_neither, .a = co_call(large), .b = co_call(large)));
        if (self->i == 10)
            self->used = stats_of(NULL).memory_used;
        if (self->i > 10)
            CHECK_INT(stats_of(NULL).memory_used, self->used);
    }
    CHECK(self->used < 1000000);
    co_end;
}

co_def(descends, { int depth; })
{
    co_begin;
    if (self->depth)
        co_await(co_call(descends, .depth = self->depth - 1));
    co_end;
}

/* A stack grows by at most what it has, and by 64 KiB. */
TASK_TEST(a_deep_stack_does_not_take_twice_what_it_needs, { int depth; })
{
    const size_t frame = (sizeof(struct descends) + 7) / 8 * 8;

    co_begin;
    for (self->depth = 3000; self->depth <= 12000; self->depth += 500) {
        co_await(co_call(descends, .depth = self->depth));
        CHECK(stats_of(NULL).stack_high >= (size_t)(self->depth - 10) * frame);
        CHECK(stats_of(NULL).stack_high <= (size_t)(self->depth + 100) * frame + 65536);
    }
    co_end;
}

co_def(awaits_large_then_huge, { bool large; int i; size_t used; })
{
    co_begin;
    if (self->large)
        co_await(co_call(large));
    for (self->i = 0; self->i < 3; self->i++)
        co_await(co_call(awaits_neither, .a = co_call(huge), .b = co_call(huge)));
    co_return(stats_of(NULL).memory_used);
    co_end;
}

/* The segment of an await that has ended stays, but only until another is needed. */
TASK_TEST(a_frame_does_not_keep_the_segment_of_what_it_awaited, { awl_task *t; size_t without, with; })
{
    co_begin;
    self->t = awl_create_task(co_call(awaits_large_then_huge));
    co_let(self->without, self->t);
    awl_task_release(self->t);
    self->t = awl_create_task(co_call(awaits_large_then_huge, .large = true));
    co_let(self->with, self->t);
    CHECK(self->with < self->without + 20000);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* What was freed is counted no more. */
TASK_TEST(a_stack_that_stays_level_is_no_larger_each_time, { int i; size_t high; })
{
    co_begin;
    for (self->i = 0; self->i < 20; self->i++) {
        co_await(co_call(awaits_neither, .a = co_call(large), .b = co_call(large)));
        if (self->i == 10)
            self->high = stats_of(NULL).stack_high;
    }
    CHECK_INT(stats_of(NULL).stack_high, self->high);
    co_end;
}

co_def(awaits_fat, {})
{
    co_begin;
    co_await(co_call(fat));
    co_return(5);
    co_end;
}

co_def(awaits_a_held_one, { awl_coro held; int x; })
{
    co_begin;
    self->held = co_call(awaits_fat);
    co_let(self->x, self->held);
    co_return(self->x + 1);
    co_finally;
    co_await(awl_sleep(0));
    co_await(co_call(fat));
    co_end;
}

/* The segment that an object of the heap opened is handed to who awaited it, which goes back to its own stack. */
TASK_TEST(what_outgrew_the_stack_in_a_held_object_is_handed_on, { awl_task *t[3]; int x; size_t used; int i; })
{
    co_begin;
    self->used = stats_of(NULL).memory_used;
    for (int i = 0; i < 3; i++)
        self->t[i] = awl_create_task(co_call(awaits_a_held_one));
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->x, self->t[self->i]);
        CHECK_INT(self->x, 6);
        awl_task_release(self->t[self->i]);
        self->t[self->i] = NULL;
    }
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_finally;
    for (int i = 0; i < 3; i++) {
        if (self->t[i] && awl_task_done(self->t[i]))
            awl_task_error(self->t[i]);
        awl_task_release(self->t[i]);
    }
    co_end;
}

TASK_TEST(a_frame_over_its_large_arguments_leaves_no_segment, { int i, x; size_t used; })
{
    co_begin;
    for (self->i = 0; self->i < 5; self->i++) {
        co_let(self->x, over(over(co_call(seven))));
        CHECK_INT(self->x, 9);
        if (self->i == 1)
            self->used = stats_of(NULL).memory_used;
    }
    CHECK_INT(stats_of(NULL).memory_used, self->used);
    co_end;
}

/* ---- Long chains ------------------------------------------------------------------------------------------------------- */

enum { CHAIN = 20000 };

co_def(awaits_the_one_before, { awl_task *before; })
{
    co_begin;
    if (self->before)
        co_await(self->before);
    co_await(awl_sleep(AWL_SECOND));
    co_end;
}

/* Cancelling goes down the chain, without recursion; and awaiting does not walk it. */
TASK_TEST(a_long_chain_of_tasks_is_cancelled, { awl_task **t; int i, n, rc; })
{
    co_begin;
    self->t = calloc(CHAIN, sizeof *self->t);
    while (self->t && self->n < CHAIN) {
        self->t[self->n] = awl_create_task(
            co_call(awaits_the_one_before, .before = self->n ? self->t[self->n - 1] : NULL));
        if (!self->t[self->n])
            co_raise(ENOMEM);
        self->n++;
    }
    if (!self->t)
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    CHECK(awl_task_cancel(self->t[CHAIN - 1]));
    CHECK_INT(awl_task_cancelling(self->t[0]), 1);
    CHECK_INT(awl_task_cancelling(self->t[CHAIN / 2]), 1);
    co_try_cancel(self->rc, self->t[CHAIN - 1]);
    CHECK_INT(self->rc, ECANCELED);
    CHECK(awl_task_cancelled(self->t[0]));
    co_finally;
    for (self->i = 0; self->i < self->n; self->i++)
        awl_task_release(self->t[self->i]);
    free(self->t);
    co_end;
}

/* ---- Children that are released while others wait for them -------------------------------------------------------------- */

static void release_when_done(awl_future *future, void *arg)
{
    (void)arg;
    awl_future_release(future);
}

static void watch_to_release(void *t) { CHECK_INT(awl_task_add_done_callback(t, release_when_done, NULL), 0); }

/* A task that nobody but its callback holds; it may end by a lack of memory. */
static awl_task *short_lived(awl_time t, int value)
{
    awl_task *task = awl_create_task(co_call(sleeps, .t = t, .value = value));

    if (task && awl_task_add_done_callback(task, release_when_done, NULL)) {
        awl_task_release(task);
        task = NULL;
    }
    return task;
}

TASK_TEST(what_gather_waits_for_may_be_released, { awl_task *t[2]; awl_outcome o[2]; })
{
    co_begin;
    self->t[0] = short_lived(1 * AWL_US, 4);
    self->t[1] = short_lived(3 * AWL_US, 5);
    co_await(awl_gather_n(self->t, 2, self->o, 0));
    CHECK_INT(self->o[0].value.i, 4);
    CHECK_INT(self->o[1].value.i, 5);
    co_end;
}

TASK_TEST(what_a_cancelled_gather_waits_for_may_be_released, { awl_task *t[2], *gather; int rc; })
{
    co_begin;
    self->t[0] = short_lived(1 * AWL_US, 4);
    self->t[1] = short_lived(3 * AWL_US, 5);
    co_try(self->rc, awl_wait_for(awl_gather_n(self->t, 2, NULL, 0), 2 * AWL_US));
    CHECK_INT(self->rc, ETIMEDOUT);
    co_end;
}

TASK_TEST(what_wait_waits_for_may_be_released, { awl_task *t[2]; int n; })
{
    co_begin;
    self->t[0] = short_lived(1 * AWL_US, 4);
    self->t[1] = short_lived(3 * AWL_US, 5);
    co_let(self->n, awl_wait(self->t, 2, AWL_ALL_COMPLETED, AWL_FOREVER));
    CHECK_INT(self->n, 2);
    co_end;
}

TASK_TEST(what_wait_for_cancels_may_be_released, { awl_task *t; int rc; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = 5 * AWL_US));
    co_await(awl_sleep(0));
    CHECK_INT(awl_call_soon(NULL, NULL, watch_to_release, self->t), 0);
    co_try(self->rc, awl_wait_for(self->t, 0));
    CHECK_INT(self->rc, ETIMEDOUT);
    co_end;
}

/* The tasks that it made run, and are released. */
TASK_TEST(a_gather_that_never_starts_keeps_no_tasks, { awl_task *t; int rc; })
{
    co_begin;
    awl_coro_close(awl_gather(co_call(sleeps, .t = 1 * AWL_US), co_call(sleeps, .t = 1 * AWL_US)));
    self->t = awl_create_task(awl_gather(co_call(sleeps, .t = 1 * AWL_US), co_call(sleeps, .t = 1 * AWL_US)));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    CHECK(self->rc == ECANCELED || self->rc == EINVAL);
    awl_task_release(self->t);
    self->t = NULL;
    co_try(self->rc, awl_wait_for(awl_gather(co_call(sleeps, .t = 1 * AWL_US), co_call(sleeps, .t = 1 * AWL_US)), 0));
    co_await(awl_sleep(5 * AWL_US));
    CHECK_INT(stats_of(NULL).tasks, 1);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* An awl_gather or awl_shield has made its tasks already when it turns out that it never starts. */
TASK_TEST(what_never_starts_keeps_no_tasks, { awl_task_group g; awl_task *t; int rc; })
{
    co_begin;
    CHECK(awl_task_group_spawn(&self->g, awl_gather(co_call(sleeps, .t = AWL_MS), co_call(sleeps, .t = AWL_MS))) != 0);
    CHECK(awl_task_group_spawn(&self->g, awl_shield(co_call(sleeps, .t = AWL_MS))) != 0);
    self->t = awl_create_task(awl_wait_for(awl_gather(co_call(sleeps, .t = AWL_MS)), AWL_SECOND));
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    awl_task_release(self->t);
    self->t = NULL;
    awl_coro_close(awl_wait_for(awl_shield(co_call(sleeps, .t = AWL_MS)), AWL_SECOND));
    co_await(awl_sleep(AWL_SECOND));
    CHECK_INT(stats_of(NULL).tasks, 1);
    CHECK_INT(stats_of(NULL).tasks_held, 0);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* The value of the await before was still there. */
TASK_TEST(what_ends_at_once_without_a_result_has_none, { awl_task_group g; int value; })
{
    co_begin;
    self->value = -1;
    co_await(co_call(sleeps, .value = 7));
    co_let(self->value, awl_task_group_exit(&self->g, 0)); /* never entered */
    CHECK_INT(self->value, 0);
    self->value = -1;
    awl_task_group_enter(&self->g);
    co_await(co_call(sleeps, .value = 7));
    co_let(self->value, awl_task_group_exit(&self->g, 0)); /* without tasks */
    CHECK_INT(self->value, 0);
    co_finally;
    co_await(awl_task_group_exit(&self->g, co_failing));
    co_end;
}
