/*
 * http_site FOLDER [OPTION…]: a server with what browsers and proxies use: files, events, WebSockets, uploads, cookies,
 * bodies of all kinds. Prints its port. See `parse` for the options, and `setup` for what is where.
 */
#define _GNU_SOURCE
#include <awl.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command line asks for. */
static struct {
    const char *folder, *cert, *key;
    bool shared; /* the port: with servers that come before and after this one */
    bool log;    /* what was done, on stderr */
} site;

/* What /state tells. */
static int cancelled;
static char closed_with[16];

/* For who asks for /hold, until somebody asks for /release. */
static awl_event released;

#define HANDLER(name, ...)                                                                                             \
    co_declare(name, { awl_request *request; __extension__ struct __VA_ARGS__; });                                     \
    static awl_coro on_##name(awl_request *request, void *arg)                                                         \
    {                                                                                                                  \
        (void)arg;                                                                                                     \
        return co_call(name, .request = request);                                                                      \
    }                                                                                                                  \
    co_define(name)

HANDLER(events, { int i; char id[12]; })
{
    const char *last = awl_request_last_event_id(self->request);

    co_begin;
    self->i = last ? atoi(last) : 0;
    if (awl_respond_events(self->request, 0))
        co_return(0);
    while (self->i++ < 5) {
        snprintf(self->id, sizeof self->id, "%d", self->i);
        co_await(awl_respond_event(self->request, &(awl_http_event){ .id = self->id, .data = "line 1\nline 2" }));
        co_await(awl_sleep(10 * AWL_MS));
    }
    co_end;
}

/* Three events for each connection, with an order to come again soon; after nine, the order to stay away. */
HANDLER(feed, { int i, last; char id[12], data[80]; })
{
    const char *last = awl_request_last_event_id(self->request);

    co_begin;
    self->i = last ? atoi(last) : 0;
    self->last = self->i + 3;
    if (self->i >= 9) {
        awl_respond(self->request, 204, NULL, NULL, 0);
        co_return(0);
    }
    if (awl_respond_events(self->request, 0))
        co_return(0);
    co_await(awl_respond_event(self->request, &(awl_http_event){ .retry = 20 * AWL_MS }));
    while (self->i++ < self->last) {
        snprintf(self->id, sizeof self->id, "%d", self->i);
        snprintf(self->data, sizeof self->data, "line %d\n\nü \U0001f600", self->i);
        co_await(awl_respond_event(self->request,
                                   &(awl_http_event){ .event = "tick", .id = self->id, .data = self->data }));
    }
    co_end;
}

/* An event at once, and one when it is released. */
HANDLER(live, {})
{
    co_begin;
    if (awl_respond_events(self->request, 0))
        co_return(0);
    co_await(awl_respond_event(self->request, &(awl_http_event){ .data = "first" }));
    co_await(awl_event_wait(&released));
    awl_event_clear(&released);
    co_await(awl_respond_event(self->request, &(awl_http_event){ .data = "second" }));
    co_end;
}

/* Repeats messages, up to "close CODE REASON". With ?ping=MS, who is silent has to answer pings. */
HANDLER(repeat, { awl_websocket *ws; awl_websocket_message m; int kind, code; awl_websocket_options options; })
{
    const char *ping = awl_request_query(self->request, "ping");
    char *reason;

    co_begin;
    self->options = (awl_websocket_options){ .protocols = "repeat", .limit = 4 << 20 };
    if (ping)
        self->options.ping = atoi(ping) * AWL_MS;
    co_let(self->ws, awl_websocket_accept(self->request, &self->options));
    if (!self->ws)
        co_return(0);
    for (;;) {
        co_let(self->kind, awl_websocket_receive(self->ws, &self->m));
        if (self->kind == AWL_WEBSOCKET_CLOSED)
            break;
        if (self->kind == AWL_WEBSOCKET_TEXT && !strncmp(self->m.data, "close ", 6)) {
            self->code = (int)strtol(self->m.data + 6, &reason, 10);
            co_await(awl_websocket_end(self->ws, self->code, reason + strspn(reason, " ")));
            break;
        }
        co_await(awl_websocket_send(self->ws, (enum awl_websocket_kind)self->kind, self->m.data, self->m.len));
    }
    snprintf(closed_with, sizeof closed_with, "%d %s", awl_websocket_close_code(self->ws),
             awl_websocket_close_reason(self->ws));
    co_finally;
    awl_websocket_close(self->ws);
    co_end;
}

/* Says the parts of an upload, and how long each is. */
HANDLER(upload, { awl_multipart *m; bool more; int64_t n, all; char buf[16384], text[1000]; })
{
    co_begin;
    self->m = awl_request_multipart(self->request);
    if (!self->m)
        co_raise(errno);
    for (;;) {
        co_let(self->more, awl_multipart_next(self->m));
        if (!self->more)
            break;
        for (self->all = 0;; self->all += self->n) {
            co_let(self->n, awl_multipart_read(self->m, self->buf, sizeof self->buf));
            if (!self->n)
                break;
        }
        snprintf(self->text + strlen(self->text), sizeof self->text - strlen(self->text), "%s %s %d;",
                 awl_multipart_name(self->m), awl_multipart_filename(self->m) ? awl_multipart_filename(self->m) : "-",
                 (int)self->all);
    }
    awl_respond_text(self->request, 200, "text/plain", self->text);
    co_end;
}

HANDLER(cookie, {})
{
    const char *visits = awl_request_cookie(self->request, "visits");
    char text[12];

    co_begin;
    snprintf(text, sizeof text, "%d", (visits ? atoi(visits) : 0) + 1);
    awl_respond_cookie(self->request, "visits", text, NULL);
    awl_respond_text(self->request, 200, "text/plain", text);
    co_end;
}

HANDLER(secret, {})
{
    co_begin;
    if (awl_request_is_user(self->request, "me", "pass:word"))
        awl_respond_text(self->request, 200, "text/plain", "come in");
    else
        awl_respond_unauthorized(self->request, "here");
    co_end;
}

/* Sends back what comes, as it comes; whatever the method is. */
HANDLER(echo, { char block[16384]; int64_t n; })
{
    const char *type = awl_request_field(self->request, "Content-Type");

    co_begin;
    awl_respond_field(self->request, "X-Method", awl_request_method(self->request));
    awl_respond_begin(self->request, 200, type ? type : "application/octet-stream", awl_request_length(self->request));
    do {
        co_let(self->n, awl_request_read(self->request, self->block, sizeof self->block));
        co_await(awl_respond_write(self->request, self->block, (size_t)self->n));
    } while (self->n);
    co_end;
}

/* Says how much has come; with ?keep, it is in the folder then, as "kept". */
HANDLER(count, { char block[16384]; int64_t n, all; FILE *kept; })
{
    char name[1000];

    co_begin;
    if (awl_request_query(self->request, "keep")) {
        snprintf(name, sizeof name, "%s/kept", site.folder);
        self->kept = fopen(name, "wb");
    }
    do {
        co_let(self->n, awl_request_read(self->request, self->block, sizeof self->block));
        if (self->kept)
            fwrite(self->block, 1, (size_t)self->n, self->kept);
        self->all += self->n;
    } while (self->n);
    if (self->kept)
        fclose(self->kept);
    self->kept = NULL;
    awl_respond_print(self->request, 200, "text/plain", "%lld", (long long)self->all);
    co_finally;
    if (self->kept)
        fclose(self->kept);
    co_end;
}

/* So many lines, each in a chunk of its own, 10 ms apart. */
HANDLER(ticks, { int i, n; char line[32]; })
{
    co_begin;
    self->n = atoi(awl_request_param(self->request, "n"));
    awl_respond_begin(self->request, 200, "text/plain", -1);
    for (; self->i < self->n; self->i++) {
        snprintf(self->line, sizeof self->line, "tick %d\n", self->i);
        co_await(awl_respond_write(self->request, self->line, strlen(self->line)));
        co_await(awl_sleep(10 * AWL_MS));
    }
    co_end;
}

HANDLER(form, {})
{
    co_begin;
    co_await(awl_request_form(self->request));
    awl_respond_print(self->request, 200, "text/plain; charset=utf-8", "%s;%s",
                      awl_request_form_value(self->request, "a"), awl_request_form_value(self->request, "b"));
    co_end;
}

/* Takes so many milliseconds, and says which process has done it. */
HANDLER(slow, {})
{
    co_begin;
    co_await(awl_sleep(atoi(awl_request_param(self->request, "ms")) * AWL_MS));
    awl_respond_print(self->request, 200, "text/plain", "done by %d\n", (int)getpid());
    co_finally;
    cancelled += co_failing == ECANCELED;
    co_end;
}

HANDLER(hold, {})
{
    co_begin;
    co_await(awl_event_wait(&released));
    awl_respond(self->request, 204, NULL, NULL, 0);
    co_end;
}

HANDLER(release, {})
{
    co_begin;
    awl_event_set(&released);
    awl_respond(self->request, 204, NULL, NULL, 0);
    co_end;
}

/* Open descriptors, bytes that the loop has handed out, handlers that were cancelled, the last close code that a client sent. */
HANDLER(state, {})
{
    awl_loop_stats stats = { 0 };
    DIR *open = opendir("/proc/self/fd");
    int n = -3; /* ".", "..", and this folder */

    co_begin;
    awl_loop_get_stats(NULL, &stats);
    while (open && readdir(open))
        n++;
    if (open)
        closedir(open);
    awl_respond_print(self->request, 200, "application/json",
                      "{\"descriptors\": %d, \"bytes\": %zu, \"cancelled\": %d, \"closed\": \"%s\"}\n", n,
                      stats.memory_used, cancelled, closed_with);
    co_end;
}

/* The log of what was done, for who counts: "GET /path 200 127.0.0.1:PORT". */
static void on_access(void *arg, const awl_request *request, int status, uint64_t bytes, awl_time took)
{
    char client[AWL_ADDRESS_TEXT];

    (void)arg, (void)bytes, (void)took;
    fprintf(stderr, "%s %s %d %s\n", awl_request_method(request), awl_request_target(request), status,
            awl_stream_peer(awl_request_stream(request), client, sizeof client));
}

static int set_tls(awl_stream_options *options)
{
#ifdef SITE_TLS
    if (site.cert)
        options->tls = awl_tls_server(&(awl_tls_options){ .cert_file = site.cert, .key_file = site.key });
    return options->tls ? awl_tls_error(options->tls) : 0;
#else
    (void)options;
    return site.cert ? EPROTONOSUPPORT : 0;
#endif
}

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    static const struct {
        const char *method, *pattern;
        awl_http_handler *handler;
    } routes[] = {
        { "GET", "/events", on_events },    { "GET", "/feed", on_feed },          { "GET", "/ws", on_repeat },
        { "POST", "/upload", on_upload },   { "GET", "/cookie", on_cookie },      { "GET", "/secret", on_secret },
        { "*", "/echo", on_echo },          { "*", "/count", on_count },          { "GET", "/ticks/{n}", on_ticks },
        { "POST", "/form", on_form },       { "*", "/slow/{ms}", on_slow },       { "GET", "/hold", on_hold },
        { "POST", "/release", on_release }, { "GET", "/state", on_state },
        { "GET", "/live", on_live },
    };
    int error = awl_http_static(app, "/files", site.folder, &(awl_http_static_options){ .listing = true });

    (void)arg;
    for (size_t i = 0; !error && i < sizeof routes / sizeof *routes; i++)
        error = awl_http_route(app, routes[i].method, routes[i].pattern, routes[i].handler, NULL);
    awl_event_init(&released);
    if (site.log)
        awl_http_on_access(app, on_access, NULL);
    if (site.shared)
        options->reuse_port = true;
    return error ? error : set_tls(options);
}

static void listening(int port, void *arg)
{
    (void)arg;
    printf("%d\n", port);
    fflush(stdout);
}

/* The port, or -1: no such option. Times are in milliseconds. */
static int parse(awl_http_run_options *run, int argc, char **argv)
{
    static const struct option options[] = {
        { "workers", 1, NULL, 'w' },     { "port", 1, NULL, 'p' }, { "cert", 1, NULL, 'c' }, { "key", 1, NULL, 'k' },
        { "shared", 0, NULL, 's' },      { "most", 1, NULL, 'm' }, { "head", 1, NULL, 'H' }, { "body", 1, NULL, 'B' },
        { "write", 1, NULL, 'W' },       { "idle", 1, NULL, 'I' }, { "bytes", 1, NULL, 'b' }, { "cancel", 0, NULL, 'x' },
        { "log", 0, NULL, 'l' },         { 0 },
    };
    int port = 0;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (c) {
        case 'w': run->workers = atoi(optarg); break;
        case 'p': port = atoi(optarg); break;
        case 'c': site.cert = optarg; break;
        case 'k': site.key = optarg; break;
        case 's': site.shared = true; break;
        case 'm': run->app.max_connections = (size_t)atoi(optarg); break;
        case 'H': run->app.head_timeout = atoi(optarg) * AWL_MS; break;
        case 'B': run->app.body_timeout = atoi(optarg) * AWL_MS; break;
        case 'W': run->app.write_timeout = atoi(optarg) * AWL_MS; break;
        case 'I': run->app.idle_timeout = atoi(optarg) * AWL_MS; break;
        case 'b': run->app.upload_limit = (size_t)atoi(optarg); break;
        case 'x': run->app.cancel_on_disconnect = true; break;
        case 'l': site.log = true; break;
        default: return -1;
        }
    site.folder = optind < argc ? argv[optind] : ".";
    return port;
}

int main(int argc, char **argv)
{
    awl_http_run_options options = { .app.upload_limit = 100 << 20, .listening = listening };
    const int port = parse(&options, argc, argv);

    return port < 0 || awl_http_run("127.0.0.1", port, setup, NULL, &options) != 0;
}
