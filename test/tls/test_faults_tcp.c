/* test_faults_tcp.c: the same on real sockets, at a sample of offsets. No SIGPIPE comes, no descriptor is left. */
#include <signal.h>

#include "../faults/proxy.h"
#include "../faults/slow.h"
#include "stream_rig.h"
#include "talk.h"

/* ---- Talks over TCP ---------------------------------------------------------------------------------------------- */

static party parties[2]; /* one talk at a time */
static awl_tls *contexts[2];
static awl_event served;
static awl_time limit;

co_def(serve_one, { awl_stream *s; })
{
    co_begin;
    parties[1] = (party){ .s = self->s, .tls = contexts[1], .answers = true, .ends = true, .limit = limit };
    co_await(co_call(play, .p = &parties[1]));
    co_finally;
    awl_event_set(&served);
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg) { return (void)arg, co_call(serve_one, .s = s); }

/* One talk through the proxy. Both parties have ended when it has. */
co_def(meet, { int port, rc; })
{
    co_begin;
    awl_event_clear(&served);
    parties[0] = (party){ .tls = contexts[0], .limit = limit };
    co_try(self->rc, awl_open_connection("127.0.0.1", self->port, NULL));
    if (self->rc) {
        parties[0].error = self->rc; /* it was reset before it was seen to be there */
    } else {
        co_result(parties[0].s);
        co_await(co_call(play, .p = &parties[0]));
    }
    co_await(awl_wait_for(awl_event_wait(&served), 10 * AWL_SECOND));
    co_end;
}

/* `n` talks, and what must be so after the i-th. */
co_def(meetings, {
    fault_proxy *proxy;
    int n, i;
    void (*check)(const fault_plan *plan, size_t later);
    awl_server *server;
})
{
    const awl_tls_options options = { .handshake_timeout = limit };

    co_begin;
    contexts[0] = new_client(&options);
    contexts[1] = new_server(&ec_key, &options);
    awl_event_init(&served);
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, NULL));
    self->proxy->to = awl_server_port(self->server);
    CHECK_INT(fault_proxy_start(self->proxy), 0);
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(co_call(meet, .port = self->proxy->port));
        self->check(&self->proxy->plan, (size_t)self->i * self->proxy->step);
    }
    co_await(awl_server_wait_closed(self->server));
    co_finally;
    fault_proxy_stop(self->proxy);
    awl_server_close(self->server);
    awl_event_fini(&served);
    awl_tls_release(contexts[0]);
    awl_tls_release(contexts[1]);
    co_end;
}

/* ---- What must be so --------------------------------------------------------------------------------------------- */

/* Ends the test, and says after which fault. */
static void must(bool cond, const char *what, const fault_plan *plan, size_t later, int line)
{
    const int way = plan->way[FAULT_BACK].kind != FAULT_NONE;

    if (!cond)
        harness_fail_(__FILE__, line, "%s: %s %s@%zu: errors %d %d, open %d %d, read %zu %zu", what,
                      way ? "back" : "forth", fault_name(plan->way[way].kind), plan->way[way].at + later,
                      parties[0].error, parties[1].error, parties[0].open, parties[1].open, parties[0].len,
                      parties[1].len);
}
#define MUST(cond) must((cond), #cond, plan, later, __LINE__)

/* What was read is what was sent, and no end was taken for one that was not said. */
static void check_always(const fault_plan *plan, size_t later)
{
    for (int who = 0; who < 2; who++) {
        const party *p = &parties[who];

        MUST(p->len <= talk_total[1 - who]);
        MUST(memcmp(p->got, talk_text(1 - who), p->len) == 0);
        MUST(!p->ended || p->len == talk_total[1 - who]);
        if (!p->error)
            MUST(p->len == talk_total[1 - who] && (p->ended || p->ends));
    }
}

static void check_peace(const fault_plan *plan, size_t later)
{
    check_always(plan, later);
    MUST(parties[0].error == 0 && parties[1].error == 0);
}

/* The side that the fault cuts off knows. */
static void check_stop(const fault_plan *plan, size_t later)
{
    const int way = plan->way[FAULT_BACK].kind != FAULT_NONE;

    check_always(plan, later);
    MUST(parties[1 - way].error != 0);
    for (int who = 0; who < 2; who++) {
        const int error = parties[who].error;

        if (error && error != ECONNRESET && error != EPIPE)
            MUST(plan->way[way].kind != FAULT_RESET && error == (parties[who].open ? AWL_ETRUNCATED : AWL_ETLS));
    }
}

static void check_silence(const fault_plan *plan, size_t later)
{
    check_always(plan, later);
    MUST(parties[0].error == ETIMEDOUT);
    MUST(parties[1].error == ETIMEDOUT || parties[1].error == 0);
}

static void check_change(const fault_plan *plan, size_t later)
{
    const int way = plan->way[FAULT_BACK].kind != FAULT_NONE, heard = parties[1 - way].error;

    check_always(plan, later);
    MUST(heard == AWL_ETLS || heard == AWL_ECERTIFICATE || heard == AWL_ETRUNCATED || heard == ETIMEDOUT ||
         heard == ECONNRESET);
}

/* ---- The tests --------------------------------------------------------------------------------------------------- */

typedef void check_fn(const fault_plan *plan, size_t later);

static void run_meetings(fault_proxy *proxy, int n, check_fn *check)
{
    signal(SIGPIPE, SIG_DFL);
    CHECK_INT(awl_run_with(co_call(meetings, .proxy = proxy, .n = n, .check = check),
                           &(awl_loop_options){ .report = note_report }, NULL),
              0);
    CHECK_STR(reports, "");
}

/* Both ways, from the first byte to beyond the handshakes, of which all but the first are resumed. */
static void everywhere(fault_kind kind, size_t step, int n, check_fn *check)
{
    for (int way = 0; way < 2; way++) {
        fault_proxy proxy = { .step = step };

        proxy.plan.way[way] = (fault_way){ .kind = kind, .at = 3 };
        run_meetings(&proxy, n, check);
    }
}

TEST(tls_resets_by_tcp) { limit = 20 * AWL_SECOND, everywhere(FAULT_RESET, 37, 28, check_stop); }
TEST(tls_cuts_by_tcp) { limit = 20 * AWL_SECOND, everywhere(FAULT_CUT, 37, 28, check_stop); }
TEST(tls_ends_by_tcp) { limit = 20 * AWL_SECOND, everywhere(FAULT_END, 37, 28, check_stop); }
TEST(tls_silence_by_tcp) { limit = (SLOW ? 500 : 100) * AWL_MS, everywhere(FAULT_SILENCE, 211, 5, check_silence); }
TEST(tls_changed_bits_by_tcp) { limit = AWL_SECOND, everywhere(FAULT_FLIP, 37, 28, check_change); }
TEST(tls_garbage_by_tcp) { limit = AWL_SECOND, everywhere(FAULT_GARBAGE, 37, 28, check_change); }

TEST(tls_chunks_by_tcp)
{
    static const size_t chunks[] = { 1, 7, 97, 1280 };

    limit = 20 * AWL_SECOND;
    for (int i = 0; i < 4; i++) {
        fault_proxy proxy = { .plan = { { { .chunk = chunks[i] }, { .chunk = chunks[3 - i] } } } };

        run_meetings(&proxy, 2, check_peace);
    }
}
