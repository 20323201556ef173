/* Clients that go away while their request is being handled; see awl/http_server.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>

#include "http_server_priv.h"

/* The kernel knows, whatever lies in front of the end that has not been read. */
bool awl__request_is_gone(const awl_request *request)
{
    const awl_stream *s = request->s;
    struct pollfd p = { .fd = s->io.fd, .events = POLLRDHUP };

    if (s->error || s->closing || s->in.eof_)
        return true;
    return s->io.fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* Nothing is asked of the kernel but when it has told of a change. */
co_def(disconnected, { awl_request *request; })
{
    co_begin;
    if (!self->request)
        co_raise(EINVAL);
    while (!self->request->events_over && !awl__request_is_gone(self->request))
        co_await(awl__stream_change(self->request->s));
    co_end;
}

awl_coro awl_request_disconnected(awl_request *request) { return co_call(disconnected, .request = request); }
