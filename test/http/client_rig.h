/* What the tests of the HTTP client share: a server over loopback that writes exactly what a script says, at two
 * ports. */
#ifndef HTTP_CLIENT_RIG_H
#define HTTP_CLIENT_RIG_H

#include <stdlib.h>

#include "../stream/rig.h"

enum then { KEEP, CLOSE, RESET, HANG };

/* What a request is answered by: the first answer that has not been used and whose path, if it has one, is the
 * request's. "$0" and "$1" in the text are the two ports. */
typedef struct answer {
    const char *text; /* NULL: nothing */
    const char *path; /* NULL: any */
    size_t size;      /* 0: as long as the text */
    size_t piece;     /* bytes between which other tasks have a turn; 0: all at once */
    enum then then;
    bool again; /* it is not used up */
    bool early; /* it comes before the body of the request has been read */
    bool go;    /* "100 Continue" comes before it, and then the body is read */
    awl_time delay;
    bool used;
} answer;


#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* A request as it came. */
typedef struct note {
    int conn, port; /* which connection; 0 or 1: at which port */
    char head[1200], body[256];
    size_t body_size; /* all of it; `body` has its beginning */
} note;

static struct script {
    answer *answers;
    note notes[160];
    int n, conns, open, most; /* requests, connections, those that are open, the most that ever were */
    int ports[2];
    awl_server *servers[2];
    const awl_stream_options *options; /* of the second server */
    char url[2][64]; /* "http://127.0.0.1:PORT/" */
} script;

/* ---- The server ------------------------------------------------------------------------------------------------- */

static inline answer *find_answer(const note *seen)
{
    const char *path = strchr(seen->head, ' ');

    for (answer *a = script.answers; a && (a->text || a->then); a++) {
        if (a->used || (a->path && (!path || strncmp(path + 1, a->path, strlen(a->path)) != 0 ||
                                    path[1 + strlen(a->path)] != ' ')))
            continue;
        a->used = !a->again;
        return a;
    }
    return NULL;
}

/* Fills in the ports. Result: the length. */
static inline size_t fill_in(const answer *a, char *out, size_t cap)
{
    size_t n = 0;

    for (const char *at = a->text; at && *at && n + 8 < cap; at++) {
        if (at[0] == '$' && (at[1] == '0' || at[1] == '1'))
            n += (size_t)snprintf(out + n, cap - n, "%d", script.ports[*++at - '0']);
        else
            out[n++] = *at;
    }
    return n;
}

static inline void note_body(note *seen, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++, seen->body_size++) {
        if (seen->body_size < sizeof seen->body - 1)
            seen->body[seen->body_size] = data[i];
    }
}

/* Reads the head of a request. Result: 0 at the end of the connection. */
co_def(read_request, { awl_stream *s; note *seen; char *line; })
{
    co_begin;
    do {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            co_return(0);
        strncat(self->seen->head, self->line, sizeof self->seen->head - strlen(self->seen->head) - 1);
    } while (strcmp(self->line, "\r\n") != 0);
    co_return(1);
    co_end;
}

/* Reads its body. Result: 0 if it is cut off. */
co_def(read_body, { awl_stream *s; note *seen; char *line, buf[4096]; size_t left; int n; })
{
    const char *length;

    co_begin;
    length = strstr(self->seen->head, "\r\nContent-Length: ");
    if (length) {
        for (self->left = strtoul(length + 18, NULL, 10); self->left; self->left -= (size_t)self->n) {
            co_let(self->n,
                   awl_stream_read(self->s, self->buf, self->left < sizeof self->buf ? self->left : sizeof self->buf));
            if (!self->n)
                co_return(0);
            note_body(self->seen, self->buf, (size_t)self->n);
        }
    } else if (strstr(self->seen->head, "\r\nTransfer-Encoding: chunked\r\n")) {
        do {
            co_let(self->line, awl_stream_readline(self->s, NULL));
            if (!self->line)
                co_return(0);
            self->left = strtoul(self->line, NULL, 16);
            CHECK(self->left <= sizeof self->buf);
            if (self->left)
                co_let(self->n, awl_stream_read_exactly(self->s, self->buf, self->left));
            note_body(self->seen, self->buf, self->left);
            co_let(self->line, awl_stream_readline(self->s, NULL));
        } while (self->left);
    }
    co_return(1);
    co_end;
}

co_def(give, { awl_stream *s; const answer *a; char text[2048]; const char *at; size_t len, sent, n; })
{
    co_begin;
    if (self->a->delay)
        co_await(awl_sleep(self->a->delay));
    self->at = self->a->size ? self->a->text : self->text;
    self->len = self->a->size ? self->a->size : fill_in(self->a, self->text, sizeof self->text);
    for (; self->sent < self->len; self->sent += self->n) {
        self->n = self->a->piece && self->a->piece < self->len - self->sent ? self->a->piece : self->len - self->sent;
        if (awl_stream_write(self->s, self->at + self->sent, self->n))
            co_return(0);
        co_await(awl_stream_drain(self->s));
        if (self->a->piece)
            co_await(awl_sleep(0));
    }
    co_end;
}

co_def(peer, { awl_stream *s; int port, conn; note new, *seen; const answer *a; int n; })
{
    co_begin;
    self->conn = script.conns++;
    if (++script.open > script.most)
        script.most = script.open;
    for (;;) {
        memset(&self->new, 0, sizeof self->new);
        self->new.conn = self->conn;
        self->new.port = self->port;
        co_let(self->n, co_call(read_request, .s = self->s, .seen = &self->new));
        if (!self->n)
            co_return(0);
        CHECK(script.n < (int)(sizeof script.notes / sizeof *script.notes));
        self->seen = &script.notes[script.n++];
        *self->seen = self->new;
        self->a = find_answer(self->seen);
        if (!self->a)
            co_return(0);
        if (self->a->go)
            CHECK_INT(awl_stream_print(self->s, "HTTP/1.1 100 Continue\r\n\r\n"), 0);
        if (!self->a->early) {
            co_let(self->n, co_call(read_body, .s = self->s, .seen = self->seen));
            if (!self->n)
                co_return(0);
        }
        co_await(co_call(give, .s = self->s, .a = self->a));
        if (self->a->then == HANG)
            co_await(awl_sleep(AWL_FOREVER));
        if (self->a->then == RESET) {
            static const struct linger reset = { 1, 0 };

            setsockopt(awl_stream_fd(self->s), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        if (self->a->then != KEEP)
            co_return(0);
    }
    co_finally;
    script.open--;
    co_end;
}

static inline awl_coro serve_0(awl_stream *s, void *arg) { return (void)arg, co_call(peer, .s = s, .port = 0); }
static inline awl_coro serve_1(awl_stream *s, void *arg) { return (void)arg, co_call(peer, .s = s, .port = 1); }

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

co_def(begin_script, { answer *answers; int i; })
{
    co_begin;
    script.answers = self->answers;
    for (self->i = 0; self->i < 2; self->i++) {
        co_let(script.servers[self->i], awl_start_server(self->i ? serve_1 : serve_0, NULL, "127.0.0.1", 0,
                                                          self->i ? script.options : NULL));
        script.ports[self->i] = awl_server_port(script.servers[self->i]);
        snprintf(script.url[self->i], sizeof script.url[0], "http://127.0.0.1:%d/", script.ports[self->i]);
    }
    co_end;
}

co_def(end_script, { int i; })
{
    co_begin;
    for (self->i = 0; self->i < 2; self->i++) {
        awl_server_cancel_clients(script.servers[self->i]);
        co_await(awl_server_wait_closed(script.servers[self->i]));
        awl_server_close(script.servers[self->i]);
        script.servers[self->i] = NULL;
    }
    co_end;
}

/* "http://127.0.0.1:PORT/path", until the next eighth call. */
static inline const char *at(int port, const char *path)
{
    static char text[8][256];
    static int i;

    snprintf(text[i = (i + 1) % 8], sizeof text[0], "http://127.0.0.1:%d%s", script.ports[port], path);
    return text[i];
}

/* What the n-th request has said, in all; how often a text is in it. */
static inline bool said(int n, const char *text) { return n < script.n && strstr(script.notes[n].head, text) != NULL; }

/*
 * CLIENT_TEST(name, (answers), { fields }) { body }: a test whose server gives these answers; it has fields for a
 * session, a response and its text: `session`, `r`, `text`, `len`, and `rc`. TIMED_CLIENT_TEST: the time is virtual.
 */
#define CLIENT_TEST(name, list, ...) CLIENT_TEST_(name, STREAM_TEST, list, __VA_ARGS__)
#define TIMED_CLIENT_TEST(name, list, ...) CLIENT_TEST_(name, VIRTUAL_TEST, list, __VA_ARGS__)
#define ANSWERS(...) (__VA_ARGS__)
#define UNWRAP_(...) __VA_ARGS__
#define SAY(...) { .text = __VA_ARGS__ }
#define CLIENT_TEST_(name, KIND, list, ...)                                                                         \
    static answer name##_answers[] = { UNWRAP_ list, { .text = NULL } };                                              \
    co_declare(name##_body, {                                                                                          \
        awl_http_session *session;                                                                                     \
        awl_response *r;                                                                                               \
        char *text;                                                                                                    \
        int rc;                                                                                                        \
        size_t len;                                                                                                    \
        __extension__ struct __VA_ARGS__;                                                                              \
    });                                                                                                                \
    KIND(name, {})                                                                                                     \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        co_await(co_call(begin_script, .answers = name##_answers));                                                    \
        co_await(co_call(name##_body));                                                                                \
        co_finally;                                                                                                    \
        if (script.servers[1])                                                                                         \
            co_await(co_call(end_script));                                                                             \
        co_end;                                                                                                        \
    }                                                                                                                  \
    co_define(name##_body)

/* The ends of bodies: closes what each has. */
#define CLIENT_END                                                                                                     \
    co_finally;                                                                                                        \
    awl_response_close(self->r);                                                                                       \
    awl_http_session_close(self->session);                                                                             \
    self->r = NULL, self->session = NULL;                                                                              \
    co_end

/* Gets a URL, and its body: into self->text. */
#define GET(url, ...)                                                                                                  \
    do {                                                                                                               \
        awl_response_close(self->r);                                                                                   \
        self->r = NULL;                                                                                                \
        co_let(self->r, awl_http_get(self->session, (url), __VA_ARGS__));                                              \
        co_let(self->text, awl_response_read_all(self->r, &self->len));                                                \
    } while (0)

/* Makes the session. */
#define OPEN(...)                                                                                                      \
    do {                                                                                                               \
        self->session = awl_http_session_new(&(awl_http_session_options){ __VA_ARGS__ });                             \
        CHECK(self->session != NULL);                                                                                  \
    } while (0)

/* Gets a URL and its body, which must fail with `error` somewhere. */
co_def(whole, {
    awl_http_session *session;
    const char *url;
    awl_http_request_options options;
    awl_response *r;
    char *t;
})
{
    co_begin;
    co_let(self->r, awl_http_get(self->session, self->url, &self->options));
    co_let(self->t, awl_response_read_all(self->r, NULL));
    co_finally;
    awl_response_close(self->r);
    co_end;
}
#define GET_FAILS(error, url_, ...)                                                                               \
    CHECK_FAILS(error, co_call(whole, .session = self->session, .url = (url_), .options = { __VA_ARGS__ }))

static inline __attribute__((unused)) void client_rig_may_be_unused_(void)
{
    (void)begin_script_type_, (void)end_script_type_, (void)whole_type_, (void)at, (void)said;
}

#endif
