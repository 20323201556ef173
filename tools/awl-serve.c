/*
 * Serves a folder over HTTP.
 *
 *     awl-serve [options] DIR        see awl-serve.1
 *
 * The certificate and the folder are tried in a loop of their own first: what is wrong with them is said once, by this
 * process, however many workers there are to be.
 */
#define _GNU_SOURCE
#include <awl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <awl/http_files.h>
#include <awl/http_run.h>

#include "awl-serve-log.h"

enum { DEFAULT_PORT = 8080, MAX_WORKERS = 1024, FAILED = 1, MISUSED = 2 };

/* What the command line asks for. */
typedef struct settings {
    const char *folder, *host, *cert, *key; /* no cert: plain HTTP. No key: it is in the cert's file */
    int port, workers;
    bool quiet;
} settings;

/* ---- Serving ------------------------------------------------------------------------------------------------------- */

#ifdef SERVE_TLS
/* 0 or the error. */
static int set_tls(awl_stream_options *options, const settings *s)
{
    static const char *const alpn[] = { "http/1.1", "http/1.0", NULL };

    if (!s->cert)
        return 0;
    options->tls = awl_tls_server(&(awl_tls_options){ .cert_file = s->cert, .key_file = s->key, .alpn = alpn });
    return awl_tls_error(options->tls);
}

static void release_tls(awl_tls *tls) { awl_tls_release(tls); }
#else
static int set_tls(awl_stream_options *options, const settings *s)
{
    (void)options, (void)s; /* main has refused a certificate */
    return 0;
}

static void release_tls(awl_tls *tls) { (void)tls; }
#endif

static int set_folder(awl_http_app *app, const settings *s)
{
    return awl_http_static(app, "/", s->folder, &(awl_http_static_options){ .listing = true });
}

/* In each process that serves. 0 or the error. */
static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    const settings *s = arg;
    int rc = set_folder(app, s);

    if (!s->quiet)
        awl_http_on_access(app, log_access, NULL);
    return rc ? rc : (rc = awl_http_on_cleanup(app, log_end, NULL)) ? rc : set_tls(options, s);
}

/* Whether the settings can be served at all. Result: 0, or FAILED, and what is wrong has been said. */
co_def(try_out, { const settings *s; awl_http_app *app; awl_stream_options options; int rc; })
{
    co_begin;
    self->app = awl_http_app_new(NULL);
    if (!self->app)
        co_raise(errno);
    self->rc = set_folder(self->app, self->s);
    if (self->rc)
        fprintf(stderr, "awl-serve: cannot serve the folder %s: %s\n", self->s->folder, awl_error_message(self->rc));
    else {
        self->rc = set_tls(&self->options, self->s);
        if (self->rc)
            fprintf(stderr, "awl-serve: cannot use the certificate: %s\n", awl_error_message(self->rc));
    }
    co_return(self->rc ? FAILED : 0);
    co_finally;
    release_tls(self->options.tls);
    awl_http_app_release(self->app);
    co_end;
}

static pid_t main_process;
static bool accepting; /* in the main process */

/* Why it does not even begin, main says. */
static void report(void *arg, const awl_report *r)
{
    (void)arg;
    if (accepting || getpid() != main_process)
        log_report(r->what, r->message ? r->message : awl_strerror(r->error));
}

/* Whoever has started the program reads this line to learn the port. */
static void listening(int port, void *arg)
{
    const settings *s = arg;
    const bool is_ipv6 = strchr(s->host, ':');

    accepting = true;
    printf("listening on %s://%s%s%s:%d\n", s->cert ? "https" : "http", is_ipv6 ? "[" : "", s->host, is_ipv6 ? "]" : "",
           port);
    fflush(stdout);
}

/* ---- The command line ---------------------------------------------------------------------------------------------- */

static void print_help(void)
{
    printf("usage: awl-serve [options] DIR\n"
           "Serves the files in DIR over HTTP, and lists folders without an index.html.\n"
           "\n"
           "  --port N      port to listen on; 0: any that is free, see the first line of output (%d)\n"
           "  --bind ADDR   address to listen on; 0.0.0.0 or :: for all (127.0.0.1)\n"
           "  --cert FILE   serve https, with this certificate (PEM)\n"
           "  --key FILE    the certificate's key (PEM), unless it is in the same file\n"
           "  --workers N   processes that share the work (1)\n"
           "  --quiet       no access log on stderr\n"
           "  --version     print the version and exit\n"
           "  --help        print this and exit\n",
           DEFAULT_PORT);
}

/* Reads a decimal number from `min` to `max`; else says so and exits. */
static int number(const char *option, const char *text, int min, int max)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < min || n > max) {
        fprintf(stderr, "awl-serve: %s takes a number from %d to %d, not '%s'\n", option, min, max, text);
        exit(MISUSED);
    }
    return (int)n;
}

static _Noreturn void misused(const char *what)
{
    fprintf(stderr, "awl-serve: %s; see awl-serve --help\n", what);
    exit(MISUSED);
}

/* What is wrong with the settings as a whole ends the program. */
static void check_settings(const settings *s)
{
    if (!*s->host)
        misused("--bind takes an address");
    if (s->key && !s->cert)
        misused("--key is of no use without --cert");
#ifndef SERVE_TLS
    if (s->cert)
        misused("--cert: this awl-serve was built without TLS");
#endif
}

/* Exits, where the command line is wrong or asks for no more than a text. */
static settings parse(int argc, char **argv)
{
    enum { PORT = 256, BIND, CERT, KEY, WORKERS, QUIET, VERSION, HELP };
    static const struct option options[] = {
        { "port", required_argument, NULL, PORT },       { "bind", required_argument, NULL, BIND },
        { "cert", required_argument, NULL, CERT },       { "key", required_argument, NULL, KEY },
        { "workers", required_argument, NULL, WORKERS }, { "quiet", no_argument, NULL, QUIET },
        { "version", no_argument, NULL, VERSION },       { "help", no_argument, NULL, HELP },
        { 0 },
    };
    settings s = { .host = "127.0.0.1", .port = DEFAULT_PORT, .workers = 1 };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case PORT: s.port = number("--port", optarg, 0, 65535); break;
        case BIND: s.host = optarg; break;
        case CERT: s.cert = optarg; break;
        case KEY: s.key = optarg; break;
        case WORKERS: s.workers = number("--workers", optarg, 1, MAX_WORKERS); break;
        case QUIET: s.quiet = true; break;
        case VERSION: puts("awl-serve " AWL_VERSION); exit(fflush(stdout) || ferror(stdout) ? FAILED : 0);
        case HELP: print_help(); exit(fflush(stdout) || ferror(stdout) ? FAILED : 0);
        default: exit(MISUSED); /* getopt_long has said what is wrong */
        }
    }
    if (argc - optind != 1)
        misused(argc == optind ? "which folder is to be served?" : "only one folder can be served");
    s.folder = argv[optind];
    check_settings(&s);
    return s;
}

int main(int argc, char **argv)
{
    static char name[] = "awl-serve";
    awl_value failed = { .i = FAILED };
    settings s;
    int rc;

    if (argc)
        argv[0] = name; /* what getopt_long's messages begin with */
    s = parse(argc, argv);

    signal(SIGPIPE, SIG_IGN); /* that nobody reads the log any more is no reason to end */

    main_process = getpid();
    if (awl_run_with(co_call(try_out, .s = &s), NULL, &failed) || failed.i)
        return FAILED;
    rc = awl_http_run(s.host, s.port, setup, &s, &(awl_http_run_options){
        .loop = &(awl_loop_options){ .report = report }, .workers = s.workers, .listening = listening,
    });
    if (rc)
        fprintf(stderr, "awl-serve: cannot serve on %s, port %d: %s\n", s.host, s.port, awl_strerror(rc));
    return rc ? FAILED : 0;
}
