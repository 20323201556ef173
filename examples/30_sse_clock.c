/*
 * A clock in the browser: the server sends an event each second.
 *
 * Shows    awl_respond_events, awl_respond_event, awl_request_last_event_id, cancel_on_disconnect.
 * Build    cc 30_sse_clock.c $(pkg-config --cflags --libs awl), or: ninja examples/30_sse_clock
 * Prints   listening on http://127.0.0.1:PORT       Open that; or   curl -N http://127.0.0.1:PORT/time
 *          id: 1
 *          data: 12:34:56
 *
 *     async def time(request):
 *         async with sse_response(request) as response:
 *             while True:
 *                 await response.send(datetime.now().strftime("%H:%M:%S"))
 *                 await asyncio.sleep(1)
 */
#include <awl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char page[] = "<!DOCTYPE html><title>Clock</title><h1 id=time>…</h1><script>\n"
                           "new EventSource('/time').onmessage = e => document.all.time.textContent = e.data\n"
                           "</script>\n";

co_def(index_page, { awl_request *request; })
{
    co_begin;
    awl_respond_text(self->request, 200, "text/html; charset=utf-8", page);
    co_end;
}

/* Counts on from where the client was when it lost the connection. */
co_def(clock_events, { awl_request *request; unsigned n; char id[12], text[16]; })
{
    const char *last = awl_request_last_event_id(self->request);
    time_t now;

    co_begin;
    self->n = last ? (unsigned)strtoul(last, NULL, 10) : 0;
    if (awl_respond_events(self->request, 0))
        co_return(0);
    for (;;) {
        now = time(NULL);
        strftime(self->text, sizeof self->text, "%H:%M:%S", localtime(&now));
        snprintf(self->id, sizeof self->id, "%u", ++self->n);
        co_await(awl_respond_event(self->request, &(awl_http_event){ .id = self->id, .data = self->text }));
        co_await(awl_sleep(AWL_SECOND));
    }
    co_end;
}

static awl_coro on_index(awl_request *request, void *arg) { return (void)arg, co_call(index_page, .request = request); }
static awl_coro on_time(awl_request *request, void *arg)
{
    return (void)arg, co_call(clock_events, .request = request);
}

static int setup(awl_http_app *app, awl_stream_options *options, void *arg)
{
    const int error = awl_http_route(app, "GET", "/", on_index, NULL);

    (void)options, (void)arg;
    return error ? error : awl_http_route(app, "GET", "/time", on_time, NULL);
}

static void listening(int port, void *arg)
{
    (void)arg;
    printf("listening on http://127.0.0.1:%d\n", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const awl_http_run_options options = { .app.cancel_on_disconnect = true, .grace = -1, .listening = listening };
    const int port = argc == 3 && !strcmp(argv[1], "--port") ? atoi(argv[2]) : 0;

    return awl_http_run("127.0.0.1", port, setup, NULL, &options) != 0;
}
