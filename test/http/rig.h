/* What the tests of HTTP share: a server that says what it is told to, whole or in pieces, and stops where it is told to. */
#ifndef HTTP_RIG_H
#define HTTP_RIG_H

#include "../stream/rig.h"

/* What the server answers: to every request the same, or by the path's last letter. */
typedef struct script {
    const char *answers[8]; /* to "/0", "/1", …; others get the first */
    size_t piece;           /* bytes between which the other tasks have a turn; 0: all at once */
    size_t stop;            /* bytes after which the connection ends; 0: at the end */
    bool reset;             /* it ends by a reset */
    bool keep;              /* it does not end */
    char request[1024];     /* the last one */
    int requests, port;
    awl_server *server;
    char url[64]; /* of "/0" */
} script;

co_def(answer, { awl_stream *s; script *x; char *line; const char *text; size_t len, sent, n; })
{
    co_begin;
    self->x->requests++;
    self->x->request[0] = '\0';
    do {
        co_let(self->line, awl_stream_readline(self->s, NULL));
        if (!self->line)
            co_return(0);
        strncat(self->x->request, self->line, sizeof self->x->request - strlen(self->x->request) - 1);
        if (!self->text)
            self->text = self->x->answers[self->line[5] >= '0' && self->line[5] < '8' ? self->line[5] - '0' : 0];
    } while (strcmp(self->line, "\r\n") != 0);
    self->len = self->x->stop ? self->x->stop : strlen(self->text);
    while (self->sent < self->len) {
        self->n = self->x->piece && self->x->piece < self->len - self->sent ? self->x->piece : self->len - self->sent;
        if (awl_stream_write(self->s, self->text + self->sent, self->n))
            co_return(0);
        self->sent += self->n;
        if (self->x->piece)
            co_await(awl_sleep(0));
    }
    if (self->x->keep)
        co_await(awl_sleep(AWL_FOREVER));
    if (self->x->reset) {
        static const struct linger reset = { 1, 0 };

        co_await(awl_sleep(1 * AWL_MS));
        setsockopt(awl_stream_fd(self->s), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    co_end;
}

static awl_coro serve(awl_stream *s, void *arg) { return co_call(answer, .s = s, .x = arg); }

/* Starts the server of a script. */
co_def(begin_script, { script *x; })
{
    co_begin;
    co_let(self->x->server, awl_start_server(serve, self->x, "127.0.0.1", 0, NULL));
    self->x->port = awl_server_port(self->x->server);
    snprintf(self->x->url, sizeof self->x->url, "http://127.0.0.1:%d/0", self->x->port);
    co_end;
}

co_def(end_script, { script *x; })
{
    co_begin;
    awl_server_cancel_clients(self->x->server);
    co_await(awl_server_wait_closed(self->x->server));
    awl_server_close(self->x->server);
    self->x->server = NULL;
    co_end;
}

/* Fetches one URL. Result: the response. */
co_def(fetches, { const char *url; awl_http_response *r; })
{
    co_begin;
    co_let(self->r, awl_http_fetch(self->url, NULL));
    co_return(self->r);
    co_end;
}

static script the_script; /* not in a frame: when a test fails, tasks of its own still run */

/* HTTP_TEST(name, { fields }) { body }: a test with a script `x` that is served; also has `rc` and `r`. */
#define HTTP_TEST(name, ...)                                                                                           \
    co_declare(name##_body, { script *x; awl_http_response *r; int rc; __extension__ struct __VA_ARGS__; });           \
    STREAM_TEST(name, {})                                                                                              \
    {                                                                                                                  \
        co_begin;                                                                                                      \
        co_await(co_call(begin_script, .x = &the_script));                                                             \
        co_await(co_call(name##_body, .x = &the_script));                                                              \
        co_finally;                                                                                                    \
        if (the_script.server)                                                                                         \
            co_await(co_call(end_script, .x = &the_script));                                                           \
        co_end;                                                                                                        \
    }                                                                                                                  \
    co_define(name##_body)

static inline __attribute__((unused)) void http_rig_may_be_unused_(void) { (void)&fetches_type_; }

#endif
