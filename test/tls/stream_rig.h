/* What the tests of TLS over streams share: two streams that are connected, and both handshakes at once. */
#ifndef TLS_STREAM_RIG_H
#define TLS_STREAM_RIG_H

#include <sys/socket.h>
#include <unistd.h>

#include "engine_rig.h"

static char reports[1024]; /* NAME:ERROR, with `; ` between them */

static inline void note_report(void *arg, const awl_report *report)
{
    const size_t used = strlen(reports);

    (void)arg;
    snprintf(reports + used, sizeof reports - used, "%s%s:%d", used ? "; " : "", report->name ? report->name : "-",
             report->error);
}

/* Runs a coroutine as the main task of a loop with virtual time. It must succeed, and nothing may be reported. */
static inline void run_virtual(awl_coro coroutine)
{
    CHECK_INT(awl_run_with(coroutine, &(awl_loop_options){ .virtual_time = true, .report = note_report }, NULL), 0);
    CHECK_STR(reports, "");
}

/* TLS_TEST(name, { fields }) { body }: a test whose body is that of the main task. */
#define TLS_TEST(name, ...)                    \
    co_declare(name, __VA_ARGS__);             \
    TEST(name) { run_virtual(co_call(name)); } \
    co_define(name)

/* Awaits x, which must fail with `error`, a cancellation included. Needs an int field `rc`. */
#define CHECK_FAILS(error, ...)               \
    do {                                      \
        co_try_cancel(self->rc, __VA_ARGS__); \
        CHECK_INT(self->rc, (error));         \
    } while (0)

/* ---- Two streams ------------------------------------------------------------------------------------------------- */

/* A client's and a server's context, and a connection between them. */
typedef struct two {
    awl_tls *ct, *st;
    awl_stream *c, *s;
    int c_error, s_error;          /* of the handshakes */
    char c_text[256], s_text[256]; /* what was said of them */
} two;

static inline void open_fds(int fds[2])
{
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
}

static inline void connect_two(two *t)
{
    int fds[2];

    open_fds(fds);
    t->c = awl_stream_open(fds[0], NULL);
    t->s = awl_stream_open(fds[1], NULL);
    CHECK(t->c && t->s);
}

static inline void open_two(two *t, const awl_tls_options *client, const awl_tls_key *key,
                            const awl_tls_options *server)
{
    memset(t, 0, sizeof *t);
    t->ct = new_client(client);
    t->st = new_server(key, server);
    connect_two(t);
}

static inline void close_streams(two *t)
{
    awl_stream_close(t->c);
    awl_stream_close(t->s);
    t->c = t->s = NULL;
}

static inline void close_two(two *t)
{
    close_streams(t);
    awl_tls_release(t->ct);
    awl_tls_release(t->st);
    t->ct = t->st = NULL;
}

static inline void keep_text(char *to, int error) { snprintf(to, 256, "%s", error ? awl_error_message(error) : ""); }

/* Both handshakes, each in a task of its own; how they end is in the two. */
co_declare(shake_side, {
    awl_stream *s;
    awl_tls *tls;
    const char *name;
    int *error;
    char *text;
});
co_declare(shake_two, {
    two *t;
    const char *name;
    awl_task *c, *s;
    int rc;
});

#define TLS_RIG_COROUTINES                                                                                          \
    co_define(shake_side)                                                                                           \
    {                                                                                                               \
        co_begin;                                                                                                   \
        co_try(*self->error, awl_start_tls(self->s, self->tls, self->name));                                        \
        keep_text(self->text, *self->error);                                                                        \
        if (*self->error)                                                                                           \
            awl_stream_abort(self->s);                                                                              \
        co_end;                                                                                                     \
    }                                                                                                               \
    co_define(shake_two)                                                                                            \
    {                                                                                                               \
        two *t = self->t;                                                                                           \
        co_begin;                                                                                                   \
        self->c = awl_create_task(co_call(shake_side, .s = t->c, .tls = t->ct, .name = self->name,                  \
                                          .error = &t->c_error, .text = t->c_text));                                \
        self->s =                                                                                                   \
            awl_create_task(co_call(shake_side, .s = t->s, .tls = t->st, .error = &t->s_error, .text = t->s_text)); \
        co_await(self->c);                                                                                         \
        co_await(self->s);                                                                                         \
        co_finally;                                                                                                 \
        end_task(self->c);                                                                                          \
        end_task(self->s);                                                                                          \
        co_end;                                                                                                     \
    }                                                                                                               \
    typedef int tls_rig_end_

/* In co_finally: cancels a task, waits for it and releases it. Needs an int field `rc`. */
#define end_task(task)                     \
    do {                                   \
        if (task) {                        \
            awl_task_cancel(task);         \
            co_try_cancel(self->rc, task); \
            awl_task_release(task);        \
            (task) = NULL;                 \
        }                                  \
    } while (0)

#define SHAKE(pair, host) co_await(co_call(shake_two, .t = (pair), .name = (host)))

#endif
