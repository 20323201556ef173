/*
 * faults_visit.h: what a server of ours and a client that sends from a script say to each other while things go wrong
 * between them, and what must be so afterwards.
 *
 * A handler begins once for each head that has come, and never twice; a body that is cut off is not taken for a shorter
 * one. The answers are those that come without faults, as far as they come; behind the answers to what came whole there
 * is at most one more, which says what was wrong (4xx). The server is done with the connection in the time that it
 * gives, and serves the next one.
 */
#ifndef HTTP_FAULTS_VISIT_H
#define HTTP_FAULTS_VISIT_H

#include "faults_net.h"

enum { MOST_WANTED = 8, BACK_MOST = 16384, HEAD_SECONDS = 3, BODY_SECONDS = 4, WRITE_SECONDS = 5, IDLE_SECONDS = 6 };

/* A request as it is sent; the next one follows at once, or when this one's answer has ended in `until`. */
typedef struct wanted {
    const char *head, *body; /* body NULL: none */
    const char *taken;       /* the body as the handler gets it; NULL: as it is sent */
    bool expects;            /* the body is sent when the server says so */
    bool unread;             /* the handler does not read it to its end */
    const char *until;
} wanted;

typedef struct visit {
    wanted all[MOST_WANTED]; /* up to one without a head */
} visit;

static int visit_length(const visit *v)
{
    int n = 0;

    while (n < MOST_WANTED && v->all[n].head)
        n++;
    return n;
}

/* Everything about one visit. */
static struct affair {
    const visit *v;
    awl_http_app *app;
    bool slow;   /* the client reads a byte at a time */
    int cancels; /* the server, after so many iterations; -1: not at all */
    bool was_over;

    int begun[MOST_WANTED], finished[MOST_WANTED], wrong; /* handlers; bodies that are others than those sent */
    int told;                                             /* calls of the access hook */
    char got[BACK_MOST];
    size_t len;
    int error; /* of the client */
    awl_time took;
} affair;

/* What comes without faults: all of it, and where each answer ends; where heads and bodies of requests end. */
static struct {
    char got[BACK_MOST];
    size_t len, answers[MOST_WANTED], heads[MOST_WANTED], bodies[MOST_WANTED];
} sound;

static inline void check_affair(bool cond, const char *what, int i, int line)
{
    static char text[1024];
    const char *got = affair.got + (affair.len > 400 ? affair.len - 400 : 0);
    bool goodbye;

    if (cond)
        return;
    snprintf(text, sizeof text,
             "%s: of %d: %s: begun %d, finished %d, wrong %d, told %d, error %d, delivered %zu, head ends at %zu, body "
             "at %zu, "
             "%lld ms, got %zu bytes: …%.400s",
             what, i, net_plan(), affair.begun[i], affair.finished[i], affair.wrong, affair.told, affair.error,
             net_delivered(FAULT_FORTH, &goodbye), sound.heads[i], sound.bodies[i], (long long)(affair.took / AWL_MS),
             affair.len, got);
    harness_fail_(__FILE__, line, "%s", text);
}
#define MUST(cond, i) check_affair((cond), #cond, (i), __LINE__)

/* ---- The application: the query says which request it is, the path what to do ------------------------------------ */

static inline void note_body(int i, const char *body, size_t len)
{
    const wanted *w = &affair.v->all[i];
    const char *expected = w->taken ? w->taken : w->body ? w->body : "";

    affair.wrong += len != strlen(expected) || memcmp(body, expected, len) != 0;
}

co_def(echoes, {
    awl_request *request;
    int i;
    char *body;
    size_t len;
})
{
    co_begin;
    co_let(self->body, awl_request_read_all(self->request, &self->len));
    note_body(self->i, self->body, self->len);
    awl_respond(self->request, 200, "text/plain", self->body, self->len);
    co_end;
}

co_def(sinks, {
    awl_request *request;
    int i, n;
    char body[1024];
    size_t len;
})
{
    co_begin;
    do {
        co_let(self->n, awl_request_read(self->request, self->body + self->len, 50));
        self->len += (size_t)self->n;
        CHECK(self->len + 50 < sizeof self->body);
    } while (self->n);
    note_body(self->i, self->body, self->len);
    awl_respond_print(self->request, 200, "text/plain", "%zu bytes", self->len);
    co_end;
}

/* Sends what it reads, 63 bytes at a time. */
co_def(pipes, {
    awl_request *request;
    int i, n, rc;
    char body[1024];
    size_t len;
})
{
    co_begin;
    self->rc = awl_respond_begin(self->request, 200, "text/plain", -1);
    if (self->rc)
        co_raise(self->rc);
    for (;;) {
        co_let(self->n, awl_request_read(self->request, self->body + self->len, 63 - self->len % 63));
        self->len += (size_t)self->n;
        CHECK(self->len + 63 < sizeof self->body);
        if (!self->n)
            break;
        if (self->len % 63 == 0)
            co_await(awl_respond_write(self->request, self->body + self->len - 63, 63));
    }
    note_body(self->i, self->body, self->len);
    co_end;
}

/* The parts of a form, as "name=value;". */
co_def(parts, {
    awl_request *request;
    awl_multipart *parts;
    int i, rc;
    bool more;
    char *value, text[1024];
    size_t len;
})
{
    co_begin;
    self->parts = awl_request_multipart(self->request);
    if (!self->parts)
        co_raise(errno);
    for (;;) {
        co_let(self->more, awl_multipart_next(self->parts));
        if (!self->more)
            break;
        co_let(self->value, awl_multipart_read_all(self->parts, NULL));
        self->len += (size_t)snprintf(self->text + self->len, sizeof self->text - self->len, "%s=%s;",
                                      awl_multipart_name(self->parts), self->value);
        CHECK(self->len < sizeof self->text);
    }
    note_body(self->i, self->text, self->len);
    awl_respond_text(self->request, 200, "text/plain", self->text);
    co_end;
}

co_def(pieces, {
    awl_request *request;
    int64_t length;
    int n, k;
    char text[200];
})
{
    co_begin;
    awl_respond_begin(self->request, 200, "text/plain", self->length);
    for (; self->k < self->n; self->k++) {
        memset(self->text, 'a' + self->k, sizeof self->text);
        co_await(awl_respond_write(self->request, self->text, sizeof self->text));
        co_await(awl_sleep(AWL_MS));
    }
    co_end;
}

co_def(events, {
    awl_request *request;
    int k, rc;
})
{
    co_begin;
    self->rc = awl_respond_events(self->request, 0);
    if (self->rc)
        co_raise(self->rc);
    for (; self->k < 4; self->k++) {
        co_await(awl_respond_event(self->request, &(awl_http_event){ .data = "tick\ntock", .id = "7" }));
        co_await(awl_sleep(10 * AWL_MS));
    }
    co_end;
}

static char file_path[32]; /* of a file of 2,000 bytes that has no name of its own */

static inline awl_coro doing(awl_request *r, int i)
{
    const char *path = awl_request_path(r);

    if (strcmp(path, "/echo") == 0)
        return co_call(echoes, .request = r, .i = i);
    if (strcmp(path, "/sink") == 0)
        return co_call(sinks, .request = r, .i = i);
    if (strcmp(path, "/pipe") == 0)
        return co_call(pipes, .request = r, .i = i);
    if (strcmp(path, "/pieces") == 0)
        return co_call(pieces, .request = r, .n = 6, .length = -1);
    if (strcmp(path, "/long") == 0)
        return co_call(pieces, .request = r, .n = 20, .length = 4000);
    if (strcmp(path, "/parts") == 0)
        return co_call(parts, .request = r, .i = i);
    if (strcmp(path, "/file") == 0)
        return awl_respond_file(r, file_path, "text/plain");
    if (strcmp(path, "/events") == 0)
        return co_call(events, .request = r);
    return awl_http_next(r);
}

co_def(handles, {
    awl_request *request;
    int i, rc;
})
{
    co_begin;
    self->i = awl_request_query_string(self->request)[0] - '0';
    if (self->i < 0 || self->i >= MOST_WANTED)
        self->i = MOST_WANTED - 1; /* what was changed on its way */
    affair.begun[self->i]++;
    co_await(doing(self->request, self->i));
    affair.finished[self->i]++;
    co_end;
}

static inline awl_coro on_handles(awl_request *request, void *arg)
{
    return (void)arg, co_call(handles, .request = request);
}

static inline void note_access(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took)
{
    (void)arg, (void)request, (void)status, (void)bytes, (void)took;
    affair.told++;
}

static bool watches; /* the applications cancel handlers whose clients have gone */

static inline awl_http_app *new_app(void)
{
    awl_http_app *app = awl_http_app_new(&(awl_http_app_options){ .cancel_on_disconnect = watches,
                                                                  .head_timeout = HEAD_SECONDS * AWL_SECOND,
                                                                  .body_timeout = BODY_SECONDS * AWL_SECOND,
                                                                  .write_timeout = WRITE_SECONDS * AWL_SECOND,
                                                                  .idle_timeout = IDLE_SECONDS * AWL_SECOND });

    CHECK(app != NULL);
    CHECK_INT(awl_http_middleware(app, on_handles, NULL), 0);
    awl_http_on_access(app, note_access, NULL);
    return app;
}

static inline awl_coro serve_app(awl_stream *s, int n)
{
    (void)n;
    return awl_http_serve_stream(affair.app, s);
}

/* ---- The client -------------------------------------------------------------------------------------------------- */

/* Reads on. Result: whether there was more. */
co_def(hear, {
    awl_stream *s;
    int n;
})
{
    co_begin;
    co_let(self->n,
           awl_stream_read(self->s, affair.got + affair.len, affair.slow ? 1 : sizeof affair.got - 1 - affair.len));
    affair.len += (size_t)self->n;
    affair.got[affair.len] = '\0';
    CHECK(affair.len < sizeof affair.got - 1);
    co_return(self->n);
    co_end;
}

/* Reads until a text has come, behind what was there before, or what says that it will not. Result: whether it did. */
co_def(hear_until, {
    awl_stream *s;
    const char *text;
    size_t from;
    int n;
})
{
    co_begin;
    self->from = affair.len;
    while (!strstr(affair.got + self->from, self->text)) {
        co_let(self->n, co_call(hear, .s = self->s));
        if (!self->n || strstr(affair.got + self->from, "HTTP/1.1 5"))
            co_return(false);
    }
    co_return(true);
    co_end;
}

/* Sends all requests, and reads all that comes. */
co_def(visits, {
    awl_stream *s;
    int i, n, rc;
    const wanted *w;
})
{
    co_begin;
    for (self->w = affair.v->all; self->i < visit_length(affair.v); self->i++, self->w++) {
        self->rc = awl_stream_print(self->s, "%s", self->w->head);
        if (self->rc)
            break;
        if (self->w->expects) {
            co_let(self->n, co_call(hear_until, .s = self->s, .text = "HTTP/1.1 100 Continue\r\n\r\n"));
            if (!self->n)
                co_return(0);
        }
        self->rc = self->w->body ? awl_stream_print(self->s, "%s", self->w->body) : 0;
        if (self->rc)
            break;
        if (self->w->until) {
            co_let(self->n, co_call(hear_until, .s = self->s, .text = self->w->until));
            if (!self->n)
                co_return(0);
        }
    }
    if (self->rc == ENOMEM)
        co_raise(ENOMEM);
    do
        co_let(self->n, co_call(hear, .s = self->s));
    while (self->n);
    co_end;
}

static const char healthy_head[] = "GET /healthy?6 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
static const visit healthy = { { { .head = healthy_head } } };

static inline awl_coro opens_line(void)
{
    return awl_open_connection("localhost", 80, &(awl_stream_options){ .tls = net.client_tls });
}

/* One client, that gives up at last. Its error is in affair. */
co_def(comes, { awl_stream *s; })
{
    co_begin;
    memset(affair.got, 0, affair.len + 1);
    affair.len = 0;
    co_try(affair.error, opens_line());
    if (affair.error)
        co_return(0);
    co_result(self->s);
    co_try(affair.error, awl_wait_for(co_call(visits, .s = self->s), 20 * AWL_SECOND));
    if (affair.error == ETIMEDOUT)
        awl_stream_abort(self->s);
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

/* A visit as net and affair say. */
co_def(have, {
    awl_task *client;
    awl_time start;
    int i, rc;
})
{
    co_begin;
    self->start = awl_loop_time(NULL);
    if (net.secrecy)
        net.secrecy->refresh();
    memset(affair.begun, 0, sizeof affair.begun);
    memset(affair.finished, 0, sizeof affair.finished);
    affair.wrong = affair.told = 0;
    affair.was_over = true;
    self->client = awl_create_task(co_call(comes));
    if (!self->client)
        co_raise(ENOMEM);
    for (self->i = 0; self->i < affair.cancels; self->i++)
        co_await(awl_sleep(0));
    if (affair.cancels >= 0 && net.n) {
        affair.was_over = !awl_task_cancel(net.tasks[0]);
        co_try_cancel(self->rc, net.tasks[0]);
        awl_stream_close(net.open[0]); /* of a task that never ran */
        net.open[0] = NULL;
    }
    co_try_cancel(self->rc, self->client);
    if (self->rc)
        affair.error = self->rc;
    co_finally;
    if (self->client && !awl_task_done(self->client)) {
        awl_task_cancel(self->client);
        co_try_cancel(self->rc, self->client);
    }
    awl_task_release(self->client);
    co_await(co_call(net_ends));
    affair.took = awl_loop_time(NULL) - self->start;
    co_end;
}

/* Another one, over a sound line. */
co_def(have_a_healthy_one, {})
{
    co_begin;
    affair.v = &healthy;
    affair.slow = false;
    affair.cancels = -1;
    CHECK(net.n == 1);
    co_await(co_call(comes));
    CHECK_INT(affair.error, 0);
    CHECK(strncmp(affair.got, "HTTP/1.1 404 ", 13) == 0);
    co_finally;
    co_await(co_call(net_ends));
    co_end;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

/* Dates differ. */
static inline void mask_dates(char *text)
{
    for (char *at = text; (at = strstr(at, "\r\nDate: ")) != NULL;) {
        for (at += 8; *at && *at != '\r'; at++)
            *at = 'D';
    }
}

/* Behind one answer, with those that come before it (1xx); NULL: it is not whole. */
static inline const char *behind_answer(const char *at, bool is_head)
{
    for (;;) {
        const char *end = strstr(at, "\r\n\r\n"), *length = strstr(at, "\r\nContent-Length: "), *last;
        size_t n;

        if (!end)
            return NULL;
        end += 4;
        if (at[9] == '1') {
            at = end;
            continue;
        }
        if (is_head || strncmp(at + 9, "204", 3) == 0)
            return end;
        if (!length || length >= end) {
            last = strstr(end, "\r\n0\r\n\r\n");
            return last ? last + 7 : NULL;
        }
        n = strtoul(length + 18, NULL, 10);
        return strlen(end) >= n ? end + n : NULL;
    }
}

/* Keeps a visit that nothing disturbed. */
static inline void keep_sound(void)
{
    const char *at = affair.got;
    size_t sent = 0;

    memcpy(sound.got, affair.got, sizeof sound.got);
    sound.len = affair.len;
    for (int i = 0; i < visit_length(affair.v); i++) {
        const wanted *w = &affair.v->all[i];

        at = behind_answer(at, strncmp(w->head, "HEAD", 4) == 0);
        MUST(at != NULL, i);
        sound.answers[i] = (size_t)(at - affair.got);
        sent += strlen(w->head);
        sound.heads[i] = sent;
        sent += w->body ? strlen(w->body) : 0;
        sound.bodies[i] = sent;
    }
    MUST(!*at, 0);
}

#endif
