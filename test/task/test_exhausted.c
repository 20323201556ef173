/* test_exhausted.c: memory that ends at every point of every call: ENOMEM, nothing lost, and the loop still works. */
#include "rig.h"

RIG_COROUTINES;

static _Alignas(16) char memory[16384];

/* What is tried: each ends with 0 or raises the error that it met. */
co_def(try_sleep, {})
{
    co_begin;
    co_await(co_call(sleeps, .t = AWL_MS));
    co_await(awl_sleep(AWL_MS));
    co_end;
}

co_def(try_task, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS, .value = 5));
    if (!self->t)
        co_raise(ENOMEM);
    if (awl_task_set_name(self->t, "a name that is long enough to need some memory of its own"))
        co_raise(ENOMEM);
    co_let(self->value, self->t);
    CHECK_INT(self->value, 5);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

co_def(try_task_of_operation, { awl_task *t; int value; })
{
    co_begin;
    self->t = awl_create_task(awl_wait_for(co_call(sleeps, .t = AWL_MS, .value = 5), AWL_SECOND));
    if (!self->t)
        co_raise(ENOMEM);
    co_let(self->value, self->t);
    CHECK_INT(self->value, 5);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

co_def(try_spawn, {})
{
    co_begin;
    if (awl_spawn(co_call(sleeps, .t = AWL_MS)))
        co_raise(ENOMEM);
    if (awl_spawn(awl_sleep(0)))
        co_raise(ENOMEM);
    co_await(awl_sleep(2 * AWL_MS));
    co_end;
}

co_def(try_gather, { awl_outcome out[3]; })
{
    co_begin;
    co_await(awl_gather_into(self->out, co_call(sleeps, .t = AWL_MS, .value = 1), awl_sleep(0),
                             co_call(sleeps, .t = AWL_MS, .value = 3)));
    CHECK(self->out[0].value.i == 1 && self->out[2].value.i == 3);
    co_end;
}

co_def(try_wait, { awl_task *t; int done; })
{
    co_begin;
    self->t = awl_create_task(co_call(sleeps, .t = AWL_MS));
    if (!self->t)
        co_raise(ENOMEM);
    co_let(self->done, awl_wait(&self->t, 1, AWL_ALL_COMPLETED, AWL_SECOND));
    CHECK_INT(self->done, 1);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

co_def(try_wait_for, { int rc; })
{
    co_begin;
    co_await(awl_wait_for(co_call(sleeps, .t = AWL_MS), AWL_SECOND));
    co_try(self->rc, awl_wait_for(co_call(sleeps, .t = AWL_SECOND), AWL_MS));
    if (self->rc != ETIMEDOUT)
        co_raise(self->rc);
    co_try(self->rc, awl_wait_for(co_call(sleeps, .t = AWL_SECOND), 0));
    if (self->rc != ETIMEDOUT)
        co_raise(self->rc);
    co_end;
}

static void seen(awl_future *future, void *arg) { (void)future, (void)arg; }

co_def(try_future, { awl_future *f; })
{
    co_begin;
    self->f = awl_future_new(NULL);
    if (!self->f || awl_future_add_done_callback(self->f, seen, NULL))
        co_raise(ENOMEM);
    awl_future_set_result(self->f, 1);
    co_await(awl_await_future(self->f));
    co_finally;
    awl_future_release(self->f);
    co_end;
}

co_def(try_held, { awl_coro object; int rc; })
{
    co_begin;
    self->object = awl_wait_for(co_call(sleeps, .t = AWL_MS), AWL_SECOND);
    co_try(self->rc, awl_sleep(AWL_MS));
    co_await(self->object);
    if (self->rc)
        co_raise(self->rc);
    co_end;
}

co_def(try_callbacks, {})
{
    co_begin;
    if (awl_call_soon(NULL, NULL, say_it, "") || awl_call_later(NULL, NULL, AWL_MS, say_it, ""))
        co_raise(ENOMEM);
    co_await(awl_sleep(2 * AWL_MS));
    co_end;
}

static const awl_context_var var = { .name = "var" };

co_def(holds_two, { awl_coro a, b; })
{
    co_begin;
    co_await(self->a);
    co_await(self->b);
    co_end;
}

/* A task that has a context, and whose arguments do not fit into its own block. */
co_def(try_context, { awl_coro object; awl_task *t, *gather, *shield, *held; })
{
    co_begin;
    if (awl_context_set(&var, 5, NULL))
        co_raise(ENOMEM);
    self->t = awl_create_task(co_call(holds_two, .a = awl_wait_for(co_call(sleeps, .t = AWL_MS), AWL_SECOND),
                                      .b = awl_wait_for(co_call(sleeps, .t = AWL_MS), AWL_SECOND)));
    self->gather = awl_create_task(awl_gather(co_call(sleeps, .t = AWL_MS), co_call(sleeps, .t = AWL_MS)));
    self->shield = awl_create_task(awl_shield(co_call(sleeps, .t = AWL_MS)));
    self->object = co_call(sleeps, .t = AWL_MS);
    self->held = awl_create_task(self->object);
    co_await(awl_sleep(2 * AWL_MS));
    if (!self->t || !self->gather || !self->shield || !self->held)
        co_raise(ENOMEM);
    co_finally;
    awl_task_error(self->gather);
    awl_task_error(self->shield);
    awl_task_error(self->t);
    awl_task_error(self->held);
    awl_task_release(self->t);
    awl_task_release(self->gather);
    awl_task_release(self->shield);
    awl_task_release(self->held);
    co_end;
}

co_def(try_shield, { int value; })
{
    co_begin;
    co_let(self->value, awl_shield(co_call(sleeps, .t = AWL_MS, .value = 5)));
    CHECK_INT(self->value, 5);
    co_end;
}

co_def(makes_a_task_of, { awl_coro held; awl_task *t; })
{
    co_begin;
    self->t = awl_create_task(self->held);
    if (!self->t)
        co_raise(ENOMEM);
    co_await(self->t);
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* What lies on the stack of the task that runs takes memory to become a task of its own. */
co_def(try_moved, {})
{
    co_begin;
    co_await(co_call(makes_a_task_of, .held = awl_gather(co_call(sleeps, .t = AWL_MS), co_call(sleeps))));
    co_await(co_call(makes_a_task_of, .held = awl_shield(co_call(sleeps, .t = AWL_MS))));
    co_end;
}

/* One of them, as an object; NULL: there are no more. */
static awl_coro nth(int n)
{
    switch (n) {
    case 0: return co_call(try_sleep);
    case 1: return co_call(try_task);
    case 2: return co_call(try_task_of_operation);
    case 3: return co_call(try_spawn);
    case 4: return co_call(try_gather);
    case 5: return co_call(try_wait);
    case 6: return co_call(try_wait_for);
    case 7: return co_call(try_future);
    case 8: return co_call(try_held);
    case 9: return co_call(try_callbacks);
    case 10: return co_call(try_shield);
    case 11: return co_call(try_moved);
    default: return co_call(try_context);
    }
}
enum { TRIES = 13 };

co_def(tries, { int n; })
{
    co_begin;
    co_await(nth(self->n));
    co_end;
}

static void nothing(void *arg) { (void)arg; }

/* Runs one of them on a loop where memory may end. Result: its error. */
static int attempt(awl_loop *loop, int n)
{
    const size_t before = stats_of(loop).memory_used;
    const int error = awl_run_until_complete(loop, co_call(tries, .n = n), NULL);

    CHECK(error == 0 || error == ENOMEM);
    CHECK_INT(awl_loop_run_forever(loop), EDEADLK); /* children that a failed gather left behind */
    CHECK_INT(stats_of(loop).memory_used, before);
    CHECK_INT(stats_of(loop).tasks + stats_of(loop).tasks_held, 0);
    return error;
}

/* Memory that grows 8 bytes at a time: so it ends before each allocation in turn. */
static void with_all_sizes(int n)
{
    int failures = 0, error = ENOMEM;

    for (size_t size = 512; error; size += 8) {
        awl_loop *loop = awl_loop_open(
            &(awl_loop_options){ .memory = memory, .memory_size = size, .virtual_time = true, .report = note_report });

        CHECK(size < sizeof memory);
        if (!loop)
            continue;
        error = attempt(loop, n);
        failures += error != 0;
        if (error)
            CHECK_INT(attempt(loop, n), ENOMEM); /* the same again: nothing was lost, so nothing has changed */
        awl_loop_close(loop);
    }
    CHECK(failures > 0);
    CHECK_REPORTS("");
}

TEST(exhausted_sleep) { with_all_sizes(0); }
TEST(exhausted_task) { with_all_sizes(1); }
TEST(exhausted_task_of_operation) { with_all_sizes(2); }
TEST(exhausted_spawn) { with_all_sizes(3); }
TEST(exhausted_gather) { with_all_sizes(4); }
TEST(exhausted_wait) { with_all_sizes(5); }
TEST(exhausted_wait_for) { with_all_sizes(6); }
TEST(exhausted_future) { with_all_sizes(7); }
TEST(exhausted_held_object) { with_all_sizes(8); }
TEST(exhausted_callbacks) { with_all_sizes(9); }
TEST(exhausted_shield) { with_all_sizes(10); }
TEST(exhausted_object_that_moves) { with_all_sizes(11); }

/* What contexts are kept in lasts as long as the loop: so twice, and what the second try leaves is what the first did. */
TEST(exhausted_context)
{
    int failures = 0, error = ENOMEM;

    for (size_t size = 512; error; size += 8) {
        awl_loop *loop = awl_loop_open(
            &(awl_loop_options){ .memory = memory, .memory_size = size, .virtual_time = true, .report = note_report });
        size_t used;

        CHECK(size < sizeof memory);
        if (!loop)
            continue;
        error = awl_run_until_complete(loop, co_call(try_context), NULL);
        CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
        used = stats_of(loop).memory_used;
        CHECK_INT(awl_run_until_complete(loop, co_call(try_context), NULL), error);
        CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
        CHECK_INT(stats_of(loop).memory_used, used);
        CHECK_INT(stats_of(loop).tasks + stats_of(loop).tasks_held, 0);
        failures += error != 0;
        awl_loop_close(loop);
    }
    CHECK(failures > 0);
    CHECK_REPORTS("");
}

/* A shield that was made when no loop ran needs memory for its task when it starts. */
TEST(exhausted_shield_of_no_loop)
{
    int failures = 0, error = ENOMEM;

    for (size_t size = 512; error; size += 8) {
        awl_loop *loop = awl_loop_open(
            &(awl_loop_options){ .memory = memory, .memory_size = size, .virtual_time = true, .report = note_report });
        awl_value value = { .i = 5 };

        CHECK(size < sizeof memory);
        if (!loop)
            continue;
        error = awl_run_until_complete(loop, awl_shield(co_call(sleeps, .t = AWL_MS, .value = 5)), &value);
        CHECK_INT(error ? 5 : value.i, 5);
        CHECK(error == 0 || error == ENOMEM);
        failures += error != 0;
        awl_loop_close(loop);
    }
    CHECK(failures > 0);
    CHECK_REPORTS("");
}

/* The n-th malloc fails, with a loop that has used up what it held. */
static void with_failing_malloc(int n)
{
    int error = ENOMEM;

    for (size_t nth_malloc = 1; error; nth_malloc++) {
        awl_loop *loop = open_virtual();
        awl_coro object = co_call(tries, .n = n);

        CHECK(nth_malloc < 50);
        harness_fail_alloc_from(1);
        while (awl_call_soon(loop, NULL, nothing, NULL) == 0)
            ;
        harness_fail_alloc(nth_malloc);
        error = awl_run_until_complete(loop, object, NULL);
        harness_fail_alloc(0);
        CHECK(error == 0 || error == ENOMEM);
        CHECK_INT(awl_run_until_complete(loop, co_call(tries, .n = n), NULL), 0);
        CHECK_INT(awl_loop_run_forever(loop), EDEADLK);
        awl_loop_close(loop);
    }
    CHECK_REPORTS("");
}

TEST(every_call_survives_every_failed_malloc)
{
    for (int n = 0; n < TRIES; n++)
        with_failing_malloc(n);
}
