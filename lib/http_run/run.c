/* Programs that are HTTP servers: one process. See awl/http_run.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "awl/signals.h"
#include "http_run_priv.h"

enum { GRACE = 30 }; /* seconds */

/* ---- Signals ----------------------------------------------------------------------------------------------------- */

typedef struct signals {
    unsigned n; /* how many have come */
    awl_future *first;
    awl_task *starting; /* what is not to go on then; NULL: it serves */
    awl_server *server;
} signals;

/* The first one ends the server, or its start; the second one whatever is left. */
static void signal_came(void *arg)
{
    signals *s = arg;

    if (s->n++ == 0 && s->starting)
        awl_task_cancel(s->starting);
    else if (s->n == 1)
        awl_future_set_result(s->first, 0);
    else
        awl_server_abort_clients(s->server);
}

/* SIGINT is not for a worker, but for the process that watches over it. */
static int handle_signals(signals *s, bool is_worker)
{
    const int error = awl_add_signal_handler(NULL, SIGTERM, signal_came, s);

    return error || is_worker ? error : awl_add_signal_handler(NULL, SIGINT, signal_came, s);
}

/* ---- One process ------------------------------------------------------------------------------------------------- */

co_def(run_site, {
    const awl__run *run;
    signals *signals;
    awl_http_app *app;
    awl_stream_options options;
    awl_server *server;
    awl_time grace;
    int rc, failed;
})
{
    co_begin;
    self->grace = self->run->options.grace ? self->run->options.grace : GRACE * AWL_SECOND;
    self->options = self->run->options.stream;
    self->options.tls = NULL; /* what is not made by setup is not released */
    self->app = awl_http_app_new(&self->run->options.app);
    self->signals->first = awl_future_new(NULL);
    if (!self->app || !self->signals->first)
        co_raise(self->app ? ENOMEM : errno);
    self->rc = handle_signals(self->signals, self->run->is_worker);
    if (self->rc)
        co_raise(self->rc);
    self->signals->starting = awl_current_task();
    self->rc = self->run->setup(self->app, &self->options, self->run->arg);
    if (self->rc)
        co_raise(self->rc);
    if (!self->options.tls)
        self->options.tls = self->run->options.stream.tls;
    co_await(awl_http_startup(self->app));
    co_let(self->server, awl_http_serve(self->app, self->run->host, self->run->port, &self->options));
    self->signals->server = self->server;
    self->signals->starting = NULL;
    self->run->ready(self->run, awl_server_port(self->server));
    co_await(self->signals->first);
    co_await(awl_server_shutdown(self->server, self->grace));
    co_finally;
    self->failed = co_failing;
    self->signals->starting = NULL;
    if (self->server && self->failed) /* else it has come to its end */
        co_try_cancel(self->rc, awl_server_shutdown(self->server, -1));
    if (self->app)
        co_try_cancel(self->rc, awl_http_cleanup(self->app));
    awl_remove_signal_handler(NULL, SIGTERM);
    awl_remove_signal_handler(NULL, SIGINT);
    awl_future_release(self->signals->first);
    awl_server_close(self->server);
    awl_http_app_release(self->app);
    if (self->options.tls && self->options.tls != self->run->options.stream.tls)
        awl__layer_of(self->options.tls)->release(self->options.tls);
    if (self->rc && !self->failed)
        co_raise(self->rc);
    co_end;
}

int awl__run_here(const awl__run *run)
{
    signals came = { .n = 0 };
    sigset_t wanted, before;
    int rc;

    if (awl_running_)
        return EBUSY;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &wanted, &before); /* where they are blocked in all threads they would not come */
    rc = awl_run_with(co_call(run_site, .run = run, .signals = &came), run->options.loop, NULL);
    rc = rc == ECANCELED && came.n ? 0 : rc;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* ---- Running; see awl/http_run.h --------------------------------------------------------------------------------- */

static void tell(const awl__run *run, int port)
{
    if (run->options.listening)
        run->options.listening(port, run->arg);
}

int awl_http_run(const char *host, int port, awl_http_setup *setup, void *arg, const awl_http_run_options *options)
{
    static const awl_http_run_options none;
    const awl__run run = {
        .host = host, .port = port, .setup = setup, .arg = arg, .options = options ? *options : none, .ready = tell
    };

    if (!setup || port < 0 || port > 65535 || run.options.workers < 0)
        return EINVAL;
    if (awl_running_)
        return EBUSY;
    return run.options.workers > 1 ? awl__run_workers(&run) : awl__run_here(&run);
}
