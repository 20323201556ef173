/*
 * A TLS client and a TLS echo server, for scripts that set them against other implementations.
 *
 *     tls_peer serve   --cert FILE --key FILE [--ca FILE] [--alpn NAME] [--n CONNECTIONS]
 *     tls_peer connect --port N [--name NAME] [--ca FILE] [--cert FILE --key FILE] [--alpn NAME] [--starttls] [--n
 * TIMES] TEXT
 *
 * The server says `listening on 127.0.0.1:PORT`, and what each connection is like. The client sends TEXT and a newline,
 * prints the line that it gets, and what the connection is like; --n: that often, one after the other. Errors are said
 * as `error: …`, and make the client's status 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "awl.h"

static struct {
    const char *cert, *key, *ca, *alpn, *name, *text;
    int port, n;
    bool starttls;
} args = { .name = "localhost", .n = 1, .text = "hello" };

static awl_tls *make_context(bool is_server)
{
    const char *alpn[] = { args.alpn, NULL };
    awl_tls_options options = { .cert_file = args.cert, .key_file = args.key, .alpn = alpn };
    awl_tls *tls;

    if (args.ca) {
        options.trust = awl_trust_from_file(args.ca);
        options.ask = AWL_TLS_REQUIRE_CERTIFICATE;
    }
    tls = is_server ? awl_tls_server(&options) : awl_tls_client(&options);
    awl_trust_release(options.trust);
    return tls;
}

static void say_error(int error)
{
    printf("error: %s\n", awl_error_message(error));
    fflush(stdout);
}

static void say_details(const awl_stream *s)
{
    awl_tls_details d;

    if (awl_tls_info(s, &d) == 0)
        printf("%s %s protocol=%s name=%s resumed=%d peer=%s\n", d.version, d.suite, d.protocol ? d.protocol : "-",
               d.server_name ? d.server_name : "-", d.resumed, d.subject ? d.subject : "-");
    fflush(stdout);
}

/* ---- Server ------------------------------------------------------------------------------------------------------ */

co_def(echo, {
    awl_stream *s;
    awl_tls *tls;
    int n, rc;
    char buf[16384];
})
{
    co_begin;
    co_try(self->rc, awl_start_tls(self->s, self->tls, NULL));
    if (self->rc) {
        say_error(self->rc);
        co_return(0);
    }
    say_details(self->s);
    for (;;) {
        co_try(self->rc, awl_stream_read(self->s, self->buf, sizeof self->buf));
        if (self->rc)
            break;
        co_result(self->n);
        if (self->n == 0 || awl_stream_write(self->s, self->buf, (size_t)self->n))
            break;
        co_await(awl_stream_drain(self->s));
    }
    if (self->rc)
        say_error(self->rc);
    co_end;
}

static awl_coro serve_one(awl_stream *s, void *arg) { return co_call(echo, .s = s, .tls = arg); }

co_def(serve, {
    awl_tls *tls;
    awl_server *server;
})
{
    co_begin;
    self->tls = make_context(true);
    if (awl_tls_error(self->tls)) {
        say_error(errno);
        co_raise(errno);
    }
    co_let(self->server, awl_start_server(serve_one, self->tls, "127.0.0.1", args.port, NULL));
    printf("listening on 127.0.0.1:%d\n", awl_server_port(self->server));
    fflush(stdout);
    co_await(awl_sleep(60 * AWL_SECOND)); /* whoever started it ends it before */
    co_finally;
    awl_server_close(self->server);
    awl_tls_release(self->tls);
    co_end;
}

/* ---- Client ------------------------------------------------------------------------------------------------------ */

co_def(talk, {
    awl_tls *tls;
    awl_stream *s;
    char *line;
})
{
    co_begin;
    co_let(self->s, awl_open_connection("127.0.0.1", args.port, NULL));
    if (args.starttls) {
        awl_stream_print(self->s, "STARTTLS\n");
        co_let(self->line, awl_stream_readline(self->s, NULL));
    }
    co_await(awl_start_tls(self->s, self->tls, args.name));
    say_details(self->s);
    awl_stream_print(self->s, "%s\n", args.text);
    co_let(self->line, awl_stream_readline(self->s, NULL));
    printf("got: %s", self->line ? self->line : "nothing\n");
    co_finally;
    awl_stream_close(self->s);
    co_end;
}

co_def(connect_, {
    awl_tls *tls;
    int i, rc;
})
{
    co_begin;
    self->tls = make_context(false);
    if (awl_tls_error(self->tls)) {
        say_error(errno);
        co_raise(errno);
    }
    for (self->i = 0; self->i < args.n && !self->rc; self->i++)
        co_try(self->rc, co_call(talk, .tls = self->tls));
    if (self->rc) {
        say_error(self->rc);
        co_raise(self->rc);
    }
    co_finally;
    awl_tls_release(self->tls);
    co_end;
}

static void drop_report(void *arg, const awl_report *report) { (void)arg, (void)report; }

int main(int argc, char **argv)
{
    const awl_loop_options options = { .report = drop_report };
    const bool is_server = argc > 1 && strcmp(argv[1], "serve") == 0;

    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        const char **text = strcmp(argv[i], "--cert") == 0   ? &args.cert
                            : strcmp(argv[i], "--key") == 0  ? &args.key
                            : strcmp(argv[i], "--ca") == 0   ? &args.ca
                            : strcmp(argv[i], "--alpn") == 0 ? &args.alpn
                            : strcmp(argv[i], "--name") == 0 ? &args.name
                                                             : NULL;
        int *number = strcmp(argv[i], "--port") == 0 ? &args.port : strcmp(argv[i], "--n") == 0 ? &args.n : NULL;

        if (text)
            *text = value, i++;
        else if (number)
            *number = atoi(value), i++;
        else if (strcmp(argv[i], "--starttls") == 0)
            args.starttls = true;
        else
            args.text = argv[i];
    }
    return awl_run_with(is_server ? co_call(serve) : co_call(connect_), &options, NULL) ? 1 : 0;
}
