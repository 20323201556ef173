/*
 * test_many.c: hundreds of TLS connections to one server at once, both ends in this process. Each says a line and gets
 * it back while all others are open. Prints what an idle connection takes.
 */
#include "../faults/slow.h"
#include "stream_rig.h"

enum { MANY = SLOW ? 100 : 500, WORKERS = 20, MOST_EACH = 16 * 1024 };

static awl_stream *streams[MANY];
static awl_tls *contexts[2];

/* ---- The server -------------------------------------------------------------------------------------------------- */

co_def(echo_lines, {
    awl_stream *s;
    char *line;
})
{
    co_begin;
    for (;;) {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            break;
        awl_stream_print(self->s, "%s", self->line);
    }
    co_end;
}

static awl_coro echo(awl_stream *s, void *arg) { return (void)arg, co_call(echo_lines, .s = s); }

/* ---- The clients ------------------------------------------------------------------------------------------------- */

/* Does something with every WORKERS-th connection, which are of one address. */
enum job { OPEN, SAY, CLOSE };

co_def(works, {
    int job, at, port;
    awl_stream_options options;
    awl_tls_details details;
    char *line, text[32];
})
{
    co_begin;
    for (; self->at < MANY; self->at += WORKERS) {
        if (self->job == OPEN) {
            co_let(streams[self->at], awl_open_connection("127.0.0.1", self->port, &self->options));
        } else if (self->job == SAY) {
            CHECK_INT(awl_tls_info(streams[self->at], &self->details), self->options.tls ? 0 : EINVAL);
            snprintf(self->text, sizeof self->text, "client %d\n", self->at);
            CHECK_INT(awl_stream_print(streams[self->at], "%s", self->text), 0);
            co_let(self->line, awl_stream_readline(streams[self->at], NULL));
            CHECK_STR(self->line, self->text);
        } else {
            co_await(awl_stream_wait_closed(streams[self->at]));
            awl_stream_close(streams[self->at]);
            streams[self->at] = NULL;
        }
    }
    co_end;
}

co_def(all_work, {
    int job, port;
    bool tls;
    awl_task *tasks[WORKERS];
})
{
    co_begin;
    for (int i = 0; i < WORKERS; i++) {
        self->tasks[i] =
            awl_create_task(co_call(works, .job = self->job, .at = i, .port = self->port,
                                    .options = { .tls = self->tls ? contexts[0] : NULL, .server_name = "localhost" }));
        CHECK(self->tasks[i] != NULL);
    }
    co_await(awl_gather_n(self->tasks, WORKERS, NULL, 0));
    for (int i = 0; i < WORKERS; i++)
        awl_task_release(self->tasks[i]);
    co_end;
}

static size_t memory_used(void)
{
    awl_loop_stats stats;

    awl_loop_get_stats(NULL, &stats);
    return stats.memory_used;
}

/* All of it. Result: in *each, bytes of one connection that waits, both ends, their tasks and the sessions included. */
co_def(many, {
    bool tls;
    size_t *each;
    awl_stream_options options;
    awl_server *server;
    size_t before;
})
{
    co_begin;
    contexts[0] = new_client(NULL);
    contexts[1] = new_server(&ec_key, &(awl_tls_options){ .sessions = MANY });
    self->options.tls = self->tls ? contexts[1] : NULL;
    co_let(self->server, awl_start_server(echo, NULL, "127.0.0.1", 0, &self->options));
    self->before = memory_used();
    co_await(co_call(all_work, .job = OPEN, .port = awl_server_port(self->server), .tls = self->tls));
    co_await(co_call(all_work, .job = SAY, .tls = self->tls));
    CHECK_INT(awl_server_clients(self->server), MANY);
    *self->each = (memory_used() - self->before) / MANY;
    co_await(co_call(all_work, .job = CLOSE, .tls = self->tls));
    co_await(awl_server_wait_closed(self->server));

    /* What is left are the sessions, of which a server keeps as many as it was told to. */
    awl__tls_cache_clear(&contexts[0]->cache);
    awl__tls_cache_clear(&contexts[1]->cache);
    CHECK(memory_used() < self->before + 4096);
    co_finally;
    awl_server_close(self->server);
    awl_tls_release(contexts[0]);
    awl_tls_release(contexts[1]);
    co_end;
}

TEST(tls_hundreds_of_connections_at_once)
{
    size_t plain = 0, tls = 0;

    for (int i = 0; i < 2; i++) {
        CHECK_INT(awl_run_with(co_call(many, .tls = i, .each = i ? &tls : &plain),
                               &(awl_loop_options){ .report = note_report }, NULL),
                  0);
        CHECK_STR(reports, "");
    }
    printf("%d connections: %zu bytes each for both ends, %zu with TLS\n", MANY, plain, tls);
    CHECK(plain < tls);
    CHECK(tls <= MOST_EACH);
}
