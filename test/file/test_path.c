/* test_path.c: names. */
#define _GNU_SOURCE
#include "rig.h"

TASK_TEST(names_are_asked_moved_and_removed, { awl_file_info info; int rc; })
{
    co_begin;
    put("a", "12345");
    CHECK_INT(symlink("a", at("link")), 0);
    co_await(awl_stat(at("link"), &self->info));
    CHECK(S_ISREG(self->info.mode));
    CHECK_INT(self->info.size, 5);
    co_await(awl_lstat(at("link"), &self->info));
    CHECK(S_ISLNK(self->info.mode));
    co_await(awl_rename(at("a"), at("b")));
    CHECK_STR(names(), "b link");
    co_await(awl_unlink(at("link")));
    co_await(awl_mkdir(at("folder"), 0700));
    co_await(awl_stat(at("folder"), &self->info));
    CHECK(S_ISDIR(self->info.mode) && (self->info.mode & 0777) == 0700);
    co_await(awl_rmdir(at("folder")));
    CHECK_STR(names(), "b");
    co_end;
}

TASK_TEST(their_errors_name_them, { awl_file_info info; int rc; })
{
    co_begin;
    memset(&self->info, 1, sizeof self->info);
    CHECK_FAILS(ENOENT, awl_stat(at("none"), &self->info));
    CHECK_INT(self->info.links, 0x0101010101010101);
    CHECK(strstr(awl_error_message(ENOENT), "/none: No such file"));
    CHECK_FAILS(ENOENT, awl_lstat(at("none"), &self->info));
    CHECK_FAILS(ENOENT, awl_rename(at("none"), at("b")));
    CHECK_FAILS(ENOENT, awl_unlink(at("none")));
    CHECK_FAILS(ENOENT, awl_rmdir(at("none")));
    CHECK_FAILS(EEXIST, awl_mkdir(at(""), 0700));
    CHECK_FAILS(EISDIR, awl_unlink(at("")));
    put("a", "");
    CHECK_FAILS(ENOTDIR, awl_rmdir(at("a")));
    co_end;
}

TASK_TEST(no_name_is_an_error, { awl_file_info info; int rc; })
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

TASK_TEST(folders_are_made_with_those_above, { awl_file_info info; int rc; })
{
    co_begin;
    co_await(awl_mkdir_all(at("a//b/c/"), 0700));
    co_await(awl_stat(at("a/b/c"), &self->info));
    CHECK_INT(self->info.mode & 0777, 0700);
    co_await(awl_mkdir_all(at("a/b/c"), 0755));
    put("f", "");
    CHECK_FAILS(EEXIST, awl_mkdir_all(at("f"), 0755));
    CHECK_FAILS(ENOTDIR, awl_mkdir_all(at("f/g"), 0755));
    co_await(awl_mkdir_all("/", 0755));
    co_end;
}

TASK_TEST(a_name_that_is_moved_for_nobody_is_moved, { awl_task *t; int rc; })
{
    co_begin;
    put("a", "");
    self->t = awl_create_task(awl_rename(at("a"), at("b")));
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
