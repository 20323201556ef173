/*
 * awl/http_run.h: programs that are HTTP servers: start, serve, end gracefully; in several processes.
 * SPDX-License-Identifier: MIT
 *
 *     #include <awl.h>
 *     #include <stdio.h>
 *
 *     co_def(hello, { awl_request *request; })
 *     {
 *         co_begin;
 *         awl_respond_text(self->request, 200, "text/plain", "Hello\n");
 *         co_end;
 *     }
 *
 *     static awl_coro on_hello(awl_request *request, void *arg) { return co_call(hello, .request = request); }
 *     static void listening(int port, void *arg) { printf("listening on port %d\n", port); }
 *
 *     static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
 *     {
 *         return awl_http_route(app, "GET", "/", on_hello, NULL);
 *     }
 *
 *     int main(void)
 *     {
 *         return awl_http_run("127.0.0.1", 8080, setup, NULL, &(awl_http_run_options){ .listening = listening });
 *     }
 */
#ifndef AWL_HTTP_RUN_H
#define AWL_HTTP_RUN_H

#include "awl/http_server.h"

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* Gives a new application its routes, within the loop that it will run in, and may change the options of its server. A
 * `tls` in these is released for it when the server has ended. Result: 0 or the error that the run ends with. */
typedef int awl_http_setup(awl_http_app *app, awl_stream_options *options, void *arg);

/* Zero is the default of every option. */
typedef struct awl_http_run_options {
    awl_http_app_options app;
    awl_stream_options stream;
    const awl_loop_options *loop; /* NULL: a loop's defaults */
    awl_time grace; /* that requests have to end, once the server is to; 30 s; negative: none */
    int workers;    /* processes that serve: 1; with more, this process only watches over them */
    void (*listening)(int port, void *arg); /* is told, with setup's `arg`, once connections are accepted */
} awl_http_run_options;

/*
 * Makes a loop and an application, and serves it until SIGINT or SIGTERM comes. Then it accepts nothing more, closes
 * WebSockets (1001) and ends streams of events, lets the requests that have begun come to their end, cancels those
 * that have not after `grace`, runs the clean-up hooks, and returns. A second signal cuts all connections at once.
 * One that comes before it serves cancels the start-up hooks. It prints nothing but what a loop reports.
 *
 * WORKERS are processes that share the port (SO_REUSEPORT); the kernel deals the connections out. `setup` is called in
 * each of them. One that ends is replaced, at most once a second, and that is reported as by a loop. When this process
 * gets SIGINT or SIGTERM it passes SIGTERM on, and waits for all; one that does not end within `grace` and 10 s more is
 * killed. They end with this process, however that ends.
 *
 * RESTARTS without a gap: with `stream.reuse_port` a new program can listen on the port before the old one gets SIGTERM.
 * What has arrived on connections that were accepted is answered. A client, or a proxy, that sends a request into an idle
 * connection just when that ends has to send it again, as RFC 9112, 9.3.1 has it.
 *
 *   host, port   as awl_start_server
 *   setup, arg   see above
 *   options      may be NULL
 * Result   0: after a signal; ECANCELED: the loop's main task was cancelled otherwise; an error of setup, of a start-up
 *          or clean-up hook, of awl_http_serve; ENOMEM, EMFILE; EBUSY within a running loop; EINVAL. With workers: that
 *          of the first of them that could not begin to serve.
 * Context  blocks. The two signals have handlers of awl's until it returns, and are not blocked in this thread. With
 *          workers they and SIGCHLD are blocked in it instead. With workers there must be no other threads when it is called, and what
 *          is done with SIGCHLD is the default until it returns.
 * Source   aiohttp.web.run_app; test/http/test_run.c
 */
int awl_http_run(const char *host, int port, awl_http_setup *setup, void *arg, const awl_http_run_options *options);

#endif
