/* test_file.c: open files. */
#define _GNU_SOURCE
#include "rig.h"

TASK_TEST(what_is_written_is_read, {
    awl_file *f;
    int64_t n;
    char buf[16];
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR | O_CREAT | O_EXCL, 0600));
    co_await(awl_file_write(self->f, "hello, world", 12));
    CHECK_INT(awl_file_position(self->f), 12);
    CHECK_INT(awl_file_seek(self->f, 7), 0);
    co_let(self->n, awl_file_read(self->f, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 5);
    CHECK_MEM(self->buf, "world", 5);
    co_let(self->n, awl_file_read(self->f, self->buf, sizeof self->buf));
    CHECK_INT(self->n, 0);
    CHECK_INT(awl_file_position(self->f), 12);
    CHECK_STR(text_in("a"), "hello, world");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(offsets_are_beside_the_position, {
    awl_file *f;
    int64_t n;
    char buf[4];
})
{
    co_begin;
    put_file("a", "0123456789");
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR, 0));
    co_let(self->n, awl_file_pread(self->f, self->buf, 4, 8));
    CHECK_INT(self->n, 2);
    CHECK_MEM(self->buf, "89", 2);
    co_await(awl_file_pwrite(self->f, "xy", 2, 3));
    CHECK_INT(awl_file_position(self->f), 0);
    CHECK_STR(text_in("a"), "012xy56789");
    co_let(self->n, awl_file_pread(self->f, self->buf, 4, 100));
    CHECK_INT(self->n, 0);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(appending_goes_to_the_end_wherever_that_is, { awl_file *a, *b; })
{
    co_begin;
    put_file("log", "one\n");
    co_let(self->a, awl_file_open(path_of("log"), O_WRONLY | O_APPEND, 0));
    co_let(self->b, awl_file_open(path_of("log"), O_WRONLY | O_APPEND, 0));
    co_await(awl_file_write(self->a, "two\n", 4));
    CHECK_INT(awl_file_position(self->a), 8);
    co_await(awl_file_write(self->b, "three\n", 6));
    co_await(awl_file_write(self->a, "four\n", 5));
    CHECK_INT(awl_file_position(self->a), 19);
    CHECK_STR(text_in("log"), "one\ntwo\nthree\nfour\n");
    co_finally;
    awl_file_close(self->a);
    awl_file_close(self->b);
    co_end;
}

TASK_TEST(a_file_can_be_cut_and_grown_and_asked, {
    awl_file *f;
    awl_file_info info;
    struct stat st;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR | O_CREAT, 0640));
    co_await(awl_file_write(self->f, "0123456789", 10));
    co_await(awl_file_truncate(self->f, 4));
    CHECK_STR(text_in("a"), "0123");
    co_await(awl_file_truncate(self->f, 6));
    co_await(awl_file_sync(self->f));
    co_await(awl_file_datasync(self->f));
    co_await(awl_file_stat(self->f, &self->info));
    CHECK_INT(stat(path_of("a"), &self->st), 0);
    CHECK_INT(self->info.size, 6);
    CHECK(S_ISREG(self->info.mode));
    CHECK_INT(self->info.mode, self->st.st_mode);
    CHECK_INT(self->info.inode, self->st.st_ino);
    CHECK_INT(self->info.device, self->st.st_dev);
    CHECK_INT(self->info.links, 1);
    CHECK_INT(self->info.owner, getuid());
    CHECK_INT(self->info.modified, self->st.st_mtim.tv_sec * AWL_SECOND + self->st.st_mtim.tv_nsec);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

/* Also where size_t and long have 32 bits. */
TASK_TEST(files_are_larger_than_4_gib, {
    awl_file *f;
    awl_file_info info;
    int64_t n;
    char c;
})
{
    const int64_t far = (int64_t)5 << 30;

    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR | O_CREAT, 0600));
    co_await(awl_file_pwrite(self->f, "x", 1, far));
    co_await(awl_file_stat(self->f, &self->info));
    CHECK_INT(self->info.size, ((int64_t)5 << 30) + 1);
    CHECK_INT(awl_file_seek(self->f, (int64_t)5 << 30), 0);
    co_let(self->n, awl_file_read(self->f, &self->c, 1));
    CHECK_INT(self->n, 1);
    CHECK_INT(self->c, 'x');
    CHECK_INT(awl_file_position(self->f), ((int64_t)5 << 30) + 1);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

static char large[3 << 20], back[3 << 20];

TASK_TEST(much_is_written_whole_and_read_by_the_mib, {
    awl_file *f;
    int64_t n;
    size_t all;
})
{
    co_begin;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i % 251);
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR | O_CREAT, 0600));
    co_await(awl_file_write(self->f, large, sizeof large - 7));
    CHECK_INT(awl_file_seek(self->f, 0), 0);
    do {
        co_let(self->n, awl_file_read(self->f, back + self->all, sizeof back - self->all));
        CHECK(self->n <= 1 << 20);
        self->all += (size_t)self->n;
    } while (self->n);
    CHECK_INT(self->all, sizeof large - 7);
    CHECK(!memcmp(large, back, self->all));
    co_await(awl_file_pwrite(self->f, large, sizeof large, 1));
    co_let(self->n, awl_file_pread(self->f, back, 100, sizeof large - 99));
    CHECK(self->n == 100 && !memcmp(back, large + sizeof large - 100, 100));
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(tasks_take_their_turns, {
    awl_file *f;
    awl_task *t[4];
    int i, rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("log"), O_WRONLY | O_CREAT, 0600));
    at_most(WRITE, 1);
    self->t[0] = awl_create_task(awl_file_write(self->f, "first ", 6));
    self->t[1] = awl_create_task(awl_file_write(self->f, "second ", 7));
    self->t[2] = awl_create_task(awl_file_truncate(self->f, 11));
    self->t[3] = awl_create_task(awl_file_write(self->f, "third", 5));
    for (self->i = 0; self->i < 4; self->i++)
        co_await(self->t[self->i]);
    CHECK_INT(awl_file_position(self->f), 18);
    CHECK_INT(memcmp(text_in("log"), "first secon\0\0third", 18), 0);
    co_finally;
    for (self->i = 0; self->i < 4; self->i++) {
        awl_task_cancel(self->t[self->i]);
        if (self->t[self->i])
            co_try_cancel(self->rc, self->t[self->i]);
        awl_task_release(self->t[self->i]);
    }
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(descriptors_are_not_passed_on, { awl_file *f, *g, *h; })
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR | O_CREAT, 0600));
    co_let(self->g, awl_file_temporary(path_of("")));
    co_let(self->h, awl_file_replace(path_of("b"), 0));
    CHECK(fcntl(awl_file_fd(self->f), F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(awl_file_fd(self->g), F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(awl_file_fd(self->h), F_GETFD) & FD_CLOEXEC);
    CHECK_INT(awl_file_fd(NULL), -1);
    co_finally;
    awl_file_close(self->f);
    awl_file_close(self->g);
    awl_file_close(self->h);
    co_end;
}

TASK_TEST(a_temporary_file_has_no_name, {
    awl_file *f;
    int64_t n;
    char buf[4];
    awl_file_info info;
})
{
    co_begin;
    co_let(self->f, awl_file_temporary(path_of("")));
    CHECK_STR(names(), "");
    co_await(awl_file_write(self->f, "abc", 3));
    co_let(self->n, awl_file_pread(self->f, self->buf, 4, 0));
    CHECK_INT(self->n, 3);
    co_await(awl_file_stat(self->f, &self->info));
    CHECK_INT(self->info.mode & 077, 0);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_temporary_file_is_where_the_environment_says, {
    awl_file *f;
    int rc;
})
{
    co_begin;
    setenv("TMPDIR", path_of("nowhere"), 1);
    CHECK_FAILS(ENOENT, awl_file_temporary(NULL));
    unsetenv("TMPDIR");
    co_let(self->f, awl_file_temporary(NULL));
    co_finally;
    awl_file_close(self->f);
    co_end;
}

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

TASK_TEST(what_cannot_be_opened_says_why, {
    awl_file *f;
    int rc;
})
{
    co_begin;
    put_file("a", "x");
    CHECK_INT(mkfifo(path_of("pipe"), 0600), 0);
    CHECK_FAILS(ENOENT, awl_file_open(path_of("none"), O_RDONLY, 0));
    CHECK(strstr(awl_error_message(ENOENT), "/none: No such file or directory"));
    CHECK_FAILS(EEXIST, awl_file_open(path_of("a"), O_RDWR | O_CREAT | O_EXCL, 0600));
    CHECK_FAILS(EISDIR, awl_file_open(path_of(""), O_RDONLY, 0));
    CHECK_FAILS(ENOTDIR, awl_file_open(path_of("a/b"), O_RDONLY, 0));
    CHECK_FAILS(ESPIPE, awl_file_open(path_of("pipe"), O_RDONLY, 0));
    CHECK_FAILS(ENXIO, awl_file_open(path_of("pipe"), O_WRONLY, 0));
    CHECK_FAILS(EINVAL, awl_file_open(NULL, O_RDONLY, 0));
    CHECK_INT(symlink("loop", path_of("loop")), 0);
    CHECK_FAILS(ELOOP, awl_file_open(path_of("loop"), O_RDONLY, 0));
    fail_from(OPEN, 1, EROFS);
    CHECK_FAILS(EROFS, awl_file_open(path_of("b"), O_WRONLY | O_CREAT, 0600));
    fail_once(OPEN, EINTR);
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(wrong_arguments_are_errors, {
    awl_file *f;
    int rc;
    char c;
    awl_file_info info;
})
{
    co_begin;
    put_file("a", "x");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    CHECK_FAILS(EINVAL, awl_file_read(NULL, &self->c, 1));
    CHECK_FAILS(EINVAL, awl_file_read(self->f, NULL, 1));
    CHECK_FAILS(EINVAL, awl_file_read(self->f, &self->c, 0));
    CHECK_FAILS(EINVAL, awl_file_pread(self->f, &self->c, 1, -1));
    CHECK_FAILS(EINVAL, awl_file_write(NULL, "x", 1));
    CHECK_FAILS(EINVAL, awl_file_write(self->f, NULL, 1));
    CHECK_FAILS(EINVAL, awl_file_pwrite(self->f, "x", 1, -1));
    CHECK_FAILS(EINVAL, awl_file_truncate(self->f, -1));
    CHECK_FAILS(EINVAL, awl_file_truncate(self->f, 0)); /* it is not open for writing */
    CHECK_FAILS(EINVAL, awl_file_stat(self->f, NULL));
    CHECK_FAILS(EINVAL, awl_file_stat(NULL, &self->info));
    CHECK_FAILS(EINVAL, awl_file_sync(NULL));
    CHECK_FAILS(EINVAL, awl_file_wait_closed(NULL));
    CHECK_FAILS(EBADF, awl_file_write(self->f, "x", 1));
    CHECK_INT(awl_file_position(self->f), 0);
    co_await(awl_file_write(self->f, NULL, 0));
    CHECK_INT(awl_file_seek(self->f, -1), EINVAL);
    CHECK_INT(awl_file_seek(NULL, 0), EINVAL);
    CHECK_INT(awl_file_position(NULL), -1);
    awl_file_close(NULL);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(after_closing_there_is_nothing, {
    awl_file *f;
    int rc;
    char c;
})
{
    co_begin;
    put_file("a", "x");
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR, 0));
    co_await(awl_file_wait_closed(self->f));
    CHECK_INT(awl_file_fd(self->f), -1);
    CHECK_FAILS(EBADF, awl_file_read(self->f, &self->c, 1));
    CHECK_FAILS(EBADF, awl_file_pwrite(self->f, "x", 1, 0));
    CHECK_FAILS(EBADF, awl_file_wait_closed(self->f));
    CHECK_INT(awl_file_seek(self->f, 0), EBADF);
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_file_can_be_closed_under_those_who_use_it, {
    awl_file *f;
    awl_task *t, *u;
    int rc;
    char c[2];
})
{
    co_begin;
    put_file("a", "xyz");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    START_UP_TO(READ, awl_file_read(self->f, &self->c[0], 1));
    self->u = awl_create_task(awl_file_read(self->f, &self->c[1], 1));
    CHECK(self->u != NULL);
    co_await(awl_sleep(0));
    CHECK_INT(awl_file_seek(self->f, 0), EBUSY);
    awl_file_close(self->f);
    self->f = NULL;
    go_on();
    co_await(self->t);
    CHECK_INT(self->c[0], 'x');
    CHECK_FAILS(EBADF, self->u);
    co_finally;
    go_on();
    awl_file_close(self->f);
    awl_task_release(self->t);
    awl_task_release(self->u);
    co_end;
}

static awl_file *elsewhere;

co_def(read_elsewhere, {
    int rc;
    char c;
})
{
    co_begin;
    CHECK_FAILS(AWL_EOTHERLOOP, awl_file_read(elsewhere, &self->c, 1));
    CHECK(!awl_file_stream(elsewhere, NULL));
    CHECK_INT(errno, AWL_EOTHERLOOP);
    co_end;
}

TEST(a_file_is_of_one_loop)
{
    awl_loop *loop = open_virtual();
    awl_value v = { .p = NULL };

    put_file("a", "x");
    CHECK_INT(awl_run_until_complete(loop, awl_file_open(path_of("a"), O_RDONLY, 0), &v), 0);
    elsewhere = v.p;
    run_main(co_call(read_elsewhere));
    awl_loop_close(loop); /* which closes the file */
}

co_def(leave_open, {
    awl_file *f;
    awl_task *t;
    char c;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    START_UP_TO(READ, awl_file_read(self->f, &self->c, 1));
    awl_task_release(self->t);
    go_on();
    co_end;
}

TEST(the_loop_closes_what_is_open)
{
    put_file("a", "x");
    run_main(co_call(leave_open));
}

co_def(with_executor_shut, {
    awl_file *f;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    co_await(awl_executor_shutdown(NULL, 0));
    CHECK_FAILS(AWL_ESHUTDOWN, awl_file_sync(self->f));
    CHECK_FAILS(AWL_ESHUTDOWN, awl_file_open(path_of("a"), O_RDONLY, 0));
    CHECK_FAILS(AWL_ESHUTDOWN, awl_file_sync(self->f)); /* the turn was given back */
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TEST(without_an_executor_files_are_closed_all_the_same)
{
    put_file("a", "x");
    run_main(co_call(with_executor_shut));
}

TASK_TEST(processes_have_no_files_of_ours, { awl_file *f; awl_stream *s; awl_executor *processes; int rc; char c; })
{
    co_begin;
    put_file("a", "x");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    self->s = awl_file_stream(self->f, NULL);
    self->processes = awl_process_pool_new(NULL);
    CHECK(self->s && self->processes);
    CHECK_INT(awl_executor_set_default(self->processes), 0);
    CHECK_FAILS(ENOTSUP, awl_file_sync(self->f));
    CHECK_FAILS(ENOTSUP, awl_file_open(path_of("a"), O_RDONLY, 0));
    CHECK_FAILS(ENOTSUP, awl_stream_read(self->s, &self->c, 1));
    co_finally;
    awl_stream_close(self->s);
    awl_file_close(self->f);
    awl_executor_free(self->processes);
    co_end;
}
