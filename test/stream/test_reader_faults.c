/* test_reader_faults.c: readers whose reads are cancelled, fail or lack memory; who feeds them, and how they end. */
#include <pthread.h>

#include "reader_rig.h"

/* ---- Cancellation ------------------------------------------------------------------------------------------------ */

VIRTUAL_TEST(cancelled_reads_lose_nothing, { awl_task *t; int way; })
{
    co_begin;
    set_up(0);
    for (self->way = READ; self->way < WAYS; self->way++) {
        self->t = begin(self->way, 9);
        co_await(awl_sleep(0));
        if (self->way != READ)
            feed("ab");
        co_await(awl_sleep(0));
        awl_task_cancel(self->t);
        END(self->t);
        CHECK_INT(atoi(trace + 1), ECANCELED);
        trace[0] = '\0';
        feed("cd");
        NOW(READ, 9);
        CHECK_TRACE(self->way == READ ? "cd" : "abcd");
    }
    awl_reader_fini(&r);
    co_end;
}

/* The bytes make it ready; the cancellation comes before its turn. */
VIRTUAL_TEST(reads_cancelled_after_they_were_woken_lose_nothing, { awl_task *t; int way; })
{
    co_begin;
    set_up(0);
    for (self->way = READ; self->way < WAYS; self->way++) {
        self->t = begin(self->way, 2);
        co_await(awl_sleep(0));
        feed("a;\n");
        awl_task_cancel(self->t);
        END(self->t);
        CHECK_INT(atoi(trace + 1), ECANCELED);
        trace[0] = '\0';
        NOW(READ, 9);
        CHECK_TRACE("a;\n");
    }
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(cancelled_read_is_in_the_way_until_it_has_ended, { awl_task *t; })
{
    co_begin;
    set_up(0);
    self->t = begin(LINE, 0);
    co_await(awl_sleep(0));
    awl_task_cancel(self->t);
    NOW(READ, 1);
    CHECK_INT(atoi(trace + 1), EBUSY);
    trace[0] = '\0';
    END(self->t);
    trace[0] = '\0';
    feed("x");
    NOW(READ, 1);
    CHECK_TRACE("x");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(collected_bytes_without_memory_are_an_error, { awl_task *t; int i; })
{
    static char big[300000];

    co_begin;
    memset(big, 'x', sizeof big - 1);
    set_up(0);
    feed(big);
    self->t = begin(ALL, 0);
    co_await(awl_sleep(0));
    feed("more");
    harness_fail_alloc_from(1);
    awl_task_cancel(self->t);
    END(self->t);
    harness_fail_alloc(0);
    CHECK_INT(awl_reader_error(&r), ENOMEM); /* a hole in the bytes is not passed over in silence */
    awl_reader_fini(&r);
    co_end;
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

VIRTUAL_TEST(error_ends_the_read_that_waits_and_all_later_ones, { awl_task *t; int way; })
{
    co_begin;
    for (self->way = READ; self->way < WAYS; self->way++) {
        set_up(0);
        self->t = begin(self->way, 9);
        co_await(awl_sleep(0));
        if (self->way != READ)
            feed("ab");
        co_await(awl_sleep(0));
        CHECK_INT(awl_reader_set_error(&r, 7), 0);
        END(self->t);
        feed("cd;\n");
        NOW(self->way, 1);
        CHECK_INT(awl_reader_set_error(&r, 8), 0);
        NOW(self->way, 0);
        CHECK_TRACE("!7 !7 !8");
        CHECK_INT(awl_reader_error(&r), 8);
        CHECK(awl_reader_buffered(&r) >= 4);
        awl_reader_fini(&r);
    }
    co_end;
}

VIRTUAL_TEST(error_after_the_bytes_that_woke_a_read_is_for_the_next_one, { awl_task *t; })
{
    co_begin;
    set_up(0);
    self->t = begin(LINE, 0);
    co_await(awl_sleep(0));
    feed("x\ny\n");
    awl_reader_set_error(&r, 7);
    END(self->t);
    NOW(LINE, 0);
    CHECK_TRACE("x\n !7");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(reads_without_memory_end_in_ENOMEM_and_lose_nothing, { int rc; })
{
    static char big[100000];

    co_begin;
    memset(big, 'x', sizeof big - 1);
    set_up(0);
    feed(big);
    harness_fail_alloc_from(1);
    CHECK_INT(awl_reader_feed_data(&r, big, sizeof big - 1), ENOMEM);
    CHECK_INT(awl_reader_feed_data(&r, big, SIZE_MAX), ENOMEM);
    awl_reader_feed_eof(&r);
    CHECK_FAILS(ENOMEM, operation(ALL, 0));
    harness_fail_alloc(0);
    CHECK_INT(awl_reader_buffered(&r), sizeof big - 1);
    CHECK_INT(awl_reader_error(&r), 0);
    co_await(operation(ALL, 0));
    CHECK_INT(length, sizeof big - 1);
    awl_reader_fini(&r);
    co_end;
}

/* ---- The feeding side -------------------------------------------------------------------------------------------- */

VIRTUAL_TEST(feeding_pauses_over_twice_the_limit_until_the_limit, {})
{
    co_begin;
    set_up(4);
    feed("12345678");
    CHECK(!awl_reader_paused(&r));
    feed("9");
    CHECK(awl_reader_paused(&r));
    feed("0");
    CHECK_TOLD("-");
    NOW(READ, 5);
    CHECK(awl_reader_paused(&r));
    NOW(READ, 1);
    CHECK(!awl_reader_paused(&r));
    CHECK_TOLD("+");
    CHECK_TRACE("12345 6");
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(nobody_pauses_without_a_function, {})
{
    co_begin;
    awl_reader_init(&r, NULL, 1);
    feed("12345678");
    CHECK(!awl_reader_paused(&r));
    awl_reader_on_pause(&r, tell, &r);
    feed("9");
    CHECK(awl_reader_paused(&r));
    awl_reader_on_pause(&r, NULL, NULL);
    CHECK(!awl_reader_paused(&r));
    NOW(READ, 9);
    CHECK_TRACE("123456789");
    awl_reader_fini(&r);
    co_end;
}

/* Feeds more as soon as it is told to. */
static void feed_again(void *left, bool pause)
{
    if (!pause && (*(int *)left)-- > 0)
        feed("line\nline\n");
}

VIRTUAL_TEST(who_is_told_to_go_on_may_feed_at_once, { int left, i; char *text; })
{
    co_begin;
    awl_reader_init(&r, NULL, 4);
    self->left = 10;
    awl_reader_on_pause(&r, feed_again, &self->left);
    feed("line\nline\n");
    for (self->i = 0; self->i < 22; self->i++) {
        co_let(self->text, awl_reader_readline(&r, NULL));
        CHECK_STR(self->text, "line\n");
    }
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(line_is_untouched_by_what_is_fed, { char *text; size_t len; int i; })
{
    static char big[6000];

    co_begin;
    memset(big, 'x', sizeof big - 1);
    set_up(0);
    for (self->i = 0; self->i < 2; self->i++) { /* with something behind the line, and without */
        feed(self->i ? "line\nrest" : "line\n");
        co_let(self->text, awl_reader_readline(&r, NULL));
        feed("a");
        CHECK_STR(self->text, "line\n");
        feed(big);
        feed(big);
        CHECK_STR(self->text, "line\n");
        strcpy(self->text, "LINE\n");
        NOW(EXACTLY, self->i ? 5 : 1);
        CHECK_TRACE(self->i ? "resta" : "a");
        CHECK_INT(awl_reader_buffered(&r), 2 * (sizeof big - 1));
        while (awl_reader_buffered(&r))
            co_await(awl_reader_read(&r, bytes, sizeof bytes));
    }
    awl_reader_fini(&r);
    co_end;
}

VIRTUAL_TEST(reader_takes_no_memory_when_all_is_read, { size_t before; awl_loop_stats stats; })
{
    co_begin;
    set_up(0);
    NOW(READ, 0); /* the task's stack has grown */
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    self->before = self->stats.memory_used;
    feed("some bytes");
    NOW(READ, 20);
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    CHECK_INT(self->stats.memory_used, self->before);
    feed("a line\nand more");
    NOW(LINE, 0);
    awl_reader_fini(&r);
    awl_loop_get_stats(awl_running_loop(), &self->stats);
    CHECK_INT(self->stats.memory_used, self->before);
    co_end;
}

/* ---- Ending, and what is wrong ----------------------------------------------------------------------------------- */

VIRTUAL_TEST(fini_ends_the_read_that_waits, { awl_task *t; int way; })
{
    co_begin;
    for (self->way = READ; self->way < WAYS; self->way++) {
        set_up(0);
        if (self->way != READ)
            feed("ab");
        self->t = begin(self->way, 3);
        co_await(awl_sleep(0));
        awl_reader_fini(&r);
        memset(&r, 0xA5, sizeof r); /* the memory is the caller's */
        END(self->t);
        CHECK_INT(atoi(trace + 1), ECONNABORTED);
        trace[0] = '\0';
    }
    co_end;
}

VIRTUAL_TEST(read_that_was_cancelled_before_fini_is_cancelled, { awl_task *t; int way; })
{
    co_begin;
    for (self->way = READ; self->way < WAYS; self->way++) {
        set_up(0);
        self->t = begin(self->way, 3);
        co_await(awl_sleep(0));
        awl_task_cancel(self->t);
        awl_reader_fini(&r);
        memset(&r, 0xA5, sizeof r);
        END(self->t);
        CHECK_INT(atoi(trace + 1), ECANCELED);
        trace[0] = '\0';
    }
    co_end;
}

VIRTUAL_TEST(wrong_arguments, { int rc; awl_reader zero; })
{
    co_begin;
    awl_reader_fini(NULL);
    awl_reader_fini(&self->zero);
    awl_reader_on_pause(NULL, tell, NULL);
    CHECK_INT(awl_reader_feed_data(NULL, "x", 1), EINVAL);
    CHECK_INT(awl_reader_feed_data(&self->zero, "x", 1), EINVAL);
    CHECK_INT(awl_reader_feed_eof(NULL), EINVAL);
    CHECK_INT(awl_reader_feed_eof(&self->zero), EINVAL);
    CHECK_INT(awl_reader_set_error(NULL, 1), EINVAL);
    CHECK_INT(awl_reader_set_error(&self->zero, 1), EINVAL);
    CHECK(awl_reader_at_eof(NULL) && !awl_reader_paused(NULL));
    CHECK_INT(awl_reader_buffered(NULL), 0);
    CHECK_INT(awl_reader_error(NULL), EINVAL);
    CHECK_INT(awl_reader_consumed(NULL), 0);
    CHECK_STR(awl_reader_partial(NULL, NULL), "");
    CHECK_FAILS(EINVAL, awl_reader_read(NULL, bytes, 1));
    CHECK_FAILS(EINVAL, awl_reader_read_exactly(NULL, bytes, 1));
    CHECK_FAILS(EINVAL, awl_reader_readline(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_reader_read_until(NULL, "x", 1, NULL));
    CHECK_FAILS(EINVAL, awl_reader_read_all(NULL, NULL));
    CHECK_FAILS(EINVAL, awl_reader_read(&self->zero, bytes, 1));
    CHECK_FAILS(EINVAL, awl_reader_read_all(&self->zero, NULL));
    set_up(0);
    CHECK_INT(awl_reader_feed_data(&r, NULL, 1), EINVAL);
    CHECK_INT(awl_reader_set_error(&r, 0), EINVAL);
    CHECK_INT(awl_reader_set_error(&r, -1), EINVAL);
    CHECK_INT(awl_reader_set_error(&r, 32768), EINVAL);
    CHECK_FAILS(EINVAL, awl_reader_read_until(&r, "", 0, NULL));
    CHECK_FAILS(EINVAL, awl_reader_read_until(&r, NULL, 1, NULL));
    awl_reader_set_error(&r, 7);
    CHECK_FAILS(EINVAL, awl_reader_read_until(&r, "", 0, NULL));
    awl_reader_fini(&r);
    co_end;
}

co_def(reads_wrongly, { int rc, way; })
{
    co_begin;
    for (self->way = READ; self->way < WAYS; self->way++)
        CHECK_FAILS(AWL_EOTHERLOOP, operation(self->way, 1));
    co_end;
}

TEST(reader_is_of_one_loop_and_can_be_fed_before_that_runs)
{
    const awl_loop_options options = { .virtual_time = true, .report = note_report };
    awl_loop *loop = awl_loop_open(&options);

    CHECK(loop != NULL);
    awl_reader_init(&r, loop, 0);
    feed("line\n");
    CHECK_INT(awl_run_with(co_call(reads_wrongly), &options, NULL), 0);
    CHECK_INT(awl_run_until_complete(loop, co_call(reads, .way = LINE), NULL), 0);
    CHECK_TRACE("line\n");
    awl_reader_fini(&r);
    awl_loop_close(loop);
}

TEST(reader_without_a_loop_is_EINVAL)
{
    const awl_loop_options options = { .virtual_time = true, .report = note_report };

    awl_reader_init(&r, NULL, 0);
    CHECK_INT(awl_reader_feed_data(&r, "x", 1), EINVAL);
    CHECK_INT(awl_run_with(co_call(reads, .way = READ, .n = 1), &options, NULL), 0);
    CHECK_INT(atoi(trace + 1), EINVAL);
    awl_reader_fini(&r);
}

static void *feed_from_here(void *nothing)
{
    feed("x");
    return nothing;
}

co_def(has_another_thread_feed, { pthread_t thread; })
{
    co_begin;
    set_up(0);
    pthread_create(&self->thread, NULL, feed_from_here, NULL);
    pthread_join(self->thread, NULL);
    co_end;
}

TEST(feeding_from_another_thread_is_a_trap)
{
    EXPECT_TRAP(awl_run(co_call(has_another_thread_feed)), "this loop runs in another thread");
}
