/*
 * faults_talk.h: what a session of ours and a server that reads from a script say to each other while things go wrong
 * between them, and what must be so afterwards.
 *
 * The client asks for /0, /1, … of a talk, one after the other, and then for /9, which must work: whatever happened, a
 * session goes on. Where nothing went wrong before or during an exchange it ends as without faults. Where its response
 * has come whole it succeeds. Else it fails, with an error that says how; but for a request that may be sent twice, on
 * a connection that had been kept and died without a word: that is sent again, and succeeds.
 */
#ifndef HTTP_FAULTS_TALK_H
#define HTTP_FAULTS_TALK_H

#include "faults_net.h"

enum { MOST_ASKED = 6, HEALTHY = 9, TALK_SECONDS = 20 };

/* A request, its answer, and what the client makes of that. */
typedef struct exchange {
    const char *method;
    const char *body;      /* of the request; NULL: none */
    bool chunked, expects; /* how it is sent */

    const char *answer;
    size_t size; /* of the answer; 0: as long as the text */
    bool ends;   /* the connection, behind it */
    bool to_end; /* only that ends the body */
    bool early;  /* it comes before the body of the request is read, and the rest of that is not */
    bool leads;  /* on to the next exchange: a redirect */

    int status;
    const char *text;
} exchange;

typedef struct talk {
    exchange all[MOST_ASKED]; /* up to one without a method */
} talk;

static int talk_length(const talk *t)
{
    int n = 0;

    while (n < MOST_ASKED && t->all[n].method)
        n++;
    return n;
}

static const exchange healthy = {
    .method = "GET", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .status = 200, .text = "ok"
};

/* What became of one. */
typedef struct outcome {
    int error, status;
    size_t len;
    char text[2048];
    bool before, during; /* the fault had happened when it began; when it ended */
} outcome;

/* Everything about one talk. */
static struct affair {
    const talk *t;
    int cancels;  /* after so many iterations; -1: not at all */
    bool closes;  /* the session is closed then, instead */
    size_t step;  /* bytes of a read; 0: all at once */
    bool starves; /* an allocation fails */

    bool was_over, closed;
    outcome outcomes[MOST_ASKED];
    int seen[10], whole[10], wrong; /* heads, and bodies, that the server has got; bodies that were others */
    size_t begins[MOST_ASKED], ends[MOST_ASKED]; /* of answers, in bytes of the first line */
    awl_time took;
} affair;

/* Where answers begin and end on the first line when nothing goes wrong; those that are elsewhere end at 0. */
static struct {
    size_t begins[MOST_ASKED], ends[MOST_ASKED];
} sound;

static inline void check_affair(bool cond, const char *what, int i, int line)
{
    static char text[480];
    const outcome *o = &affair.outcomes[i];
    bool goodbye;

    if (cond)
        return;
    snprintf(text, sizeof text,
             "%s: of %d: %s, cancelled %d, step %zu: error %d, status %d, %zu bytes, before %d, during %d, seen %d, "
             "delivered %zu of %zu to %zu, told %d, line %d, %lld ms",
             what, i, net_plan(), affair.cancels, affair.step, o->error, o->status, o->len, o->before, o->during,
             affair.seen[i], net_delivered(FAULT_BACK, &goodbye), sound.begins[i], sound.ends[i],
             net.lines[0].ends[0].told, net.n, (long long)(affair.took / AWL_MS));
    harness_fail_(__FILE__, line, "%s", text);
}
#define MUST(cond, i) check_affair((cond), #cond, (i), __LINE__)

/* ---- The server -------------------------------------------------------------------------------------------------- */

/* What a head asks for, and how its body comes. */
typedef struct asked {
    int i;
    size_t length;
    bool chunked, expects;
} asked;

static inline void note_line(asked *a, const char *line)
{
    const char *path = strstr(line, " /");

    if (a->i < 0)
        a->i = path && path[2] >= '0' && path[2] <= '9' && path[3] == ' ' ? path[2] - '0' : 8;
    else if (strncmp(line, "Content-Length: ", 16) == 0)
        a->length = strtoul(line + 16, NULL, 10);
    a->chunked |= strcmp(line, "Transfer-Encoding: chunked\r\n") == 0;
    a->expects |= strcmp(line, "Expect: 100-continue\r\n") == 0;
}

/* The body of a request, into `got`. Result: whether it came to its end. */
co_def(hear_body, {
    awl_stream *s;
    asked *a;
    char got[1024], *line;
    size_t len, left;
    int n;
})
{
    const char *expected;

    co_begin;
    self->left = self->a->length;
    do {
        if (self->a->chunked) {
            co_let(self->line, awl_stream_readline(self->s, NULL));
            if (!self->line)
                co_return(false);
            self->left = strtoul(self->line, NULL, 16);
        }
        if (self->left > sizeof self->got - self->len)
            co_return(false);
        if (self->left)
            co_let(self->n, awl_stream_read_exactly(self->s, self->got + self->len, self->left));
        self->len += self->left;
        if (self->a->chunked)
            co_let(self->line, awl_stream_readline(self->s, NULL));
    } while (self->a->chunked && self->left);
    expected = self->a->i < talk_length(affair.t) ? affair.t->all[self->a->i].body : NULL;
    affair.wrong +=
        self->len != (expected ? strlen(expected) : 0) || memcmp(self->got, expected ? expected : "", self->len);
    co_return(true);
    co_end;
}

static const exchange *exchange_of(int i)
{
    return i == HEALTHY ? &healthy : i < talk_length(affair.t) ? &affair.t->all[i] : NULL;
}

co_def(answers, {
    awl_stream *s;
    int line;
    asked a;
    char *text;
    bool there;
    const exchange *x;
    size_t sent, size;
})
{
    co_begin;
    for (;;) {
        self->a = (asked){ .i = -1 };
        do {
            co_let(self->text, awl_stream_readline(self->s, NULL));
            if (!self->text || strlen(self->text) > 500)
                co_return(0);
            note_line(&self->a, self->text);
        } while (strcmp(self->text, "\r\n") != 0);
        self->x = exchange_of(self->a.i);
        if (!self->x)
            co_return(0);
        affair.seen[self->a.i]++;
        if (self->a.i < MOST_ASKED && !self->line)
            affair.begins[self->a.i] = self->sent;
        if (self->a.expects) {
            if (awl_stream_print(self->s, "HTTP/1.1 100 Continue\r\n\r\n"))
                co_return(0);
            self->sent += 25;
        }
        if (!self->x->early) {
            co_let(self->there, co_call(hear_body, .s = self->s, .a = &self->a));
            if (!self->there)
                co_return(0);
            affair.whole[self->a.i]++;
        }
        self->size = self->x->size ? self->x->size : strlen(self->x->answer);
        self->sent += self->size;
        if (self->a.i < MOST_ASKED && !self->line)
            affair.ends[self->a.i] = self->sent;
        if (awl_stream_write(self->s, self->x->answer, self->size))
            co_return(0);
        co_await(awl_stream_drain(self->s));
        if (self->x->early) /* to close now would destroy the answer on its way */
            co_await(awl_sleep(TALK_SECONDS / 2 * AWL_SECOND));
        if (self->x->ends)
            co_return(0);
    }
    co_end;
}

static inline awl_coro answers_from_script(awl_stream *s, int n) { return co_call(answers, .s = s, .line = n); }

/* ---- The client -------------------------------------------------------------------------------------------------- */

co_def(writes_body, {
    awl_http_upload *upload;
    const char *body;
    size_t len, at, n;
})
{
    co_begin;
    self->len = strlen(self->body);
    for (; self->at < self->len; self->at += self->n) {
        self->n = self->len > 1000 ? 10000 : self->len - self->at < 97 ? self->len - self->at : 97;
        co_await(awl_upload_write(self->upload, self->body + self->at, self->n));
    }
    co_end;
}

static inline awl_coro write_body(awl_http_upload *upload, void *arg)
{
    return co_call(writes_body, .upload = upload, .body = arg);
}

co_def(ask, {
    awl_http_session *session;
    const exchange *x;
    int i;
    outcome *o;
    char url[40];
    awl_http_request_options options;
    awl_response *r;
    char *whole;
    int n;
})
{
    const exchange *x = self->x;

    co_begin;
    snprintf(self->url, sizeof self->url, "%s://localhost/%d", net.tls ? "https" : "http", self->i);
    self->options.expect = x->expects;
    if (x->chunked) {
        self->options.upload = write_body;
        self->options.upload_arg = (void *)(uintptr_t)x->body;
    } else if (x->body) {
        self->options.body = x->body;
        self->options.body_size = strlen(x->body);
    }
    co_let(self->r, awl_http_request(self->session, x->method, self->url, &self->options));
    self->o->status = awl_response_status(self->r);
    if (!affair.step) {
        co_let(self->whole, awl_response_read_all(self->r, &self->o->len));
        CHECK(self->o->len < sizeof self->o->text);
        memcpy(self->o->text, self->whole, self->o->len);
        co_return(0);
    }
    do {
        co_let(self->n, awl_response_read(self->r, self->o->text + self->o->len, affair.step));
        self->o->len += (size_t)self->n;
        CHECK(self->o->len + affair.step < sizeof self->o->text);
    } while (self->n);
    co_finally;
    awl_response_close(self->r);
    co_end;
}

static inline bool fault_is_done(void)
{
    return net.n && (net.lines[0].pipes[0].way.done || net.lines[0].pipes[1].way.done);
}

co_def(ask_all, {
    awl_http_session *session;
    int i, turns;
})
{
    co_begin;
    for (self->i = 0; self->i < talk_length(affair.t); self->i++) {
        if (affair.closed) { /* then none may begin */
            affair.outcomes[self->i].error = ECONNABORTED;
            continue;
        }
        affair.outcomes[self->i].before = fault_is_done();
        co_try(affair.outcomes[self->i].error, co_call(ask, .session = self->session, .x = &affair.t->all[self->i],
                                                       .i = self->i, .o = &affair.outcomes[self->i]));
        affair.outcomes[self->i].during = fault_is_done();
        while (affair.t->all[self->i].leads)
            self->i++;
        for (self->turns = 0; self->turns < 10; self->turns++) /* all others have theirs, before the next request */
            co_await(awl_sleep(affair.cancels < 0 ? AWL_MS : 0));
    }
    co_end;
}

/* Whether what is read may be something else than what was sent, and nobody can know. */
static inline bool may_be_garbled(void)
{
    return !net.tls && (net.plan.way[FAULT_FORTH].kind >= FAULT_FLIP || net.plan.way[FAULT_BACK].kind >= FAULT_FLIP);
}

/* Whatever happened, the session is of use; a connection that is silent is given up first. */
co_def(ask_once_more, {
    awl_http_session *session;
    outcome o;
    int rc, i;
})
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        memset(&self->o, 0, sizeof self->o);
        co_try(self->rc, co_call(ask, .session = self->session, .x = &healthy, .i = HEALTHY, .o = &self->o));
        if (!self->rc)
            break;
    }
    if (may_be_garbled())
        co_return(0);
    if (self->rc)
        co_raise(self->rc);
    CHECK_STR(self->o.text, "ok");
    co_end;
}

/* One talk, as net and affair say. */
co_def(have, {
    awl_http_session *session;
    awl_task *task;
    int i, rc;
    awl_time start;
})
{
    co_begin;
    self->start = awl_loop_time(NULL);
    if (net.secrecy)
        net.secrecy->refresh();
    memset(affair.outcomes, 0, sizeof affair.outcomes);
    memset(affair.seen, 0, sizeof affair.seen);
    memset(affair.whole, 0, sizeof affair.whole);
    memset(affair.begins, 0, sizeof affair.begins);
    memset(affair.ends, 0, sizeof affair.ends);
    affair.wrong = 0;
    affair.closed = false;
    affair.was_over = true;
    self->session = awl_http_session_new(&(awl_http_session_options){
        .tls = net.client_tls,
        .proxy = net.tunnel ? "http://proxy:3128" : "",
        .timeouts = { .total = TALK_SECONDS * AWL_SECOND, .connect = TALK_SECONDS / 2 * AWL_SECOND } });
    if (!self->session)
        co_raise(ENOMEM);
    self->task = awl_create_task(co_call(ask_all, .session = self->session));
    if (!self->task)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < affair.cancels; self->i++)
        co_await(awl_sleep(0));
    if (affair.closes) {
        affair.was_over = awl_task_done(self->task);
        affair.closed = true;
        awl_http_session_close(self->session);
        self->session = NULL;
    } else if (affair.cancels >= 0) {
        affair.was_over = !awl_task_cancel(self->task);
    }
    co_try_cancel(self->rc, self->task);
    MUST(self->rc == (affair.was_over || affair.closes ? 0 : ECANCELED) || (affair.starves && self->rc == ENOMEM), 0);
    affair.took = awl_loop_time(NULL) - self->start;
    if (self->session)
        co_await(co_call(ask_once_more, .session = self->session));
    co_finally;
    if (self->task && !awl_task_done(self->task)) {
        awl_task_cancel(self->task);
        co_try_cancel(self->rc, self->task);
    }
    awl_task_release(self->task);
    awl_http_session_close(self->session);
    co_await(co_call(net_ends));
    co_end;
}

#endif
