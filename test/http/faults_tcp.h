/*
 * faults_tcp.h: faults on real sockets (faults/proxy.h) between a session and a server of ours, while another client,
 * which has kept its connection all the time, is served on. What must be so at each offset is in faults_talk.h and
 * faults_visit.h; here it is that no SIGPIPE comes, no descriptor is left, and the kernel behaves as the wire in
 * memory.
 */
#ifndef HTTP_FAULTS_TCP_H
#define HTTP_FAULTS_TCP_H

#include <signal.h>

#include "../faults/proxy.h"
#include "../faults/slow.h"
#include "../stream/rig.h"

enum { BODY = 1500 };

static struct affair {
    const char *scheme;
    awl_tls *server, *client; /* of https */
    awl_time limit;           /* of a request */

    awl_http_app *app;
    awl_server *serving;
    awl_http_session *healthy;
    int begun, ended, failed, wrong; /* handlers; bodies that were others than those sent */
    char body[BODY + 1];
} affair;

/* ---- The server -------------------------------------------------------------------------------------------------- */

/* Sends what it gets, as it comes. */
co_def(echoes, {
    awl_request *request;
    char body[BODY + 1];
    size_t len;
    int n, rc;
})
{
    co_begin;
    affair.begun++;
    for (;;) {
        co_let(self->n, awl_request_read(self->request, self->body + self->len, sizeof self->body - self->len));
        if (!self->n)
            break;
        self->len += (size_t)self->n;
    }
    affair.wrong += self->len && (self->len != BODY || memcmp(self->body, affair.body, BODY) != 0);
    self->rc = awl_respond_begin(self->request, 200, "text/plain", -1);
    if (self->rc)
        co_raise(self->rc);
    co_await(awl_respond_write(self->request, self->body, self->len));
    co_finally;
    affair.ended += !co_failing;
    affair.failed += co_failing != 0;
    co_end;
}

static inline awl_coro on_echoes(awl_request *request, void *arg)
{
    return (void)arg, co_call(echoes, .request = request);
}

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

co_def(uploads, {
    awl_http_upload *up;
    int i;
})
{
    co_begin;
    for (; self->i < 3; self->i++)
        co_await(awl_upload_write(self->up, affair.body + (size_t)self->i * BODY / 3, BODY / 3));
    co_end;
}

static inline awl_coro upload(awl_http_upload *up, void *arg) { return (void)arg, co_call(uploads, .up = up); }

/* Asks for something, or has a body sent back. Result: whether all came. */
co_def(ask, {
    awl_http_session *session;
    int port;
    bool with_body;
    char url[64];
    awl_response *r;
    char *all;
    size_t len;
})
{
    co_begin;
    snprintf(self->url, sizeof self->url, "%s://localhost:%d/", affair.scheme, self->port);
    co_let(self->r, awl_http_request(self->session, self->with_body ? "POST" : "GET", self->url,
                                     &(awl_http_request_options){ .upload = self->with_body ? upload : NULL }));
    co_let(self->all, awl_response_read_all(self->r, &self->len));
    co_return(awl_response_status(self->r) == 200 && self->len == (self->with_body ? BODY : 0) &&
               memcmp(self->all, affair.body, self->len) == 0);
    co_finally;
    awl_response_close(self->r);
    co_end;
}

static inline awl_http_session *new_session(awl_time limit)
{
    awl_http_session *session = awl_http_session_new(
        &(awl_http_session_options){ .tls = affair.client, .proxy = "", .timeouts = { .total = limit } });

    CHECK(session != NULL);
    return session;
}

/* What became of a request through the proxy. */
typedef struct outcome {
    int error;
    bool right;
} outcome;

/* A request through the proxy, with a session of its own, and one beside it. */
co_def(meet, {
    int port, well;
    awl_http_session *session;
    outcome *o;
})
{
    co_begin;
    *self->o = (outcome){ 0 };
    self->session = new_session(affair.limit);
    co_try(self->o->error, co_call(ask, .session = self->session, .port = self->port, .with_body = true));
    if (!self->o->error)
        co_result(self->o->right);
    co_let(self->well, co_call(ask, .session = affair.healthy, .port = awl_server_port(affair.serving)));
    CHECK(self->well);
    co_finally;
    awl_http_session_close(self->session);
    co_end;
}

typedef void check_fn(const outcome *o, const fault_plan *plan, size_t later);

/* `n` requests, each with the fault `step` bytes later than the one before; and how the last one ended. */
co_def(meetings, {
    fault_proxy *proxy;
    int n, i, rc;
    check_fn *check;
    outcome o;
    awl_time start;
})
{
    const awl_time limit = affair.limit;

    co_begin;
    affair.begun = affair.ended = affair.failed = affair.wrong = 0;
    for (int i = 0; i < BODY; i++)
        affair.body[i] = (char)('a' + i * 7 % 25);
    affair.app = awl_http_app_new(&(awl_http_app_options){
        .head_timeout = limit, .body_timeout = limit, .write_timeout = limit, .idle_timeout = 2 * limit });
    CHECK(affair.app != NULL);
    CHECK_INT(awl_http_route(affair.app, "*", "/", on_echoes, NULL), 0);
    co_let(affair.serving, awl_http_serve(affair.app, "127.0.0.1", 0, &(awl_stream_options){ .tls = affair.server }));
    affair.healthy = new_session(AWL_MINUTE);
    self->proxy->to = awl_server_port(affair.serving);
    CHECK_INT(fault_proxy_start(self->proxy), 0);
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(co_call(meet, .port = self->proxy->port, .o = &self->o));
        self->check(&self->o, &self->proxy->plan, (size_t)self->i * self->proxy->step);
    }

    /* All have gone but the healthy one, and each handler has ended. */
    self->start = awl_loop_time(NULL);
    while (awl_server_clients(affair.serving) > 1 && awl_loop_time(NULL) - self->start < 10 * AWL_SECOND)
        co_await(awl_sleep(AWL_MS));
    CHECK(awl_server_clients(affair.serving) <= 1);
    CHECK_INT(affair.ended + affair.failed, affair.begun);
    CHECK(affair.begun >= self->n && affair.begun <= 2 * self->n);
    CHECK_INT(affair.wrong, 0);
    co_await(awl_server_wait_closed(affair.serving));
    co_finally;
    fault_proxy_stop(self->proxy);
    awl_http_session_close(affair.healthy);
    if (affair.serving) {
        awl_server_cancel_clients(affair.serving);
        co_try_cancel(self->rc, awl_server_wait_closed(affair.serving));
    }
    awl_server_close(affair.serving);
    awl_http_app_release(affair.app);
    affair.healthy = NULL;
    affair.serving = NULL;
    affair.app = NULL;
    co_end;
}

/* ---- What must be so --------------------------------------------------------------------------------------------- */

/* Ends the test, and says after which fault. */
static inline void must(bool cond, const char *what, const outcome *o, const fault_plan *plan, size_t later, int line)
{
    const int way = plan->way[FAULT_BACK].kind != FAULT_NONE;

    if (!cond)
        harness_fail_(__FILE__, line, "%s: %s %s@%zu: error %d, right %d, handlers %d %d %d", what,
                      way ? "back" : "forth", fault_name(plan->way[way].kind), plan->way[way].at + later, o->error,
                      o->right, affair.begun, affair.ended, affair.failed);
}
#define MUST(cond) must((cond), #cond, o, plan, later, __LINE__)

static inline void check_peace(const outcome *o, const fault_plan *plan, size_t later) { MUST(!o->error && o->right); }

/* Nothing that is not all; and where the head of the response cannot have come, an error that says so. A body that was
 * cut off is answered with 400, which gets through where the fault is in one direction. */
static inline void check_stop(const outcome *o, const fault_plan *plan, size_t later)
{
    const int e = o->error;
    const bool silence = plan->way[0].kind == FAULT_SILENCE || plan->way[1].kind == FAULT_SILENCE;

    if (!e)
        MUST(o->right || plan->way[FAULT_FORTH].kind == FAULT_END);
    else if (silence)
        MUST(e == ETIMEDOUT);
    else
        MUST(e == ECONNRESET || e == EPIPE || e == AWL_EINCOMPLETE ||
             (affair.client && (e == AWL_ETLS || e == AWL_ETRUNCATED)));
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static inline void run_meetings(fault_proxy *proxy, int n, check_fn *check)
{
    signal(SIGPIPE, SIG_DFL);
    run_main(co_call(meetings, .proxy = proxy, .n = n, .check = check), false);
}

/* Both ways, from the first byte to beyond the end. */
static inline void everywhere(fault_kind kind, size_t step, int n, check_fn *check)
{
    for (int way = 0; way < 2; way++) {
        fault_proxy proxy = { .step = step };

        proxy.plan.way[way] = (fault_way){ .kind = kind };
        run_meetings(&proxy, n, check);
    }
}

/* In chunks of these sizes. */
static inline void in_chunks(void)
{
    static const size_t chunks[] = { 1, 7, 97, 1280 };

    for (int i = 0; i < 4; i++) {
        fault_proxy proxy = { .plan = { { { .chunk = chunks[i] }, { .chunk = chunks[3 - i] } } } };

        run_meetings(&proxy, 2, check_peace);
    }
}

#endif
