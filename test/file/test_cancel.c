/* test_cancel.c: operations that are cancelled while a thread is at work on them, or before. */
#define _GNU_SOURCE
#include "rig.h"

TASK_TEST(a_cancelled_read_loses_nothing, {
    awl_file *f;
    awl_task *t;
    int rc;
    int64_t n;
    char buf[4];
})
{
    co_begin;
    put_file("a", "abcdef");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    memcpy(self->buf, "....", 4);
    START_UP_TO(READ, awl_file_read(self->f, self->buf, 3));
    CANCEL_IT;
    co_await(co_call(quiet));
    CHECK_MEM(self->buf, "....", 4);
    CHECK_INT(awl_file_position(self->f), 0);
    co_let(self->n, awl_file_read(self->f, self->buf, 3));
    CHECK_MEM(self->buf, "abc.", 4);
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_file_close(self->f);
    co_end;
}

/* What is still at work comes before what is written later. */
TASK_TEST(a_cancelled_write_is_never_late, {
    awl_file *f;
    awl_task *t, *u;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_WRONLY | O_CREAT, 0600));
    START_UP_TO(WRITE, awl_file_write(self->f, "old", 3));
    self->u = awl_create_task(awl_file_write(self->f, "new", 3));
    CHECK(self->u != NULL);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->u));
    CHECK_STR(text_in("a"), "");
    go_on();
    co_await(self->u);
    CHECK_STR(text_in("a"), "new");
    CHECK_INT(awl_file_position(self->f), 3);
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_task_release(self->u);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(who_waits_for_the_turn_can_be_cancelled, {
    awl_file *f;
    awl_task *t, *u;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_WRONLY | O_CREAT, 0600));
    START_UP_TO(WRITE, awl_file_write(self->f, "one", 3));
    self->u = awl_create_task(awl_file_write(self->f, "two", 3));
    CHECK(self->u != NULL);
    co_await(awl_sleep(0));
    awl_task_cancel(self->u);
    CHECK_FAILS(ECANCELED, self->u);
    go_on();
    co_await(self->t);
    co_await(awl_file_write(self->f, "three", 5));
    CHECK_STR(text_in("a"), "onethree");
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_task_release(self->u);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(what_is_opened_for_nobody_is_closed, {
    awl_task *t;
    int rc;
})
{
    co_begin;
    START_UP_TO(OPEN, awl_file_open(path_of("a"), O_WRONLY | O_CREAT, 0600));
    CANCEL_IT;
    co_await(co_call(quiet));
    CHECK_STR(names(), "a"); /* it had begun */
    START_UP_TO(OPEN, awl_file_replace(path_of("b"), 0));
    CANCEL_IT;
    co_await(co_call(quiet));
    CHECK_STR(names(), "a");
    co_finally;
    go_on();
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(what_has_not_begun_never_does, {
    awl_task *t;
    int rc;
})
{
    co_begin;
    self->t = awl_create_task(awl_file_open(path_of("a"), O_WRONLY | O_CREAT, 0600));
    CHECK(self->t != NULL);
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    co_await(co_call(quiet));
    CHECK_STR(names(), "");
    co_finally;
    awl_task_release(self->t);
    co_end;
}

/* At each of its steps: the file is whole in the end, and nothing lies beside it. */
TASK_TEST(an_atomic_write_comes_to_its_end, {
    awl_task *t;
    int rc, i;
    char text;
})
{
    static const enum faulty steps[] = { OPEN, WRITE, SYNC, RENAME };

    co_begin;
    for (self->i = 0; self->i < 4; self->i++) {
        self->text = (char)('0' + self->i);
        put_file("a", "before");
        START_UP_TO(steps[self->i], awl_write_file_atomically(path_of("a"), &self->text, 1, 0));
        CHECK_STR(text_in("a"), "before");
        CANCEL_IT;
        co_await(co_call(quiet));
        CHECK_INT(text_in("a")[0], '0' + self->i);
        CHECK_STR(names(), "a");
    }
    co_finally;
    go_on();
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_cancelled_commit_is_whole_or_not_at_all, {
    awl_file *f;
    awl_task *t;
    int rc, i;
})
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        put_file("a", "before");
        co_let(self->f, awl_file_replace(path_of("a"), 0));
        co_await(awl_file_write(self->f, "after", 5));
        START_UP_TO(self->i ? RENAME : SYNC, awl_file_commit(self->f));
        awl_task_cancel(self->t);
        CHECK_FAILS(ECANCELED, self->t);
        awl_task_release(self->t);
        self->t = NULL;
        awl_file_close(self->f); /* while a thread commits it */
        self->f = NULL;
        CHECK_STR(text_in("a"), "before");
        go_on();
        co_await(co_call(quiet));
        CHECK_STR(text_in("a"), "after");
        CHECK_STR(names(), "a");
    }
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_file_that_is_read_for_nobody_is_freed, {
    awl_task *t;
    int rc;
})
{
    co_begin;
    put_file("a", "abc");
    START_UP_TO(READ, awl_read_file(path_of("a"), 0, NULL));
    CANCEL_IT;
    co_await(co_call(quiet));
    co_finally;
    go_on();
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_cancelled_walk_loses_no_entry, {
    awl_walk *w;
    awl_walk_entry *e;
    awl_task *t;
    int rc;
})
{
    co_begin;
    put_file("a", "");
    self->w = awl_walk_new(path_of(""), NULL);
    CHECK(self->w != NULL);
    START_UP_TO(OPEN, awl_walk_next(self->w));
    CANCEL_IT;
    co_let(self->e, awl_walk_next(self->w));
    CHECK_STR(self->e->name, "a");
    co_let(self->e, awl_walk_next(self->w));
    CHECK(!self->e);
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_walk_close(self->w);
    co_end;
}

TASK_TEST(a_walk_can_be_closed_while_a_thread_reads, {
    awl_walk *w;
    awl_task *t;
    int rc;
})
{
    co_begin;
    self->w = awl_walk_new(path_of(""), NULL);
    CHECK(self->w != NULL);
    START_UP_TO(OPEN, awl_walk_next(self->w));
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    awl_walk_close(self->w);
    self->w = NULL;
    go_on();
    co_await(co_call(quiet));
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_walk_close(self->w);
    co_end;
}

TASK_TEST(closing_goes_on_when_nobody_waits, {
    awl_file *f;
    awl_task *t;
    int rc;
    char c;
})
{
    co_begin;
    put_file("a", "x");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    self->t = awl_create_task(awl_file_wait_closed(self->f));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t)); /* ENOMEM */
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    CHECK_FAILS(EBADF, awl_file_read(self->f, &self->c, 1));
    co_finally;
    awl_task_release(self->t);
    awl_file_close(self->f);
    co_end;
}
