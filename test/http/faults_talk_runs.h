/* faults_talk_runs.h: what must be so after a talk (faults_talk.h), and talks with every fault. */
#ifndef HTTP_FAULTS_TALK_RUNS_H
#define HTTP_FAULTS_TALK_RUNS_H

#include "faults_talk.h"

/* ---- What must be so --------------------------------------------------------------------------------------------- */

/* RFC 9110, 9.2.2. */
static inline bool may_be_sent_twice(const exchange *x) { return strcmp(x->method, "POST") != 0; }

/* The last exchange of those that one request leads through. */
static inline int last_of(int i)
{
    while (affair.t->all[i].leads)
        i++;
    return i;
}

/* As it is without faults. */
static inline bool is_right(int i)
{
    const outcome *o = &affair.outcomes[i];
    const exchange *x = &affair.t->all[last_of(i)];
    const char *text = x->text ? x->text : "";

    return !o->error && o->status == x->status && o->len == strlen(text) && memcmp(o->text, text, o->len) == 0;
}

/* A body that only the end of the connection ends, and which was ended so by somebody else: nobody can know, but where
 * it has an end of its own, as what is compressed. */
static inline bool is_cut_unseen(int i)
{
    const exchange *x = &affair.t->all[i];
    const outcome *o = &affair.outcomes[i];

    return x->to_end && !net.tls && (!x->size || !o->len) && !o->error && o->status == x->status &&
           o->len <= strlen(x->text) && memcmp(o->text, x->text, o->len) == 0 && net.lines[0].ends[0].told_end;
}

/* Always: what was read is what was sent, nothing was done twice that may not be. */
static inline void check_always(void)
{
    MUST(affair.wrong == 0, 0);
    for (int i = 0; i < talk_length(affair.t); i++) {
        const exchange *x = &affair.t->all[i];
        const outcome *o = &affair.outcomes[i];

        MUST(affair.seen[i] <= (may_be_sent_twice(x) && i ? 2 : 1), i);
        MUST(affair.whole[i] <= affair.seen[i], i);
        if (i && affair.t->all[i - 1].leads)
            continue;
        x = &affair.t->all[last_of(i)];
        MUST(o->len <= strlen(x->text ? x->text : ""), i);
        MUST(o->len == 0 || memcmp(o->text, x->text, o->len) == 0, i);
        MUST(o->error || affair.cancels >= 0 || is_right(i) || is_cut_unseen(i), i);
    }
}

static inline void check_peace(void)
{
    check_always();
    for (int i = 0; i < talk_length(affair.t); i++) {
        MUST(affair.seen[i] == 1, i);
        if (!i || !affair.t->all[i - 1].leads)
            MUST(is_right(i), i);
    }
}

/* Whether all answers that a request gets have come whole, over the first line. */
static inline bool is_whole(int i)
{
    const int last = last_of(i);
    bool goodbye;
    const size_t delivered = net_delivered(FAULT_BACK, &goodbye);

    return sound.ends[last] && delivered >= sound.ends[last] && (!affair.t->all[last].to_end || goodbye);
}

/* Which part of a request was under way when it ended, and whether anything was heard of that one. */
static inline int part_of(int i, bool *silent)
{
    bool goodbye;
    const size_t delivered = net_delivered(FAULT_BACK, &goodbye);

    while (affair.t->all[i].leads && delivered >= sound.ends[i])
        i++;
    *silent = delivered <= sound.begins[i];
    return i;
}

/* Whether a redirect has come without all of its body: it is followed, over another connection. */
static inline bool is_followed_elsewhere(int part)
{
    const exchange *x = &affair.t->all[part];
    bool goodbye;

    return x->leads && net_delivered(FAULT_BACK, &goodbye) >=
                           sound.begins[part] + (size_t)(strstr(x->answer, "\r\n\r\n") + 4 - x->answer);
}

/* What a request ends with that has failed. */
static inline bool is_due(int error, bool silent)
{
    const wire_end *end = &net.lines[0].ends[0];

    if (end->told && error == end->told)
        return true;
    if (!end->told && !end->told_end) /* nothing was heard any more */
        return error == ETIMEDOUT;
    if (error == (silent ? ECONNRESET : AWL_EINCOMPLETE)) /* the server's end, or what came to that */
        return true;
    return net.tls && (error == AWL_ETLS || error == AWL_ETRUNCATED || (net.tunnel && error == AWL_EINCOMPLETE));
}

/* After a fault that stops: reset, cut, end or silence. */
static inline void check_stop(void)
{
    const bool mute = net.plan.way[FAULT_FORTH].kind == FAULT_SILENCE || net.plan.way[FAULT_BACK].kind == FAULT_SILENCE;
    bool silent, lost = false;

    check_always();
    for (int i = 0; i < talk_length(affair.t); i = last_of(i) + 1) {
        const outcome *o = &affair.outcomes[i];
        const int part = part_of(i, &silent);

        if (!o->during || (o->before && (!mute || lost)) || is_whole(i) || is_followed_elsewhere(part)) {
            MUST(is_right(i), i);
        } else if (mute) {
            MUST(o->error == ETIMEDOUT, i);
        } else if (part && silent && may_be_sent_twice(&affair.t->all[part])) {
            MUST(is_right(i), i);
        } else if (!is_cut_unseen(i)) {
            MUST(is_due(o->error, silent), i);
        }
        lost |= o->error || affair.t->all[last_of(i)].ends || (o->during && !is_whole(i));
    }
    MUST(affair.took <= (TALK_SECONDS + 2) * AWL_SECOND, 0);
}

/* After a fault that changes what is sent. Without TLS nobody can know. */
static inline void check_change(void)
{
    if (net.tls)
        check_always();
    MUST(affair.took <= (TALK_SECONDS + 2) * MOST_ASKED * AWL_SECOND, 0);
}

/* After the session was closed: what had begun comes to its end, what had not says why. */
static inline void check_closed(void)
{
    bool closed = false;

    check_always();
    for (int i = 0; i < talk_length(affair.t); i = last_of(i) + 1) {
        const int error = affair.outcomes[i].error;

        MUST(error == 0 || error == ECONNABORTED, i);
        MUST(!closed || error, i);
        closed |= error != 0;
    }
}

/* After a cancellation: nothing was done twice. */
static inline void check_cancelled(void) { check_always(); }

/* An allocation has failed, somewhere: who needed it says so, or ends the connection; nobody waits for ever. */
static inline void check_starved(void)
{
    check_always();
    for (int i = 0; i < talk_length(affair.t); i = last_of(i) + 1) {
        const int error = affair.outcomes[i].error;

        MUST(!error || error == ENOMEM || error == ECONNRESET || error == EPIPE || error == AWL_EINCOMPLETE ||
                 (net.tls && (error == AWL_ETLS || error == AWL_ETRUNCATED)),
             i);
    }
    MUST(affair.took < AWL_SECOND, 0);
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

typedef void check_fn(void);

/* A talk without faults, from which the sizes are known. */
static inline void prepare(const talk *t)
{
    net_begin(answers_from_script);
    affair.t = t;
    affair.cancels = -1;
    affair.step = 0;
    affair.starves = affair.closes = false;
}

static size_t totals[2]; /* bytes of the first line in each direction */

co_def(begin_talks, { const talk *t; })
{
    co_begin;
    net_open();
    prepare(self->t);
    co_await(co_call(have));
    check_peace();
    MUST(affair.took < AWL_SECOND, 0);
    if (net.secrecy) {
        net.secrecy->keep();
        prepare(self->t);
        co_await(co_call(have));
        check_peace();
    }
    memcpy(sound.begins, affair.begins, sizeof sound.begins);
    memcpy(sound.ends, affair.ends, sizeof sound.ends);
    for (int way = 0; way < 2; way++)
        totals[way] = net.lines[0].pipes[way].arrived;
    co_end;
}

co_def(once, { check_fn *check; })
{
    co_begin;
    co_await(co_call(have));
    self->check();
    net_check(net_plan());
    co_end;
}

/* Once only, in peace. */
co_def(in_peace, { const talk *t; })
{
    co_begin;
    co_await(co_call(begin_talks, .t = self->t));
    co_finally;
    net_close();
    co_end;
}

/* A fault at every `stride`-th offset. */
co_def(at_offsets, {
    const talk *t;
    fault_kind kind;
    int way;
    check_fn *check;
    size_t at, stride;
})
{
    co_begin;
    co_await(co_call(begin_talks, .t = self->t));
    for (; self->at <= totals[self->way]; self->at += self->stride) {
        prepare(self->t);
        net.plan.way[self->way] = (fault_way){ .kind = self->kind, .at = self->at };
        affair.step = self->at % 3 ? self->at % 3 * 11 : 0;
        co_await(co_call(once, .check = self->check));
    }
    co_finally;
    net_close();
    co_end;
}

/* In chunks of each size, so that each byte is once the last one that has come for a while. */
co_def(in_chunks, {
    const talk *t;
    size_t size, most, stride;
})
{
    co_begin;
    co_await(co_call(begin_talks, .t = self->t));
    self->most = totals[0] > totals[1] ? totals[0] : totals[1];
    for (self->size = 1; self->size <= self->most; self->size += self->stride) {
        prepare(self->t);
        for (int way = 0; way < 2; way++)
            net.plan.way[way] = (fault_way){ .chunk = self->size, .delay = self->size % 2 ? AWL_MS : 0 };
        affair.step = self->size % 5;
        co_await(co_call(once, .check = check_peace));
    }
    co_finally;
    net_close();
    co_end;
}

/* The n-th allocation of a talk fails. Each time in a new loop, which has little in reserve. */
co_def(starved, {
    const talk *t;
    size_t n;
    bool *more;
    size_t before;
    int rc;
})
{
    co_begin;
    net_open();
    prepare(self->t);
    affair.starves = true;
    self->before = harness_alloc_count();
    harness_fail_alloc(self->n);
    co_try(self->rc, co_call(have));
    harness_fail_alloc(0);
    *self->more = harness_alloc_count() - self->before >= self->n;
    co_await(co_call(net_ends)); /* which may have been what failed */
    MUST(self->rc == 0 || self->rc == ENOMEM, 0);
    if (!self->rc)
        check_starved();
    net_check(net_plan());
    co_finally;
    net_close();
    co_end;
}

static inline void each_allocation_fails(const talk *t)
{
    bool more = true;

    for (size_t n = 1; more; n++)
        run_main(co_call(starved, .t = t, .n = n, .more = &more), true);
}

/* Over transports that hold few bytes, move few at once, or say "not now" for no reason: slow readers and writers. */
co_def(with_habits, {
    const talk *t;
    int i;
})
{
    static const wire_habits habits[] = { { .most = 1 },  { .most = 2, .again = 2 },
                                          { .room = 1 },  { .room = 17, .late_eof = true },
                                          { .again = 3 }, { .room = 5, .most = 3, .again = 5 } };

    co_begin;
    co_await(co_call(begin_talks, .t = self->t));
    for (self->i = 0; self->i < (int)(sizeof habits / sizeof *habits); self->i++) {
        prepare(self->t);
        net.habits = habits[self->i];
        co_await(co_call(once, .check = check_peace));
    }
    co_finally;
    net_close();
    co_end;
}

/* Cancelled after every iteration, until it ends before. The bytes come in chunks, so that there are many. */
co_def(cancelled, {
    const talk *t;
    bool closes;
    int n;
    size_t chunk;
})
{
    co_begin;
    co_await(co_call(begin_talks, .t = self->t));
    do {
        prepare(self->t);
        for (int way = 0; way < 2; way++)
            net.plan.way[way].chunk = self->chunk;
        affair.cancels = ++self->n;
        affair.closes = self->closes;
        affair.step = (size_t)self->n % 3 * 7;
        co_await(co_call(once, .check = self->closes ? check_closed : check_cancelled));
        self->n += SLOW ? self->n % 3 : 0;
    } while (!affair.was_over);
    CHECK(self->n > 20);
    co_finally;
    net_close();
    co_end;
}

#endif
