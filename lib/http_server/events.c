/* Server-sent events; see awl/http_server.h. The form is that of the HTML standard, section 9.2. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "http_server_priv.h"

enum { KEEP_ALIVE = 15 }; /* seconds, as the standard suggests */

/* Lives in the request's memory. */
typedef struct awl__events {
    awl_handle timer;
    awl_request *request;
    awl_time every;
    awl_time last;        /* when something was sent */
    awl_time stuck_since; /* AWL_FOREVER: what is unsent moves */
    uint32_t moved;
} awl__events;

/* ---- Comments that keep the connection alive --------------------------------------------------------------------- */

/* Whether the client has taken nothing, though there was something, for longer than it is given. */
static bool is_stuck(awl__events *events)
{
    const awl_request *request = events->request;
    const awl_time now = request->app->loop->now;

    if (!request->s->gate.unsent_ || request->s->moved != events->moved) {
        events->stuck_since = AWL_FOREVER;
        events->moved = request->s->moved;
        return false;
    }
    if (events->stuck_since == AWL_FOREVER)
        events->stuck_since = now;
    return now - events->stuck_since >= request->app->options.write_timeout;
}

static void tick(void *arg)
{
    awl__events *events = arg;
    awl_request *request = events->request;
    awl_loop *loop = request->app->loop;

    if (request->s->error || request->out.ended)
        return;
    if (is_stuck(events)) {
        awl__stream_fail(request->s, ETIMEDOUT);
        return;
    }
    if (loop->now - events->last >= events->every) {
        if (!request->s->gate.paused_ && awl__body_write(&request->out, request->s, ":\n\n", 3))
            return;
        events->last = loop->now;
    }
    awl_call_later(loop, &events->timer, events->every - (loop->now - events->last), tick, events);
}

void awl__events_stop(awl__events *events)
{
    if (events)
        awl_handle_cancel(&events->timer);
}

/* The end of the stream is the end of a whole response: the client comes again, to who serves then. */
static void end_stream(void *arg)
{
    awl_request *request = arg;

    if (request->out.ended || request->s->error)
        return;
    (void)awl_respond_end(request);
    request->events_over = true;
    awl__events_stop(request->events);
    awl__stream_wake(request->s->watchers, 0); /* awl_request_disconnected */
}

int awl_respond_events(awl_request *request, awl_time keep_alive)
{
    awl__events *events;
    int error;

    if (!request || keep_alive < 0)
        return awl__respond_refuse(request, EINVAL, "a stream of events is kept alive after a negative time");
    if (request->status)
        return awl__respond_already(request);
    events = awl_request_alloc(request, sizeof *events);
    if (!events)
        return ENOMEM;
    error = awl_respond_field(request, "Cache-Control", "no-store");
    if (!error)
        error = awl_respond_field(request, "X-Accel-Buffering", "no"); /* to nginx, and others that have it from there */
    if (!error)
        error = awl_respond_begin(request, 200, "text/event-stream", -1);
    if (error)
        return error;
    *events = (awl__events){ .request = request, .last = request->app->loop->now, .stuck_since = AWL_FOREVER };
    events->every = keep_alive ? keep_alive : KEEP_ALIVE * AWL_SECOND;
    events->moved = request->s->moved;
    request->events = events;
    if (request->is_head)
        return awl_respond_end(request); /* which is all that it wants to know */
    if (events->every != AWL_FOREVER)
        awl_call_later(NULL, &events->timer, events->every, tick, events);
    awl__request_on_stop(request, end_stream, request);
    return 0;
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static bool is_line(const char *text) { return !text || !strpbrk(text, "\r\n"); }

/* Each line of the data is one of the event's: what ends a line is LF, CR LF or CR. */
static void put_data(awl__http_out *out, const char *data)
{
    for (;;) {
        const size_t n = strcspn(data, "\r\n");

        awl__http_out_text(out, "data: ", 6);
        awl__http_out_text(out, data, n);
        awl__http_out_text(out, "\n", 1);
        data += n;
        if (!*data)
            return;
        data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
    }
}

static void put_event(awl__http_out *out, const awl_http_event *event)
{
    if (event->event)
        awl__http_out_print(out, "event: %s\n", event->event);
    if (event->id)
        awl__http_out_print(out, "id: %s\n", event->id);
    if (event->retry > 0)
        awl__http_out_print(out, "retry: %" PRId64 "\n", (int64_t)(event->retry / AWL_MS));
    if (event->data)
        put_data(out, event->data);
    awl__http_out_text(out, "\n", 1);
}

co_def(respond_event, { awl_request *request; awl_http_event event; awl__http_out out; })
{
    co_begin;
    if (!self->request || !self->request->events)
        co_raise(awl__respond_refuse(self->request, EINVAL, "awl_respond_event comes before awl_respond_events"));
    if (!is_line(self->event.event) || !is_line(self->event.id))
        co_raise(awl__respond_refuse(self->request, EINVAL, "the type or the id of an event has more than one line"));
    if (self->request->is_head)
        co_raise(awl__request_refuse(self->request, 500, EPIPE));
    self->out.loop = self->request->app->loop;
    put_event(&self->out, &self->event);
    if (self->out.error)
        co_raise(self->out.error);
    self->request->events->last = self->request->app->loop->now;
    co_await(awl_respond_write(self->request, self->out.at, self->out.len));
    co_finally;
    awl__http_out_free(&self->out);
    co_end;
}

awl_coro awl_respond_event(awl_request *request, const awl_http_event *event)
{
    return co_call(respond_event, .request = event ? request : NULL,
                   .event = event ? *event : (awl_http_event){ .data = NULL });
}

const char *awl_request_last_event_id(const awl_request *request)
{
    return awl_request_field(request, "last-event-id");
}
