/* test_slow.c: peers that read slowly or never, and descriptors that run out: what is held is bounded, and others go on. */
#include <signal.h>
#include <sys/resource.h>

#include "../stream/rig.h"
#include "wire.h"

static size_t memory_used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    return stats.memory_used;
}

static const awl_stream_options marks = { .high = 4096, .low = 1024 };
enum { PIECE = 1000, CHUNKS = 2 * 2048 }; /* the latter: of what is unsent, the first and the last are not full */
enum { OVERHEAD = 1024 };                 /* tasks and frames */

/* ---- Slow readers ------------------------------------------------------------------------------------------------ */

static size_t most_used; /* while a sender ran */

/* Sends `n` pieces, waiting for room after each. */
co_def(sends, { awl_stream *s; int n; })
{
    static const char piece[PIECE];

    co_begin;
    for (; self->n; self->n--) {
        CHECK_INT(awl_stream_write(self->s, piece, PIECE), 0);
        if (memory_used() > most_used)
            most_used = memory_used();
        co_await(awl_stream_drain(self->s));
    }
    awl_stream_close(self->s);
    co_end;
}

/* Reads `cap` bytes, sleeps, and so on to the end. Result: how many there were. */
co_def(sips, { awl_stream *s; size_t cap, all; int n; char buf[256]; })
{
    co_begin;
    for (;;) {
        co_let(self->n, awl_stream_read(self->s, self->buf, self->cap));
        if (!self->n)
            break;
        self->all += (size_t)self->n;
        co_await(awl_sleep(10 * AWL_MS));
    }
    co_return(self->all);
    co_end;
}

static wire the_wire; /* not in a frame: when a test fails, its tasks still run */

VIRTUAL_TEST(a_slow_reader_costs_no_more_than_the_high_mark, { awl_task *t; size_t before, all; })
{
    co_begin;
    CHECK_INT(wire_open(&the_wire, NULL, NULL, &marks), 0);
    self->t = awl_create_task(co_call(sends, .s = the_wire.ends[0].s, .n = 30));
    CHECK(self->t != NULL);
    self->before = memory_used();
    co_let(self->all, co_call(sips, .s = the_wire.ends[1].s, .cap = 100));
    CHECK_INT(self->all, 30 * PIECE);
    CHECK(most_used > self->before + marks.high);
    CHECK(most_used < self->before + marks.high + PIECE + CHUNKS + OVERHEAD);
    co_await(self->t);
    awl_task_release(self->t);
    awl_stream_close(the_wire.ends[1].s);
    co_end;
}

/* ---- Peers that never read --------------------------------------------------------------------------------------- */

/* Writes until a drain would have to wait. */
static void fill(awl_stream *s, size_t high)
{
    static const char piece[PIECE];

    while (awl_stream_unsent(s) <= high)
        CHECK_INT(awl_stream_write(s, piece, PIECE), 0);
}

VIRTUAL_TEST(a_drain_for_one_who_never_reads_can_be_given_up, { awl_stream *s; int peer, rc, i; size_t used, unsent; })
{
    co_begin;
    self->s = open_pair(&self->peer, &marks);
    fill(self->s, marks.high);
    for (self->i = 0; self->i < 2; self->i++) /* then the task's stack is as large as it gets */
        CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_drain(self->s), AWL_SECOND));
    self->used = memory_used();
    self->unsent = awl_stream_unsent(self->s);
    for (self->i = 0; self->i < 100; self->i++)
        CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_drain(self->s), AWL_SECOND));
    CHECK_INT(memory_used(), self->used);
    CHECK_INT(awl_stream_unsent(self->s), self->unsent);
    CHECK_INT(awl_stream_error(self->s), 0);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

co_def(is_aborted, { awl_stream *s; int peer, rc; })
{
    co_begin;
    self->s = open_pair(&self->peer, &marks);
    fill(self->s, marks.high);
    CHECK_FAILS(ETIMEDOUT, awl_wait_for(awl_stream_wait_closed(self->s), AWL_SECOND));
    CHECK(awl_stream_unsent(self->s) > marks.high);
    awl_stream_abort(self->s);
    CHECK_INT(awl_stream_unsent(self->s), 0);
    CHECK_INT(awl_stream_fd(self->s), -1);
    awl_stream_close(self->s);
    close(self->peer);
    co_end;
}

VIRTUAL_TEST(an_abort_frees_what_one_who_never_reads_was_to_get, { size_t used; })
{
    co_begin;
    co_await(co_call(is_aborted)); /* then the task's stack is as large as it gets */
    self->used = memory_used();
    co_await(co_call(is_aborted));
    CHECK_INT(memory_used(), self->used);
    co_end;
}

static int silent_peer;

co_def(leaves_unsent, {})
{
    awl_stream *s;

    co_begin;
    s = open_pair(&silent_peer, &marks);
    fill(s, marks.high);
    awl_stream_close(s);
    co_end;
}

TEST(a_loop_ends_although_somebody_never_reads)
{
    run_main(co_call(leaves_unsent), false);
    CHECK(swallow(silent_peer) > 0);
    CHECK_STR(got(silent_peer), "END"); /* the descriptor was closed with the loop */
    close(silent_peer);
}

/* ---- A server with such clients ----------------------------------------------------------------------------------- */

enum { CLIENTS = 20, HIGH = 20000, LINE = 4096 }; /* the last: the buffer in which the line that was read still lies */

/* Sends without an end to who says "more", and a line to others. */
co_def(gives, { awl_stream *s; char *line; })
{
    static const char piece[PIECE];

    co_begin;
    co_let(self->line, awl_stream_readline(self->s, NULL));
    if (!self->line || strcmp(self->line, "more\n") != 0) {
        awl_stream_print(self->s, "%s", self->line ? self->line : "");
        co_return(0);
    }
    while (!awl_stream_write(self->s, piece, PIECE))
        co_await(awl_stream_drain(self->s));
    co_end;
}

static awl_coro give(awl_stream *s, void *arg) { return (void)arg, co_call(gives, .s = s); }

/* Opens a connection and says a line. Result: the stream. */
co_def(client, { int port; const char *line; awl_stream *s; })
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", self->port, NULL));
    CHECK_INT(awl_stream_print(self->s, "%s", self->line), 0);
    co_return(self->s);
    co_end;
}

STREAM_TEST(clients_that_never_read_do_not_harm_others, { awl_server *server; awl_stream *s[CLIENTS], *other; int i;
                                                         size_t before; char *line; })
{
    static const awl_stream_options options = { .high = HIGH };

    co_begin;
    signal(SIGPIPE, SIG_DFL);
    co_let(self->server, awl_start_server(give, NULL, "127.0.0.1", 0, &options));
    self->before = memory_used();
    for (self->i = 0; self->i < CLIENTS; self->i++)
        co_let(self->s[self->i],
               co_call(client, .port = awl_server_port(self->server), .line = "more\n"));
    co_await(awl_sleep(50 * AWL_MS)); /* what the kernel takes is sent */
    CHECK(memory_used() > self->before + CLIENTS * HIGH);
    CHECK(memory_used() < self->before + CLIENTS * (HIGH + PIECE + CHUNKS + LINE + 2 * OVERHEAD));

    co_let(self->other, co_call(client, .port = awl_server_port(self->server), .line = "hello\n"));
    co_let(self->line, awl_wait_for(awl_stream_readline(self->other, NULL), 10 * AWL_SECOND));
    CHECK_STR(self->line, "hello\n");
    awl_stream_close(self->other);

    for (self->i = 0; self->i < CLIENTS; self->i++)
        awl_stream_close(self->s[self->i]); /* with something unread: the server is told by a reset */
    co_await(awl_wait_for(awl_server_wait_closed(self->server), 10 * AWL_SECOND));
    awl_server_close(self->server);
    co_end;
}

/* Writes a lot at once, and leaves it to the stream. */
co_def(gives_and_goes, { awl_stream *s; })
{
    co_begin;
    fill(self->s, 10 * HIGH);
    co_end;
}

static awl_coro give_and_go(awl_stream *s, void *arg) { return (void)arg, co_call(gives_and_goes, .s = s); }

/* Clients that never read, of a server whose tasks wait for room, or have ended and left it to send. */
co_def(is_shut_down, { awl_client_fn *fn; awl_server *server; awl_stream *s[CLIENTS]; int i; })
{
    static const awl_stream_options options = { .high = HIGH };

    co_begin;
    co_let(self->server, awl_start_server(self->fn, NULL, "127.0.0.1", 0, &options));
    for (self->i = 0; self->i < CLIENTS; self->i++)
        co_let(self->s[self->i],
               co_call(client, .port = awl_server_port(self->server), .line = "more\n"));
    for (self->i = 0; awl_server_clients(self->server) < CLIENTS && self->i < 500; self->i++)
        co_await(awl_sleep(AWL_MS));
    CHECK_INT(awl_server_clients(self->server), CLIENTS);
    co_await(awl_sleep(20 * AWL_MS));
    co_await(awl_wait_for(awl_server_shutdown(self->server, 20 * AWL_MS), 10 * AWL_SECOND));
    CHECK_INT(awl_server_clients(self->server), 0);
    awl_server_close(self->server);
    for (self->i = 0; self->i < CLIENTS; self->i++)
        awl_stream_close(self->s[self->i]);
    co_end;
}

STREAM_TEST(a_shutdown_does_not_wait_for_those_who_never_read, { size_t used; int i; })
{
    co_begin;
    for (self->i = 0; self->i < 4; self->i++) {
        co_await(co_call(is_shut_down, .fn = self->i % 2 ? give_and_go : give));
        if (self->i > 1)
            CHECK_INT(memory_used(), self->used);
        self->used = memory_used();
    }
    co_end;
}

/* ---- Descriptors run out ----------------------------------------------------------------------------------------- */

/* With descriptors below `n` only; the first time, what there was is kept in *before. */
static void allow_descriptors(rlim_t n, struct rlimit *before)
{
    struct rlimit limit;

    if (!before->rlim_max)
        CHECK_INT(getrlimit(RLIMIT_NOFILE, before), 0);
    limit = (struct rlimit){ n, before->rlim_max };
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int next_descriptor(void)
{
    const int fd = dup(0);

    close(fd);
    return fd;
}

/* Connects a socket that is there, and says a line. Result: its stream. */
static awl_stream *connect_late(int fd, int port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                         .sin_port = htons((uint16_t)port) };
    awl_stream *s;

    CHECK_INT(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    s = awl_stream_open(fd, NULL);
    CHECK(s != NULL);
    CHECK_INT(awl_stream_print(s, "late\n"), 0);
    return s;
}

/* Echoes lines. */
co_def(echoes, { awl_stream *s; char *line; })
{
    co_begin;
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line || awl_stream_print(self->s, "%s", self->line))
            break;
    }
    co_end;
}

static awl_coro echo(awl_stream *s, void *arg) { return (void)arg, co_call(echoes, .s = s); }

/* Says a line, which must come back. */
co_def(says, { awl_stream *s; const char *text; char *line; })
{
    co_begin;
    CHECK_INT(awl_stream_print(self->s, "%s", self->text), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK_STR(self->line, self->text);
    co_end;
}

static struct rlimit before_all;

/* Three are served; of four more each has its connection by the kernel, and waits. */
VIRTUAL_TEST(without_descriptors_those_who_are_served_are_served_on, { awl_server *server; awl_stream *s[7]; int i; })
{
    char expected[64];
    int fds[4];

    co_begin;
    co_let(self->server, awl_start_server(echo, NULL, "127.0.0.1", 0, NULL));
    for (self->i = 0; self->i < 3; self->i++) {
        co_let(self->s[self->i], awl_open_connection("127.0.0.1", awl_server_port(self->server), NULL));
        co_await(co_call(says, .s = self->s[self->i], .text = "before\n"));
    }
    for (int i = 0; i < 4; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    allow_descriptors((rlim_t)next_descriptor(), &before_all);
    for (int i = 0; i < 4; i++)
        self->s[3 + i] = connect_late(fds[i], awl_server_port(self->server));
    co_await(awl_sleep(AWL_SECOND / 2));
    snprintf(expected, sizeof expected, "awl_start_server:%d", EMFILE);
    CHECK_REPORTS(expected);
    for (self->i = 0; self->i < 3; self->i++)
        co_await(co_call(says, .s = self->s[self->i], .text = "meanwhile\n"));

    /* When there are some again, it serves who waits. */
    allow_descriptors(before_all.rlim_cur, &before_all);
    for (self->i = 3; self->i < 7; self->i++)
        co_await(awl_stream_readline(self->s[self->i], NULL));
    reports[0] = '\0';
    CHECK_INT(awl_server_clients(self->server), 7);
    for (self->i = 0; self->i < 7; self->i++)
        awl_stream_close(self->s[self->i]);
    co_await(awl_server_wait_closed(self->server));
    awl_server_close(self->server);
    co_end;
}
