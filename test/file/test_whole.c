/* test_whole.c: files that are read whole, and files that get their name when they are. */
#define _GNU_SOURCE
#include "rig.h"

#include <sys/wait.h>

TASK_TEST(a_whole_file_is_read, {
    char *text;
    size_t len;
})
{
    co_begin;
    put_file("a", "all of it");
    put_file("empty", "");
    co_let(self->text, awl_read_file(path_of("a"), 0, &self->len));
    CHECK_STR(self->text, "all of it");
    CHECK_INT(self->len, 9);
    free(self->text);
    self->text = NULL;
    co_let(self->text, awl_read_file(path_of("empty"), 0, &self->len));
    CHECK_STR(self->text, "");
    CHECK_INT(self->len, 0);
    free(self->text);
    self->text = NULL;
    co_let(self->text, awl_read_file("/proc/self/maps", 0, &self->len)); /* which says that it has no bytes */
    CHECK(self->len > 500 && strlen(self->text) == self->len);
    free(self->text);
    self->text = NULL;
    co_let(self->text, awl_read_file("/proc/sys/kernel/pid_max", 0, &self->len)); /* all of it, or none, in one read */
    CHECK(self->len > 4 && self->text[self->len - 1] == '\n');
    free(self->text);
    self->text = NULL;
    co_finally;
    free(self->text);
    co_end;
}

TASK_TEST(a_limit_is_a_limit, {
    char *text;
    size_t len;
    int rc;
})
{
    co_begin;
    put_file("a", "0123456789");
    self->len = 7;
    CHECK_FAILS(AWL_ELIMIT, awl_read_file(path_of("a"), 9, &self->len));
    CHECK_INT(self->len, 7);
    CHECK(strstr(awl_error_message(AWL_ELIMIT), "/a: "));
    co_let(self->text, awl_read_file(path_of("a"), 10, NULL));
    CHECK_STR(self->text, "0123456789");
    free(self->text);
    self->text = NULL;
    CHECK_FAILS(AWL_ELIMIT, awl_read_file("/dev/zero", 100000, NULL));
    CHECK_FAILS(ENOENT, awl_read_file(path_of("none"), 0, NULL));
    CHECK_FAILS(EISDIR, awl_read_file(path_of(""), 0, NULL));
    CHECK_FAILS(EINVAL, awl_read_file(NULL, 0, NULL));
    co_finally;
    free(self->text);
    co_end;
}

TASK_TEST(a_file_grows_while_it_is_read, {
    char *text;
    awl_task *t;
    size_t len;
    int i;
    FILE *f;
})
{
    co_begin;
    put_file("a", "short");
    START_UP_TO(READ, awl_read_file(path_of("a"), 100000, &self->len));
    self->f = fopen(path_of("a"), "a");
    CHECK(self->f != NULL);
    for (self->i = 0; self->i < 9995; self->i++)
        putc('x', self->f);
    fclose(self->f);
    go_on();
    co_let(self->text, self->t);
    CHECK_INT(self->len, 10000);
    CHECK_INT(strlen(self->text), 10000);
    free(self->text);
    co_finally;
    go_on();
    awl_task_release(self->t);
    co_end;
}

TASK_TEST(a_file_is_replaced_when_it_is_whole, {
    awl_file *f;
    struct stat st;
})
{
    co_begin;
    put_file("a", "before");
    umask(022);
    co_let(self->f, awl_file_replace(path_of("a"), 0666));
    co_await(awl_file_write(self->f, "after", 5));
    CHECK_STR(text_in("a"), "before");
    CHECK_INT(strncmp(names(), ".a.", 3), 0);
    co_await(awl_file_commit(self->f));
    CHECK_STR(text_in("a"), "after");
    CHECK_STR(names(), "a");
    CHECK_INT(stat(path_of("a"), &self->st), 0);
    CHECK_INT(self->st.st_mode & 0777, 0644);
    co_await(awl_file_write(self->f, "wards", 5)); /* it stays open */
    CHECK_STR(text_in("a"), "afterwards");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(what_is_not_committed_has_not_been, { awl_file *f; })
{
    co_begin;
    put_file("a", "before");
    co_let(self->f, awl_file_replace(path_of("a"), 0));
    co_await(awl_file_write(self->f, "after", 5));
    awl_file_close(self->f);
    self->f = NULL;
    co_await(co_call(quiet));
    CHECK_STR(text_in("a"), "before");
    CHECK_STR(names(), "a");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

static char *here;

TASK_TEST(names_may_be_relative_and_the_process_may_move, { awl_file *f; })
{
    co_begin;
    here = getcwd(NULL, 0);
    CHECK(here && chdir(path_of("")) == 0);
    co_let(self->f, awl_file_replace("a", 0600));
    CHECK_INT(chdir("/"), 0);
    co_await(awl_file_write(self->f, "x", 1));
    co_await(awl_file_commit(self->f));
    CHECK_INT(chdir(here), 0);
    CHECK_STR(text_in("a"), "x");
    co_finally;
    free(here);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_link_is_replaced_not_followed, { struct stat st; })
{
    co_begin;
    put_file("target", "safe");
    CHECK_INT(symlink("target", path_of("a")), 0);
    co_await(awl_write_file_atomically(path_of("a"), "new", 3, 0));
    CHECK_STR(text_in("target"), "safe");
    CHECK_STR(text_in("a"), "new");
    CHECK_INT(lstat(path_of("a"), &self->st), 0);
    CHECK(S_ISREG(self->st.st_mode));
    co_end;
}

TASK_TEST(long_names_have_shorter_ones_meanwhile, {
    char path[400];
    awl_file *f;
    size_t n;
    int rc;
})
{
    co_begin;
    self->n = strlen(strcat(strcpy(self->path, path_of("")), "/"));
    memset(self->path + self->n, 'n', 255);
    co_await(awl_write_file_atomically(self->path, "x", 1, 0));
    CHECK_INT(access(self->path, F_OK), 0);
    self->path[self->n + 255] = 'n';
    CHECK_FAILS(ENAMETOOLONG, awl_write_file_atomically(self->path, "x", 1, 0));
    co_end;
}

TASK_TEST(what_cannot_be_replaced_is_not_begun, {
    int rc;
    awl_file *f;
})
{
    co_begin;
    CHECK_INT(mkdir(path_of("folder"), 0755), 0);
    CHECK_FAILS(EISDIR, awl_file_replace(path_of("folder"), 0));
    CHECK_FAILS(EISDIR, awl_file_replace(path_of("folder/"), 0));
    CHECK_FAILS(ENOENT, awl_file_replace("", 0));
    CHECK_FAILS(ENOENT, awl_file_replace(path_of("none/a"), 0));
    CHECK_FAILS(EINVAL, awl_file_replace(NULL, 0));
    CHECK_FAILS(EINVAL, awl_write_file_atomically(NULL, "x", 1, 0));
    CHECK_FAILS(EINVAL, awl_write_file_atomically(path_of("a"), NULL, 1, 0));
    co_await(awl_write_file_atomically(path_of("a"), NULL, 0, 0));
    CHECK_STR(text_in("a"), "");
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR, 0));
    CHECK_FAILS(AWL_EINVALIDSTATE, awl_file_commit(self->f));
    CHECK_FAILS(EINVAL, awl_file_commit(NULL));
    CHECK_STR(names(), "a folder");
    co_finally;
    awl_file_close(self->f);
    co_end;
}

co_def(leave_begun, { awl_file *f; })
{
    co_begin;
    co_let(self->f, awl_file_replace(path_of("a"), 0));
    co_end;
}

TEST(the_loop_removes_what_is_not_whole)
{
    run_main(co_call(leave_begun));
    CHECK_STR(names(), "");
}

/* ---- Forks ------------------------------------------------------------------------------------------------------ */

co_def(begin_one, { awl_file *f; })
{
    co_begin;
    co_let(self->f, awl_file_replace(path_of("a"), 0));
    co_await(awl_file_write(self->f, "whole", 5));
    co_return(self->f);
    co_end;
}

/* What a loop has begun is the parent's to name or remove, also when a child closes the loop. */
TEST(a_forked_child_that_closes_the_loop_removes_nothing)
{
    awl_loop *loop = awl_loop_open(NULL);
    awl_value file;
    pid_t pid;
    int status;

    CHECK(loop != NULL);
    CHECK_INT(awl_run_until_complete(loop, co_call(begin_one), &file), 0);
    pid = fork();
    if (pid == 0) {
        awl_loop_close(loop);
        _exit(0);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(awl_run_until_complete(loop, awl_file_commit(file.p), NULL), 0);
    awl_loop_close(loop);
    CHECK_STR(text_in("a"), "whole");
    CHECK_STR(names(), "a");
}
