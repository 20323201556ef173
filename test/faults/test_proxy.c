/* test_proxy.c: the same faults on real sockets, at a sample of offsets. No SIGPIPE comes, and no descriptor is left. */
#include <signal.h>

#include "../stream/rig.h"
#include "dialogue.h"
#include "proxy.h"

/* ---- Dialogues over TCP ------------------------------------------------------------------------------------------- */

static party parties[2]; /* one dialogue at a time */
static bool served;
static awl_time limit;

co_def(serve_one, { awl_stream *s; })
{
    co_begin;
    parties[1] = (party){ .s = self->s, .answers = true, .limit = limit };
    co_await(dialogue_play(&parties[1]));
    co_finally;
    served = true;
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg) { return (void)arg, co_call(serve_one, .s = s); }

/* One dialogue through the proxy. Both parties have ended when it has. */
co_def(talk, { int port, rc; awl_stream *s; int tries; })
{
    co_begin;
    served = false;
    parties[0] = (party){ .limit = limit };
    co_try(self->rc, awl_open_connection("127.0.0.1", self->port, &dialogue_options));
    if (self->rc) {
        parties[0].error = self->rc; /* it was reset before it was seen to be there */
    } else {
        co_result(parties[0].s);
        co_await(dialogue_play(&parties[0]));
    }
    for (self->tries = 0; !served && self->tries < 50000; self->tries++)
        co_await(awl_sleep(AWL_MS / 5));
    CHECK(served);
    co_end;
}

/* `n` dialogues, and what must be so after the i-th. */
co_def(talks, { fault_proxy *proxy; int n, i; void (*check)(const fault_plan *plan, size_t later); awl_server *server; })
{
    co_begin;
    co_let(self->server, awl_start_server(serve, NULL, "127.0.0.1", 0, &dialogue_options));
    self->proxy->to = awl_server_port(self->server);
    CHECK_INT(fault_proxy_start(self->proxy), 0);
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(co_call(talk, .port = self->proxy->port));
        self->check(&self->proxy->plan, (size_t)self->i * self->proxy->step);
    }
    co_await(awl_server_wait_closed(self->server));
    co_finally;
    fault_proxy_stop(self->proxy);
    awl_server_close(self->server);
    co_end;
}

/* ---- What must be so --------------------------------------------------------------------------------------------- */

/* Ends the test, and says after which fault. */
static void must(bool cond, const char *what, const fault_plan *plan, size_t later, int line)
{
    const int way = plan->way[FAULT_BACK].kind != FAULT_NONE;

    if (!cond)
        harness_fail_(__FILE__, line, "%s: %s %s@%zu: errors %d %d, read %zu %zu", what, way ? "back" : "forth",
                      fault_name(plan->way[way].kind), plan->way[way].at + later, parties[0].error, parties[1].error,
                      parties[0].len, parties[1].len);
}
#define MUST(cond) must((cond), #cond, plan, later, __LINE__)

static bool is_complete(int side) { return parties[side].len == dialogue_total[1 - side]; }

/* What was read is what was sent, as far as it came. */
static void check_bytes(const fault_plan *plan, size_t later)
{
    for (int side = 0; side < 2; side++) {
        MUST(parties[side].len <= dialogue_total[1 - side]);
        MUST(memcmp(parties[side].got, dialogue_text(1 - side), parties[side].len) == 0);
    }
}

static void check_peace(const fault_plan *plan, size_t later)
{
    check_bytes(plan, later);
    for (int side = 0; side < 2; side++)
        MUST(parties[side].error == 0 && is_complete(side));
}

/* After a reset, a cut or an end: the receiving side has got all bytes before it, and each one the error of its kind. The
 * sending side may have everything it wants, and close before the fault comes. */
static void check_stop(const fault_plan *plan, size_t later)
{
    const int way = plan->way[FAULT_BACK].kind != FAULT_NONE, reader = 1 - way;
    const fault_kind kind = plan->way[way].kind;

    check_bytes(plan, later);
    for (int side = 0; side < 2; side++) {
        const int error = parties[side].error;
        const bool lost = error == ECONNRESET || error == EPIPE;

        if (kind == FAULT_END && side == reader)
            MUST(error == AWL_EINCOMPLETE);
        else if (kind == FAULT_RESET)
            MUST(lost || (side != reader && !error && is_complete(side)));
        else
            MUST(lost || error == AWL_EINCOMPLETE || (side != reader && !error && is_complete(side)));
    }
    MUST(parties[reader].len == plan->way[way].at + later);
}

static void check_silence(const fault_plan *plan, size_t later)
{
    check_bytes(plan, later);
    MUST(parties[0].error == ETIMEDOUT);
    MUST(parties[1].error == ETIMEDOUT || (parties[1].error == 0 && is_complete(1)));
}

/* One of them has noticed. */
static void check_change(const fault_plan *plan, size_t later)
{
    for (int side = 0; side < 2; side++) {
        if (parties[side].error == EBADMSG || parties[side].error == ETIMEDOUT ||
            parties[side].error == AWL_EINCOMPLETE)
            return;
    }
    MUST(!"noticed");
}

/* ---- The tests --------------------------------------------------------------------------------------------------- */

typedef void check_fn(const fault_plan *plan, size_t later);

static void run_talks(fault_proxy *proxy, int n, check_fn *check)
{
    signal(SIGPIPE, SIG_DFL);
    run_main(co_call(talks, .proxy = proxy, .n = n, .check = check), false);
}

/* A kind of fault both ways: at each offset of the first 40, and then some. */
static void everywhere(fault_kind kind, check_fn *check)
{
    limit = 20 * AWL_SECOND;
    for (int way = 0; way < 2; way++) {
        fault_proxy first = { .step = 1 }, then = { .step = 997 };

        first.plan.way[way].kind = then.plan.way[way].kind = kind;
        then.plan.way[way].at = 40;
        run_talks(&first, 40, check);
        run_talks(&then, 10, check);
    }
}

TEST(resets_by_tcp) { everywhere(FAULT_RESET, check_stop); }
TEST(cuts_by_tcp) { everywhere(FAULT_CUT, check_stop); }
TEST(ends_by_tcp) { everywhere(FAULT_END, check_stop); }

TEST(silence_by_tcp)
{
    limit = 50 * AWL_MS;
    for (int way = 0; way < 2; way++) {
        fault_proxy proxy = { .step = 2501 };

        proxy.plan.way[way].kind = FAULT_SILENCE;
        run_talks(&proxy, 4, check_silence);
    }
}

TEST(changes_by_tcp)
{
    limit = 200 * AWL_MS;
    for (int kind = FAULT_FLIP; kind <= FAULT_GARBAGE; kind++) {
        for (int way = 0; way < 2; way++) {
            fault_proxy proxy = { .step = 3001 };

            proxy.plan.way[way].kind = (fault_kind)kind;
            run_talks(&proxy, 4, check_change);
        }
    }
}

TEST(chunks_by_tcp)
{
    static const size_t chunks[] = { 1, 7, 97, 1280 };

    limit = 20 * AWL_SECOND;
    for (int i = 0; i < 4; i++) {
        fault_proxy proxy = { .plan = { { { .chunk = chunks[i] }, { .chunk = chunks[3 - i] } } } };

        run_talks(&proxy, 2, check_peace);
    }
}

TEST(slow_readers_and_writers_by_tcp)
{
    limit = 20 * AWL_SECOND;
    for (int way = 0; way < 2; way++) {
        fault_proxy proxy = { .to = 0 };

        proxy.plan.way[way] = (fault_way){ .chunk = 500, .delay = AWL_MS };
        run_talks(&proxy, 1, check_peace);
    }
}
