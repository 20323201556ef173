/* test_map.c: awl_map, in threads and in processes. */
#include "process_rig.h"

static int square(const void *in, size_t len, awl_reply *reply)
{
    const int *n = in;

    CHECK_INT(len, sizeof *n);
    awl_reply_set(reply, *n * *n);
    return 0;
}

/* Fails for odd numbers, with them as errors. */
static int even(const void *in, size_t len, awl_reply *reply)
{
    const int *n = in;

    (void)len;
    awl_reply_set(reply, *n);
    return *n % 2 ? *n : 0;
}

static int as_text(const void *in, size_t len, awl_reply *reply)
{
    const char digit = (char)('0' + *(const int *)in);

    (void)len;
    return digit == '7' ? EDOM : awl_reply_append(reply, &digit, 1);
}

typedef struct world {
    awl_executor *pool;
    int items[50];
    awl_outcome out[50];
} world;

static void set_items(world *w)
{
    for (int i = 0; i < 50; i++)
        w->items[i] = i;
}

co_def(maps, { world *w; int i, rc; })
{
    co_begin;
    set_items(self->w);
    co_await(awl_map(self->w->pool, square, self->w->items, 50, self->w->out, 0, 0));
    for (self->i = 0; self->i < 50; self->i++) {
        CHECK_INT(self->w->out[self->i].value.i, self->i * self->i);
        CHECK_INT(self->w->out[self->i].error, 0);
    }
    co_await(awl_map(self->w->pool, as_text, self->w->items, 5, self->w->out, 100, 0));
    for (self->i = 0; self->i < 5; self->i++) {
        awl_bytes *bytes = self->w->out[self->i].value.p;

        CHECK_INT(bytes->len, 1);
        CHECK_INT(bytes->data[0], '0' + self->i);
        awl_bytes_free(bytes);
    }
    CHECK_FAILS(EDOM, awl_map(self->w->pool, as_text, self->w->items, 10, self->w->out, 1, 0)); /* 7 bytes are freed */
    co_await(awl_map(self->w->pool, square, self->w->items, 0, self->w->out, 0, 0));
    co_end;
}

TASK_TEST(results_are_in_the_order_of_the_elements_in_threads, { world w; })
{
    co_begin;
    co_await(co_call(maps, .w = &self->w));
    co_end;
}

TASK_TEST(results_are_in_the_order_of_the_elements_in_processes, { world w; })
{
    co_begin;
    OPEN_PROCESSES(self->w.pool, .workers = 2);
    co_await(co_call(maps, .w = &self->w));
    co_end;
}

TASK_TEST(errors_can_be_outcomes, { world w; int i; })
{
    co_begin;
    set_items(&self->w);
    co_await(awl_map(NULL, even, self->w.items, 50, self->w.out, 3, AWL_RETURN_EXCEPTIONS));
    for (self->i = 0; self->i < 50; self->i++) {
        if (self->w.out[self->i].error == ENOMEM)
            co_raise(ENOMEM);
        CHECK_INT(self->w.out[self->i].error, self->i % 2 ? self->i : 0);
        if (self->i % 2 == 0)
            CHECK_INT(self->w.out[self->i].value.i, self->i);
    }
    co_end;
}

TASK_TEST(the_first_error_ends_it, { world w; int rc, runs; })
{
    co_begin;
    set_items(&self->w);
    CHECK_FAILS(1, awl_map(NULL, even, self->w.items, 50, self->w.out, 1, 0));
    CHECK_FAILS(EINVAL, awl_map_(NULL, (awl_call){ .in = self->w.items }, 1, self->w.out, 0, 0));
    CHECK_FAILS(EINVAL, awl_map(NULL, even, self->w.items, 1, NULL, 0, 0));
    co_end;
}

/* ---- How many at once: each call says that it is there, and how many there are ---------------------------------- */

static atomic_int there, most_there, calls_made;

static int meets(const void *in, size_t len, awl_reply *reply)
{
    const int n = atomic_fetch_add(&there, 1) + 1;
    int most = atomic_load(&most_there);

    (void)in, (void)len;
    while (n > most && !atomic_compare_exchange_weak(&most_there, &most, n))
        ;
    atomic_fetch_add(&calls_made, 1);
    pass(NULL, &reply->result_);
    atomic_fetch_sub(&there, 1);
    return 0;
}

TASK_TEST(no_more_than_the_limit_are_under_way, { world w; awl_task *t; int i; })
{
    co_begin;
    OPEN_POOL(self->w.pool, 8, 8);
    self->t = awl_create_task(awl_map(self->w.pool, meets, self->w.items, 20, self->w.out, 3, 0));
    if (!self->t)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < 10; self->i++)
        co_await(awl_sleep(0));
    if (awl_task_done(self->t))
        co_await(self->t); /* ENOMEM */
    CHECK_INT(stats_of_executor(self->w.pool).jobs, 3);
    AWAIT_COUNT(begun, 3);
    open_gate();
    co_await(self->t);
    CHECK_INT(COUNT(ended), 20);
    CHECK(atomic_load(&most_there) <= 3);
    co_finally;
    open_gate();
    awl_task_release(self->t);
    co_end;
}

/* ---- Cancellation ----------------------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_map_begins_no_more_calls, { world w; awl_task *t; int rc, i; })
{
    co_begin;
    OPEN_POOL(self->w.pool, 2, 8);
    self->t = awl_create_task(
        awl_map(self->w.pool, meets, self->w.items, 20, self->w.out, 4, AWL_RETURN_EXCEPTIONS));
    if (!self->t)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < 10; self->i++)
        co_await(awl_sleep(0));
    if (awl_task_done(self->t))
        co_await(self->t); /* ENOMEM */
    CHECK_INT(stats_of_executor(self->w.pool).jobs, 4);
    AWAIT_COUNT(begun, 2);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    open_gate();
    co_await(awl_executor_shutdown(self->w.pool, 0));
    CHECK_INT(atomic_load(&calls_made), 2);
    co_finally;
    open_gate();
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(of_nothing_there_are_no_outcomes, { world w; int rc; })
{
    co_begin;
    co_try(self->rc, awl_map(NULL, square, (int *)NULL, 0, NULL, 0, 0));
    CHECK(self->rc == 0 || self->rc == ENOMEM);
    CHECK_FAILS(EINVAL, awl_map(NULL, square, self->w.items, 1, NULL, 0, 0));
    co_end;
}

TASK_TEST(a_map_in_an_executor_that_was_shut_down, { world w; int rc; })
{
    co_begin;
    OPEN_POOL(self->w.pool, 2, 8);
    co_await(awl_executor_shutdown(self->w.pool, 0));
    CHECK_FAILS(AWL_ESHUTDOWN, awl_map(self->w.pool, square, self->w.items, 5, self->w.out, 0, 0));
    co_end;
}

TASK_TEST(a_map_without_memory, { world w; int rc; })
{
    co_begin;
    harness_fail_alloc_from(1);
    CHECK_FAILS(ENOMEM, awl_map(NULL, square, self->w.items, 50, self->w.out, 40, 0));
    harness_fail_alloc(0);
    co_end;
}
