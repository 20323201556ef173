/*
 * test_c10k.c: ten thousand connections at once, one process that serves and one that connects, both by awl. Each says a
 * line and gets it back while all others are open. Prints what an idle connection costs the server.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "../stream/rig.h"
#include "slow.h"

enum { MANY = SLOW ? 1000 : 10000, WORKERS = 50, BACKLOG = 4096, ADDRESSES = 8 };

/* ---- The server's process ----------------------------------------------------------------------------------------- */

static size_t memory_used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    return stats.memory_used;
}

/* Of this process, bytes. */
static size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (f) {
        if (fscanf(f, "%*u %lu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct {
    awl_server *server;
    awl_event end;
    size_t used, resident; /* without clients */
} here;

/* Echoes lines, but `stats` is answered and `end` is obeyed. */
co_def(echoes, { awl_stream *s; char *line; })
{
    co_begin;
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        if (!strcmp(self->line, "stats\n"))
            awl_stream_print(self->s, "%zu %zu %zu\n", awl_server_clients(here.server), memory_used() - here.used,
                             resident() - here.resident);
        else if (!strcmp(self->line, "end\n"))
            awl_event_set(&here.end);
        else
            awl_stream_print(self->s, "%s", self->line);
    }
    co_end;
}

static awl_coro echo(awl_stream *s, void *arg) { return (void)arg, co_call(echoes, .s = s); }

/* Serves until it is told to end; then all must have been served, and their memory be free. */
co_def(serves, { int out; })
{
    static const awl_stream_options options = { .backlog = BACKLOG };

    co_begin;
    awl_event_init(&here.end);
    co_let(here.server, awl_start_server(echo, NULL, "0.0.0.0", 0, &options));
    here.used = memory_used();
    here.resident = resident();
    dprintf(self->out, "%d\n", awl_server_port(here.server));
    close(self->out);
    co_await(awl_event_wait(&here.end));
    co_await(awl_server_wait_closed(here.server));
    CHECK(memory_used() < here.used + 4096);
    awl_server_close(here.server);
    awl_event_fini(&here.end);
    co_end;
}

/* Starts the server in a process of its own. Result: its port. */
static int start_server(pid_t *pid)
{
    int fds[2], port = 0;
    FILE *in;

    CHECK_INT(pipe(fds), 0);
    *pid = fork();
    if (*pid == 0) {
        close(fds[0]);
        run_main(co_call(serves, .out = fds[1]), false);
        _exit(0);
    }
    CHECK(*pid > 0);
    close(fds[1]);
    in = fdopen(fds[0], "r");
    CHECK(in != NULL && fscanf(in, "%d", &port) == 1);
    fclose(in);
    return port;
}

/* ---- The clients' process ------------------------------------------------------------------------------------------ */

static awl_stream *streams[MANY];

/* Opens every WORKERS-th connection; or says a line on each and reads it again; or closes them. */
enum job { OPEN, SAY, CLOSE };

co_def(works, { int job, at, port; char *line, text[32]; })
{
    co_begin;
    for (; self->at < MANY; self->at += WORKERS) {
        if (self->job == OPEN) { /* of several addresses, as one has only so many ports to come from */
            snprintf(self->text, sizeof self->text, "127.0.0.%d", 1 + self->at % ADDRESSES);
            co_let(streams[self->at], awl_open_connection(self->text, self->port, NULL));
        } else if (self->job == SAY) {
            snprintf(self->text, sizeof self->text, "client %d\n", self->at);
            CHECK_INT(awl_stream_print(streams[self->at], "%s", self->text), 0);
            co_let(self->line, awl_stream_readline(streams[self->at], NULL));
            CHECK_STR(self->line, self->text);
        } else {
            awl_stream_close(streams[self->at]);
        }
    }
    co_end;
}

co_def(all_work, { int job, port; awl_task *tasks[WORKERS]; })
{
    co_begin;
    for (int i = 0; i < WORKERS; i++) {
        self->tasks[i] = awl_create_task(co_call(works, .job = self->job, .at = i, .port = self->port));
        CHECK(self->tasks[i] != NULL);
    }
    co_await(awl_gather_n(self->tasks, WORKERS, NULL, 0));
    for (int i = 0; i < WORKERS; i++)
        awl_task_release(self->tasks[i]);
    co_end;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What the server says of itself. */
co_def(asks_stats, { awl_stream *s; size_t *clients, *used, *resident; char *line; })
{
    co_begin;
    CHECK_INT(awl_stream_print(self->s, "stats\n"), 0);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    CHECK(sscanf(self->line, "%zu %zu %zu", self->clients, self->used, self->resident) == 3);
    co_end;
}

co_def(connects, { int port, i; awl_stream *control; size_t clients, used, resident; double start, opened, said; })
{
    co_begin;
    self->start = seconds();
    co_await(co_call(all_work, .job = OPEN, .port = self->port));
    co_let(self->control, awl_open_connection("127.0.0.1", self->port, NULL));
    self->opened = seconds();
    co_await(co_call(all_work, .job = SAY));
    self->said = seconds();
    co_await(co_call(asks_stats, .s = self->control, .clients = &self->clients, .used = &self->used,
                     .resident = &self->resident));
    printf("%zu connections: %zu bytes each in the server's loop, %zu resident; opened in %.2f s, a line each in %.2f s\n",
           self->clients, self->used / self->clients, self->resident / self->clients, self->opened - self->start,
           self->said - self->opened);
    CHECK_INT(self->clients, MANY + 1);
    CHECK(self->used / self->clients <= 1024);
    CHECK_INT(awl_stream_print(self->control, "end\n"), 0);
    co_await(co_call(all_work, .job = CLOSE));
    awl_stream_close(self->control);
    co_end;
}

TEST(ten_thousand_connections_at_once)
{
    struct rlimit limit;
    int port, status = 0;
    pid_t pid;

    signal(SIGPIPE, SIG_DFL);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < MANY + 100)
        SKIP("ten thousand connections take ulimit -n 10100 or more");
    if (limit.rlim_cur < MANY + 100) {
        limit.rlim_cur = MANY + 100;
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    port = start_server(&pid);
    run_main(co_call(connects, .port = port), false);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
}
