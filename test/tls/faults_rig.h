/* What the tests of faults under TLS share: one talk over a wire in memory, with a plan, and what must be so then. */
#ifndef TLS_FAULTS_RIG_H
#define TLS_FAULTS_RIG_H

#include "../faults/slow.h"
#include "../faults/wire.h"
#include "suites.h"
#include "talk.h"

/* Everything about one talk. */
typedef struct affair {
    fault_plan plan;
    wire_habits habits;
    bool resumes; /* the session of the first talk */
    int ends;     /* the party that says goodbye first */
    bool hasty;   /* the client is */
    int cancels;  /* the party that is cancelled, after so many iterations, 1 at least; -1: none */
    unsigned iterations;

    bool was_over; /* by then it was done anyway */
    awl_time took;
    wire w;
    party parties[2];
} affair;

static affair the_affair; /* not in a frame: when a test fails, tasks of its own still run */

static awl_tls *contexts[2];         /* the client's, the server's */
static awl__tls_session sessions[2]; /* what they remember of the first talk */
static bool has_sessions;

enum { HANDSHAKE_SECONDS = 10, TALK_SECONDS = 20, CLOSE_SECONDS = 5 };

/* Ends the test, and says for which plan. */
static inline void check_affair(const affair *x, bool cond, const char *what, int line)
{
    static char text[400];
    const fault_way *f = &x->plan.way[FAULT_FORTH], *b = &x->plan.way[FAULT_BACK];
    const party *p = x->parties;

    if (cond)
        return;
    snprintf(text, sizeof text,
             "%s: forth %s@%zu, back %s@%zu, resumes %d, ends %d, hasty %d, cancels %d after %u: errors %d %d, told "
             "%d%s %d%s, open "
             "%d %d, ended %d %d, read %zu %zu, arrived %zu %zu, %lld ms",
             what, fault_name(f->kind), f->at, fault_name(b->kind), b->at, x->resumes, x->ends, x->hasty, x->cancels,
             x->iterations, p[0].error, p[1].error, x->w.ends[0].told, x->w.ends[0].told_end ? " end" : "",
             x->w.ends[1].told, x->w.ends[1].told_end ? " end" : "", p[0].open, p[1].open, p[0].ended, p[1].ended,
             p[0].len, p[1].len, x->w.pipes[1].arrived, x->w.pipes[0].arrived, (long long)(x->took / AWL_MS));
    harness_fail_(__FILE__, line, "%s", text);
}
#define MUST(cond) check_affair(x, (cond), #cond, __LINE__)

/* ---- Contexts ---------------------------------------------------------------------------------------------------- */

static inline void open_contexts(void)
{
    const awl_tls_options options = { .session_life = 24 * 60 * AWL_MINUTE,
                                      .handshake_timeout = HANDSHAKE_SECONDS * AWL_SECOND,
                                      .close_timeout = CLOSE_SECONDS * AWL_SECOND };

    contexts[0] = new_client(&options);
    contexts[1] = new_server(&ec_key, &options);
}

static const char session_key[] = "localhost:0";

/* Keeps what a talk has left behind, for set_sessions; to be called once. */
static inline void keep_sessions(void)
{
    CHECK(awl__tls_cache_get(&contexts[0]->cache, session_key, sizeof session_key - 1, &sessions[0]));
    CHECK(awl__tls_cache_get(&contexts[1]->cache, sessions[0].id, sizeof sessions[0].id, &sessions[1]));
    has_sessions = true;
}

/* What both know before a talk: that one session, or none. */
static inline void set_sessions(const affair *x)
{
    awl__tls_cache_forget(&contexts[0]->cache, session_key, sizeof session_key - 1);
    awl__tls_cache_clear(&contexts[1]->cache);
    if (!x->resumes)
        return;
    awl__tls_cache_put(&contexts[0]->cache, session_key, sizeof session_key - 1, &sessions[0]);
    awl__tls_cache_put(&contexts[1]->cache, sessions[0].id, sizeof sessions[0].id, &sessions[1]);
}

static inline void close_contexts(void)
{
    for (int i = 0; i < 2; i++) {
        if (has_sessions)
            awl__tls_peer_release(contexts[i]->loop, sessions[i].peer);
        awl_tls_release(contexts[i]);
        contexts[i] = NULL;
    }
    has_sessions = false;
}

/* ---- Running one ------------------------------------------------------------------------------------------------- */

co_def(have, {
    affair *x;
    awl_task *tasks[2];
    unsigned i;
    awl_time start;
    int rc;
})
{
    co_begin;
    self->start = awl_loop_time(NULL);
    self->x->parties[0].s = self->x->parties[1].s = NULL;
    if (wire_open(&self->x->w, &self->x->plan, &self->x->habits, NULL))
        co_raise(ENOMEM);
    for (int i = 0; i < 2; i++) {
        party *p = &self->x->parties[i];

        *p = (party){ .s = self->x->w.ends[i].s,
                      .tls = contexts[i],
                      .answers = i,
                      .ends = self->x->ends == i,
                      .hasty = self->x->hasty,
                      .limit = TALK_SECONDS * AWL_SECOND };
        self->tasks[i] = awl_create_task(co_call(play, .p = p));
    }
    for (self->i = 0; self->i < 2 && !(self->tasks[0] && self->tasks[1]); self->i++) {
        if (self->tasks[self->i]) {
            awl_task_cancel(self->tasks[self->i]);
            co_try_cancel(self->rc, self->tasks[self->i]);
        }
    }
    if (self->i)
        co_raise(ENOMEM);
    if (self->x->cancels >= 0) {
        for (self->i = 0; self->i < self->x->iterations; self->i++)
            co_await(awl_sleep(0));
        self->x->was_over = !awl_task_cancel(self->tasks[self->x->cancels]);
    }
    for (self->i = 0; self->i < 2; self->i++) {
        co_try_cancel(self->rc, self->tasks[self->i]);
        if (self->rc)
            self->x->parties[self->i].error = self->rc;
    }

    /* What they have written may still be on its way; who does not read it any more ends that. */
    for (self->i = 0; self->i < 100 && !wire_is_over(&self->x->w); self->i++)
        co_await(awl_sleep(AWL_SECOND));
    self->x->took = awl_loop_time(NULL) - self->start;
    co_finally;
    for (int i = 0; i < 2; i++) {
        awl_task_release(self->tasks[i]);
        self->tasks[i] = NULL;
        awl_stream_close(self->x->parties[i].s); /* of a task that never ran */
        self->x->parties[i].s = NULL;
    }
    co_end;
}

static size_t used; /* by the loop, after a talk; 0: there was none yet */

/* One talk, after which the loop has no more memory in use than after the one before, and no task. */
co_def(have_and_forget, { affair *x; })
{
    awl_loop_stats stats;

    co_begin;
    set_sessions(self->x);
    co_await(co_call(have, .x = self->x));
    set_sessions(self->x);
    co_await(awl_sleep(0)); /* a turn is given back in the iteration after its step */
    awl__messages_close(contexts[0]->loop); /* what was said of errors */
    awl_loop_get_stats(NULL, &stats);
    check_affair(self->x, !used || stats.memory_used == used, "no memory was lost", __LINE__);
    used = stats.memory_used;
    CHECK_INT(stats.tasks, 1);
    CHECK_INT(stats.tasks_held, 0);
    co_end;
}

/* ---- What was sent ----------------------------------------------------------------------------------------------- */

enum { TYPE_SWITCH = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23, HEAD = 5 };

/* What the whole records are that have arrived in one direction, if nothing was changed in them. */
typedef struct content {
    size_t handshake; /* bytes, up to and with the record of Finished; 0: it has not come */
    size_t data;      /* the application's bytes */
    bool goodbye;     /* an alert after those */
} content;

static inline content content_of(const wire_pipe *pipe)
{
    const unsigned char *log = (const unsigned char *)pipe->log;
    const size_t overhead = record_overhead();
    content c = { 0 };
    bool secret = false;

    for (size_t at = 0; at + HEAD <= pipe->arrived;) {
        const int type = log[at];
        const size_t len = (size_t)log[at + 3] << 8 | log[at + 4];

        at += HEAD + len;
        if (at > pipe->arrived)
            break;
        if (secret && type == TYPE_HANDSHAKE && !c.handshake)
            c.handshake = at;
        secret |= type == TYPE_SWITCH;
        c.data += type == TYPE_DATA ? len - overhead : 0;
        c.goodbye |= type == TYPE_ALERT;
    }
    return c;
}

/* The pipe that a party reads from. */
static inline const wire_pipe *pipe_to(const affair *x, int who) { return &x->w.pipes[1 - who]; }

/* ---- What must be so --------------------------------------------------------------------------------------------- */

/* Both are gone, in time; what they have read is what was sent, and no end was taken for one that was not said. */
static inline void check_always(const affair *x)
{
    MUST(wire_is_over(&x->w));
    MUST(x->took <= (HANDSHAKE_SECONDS + TALK_SECONDS + CLOSE_SECONDS + 1) * AWL_SECOND);
    for (int who = 0; who < 2; who++) {
        const party *p = &x->parties[who];

        MUST(p->len <= talk_total[1 - who]);
        MUST(memcmp(p->got, talk_text(1 - who), p->len) == 0);
        MUST(p->error != EBADMSG);
        MUST(!p->ended || p->len == talk_total[1 - who]);
        if (!p->error)
            MUST(p->len == talk_total[1 - who] && (p->ended || p->ends));
    }
}

/* Whether the server sees ClientHello piece by piece; then it does not resume. */
static inline bool hello_is_split(const affair *x)
{
    const wire_pipe *forth = &x->w.pipes[FAULT_FORTH];
    const size_t hello = HEAD + ((size_t)(unsigned char)forth->log[3] << 8 | (unsigned char)forth->log[4]);

    return (forth->way.chunk && forth->way.chunk < hello) || (x->habits.most && x->habits.most < hello) ||
           (x->habits.room && x->habits.room < hello);
}

/* Nothing went wrong, and nobody noticed anything. */
static inline void check_peace(const affair *x)
{
    check_always(x);
    for (int who = 0; who < 2; who++) {
        MUST(x->parties[who].error == 0);
        MUST(x->parties[who].resumed == (x->resumes && !hello_is_split(x)));
    }
}

/* What a party ends with that could not hear or say all it wanted. */
static inline int due_error(const affair *x, int who)
{
    const wire_end *end = &x->w.ends[who];

    if (end->told_end)
        return x->parties[who].open ? AWL_ETRUNCATED : AWL_ETLS;
    return end->told ? end->told : ETIMEDOUT;
}

/* After a fault that stops: reset, cut, end or silence. All that came whole was delivered. */
static inline void check_stop(const affair *x)
{
    check_always(x);
    for (int who = 0; who < 2; who++) {
        const party *p = &x->parties[who];
        const content c = content_of(pipe_to(x, who));

        MUST(!p->ended || c.goodbye);
        MUST(!p->ended || !p->error);
        MUST(!p->error || p->error == due_error(x, who));
        if (p->open && p->error != ETIMEDOUT)
            MUST(p->len == c.data);
        MUST(x->w.ends[who].told == 0 || x->w.ends[who].told == ECONNRESET || x->w.ends[who].told == EPIPE);
    }
}

/* Whether an offset is one of the server's certificate, in its first flight (RFC 5246, section 7.4.2): the length of
 * all and that of the first come before it. */
static inline bool is_in_certificate(const wire_pipe *pipe, size_t offset)
{
    const unsigned char *log = (const unsigned char *)pipe->log;
    const size_t hello = HEAD + 4 + ((size_t)log[HEAD + 2] << 8 | log[HEAD + 3]); /* ServerHello and its record end */
    size_t at, len;

    if (pipe->arrived < hello + HEAD)
        return false;
    at = log[hello] == TYPE_HANDSHAKE && log[hello + 1] == 3 ? hello + HEAD : hello; /* a record of its own, or not */
    if (pipe->arrived < at + 10 || log[at] != 11)
        return false;
    len = (size_t)log[at + 8] << 8 | log[at + 9];
    return offset >= at + 10 && offset < at + 10 + len;
}

/* Whether an offset is one of the server's cipher suite, behind a version, a random and a session id of ServerHello: a
 * changed one may be of another kind of key, which the certificate does not have. */
static inline bool is_in_suite(const wire_pipe *pipe, size_t offset)
{
    const size_t id = HEAD + 4 + 2 + 32;

    return pipe->arrived > id && (offset - id - 1 - (unsigned char)pipe->log[id]) < 2;
}

/* After a fault that changes what is sent. Whoever was to read it has noticed, unless it came after everything. The one
 * byte that says nothing is the minor version of ClientHello's record (RFC 5246, appendix E.1). */
static inline void check_change(const affair *x)
{
    const int way = x->plan.way[FAULT_BACK].kind != FAULT_NONE, reader = 1 - way;
    const wire_pipe *pipe = pipe_to(x, reader);
    const int heard = x->parties[reader].error, told = x->parties[way].error;
    const size_t at = pipe->way.at;
    const bool flip = pipe->way.kind == FAULT_FLIP;

    check_always(x);
    if (!heard)
        MUST(!pipe->way.done || (flip && way == FAULT_FORTH && at == 2) ||
             (!flip && pipe->arrived == at + FAULT_GARBAGE_LEN));
    if (flip && way == FAULT_BACK && !x->resumes && is_in_certificate(pipe, at))
        MUST(heard == AWL_ECERTIFICATE);
    else
        MUST(heard == 0 || heard == AWL_ETLS || heard == AWL_ETRUNCATED || heard == ETIMEDOUT ||
             (heard == AWL_ECERTIFICATE && (!flip || (way == FAULT_BACK && is_in_suite(pipe, at)))));

    /* The other one is told by an alert, if it gets that far: not where a reset overtakes it, or a write comes first.
     * It may have had all it wanted. */
    MUST(told == 0 || told == AWL_ETLS || told == AWL_ETRUNCATED || told == ETIMEDOUT || told == x->w.ends[way].told);
    MUST(!told || heard);
    if (heard == AWL_ETLS && flip && told && !x->hasty)
        MUST(told == AWL_ETLS);

    /* Only a length that is too large is waited for. */
    if (heard == ETIMEDOUT)
        MUST(x->took >= HANDSHAKE_SECONDS * AWL_SECOND);
    else if (told != ETIMEDOUT)
        MUST(x->took < AWL_SECOND);
}

/* After a cancellation: that party ends with it, the other one is told by what it has left behind: an end in the middle
 * of a handshake, a goodbye later, after which nothing can be written. */
static inline void check_cancelled(const affair *x)
{
    const party *c = &x->parties[x->cancels], *other = &x->parties[1 - x->cancels];
    const wire_end *end = &x->w.ends[1 - x->cancels];

    check_always(x);
    MUST(x->was_over || c->error == ECANCELED);
    MUST(x->took < AWL_SECOND);
    if (other->error && !other->open)
        MUST(other->error == AWL_ETLS || other->error == end->told);
    else if (other->error)
        MUST(other->error == AWL_EINCOMPLETE || other->error == EPIPE || other->error == AWL_ETRUNCATED ||
             other->error == end->told);
    if (c->open && !c->error)
        MUST(!other->error);
}

#endif
