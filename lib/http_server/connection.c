/* Connections of the HTTP server: one request after the other, and how long each may take; see awl/http_server.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "http_server_priv.h"

enum {
    MOST_DRAINED = 65536,        /* bytes of a body that nobody read, and that are read to keep a connection */
    LINGER = 2,                  /* seconds that a client has to read why it was refused, if it sends nothing */
    MOST_LINGER = 10,            /* and if it sends on and on */
    LONGEST_LINE = 16384,        /* of chunks and trailers */
};

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static void put_off(awl__connection *c);

static void time_is_up(void *arg)
{
    awl__connection *c = arg;
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    c->armed = AWL_FOREVER;
    if (c->app->loop->now < c->deadline) { /* it was put off meanwhile */
        awl__connection_enter(c, c->phase);
        return;
    }
    switch (c->phase) {
    case AWL__HEAD: awl_stream_write(c->s, late, sizeof late - 1); /* fall through */
    case AWL__IDLE: awl__stream_end(c->s); break;
    case AWL__LINGER:
        if (c->s->moved != c->moved && c->app->loop->now < c->last)
            put_off(c);
        else
            awl__stream_end(c->s);
        break;
    case AWL__WRITE:
        if (c->s->moved != c->moved) { /* slow, but it moves */
            c->phase = AWL__HANDLER;
            awl__connection_enter(c, AWL__WRITE);
            break;
        } /* fall through */
    default: awl__stream_fail(c->s, ETIMEDOUT);
    }
}

static awl_time timeout_of(const awl__connection *c, enum awl__phase phase)
{
    switch (phase) {
    case AWL__IDLE: return awl__site_patience(c->site);
    case AWL__HEAD: return c->app->options.head_timeout;
    case AWL__BODY: return c->app->options.body_timeout;
    case AWL__WRITE: return c->app->options.write_timeout;
    case AWL__LINGER: return LINGER * AWL_SECOND;
    default: return AWL_FOREVER;
    }
}

/* The timer is set anew only where it would come too late: as a rule, putting it off costs a store. */
static void arm(awl__connection *c)
{
    if (c->deadline >= c->armed)
        return;
    awl_handle_cancel(&c->timer);
    c->armed = c->deadline;
    awl_call_at(c->app->loop, &c->timer, c->deadline, time_is_up, c);
}

/* One that lingers has sent something. */
static void put_off(awl__connection *c)
{
    c->moved = c->s->moved;
    c->deadline = awl__later(c->app->loop, LINGER * AWL_SECOND);
    if (c->deadline > c->last)
        c->deadline = c->last;
    arm(c);
}

void awl__connection_enter(awl__connection *c, enum awl__phase phase)
{
    awl_loop *loop = c->app->loop;
    const awl_time timeout = timeout_of(c, phase);

    if (phase != c->phase || timeout == AWL_FOREVER) { /* else the time that it has goes on, even if it is up */
        c->phase = phase;
        c->deadline = timeout == AWL_FOREVER ? AWL_FOREVER : awl__later(loop, timeout);
        c->moved = c->s->moved;
    }
    arm(c);
    awl__site_set_idle(c, phase == AWL__IDLE || phase == AWL__HEAD);
}

/* ---- One request ------------------------------------------------------------------------------------------------- */

/* How the body comes, whether the connection stays; 0 or the status that refuses: `status`, if there is one already. */
static int prepare(awl_request *request, int status)
{
    const awl__http_head *head = &request->head;
    const enum awl__framing framing = awl__http_framing(head, false);

    awl__incoming_begin(&request->in, request->s, framing, head->length, request->app->options.upload_limit);
    if (!status && framing == AWL__BODY_LENGTH && head->length > request->app->options.upload_limit)
        status = 413;
    request->keep = !status && awl__http_persists(head) && !request->connection->site->closing;
    return status;
}

static void report(const awl_request *request, const char *what, int error)
{
    awl__report(request->app->loop, &(awl_report){ .what = what,
                                                   .name = request->route ? request->route->pattern
                                                                          : awl_request_target(request),
                                                   .error = error });
}

/* A handler has ended, with an error or without: who wrote it is told of what is his mistake, and not the client's. */
static void report_end(const awl_request *request, int error)
{
    const bool ours = error != request->s->error && error != request->in.error && error != request->refused;

    if (error && ours)
        report(request, "the handler of this request failed", error);
    else if (!error && !request->status && !request->wanted && !awl__request_is_gone(request))
        report(request, request->declined ? "ended without a response; the last that it tried was refused"
                                          : "ended without a response; it is to call awl_respond, or one of its kin",
               request->declined);
}

/* A body that is not as long as was promised: if the handler ended in that error, it has been reported. */
static void report_length(const awl_request *request, int error)
{
    if (!error && request->declined == EMSGSIZE)
        report(request, "ended with a body that is not as long as was promised", EMSGSIZE);
}

/* The status that a handler's end without a response means to its client. */
static int status_for(const awl_request *request, int error)
{
    if (!error || error == request->refused)
        return request->wanted ? request->wanted : 500;
    switch (error) {
    case AWL_ELIMIT: return 413;
    case AWL_EPROTOCOL:
    case AWL_EINCOMPLETE: return 400;
    default: return 500;
    }
}

/* The handler, which is cancelled if its client goes. What it leaves behind then goes nowhere. Both tasks have ended when
 * this has, whatever happens: they use the request. */
co_def(handler_or_end, { awl_request *request; awl_task *tasks[2]; int i, rc, error; bool over; })
{
    co_begin;
    self->tasks[0] = awl_create_task(awl_http_next(self->request));
    self->tasks[1] = awl_create_task(awl_request_disconnected(self->request));
    if (!self->tasks[0] || !self->tasks[1])
        co_raise(ENOMEM);
    co_await(awl_wait(self->tasks, 2, AWL_FIRST_COMPLETED, AWL_FOREVER));
    self->over = true;
    co_finally;
    for (self->i = 0; self->i < 2; self->i++) {
        awl_task_cancel(self->tasks[self->i]);
        while (self->tasks[self->i] && !awl_task_done(self->tasks[self->i]))
            co_try_cancel(self->rc, self->tasks[self->i]);
    }
    if (self->over)
        self->error = awl_task_error(self->tasks[0]);
    if (self->error == ECANCELED && awl_task_error(self->tasks[1]) && !awl_task_cancelling(awl_current_task()))
        self->error = awl_task_error(self->tasks[1]);
    awl_task_release(self->tasks[0]);
    awl_task_release(self->tasks[1]);
    if (self->over && awl__request_is_gone(self->request)) {
        if (!self->request->out.ended) /* by no fault of the handler's */
            awl__respond_break(self->request);
        awl_stream_abort(self->request->s);
    } else if (self->error && !(self->error == ECANCELED && self->request->events_over))
        co_raise(self->error);
    co_end;
}

static awl_coro while_connected(awl_request *request) { return co_call(handler_or_end, .request = request); }

/* What answers a request: the application, or its page for what was refused with `status`. */
static awl_coro answer(awl_request *request, int status)
{
    request->next = request->app->middlewares;
    request->chain_ended = status != 0;
    return status                                       ? awl__respond_wanted(request, status)
           : request->app->options.cancel_on_disconnect ? while_connected(request)
                                                        : awl_http_next(request);
}

/* What is left of the body is read and dropped, if that is little. Result: whether the connection can go on. It cannot
 * where the client waits for a 100 that nobody has sent: whether the body comes, nobody knows. */
co_def(drop_body, { awl_request *request; char sink[1024]; size_t all; int rc; int64_t n; })
{
    co_begin;
    if (self->request->head.expects_continue && !self->request->told_to_go_on)
        co_return(self->request->in.ended);
    if (self->request->in.framing == AWL__BODY_LENGTH && self->request->in.left > MOST_DRAINED)
        co_return(false);
    while (!self->request->in.ended && self->all < MOST_DRAINED) {
        awl__connection_enter(self->request->connection, AWL__BODY);
        co_try(self->rc, awl__incoming_read(&self->request->in, self->sink, sizeof self->sink));
        if (self->rc)
            co_return(false);
        co_result(self->n);
        self->all += (size_t)self->n;
    }
    co_return(self->request->in.ended);
    co_end;
}

static void tell_access(const awl_request *request)
{
    const awl_http_app *app = request->app;

    if (app->access)
        app->access(app->access_arg, request, request->status, request->sent, app->loop->now - request->began);
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

/* A request's memory: what was in it is cleared, but for the fields' places. */
static awl_request *new_request(awl__connection *c)
{
    awl_request *request = awl__alloc_zeroed(c->app->loop, sizeof *request, offsetof(awl_request, head));

    if (!request)
        return NULL;
    awl__http_head_begin(&request->head, false);
    request->app = c->app;
    request->s = c->s;
    request->connection = c;
    return request;
}

static void end_request(awl__connection *c)
{
    if (!c->request)
        return;
    if (c->request->status && !c->request->out.ended) /* it was cancelled */
        awl__respond_break(c->request);
    awl__request_close(c->request);
    awl__free(c->app->loop, c->request, sizeof *c->request);
    c->request = NULL;
}

/* Parses what is buffered. 0: more is needed; else the request's status: 0 is in *whole. */
static int parse(awl_request *request, bool *whole)
{
    awl_input_ *in = &request->s->in;
    char *at = in->at_ + in->start_;
    const int n = in->at_ ? awl__http_head_parse(&request->head, at, awl__input_len(in)) : 0;
    int status;

    *whole = n != 0;
    if (n <= 0)
        return n < 0 ? request->head.status : 0;
    status = awl__request_open(request, at, (size_t)n);
    awl__input_take(in, (size_t)n);
    awl__input_settle(in);
    return prepare(request, status);
}

/* What has arrived and not been read, the kernel knows. */
bool awl__connection_is_quiet(const awl__connection *c)
{
    int n = 0;

    return !awl__input_len(&c->s->in) && (c->s->io.fd < 0 || ioctl(c->s->io.fd, FIONREAD, &n) || !n);
}

/* The next request, in c->request; NULL: there is none. Nothing but the connection itself is held while it is idle. An
 * end and an error of the connection are alike, as nobody is to know. */
co_def(next_request, { awl__connection *c; int status, rc; bool whole; })
{
    awl__connection *c = self->c;

    co_begin;
    awl__connection_enter(c, AWL__IDLE);
    if (c->site->closing && awl__connection_is_quiet(c))
        co_return(0);
    if (!awl__input_len(&c->s->in)) {
        co_try(self->rc, awl__stream_fill(c->s));
        if (self->rc == ENOMEM)
            co_raise(ENOMEM);
        if (self->rc || !awl__input_len(&c->s->in))
            co_return(0);
    }
    c->request = new_request(c);
    if (!c->request)
        co_raise(ENOMEM);
    while (self->status = parse(c->request, &self->whole), !self->whole) {
        awl__connection_enter(c, AWL__HEAD);
        co_try(self->rc, awl__stream_fill(c->s));
        if (self->rc || c->s->in.eof_) {
            end_request(c);
            if (self->rc == ENOMEM)
                co_raise(ENOMEM);
            co_return(0);
        }
    }
    awl__connection_enter(c, AWL__HANDLER);
    c->request->began = c->app->loop->now;
    co_return(self->status);
    co_end;
}

/* Who was refused may be sending still: to close now would destroy the answer on its way. As long as it goes on sending it
 * has more time, but not for ever. */
co_def(let_linger, { awl__connection *c; int rc; int64_t n; char sink[2048]; })
{
    co_begin;
    if (self->c->s->error || awl__stream_part(self->c->s))
        co_return(0);
    self->c->last = awl__later(self->c->app->loop, MOST_LINGER * AWL_SECOND);
    awl__connection_enter(self->c, AWL__LINGER);
    for (;;) {
        co_try(self->rc, awl_stream_read(self->c->s, self->sink, sizeof self->sink)); /* of TLS nothing; but `moved` tells */
        if (self->rc)
            break;
        co_result(self->n);
        if (!self->n)
            break;
        put_off(self->c);
    }
    co_end;
}

/* Handles a request, whose head is there or was refused with `status`, and says whether the connection goes on. */
co_def(serve_request, { awl_request *request; int status, rc; bool goes_on; })
{
    co_begin;
    if (!self->request->text) {
        (void)awl__respond_page(self->request, self->status); /* the connection ends with or without it */
    } else {
        co_try_cancel(self->rc, answer(self->request, self->status));
        if (self->rc == ECANCELED && awl_task_cancelling(awl_current_task())) /* else something that it awaited was */
            co_raise(ECANCELED);
        report_end(self->request, self->rc);
        if (self->rc && !self->request->status)
            self->request->fields.len = 0; /* they were to go with another response */
        if (!self->request->status && !self->request->s->error)
            co_try(self->status, awl__respond_wanted(self->request, status_for(self->request, self->rc)));
        else if (self->rc && !self->request->out.ended)
            awl__respond_break(self->request); /* the rest of the body will not come, and its end must not */
        if (!self->request->status || self->request->failed || awl_respond_end(self->request))
            self->request->keep = false;
        report_length(self->request, self->rc);
    }
    tell_access(self->request);
    self->goes_on = self->request->keep && !self->request->s->error;
    if (self->goes_on && !self->request->in.ended)
        co_let(self->goes_on, co_call(drop_body, .request = self->request));
    if (self->request->s->gate.paused_) {
        awl__connection_enter(self->request->connection, AWL__WRITE);
        co_await(awl_stream_drain(self->request->s));
    }
    co_return(self->goes_on);
    co_end;
}

void awl__connection_say_busy(awl_stream *s)
{
    static const char busy[] =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n\r\n503 Service Unavailable\n";

    (void)awl_stream_write(s, busy, sizeof busy - 1);
}

/* There are too many connections. Result: whether the client is given time to read that: not to very many at once. With
 * TLS it is closed: a handshake is the last thing to do now. */
static bool refuse(awl__connection *c)
{
    if (c->site->tls)
        return false;
    awl__connection_say_busy(c->s);
    return c->site->refused <= c->site->limit / 16 + 1;
}

co_def(connection, { awl__connection c; int rc, status; bool goes_on, unread; })
{
    co_begin;
    self->c.armed = self->c.deadline = AWL_FOREVER;
    self->c.phase = AWL__HANDLER;
    self->goes_on = awl__site_join(&self->c);
    if (!self->goes_on)
        self->unread = refuse(&self->c);
    if (self->goes_on && self->c.site->tls) { /* until then it is as good as idle: others may take its place */
        awl__connection_enter(&self->c, AWL__IDLE);
        co_try(self->rc, awl__server_handshake(self->c.s, self->c.site->tls));
        self->goes_on = !self->rc;
    }
    while (self->goes_on) {
        co_let(self->status, co_call(next_request, .c = &self->c));
        if (!self->c.request)
            break;
        co_try(self->rc, co_call(serve_request, .request = self->c.request, .status = self->status));
        self->goes_on = false;
        if (!self->rc)
            co_result(self->goes_on);
        self->unread = !self->goes_on && (!self->c.request->in.ended || self->c.request->lingers ||
                                          !awl__connection_is_quiet(&self->c));
        end_request(&self->c);
    }
    if (self->unread)
        co_await(co_call(let_linger, .c = &self->c));
    awl__connection_enter(&self->c, AWL__WRITE);
    co_try(self->rc, awl_stream_wait_closed(self->c.s));
    co_finally;
    awl_handle_cancel(&self->c.timer);
    awl__site_leave(&self->c);
    end_request(&self->c);
    co_end;
}

/* ---- Serving; see awl/http_server.h ------------------------------------------------------------------------------ */

static awl_coro serve_client(awl_stream *s, void *arg)
{
    awl__site *site = arg;

    return co_call(connection, .c = { .site = site, .app = site->app, .s = s });
}

static void site_stopped(void *arg) { awl__site_stop(arg); }

static void site_released(void *arg)
{
    awl__site *site = arg;
    awl_http_app *app = site->app;

    if (site->tls)
        awl__layer_of(site->tls)->release(site->tls);
    awl__free(app->loop, site, sizeof *site);
    awl_http_app_release(app);
}

co_def(serve, {
    awl_http_app *app;
    const char *host;
    int port;
    awl_stream_options options;
    awl__site *site;
    awl_server *server;
    int rc;
})
{
    co_begin;
    self->rc = self->app ? awl__layer_check(&self->options, true) : EINVAL;
    if (self->rc)
        co_raise(self->rc);
    if (!self->options.limit)
        self->options.limit = LONGEST_LINE;
    self->site = awl__alloc(self->app->loop, sizeof *self->site);
    if (!self->site)
        co_raise(ENOMEM);
    awl__site_open(self->site, self->app);
    awl__app_retain(self->app);
    if (self->options.tls) { /* is for connections that count: who says nothing in a handshake is one of them */
        self->site->tls = self->options.tls;
        awl__layer_of(self->site->tls)->retain(self->site->tls);
        self->options.tls = NULL;
    }
    co_let(self->server, awl_start_server(serve_client, self->site, self->host, self->port, &self->options));
    awl__server_adopt(self->server, site_stopped, site_released);
    self->site = NULL;
    co_return(self->server);
    co_finally;
    if (self->site)
        site_released(self->site);
    co_end;
}

/* A stream of somebody's, as a site of its own. */
co_def(serve_stream, { awl_http_app *app; awl_stream *s; awl__site site; })
{
    co_begin;
    if (!self->app || !self->s)
        co_raise(EINVAL);
    awl__site_open(&self->site, self->app);
    awl__app_retain(self->app);
    co_await(co_call(connection, .c = { .site = &self->site, .app = self->app, .s = self->s }));
    co_finally;
    awl_http_app_release(self->site.app);
    co_end;
}

awl_coro awl_http_serve_stream(awl_http_app *app, awl_stream *s)
{
    return co_call(serve_stream, .app = app, .s = s);
}

awl_coro awl_http_serve(awl_http_app *app, const char *host, int port, const awl_stream_options *options)
{
    static const awl_stream_options none;

    return co_call(serve, .app = app, .host = host, .port = port, .options = options ? *options : none);
}
