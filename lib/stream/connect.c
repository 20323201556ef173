/* awl_open_connection: names to addresses, and the addresses in a staggered race; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "stream_priv.h"

enum { MOST_TRIED = 16, MOST_LOCAL = 4 };
static const awl_time default_delay = 250 * AWL_MS; /* RFC 8305, section 5 */

/* Where to, and from where. */
typedef struct target {
    awl_stream_options options;
    int n, n_local; /* addresses; no local ones: any */
    awl_address addresses[MOST_TRIED], local[MOST_LOCAL];
    int16_t errors[MOST_TRIED]; /* what became of each; 0: it has not failed */
} target;

/* ---- One address ------------------------------------------------------------------------------------------------- */

/* What has become of a socket that was connecting: 0 or the error. */
static int outcome(const awl_stream *s)
{
    socklen_t size = sizeof(int);
    int error = 0;

    return getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

/* Begins to connect to address i. Result: 0, EINPROGRESS, or the error; in the first two cases *s is the stream. */
static int begin(target *to, int i, awl_stream **s)
{
    int fd = -1, error = awl__socket_connect(&to->addresses[i], to->local, to->n_local, &fd), memory;

    if (!error || error == EINPROGRESS) {
        *s = awl__stream_new(awl_running_, fd, true, &to->options, &memory);
        if (*s) {
            (*s)->writable = (*s)->readable = error == 0;
            return error;
        }
        close(fd);
        error = memory;
    }
    to->errors[i] = (int16_t)error;
    return error;
}

/* Until the stream is connected; raises why it is not. */
co_def(connected, { awl_stream *s; })
{
    int error;

    co_begin;
    while (!self->s->writable)
        co_await(awl__stream_change(self->s));
    error = outcome(self->s);
    if (error)
        co_raise(error);
    co_end;
}

/* Says of each address why there is no connection to it. */
static void explain(const target *to, int error)
{
    char text[1024] = "", address[AWL_ADDRESS_TEXT];
    size_t len = 0;

    for (int i = 0; i < to->n && len < sizeof text; i++) {
        awl_address_text(&to->addresses[i], address, sizeof address);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s: %s", i ? ", " : "", address,
                                awl_strerror(to->errors[i]));
    }
    awl__error_detail(awl_running_, error, "%s", text);
}

/* ---- Several: RFC 8305 ------------------------------------------------------------------------------------------- */

/* Section 4: families take turns, beginning with the first; within a family the order stays. */
static void alternate(awl_address *a, int n)
{
    for (int i = 1; i < n; i++) {
        awl_address next;
        int j = i;

        while (j < n && a[j].of.any.sa_family == a[i - 1].of.any.sa_family)
            j++;
        if (j == n)
            return;
        next = a[j];
        memmove(&a[i + 1], &a[i], (size_t)(j - i) * sizeof *a);
        a[i] = next;
    }
}

/* Those that are connecting are in the order in which they began; a task waits for each. */
typedef struct contest {
    target *to;
    awl_stream *won;
    awl_time due; /* when the next one begins; it has come when the last one that began has failed */
    int next, running, error;
    awl_stream *streams[MOST_TRIED];
    awl_task *tasks[MOST_TRIED];
    uint8_t which[MOST_TRIED]; /* address each is for */
} contest;

/* Takes attempt i out, and closes it unless it has won. */
static void leave(contest *c, int i)
{
    const size_t behind = (size_t)(--c->running - i);

    awl_task_cancel(c->tasks[i]);
    (void)awl_task_error(c->tasks[i]); /* it is looked at */
    awl_task_release(c->tasks[i]);
    if (c->streams[i] != c->won)
        awl_stream_close(c->streams[i]);
    memmove(&c->streams[i], &c->streams[i + 1], behind * sizeof c->streams[0]);
    memmove(&c->tasks[i], &c->tasks[i + 1], behind * sizeof c->tasks[0]);
    memmove(&c->which[i], &c->which[i + 1], behind);
}

static void begin_next(contest *c)
{
    const awl_time delay = c->to->options.happy_eyeballs_delay;
    const int i = c->next++;
    awl_stream *s = NULL;
    awl_task *task;

    c->error = begin(c->to, i, &s);
    if (!c->error)
        c->won = s;
    if (c->error != EINPROGRESS)
        return;
    task = awl_create_task(co_call(connected, .s = s));
    if (!task) {
        awl_stream_close(s);
        c->error = c->to->errors[i] = ENOMEM;
        return;
    }
    c->streams[c->running] = s;
    c->tasks[c->running] = task;
    c->which[c->running++] = (uint8_t)i;
    c->due = awl__later(awl_running_, delay ? delay : default_delay);
}

/* What has become of those that were connecting. */
static void look(contest *c)
{
    for (int i = 0; i < c->running && !c->won;) {
        if (!awl_task_done(c->tasks[i])) {
            i++;
            continue;
        }
        c->error = awl_task_error(c->tasks[i]);
        c->to->errors[c->which[i]] = (int16_t)c->error;
        if (!c->error)
            c->won = c->streams[i];
        else if (i == c->running - 1)
            c->due = awl_running_->now;
        leave(c, i);
    }
}

static awl_time until_due(const contest *c)
{
    return c->next == c->to->n ? AWL_FOREVER : c->due - awl_running_->now;
}

/* Result: awl_stream *. */
co_def(race, { contest c; })
{
    co_begin;
    self->c.due = awl_running_->now;
    for (;;) {
        while (!self->c.won && self->c.next < self->c.to->n && self->c.due <= awl_running_->now)
            begin_next(&self->c);
        if (self->c.won || !self->c.running)
            break;
        co_await(awl_wait(self->c.tasks, (size_t)self->c.running, AWL_FIRST_COMPLETED, until_due(&self->c)));
        look(&self->c);
    }
    if (!self->c.won)
        co_raise(self->c.error);
    co_return(self->c.won);
    co_finally;
    while (self->c.running)
        leave(&self->c, self->c.running - 1);
    co_end;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

/* Any address of either family, with the port. */
static void any_local(target *to, int port)
{
    awl_address_parse("0.0.0.0", port, &to->local[0]);
    awl_address_parse("::", port, &to->local[1]);
    to->n_local = 2;
}

co_def(open_connection, {
    const char *host;
    awl_stream *s;
    int port, family, error;
    target to;
})
{
    const awl_stream_options *o = &self->to.options;

    co_begin;
    if (self->port < 1 || self->port > 65535 || !self->host || !self->host[0]) {
        awl__error_detail(awl_running_, EINVAL, "%s:%d: there is no host of that name, or no such port",
                          self->host ? self->host : "NULL", self->port);
        co_raise(EINVAL);
    }
    if (o->local_port < 0 || o->local_port > 65535) {
        awl__error_detail(awl_running_, EINVAL, "local_port %d: there is no such port", o->local_port);
        co_raise(EINVAL);
    }
    self->error = awl__layer_check(o, false);
    if (self->error)
        co_raise(self->error);
    self->family = o->family;
    if (o->local_host)
        co_let(self->to.n_local,
               awl_getaddrinfo(o->local_host, o->local_port, self->family, self->to.local, MOST_LOCAL));
    else if (o->local_port)
        any_local(&self->to, o->local_port);
    co_let(self->to.n, awl_getaddrinfo(self->host, self->port, self->family, self->to.addresses, MOST_TRIED));

    /* One address needs no race. */
    if (self->to.n == 1) {
        self->error = begin(&self->to, 0, &self->s);
        if (self->error == EINPROGRESS) {
            while (!self->s->writable)
                co_await(awl__stream_change(self->s));
            self->error = outcome(self->s);
            self->to.errors[0] = (int16_t)self->error;
        }
    } else {
        alternate(self->to.addresses, self->to.n);
        co_try(self->error, co_call(race, .c.to = &self->to));
        if (!self->error)
            co_result(self->s);
    }
    if (self->error) {
        explain(&self->to, self->error);
        co_raise(self->error);
    }
    if (o->tls)
        co_await(awl__layer_of(o->tls)->start(self->s, o->tls, o->server_name ? o->server_name : self->host));
    co_return(self->s);
    co_finally;
    if (co_failing) {
        awl_stream_close(self->s);
        self->s = NULL;
    }
    co_end;
}

awl_coro awl_open_connection(const char *host, int port, const awl_stream_options *options)
{
    return co_call(open_connection, .host = host, .port = port, .to.options = awl__stream_options(options));
}
