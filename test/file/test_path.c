/* test_path.c: names. */
#define _GNU_SOURCE
#include "rig.h"

TASK_TEST(names_are_asked_moved_and_removed, {
    awl_file_info info;
    int rc;
})
{
    co_begin;
    put_file("a", "12345");
    CHECK_INT(symlink("a", path_of("link")), 0);
    co_await(awl_stat(path_of("link"), &self->info));
    CHECK(S_ISREG(self->info.mode));
    CHECK_INT(self->info.size, 5);
    co_await(awl_lstat(path_of("link"), &self->info));
    CHECK(S_ISLNK(self->info.mode));
    co_await(awl_rename(path_of("a"), path_of("b")));
    CHECK_STR(names(), "b link");
    co_await(awl_unlink(path_of("link")));
    co_await(awl_mkdir(path_of("folder"), 0700));
    co_await(awl_stat(path_of("folder"), &self->info));
    CHECK(S_ISDIR(self->info.mode) && (self->info.mode & 0777) == 0700);
    co_await(awl_rmdir(path_of("folder")));
    CHECK_STR(names(), "b");
    co_end;
}

TASK_TEST(their_errors_name_them, {
    awl_file_info info;
    int rc;
})
{
    co_begin;
    memset(&self->info, 1, sizeof self->info);
    CHECK_FAILS(ENOENT, awl_stat(path_of("none"), &self->info));
    CHECK_INT(self->info.links, 0x0101010101010101);
    CHECK(strstr(awl_error_message(ENOENT), "/none: No such file"));
    CHECK_FAILS(ENOENT, awl_lstat(path_of("none"), &self->info));
    CHECK_FAILS(ENOENT, awl_rename(path_of("none"), path_of("b")));
    CHECK_FAILS(ENOENT, awl_unlink(path_of("none")));
    CHECK_FAILS(ENOENT, awl_rmdir(path_of("none")));
    CHECK_FAILS(EEXIST, awl_mkdir(path_of(""), 0700));
    CHECK_FAILS(EISDIR, awl_unlink(path_of("")));
    put_file("a", "");
    CHECK_FAILS(ENOTDIR, awl_rmdir(path_of("a")));
    co_end;
}

TASK_TEST(no_name_is_an_error, {
    awl_file_info info;
    int rc;
})
{
    co_begin;
    CHECK_FAILS(EINVAL, awl_stat(NULL, &self->info));
    CHECK_FAILS(EINVAL, awl_stat("/", NULL));
    CHECK_FAILS(EINVAL, awl_lstat("/", NULL));
    CHECK_FAILS(EINVAL, awl_rename(NULL, "b"));
    CHECK_FAILS(EINVAL, awl_rename("b", NULL));
    CHECK_FAILS(EINVAL, awl_unlink(NULL));
    CHECK_FAILS(EINVAL, awl_rmdir(NULL));
    CHECK_FAILS(EINVAL, awl_mkdir(NULL, 0));
    CHECK_FAILS(EINVAL, awl_mkdir_all(NULL, 0));
    CHECK_FAILS(ENOENT, awl_mkdir_all("", 0));
    co_end;
}

TASK_TEST(folders_are_made_with_those_above, {
    awl_file_info info;
    int rc;
})
{
    co_begin;
    co_await(awl_mkdir_all(path_of("a//b/c/"), 0700));
    co_await(awl_stat(path_of("a/b/c"), &self->info));
    CHECK_INT(self->info.mode & 0777, 0700);
    co_await(awl_mkdir_all(path_of("a/b/c"), 0755));
    put_file("f", "");
    CHECK_FAILS(EEXIST, awl_mkdir_all(path_of("f"), 0755));
    CHECK_FAILS(ENOTDIR, awl_mkdir_all(path_of("f/g"), 0755));
    co_await(awl_mkdir_all("/", 0755));
    co_end;
}

TASK_TEST(a_name_that_is_moved_for_nobody_is_moved, {
    awl_task *t;
    int rc;
})
{
    co_begin;
    put_file("a", "");
    self->t = awl_create_task(awl_rename(path_of("a"), path_of("b")));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t)); /* ENOMEM */
    awl_task_cancel(self->t);
    CHECK_FAILS(ECANCELED, self->t);
    co_await(co_call(quiet));
    CHECK(!strcmp(names(), "a") || !strcmp(names(), "b"));
    co_finally;
    awl_task_release(self->t);
    co_end;
}
