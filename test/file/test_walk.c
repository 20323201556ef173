/* test_walk.c: walks through folders. */
#define _GNU_SOURCE
#include "rig.h"

static char seen[4096];

static void note(const awl_walk_entry *e)
{
    char line[512];

    snprintf(line, sizeof line, "%u%c %s%s%s\n", e->depth,
             S_ISDIR(e->kind)   ? 'd'
             : S_ISLNK(e->kind) ? 'l'
             : S_ISREG(e->kind) ? 'f'
                                : '?',
             e->path + strlen(path_of("")) + 1, e->error ? " " : "", e->error ? awl_strerror(e->error) : "");
    strcat(seen, line);
}

/* Walks through the test's folder to the end. `skip`: a folder to leave out. */
co_def(walk_all, {
    awl_walk_options options;
    const char *skip;
    awl_walk *w;
    awl_walk_entry *e;
})
{
    co_begin;
    seen[0] = '\0';
    self->w = awl_walk_new(path_of(""), &self->options);
    CHECK(self->w != NULL);
    for (;;) {
        co_let(self->e, awl_walk_next(self->w));
        if (!self->e)
            break;
        note(self->e);
        if (self->skip && strcmp(self->e->name, self->skip) == 0)
            awl_walk_skip(self->w);
    }
    co_let(self->e, awl_walk_next(self->w)); /* the end stays the end */
    CHECK(!self->e);
    co_finally;
    awl_walk_close(self->w);
    co_end;
}

static void make_tree(void)
{
    CHECK_INT(mkdir(path_of("a"), 0755), 0);
    CHECK_INT(mkdir(path_of("a/b"), 0755), 0);
    put_file("a/b/deep", "12");
    CHECK_INT(symlink("..", path_of("a/b/up")), 0);
}

TASK_TEST(a_tree_is_walked_without_following_links, {})
{
    co_begin;
    make_tree();
    co_await(co_call(walk_all));
    CHECK(!strcmp(seen, "1d a\n2d a/b\n3f a/b/deep\n3l a/b/up\n") ||
          !strcmp(seen, "1d a\n2d a/b\n3l a/b/up\n3f a/b/deep\n"));
    co_await(co_call(walk_all, .options = { .depth = 1 }));
    CHECK_STR(seen, "1d a\n");
    co_await(co_call(walk_all, .options = { .depth = 2 }));
    CHECK_STR(seen, "1d a\n2d a/b\n");
    co_await(co_call(walk_all, .skip = "b"));
    CHECK_STR(seen, "1d a\n2d a/b\n");
    co_end;
}

/* All of a folder, then what is in its folders, each with what is below. */
TASK_TEST(folders_come_before_what_is_in_them, { const char *x, *y, *z; })
{
    co_begin;
    CHECK_INT(mkdir(path_of("x"), 0755) + mkdir(path_of("y"), 0755) + mkdir(path_of("x/z"), 0755), 0);
    put_file("x/z/1", "");
    put_file("y/2", "");
    co_await(co_call(walk_all));
    CHECK(strstr(seen, "1d y\n") < strstr(seen, "2d x/z\n") && strstr(seen, "1d x\n") < strstr(seen, "2f y/2\n"));
    self->x = strstr(seen, "2d x/z\n"), self->y = strstr(seen, "2f y/2\n"), self->z = strstr(seen, "3f x/z/1\n");
    CHECK(self->x < self->z && (self->y < self->x || self->y > self->z));
    co_end;
}

TASK_TEST(entries_are_counted_and_limited, {
    int i, n;
    char name[16];
    awl_walk *w;
    awl_walk_entry *e;
    int rc;
})
{
    co_begin;
    for (self->i = 0; self->i < 200; self->i++) {
        snprintf(self->name, sizeof self->name, "%d", self->i);
        put_file(self->name, "");
    }
    co_await(co_call(walk_all));
    for (const char *c = seen; *c; c++)
        self->n += *c == '\n';
    CHECK_INT(self->n, 200);
    co_await(co_call(walk_all, .options = { .most = 200 }));
    self->w = awl_walk_new(path_of(""), &(awl_walk_options){ .most = 199 });
    CHECK(self->w != NULL);
    for (self->i = 0; self->i < 199; self->i++) {
        co_let(self->e, awl_walk_next(self->w));
        CHECK(self->e != NULL);
    }
    CHECK_FAILS(AWL_ELIMIT, awl_walk_next(self->w));
    CHECK_FAILS(AWL_ELIMIT, awl_walk_next(self->w));
    co_finally;
    awl_walk_close(self->w);
    co_end;
}

TASK_TEST(what_is_known_of_entries_can_be_asked_for, {
    awl_walk *w;
    awl_walk_entry *e;
})
{
    co_begin;
    put_file("a", "12345");
    self->w = awl_walk_new(path_of("."), &(awl_walk_options){ .info = true });
    CHECK(self->w != NULL);
    co_let(self->e, awl_walk_next(self->w));
    CHECK_STR(self->e->name, "a");
    CHECK(strstr(self->e->path, "/./a"));
    CHECK_INT(self->e->info.size, 5);
    CHECK(S_ISREG(self->e->info.mode));
    co_finally;
    awl_walk_close(self->w);
    co_end;
}

TASK_TEST(a_folder_that_cannot_be_read_is_said_and_passed, {})
{
    co_begin;
    CHECK_INT(mkdir(path_of("a"), 0755), 0);
    fail_from(OPEN, 2, EACCES); /* the first is that of the walk; what is in it is opened by openat */
    co_await(co_call(walk_all));
    fail_from(OPEN, 1, 0);
    CHECK_STR(seen, "1d a\n");
    co_end;
}

TASK_TEST(a_folder_that_has_become_a_link_is_not_followed, {
    awl_walk *w;
    awl_walk_entry *e;
})
{
    co_begin;
    CHECK_INT(mkdir(path_of("a"), 0755), 0);
    self->w = awl_walk_new(path_of(""), NULL);
    CHECK(self->w != NULL);
    co_let(self->e, awl_walk_next(self->w));
    CHECK_STR(self->e->name, "a");
    CHECK_INT(rmdir(path_of("a")), 0);
    CHECK_INT(symlink("/", path_of("a")), 0);
    co_let(self->e, awl_walk_next(self->w));
    CHECK_STR(self->e->name, "a");
    CHECK_INT(self->e->depth, 1);
    CHECK_INT(self->e->error, ELOOP);
    co_let(self->e, awl_walk_next(self->w));
    CHECK(!self->e);
    co_finally;
    awl_walk_close(self->w);
    co_end;
}

TASK_TEST(a_walk_needs_a_folder, {
    awl_walk *w;
    int rc;
})
{
    co_begin;
    CHECK(!awl_walk_new(NULL, NULL));
    CHECK_INT(errno, EINVAL);
    CHECK(!awl_walk_new("", NULL));
    CHECK_FAILS(EINVAL, awl_walk_next(NULL));
    awl_walk_skip(NULL);
    awl_walk_close(NULL);
    put_file("a", "");
    self->w = awl_walk_new(path_of("a"), NULL);
    CHECK(self->w != NULL);
    CHECK_FAILS(ENOTDIR, awl_walk_next(self->w));
    CHECK(strstr(awl_error_message(ENOTDIR), "/a: Not a directory"));
    awl_walk_close(self->w);
    self->w = awl_walk_new(path_of("none"), NULL);
    CHECK(self->w != NULL);
    awl_walk_skip(self->w);
    CHECK_FAILS(ENOENT, awl_walk_next(self->w));
    co_finally;
    awl_walk_close(self->w);
    co_end;
}

co_def(leave_walk, {
    awl_walk *w;
    awl_walk_entry *e;
})
{
    co_begin;
    self->w = awl_walk_new(path_of(""), NULL);
    CHECK(self->w != NULL);
    co_let(self->e, awl_walk_next(self->w));
    co_end;
}

TEST(the_loop_ends_a_walk)
{
    put_file("a", "");
    run_main(co_call(leave_walk));
}
