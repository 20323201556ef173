/* faults_visit_runs.h: what must be so after a visit (faults_visit.h), and visits with every fault. */
#ifndef HTTP_FAULTS_VISIT_RUNS_H
#define HTTP_FAULTS_VISIT_RUNS_H

#include "faults_visit.h"

/* ---- What must be so --------------------------------------------------------------------------------------------- */

static inline void check_peace(void)
{
    mask_dates(affair.got);
    MUST(affair.error == 0, 0);
    MUST(affair.wrong == 0, 0);
    MUST(affair.told == visit_length(affair.v), 0);
    for (int i = 0; i < visit_length(affair.v); i++)
        MUST(affair.begun[i] == 1 && affair.finished[i] == 1, i);
    if (sound.len)
        MUST(affair.len == sound.len && memcmp(affair.got, sound.got, sound.len) == 0, 0);
}

/* Of what the client got: that it is as it is without faults, up to where the answer to a request begins that did not
 * come whole; there may be one about that. */
static inline void check_answers(int whole)
{
    const size_t upto = whole ? sound.answers[whole - 1] : 0;
    const char *rest = affair.got;
    static const char refused[] = "HTTP/1.1 4";
    size_t n = 0;

    while (n < affair.len && n < sound.len && affair.got[n] == sound.got[n])
        n++;
    if (n == affair.len)
        return;
    MUST(n >= upto, whole);
    rest += upto;
    if (strncmp(rest, "HTTP/1.1 100 Continue\r\n\r\n", 25) == 0)
        rest += 25;
    n = strlen(rest) < sizeof refused - 1 ? strlen(rest) : sizeof refused - 1;
    MUST(memcmp(rest, refused, n) == 0, whole);
    if (strlen(rest) > sizeof refused && affair.error == 0)
        MUST(behind_answer(rest, false) && !*behind_answer(rest, false), whole);
}

/* After a fault that stops: reset, cut, end or silence. */
static inline void check_stop(void)
{
    bool goodbye;
    const size_t delivered = net_delivered(FAULT_FORTH, &goodbye);
    const bool heard = net.plan.way[FAULT_FORTH].kind == FAULT_END; /* the client still hears all */
    int whole = 0, n = visit_length(affair.v);

    mask_dates(affair.got);
    MUST(affair.wrong == 0, 0);
    while (whole < n && delivered >= sound.bodies[whole])
        whole++;
    for (int i = 0; i < n; i++) {
        MUST(affair.begun[i] <= (delivered >= sound.heads[i]), i);
        MUST(affair.finished[i] <= (affair.v->all[i].unread ? affair.begun[i] : i < whole), i);
        if (heard)
            MUST(affair.begun[i] == (delivered >= sound.heads[i]) && affair.finished[i] >= (i < whole), i);
    }
    MUST(affair.told <= whole + 1, whole);
    check_answers(whole);
    if (heard)
        MUST(affair.len >= (whole ? sound.answers[whole - 1] : 0), whole);
    MUST(affair.took <= (20 + 2) * AWL_SECOND, whole);
}

/* After a fault that changes what is sent. Without TLS nobody can know. */
static inline void check_change(void)
{
    mask_dates(affair.got);
    for (int i = 0; i < MOST_WANTED - 1 && net.tls; i++)
        MUST(affair.begun[i] <= 1 && affair.finished[i] <= affair.begun[i], i);
    if (net.tls) {
        MUST(affair.wrong == 0, 0);
        MUST(affair.len <= sound.len && memcmp(affair.got, sound.got, affair.len) == 0, 0);
    }
    MUST(affair.took <= (20 + 2) * AWL_SECOND, 0);
}

/* After the server was cancelled: what came before that is as it is without. */
static inline void check_cancelled(void)
{
    const int n = visit_length(affair.v);

    mask_dates(affair.got);
    MUST(affair.wrong == 0, 0);
    MUST(affair.len <= sound.len && memcmp(affair.got, sound.got, affair.len) == 0, 0);
    for (int i = 0; i < n; i++) {
        MUST(affair.begun[i] <= (i ? affair.begun[i - 1] : 1), i);
        MUST(affair.finished[i] <= affair.begun[i], i);
    }
    MUST(!affair.was_over || affair.cancels < 0 || (affair.len == sound.len && affair.finished[n - 1]), n - 1);
    MUST(affair.took < AWL_SECOND, 0);
}

/* An allocation has failed, somewhere: the answers are right up to one that says so (5xx), or to the end; nobody waits.
 */
static inline void check_starved(void)
{
    size_t n = 0, begins = 0;

    mask_dates(affair.got);
    MUST(affair.wrong == 0, 0);
    while (n < affair.len && n < sound.len && affair.got[n] == sound.got[n])
        n++;
    for (int i = 0; i < visit_length(affair.v); i++) {
        MUST(affair.begun[i] <= 1 && affair.finished[i] <= affair.begun[i], i);
        begins = sound.answers[i] <= n ? sound.answers[i] : begins;
    }
    if (n < affair.len) { /* it is another answer, and not another text in one */
        const char *rest = affair.got + begins;

        if (strncmp(rest, "HTTP/1.1 100 Continue\r\n\r\n", 25) == 0)
            rest += 25;
        MUST(strncmp(rest, "HTTP/1.1 5", strlen(rest) < 10 ? strlen(rest) : 10) == 0, 0);
    }
    MUST(affair.took < AWL_SECOND, 0);
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

typedef void check_fn(void);

static inline void prepare(const visit *v)
{
    net_begin(serve_app);
    affair.v = v;
    affair.slow = false;
    affair.cancels = -1;
}

static size_t totals[2]; /* bytes in each direction */

static inline void close_visits(void)
{
    awl_http_app_release(affair.app);
    affair.app = NULL;
    net_close();
}

co_def(begin_visits, { const visit *v; })
{
    co_begin;
    net_open();
    affair.app = new_app();
    sound.len = 0;
    prepare(self->v);
    co_await(co_call(have));
    check_peace();
    if (net.secrecy) {
        net.secrecy->keep();
        prepare(self->v);
        co_await(co_call(have));
        check_peace();
    }
    keep_sound();
    for (int way = 0; way < 2; way++)
        totals[way] = net.lines[0].pipes[way].arrived;
    co_end;
}

co_def(once, { check_fn *check; })
{
    co_begin;
    co_await(co_call(have));
    self->check();
    co_await(co_call(have_a_healthy_one));
    net_check(net_plan());
    co_end;
}

co_def(in_peace, { const visit *v; })
{
    co_begin;
    co_await(co_call(begin_visits, .v = self->v));
    co_finally;
    close_visits();
    co_end;
}

/* A fault at every `stride`-th offset. */
co_def(at_offsets, {
    const visit *v;
    fault_kind kind;
    int way;
    check_fn *check;
    size_t at, stride;
})
{
    co_begin;
    co_await(co_call(begin_visits, .v = self->v));
    for (; self->at <= totals[self->way]; self->at += self->stride) {
        prepare(self->v);
        net.plan.way[self->way] = (fault_way){ .kind = self->kind, .at = self->at };
        affair.slow = self->at % 16 == 5;
        co_await(co_call(once, .check = self->check));
    }
    co_finally;
    close_visits();
    co_end;
}

/* In chunks of each size, so that each byte is once the last one that has come for a while. */
co_def(in_chunks, {
    const visit *v;
    size_t size, stride;
})
{
    co_begin;
    co_await(co_call(begin_visits, .v = self->v));
    for (self->size = 1; self->size <= totals[0] + 1; self->size += self->stride) {
        prepare(self->v);
        net.plan.way[0] = (fault_way){ .chunk = self->size, .delay = self->size % 2 ? AWL_MS : 0 };
        net.plan.way[1] = (fault_way){ .chunk = 2 * self->size, .delay = self->size % 3 ? AWL_MS / 10 : 0 };
        affair.slow = self->size % 5 == 0;
        co_await(co_call(once, .check = check_peace));
    }
    co_finally;
    close_visits();
    co_end;
}

/* The n-th allocation of a visit fails. Each time in a new loop, which has little in reserve. */
co_def(starved, {
    const visit *v;
    size_t n;
    bool *more;
    size_t before;
    int rc;
})
{
    co_begin;
    net_open();
    affair.app = new_app();
    prepare(self->v);
    self->before = harness_alloc_count();
    harness_fail_alloc(self->n);
    co_try(self->rc, co_call(have));
    harness_fail_alloc(0);
    *self->more = harness_alloc_count() - self->before >= self->n;
    co_await(co_call(net_ends)); /* which may have been what failed */
    MUST(self->rc == 0 || self->rc == ENOMEM, 0);
    if (!self->rc) {
        check_starved();
        prepare(self->v);
        co_await(co_call(have));
        check_peace();
    }
    net_check(net_plan());
    reports[0] = '\0'; /* of handlers that had no memory */
    co_finally;
    close_visits();
    co_end;
}

/* Where the answers are those of a visit before. */
static inline void each_allocation_fails(const visit *v)
{
    bool more = true;

    run_main(co_call(in_peace, .v = v), true);
    for (size_t n = 1; more; n++)
        run_main(co_call(starved, .v = v, .n = n, .more = &more), true);
}

/* The server is cancelled after every iteration, until it ends before; the bytes come in chunks, so that there are
 * many. */
co_def(cancelled, {
    const visit *v;
    int n;
    size_t chunk;
})
{
    co_begin;
    co_await(co_call(begin_visits, .v = self->v));
    do {
        prepare(self->v);
        for (int way = 0; way < 2; way++)
            net.plan.way[way].chunk = self->chunk << 2 * way;
        affair.cancels = ++self->n;
        co_await(co_call(once, .check = check_cancelled));
        self->n += SLOW ? self->n % 3 : 0;
    } while (!affair.was_over && self->n < 300);
    CHECK(self->n > 20);
    co_finally;
    close_visits();
    co_end;
}

/* Over transports that hold few bytes, move few at once, or say "not now" for no reason: slow readers and writers. */
co_def(with_habits, {
    const visit *v;
    int i;
})
{
    static const wire_habits habits[] = { { .most = 1 },  { .most = 2, .again = 2 },
                                          { .room = 1 },  { .room = 17, .late_eof = true },
                                          { .again = 3 }, { .room = 5, .most = 3, .again = 5 } };

    co_begin;
    co_await(co_call(begin_visits, .v = self->v));
    for (self->i = 0; self->i < (int)(sizeof habits / sizeof *habits); self->i++) {
        prepare(self->v);
        net.habits = habits[self->i];
        affair.slow = self->i % 2;
        co_await(co_call(once, .check = check_peace));
    }
    co_finally;
    close_visits();
    co_end;
}

#endif
