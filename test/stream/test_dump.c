/* test_dump.c: what awl_dump says of tasks that wait for descriptors, jobs and names. */
#define _GNU_SOURCE
#include "rig.h"

#include <pthread.h>

static char text[8192];

static void keep(void *arg, const char *line)
{
    const size_t used = strlen(text);

    (void)arg;
    snprintf(text + used, sizeof text - used, "%s\n", line);
}

/* The dump of now must have that line. */
static void shows(const char *what, int fd, const char *op)
{
    char expected[256];

    text[0] = '\0';
    awl_dump_lines(NULL, keep, NULL);
    if (fd >= 0)
        snprintf(expected, sizeof expected, "'waits': waiting for descriptor %d %s\n    in %s\n    in waits (", fd, what, op);
    else
        snprintf(expected, sizeof expected, "'waits': waiting for %s\n    in %s\n    in waits (", what, op);
    if (!strstr(text, expected))
        printf("%s----\n%s", expected, text);
    CHECK(strstr(text, expected) != NULL);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int job(void *arg, awl_result *result)
{
    (void)arg, (void)result;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return 0;
}

co_def(waits, { char how; awl_stream *s; awl_datagram *d; awl_server *server; awl_reader *reader; char buf[8]; awl_address found[4]; })
{
    co_begin;
    if (self->how == 'r')
        co_await(awl_stream_read(self->s, self->buf, sizeof self->buf));
    if (self->how == 'l')
        co_await(awl_stream_readline(self->s, NULL));
    if (self->how == 'w')
        co_await(awl_stream_drain(self->s));
    if (self->how == 'c')
        co_await(awl_stream_wait_closed(self->s));
    if (self->how == 'd')
        co_await(awl_datagram_receive(self->d, self->buf, sizeof self->buf, NULL));
    if (self->how == 's')
        co_await(awl_server_wait_closed(self->server));
    if (self->how == 'f')
        co_await(awl_reader_read(self->reader, self->buf, sizeof self->buf));
    if (self->how == 'j')
        co_await(awl_run_in_executor(NULL, job, NULL));
    if (self->how == 'n')
        co_await(awl_getaddrinfo("localhost", 80, AF_UNSPEC, self->found, 4));
    co_end;
}

/* Begins such a task: it waits at once. Ends it. */
static awl_task *begin(struct waits how)
{
    awl_task *task = awl_create_task_eager(co_call(waits, .how = how.how, .s = how.s, .d = how.d, .server = how.server,
                                                   .reader = how.reader));

    CHECK(task != NULL && !awl_task_done(task));
    return task;
}

co_def(ends, { awl_task *t; int rc; })
{
    co_begin;
    awl_task_cancel(self->t);
    co_try_cancel(self->rc, self->t);
    awl_task_release(self->t);
    co_end;
}

static char much[1 << 20];

STREAM_TEST(streams, { awl_stream *s; awl_task *t; int peer, fd; size_t unsent; })
{
    char what[64];

    co_begin;
    self->s = open_pair(&self->peer, NULL);
    self->fd = awl_stream_fd(self->s);
    self->t = begin((struct waits){ .how = 'r', .s = self->s });
    shows("to be readable", self->fd, "awl_stream_read");
    co_await(co_call(ends, .t = self->t));
    self->t = begin((struct waits){ .how = 'l', .s = self->s });
    shows("to be readable", self->fd, "awl_stream_readline");
    co_await(co_call(ends, .t = self->t));
    CHECK_INT(awl_stream_write(self->s, much, sizeof much), 0);
    self->t = begin((struct waits){ .how = 'w', .s = self->s });
    snprintf(what, sizeof what, "to be writable, %zu bytes unsent", awl_stream_unsent(self->s));
    shows(what, self->fd, "awl_stream_drain");
    co_await(co_call(ends, .t = self->t));
    self->t = begin((struct waits){ .how = 'c', .s = self->s });
    snprintf(what, sizeof what, "to be writable, %zu bytes unsent, closing", awl_stream_unsent(self->s));
    shows(what, self->fd, "awl_stream_wait_closed");
    co_await(co_call(ends, .t = self->t));
    awl_stream_abort(self->s);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

STREAM_TEST(datagrams, { awl_datagram *d; awl_task *t; })
{
    co_begin;
    co_let(self->d, awl_open_datagram("127.0.0.1", 0, NULL, 0, NULL));
    self->t = begin((struct waits){ .how = 'd', .d = self->d });
    shows("to be readable", awl_datagram_fd(self->d), "awl_datagram_receive");
    co_await(co_call(ends, .t = self->t));
    awl_datagram_close(self->d);
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg)
{
    (void)arg;
    return co_call(waits, .how = 'r', .s = s);
}

STREAM_TEST(servers_and_readers, { awl_server *server; awl_reader reader; awl_task *t; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, NULL));
    awl_reader_init(&self->reader, NULL, 0);
    self->t = begin((struct waits){ .how = 'f', .reader = &self->reader });
    shows("awl_reader_read", -1, "awl_reader_read");
    co_await(co_call(ends, .t = self->t));
    awl_reader_fini(&self->reader);
    awl_server_close(self->server);
    co_end;
}

STREAM_TEST(jobs, { awl_task *t; })
{
    co_begin;
    pthread_mutex_lock(&mutex);
    self->t = begin((struct waits){ .how = 'j' });
    shows("a job of an executor, one of 1", -1, "awl_run_in_executor");
    pthread_mutex_unlock(&mutex);
    co_await(self->t);
    awl_task_release(self->t);
    co_end;
}

/* A look-up has a task of its own, which all who ask for that name wait for. It runs before this one does. */
STREAM_TEST(names, { awl_task *t; })
{
    co_begin;
    self->t = begin((struct waits){ .how = 'n' });
    co_await(awl_sleep(0));
    text[0] = '\0';
    awl_dump_lines(NULL, keep, NULL);
    CHECK(strstr(text, "'waits': waiting for a future\n    in shared_look_up ("));
    CHECK(strstr(text, "'awl_resolver_look_up': waiting for the addresses of localhost\n    in awl_resolver_look_up\n"));
    co_await(co_call(ends, .t = self->t));
    co_end;
}
