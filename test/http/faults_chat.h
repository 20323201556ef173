/*
 * faults_chat.h: a WebSocket of ours at both ends, while things go wrong between them, and what must be so afterwards.
 *
 * The client says three things, the server says them again, and some of its own in between; the client closes. Each
 * receives what was sent to it, in order and whole, as far as it came; an end that is a close came behind all of it.
 */
#ifndef HTTP_FAULTS_CHAT_H
#define HTTP_FAULTS_CHAT_H

#include "faults_net.h"

enum { SAID_FORTH = 3, SAID_BACK = 6, LONG = 700, PATIENCE = 2, CHAT_SECONDS = 12 };

/* One of the two. */
typedef struct chatter {
    int n;           /* messages that it has got */
    bool wrong;      /* one was another than that which was sent */
    bool over;       /* the other one has closed, or answered the close */
    int error, code; /* of its end */
    char reason[124];
} chatter;

static struct affair {
    awl_http_app *app;
    int cancels; /* the client, after so many iterations; -1: not at all */
    bool was_over;
    chatter chatters[2];       /* who connects; who serves */
    size_t ends[2][SAID_BACK]; /* bytes that had come when a message had */
    awl_time took;
} affair;

static struct {
    size_t ends[2][SAID_BACK]; /* when nothing goes wrong; by the direction */
} sound;

static inline void check_affair(bool cond, const char *what, int who, int line)
{
    static char text[480];
    const chatter *c = affair.chatters;

    if (!cond)
        snprintf(text, sizeof text,
                 "%s: of %d: %s, cancelled %d: got %d %d, errors %d %d, over %d %d, codes %d %d, told %d %d, "
                 "%lld ms",
                 what, who, net_plan(), affair.cancels, c[0].n, c[1].n, c[0].error, c[1].error, c[0].over, c[1].over,
                 c[0].code, c[1].code, net.lines[0].ends[0].told, net.lines[0].ends[1].told,
                 (long long)(affair.took / AWL_MS));
    if (!cond)
        harness_fail_(__FILE__, line, "%s", text);
}
#define MUST(cond, who) check_affair((cond), #cond, (who), __LINE__)

/* ---- What is said ------------------------------------------------------------------------------------------------ */

/* A message of bytes that are not all alike. */
static inline const char *long_one(void)
{
    static char bytes[LONG];

    for (int i = 0; i < LONG; i++)
        bytes[i] = (char)(i * 7 + i / 31);
    return bytes;
}

/* The i-th message of who connects. */
static inline enum awl_websocket_kind said_forth(int i, awl_websocket_message *m)
{
    static char greeting[] = "hello \xc3\xa4", last[] = "and so on";

    *m = i == 1   ? (awl_websocket_message){ (char *)(uintptr_t)long_one(), LONG }
         : i == 0 ? (awl_websocket_message){ greeting, sizeof greeting - 1 }
                  : (awl_websocket_message){ last, sizeof last - 1 };
    return i == 1 ? AWL_WEBSOCKET_BINARY : AWL_WEBSOCKET_TEXT;
}

/* The i-th of who serves: the first again, three of its own, the other two again. */
static inline enum awl_websocket_kind said_back(int i, awl_websocket_message *m)
{
    static char own[16];

    if (i == 0 || i > 3)
        return said_forth(i ? i - 3 : 0, m);
    snprintf(own, sizeof own, "own %d", i);
    *m = (awl_websocket_message){ own, strlen(own) };
    return AWL_WEBSOCKET_TEXT;
}

/* Compares a message that has come. */
static inline void note(int who, int kind, const awl_websocket_message *got)
{
    chatter *c = &affair.chatters[who];
    awl_websocket_message m;
    bool goodbye;

    if (c->n == (who ? SAID_FORTH : SAID_BACK)) {
        c->wrong = true;
        return;
    }
    affair.ends[1 - who][c->n] = net_delivered(1 - who, &goodbye);
    c->wrong |= kind != (int)(who ? said_forth(c->n, &m) : said_back(c->n, &m)) || got->len != m.len ||
                memcmp(got->data, m.data, m.len) != 0;
    c->n++;
}

/* ---- Who serves -------------------------------------------------------------------------------------------------- */

/* Says something again, and before the second one what it has to say itself. */
co_def(says_again, {
    awl_websocket *ws;
    int i;
    awl_websocket_message m;
    enum awl_websocket_kind kind;
})
{
    co_begin;
    for (self->i = affair.chatters[1].n == 2 ? 1 : affair.chatters[1].n == 1 ? 0 : 5;; self->i++) {
        self->kind = said_back(self->i, &self->m);
        co_await(awl_websocket_send(self->ws, self->kind, self->m.data, self->m.len));
        if (self->i == 0 || self->i > 3)
            co_return(0);
    }
    co_end;
}

static inline void note_end(int who, const awl_websocket *ws)
{
    chatter *c = &affair.chatters[who];

    c->over = true;
    c->code = awl_websocket_close_code(ws);
    snprintf(c->reason, sizeof c->reason, "%s", awl_websocket_close_reason(ws));
}

co_def(serves, {
    awl_request *request;
    awl_websocket *ws;
    awl_websocket_message m;
    int kind;
})
{
    static const awl_websocket_options options = { .ping = PATIENCE * AWL_SECOND,
                                                   .write_timeout = PATIENCE * AWL_SECOND,
                                                   .close_timeout = PATIENCE * AWL_SECOND };

    co_begin;
    co_let(self->ws, awl_websocket_accept(self->request, &options));
    if (!self->ws)
        co_return(0);
    for (;;) {
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        if (self->kind == AWL_WEBSOCKET_CLOSED)
            break;
        note(1, self->kind, &self->m);
        co_await(co_call(says_again, .ws = self->ws));
    }
    note_end(1, self->ws);
    co_finally;
    affair.chatters[1].error = co_failing;
    awl_websocket_close(self->ws);
    co_end;
}

static inline awl_coro on_serves(awl_request *request, void *arg)
{
    return (void)arg, co_call(serves, .request = request);
}

static inline awl_coro serve_app(awl_stream *s, int n)
{
    (void)n;
    return awl_http_serve_stream(affair.app, s);
}

/* ---- Who connects ------------------------------------------------------------------------------------------------ */

/* Receives so many. */
co_def(hears, {
    awl_websocket *ws;
    int n, kind;
    awl_websocket_message m;
})
{
    co_begin;
    for (; self->n; self->n--) {
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        if (self->kind == AWL_WEBSOCKET_CLOSED)
            co_raise(EPIPE);
        note(0, self->kind, &self->m);
    }
    co_end;
}

co_def(says, {
    awl_websocket *ws;
    int i, rc;
    awl_websocket_message m;
    enum awl_websocket_kind kind;
})
{
    co_begin;
    for (; self->i < SAID_FORTH; self->i++) {
        self->kind = said_forth(self->i, &self->m);
        co_await(awl_websocket_send(self->ws, self->kind, self->m.data, self->m.len));
        co_await(co_call(hears, .ws = self->ws, .n = self->i == 1 ? 4 : 1));
        self->rc = awl_websocket_ping(self->ws, "there?", 6);
        if (self->rc)
            co_raise(self->rc);
    }
    co_await(awl_websocket_end(self->ws, 1000, "bye"));
    note_end(0, self->ws);
    co_end;
}

co_def(connects, {
    awl_websocket_options options;
    awl_websocket *ws;
})
{
    co_begin;
    self->options = (awl_websocket_options){ .ping = PATIENCE * AWL_SECOND,
                                             .write_timeout = PATIENCE * AWL_SECOND,
                                             .close_timeout = PATIENCE * AWL_SECOND,
                                             .stream.tls = net.client_tls };
    co_let(self->ws,
           awl_wait_for(awl_websocket_connect(net.tls ? "wss://localhost/chat" : "ws://localhost/chat", &self->options),
                        PATIENCE * AWL_SECOND));
    co_await(co_call(says, .ws = self->ws));
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* ---- One chat ---------------------------------------------------------------------------------------------------- */

co_def(have, {
    awl_task *task;
    int i, rc;
    awl_time start;
})
{
    co_begin;
    self->start = awl_loop_time(NULL);
    if (net.secrecy)
        net.secrecy->refresh();
    memset(affair.chatters, 0, sizeof affair.chatters);
    affair.was_over = true;
    self->task = awl_create_task(co_call(connects));
    if (!self->task)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < affair.cancels; self->i++)
        co_await(awl_sleep(0));
    if (affair.cancels >= 0)
        affair.was_over = !awl_task_cancel(self->task);
    co_try_cancel(self->rc, self->task);
    affair.chatters[0].error = self->rc;
    co_finally;
    if (self->task && !awl_task_done(self->task)) {
        awl_task_cancel(self->task);
        co_try_cancel(self->rc, self->task);
    }
    awl_task_release(self->task);
    co_await(co_call(net_ends));
    affair.took = awl_loop_time(NULL) - self->start;
    co_end;
}

/* ---- What must be so --------------------------------------------------------------------------------------------- */

static inline void check_always(void)
{
    for (int who = 0; who < 2; who++) {
        const chatter *c = &affair.chatters[who];

        MUST(!c->wrong, who);
        MUST(!c->over || c->n == (who ? SAID_FORTH : SAID_BACK) || c->code == 1001, who);
        MUST(!c->over || !c->error, who);
    }
    MUST(affair.took <= CHAT_SECONDS * AWL_SECOND, 0);
}

static inline void check_peace(void)
{
    check_always();
    for (int who = 0; who < 2; who++) {
        const chatter *c = &affair.chatters[who];

        MUST(c->over && !c->error && c->code == 1000, who);
        MUST(strcmp(c->reason, who ? "bye" : "") == 0, who); /* what answers a close has its code */
    }
}

/* What a side ends with that has failed. The end of a WebSocket that has been accepted is said by a close: 1001, if its
 * handler had to end. */
static inline bool is_due(int error, int who)
{
    const wire_end *end = &net.lines[0].ends[who];

    if (error == end->told || error == ETIMEDOUT)
        return true;
    if (net.tls && (error == AWL_ETLS || error == AWL_ETRUNCATED))
        return true;
    return error == AWL_EINCOMPLETE || error == EPIPE;
}

static inline void check_stop(void)
{
    check_always();
    for (int who = 0; who < 2; who++) {
        const chatter *c = &affair.chatters[who];
        const fault_way *in = &net.plan.way[1 - who];
        bool goodbye;
        const size_t delivered = net_delivered(1 - who, &goodbye);
        int whole = 0;

        MUST(c->over || is_due(c->error, who) || !c->error, who); /* 0: there was no request */
        while (whole < (who ? SAID_FORTH : SAID_BACK) && sound.ends[1 - who][whole] <= delivered)
            whole++;
        MUST(c->n <= whole, who);
        if (in->kind == FAULT_CUT || in->kind == FAULT_END) /* it reads what has come, up to the end */
            MUST(c->n == whole, who);
        if (c->error == ETIMEDOUT)
            MUST(net.plan.way[0].kind == FAULT_SILENCE || net.plan.way[1].kind == FAULT_SILENCE, who);
    }
}

/* A change is noticed by TLS. Without, a length may be another one: then the answers to pings become the rest. */
static inline void check_change(void)
{
    if (net.tls)
        check_always();
    MUST(affair.took <= AWL_MINUTE + AWL_SECOND, 0);
}

/* The other one is told. */
static inline void check_cancelled(void)
{
    const int error = affair.chatters[1].error;

    check_always();
    MUST(affair.was_over || affair.chatters[0].error == ECANCELED, 0);
    MUST(error == 0 || is_due(error, 1), 1);
    MUST(affair.took < AWL_SECOND, 1);
}

/* An allocation has failed, somewhere: what was received is right, and nobody waits for ever. */
static inline void check_starved(void)
{
    check_always();
    for (int who = 0; who < 2; who++) {
        const int error = affair.chatters[who].error;

        MUST(!error || error == ENOMEM || error == AWL_ESTATUS || is_due(error, who), who);
    }
    MUST(affair.took < AWL_SECOND, 0);
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

typedef void check_fn(void);

static inline void prepare(void)
{
    net_begin(serve_app);
    affair.cancels = -1;
}

static size_t totals[2];

static inline void open_chats(void)
{
    net_open();
    affair.app = awl_http_app_new(&(awl_http_app_options){ .head_timeout = PATIENCE * AWL_SECOND,
                                                           .write_timeout = PATIENCE * AWL_SECOND,
                                                           .idle_timeout = PATIENCE * AWL_SECOND });
    CHECK(affair.app != NULL);
    CHECK_INT(awl_http_route(affair.app, "GET", "/chat", on_serves, NULL), 0);
}

/* The first, byte by byte, to know where each message ends. */
co_def(begin_chats, {})
{
    co_begin;
    open_chats();
    prepare();
    if (net.secrecy) {
        co_await(co_call(have));
        check_peace();
        net.secrecy->keep();
        prepare();
    }
    for (int way = 0; way < 2; way++)
        net.plan.way[way] = (fault_way){ .chunk = 1, .delay = 10 * AWL_US };
    co_await(co_call(have));
    check_peace();
    memcpy(sound.ends, affair.ends, sizeof sound.ends);
    for (int way = 0; way < 2; way++)
        totals[way] = net.lines[0].pipes[way].arrived;
    net_check(net_plan());
    co_end;
}

static inline void close_chats(void)
{
    awl_http_app_release(affair.app);
    affair.app = NULL;
    net_close();
}

co_def(once, { check_fn *check; })
{
    co_begin;
    co_await(co_call(have));
    self->check();
    net_check(net_plan());
    co_end;
}

co_def(in_peace, {})
{
    co_begin;
    co_await(co_call(begin_chats));
    co_finally;
    close_chats();
    co_end;
}

co_def(at_offsets, {
    fault_kind kind;
    int way;
    check_fn *check;
    size_t at, stride;
})
{
    co_begin;
    co_await(co_call(begin_chats));
    for (; self->at <= totals[self->way]; self->at += self->stride) {
        prepare();
        net.plan.way[self->way] = (fault_way){ .kind = self->kind, .at = self->at };
        co_await(co_call(once, .check = self->check));
    }
    co_finally;
    close_chats();
    co_end;
}

co_def(in_chunks, { size_t size, stride; })
{
    co_begin;
    co_await(co_call(begin_chats));
    for (self->size = 1; self->size <= totals[0] + 1; self->size += self->stride) {
        prepare();
        for (int way = 0; way < 2; way++)
            net.plan.way[way] = (fault_way){ .chunk = self->size, .delay = self->size % 2 ? AWL_MS / 10 : 0 };
        co_await(co_call(once, .check = check_peace));
    }
    co_finally;
    close_chats();
    co_end;
}

co_def(with_habits, { int i; })
{
    static const wire_habits habits[] = { { .most = 1 },  { .most = 2, .again = 2 },
                                          { .room = 1 },  { .room = 17, .late_eof = true },
                                          { .again = 3 }, { .room = 5, .most = 3, .again = 5 } };

    co_begin;
    co_await(co_call(begin_chats));
    for (self->i = 0; self->i < (int)(sizeof habits / sizeof *habits); self->i++) {
        prepare();
        net.habits = habits[self->i];
        co_await(co_call(once, .check = check_peace));
    }
    co_finally;
    close_chats();
    co_end;
}

/* The n-th allocation of a chat fails. Each time in a new loop, which has little in reserve. */
co_def(starved, {
    size_t n;
    bool *more;
    size_t before;
    int rc;
})
{
    co_begin;
    open_chats();
    prepare();
    self->before = harness_alloc_count();
    harness_fail_alloc(self->n);
    co_try(self->rc, co_call(have));
    harness_fail_alloc(0);
    *self->more = harness_alloc_count() - self->before >= self->n;
    co_await(co_call(net_ends)); /* which may have been what failed */
    MUST(self->rc == 0 || self->rc == ENOMEM, 0);
    if (!self->rc) {
        check_starved();
        prepare();
        co_await(co_call(have));
        check_peace();
    }
    net_check(net_plan());
    reports[0] = '\0'; /* of a handler that had no memory */
    co_finally;
    close_chats();
    co_end;
}

static inline void each_allocation_fails(void)
{
    bool more = true;

    for (size_t n = 1; more; n++)
        run_main(co_call(starved, .n = n, .more = &more), true);
}

/* The client is cancelled after every iteration, until it ends before; the bytes come in chunks, so that there are
 * many. */
co_def(cancelled, { int n; })
{
    co_begin;
    co_await(co_call(begin_chats));
    do {
        prepare();
        for (int way = 0; way < 2; way++)
            net.plan.way[way].chunk = 17;
        affair.cancels = ++self->n;
        co_await(co_call(once, .check = check_cancelled));
        self->n += SLOW ? self->n % 3 : 0;
    } while (!affair.was_over);
    CHECK(self->n > 20);
    co_finally;
    close_chats();
    co_end;
}

#endif
