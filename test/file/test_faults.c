/* test_faults.c: disks that are full or broken, system calls that are interrupted or do a part. */
#define _GNU_SOURCE
#include "rig.h"

TASK_TEST(parts_make_a_whole, {
    awl_file *f;
    int64_t n;
    char buf[16];
})
{
    co_begin;
    at_most(WRITE, 3);
    at_most(READ, 2);
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR | O_CREAT, 0600));
    fail_once(WRITE, EINTR);
    co_await(awl_file_write(self->f, "0123456789", 10));
    fail_once(READ, EINTR);
    co_let(self->n, awl_file_pread(self->f, self->buf, sizeof self->buf, 0));
    CHECK_INT(self->n, 10);
    CHECK_MEM(self->buf, "0123456789", 10);
    fail_once(TRUNCATE, EINTR);
    co_await(awl_file_truncate(self->f, 2));
    CHECK_STR(text_in("a"), "01");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_full_disk_leaves_the_position_behind_what_is_there, {
    awl_file *f;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_WRONLY | O_CREAT, 0600));
    at_most(WRITE, 4);
    fail_from(WRITE, 3, ENOSPC);
    CHECK_FAILS(ENOSPC, awl_file_write(self->f, "0123456789", 10));
    CHECK_INT(awl_file_position(self->f), 8);
    fail_from(WRITE, 1, 0);
    co_await(awl_file_write(self->f, "89", 2));
    CHECK_STR(text_in("a"), "0123456789");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(what_was_read_before_an_error_comes_first, {
    awl_file *f;
    int rc;
    int64_t n;
    char buf[8];
})
{
    co_begin;
    put_file("a", "abcdef");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    at_most(READ, 3);
    fail_from(READ, 2, EIO);
    co_let(self->n, awl_file_read(self->f, self->buf, 8));
    CHECK_INT(self->n, 3);
    CHECK_FAILS(EIO, awl_file_read(self->f, self->buf, 8));
    CHECK_INT(awl_file_position(self->f), 3);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

/* Each of its calls fails in turn: what was there stays, and nothing lies beside it. */
TASK_TEST(an_atomic_write_that_fails_has_not_been, { int rc, i; })
{
    static const struct {
        enum faulty call;
        int n, error;
    } faults[] = {
        { OPEN, 1, EMFILE }, { WRITE, 1, ENOSPC }, { WRITE, 2, EIO }, { SYNC, 1, EIO }, { RENAME, 1, EROFS }
    };

    co_begin;
    put_file("a", "before");
    at_most(WRITE, 2);
    for (self->i = 0; self->i < 5; self->i++) {
        fail_from(faults[self->i].call, faults[self->i].n, faults[self->i].error);
        CHECK_FAILS(faults[self->i].error, awl_write_file_atomically(path_of("a"), "after", 5, 0));
        fail_from(faults[self->i].call, 1, 0);
        CHECK(strstr(awl_error_message(faults[self->i].error), "/a: "));
        CHECK_STR(text_in("a"), "before");
        CHECK_STR(names(), "a");
    }
    co_await(awl_write_file_atomically(path_of("a"), "after", 5, 0));
    CHECK_STR(text_in("a"), "after");
    co_end;
}

/* The second fsync is that of the folder, which may have nothing to say. */
TASK_TEST(the_folder_is_synced_too, { int rc; })
{
    co_begin;
    fail_from(SYNC, 2, EIO);
    CHECK_FAILS(EIO, awl_write_file_atomically(path_of("a"), "x", 1, 0));
    CHECK_STR(text_in("a"), "x");
    fail_from(SYNC, 2, EINVAL);
    co_await(awl_write_file_atomically(path_of("a"), "y", 1, 0));
    CHECK_STR(text_in("a"), "y");
    CHECK_STR(names(), "a");
    co_end;
}

/* After a failed fsync nobody knows what is on the disk, whatever a second one says. */
TASK_TEST(a_failed_sync_cannot_be_tried_again, {
    awl_file *f;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_replace(path_of("a"), 0));
    co_await(awl_file_write(self->f, "x", 1));
    fail_once(SYNC, ENOSPC);
    CHECK_FAILS(ENOSPC, awl_file_commit(self->f));
    CHECK_FAILS(EIO, awl_file_commit(self->f));
    CHECK_STR(text_in("a"), "-");
    awl_file_close(self->f);
    self->f = NULL;
    co_await(co_call(quiet));
    CHECK_STR(names(), "");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_failed_rename_can_be_tried_again, {
    awl_file *f;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_replace(path_of("a"), 0));
    fail_once(RENAME, EBUSY);
    CHECK_FAILS(EBUSY, awl_file_commit(self->f));
    co_await(awl_file_commit(self->f));
    CHECK_STR(text_in("a"), "");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(errors_of_a_disk_are_the_streams, {
    awl_file *f;
    awl_stream *s;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_WRONLY | O_CREAT, 0600));
    self->s = awl_file_stream(self->f, NULL);
    CHECK(self->s != NULL);
    fail_from(WRITE, 1, ENOSPC);
    CHECK_INT(awl_stream_write(self->s, "abc", 3), 0);
    CHECK_FAILS(ENOSPC, awl_stream_wait_closed(self->s));
    CHECK_INT(awl_stream_error(self->s), ENOSPC);
    co_finally;
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(what_a_stream_read_before_an_error_comes_first, {
    awl_file *f;
    awl_stream *s;
    char *line;
    int rc;
})
{
    co_begin;
    put_file("a", "one\ntwo\n");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    self->s = awl_file_stream(self->f, NULL);
    CHECK(self->s != NULL);
    at_most(READ, 4);
    fail_from(READ, 2, EIO);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "one\n");
    CHECK_FAILS(EIO, awl_stream_readline(self->s, NULL));
    co_finally;
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}
