/* Servers that end, at once, gracefully, or when their task is cancelled; see awl/stream.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>

#include "../signals/signals_priv.h"
#include "server_priv.h"

/* ---- Waiting for the stop, and for the last client --------------------------------------------------------------- */

typedef struct server_wait_frame {
    awl__stream_op op; /* of no stream */
    awl_server *server;
    bool stops; /* it stops the server, and waits for the clients, too */
} server_wait_frame;

static bool is_over(const server_wait_frame *self)
{
    return self->server->stopped && !(self->stops && self->server->served);
}

static co_step server_wait_step(co_frame *frame, co_stack *stack)
{
    server_wait_frame *self = (server_wait_frame *)(void *)frame;
    awl_server *server = self->server;
    bool cancelled = false;

    if (!server)
        return awl__op_end(frame, stack, EINVAL);
    if (frame->state_ == AWL__OP_START) {
        if (self->stops)
            awl__server_stop(server);
        server->refs++;
    } else {
        cancelled = awl__stream_unpark(&self->op, stack, &server->waiters);
    }
    if (!is_over(self) && !cancelled)
        return awl__stream_park(&self->op, stack, &server->waiters);
    awl__server_drop(server);
    return awl__op_end_plain(frame, stack, cancelled ? ECANCELED : 0);
}

static const co_type server_wait_type = { server_wait_step, awl__stream_op_cancel,     "awl_server_wait_closed",
                                          __FILE__,         sizeof(server_wait_frame), __LINE__ };

static awl_coro server_wait(awl_server *server, bool stops)
{
    server_wait_frame *self = awl__op_new(&server_wait_type, sizeof *self);

    if (self) {
        self->op.stream = NULL;
        self->server = server;
        self->stops = stops;
    }
    return awl__op(self);
}

awl_coro awl_server_wait_closed(awl_server *server) { return server_wait(server, true); }

/* ---- With an end to the patience --------------------------------------------------------------------------------- */

co_def(server_shutdown, {
    awl_server *server;
    awl_time grace;
    int rc;
    bool holds;
})
{
    co_begin;
    if (!self->server)
        co_raise(EINVAL);
    self->server->refs++;
    self->holds = true;
    awl__server_stop(self->server); /* whatever becomes of the rest */
    co_try(self->rc, awl_wait_for(server_wait(self->server, true), self->grace));
    if (self->rc && self->rc != ETIMEDOUT)
        co_raise(self->rc);
    if (self->rc == ETIMEDOUT) {
        self->server->hurried = true;
        awl__server_cancel(self->server);
        awl__server_abort(self->server, false);
        co_await(server_wait(self->server, true));
    }
    co_finally;
    if (self->holds)
        awl__server_drop(self->server);
    co_end;
}

awl_coro awl_server_shutdown(awl_server *server, awl_time grace)
{
    return co_call(server_shutdown, .server = server, .grace = grace);
}

co_def(serve_forever, {
    awl_server *server;
    awl_time grace;
    int rc;
    bool serves;
})
{
    co_begin;
    if (!self->server || self->server->stopped)
        co_raise(EINVAL);
    if (self->server->forever)
        co_raise(EBUSY);
    self->server->refs++;
    self->server->forever = self->serves = true;
    co_await(server_wait(self->server, false));
    co_raise(ECANCELED); /* somebody else has stopped it: as asyncio has it */
    co_finally;
    if (self->serves) {
        co_try_cancel(self->rc, awl_server_shutdown(self->server, self->grace));
        self->server->forever = false;
        awl__server_drop(self->server);
        if (self->rc)
            co_raise(self->rc);
    }
    co_end;
}

awl_coro awl_server_serve_forever(awl_server *server, awl_time grace)
{
    return co_call(serve_forever, .server = server, .grace = grace);
}

/* ---- By signals -------------------------------------------------------------------------------------------------- */

/* The signals that end a server. What they need is here from the beginning: no memory is asked for when one comes. */
typedef struct stop_signals {
    struct stop_signal {
        awl__signal signal; /* first */
        struct stop_signals *of;
    } each[2];
    awl_server *server;
    awl_event came;
    int number; /* of the first that came; 0: none has */
} stop_signals;

static void stop_signal_came(awl__signal *signal)
{
    stop_signals *all = ((struct stop_signal *)(void *)signal)->of;

    if (all->number)
        awl_server_abort_clients(all->server);
    else
        all->number = signal->number;
    awl_event_set(&all->came);
}

static int await_signals(stop_signals *all, awl_server *server)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    int error = 0;

    all->server = server;
    for (size_t i = 0; i < 2 && !error; i++) {
        all->each[i].of = all;
        error = awl__signal_add_asked(server->loop, &all->each[i].signal, numbers[i], stop_signal_came);
    }
    return error;
}

co_def(serve_until_signal, {
    awl_server *server, *held;
    awl_time grace;
    stop_signals signals;
    int rc;
})
{
    co_begin;
    if (!self->server || self->server->stopped)
        co_raise(EINVAL);
    self->held = self->server;
    self->held->refs++;
    self->rc = await_signals(&self->signals, self->held);
    if (self->rc)
        co_raise(self->rc);
    co_await(awl_race(awl_event_wait(&self->signals.came), server_wait(self->held, false)));
    co_await(awl_server_shutdown(self->held, self->grace));
    co_return(self->signals.number);
    co_finally;
    if (self->held) {
        awl__signal_remove(&self->signals.each[0].signal);
        awl__signal_remove(&self->signals.each[1].signal);
        awl__server_drop(self->held);
    }
    co_end;
}

awl_coro awl_server_serve_until_signal(awl_server *server, awl_time grace)
{
    return co_call(serve_until_signal, .server = server, .grace = grace);
}

/* ---- At once ----------------------------------------------------------------------------------------------------- */

void awl_server_cancel_clients(awl_server *server)
{
    if (!server)
        return;
    awl__loop_check(server->loop);
    awl__server_cancel(server);
}

void awl_server_abort_clients(awl_server *server)
{
    if (!server)
        return;
    awl__loop_check(server->loop);
    awl__server_abort(server, true);
}

void awl_server_close(awl_server *server)
{
    if (!server)
        return;
    awl__loop_check(server->loop);
    awl__server_stop(server);
    awl__server_drop(server);
}
