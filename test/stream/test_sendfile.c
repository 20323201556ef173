/* test_sendfile.c: awl_stream_sendfile, over sockets, pipes and transports of the user's. */
#define _GNU_SOURCE
#include "rig.h"

#include <sys/mman.h>

enum { SIZE = 4 << 20 };

/* ---- Files and peers --------------------------------------------------------------------------------------------- */

/* What is in a file at `at`. */
static char byte_at(size_t at) { return (char)(at * 7 + (at >> 12)); }

/* A file of n bytes, in memory. */
static int make_file(size_t n)
{
    static char all[SIZE];
    const int fd = memfd_create("file", MFD_CLOEXEC);

    for (size_t i = 0; i < n; i++)
        all[i] = byte_at(i);
    CHECK_INT(write(fd, all, n), n);
    return fd;
}

/* Reads what has come, which must be the file's from `at` on. Result: how much. */
static size_t take(int peer, size_t at)
{
    static char buf[65536];
    size_t all = 0;
    ssize_t n;

    while ((n = read(peer, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++)
            CHECK_INT(buf[i], byte_at(at + all++));
    return all;
}

/* Takes n bytes of the file, as they come. */
co_def(takes, { int peer; size_t at, n, all; })
{
    co_begin;
    while (self->all < self->n) {
        self->all += take(self->peer, self->at + self->all);
        co_await(awl_sleep(AWL_MS / 4));
    }
    CHECK_INT(self->all, self->n);
    co_end;
}

static off_t position(int fd) { return lseek(fd, 0, SEEK_CUR); }

/* ---- Whole files and parts --------------------------------------------------------------------------------------- */

/* The kernel says so once: it must not be asked twice, or a reset is taken for a goodbye. */
STREAM_TEST(a_reset_is_said_to_be_one, { awl_stream *s; int peer, fd, rc; char c; })
{
    co_begin;
    self->s = open_tcp_pair(&self->peer);
    self->fd = make_file(1000);
    reset(self->peer);
    co_await(awl_sleep(5 * AWL_MS));
    CHECK_FAILS(ECONNRESET, awl_stream_sendfile(self->s, self->fd, 0, 0));
    CHECK_INT(awl_stream_error(self->s), ECONNRESET);
    CHECK_FAILS(ECONNRESET, awl_stream_read(self->s, &self->c, 1));
    awl_stream_close(self->s);
    close(self->fd);
    co_end;
}

STREAM_TEST(a_part_of_a_file_arrives, { awl_stream *s; int peer, fd; int64_t n; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(1000);
    co_let(self->n, awl_stream_sendfile(self->s, self->fd, 100, 50));
    CHECK_INT(self->n, 50);
    CHECK_INT(position(self->fd), 150);
    CHECK_INT(take(self->peer, 100), 50);
    co_let(self->n, awl_stream_sendfile(self->s, self->fd, 900, 500)); /* the file ends before */
    CHECK_INT(self->n, 100);
    CHECK_INT(take(self->peer, 900), 100);
    co_let(self->n, awl_stream_sendfile(self->s, self->fd, 5000, 0)); /* it has ended there */
    CHECK_INT(self->n, 0);
    CHECK_INT(position(self->fd), 5000);
    CHECK_INT(awl_stream_write(self->s, "x", 1), 0);
    CHECK_STR(got(self->peer), "x");
    awl_stream_close(self->s);
    close(self->peer);
    close(self->fd);
    co_end;
}

STREAM_TEST(a_file_arrives_as_fast_as_it_is_read, { awl_stream *s; int peer, fd; int64_t n; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(SIZE);
    self->t = awl_create_task(co_call(takes, .peer = self->peer, .n = SIZE));
    CHECK(self->t != NULL);
    co_let(self->n, awl_stream_sendfile(self->s, self->fd, 0, 0));
    CHECK_INT(self->n, SIZE);
    CHECK_INT(position(self->fd), SIZE);
    CHECK_INT(awl_stream_unsent(self->s), 0);
    co_await(self->t);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    close(self->fd);
    co_end;
}

STREAM_TEST(a_file_comes_behind_what_was_written, { awl_stream *s; int peer, fd; int64_t n; awl_task *t; })
{
    static char much[SIZE];

    co_begin;
    for (size_t i = 0; i < SIZE; i++)
        much[i] = byte_at(i);
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(SIZE);
    CHECK_INT(awl_stream_write(self->s, much, SIZE / 2), 0);
    CHECK(awl_stream_unsent(self->s) > 0);
    self->t = awl_create_task(co_call(takes, .peer = self->peer, .n = SIZE));
    CHECK(self->t != NULL);
    co_let(self->n, awl_stream_sendfile(self->s, self->fd, SIZE / 2, 0));
    CHECK_INT(self->n, SIZE / 2);
    co_await(self->t);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    close(self->fd);
    co_end;
}

STREAM_TEST(a_file_goes_into_a_pipe_by_way_of_memory, { awl_stream *s; int fds[2], fd; int64_t n; awl_task *t; })
{
    co_begin;
    CHECK_INT(pipe2(self->fds, O_CLOEXEC | O_NONBLOCK), 0);
    self->s = awl_stream_open(self->fds[1], NULL);
    CHECK(self->s != NULL);
    self->fd = make_file(SIZE);
    self->t = awl_create_task(co_call(takes, .peer = self->fds[0], .at = 1, .n = SIZE - 1));
    CHECK(self->t != NULL);
    co_let(self->n, awl_stream_sendfile(self->s, self->fd, 1, 0));
    CHECK_INT(self->n, SIZE - 1);
    awl_stream_close(self->s); /* what it still has goes in the background */
    co_await(self->t);
    awl_task_release(self->t);
    close(self->fds[0]);
    close(self->fd);
    co_end;
}

STREAM_TEST(a_file_that_shrinks_ends_earlier, { awl_stream *s; int peer, fd; int64_t n; awl_task *t; size_t all; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(SIZE);
    self->t = awl_create_task(awl_stream_sendfile(self->s, self->fd, 0, SIZE));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    CHECK_INT(ftruncate(self->fd, SIZE / 2), 0);
    while (!awl_task_done(self->t)) {
        self->all += take(self->peer, self->all);
        co_await(awl_sleep(AWL_MS / 4));
    }
    self->all += take(self->peer, self->all);
    co_let(self->n, self->t);
    CHECK_INT(self->n, SIZE / 2);
    CHECK_INT(self->all, SIZE / 2);
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->peer);
    close(self->fd);
    co_end;
}

/* ---- A transport of the user's ----------------------------------------------------------------------------------- */

/* Takes what there is room for. */
typedef struct narrow {
    size_t room, all;
    int error;
} narrow;

static ssize_t narrow_read(void *self, void *buf, size_t cap)
{
    (void)self, (void)buf, (void)cap;
    return -EAGAIN;
}

static ssize_t narrow_write(void *self, const struct iovec *parts, int n)
{
    narrow *t = self;
    size_t all = 0;

    for (int i = 0; i < n && t->room; i++) {
        const size_t len = parts[i].iov_len < t->room ? parts[i].iov_len : t->room;

        for (size_t k = 0; k < len; k++)
            CHECK_INT(((const char *)parts[i].iov_base)[k], byte_at(t->all + all + k));
        t->room -= len;
        all += len;
    }
    t->all += all;
    return t->error ? -t->error : all ? (ssize_t)all : -EAGAIN;
}

static void narrow_close(void *self) { (void)self; }

static narrow way; /* it outlives a test that fails */

static const awl_transport narrow_transport = { .read = narrow_read, .write = narrow_write, .close = narrow_close };

VIRTUAL_TEST(a_file_goes_through_any_transport, { awl_stream *s; int fd; int64_t n; awl_task *task; })
{
    co_begin;
    self->s = awl_stream_new(&narrow_transport, &way, NULL);
    CHECK(self->s != NULL);
    self->fd = make_file(SIZE);
    self->task = awl_create_task(awl_stream_sendfile(self->s, self->fd, 0, 0));
    CHECK(self->task != NULL);
    while (!awl_task_done(self->task)) {
        co_await(awl_sleep(AWL_MS));
        CHECK(awl_stream_unsent(self->s) <= 65536 + 16384); /* memory is bounded */
        way.room = 33333;
        awl_stream_changed(self->s, false, true);
    }
    co_let(self->n, self->task);
    CHECK_INT(self->n, SIZE);
    CHECK_INT(way.all + awl_stream_unsent(self->s), SIZE);
    awl_task_release(self->task);
    awl_stream_abort(self->s);
    awl_stream_close(self->s);
    close(self->fd);
    co_end;
}

VIRTUAL_TEST(an_error_of_the_transport_is_the_streams, { awl_stream *s; int fd, rc; })
{
    co_begin;
    way.error = EIO;
    self->s = awl_stream_new(&narrow_transport, &way, NULL);
    CHECK(self->s != NULL);
    self->fd = make_file(100);
    CHECK_FAILS(EIO, awl_stream_sendfile(self->s, self->fd, 0, 0));
    CHECK_INT(awl_stream_error(self->s), EIO);
    CHECK_INT(position(self->fd), 0);
    awl_stream_close(self->s);
    close(self->fd);
    co_end;
}

/* ---- Ends before the end ----------------------------------------------------------------------------------------- */

STREAM_TEST(a_cancelled_one_says_how_far_it_came, { awl_stream *s; int peer, fd, rc; size_t all; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(SIZE);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_sendfile(self->s, self->fd, 0, 0), 2 * AWL_MS));
    CHECK(position(self->fd) > 0 && position(self->fd) < SIZE);
    CHECK_INT(awl_stream_write(self->s, "", 0), 0); /* others may write again */
    CHECK_INT(awl_stream_error(self->s), 0);
    awl_stream_close(self->s);
    self->all = take(self->peer, 0);
    CHECK_INT(self->all, position(self->fd));
    close(self->peer);
    close(self->fd);
    co_end;
}

VIRTUAL_TEST(cancelled_on_the_way_through_memory_it_says_so_too, { awl_stream *s; int fd, rc; })
{
    co_begin;
    way.room = 100;
    self->s = awl_stream_new(&narrow_transport, &way, NULL);
    CHECK(self->s != NULL);
    self->fd = make_file(SIZE);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_sendfile(self->s, self->fd, 0, 0), AWL_SECOND));
    CHECK_INT(position(self->fd), 100 + awl_stream_unsent(self->s));
    way.room = SIZE;
    awl_stream_changed(self->s, false, true);
    co_await(awl_sleep(0));
    CHECK_INT(way.all, position(self->fd)); /* what was handed over is sent */
    awl_stream_close(self->s);
    close(self->fd);
    co_end;
}

STREAM_TEST(nobody_else_writes_meanwhile, { awl_stream *s; int peer, fd, rc; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(SIZE);
    self->t = awl_create_task(awl_stream_sendfile(self->s, self->fd, 0, 0));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    CHECK_INT(awl_stream_write(self->s, "x", 1), EBUSY);
    CHECK_INT(awl_stream_print(self->s, "x"), EBUSY);
    CHECK_INT(awl_stream_write_eof(self->s), EBUSY);
    CHECK_FAILS(EBUSY, awl_stream_sendfile(self->s, self->fd, 0, 0));
    awl_stream_close(self->s); /* below it */
    CHECK_FAILS(ECONNABORTED, self->t);
    awl_task_release(self->t);
    CHECK_INT(take(self->peer, 0), position(self->fd));
    close(self->peer);
    close(self->fd);
    co_end;
}

/* Over a real connection, where a signal would kill the program. */
STREAM_TEST(a_peer_that_goes_is_an_error_and_no_signal, { awl_stream *s; int peer, fd, rc; awl_task *t; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(SIZE);
    self->t = awl_create_task(awl_stream_sendfile(self->s, self->fd, 0, 0));
    CHECK(self->t != NULL);
    co_await(awl_sleep(1 * AWL_MS));
    close(self->peer);
    co_try(self->rc, self->t);
    CHECK(self->rc == EPIPE || self->rc == ECONNRESET);
    CHECK_INT(awl_stream_error(self->s), self->rc);
    CHECK_FAILS(self->rc, awl_stream_sendfile(self->s, self->fd, 0, 0));
    awl_task_release(self->t);
    awl_stream_close(self->s);
    close(self->fd);
    co_end;
}

/* By TCP it goes while the kernel is in the middle of one call, as what it is sent makes it say that it has gone: then
 * that call tells of the bytes before, and the signal comes without an error. */
STREAM_TEST(a_peer_that_goes_in_the_middle_of_a_call_is_no_signal, { awl_stream *s; int peer, fd, rc, i; })
{
    co_begin;
    self->fd = make_file(SIZE);
    for (self->i = 0; self->i < 20; self->i++) {
        self->s = open_tcp_pair(&self->peer);
        close(self->peer);
        co_try(self->rc, awl_stream_sendfile(self->s, self->fd, 0, 0));
        CHECK(self->rc == EPIPE || self->rc == ECONNRESET);
        CHECK_INT(awl_stream_error(self->s), self->rc);
        awl_stream_close(self->s);
    }
    close(self->fd);
    co_end;
}

STREAM_TEST(wrong_arguments_of_sendfile, { awl_stream *s; int peer, fd, fds[2], rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = make_file(10);
    CHECK_FAILS(EINVAL, awl_stream_sendfile(NULL, self->fd, 0, 0));
    CHECK_FAILS(EINVAL, awl_stream_sendfile(self->s, self->fd, -1, 0));
    CHECK_FAILS(EINVAL, awl_stream_sendfile(self->s, self->fd, 0, -1));
    CHECK_FAILS(EOVERFLOW, awl_stream_sendfile(self->s, self->fd, INT64_MAX, 0));
    CHECK_FAILS(EBADF, awl_stream_sendfile(self->s, -1, 0, 0));
    CHECK_INT(pipe(self->fds), 0);
    CHECK_FAILS(ESPIPE, awl_stream_sendfile(self->s, self->fds[0], 0, 0));
    close(self->fds[0]);
    close(self->fds[1]);
    self->fds[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_FAILS(EISDIR, awl_stream_sendfile(self->s, self->fds[0], 0, 0));
    close(self->fds[0]);
    CHECK_INT(awl_stream_error(self->s), 0); /* the stream survives them all */
    CHECK_INT(awl_stream_write_eof(self->s), 0);
    CHECK_FAILS(EPIPE, awl_stream_sendfile(self->s, self->fd, 0, 0));
    awl_stream_abort(self->s);
    CHECK_FAILS(ECONNABORTED, awl_stream_sendfile(self->s, self->fd, 0, 0));
    awl_stream_close(self->s);
    close(self->peer);
    close(self->fd);
    co_end;
}
