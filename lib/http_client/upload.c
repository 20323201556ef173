/* Bodies that go out while the response is waited for; see awl/http_client.h. */
#include <errno.h>
#include <string.h>

#include "http_client_priv.h"

enum {
    AT_ONCE = 65536, /* bytes of a body in memory that go with the head, or in one piece */
};

/* RFC 9110, 10.1.1: nobody waits for ever for the 100. */
static const awl_time patience = 1 * AWL_SECOND;

bool awl__expects(const awl__exchange *x)
{
    return x->options->expect && !x->not_expecting && (x->upload || x->body_size);
}

bool awl__uploads(const awl__exchange *x) { return x->upload || x->body_size > AT_ONCE || awl__expects(x); }

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* Piece by piece, each when there is room for it, so that no more than that is ever copied. */
co_def(upload_write, { awl_http_upload *up; const char *data; size_t len, n; int rc; })
{
    co_begin;
    if (!self->up || (!self->data && self->len))
        co_raise(awl__http_invalid("a NULL for an upload, or for its data"));
    for (; self->len; self->data += self->n, self->len -= self->n) {
        self->n = self->len < AT_ONCE ? self->len : AT_ONCE;
        self->rc = awl__body_write(&self->up->body, self->up->s, self->data, self->n);
        if (self->rc)
            co_raise(self->rc);
        co_await(awl_stream_drain(self->up->s));
        if (self->up->stall)
            awl_timeout_reschedule(self->up->stall, self->up->x->timeouts.read);
    }
    co_end;
}

awl_coro awl_upload_write(awl_http_upload *upload, const void *data, size_t len)
{
    return co_call(upload_write, .up = upload, .data = data, .len = len);
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

co_def(upload_run, { awl_http_upload *up; int rc; })
{
    co_begin;
    if (self->up->expects) {
        co_try(self->rc, awl_wait_for(awl_event_wait(&self->up->go), patience));
        if (self->rc && self->rc != ETIMEDOUT)
            co_raise(self->rc);
    }
    if (self->up->x->upload)
        co_try(self->rc, self->up->x->upload(self->up, self->up->x->options->upload_arg));
    else
        co_try(self->rc, awl_upload_write(self->up, self->up->x->body, (size_t)self->up->x->body_size));
    if (!self->rc)
        self->rc = awl__body_end(&self->up->body, self->up->s);
    self->up->done = !self->rc;
    if (self->rc && self->rc != awl_stream_error(self->up->s))
        co_raise(self->rc);
    if (self->up->stall)
        awl_timeout_reschedule(self->up->stall, self->up->x->timeouts.read);
    co_end;
}

awl_coro awl__upload_run(awl_http_upload *up) { return co_call(upload_run, .up = up); }
