/*
 * faults_net.h: connections in memory for what calls awl_open_connection, and what goes wrong on one of them
 * (faults/plan.h). A program that includes this is linked with --wrap=awl_open_connection and --wrap=recv.
 */
#ifndef HTTP_FAULTS_NET_H
#define HTTP_FAULTS_NET_H

#include "../faults/slow.h"
#include "../faults/wire.h"
#include "../stream/rig.h"
#include "http_client/decode.h"
#include "stream/stream_priv.h"

enum { LINES = 12 };

/* Serves line n; the stream is closed when it has ended. */
typedef awl_coro serve_fn(awl_stream *s, int n);

/* What TLS does around talks (faults_tls.h): makes the contexts; keeps the session of a first talk; has both remember
 * just that one; releases all; says what a record has besides its content, bytes. NULL: there is no TLS. */
typedef struct secrecy {
    void (*open)(void), (*keep)(void), (*refresh)(void), (*close)(void);
    size_t (*overhead)(void);
} secrecy;

static struct net {
    const secrecy *secrecy;

    /* set before a talk */
    fault_plan plan;    /* of the first line; the others are sound */
    wire_habits habits; /* of all of them */
    serve_fn *serve;
    awl_tls *tls, *client_tls; /* of the server; of the client; NULL: plain text */

    bool tunnel; /* lines begin at a proxy, which is asked for the way to the server */

    int n;                   /* lines that were opened */
    wire lines[LINES];       /* not in a frame: when a test fails, tasks of its own still run */
    awl_stream *open[LINES]; /* the server's ends */
    awl_task *tasks[LINES];

    size_t used; /* by the loop, after a talk; 0: there was none yet */
} net;

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

/* A proxy, of which the rest of the line is the tunnel. Result: whether it was asked. */
co_def(open_tunnel, {
    awl_stream *s;
    char *line;
})
{
    co_begin;
    do {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            co_return(false);
    } while (strcmp(self->line, "\r\n") != 0);
    co_return(awl_stream_print(self->s, "HTTP/1.1 200 Connected\r\n\r\n") == 0);
    co_end;
}

co_def(serve_line, { int n, asked; })
{
    co_begin;
    if (net.tunnel) {
        co_let(self->asked, co_call(open_tunnel, .s = net.open[self->n]));
        if (!self->asked)
            co_return(0);
    }
    if (net.tls)
        co_await(awl__layer_of(net.tls)->start(net.open[self->n], net.tls, NULL));
    co_await(net.serve(net.open[self->n], self->n));
    co_finally;
    awl_stream_close(net.open[self->n]);
    net.open[self->n] = NULL;
    co_end;
}

/* A new line, which takes an iteration; its server has a minute in all. */
co_def(opens, {
    const char *host;
    awl_stream_options options;
    awl_tls *tls;
    awl_stream *s;
    int n;
})
{
    co_begin;
    self->tls = self->options.tls;
    self->options.tls = NULL;
    self->n = net.n;
    CHECK(self->n < LINES);
    if (wire_open(&net.lines[self->n], self->n ? NULL : &net.plan, &net.habits, &self->options))
        co_raise(ENOMEM);
    self->s = net.lines[self->n].ends[0].s;
    net.open[self->n] = net.lines[self->n].ends[1].s;
    net.n++;
    net.tasks[self->n] = awl_create_task(awl_wait_for(co_call(serve_line, .n = self->n), AWL_MINUTE));
    if (!net.tasks[self->n])
        co_raise(ENOMEM);
    co_await(awl_sleep(0));
    if (self->tls)
        co_await(awl__layer_of(self->tls)->start(self->s, self->tls,
                                                  self->options.server_name ? self->options.server_name : self->host));
    co_return(self->s);
    co_finally;
    if (co_failing)
        awl_stream_close(self->s);
    co_end;
}

awl_coro __wrap_awl_open_connection(const char *host, int port, const awl_stream_options *options);
awl_coro __wrap_awl_open_connection(const char *host, int port, const awl_stream_options *options)
{
    (void)port;
    return co_call(opens, .host = host, .options = *options);
}

/* What has no descriptor has nothing in the kernel, either. */
ssize_t __real_recv(int fd, void *buf, size_t cap, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t cap, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t cap, int flags)
{
    if (fd >= 0)
        return __real_recv(fd, buf, cap, flags);
    errno = EAGAIN;
    return -1;
}

/* ---- Talks ------------------------------------------------------------------------------------------------------- */

/* Begins a talk: no line is open, the plan is that nothing goes wrong. */
static inline void net_begin(serve_fn *serve)
{
    net.serve = serve;
    net.n = 0;
    net.plan = (fault_plan){ 0 };
    net.habits = (wire_habits){ 0 };
}

/* Before the first talk in a loop, and after the last. */
static inline void net_open(void)
{
    net.used = 0;
    if (net.secrecy)
        net.secrecy->open();
}

static inline void net_close(void)
{
    if (net.secrecy)
        net.secrecy->close();
}

static inline bool net_is_over(void)
{
    for (int i = 0; i < net.n; i++) {
        if (!wire_is_over(&net.lines[i]))
            return false;
    }
    return true;
}

/* Waits for all servers, and until what they have written has gone where it goes. */
co_def(net_ends, { int i, rc; })
{
    co_begin;
    for (self->i = 0; self->i < net.n; self->i++) {
        if (net.tasks[self->i])
            co_try_cancel(self->rc, net.tasks[self->i]);
        awl_task_release(net.tasks[self->i]);
        net.tasks[self->i] = NULL;
        awl_stream_close(net.open[self->i]); /* of a task that never ran, or could not be had */
        net.open[self->i] = NULL;
    }
    co_await(awl_sleep(0)); /* some memory is given back in the iteration after its use */
    for (self->i = 0; self->i < 100 && !net_is_over(); self->i++)
        co_await(awl_sleep(AWL_SECOND));
    co_end;
}

/* After a talk: all that was open is closed, no task is left, and the loop has as much memory in use as after the one
 * before. */
static inline void net_check(const char *what)
{
    awl_loop_stats stats;

    if (net.secrecy)
        net.secrecy->refresh();

    awl__messages_close(awl_running_loop()); /* what was said of errors */
    awl_loop_get_stats(NULL, &stats);
    if (!net_is_over() || (net.used && stats.memory_used != net.used) || stats.tasks != 1 || stats.tasks_held)
        harness_fail_(__FILE__, __LINE__, "%s: over %d, %zu bytes of %zu, tasks %zu, held %zu", what, net_is_over(),
                      stats.memory_used, net.used, stats.tasks, stats.tasks_held);
    net.used = stats.memory_used;
}

/* ---- What has come ----------------------------------------------------------------------------------------------- */

/* Where the tunnel begins; at the end, if it does not. */
static inline size_t behind_head(const wire_pipe *pipe)
{
    for (size_t at = 4; at <= pipe->arrived; at++) {
        if (memcmp(pipe->log + at - 4, "\r\n\r\n", 4) == 0)
            return at;
    }
    return pipe->arrived;
}

/* Bytes of the application that have come whole over the first line in one direction: of TLS, the content of whole
 * records, up to a goodbye. */
static inline size_t net_delivered(int way, bool *goodbye)
{
    enum { HEAD = 5, TYPE_ALERT = 21, TYPE_DATA = 23 };
    const wire_pipe *pipe = &net.lines[0].pipes[way];
    const unsigned char *log = (const unsigned char *)pipe->log;
    size_t all = 0;

    *goodbye = false;
    if (!net.tls) {
        *goodbye = net.lines[0].ends[1 - way].told_end;
        return pipe->arrived;
    }
    for (size_t at = net.tunnel ? behind_head(pipe) : 0; at + HEAD <= pipe->arrived;) {
        const size_t len = (size_t)log[at + 3] << 8 | log[at + 4];

        if (at + HEAD + len > pipe->arrived)
            break;
        all += log[at] == TYPE_DATA ? len - net.secrecy->overhead() : 0;
        *goodbye |= log[at] == TYPE_ALERT;
        at += HEAD + len;
    }
    return all;
}

/* The plan in words, for who has to find out. */
static inline const char *net_plan(void)
{
    static char text[160];
    const fault_way *f = &net.plan.way[FAULT_FORTH], *b = &net.plan.way[FAULT_BACK];

    snprintf(text, sizeof text, "forth %s@%zu, back %s@%zu, chunks %zu %zu, most %zu, room %zu", fault_name(f->kind),
             f->at, fault_name(b->kind), b->at, f->chunk, b->chunk, net.habits.most, net.habits.room);
    return text;
}

#endif
