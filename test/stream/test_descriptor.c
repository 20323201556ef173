/* test_descriptor.c: streams over pipes, terminals and files. */
#define _GNU_SOURCE
#include "rig.h"

#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

static awl_stream *opened(int fd)
{
    awl_stream *s = awl_stream_open(fd, NULL);

    CHECK(s != NULL);
    return s;
}

STREAM_TEST(open_refuses_what_is_no_stream, { int fd; })
{
    co_begin;
    CHECK(awl_stream_open(-1, NULL) == NULL);
    CHECK_INT(errno, EBADF);
    self->fd = open("/", O_RDONLY | O_CLOEXEC);
    CHECK(awl_stream_open(self->fd, NULL) == NULL);
    CHECK_INT(errno, EISDIR);
    close(self->fd);
    co_end;
}

STREAM_TEST(a_pipe_is_read_to_its_end, { awl_stream *s; int fds[2], n; char *line; char buf[8]; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    self->s = opened(self->fds[0]);
    put(self->fds[1], "one\ntwo");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "one\n");
    close(self->fds[1]);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "two");
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    CHECK_INT(self->n, 0);
    awl_stream_close(self->s);
    co_end;
}

co_def(put_later, { int fd; })
{
    co_begin;
    co_await(awl_sleep(AWL_MS));
    put(self->fd, "late\n");
    co_end;
}

STREAM_TEST(a_read_waits_for_a_pipe, { awl_stream *s; int fds[2]; char *line; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    self->s = opened(self->fds[0]);
    CHECK_INT(awl_spawn(co_call(put_later, .fd = self->fds[1])), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "late\n");
    awl_stream_close(self->s);
    close(self->fds[1]);
    co_end;
}

STREAM_TEST(much_is_written_to_a_pipe, { awl_stream *s; int fds[2]; size_t all; char *data; })
{
    co_begin;
    CHECK_INT(pipe2(self->fds, O_NONBLOCK), 0);
    self->s = opened(self->fds[1]);
    self->data = calloc(1, 1 << 20);
    CHECK(self->data != NULL);
    CHECK_INT(awl_stream_write(self->s, self->data, 1 << 20), 0);
    free(self->data);
    awl_stream_close(self->s);
    while (self->all < 1 << 20) {
        self->all += swallow(self->fds[0]);
        co_await(awl_sleep(AWL_MS / 4));
    }
    CHECK_STR(got(self->fds[0]), "END");
    close(self->fds[0]);
    co_end;
}

STREAM_TEST(a_broken_pipe_is_an_error_and_no_signal, { awl_stream *s; int fds[2]; sigset_t pending; })
{
    co_begin;
    signal(SIGPIPE, SIG_DFL);
    CHECK_INT(pipe(self->fds), 0);
    self->s = opened(self->fds[1]);
    close(self->fds[0]);
    CHECK_INT(awl_stream_write(self->s, "x", 1), EPIPE);
    CHECK_INT(awl_stream_error(self->s), EPIPE);
    sigpending(&self->pending);
    CHECK_INT(sigismember(&self->pending, SIGPIPE), 0);
    awl_stream_close(self->s);
    co_end;
}

/* A signal that was held up before stays so. */
STREAM_TEST(a_pending_sigpipe_is_let_be, { awl_stream *s; int fds[2]; sigset_t set; })
{
    co_begin;
    sigemptyset(&self->set);
    sigaddset(&self->set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &self->set, NULL);
    raise(SIGPIPE);
    CHECK_INT(pipe(self->fds), 0);
    self->s = opened(self->fds[1]);
    close(self->fds[0]);
    CHECK_INT(awl_stream_write(self->s, "x", 1), EPIPE);
    sigpending(&self->set);
    CHECK_INT(sigismember(&self->set, SIGPIPE), 1);
    signal(SIGPIPE, SIG_IGN);
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(pipes_have_no_half_close, { awl_stream *s; int fds[2]; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    self->s = opened(self->fds[1]);
    CHECK_INT(awl_stream_write_eof(self->s), EOPNOTSUPP);
    CHECK_INT(awl_stream_write(self->s, "still", 5), 0);
    CHECK_STR(got(self->fds[0]), "still");
    awl_stream_close(self->s);
    close(self->fds[0]);
    co_end;
}

STREAM_TEST(flags_are_as_before_after_the_close, { awl_stream *s; int fds[2], other; })
{
    co_begin;
    CHECK_INT(pipe(self->fds), 0);
    self->other = dup(self->fds[0]);
    self->s = opened(self->fds[0]);
    CHECK(fcntl(self->other, F_GETFL) & O_NONBLOCK);
    awl_stream_close(self->s);
    CHECK(!(fcntl(self->other, F_GETFL) & O_NONBLOCK));
    close(self->other);
    close(self->fds[1]);
    co_end;
}

STREAM_TEST(a_file_is_always_ready, { awl_stream *s; FILE *file; char *line; int n; })
{
    co_begin;
    self->file = tmpfile();
    CHECK(self->file != NULL);
    self->s = opened(dup(fileno(self->file)));
    CHECK_INT(awl_stream_print(self->s, "%d\n%d\n", 1, 2), 0);
    rewind(self->file);
    for (self->n = 1; self->n <= 2; self->n++) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        CHECK_INT(atoi(self->line), self->n);
    }
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(self->line == NULL);
    awl_stream_close(self->s);
    fclose(self->file);
    co_end;
}

STREAM_TEST(a_file_is_opened_without_a_word_on_stderr, { awl_stream *s; int n, fds[2], before; char buf[8]; })
{
    co_begin;
    CHECK_INT(pipe2(self->fds, O_CLOEXEC | O_NONBLOCK), 0);
    self->before = dup(2);
    CHECK_INT(dup2(self->fds[1], 2), 2);
    self->s = awl_stream_open(open("/dev/null", O_RDWR | O_CLOEXEC), NULL);
    CHECK(self->s != NULL);
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    awl_stream_close(self->s);
    self->s = awl_stream_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), NULL);
    CHECK(self->s != NULL);
    co_let(self->n, awl_stream_read(self->s, self->buf, 8));
    awl_stream_close(self->s);
    CHECK_INT(dup2(self->before, 2), 2);
    CHECK_INT(read(self->fds[0], self->buf, 1), -1); /* nothing was written */
    close(self->before);
    close(self->fds[0]);
    close(self->fds[1]);
    co_end;
}

STREAM_TEST(dev_null_is_at_its_end, { awl_stream *s; int n; char buf[4]; })
{
    co_begin;
    self->s = opened(open("/dev/null", O_RDWR | O_CLOEXEC));
    CHECK_INT(awl_stream_write(self->s, "x", 1), 0);
    co_let(self->n, awl_stream_read(self->s, self->buf, 4));
    CHECK_INT(self->n, 0);
    co_await(awl_stream_wait_closed(self->s));
    awl_stream_close(self->s);
    co_end;
}

STREAM_TEST(a_terminal_is_read_and_written, { awl_stream *s; int master, slave; char *line; char buf[16]; int n; })
{
    co_begin;
    CHECK_INT(openpty(&self->master, &self->slave, NULL, NULL, NULL), 0);
    self->s = opened(self->slave);
    put(self->master, "typed\n");
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, "typed\n");
    CHECK_INT(read(self->master, self->buf, 16), 7); /* the echo, with \r\n */
    CHECK_INT(awl_stream_write(self->s, "told", 4), 0);
    CHECK_INT(read(self->master, self->buf, 16), 4);
    awl_stream_close(self->s);
    close(self->master);
    co_end;
}
