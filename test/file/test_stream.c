/* test_stream.c: streams of files. */
#define _GNU_SOURCE
#include "rig.h"

/* Opens a file and a stream of it. */
#define OPEN_STREAM(name, flags)                                      \
    do {                                                              \
        co_let(self->f, awl_file_open(path_of(name), (flags), 0600)); \
        self->s = awl_file_stream(self->f, NULL);                     \
        CHECK(self->s != NULL);                                       \
    } while (0)

#define STREAM_END             \
    co_finally;                \
    go_on();                   \
    awl_stream_close(self->s); \
    awl_file_close(self->f);   \
    co_end

TASK_TEST(lines_of_a_file, {
    awl_file *f;
    awl_stream *s;
    char *line;
})
{
    co_begin;
    put_file("a", "one\ntwo\nthree");
    OPEN_STREAM("a", O_RDONLY);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "one\n");
    co_let(self->line, awl_stream_read_until(self->s, "w", 1, NULL));
    CHECK_STR(self->line, "tw");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "o\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "three");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(!self->line && awl_stream_at_eof(self->s));
    STREAM_END;
}

static char big[3000000], back[3000000];

TASK_TEST(blocks_come_in_order, {
    awl_file *f, *g;
    awl_stream *s, *to;
    int n;
    size_t all;
    char buf[10007];
})
{
    co_begin;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 % 253);
    co_await(awl_write_file_atomically(path_of("a"), big, sizeof big, 0));
    at_most(READ, 5000);
    at_most(WRITE, 7000);
    OPEN_STREAM("a", O_RDONLY);
    co_let(self->g, awl_file_open(path_of("b"), O_RDWR | O_CREAT, 0600));
    self->to = awl_file_stream(self->g, NULL);
    CHECK(self->to != NULL);
    for (;;) {
        co_let(self->n, awl_stream_read(self->s, self->buf, sizeof self->buf));
        if (!self->n)
            break;
        CHECK_INT(awl_stream_write(self->to, self->buf, (size_t)self->n), 0);
        co_await(awl_stream_drain(self->to));
    }
    co_await(awl_stream_wait_closed(self->to));
    at_most(READ, 0);
    while (self->all < sizeof back) {
        co_let(self->n, awl_file_read(self->g, back + self->all, sizeof back - self->all));
        CHECK(self->n > 0);
        self->all += (size_t)self->n;
    }
    CHECK(!memcmp(big, back, sizeof big));
    co_finally;
    awl_stream_close(self->s);
    awl_stream_close(self->to);
    awl_file_close(self->f);
    awl_file_close(self->g);
    co_end;
}

TASK_TEST(a_stream_begins_at_the_position, {
    awl_file *f;
    awl_stream *s;
    char *line;
})
{
    co_begin;
    put_file("a", "0123456789");
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR, 0));
    CHECK_INT(awl_file_seek(self->f, 4), 0);
    self->s = awl_file_stream(self->f, NULL);
    CHECK(self->s != NULL);
    CHECK_INT(awl_stream_write(self->s, "ab", 2), 0);
    co_await(co_call(quiet));
    CHECK_STR(text_in("a"), "0123ab6789");
    co_let(self->line, awl_stream_read_until(self->s, "9", 1, NULL));
    CHECK_STR(self->line, "ab6789");
    CHECK_INT(awl_file_position(self->f), 4);
    STREAM_END;
}

TASK_TEST(a_stream_may_outlive_its_file, {
    awl_file *f;
    awl_stream *s;
    int i;
})
{
    co_begin;
    OPEN_STREAM("log", O_WRONLY | O_CREAT | O_APPEND);
    awl_file_close(self->f);
    self->f = NULL;
    for (self->i = 0; self->i < 3; self->i++)
        CHECK_INT(awl_stream_print(self->s, "%d\n", self->i), 0);
    co_await(awl_stream_wait_closed(self->s));
    CHECK_STR(text_in("log"), "0\n1\n2\n");
    STREAM_END;
}

TASK_TEST(closing_writes_what_is_left, {
    awl_file *f;
    awl_stream *s;
})
{
    co_begin;
    OPEN_STREAM("a", O_WRONLY | O_CREAT);
    CHECK_INT(awl_stream_write(self->s, "abc", 3), 0);
    CHECK_INT(awl_stream_write(self->s, "def", 3), 0);
    awl_stream_close(self->s);
    self->s = NULL;
    co_await(co_call(quiet));
    CHECK_STR(text_in("a"), "abcdef");
    STREAM_END;
}

TASK_TEST(a_slow_disk_holds_the_writer_back, {
    awl_file *f;
    awl_stream *s;
    awl_task *t;
    int i;
    bool go;
})
{
    co_begin;
    OPEN_STREAM("a", O_WRONLY | O_CREAT);
    stop_at(WRITE);
    CHECK_INT(awl_stream_write(self->s, big, 100000), 0);
    await_stopped();
    for (self->i = 0; self->i < 4; self->i++)
        CHECK_INT(awl_stream_write(self->s, big, 100000), 0);
    CHECK(awl_stream_unsent(self->s) > 65536);
    self->t = awl_create_task(awl_stream_drain(self->s));
    CHECK(self->t != NULL);
    co_await(awl_sleep(0));
    CHECK(!awl_task_done(self->t));
    go_on();
    co_await(self->t);
    co_await(awl_stream_wait_closed(self->s));
    CHECK_INT(truncate(path_of("a"), 500000), 0);
    co_finally;
    go_on();
    awl_task_release(self->t);
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(an_aborted_stream_drops_what_is_left, {
    awl_file *f;
    awl_stream *s;
    int rc;
})
{
    co_begin;
    OPEN_STREAM("a", O_WRONLY | O_CREAT);
    stop_at(WRITE);
    CHECK_INT(awl_stream_write(self->s, "abc", 3), 0);
    await_stopped();
    CHECK_INT(awl_stream_write(self->s, "def", 3), 0);
    awl_stream_abort(self->s);
    go_on();
    CHECK_FAILS(ECONNABORTED, awl_stream_wait_closed(self->s));
    co_await(co_call(quiet));
    CHECK_STR(text_in("a"), "abc"); /* which was at work */
    STREAM_END;
}

TASK_TEST(a_read_of_a_stream_can_be_cancelled, {
    awl_file *f;
    awl_stream *s;
    awl_task *t;
    int rc;
    char *line, c;
})
{
    co_begin;
    put_file("a", "line\n");
    OPEN_STREAM("a", O_RDONLY);
    START_UP_TO(READ, awl_stream_read(self->s, &self->c, 1));
    CANCEL_IT;
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "line\n");
    co_finally;
    awl_task_release(self->t);
    go_on();
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

TASK_TEST(a_stream_can_be_closed_while_a_thread_reads, {
    awl_file *f;
    awl_stream *s;
    awl_task *t;
    int rc;
    char c;
})
{
    co_begin;
    put_file("a", "line\n");
    OPEN_STREAM("a", O_RDONLY);
    START_UP_TO(READ, awl_stream_read(self->s, &self->c, 1));
    awl_stream_close(self->s);
    self->s = NULL;
    CHECK_FAILS(ECONNABORTED, self->t);
    go_on();
    co_await(co_call(quiet));
    co_finally;
    awl_task_release(self->t);
    go_on();
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

/* The page cache has what was just written; if the file system cannot say so, threads read it. */
TASK_TEST(what_is_in_memory_is_read_at_once, {
    awl_file *f;
    awl_stream *s;
    int n;
    size_t all;
    char *line;
})
{
    co_begin;
    allow_now(true);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 % 253);
    co_await(awl_write_file_atomically(path_of("a"), big, sizeof big, 0));
    OPEN_STREAM("a", O_RDONLY);
    do {
        co_let(self->n, awl_stream_read(self->s, back + self->all, sizeof back - self->all < 9999 ? 1 : 9999));
        self->all += (size_t)self->n;
        allow_now(self->all % 3 != 0);
    } while (self->n && self->all < sizeof back);
    CHECK(!memcmp(big, back, sizeof big));
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(!self->line);
    STREAM_END;
}

/* ---- A file that grows ------------------------------------------------------------------------------------------ */

TASK_TEST(a_growing_file_is_followed, {
    awl_file *f;
    awl_stream *s;
    awl_task *t;
    char *line;
    int ms;
})
{
    co_begin;
    put_file("log", "one\nt");
    co_let(self->f, awl_file_open(path_of("log"), O_RDONLY, 0));
    self->s = awl_file_follow(self->f, 100 * AWL_MS, NULL);
    CHECK(self->s != NULL);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "one\n");
    self->t = awl_create_task(awl_stream_readline(self->s, NULL));
    CHECK(self->t != NULL);
    co_await(awl_sleep(AWL_SECOND));
    CHECK(!awl_task_done(self->t));
    put_file("log", "one\ntwo\n");
    self->ms = now_ms();
    co_let(self->line, self->t);
    CHECK_STR(self->line, "two\n");
    co_finally;
    awl_task_release(self->t);
    awl_stream_close(self->s);
    awl_file_close(self->f);
    co_end;
}

/* ---- Wrong use -------------------------------------------------------------------------------------------------- */

TASK_TEST(a_stream_needs_an_open_file, {
    awl_file *f;
    awl_stream *s;
})
{
    co_begin;
    CHECK(!awl_file_stream(NULL, NULL));
    CHECK_INT(errno, EINVAL);
    put_file("a", "");
    co_let(self->f, awl_file_open(path_of("a"), O_RDONLY, 0));
    CHECK(!awl_file_follow(self->f, -1, NULL));
    CHECK_INT(errno, EINVAL);
    self->s = awl_file_stream(self->f, NULL);
    CHECK(self->s != NULL);
    CHECK(!awl_stream_can_write_eof(self->s));
    CHECK_INT(awl_stream_write_eof(self->s), EOPNOTSUPP);
    awl_stream_close(self->s);
    self->s = NULL;
    co_await(awl_file_wait_closed(self->f));
    CHECK(!awl_file_stream(self->f, NULL));
    CHECK_INT(errno, EBADF);
    STREAM_END;
}

TASK_TEST(a_full_executor_is_waited_for, {
    awl_file *f;
    awl_stream *s;
    awl_executor *own;
    char *line;
    int i;
    awl_task *t[4];
})
{
    co_begin;
    put_file("a", "line\n");
    put_file("b", "x");
    self->own = awl_thread_pool_new(&(awl_thread_pool_options){ .max_threads = 1, .queue = 1 });
    CHECK(self->own != NULL);
    CHECK_INT(awl_executor_set_default(self->own), 0);
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR, 0));
    self->s = awl_file_stream(self->f, NULL);
    CHECK(self->s != NULL);
    stop_at(OPEN);
    for (self->i = 0; self->i < 4; self->i++) {
        self->t[self->i] = awl_create_task(awl_read_file(path_of("b"), 0, NULL));
        CHECK(self->t[self->i] != NULL);
    }
    co_await(awl_sleep(0));
    for (self->i = 0; self->i < 4; self->i++)
        CHECK(!awl_task_done(self->t[self->i])); /* ENOMEM */
    await_stopped();
    CHECK_INT(awl_stream_write(self->s, "LI", 2), 0);
    go_on();
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(!strcmp(self->line, "line\n") || !strcmp(self->line, "LIne\n"));
    co_await(awl_stream_wait_closed(self->s));
    CHECK_STR(text_in("a"), "LIne\n");
    for (self->i = 0; self->i < 4; self->i++) {
        co_await(self->t[self->i]);
        free(awl_task_value(self->t[self->i]).p);
    }
    co_finally;
    go_on();
    for (self->i = 0; self->i < 4; self->i++)
        awl_task_release(self->t[self->i]);
    awl_stream_close(self->s);
    awl_file_close(self->f);
    awl_executor_free(self->own);
    co_end;
}

co_def(leave_streams, {
    awl_file *f;
    awl_stream *s, *t;
    char c;
    int rc;
})
{
    co_begin;
    co_let(self->f, awl_file_open(path_of("a"), O_RDWR, 0));
    self->s = awl_file_stream(self->f, NULL);
    self->t = awl_file_follow(self->f, AWL_SECOND, NULL);
    CHECK(self->s && self->t);
    CHECK_INT(awl_stream_write(self->s, "abc", 3), 0);
    CHECK_INT(awl_stream_write(self->s, "def", 3), 0);
    co_let(self->rc, awl_stream_read(self->t, &self->c, 1));
    co_end;
}

TEST(the_loop_closes_streams)
{
    put_file("a", "x");
    run_main(co_call(leave_streams));
}
