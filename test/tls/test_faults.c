/*
 * test_faults.c: faults at each offset of a talk by TLS, in memory: what ends how, and that nothing hangs or is lost.
 *
 *   a reset                   ECONNRESET or EPIPE, at any time
 *   an end, or both           AWL_ETLS in the handshake, AWL_ETRUNCATED later; behind the goodbye nothing
 *   silence                   ETIMEDOUT, by handshake_timeout, or by a deadline of the application's
 *   a bit, or garbage         AWL_ETLS on the side that reads it; AWL_ECERTIFICATE for a bit of a certificate; what
 *                             makes a record longer is waited for. The other side is told by an alert: AWL_ETLS
 *   cancelled                 the other side: AWL_ETLS in the handshake, the end of the stream later
 */
#include "stream_rig.h"

#include "faults_rig.h"

typedef void check_fn(const affair *x);

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static void prepare(bool resumes, int ends)
{
    memset(&the_affair.plan, 0, sizeof the_affair.plan);
    the_affair.habits = (wire_habits){ .room = 0 };
    the_affair.resumes = resumes;
    the_affair.ends = ends;
    the_affair.hasty = false;
    the_affair.cancels = -1;
}

static size_t totals[2], handshakes[2]; /* bytes each way */

/* A first talk, with a full handshake; and for a resumed one a second. Then the sizes of all are known. */
co_def(begin, {
    bool resumes;
    int ends;
})
{
    co_begin;
    open_contexts();
    used = 0;
    prepare(false, self->ends);
    co_await(co_call(have, .x = &the_affair));
    check_peace(&the_affair);
    keep_sessions();
    prepare(self->resumes, self->ends);
    co_await(co_call(have_and_forget, .x = &the_affair));
    check_peace(&the_affair);
    for (int way = 0; way < 2; way++) {
        const content c = content_of(&the_affair.w.pipes[way]);

        totals[way] = the_affair.w.pipes[way].arrived;
        handshakes[way] = c.handshake;
        CHECK(c.handshake > 50);
        CHECK_INT(c.data, talk_total[way]);
    }
    co_end;
}

/* The next offset: each one where something may be decided, in the middle of blocks and of a full handshake's
 * certificates one in `stride`. */
static size_t after(size_t at, size_t total, size_t stride)
{
    return at + (at > 400 && at + 200 < total ? stride : SLOW ? stride / 2 : 1);
}

co_def(at_every_offset, {
    fault_kind kind;
    int way;
    bool resumes;
    int ends;
    check_fn *check;
    size_t at, total;
})
{
    co_begin;
    co_await(co_call(begin, .resumes = self->resumes, .ends = self->ends));
    self->total = self->resumes ? totals[self->way] : handshakes[self->way];
    for (; self->at <= self->total; self->at = after(self->at, self->total, 7)) {
        prepare(self->resumes, self->ends);
        the_affair.plan.way[self->way] = (fault_way){ .kind = self->kind, .at = self->at };
        the_affair.hasty = self->at % 2;
        co_await(co_call(have_and_forget, .x = &the_affair));
        self->check(&the_affair);
    }
    co_finally;
    close_contexts();
    co_end;
}

/* The offsets of a full handshake; then those of a whole talk with a session that is resumed. */
static void everywhere(fault_kind kind, int way, check_fn *check)
{
    run_virtual(co_call(at_every_offset, .kind = kind, .way = way, .check = check, .ends = 1));
    run_virtual(co_call(at_every_offset, .kind = kind, .way = way, .check = check, .resumes = true, .ends = way));
}

TEST(tls_reset_on_the_way_forth) { everywhere(FAULT_RESET, FAULT_FORTH, check_stop); }
TEST(tls_reset_on_the_way_back) { everywhere(FAULT_RESET, FAULT_BACK, check_stop); }
TEST(tls_cut_on_the_way_forth) { everywhere(FAULT_CUT, FAULT_FORTH, check_stop); }
TEST(tls_cut_on_the_way_back) { everywhere(FAULT_CUT, FAULT_BACK, check_stop); }
TEST(tls_end_on_the_way_forth) { everywhere(FAULT_END, FAULT_FORTH, check_stop); }
TEST(tls_end_on_the_way_back) { everywhere(FAULT_END, FAULT_BACK, check_stop); }
TEST(tls_silence_on_the_way_forth) { everywhere(FAULT_SILENCE, FAULT_FORTH, check_stop); }
TEST(tls_silence_on_the_way_back) { everywhere(FAULT_SILENCE, FAULT_BACK, check_stop); }

TEST(tls_changed_bit_on_the_way_forth) { everywhere(FAULT_FLIP, FAULT_FORTH, check_change); }
TEST(tls_changed_bit_on_the_way_back) { everywhere(FAULT_FLIP, FAULT_BACK, check_change); }
TEST(tls_garbage_on_the_way_forth) { everywhere(FAULT_GARBAGE, FAULT_FORTH, check_change); }
TEST(tls_garbage_on_the_way_back) { everywhere(FAULT_GARBAGE, FAULT_BACK, check_change); }

/* ---- Without a fault --------------------------------------------------------------------------------------------- */

/* One talk, for failing allocations: resumed after a full one. */
co_def(in_peace, { int ends; })
{
    co_begin;
    co_await(co_call(begin, .resumes = true, .ends = self->ends));
    co_finally;
    close_contexts();
    co_end;
}

TEST(tls_without_a_fault_client_ends) { run_virtual(co_call(in_peace, .ends = 0)); }
TEST(tls_without_a_fault_server_ends) { run_virtual(co_call(in_peace, .ends = 1)); }

/* In chunks of each size, so that each byte is once the last one that has come, for a while. */
co_def(in_chunks, {
    bool resumes;
    size_t size, total;
})
{
    co_begin;
    co_await(co_call(begin, .resumes = self->resumes));
    self->total = totals[0] > totals[1] ? totals[0] : totals[1];
    for (self->size = 1; self->size <= self->total; self->size += self->resumes && !SLOW ? 1 : 13) {
        prepare(self->resumes, self->size % 2);
        for (int way = 0; way < 2; way++)
            the_affair.plan.way[way] = (fault_way){ .chunk = self->size, .delay = AWL_MS };
        co_await(co_call(have_and_forget, .x = &the_affair));
        check_peace(&the_affair);
    }
    co_finally;
    close_contexts();
    co_end;
}

TEST(tls_split_at_every_byte_resumed) { run_virtual(co_call(in_chunks, .resumes = true)); }
TEST(tls_split_at_every_byte_in_full) { run_virtual(co_call(in_chunks)); }

/* Transports that move a byte at once, hold few, or say "not now" for no reason. */
co_def(with_habits, { int i, resumes; })
{
    static const wire_habits habits[] = { { .most = 1 },  { .most = 2, .again = 2 },
                                          { .room = 1 },  { .room = 17 },
                                          { .again = 3 }, { .room = 5, .most = 3, .again = 5 } };

    co_begin;
    for (self->resumes = 0; self->resumes < 2; self->resumes++) {
        co_await(co_call(begin, .resumes = self->resumes));
        for (self->i = 0; self->i < (int)(sizeof habits / sizeof *habits); self->i++) {
            prepare(self->resumes, self->i % 2);
            the_affair.habits = habits[self->i];
            co_await(co_call(have_and_forget, .x = &the_affair));
            check_peace(&the_affair);
        }
        close_contexts();
    }
    co_finally;
    close_contexts();
    co_end;
}

TEST(tls_over_a_whimsical_transport) { run_virtual(co_call(with_habits)); }

/* ---- Cancellation ------------------------------------------------------------------------------------------------ */

/* After every iteration, until the party has ended; the bytes come in small chunks, so that there are many. */
co_def(cancelled, {
    int cancels, resumes;
    unsigned iterations;
})
{
    co_begin;
    for (self->resumes = 0; self->resumes < 2; self->resumes++) {
        co_await(co_call(begin, .resumes = self->resumes));
        for (self->iterations = 1;; self->iterations += SLOW ? 7 : 1) {
            prepare(self->resumes, self->iterations % 2);
            for (int way = 0; way < 2; way++)
                the_affair.plan.way[way].chunk = 41;
            the_affair.cancels = self->cancels;
            the_affair.iterations = self->iterations;
            co_await(co_call(have_and_forget, .x = &the_affair));
            check_cancelled(&the_affair);
            if (the_affair.was_over)
                break;
        }
        CHECK(self->iterations > 50);
        close_contexts();
    }
    co_finally;
    close_contexts();
    co_end;
}

TEST(tls_client_is_cancelled_at_every_moment) { run_virtual(co_call(cancelled, .cancels = 0)); }
TEST(tls_server_is_cancelled_at_every_moment) { run_virtual(co_call(cancelled, .cancels = 1)); }

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* The n-th allocation of a talk fails: both end, in time, and what they have read is right. */
static void check_exhausted(const affair *x)
{
    check_always(x);
    for (int who = 0; who < 2; who++) {
        const int error = x->parties[who].error;

        MUST(error == 0 || error == ENOMEM || error == AWL_ETLS || error == AWL_ETRUNCATED ||
             error == AWL_EINCOMPLETE || error == EPIPE || error == x->w.ends[who].told);
    }
    MUST(x->took < AWL_SECOND);
}

co_def(exhausted, {
    size_t n;
    bool resumes, *more;
    size_t before;
    int rc;
})
{
    co_begin;
    if (self->resumes)
        co_await(co_call(begin, .resumes = true));
    else
        open_contexts();
    prepare(self->resumes, self->n % 2);
    set_sessions(&the_affair);
    self->before = harness_alloc_count();
    harness_fail_alloc(self->n);
    co_try(self->rc, co_call(have, .x = &the_affair));
    harness_fail_alloc(0);
    *self->more = harness_alloc_count() - self->before >= self->n;
    CHECK(self->rc == 0 || self->rc == ENOMEM);
    if (!self->rc)
        check_exhausted(&the_affair);
    co_finally;
    close_contexts();
    co_end;
}

/* Each time in a new loop, which has little in reserve. Result: how many allocations there were. */
static size_t each_allocation_fails(bool resumes)
{
    bool more = true;
    size_t n = 0;

    while (more)
        run_virtual(co_call(exhausted, .n = ++n, .resumes = resumes, .more = &more));
    return n - 1;
}

TEST(tls_every_allocation_fails_in_full) { CHECK(each_allocation_fails(false) > 0); }
TEST(tls_every_allocation_fails_resumed) { each_allocation_fails(true); }
